"""Cells of a claim that could not be used (结算病例问题清单): which row, what was found, why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from budget.cases.claims import AMOUNTS, Claims
from drg.cases import CaseColumns
from drg.cases.cells import Cells
from drg.cases.texts import as_text, text_list
from drg.tables import Malformed
from drg.tables.arrays import numbers

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
_AMOUNT = "expected an amount of 0 or more; not settled 金额无法识别，未清算"
_BEFORE = "discharged before admission 出院早于入院"


def faults(columns: CaseColumns, claims: Claims, cells: Cells) -> list[Entry]:
    """Rows of a batch that are not settled, and cells that cannot be read, in order of rows.

    Args:
        columns: where the parts of a case stand.
        claims: what was read of the batch.
        cells: its cells, from which they were read.

    Returns:
        Place of the row in the batch, column, cell, reason.
    """
    found: list[Entry] = []
    for part, name, reason in _REASONS:
        held = getattr(claims, name)
        wrong = held <= 0 if name == "cost" else held < 0
        found += entries(cells, columns.column(part), wrong, reason)
    for part in AMOUNTS:
        if part in claims.amounts:
            fen, _, unreadable = cells.amount(part)
            found += entries(cells, columns.column(part), unreadable | (fen < 0), _AMOUNT)
    told = {part for part, *_ in _REASONS} | set(AMOUNTS)
    found += [(one.row, one.column, one.value, one.reason)
              for one in cells.faults() if one.part not in told]  # fmt: skip
    if "admission_date" in columns:
        before = cells.day("discharge_date")[0] < cells.day("admission_date")[0]
        found += entries(cells, columns.column("discharge_date"), before, _BEFORE)
    return sorted(found)


def with_broken(found: Iterable[Entry], broken: Mapping[int, Malformed]) -> list[Entry]:
    """Entries in order of rows; of a row that could not be read, that alone."""
    whole = [one for one in found if one[0] not in broken]
    return sorted([*whole, *((row, "", one.value, one.reason) for row, one in broken.items())])


def entries(
    cells: Cells, column: str | None, where: npt.NDArray[np.bool_], reason: str
) -> Iterator[Entry]:
    """Cells of a column where something holds; none without the column."""
    rows = np.flatnonzero(where)
    if column is None or not len(rows):
        return
    texts = text_list(as_text(cells.table.column(column)).take(numbers(rows)))
    for row, text in zip(rows.tolist(), texts, strict=True):
        yield row, column, text or "", reason
