"""A small city to make proposals in: a draft, hospitals, and cases drawn from a formula."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from weights.negotiation.proposals.context import Context
from weights.table import WeightTable

DRAFT = {"ES23": 1.2, "ES25": 0.8137, "GD13": 0.9, "ZZ11": 2.0, "039": 1.5, "RW10": None}
NUMBERS = {"ES23": 100, "ES25": 50, "GD13": 30, "ZZ11": 3, "039": 12}
HOSPITALS = {"H01": "市第一人民医院", "H02": "市中医院", "007": "县医院"}


@cache
def table() -> WeightTable:
    return WeightTable("draft", pd.DataFrame({
        "drg": list(DRAFT), "weight": list(DRAFT.values()),
        "name": ["肺炎伴并发症", "=1+1", "阑尾切除", "少见", "数字编码", "无权重"],
        "cases": [NUMBERS.get(drg, 0) for drg in DRAFT], "mean_cost": 9_000.5,
        "cv": 0.5, "ci_low": 0.7, "ci_high": 1.4,
    }))  # fmt: skip


@cache
def cases() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    size = sum(NUMBERS.values())
    return pd.DataFrame({
        "drg": np.repeat(list(NUMBERS), list(NUMBERS.values())),
        "hospital_id": rng.choice(list(HOSPITALS), size),
        "insurance": rng.choice(["employee", "resident"], size),
        "total_cost": np.exp(rng.normal(9, 1, size)).round(2),
        "length_of_stay": rng.integers(1, 90, size).astype(float),
        "case_id": [f"A{i}" for i in range(size)],
    })  # fmt: skip


def city(**others: object) -> Context:
    given = {"weights": table(), "hospitals": HOSPITALS, "cases": cases(), **others}
    return Context(**given)
