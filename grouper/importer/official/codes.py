"""Codes of the official workbook: matched whole, spelled as the edition spells them, and named.

The workbook is an edition of its own: a code that the national edition lacks is taken as new, and
a name that stands in the workbook goes before the edition's.
"""

from __future__ import annotations

from grouper.importer.cells import CodeBook
from grouper.importer.findings import Findings
from grouper.importer.official.book import Sheet
from grouper.importer.spelling import SHAPES

_MOST_CANDIDATES = 200


class Codes:
    """Diagnoses (``D``) or procedures (``P``) as the workbook spells and names them."""

    def __init__(self, book: CodeBook, other: CodeBook, findings: Findings) -> None:
        """Look codes up in an edition; ``other`` is that of the other kind."""
        self.book = book
        self.other = other
        self.findings = findings
        self.named: dict[str, str] = {}
        self._known: dict[str, str] = {}
        self._seen: set[tuple[str, str]] = set()
        self._asked = 0

    def find(self, sheet: Sheet, number: int, text: str, name: str) -> str:
        """The code of a row; "" when it is none, which becomes a finding."""
        code = self._known.get(text) or self._new(sheet, number, text, name)
        if code and name and (code, name) not in self._seen:
            self._seen.add((code, name))
            self._name(sheet, number, code, name)
        return code

    def _new(self, sheet: Sheet, number: int, text: str, name: str) -> str:
        """A text that was not met before."""
        place, spelled = sheet.place(number, "code"), self.book.find(text)
        if not text:
            self.findings.add("code_missing", place, found=name)
            return ""
        if spelled is not None:
            if spelled.how:
                kind = "code_mended" if spelled.how == "mended" else "zeros_lost"
                self.findings.add(kind, place, spelled.code, text, spelled.code)
            self._known[text] = spelled.code
            return spelled.code
        if self.other.find(text):
            self.findings.add("wrong_code_kind", place, text, f"{text} {name}".strip())
            return ""
        shape = SHAPES["P" if self.book.procedures else "D"]
        if shape.fullmatch(text.upper()) is None or self.book.meant(text):
            self._asked += 1
            near = self.book.nearest(text, name) if self._asked <= _MOST_CANDIDATES else []
            like = "; ".join(f"{code} {self.book.names[code]}" for code in near)
            self.findings.add("code_malformed", place, text, f"{text} {name}".strip(), like)
            return ""
        same = self.book.by_name.get(name, "")
        self.findings.add("new_code", place, text, name, f"{same} {name}" if same else "")
        self.book.add(text, name)
        self._known[text] = text
        return text

    def _name(self, sheet: Sheet, number: int, code: str, name: str) -> None:
        known = self.book.names[code]
        if name != known:
            other = self.book.by_name.get(name, code)
            if other != code:
                self.findings.add("name_of_another", sheet.place(number, "name"), code, name,
                                  f"{other} {name} / {code} {known}")  # fmt: skip
                return
        self.named.setdefault(code, name)

    def names(self) -> CodeBook:
        """The edition with the workbook's names."""
        return CodeBook({**self.book.names, **self.named}, procedures=self.book.procedures)
