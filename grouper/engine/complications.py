"""Complications (并发症或合并症): which count beside the principal diagnosis (排除表)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from grouper.scheme.compile import Arrays


def counting(
    arrays: Arrays, codes: npt.NDArray[np.integer], principal: npt.NDArray[np.integer]
) -> npt.NDArray[np.bool_]:
    """Where a complication counts: its exclusion table is not the principal diagnosis's.

    Args:
        arrays: the scheme.
        codes: integers of complications. Shape (K,).
        principal: integer of the principal diagnosis beside each. Shape (K,).
    """
    return np.asarray(arrays.complication_table[codes] != arrays.exclusion_table[principal])
