"""The frame of a weight table: brought into one form, and checked to be a table of weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from drg.errors import DrgError, problem
from drg.language import say
from drg.persons import person_in, refuse_persons
from weights.table.columns import NUMBERS, TEXTS
from weights.table.text import visible

MOST = 1e6  # of a weight
Place = Callable[[int], dict[str, Any]]  # a row's file and number, for a message


def nowhere(_row: int) -> dict[str, Any]:
    """The place of a row that comes from no file."""
    return {}


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
        return _finite(name, _numbers(name, column))
    if pd.api.types.is_bool_dtype(column.dtype) and not column.hasnans:
        return column.astype(np.bool_)
    if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans and name != "drg":
        return column.astype(np.int64)
    if pd.api.types.is_numeric_dtype(column.dtype) and name != "drg":
        return _finite(name, column.astype(np.float64))
    found = texts(column.tolist())
    return found if name not in ("drg", "name", "status", "source") else found.str.strip()


def _numbers(name: str, column: pd.Series[Any]) -> pd.Series[float]:
    try:
        return pd.Series(pd.to_numeric(column), dtype=np.float64)
    except (TypeError, ValueError):
        raise problem(say("数字列中有其他内容", "a column of numbers holds something else"),
                      key=name) from None  # fmt: skip


def _finite(name: str, column: pd.Series[float]) -> pd.Series[float]:
    if np.isinf(column.to_numpy()).any():
        raise problem(say("须为有限的数或留空", "must be finite numbers, or blank"), key=name,
                      found="inf")  # fmt: skip
    return column


def check(frame: pd.DataFrame, place: Place = nowhere) -> None:
    """Make sure that a tidy frame is a table of weights.

    Args:
        frame: tidy, at least ``drg`` and ``weight``.
        place: the place of a row, for messages.

    Raises:
        DrgError: a group stands twice or is blank, or a weight is out of range.
    """
    weight = frame["weight"].to_numpy()
    for row in np.flatnonzero((weight <= 0) | (weight > MOST))[:1]:
        raise bad_weight(str(frame["drg"].iloc[row]), float(weight[row]), place(int(row)))
    blank = frame["drg"].to_numpy() == ""
    for row in np.flatnonzero(blank)[:1]:
        raise problem(say("有权重而没有病组", "a weight without a group"), key="drg",
                      found=_shown(weight[row]), expected=say("病组编码", "the code of a group"),
                      **place(int(row)))  # fmt: skip
    for row in np.flatnonzero(frame["drg"].duplicated().to_numpy())[:1]:
        group = str(frame["drg"].iloc[row])
        first = place(int(np.flatnonzero(frame["drg"].to_numpy() == group)[0])).get("row")
        raise problem(say("病组重复出现", "the group stands twice"), key="drg", found=group,
                      expected=say("每个病组一行", "every group once")
                      + (say(f"，已见于第 {first} 行", f", it is in row {first}") if first else ""),
                      **place(int(row)))  # fmt: skip
    for key in (name for name in TEXTS if name in frame):
        for row in np.flatnonzero([bool(person_in(str(text))) for text in frame[key]])[:1]:
            refuse_persons([frame[key].iloc[row]], key=key, **place(int(row)))


def bad_weight(group: str, found: object, place: dict[str, Any]) -> DrgError:
    """The error of a cell that is no weight."""
    return problem(say(f"病组 {group} 的权重无效", f"not a weight for group '{group}'"),
                   key="weight", found=found,
                   expected=say("大于 0 且不超过 100 万的数，无权重时留空",
                                "a number above 0, at most a million, or a blank cell for no "
                                "weight"),
                   **place)  # fmt: skip


def _shown(weight: float) -> str:
    return "" if math.isnan(weight) else repr(float(weight))
