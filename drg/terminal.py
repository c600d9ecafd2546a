"""Texts and tables for a terminal, in which a Chinese character is two columns wide."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def plain(text: str, mark: str = "?") -> str:
    """Text from a file as a terminal may show it: with a mark for control characters."""
    return "".join(c if c.isprintable() else mark for c in text)


def fit(text: str, most: int) -> str:
    """The text, cut with an ellipsis when it is wider than ``most`` columns."""
    short = text[: most + 1]  # no character is narrower than a column
    if width(short) <= most:
        return text
    while width(short) > most - 2:
        short = short[:-1]
    return short + "…"


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Rows of cells as lines whose columns stand below each other.

    Args:
        rows: cells, each row as many.
        right: columns that are aligned to the right.
    """
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for i, cell in enumerate(row):
            space = " " * (widths[i] - width(cell))
            cells.append(space + cell if i in right else cell + space)
        lines.append("  ".join(cells).rstrip())
    return lines


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """A plain table with a rule below its titles.

    Args:
        header: column titles.
        rows: cells.
        right: columns that are aligned to the right.
    """
    rule = ["-" * max(map(width, column)) for column in zip(header, *rows, strict=True)]
    return "\n".join(aligned([header, rule, *rows], right))


def wrapped(text: str, most: int) -> list[str]:
    """A text in lines of at most ``most`` columns; a Chinese one breaks between any characters.

    A line does not begin with a mark that closes, nor end with one that opens; what stands in
    square brackets stays whole.
    """
    lines = [""]
    for part in re.findall(r" *(?:\[[^]]*]|[（《“]*(?:[!-~]+|[^!-~])[，。；：、？！）》”]*)", text):
        if lines[-1] and width(lines[-1] + part) > most:
            lines.append("")
        lines[-1] += part if lines[-1] else part.lstrip(" ")
    return lines
