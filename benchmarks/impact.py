"""The impact of weights on a province against settling it anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from budget.cases.hospitals import hospitals_of
from budget.impact.weights import Impacts
from budget.policy import load_policy
from budget.settlement.files import read_claims, settle_file
from weights.table import WeightTable

HOSPITALS, GROUPS = 100, 800
_POLICIES = ("national-default", "hangzhou-type", "qingdao-2023")


def make(folder: Path, rows: int) -> tuple[Path, Path, WeightTable]:
    """A year of a made-up province, its hospitals and draft weights."""
    rng = np.random.default_rng(8)
    weight = np.round(rng.lognormal(-0.3, 0.7, GROUPS), 4)
    groups = np.array([f"{chr(65 + i // 31)}{chr(65 + i % 26)}{i % 9 + 1}{i % 5 + 1}x{i:03d}"
                       for i in range(GROUPS)])  # fmt: skip
    share = rng.pareto(1.2, GROUPS) + 0.05
    group = rng.choice(GROUPS, rows, p=share / share.sum())
    size = rng.pareto(1.0, HOSPITALS) + 0.2
    hospital = rng.choice(HOSPITALS, rows, p=size / size.sum())
    cost = np.round(weight[group] * 9000 * rng.lognormal(-0.1, 0.5, rows), 2)
    day = rng.integers(0, 365, rows)
    path = folder / "province.parquet"
    pd.DataFrame({
        "drg": groups[group], "hospital_id": [f"H{h:03d}" for h in hospital],
        "insurance": np.where(rng.random(rows) < 0.4, "employee", "resident"),
        "discharge_date": (pd.Timestamp("2025-01-01") + pd.to_timedelta(day, "D")).strftime(
            "%Y-%m-%d"),
        "length_of_stay": rng.integers(2, 20, rows),
        "discharge_mode": rng.choice([1, 2, 4], rows, p=[0.97, 0.01, 0.02]),
        "total_cost": cost, "fund_paid": np.round(cost * rng.uniform(0.5, 0.85, rows), 2),
    }).to_parquet(path)  # fmt: skip
    table = folder / "hospitals.csv"
    pd.DataFrame({
        "hospital_id": [f"H{h:03d}" for h in range(HOSPITALS)],
        "hospital_name": [f"医院{h}" for h in range(HOSPITALS)],
        "tier": np.where(np.arange(HOSPITALS) < 15, 3, np.where(np.arange(HOSPITALS) < 55, 2, 1)),
    }).to_csv(table, index=False)  # fmt: skip
    return path, table, WeightTable("draft", pd.DataFrame({"drg": groups, "weight": weight}))


def measure(folder: Path, rows: int, turns: int, line: Callable[[str, float, str], None]) -> None:
    """An impact of all weights at once, over the settlement of the cases behind it."""
    path, table, draft = make(folder, rows)
    hospitals = hospitals_of(pd.read_csv(table))
    rng = np.random.default_rng(1)
    for name in _POLICIES:
        policy = load_policy(name)
        begin = time.perf_counter()
        claims = read_claims(path, draft, policy, hospitals, 2025)
        read = time.perf_counter() - begin
        held = Impacts(claims, draft, policy, hospitals, 2025)
        anew, files, at_once = [], [], []
        for _ in range(turns):
            weight = held.draft.weight * rng.uniform(0.85, 1.15, GROUPS)
            begin = time.perf_counter()
            held._anew(weight)
            anew.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            held.outcome(weight)
            at_once.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        settle_file(path, folder / "settled", draft, policy, table, 2025)
        files.append(time.perf_counter() - begin)
        print(f"impact, {rows:,} cases, {name}, by sums: {held.by_sums}: settle "
              f"{min(anew):.3f} s, read {read:.3f} s, "
              f"impact {min(at_once) * 1000:.1f} ms")  # fmt: skip
        line(f"  reading and settling / impact, {name}", (read + min(anew)) / min(at_once), ">= 50")
        line(f"  settling in memory / impact, {name}", min(anew) / min(at_once), "")
        line(f"  the whole command / impact, {name}", files[0] / min(at_once), "")
