"""One state of a projected path, as the draws around it are held against: no draws, no chunks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from budget.uncertainty.draws import Draws
from budget.uncertainty.linear import RULES, Linear, pay


def static(
    model: Linear,
    year: int = 1,
    *,
    volume: npt.ArrayLike = 1.0,
    price: npt.ArrayLike = 1.0,
    cost: npt.ArrayLike = 1.0,
) -> Draws:
    """One state of one year, in double precision, as draws of one.

    Args:
        model: the path.
        year: year of the path, from 1.
        volume: factor on cases; shape (), (G,) or (H, G).
        price: factor on standards, likewise.
        cost: factor on the cost of a case, likewise.
    """
    cells = model.cases.shape[1:3]
    cases, worth, spent = (
        np.broadcast_to(np.asarray(v, np.float64), cells)[..., None]
        for v in (volume, np.multiply(volume, price), np.multiply(volume, cost))
    )
    factors = {"by_standard": worth, "cases": cases}
    sums = {name: (getattr(model, name)[year - 1] * factors.get(name, spent)).sum(axis=1)[None]
            for name in model.sums}  # fmt: skip
    paid, _ = pay(model, year, sums, model.amount[year - 1][None])
    held = one_year(model, year)
    return Draws(
        held.hospitals, held.tier, held.insurances, held.pools, held.pool, 0, {},
        **{name: v[:, None] for name, v in paid.items()},
    )  # fmt: skip


def one_year(model: Linear, number: int) -> Linear:
    """The path with one year only, counted from 1."""
    here = slice(number - 1, number)
    held = model.offset[here] if isinstance(model.offset, np.ndarray) else model.offset
    names = (*model.sums, "amount", *(() if model.follows is None else ("follows",)))
    sums = {name: getattr(model, name)[here] for name in names}
    return replace(model, offset=held, **sums, **{name: model.rule(name, number)
                                                 for name in RULES})  # fmt: skip
