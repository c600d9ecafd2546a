"""Data quality (数据质量) of a discharge file, checked before anything else is done with it."""

# mypy: implicit-reexport
from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from grouper.quality.report import QualityReport
    from grouper.quality.rules import RULES
    from grouper.quality.run import check_file
else:
    __getattr__, __dir__, __all__ = imported_on_use(
        __name__,
        {
            "grouper.quality.report": "QualityReport",
            "grouper.quality.rules": "RULES",
            "grouper.quality.run": "check_file",
        },
    )
