"""Intervals for a projection (预测区间), from the settled sums and the usual doubts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from budget.draws import Draws
from budget.priors import Priors, normal, title
from budget.project import Projection, Year
from budget.sobol import sobol
from budget.uncertainty import Linear, simulate

Floats = npt.NDArray[np.float64]
_LOSS = 0.05  # of its cost, beyond which a hospital's loss is counted
_INTERVAL = (0.025, 0.975)
_SOBOL = 64
_DEFAULT = "default: no published source; a bureau's own past forecasts say it better"
INSURANCES = ("employee", "resident")


def usual_priors() -> Priors:
    """Doubts about the drivers of a projection, as standard deviations a year; all defaults."""
    return Priors(
        drivers={
            "volume": normal(0.0, 0.02, _DEFAULT),
            "input_cost": normal(0.0, 0.015, _DEFAULT),
            "case_mix": normal(0.0, 0.01, _DEFAULT),
            "pool_growth": normal(0.0, 0.01, _DEFAULT),
        },
        volume_tier=normal(0.0, 0.01, _DEFAULT),
        group_volume=0.05,
        group_cost=0.05,
    )


def linear(held: Projection) -> Linear:
    """The sums of a scenario's years, with what makes each year exact."""
    years = held.years[1:]
    cells = [year.cells for year in years]
    first = cells[0]
    return Linear(
        hospitals=first.hospitals.ids,
        tier=first.tier.astype(np.int64),
        insurances=INSURANCES,
        pools=tuple(one.name for one in first.policy.pools),
        pool=first.pool,
        weight=first.weight,
        cases=np.stack([one.cases for one in cells]),
        cost=np.stack([one.cost for one in cells]),
        beside=np.stack([one.patient + one.other for one in cells]),
        by_standard=np.stack([one.by_standard for one in cells]),
        by_cost=np.stack([one.by_cost for one in cells]),
        value=first.point_value,
        amount=np.array([[one.amount / 100.0 for one in year.money] for year in years]),
        pro_rata=np.array([pool.shortage == "pro_rata" for pool in first.policy.pools]),
        offset=np.stack([_offset(year) for year in years]),
    )  # fmt: skip


def _offset(year: Year) -> Floats:
    """What the year end adds to the worth of the cells, by hospital and insurance. (H, I)."""
    cells = year.cells
    given = np.isfinite(cells.point_value) & (cells.pool >= 0)
    worth = (cells.by_standard + cells.by_cost).sum(axis=1) * np.nan_to_num(cells.point_value)
    due = worth - (cells.patient + cells.other).sum(axis=1)
    final = np.zeros(due.shape)
    for place in range(year.final.shape[1]):
        mine = np.where(cells.pool == place, np.maximum(due, 0.0), 0.0)
        total = mine.sum(axis=1, keepdims=True)
        share = np.divide(mine, total, out=np.zeros_like(mine), where=total > 0)
        final += share * year.closing.final[:, place, None] / 100.0
    return np.where(given & (due > 0), final - due, 0.0)


def with_draws(
    tables: dict[str, pd.DataFrame], projections: Sequence[Projection], draws: int, seed: int
) -> dict[str, Any]:
    """Add intervals and probabilities to the tables, and a table of what matters most.

    Args:
        tables: of :func:`budget.project_tables.frames`; changed in place.
        projections: the scenarios.
        draws: number of draws.
        seed: of the draws.

    Returns:
        What the record says of it.
    """
    priors = usual_priors()
    for held in projections:
        found = simulate(linear(held), priors, draws, seed=seed)
        _hospitals(tables["projection_hospitals"], held, found)
        _pools(tables["projection_pools"], held, found)
    last = projections[-1]
    sensitivity = sobol(linear(last), priors, size=_SOBOL, seed=seed).table()
    sensitivity.insert(0, "scenario", last.scenario.id)
    tables["sensitivity"] = sensitivity
    doubts = [
        {"key": f"uncertain.{name}", "zh": f"{title(name)[0]}的不确定性（标准差）",
         "en": f"uncertainty of {title(name)[1]} (standard deviation)",
         "value": float(one.values[1]),  # noqa: PD011
         "unit": "share a year", "source": one.source}
        for name, one in priors.drivers.items()
    ]  # fmt: skip
    return {"seed": seed, "draws": draws, "interval": 0.95, "loss_above": _LOSS, "doubts": doubts}


def _hospitals(frame: pd.DataFrame, held: Projection, found: Draws) -> None:
    low, high = found.fan("fund", _INTERVAL)
    loss = found.loss(_LOSS)
    place = {name: i for i, name in enumerate(found.hospitals)}
    rows = frame.index[(frame["scenario"] == held.scenario.id)
                       & (frame["year"] > held.years[0].year)]  # fmt: skip
    year = (frame.loc[rows, "year"] - held.years[0].year - 1).to_numpy(np.intp)
    where = frame.loc[rows, "hospital_id"].map(place).to_numpy(np.intp)
    for name, values in (("low", low), ("high", high)):
        frame.loc[rows, name] = np.round(values[year, where], 2)
    frame.loc[rows, "loss_probability"] = np.round(loss[year, where], 4)


def _pools(frame: pd.DataFrame, held: Projection, found: Draws) -> None:
    low, high = found.fan("balance", _INTERVAL, "pool")
    over = found.overrun()
    place = {name: i for i, name in enumerate(found.pools)}
    rows = frame.index[(frame["scenario"] == held.scenario.id)
                       & (frame["year"] > held.years[0].year)]  # fmt: skip
    year = (frame.loc[rows, "year"] - held.years[0].year - 1).to_numpy(np.intp)
    where = frame.loc[rows, "pool"].map(place).to_numpy(np.intp)
    for name, values in (("balance_low", low), ("balance_high", high)):
        frame.loc[rows, name] = np.round(values[year, where], 2)
    frame.loc[rows, "overrun_probability"] = np.round(over[year, where], 4)
