"""Rank inside a run (组内次序): who comes first where only so many cases are let in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def rank_in_runs(unit: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Place of each entry inside its run of equal units, from 0."""
    places = np.arange(len(unit))
    first = np.ones(len(unit), np.bool_)
    first[1:] = unit[1:] != unit[:-1]
    return places - np.maximum.accumulate(np.where(first, places, 0))
