"""Relative weights (相对权重): fitted from the cost of grouped cases, or read from a table.

Usage::

    import weights

    fitted = weights.Calibrator(trim="winsor_median", shrink=True, order=True).fit(grouped)
    fitted.weights_            # weight by group
    print(fitted.table_.audit())
    fitted.table_.write("weights.xlsx")
    weights.load("changzhi")   # a published table
"""

# mypy: implicit-reexport
from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from weights.cases.costs import Costs
    from weights.cases.intake import observe, observe_file
    from weights.estimate.rounds import Estimator
    from weights.fit.adjust import CostStructure, read_classes
    from weights.fit.bootstrap import Bootstrap
    from weights.fit.calibrator import Calibrator
    from weights.fit.files import fit_file
    from weights.fit.limits import Corridor, LowVolume
    from weights.fit.normalise import Normalise
    from weights.table import WeightTable, open_weights
    from weights.table.published import load, published
else:
    __getattr__, __dir__, __all__ = imported_on_use(
        __name__,
        {
            "weights.cases.costs": "Costs",
            "weights.cases.intake": "observe observe_file",
            "weights.fit.adjust": "CostStructure read_classes",
            "weights.fit.bootstrap": "Bootstrap",
            "weights.fit.calibrator": "Calibrator",
            "weights.estimate.rounds": "Estimator",
            "weights.fit.files": "fit_file",
            "weights.fit.limits": "Corridor LowVolume",
            "weights.fit.normalise": "Normalise",
            "weights.table": "WeightTable open_weights",
            "weights.table.published": "load published",
        },
    )
