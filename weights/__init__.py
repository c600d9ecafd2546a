"""Relative weights (相对权重): fitted from the cost of grouped cases, or read from a table.

Usage::

    import weights

    fitted = weights.Calibrator(trim="ratio", shrink=True, order=True).fit(grouped)
    fitted.weights_            # weight by group
    print(fitted.table_.audit())
    fitted.table_.write("weights.xlsx")
    weights.load("changzhi")   # a published table
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from weights.adjust import CostStructure, read_classes
    from weights.bootstrap import Bootstrap
    from weights.calibrator import Calibrator
    from weights.costs import Costs
    from weights.estimate import Estimator
    from weights.files import fit_file
    from weights.intake import observe, observe_file
    from weights.limits import Corridor, LowVolume
    from weights.normalise import Normalise
    from weights.table import WeightTable, open_weights
    from weights.table.published import load, published

__all__ = [
    "Bootstrap",
    "Calibrator",
    "Corridor",
    "CostStructure",
    "Costs",
    "Estimator",
    "LowVolume",
    "Normalise",
    "WeightTable",
    "fit_file",
    "load",
    "observe",
    "observe_file",
    "open_weights",
    "published",
    "read_classes",
]

__getattr__ = imported_on_use(
    __name__,
    {
        "Bootstrap": "weights.bootstrap",
        "Calibrator": "weights.calibrator",
        "Corridor": "weights.limits",
        "CostStructure": "weights.adjust",
        "Costs": "weights.costs",
        "Estimator": "weights.estimate",
        "LowVolume": "weights.limits",
        "Normalise": "weights.normalise",
        "WeightTable": "weights.table",
        "fit_file": "weights.files",
        "load": "weights.table.published",
        "observe": "weights.intake",
        "observe_file": "weights.intake",
        "open_weights": "weights.table",
        "published": "weights.table.published",
        "read_classes": "weights.adjust",
    },
)
