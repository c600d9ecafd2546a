"""Of few figures with steps the least change is found by trying all smaller ones: with proof."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from budget.search.outward import countable, outward
from budget.search.solve import Parameter, Target, search
from budget.search.space import Space


def world(seed: int, figures: int):
    """Outcomes with kinks and jumps, as bands, caps and thresholds make them."""
    rng = np.random.default_rng(seed)
    slope, kink = rng.normal(size=(3, figures)), rng.uniform(-2, 2, (3, figures))
    parameters = [
        Parameter(f"p{i}", now=float(rng.integers(-2, 3)), low=-5.0, high=5.0, scale=1.0,
                  weight=float(rng.choice([0.5, 1.0, 2.0])), grid=1.0)
        for i in range(figures)
    ]  # fmt: skip

    def evaluate(values):
        x = np.array([values[f"p{i}"] for i in range(figures)])
        bent = slope * x + 0.7 * np.abs(x - kink) + 0.5 * (x > kink)
        return {f"o{k}": float(bent[k].sum()) for k in range(3)}

    now = evaluate({one.name: one.now for one in parameters})
    targets = [Target(f"o{k}", low=now[f"o{k}"] + float(rng.uniform(-0.5, 2.0)), scale=1.0)
               for k in range(3)]  # fmt: skip
    return evaluate, parameters, targets


def brute(evaluate, parameters, targets) -> float | None:
    """The least change of all, by trying every value."""
    best = None
    for values in product(*(np.arange(-5.0, 6.0) for _ in parameters)):
        found = evaluate(dict(zip((one.name for one in parameters), values, strict=True)))
        if all(one.room(found[one.outcome]).min() >= -1e-6 for one in targets):
            change = sum(one.weight * (v - one.now) ** 2
                         for one, v in zip(parameters, values, strict=True))  # fmt: skip
            best = change if best is None else min(best, change)
    return best


@pytest.mark.parametrize("figures", [1, 2, 3])
@pytest.mark.parametrize("seed", range(12))
def test_the_optimum_is_that_of_trying_everything(figures: int, seed: int) -> None:
    problem = world(seed, figures)
    best, found = brute(*problem), search(*problem)
    assert found.feasible == (best is not None)
    assert found.proven or figures == 3  # 11 x 11 x 11 points, of which 300 are tried at first
    if best is not None:
        assert found.change == pytest.approx(best)
        assert found.proven


def test_changes_come_in_the_order_of_their_size_and_all_of_them() -> None:
    held = Space(*world(1, 2))
    points = list(outward(held))
    changes = [held.change(z) for z in points]
    assert changes == sorted(changes)
    assert changes[0] == 0.0
    assert len({tuple(z) for z in points}) == 11 * 11


def test_many_figures_or_any_value_are_searched_as_before() -> None:
    evaluate, parameters, targets = world(2, 3)
    free = [*parameters[:2], Parameter("p2", 0.0, -5.0, 5.0, scale=1.0)]
    assert countable(Space(evaluate, parameters, targets))
    assert not countable(Space(evaluate, free, targets))
    assert not search(evaluate, free, targets).proven
