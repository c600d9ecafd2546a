"""Data quality (数据质量) of a discharge file, checked before anything else is done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from grouper.quality.report import QualityReport
    from grouper.quality.rules import RULES
    from grouper.quality.run import check_file

__all__ = ["RULES", "QualityReport", "check_file"]

__getattr__ = imported_on_use(
    __name__,
    {
        "RULES": "grouper.quality.rules",
        "QualityReport": "grouper.quality.report",
        "check_file": "grouper.quality.run",
    },
)
