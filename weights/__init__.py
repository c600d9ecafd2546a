"""Relative weights (相对权重): fitted from the cost of grouped cases, or read from a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from weights.table import WeightTable
    from weights.table_published import load, published

__all__ = [
    "WeightTable",
    "load",
    "published",
]

__getattr__ = imported_on_use(
    __name__,
    {
        "WeightTable": "weights.table",
        "load": "weights.table_published",
        "published": "weights.table_published",
    },
)
