"""Twelve months with corrections, objections and late cases come to one settlement of the end."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from budget.cases.hospitals import hospitals_of
from budget.policy import load_policy
from drg.errors import DrgError
from drg.year.book import Book
from drg.year.clear import clear
from drg.year.state import replay
from drg.year.verify import verify
from tests.amount import FULL
from tests.budget.region import HOSPITALS, WEIGHTS, YEAR, many, settled, weight_table

LAST_YEAR = {"employee": 900_000.0, "resident": 800_000.0}
POINTS = """
id = "pt"
title = "点数"
valid_from = 2024-01-01
source = "made up"
extends = "hangzhou-type"
remove = ["standard.point_values"]
[cash.provisional]
basis = "{basis}"
source = "made up"
"""
CASH = """
id = "cash"
title = "预拨"
valid_from = 2024-01-01
source = "made up"
extends = "national-default"
[cash]
basis = "{basis}"
source = "made up"
"""
POLICIES = {
    "rate": "national-default",
    **{basis: POINTS.format(basis=basis) for basis in ("rolling", "month", "last_year")},
    **{basis: CASH.format(basis=basis) for basis in ("elapsed", "last_year_mean")},
}
SUMS = ["cases", "cost", "patient", "other", "payable"]


def text_of(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(object).where(frame.notna(), "").astype(str)


class Year:
    """A book that is kept at random, and beside it what its cases are in the end."""

    def __init__(self, folder: Path, rng: random.Random, kind: str, size: int) -> None:
        self.folder, self.rng = folder, rng
        folder.mkdir(parents=True)
        policy = POLICIES[kind]
        if "\n" in policy:
            (folder / "policy.toml").write_text(policy, encoding="utf-8")
            policy = str(folder / "policy.toml")
        self.policy = load_policy(policy)
        HOSPITALS.to_csv(folder / "hospitals.csv", index=False)
        self.book = Book.create(
            folder / "book", weights=weight_table(), policy=policy,
            hospitals=folder / "hospitals.csv", year=YEAR, last_year=LAST_YEAR,
            last_values={"employee": 80.0, "resident": 70.0}, actor="医保局",
        )  # fmt: skip
        frame = many(size, seed=rng.randrange(10**6)).drop(columns="special_review")
        self.truth = text_of(frame).set_index("case_id", drop=False)
        self.penalty = dict(zip(HOSPITALS["hospital_id"], HOSPITALS["penalty"], strict=True))
        self.decided: dict[str, dict[str, str]] = {}
        self.number = 0

    def file(self, frame: pd.DataFrame) -> Path:
        self.number += 1
        path = self.folder / f"in-{self.number}.csv"
        frame.sample(frac=1, random_state=self.rng.randrange(2**31)).to_csv(path, index=False)
        return path

    def spoilt(self, row: pd.Series) -> pd.Series:
        """A case as it came at first: with another cost, group, hospital, person or insurance."""
        row = row.copy()
        name = self.rng.choice(["total_cost", "drg", "hospital_id", "insurance", "patient_id"])
        row[name] = {
            "total_cost": f"{self.rng.randrange(1, 10**7) / 100:.2f}",
            "drg": self.rng.choice(list(WEIGHTS["drg"])),
            "hospital_id": self.rng.choice("ABCDE"),
            "insurance": self.rng.choice(["employee", "resident"]),
            "patient_id": f"secret-{self.rng.randrange(20)}",
        }[name]
        return row

    def run(self) -> None:
        rng, month_of = self.rng, self.truth["discharge_date"].str[5:7].astype(int)
        comes = {case: min(m + (rng.randrange(0, 4) if rng.random() < 0.2 else 0), 13)
                 for case, m in month_of.items()}  # fmt: skip
        right = {case: min(m + rng.randrange(0, 6), 13) if rng.random() < 0.25 else m
                 for case, m in comes.items()}  # fmt: skip
        gone: list[str] = []
        for month in range(1, 14):
            first = [case for case, m in comes.items() if m == month]
            rows = [self.truth.loc[c] if right[c] == month else self.spoilt(self.truth.loc[c])
                    for c in first]  # fmt: skip
            extra = [row.copy() for row in rows[:2] if rng.random() < 0.3]
            for row in extra:  # comes, and is taken out again one day
                row["case_id"] = f"extra {month} {row['case_id']}"
                gone.append(row["case_id"])
            work = [lambda r=rows + extra, m=month: self.add(pd.DataFrame(r), m)] if rows else []
            mended = [c for c, m in right.items() if m == month and comes[c] < month]
            if mended:
                work.append(lambda c=mended: self.book.correct(
                    self.file(self.truth.loc[c]), actor="医保局"))  # fmt: skip
            rng.shuffle(work)
            for one in work:
                one()
            self.lists(month)
            if gone and (month == 13 or rng.random() < 0.4):
                self.book.withdraw(self.file(pd.DataFrame({"case_id": gone})), actor="医保局")
                gone = []
            if month < 13:
                self.book.close_month(empty=True, actor="医保局")

    def add(self, frame: pd.DataFrame, month: int) -> None:
        act = self.book.correct if month == 13 or self.rng.random() < 0.3 else self.book.add_month
        act(self.file(frame), actor="医保局")

    def lists(self, month: int) -> None:
        """Reviews, fixed prices, deductions and objections, decided at random."""
        rng, known = self.rng, self.book.standing().table.column("case_id").to_pylist()
        known = [case for case in known if not case.startswith("extra")]
        if not known or rng.random() < 0.5:
            return
        cases = rng.sample(known, min(3, len(known)))
        kind = rng.choice(["review", "fixed", "deduction", "objection"])
        if kind == "review":
            rows = [
                {
                    "case_id": c,
                    "reason": "费用高",
                    "decision": rng.choice(["通过", "不通过"]),
                    "pay": "按项目",
                    "amount": rng.choice(["", "12345.67"]),
                }
                for c in cases
            ]
            for row in rows:
                yes = row["decision"] == "通过"
                self.decided.setdefault(row["case_id"], {}).update(
                    special_review="1" if yes else "0", review_amount=row["amount"] if yes else ""
                )
        elif kind == "fixed":
            rows = [{"case_id": c, "disease": "白内障", "kind": "单病种", "price": "4321.09"}
                    for c in cases]  # fmt: skip
            for row in rows:
                self.decided.setdefault(row["case_id"], {})["fixed_price"] = row["price"]
        elif kind == "deduction":
            rows = [{"hospital_id": rng.choice("ABCDE"), "rule": "upcoding", "times": "2",
                     "amount": f"{rng.randrange(1, 10**5) / 100:.2f}", "note": str(month),
                     "case_id": ""}]  # fmt: skip
            rows[0]["rule"] = f"upcoding {self.number}"
            self.penalty[rows[0]["hospital_id"]] += 2 * float(rows[0]["amount"])
        else:
            rows = [
                {
                    "case_id": c,
                    "about": "结算类型有误",
                    "field": "discharge_mode",
                    "value": "4",
                    "reason": "非医嘱离院",
                    "decision": "通过",
                }
                for c in cases[:1]
            ]
            for row in rows:  # what stands there now becomes the truth, too
                self.truth.loc[row["case_id"], "discharge_mode"] = "4"
                held = self.book.standing()
                at = held.places([row["case_id"]])[row["case_id"]]
                self.truth.loc[row["case_id"]] = pd.Series({
                    name: held.table.column(name)[at].as_py() or "" for name in self.truth.columns
                } | {"discharge_mode": "4"})  # fmt: skip
        found = self.book.hand_in(kind, self.file(pd.DataFrame(rows)), actor="医保局")
        assert len(found.rows) == len(rows), found.rejects

    def at_once(self):
        """One settlement of the cases as they are in the end."""
        frame = self.truth.copy()
        for name in ("special_review", "review_amount", "fixed_price"):
            frame[name] = [self.decided.get(case, {}).get(name, "") for case in frame["case_id"]]
        held = HOSPITALS.assign(penalty=[self.penalty[one] for one in HOSPITALS["hospital_id"]])
        frame = frame.sample(frac=1, random_state=self.rng.randrange(2**31))
        return settled(frame.reset_index(drop=True), self.policy, hospitals_of(held),
                       weight_table(), last_year=LAST_YEAR)  # fmt: skip


@pytest.mark.parametrize("kind", POLICIES)
@settings(max_examples=40 if FULL else 3, deadline=None, database=None, derandomize=True,
          phases=[Phase.explicit, Phase.generate],
          suppress_health_check=list(HealthCheck))  # fmt: skip
@given(seed=st.integers(0, 2**32), size=st.integers(1, 60))
def test_twelve_months_clear_to_one_settlement(tmp_path_factory, kind, seed, size):
    year = Year(tmp_path_factory.mktemp("year") / "y", random.Random(seed), kind, size)
    year.run()
    out = year.folder / "out"
    found = clear(year.book, out, sheets=False, actor="医保局")
    wanted = year.at_once()
    done = found.settled
    for name in ("payable", "item", "surplus_returned", "overrun_borne", "capped", "settled",
                 "assessed", "penalty", "final"):  # fmt: skip
        got, want = getattr(done.closing, name), getattr(wanted.closing, name)
        assert (got == want).all(), name
    assert (done.cut == wanted.cut).all()
    assert (done.cash.final == wanted.cash.final).all()
    assert (done.cash.prepaid + done.cash.year_end == done.cash.final).all()
    adds_up(out)
    seen = year.book.state
    assert replay(seen.entries, "") == seen
    assert verify(year.book.folder).ok


def adds_up(out: Path) -> None:
    """Months to hospitals, hospitals to pools, to the fen."""
    tables = {name: pd.read_csv(out / f"{name}.csv") for name in ("months", "hospitals", "pools")}
    whole = {"cases", "month", "tier", "late", "corrected"}
    fen = {name: t.assign(**{c: np.rint(t[c].fillna(0) * 100).astype(np.int64) for c in t.columns
                             if c not in whole and t[c].dtype.kind in "if"})
           for name, t in tables.items()}  # fmt: skip
    by_month = fen["months"].groupby(["hospital_id", "pool"])[[*SUMS, "paid"]].sum()
    by_hospital = fen["hospitals"].set_index(["hospital_id", "pool"])
    joined = by_month.join(by_hospital, rsuffix="_year", how="outer")
    joined = joined.fillna({name: 0 for name in joined.columns if joined[name].dtype.kind in "if"})
    for name in SUMS:
        assert (joined[name] == joined[f"{name}_year"]).all(), name
    assert (joined["paid"] == joined["prepaid"]).all()
    months = fen["months"]
    assert (months["advance"] >= 0).all()
    assert (months["payable"] - months["advance"] - months["quality_held"]
            == months["remainder"]).all()  # fmt: skip
    by_pool = fen["hospitals"].groupby("pool")[["payable", "final", "prepaid", "year_end"]].sum()
    pools = fen["pools"].set_index("pool")
    for name in by_pool:
        assert (by_pool[name] == pools.loc[by_pool.index, name]).all(), name


def test_a_closed_month_never_changes(tmp_path):
    year = Year(tmp_path / "y", random.Random(1), "rate", 40)
    year.run()
    seen = year.book.state
    files = [(year.book.folder / one.file).read_bytes() for one in seen.closed]
    year.book.correct(year.file(year.truth), actor="医保局")
    assert [(year.book.folder / one.file).read_bytes() for one in year.book.state.closed] == files
    first = year.book.folder / seen.closed[0].file
    first.write_bytes(first.read_bytes() + b"x")
    with pytest.raises(DrgError, match="has changed"):
        Book(year.book.folder)


JANUARY = """
id = "monthly"
title = "月度"
valid_from = 2024-01-01
extends = "hangzhou-type"
source = "made up"
remove = ["standard.point_values", "coefficients", "outliers.low", "outliers.high"]
[standard]
mean_cost = 10000
source = "made up"
[pools.employee]
basis = "given"
growth = "none"
budget = 120000
reserve = 0
source = "made up"
[pools.resident]
basis = "given"
growth = "none"
budget = 1
reserve = 0
source = "made up"
"""


def test_a_month_can_be_paid_from(tmp_path):
    """Each month brings a twelfth of the pool; what comes later changes no month that is paid."""
    (tmp_path / "p.toml").write_text(JANUARY, encoding="utf-8")
    pd.DataFrame({"hospital_id": ["H1", "H2"], "tier": [3, 3]}).to_csv(tmp_path / "h.csv")
    weights = weight_table(pd.DataFrame({"drg": ["G1", "G4"], "weight": [1.0, 4.0]}))
    book = Book.create(tmp_path / "b", weights=weights, policy=tmp_path / "p.toml", year=2024,
                       hospitals=tmp_path / "h.csv", actor="医保局")  # fmt: skip
    one = {"hospital_id": "H1", "insurance": "employee", "drg": "G1", "total_cost": 9000,
           "fund_paid": 9000}  # fmt: skip
    for month in range(1, 13):
        rows = [one | {"case_id": f"A{month}", "discharge_date": f"2024-{month:02d}-15"}]
        if month == 12:
            rows += [one | {"case_id": f"B{i}", "hospital_id": "H2", "drg": "G4",
                            "total_cost": 40000, "fund_paid": 40000,
                            "discharge_date": "2024-12-20"} for i in range(6)]  # fmt: skip
        pd.DataFrame(rows).to_csv(tmp_path / "m.csv", index=False)
        book.add_month(tmp_path / "m.csv", actor="医保局")
        found = book.close_month(actor="医保局")
        paid = found.parts["paid"][:, 0].tolist()
        if month < 12:
            assert paid == [950_000, 0]
            assert found.point_values["employee"] == 100.0
    assert found.point_values["employee"] == 33.3333  # 120,000 yuan over 3,600 points
    done = clear(book, tmp_path / "out", sheets=False, actor="医保局").settled
    assert done.closing.payable[:, 0].sum() == 12_000_000
    assert done.cash.prepaid[0, 0] == 11 * 950_000 + paid[0]
