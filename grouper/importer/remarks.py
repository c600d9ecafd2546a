"""Rows that are no data: remarks under a table, titles inside it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grouper.importer.cells import folded, group_code

_REMARK = re.compile(
    r"(注|备注|说明|附注|数据来源|来源|※|\*+|NOTE|合计|总计|共计)\s*[:：0-9.、]*.*"
)
_SECTION = re.compile(r"(?:ADRG)?[:：]?([A-Z][A-Z0-9][0-9])[\s:：、.-]*(\D.*)?")
_LONG = 24


def is_remark(filled: Sequence[str]) -> bool:
    """Whether a row says something about the table instead of being part of it."""
    if not filled:
        return True
    first = filled[0]
    if len(filled) == 1 and re.search(r"[\u4e00-\u9fff]", first) and len(first) > _LONG:
        return True
    return len(filled) <= 2 and _REMARK.fullmatch(folded(first)) is not None


def section_adrg(filled: Sequence[str]) -> tuple[str, str] | None:
    """The ADRG and name of a row that is the title of an ADRG's part of a sheet."""
    if not filled or len(filled) > 2:
        return None
    joined = " ".join(filled)
    match = _SECTION.fullmatch(joined.strip())
    if match is None or not match[2] or not re.search(r"[\u4e00-\u9fff]", match[2]):
        return None
    code = group_code("adrg", match[1])
    return (code, match[2].strip()) if code else None
