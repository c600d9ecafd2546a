"""Intervals for a projection (预测区间), from the settled sums and the usual doubts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from budget.behaviour.responses import Responses, on, ranges
from budget.policy.pools import Pool
from budget.projection.cells import Cells
from budget.projection.year import Year, bounds
from budget.projection.years import Projection
from budget.uncertainty.draws import Draws, quantiles
from budget.uncertainty.linear import Linear
from budget.uncertainty.priors import Priors, normal, title, uniform
from budget.uncertainty.sampling import Sampling
from budget.uncertainty.simulate import simulate
from budget.uncertainty.sobol import UNITS, sobol, tornado
from budget.uncertainty.year_end import Clearing
from drg.language import both

Floats = npt.NDArray[np.float64]
_LOSS = 0.05  # of its cost, beyond which a hospital's loss is counted
_INTERVAL = (0.025, 0.975)
_SIGMAS = 1.959964  # half the width of a 95% interval in standard deviations
_SOBOL = 512
_DEFAULT = both(
    "默认：没有公布的依据，宜以本地历年预测偏差代替",
    "default: no published source; a bureau's own past forecasts say it better",
)  # fmt: skip
_CASES = both("所结算年度的病例", "the cases of the settled year")
_BASIS = {_DEFAULT: "assumed", _CASES: "data"}
INSURANCES = ("employee", "resident")


def usual_priors() -> Priors:
    """Doubts about the drivers of a projection, as standard deviations a year; all defaults.

    Who falls ill is chance, and needs no source. What is decided is not in doubt: payment
    standards, weights, and the money of the pools, for each of which a policy must say a sum or a
    growth.
    """
    return Priors(
        drivers={
            "volume": normal(0.0, 0.02, _DEFAULT),
            "input_cost": normal(0.0, 0.015, _DEFAULT),
            "case_mix": normal(0.0, 0.01, _DEFAULT),
        },
        volume_tier=normal(0.0, 0.01, _DEFAULT),
        group_volume=0.05,
        group_cost=0.05,
        sampling=True,
    )


def priors_of(held: Projection) -> Priors:
    """The usual doubts, and that of how cost reacts where it does.

    The size of a response is known no better than its published range is wide; the path stands
    for its middle. A response that is off widens nothing.
    """
    usual = usual_priors()
    drivers = dict(usual.drivers)
    intensity = Responses.of(held.scenario.behaviour or {}).intensity
    if any(on(one) for one in (intensity.loss, intensity.gain, intensity.level)):
        known = ranges()["intensity.level"]
        half = (known.high - known.low) / 2.0
        drivers["cost_response"] = uniform(-half, half, known.source)
    return replace(usual, drivers=drivers)


def weight_doubt(cells: Cells) -> Floats | None:
    """Relative standard deviation of the weights from their intervals; None without any. (G,).

    The table that is paid by is decided, so no usual doubt has it; for who asks what another
    sample of cases would have made of it.
    """
    frame = cells.settlement.weights.frame
    if not {"ci_low", "ci_high"} <= set(frame.columns):
        return None
    low, high = (pd.to_numeric(frame[name]).to_numpy(np.float64) for name in ("ci_low", "ci_high"))
    weight = frame["weight"].to_numpy(np.float64)
    spread = np.nan_to_num((high - low) / (2.0 * _SIGMAS * weight))
    return np.append(spread, 0.0) if spread.any() else None


def linear(held: Projection) -> Linear:
    """The sums of a scenario's years, with what makes each year exact."""
    years = held.years[1:]
    cells = [year.cells for year in years]
    first = cells[0]
    pools = tuple(dict.fromkeys(one.name for year in years for one in year.money))
    money = [_money(year, pools) for year in years]
    ends = [Clearing.of(one) for one in cells]
    outside = np.stack([one.outside for one in cells])

    settlements = {id(one.settlement): one for one in cells}
    sampled = {key: Sampling.of(one) for key, one in settlements.items()}

    def close(number: int, fund: Floats, cost: Floats, beside: Floats) -> Floats:
        return ends[number - 1](fund, cost, beside)

    return Linear(
        hospitals=first.hospitals.ids,
        tier=first.tier.astype(np.int64),
        insurances=INSURANCES,
        pools=pools,
        pool=np.stack([_pool(year, pools) for year in years]),
        weight=first.weight,
        cases=np.stack([one.cases for one in cells]),
        cost=np.stack([one.cost for one in cells]),
        beside=np.stack([one.beside for one in cells]),
        by_standard=np.stack([one.by_standard for one in cells]),
        by_cost=np.stack([one.worth - one.by_standard for one in cells]),
        value=np.stack([one.point_value for one in cells]),
        amount=np.array([held[0] for held in money]),
        pro_rata=np.array([held[1] for held in money]),
        offset=np.stack([_offset(year) for year in years]),
        bounds=np.array([held[2] for held in money]),
        borne=np.stack([one.borne for one in cells]),
        outside=outside if outside.any() else None,
        follows=np.array([held[3] for held in money]),
        sampling=tuple(sampled[id(one.settlement)] for one in cells),
        close=close,
    )  # fmt: skip


def _pool(year: Year, pools: tuple[str, ...]) -> npt.NDArray[np.intp]:
    """Places of the year's pools among those of all years. (H, I)."""
    place = np.array([*(pools.index(one.name) for one in year.money), -1], np.intp)
    return place[year.cells.pool]


def _money(
    year: Year, pools: tuple[str, ...]
) -> tuple[Floats, npt.NDArray[np.bool_], Floats, Floats]:
    """Money, whether it is all there is, bounds (P, 2), and what last year's yuan brings; (P,)."""
    at = [pools.index(one.name) for one in year.money]
    amount, pro_rata = np.zeros(len(pools)), np.zeros(len(pools), np.bool_)
    follows = np.zeros(len(pools))
    limits = np.broadcast_to(np.array([-np.inf, np.inf]), (len(pools), 2)).copy()
    rules = year.cells.policy.pools
    amount[at] = np.array([one.amount for one in year.money]) / 100.0
    pro_rata[at] = [one.shortage == "pro_rata" for one in rules]
    limits[at] = np.stack(bounds(year.cells), axis=1)
    follows[at] = [_follows(one) for one in rules]
    return amount, pro_rata, limits, follows


def _follows(pool: Pool) -> float:
    """What a yuan more of last year's spend brings to a pool's money (基金池随上年支出)."""
    if pool.basis != "growth" or pool.last_year is not None:
        return 0.0
    aside = sum(one.share or 0.0 for one in pool.carve_outs)
    return (1.0 + (pool.growth or 0.0)) * (1.0 - aside) * (1.0 - pool.reserve)


def _value(year: Year) -> Floats:
    """Value of a reference yuan by hospital and insurance, 0 where there is none. (H, I)."""
    given = year.cells.point_value
    decided = year.point_value[np.maximum(year.cells.pool, 0)]
    return np.nan_to_num(np.where(np.isfinite(given), given, decided))


def _offset(year: Year) -> Floats:
    """What is due by the rules beyond the worth of the cells, by hospital and insurance. (H, I)."""
    cells, pool = year.cells, year.cells.pool
    worth = (cells.worth.sum(axis=1) * _value(year)) - (cells.borne - cells.outside).sum(axis=1)
    there = cells.cases.sum(axis=1) > 0
    found = np.zeros(pool.shape)
    for place in range(year.fund.shape[1]):
        mine = (pool == place) & there
        beyond = year.fund[:, place] / 100.0 - np.where(mine, worth, 0.0).sum(axis=1)
        found += mine * (beyond / np.maximum(mine.sum(axis=1), 1))[:, None]
    return found


def with_draws(
    tables: dict[str, pd.DataFrame], projections: Sequence[Projection], draws: int, seed: int
) -> dict[str, Any]:
    """Add intervals and probabilities to the tables, and a table of what matters in each scenario.

    Args:
        tables: of :func:`budget.projection.tables.frames`; changed in place.
        projections: the scenarios.
        draws: number of draws.
        seed: of the draws.

    Returns:
        What the record says of it.
    """
    for held in projections:
        model, priors = linear(held), priors_of(held)
        found = simulate(model, priors, draws, seed=seed, groups=True)
        _hospitals(tables["projection_hospitals"], held, found)
        _tiers(tables["projection_tiers"], held, found)
        _pools(tables["projection_pools"], held, found)
        _groups(tables["projection_groups"], held, found)
    tables["sensitivity"] = pd.concat(
        [_sensitivity(held, seed) for held in projections], ignore_index=True
    )
    doubts = [row for held in projections for row in doubts_of(held)]
    return {"seed": seed, "draws": draws, "interval": 0.95, "loss_above": _LOSS, "doubts": doubts}


def _sensitivity(held: Projection, seed: int) -> pd.DataFrame:
    """Indices of a scenario's last year, and its outcomes with one driver moved."""
    model, priors = linear(held), priors_of(held)
    found = sobol(model, priors, size=_SOBOL, seed=seed).table()
    found = found.merge(tornado(model, priors, seed=seed), on=["outcome", "parameter"])
    indices = ["first_order", "total", "total_low", "total_high", "first_low", "first_high"]
    found[indices] = found[indices].round(6)
    for name in ("centre", "low", "high"):
        yuan = found["outcome"].map(UNITS) == "yuan"
        found[name] = np.where(yuan, np.round(found[name], 2), np.round(found[name], 6))
    found.insert(0, "scenario", held.scenario.id)
    found.insert(5, "unit", found["outcome"].map(UNITS))
    return found


def doubts_of(held: Projection) -> list[dict[str, Any]]:
    """What is uncertain in a scenario's years, one row a driver, with the ends of its interval."""
    priors, rows = priors_of(held), []
    for name in priors.uncertain:
        zh, en = title(name)
        row: dict[str, Any] = {
            "scenario": held.scenario.id, "key": f"uncertain.{name}", "zh": f"{zh}的不确定性",
            "en": f"uncertainty of {en}", "unit": "share a year",
        }  # fmt: skip
        one = priors.volume_tier if name == "volume_tier" else priors.drivers.get(name)
        if one is not None:
            low, high = (round(float(v), 6) for v in one.at(np.array(_INTERVAL)))
            row |= {"value": str(one), "low": low, "high": high, "source": one.source}
        elif name == "sampling":
            row |= {"value": both("由所结算病例推断抽样", "drawn given the cases settled"),
                    "low": None, "high": None, "unit": "", "source": _CASES}  # fmt: skip
        else:
            spread = float(np.mean(getattr(priors, name)))
            low, high = (round(float(np.expm1(sign * _SIGMAS * spread)), 6) for sign in (-1, 1))
            said = both(f"对数正态分布 {spread:.4g}，按病组", f"lognormal {spread:.4g}, by group")
            row |= {"value": said, "low": low, "high": high, "source": _DEFAULT}
        row["basis"] = _BASIS.get(row["source"], "published")
        rows.append(row)
    return rows


def with_ranges(
    assumptions: list[dict[str, Any]], doubts: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Assumptions with the 95% interval that the draws give to drivers.

    The case mix of a scenario is a share of cases and that of the draws an index: no interval.
    """
    known = {(row["scenario"], row["key"]): row for row in doubts}
    found = []
    for row in assumptions:
        _, _, name = row["key"].partition("drivers.")
        doubt = known.get((row["scenario"], f"uncertain.{name}"))
        if doubt is not None and name in ("volume", "input_cost"):
            ends = ((1.0 + row["value"]) * (1.0 + doubt[end]) - 1.0 for end in ("low", "high"))
            low, high = (round(end, 6) for end in ends)
            row = row | {"low": low, "high": high}
        found.append(row)
    return found


def _ahead(frame: pd.DataFrame, held: Projection) -> tuple[pd.Index[Any], npt.NDArray[np.intp]]:
    """Rows of a scenario's projected years, and the place of their year."""
    year = frame["year"].to_numpy() - held.years[0].year - 1
    mine = (frame["scenario"] == held.scenario.id).to_numpy() & (year >= 0)
    return frame.index[mine], year[mine].astype(np.intp)


def _hospitals(frame: pd.DataFrame, held: Projection, found: Draws) -> None:
    low, high = found.fan("fund", _INTERVAL)
    loss = found.loss(_LOSS)
    place = {name: i for i, name in enumerate(found.hospitals)}
    rows, year = _ahead(frame, held)
    where = frame.loc[rows, "hospital_id"].map(place).to_numpy(np.intp)
    for name, values in (("low", low), ("high", high)):
        frame.loc[rows, name] = np.round(values[year, where], 2)
    frame.loc[rows, "loss_probability"] = np.round(loss[year, where], 4)


def _tiers(frame: pd.DataFrame, held: Projection, found: Draws) -> None:
    """Intervals of average cost and fund money by tier and insurance, all of them too."""
    tiers = np.unique(found.tier)
    names = [("all", np.ones(len(found.tier), np.bool_)),
             *((str(one), found.tier == one) for one in tiers)]  # fmt: skip
    parts = {"all": slice(None), **{one: [i] for i, one in enumerate(found.insurances)}}
    rows, year = _ahead(frame, held)
    ends = {}
    for name, here in names:
        for insurance, part in parts.items():
            cost, cases, fund = (getattr(found, one)[:, :, here][..., part].sum(axis=(2, 3))
                                 for one in ("cost", "cases", "fund"))  # fmt: skip
            average = np.divide(cost, cases, out=np.full(cost.shape, np.nan), where=cases > 0)
            both = np.stack([average, fund], axis=2)
            ends[name, insurance] = quantiles(both, _INTERVAL)
    keys = zip(frame.loc[rows, "tier"], frame.loc[rows, "insurance"], year, strict=True)
    values = np.array([ends[tier, insurance][:, at] for tier, insurance, at in keys])
    known = frame.loc[rows, "final"].notna().to_numpy()
    for place, measure in enumerate(("average_cost", "final")):
        for end, name in enumerate(("low", "high")):
            yuan = np.round(values[:, end, place], 2)
            told = yuan if measure == "average_cost" else np.where(known, yuan, np.nan)
            frame.loc[rows, f"{measure}_{name}"] = told


def _groups(frame: pd.DataFrame, held: Projection, found: Draws) -> None:
    """Intervals of the average cost of groups in the region."""
    assert found.group_cost is not None
    ends = quantiles(found.group_cost, _INTERVAL)
    place = {code or "0000": i for i, code in enumerate(held.years[-1].cells.groups)}
    rows, year = _ahead(frame, held)
    where = frame.loc[rows, "drg"].map(place).to_numpy(np.intp)
    for at, name in enumerate(("low", "high")):
        frame.loc[rows, f"average_cost_{name}"] = np.round(ends[at, year, where], 2)


def _pools(frame: pd.DataFrame, held: Projection, found: Draws) -> None:
    low, high = found.fan("balance", _INTERVAL, "pool")
    over = found.overrun()
    place = {name: i for i, name in enumerate(found.pools)}
    rows, year = _ahead(frame, held)
    where = frame.loc[rows, "pool"].map(place).to_numpy(np.intp)
    for name, values in (("balance_before_cut_low", low), ("balance_before_cut_high", high)):
        frame.loc[rows, name] = np.round(values[year, where], 2)
    frame.loc[rows, "overrun_probability"] = np.round(over[year, where], 4)
