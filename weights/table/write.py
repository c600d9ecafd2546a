"""Writing a weight table as CSV, Parquet or Excel: whole or not at all, always the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from drg.tables import write_table
from drg.tables.excel.sheets import MONEY, WHOLE, Part, Sheet, write_book
from weights.table.audit import NUMBERED, STEP_COLUMNS, plain, provenance, step_rows
from weights.table.columns import ORDER, heading
from weights.table.frame import is_text
from weights.table.read import METADATA
from weights.table.text import guarded, visible

_FORMATS = {
    "cv": "0.000",
    **dict.fromkeys(("weight", "raw_weight", "previous_weight", "ci_low", "ci_high"), "0.0000"),
    **dict.fromkeys(("cases", "cases_used", "hospitals"), WHOLE),
}


class _Exact(float):
    """A number that goes into a workbook with all its digits; XlsxWriter would keep sixteen."""

    def __format__(self, _: str) -> str:
        return float.__repr__(self)


def write_frame(path: Path, frame: pd.DataFrame, document: Mapping[str, Any]) -> None:
    """Write a table, the known columns first.

    Args:
        path: the file; its ending tells the format.
        frame: tidy.
        document: ``id``, ``weights_sha256`` and ``record``, kept in a Parquet file and shown in a
            workbook.

    Raises:
        DrgError: the file cannot be written.
    """
    known = [name for name in ORDER if name in frame]
    frame = frame[[*known, *(name for name in frame if name not in ORDER)]]
    ending = path.suffix.lower()
    if ending == ".xlsx":
        _write_workbook(path, frame, document)
    elif ending in (".parquet", ".pq"):
        text = json.dumps(document, ensure_ascii=False, default=plain)
        write_table(path, pa.table({
            str(name): pa.array(column.tolist(), pa.string()) if is_text(column)
            else pa.array(column.to_numpy(), from_pandas=True)
            for name, column in frame.items()
        }), metadata={METADATA: text})  # fmt: skip
    else:
        write_columns(path, frame)


def write_columns(path: str | PathLike[str], frame: pd.DataFrame) -> None:
    """Write a frame as CSV; texts that Excel could run get an apostrophe.

    Raises:
        DrgError: the file cannot be written.
    """
    write_table(path, pa.table({
        guarded(str(name)): pa.array([_as_text(name, cell) for cell in cells.tolist()], pa.string())
        for name, cells in frame.items()
    }))  # fmt: skip


def _as_text(name: object, cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return guarded(visible(cell))
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell)
    if np.isnan(cell):
        return ""
    return str(int(cell)) if name == "cases" and cell.is_integer() else repr(cell)


def _write_workbook(path: Path, frame: pd.DataFrame, document: Mapping[str, Any]) -> None:
    styles = [_style(str(name), is_text(column)) for name, column in frame.items()]
    money = [MONEY if key.startswith("cost") else WHOLE if key in NUMBERED else ""
             for key, _ in STEP_COLUMNS]  # fmt: skip
    steps = [title for _, title in STEP_COLUMNS]
    write_book(path, [
        Sheet("权重表", [_part([heading(str(name)) for name in frame],
                            frame.itertuples(index=False, name=None), styles)], frozen=2),
        Sheet("步骤 steps", [_part(steps, step_rows(document["record"]), money)]),
        Sheet("来源 source", [_part(["项目 key", "内容 value"], provenance(frame, document),
                                  ["", ""])]),
    ])  # fmt: skip


def _part(heads: Sequence[str], rows: Iterable[Sequence[Any]], styles: Sequence[str]) -> Part:
    cells = [[_cell(value) for value in row] for row in rows]
    return Part([guarded(head) for head in heads], cells, styles)


def _cell(value: Any) -> str | float | int | None:
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, str):
        return guarded(visible(value))
    return _Exact(value) if isinstance(value, float | int) else None


def _style(name: str, is_text: bool) -> str:
    if is_text:
        return "@" if name == "drg" else ""
    return MONEY if name.startswith(("mean_cost", "standard", "trim_")) else _FORMATS.get(name, "")
