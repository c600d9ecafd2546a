"""Fitting weights against one ``groupby(drg).mean()`` of the same column."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from weights import Bootstrap, Calibrator
from weights.fit.recipe import RECOMMENDED

CHAINS: dict[str, dict[str, object]] = {
    "mean": {},
    "ratio trim, mean": {"trim": "ratio"},
    "log3sd trim, hsrv": {"trim": "log3sd", "estimate": "hsrv"},
    "ratio trim, regression": {"trim": "ratio", "estimate": "regression"},
    "ratio trim, gamma, shrink, order": {
        "trim": "ratio", "estimate": "gamma", "shrink": True, "order": True,
    },
    "percentile trim, mean": {"trim": "percentile"},
    "iqr trim, mean": {"trim": "iqr"},
    "recommended": RECOMMENDED,
}  # fmt: skip


def make(rows: int) -> pd.DataFrame:
    """Cases of 100 hospitals in 628 groups, log-normal costs."""
    rng = np.random.default_rng(4)
    groups = np.array([f"{a}{b}{i}{s}" for a in "BCDEFGH" for b in "BRSTU" for i in "123456"
                       for s in "135"])[:628]  # fmt: skip
    hospitals = np.array([f"H{i:04d}" for i in range(100)])
    return pd.DataFrame({
        "hospital_id": hospitals[rng.integers(0, len(hospitals), rows)],
        "drg": groups[rng.integers(0, len(groups), rows)],
        "total_cost": np.exp(rng.normal(9, 0.7, rows)).round(2),
    })  # fmt: skip


def measure(rows: int, turns: int, line: Callable[[str, float, str], None]) -> None:
    """Point estimates over one groupby, and the bootstrap over the point estimate."""
    cases = make(rows)
    plain = min(_time(lambda: cases.groupby("drg")["total_cost"].mean()) for _ in range(2 * turns))
    print(f"weights, {rows:,} cases, 100 hospitals; groupby(drg).mean() {plain:.2f} s")
    for name, chain in CHAINS.items():
        point = min(_time(lambda c=chain: Calibrator(**c).fit(cases)) for _ in range(turns))
        whole = min(_time(lambda c=chain: Calibrator(**c, bootstrap=Bootstrap(200)).fit(cases))
                    for _ in range(turns))  # fmt: skip
        wanted = "<= 4" if chain.get("trim") in ("percentile", "iqr") else "<= 6"
        line(f"  {name}: fit / groupby mean", point / plain, wanted)
        line(f"  {name}: 200 replicates / fit", (whole - point) / point, "<= 10")


def _time(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
