"""Most satisfaction, the fairest, least change: each best at its own aim, side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from compromise_cases import make
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from drg.errors import DrgError
from weights.negotiation.compromise.demands import demands
from weights.negotiation.compromise.frontier import frontier
from weights.negotiation.compromise.offer import OBJECTIVES, solve
from weights.negotiation.compromise.problem import Problem

SEEDS = st.integers(0, 10**6)
_SHARP = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


def best_level(problem: Problem, floor: dict[int, float], open_: list[int]) -> float:
    """Largest common satisfaction of some asks, with others at least at a floor."""
    rules = demands(problem)
    n = len(rules.places)
    unit = np.abs(rules.matrix.toarray()).max(axis=1)
    dense = rules.matrix.toarray() / unit[:, None]
    above, below = np.isfinite(rules.high), np.isfinite(rules.low)
    rows = [*np.c_[dense[above], np.zeros(above.sum())],
            *np.c_[-dense[below], np.zeros(below.sum())]]  # fmt: skip
    ends = [*(rules.high / unit)[above], *(-rules.low / unit)[below]]
    column = {int(place): i for i, place in enumerate(rules.places)}
    for k in [*floor, *open_]:
        for sign in (1.0, -1.0):
            row = np.zeros(n + 1)
            row[column[int(problem.place[k])]] = sign
            row[n] = problem.distance[k] if k in open_ else 0.0
            rows.append(row)
            full = problem.distance[k] * (1.0 if k in open_ else 1.0 - floor[k])
            ends.append(sign * problem.asked[k] + full)
    cost = np.zeros(n + 1)
    cost[n] = -1.0
    found = linprog(cost, A_ub=np.array(rows), b_ub=np.array(ends) + 1e-11, options=_SHARP,
                    bounds=[(None, None)] * n + [(None, 1.0)])  # fmt: skip
    return -float(found.fun)


@given(SEEDS)
def test_nobody_can_gain_without_one_who_has_less_losing(seed: int) -> None:
    problem = make(seed, groups=8, asks=4)
    level = solve(problem, "fairest").satisfaction
    for k in range(len(level)):  # raise ask k with all that have no more kept where they are
        floor = {i: float(level[i]) for i in range(len(level))
                 if i != k and level[i] <= level[k] + 1e-6}  # fmt: skip
        assert best_level(problem, floor, [k]) <= level[k] + 1e-4


@given(SEEDS)
def test_each_aim_is_best_at_itself(seed: int) -> None:
    problem = make(seed, groups=10, asks=5)
    offers = {one: solve(problem, one) for one in OBJECTIVES}
    table = pd.DataFrame({
        "weighted_satisfaction": {one: float(problem.importance @ held.satisfaction)
                                  for one, held in offers.items()},
        "least_satisfaction": {one: held.least_satisfaction for one, held in offers.items()},
        "disagreement_yuan": {one: held.disagreement_yuan for one, held in offers.items()},
    })  # fmt: skip
    tiny = 1e-6
    assert table.weighted_satisfaction.max() <= table.weighted_satisfaction["satisfaction"] + tiny
    assert table.least_satisfaction.max() <= table.least_satisfaction["fairest"] + tiny
    assert table.disagreement_yuan.min() >= table.disagreement_yuan["closest"] * (1 - 1e-9)
    most = float(table.weighted_satisfaction["satisfaction"])
    assert table.weighted_satisfaction["least_change"] >= most - 0.2 * abs(most) - tiny


@given(SEEDS)
def test_less_change_is_not_enough(seed: int) -> None:
    problem = make(seed, groups=8, asks=4)
    offers = [solve(problem, "least_change", share=share) for share in (0.0, 0.5, 1.0)]
    moved = [float((problem.worth * np.abs(o.weight - problem.draft)).sum()) for o in offers]
    assert moved[0] <= moved[1] * (1 + 1e-9) + 1e-6
    assert moved[1] <= moved[2] * (1 + 1e-9) + 1e-6
    assert moved[0] == pytest.approx(0.0, abs=1e-3) or problem.order


def test_the_frontier_rises_with_the_limit() -> None:
    problem = make(11, groups=40, hospitals=6, asks=15, neutral="yuan")
    table = frontier(problem, 5)
    assert len(table) == 5
    assert (np.diff(table.weighted_satisfaction) >= -1e-6).all()
    assert (np.diff(table.fairest_least) >= -1e-6).all()
    assert (table.largest_loss <= table.limit + 1e-8).all()
    with pytest.raises(DrgError, match="frontier"):
        frontier(replace(problem, asks=()))


def test_without_asks_nothing_moves() -> None:
    problem = make(2, asks=0)
    assert solve(problem).weight == pytest.approx(problem.draft)
    assert solve(problem, "fairest").weight == pytest.approx(problem.draft)
