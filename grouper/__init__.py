"""Grouper (分组器): assigns discharge cases to diagnosis related groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grouper.engine import Grouper, group
    from grouper.pack import find_scheme, load_scheme, shipped_schemes
    from grouper.scheme import Scheme

__all__ = ["Grouper", "Scheme", "find_scheme", "group", "load_scheme", "shipped_schemes"]

_HOMES = {
    "Grouper": "grouper.engine",
    "group": "grouper.engine",
    "Scheme": "grouper.scheme",
    "find_scheme": "grouper.pack",
    "load_scheme": "grouper.pack",
    "shipped_schemes": "grouper.pack",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``import grouper`` costs nothing."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'grouper' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
