"""What a report is made of (报告内容): tables, charts and texts, before they become page or Word.

A section is written once; the page, the Word file and the workbook read the same blocks. A table
is columns and a frame: what a cell says, what of it is told and how it is written is decided once,
in :mod:`drg.page.cells`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import pandas as pd

    from drg.plots import Picture


class Kept(Enum):
    """A number that is not told, so that no person can be found by it."""

    FEW = "<5"  # a count from 1 to 4
    BACK = "*"  # what goes with such a count, or would give it away


Cell: TypeAlias = str | float | int | Kept | None
Pair: TypeAlias = tuple[str, str]
NUMBERS = ("cases", "count", "money", "gain", "yuan", "yuan_change", "fen", "fen_change", "share",
           "change", "ratio", "index", "weight", "value", "points", "year", "plain")  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        field: of the table's frame.
        zh: its heading, without unit.
        en: the same in English.
        kind: one of :data:`NUMBERS`: ``money`` and ``gain`` (signed) are sums in yuan that the page
            writes in 万元, ``yuan`` and ``yuan_change`` amounts of a case, ``fen`` and
            ``fen_change`` amounts to the fen, ``cases`` a count of which 1 to 4 is not told,
            ``count`` any other, ``share`` and ``change`` (signed) a percentage. Or a text:
            ``text``, ``name`` (of the data), ``code``, ``long``; ``tier`` and ``insurance`` are
            codes that are written in words.
        codes: words of codes; others stay as they are.
        digits: decimals, where they are not those of the kind.
        open: whether a row that is not told tells this number all the same.
    """

    field: str
    zh: str
    en: str
    kind: str = "text"
    codes: Mapping[Any, Pair] | None = None
    digits: int | None = None
    open: bool = False

    @property
    def is_number(self) -> bool:
        """Whether its cells are numbers."""
        return self.kind in NUMBERS


@dataclass(frozen=True, eq=False)
class Table:
    """A table.

    Attributes:
        key: names it among all tables; ASCII.
        caption: what it shows.
        columns: of the table; those without any value are left out.
        frame: one row a line, money in yuan; ``hidden`` marks rows that are not told.
        totals: how many of the last rows are totals.
        note: below it.
        ends: how many rows from the top and from the end stand on a page; all by default.
        where: ``both``, ``page`` or ``book``: a table that only the page or the workbook has.
        look: ``narrow`` when it fits a telephone, ``bare`` when it stands without its caption too,
            ``form`` when it is filled in by hand.
    """

    key: str
    caption: str
    columns: Sequence[Column]
    frame: pd.DataFrame
    totals: int = 0
    note: str = ""
    ends: tuple[int, int] | None = None
    where: str = "both"
    look: str = ""

    @property
    def on_page(self) -> bool:
        """Whether a page shows it."""
        return self.where != "book" and len(self.frame) > 0

    @property
    def in_book(self) -> bool:
        """Whether the workbook holds it."""
        return self.where != "page" and len(self.frame) > 0


def table(
    key: str, caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]], **more: Any
) -> Table:
    """A table of rows of cells, in the order of its columns."""
    import pandas as pd

    return Table(key, caption, columns, pd.DataFrame(list(rows), dtype=object,
                 columns=[one.field for one in columns]), **more)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Chart:
    """A chart.

    Attributes:
        key: names it and its file; ASCII.
        title: what it shows.
        about: the same in words, for readers who do not see it.
        picture: the drawing.
        note: below it.
    """

    key: str
    title: str
    about: str
    picture: Picture
    note: str = ""


@dataclass(frozen=True)
class Text:
    """A paragraph: ``plain``, ``lead``, ``quiet`` or ``call`` (something to act on)."""

    text: str
    look: str = "plain"


@dataclass(frozen=True)
class Facts:
    """Terms with their values."""

    pairs: Sequence[Pair]


@dataclass(frozen=True)
class Figures:
    """Large figures: label, value, and what goes with it."""

    items: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Points:
    """A list of sentences, numbered when their order matters."""

    items: Sequence[str]
    numbered: bool = False


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
    """A section of a report.

    Attributes:
        key: its anchor; ASCII.
        title: its heading, level 2, and the name of its sheet in the workbook.
        blocks: what it holds.
        new_page: whether it begins on a new sheet of paper.
    """

    key: str
    title: str
    blocks: Sequence[Block] = ()
    new_page: bool = False


@dataclass(frozen=True)
class Report:
    """A whole report.

    Attributes:
        title: of the report.
        subtitle: below it.
        sections: the first stands alone on the first sheet of paper.
        contents: whether a table of contents follows the first section.
    """

    title: str
    subtitle: str
    sections: Sequence[Section]
    contents: bool = True

    def blocks(self) -> Iterator[Block]:
        """All blocks in order, those on cards too."""
        for section in self.sections:
            yield from every(section.blocks)

    def only(self, *keys: str) -> Report:
        """The same with some sections only."""
        return replace(self, sections=[one for one in self.sections if one.key in keys])


def every(blocks: Sequence[Block]) -> Iterator[Block]:
    """All blocks in order, those on cards too."""
    for block in blocks:
        yield block
        if isinstance(block, Card):
            yield from every(block.blocks)
