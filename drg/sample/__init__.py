"""Synthetic region (模拟统筹区): discharge cases that behave like a city's, with a known truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from drg.sample.options import Options
    from drg.sample.region import Region, make_region
    from drg.sample.write import write_region

__all__ = ["Options", "Region", "make_region", "write_region"]

__getattr__ = imported_on_use(
    __name__,
    {
        "Options": "drg.sample.options",
        "Region": "drg.sample.region",
        "make_region": "drg.sample.region",
        "write_region": "drg.sample.write",
    },
)
