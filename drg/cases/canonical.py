"""Cases under canonical names (规范列名): the parts that are known, as texts, whatever the file."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from drg.cases.cells import Cells
from drg.cases.columns import LIST_COLUMNS
from drg.cases.opening import open_cases
from drg.cases.texts import as_text, on_text
from drg.tables import batches

_JOINT = "|"


def canonical(
    source: str | PathLike[str],
    needed: Sequence[str],
    *,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
) -> tuple[pa.Table, int]:
    """The parts of cases that are known, as texts under their canonical names, in order.

    Beside them the row of the first case, as a user of the file counts, for faults of cases.

    Args:
        source: file of cases.
        needed: parts that must be there.
        mapping: mapping file for headers that are not recognised.
        sheet: sheet of a workbook.

    Raises:
        DrgError: the file cannot be used, or a part is missing.
    """
    with open_cases(source, mapping=mapping, sheet=sheet, needed=needed,
                    dictionaries=False) as opened:  # fmt: skip
        columns, first = opened.columns, opened.header_rows + 1
        table = pa.Table.from_batches([one.table for one in batches(opened)], opened.schema)
    cells = Cells(table, columns)
    held: dict[str, Any] = {}
    for name in columns.sources:
        several = len(columns.columns(name)) > 1
        if name in LIST_COLUMNS and several:
            parts = [as_text(table.column(one).combine_chunks()) for one in columns.columns(name)]
            filled = [on_text(pc.utf8_trim_whitespace, pc.fill_null(part, "")) for part in parts]
            joined = pc.binary_join_element_wise(*filled, _JOINT)
            held[name] = pc.utf8_trim(pc.replace_substring_regex(joined, r"\|+", _JOINT), _JOINT)
        elif name == "other_paid" and several:
            held[name] = _yuan(cells, name)
        else:
            held[name] = as_text(cells.column(name))
    return pa.table(held), first


def _yuan(cells: Cells, name: str) -> pa.Array:
    """An amount that stands in several columns as one; an unreadable one is said to be so."""
    fen, blank, bad = cells.amount(name)
    rows = zip(fen.tolist(), blank.tolist(), bad.tolist(), strict=True)
    texts = ["?" if lost else None if none else f"{one / 100:.2f}" for one, none, lost in rows]
    return pa.array(texts, pa.string())
