"""Tables as callers hold them, pandas or Arrow: turned into Arrow, and joined with the results."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa

from drg.errors import DrgError

if TYPE_CHECKING:
    import pandas as pd

RESULT_COLUMNS = ("mdc", "adrg", "drg", "severity", "status", "reason")

Table = TypeVar("Table", "pd.DataFrame", pa.Table)


def renamed(names: Iterable[object]) -> dict[str, str]:
    """New names for input columns that bear a result's name, in whatever case."""
    given = [str(name) for name in names]
    taken = {name.casefold() for name in given}
    changes: dict[str, str] = {}
    for name in given:
        if name.casefold() in RESULT_COLUMNS:
            new, number = f"{name}_input", 2
            while new.casefold() in taken:
                new, number = f"{name}_input_{number}", number + 1
            taken.add(new.casefold())
            changes[name] = new
    return changes


def as_arrow(cases: Any) -> pa.Table:
    """A table as Arrow; columns of mixed objects become text, lists in them joined by ``|``.

    Raises:
        DrgError: it is no table, or two columns have the same name.
    """
    if isinstance(cases, pa.RecordBatch):
        cases = pa.Table.from_batches([cases])
    if not isinstance(cases, pa.Table) and type(cases).__name__ != "DataFrame":
        raise DrgError(
            f"cases must be a pandas DataFrame or a pyarrow Table, not {type(cases).__name__}; "
            "to group a file use grouper.engine.files.group_file"
        )
    if isinstance(cases, pa.Table):
        names = list(cases.column_names)
    elif cases.columns.nlevels > 1:
        raise DrgError("the columns have several levels; flatten them first")
    else:
        names = [str(name) for name in cases.columns]
    for name in {name for name in names if names.count(name) > 1}:
        raise DrgError(f"column '{name}' stands twice in the table")
    if isinstance(cases, pa.Table):
        return cases
    return pa.table([_array(cases.iloc[:, i]) for i in range(len(names))], names=names)


def _array(column: pd.Series[Any]) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.array([_text(value) for value in column], pa.string())


def _text(value: object) -> str | None:
    if isinstance(value, list | tuple | np.ndarray):
        return "|".join(_text(part) or "" for part in value)
    try:
        missing = value is None or bool(value != value)
    except (TypeError, ValueError):  # pandas.NA, or a table in a cell
        missing = type(value).__name__ == "NAType"
    return None if missing else str(value).encode("utf-8", "replace").decode()


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
