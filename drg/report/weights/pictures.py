"""Pictures of relative weights (相对权重) for negotiators and panels (权重谈判与论证).

Each is a matplotlib ``Figure`` that shows itself in a notebook; ``save`` writes it as SVG, PNG or
PDF. Chinese by default, English with ``lang="en"``.
"""

from __future__ import annotations

from drg.plots import NoChineseFont, Picture, save
from drg.report.weights.cost import cost_distribution
from drg.report.weights.ladder import ladder
from drg.report.weights.previous import against_previous
from drg.report.weights.table import Weights

__all__ = [
    "NoChineseFont",
    "Picture",
    "Weights",
    "against_previous",
    "cost_distribution",
    "ladder",
    "save",
]
