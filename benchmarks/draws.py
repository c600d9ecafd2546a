"""Drawing the next years against working out one state of one year."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from budget.uncertainty.linear import Linear
from budget.uncertainty.priors import Priors, normal, triangular, uniform
from budget.uncertainty.simulate import simulate, static

YEARS, HOSPITALS, GROUPS = 5, 100, 628
PRIORS = Priors(
    {"volume": normal(0, 0.02), "case_mix": triangular(-0.01, 0, 0.02), "rate": normal(0, 0.01),
     "input_cost": normal(0, 0.01), "pool_growth": normal(0, 0.01), "coding": uniform(0, 0.005),
     "volume_response": uniform(0.08, 0.13), "cost_response": triangular(-0.1305, -0.0807, -0.031)},
    volume_tier=normal(0, 0.01), weights=0.05, group_volume=0.05, group_cost=0.05,
)  # fmt: skip


def make() -> Linear:
    """Hospitals and groups of a large region, two pools."""
    rng = np.random.default_rng(0)
    weight = rng.lognormal(0, 0.8, GROUPS)
    cases = rng.poisson(rng.lognormal(1, 1, (HOSPITALS, GROUPS, 2))).astype(float)
    worth = cases * weight[:, None] * 9000
    cost = worth * rng.lognormal(0, 0.2, worth.shape)
    path = 1.03 ** np.arange(1, YEARS + 1)[:, None, None, None]
    pools = ("employee", "resident")
    return Linear(
        tuple(f"H{i}" for i in range(HOSPITALS)), np.arange(HOSPITALS) % 3 + 1, pools, pools,
        np.tile([0, 1], (HOSPITALS, 1)), weight, cases * path, cost * path, cost * 0.35 * path,
        worth * 0.9 * path, cost * 0.05 * path, np.full((HOSPITALS, 2), np.nan),
        (worth * 0.65).sum((0, 1)) * path[:, 0, 0], np.array([True, False]),
    )  # fmt: skip


def measure(draws: int, turns: int, line: Callable[[str, float, str], None]) -> None:
    """Draws over one state, in the time of all processors: what else runs does not count."""
    held = make()
    state = min(_processor(lambda: static(held)) for _ in range(10 * turns))
    drawn = min(
        _processor(lambda: simulate(held, PRIORS, draws, 5, groups=True)) for _ in range(turns)
    )
    print(f"draws, {draws:,} x {YEARS} years x {HOSPITALS} hospitals x {GROUPS} groups: "
          f"{drawn:.2f} s, one state {state * 1000:.1f} ms of processor time")  # fmt: skip
    line(f"  {draws:,} draws / one state of one year", drawn / state,
         "<= 60 for 1,000 on one core (OPENBLAS_NUM_THREADS=1)")  # fmt: skip


def _processor(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began
