"""The frame of a weight table: brought into one form, and checked to be a table of weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drg.cases.codes import is_total, plain_group
from drg.errors import DrgError, problem
from drg.language import say
from drg.persons import person_in, refuse_persons
from weights.table.columns import NUMBERS, TEXTS
from weights.table.text import visible

MOST = 1e6  # of a weight


def texts(cells: Sequence[Any]) -> pd.Series[str]:
    """Cells as texts, blank where there is nothing; whole numbers are plain digits."""
    return pd.Series([_text(cell) for cell in cells], dtype="str")


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return visible(cell)
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return ""
    if isinstance(cell, float | np.floating):
        if math.isnan(cell):
            return ""
        return str(int(cell)) if float(cell).is_integer() else repr(float(cell))
    return visible(str(cell))


def groups(cells: Sequence[Any]) -> pd.Series[str]:
    """Cells as codes of groups, as those of cases are read: ``ＦＲ１１`` is ``FR11``."""
    return texts([plain_group(cell) if isinstance(cell, str) else cell for cell in cells])


def is_text(column: pd.Series[Any]) -> bool:
    """Whether a column of a tidy frame is text, not numbers or truth values."""
    return not pd.api.types.is_numeric_dtype(column.dtype)


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame in the form of a weight table.

    Groups and names are trimmed texts, blank where there is nothing; weights and the other known
    numbers are float64; further columns stay numbers or truth values, or become texts.

    Raises:
        DrgError: a column is missing or stands twice, or a known number is none.
    """
    names = [visible(str(name)) for name in frame.columns]
    for name in ("drg", "weight"):
        if name not in names:
            raise problem(say(f"权重表须有列 {name}", f"a weight table has a column '{name}'"),
                          found=", ".join(names))  # fmt: skip
    for i, name in enumerate(names):
        if name in names[:i]:
            raise problem(say("列重复出现", "a column stands twice"), key=name)
    columns = {name: _tidied(name, frame.iloc[:, i]) for i, name in enumerate(names)}
    return pd.DataFrame(columns)


def _tidied(name: str, column: pd.Series[Any]) -> pd.Series[Any]:
    column = column.reset_index(drop=True)
    if name in NUMBERS:
        try:
            column = pd.to_numeric(column).astype(np.float64)
        except (TypeError, ValueError):
            raise problem(say("数字列中有其他内容", "a column of numbers holds something else"),
                          key=name) from None  # fmt: skip
        return _finite(name, column)
    if pd.api.types.is_bool_dtype(column.dtype) and not column.hasnans:
        return column.astype(np.bool_)
    if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans and name != "drg":
        return column.astype(np.int64)
    if pd.api.types.is_numeric_dtype(column.dtype) and name != "drg":
        return _finite(name, column.astype(np.float64))
    if name == "drg":
        return groups(column.tolist())
    found = texts(column.tolist())
    return found.str.strip() if name in TEXTS else found


def _finite(name: str, column: pd.Series[float]) -> pd.Series[float]:
    if np.isinf(column.to_numpy()).any():
        raise problem(say("须为有限的数或留空", "must be finite numbers, or blank"), key=name,
                      found="inf")  # fmt: skip
    return column


def check(
    frame: pd.DataFrame,
    file: str | PathLike[str] | None = None,
    rows: npt.NDArray[np.int64] | None = None,
) -> None:
    """Make sure that a tidy frame is a table of weights.

    Args:
        frame: tidy, at least ``drg`` and ``weight``.
        file: the file it comes from, for messages.
        rows: number of each row in the file.

    Raises:
        DrgError: a group stands twice or is blank, or a weight is out of range.
    """
    drg, weight = frame["drg"].to_numpy(), frame["weight"].to_numpy()

    def number(row: int) -> int | None:
        return None if rows is None else int(rows[row])

    for row in np.flatnonzero((weight <= 0) | (weight > MOST))[:1]:
        raise bad_weight(str(drg[row]), float(weight[row]), file, number(row))
    for row in np.flatnonzero(drg == "")[:1]:
        raise problem(say("有权重而没有病组", "a weight without a group"), key="drg",
                      found="" if math.isnan(weight[row]) else repr(float(weight[row])),
                      expected=say("病组编码", "the code of a group"),
                      file=file, row=number(row))  # fmt: skip
    for row in np.flatnonzero(frame["drg"].map(is_total))[:1]:
        raise problem(say("是合计行，不是病组", "is a row of sums, not a group"), key="drg",
                      found=drg[row], file=file, row=number(row))  # fmt: skip
    for row in np.flatnonzero(frame["drg"].duplicated())[:1]:
        first = number(np.flatnonzero(drg == drg[row])[0])
        raise problem(say("病组重复出现", "the group stands twice"), key="drg", found=drg[row],
                      expected=say("每个病组一行", "every group once")
                      + (say(f"，已见于第 {first} 行", f", it is in row {first}") if first else ""),
                      file=file, row=number(row))  # fmt: skip
    for key in (name for name in TEXTS if name in frame):
        for row in np.flatnonzero([bool(person_in(str(text))) for text in frame[key]])[:1]:
            refuse_persons([frame[key].iloc[row]], key=key, file=file, row=number(row))


def bad_weight(
    group: str, found: object, file: str | PathLike[str] | None, row: int | None
) -> DrgError:
    """The error of a cell that is no weight."""
    return problem(say(f"病组 {group} 的权重无效", f"not a weight for group '{group}'"),
                   key="weight", found=found,
                   expected=say("大于 0 且不超过 100 万的数，无权重时留空",
                                "a number above 0, at most a million, or a blank cell for no "
                                "weight"),
                   file=file, row=row)  # fmt: skip
