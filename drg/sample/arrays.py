"""Small numeric tools shared by the sample's rooms: types, seeds, weighted draws, joined codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Texts: TypeAlias = npt.NDArray[np.object_]


def draw_rows(rng: np.random.Generator, cumulative: Floats, rows: Ints) -> Ints:
    """Draw one column a case from the distribution of its row.

    Args:
        rng: source of chance.
        cumulative: one distribution a row, as running sums that end at 1.
        rows: the row of every case.
    """
    count = cumulative.shape[1]
    flat = (cumulative + np.arange(len(cumulative))[:, None]).ravel()
    # The draw stays a hair below 1, else it would fall into the next row's distribution.
    found = np.searchsorted(flat, rows + rng.random(len(rows)) * (1 - 1e-12), side="right")
    result: Ints = np.minimum(found - rows * count, count - 1)
    return result


def running_shares(weights: Floats) -> Floats:
    """Rows of weights as running sums that end at 1."""
    total = weights.sum(axis=1, keepdims=True)
    shares = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    result: Floats = np.cumsum(shares, axis=1)
    result[:, -1] = 1.0
    return result


def join_codes(columns: Sequence[Ints], codes: Sequence[str]) -> Texts:
    """Join code indices of every case with ``|``, leaving out the negative ones."""
    names = pa.array([*codes, ""], pa.string())
    # Arrow leaves out a row whose columns are all null instead of giving an empty text.
    nothing = np.logical_and.reduce([column < 0 for column in columns])
    columns = [np.where(nothing, len(codes), columns[0]), *columns[1:]]
    taken = [names.take(pa.array(column, mask=column < 0)) for column in columns]
    joined = pc.binary_join_element_wise(*taken, "|", null_handling="skip")
    result: Texts = joined.to_numpy(zero_copy_only=False)
    return result


def append_code(texts: Texts, codes: Texts) -> Texts:
    """Add one code to the end of every joined list."""
    if not len(texts):
        return texts
    joined: Any = pc.binary_join_element_wise(pa.array(texts), pa.array(codes), "|")
    result: Texts = joined.to_numpy(zero_copy_only=False)
    return result


def pick_some(rng: np.random.Generator, eligible: Bools, count: int) -> Ints:
    """Up to ``count`` positions among the eligible, without repetition, in order."""
    where = np.flatnonzero(eligible)
    return np.sort(rng.choice(where, min(count, len(where)), replace=False))
