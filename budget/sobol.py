"""Global sensitivity (全局敏感性分析): which uncertain driver matters for which outcome.

First-order and total indices of Sobol by SALib (Saltelli 2010, Jansen 1999): the share of an
outcome's variance that goes away when a driver is known, and the share that stays when all others
are known. What varies by group, such as weights, counts as one driver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from budget.priors import Priors, title
from budget.uncertainty import Linear, simulate
from drg.errors import problem

if TYPE_CHECKING:
    import pandas as pd

    from budget.draws import Draws

Floats = npt.NDArray[np.float64]
Outcome = Callable[["Draws"], Floats]


@dataclass(frozen=True)
class Sensitivity:
    """Indices by outcome and driver. O outcomes, N drivers.

    Attributes:
        outcomes: names. Length O.
        drivers: names. Length N.
        first: first-order index (一阶). Shape (O, N).
        total: total index (总效应). Shape (O, N).
        first_error: half the width of the interval of ``first``. Shape (O, N).
        total_error: that of ``total``.
        level: coverage of the intervals.
        size: base sample; ``size x (N + 2)`` draws were made.
        seed: seed of the sample.
    """

    outcomes: tuple[str, ...]
    drivers: tuple[str, ...]
    first: Floats
    total: Floats
    first_error: Floats
    total_error: Floats
    level: float
    size: int
    seed: int

    def table(self) -> pd.DataFrame:
        """One row an outcome and driver, what matters most first.

        Columns outcome, parameter, zh, en, first_order, total, low, high (of the total index),
        first_low, first_high.
        """
        import pandas as pd

        rows = []
        for o, outcome in enumerate(self.outcomes):
            for n in np.argsort(-self.total[o], kind="stable"):
                zh, en = title(self.drivers[n])
                first, total = self.first[o, n], self.total[o, n]
                a, b = self.first_error[o, n], self.total_error[o, n]
                rows.append((outcome, self.drivers[n], zh, en, first, total, total - b, total + b,
                             first - a, first + a))  # fmt: skip
        columns = ["outcome", "parameter", "zh", "en", "first_order", "total", "low", "high",
                   "first_low", "first_high"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)


def usual_outcomes() -> dict[str, Outcome]:
    """What panels ask for, in the last year of the path."""
    return {
        "balance": lambda draws: draws.of("balance", "region")[:, -1, 0],
        "fund": lambda draws: draws.of("fund", "region")[:, -1, 0],
        "average_cost": lambda draws: draws.of("average_cost", "region")[:, -1, 0],
        "gain_share": lambda draws: draws.of("gain_share", "region")[:, -1, 0],
        "largest_loss": lambda draws: np.nanmin(draws.of("gain_share")[:, -1], axis=1),
        "patient_share": lambda draws: draws.of("patient_share", "region")[:, -1, 0],
    }


def sobol(
    model: Linear,
    priors: Priors,
    outcomes: Mapping[str, Outcome] | None = None,
    *,
    size: int = 512,
    seed: int = 0,
    level: float = 0.95,
) -> Sensitivity:
    """Rank uncertain drivers.

    Args:
        model: the projected path.
        priors: what is uncertain; at least two drivers.
        outcomes: name -> a number for each draw; :func:`usual_outcomes` when left out.
        size: base sample, a power of two; ``size x (drivers + 2)`` draws are made.
        seed: the same seed gives the same indices.
        level: coverage of the intervals.

    Raises:
        DrgError: fewer than two drivers are uncertain, or the size is not a power of two.
    """
    names = priors.uncertain
    if len(names) < 2:
        raise problem("fewer than two drivers are uncertain", key="priors", found=", ".join(names))
    if size < 2 or size & (size - 1):
        raise problem("not a power of two", key="size", found=size, expected="such as 512")
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sampling

    space = {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}
    unit = sampling.sample(space, size, calc_second_order=False, seed=seed)
    columns = {name: np.ascontiguousarray(unit[:, i]) for i, name in enumerate(names)}
    draws = simulate(model, priors, len(unit), seed=seed, unit=columns)
    wanted = usual_outcomes() if outcomes is None else outcomes
    shape = 4, len(wanted), len(names)
    found = np.zeros(shape)
    for place, (name, outcome) in enumerate(wanted.items()):
        values = np.asarray(outcome(draws), np.float64)
        if not np.isfinite(values).all():
            raise problem("an outcome is not finite in every draw", key=name)
        spread, middle = float(values.std()), float(values.mean())
        if spread <= 1e-12 * max(abs(middle), 1e-300):
            continue  # nothing moves it
        # a seed of 0 is none to SALib, so it is never 0 here
        held = analysis.analyze(space, (values - middle) / spread, calc_second_order=False,
                                conf_level=level, seed=seed + 1)  # fmt: skip
        found[:, place] = [held[key] for key in ("S1", "ST", "S1_conf", "ST_conf")]
    return Sensitivity((*wanted,), names, found[0], found[1], found[2], found[3], level, size, seed)
