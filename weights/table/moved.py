"""Whether a weight is another one (权重是否变动): by more than the last digits of a computation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SAME = 1e-9  # share of the draft; nearer than this, a weight is the draft


def moved(weight: npt.ArrayLike, draft: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Where weights differ from their drafts by more than :data:`SAME`; never where one is NaN."""
    new, old = np.asarray(weight, np.float64), np.asarray(draft, np.float64)
    return np.asarray(np.abs(new - old) > SAME * np.abs(old))


def settled(weight: npt.ArrayLike, draft: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Weights, with the draft to its last digit where they have not moved. Shape of ``weight``."""
    return np.where(moved(weight, draft) | np.isnan(weight), weight, draft)
