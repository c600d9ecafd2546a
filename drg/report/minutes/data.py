"""What the minutes tell (会议纪要数据): the record, the effect of the result, the experts."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from budget.cases.claims import INSURANCES
from budget.impact import tables
from budget.impact.weights import Impact
from drg.errors import problem
from drg.negotiate.round.act import Round
from drg.negotiate.round.state import State
from drg.page.small_cells import Cube, few, told_first, untold
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
        cases: on which it all rests; those without an effect are not counted where they are few.
        small: groups of which cases and money are not told.
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
        rows, seen = int(state.init["cases"]["rows"]), int(cells.cases.sum())
        self.cases = seen if few(abs(rows - seen)) else rows
        frame = tables.hospital_table(impact)
        dark = untold(_cubes(impact))
        self.hospitals = told_first(_tiers(frame).assign(
            hidden=dark.rows(("hospital",), frame["hospital_id"]),
            hospital=frame["hospital_id"].map(self.hospital),
        ), "final_change_share", "hospital_id", ascending=False)  # fmt: skip
        self.told = self.hospitals[~self.hospitals["hidden"]]
        self.hidden = dark.of("hospital")
        frame = tables.tier_table(impact)
        self.tiers = _tiers(frame).assign(hidden=dark.rows(("tier",), frame["tier"]))
        frame = tables.insurance_table(impact)
        self.insurances = frame.assign(hidden=dark.rows(("insurance",), frame["insurance"]))
        frame = tables.pool_table(impact)
        self.pools = frame.assign(hidden=dark.rows(("pool",), frame["pool"]))
        frame = tables.who_pays(impact)
        self.payers = frame.assign(hidden=[dark.rows((kind,), [key])[0] for kind, key in zip(
            frame["kind"], frame["key"], strict=True)])  # fmt: skip
        frame = tables.group_table(impact)
        self.small = dark.of("drg")
        asks = {p.drg: found for found in reversed(STATES) for p in self.with_outcome(found)}
        self.groups = frame.assign(
            name=frame["drg"].map(self.group), why=[asks.get(drg, OTHER) for drg in frame["drg"]],
            hidden=dark.rows(("drg",), frame["drg"]),
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

    def hides(self, text: str) -> bool:
        """Whether a text names a hospital of which no figure is told."""
        names = {
            name for one in self.hidden for name in (one, self._hospitals.get(one, "")) if name
        }
        return any(re.search(rf"(?<![0-9A-Za-z]){re.escape(one)}(?![0-9A-Za-z])", text)
                   for one in names)  # fmt: skip

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


def _cubes(held: Impact) -> list[Cube]:
    """All that minutes tell of cases and money: hospitals, tiers, insurances, pools, groups."""
    cells, names = held.cells, [one.name for one in held.cells.settlement.money]
    ids, tiers = np.array(list(map(str, cells.hospitals.ids))), cells.hospitals.tier
    found, parts = [], {"before": held.before, "after": held.after}
    h, i = (one.ravel() for one in np.indices(cells.pool.shape))
    frame = pd.DataFrame({
        "hospital": ids[h], "tier": tiers[h], "insurance": np.array(INSURANCES)[i],
        "pool": [names[p] if p >= 0 else "" for p in cells.pool.ravel()],
        "cases": cells.cases.sum(axis=1).ravel(), "cost": cells.cost.sum(axis=1).ravel(),
    })  # fmt: skip
    found.append(Cube(frame, (("hospital",), ("tier",), ("insurance",), ("pool",), ()),
                      amounts=("cost",)))  # fmt: skip
    h, p = (one.ravel() for one in np.indices(held.before.final.shape))
    frame = pd.DataFrame({"hospital": ids[h], "tier": tiers[h], "pool": np.array(names)[p]})
    for name, one in parts.items():
        owed = np.maximum((one.final + one.cut).astype(np.float64), 0.0)
        sums, cut = owed.sum(axis=0), one.cut.sum(axis=0)
        rate = np.divide(cut, sums, out=np.zeros_like(sums), where=sums > 0)
        frame[f"owed {name}"], frame[f"rate {name}"] = owed.ravel(), rate[p]
        frame[f"payable {name}"] = one.payable.ravel()
    amounts = [f"{what} {name}" for what in ("owed", "payable") for name in parts]
    found.append(Cube(frame, (("hospital",), ("tier",), ("pool",), ()), (), amounts,
                      {f"owed {name}": f"rate {name}" for name in parts}))  # fmt: skip
    frame = pd.DataFrame({"insurance": INSURANCES} | {
        f"fund {name}": one.fund.sum(axis=(0, 1)) for name, one in parts.items()
    })  # fmt: skip
    funds = [f"fund {name}" for name in parts]
    found.append(Cube(frame, (("insurance",), ()), (), funds))
    known = np.isfinite(held.before.weight)
    frame = pd.DataFrame({"drg": [drg if there else "" for drg, there in zip(
        cells.groups, [*known, False], strict=True)]} | {"cases": cells.cases.sum(axis=(0, 2))} | {
        f"fund {name}": one.fund.sum(axis=(0, 2)) for name, one in parts.items()
    })  # fmt: skip
    found.append(Cube(frame, (("drg",), ()), amounts=funds))
    return found


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
