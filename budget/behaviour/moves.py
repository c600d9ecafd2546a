"""What hospitals do (行为反应) when prices and gains change: by hospital and group.

Arrays are (H, G), or (..., H, G) with leading axes such as draws. What does not react comes back
as exactly 1.0 or without any move, so that a projection without responses is the static one bit
for bit.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from budget.behaviour.responses import Coding, Refusal, Responses, Value, on
from drg.errors import problem
from drg.language import say

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]
MEDICAL, SURGICAL, PROCEDURE = 0, 1, 2
_CHS = re.compile(r"[A-Z]([A-Z])[0-9A-Z][0-9]")


def group_kinds(groups: Sequence[str]) -> npt.NDArray[np.int8]:
    """Kind of each group by the second letter of its CHS-DRG code. Shape (G,).

    A to J surgical (外科手术), K to Q procedure outside the operating room (非手术室操作), R to Z
    medical (内科); other codes count as medical.
    """
    kinds = np.zeros(len(groups), np.int8)
    for place, code in enumerate(groups):
        letter = found[1] if (found := _CHS.fullmatch(code)) else "Z"
        kinds[place] = SURGICAL if letter <= "J" else PROCEDURE if letter <= "Q" else MEDICAL
    return kinds


@dataclass(frozen=True)
class State:
    """What hospitals see.

    Attributes:
        price: relative change of the price of a case, 0.1 for +10%. Shape (..., H, G).
        gain: gain per case as a share of its cost, ``(payment - cost) / cost``. Shape (..., H, G).
        cases: cases. Shape (..., H, G).
        weight: relative weights, NaN where there is none. Shape (G,).
        kinds: kinds of groups, as :func:`group_kinds` tells them. Shape (G,).
        ladders: groups of each ladder of severities, the gravest first (严重程度阶梯).
        tier: tier of each hospital, 3 the highest, -1 unknown. Shape (H,).
        near_low: share of the cases just below L. Shape (..., H, G); None where not known.
        near_high: share of the cases just below T, likewise.
    """

    price: Floats
    gain: Floats
    cases: Floats
    weight: Floats
    kinds: npt.NDArray[np.int8]
    ladders: tuple[npt.NDArray[np.integer], ...] = ()
    tier: npt.NDArray[np.integer] | None = None
    near_low: Floats | None = None
    near_high: Floats | None = None


@dataclass(frozen=True)
class Moves:
    """Cases that change their group, as shares of the cases of the source.

    Attributes:
        source: groups they leave. Shape (M,).
        target: groups they come to. Shape (M,).
        share: share of the source's cases. Shape (..., H, M).
        true: part of them that costs what the target costs; the others cost what they did.
            Shape (..., H, M).
    """

    source: Places
    target: Places
    share: Floats
    true: Floats

    def __len__(self) -> int:
        return len(self.source)

    def batches(self) -> list[Places]:
        """Moves in a few batches, in none of which a source or a target stands twice.

        So whole batches may be added and taken off by index.
        """
        return _without_repeats(self.source, self.target) if len(self) else []


@dataclass(frozen=True)
class Change:
    """What the responses do. Shapes (..., H, G) by broadcasting.

    Attributes:
        volume: factor of cases.
        moves: cases that change their group; they come before ``volume``.
        intensity: factor of cost per case.
        stay: factor of length of stay.
        outpatient: share of the cases that moved to outpatient care; in ``volume``.
        refused: share of the cases turned away; in ``volume``.
        past_low: share of the cases that move past L.
        past_high: share of the cases that move past T.
    """

    volume: Floats
    moves: Moves
    intensity: Floats
    stay: Floats
    outpatient: Floats
    refused: Floats
    past_low: Floats
    past_high: Floats

    def apply(self, cases: Floats, cost: Floats) -> tuple[Floats, Floats]:
        """Cases and their cost after the responses. Shapes (..., H, G)."""
        after, spent = self.moved(cases, cost)
        return after * self.volume, spent * self.volume * self.intensity

    def moved(self, cases: Floats, cost: Floats) -> tuple[Floats, Floats]:
        """Cases and their cost after the moves alone.

        A case that truly is graver costs the mean of the group it comes to; where that group has
        no case, it takes its own cost along.
        """
        if not len(self.moves):
            return cases, cost
        move = self.moves
        shape = np.broadcast_shapes(cases.shape, (*move.share.shape[:-1], cases.shape[-1]))
        after, spent = (np.broadcast_to(held, shape).copy() for held in (cases, cost))
        mean = np.divide(cost, cases, out=np.zeros_like(cost), where=cases > 0)
        known = cases > 0
        for rows in move.batches():
            source, target = move.source[rows], move.target[rows]
            moving = cases[..., source] * move.share[..., rows]
            true = np.where(known[..., target], move.true[..., rows], 0.0)
            own, other = mean[..., source], mean[..., target]
            after[..., source] -= moving
            after[..., target] += moving
            spent[..., source] -= moving * own
            spent[..., target] += moving * (own + true * (other - own))
        return after, spent


def respond(state: State, responses: Responses) -> Change:
    """What hospitals do.

    Args:
        state: what they see.
        responses: how they react.

    Raises:
        DrgError: bunching is on and the shares of cases near the thresholds are not known, or
            cases are to move up a tier and tiers are not known.
    """
    one = np.ones(state.cases.shape[-2:])
    none = np.zeros(state.cases.shape[-2:])
    volume = _volume(state, responses, one)
    outpatient = _outpatient(state, responses, none)
    refused, received = _refused(state, responses.refusal, none)
    for gone in (outpatient, refused):
        volume = volume if gone is none else volume * (1.0 - gone)
    if received is not none:
        volume = volume + received
    reaction = _reaction(state, responses, one)
    intensity, stay, held = reaction, one, responses.intensity
    if on(held.level):
        intensity = intensity * (1.0 + np.asarray(held.level))
    if on(held.follow) and reaction is not one:
        stay = reaction ** np.asarray(held.follow)
    if on(held.stay):
        stay = stay * (1.0 + np.asarray(held.stay))
    bunching = responses.bunching
    return Change(
        volume, _moves(state, responses.coding), intensity, stay, outpatient, refused,
        _past(bunching.low, state.near_low, "low", none),
        _past(bunching.high, state.near_high, "high", none),
    )  # fmt: skip


def _volume(state: State, responses: Responses, one: Floats) -> Floats:
    held = responses.volume
    if not any(on(value) for _, value in held.values()):
        return one
    elasticity: Value = np.where(state.kinds == SURGICAL, held.surgical, held.medical)
    elasticity = np.where(state.kinds == PROCEDURE, held.procedure, elasticity)
    return np.asarray(np.maximum(1.0 + state.price, 0.0) ** elasticity)


def _outpatient(state: State, responses: Responses, none: Floats) -> Floats:
    held = responses.substitution
    if not on(held.share):
        return none
    light = state.weight < held.weight_below  # groups without weight stay
    return np.asarray(np.where(light, np.asarray(held.share), 0.0) + none)


def _refused(state: State, held: Refusal, none: Floats) -> tuple[Floats, Floats]:
    """Shares turned away, and what hospitals get from the tier below, as shares of their cases."""
    if not on(held.share):
        return none, none
    heavy = (state.gain < -held.loss_above) & ~(state.weight <= held.weight_above)
    share = np.asarray(np.where(heavy, np.asarray(held.share), 0.0))
    if not on(held.up):
        return share, none
    if state.tier is None:
        raise problem(say("医疗机构级别未知", "tiers of the hospitals are not known"),
                      key="behaviour.refusal.up")  # fmt: skip
    sent = state.cases * share * np.asarray(held.up)
    received = np.zeros(sent.shape)
    tiers = [tier for tier in np.unique(state.tier) if tier > 0]
    for lower, upper in itertools.pairwise(tiers):
        there = state.tier == upper
        total = state.cases[..., there, :].sum(axis=-2, keepdims=True)
        come = sent[..., state.tier == lower, :].sum(axis=-2, keepdims=True)
        part = np.divide(come, total, out=np.zeros(np.broadcast_shapes(come.shape, total.shape)),
                         where=total > 0)  # fmt: skip
        received[..., there, :] = part
    return share, received


def _reaction(state: State, responses: Responses, one: Floats) -> Floats:
    """Factor of cost per case by gain and loss."""
    held = responses.intensity
    factor = one
    if on(held.loss):
        factor = factor + np.asarray(held.loss) * np.minimum(state.gain, 0.0)
    if on(held.gain):
        factor = factor + np.asarray(held.gain) * np.maximum(state.gain, 0.0)
    return np.asarray(factor)


def _past(share: Value, near: Floats | None, side: str, none: Floats) -> Floats:
    if not on(share):
        return none
    if near is None:
        raise problem(say("紧邻界限以下的病例占比未知",
                          "the share of cases just below the threshold is not known"),
                      key=f"behaviour.bunching.{side}")  # fmt: skip
    return np.asarray(np.asarray(share) * near)


def _moves(state: State, held: Coding) -> Moves:
    pairs = [(lower, upper) for ladder in state.ladders
             for upper, lower in itertools.pairwise(ladder)]  # fmt: skip
    if not pairs or not (on(held.step) or on(held.creep)):
        nothing = np.zeros(0, np.intp)
        empty = np.zeros((state.cases.shape[-2], 0))
        return Moves(nothing, nothing, empty, empty)
    lower, upper = np.array(pairs, np.intp).T
    up, down, true = _by_price(state, held, lower, upper)
    if on(held.creep):
        extra = _creep(state, held, lower, upper)
        both = up + extra
        true = np.divide(extra * np.asarray(held.true_share), both,
                         out=np.zeros(both.shape), where=both > 0)  # fmt: skip
        up = both
    up, down, true = np.broadcast_arrays(up, down, true)
    source, target = np.concatenate([lower, upper]), np.concatenate([upper, lower])
    share = _at_most_all(np.concatenate([up, down], axis=-1), source, state.cases.shape[-1])
    return Moves(source, target, share, np.concatenate([true, np.zeros_like(true)], axis=-1))


def _by_price(
    state: State, held: Coding, lower: Places, upper: Places
) -> tuple[Floats, Floats, Floats]:
    """Shares that move up and down because the ratio of prices changed. Each (..., H, P)."""
    below, above = state.cases[..., lower], state.cases[..., upper]
    floor = 1.0 + state.price[..., lower]
    ratio = np.divide(1.0 + state.price[..., upper], floor, out=np.ones(floor.shape),
                      where=floor > 0)  # fmt: skip
    points = np.asarray(held.step) * (ratio - 1.0) * (below + above)

    def share(cases: Floats, source: Floats) -> Floats:
        zero = np.zeros(np.broadcast_shapes(cases.shape, source.shape))
        return np.asarray(np.divide(np.maximum(cases, 0.0), source, out=zero, where=source > 0))

    return share(points, below), share(-points, above), np.zeros(points.shape)


def _creep(state: State, held: Coding, lower: Places, upper: Places) -> Floats:
    """Share of every lighter group that moves up so that the case-mix index rises by ``creep``."""
    weight = np.where(np.isfinite(state.weight), state.weight, 0.0)
    known = np.isfinite(state.weight)[lower] & np.isfinite(state.weight)[upper]
    step = np.where(known, np.maximum(weight[upper] - weight[lower], 0.0), 0.0)
    total = (state.cases * weight).sum(axis=-1, keepdims=True)
    most = (state.cases[..., lower] * step).sum(axis=-1, keepdims=True)
    part = np.divide(total, most, out=np.zeros(total.shape), where=most > 0)
    return np.asarray(np.minimum(np.asarray(held.creep) * part, 1.0) * (step > 0))


def _at_most_all(share: Floats, source: Places, groups: int) -> Floats:
    """No group gives away more than all of its cases."""
    leaving = np.zeros((*share.shape[:-1], groups))
    for rows in _without_repeats(source):
        leaving[..., source[rows]] += share[..., rows]
    return np.asarray(share / np.maximum(leaving, 1.0)[..., source])


def _without_repeats(*columns: Places) -> list[Places]:
    """Rows in batches; in a batch no column has a value twice, so that it may be added to."""
    ranks = np.stack([_occurrence(column) for column in columns])
    _, batch = np.unique(ranks, axis=1, return_inverse=True)
    batch = batch.ravel()
    return [np.flatnonzero(batch == one) for one in range(int(batch.max()) + 1)]


def _occurrence(values: Places) -> Places:
    """How often each value stood before. Shape (M,)."""
    order = np.argsort(values, kind="stable")
    held = values[order]
    first = np.searchsorted(held, held)
    found = np.empty(len(values), np.intp)
    found[order] = np.arange(len(values)) - first
    return found
