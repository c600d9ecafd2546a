"""The solver's offer (折中方案): the weights closest to asks and cost data, or by another aim."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from drg.errors import problem as error
from drg.language import say
from weights.cases.observations import Floats, Ints
from weights.negotiation.compromise.alternatives import (
    Reached,
    aims,
    fairest,
    least_change,
    most_satisfaction,
)
from weights.negotiation.compromise.conflict import conflict
from weights.negotiation.compromise.demands import Demands, demands
from weights.negotiation.compromise.linear import version as linear_version
from weights.negotiation.compromise.problem import Problem
from weights.negotiation.compromise.programme import nearest, versions
from weights.negotiation.compromise.region import Region, region
from weights.negotiation.compromise.shadow_prices import constraint_table, prices, savings

OBJECTIVES = ("closest", "satisfaction", "fairest", "least_change")
SHARE = 0.8  # of the largest total satisfaction that "least change" keeps
LARGEST_EXCESS = 1e-7


@dataclass(frozen=True, eq=False)
class Offer:
    """What the solver offers.

    Attributes:
        objective: the aim.
        weight: weights, NaN where the draft has none. Shape (G,).
        satisfaction: of each ask: 1 met in full, 0 as in the draft, below 0 worse. Shape (K,).
        disagreement_yuan: distance to asks and cost data.
        moved_yuan: yuan that change hands between groups.
        gain: what each hospital gains in yuan; a loss is below 0. Shape (H,).
        constraints: one row a demand that binds or nearly does; see ``constraint_table``.
        excess: largest violation of any demand, in weight units.
        primal: value of the aim, as what is to be small.
        dual: bound of it that no weights can be below, from the multipliers alone.
        gap: their difference over the larger of 1 and the value (对偶间隙).
        solvers: names and versions of what solved it.
        remarks: what was softened or left out; in Chinese and English.
    """

    objective: str
    weight: Floats
    satisfaction: Floats
    disagreement_yuan: float
    moved_yuan: float
    gain: Floats
    constraints: pd.DataFrame
    excess: float
    primal: float
    dual: float
    gap: float
    solvers: tuple[str, ...]
    remarks: tuple[tuple[str, str], ...]

    @property
    def total_satisfaction(self) -> float:
        """Sum over asks, each counting once."""
        return float(self.satisfaction.sum())

    @property
    def least_satisfaction(self) -> float:
        """Of the least satisfied ask; NaN without asks."""
        return float(self.satisfaction.min()) if len(self.satisfaction) else float("nan")

    def loss_share(self, problem: Problem) -> Floats:
        """Loss of each hospital over its revenue, above 0 for a loss. Shape (H,)."""
        loss = -self.gain
        return np.divide(loss, problem.revenue, out=np.where(loss > 0, np.inf, 0.0),
                         where=problem.revenue > 0)  # fmt: skip


def solve(problem: Problem, objective: str = "closest", *, share: float = SHARE) -> Offer:
    """The weights that satisfy every demand and are best by one aim.

    Args:
        problem: the draft, the asks and the demands.
        objective: ``closest`` to asks and cost data; ``satisfaction`` largest in total;
            ``fairest`` the least satisfied first; ``least_change`` fewest yuan moved.
        share: for ``least_change``, share of the largest total satisfaction that is kept.

    Raises:
        DrgError: the objective is not known, or no weights satisfy all demands; then the line
            names the smallest set of demands that conflict.
    """
    if objective not in OBJECTIVES:
        raise error(say("不是可用的取值", "not known"), key="objective", found=objective,
                    expected=", ".join(OBJECTIVES))  # fmt: skip
    if not 0 <= share <= 1:
        raise error(say("超出范围", "out of range"), key="share", found=share,
                    expected=say("0 至 1", "0 to 1"))  # fmt: skip
    rules = demands(problem)
    area = region(rules)
    if area.empty():
        found = conflict(problem)
        raise error(say(f"没有权重能满足全部要求，以下要求互相冲突：{found.line('zh')}",
                        f"no weights satisfy all demands; these conflict: {found.line('en')}"),
                    key="compromise")  # fmt: skip
    return reach(problem, rules, area, objective, share)


def reach(problem: Problem, rules: Demands, area: Region, objective: str, share: float) -> Offer:
    """The offer by one aim, in a region that is not empty."""
    gains: Floats | None = None
    if objective == "closest":
        reached, gains = _closest(problem, rules, area)
    else:
        goal = aims(problem, rules.places)
        if objective == "satisfaction":
            reached = most_satisfaction(goal, area)
        elif objective == "fairest":
            reached = fairest(goal, area)
        else:
            reached = least_change(goal, area, share)
    return _offer(problem, rules, area, objective, reached, gains)


def pull(problem: Problem, places: Ints) -> tuple[Floats, Floats, float]:
    """Centre and stiffness of the closest weights, and the disagreement that no weights undo.

    Draft and asks of a group are one parabola: its centre is their mean, weighted by precision.
    """
    goal = aims(problem, places)
    stiff, centre = goal.stiff, goal.stiff * goal.draft
    asks = problem.importance * problem.worth[problem.place] / problem.demand_doubt
    np.add.at(stiff, goal.column, asks)
    np.add.at(centre, goal.column, asks * problem.asked)
    centre = centre / stiff
    best = np.full(len(problem.groups), np.nan)
    best[places] = centre
    return centre, stiff, problem.disagreement(best)


def _closest(problem: Problem, rules: Demands, area: Region) -> tuple[Reached, Floats]:
    """The closest weights, and what one step of each demand would save."""
    centre, stiff, least = pull(problem, rules.places)
    found = nearest(centre, stiff, area, flat=True)
    gains = savings(rules, area, centre, stiff, found,
                    prices(rules, area, found.row_price, found.price))  # fmt: skip
    reached = Reached(found.weight, found.row_price, found.price, found.primal + least,
                      found.dual + least, found.gap)  # fmt: skip
    return reached, gains


def _offer(problem: Problem, rules: Demands, area: Region, objective: str, reached: Reached,
           gains: Floats | None) -> Offer:  # fmt: skip
    """The offer with its table; refuses weights that do not satisfy every demand."""
    excess = area.excess(reached.weight)
    if not excess <= LARGEST_EXCESS:
        raise RuntimeError(f"the offer exceeds a demand by {excess:g}")
    weight = np.full(len(problem.groups), np.nan)
    weight[rules.places] = reached.weight
    unit = "yuan" if objective in ("closest", "least_change") else "satisfaction"
    price = prices(rules, area, reached.row_price, reached.price)
    table = constraint_table(problem, rules, reached.weight, price, gains, unit)
    return Offer(
        objective, weight, problem.satisfaction(weight), problem.disagreement(weight),
        problem.moved(weight), problem.losses(weight),
        table, excess, reached.primal, reached.dual, reached.gap,
        (*versions(), linear_version()), rules.remarks,
    )  # fmt: skip
