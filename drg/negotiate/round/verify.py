"""Verification of a round (谈判记录核验): chain, files, draws, counts, offers, final table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

from drg.documents import inside
from drg.errors import DrgError, show
from drg.language import say
from drg.negotiate.round.act import FINAL, Round
from drg.negotiate.round.close import breaches, final_table, final_weights
from drg.negotiate.round.folder import LEDGER
from drg.negotiate.round.offers import problem_of, settled_offer
from drg.negotiate.round.procedure import breaches_of
from drg.negotiate.round.state import MALFORMED, State, replay
from drg.provenance import hash_file, record_of
from drg.record import clock
from drg.record.ledger import Entry, Ledger
from drg.record.plain import plain
from drg.record.receipt import held_against
from drg.record.verdict import REPLAYED, Check, Verification, of_chain
from drg.tables.held import scratch
from weights.negotiation.experts.panels import verify_panel
from weights.negotiation.experts.tally import tally
from weights.negotiation.proposals.judge import judged_again, numbered
from weights.negotiation.proposals.proposal import Proposal
from weights.table import WeightTable, open_weights
from weights.table.model import record_text

_SAME = 1e-7  # another machine's solver may differ in the last digits
_LAST = 1e-8  # of what is paid: what the last digits of a weight come to


def verify(
    folder: str | PathLike[str], weights: str | PathLike[str] | None = None, *,
    receipts: Sequence[str | PathLike[str]] = (),
    minutes: Sequence[str | PathLike[str]] = (),
) -> Verification:  # fmt: skip
    """Check a round from its record on.

    Args:
        folder: the round.
        weights: a table that is said to be the final one; by default the round's own.
        receipts: receipts' files, or digests as they were printed.
        minutes: files that are said to be the minutes, beside those in the folder.

    Raises:
        DrgError: there is no record at all.
    """
    folder = Path(folder)
    chain = Ledger(folder / LEDGER).verify()
    first = of_chain(chain)
    if chain.faults:
        return Verification((first,))
    try:
        round_ = Round(folder)
        state = round_.state
    except DrgError as error:
        second = Check(*REPLAYED, (str(error),))
        return Verification((first, second), chain.digest)
    checks = [first, Check(*REPLAYED)]
    name = str(state.init["round"])
    checks += [_procedure(round_, state),
               *(held_against(state.entries, name, one) for one in receipts)]  # fmt: skip
    for look in (_proposals, _panels, _decisions, _impacts, _offers):
        checks.append(_sound(lambda look=look: look(round_, state)))  # type: ignore[misc]
    if state.closed is None:
        checks.append(_ended(round_, [*([] if weights is None else [weights]), *minutes]))
    else:
        checks.append(_sound(lambda: _final(round_, state, weights)))
        checks.append(_sound(lambda: _minutes(round_, state, minutes)))
    return Verification(tuple(checks), chain.digest)


def _sound(look: Callable[[], Check]) -> Check:
    """A look at entries; those that no program of this house wrote are its fault."""
    try:
        return look()
    except MALFORMED as error:
        fault = say(f"记录的内容缺失或类型不符：{error}",
                    f"an entry lacks a part, or has one of another kind: {error}")  # fmt: skip
        return Check("记录内容", "parts of the entries", (fault,))


def _procedure(round_: Round, state: State) -> Check:
    """Every entry again as the procedure allows it, over what stood before it."""
    remarks = []
    if state.init.get("clock") == "given":
        remarks.append(say("时间为演练所设，非本机时钟",
                           "a rehearsal: its times were given, not the machine's"))  # fmt: skip
    faults = list(breaches_of(state.entries, round_.files.hospital_names))
    if _ahead(state.entries[-1].at):
        faults.append(
            say(
                f"末条时间 {state.entries[-1].at} 晚于本机时钟",
                f"the last entry says {state.entries[-1].at}, which is to come",
            )
        )
    return Check("程序，逐条核对", "procedure, entry by entry", tuple(faults), tuple(remarks))


def _ahead(at: str) -> bool:
    return datetime.fromisoformat(at) > datetime.fromisoformat(clock.now()) + clock.SKEW


def _minutes(round_: Round, state: State, others: Sequence[str | PathLike[str]]) -> Check:
    """The minutes' files against the record; those of the folder by name, others by content."""
    faults, remarks = [], []
    for name, digest in state.minutes.items():
        path = inside(round_.folder, name, round_.folder / LEDGER, "minutes")
        if not path.is_file():
            remarks.append(say(f"{name}: 不在文件夹中", f"{name}: is not in the folder"))
        elif hash_file(path) != digest:
            faults.append(say(f"{name}: 与记录在案的纪要不同，已被改动",
                              f"{name}: is not the one on record, it was changed"))  # fmt: skip
    faults += [say(f"{path.name}: 未记录在案", f"{path.name}: is not on record")
               for path in sorted(round_.folder.glob("minutes*.*"))
               if path.name not in state.minutes]  # fmt: skip
    faults += [say(f"{one.name}: 不是记录在案的纪要",
                   f"{one.name}: is not among the minutes on record")
               for one in map(Path, others)
               if hash_file(one) not in state.minutes.values()]  # fmt: skip
    count = len(state.minutes)
    return Check(f"会议纪要，{count} 个文件在案", f"minutes, {count} files on record",
                 tuple(faults), tuple(remarks))  # fmt: skip


def _ended(round_: Round, given: Sequence[str | PathLike[str]]) -> Check:
    """A round that goes on has no final table and no minutes on record."""
    names = [path.name for path in (round_.folder / FINAL, *map(Path, given)) if path.is_file()]
    return Check("本轮谈判尚未结束", "the round is not closed", tuple(
        say(f"{name}: 记录中没有定案，该文件不是本轮的结果，或记录已被截断",
            f"{name}: the record has no end; the file is not what the round came to, or the record "
            "was cut back") for name in names))  # fmt: skip


def _proposals(round_: Round, state: State) -> Check:
    """Every proposal judged again from its own words."""
    faults = []
    context = round_.judging(State(state.init, state.rules))
    for place, entry in enumerate((one for one in state.entries if one.kind == "proposal"), 1):
        one = Proposal.from_body(entry.body)
        try:
            again = judged_again(replace(one, id=numbered(place)), context)
        except DrgError as error:
            faults.append(f"{_row(entry)}: {one.id}: {error}")
        else:
            faults += _off(entry, one.id, entry.body, plain(again.body()))
    return Check(f"申请，重新核对 {len(state.proposals)} 项",
                 f"{len(state.proposals)} proposals judged again", tuple(faults))  # fmt: skip


def _impacts(round_: Round, state: State) -> Check:
    """Every impact on record settled again at its weights."""
    faults = []
    made = [entry for entry in state.entries if entry.kind == "impact"]
    for entry in made:
        held = entry.body["summary"]
        try:
            again = plain(round_.told(entry.body["changes"])) | {"scale": held["scale"]}
        except (DrgError, KeyError) as error:
            faults.append(f"{_row(entry)}: {error}")
        else:
            faults += _off(entry, "impact", held, again, held["payable_before"])
            on_record = {**round_.drafts, **entry.body["changes"]}
            faults += _differs(round_, entry.body, on_record, f"{_row(entry)}: impact")
    return Check(f"影响测算，重新清算 {len(made)} 次",
                 f"{len(made)} impacts settled again", tuple(faults))  # fmt: skip


def _panels(round_: Round, state: State) -> Check:
    faults: list[str] = []
    roster = round_.files.roster
    cases = (
        round_.files.cases.to_pandas() if state.rules.interest_share is not None else None
    )  # fmt: skip
    for panel in state.panels.values():
        if roster is None:
            faults.append(say(f"{panel.id}: 本轮谈判没有专家库",
                              f"{panel.id}: the round has no roster"))  # fmt: skip
            continue
        verdict = verify_panel(panel, roster, state.proposals.values(), state.rules, cases=cases)
        faults += [f"{panel.id}: {fault}" for fault in verdict.faults]
    return Check(f"专家抽取，重新抽取 {len(state.panels)} 个专家组",
                 f"{len(state.panels)} panels drawn again", tuple(faults))  # fmt: skip


def _decisions(round_: Round, state: State) -> Check:
    """Every decision again from the votes that stood before it."""
    faults = []
    votes = 0
    made = 0
    for entry in state.entries:
        votes += entry.kind == "vote"
        if entry.kind != "decision":
            continue
        made += 1
        panel = state.panels[entry.body["panel"]]
        one = state.proposals[entry.body["proposal"]]
        again = tally(panel, state.votes[:votes], state.rules, one, round_.drafts[one.drg])
        faults += _off(entry, one.id, entry.body, plain(again.to_body()))
    return Check(
        f"表决统计，重新统计 {made} 项决定", f"{made} decisions counted again", tuple(faults)
    )


def _offers(round_: Round, state: State) -> Check:
    """Every offer solved again from what stood before it."""
    faults = []
    made = 0
    for place, entry in enumerate(state.entries):
        if entry.kind != "offer":
            continue
        made += 1
        before = replay(state.entries[:place])
        given = problem_of(before, round_.impacts, round_.files.weights)
        try:
            found = settled_offer(given, round_.impacts, entry.body["objective"]).offer
        except DrgError as error:
            faults.append(f"{_row(entry)}: {entry.body['id']}: {error}")
            continue
        again = dict(zip(given.groups, map(float, found.weight), strict=True))
        said = f"{_row(entry)}: {entry.body['id']}: {say('重新求解', 'solved again')}"
        faults += _differs(round_, entry.body, again, said)
        held, weight = entry.body, round_.impacts.vector(entry.body["changes"])
        met = given.satisfaction(weight)
        told = {
            "exact": round_.told(held["changes"]), "moved_yuan": given.moved(weight),
            "disagreement_yuan": given.disagreement(weight),
            "satisfaction": {ask.proposal: s for ask, s in zip(given.asks, met, strict=True)},
        }  # fmt: skip
        faults += _off(entry, held["id"], {name: held[name] for name in told}, plain(told),
                       held["exact"]["payable_before"])  # fmt: skip
    return Check(f"折中方案，重新求解 {made} 个", f"{made} offers solved again", tuple(faults))


def _final(round_: Round, state: State, weights: str | PathLike[str] | None) -> Check:
    """The final table again from the record, and the file against it."""
    assert state.closed is not None
    faults = []
    before = replay(state.until_close[:-1])
    end, held = state.until_close[-1], state.closed
    found, scale = final_weights(before, round_, held["decimals"])
    faults += _differs(round_, held, found, say(
        "重新计算最终权重", "worked out again, of the final weights"))  # fmt: skip
    broken = breaches(round_, {**round_.drafts, **held["changes"]})
    told = {"scale": scale, "breaches": [{"zh": zh, "en": en} for zh, en in broken]}
    faults += _off(end, "close", {name: held[name] for name in told}, told)
    if bool(broken) != bool(held["despite"]):
        faults.append(f"{_row(end)}: close: despite: {held['despite'] or say('无', 'none')}")
    home = round_.folder
    path = Path(weights) if weights is not None else inside(
        home, held["file"], home / LEDGER, "close.file")  # fmt: skip
    title = "最终权重，按记录重新计算", "final table worked out again from the record"
    if not path.is_file():
        faults.append(say(f"{path.name}: 文件缺失", f"{path.name}: is missing"))
        return Check(*title, tuple(faults))
    try:
        table = open_weights(path)
    except DrgError as error:
        return Check(*title, (*faults, str(error)))
    own = final_table(round_)
    if table.digest != own.digest:
        faults.append(say(
            f"{path.name}: 不是本轮谈判结束时的权重表",
            f"{path.name}: is not the table that the round ended with"))  # fmt: skip
    elif weights is None and not _same_file(path, own):
        faults.append(say(
            f"{path.name}: 权重相同，但其他内容有改动",
            f"{path.name}: says the same weights, but something else was changed"))  # fmt: skip
    said = table.record.get("ledger_digest")
    if said is not None and said != state.until_close[-1].digest:
        faults.append(say(f"{path.name}: 指向另一份记录：{said}",
                          f"{path.name}: names another record: {said}"))  # fmt: skip
    if weights is None and not _same_record(path, final_table(round_)):
        name = record_of(path).name
        faults.append(say(f"{name}: 与本轮的记录不同，已被改动或缺失",
                          f"{name}: is not what the round wrote, or is missing"))  # fmt: skip
    return Check(*title, tuple(faults))


def _differs(
    round_: Round, body: Mapping[str, Any], again: Mapping[str, float], said: str
) -> list[str]:
    """What is wrong with weights on record: their digest, or a weight that comes out otherwise."""
    on_record = {**round_.drafts, **{drg: float(w) for drg, w in body["changes"].items()}}
    if round_.digest_of(on_record) != body["weights_sha256"]:
        return [said + say(
            "：记录中的摘要与记录中的权重不符",
            ": the digest on record is not that of the weights on record",
        )]  # fmt: skip
    worst = max((abs(again[drg] - w) for drg, w in on_record.items() if w == w), default=0.0)
    off = say(f"：有权重相差 {worst:g}", f": a weight differs by {worst:g}")
    return [said + off] if worst > _SAME else []


def _off(
    entry: Entry, name: str, held: Any, again: Any, scale: float = 0.0
) -> list[str]:  # fmt: skip
    """What on record is not what comes out again, by the first part that differs.

    Args:
        entry: where it stands.
        name: what it is.
        held: what is on record.
        again: what comes out.
        scale: of the money in it, by which last digits are judged.
    """
    for key, one, other in _unlike(held, again, max(_SAME, scale * _LAST), ""):
        return [f"{_row(entry)}: {name}: {key}: " + say(
            f"重新计算为 {show(other)}，记录为 {show(one)}",
            f"worked out again it is {show(other)}, on record {show(one)}",
        )]  # fmt: skip
    return []


def _unlike(held: Any, again: Any, near: float, key: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(held, Mapping) and isinstance(again, Mapping):
        for name in dict.fromkeys([*held, *again]):
            yield from _unlike(held.get(name), again.get(name), near, f"{key}.{name}".lstrip("."))
    elif isinstance(held, int | float) and isinstance(again, int | float):
        whole = isinstance(held, int) and isinstance(again, int)
        if abs(held - again) > (0 if whole else max(near, _SAME * abs(again))):
            yield key, held, again
    elif held != again:
        yield key, held, again


def _row(entry: Entry) -> str:
    return say(f"第 {entry.seq + 1} 行", f"row {entry.seq + 1}")


def _same_record(path: Path, table: WeightTable) -> bool:
    """Whether the record beside a file is the one that is written with the table."""
    beside = record_of(path)
    return beside.is_file() and beside.read_text(encoding="utf-8") == record_text(table)


def _same_file(path: Path, table: WeightTable) -> bool:
    """Whether a file is what the table is written as."""
    with scratch() as folder:
        again = folder / path.name
        table.write(again)
        return again.read_bytes() == path.read_bytes()
