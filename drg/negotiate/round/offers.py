"""Offers of a round (折中方案): what the solver is asked, and what of its answer is on record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from budget.impact.weights import Impacts, Outcome
from drg.errors import DrgError
from drg.negotiate.round.state import State
from weights.negotiation.compromise.problem import Ask, Decided, Problem, spread_of
from weights.table import WeightTable
from weights.table.families import families
from weights.table.moved import settled

if TYPE_CHECKING:
    from weights.negotiation.compromise.offer import Offer

Floats = npt.NDArray[np.float64]
_INTERVAL = 2 * 1.96
_TURNS, _NEAR = 8, 1e-6
_FEN = 0.01


def problem_of(state: State, impacts: Impacts, table: WeightTable) -> Problem:
    """The draft, the asks and the demands of a round.

    What panels decided is a bound that must hold; where they accepted several proposals for one
    group, its weight lies between their decisions. Where all were turned down, the draft stays.
    """
    rules, groups = state.rules, impacts.groups
    place = {group: i for i, group in enumerate(groups)}
    draft = impacts.draft.weight
    bounds = np.array([rules.corridor(w) if np.isfinite(w) else (np.nan, np.nan) for w in draft])
    slopes = impacts.slopes()
    refused = {name for name, one in state.decisions.items() if one.decided and not one.accepted}
    asks = tuple(
        Ask(one.id, one.hospital_id or one.party, place[one.drg], one.asked,
            spread_of(one.asked, one.least, one.most))
        for name, one in state.open.items() if name not in refused
    )  # fmt: skip
    decided = tuple(
        Decided(place[drg], min(weights), max(weights), source)
        for drg, (weights, source) in _decisions(state).items()
    )
    return Problem(
        groups=groups, draft=draft, spread=_spread(table), volume=impacts.cases,
        value=slopes.sum(axis=0), asks=asks, low=bounds[:, 0], high=bounds[:, 1],
        frozen=np.isin(groups, rules.frozen), families=families(groups),
        equal=tuple(tuple(place[one] for one in pair) for pair in rules.equal), order=rules.order,
        effect=impacts.slopes(shared=True), revenue=impacts.draft.payable.sum(axis=1) / 100.0,
        hospitals=tuple(impacts.settled.hospitals.ids), largest_loss=rules.largest_loss,
        neutral=rules.neutral, decided=decided,
    )  # fmt: skip


@dataclass(frozen=True)
class Settled:
    """An offer that holds when the year is settled at its weights, not only along straight lines.

    Attributes:
        problem: the problem with what thresholds bend.
        offer: its answer.
        outcome: what the year comes to at its weights.
        turns: how often it was solved.
    """

    problem: Problem
    offer: Offer
    outcome: Outcome
    turns: int


def settled_offer(given: Problem, impacts: Impacts, objective: str) -> Settled:
    """Solve, settle the year at the answer, and solve again with what thresholds have bent.

    Along straight lines the budget is kept exactly; cases that cross a threshold bend them. What
    they bend is put into the demands, until the year settled anew keeps the budget and every
    hospital's limit, to a millionth of what is paid in all and of the hospital's own revenue, or
    no turn comes nearer; the nearest answer is taken, and its remarks say by how much it does not
    hold.

    Raises:
        DrgError: no weights satisfy all demands.
    """
    from weights.negotiation.compromise.offer import solve

    before = impacts.draft.payable
    by_pool = bool(impacts.draft.point_value)  # a pool that pays out its money keeps the budget
    best: tuple[float, Settled] | None = None
    problem = given
    for turn in range(1, _TURNS + 1):
        try:
            found = solve(problem, objective)
        except (DrgError, RuntimeError):  # with what is bent nothing is found
            if best is None:
                raise
            break
        offer = replace(found, weight=settled(found.weight, given.draft))
        outcome = impacts.outcome(offer.weight)
        gained = (outcome.payable - before).sum(axis=1) / 100.0
        straight = given.effect @ np.where(given.weighed, offer.weight - given.draft, 0.0)
        total = 0.0 if by_pool or given.neutral != "yuan" else float(gained.sum())
        beyond = _beyond(given, gained)
        off = abs(total) + float(beyond.sum())
        held = Settled(problem, offer, outcome, turn)
        if best is None or off < best[0]:
            best = off, held
        if abs(total) <= _NEAR * float(before.sum()) / 100.0 and not _told(given, beyond).any():
            break
        value = np.where(given.weighed, given.value * (offer.weight - given.draft), 0.0).sum()
        bent = 0.0 if by_pool else float(gained.sum()) - float(value)
        problem = replace(given, bend=gained - straight, bend_total=bent)
    assert best is not None
    held = best[1]
    short = tuple(_short(given, (held.outcome.payable - before).sum(axis=1) / 100.0,
                         0.0 if by_pool else _NEAR * float(before.sum()) / 100.0,
                         kept=given.neutral == "yuan" and not by_pool))  # fmt: skip
    return replace(held, offer=replace(held.offer, remarks=(*held.offer.remarks, *short)))


def _short(
    given: Problem, gained: Floats, near: float, *, kept: bool
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """What does not hold when the year is settled at an offer's weights; Chinese and English."""
    total = float(gained.sum())
    if kept and abs(total) > near:
        yield (f"按病例重新清算后，支付总额偏离 {total:+,.2f} 元",
               f"settled anew, what is paid in all is off by {total:+,.2f} yuan")  # fmt: skip
    beyond = _beyond(given, gained)
    for place in np.flatnonzero(_told(given, beyond)):
        name, yuan = given.hospitals[place], float(beyond[place])
        yield (f"按病例重新清算后，{name} 的损失超过限额 {yuan:,.2f} 元",
               f"settled anew, {name} loses {yuan:,.2f} yuan more than its limit")  # fmt: skip


def _beyond(given: Problem, gained: Floats) -> Floats:
    """Yuan by which each hospital loses more than the limit. (H,)."""
    if given.largest_loss is None:
        return np.zeros(len(given.hospitals))
    return np.maximum(-gained - given.largest_loss * given.revenue, 0.0)


def _told(given: Problem, beyond: Floats) -> npt.NDArray[np.bool_]:
    """Hospitals whose limit does not hold, by more than a fen and a millionth of its revenue."""
    return np.asarray(beyond > np.maximum(_NEAR * given.revenue, _FEN))


def _decisions(state: State) -> dict[str, tuple[list[float], str]]:
    """Weights that panels decided, by group, and the panels and proposals that they come from."""
    found: dict[str, tuple[list[float], str]] = {}
    for name, one in state.standing.items():
        weights, source = found.get(one.drg, ([], ""))
        found[one.drg] = [*weights, one.weight], f"{source}, {one.panel} {name}".lstrip(", ")
    return found


def _spread(table: WeightTable) -> Floats:
    """Standard errors of the draft by its intervals, NaN where it has none. Shape (G,)."""
    frame = table.frame
    if "ci_low" not in frame or "ci_high" not in frame:
        return np.full(len(frame), np.nan)
    return np.asarray((frame["ci_high"] - frame["ci_low"]).to_numpy(np.float64) / _INTERVAL)


def offer_body(
    name: str, given: Problem, found: Offer, changes: Mapping[str, float], digest: str
) -> dict[str, Any]:
    """An offer as it stands on record."""
    losses = found.loss_share(given)
    worst = int(np.argmax(losses)) if len(losses) else 0
    return {
        "id": name, "objective": found.objective, "weights_sha256": digest,
        "changes": dict(changes),
        "gap": found.gap, "excess": found.excess, "status": "optimal",
        "satisfaction": {
            ask.proposal: float(s) for ask, s in zip(given.asks, found.satisfaction, strict=True)
        },
        "disagreement_yuan": found.disagreement_yuan, "moved_yuan": found.moved_yuan,
        "largest_loss": {given.hospitals[worst]: float(losses[worst])} if len(losses) else {},
        "constraints": found.constraints.to_dict("records"), "solvers": list(found.solvers),
        "remarks": [{"zh": zh, "en": en} for zh, en in found.remarks],
    }  # fmt: skip
