"""Synthetic region (模拟统筹区): discharge cases that behave like a city's, with a known truth."""

# mypy: implicit-reexport
from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from drg.sample.options import Options
    from drg.sample.region import Region, make_region
    from drg.sample.write import write_region
else:
    __getattr__, __dir__, __all__ = imported_on_use(
        __name__,
        {
            "drg.sample.options": "Options",
            "drg.sample.region": "Region make_region",
            "drg.sample.write": "write_region",
        },
    )
