"""Backtest (回溯检验): a year projected from the year before it, against what came.

The year before is settled and projected as :mod:`budget.projection` does it; the year that came is
settled by the policy and weights that the projection had for it. What is compared is the projection
and "as last year" with what came. A projection that does not beat "as last year" says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from budget.cases.hospitals import read_hospitals
from budget.forecast.files import check
from budget.policy.document import Policy
from budget.pools.money import LastYear
from budget.projection.assumptions import hashes, inputs_of
from budget.projection.cells import Cells
from budget.projection.equilibrium import reactions
from budget.projection.joining import Everybody
from budget.projection.policy import changed_policy
from budget.projection.repricing import reading, repricing
from budget.projection.scenario import Scenario
from budget.projection.tables import written_as
from budget.projection.year import Year, settled, spent
from budget.projection.years import project
from budget.settlement.files import read_claims
from budget.settlement.settled import Settlement, settle
from budget.uncertainty.draws import Draws, quantiles
from budget.uncertainty.intervals import linear, priors_of
from budget.uncertainty.simulate import simulate
from drg import language
from drg.errors import problem
from drg.provenance import record
from drg.tables import whole_folder, write_table
from drg.tables.atomic import write_record
from weights.table import WeightTable, open_weights

Floats = npt.NDArray[np.float64]
Said = Callable[[str], None]
LOSS = 0.05  # of its cost, beyond which a hospital's loss is counted
FEWEST = 5  # cases of a group in both years
RECORD = "backtest.json"
PAGE = "backtest.html"  # what the caller may write beside the tables
_ENDS = (0.025, 0.975)
# What is scored: level and measure, Chinese, English.
SCORED: dict[tuple[str, str], tuple[str, str]] = {
    ("hospitals", "final"): ("医院清算额", "payment of hospitals"),
    ("hospitals", "average_cost"): ("医院次均费用", "average cost of hospitals"),
    ("tiers", "final"): ("级别清算额", "payment of tiers"),
    ("tiers", "average_cost"): ("级别次均费用", "average cost of tiers"),
    ("groups", "average_cost"): ("病组次均费用", "average cost of groups"),
    ("pools", "point_value"): ("点值", "point value"),
}
_KEY = {"hospitals": "hospital_id", "tiers": "tier", "groups": "drg", "pools": "pool"}
RESULTS = (*(f"backtest_{name}.csv" for name in (*_KEY, "scores")), PAGE, RECORD)


@dataclass(frozen=True)
class Backtest:
    """A projected year beside the year that came.

    Attributes:
        year: the year that came.
        scenario: what was assumed.
        tables: ``hospitals``, ``tiers``, ``groups`` and ``pools``, a row each: for a measure the
            columns ``_projected``, ``_low``, ``_high``, ``_came`` and ``_last_year``; money in
            yuan. ``hospitals`` also has ``loss_probability`` and whether the loss ``loss_came``.
        scores: a row a level and measure of ``SCORED``: how many, mean error of the projection and
            of "as last year" as a share of what came (weighted by it), and the share ``inside``
            the 95% interval.
        brier: mean squared error of the loss probabilities, and of "as last year".
        unsettled: cases that were not settled in the year before and in the year that came, with
            their cost in fen; they are in no figure.
    """

    year: int
    scenario: Scenario
    tables: dict[str, pd.DataFrame]
    scores: pd.DataFrame
    brier: tuple[float, float]
    unsettled: tuple[tuple[int, int], tuple[int, int]]

    @property
    def moved(self) -> bool:
        """Whether the projection says anything else than "as last year"."""
        return bool((self.scores["error"] != self.scores["error_as_last_year"])[
            self.scores["count"] > 0].any())  # fmt: skip

    @property
    def told(self) -> list[tuple[tuple[str, str], dict[str, float]]]:
        """What is scored, in Chinese and English, with its scores; what has none is left out."""
        names = list(self.scores.columns)
        rows = [dict(zip(names, row, strict=True)) for row in self.scores.itertuples(index=False)]
        return [(title, row) for title, row in zip(SCORED.values(), rows, strict=True)
                if row["count"]]  # fmt: skip


def backtest_file(
    before: str | PathLike[str],
    came: str | PathLike[str],
    out: str | PathLike[str],
    weights: WeightTable,
    policy: Policy,
    hospitals: str | PathLike[str],
    year: int,
    scenario: Scenario,
    *,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    last_year: LastYear | None = None,
    draws: int = 1000,
    seed: int = 0,
    say: Said | None = None,
) -> Backtest:
    """Project a year from the one before it, settle it, and write both beside each other.

    Args:
        before: grouped cases of the year before.
        came: grouped cases of the year that came.
        out: folder; it gets ``backtest_*.csv`` and ``backtest.json``.
        weights: relative weights of the year before.
        policy: its policy.
        hospitals: table of hospitals of both years.
        year: the year before.
        scenario: what was assumed, its first year.
        mapping: mapping file for headers that are not recognised.
        sheet: sheet of a workbook.
        last_year: fund spend in yuan by pool of the year before ``before``.
        draws: draws for the intervals.
        seed: of the draws.
        say: called with what is being done.

    Raises:
        DrgError: a file or document cannot be used, or hospitals join in the scenario.
    """
    tell = say or (lambda _: None)
    out, sources = Path(out), (Path(before), Path(came))
    check(policy, [scenario])
    if scenario.joining():
        raise problem(language.say("回溯检验中医疗机构不能中途加入",
                                   "hospitals cannot join in a backtest"), file=scenario.place,
                      key="change.hospitals")  # fmt: skip
    inputs = {"year before": sources[0], "year that came": sources[1], "hospitals": hospitals,
              "weights": weights.path, "mapping": mapping}  # fmt: skip
    given = {**inputs, **inputs_of([scenario])}
    with whole_folder(out, RESULTS, given.values()) as folder:
        table = read_hospitals(hospitals)
        how: dict[str, Any] = {"mapping": mapping, "sheet": sheet}
        tell(language.say(f"清算并预测 {year}", f"settle {year} and look ahead"))
        claims = read_claims(sources[0], weights, policy, table, year, **how)
        base = Cells.of(settle(claims, weights, policy, table, year, last_year=last_year))
        cases = reading(sources[0], Everybody.of(table, [scenario]), year, scenario, **how)
        again = repricing(cases, weights, policy, table, year, scenario, last_year=last_year)
        one = scenario.model_copy(update={
            "years": 1, "change": {k: v for k, v in scenario.change.items() if k == "1"},
        })  # fmt: skip
        held = project(base, one, reprice=again, react=reactions(one.behaviour))
        model, priors = linear(held), priors_of(held)
        drawn = simulate(model, priors, draws, seed=seed, groups=True)
        tell(language.say(f"清算 {year + 1}", f"settle {year + 1}"))
        rules = changed_policy(policy, one, 1)
        name = one.weights_in(1)
        own = weights if name is None else open_weights(name)
        true = settle(read_claims(sources[1], own, rules, table, year + 1, **how), own, rules,
                      table, year + 1, last_year=spent(held.years[0]))  # fmt: skip
        loss = drawn.loss(LOSS)[0]
        found = _scored(held.years, settled(Cells.of(true)), true, drawn, loss, one)
        if not found.told:
            raise problem(language.say("没有可以对照的医疗机构", "there is nothing to compare"),
                          file=sources[1], key="hospital_id",
                          expected=language.say("与上一年相同的医疗机构编号",
                                                "the ids of the year before"))  # fmt: skip
        written = []
        for name, frame in {**found.tables, "scores": found.scores}.items():
            written.append(folder / f"backtest_{name}.csv")
            write_table(written[-1], written_as(frame))
        document = record(
            kind="backtest", year=year + 1, scenario=one.id, draws=draws, seed=seed, interval=0.95,
            loss_above=LOSS, brier={"projection": found.brier[0], "as_last_year": found.brier[1]},
            policy={"id": policy.id, "sha256": policy.digest},
            weights={"id": weights.id, "sha256": weights.digest},
            unsettled=dict(zip(
                (str(year), str(year + 1)),
                [{"cases": n, "cost": fen / 100} for n, fen in found.unsettled], strict=True,
            )),
            warnings=held.warnings, hashes=hashes(given, written),
        )  # fmt: skip
        write_record(folder / RECORD, document)
        return found


def _scored(
    years: tuple[Year, ...], came: Year, true: Settlement, drawn: Draws, loss: Floats,
    scenario: Scenario,
) -> Backtest:  # fmt: skip
    last, ahead = years
    tables = {
        "hospitals": _hospitals(last, ahead, came, drawn, loss),
        "tiers": _tiers(last, ahead, came, drawn),
        "groups": _groups(last, ahead, came, drawn),
        "pools": _pools(last, ahead, came, true, drawn),
    }
    scores = pd.DataFrame([
        {"level": level, "measure": measure, **_score(tables[level], measure)}
        for level, measure in SCORED
    ])  # fmt: skip
    lost = tables["hospitals"].dropna(subset=["loss_came"])
    brier = tuple(float(((lost[said] - lost["loss_came"]) ** 2).mean())
                  for said in ("loss_probability", "loss_last_year"))  # fmt: skip
    without = [one.cells.settlement.unsettled.values() for one in (last, came)]
    first, second = ((sum(n for n, _ in held), sum(fen for _, fen in held)) for held in without)
    return Backtest(came.year, scenario, tables, scores, (brier[0], brier[1]), (first, second))


def _score(frame: pd.DataFrame, measure: str) -> dict[str, float]:
    """Errors over what came, weighted by it; NaN where nothing can be compared."""
    parts = {end: frame[f"{measure}_{end}"].to_numpy(np.float64)
             for end in ("projected", "low", "high", "came", "last_year")}  # fmt: skip
    known = np.isfinite(np.stack([parts["projected"], parts["came"], parts["last_year"]])).all(0)
    if "cases_came" in frame:
        known &= frame[["cases_came", "cases_last_year"]].min(axis=1).to_numpy() >= FEWEST
    held = {end: values[known] for end, values in parts.items()}
    weight = np.ones(int(known.sum())) if measure != "final" else held["came"]
    unit = held["came"]

    def error(of: str) -> float:
        off = np.abs(held[of] - held["came"]) / unit
        return float(np.average(off, weights=weight)) if known.any() else float("nan")

    inside = (held["low"] <= held["came"]) & (held["came"] <= held["high"])
    return {
        "count": int(known.sum()), "error": round(error("projected"), 6),
        "error_as_last_year": round(error("last_year"), 6),
        "inside": round(float(inside.mean()), 6) if known.any() else float("nan"),
    }  # fmt: skip


def _beside(measure: str, projected: Floats, fan: Floats, came: Floats, last: Floats
            ) -> dict[str, Floats]:  # fmt: skip
    """A measure's five columns."""
    columns = zip(("projected", "low", "high", "came", "last_year"),
                  (projected, fan[0], fan[1], came, last), strict=True)  # fmt: skip
    digits = 6 if measure == "point_value" else 2
    return {f"{measure}_{name}": np.round(values, digits) for name, values in columns}


def _fan(values: Floats) -> Floats:
    """Ends of the 95% interval over draws. (2, keys)."""
    return quantiles(values, _ENDS)


def _ratio(over: Floats, under: Floats) -> Floats:
    none = np.full(over.shape, np.nan)
    return np.asarray(np.divide(over, under, out=none, where=under > 0), np.float64)


def _hospitals(last: Year, ahead: Year, came: Year, drawn: Draws, loss: Floats) -> pd.DataFrame:
    cases, average, final, share = {}, {}, {}, {}
    for name, year in (("last_year", last), ("projected", ahead), ("came", came)):
        cells = year.cells
        cases[name], cost = cells.cases.sum(axis=(1, 2)), cells.cost.sum(axis=(1, 2))
        average[name], final[name] = _ratio(cost, cases[name]), year.final.sum(axis=1) / 100.0
        share[name] = _ratio(final[name] + cells.beside.sum(axis=(1, 2)) - cost, cost)
    there = {name: np.where(np.isnan(held), np.nan, held < -LOSS) for name, held in share.items()}
    frame = pd.DataFrame({
        "hospital_id": came.cells.hospitals.ids, "hospital_name": came.cells.hospitals.names,
        "tier": came.cells.tier, "cases_last_year": cases["last_year"],
        "cases_came": cases["came"],
        **_beside("final", final["projected"], _fan(drawn.of("fund")[:, 0]), final["came"],
                  final["last_year"]),
        **_beside("average_cost", average["projected"], _fan(drawn.of("average_cost")[:, 0]),
                  average["came"], average["last_year"]),
        "loss_probability": np.round(loss, 4), "loss_came": there["came"],
        "loss_last_year": there["last_year"],
    })  # fmt: skip
    there_at_all = (cases["last_year"] > 0) | (cases["came"] > 0)
    found: pd.DataFrame = frame.loc[there_at_all].reset_index(drop=True)
    return found


def _tiers(last: Year, ahead: Year, came: Year, drawn: Draws) -> pd.DataFrame:
    tiers = np.unique(came.cells.tier)
    parts = {str(one): came.cells.tier == one for one in tiers} | {
        "all": np.ones(len(came.cells.tier), np.bool_)}  # fmt: skip

    def both(name: str) -> Floats:
        return np.hstack([drawn.of(name, "tier")[:, 0], drawn.of(name, "region")[:, 0]])

    def of(year: Year) -> tuple[Floats, Floats]:
        cells = year.cells
        cost, cases = (np.array([held[here].sum() for here in parts.values()])
                       for held in (cells.cost, cells.cases))  # fmt: skip
        final = np.array([year.final[here].sum() / 100.0 for here in parts.values()])
        return final, _ratio(cost, cases)

    projected, true, was = of(ahead), of(came), of(last)
    return pd.DataFrame({
        "tier": list(parts),
        **_beside("final", projected[0], _fan(both("fund")), true[0], was[0]),
        **_beside("average_cost", projected[1], _fan(both("average_cost")), true[1], was[1]),
    })  # fmt: skip


def _groups(last: Year, ahead: Year, came: Year, drawn: Draws) -> pd.DataFrame:
    """Average cost of the groups that have cases in both years."""
    assert drawn.group_cost is not None
    codes = [code for code in came.cells.groups if code and code in ahead.cells.groups]

    def of(year: Year) -> tuple[Floats, Floats]:
        at = [year.cells.groups.index(code) if code in year.cells.groups else -1 for code in codes]
        cases, cost = (np.append(held.sum(axis=(0, 2)), 0.0)[at]
                       for held in (year.cells.cases, year.cells.cost))  # fmt: skip
        return cases, _ratio(cost, cases)

    cases, average = zip(*(of(year) for year in (last, ahead, came)), strict=True)
    at = [ahead.cells.groups.index(code) for code in codes]
    fan = _fan(drawn.group_cost[:, 0, at].astype(np.float64))
    frame = pd.DataFrame({
        "drg": codes, "cases_last_year": cases[0], "cases_came": cases[2],
        **_beside("average_cost", average[1], fan, average[2], average[0]),
    })  # fmt: skip
    found: pd.DataFrame = frame.loc[(cases[0] > 0) & (cases[2] > 0)].reset_index(drop=True)
    return found


def _pools(
    last: Year, ahead: Year, came: Year, true: Settlement, drawn: Draws
) -> pd.DataFrame:  # fmt: skip
    """Point values of pools that decide them, NaN where a point is given; and their balances."""
    pools = [one.name for one in came.money]
    at = [drawn.pools.index(name) if name in drawn.pools else 0 for name in pools]
    unit = true.grid.per_yuan

    def value(year: Year) -> Floats:
        known = dict(zip([one.name for one in year.money], year.point_value, strict=True))
        return np.array([known.get(name, np.nan) for name in pools]) / unit

    def balance(year: Year) -> Floats:
        due = (year.closing.final - year.by_pool("outside")).sum(axis=0) / 100.0
        known = dict(
            zip(
                [one.name for one in year.money],
                np.array([one.amount for one in year.money]) / 100.0 - due,
                strict=True,
            )
        )
        return np.array([known.get(name, np.nan) for name in pools])

    decides = np.isfinite(drawn.value[:, 0, at]).all(axis=0)
    values = np.where(decides, drawn.value[:, 0, at], np.nan) / unit
    return pd.DataFrame({
        "pool": pools,
        **_beside("point_value", *(np.where(decides, held, np.nan) for held in
                  (value(ahead), _fan(values), value(came), value(last)))),
        **_beside("balance_before_cut", balance(ahead), _fan(drawn.of("balance", "pool")[:, 0, at]),
                  balance(came), balance(last)),
    })  # fmt: skip
