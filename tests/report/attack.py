"""An attack on what is published: every hidden figure bounded by all that page and workbook tell.

It knows nothing of how figures were hidden: it reads rows, says of which cases each is the sum, and
bounds what stands as ``*`` or ``<5`` by linear programming.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

NEAR = 0.01
Floats = npt.NDArray[np.float64]


@dataclass
class Attack:
    """Sums that are told and sums that are not, over atoms that nobody sees.

    Attributes:
        atoms: the finest sums: columns of keys and of measures.
        told: by measure: which atoms with what factor, the value, and how far it is rounded.
        hidden: by measure: name and atoms of each sum that is not told.
    """

    atoms: pd.DataFrame
    told: dict[str, list[tuple[Floats, float, float]]] = field(default_factory=dict)
    hidden: dict[str, dict[str, Floats]] = field(default_factory=dict)

    def read(
        self, where: Mapping[str, object], measure: str, value: object, *, of: Floats | None = None,
        slack: float = 0.006,
    ) -> None:  # fmt: skip
        """A published cell: the sum of a measure over some atoms, each times its factor ``of``."""
        mask = np.ones(len(self.atoms))
        for key, wanted in where.items():
            mask *= (self.atoms[key].astype(str) == str(wanted)).to_numpy(float)
        mask = mask if of is None else mask * of
        if value in ("*", "<5"):
            name = " ".join(f"{k}={v}" for k, v in where.items())
            self.hidden.setdefault(measure, {})[name] = mask
        elif isinstance(value, int | float):
            slack = 1e-4 if measure == "cases" else slack + 1e-6 * abs(value)
            self.told.setdefault(measure, []).append((mask, float(value), slack))

    def check(self) -> int:
        """How many cells are told; each is what the atoms say, so they were read rightly."""
        for measure, rows in self.told.items():
            truth = self.atoms[measure].to_numpy(float)
            for mask, value, slack in rows:
                assert abs(mask @ truth - value) <= slack, (measure, value)
        return sum(map(len, self.told.values()))

    def follow(self) -> list[str]:
        """Hidden sums that are bounded within 1% by what is told."""
        found = []
        for measure, targets in self.hidden.items():
            truth = self.atoms[measure].to_numpy(float)
            unit = truth.max()
            least = np.minimum(truth / unit, 0.0)  # a hospital may owe the fund
            rows = self.told.get(measure, [])
            masks = [mask for mask, _, _ in rows]
            low = [value - slack for _, value, slack in rows]
            high = [value + slack for _, value, slack in rows]
            if measure == "cases":  # a row that is there has a case
                there = [mask for mask in targets.values() if mask @ truth > 0]
                masks += there
                low += [1.0] * len(there)
                high += [np.inf] * len(there)
            matrix = sparse.csr_matrix(np.array(masks))
            ends = np.concatenate([np.array(high), -np.array(low)]) / unit
            both = sparse.vstack([matrix, -matrix]).tocsr()[np.isfinite(ends)]
            ends = ends[np.isfinite(ends)]
            for name, mask in targets.items():
                true = float(mask @ truth) / unit
                if true <= 0:
                    continue
                low_, high_ = (self._end(sign * mask, both, ends, least) for sign in (1.0, -1.0))
                if low_ >= (1 - NEAR) * true and -high_ <= (1 + NEAR) * true:
                    found.append(f"{name} {measure}: {low_ * unit:.2f} to {-high_ * unit:.2f}")
        return found

    @staticmethod
    def _end(wanted: Floats, matrix: Any, ends: Floats, least: Floats) -> float:
        limits = np.column_stack([least, np.full_like(least, np.inf)])
        end = linprog(wanted, A_ub=matrix, b_ub=ends, bounds=limits)
        assert end.status in (0, 3), end.message
        return float(end.fun) if end.status == 0 else -np.inf


def rows_of(table: list[list[Any]]) -> Iterable[dict[str, Any]]:
    """Rows of a table by heading, without units."""
    heads = [str(one).rpartition(" (")[0] or str(one) for one in table[0]]
    for row in table[1:]:
        yield dict(zip(heads, row, strict=False))
