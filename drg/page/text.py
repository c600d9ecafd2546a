"""A report on a terminal (终端): its tables and sentences as plain text."""

from __future__ import annotations

from drg.page.blocks import Report, Table, Text
from drg.page.cells import grid
from drg.page.words import Words
from drg.terminal import fit, table

_WIDEST = 30  # columns of a name


def report_text(report: Report, words: Words) -> str:
    """The tables that a page has, each below its caption, and the sentences."""
    parts = []
    for block in report.blocks():
        if isinstance(block, Text) and block.text:
            parts.append(block.text)
        if not isinstance(block, Table) or not block.on_page:
            continue
        held = grid(block, words)
        heads = [f"{title} ({unit})" if unit else title for title, unit in held.heads]
        rows = [
            [fit(cell.text, _WIDEST) if column.kind == "name" else cell.text
             for cell, column in zip(line.cells, held.columns, strict=True)]
            for line in held.lines
        ]  # fmt: skip
        right = [place for place, column in enumerate(held.columns) if column.is_number]
        more = [f"... +{held.left_out:,}"] if held.left_out else []
        note = [block.note] if block.note else []
        parts.append("\n".join([block.caption, table(heads, rows, right), *more, *note]))
    return "\n\n".join(parts)
