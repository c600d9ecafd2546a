"""How often hospitals' payments fall into their 95% intervals, over simulated next years.

A region's population of cases stands for what may happen. Each round takes a year from it, projects
the next one with draws, then takes that next year: other cases, moved by what the draws doubt
(volume, mix, prices, and each group's own), and settled case by case. So the intervals are held
against settlements, not against themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from budget.cases.claims import ClaimReader, Claims
from budget.cases.hospitals import Hospitals, hospitals_of
from budget.policy import load_policy
from budget.policy.document import Policy
from budget.projection.cells import Cells
from budget.projection.scenario import BASELINE
from budget.projection.year import settled as settled_year
from budget.projection.year import spent
from budget.projection.years import project
from budget.settlement.settled import settle
from budget.uncertainty.intervals import linear, usual_priors
from budget.uncertainty.priors import Priors
from budget.uncertainty.simulate import simulate
from drg.cases import columns_of
from drg.sample.region import make_region
from weights.cases.observations import Floats
from weights.table import WeightTable

SIZES = (0, 30, 100, 300, 1000, 10**9)  # cases of a hospital
_MORE = 5  # times a year's cases in the population
_LOSS = 0.05
YEAR = 2025


@dataclass(frozen=True)
class Kind:
    """A kind of region.

    Attributes:
        title: what it is.
        cases: of a year.
        hospitals: number of hospitals.
        policy: id of the policy.
        small: all but a tenth of the hospitals keep so many cases a year, from and to.
        mixed: how far their cases differ: standard deviation of the power of its weight by which
            a case is kept.
        tail: standard deviation of the logarithm of a further factor on the cost of each case.
    """

    title: str
    cases: int
    hospitals: int
    policy: str = "national-default"
    small: tuple[int, int] | None = None
    mixed: float = 0.0
    tail: float = 0.0


_POINTS = "hangzhou-type"
KINDS = (
    Kind("ordinary, by rates", 40_000, 60),
    Kind("ordinary, by points", 40_000, 60, _POINTS),
    Kind("300 small hospitals, by rates", 8_000, 300),
    Kind("mostly 5 to 60 cases, by rates", 30_000, 120, small=(5, 60)),
    Kind("mostly 5 to 60 cases, by points", 30_000, 120, _POINTS, small=(5, 60)),
    Kind("mostly 5 to 60, each with its own groups, by points", 40_000, 120, _POINTS, (5, 60), 1.0),
    Kind("mostly 10 to 200, costs with a long tail, by rates", 20_000, 60, small=(10, 200),
         tail=0.9),
    Kind("mostly 10 to 200, costs with a long tail, by points", 20_000, 60, _POINTS, (10, 200),
         tail=0.9),
)  # fmt: skip


@dataclass(frozen=True)
class Population:
    """Cases that a year's are taken from, and what they are settled by."""

    claims: Claims
    weights: WeightTable
    hospitals: Hospitals
    policy: Policy

    @classmethod
    def of(cls, kind: Kind, seed: int) -> Population:
        """A synthetic region with some times a year's cases."""
        region = make_region(
            cases=_MORE * kind.cases, hospitals=kind.hospitals, seed=seed, year=YEAR
        )
        weights = WeightTable("true", region.weights[["drg", "weight"]])
        held, rules = hospitals_of(region.hospitals), load_policy(kind.policy)
        frame = region.cases.assign(drg=region.truth["drg"])
        columns = columns_of(list(frame.columns), None, "cases")
        reader = ClaimReader.of(rules, columns, held, weights, YEAR)
        table = pa.Table.from_pandas(frame, preserve_index=False).combine_chunks()
        claims = reader.read(table.to_batches()[0])
        known = (claims.hospital >= 0) & (claims.insurance >= 0) & (claims.group >= 0)
        claims = replace(claims.take(known), person=None)
        rng = np.random.default_rng([seed, 1])
        if kind.small is not None:
            weight = weights.frame["weight"].to_numpy(np.float64)[claims.group]
            power = kind.mixed * rng.standard_normal(len(held))[claims.hospital]
            likely = power * np.log(np.where(weight > 0, weight, 1.0))
            claims = claims.take(_kept(rng, claims.hospital, likely, *kind.small))
        factor = np.exp(kind.tail * rng.standard_normal(len(claims)) - kind.tail**2 / 2)
        return cls(_dearer(claims, factor), weights, held, rules)

    def year(self, rng: np.random.Generator, expected: Floats, price: Floats) -> Claims:
        """A year's cases: each that often as chance has it, at its price."""
        counted = rng.poisson(expected / _MORE)
        rows = np.repeat(np.arange(len(counted)), counted)
        return _dearer(self.claims.take(rows), price[rows])

    def moved(self, rng: np.random.Generator, priors: Priors) -> tuple[Floats, Floats]:
        """How often each case is expected in a next year, and its price: one draw of the doubts."""
        claims, weight = self.claims, self.weights.frame["weight"].to_numpy(np.float64)
        drawn = {name: float(one.at(rng.random(1))[0]) for name, one in priors.drivers.items()}
        assert priors.volume_tier is not None
        tiers = np.unique(self.hospitals.tier)
        by_tier = dict(zip(tiers, priors.volume_tier.at(rng.random(len(tiers))), strict=True))
        tier = self.hospitals.tier[claims.hospital]
        sd = float(np.max(priors.group_volume or 0.0)), float(np.max(priors.group_cost or 0.0))
        volume, cost = (np.exp(rng.standard_normal(len(weight)) * one - one**2 / 2) for one in sd)
        log = np.log(np.where(weight > 0, weight, 1.0))[claims.group]
        own = weight[claims.group]
        pull = (own * (log - log.mean())).mean() / own.mean()
        tilt = np.exp(drawn["case_mix"] / pull * log)
        for one in tiers:  # a tier keeps its number of cases
            tilt[tier == one] /= tilt[tier == one].mean()
        grown = np.array([by_tier[one] for one in tier])
        expected = (1 + drawn["volume"]) * (1 + grown) * volume[claims.group] * tilt
        return expected, (1 + drawn["input_cost"]) * cost[claims.group]


def _dearer(claims: Claims, factor: Floats) -> Claims:
    """Cases that cost so many times as much."""
    amounts = {name: np.rint(fen * factor).astype(np.int64)
               for name, fen in claims.amounts.items()}  # fmt: skip
    return replace(claims, cost=np.rint(claims.cost * factor).astype(np.int64), amounts=amounts)


def _kept(
    rng: np.random.Generator, hospital: npt.NDArray[Any], likely: Floats, least: int, most: int
) -> npt.NDArray[np.intp]:
    """Rows that stay where all but a tenth of the hospitals have few cases.

    Rows with a large logarithm of what is likely stay first (Gumbel's trick).
    """
    rows, found = np.argsort(-likely - rng.gumbel(size=len(likely)), kind="stable"), []
    for one in np.unique(hospital):
        mine, size = rows[hospital[rows] == one], len(rows)
        if rng.random() < 0.9:
            size = int(_MORE * least * (most / least) ** rng.random())
        found.append(mine[:size])
    return np.sort(np.concatenate(found))


def rounds(held: Population, years: int, draws: int, seed: int) -> Iterator[pd.DataFrame]:
    """A row a hospital and simulated next year: its size, interval, loss and what came."""
    priors, ones = usual_priors(), np.ones(len(held.claims))
    asked = BASELINE.model_copy(update={"years": 1})
    for number in range(years):
        rng = np.random.default_rng([seed, number])
        by = held.weights, held.policy, held.hospitals, YEAR
        seen = Cells.of(settle(held.year(rng, ones, ones), *by))
        model = linear(project(seen, asked))
        found = simulate(model, priors, draws, seed=number)
        loss = found.loss(_LOSS)
        low, high = found.fan("fund", (0.025, 0.975))
        came = settle(held.year(rng, *held.moved(rng, priors)), *by,
                      last_year=spent(settled_year(seen)))  # fmt: skip
        yearly, final = came.sums.yearly(), came.cash.final.sum(axis=1) / 100.0
        cost, others = (part.sum(axis=1) / 100.0 for part in
                        (yearly.cost, yearly.patient + yearly.other))  # fmt: skip
        yield pd.DataFrame({
            "round": number, "cases": seen.cases.sum(axis=(1, 2)), "low": low[0], "high": high[0],
            "final": final, "loss_probability": loss[0],
            "loss": final + others < (1 - _LOSS) * cost,
        }).query("cases > 0")  # fmt: skip


def by_size(rows: pd.DataFrame) -> pd.DataFrame:
    """Coverage by the hospitals' numbers of cases."""
    inside = rows["final"].between(rows["low"], rows["high"])
    size = pd.cut(rows["cases"], SIZES, right=False)
    width = (rows["high"] - rows["low"]) / rows["final"].where(rows["final"] > 0)
    grouped = pd.DataFrame({"hospitals": 1, "inside": inside, "width": width}).groupby(
        size, observed=True
    )
    return grouped.agg({"hospitals": "sum", "inside": "mean", "width": "median"})


def by_probability(rows: pd.DataFrame) -> pd.DataFrame:
    """Loss probabilities in tenths, and how often the loss came."""
    tenth = np.minimum((rows["loss_probability"] * 10).astype(int), 9)
    return rows.groupby(tenth).agg(
        hospitals=("loss", "size"), said=("loss_probability", "mean"), came=("loss", "mean")
    )


def measure(
    kind: Kind, years: int, draws: int, line: Callable[[str, float, str], None], seed: int = 1
) -> pd.DataFrame:
    """Coverage by size class and losses by tenth, printed; and what they are counted from."""
    held = Population.of(kind, seed)
    rows = pd.concat(list(rounds(held, years, draws, seed)), ignore_index=True)
    print(f"coverage, {kind.title}: {years} next years of {kind.hospitals} hospitals, "
          f"{len(held.claims) // _MORE:,} cases, {draws:,} draws")  # fmt: skip
    for size, one in by_size(rows).iterrows():
        line(f"  {size} cases, {one['hospitals']:.0f}: inside 95%, width {one['width']:.0%}",
             100 * one["inside"], "92 to 98")  # fmt: skip
    for _, one in by_probability(rows).iterrows():
        line(f"  loss said {one['said']:.1%}, {one['hospitals']:.0f} hospitals: came",
             100 * one["came"], f"{100 * one['said']:.0f}")  # fmt: skip
    return rows


def show(share: float, line: Callable[[str, float, str], None]) -> None:
    """40 next years of each kind of region, of a share of its cases."""
    for seed, kind in enumerate(KINDS, 1):
        measure(replace(kind, cases=int(share * kind.cases)), 40, 500, line, seed)
