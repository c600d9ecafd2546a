"""The smallest conflict, against every subset of small problems."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from compromise_cases import make
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from drg.errors import DrgError
from weights.negotiation.compromise.conflict import conflict, smallest_conflict
from weights.negotiation.compromise.demands import Demands, demands
from weights.negotiation.compromise.offer import solve


def holds(rules: Demands, chosen: tuple[int, ...]) -> bool:
    """Whether weights satisfy some demands, by another programme than the one under test."""
    rows = np.flatnonzero(np.isin(rules.demand, chosen))
    matrix = rules.matrix[rows].toarray()
    unit = np.maximum(np.abs(matrix).max(axis=1, initial=0.0), 1e-300)
    low, high = rules.low[rows] / unit, rules.high[rows] / unit
    above, below = np.isfinite(high), np.isfinite(low)
    found = linprog(
        np.zeros(matrix.shape[1]), bounds=(0, None),
        A_ub=np.vstack([(matrix / unit[:, None])[above], -(matrix / unit[:, None])[below]]),
        b_ub=np.concatenate([high[above], -low[below]]) + 1e-9,
    )  # fmt: skip
    return found.status == 0


@given(st.integers(0, 10**6))
def test_no_smaller_set_conflicts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = make(seed, groups=4, hospitals=2, asks=2, largest_loss=0.003, neutral="yuan")
    decided = tuple(
        (int(g), float(problem.draft[g] * x), float(problem.draft[g] * x * 1.05), f"Z{i}")
        for i, (g, x) in enumerate(zip(rng.integers(0, 4, 3), rng.uniform(0.75, 1.25, 3),
                                       strict=True))
    )  # fmt: skip
    rules = demands(replace(problem, decided=decided, equal=((0, 3),)))
    found, smallest = smallest_conflict(rules)
    places = tuple(range(len(rules.items)))
    assert smallest
    if not found:
        assert holds(rules, places)
        return
    assert not holds(rules, found)
    for size in range(1, len(found)):
        assert all(holds(rules, some) for some in combinations(places, size))


def test_the_error_names_group_and_figures() -> None:
    problem = make(1, groups=12)
    frozen = int(np.flatnonzero(~problem.frozen)[0])
    problem = replace(
        problem, frozen=np.arange(12) == frozen,
        decided=((frozen, 1.1 * problem.draft[frozen], 1.2 * problem.draft[frozen], "Z01 P001"),),
    )  # fmt: skip
    with pytest.raises(DrgError) as error:
        solve(problem)
    group = problem.groups[frozen]
    assert "\n" not in str(error.value)
    assert f"{group} is frozen" in str(error.value)
    assert "Z01 P001" in str(error.value)
    found = conflict(problem)
    assert {demand.kind for demand in found.demands} == {"decided", "frozen"}
    assert f"{group} 冻结" in found.text("zh")
    assert found.text("en").count("\n") == 2
    assert not conflict(replace(problem, decided=()))


def test_a_budget_that_nobody_can_pay_is_a_conflict_of_many() -> None:
    problem = make(4, groups=40, asks=0, neutral="yuan", largest_loss=None, order=False,
                   frozen=np.zeros(40, bool))  # fmt: skip
    draft = problem.draft
    problem = replace(problem, low=draft * 0.999, high=draft * 1.2, decided=tuple(
        (i, draft[i] * 1.1, draft[i] * 1.2, f"Z{i}") for i in range(40) if i % 2))  # fmt: skip
    found = conflict(problem)
    assert found.demands[0].kind == "neutral"
    assert "more" in found.line("en")
