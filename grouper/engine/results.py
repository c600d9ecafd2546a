"""Columns of results, and tables as callers hold them (pandas or Arrow) joined with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd

RESULT_COLUMNS = ("mdc", "adrg", "drg", "severity", "status", "reason")
NAME_COLUMN = "drg_name"  # behind them where it is asked for

Table = TypeVar("Table", "pd.DataFrame", pa.Table)


def renamed(names: Iterable[object], results: Sequence[str] = RESULT_COLUMNS) -> dict[str, str]:
    """New names for input columns that bear a result's name, in whatever case."""
    given = [str(name) for name in names]
    taken = {name.casefold() for name in given}
    changes: dict[str, str] = {}
    for name in given:
        if name.casefold() in results:
            new, number = f"{name}_input", 2
            while new.casefold() in taken:
                new, number = f"{name}_input_{number}", number + 1
            taken.add(new.casefold())
            changes[name] = new
    return changes


def joiner(cases: Table) -> Callable[[pa.Table], Table]:
    """A function that appends result columns to the caller's table, in the caller's kind."""
    frame: Any = cases

    def to_arrow(results: pa.Table) -> pa.Table:
        changed = renamed(frame.column_names)
        kept = frame.rename_columns([changed.get(name, name) for name in frame.column_names])
        for name in RESULT_COLUMNS:
            kept = kept.append_column(name, results[name])
        return kept

    def to_pandas(results: pa.Table) -> Any:
        kept = frame.rename(columns=renamed(frame.columns))
        for name in RESULT_COLUMNS:
            kept[name] = results[name].to_numpy()
        return kept

    return to_arrow if isinstance(cases, pa.Table) else to_pandas
