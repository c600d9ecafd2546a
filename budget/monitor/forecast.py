"""Forecast of a year's spend (年末支出预测) from its months so far and those of earlier years.

The logarithm of a month's spend is a level that drifts, a trend, a season of twelve months and
noise: the state-space model of ``statsmodels``. How much of each there is is not estimated but
weighed: a grid of shares, each with the likelihood of the months that came, and within each the
scale of it all by Student's t. So an interval knows that few months say little, and with no earlier
year that the season of the months to come is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from drg.errors import problem
from drg.language import say

Floats = npt.NDArray[np.float64]
MONTHS = 12
DRAWS = 4000
SEED = 20250101
METHODS = ("model", "naive", "mean", "seasonal_naive")
ENDS = {"low80": 0.10, "high80": 0.90, "low95": 0.025, "high95": 0.975}
# Shares of the month's noise, as standard deviations: how far the level drifts a month, how far
# months of a season differ, how far the trend of a month goes. Assumptions that the data weigh.
_DRIFT = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0)
_SEASON = (0.25, 0.75, 1.5, 4.0)
_TREND = (0.03, 0.1, 0.3)
_NOISE, _SURE = 0.03, 1.0  # noise before any month is seen, and the months that is worth
_ANY = 1e4  # variance of a level of which nothing is known


@dataclass(frozen=True)
class Forecast:
    """A year's spend, month by month.

    Attributes:
        months: how many months of the year are known.
        spent: spend of these in yuan. Shape (months,).
        expected: spend of each month to come in yuan, the median. Shape (12 - months,).
        of_month: ends of :data:`ENDS` of each month to come. Shape (12 - months, 4).
        to_date: spend of the year to the end of each month to come, the median.
        ends: ends of :data:`ENDS` of these. Shape (12 - months, 4).
        draws: possible spends of the whole year. Shape (D,).
    """

    months: int
    spent: Floats
    expected: Floats
    of_month: Floats
    to_date: Floats
    ends: Floats
    draws: Floats

    @property
    def year(self) -> float:
        """Spend of the whole year in yuan."""
        return float(self.to_date[-1]) if len(self.to_date) else float(self.spent.sum())

    def above(self, amount: float) -> float:
        """Chance that the year's spend is above an amount."""
        return float((self.draws > amount).mean())


@dataclass(frozen=True)
class Trial:
    """What was forecast of an earlier year at the same month, beside what came.

    Attributes:
        year: the year.
        came: its spend in yuan.
        off: method -> error as a share of what came, NaN where there was nothing to go by.
        inside80: whether it lay in the 80% interval.
        inside95: whether it lay in the 95% interval.
    """

    year: int
    came: float
    off: dict[str, float]
    inside80: bool
    inside95: bool


def forecast(spent: npt.ArrayLike, earlier: npt.ArrayLike = (), *, seed: int = SEED) -> Forecast:
    """Forecast a year.

    Args:
        spent: spend of the year's months so far in yuan, January first. Shape (1 to 12,).
        earlier: spend of the months before January, the last one first of all before it; NaN where
            it is not known. Shape (E,).
        seed: of the draws.

    Raises:
        DrgError: no month is known, or more than twelve.
    """
    own = np.asarray(spent, np.float64)
    before = np.asarray(earlier, np.float64)
    months = len(own)
    if not 1 <= months <= MONTHS or not (own > 0).any():
        raise problem(say("没有可据以预测的月份", "no month to forecast from"), key="spend",
                      found=months, expected=say("1 至 12 个有支出的月份",
                                                 "1 to 12 months with spend"))  # fmt: skip
    left = MONTHS - months
    done = float(own.sum())
    if not left:
        return Forecast(months, own, np.zeros(0), np.zeros((0, 4)), np.zeros(0), np.zeros((0, 4)),
                        np.full(1, done))  # fmt: skip
    drawn = _ahead(_festival(before, own), left, seed)
    sums = done + np.cumsum(drawn, axis=1)
    at = [0.5, *ENDS.values()]
    each, whole = np.quantile(drawn, at, axis=0), np.quantile(sums, at, axis=0)
    return Forecast(months, own, each[0], each[1:].T, whole[0], whole[1:].T, sums[:, -1])


def _festival(before: Floats, own: Floats) -> Floats:
    """All months, January and February as one: the spring festival moves from one to the other.

    February gets the mean of both and January none, as soon as both of the year are known.
    """
    found = np.concatenate([before, own])
    if len(own) > 1:
        january = np.arange(len(before) % MONTHS, len(found) - 1, MONTHS)
        found[january + 1] = (found[january] + found[january + 1]) / 2
        found[january] = np.nan
    return found


def _ahead(series: Floats, left: int, seed: int) -> Floats:
    """Possible spends of the months to come. Shape (draws, left)."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    seen = np.where(series > 0, series, np.nan)
    logs = np.log(seen)
    centre = float(np.nanmean(logs))
    model = UnobservedComponents(logs - centre, "lldtrend", seasonal=MONTHS,
                                 stochastic_seasonal=False)  # fmt: skip
    count = int(np.isfinite(logs).sum())
    found = [_weighed(model, count, left, *shares)
             for shares in product(_DRIFT, _SEASON, _TREND)]  # fmt: skip
    fits = np.array([one[0] for one in found])
    weight = np.exp(fits - fits.max())
    rng = np.random.default_rng(seed)
    many = rng.multinomial(DRAWS, weight / weight.sum())
    parts = []
    for (_, mean, spread, free, scale), size in zip(found, many, strict=True):
        if size:
            normal = rng.standard_normal((size, left)) @ np.linalg.cholesky(spread).T
            size_of = np.sqrt(scale / rng.chisquare(free, size))
            parts.append(mean + normal * size_of[:, None])
    return np.asarray(np.exp(np.clip(np.concatenate(parts), -20, 20) + centre), np.float64)


def _weighed(
    model: Any, count: int, left: int, drift: float, season: float, trend: float
) -> tuple[float, Floats, Floats, float, float]:
    """One share of drift, season and trend: how well it fits, and the months to come under it.

    All variances are multiples of that of the noise, whose own is left open: its posterior is an
    inverse gamma, so what is to come is Student's t.
    """
    model.update(np.array([1.0, drift**2]))
    inner = model.ssm
    states = 2 + MONTHS - 1  # level, trend, season
    spread = np.zeros((states, states))
    spread[0, 0], spread[1, 1] = _ANY, trend**2
    near = np.eye(MONTHS - 1) - 1 / MONTHS  # twelve that sum to zero, of which eleven are held
    spread[2:, 2:] = season**2 * MONTHS / (MONTHS - 1) * near
    inner.initialize_known(np.zeros(states), spread)
    done = inner.filter()
    off, cov = done.forecasts_error[0], done.forecasts_error_cov[0, 0]
    known = np.isfinite(off) & (cov > 0)
    squares = float((off[known] ** 2 / cov[known]).sum())
    free, scale = _SURE + count - 1, _SURE * _NOISE**2 + squares
    likely = -0.5 * float(np.log(cov[known]).sum()) - 0.5 * free * np.log(scale)
    rows = [inner["design"][0]]
    for _ in range(left - 1):
        rows.append(rows[-1] @ inner["transition"])
    own = np.array(rows) @ done.predicted_state_cov[:, :, -1] @ np.array(rows).T + np.eye(left)
    ahead = np.arange(left)  # how often the level has drifted between the months to come
    own += drift**2 * np.minimum(ahead[:, None], ahead[None, :])
    return likely, np.array(rows) @ done.predicted_state[:, -1], own, free, scale


def simple(spent: npt.ArrayLike, earlier: npt.ArrayLike = ()) -> dict[str, float]:
    """The year's spend by the simple ways: as the last month, as the mean, as last year's months.

    Args:
        spent: spend of the year's months so far. Shape (M,).
        earlier: spend of the months before. Shape (E,).

    Returns:
        Method -> the year's spend in yuan; NaN for the seasonal one without a whole year before.
    """
    own, before = np.asarray(spent, np.float64), np.asarray(earlier, np.float64)
    done, left = float(own.sum()), MONTHS - len(own)
    last = before[-MONTHS:][len(own) :] if len(before) >= MONTHS else np.full(left, np.nan)
    return {"naive": done + left * float(own[-1]), "mean": done + left * float(own.mean()),
            "seasonal_naive": done + float(last.sum())}  # fmt: skip


def trials(years: Sequence[tuple[int, Floats]], months: int, *, seed: int = SEED) -> list[Trial]:
    """Forecast earlier years at the same month, each from what came before it.

    Args:
        years: year and its twelve months in yuan, in order, without a gap.
        months: how many months of each are taken as known.
        seed: of the draws.
    """
    found = []
    for place, (year, spent) in enumerate(years):
        if not (np.isfinite(spent).all() and (spent > 0).all() and months < MONTHS):
            continue
        before = np.concatenate([one for _, one in years[:place]]) if place else np.zeros(0)
        if not len(before):
            continue
        own = forecast(spent[:months], before, seed=seed)
        came = float(spent.sum())
        said = {"model": own.year, **simple(spent[:months], before)}
        low80, high80, low95, high95 = own.ends[-1]
        found.append(Trial(year, came, {name: abs(value - came) / came
                                       for name, value in said.items()},
                          bool(low80 <= came <= high80),
                          bool(low95 <= came <= high95)))  # fmt: skip
    return found
