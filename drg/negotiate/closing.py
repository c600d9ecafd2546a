"""The end of a round (谈判结果): the final weights, worked out from the record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from budget.terms import half_up
from drg.errors import problem
from drg.negotiate.state import State
from weights.table import WeightTable

if TYPE_CHECKING:
    from drg.negotiate.round import Round


def final_weights(
    state: State, round_: Round, decimals: int | None = None
) -> tuple[dict[str, float], float]:
    """All weights by group, and what those that nobody decided on were multiplied by.

    Args:
        state: the round's end.
        round_: the round.
        decimals: to which weights that change are rounded, halves up; None leaves them.

    Raises:
        DrgError: an open proposal is not decided, or there is nothing to end with.
    """
    found, scale = _unrounded(state, round_)
    if decimals is None:
        return found, scale
    drafts = round_.drafts
    names = [drg for drg, weight in found.items() if weight != drafts[drg]]
    rounded = half_up(np.array([found[drg] for drg in names]), decimals)
    least = 10.0**-decimals  # no weight becomes 0
    return {**found, **dict(zip(names, map(float, np.maximum(rounded, least)), strict=True))}, scale


def _unrounded(state: State, round_: Round) -> tuple[dict[str, float], float]:
    if state.accepted is not None:
        offer = state.offers[state.accepted]["changes"]
        return {**round_.drafts, **{drg: float(w) for drg, w in offer.items()}}, 1.0
    waiting = [
        name for name in state.open
        if name not in state.decisions or not state.decisions[name].decided
    ]  # fmt: skip
    if waiting:
        raise problem("proposals are not decided yet, and no offer was accepted",
                      file=round_.folder, found=", ".join(waiting))  # fmt: skip
    changes = round_.changes("decided")
    if not changes:
        return dict(round_.drafts), 1.0
    impact = round_.impact(changes)
    known = np.isfinite(impact.after.weight)
    groups = np.array(round_.impacts.groups, object)[known]
    return dict(zip(groups, map(float, impact.after.weight[known]), strict=True)), impact.scale


def final_table(round_: Round) -> WeightTable:
    """The final table of a closed round, with the digest of its record; always the same bytes.

    Raises:
        DrgError: the round is not closed.
    """
    state = round_.state
    if state.closed is None:
        raise problem("the round is not closed", file=round_.folder)
    draft = round_.files.weights
    changed = {drg: float(w) for drg, w in state.closed["changes"].items()}
    weight = {**draft.by_group(), **changed}
    frame = draft.frame.assign(
        weight=draft.frame["drg"].map(weight), draft_weight=draft.frame["weight"],
    )  # fmt: skip
    record: dict[str, Any] = {
        "title": state.init["title"] or f"negotiated in round {state.init['round']}",
        "source": f"weight negotiation, round {state.init['round']}",
        "round": state.init["round"], "year": state.init["year"],
        "draft": state.init["weights"], "ledger_digest": state.digest,
        "ledger_entries": len(state.entries), "offer": state.closed["offer"],
        "scale": state.closed["scale"], "decimals": state.closed["decimals"],
        "changed": len(changed),
    }  # fmt: skip
    return WeightTable(f"{state.init['round']}-final", frame, record)
