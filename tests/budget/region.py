"""A small region for the tests of settlement: hospitals, weights, cases, and settling them."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from budget.cases.claims import ClaimReader
from budget.cases.hospitals import hospitals_of
from budget.policy import load_policy
from budget.settlement.settled import settle
from budget.settlement.tables import case_rows, frames
from drg.cases import columns_of
from weights.table import WeightTable

YEAR = 2025
HOSPITALS = pd.DataFrame(
    [
        ("A", "市第一医院", 3, "a_plus", "市区", "city", 95.0, 90.0, 0.0),
        ("B", "市第二医院", 3, "甲等", "市区", "city", 85.0, 70.0, 3000.0),
        ("C", "市第三医院", 2, "甲等", "市区", "city", 70.0, 95.0, 0.0),
        ("D", "县医院", 2, "乙等", "东县", "county", None, None, 0.0),
        ("E", "镇卫生院", 1, "", "东县", "town", 90.0, 80.0, 100.0),
    ],
    columns=["hospital_id", "hospital_name", "tier", "class", "county", "level", "score",
             "credit", "penalty"],
)  # fmt: skip
WEIGHTS = pd.DataFrame(
    [
        ("AA19", 0.3, "", "severe"),
        ("BB19", 1.0, "", "ordinary"),
        ("CC19", 1.5, "", "other"),
        ("DD19", 2.0, "", "severe"),
        ("EE19", 2.5, "", "ordinary"),
        ("FF19", 6.0, "", "other"),
        ("GG19", 0.9, "basic", "ordinary"),
        ("GT19", 0.8, "tiered_care", "ordinary"),
        ("II19", 1.2, "incentive", "ordinary"),
        ("RE19", 1.1, "", "ordinary"),
        ("UU19", 1.3, "unstable", "ordinary"),
        ("WW19", 0.7, "watched_with_complication", "other"),
        ("NN19", np.nan, "", ""),
        ("BQY", 0.6, "", ""),
    ],
    columns=["drg", "weight", "group_type", "resident_class"],
)


def weight_table(frame: pd.DataFrame = WEIGHTS) -> WeightTable:
    return WeightTable("made-up", frame)


def case(**parts):
    """One ordinary case; discharged on 10 May 2025 unless it says otherwise."""
    return {
        "case_id": "1", "patient_id": "", "hospital_id": "A", "insurance": "employee",
        "admission_date": "2025-05-01", "discharge_date": "2025-05-10", "age": 50,
        "length_of_stay": 9, "discharge_mode": 1, "population": "", "tcm_share": 0.0,
        "diagnoses": "I10", "procedures": "", "drg": "BB19", "total_cost": 10000.0,
        "special_review": "", "day_surgery": "", "day_bed": "",
    } | parts  # fmt: skip


def cases_of(*rows) -> pd.DataFrame:
    frame = pd.DataFrame([case(**row) for row in rows])
    return frame.assign(case_id=[f"case {i}" for i in range(len(frame))])


def many(size: int, seed: int = 1, mean: float = 9000.0) -> pd.DataFrame:
    """Cases of every kind, with ratios of cost over standard from 0.05 to 8."""
    rng = np.random.default_rng(seed)
    drg = rng.choice(WEIGHTS["drg"], size)
    weight = WEIGHTS.set_index("drg")["weight"].fillna(1.0)[drg].to_numpy()
    ratio = np.exp(rng.uniform(np.log(0.05), np.log(8), size))
    plain = rng.random(size) < 0.5
    ratio[plain] = rng.lognormal(-0.1, 0.35, int(plain.sum()))
    stay = np.where(rng.random(size) < 0.1, rng.integers(0, 90, size), rng.integers(2, 20, size))
    day = rng.integers(0, 365, size)
    begin = datetime.date(YEAR, 1, 1)
    out = [begin + datetime.timedelta(int(d)) for d in day]

    def some(share, text="1"):
        return np.where(rng.random(size) < share, text, "")

    return pd.DataFrame({
        "case_id": [f"case {i}" for i in range(size)],
        "patient_id": [f"secret-{i}" for i in rng.integers(0, max(size // 3, 1), size)],
        "hospital_id": rng.choice(HOSPITALS["hospital_id"], size),
        "insurance": rng.choice(["employee", "resident"], size),
        "admission_date": [str(d - datetime.timedelta(int(s))) for d, s in
                           zip(out, stay, strict=True)],
        "discharge_date": [str(d) for d in out],
        "age": rng.integers(0, 90, size),
        "length_of_stay": stay,
        "discharge_mode": rng.choice([1, 1, 1, 1, 1, 1, 2, 4, 5], size),
        "population": rng.choice(["", "", "poor", "chronic"], size),
        "tcm_share": np.round(rng.random(size), 2),
        "diagnoses": rng.choice(["I10", "M54.5|I10", "K29"], size),
        "procedures": some(0.1, "96.7X|86.0"),
        "drg": np.where(rng.random(size) < 0.05, "0000", drg),
        "total_cost": np.maximum(np.round(ratio * weight * mean, 2), 0.01),
        "special_review": some(0.1),
        "day_surgery": some(0.1),
        "day_bed": some(0.1),
    })  # fmt: skip


def odd(size: int, seed: int = 1) -> pd.DataFrame:
    """The same with what real files have too: blanks, wrong cells, unknown names, other years."""
    frame = many(size, seed).astype(object)
    rng = np.random.default_rng(seed + 1000)
    for name, values in {
        "hospital_id": ["Z", "", None], "insurance": ["商业", ""], "drg": ["", None, "QQ19", "BQY"],
        "total_cost": [0, -5, None, "?"], "discharge_date": ["2024-12-31", "2026-01-01", "", None],
        "length_of_stay": [None, 0, 400], "discharge_mode": [None, 9], "age": [None, 0],
        "patient_id": ["", None],
    }.items():  # fmt: skip
        for place in np.flatnonzero(rng.random(size) < 0.04):
            frame.loc[int(place), name] = values[int(rng.integers(len(values)))]
    frame["total_cost"] = frame["total_cost"].map(str).where(frame["total_cost"].notna(), None)
    return frame


def claims_of(frame: pd.DataFrame, policy, hospitals, weights=None, year: int = YEAR):
    """A frame read as the settlement of a file reads it."""
    weights = weights or weight_table()
    columns = columns_of(list(frame.columns), None, "cases")
    reader = ClaimReader.of(policy, columns, hospitals, weights, year)
    table = pa.Table.from_pandas(frame, preserve_index=False).combine_chunks()
    return reader.read(table.to_batches()[0])


def settled(frame, policy="national-default", hospitals=HOSPITALS, weights=None, year=YEAR, **more):
    """A frame of cases settled by a policy."""
    rules = load_policy(policy) if isinstance(policy, str) else policy
    weights = weights or weight_table()
    held = hospitals_of(hospitals) if isinstance(hospitals, pd.DataFrame) else hospitals
    claims = claims_of(frame, rules, held, weights, year)
    pools = [p.name for p in rules.pools if p.basis == "growth" and p.last_year is None]
    more.setdefault("last_year", dict.fromkeys(pools, 3e6))
    return settle(claims, weights, rules, held, year, **more)


def rows(done) -> pd.DataFrame:
    """The case table of a settlement."""
    found = case_rows(done.rows(0, done.cases)).to_pandas()
    return found.assign(drg="")


def tables(done) -> dict[str, pd.DataFrame]:
    """Every table of a settlement."""
    return {"cases": rows(done)} | frames(done)


def price_of(policy, **parts):
    """The row of one case, settled alone by a policy."""
    return rows(settled(cases_of(parts), policy)).iloc[0]
