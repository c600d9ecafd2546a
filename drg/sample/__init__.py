"""Synthetic region (模拟统筹区): discharge cases that behave like a city's, with a known truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drg.sample.options import Options
    from drg.sample.region import Region, make_region
    from drg.sample.write import write_region

__all__ = ["Options", "Region", "make_region", "write_region"]

_HOMES = {
    "Options": "drg.sample.options",
    "Region": "drg.sample.region",
    "make_region": "drg.sample.region",
    "write_region": "drg.sample.write",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``import drg.sample`` costs nothing."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'drg.sample' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
