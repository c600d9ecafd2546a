"""Trimming (修剪): which cases are too unlike their group to say what a case of it costs.

A method is a frozen dataclass with its parameters as fields; called with the cases it answers
with a :class:`Trimmed`. Bounds are inclusive. A group of fewer than ``minimum`` cases keeps all of
them, and so does a group that would lose every case; the latter are named in ``Trimmed.emptied``.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from drg.errors import one_of, problem
from drg.language import say
from weights.trim.base import Trim, Trimmed
from weights.trim.by_cost import RULES, Iqr, LogSd, NoTrim, Percentile, Ratio, Winsor, WinsorMedian
from weights.trim.by_stay import L3H3, L15H15, Inek

__all__ = [
    "L3H3",
    "L15H15",
    "METHODS",
    "RULES",
    "Inek",
    "Iqr",
    "LogSd",
    "NoTrim",
    "Percentile",
    "Ratio",
    "Trim",
    "Trimmed",
    "Winsor",
    "WinsorMedian",
    "method",
]

METHODS: dict[str, type[Trim]] = {
    kind.name: kind
    for kind in (NoTrim, LogSd, Iqr, Percentile, Ratio, L3H3, L15H15, Inek, Winsor, WinsorMedian)
}


def method(name: str, **parameters: Any) -> Trim:
    """A method of trimming by its name.

    Args:
        name: a key of :data:`METHODS`.
        **parameters: its fields.

    Raises:
        DrgError: there is no such method or parameter, or a parameter is out of range.
    """
    if name not in METHODS:
        raise problem(say("没有此裁剪方法", "no such method of trimming"), key="trim", found=name,
                      expected=one_of(METHODS))  # fmt: skip
    known = [field.name for field in fields(METHODS[name])]
    for key in parameters:
        if key not in known:
            raise problem(say("没有此参数", "no such parameter"), key=name, found=key,
                          expected=one_of(known))  # fmt: skip
    return METHODS[name](**parameters)
