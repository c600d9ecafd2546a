"""Tables as callers hold them, pandas or Arrow, turned into Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from drg.errors import DrgError
from drg.language import say
from drg.tables.arrays import numbers

if TYPE_CHECKING:
    import pandas as pd


def headers(cases: Any) -> list[str]:
    """The names of a table's columns.

    Raises:
        DrgError: it is no table, or two columns have the same name.
    """
    if isinstance(cases, pa.Table | pa.RecordBatch):
        names = list(cases.schema.names)
    elif type(cases).__name__ != "DataFrame":
        kind = type(cases).__name__
        raise DrgError(say(f"病例须为 pandas DataFrame 或 pyarrow Table，不能是 {kind}",
                           "cases must be a pandas DataFrame or a pyarrow Table, "
                           f"not {kind}"))  # fmt: skip
    elif cases.columns.nlevels > 1:
        raise DrgError(say("列名有多层，请先展平",
                           "the columns have several levels; flatten them first"))  # fmt: skip
    else:
        names = [str(name) for name in cases.columns]
    for name in {name for name in names if names.count(name) > 1}:
        raise DrgError(say(f"表中有两列 '{name}'", f"column '{name}' stands twice in the table"))
    return names


def as_arrow(cases: Any, wanted: Sequence[str] | None = None) -> pa.Table:
    """A table as Arrow; columns of mixed objects become text, lists in them joined by ``|``.

    Args:
        cases: pandas DataFrame, Arrow table or batch.
        wanted: only these columns.

    Raises:
        DrgError: it is no table, or two columns have the same name.
    """
    names = headers(cases)
    wanted = names if wanted is None else wanted
    if isinstance(cases, pa.RecordBatch):
        cases = pa.Table.from_batches([cases])
    if isinstance(cases, pa.Table):
        return cases.select(wanted)
    return pa.table([_array(cases.iloc[:, names.index(name)]) for name in wanted], names=wanted)


def _array(column: pd.Series[Any]) -> pa.Array | pa.ChunkedArray:
    if column.dtype == np.float64 and not np.isnan(held := column.to_numpy()).any():
        return numbers(held)
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
