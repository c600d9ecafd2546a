"""Drawing the next years against working out one state of one year."""

from __future__ import annotations

import time
from collections.abc import Callable

from budget.uncertainty.simulate import simulate
from tests.budget.path_oracle import static
from tests.budget.test_uncertainty import FULL, model

YEARS, HOSPITALS, GROUPS = 5, 100, 628


def measure(draws: int, turns: int, line: Callable[[str, float, str], None]) -> None:
    """Draws over one state, in the time of all processors: what else runs does not count."""
    held = model(years=YEARS, hospitals=HOSPITALS, groups=GROUPS, points=True)
    state = min(_processor(lambda: static(held)) for _ in range(10 * turns))
    drawn = min(
        _processor(lambda: simulate(held, FULL, draws, 5, groups=True)) for _ in range(turns)
    )
    print(f"draws, {draws:,} x {YEARS} years x {HOSPITALS} hospitals x {GROUPS} groups: "
          f"{drawn:.2f} s, one state {state * 1000:.1f} ms of processor time")  # fmt: skip
    line(f"  {draws:,} draws / one state of each of the years", drawn / state / YEARS, "<= 30")
    line(f"  {draws:,} draws / one state of one year", drawn / state,
         "<= 60 for 1,000 on one core (OPENBLAS_NUM_THREADS=1)")  # fmt: skip


def _processor(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began
