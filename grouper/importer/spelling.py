"""The codes of a row: found in the edition, mended, or reported with what may have been meant."""

from __future__ import annotations

import re

from grouper.importer.cells import CodeBook, Spelled, split_codes
from grouper.importer.findings import Findings
from grouper.importer.recognise import Row
from grouper.importer.tables import Mark, Tables

SHAPES = {
    "D": re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9X]\d*)?(X\d{3})?([+*].*)?"),
    "P": re.compile(r"\d{2}(\.[0-9X]{1,3}[0-9A-Z]*)?"),
}
_MOST_CANDIDATES = 1_000


class Speller:
    """Finds the codes of rows in the edition of a :class:`Tables`."""

    def __init__(self, tables: Tables, findings: Findings) -> None:
        """Work on these tables."""
        self.tables = tables
        self.findings = findings
        self._asked = 0

    def book(self, letter: str) -> CodeBook:
        """The edition's diagnoses (``D``) or procedures (``P``)."""
        return self.tables.diagnoses if letter == "D" else self.tables.procedures

    def codes(self, row: Row, letter: str) -> list[str]:
        """The known codes of a row's code cell; anything else becomes a finding."""
        text = row.get("code")
        if not text:
            self.findings.add("code_missing", row.place, found=" ".join(row.filled)[:80])
            return []
        found = self._one(row, text, letter)
        if found:
            return [found]
        parts = split_codes(text)
        spelled = [self.book(letter).find(part) for part in parts]
        known = [item.code for item in spelled if item]
        if len(parts) > 1 and len(known) == len(parts):
            self.findings.add("several_codes", row.place, text, text, "; ".join(known))
            return known
        accepted = self._unknown(row, text, letter)
        return [accepted] if accepted else []

    def kind_of(self, text: str) -> str:
        """``D`` or ``P``, by the edition; "" for an unknown code."""
        if self.tables.diagnoses.find(text):
            return "D"
        return "P" if self.tables.procedures.find(text) else ""

    def _one(self, row: Row, text: str, letter: str) -> str:
        book = self.book(letter)
        spelled = book.find(text)
        if spelled is None:
            return ""
        self._spelled(row, text, spelled)
        name = row.get("code_name")
        if name and name != book.names[spelled.code]:
            other = book.by_name.get(name)
            if other and other != spelled.code:
                expected = f"{other} {name} / {spelled.code} {book.names[spelled.code]}"
                self.findings.add("name_of_another", row.place, spelled.code, name, expected)
            elif not book.names[spelled.code]:
                book.names[spelled.code] = name
        if row.get("mark"):
            kind = "diagnosis" if letter == "D" else "procedure"
            self._mark(Mark(spelled.code, kind, row.get("mark"), row.get("note")))
        return spelled.code

    def _mark(self, mark: Mark) -> None:
        if mark not in self.tables.marks:
            self.tables.marks.append(mark)

    def _spelled(self, row: Row, text: str, spelled: Spelled) -> None:
        if spelled.how == "mended":
            self.findings.add("code_mended", row.place, spelled.code, text, spelled.code)
        elif spelled.how == "zeros":
            self.findings.add("zeros_lost", row.place, spelled.code, text, spelled.code)

    def _unknown(self, row: Row, text: str, letter: str) -> str:
        name = row.get("code_name")
        other = "P" if letter == "D" else "D"
        if self.book(other).find(text):
            self.findings.add("wrong_code_kind", row.place, text, f"{text} {name}".strip())
            return ""
        shaped = SHAPES[letter].fullmatch(text.upper()) is not None
        if shaped and name and self.tables.options.unknown_codes == "accept":
            self.book(letter).add(text, name)
            self.findings.add("new_code", row.place, text, name)
            return text
        self._asked += 1
        near = self.book(letter).nearest(text, name) if self._asked <= _MOST_CANDIDATES else []
        names = self.book(letter).names
        self.findings.add(
            "unknown_code" if shaped else "code_malformed",
            row.place, text, f"{text} {name}".strip(),
            "; ".join(f"{code} {names[code]}" for code in near),
        )  # fmt: skip
        return ""

    def site(self, row: Row, code: str) -> None:
        """Note the body site of a diagnosis."""
        held = self.tables.sites.setdefault(code, row.get("site"))
        if held != row.get("site"):
            self.findings.add("site_twice", row.place, code, row.get("site"), held)
