"""How long it takes to find, for a whole file, the groups that hang on one code."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import data
from grouper.engine.files import group_file
from grouper.explain.dependence_files import DependenceAccount, dependence_file

TURNS = 3
WANTED = 10.0  # at most so many times the grouping itself


def measure(folder: Path, rows: int) -> float:
    """Print, and give back, the time of the dependences over that of grouping the same file."""
    source = folder / "dependence-cases.parquet"
    data.make_parquet(source, rows)
    accounts: list[DependenceAccount] = []
    grouping = depending = float("inf")
    for _ in range(TURNS):
        grouping = min(grouping, _seconds(lambda: group_file(source, folder / "grouped.parquet")))
        depending = min(depending, _seconds(lambda: accounts.append(
            dependence_file(source, folder / "dependence.parquet")
        )))  # fmt: skip
    found = accounts[-1]
    print(f"dependence on one code, {rows:,} cases: {depending:.2f} s, grouping {grouping:.2f} s; "
          f"{found.dependent:,} cases hang on one code")  # fmt: skip
    print(f"{'  dependence / grouping of the same file':<66} {depending / grouping:>12,.2f}   "
          f"wanted <= {WANTED:g}")  # fmt: skip
    return depending / grouping


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
