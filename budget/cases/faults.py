"""Cells of a claim that could not be used (结算病例问题清单): which row, what was found, why."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from budget.cases.claims import AMOUNTS, Claims
from drg.cases import CaseColumns
from drg.cases.amounts import read_amounts
from drg.cases.texts import as_text, text_list

Entry = tuple[int, str, str, str]
_REASONS = (
    ("total_cost", "cost", "expected a cost above 0; not settled 费用无效，未清算"),
    (
        "hospital_id",
        "hospital",
        "expected a hospital of the table; not settled 医疗机构未登记，未清算",
    ),
    ("insurance", "insurance", "expected employee or resident; not settled 险种不明，未清算"),
    ("discharge_date", "month", "expected a day of the settlement year; not settled 不在结算年度"),
)
_AMOUNT = "expected an amount of 0 or more; taken for 0 金额无法识别，按0处理"


def faults(table: pa.RecordBatch, columns: CaseColumns, claims: Claims) -> list[Entry]:
    """Rows of a batch that are not settled, and amounts that are not used, in order of rows.

    Args:
        table: the batch.
        columns: where the parts of a case stand.
        claims: what was read of it.

    Returns:
        Place of the row in the batch, column, cell, reason.
    """
    found: list[Entry] = []
    for part, name, reason in _REASONS:
        held = getattr(claims, name)
        found += _entries(table, columns.column(part), held <= 0 if name == "cost" else held < 0,
                          reason)  # fmt: skip
    for part in AMOUNTS:
        column = columns.column(part)
        if column is None:
            continue
        fen, _, unreadable = read_amounts(table.column(column))
        found += _entries(table, column, unreadable | (fen < 0), _AMOUNT)
    return sorted(found)


def _entries(
    table: pa.RecordBatch, column: str | None, where: npt.NDArray[np.bool_], reason: str
) -> Iterator[Entry]:
    rows = np.flatnonzero(where)
    if column is None or not len(rows):
        return
    cells = text_list(as_text(table.column(column).take(pa.array(rows))))
    for row, cell in zip(rows, cells, strict=True):
        yield int(row), column, cell or "", reason
