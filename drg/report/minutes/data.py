"""What the minutes tell (会议纪要数据): the record, the effect of the result, the experts."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from budget.impact import tables
from budget.impact.weights import Impact, Outcome
from drg.errors import problem
from drg.negotiate.round.act import Round
from drg.negotiate.round.state import State
from drg.page.small_cells import Layer, Mask, held_back, hidden_hospitals
from drg.page.words import Words, clean
from drg.report.minutes.words import PARTIES, STATES
from weights.negotiation.experts.roster import Roster
from weights.negotiation.proposals.proposal import Proposal
from weights.table import WeightTable
from weights.table.moved import moved

OTHER = "other"  # nobody asked for the group
AGAINST = "against"  # a panel accepted what was asked, the weight moves the other way
_CODE = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]+(?![0-9A-Za-z])")


class Minutes:
    """What minutes are made of.

    Args:
        state: the round as its record says.
        impact: what the result does: closed weights, the accepted offer, or what was decided.
        roster: the experts; None where the round has none.

    Attributes:
        offer: the offer that was accepted, or None.
        decisions: those on proposals that were not withdrawn.
        scale: what the weights were multiplied by of groups on which nothing was decided.
        figures: those that are told first.
        hospitals: effect by hospital, the largest gain by share first; like those of tiers,
            insurances, pools, groups and payers with ``hidden`` for what is not told.
        told: those hospitals of which money is told; ``hidden`` are the ids of the others.
        groups: effect by group, with whether its weight ``moved``, and ``why``.
        drafts: draft weights by group.
        largest_loss: largest share that a hospital loses of what DRG owes it, and its name.
    """

    def __init__(self, state: State, impact: Impact, roster: Roster | None = None) -> None:
        self.state, self.impact, self.roster = state, impact, roster
        cells = impact.cells
        self._groups = dict(zip(cells.groups, cells.names, strict=True))
        self._hospitals = {str(key): str(name) for key, name in zip(
            cells.hospitals.ids, cells.hospitals.names, strict=True)}  # fmt: skip
        self.offer = state.offers[state.accepted] if state.accepted else None
        self.decisions = {k: one for k, one in state.decisions.items() if k in state.open}
        self.scale = float(state.closed["scale"]) if state.closed is not None else impact.scale
        self.figures = tables.summary(impact)
        frame = tables.hospital_table(impact)
        seen = cells.cases.sum(axis=(1, 2)) > 0
        layers = [_layer(one, seen) for one in (impact.before, impact.after)]
        mask, shut = hidden_hospitals(frame["cases"].to_numpy(np.float64),
                                      frame["tier"].to_numpy(np.int64), layers)  # fmt: skip
        self.hospitals = _tiers(frame).assign(
            hidden=mask, hospital=frame["hospital_id"].map(self.hospital)
        ).sort_values(["final_change_share", "hospital_id"], ascending=[False, True],
                      ignore_index=True)  # fmt: skip
        self.told = self.hospitals[~self.hospitals["hidden"]]
        self.hidden = frozenset(map(str, frame.loc[mask, "hospital_id"]))
        frame = tables.tier_table(impact)
        self.tiers = _tiers(frame).assign(hidden=[shut.get(int(t), False) for t in frame["tier"]])
        frame = tables.insurance_table(impact)
        self.insurances = frame.assign(hidden=held_back(frame["cases"]))
        frame, cases = tables.pool_table(impact), cells.cases.sum(axis=1)
        counts = [float(cases[cells.pool == place].sum()) for place in range(len(frame))]
        self.pools = frame.assign(hidden=held_back(counts))
        frame, dark = tables.who_pays(impact), {
            ("hospital", one) for one in self.hidden
        } | {("pool", one) for one in self.pools.loc[self.pools["hidden"], "pool"]}  # fmt: skip
        pairs = zip(frame["kind"], frame["key"].map(str), strict=True)
        self.payers = frame.assign(hidden=[pair in dark for pair in pairs])
        frame = tables.group_table(impact)
        asks = {p.drg: found for found in reversed(STATES) for p in self.with_outcome(found)}
        self.groups = frame.assign(
            name=frame["drg"].map(self.group), why=[asks.get(drg, OTHER) for drg in frame["drg"]],
            hidden=held_back(frame["cases"]),
            moved=moved(frame["weight_after"], frame["weight_before"]),
        )  # fmt: skip
        asked = pd.DataFrame([(p.drg, p.asked) for p in self.with_outcome("accepted")],
                             columns=["drg", "asked"]).groupby("drg")["asked"]  # fmt: skip
        low, high = (self.groups["drg"].map(one) for one in (asked.min(), asked.max()))
        old, new = self.groups["weight_before"], self.groups["weight_after"]
        against = ((new > old) & (high < old)) | ((new < old) & (low > old))
        self.groups.loc[against & self.groups["moved"], "why"] = AGAINST
        self.drafts = dict(zip(frame["drg"], frame["weight_before"], strict=True))
        worst = self.told.sort_values(["payable_change_share", "hospital_id"]).head(1)
        losses = zip(-worst["payable_change_share"], worst["hospital"], strict=True)
        self.largest_loss = next(((share, name) for share, name in losses if share > 0), (0.0, ""))

    def group(self, drg: str) -> str:
        """Name of a group."""
        return clean(self._groups.get(drg, ""), 80)

    def named(self, drg: str) -> str:
        """Code and name of a group."""
        return f"{clean(drg)} {self.group(drg)}".strip()

    def coded(self, text: object) -> str:
        """A text in which groups stand by their codes, with their names behind these."""
        return _CODE.sub(lambda m: self.named(m[0]) if m[0] in self._groups else m[0],
                         clean(text, 400))  # fmt: skip

    def hospital(self, hospital: object) -> str:
        """Name of a hospital; its id where none is known."""
        return clean(self._hospitals.get(str(hospital), "")) or clean(hospital)

    def about_hospital(self, text: str) -> tuple[str, str]:
        """A text that begins with a hospital's id or name: the hospital, and the text by name."""
        known = {one: key for key, name in self._hospitals.items() for one in (name, key)}
        for begins in sorted(known, key=len, reverse=True):
            if begins and text.startswith(f"{begins} "):
                return known[begins], self.hospital(known[begins]) + text[len(begins) :]
        return "", text

    def expert(self, expert: str) -> str:
        """Name of an expert; the id where none is known."""
        held = self.roster
        return clean(held[expert].name if held is not None and expert in held else expert)

    def proposer(self, one: Proposal, words: Words) -> str:
        """Who asks."""
        return self.hospital(one.hospital_id) if one.hospital_id else words.of(PARTIES[one.party])

    def outcome(self, proposal: str) -> str:
        """What became of a proposal, a key of :data:`STATES`."""
        decision = self.state.decisions.get(proposal)
        if proposal in self.state.withdrawn or decision is None or not decision.decided:
            return "withdrawn" if proposal in self.state.withdrawn else "open"
        return "accepted" if decision.accepted else "refused"

    def with_outcome(self, outcome: str) -> list[Proposal]:
        """The proposals with an outcome."""
        return [one for one in self.state.proposals.values() if self.outcome(one.id) == outcome]


def _layer(held: Outcome, seen: Mask) -> Layer:
    """What is owed to hospitals before the cut, and the cut's share, by pool."""
    owed = np.maximum((held.final + held.cut)[seen].astype(np.float64), 0.0)
    sums, cut = owed.sum(axis=0), held.cut.sum(axis=0)
    return Layer(owed, np.divide(cut, sums, out=np.zeros_like(sums), where=sums > 0))


def _tiers(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose hospitals without a tier have none."""
    return frame.assign(tier=pd.Series([int(t) or None for t in frame["tier"]], dtype=object))


def collect(held: Round) -> Minutes:
    """What the minutes of a round tell.

    Raises:
        DrgError: the round's record or files are damaged, or its final weights are not the ones
            that its record names.
    """
    state, closed = held.state, held.state.closed
    if closed is None and state.accepted is None:
        return Minutes(state, held.impact(held.changes("decided")), held.files.roster)
    changes = held.changes("accepted") if closed is None else closed["changes"]
    impact = held.impact(changes, neutral="none")
    if closed is not None:
        frame = pd.DataFrame({"drg": impact.cells.groups[:-1], "weight": impact.after.weight})
        found = WeightTable("final", frame).digest
        if found != closed["weights_sha256"]:
            raise problem("the final weights are not those on record", file=held.folder,
                          found=found, expected=str(closed["weights_sha256"]))  # fmt: skip
    return Minutes(state, impact, held.files.roster)
