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
    from weights.cases.costs import Costs
    from weights.cases.intake import observe, observe_file
    from weights.fit.adjust import CostStructure, read_classes
    from weights.fit.bootstrap import Bootstrap
    from weights.fit.calibrator import Calibrator
    from weights.fit.estimate import Estimator
    from weights.fit.files import fit_file
    from weights.fit.limits import Corridor, LowVolume
    from weights.fit.normalise import Normalise
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
        "Bootstrap": "weights.fit.bootstrap",
        "Calibrator": "weights.fit.calibrator",
        "Corridor": "weights.fit.limits",
        "CostStructure": "weights.fit.adjust",
        "Costs": "weights.cases.costs",
        "Estimator": "weights.fit.estimate",
        "LowVolume": "weights.fit.limits",
        "Normalise": "weights.fit.normalise",
        "WeightTable": "weights.table",
        "fit_file": "weights.fit.files",
        "load": "weights.table.published",
        "observe": "weights.cases.intake",
        "observe_file": "weights.cases.intake",
        "open_weights": "weights.table",
        "published": "weights.table.published",
        "read_classes": "weights.fit.adjust",
    },
)
