"""Findings of an import: each with its sheet, its Excel row or cell and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from drg.errors import show
from drg.language import Words, spoken
from grouper.importer.kinds import KINDS, LEVEL_ZH, LEVELS, Kind, Level

_MOST_OF_A_KIND = 2_000


@dataclass(frozen=True)
class Place:
    """Where something stands: a sheet (or file), its Excel row and its column, as far as known.

    Attributes:
        sheet: the sheet or file.
        row: the Excel row; None for the whole sheet.
        column: the column, 0 for A; None for the whole row.
    """

    sheet: str
    row: int | None = None
    column: int | None = None

    @property
    def cell(self) -> str:
        """The cell as Excel names it, such as ``ADRG!C14``; "" where only the row is known."""
        if self.row is None or self.column is None:
            return ""
        letters, left = "", self.column + 1
        while left:
            left, letter = divmod(left - 1, 26)
            letters = chr(ord("A") + letter) + letters
        return f"{self.sheet}!{letters}{self.row}"


@dataclass(frozen=True)
class Finding:
    """One thing to mend, to check or to know.

    Attributes:
        kind: one of :data:`~grouper.importer.kinds.KINDS`.
        place: sheet, row and, where it is known, the cell.
        code: the code or group that it is about.
        found: what stands there.
        expected: what should stand there, or what it was compared with.
        zh: in Chinese, where ``found`` or ``expected`` is an English sentence.
    """

    kind: str
    place: Place
    code: str = ""
    found: str = ""
    expected: str = ""
    zh: str = ""

    @property
    def about(self) -> Kind:
        """The texts of the finding's kind."""
        return KINDS[self.kind]

    @property
    def level(self) -> Level:
        """``error`` (no pack is written), ``warning`` or ``note``."""
        return self.about.level

    def text(self, lang: str = "") -> str:
        """One line, in Chinese (``zh``) or English (``en``); else in the reader's language."""
        words = Words(lang or spoken())
        number = self.place.row
        row = "" if number is None else words(f": 第 {number} 行", f": row {number}")
        place = self.place.cell or f"{self.place.sheet}{row}"
        level = words(LEVEL_ZH[self.level], self.level)
        code = f"{self.code}: " if self.code else ""
        line = f"{level}: {place}: {code}{words(self.about.zh, self.about.en)}"
        if self.zh and words.zh:
            return f"{line}：{self.zh}"
        if self.found:
            line += words("：", ": ") + show(self.found)
        if self.expected:
            line += words("，应为 ", ", expected ") + self.expected
        return line

    def __str__(self) -> str:
        return self.text()


class Findings:
    """Collects findings; more of one kind than anybody reads are only counted."""

    def __init__(self) -> None:
        self._all: dict[Finding, None] = {}
        self.counts: Counter[str] = Counter()

    def add(
        self, kind: str, place: Place, code: str = "", found: str = "", expected: str = "",
        zh: str = "",
    ) -> None:  # fmt: skip
        """Note a finding; the same one twice is kept once."""
        finding = Finding(kind, place, code, found, expected, zh)
        if finding in self._all:
            return
        self.counts[kind] += 1
        if self.counts[kind] <= _MOST_OF_A_KIND:
            self._all[finding] = None

    def __iter__(self) -> Iterator[Finding]:
        """Errors first, then by sheet (as they were found) and row."""
        sheets = {place.sheet: i for i, place in reversed(list(enumerate(self._places())))}
        return iter(
            sorted(
                self._all,
                key=lambda f: (
                    LEVELS.index(f.level),
                    sheets[f.place.sheet],
                    f.place.row or 0,
                    f.place.column or 0,
                ),
            )
        )

    def _places(self) -> list[Place]:
        return [finding.place for finding in self._all]

    def __len__(self) -> int:
        return len(self._all)

    def count(self, level: Level) -> int:
        """How many there are of a level."""
        return sum(finding.level == level for finding in self._all)

    @property
    def cut(self) -> dict[str, int]:
        """Kinds of which only the first were kept -> how many were not."""
        return {k: n - _MOST_OF_A_KIND for k, n in self.counts.items() if n > _MOST_OF_A_KIND}
