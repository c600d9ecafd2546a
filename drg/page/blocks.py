"""What the panel report is made of: tables, charts and texts, before they become a page or sheets.

A section is written once; the page, the workbook and the folder of pictures read the same blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias


class Kept(Enum):
    """A number that is not told, so that no person can be found by it."""

    FEW = "<5"  # a count from 1 to 4
    BACK = "*"  # what goes with such a count, or would give it away


Cell: TypeAlias = str | float | int | Kept | None
NUMBERS = ("count", "money", "gain", "yuan", "yuan_change", "share", "change", "ratio", "index",
           "value", "points", "year", "plain")  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: its heading, without unit.
        kind: ``text``, ``name`` (of the data), ``code``, or one of :data:`NUMBERS`: ``money`` and
            ``gain`` (signed) are sums in yuan, ``yuan`` and ``yuan_change`` amounts of a case.
    """

    title: str
    kind: str = "text"

    @property
    def is_number(self) -> bool:
        """Whether its cells are numbers."""
        return self.kind in NUMBERS


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        key: names it among all tables; ASCII.
        caption: what it shows.
        columns: of the table.
        rows: cells by row; money in yuan.
        totals: how many of the last rows are totals.
        note: below it.
        on_page: False for a table that only the workbook has.
        in_book: False for a table that only the page has.
    """

    key: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    totals: int = 0
    note: str = ""
    on_page: bool = True
    in_book: bool = True


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        key: names it and its file; ASCII.
        title: what it shows.
        about: the same in words, for readers who do not see it.
        svg: the drawing, a whole SVG element.
        note: below it.
    """

    key: str
    title: str
    about: str
    svg: str
    note: str = ""


@dataclass(frozen=True)
class Text:
    """A paragraph: ``plain``, ``quiet`` or ``call`` (something to act on)."""

    text: str
    look: str = "plain"


@dataclass(frozen=True)
class Facts:
    """Terms with their values."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Figures:
    """Large figures: label, value, and what goes with it."""

    items: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    items: Sequence[str]


@dataclass(frozen=True)
class Heading:
    """A heading inside a section, level 3."""

    text: str


@dataclass(frozen=True)
class Card:
    """Blocks that stay together on a sheet of paper, under a heading of level 3."""

    title: str
    aside: str
    blocks: Sequence[Block]


Block: TypeAlias = Table | Chart | Text | Facts | Figures | Points | Heading | Card


@dataclass(frozen=True)
class Section:
    """A section of the report.

    Attributes:
        key: its anchor; ASCII.
        title: its heading, level 2.
        blocks: what it holds.
        new_page: whether it begins on a new sheet of paper.
    """

    key: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)
    new_page: bool = False


def every(sections: Sequence[Section]) -> Iterator[Block]:
    """All blocks in order, those on cards too."""

    def inside(blocks: Sequence[Block]) -> Iterator[Block]:
        for block in blocks:
            yield block
            if isinstance(block, Card):
                yield from inside(block.blocks)

    for section in sections:
        yield from inside(section.blocks)
