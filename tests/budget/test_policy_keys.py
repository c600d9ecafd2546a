"""One figure of a policy at a time: what may move, and what must.

``data/moves.csv`` has a line for every figure that a policy can have: the parts of the result that
may move with it (``share`` ...: see PARTS), a column that must move for some policy, or why
nothing does.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from budget import load_policy, policies
from budget.policy.describe import every_key
from budget.policy.rules import Rules
from budget.policy.select import SELECTORS
from budget.policy.tree import parse, plain
from drg.errors import DrgError
from tests.amount import FULL
from tests.budget.region import many, settled, tables

FILE = Path(__file__).parent / "data" / "moves.csv"
YEAR_END = ("surplus_returned", "overrun_borne", "capped", "assessment_withheld", "penalty",
            "budget_cut", "final", "year_end", "quality_released", "gain", "balance")  # fmt: skip
CASH = ("prepaid", "year_end", "quality_held", "quality_released")
# part of the result -> the columns that are in it, each with all that hangs on it
PARTS = {
    "weight": {"cases.weight", "hospitals.case_mix_index"},
    "standard": {"cases.standard", "cases.ratio"},
    "branch": {"cases.branch", "branches.*"},
    "share": {f"{t}.{c}" for t in ("cases", "branches", "hospitals", "pools", "months")
              for c in ("patient", "other")} | {"hospitals.item", "pools.item"},
    "paid": {"cases.points", "cases.payment", "cases.fund", "cases.gain", "branches.fund",
             "hospitals.payable", "months.payable", "pools.payable", "pools.points",
             "pools.point_value", "pools.outside_pool"},
    "year": {f"{t}.{c}" for t in ("hospitals", "pools") for c in (*YEAR_END, "assessment")}
    | {"fund.year_end", "fund.opening", "fund.closing"},
    "cash": {f"{t}.{c}" for t in ("hospitals", "pools") for c in CASH}
    | {"months.advance", "months.quality_held", "months.remainder", "fund.*"},
    "money": {f"pools.{c}" for c in ("budget", "carve_outs", "reserve", "amount", "balance")}
    | {"fund.*"},
}  # fmt: skip
ROWS = list(csv.DictReader(FILE.open(encoding="utf-8", newline="")))
MOVES = {row["key"]: row for row in ROWS}


@cache
def cases():
    """Cases of every kind; A and B are cheap and have a surplus; ten stays are followed by one."""
    frame = many(260, seed=99)
    cheap = frame["hospital_id"].isin(["A", "B"])
    frame["total_cost"] = frame["total_cost"].where(~cheap, (frame["total_cost"] * 0.4).round(2))
    first = frame[frame["drg"].isin(["BB19", "CC19"]) & (frame["discharge_mode"] == 1)].head(10)
    first = first.assign(patient_id=[f"again-{i}" for i in range(len(first))], day_bed="")
    out = pd.to_datetime(first["discharge_date"])
    back = first.assign(
        admission_date=(out + pd.to_timedelta(np.arange(len(out)) % 3 + 14, "D")).dt.date.map(str),
        discharge_date=(out + pd.Timedelta(20, "D")).dt.date.map(str),
    )
    return pd.concat([frame.drop(first.index), first, back], ignore_index=True)


def laid(base, **tables_):
    held = load_policy(base)
    for key, value in tables_.items():
        held = held.replace(key.replace("__", "."), value)
    return held


def by_weight(first, then):
    return [{"upto": 1, "value": first}, {"above": 1, "value": then}]


def below(end, first, then):
    return [{"below": end, "value": first}, {"at_least": end, "value": then}]


TECHNOLOGY = {"robot": {"procedures": ["96.7"], "valid_from": load_policy().header.valid_from}}
DAY_BED = {
    "deductible": False, "bed_and_nursing": 0.5, "reimbursed": 0.8,
    "diseases": {"back": {"title": "腰痛", "kind": "tcm", "diagnoses": ["M54"], "quota": 9000.0}},
}  # fmt: skip
CREDIT = [{"at_least": 80, "coefficient": 1.0}, {"at_least": 0, "coefficient": 0.99}]


@cache
def composed():
    """Policies that have, together, every key that no shipped one has."""
    return {
        "rate": laid(
            "national-default", standard__mean_cost=9000.0, outliers__ratio="regional",
            groups__tcm__x={"groups": "BB19", "factor": 1.1, "least_share": 0.6,
                            "otherwise": "no_factor"},
            groups__multiplier__child={"all_groups": True, "age_below": 40, "factor": 1.1},
            groups__incentive__i={"groups": "II19", "factor": 1.2},
            groups__watched__w={"groups": "WW19", "factor": 0.9},
            groups__basic__b={"groups": "GG19", "k": 0.85},
            outliers__high={"rule": "step_share", "step": 1.7, "share": 0.5,
                            "thresholds": by_weight(2.0, 2.0)},
            outliers__low__thresholds=by_weight(0.8, 0.1),
            special__ungrouped={"pay": "weight", "weight": 0.9},
            special__ambiguous={"pay": "weight", "weight": 0.9},
            special__unpriced={"pay": "weight", "weight": 0.9},
            special__bed_day={"unit": "yuan", "rates": by_weight(900.0, 500.0)},
            special__short_stay={"days": 3, "pay": "bed_day"},
            special__long_stay={"days": 40, "pay": "bed_day"},
            special__day_bed=DAY_BED,
            special__transfer={"modes": [2, 4], "pay": "share_of_standard", "share": 0.7,
                               "within_days": 8},
            special__review={"eligible": "all", "unreasonable": 0.05,
                             "quotas": {"all": {"share": 0.05}}},
            special__new_technology={"pay": "by_item", "years": 4, "technologies": TECHNOLOGY},
            special__caseload={"per": "region", "beyond": 0.5, "caps": {"CC19": {"cases": 5}}},
            coefficients__convergence=[{"year": 2024, "share": 0.2}, {"year": 2026, "share": 0.9}],
            pools__employee={"insurance": "employee", "basis": "given", "budget": 6e5,
                             "reserve": 0.05, "shortage": "pro_rata", "outside": [],
                             "carve_outs": {"a": {"kind": "other", "amount": 1000.0},
                                            "b": {"kind": "out_of_area", "share": 0.03}}},
            assessment__credit=CREDIT, sharing__cap=1.05,
            benefit__fund_floor=10.0,
        ),
        "points": laid(
            "hangzhou-type", standard__point_values={"all": {"floor": 70.0, "ceiling": 75.0}},
            special__new_technology={
                "pay": "extra_points", "years": 5,
                "taper": [{"year": i, "share": s} for i, s in enumerate((1, 0.8, 0.5, 0.3), 1)],
                "technologies": {"robot": TECHNOLOGY["robot"] | {"extra_points": 50}}},
            coefficients={"computed": {"by": "tier", "new_group": 1.1, "least_cases": 9,
                                       "floor": 0.97, "ceiling": 1.01}},
            outliers__high={"rule": "banded", "thresholds": [{"value": 1.4}], "bands": [
                {"upto": 2.5, "cost": 1.0, "standard": -0.4},
                {"above": 2.5, "cost": 0.0, "standard": 2.1}]},
            special__ungrouped={"pay": "share_of_cost", "share": 0.7},
            special__unpriced={"pay": "share_of_cost", "share": 0.7},
            pools__employee__last_year=3e6,
            benefit__major_illness__all__cap=1000.0, benefit__major_illness__all__line=2000.0,
            benefit__medical_aid__poor={"population": "poor", "line": 500.0, "ratio": 0.7,
                                        "cap": 600.0},
            benefit__self_pay_caps={"all": {"amount": 9000.0}},
            benefit__remainders={"all": {"share": 0.1}},
        ),
        "part": laid(
            "national-default",
            outliers__high={"rule": "cost_minus_part", "part": 0.4,
                            "thresholds": [{"value": 1.4}]},
            special__readmission__days=60,
            groups__unstable__u={"groups": "UU19", "pay": "by_item"},
            standard__decimals=0,
        ),
        "floor": laid("hangzhou-type", standard__point_values={"all": {"floor": 300.0}}),
        "given": laid("huaibei-2025", standard__own_mean={
            "least_cases": 3, "otherwise": "regional_mean",
            "published": {"a": {"hospital": "A", "groups": "BB19", "yuan": 9000.0}}}),
        "edges": laid(
            "national-default",
            coefficients__by_group={"a": {"hospital": "A", "groups": "BB19", "k": 0.9}},
            coefficients__table__tier2={"tier": 2, "k": 0.5},
            outliers__low={"share": 1.0, "times_k": True, "included": True,
                           "thresholds": below(1.5, 0.9, 0.4)},
            outliers__high={
                "rule": "banded", "thresholds": below(1.0, 3.0, 1.4), "included": True,
                "quotas": {"all": {"share": 0.05}},
                "bands": [{"below": 4.0, "cost": 1.0, "standard": -0.4},
                          {"at_least": 4.0, "cost": 0.0, "standard": 2.1}]},
            special__ambiguous={"pay": "own_weight", "low": 0.6, "high": 1.1},
            special__bed_day={"unit": "yuan", "rates": below(50.0, 900.0, 500.0)},
            special__long_stay={"days": 40, "pay": "bed_day"},
            sharing={"surplus": below(0.05, 1.0, 0.5), "overrun": below(0.05, 0.6, 0.0)},
            benefit__major_illness__all={"line": 500.0, "ratios": below(3000.0, 0.6, 0.7)},
        ),
    }  # fmt: skip


def pattern(policy, key: str) -> str:
    """The key with rows and elements that have names of their own written as in moves.csv."""
    known = {re.sub(r"\[\]", "[0]", k).replace(".NAME", ".\x00"): k for k, _ in every_key(Rules)}
    for shape, name in known.items():
        if re.fullmatch(re.escape(shape).replace("\x00", r"[\w-]+").replace(r"\[0\]", r"\[\d+\]"),
                        key):  # fmt: skip
            return name
    raise AssertionError(key)


def nudged(policy, leaf):
    """The policy with the figure a bit larger or smaller, or twice, as far as it is then one."""
    path, value = parse(leaf.key), leaf.value
    if leaf.about.kind == "flag":
        changes = [not value]
    elif leaf.about.kind == "whole":
        changes = [value + 1, value - 1, value * 2, value // 2]
    else:
        changes = [round(value * 1.1 + 0.01, 6), round(value * 0.9, 6), value * 2, value / 2]
    for change in changes:
        try:
            if path[-1] in ("upto", "below") and isinstance(path[-2], int):
                yield both_ends(policy, path, change)
            elif path[:2] == ("assessment", "indicators"):
                yield two_weights(policy, path[2], change)
            else:
                yield policy.replace(leaf.key, change)
        except DrgError:
            continue


def node_at(policy, path):
    node = plain(policy.tree)
    for part in path:
        node = node[part]
    return node


def both_ends(policy, path, change):
    """A band that ends elsewhere, and the next one that begins there."""
    *where, place, end = path
    bands = [dict(band) for band in node_at(policy, where)]
    start = {"upto": "above", "below": "at_least"}[end]
    old = bands[place][end]
    bands[place][end] = change
    others = {k: v for k, v in bands[place].items() if k in SELECTORS}
    for band in bands:
        if band.get(start) == old and others.items() <= band.items():
            band[start] = change
    return policy.replace(".".join(map(str, where)), bands)


def two_weights(policy, name, change):
    held = {key: dict(row) for key, row in node_at(policy, ("assessment", "indicators")).items()}
    other = next(key for key in held if key != name)
    held[other]["weight"] += held[name]["weight"] - change
    held[name]["weight"] = change
    return policy.replace("assessment.indicators", held)


def moved(before, after, points: bool) -> set[str]:
    found = set()
    for name, table in before.items():
        other = after[name]
        if len(table) != len(other):
            found |= {f"{name}.{column}" for column in table}
            continue
        for column in table:
            mine, theirs = table[column], other[column]
            if mine.dtype.kind in "fi" and theirs.dtype.kind in "fi":
                same = np.array_equal(mine.to_numpy(float), theirs.to_numpy(float), equal_nan=True)
            else:
                same = mine.astype(str).tolist() == theirs.astype(str).tolist()
            if not same:
                found.add(f"{name}.{column}")
    # where the pool decides what a point is worth, the standard in yuan moves with everything
    return found - {"cases.standard"} if points else found


def allowed(row) -> set[str]:
    return set().union(*(PARTS[part] for part in row["may"].split()), set())


def run(policy, origin=None):
    """Key pattern -> columns that moved, each checked against what may."""
    points = any(one.floor or one.ceiling for one in policy.standard.point_values)
    before = tables(settled(cases(), policy))
    found: dict[str, set[str]] = {}
    for leaf in policy.leaves():
        if not leaf.about.is_figure or (origin and leaf.origin not in (origin, "replace")):
            continue
        name = pattern(policy, leaf.key)
        may = allowed(MOVES[name])
        held = found.setdefault(name, set())
        for other in nudged(policy, leaf):
            now = moved(before, tables(settled(cases(), other)), points)
            wild = {f"{part.split('.')[0]}.*" for part in now}
            beyond = {c for c in now if c not in may and f"{c.split('.')[0]}.*" not in may & wild}
            assert not beyond, (policy.id, leaf.key, sorted(beyond))
            held |= now
            if MOVES[name]["must"] in now:
                break  # smaller moves what larger does
    return found


@cache
def shipped(name):
    whole = FULL or name == "national-default"
    return run(load_policy(name), None if whole else name)


@cache
def made_up(name):
    return run(composed()[name], None if FULL else "replace")


@pytest.mark.parametrize("name", policies())
def test_a_figure_of_a_shipped_policy_moves_only_what_it_should(name):
    assert shipped(name)


@pytest.mark.parametrize("name", ["rate", "points", "part", "floor", "given", "edges"])
def test_a_figure_of_a_made_up_policy_moves_only_what_it_should(name):
    assert made_up(name)


def test_every_figure_moves_what_it_must_or_the_list_says_why_not():
    found: dict[str, set[str]] = {}
    for held in (*map(shipped, policies()), *map(made_up, composed())):
        for name, columns in held.items():
            found.setdefault(name, set()).update(columns)
    wrong = []
    for name, row in MOVES.items():
        columns = found.get(name, set())
        if row["must"] and row["must"] not in columns:
            wrong.append(f"{name}: {row['must']} does not move, but {sorted(columns)}")
        if not row["may"] and columns:
            wrong.append(f"{name}: moves {sorted(columns)}")
    assert not wrong, "\n".join(wrong)


def test_the_list_has_every_figure_once_and_each_has_a_must_or_a_reason():
    figures = [name for name, key in every_key(Rules) if key.is_figure]
    assert [row["key"] for row in ROWS] == figures
    for row in ROWS:
        assert bool(row["must"]) != bool(row["why"]), row
        assert set(row["may"].split()) <= set(PARTS), row
        if row["must"]:
            assert row["must"] in allowed(row) or row["must"].split(".")[0] + ".*" in allowed(row)
