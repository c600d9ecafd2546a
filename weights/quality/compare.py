"""Two weight tables side by side (权重表对比): how alike they are, what moves, and how far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from drg.errors import problem
from drg.language import say
from weights.cases.observations import Floats
from weights.fit.severity import Inversion, inversions
from weights.table import WeightTable
from weights.table.families import Families, families

THRESHOLDS = (0.1, 0.2)
GIVEN, PLAIN = "given cases", "plain"
_DECIMALS = range(4, 11)
_EXACT = 1e-9  # relative


@dataclass(frozen=True)
class Slope:
    """Line of log weight on log reference.

    Attributes:
        slope: below 1 the weights are compressed (权重压缩).
        se: its standard error; None with two groups.
        groups: groups on which it rests.
    """

    slope: float
    se: float | None
    groups: int


@dataclass(frozen=True)
class Order:
    """Pairs of severities in the wrong order (权重倒挂).

    Attributes:
        inversions: the pairs.
        pairs: pairs compared: two groups of one ADRG that both have a weight.
    """

    inversions: tuple[Inversion, ...]
    pairs: int


@dataclass(frozen=True)
class Moves:
    """Groups that move by more than a share, the rounding of the tables aside.

    Attributes:
        share: the share.
        falls: groups below ``1 - share`` times the other weight, as the tables stand.
        rises: groups above ``1 + share`` times it, as the tables stand.
        rescaled: groups beyond either after bringing both tables to one scale.
    """

    share: float
    falls: int
    rises: int
    rescaled: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """What two tables have in common and what not. The second one is the reference.

    Attributes:
        a: id of the table.
        b: id of the reference.
        frame: the groups that have a weight in both: ``drg, a, b, ratio, rescaled, cases``, the
            ratio ``a / b`` as the tables stand and ``rescaled`` on one scale.
        only_a: groups with a weight in the table only.
        only_b: groups with a weight in the reference only.
        weighting: whose cases weigh ``scale`` and what is weighted; ``plain`` when none are known.
        scale: by which the table is multiplied to give the same sum of weights as the reference.
        pearson: correlation of the weights, None where one table does not vary.
        spearman: correlation of their ranks.
        mape: mean absolute relative difference after rescaling (平均绝对百分比误差), every group
            once.
        mape_weighted: the same by cases; None when none are known.
        sd_log: standard deviation of the log of the ratio, every group once.
        sd_log_weighted: the same by cases; None when none are known.
        slope: of the log of the table's weight on that of the reference.
        order_a: severity order in the table.
        order_b: severity order in the reference.
        moves: groups beyond 10% and 20%.
        corridor: the corridor looked for.
        on_floor: groups exactly at ``1 - corridor``, as far as the decimals of the two tables
            tell; so a cap on yearly falls leaves them.
        on_ceiling: groups exactly at ``1 + corridor``.
    """

    a: str
    b: str
    frame: pd.DataFrame
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    weighting: str
    scale: float
    pearson: float | None
    spearman: float | None
    mape: float
    mape_weighted: float | None
    sd_log: float | None
    sd_log_weighted: float | None
    slope: Slope | None
    order_a: Order
    order_b: Order
    moves: tuple[Moves, ...]
    corridor: float
    on_floor: tuple[str, ...]
    on_ceiling: tuple[str, ...]

    @property
    def both(self) -> int:
        """Groups that have a weight in both."""
        return len(self.frame)

    @property
    def lowest(self) -> float:
        """The smallest ratio as the tables stand."""
        return float(self.frame["ratio"].min())

    def largest(self, most: int = 20) -> pd.DataFrame:
        """The rows of the groups that move most, as the tables stand, the furthest first."""
        far = np.abs(np.log(self.frame["ratio"].to_numpy()))
        order = np.lexsort((self.frame["drg"].to_numpy().astype(str), -far.round(12)))
        moved = order[far[order] > 0]
        rows: pd.DataFrame = self.frame.iloc[moved[:most]]
        return rows.reset_index(drop=True)


def compare(
    a: WeightTable,
    b: WeightTable,
    *,
    families: Mapping[str, tuple[str, float]] | None = None,
    cases: Mapping[str, float] | None = None,
    corridor: float = 0.1,
) -> Comparison:
    """Compare a table with a reference, such as last year's.

    Args:
        a: the table.
        b: the reference.
        families: group -> ADRG and severity, for codes that do not say so themselves.
        cases: cases by group (病例数); by default those of ``a``, else those of ``b``.
        corridor: share at which floor and ceiling are looked for.

    Raises:
        DrgError: no group has a weight in both, or the corridor is no share.
    """
    if not 0 < corridor < 1:
        raise problem(say("超出范围", "out of range"), key="corridor", found=corridor,
                      expected=say("大于 0、小于 1", "above 0, below 1"))  # fmt: skip
    now, before = a.weights, b.weights
    groups = sorted(set(now.index) & set(before.index))
    if not groups:
        raise problem(say(f"权重表 {a.id} 与 {b.id} 没有共同病组",
                          f"the weight tables {a.id} and {b.id} have no group in common"),
                      found=", ".join(list(now.index[:3]) + list(before.index[:3])))  # fmt: skip
    w: Floats = np.asarray(now.reindex(groups), np.float64)
    w0: Floats = np.asarray(before.reindex(groups), np.float64)
    count, weighting = _cases(a, b, cases, groups)
    known = None if count is None else np.nan_to_num(count)
    each = np.ones(len(groups)) if known is None else known
    scale = float((each * w0).sum() / (each * w).sum())
    slack: Floats = np.asarray((_half_unit(w) + _half_unit(w0)) / w0 + _EXACT)
    ratio, logs = w / w0, np.log(w / w0)
    rescaled = ratio * scale
    apart = np.abs(rescaled - 1)
    frame = pd.DataFrame({
        "drg": groups, "a": w, "b": w0, "ratio": ratio, "rescaled": rescaled,
        "cases": np.full(len(groups), np.nan) if count is None else count,
    })  # fmt: skip
    return Comparison(
        a=a.id,
        b=b.id,
        frame=frame,
        only_a=tuple(sorted(set(now.index) - set(groups))),
        only_b=tuple(sorted(set(before.index) - set(groups))),
        weighting=weighting,
        scale=scale,
        pearson=correlation(w, w0),
        spearman=correlation(rankdata(w), rankdata(w0)),
        mape=float(apart.mean()),
        mape_weighted=None if known is None else float(np.average(apart, weights=known)),
        sd_log=_sd(logs, np.ones(len(logs))),
        sd_log_weighted=None if known is None else _sd(logs, known),
        slope=log_slope(w, w0),
        order_a=order_of(a, families),
        order_b=order_of(b, families),
        moves=tuple(
            Moves(share, int((ratio < 1 - share - slack).sum()),
                  int((ratio > 1 + share + slack).sum()),
                  int((apart > share + slack).sum()))
            for share in THRESHOLDS
        ),
        corridor=corridor,
        on_floor=tuple(frame["drg"][np.abs(ratio - (1 - corridor)) <= slack]),
        on_ceiling=tuple(frame["drg"][np.abs(ratio - (1 + corridor)) <= slack]),
    )  # fmt: skip


def _cases(
    a: WeightTable, b: WeightTable, given: Mapping[str, float] | None, groups: list[str]
) -> tuple[Floats | None, str]:
    """Cases of the groups and whose they are; none when no group has any."""
    sources = [(given, GIVEN)] if given is not None else [
        (dict(zip(table.frame["drg"], table.frame["cases"], strict=True)), f"cases of {table.id}")
        for table in (a, b) if "cases" in table.frame
    ]  # fmt: skip
    for held, name in sources:
        found = np.array([held.get(group, np.nan) for group in groups], np.float64)
        if (np.isnan(found) | (found >= 0)).all() and np.nansum(found) > 0:
            return found, name
    return None, PLAIN


def order_of(table: WeightTable, given: Mapping[str, tuple[str, float]] | None = None) -> Order:
    """Severity order in a weight table (权重倒挂).

    Args:
        table: the table; its column ``adrg``, where it has one, says the ADRGs.
        given: group -> ADRG and severity, for codes that do not say so themselves.
    """
    frame = table.frame
    adrgs = [str(adrg) for adrg in frame["adrg"]] if "adrg" in frame else None
    codes = [str(drg) for drg in frame["drg"]]
    return order(frame["weight"].to_numpy(np.float64), families(codes, adrgs, given))


def order(weight: Floats, held: Families) -> Order:
    """Pairs in the wrong order. ``weight`` has shape (G,), NaN where there is none."""
    found, pairs = inversions(weight, held)
    return Order(tuple(found), pairs)


def correlation(x: Floats, y: Floats) -> float | None:
    """Pearson's correlation; None where one of the two does not vary."""
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return min(1.0, max(-1.0, float(x @ y) / size)) if size > 0 else None


def log_slope(weight: Floats, reference: Floats, cases: Floats | None = None) -> Slope | None:
    """Least squares line of log weight on log reference (权重压缩).

    Args:
        weight: weights above 0, NaN where there is none. Shape (G,).
        reference: what they are held against, likewise. Shape (G,).
        cases: weights of the groups in the fit; each counts once without. Shape (G,).

    Returns:
        The slope, or None when fewer than two groups differ in the reference.
    """
    both = np.isfinite(weight) & np.isfinite(reference) & (weight > 0) & (reference > 0)
    if cases is not None:
        both &= cases > 0
    count = int(both.sum())
    if count < 2:
        return None
    y, x = np.log(weight[both]), np.log(reference[both])
    part = np.ones(count) if cases is None else cases[both]
    if np.ptp(x) <= 1e-9:
        return None
    from statsmodels.regression.linear_model import WLS

    line = WLS(y, np.stack([np.ones(count), x], axis=1), part).fit()
    return Slope(float(line.params[1]), float(line.bse[1]) if count > 2 else None, count)


def _half_unit(weight: Floats) -> float:
    """Half a unit of the last decimal in which all weights are written, from the 4th on."""
    for places in _DECIMALS:
        if np.allclose(np.round(weight, places), weight, rtol=1e-13, atol=0):
            return 0.5 * 10.0**-places
    return 0.0


def _sd(values: Floats, cases: Floats) -> float | None:
    """Standard deviation: sample's where each counts once, by cases otherwise."""
    used = cases > 0
    count = int(used.sum())
    if count < 2:
        return None
    values, share = values[used], cases[used] / cases[used].sum()
    left = float(share @ (values - share @ values) ** 2)
    return float(np.sqrt(left * count / (count - 1)))
