"""A weight table with its record beside it (权重表及其记录), where what it came from is told."""

from __future__ import annotations

from pathlib import Path

from drg.provenance import record_of, to_json
from drg.tables.atomic import write_text
from weights.table.model import WeightTable


def write_with_record(table: WeightTable, path: Path) -> None:
    """Write a table, and its record beside it.

    Raises:
        DrgError: a file cannot be written.
    """
    table.write(path)
    write_text(record_of(path), record_text(table))


def record_text(table: WeightTable) -> str:
    """The record of a table as it is written beside it."""
    return to_json({**table.record, "id": table.id, "weights_sha256": table.digest})
