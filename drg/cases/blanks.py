"""What forms and databases print where there is no value."""

from __future__ import annotations

BLANKS = frozenset(
    ["", "-", "--", "---", "—", "——", "/", "\\", "\\n", "null", "none", "nan", "na", "无"]
)  # in lower case
