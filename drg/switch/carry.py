"""Weights carried over to the groups of another scheme (权重结转).

A group that only bears another code, or that takes up whole old groups, keeps what was agreed:
the case-weighted mean of their weights. A group that is cut otherwise is fitted from its own
cases, drawn to its ADRG where they are few. Then severities are put in order, and all weights are
scaled so that the same cases have the same sum of weights as before (预算中性).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from drg.errors import problem
from drg.language import say
from weights.cases.observations import Observations
from weights.fit.calibrator import Calibrator
from weights.fit.severity import ordered
from weights.fit.shrink import shrink
from weights.table.families import families

WHOLE = 0.9  # share of an old group's cases that a new one must take up to have it whole
ENOUGH = 30  # cases from which a group's own mean is taken as it stands
CARRIED, FITTED, SHRUNK, BY_ADRG, BY_NAME, NONE = (
    "carried", "fitted", "shrunk", "adrg", "name", "none",
)  # fmt: skip
HOW = {
    CARRIED: ("由原病组权重结转", "carried over from its old groups"),
    FITTED: ("用本组病例测算", "fitted from its own cases"),
    SHRUNK: ("病例少，向所属 ADRG 收缩", "few cases: drawn to its ADRG"),
    BY_ADRG: ("无病例，取所属 ADRG 水平", "no case: the level of its ADRG"),
    BY_NAME: ("无病例，取同名原病组权重", "no case: the old group of its name"),
    NONE: ("无病例，也没有可取权重的原病组", "no case, and no old group to take a weight from"),
}
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Carried:
    """Weights of a scheme's groups, carried over from another's.

    Attributes:
        frame: one row a group: ``drg, adrg, weight, cases, mean_cost, how, from`` (the old groups
            that its cases come from, the most first); weight NaN where nothing is known.
        factor: what all weights were multiplied by to be budget neutral.
        old_sum: sum of weights of the cases before, over cases with a weight in both schemes.
        new_sum: the same after; equal but for rounding.
        moved: groups whose weight changed when severities were put in order.
    """

    frame: pd.DataFrame
    factor: float
    old_sum: float
    new_sum: float
    moved: tuple[str, ...]


def carry(
    old: Mapping[str, float],
    pairs: pd.DataFrame,
    groups: Sequence[tuple[str, str]],
    observed: Observations,
    named: Mapping[str, Sequence[str]],
) -> Carried:
    """Carry weights over.

    Args:
        old: weight by old group.
        pairs: cases by ``drg_old`` and ``drg_new``, of all cases grouped under both.
        groups: code and ADRG of each new group, in the order of the scheme.
        observed: the same cases under the new scheme, with their cost.
        named: new group -> the old groups of its name and severity.

    Raises:
        DrgError: no case has a weight before and a group after.
    """
    codes = tuple(code for code, _ in groups)
    kept, source, cases = _from_old(old, pairs, codes)
    level, few, lone, mean_cost = _from_cases(observed, codes)
    was, now = _sums(old, pairs, codes, level)
    scale = was / now  # weight of a yuan: what the old weights say of cases over their cost
    weight = np.full(len(codes), np.nan)
    how = np.full(len(codes), NONE, object)
    by_name = np.array([_mean([old[o] for o in named.get(c, ()) if o in old]) for c in codes])
    for label, value, fits in (
        (BY_ADRG, lone * scale, cases == 0),
        (BY_NAME, by_name, cases == 0),
        (SHRUNK, few * scale, cases > 0),
        (FITTED, level * scale, cases >= ENOUGH),
        (CARRIED, kept, cases > 0),
    ):
        taken = fits & np.isfinite(value)
        weight[taken], how[taken] = value[taken], label
    family = families(codes, [adrg for _, adrg in groups])
    # without cases the weight of a name still goes before a level that was made up
    right = ordered(weight, np.where((cases == 0) & (how == BY_NAME), 1e-9, cases), family)
    moved = tuple(c for c, was, now in zip(codes, weight, right, strict=True)
                  if np.isfinite(was) and was != now)  # fmt: skip
    was, now = _sums(old, pairs, codes, right)
    factor = was / now
    frame = pd.DataFrame({
        "drg": codes, "adrg": [adrg for _, adrg in groups], "weight": right * factor,
        "cases": cases.astype(np.int64), "mean_cost": mean_cost, "how": how, "from": source,
    })  # fmt: skip
    return Carried(frame, factor, was, now * factor, moved)


def _from_old(
    old: Mapping[str, float], pairs: pd.DataFrame, codes: Sequence[str]
) -> tuple[Floats, list[str], Floats]:
    """Weight of groups that take up whole old groups, where cases come from, and how many."""
    place = {code: i for i, code in enumerate(codes)}
    whole = pairs.groupby("drg_old")["cases"].transform("sum")
    here = pairs.assign(
        place=pairs["drg_new"].map(place), weight=pairs["drg_old"].map(old),
        entire=pairs["cases"] >= WHOLE * whole,
    )  # fmt: skip
    here = here[here["place"].notna()].astype({"place": np.int64})
    size = len(codes)
    cases = np.bincount(here["place"], here["cases"].astype(np.float64), size)
    good = here[here["entire"] & here["weight"].notna()]
    taken = np.bincount(good["place"], good["cases"], size)
    total = np.bincount(good["place"], good["cases"] * good["weight"], size)
    with np.errstate(invalid="ignore", divide="ignore"):
        kept = np.where((taken >= WHOLE * cases) & (taken > 0), total / taken, np.nan)
    source = [""] * size
    ranked = here.sort_values(["cases", "drg_old"], ascending=[False, True])
    for at, part in ranked.groupby("place"):
        source[int(str(at))] = " ".join(part["drg_old"].astype(str))
    return kept, source, np.asarray(cases, np.float64)


def _from_cases(
    observed: Observations, codes: tuple[str, ...]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Own level, level drawn to the ADRG, the ADRG's level alone, in yuan; and the mean cost."""
    fitted = Calibrator(trim="winsor", shrink=True, groups=codes).fit(observed)
    assert fitted.prior_ is not None
    assert fitted.noise_ is not None
    level, family = fitted.fit_.level, fitted.families_
    variance = fitted.noise_.variance(fitted.statistics_)
    cases = fitted.statistics_.group_cases
    found = pd.DataFrame({
        "own": level, "drawn": shrink(level, variance, family, fitted.prior_, cases),
        "lone": np.exp(fitted.prior_.suggested(level, variance, family, cases)[0]),
    }, index=list(family.groups))  # fmt: skip
    found["cost"] = fitted.table_.frame.set_index("drg")["mean_cost"]
    own, drawn, lone, cost = found.reindex(list(codes)).to_numpy(np.float64).T
    return own, drawn, lone, cost


def _sums(
    old: Mapping[str, float], pairs: pd.DataFrame, codes: Sequence[str], value: Floats
) -> tuple[float, float]:
    """Sums over the cases that have a weight before and a value after."""
    was = pairs["drg_old"].map(old).to_numpy(np.float64)
    now = pairs["drg_new"].map(dict(zip(codes, value, strict=True))).to_numpy(np.float64)
    both = np.isfinite(was) & np.isfinite(now)
    if not both.any():
        raise problem(say("没有病例既有原权重又有新病组", "no case has a weight before and a group "
                                                         "after"), key="weights")  # fmt: skip
    cases = pairs["cases"].to_numpy(np.float64)[both]
    return float((cases * was[both]).sum()), float((cases * now[both]).sum())


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else np.nan
