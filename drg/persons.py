"""Numbers that tell a person (身份证号、手机号) in free text, however they are written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from os import PathLike

from drg.errors import problem
from drg.language import say

# Digits may stand in blocks of any length; a date of birth tells an identity number from codes.
_GAP = "[ -]{0,3}"
_DIGITS = ("[1-9]", *[r"\d"] * 5, "(?:1", "[89]|2", "0)", *[r"\d"] * 2, "(?:0", "[1-9]|1",
           "[0-2])", "(?:0", r"[1-9]|[12]", r"\d|3", "[01])", *[r"\d"] * 3, "[0-9Xx]")  # fmt: skip
_IDENTITY = re.compile(rf"(?<![0-9A-Za-z]){_GAP.join(_DIGITS)}(?![0-9A-Za-z])")
_BLOCKS = ((3, 4, 4), (4, 4, 3), (3, 3, 5), (3, 8), (4, 7), (7, 4))
_MOBILE = re.compile(
    r"(?<![0-9A-Za-z.])(?:(?:\+|00)?86[ -]{0,3})?(?=1[3-9])(?:"
    + "|".join(_GAP.join(rf"\d{{{n}}}" for n in blocks) for blocks in _BLOCKS)
    + r")(?![0-9A-Za-z]|\.\d)"
)

_FEWEST = 6  # signs for the 11 digits of a mobile number; one sign may stand for two


def folded(text: str) -> str:
    """A text as its digits are looked for: half-width, plain dashes, nothing unseen."""
    if text.isascii():
        return " ".join(text.split())
    plain = unicodedata.normalize("NFKC", text)
    kinds = [unicodedata.category(c) for c in plain]
    shown = ["-" if kind == "Pd" or c == "\u2212" else c
             for c, kind in zip(plain, kinds, strict=True) if kind != "Cf"]  # fmt: skip
    return " ".join("".join(shown).split())


def person_in(text: str, *, mobiles: bool = True) -> str:
    """What number of a person a text holds, in the reader's language; "" when it holds none.

    Args:
        text: any text.
        mobiles: whether a mobile number counts; among case numbers it may be one of them.
    """
    if sum(map(str.isnumeric, text)) < _FEWEST:
        return ""
    plain = folded(text)
    if _IDENTITY.search(plain):
        return say("身份证号", "an identity number")
    return say("手机号", "a mobile number") if mobiles and _MOBILE.search(plain) else ""


def refuse_persons(
    texts: Iterable[object],
    *,
    file: str | PathLike[str] | None = None,
    key: str | None = None,
    row: int | None = None,
    mobiles: bool = True,
) -> None:
    """Refuse texts with an identity or mobile number: records and reports show them.

    Args:
        texts: the texts; what is none is passed over.
        file: where they stand.
        key: the name of their column or key.
        row: of the first of them; None where there are no rows.
        mobiles: whether a mobile number counts; a hospital's id may look like one.

    Raises:
        DrgError: a text holds one, which the message masks.
    """
    for place, text in enumerate(texts):
        if isinstance(text, str) and (found := person_in(text, mobiles=mobiles)):
            raise problem(say(f"含{found}，请删除，不得出现个人信息",
                              f"holds {found}; take it out, no person may be named"),
                          file=file, row=None if row is None else row + place, key=key,
                          found=masked(text))  # fmt: skip


def masked(text: str) -> str:
    """A text with its identity and mobile numbers as asterisks."""
    if not person_in(text):
        return text
    return _MOBILE.sub(_stars, _IDENTITY.sub(_stars, folded(text)))


def _stars(match: re.Match[str]) -> str:
    return "*" * len(match[0])
