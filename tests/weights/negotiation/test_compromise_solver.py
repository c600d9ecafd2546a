"""The solver answers whatever has an answer, as an independent model does, and quietly."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cvxpy
import highspy
import numpy as np
import pytest
from compromise_cases import make

from benchmarks import compromise
from benchmarks.compromise import MOST, Model, held_against, random_problem
from tests.amount import FULL
from weights.negotiation.compromise import programme
from weights.negotiation.compromise.alternatives import aims, fairest
from weights.negotiation.compromise.demands import demands
from weights.negotiation.compromise.linear import Linear
from weights.negotiation.compromise.offer import OBJECTIVES, solve
from weights.negotiation.compromise.problem import Ask, Problem
from weights.negotiation.compromise.region import region

SMALL, MIDDLE = (60, 20, 80), (150, 60, 200)


def check(problem: Problem, objective: str) -> None:
    found = held_against(Model(problem), objective)
    assert found.off <= 1e-6
    assert found.excess <= 1e-7
    assert found.away <= 1e-6


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize(("seed", "most"), [*((seed, SMALL) for seed in range(12)), (21, MIDDLE)])
def test_every_aim_is_what_an_independent_model_finds(objective, seed, most) -> None:
    check(random_problem(seed, most), objective)


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_aim_of_a_province_is_what_an_independent_model_finds(objective: str) -> None:
    """800 groups, 300 hospitals, 1,000 asks and decisions in full."""
    problem = random_problem(4, MOST if FULL else (300, 100, 400))
    assert len(problem.asks) + len(problem.decided) == (1000 if FULL else 400)
    check(problem, objective)


@pytest.mark.parametrize("seed", [4, 20, 21])
def test_no_ask_of_the_fairest_weights_can_come_nearer(seed: int, monkeypatch) -> None:
    """Of every level, not of a few, also where asks are as near as 0.0002 to the draft."""
    monkeypatch.setattr(compromise, "_LEVELS", 60)
    check(random_problem(seed, MIDDLE), "fairest")


def test_limits_that_leave_no_room_have_an_answer(monkeypatch) -> None:
    """No hospital may lose and the budget stays: each gets what it got, to the fen."""
    problem = random_problem(6, SMALL)
    flat = replace(
        problem, largest_loss=0.0, neutral="yuan", order=False, bend=None, bend_total=0.0
    )
    usual = solve(flat)
    assert np.abs(usual.gain).max() < 0.01
    tried = []

    def gives_up(self, *_, **__):
        tried.append(self)
        return None if len(tried) == 1 else plain(self, *_, **__)

    plain = programme._clarabel
    monkeypatch.setattr(programme, "_clarabel", gives_up)
    found = solve(flat)
    assert len(tried) == 2
    assert found.gap <= 1e-9
    assert found.excess <= 1e-9
    assert found.weight == pytest.approx(usual.weight, abs=1e-7, nan_ok=True)


def test_a_solver_that_turns_in_a_circle_begins_anew(monkeypatch) -> None:
    """After so many pivots it is stopped, and starts from scratch otherwise."""
    problem, usual, tried = random_problem(4, SMALL), Linear._run, []

    def stopped(linear: Linear):
        tried.append(linear)
        if len(tried) % 2:
            return highspy.HighsModelStatus.kIterationLimit
        return usual(linear)

    best = solve(problem, "fairest").satisfaction
    monkeypatch.setattr(Linear, "_run", stopped)
    assert solve(problem, "fairest").satisfaction == pytest.approx(best, abs=1e-6)
    assert len(tried) > 4


def test_levels_that_rounding_leaves_nothing_to_stay_where_they_are(monkeypatch) -> None:
    """A later level without an answer is no failure: the weights of the last one stand."""
    usual, tried = Linear.solve, []

    def gives_up(linear: Linear):
        tried.append(linear)
        return usual(linear) if len(tried) < 3 else None

    problem = random_problem(4, SMALL)
    best = solve(problem, "fairest").least_satisfaction
    monkeypatch.setattr(Linear, "solve", gives_up)
    found = solve(problem, "fairest")
    assert len(tried) > 3
    assert found.excess <= 1e-7
    assert found.least_satisfaction == pytest.approx(best, abs=1e-7)


def test_the_model_sees_what_is_not_the_best(monkeypatch) -> None:
    """Weights of another aim fail, and weights that keep no rule."""
    problem = random_problem(4, SMALL)
    model, other = Model(problem), solve(problem, "closest")
    monkeypatch.setattr(compromise, "solve", lambda *_: other)
    for objective in ("satisfaction", "fairest", "least_change"):
        assert held_against(model, objective).off > 1e-3
    wrong = replace(other, weight=other.weight * 1.01)
    monkeypatch.setattr(compromise, "solve", lambda *_: wrong)
    found = held_against(model, "closest")
    assert found.excess > 1e-3


def test_asks_of_one_group_have_a_level_of_their_own() -> None:
    """Between two asks in the measure of their distances; outside its interval at its end."""
    held = make(1, groups=3, hospitals=0, asks=0, neutral="none", order=False,
                frozen=np.zeros(3, bool))  # fmt: skip
    draft = held.draft
    asks = [Ask("P1", "a", 0, 1.1 * draft[0], 0.1), Ask("P2", "b", 0, 0.8 * draft[0], 0.1),
            Ask("P3", "c", 1, 1.6 * draft[1], 0.1)]  # fmt: skip
    offer = solve(replace(held, asks=tuple(asks)), "fairest")
    assert offer.weight == pytest.approx([draft[0], 1.2 * draft[1], draft[2]])
    assert offer.satisfaction == pytest.approx([0.0, 0.0, 1 / 3])


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
from weights.negotiation.compromise.linear import Linear
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
