"""The quality of each group as a table (病组质量明细), and what of it may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from drg.cases.privacy import FEWEST
from weights.cases.observations import Bools, Floats
from weights.cases.statistics import Statistics
from weights.quality.compare import Comparison, Order
from weights.quality.measures import Influence

HIDDEN = f"<{FEWEST}"
FLAGS = {
    "few_cases": "病例数不足",
    "no_cases": "无病例",
    "no_weight": "无权重",
    "cv_not_below_1": "CV不小于1",
    "inverted": "权重倒挂",
    "raw_inverted": "均费倒挂",
    "one_hospital_moves": "单家影响大于10%",
    "one_hospital_half": "单家占比过半",
}
_OF_FEW = ("few_cases", "no_cases", "no_weight", "inverted")  # they tell nothing of cost


def frame_of(
    everything: Statistics,
    used: Statistics,
    *,
    weight: Floats,
    raw: Floats,
    previous: Floats,
    minimum: float,
    orders: tuple[Order, Order | None],
    influence: Influence | None,
    names: Mapping[str, str],
) -> pd.DataFrame:
    """One row a group, in the order of the codes.

    Args:
        everything: sums of all cases.
        used: sums after trimming; means, CV and shares are theirs.
        weight: the table's weights, NaN where there is none. Shape (G,).
        raw: group mean over the mean of all. Shape (G,).
        previous: the previous weights. Shape (G,).
        minimum: groups of fewer cases are too small to judge.
        orders: severity order of the raw means and of the table.
        influence: of single hospitals.
        names: name of a group by its code.
    """
    n, codes = everything.group_cases, pd.Index(everything.groups)
    nothing = np.full(len(n), np.nan)
    columns: dict[str, Any] = {
        "drg": list(codes),
        "name": [names.get(code, "") for code in codes],
        "weight": weight,
        "raw_weight": raw,
        "previous_weight": previous,
        "cases": n,
        "cases_used": used.group_cases,
        "mean_cost": used.mean_cost,
        "cv": nothing if used.cv is None else used.cv,
        "largest_share": nothing if influence is None else influence.share,
        "largest_share_cases": nothing if influence is None else influence.share_cases,
        "without_hospital": nothing if influence is None else influence.change,
        "without_hospital_cases": nothing if influence is None else influence.change_cases,
    }
    raw_inverted, inverted = (
        codes.isin([code for pair in (order.inversions if order else ())
                    for code in (pair.graver, pair.lighter)])
        for order in orders
    )  # fmt: skip
    enough = used.group_cases >= max(minimum, 2)
    marks = {
        "few_cases": (n > 0) & (n < minimum),
        "no_cases": n == 0,
        "no_weight": ~np.isfinite(weight) if np.isfinite(weight).any() else n < 0,
        "cv_not_below_1": enough & (columns["cv"] >= 1),
        "inverted": inverted,
        "raw_inverted": raw_inverted,
        "one_hospital_moves": np.isin(np.arange(len(n)), influence.moved if influence else ()),
        "one_hospital_half": np.isin(np.arange(len(n)), influence.dominated if influence else ()),
    }
    columns["flags"] = ["; ".join(name for name, hit in zip(marks, hits, strict=True) if hit)
                        for hits in zip(*marks.values(), strict=True)]  # fmt: skip
    return pd.DataFrame(columns).sort_values("drg", ignore_index=True)


def hidden(cases: Floats | pd.Series[float]) -> Bools:
    """Where a number of cases is too small to be shown. Same shape."""
    return np.asarray((cases > 0) & (cases < FEWEST))


def rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The quality of each group as it may be shown.

    Below 5 cases the number is ``<5`` and nothing is said of their cost. A share or a change that
    would tell of fewer than 5 cases, of the hospital or of all others, is not shown either.

    Args:
        frame: :attr:`weights.quality.report.Quality.by_group`.
    """
    n, used = frame["cases"], frame["cases_used"]
    few = hidden(n) | hidden(used)
    shown = frame.drop(columns=["cases_used", *frame.filter(like="_cases")]).astype(object)
    shown.loc[few, ["raw_weight", "mean_cost", "cv"]] = None
    shown.loc[hidden(n), "cases"] = HIDDEN
    for name in ("largest_share", "without_hospital"):
        own = frame[f"{name}_cases"]
        shown.loc[few | hidden(own) | hidden(used - own), name] = HIDDEN
    shown["flags"] = [
        "; ".join(f"{FLAGS[name]} {name}" for name in filter(None, flags.split("; "))
                  if name in _OF_FEW or not small)
        for flags, small in zip(frame["flags"], few, strict=True)
    ]  # fmt: skip
    for name, blank in (("name", frame["name"] == ""),
                        ("previous_weight", frame["previous_weight"].isna())):  # fmt: skip
        if blank.all():
            del shown[name]
    return shown


def comparison_rows(found: Comparison) -> pd.DataFrame:
    """The groups of two tables as they may be shown: in both, then in only one."""
    floor, ceiling = set(found.on_floor), set(found.on_ceiling)
    both = found.frame.astype(object)
    both.loc[hidden(found.frame["cases"]), "cases"] = HIDDEN
    if found.frame["cases"].isna().all():
        del both["cases"]
    both["flags"] = [
        "恰在下限 on_floor" if drg in floor else "恰在上限 on_ceiling" if drg in ceiling else ""
        for drg in both["drg"]
    ]
    only = [(drg, f"仅在 {name} only") for name, groups in
            ((found.a, found.only_a), (found.b, found.only_b)) for drg in groups]  # fmt: skip
    return pd.concat([both, pd.DataFrame(only, columns=["drg", "flags"], dtype=object)],
                     ignore_index=True)  # fmt: skip
