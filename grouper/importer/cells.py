"""Single cells: tidy texts, codes and their usual misspellings, group codes, list numbers."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from drg.cases.codes import plain_code

EXCEL_ERRORS = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!")
YES = ("是", "yes", "y", "√", "1", "true", "有效", "✓")
NO = ("", "否", "no", "n", "0", "false", "×", "x", "无")
NONE = ("无", "-", "—", "/", "none", "不排除")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufeff\u2060\xad"))
_LOOKALIKES = str.maketrans("OILSZ", "01152")
_CODES = re.compile(r"[|,;、，；｜\s]+")
_SHORT_PROCEDURE = re.compile(r"(\d{1,2})(?:\.(\d{1,4}))?")
_NUMERALS = {c: str(i) for i, c in enumerate("一二三四五六七八九", 1)}
_LIST_FILLER = re.compile(
    r"[\s:：,，。()\[\]]|主要|诊断|手术|操作|列表|以下|包含|同时|或者|或|任一|任意|编码|目录|"
    r"第|表|级|和|与|及|并|且|其中|下列|LIST"
)
_GROUPS = {
    "mdc": re.compile(r"MDC[A-Z0-9]"),
    "adrg": re.compile(r"[A-Z][A-Z0-9][0-9A-Z]"),
    "drg": re.compile(r"[A-Z][A-Z0-9][0-9A-Z][0-9A-Z]|[A-Z]QY"),
}


def tidy(text: str) -> str:
    """A cell's text without what does not show at its ends and without line breaks."""
    if text.isascii() and text.isalnum():
        return text
    return " ".join(text.translate(_INVISIBLE).split())


def folded(text: str) -> str:
    """Half-width, upper case, no spaces; for comparing."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).upper()


def group_code(kind: str, text: str) -> str:
    """An MDC, ADRG or DRG code in its usual form; "" when it is none."""
    plain = folded(text).strip("'\"")
    if kind == "mdc":
        plain = plain.replace("-", "").replace("_", "")
        if len(plain) == 1 and plain.isalpha():
            plain = "MDC" + plain
    return plain if _GROUPS[kind].fullmatch(plain) else ""


@dataclass(frozen=True)
class ListCell:
    """What a cell says of a list: its numbers (0 for none) and how it joins those before it."""

    kind: Literal["", "D", "P"]
    number: int
    part: int
    join: Literal["", "and", "or"]


def list_cell(text: str) -> ListCell | None:
    """Read ``P1``, ``P1#2``, ``手术操作列表1-2``, ``同时包含 列表2``, ``一级列表``; None if not."""
    plain = folded(text)
    kind: Literal["", "D", "P"] = ""
    if "诊" in plain:
        kind = "D"
    elif "手术" in plain or "操作" in plain:
        kind = "P"
    join: Literal["", "and", "or"] = "and" if "同时" in plain or "并且" in plain else ""
    if not join and "或" in plain.replace("手术或操作", "").replace("手术及操作", ""):
        join = "or"
    rest = plain.replace("手术或操作", "")
    for numeral, digit in _NUMERALS.items():
        rest = rest.replace(numeral, digit)
    rest = rest.replace("子列表", "#").replace("分列表", "#")
    rest = _LIST_FILLER.sub("", rest)
    match = re.fullmatch(r"([DP]?)(\d{1,3})?(?:[#\-—_](\d{1,3}))?", rest)
    if match is None or (match[1] and kind and match[1] != kind):
        return None
    letter: Literal["", "D", "P"] = "D" if match[1] == "D" else "P" if match[1] == "P" else kind
    number, part = int(match[2] or 0), int(match[3] or 0)
    if match[2] and number == 0:
        return None
    return ListCell(letter, number, part, join)


@dataclass(frozen=True)
class Spelled:
    """A code found for a cell, and how: as it stands, ``mended`` or with its ``zeros`` back."""

    code: str
    how: Literal["", "mended", "zeros"] = ""


class CodeBook:
    """The codes of an edition, found also under other spellings."""

    def __init__(self, names: Mapping[str, str], *, procedures: bool) -> None:
        """Take the edition's codes and names."""
        self.names = dict(names)
        self.procedures = procedures
        self._by_plain = {plain_code(code): code for code in self.names}

    def add(self, code: str, name: str) -> None:
        """Enter a code."""
        self.names[code] = name
        self._by_plain[plain_code(code)] = code

    def meant(self, text: str) -> str:
        """The code that a text becomes when letters and digits that look alike are put right."""
        plain = plain_code(text)
        return self._by_plain.get(plain[:1] + plain[1:].translate(_LOOKALIKES), "")

    def find(self, text: str) -> Spelled | None:
        """The code that a cell means, None when there is none."""
        if text in self.names:
            return Spelled(text)
        plain = plain_code(text)
        if plain in self._by_plain:
            return Spelled(self._by_plain[plain], "mended")
        match = _SHORT_PROCEDURE.fullmatch(plain) if self.procedures else None
        if match:
            full = f"{match[1].zfill(2)}.{(match[2] or '').ljust(4, '0')}"
            if full in self.names:
                return Spelled(full, "zeros")
        return None

    @cached_property
    def by_name(self) -> dict[str, str]:
        """Name -> code, of names that only one code has."""
        found: dict[str, str] = {}
        twice = set()
        for code, name in self.names.items():
            if name in found:
                twice.add(name)
            found[name] = code
        return {name: code for name, code in found.items() if name and name not in twice}

    @cached_property
    def _by_start(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for code in self.names:
            found[code[:3].upper()].append(code)
        return found

    def nearest(self, text: str, name: str = "", most: int = 3) -> list[str]:
        """Codes that may have been meant, best first."""
        found = [self.by_name[name]] if name in self.by_name else []
        plain = plain_code(text)
        if meant := self.meant(text):
            found.append(meant)
        near = self._by_start.get(plain[:1] + plain[1:3].translate(_LOOKALIKES), [])
        spelled = {plain_code(code): code for code in near}
        close = difflib.get_close_matches(plain, list(spelled), n=5 * most, cutoff=0.5)
        # Errors sit at the end of a code more often than at its beginning.
        close.sort(key=lambda item: -_common(item, plain))
        found += [spelled[item] for item in close]
        if name and len(found) < most:
            titles = {self.names[code]: code for code in near if self.names[code]}
            found += [titles[t] for t in difflib.get_close_matches(name, list(titles), n=most)]
        return list(dict.fromkeys(found))[:most]


def _common(one: str, other: str) -> int:
    """How many characters two codes begin with in common."""
    same = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        same += 1
    return same


def split_codes(text: str) -> list[str]:
    """The codes of a cell that holds several."""
    return [part for part in _CODES.split(text) if part]
