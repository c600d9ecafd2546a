"""What the pictures need of a table of weights (权重表), and how they read it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from drg.errors import problem
from drg.language import say

Floats = npt.NDArray[np.float64]


class Weights(Protocol):
    """A table of relative weights; an ``id``, when it has one, is shown."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row a group: ``drg``, ``weight`` and optional columns."""

    @property
    def weights(self) -> pd.Series[float]:
        """Weight by group, of the groups that have one."""


def by_group(table: Weights) -> pd.DataFrame:
    """The frame by group, its codes as text.

    Raises:
        DrgError: a group has two rows.
    """
    frame = table.frame
    frame = frame.set_index(frame["drg"].astype(str))
    if frame.index.has_duplicates:
        twice = frame.index[frame.index.duplicated()][0]
        raise problem(say("在权重表中有两行", "has two rows in the table of weights"), key=twice,
                      expected=say("一行", "one"))  # fmt: skip
    return frame


def positive(table: Weights) -> pd.Series[float]:
    """The weights above 0, by group; a logarithmic axis has no place for others.

    Raises:
        DrgError: a group has two weights.
    """
    weights = table.weights.astype(float)
    weights = weights.set_axis(weights.index.astype(str))
    if weights.index.has_duplicates:
        twice = weights.index[weights.index.duplicated()][0]
        raise problem(say("有两个权重", "has two weights"), key=twice,
                      expected=say("一个", "one"))  # fmt: skip
    return weights[np.isfinite(weights) & (weights > 0)]


def column(frame: pd.DataFrame, name: str) -> Floats:
    """A column of numbers, NaN where there is none. Shape (len(frame),)."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    return np.array(pd.to_numeric(frame[name], errors="coerce"), np.float64)


def title_of(table: Weights) -> str:
    """The table's id; empty when it has none."""
    found = getattr(table, "id", None)
    return found if isinstance(found, str) else ""
