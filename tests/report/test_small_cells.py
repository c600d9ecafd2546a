"""Hidden figures hold against arithmetic: all that a report tells, by linear programming."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from budget.cases.hospitals import hospitals_of
from budget.impact.weights import Impacts
from budget.policy import load_policy
from drg.page.small_cells import Layer, beyond_reach, held_back, within_reach
from drg.report.minutes.data import Minutes
from drg.report.panel.data import read_panel
from drg.report.panel.write import write_report
from tests.budget.region import HOSPITALS, WEIGHTS, YEAR, claims_of, many, weight_table
from tests.report import minutes_round, panel_folder
from weights.negotiation.rules import Rules

pytestmark = pytest.mark.usefixtures("plain")
MEASURES = {"Cases (cases)": "cases", "Cost (yuan)": "cost", "Payable by DRG (yuan)": "payable",
            "Paid (yuan)": "final", "Budget cut (yuan)": "budget_cut"}  # fmt: skip


POOLS = "Budget, payment and balance of the pools"


def cut(folder: Path, rates: dict[str, float]) -> None:
    """Give a settled year a budget cut: a share of what each pool owes, to the fen."""
    for name in ("hospitals.csv", "pools.csv"):
        with (folder / name).open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            owed = round(float(row["payable"]) * 100)
            off = round(owed * rates[row["pool"]]) if name == "hospitals.csv" else 0
            row["budget_cut"], row["final"] = f"{off / 100:.2f}", f"{(owed - off) / 100:.2f}"
        if name == "hospitals.csv":
            held = rows
        else:
            for row in rows:
                own = [one for one in held if one["pool"] == row["pool"]]
                for field in ("budget_cut", "final"):
                    row[field] = f"{sum(float(one[field]) for one in own):.2f}"
        panel_folder.write(folder / name, list(rows[0]), [list(row.values()) for row in rows])


def published(book: Path) -> dict[str, list[dict[str, Any]]]:
    """Tables of a workbook by caption or sheet, as rows by heading."""
    found: dict[str, list[dict[str, Any]]] = {}
    for sheet in openpyxl.load_workbook(book).worksheets:
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
        head: list[Any] = []
        name = sheet.title
        for before, row in zip([[None], *rows], rows, strict=False):
            filled = [one for one in row if one is not None]
            if not filled:
                head = []
            elif not head and len(filled) > 1:
                head, name = row, str(before[0] or sheet.title)
                found[name] = []
            elif head:
                found[name].append(dict(zip(map(str, head), row, strict=False)))
    return found


def attack(folder: Path, tables: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Hidden hospitals of which a figure follows within 1% from the workbook.

    The reader knows which pools a hospital has cases of, and that a cut is one share of a pool.
    """
    data = read_panel(folder)
    frame = data.hospitals.assign(owed=lambda f: f["final"] + f["budget_cut"])
    units = list(zip(frame["hospital_id"], frame["pool"], strict=True))
    names = dict(zip(data.by_hospital["hospital"], data.by_hospital["hospital_id"], strict=True))
    tiers = dict(zip(data.by_hospital["hospital_id"], data.by_hospital["tier"], strict=True))
    pools = {"employees": "employee", "residents": "resident"}
    sums = {row["Pool"]: row for row in tables[POOLS]}
    rate = {code: sums[name]["Budget cut (yuan)"] / sums[name]["Payable by DRG (yuan)"]
            for name, code in pools.items()}  # fmt: skip
    known: dict[str, list[tuple[np.ndarray, float]]] = {"owed": [], "cost": [], "cases": []}

    def tell(where: Iterable[bool], row: dict[str, Any]) -> None:
        mask = np.array(list(where), float)
        rates = np.array([rate[pool] for _, pool in units])
        for head, measure in MEASURES.items():
            value = row.get(head)
            if not isinstance(value, int | float):
                continue
            factor = {"final": 1 - rates, "budget_cut": rates}.get(measure, np.ones(len(units)))
            kind = "owed" if measure in ("payable", "final", "budget_cut") else measure
            known[kind].append((mask * factor, float(value)))

    for rows in tables.values():
        for row in rows:
            code = names.get(str(row.get("Hospital")))
            pool = pools.get(str(row.get("Pool")))
            if "Year and scenario" in row or (code is None and "Hospital" in row
                                              and row["Hospital"] != "Total"):  # fmt: skip
                continue
            if code is not None:
                tell((h == code and pool in (None, p) for h, p in units), row)
            elif pool is not None and "Pool" in row and "Hospital" not in row:
                tell((p == pool for _, p in units), row)
            elif row.get("Hospital") == "Total":
                tell((True for _ in units), row)
    for tier in set(tiers.values()):  # as other pages tell it
        if str(int(tier)) not in data.hidden_tiers:
            for pool in (None, *pools.values()):
                where = [tiers[h] == tier and pool in (None, p) for h, p in units]
                own = frame[where]
                tell(where, {head: own[m].sum() for head, m in MEASURES.items()})
    found = []
    for kind, told in known.items():
        truth = frame[kind].to_numpy(float)
        scale = truth.max()
        a, b = np.array([mask for mask, _ in told]), np.array([value for _, value in told]) / scale
        slack = 0.005 * len(units) / scale + 1e-9  # every figure is told to the fen
        for code in sorted(data.hidden):
            wanted = np.array([h == code for h, _ in units], float)
            true = float(wanted @ truth) / scale
            limits = np.vstack([a, -a]), np.concatenate([b + slack, slack - b])
            ends = [linprog(sign * wanted, *limits) for sign in (1, -1)]
            assert ends[0].success, (kind, code, ends[0].message)
            high = -ends[1].fun if ends[1].success else np.inf
            if ends[0].fun > 0.99 * true and high < 1.01 * true:
                found.append(f"{code} {kind}: {ends[0].fun * scale:.2f} to {high * scale:.2f}")
    return found


@pytest.mark.parametrize("few", [
    {(0, 0): 0, (0, 1): 3},
    {(0, 0): 0, (0, 1): 3, (3, 0): 9, (3, 1): 0},
    {(2, 0): 3, (2, 1): 0, (5, 0): 0, (5, 1): 7},
    {(4, 0): 3, (4, 1): 40},
])  # fmt: skip
def test_no_hidden_figure_follows_from_a_report(tmp_path, few):
    """A hospital of 3 cases beside one of another pool, whose cut tells the two apart."""
    folder = panel_folder.make(tmp_path / "d", few=few, projected=False)
    cut(folder, {"employee": 0.05, "resident": 0.12})
    made = write_report(folder, tmp_path / "r.html", "en")
    tables = published(made.book)
    assert any("Hospital" in row for rows in tables.values() for row in rows)
    assert attack(folder, tables) == []
    data = read_panel(folder)
    small = data.by_hospital.loc[data.by_hospital["cases"] < 5, "hospital_id"]
    assert set(small) <= data.hidden
    assert len(data.hidden) < len(data.by_hospital)


def test_the_attack_finds_what_is_not_covered(tmp_path, monkeypatch):
    """Without the pass over all tables, two hospitals of two pools are told to the fen."""
    folder = panel_folder.make(tmp_path / "d", projected=False,
                               few={(0, 0): 0, (0, 1): 3, (3, 0): 9, (3, 1): 0})  # fmt: skip
    cut(folder, {"employee": 0.05, "resident": 0.12})
    monkeypatch.setattr("drg.page.small_cells.beyond_reach", lambda hidden, *_: (hidden, None))
    made = write_report(folder, tmp_path / "r.html", "en")
    found = attack(folder, published(made.book))
    assert any(one.startswith("H000 owed: 155") for one in found), found  # 3 cases of 5,200 yuan


def test_two_hospitals_of_two_pools_follow_and_of_one_pool_do_not():
    owed = np.array([[15_600.0, 0.0], [0.0, 52_000.0], [0.0, 90_000.0], [70_000.0, 80_000.0]])
    lines = [np.ones((4, 2), bool)]
    hidden = np.array([[True, True], [True, True], [False, False], [False, False]])
    first = np.zeros((4, 2), bool)
    first[0] = True
    for rates, follows in (((0.05, 0.12), True), ((0.05, 0.05), False)):
        assert within_reach(Layer(owed, np.array(rates)), hidden, lines, [first]) == [follows]
    cases = np.array([3.0, 10.0, 18.0, 30.0])
    layer = Layer(owed, np.array([0.05, 0.12]))
    found, bare = beyond_reach(hidden.all(axis=1), np.zeros((4, 2), bool), cases,
                               [np.ones(4, bool)], [layer])  # fmt: skip
    assert found.sum() == 3
    assert bare is None


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=3, max_size=7),
       st.floats(0.01, 0.2), st.floats(0.0, 0.2))  # fmt: skip
def test_nothing_follows_when_the_pass_is_done(rows, one, other):
    """Whatever hospitals there are: what is hidden at the end follows no more, if any is told."""
    counts = np.array(rows, float)
    cases = counts.sum(axis=1)
    layer = Layer(5_000.0 * counts, np.array([one, other]))
    everybody = np.ones(len(cases), bool)
    hidden = held_back(cases)
    for _ in range(2 * len(cases)):
        found, _ = beyond_reach(hidden, np.zeros(counts.shape, bool), cases, [everybody], [layer])
        hidden = held_back(cases, also=found)
    if not hidden.any() or hidden[cases > 0].all():
        return
    cells = np.repeat(hidden[:, None], 2, axis=1)
    pools = [np.repeat(pool[None, :], len(cases), axis=0) for pool in np.eye(2, dtype=bool)]
    lines = [np.ones_like(cells), *pools]
    own = [np.eye(len(cases), dtype=bool)[h][:, None] & np.ones((1, 2), bool)
           for h in np.flatnonzero(hidden)]  # fmt: skip
    assert not any(within_reach(layer, cells, lines, own))


@pytest.mark.parametrize("few", [{"A": (0, 3)}, {"A": (0, 3), "B": (9, 0)},
                                 {"A": (0, 3), "C": (9, 0)}])  # fmt: skip
def test_no_hidden_hospital_follows_from_minutes(few):
    """Few cases in one pool, beside a hospital of the other pool, whose cut is another share."""
    frame = many(3000, 3)
    for hospital, counts in few.items():
        for insurance, count in zip(("employee", "resident"), counts, strict=True):
            own = frame.index[(frame["hospital_id"] == hospital)
                              & (frame["insurance"] == insurance)]  # fmt: skip
            frame = frame.drop(own[count:])
    policy, table = load_policy("national-default"), weight_table(WEIGHTS)
    held = hospitals_of(HOSPITALS)
    pools = {p.name: 3e6 for p in policy.pools if p.basis == "growth" and p.last_year is None}
    year = Impacts(claims_of(frame, policy, held, table), table, policy, held, YEAR,
                   last_year=pools)  # fmt: skip
    data = Minutes(minutes_round.begin(Rules()).state, year.at({"BB19": 1.15}, neutral="yuan"))
    assert {one for one, counts in few.items() if sum(counts) < 5} <= data.hidden
    for part, outcome in (("before", data.impact.before), ("after", data.impact.after)):
        owed = (outcome.final + outcome.cut).astype(float)
        rate = outcome.cut.sum(axis=0) / owed.sum(axis=0)
        assert abs(rate[0] - rate[1]) > 0.01
        units = [(h, p) for h in range(len(owed)) for p in (0, 1) if owed[h, p] > 0]
        truth = np.array([owed[h, p] for h, p in units])
        paid = np.array([1 - rate[p] for _, p in units])
        ids = [str(one) for one in held.ids]
        told = [(np.array([p == q for _, q in units], float), owed[:, p].sum()) for p in (0, 1)]
        rows = [({ids.index(str(r["hospital_id"]))}, r) for _, r in data.told.iterrows()]
        rows += [({h for h in range(len(ids)) if held.tier[h] == r["tier"]}, r)
                 for _, r in data.tiers[~data.tiers["hidden"]].iterrows()]  # fmt: skip
        told += [(paid * [h in who for h, _ in units], 100 * r[f"final_{part}"])
                 for who, r in rows]  # fmt: skip
        a, b = np.array([one for one, _ in told]), np.array([value for _, value in told])
        scale = truth.max()
        limits = np.vstack([a, -a]), np.concatenate([b + 2e3, 2e3 - b]) / scale  # 20 yuan
        for code in data.hidden:
            wanted = paid * [ids[h] == code for h, _ in units]
            true = float(wanted @ truth) / scale
            ends = [linprog(sign * wanted, *limits) for sign in (1, -1)]
            assert ends[0].success, ends[0].message
            high = -ends[1].fun if ends[1].success else np.inf
            assert ends[0].fun < 0.99 * true or high > 1.01 * true, (few, part, code)
