"""The closest weights: every demand to 1e-7, optimal by gap and by perturbation, and repeatable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from compromise_cases import make
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize

from drg.errors import DrgError
from weights.negotiation.compromise.active_set import Active, polished
from weights.negotiation.compromise.demands import demands
from weights.negotiation.compromise.offer import OBJECTIVES, pull, solve
from weights.negotiation.compromise.problem import Ask, Problem, spread_of
from weights.negotiation.compromise.region import region
from weights.table.families import families

SEEDS = st.integers(0, 10**6)


def broken(problem: Problem, weight: np.ndarray) -> float:
    """Largest violation, worked out from the problem itself and not from the solver's rows."""
    known = np.isfinite(problem.draft)
    move = np.where(known, weight - problem.draft, 0.0)
    free = known & ~problem.frozen
    found = [np.abs(move[problem.frozen & known]).max(initial=0.0),
             (problem.low - weight)[free].max(initial=0.0),
             (weight - problem.high)[free].max(initial=0.0)]  # fmt: skip
    if problem.neutral != "none":
        unit = problem.value if problem.neutral == "yuan" else problem.volume
        found.append(abs(unit @ move) / unit.max())
    if problem.largest_loss is not None:
        loss = -(problem.effect @ move) - problem.largest_loss * problem.revenue
        found.append((loss / np.abs(problem.effect).max(axis=1, initial=1e-9)).max(initial=0.0))
    if problem.order:
        above, below = problem.families.pairs
        spoken = {ask.group for ask in problem.asks} | {d.group for d in problem.decided}
        for a, b in zip(above, below, strict=True):
            ladder = np.flatnonzero(problem.families.family == problem.families.family[a])
            soft = not spoken & set(map(int, ladder))
            allowed = min(0.0, problem.draft[a] - problem.draft[b]) if soft else 0.0
            found.append(allowed - (weight[a] - weight[b]))
    found += [np.ptp(weight[list(places)]) for places in problem.equal]
    for place, low, high, _ in problem.decided:
        found += [low - weight[place], weight[place] - high]
    return float(max(found))


@given(SEEDS, st.sampled_from(OBJECTIVES))
def test_every_demand_holds_and_the_gap_is_closed(seed: int, objective: str) -> None:
    problem = make(seed, groups=10 + seed % 15, asks=seed % 7, hospitals=seed % 4)
    offer = solve(problem, objective)
    assert broken(problem, offer.weight) <= 1e-9
    assert offer.excess <= 1e-9
    assert offer.gap <= (1e-9 if objective == "closest" else 1e-6)


@given(SEEDS)
def test_no_random_feasible_weights_are_closer(seed: int) -> None:
    problem = make(seed)
    offer = solve(problem)
    rng = np.random.default_rng(seed)
    rules = demands(problem)
    area = region(rules)
    at, scale = offer.weight[rules.places], np.maximum(problem.draft[rules.places], 0.01)
    draft = problem.draft[rules.places]
    free = Active.of(area, np.zeros(len(at)), np.zeros(len(area.row_low)))
    for size in (1e-4, 1e-2, 0.2):
        for _ in range(20):  # any point, brought into the region; and a step from there
            wild = at + size * scale * rng.normal(size=len(at))
            other = polished(wild, np.ones(len(at)), area, free)
            point = draft if other is None else other.weight
            inside = at + rng.uniform(0, 1) * (point - at)
            if area.excess(inside) > 1e-9:
                continue
            weight = np.full(len(problem.groups), np.nan)
            weight[rules.places] = inside
            assert problem.disagreement(weight) >= offer.disagreement_yuan * (1 - 1e-9) - 1e-6


@pytest.mark.filterwarnings("ignore:Equality and inequality")
@given(SEEDS)
def test_a_general_solver_finds_the_same(seed: int) -> None:
    problem = make(seed, groups=5, hospitals=2, asks=3)
    rules = demands(problem)
    centre, stiff, least = pull(problem, rules.places)
    root = 1 / np.sqrt(stiff)
    size = max(1e-6, float(np.abs((centre - problem.draft[rules.places]) / root).max()))
    unit = np.abs(rules.matrix.toarray() * root * size).max(axis=1)
    rows = rules.matrix.toarray() * root * size / unit[:, None]
    rest = rules.matrix @ centre
    found = minimize(
        lambda z: z @ z / 2, np.zeros(len(centre)), jac=lambda z: z, method="SLSQP",
        constraints=LinearConstraint(rows, (rules.low - rest) / unit, (rules.high - rest) / unit),
        options={"maxiter": 500, "ftol": 1e-14},
    )  # fmt: skip
    offer = solve(problem)
    assert offer.disagreement_yuan == pytest.approx(least + size**2 * found.fun, rel=1e-5, abs=1)


def test_without_demands_that_bind_an_ask_and_the_draft_meet_by_precision() -> None:
    problem = make(3, groups=3, hospitals=0, asks=0, neutral="none", order=False,
                   frozen=np.zeros(3, bool))  # fmt: skip
    draft = float(problem.draft[0])
    problem = replace(problem, spread=np.full(3, 0.1), asks=(Ask("P1", "a", 0, draft * 1.1, 0.1),))
    offer = solve(problem)
    assert offer.weight[0] == pytest.approx(draft * 1.05)
    assert offer.weight[1:] == pytest.approx(problem.draft[1:])
    off = problem.worth[0] * (0.05 * draft) ** 2 / (2 * 0.1)
    assert offer.disagreement_yuan == pytest.approx(2 * off)
    assert offer.satisfaction[0] == pytest.approx(0.5)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_same_input_gives_the_same_bytes(objective: str) -> None:
    first, second = (solve(make(7, 60, 6, 25), objective) for _ in range(2))
    assert first.weight.tobytes() == second.weight.tobytes()
    assert first.constraints.equals(second.constraints)


def test_a_draft_out_of_order_only_gets_no_worse_where_nobody_asks() -> None:
    codes = ("AA11", "AA13", "AA15", "BB11", "BB13")
    parts = {
        "groups": codes, "families": families(codes), "draft": np.array([1.0, 1.3, 1.1, 2.0, 1.0]),
        "spread": np.full(5, 0.1), "volume": np.full(5, 100.0), "value": np.full(5, 1e6),
        "low": np.array([0.95, 1.2, 1.0, 1.5, 0.5]), "high": np.array([1.05, 1.4, 1.2, 2.5, 1.5]),
        "frozen": np.zeros(5, bool), "effect": np.zeros((0, 5)), "revenue": np.zeros(0),
        "hospitals": (), "neutral": "none",
    }  # fmt: skip
    offer = solve(Problem(asks=(Ask("P1", "a", 3, 2.2, 0.1),), **parts))
    assert offer.weight[:3] == pytest.approx([1.0, 1.3, 1.1])
    assert "AA1 is out of order" in offer.remarks[0][1]
    with pytest.raises(DrgError, match="AA11 weighs no less than AA13"):
        solve(Problem(asks=(Ask("P1", "a", 0, 1.05, 0.1),), **parts))


def test_equal_groups_decisions_and_groups_without_a_weight() -> None:
    problem = make(5, groups=9, frozen=np.zeros(9, bool), asks=0, order=False, neutral="yuan")
    draft = problem.draft.copy()
    draft[8] = np.nan
    draft[1] = draft[0] * 1.1
    wide = {"low": np.where(np.isnan(draft), np.nan, draft * 0.5),
            "high": np.where(np.isnan(draft), np.nan, draft * 1.5)}  # fmt: skip
    problem = replace(
        problem, draft=draft, equal=((0, 1, 8),), largest_loss=None, **wide,
        decided=((2, draft[2] * 1.1, draft[2] * 1.2, "Z01 P001"),),
    )  # fmt: skip
    offer = solve(problem)
    assert offer.weight[0] == pytest.approx(offer.weight[1], abs=1e-12)
    assert offer.weight[2] == pytest.approx(draft[2] * 1.1, abs=1e-12)
    assert np.isnan(offer.weight[8])
    table = offer.constraints.set_index("kind")
    assert table.loc["decided", "shadow_price"] > 0
    assert table.loc["equal", "gain"] > 0


@given(SEEDS)
def test_a_step_saves_what_the_table_says(seed: int) -> None:
    problem = make(seed, neutral="yuan", largest_loss=0.004)
    offer = solve(problem)
    losses = offer.constraints[offer.constraints.kind == "loss"]
    for row in losses.itertuples():
        wider = replace(problem, revenue=problem.revenue + np.where(
            np.array(problem.hospitals) == row.key, row.step / 0.004, 0.0))  # fmt: skip
        saved = offer.disagreement_yuan - solve(wider).disagreement_yuan
        assert saved == pytest.approx(row.gain, abs=1e-3, rel=1e-5)
        assert row.gain <= row.shadow_price * row.step * (1 + 1e-9) + 1e-6


@pytest.mark.parametrize(("change", "said"), [
    ({"neutral": "all"}, "neutral"), ({"largest_loss": 2.0}, "largest_loss"),
    ({"low": np.zeros(3)}, "low"), ({"asks": (Ask("P9", "a", 99, 1.0, 0.1),)}, "P9"),
    ({"asks": (Ask("P9", "a", 0, -1.0, 0.1),)}, "P9 weight"),
    ({"decided": ((0, 2.0, 1.0, "Z1"),)}, "Z1"), ({"equal": ((0, 99),)}, "equal"),
])  # fmt: skip
def test_wrong_figures_are_named(change: dict[str, object], said: str) -> None:
    with pytest.raises(DrgError, match=said):
        replace(make(1), **change)


def test_wrong_aims_are_named() -> None:
    with pytest.raises(DrgError, match="objective"):
        solve(make(1), "cheapest")
    with pytest.raises(DrgError, match="share"):
        solve(make(1), "least_change", share=1.5)
    assert spread_of(2.0) == pytest.approx(0.1)
    assert spread_of(2.0, 1.0, 2.96) == pytest.approx(0.5)
