"""The end of a round (谈判结果): the final weights, worked out from the record alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from drg.cases.privacy import FEWEST
from drg.errors import problem
from drg.language import say
from drg.money import decimal, to_decimals
from drg.negotiate.round.begin import OpenRound
from drg.negotiate.round.state import State
from drg.record.ledger import Entry
from weights.table import WeightTable
from weights.table.moved import moved, settled

_SLACK, _SHARE = 1e-9, 5e-5  # of a weight; of a loss, which no rounding of weights should decide
_NEUTRAL = 1e-3  # of what is owed: four digits of a weight move less
_NAMED = 5
_OF_CASES = "cases", "mean_cost", "cv", "cases_used", "trim_low", "trim_high", "raw_weight"


def final_weights(
    state: State, round_: OpenRound, decimals: int | None = None
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
    names = [drg for drg, weight in found.items() if moved(weight, drafts[drg])]
    rounded = to_decimals(decimals, decimal(np.array([found[drg] for drg in names])))
    step = 10.0**-decimals
    bounds = np.array([state.rules.corridor(drafts[drg]) for drg in names]).reshape(-1, 2)
    lower, higher = (to_decimals(decimals, decimal(rounded + one)) for one in (-step, step))
    inside = np.where(rounded > bounds[:, 1] + _SLACK, lower, rounded)
    inside = np.where(inside < bounds[:, 0] - _SLACK, higher, inside)
    kept = np.maximum(inside, step)  # no weight becomes 0
    return {**found, **dict(zip(names, map(float, kept), strict=True))}, scale


def breaches(round_: OpenRound, weights: dict[str, float]) -> list[tuple[str, str]]:
    """Rules of the round that weights break, in Chinese and English."""
    rules, drafts = round_.rules, round_.drafts
    found = [
        (f"冻结病组 {drg} 由 {drafts[drg]:.4f} 变为 {weights[drg]:.4f}",
         f"frozen {drg} moves from {drafts[drg]:.4f} to {weights[drg]:.4f}")
        for drg in rules.frozen if abs(weights[drg] - drafts[drg]) > _SLACK
    ]  # fmt: skip
    for one, other in rules.equal:
        if abs(weights[one] - weights[other]) > _SLACK:
            found.append((f"同权病组 {one} 与 {other} 不相等",
                          f"{one} and {other} are not equal"))  # fmt: skip
    beyond = [drg for drg, weight in weights.items() if moved(weight, drafts[drg])
              and not _inside(weight, rules.corridor(drafts[drg]))]  # fmt: skip
    if beyond:
        found.append((f"超出浮动区间：{'、'.join(beyond[:_NAMED])}",
                      f"outside the corridor: {', '.join(beyond[:_NAMED])}"))  # fmt: skip
    told = round_.told(round_.changed(weights))
    if rules.order and told["inversions_new"]:
        pairs = told["inversions_new"][:_NAMED]
        found.append((f"新增权重倒挂：{'、'.join(pairs)}",
                      f"severity out of order: {', '.join(pairs)}"))  # fmt: skip
    loss = told["largest_loss_payable"]
    if rules.largest_loss is not None and loss and -loss["share"] > rules.largest_loss + _SHARE:
        found.append((
            f"{loss['hospital_name']} 损失 {-loss['share']:.2%}，限值 {rules.largest_loss:.2%}",
            f"{loss['hospital_id']} loses {-loss['share']:.2%}, limit {rules.largest_loss:.2%}",
        ))  # fmt: skip
    dearer = told["payable_after"] - told["payable_before"]
    if rules.neutral == "yuan" and abs(dearer) > _NEUTRAL * told["payable_before"]:
        found.append((f"基金应付总额变动 {dearer:,.2f} 元", f"payments move by {dearer:,.2f} yuan"))
    return found


def _inside(weight: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] - _SLACK <= weight <= bounds[1] + _SLACK


def _unrounded(state: State, round_: OpenRound) -> tuple[dict[str, float], float]:
    if state.accepted is not None:
        offer = state.offers[state.accepted]["changes"]
        return {**round_.drafts, **{drg: float(w) for drg, w in offer.items()}}, 1.0
    waiting = [
        name for name in state.open
        if name not in state.decisions or not state.decisions[name].decided
    ]  # fmt: skip
    if waiting:
        raise problem(say("有申请尚未决定，且未采纳折中方案",
                          "proposals are not decided yet, and no offer was accepted"),
                      file=round_.folder, found=", ".join(waiting))  # fmt: skip
    changes = state.changes("decided")
    if not changes:
        return dict(round_.drafts), 1.0
    impact = round_.impact(changes)
    known = np.isfinite(impact.after.weight)
    groups = np.array(round_.impacts.groups, object)[known]
    weight = settled(impact.after.weight, impact.before.weight)[known]
    return dict(zip(groups, map(float, weight), strict=True)), impact.scale


def final_table(round_: OpenRound) -> WeightTable:
    """The final table of a closed round, with the digest of its record; always the same bytes.

    Raises:
        DrgError: the round is not closed.
    """
    state = round_.state
    if state.closed is None:
        raise problem(say("本轮谈判尚未结束", "the round is not closed"), file=round_.folder)
    return table_of(round_, state, state.closed, state.until_close)


def table_of(
    round_: OpenRound, state: State, closed: Mapping[str, Any], entries: Sequence[Entry]
) -> WeightTable:
    """The final table of a round that is closed so, after these entries."""
    draft = round_.files.weights
    changed = {drg: float(w) for drg, w in closed["changes"].items()}
    weight = {**draft.by_group(), **changed}
    frame = draft.frame.assign(
        weight=draft.frame["drg"].map(weight), draft_weight=draft.frame["weight"],
    )  # fmt: skip
    if "cases" in frame:  # what few cases cost could point to a person
        held = [name for name in _OF_CASES if name in frame]
        frame[held] = frame[held].astype(float).mask(frame["cases"] < FEWEST)
    record: dict[str, Any] = {
        "title": state.init["title"] or f"negotiated in round {state.init['round']}",
        "source": f"weight negotiation, round {state.init['round']}",
        "round": state.init["round"], "year": state.init["year"],
        "draft": state.init["weights"], "ledger_digest": entries[-1].digest,
        "ledger_entries": len(entries), "offer": closed["offer"],
        "scale": closed["scale"], "decimals": closed["decimals"],
        "changed": len(changed), **({"scheme": draft.scheme} if draft.scheme else {}),
    }  # fmt: skip
    return WeightTable(f"{state.init['round']}-final", frame, record)
