"""The solver answers whatever has an answer, as an independent model does, and quietly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cvxpy
import numpy as np
import pytest
from compromise_cases import make
from independent import off

from weights.negotiation.compromise import programme
from weights.negotiation.compromise.alternatives import aims, fairest
from weights.negotiation.compromise.demands import demands
from weights.negotiation.compromise.offer import OBJECTIVES, solve
from weights.negotiation.compromise.region import region


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_aim_is_what_an_independent_model_finds(objective: str, seed: int) -> None:
    problem = make(seed, groups=30 + 10 * seed, hospitals=2 + 2 * seed, asks=15 + 10 * seed)
    miss, excess = off(problem, objective)
    assert miss < 1e-5
    assert excess <= 1e-7


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_where_no_exact_answer_is_found_the_solvers_own_stands(objective, monkeypatch) -> None:
    """What is exact is a refinement; nothing hangs on it."""
    exact = solve(make(5, 60, 8, 40), objective)
    monkeypatch.setattr(programme, "polished", lambda *_: None)
    plain = solve(make(5, 60, 8, 40), objective)
    assert plain.excess <= 1e-7
    assert np.nanmax(np.abs(plain.weight - exact.weight)) < 1e-4


def test_the_fairest_weights_are_those_of_the_programme_where_no_nearer_ones_are(monkeypatch):
    problem = make(4, 40, 6, 25)
    rules = demands(problem)
    area = region(rules)

    def nothing(*_):
        raise RuntimeError("no answer")

    usual = fairest(aims(problem, rules.places), area)
    monkeypatch.setattr("weights.negotiation.compromise.alternatives.nearest", nothing)
    found = fairest(aims(problem, rules.places), area)
    assert area.excess(found.weight) <= 1e-7
    assert found.primal == pytest.approx(usual.primal, abs=1e-6)


def test_a_solver_that_gives_up_on_a_face_is_no_failure(monkeypatch) -> None:
    """On what has no inside it may; then the point that is known stands."""
    usual = solve(make(4, 40, 6, 25), "fairest")
    tried = []

    def gives_up(task, **_):
        tried.append(task)
        raise cvxpy.SolverError("failed")

    monkeypatch.setattr(cvxpy.Problem, "solve", gives_up)
    found = solve(make(4, 40, 6, 25), "fairest")
    assert tried
    assert found.excess <= 1e-7
    assert found.least_satisfaction == pytest.approx(usual.least_satisfaction, abs=1e-6)


CODE = """
import sys
sys.path.insert(0, {folder!r})
{before}
from compromise_cases import make
from weights.negotiation.compromise.offer import solve
for objective in ("fairest", "least_change"):
    solve(make(1, 12, 3, 5), objective)
"""
EARLIER = """
import highspy
other = highspy.Highs()
other.setOptionValue("output_flag", False)
other.setOptionValue("threads", 2)
other.addVar(0, 1)
other.run()
"""


@pytest.mark.parametrize("before", ["", EARLIER])
def test_it_works_beside_another_user_of_its_solver_and_says_nothing(before: str) -> None:
    code = CODE.format(folder=str(Path(__file__).parent), before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert before or not done.stdout  # the other user's solver greets by itself
    assert not done.stderr
