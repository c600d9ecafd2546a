"""Linear programmes (线性规划) by HiGHS: built once, changed and solved again from where it was."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from weights.cases.observations import Floats, Ints

TOLERANCE = 1e-10  # the least that HiGHS takes
_ROUGH = 1e-9
_TURNS = 5  # pivots a row and column (and 1,000 more); beyond, it turns in a circle
_SEEN = 1e-11  # a dual below this share of the largest cost is 0


@dataclass(frozen=True)
class Vertex:
    """An optimal corner of a linear programme.

    Attributes:
        x: the variables. Shape (n,).
        value: the objective.
        bound: a lower bound of the objective, from the duals alone.
        reduced: duals of the variables' bounds; above 0 at the lower one. Shape (n,).
        price: duals of the rows; above 0 at the lower bound. Shape (m,).
    """

    x: Floats
    value: float
    bound: float
    reduced: Floats
    price: Floats


class Linear:
    """Minimise ``cost @ x`` subject to ``row_low <= A x <= row_high`` and ``low <= x <= high``."""

    def __init__(self, cost: Floats, matrix: sparse.csr_array, row_low: Floats, row_high: Floats,
                 low: Floats, high: Floats) -> None:  # fmt: skip
        self.cost, self.matrix = np.array(cost, np.float64), matrix
        self.row_low, self.row_high = np.array(row_low), np.array(row_high)
        self.low, self.high = np.array(low), np.array(high)
        self._solver = _quiet()
        self._set(_USUAL)
        most = _TURNS * (len(self.cost) + len(self.row_low) + 1000)
        self._set({"simplex_iteration_limit": most})
        self._solver.passModel(self._model())

    def _model(self) -> highspy.HighsLp:
        by_row = self.matrix.tocsr()
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self.cost), len(self.row_low)
        model.col_cost_, model.col_lower_, model.col_upper_ = self.cost, self.low, self.high
        model.row_lower_, model.row_upper_ = self.row_low, self.row_high
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.num_col_, model.a_matrix_.num_row_ = len(self.cost), len(self.row_low)
        model.a_matrix_.start_ = by_row.indptr.astype(np.int32)
        model.a_matrix_.index_ = by_row.indices.astype(np.int32)
        model.a_matrix_.value_ = by_row.data
        return model

    def columns(self, places: Ints, low: Floats, high: Floats) -> None:
        """Give variables other bounds."""
        self.low[places], self.high[places] = low, high
        self._solver.changeColsBounds(len(places), np.asarray(places, np.int32),
                                      self.low[places], self.high[places])  # fmt: skip

    def rows(self, places: Ints, low: Floats, high: Floats) -> None:
        """Give rows other bounds."""
        self.row_low[places], self.row_high[places] = low, high
        for place in places:
            self._solver.changeRowBounds(int(place), float(self.row_low[place]),
                                         float(self.row_high[place]))  # fmt: skip

    def solve(self) -> Vertex | None:
        """An optimal corner, or None when nothing satisfies all rows.

        Raises:
            RuntimeError: the solver ends with neither.
        """
        status = self._run()
        if status not in (_DONE, _EMPTY):  # once more, from scratch
            self._solver.clearSolver()
            self._set({**_USUAL, **_OTHERWISE})
            status = self._run()
            self._set(_USUAL)
        if status == _EMPTY:
            return None
        if status != _DONE:
            raise RuntimeError(f"linear programme ended as {status}")
        found = self._solver.getSolution()
        x, price = np.array(found.col_value), np.array(found.row_dual)
        small = _SEEN * max(1.0, float(np.abs(self.cost).max(initial=0.0)))
        price[np.abs(price) <= small] = 0.0
        reduced = np.array(found.col_dual)
        reduced[np.abs(reduced) <= small] = 0.0
        return Vertex(x, float(self.cost @ x), self._bound(price, x), reduced, price)

    def _run(self) -> Any:
        self._solver.run()
        return self._solver.getModelStatus()

    def _set(self, options: dict[str, bool | int | float | str]) -> None:
        for name, value in options.items():
            self._solver.setOptionValue(name, value)

    def _bound(self, price: Floats, x: Floats) -> float:
        """The dual objective at prices: what no feasible point can be below."""
        ends = np.where(price > 0, self.row_low, self.row_high)
        price = np.where(np.isfinite(ends), price, 0.0)  # rounding at an end that does not exist
        left = self.cost - self.matrix.T @ price
        rows = np.where(price > 0, self.row_low, self.row_high)
        # a variable without a bound on the side where it is pushed has a zero up to rounding
        ends = np.where(left > 0, self.low, self.high)
        ends = np.where(np.isfinite(ends), ends, x)
        counted = price != 0
        return float(price[counted] @ rows[counted]) + float(left @ ends)


_HIGHS: Any = highspy.Highs  # its types are incomplete
_USUAL: dict[str, bool | int | float | str] = {
    "output_flag": False, "parallel": "off", "random_seed": 0, "solver": "simplex",
    "presolve": "choose", "simplex_strategy": 1, "primal_feasibility_tolerance": TOLERANCE,
    "dual_feasibility_tolerance": TOLERANCE,
}  # fmt: skip
_OTHERWISE: dict[str, bool | int | float | str] = {
    "presolve": "off", "primal_feasibility_tolerance": _ROUGH, "dual_feasibility_tolerance": _ROUGH,
}  # fmt: skip
_DONE = highspy.HighsModelStatus.kOptimal
_EMPTY = highspy.HighsModelStatus.kInfeasible


def version() -> str:
    """Name and version of the solver."""
    return f"HiGHS {_quiet().version()}"


_greeted: list[bool] = []


def _quiet() -> Any:
    """A solver; the first of a process greets on the standard output, which is none of ours."""
    if _greeted:
        return _HIGHS()
    _greeted.append(True)
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        return _HIGHS()
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
