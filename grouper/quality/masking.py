"""What stands where a code belongs may be a person's: such values are not repeated in reports."""

from __future__ import annotations

import re
from dataclasses import replace

from drg.cases.privacy import FEWEST
from drg.persons import person_in
from grouper.engine.code_uses import Unmapped

_CODE_LIKE = re.compile(r"[A-Z]{0,2}[0-9][0-9A-Z.X+*/-]{0,19}", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"[0-9]{11}")  # telephone, bank and identity numbers
MASK = "***"


def is_code(text: str) -> bool:
    """Whether a text looks like a code, and not like a number of a person."""
    return bool(_CODE_LIKE.fullmatch(text)) and not _LONG_NUMBER.search(text)


def masked(found: Unmapped) -> Unmapped:
    """An unknown code as a report may show it: no name of a few cases, nothing unlike a code."""
    code_like = is_code(found.code)
    return replace(
        found,
        code=found.code if code_like else f"{MASK} ({len(found.code)})",
        name=found.name if code_like and found.uses >= FEWEST else "",
    )


def masked_place(key: str) -> str:
    """A hospital's id as a report may show it: an identity number is none."""
    return MASK if person_in(key) else key
