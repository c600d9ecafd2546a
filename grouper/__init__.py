"""Grouper (分组器): assigns discharge cases to diagnosis related groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from grouper.engine import Grouper, group
    from grouper.pack import find_scheme, load_scheme, shipped_schemes
    from grouper.scheme import Scheme

__all__ = ["Grouper", "Scheme", "find_scheme", "group", "load_scheme", "shipped_schemes"]

__getattr__ = imported_on_use(
    __name__,
    {
        "Grouper": "grouper.engine",
        "group": "grouper.engine",
        "Scheme": "grouper.scheme",
        "find_scheme": "grouper.pack",
        "load_scheme": "grouper.pack",
        "shipped_schemes": "grouper.pack",
    },
)
