"""The quality of each group as a table (病组质量明细), and what of it may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

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
Cell: TypeAlias = str | float | None


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
    n, size = everything.group_cases, len(everything.groups)
    cv = used.cv
    nothing = np.full(size, np.nan)
    moved = influence
    columns: dict[str, Any] = {
        "drg": list(everything.groups),
        "name": [names.get(group, "") for group in everything.groups],
        "weight": weight,
        "raw_weight": raw,
        "previous_weight": previous,
        "cases": n,
        "cases_used": used.group_cases,
        "mean_cost": used.mean_cost,
        "cv": nothing if cv is None else cv,
        "largest_share": nothing if moved is None else moved.share,
        "largest_share_cases": nothing if moved is None else moved.share_cases,
        "without_hospital": nothing if moved is None else moved.change,
        "without_hospital_cases": nothing if moved is None else moved.change_cases,
    }
    enough = used.group_cases >= max(minimum, 2)
    marks = {
        "few_cases": (n > 0) & (n < minimum),
        "no_cases": n == 0,
        "no_weight": ~np.isfinite(weight) if np.isfinite(weight).any() else n < 0,
        "cv_not_below_1": enough & (columns["cv"] >= 1),
        "inverted": _inverted(orders[1], everything.groups),
        "raw_inverted": _inverted(orders[0], everything.groups),
        "one_hospital_moves": _at(None if moved is None else moved.moved, size),
        "one_hospital_half": _at(None if moved is None else moved.dominated, size),
    }
    columns["flags"] = _joined(marks, size)
    return pd.DataFrame(columns).sort_values("drg", ignore_index=True)


def _inverted(order: Order | None, groups: Sequence[str]) -> Bools:
    held = set() if order is None else {
        group for pair in order.inversions for group in (pair.graver, pair.lighter)
    }  # fmt: skip
    return np.array([group in held for group in groups], np.bool_)


def _at(places: Any, size: int) -> Bools:
    found = np.zeros(size, np.bool_)
    if places is not None:
        found[places] = True
    return found


def _joined(marks: Mapping[str, Bools], size: int) -> list[str]:
    found: list[list[str]] = [[] for _ in range(size)]
    for name, which in marks.items():
        for place in np.flatnonzero(which):
            found[place].append(name)
    return ["; ".join(names) for names in found]


def hidden(cases: Floats) -> Bools:
    """Where a number of cases is too small to be shown. Same shape."""
    return np.asarray((cases > 0) & (cases < FEWEST))


def rows(frame: pd.DataFrame) -> dict[str, list[Cell]]:
    """The quality of each group as it may be shown, column by column.

    Below 5 cases the number is ``<5`` and nothing is said of their cost. A share or a change that
    would tell of fewer than 5 cases, of the hospital or of all others, is not shown either.

    Args:
        frame: :attr:`weights.quality.report.Quality.by_group`.
    """
    n, used = (frame[name].to_numpy(np.float64) for name in ("cases", "cases_used"))
    few = hidden(n) | hidden(used)
    shown: dict[str, list[Cell]] = {name: list(frame[name]) for name in ("drg", "name")}
    if not any(shown["name"]):
        del shown["name"]
    for name in ("weight", "raw_weight", "previous_weight", "cases", "mean_cost", "cv"):
        values = frame[name].to_numpy(np.float64)
        if name.startswith("previous") and not np.isfinite(values).any():
            continue
        cover = few if name in ("raw_weight", "mean_cost", "cv") else hidden(n)
        cover = cover & (name not in ("weight", "previous_weight"))
        shown[name] = _cells(values, cover, HIDDEN if name == "cases" else None)
    for name in ("largest_share", "without_hospital"):
        values = frame[name].to_numpy(np.float64)
        own = frame[f"{name}_cases"].to_numpy(np.float64)
        shown[name] = _cells(values, few | hidden(own) | hidden(used - own), HIDDEN)
    shown["flags"] = [_shown_flags(flags, bool(small))
                      for flags, small in zip(frame["flags"], few, strict=True)]  # fmt: skip
    return shown


def _shown_flags(flags: str, few: bool) -> str:
    """Flags in both languages; of a small group none that tells of its cost."""
    names = [name for name in flags.split("; ") if name]
    if few:
        names = [
            name for name in names if name in ("few_cases", "no_cases", "no_weight", "inverted")
        ]
    return "; ".join(f"{FLAGS[name]} {name}" for name in names)


def comparison_rows(found: Comparison) -> dict[str, list[Cell]]:
    """The groups of two tables as they may be shown: in both, then in only one."""
    frame, rest = found.frame, (*found.only_a, *found.only_b)
    floor, ceiling, only_a = set(found.on_floor), set(found.on_ceiling), set(found.only_a)
    shown: dict[str, list[Cell]] = {"drg": [*frame["drg"], *rest]}
    for name in ("a", "b", "ratio", "rescaled"):
        shown[name] = [*_cells(frame[name].to_numpy(np.float64), None, None), *([None] * len(rest))]
    n = frame["cases"].to_numpy(np.float64)
    if np.isfinite(n).any():
        shown["cases"] = [*_cells(n, hidden(n), HIDDEN), *([None] * len(rest))]
    shown["flags"] = [
        *("恰在下限 on_floor" if drg in floor else "恰在上限 on_ceiling" if drg in ceiling else ""
          for drg in frame["drg"]),
        *(f"仅在 {found.a} only" if drg in only_a else f"仅在 {found.b} only" for drg in rest),
    ]  # fmt: skip
    return shown


def _cells(values: Floats, cover: Bools | None, instead: str | None) -> list[Cell]:
    covered = np.zeros(len(values), np.bool_) if cover is None else cover
    return [
        instead if hide else None if np.isnan(value) else float(value)
        for value, hide in zip(values, covered, strict=True)
    ]
