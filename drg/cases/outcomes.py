"""What a group's code says of a case: a group, an ambiguous one (歧义), or none (未入组)."""

from __future__ import annotations

UNGROUPED_DRG = "0000"
_NONE = ("", UNGROUPED_DRG, "OOOO")  # the letters stand in files of some bureaus


def is_ungrouped(code: str) -> bool:
    """No group: ``0000``, or a category's own row for what fits none of its groups, ``H000``."""
    return code in _NONE or (len(code) == 4 and code.endswith("000"))


def is_ambiguous(code: str) -> bool:
    """An operation unrelated to the principal diagnosis: ``HQY``, or ``QY`` in other schemes."""
    return code.endswith("QY")
