"""Verification of a round (谈判记录核验): chain, files, draws, counts, offers, final table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from drg.errors import DrgError
from drg.language import say
from drg.negotiate.round.act import Round
from drg.negotiate.round.close import final_table, final_weights
from drg.negotiate.round.folder import LEDGER
from drg.negotiate.round.offers import problem_of, settled_offer
from drg.negotiate.round.state import State, replay
from weights.negotiation.experts.panels import verify_panel
from weights.negotiation.experts.tally import tally
from weights.negotiation.record.ledger import Ledger
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


def verify(folder: str | PathLike[str], weights: str | PathLike[str] | None = None) -> Verification:
    """Check a round from its record on.

    Args:
        folder: the round.
        weights: a table that is said to be the final one; by default the round's own.

    Raises:
        DrgError: there is no record at all.
    """
    folder = Path(folder)
    chain = Ledger(folder / LEDGER).verify()
    first = Check("记录链", f"record, {chain.entries} entries chained by hash",
                  tuple(map(str, chain.faults)), chain.remarks)  # fmt: skip
    if first.faults:
        return Verification((first,))
    try:
        round_ = Round(folder)
        state = round_.state
    except DrgError as error:
        second = Check("文件与回放", "files, and replay of the record", (str(error),))
        return Verification((first, second), chain.digest)
    checks = [first, Check("文件与回放", "files, and replay of the record")]
    checks += [_panels(round_, state), _decisions(round_, state), _offers(round_, state)]
    if state.closed is not None:
        checks.append(_final(round_, state, weights))
    return Verification(tuple(checks), chain.digest)


def _panels(round_: Round, state: State) -> Check:
    faults: list[str] = []
    roster = round_.files.roster
    cases = (
        round_.files.cases.to_pandas() if state.rules.interest_share is not None else None
    )  # fmt: skip
    for panel in state.panels.values():
        if roster is None:
            faults.append(f"{panel.id}: the round has no roster")
            continue
        verdict = verify_panel(panel, roster, state.proposals.values(), state.rules, cases=cases)
        faults += [f"{panel.id}: {fault}" for fault in verdict.faults]
    return Check("专家抽取", f"{len(state.panels)} panels drawn again", tuple(faults))


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
            faults.append(f"row {entry.seq + 1}: {one.id}: counted again it comes to "
                          f"{again.weight:g}, on record {entry.body['weight']:g}")  # fmt: skip
    return Check("表决统计", f"{made} decisions counted again", tuple(faults))


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
            faults.append(f"row {entry.seq + 1}: {entry.body['id']}: {error}")
            continue
        again = dict(zip(given.groups, map(float, found.weight), strict=True))
        said = f"row {entry.seq + 1}: {entry.body['id']}"
        faults += _differs(round_, entry.body, again, f"{said}: solved again")
    return Check("折中方案", f"{made} offers solved again", tuple(faults))


def _final(round_: Round, state: State, weights: str | PathLike[str] | None) -> Check:
    """The final table again from the record, and the file against it."""
    assert state.closed is not None
    faults = []
    before = replay(state.entries[:-1])
    found, _ = final_weights(before, round_, state.closed["decimals"])
    faults += _differs(round_, state.closed, found, "worked out again, of the final weights")
    path = Path(weights) if weights is not None else round_.folder / state.closed["file"]
    if path.is_file():
        table, own = open_weights(path), final_table(round_)
        if table.digest != own.digest:
            faults.append(f"{path.name}: is not the table that the round ended with")
        elif weights is None and not _same_file(path, own):
            faults.append(f"{path.name}: says the same weights, but something else was changed")
        said = table.record.get("ledger_digest")
        if said is not None and said != state.digest:
            faults.append(f"{path.name}: names another record: {said}")
    else:
        faults.append(f"{path.name}: is missing")
    return Check("最终权重", "final table worked out again from the record", tuple(faults))


def _differs(
    round_: Round, body: Mapping[str, Any], again: Mapping[str, float], said: str
) -> list[str]:
    """What is wrong with weights on record: their digest, or a weight that comes out otherwise."""
    on_record = {**round_.drafts, **{drg: float(w) for drg, w in body["changes"].items()}}
    if round_.digest_of(on_record) != body["weights_sha256"]:
        return [f"{said}: the digest on record is not that of the weights on record"]
    worst = max((abs(again[drg] - w) for drg, w in on_record.items() if w == w), default=0.0)
    return [f"{said}: a weight differs by {worst:g}"] if worst > _SAME else []


def _same_file(path: Path, table: WeightTable) -> bool:
    """Whether a file is what the table is written as."""
    with TemporaryDirectory() as folder:
        again = Path(folder) / path.name
        table.write(again)
        return again.read_bytes() == path.read_bytes()
