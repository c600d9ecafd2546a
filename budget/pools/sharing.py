"""Sharing a point pool out (点数法分配): the value of a point, and whole fen that add up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Fen = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_ROUNDS = 200


def limited(yuan: float, low: float | None, high: float | None) -> tuple[str, float] | None:
    """The bound that a point value is beyond, and its yuan; None inside of both."""
    if low is not None and yuan < low:
        return "floor", low
    if high is not None and yuan > high:
        return "ceiling", high
    return None


def point_value(points: Fen, beside: Fen, amount: int, floor: int) -> float:
    """Value of a point (点值) at which the fund's parts add up to the pool's money.

    ``sum(max(points * value - beside, floor)) = amount``: without a floor that binds it is
    ``(pool + patients + other payers) / sum of points``. The left side is convex and grows with
    the value, so Newton's steps from above end exactly on the right set of cases.

    Args:
        points: points of the cases, any unit. Shape (N,).
        beside: what patients and other payers bear in fen. Shape (N,).
        amount: the pool's money in fen.
        floor: least fund part of a case in fen.

    Returns:
        Fen per unit of points.
    """
    borne = beside.astype(np.float64)
    value = (amount + float(borne.sum())) / float(points.sum())
    for _ in range(_ROUNDS):
        above = points * value - borne > floor
        if not above.any():
            return value
        held = amount - floor * int((~above).sum())
        new = (held + float(borne[above].sum())) / float(points[above].sum())
        if new == value or abs(new - value) <= 1e-15 * value:
            return new
        value = new
    return value


def exact(target: Floats, amount: int, floor: int = 0) -> Fen:
    """Round amounts to whole fen so that they add up (largest remainder, 最大余额法).

    Ties go to the earlier case.

    Args:
        target: exact amounts in fen, which add up to ``amount`` up to float error. Shape (N,).
        amount: what they must add up to.
        floor: least amount of one, which rounding does not go below.
    """
    whole = np.floor(target)
    part = target - whole
    fen = whole.astype(np.int64)
    left = amount - int(fen.sum())
    while left:
        count = min(abs(left), len(fen))
        order = part if left > 0 else np.where(fen > floor, -part, -np.inf)
        fen[largest(order, count)] += 1 if left > 0 else -1
        left = amount - int(fen.sum())
    return fen


def largest(values: Floats, count: int) -> npt.NDArray[np.intp]:
    """Places of the ``count`` largest values, the earlier first among equals."""
    if count >= len(values):
        return np.arange(len(values))
    edge = np.partition(values, len(values) - count)[len(values) - count]
    above = np.flatnonzero(values > edge)
    equal = np.flatnonzero(values == edge)[: count - len(above)]
    return np.concatenate([above, equal])
