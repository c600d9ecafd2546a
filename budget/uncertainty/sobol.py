"""Sensitivity (敏感性分析): which uncertain driver matters for which outcome, and which way.

First-order and total indices of Sobol by SALib (Saltelli 2010, Jansen 1999): the share of an
outcome's variance that goes away when a driver is known, and the share that stays when all others
are known. What varies by group, such as weights, counts as one driver. A tornado (龙卷风图) moves
one driver at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from budget.uncertainty.linear import Linear
from budget.uncertainty.priors import DRIVERS, Priors, title
from budget.uncertainty.simulate import simulate
from drg.errors import problem
from drg.language import say

if TYPE_CHECKING:
    import pandas as pd

    from budget.uncertainty.draws import Draws

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

        The estimates scatter, the indices themselves do not: 0 <= first order <= total <= 1. So
        they are written within those bounds, and their intervals too.

        Columns outcome, parameter, zh, en, first_order, total, total_low, total_high, first_low,
        first_high.
        """
        import pandas as pd

        rows = []
        for o, outcome in enumerate(self.outcomes):
            for n in np.argsort(-self.total[o], kind="stable"):
                zh, en = title(self.drivers[n])
                total, low, high = _within(self.total[o, n], self.total_error[o, n], 1.0)
                one = self.first[o, n]
                first, least, most = _within(one, self.first_error[o, n], high)
                first, least = min(first, total), min(least, total)
                rows.append((outcome, self.drivers[n], zh, en, first, total, low, high, least,
                             most))  # fmt: skip
        columns = ["outcome", "parameter", "zh", "en", "first_order", "total", "total_low",
                   "total_high", "first_low", "first_high"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)


def _within(estimate: float, error: float, most: float) -> tuple[float, float, float]:
    """An estimate and the ends of its interval, between 0 and the most that it can be."""
    found = np.clip([estimate, estimate - error, estimate + error], 0.0, most)
    return float(found[0]), float(found[1]), float(found[2])


# Unit of each of the usual outcomes.
UNITS = {"balance": "yuan", "fund": "yuan", "average_cost": "yuan", "gain_share": "share",
         "largest_loss": "share", "patient_share": "share"}  # fmt: skip


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
        raise problem(say("不确定的驱动因素不足两个", "fewer than two drivers are uncertain"),
                      key="priors", found=", ".join(names))  # fmt: skip
    if size < 2 or size & (size - 1):
        raise problem(say("不是 2 的整数次幂", "not a power of two"), key="size", found=size,
                      expected=say("例如 512", "such as 512"))  # fmt: skip
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
            raise problem(say("结果并非在每次抽取中都是有限的数",
                              "an outcome is not finite in every draw"), key=name)  # fmt: skip
        spread, middle = float(values.std()), float(values.mean())
        if spread <= 1e-12 * max(abs(middle), 1e-300):
            continue  # nothing moves it
        # a seed of 0 is none to SALib, so it is never 0 here
        held = analysis.analyze(space, (values - middle) / spread, calc_second_order=False,
                                conf_level=level, seed=seed + 1)  # fmt: skip
        found[:, place] = [held[key] for key in ("S1", "ST", "S1_conf", "ST_conf")]
    return Sensitivity((*wanted,), names, found[0], found[1], found[2], found[3], level, size, seed)


def tornado(
    model: Linear,
    priors: Priors,
    outcomes: Mapping[str, Outcome] | None = None,
    *,
    draws: int = 250,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Outcomes with one driver at the ends of its interval and the others at their medians.

    For what varies by group or tier, which has no single quantile, the ends are quantiles of the
    outcome over draws of it alone.

    Args:
        model: the projected path.
        priors: what is uncertain.
        outcomes: name -> a number for each draw; :func:`usual_outcomes` when left out.
        draws: draws for what varies by group or tier.
        seed: their seed.
        level: coverage of a driver's interval.

    Returns:
        One row an outcome and driver: outcome, parameter, centre, low, high. ``low`` is the outcome
        at the low end of the driver, so it may be above ``high``.
    """
    import pandas as pd

    ends = (1.0 - level) / 2.0, (1.0 + level) / 2.0
    single = [name for name in priors.uncertain if name in DRIVERS]
    others = [name for name in priors.uncertain if name not in DRIVERS]
    quiet = replace(priors, volume_tier=None, weights=None, group_volume=None, group_cost=None,
                    sampling=False)  # fmt: skip
    wanted = usual_outcomes() if outcomes is None else outcomes
    size = 1 + 2 * len(single)  # the centre, then each driver low and high
    unit = {name: np.full(size, 0.5) for name in single}
    for place, name in enumerate(single):
        unit[name][2 * place + 1 : 2 * place + 3] = ends
    path = simulate(model, quiet, size, seed=seed, unit=unit)
    middle = {name: np.full(draws, 0.5) for name in single}
    alone = {name: simulate(model, _with(quiet, name, priors), draws, seed=seed, unit=middle)
             for name in others}  # fmt: skip
    rows = []
    for name, outcome in wanted.items():
        values = np.asarray(outcome(path), np.float64)
        rows += [(name, driver, values[0], *values[2 * i + 1 : 2 * i + 3])
                 for i, driver in enumerate(single)]  # fmt: skip
        rows += [(name, driver, values[0], *np.quantile(outcome(held), ends))
                 for driver, held in alone.items()]  # fmt: skip
    return pd.DataFrame(rows, columns=["outcome", "parameter", "centre", "low", "high"])


def _with(quiet: Priors, name: str, priors: Priors) -> Priors:
    held: dict[str, Any] = {name: getattr(priors, name)}
    return replace(quiet, **held)
