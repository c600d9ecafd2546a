"""Tables and records that a command wrote (结果表), read again: only what is needed of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from drg.documents import read_document
from drg.errors import problem
from drg.language import say
from drg.tables import batches, open_table
from drg.tables.as_text import as_text, text_list


def read_frame(
    path: Path, texts: tuple[str, ...], numbers: tuple[str, ...], optional: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Read columns of a table.

    Args:
        path: CSV or Parquet file.
        texts: columns of text; blank where the file has nothing.
        numbers: columns of numbers; NaN where the file has nothing.
        optional: those of them that may be missing from the file.

    Returns:
        The columns that are there; no other column is read.

    Raises:
        DrgError: a column is missing, a row is broken, or a number is none.
    """
    held: dict[str, list[pa.Array]] = {}
    with open_table(path) as source:
        there = list(source.schema.names)
        wanted = [name for name in (*texts, *numbers) if name in there]
        for name in (*texts, *numbers):
            if name not in there and name not in optional:
                raise problem(say(f"没有“{name}”列", f"no column '{name}'"), file=path,
                              found=", ".join(there),
                              expected=say("drg settle、drg project 或 drg audit 的表",
                                           "a table of drg settle, project or audit"))  # fmt: skip
        source.only(wanted)
        held = {name: [] for name in wanted}
        row = 2
        for batch in batches(source):
            for bad in batch.malformed:
                raise problem(
                    say("这一行不完整", "the row is broken"), file=path, row=row + bad.row
                )
            for name in wanted:
                column = as_text(batch.table.column(name)) if name in texts else _numbers(
                    batch.table.column(name), path, name, row)  # fmt: skip
                held[name].append(column)
            row += batch.table.num_rows
    empty = {name: pa.array([], pa.string() if name in texts else pa.float64()) for name in wanted}
    return pd.DataFrame({
        name: _column(pa.concat_arrays(parts) if parts else empty[name], name in texts)
        for name, parts in held.items()
    })  # fmt: skip


def read_any(path: Path) -> pd.DataFrame:
    """Read every column of a small table: numbers where each of its cells is one, else text.

    Raises:
        DrgError: a row is broken.
    """
    with open_table(path) as source:
        names = tuple(source.schema.names)
    frame = read_frame(path, names, ())
    for name in names:
        numbers = pd.to_numeric(frame[name], errors="coerce")
        if (numbers.notna() | (frame[name] == "")).all() and numbers.notna().any():
            frame[name] = numbers
    return frame


def _column(column: pa.Array, is_text: bool) -> Any:
    if is_text:
        texts = column.fill_null("").to_pylist()
        return pd.Series(texts, dtype=object)
    return column.fill_null(float("nan")).to_numpy(zero_copy_only=False)


def _numbers(column: pa.Array, path: Path, name: str, first: int) -> pa.Array:
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return column.cast(pa.float64())
    texts = pa.array(text_list(as_text(column)), pa.string())
    texts = pc.utf8_trim_whitespace(texts)
    blank = pc.equal(texts, "")
    texts = pc.if_else(blank, pa.scalar(None, pa.string()), texts)
    try:
        return texts.cast(pa.float64())
    except pa.ArrowInvalid:
        for place, text in enumerate(texts.to_pylist()):
            try:
                float(text if text is not None else "0")
            except ValueError:
                raise problem(say("不是数字", "not a number"), file=path, row=first + place,
                              key=name, found=text) from None  # fmt: skip
        raise problem(say("不是数字", "not numbers"), file=path, key=name) from None


def read_record(path: Path) -> dict[str, Any]:
    """Read a record that a command wrote beside its tables.

    Raises:
        DrgError: it is not there, or is no such record.
    """
    return read_document(path, "JSON")


def whole(values: pd.Series[Any]) -> list[int | None]:
    """Numbers as whole ones; None where there is none."""
    return [None if not np.isfinite(v) else round(v) for v in values.to_numpy(float)]
