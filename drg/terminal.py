"""Text tables for a terminal, in which a Chinese character is two columns wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def fit(text: str, most: int) -> str:
    """The text, cut with an ellipsis when it is wider than ``most`` columns."""
    if width(text) <= most:
        return text
    while width(text) > most - 2:
        text = text[:-1]
    return text + "…"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A plain table.

    Args:
        header: column titles.
        rows: cells.
        right: columns that are aligned to the right.
    """
    lines = [header, *rows]
    widths = [max(width(line[i]) for line in lines) for i in range(len(header))]

    def shown(line: Sequence[str]) -> str:
        cells = []
        for i, cell in enumerate(line):
            space = " " * (widths[i] - width(cell))
            cells.append(space + cell if i in right else cell + space)
        return "  ".join(cells).rstrip()

    rule = "  ".join("-" * w for w in widths)
    return "\n".join([shown(header), rule, *map(shown, rows)])
