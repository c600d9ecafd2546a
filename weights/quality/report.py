"""How good a set of groups and weights is (权重质量评价), from the cases it is to pay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from drg.cases.privacy import FEWEST
from drg.errors import problem
from drg.language import say
from weights.cases.observations import Bools, Floats, Observations
from weights.cases.statistics import Statistics, reduce
from weights.quality.compare import Comparison, Order, Slope, compare, log_slope, order
from weights.quality.groups import HIDDEN, frame_of
from weights.quality.measures import Influence, Spread, influence, spread_of
from weights.table import WeightTable
from weights.table.families import families as families_of
from weights.table.model import names_of
from weights.table.text import visible
from weights.trim import Trim, method

Said = tuple[str, str]  # in Chinese and English


# Published R2 of cost before and after trimming; None where it was not published.
BENCHMARKS = (
    ("Medicare DRG", 0.41, 0.52),
    ("AP-DRG", 0.47, 0.56),
    ("APR-DRG", 0.53, 0.60),
    ("SwissDRG 2012", 0.60, 0.75),
    ("SwissDRG 2023", 0.76, 0.85),
    ("G-DRG 2009", None, 0.84),
    ("AR-DRG 成都", 0.17, 0.59),
)
STABLE = (0.04, 0.07)  # SD of log weight ratios from year to year in published systems

_TOTALS = ("数据为带例数的汇总，看不到单个病例",
           "the data are totals with the column cases, without single cases")  # fmt: skip
_EQUAL = ("所有病例费用相同", "all cases cost the same")
_EQUAL_WEIGHTED = ("有权重的病例费用相同", "all cases with a weight cost the same")
_NO_TABLE = ("没有给出权重表", "no weight table was given")
_NO_PREVIOUS = ("没有给出上期权重表", "no previous table was given")
_NO_TRIM = ("未选修剪方法", "no trimming was asked for")
_NO_ORDER = ("编码不说明 ADRG 与严重程度，可用病组关系表给出",
             "the codes do not tell ADRG and severity; a table of families can")  # fmt: skip
_NO_HOSPITAL = ("数据没有医疗机构列", "the data have no column hospital_id")
_ONE_HOSPITAL = ("只有一家医疗机构", "there is only one hospital")


@dataclass(frozen=True)
class Some:
    """Some of the groups, and what they stand for.

    Attributes:
        groups: their codes.
        cases: their cases.
        cost: cost of these in yuan.
    """

    groups: tuple[str, ...]
    cases: float
    cost: float


@dataclass(frozen=True, eq=False)
class Quality:
    """Quality of groups and weights.

    Attributes:
        groups: codes of the groups, of cases and tables. Length G.
        trim: name of the method of trimming.
        minimum: groups of fewer cases are too small to judge.
        untrimmed: spread explained, of all cases.
        trimmed: the same after trimming; None for totals or without trimming.
        stability: the table against the previous one; None without.
        raw_order: severity order of the raw means (after trimming).
        order: severity order of the table; None without one.
        compression: slope of the log of the table's weights; None without a table.
        compression_weighted: the same by cases.
        reference: on what the slope is taken: ``previous``, or ``raw means`` of the groups.
        below_minimum: groups with cases, but fewer than the minimum.
        without_cases: groups of the tables that have no case.
        without_weight: groups with cases that have no weight in the table.
        weights_without_cases: those of ``without_cases`` that have a weight in the table.
        influence: what single hospitals do to the weights; None when there are not two.
        by_group: one row a group, numbers of small groups included; see
            :func:`weights.quality.groups.rows` for what may be shown.
        missing: what cannot be had -> why, in Chinese and English.
        warnings: name -> what a reader must know, in Chinese and English.
    """

    groups: tuple[str, ...]
    trim: str
    minimum: float
    untrimmed: Spread
    trimmed: Spread | None
    stability: Comparison | None
    raw_order: Order
    order: Order | None
    compression: Slope | None
    compression_weighted: Slope | None
    reference: str
    below_minimum: Some
    without_cases: Some
    without_weight: Some
    weights_without_cases: Some
    influence: Influence | None
    by_group: pd.DataFrame
    missing: dict[str, Said]
    warnings: dict[str, Said]


def assess(
    observed: Observations,
    table: WeightTable | None = None,
    *,
    trim: str | Trim = "ratio",
    families: Mapping[str, tuple[str, float]] | None = None,
    previous: WeightTable | None = None,
    minimum: float = 5,
) -> Quality:
    """Assess groups and weights on cases.

    Args:
        observed: grouped cases with cost, or totals by hospital and group.
        table: the weights; without them only the groups are judged.
        trim: method of trimming, by name or as an object of :mod:`weights.trim`. Raw means, their
            order, and the influence of hospitals are those after trimming.
        families: group -> ADRG and severity, for codes that do not say so themselves.
        previous: last year's weights.
        minimum: groups of fewer cases are too small to judge (最低病例数).

    Raises:
        DrgError: there is no case, no case has a weight in the table, the two tables have no group
            in common, or the trimming needs what is not there.
    """
    if not len(observed):
        raise problem(say("没有可用于评价权重的病例", "no case to judge the weights by"))
    if not minimum > 0:
        raise problem(say("超出范围", "out of range"), key="minimum", found=minimum,
                      expected=say("大于 0", "above 0"))  # fmt: skip
    how = method(trim) if isinstance(trim, str) else trim
    tables = [one for one in (table, previous) if one is not None]
    observed = replace(observed, groups=tuple(map(visible, observed.groups))).with_groups(
        str(drg) for one in tables for drg in one.frame["drg"]
    )
    sums, kept = reduce(observed, logs=False), _trimmed(observed, how)
    used = sums if kept is observed else reduce(kept, logs=False)
    held = families_of(observed.groups, _adrgs(observed, table), families)
    n, totals = sums.group_cases, sums.cost_squared is None
    weight, before = _weights(sums.groups, table), _weights(sums.groups, previous)
    given = np.isfinite(weight)
    uncovered = _some(sums, (n > 0) & ~given & (table is not None))
    if table is not None and uncovered.cases == float(n.sum()):
        groups = say("病组 ", "groups ")
        raise problem(
            say("没有病例在此权重表中有权重", "no case has a weight in this weight table"),
            key=table.id,
            found=groups + ", ".join(sums.groups[i] for i in np.flatnonzero(n)[:3]),
            expected=groups + ", ".join(table.weights.index[:3]),
        )  # fmt: skip
    raw = used.mean_cost / (used.cost.sum() / used.cases.sum())
    untrimmed = spread_of(sums, weight, minimum)
    trimmed = None if how.name == "none" or totals else spread_of(used, weight, minimum)
    stability = None
    if table is not None and previous is not None:
        cases = dict(zip(sums.groups, n.tolist(), strict=True))
        stability = compare(table, previous, cases=cases, families=families)
    reference = raw if previous is None else before
    count = len(used.hospitals) if observed.hospitals else 0
    moved = influence(used, minimum) if count > 1 else None
    raw_order = order(raw, held)
    own_order = None if table is None else order(weight, held)
    return Quality(
        groups=sums.groups,
        trim=how.name,
        minimum=minimum,
        untrimmed=untrimmed,
        trimmed=trimmed,
        stability=stability,
        raw_order=raw_order,
        order=own_order,
        compression=log_slope(weight, reference),
        compression_weighted=log_slope(weight, reference, n),
        reference="raw means" if previous is None else "previous",
        below_minimum=_some(sums, (n > 0) & (n < minimum)),
        without_cases=_some(sums, n == 0),
        without_weight=uncovered,
        weights_without_cases=_some(sums, (n == 0) & given),
        influence=moved,
        by_group=frame_of(
            sums, used, weight=weight, raw=raw, previous=before, minimum=minimum,
            orders=(raw_order, own_order), influence=moved,
            names={drg: name for one in tables[::-1] for drg, name in names_of(one).items()},
        ),
        missing={name: why for name, lacks, why in (
            ("r2", untrimmed.r2 is None, _TOTALS if totals else _EQUAL),
            ("r2_weights", untrimmed.r2_weights is None,
             _NO_TABLE if table is None else _TOTALS if totals else _EQUAL_WEIGHTED),
            ("trimmed", trimmed is None, _TOTALS if totals else _NO_TRIM),
            ("cv", untrimmed.median_cv is None, _TOTALS if totals else (
                f"没有病例数达到 {minimum:g} 的病组", f"no group has {minimum:g} cases")),
            ("compression", table is None, _NO_TABLE),
            ("stability", stability is None, _NO_TABLE if table is None else _NO_PREVIOUS),
            ("order", not held.ladders, _NO_ORDER),
            ("influence", moved is None, _ONE_HOSPITAL if count else _NO_HOSPITAL),
        ) if lacks},
        warnings=_warnings(uncovered),
    )  # fmt: skip


def _trimmed(observed: Observations, how: Trim) -> Observations:
    if observed.aggregated or how.name == "none":
        return observed
    found = how(observed.drg, observed.cost, observed.stay, len(observed.groups))
    return replace(observed, cost=found.cost).select(found.keep)


def _adrgs(observed: Observations, table: WeightTable | None) -> list[str]:
    """ADRGs as the cases say them, else as the table does."""
    said: dict[str, str] = {}
    if table is not None and "adrg" in table.frame:
        said = dict(zip(table.frame["drg"], table.frame["adrg"].astype(str), strict=True))
    return [adrg or said.get(group, "")
            for group, adrg in zip(observed.groups, observed.adrgs, strict=True)]  # fmt: skip


def _weights(groups: tuple[str, ...], table: WeightTable | None) -> Floats:
    """Weights of a table in the order of the groups, NaN where there is none. Shape (G,)."""
    return np.full(len(groups), np.nan) if table is None else np.asarray(
        table.weights.reindex(list(groups)), np.float64
    )  # fmt: skip


def _some(sums: Statistics, which: Bools) -> Some:
    places = np.flatnonzero(which)
    return Some(
        tuple(sums.groups[i] for i in places),
        float(sums.group_cases[places].sum()),
        float(sums.cost.sum(axis=0)[places].sum()),
    )


def _warnings(uncovered: Some) -> dict[str, Said]:
    if not uncovered.groups:
        return {}
    count, cases = len(uncovered.groups), uncovered.cases
    few = cases < FEWEST
    number = HIDDEN if few else f"{cases:,.0f}"
    zh, en = ("", "") if few else (f"，{uncovered.cost:,.2f} 元", f", {uncovered.cost:,.2f} yuan")
    return {"groups_without_weight": (
        f"{count:,} 个病组有病例而权重表中无权重：{number} 例{zh}",
        f"{count:,} groups have cases but no weight in the table: {number} cases{en}",
    )}  # fmt: skip
