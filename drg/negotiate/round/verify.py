"""Verification of a round (谈判记录核验): chain, files, draws, counts, offers, final table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

from drg.errors import DrgError
from drg.language import say
from drg.negotiate.round.act import Round
from drg.negotiate.round.close import final_table, final_weights
from drg.negotiate.round.folder import LEDGER
from drg.negotiate.round.offers import problem_of, settled_offer
from drg.negotiate.round.procedure import breaches_of, foreign
from drg.negotiate.round.receipt import held_against
from drg.negotiate.round.state import State, replay
from drg.provenance import hash_file
from drg.tables.held import scratch
from weights.negotiation.experts.panels import verify_panel
from weights.negotiation.experts.tally import tally
from weights.negotiation.record import clock
from weights.negotiation.record.ledger import Entry, Ledger
from weights.table import WeightTable, open_weights

_SAME = 1e-7  # another machine's solver may differ in the last digits


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        zh: what, in Chinese.
        en: what, in English.
        faults: what is wrong; none when it holds.
        remarks: what a reader may want to know.
    """

    zh: str
    en: str
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verification:
    """What a verification found.

    Attributes:
        checks: in order; after a broken record the rest is not looked at.
        digest: digest of the record, "" when it is broken.
    """

    checks: tuple[Check, ...]
    digest: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not any(check.faults for check in self.checks)

    def text(self) -> str:
        """One line a check, its faults below it."""
        lines = []
        for check in self.checks:
            word = say("有误", "FAULT") if check.faults else say("无误", "ok")
            lines.append(f"{word}  {say(check.zh, check.en)}")
            lines += [f"    {text}" for text in (*check.faults, *check.remarks)]
        return "\n".join(lines)


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
    first = Check(f"记录链，{chain.entries} 条记录以哈希相连",
                  f"record, {chain.entries} entries chained by hash",
                  (*map(str, chain.faults), *chain.back), chain.remarks)  # fmt: skip
    if chain.faults:
        return Verification((first,))
    try:
        round_ = Round(folder)
        state = round_.state
    except DrgError as error:
        second = Check("文件与记录回放", "files, and replay of the record", (str(error),))
        return Verification((first, second), chain.digest)
    checks = [first, Check("文件与记录回放", "files, and replay of the record")]
    checks += [_procedure(round_, state), *(_receipt(state, one) for one in receipts)]
    checks += [_panels(round_, state), _decisions(round_, state), _offers(round_, state)]
    if state.closed is not None:
        checks.append(_final(round_, state, weights))
        checks.append(_minutes(round_, state, minutes))
    return Verification(tuple(checks), chain.digest)


def _procedure(round_: Round, state: State) -> Check:
    """Every entry again as the procedure allows it, over what stood before it."""
    zh, en = "程序，逐条核对", "procedure, entry by entry"
    remarks = []
    if state.init.get("clock") == "given":
        remarks.append(say("时间为演练所设，非本机时钟",
                           "a rehearsal: its times were given, not the machine's"))  # fmt: skip
    if "procedure" not in state.init:
        remarks.append(say("立项于程序核对之前，不逐条核对",
                           "begun before the procedure was kept; not checked"))  # fmt: skip
        return Check(zh, en, (), tuple(remarks))
    faults, hospitals = list(breaches_of(state.entries)), set(round_.files.hospitals.ids)
    for entry in state.entries:
        if entry.kind == "proposal":
            try:
                foreign(entry.body, entry.actor, hospitals)
            except DrgError as error:
                faults.append(f"{_row(entry)}: {error}")
    if _ahead(state.entries[-1].at):
        faults.append(
            say(
                f"末条时间 {state.entries[-1].at} 晚于本机时钟",
                f"the last entry says {state.entries[-1].at}, which is to come",
            )
        )
    return Check(zh, en, tuple(faults), tuple(remarks))


def _ahead(at: str) -> bool:
    return datetime.fromisoformat(at) > datetime.fromisoformat(clock.now()) + clock.SKEW


def _receipt(state: State, given: str | PathLike[str]) -> Check:
    faults, said = held_against(state.entries, str(state.init["round"]), given)
    return Check(f"回执 {Path(given).name}", f"receipt {Path(given).name}", tuple(faults),
                 (said,) if said else ())  # fmt: skip


def _minutes(round_: Round, state: State, others: Sequence[str | PathLike[str]]) -> Check:
    """The minutes' files against the record; those of the folder by name, others by content."""
    faults, remarks = [], []
    for name, digest in state.minutes.items():
        path = round_.folder / name
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
        if again.to_body() != entry.body:
            found, held = f"{again.weight:g}", f"{entry.body['weight']:g}"
            faults.append(f"{_row(entry)}: {one.id}: " + say(
                f"重新计票为 {found}，记录为 {held}",
                f"counted again it comes to {found}, on record {held}",
            ))  # fmt: skip
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
    return Check(f"折中方案，重新求解 {made} 个", f"{made} offers solved again", tuple(faults))


def _final(round_: Round, state: State, weights: str | PathLike[str] | None) -> Check:
    """The final table again from the record, and the file against it."""
    assert state.closed is not None
    faults = []
    before = replay(state.until_close[:-1])
    found, _ = final_weights(before, round_, state.closed["decimals"])
    faults += _differs(round_, state.closed, found, say(
        "重新计算最终权重", "worked out again, of the final weights"))  # fmt: skip
    path = Path(weights) if weights is not None else round_.folder / state.closed["file"]
    if path.is_file():
        table, own = open_weights(path), final_table(round_)
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
    else:
        faults.append(say(f"{path.name}: 文件缺失", f"{path.name}: is missing"))
    return Check(
        "最终权重，按记录重新计算", "final table worked out again from the record", tuple(faults)
    )


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


def _row(entry: Entry) -> str:
    return say(f"第 {entry.seq + 1} 行", f"row {entry.seq + 1}")


def _same_file(path: Path, table: WeightTable) -> bool:
    """Whether a file is what the table is written as."""
    with scratch() as folder:
        again = folder / path.name
        table.write(again)
        return again.read_bytes() == path.read_bytes()
