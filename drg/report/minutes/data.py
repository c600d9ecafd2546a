"""What the minutes tell (会议纪要数据): the record, the effect of the result, the experts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from budget.impact.tables import (
    group_table,
    hospital_table,
    insurance_table,
    pool_table,
    summary,
    tier_table,
    who_pays,
)
from budget.impact.weights import Impact
from drg.errors import problem
from drg.negotiate.round.state import State
from drg.page.small_cells import Mask, held_back
from drg.page.words import clean
from drg.report.minutes.small_cells import hidden_hospitals
from drg.report.minutes.words import PARTIES, MinutesWords
from weights.negotiation.experts.roster import Expert, Roster
from weights.negotiation.experts.tally import Decision
from weights.negotiation.proposals.proposal import Proposal
from weights.table import WeightTable

if TYPE_CHECKING:
    from drg.negotiate.round.act import Round

LEAST_CHANGE = 5e-7  # as a share; less is rounding


@dataclass(frozen=True)
class Minutes:
    """What minutes are made of.

    Attributes:
        state: the round as its record says.
        impact: what the result does: closed weights, the accepted offer, or what was decided.
        roster: the experts; None where the round has none.
    """

    state: State
    impact: Impact
    roster: Roster | None = None

    @cached_property
    def hospitals(self) -> pd.DataFrame:
        """Effect by hospital, with ``hidden``; the largest gain by share first."""
        frame = hospital_table(self.impact)
        frame["hidden"] = self._masks[0]
        return frame.sort_values(
            ["final_change_share", "hospital_id"], ascending=[False, True], ignore_index=True
        )

    @cached_property
    def tiers(self) -> pd.DataFrame:
        """Effect by tier, with ``hidden``."""
        frame = tier_table(self.impact)
        return frame.assign(hidden=[self._masks[1].get(int(tier), False) for tier in frame["tier"]])

    @cached_property
    def _masks(self) -> tuple[Mask, dict[int, bool]]:
        frame = hospital_table(self.impact)
        return hidden_hospitals(frame["cases"].to_numpy(np.float64),
                                frame["tier"].to_numpy(np.int64))  # fmt: skip

    @cached_property
    def insurances(self) -> pd.DataFrame:
        """Effect by insurance, with ``hidden``."""
        frame = insurance_table(self.impact)
        return frame.assign(hidden=held_back(frame["cases"].to_numpy(np.float64)))

    @cached_property
    def pools(self) -> pd.DataFrame:
        """Effect by pool, with ``hidden``."""
        frame, cells = pool_table(self.impact), self.impact.cells
        cases = cells.cases.sum(axis=1)
        counts = [float(cases[cells.pool == place].sum()) for place in range(len(frame))]
        return frame.assign(hidden=held_back(counts))

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Effect by group, with ``hidden``."""
        frame = group_table(self.impact)
        return frame.assign(hidden=held_back(frame["cases"].to_numpy(np.float64)))

    @cached_property
    def payers(self) -> pd.DataFrame:
        """Who gains and who pays, with ``hidden``."""
        frame, hidden = who_pays(self.impact), self.hidden
        shut = set(self.pools.loc[self.pools["hidden"], "pool"])
        return frame.assign(hidden=[
            str(key) in hidden if kind == "hospital" else key in shut
            for kind, key in zip(frame["kind"], frame["key"], strict=True)
        ])  # fmt: skip

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Hospitals of which no money is told."""
        held = self.hospitals
        return frozenset(map(str, held.loc[held["hidden"], "hospital_id"]))

    @cached_property
    def largest_loss(self) -> tuple[float, str]:
        """Largest share that a hospital loses of what DRG owes it, and the hospital's name."""
        told = self.hospitals[~self.hospitals["hidden"]]
        worst = told.sort_values(["payable_change_share", "hospital_id"]).iloc[:1]
        if worst.empty or not worst["payable_change_share"].iloc[0] < 0:
            return 0.0, ""
        share, key = worst["payable_change_share"].iloc[0], worst["hospital_id"].iloc[0]
        return -float(share), self.hospital(str(key))

    @cached_property
    def figures(self) -> dict[str, Any]:
        """The figures that are told first."""
        return summary(self.impact)

    @cached_property
    def weights(self) -> dict[str, tuple[float, float]]:
        """Group -> draft weight and final weight."""
        held = self.groups
        return {
            str(drg): (float(old), float(new))
            for drg, old, new in zip(held["drg"], held["weight_before"], held["weight_after"],
                                     strict=True)
        }  # fmt: skip

    @cached_property
    def _group_names(self) -> dict[str, str]:
        return dict(zip(self.impact.cells.groups, self.impact.cells.names, strict=True))

    @cached_property
    def _hospital_names(self) -> dict[str, str]:
        held = self.impact.cells.hospitals
        return {str(key): str(name) for key, name in zip(held.ids, held.names, strict=True)}

    def group(self, drg: str) -> str:
        """Name of a group."""
        return clean(self._group_names.get(drg, ""), 80)

    def hospital(self, hospital: str) -> str:
        """Name of a hospital; its id where none is known."""
        return clean(self._hospital_names.get(hospital, "")) or clean(hospital)

    def hospitals_named(self, text: str) -> str:
        """A text of the solver in which a hospital stands by its id, with its name instead."""
        for key in sorted(self._hospital_names, key=len, reverse=True):
            if text.startswith(key + " "):
                return self.hospital(key) + text[len(key) :]
        return text

    def expert(self, expert: str) -> Expert | None:
        """An expert of the roster."""
        return self.roster[expert] if self.roster is not None and expert in self.roster else None

    def expert_name(self, expert: str) -> str:
        """Name of an expert; the id where none is known."""
        found = self.expert(expert)
        return clean(found.name if found else expert)

    def proposer(self, one: Proposal, words: MinutesWords) -> str:
        """Who asks."""
        return self.hospital(one.hospital_id) if one.hospital_id else words.of(PARTIES[one.party])

    def decided(self, accepted: bool = True) -> dict[str, Decision]:
        """Decisions on proposals that were not withdrawn, accepted or not."""
        return {
            name: one for name, one in self.state.decisions.items()
            if name not in self.state.withdrawn and one.decided and one.accepted == accepted
        }  # fmt: skip

    @cached_property
    def undecided(self) -> list[str]:
        """Proposals that stand without a decision."""
        held = self.state.decisions
        return [name for name in self.state.open if name not in held or not held[name].decided]

    @property
    def scale(self) -> float:
        """What the weights were multiplied by of groups on which nothing was decided."""
        closed = self.state.closed
        return float(closed["scale"]) if closed is not None else self.impact.scale

    @cached_property
    def changed(self) -> dict[str, float]:
        """Group -> change of its weight as a share, of groups that were negotiated.

        By an offer that is every group for which a proposal stands; without one, those that a
        panel decided to change.
        """
        spoken = self.spoken if self.offer else {one.drg for one in self.decided().values()}
        return {drg: new / old - 1 for drg, (old, new) in self.weights.items()
                if drg in spoken and abs(new / old - 1) > LEAST_CHANGE}  # fmt: skip

    @cached_property
    def spoken(self) -> frozenset[str]:
        """Groups for which proposals stand that were not turned down."""
        decisions = self.state.decisions
        return frozenset(
            one.drg for name, one in self.state.open.items()
            if name not in decisions or not decisions[name].decided or decisions[name].accepted
        )  # fmt: skip

    @property
    def offer(self) -> Mapping[str, Any] | None:
        """The offer that was accepted."""
        return self.state.offers[self.state.accepted] if self.state.accepted else None


def collect(held: Round) -> Minutes:
    """What the minutes of a round tell.

    Raises:
        DrgError: the round's record or files are damaged, or its final weights are not the ones
            that its record names.
    """
    state = held.state
    if state.closed is None and state.accepted is None:
        return Minutes(state, held.impact(held.changes("decided")), held.files.roster)
    changes = state.closed["changes"] if state.closed is not None else held.changes("accepted")
    impact = held.impact(changes, neutral="none")
    if state.closed is not None:
        frame = pd.DataFrame({"drg": impact.cells.groups[:-1], "weight": impact.after.weight})
        found = WeightTable("final", frame).digest
        if found != state.closed["weights_sha256"]:
            raise problem("the final weights are not those on record", file=held.folder,
                          found=found, expected=str(state.closed["weights_sha256"]))  # fmt: skip
    return Minutes(state, impact, held.files.roster)
