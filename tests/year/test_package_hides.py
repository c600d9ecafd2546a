"""What the package and the page to publish keep back: nothing of others follows by subtraction."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from budget.price.branches import PLACE
from drg.page.blocks import Kept
from drg.page.words import Words
from drg.report.year.public import public_page
from drg.year import sheets
from drg.year.package import groups_of, shared


def cases(*rows: tuple[str, int, str, int, int]) -> pd.DataFrame:
    """Cases of ``hospital, tier, group, how many, of them high``."""
    found = [
        {"hospital_id": name, "tier": tier, "drg": group, "branch": "high" if i < high else ""}
        for name, tier, group, count, high in rows for i in range(count)
    ]  # fmt: skip
    frame = pd.DataFrame(found)
    return frame.assign(
        row=range(len(frame)), yuan=1000.0, cost=100_000, weight=1.0, stay=5.0, group=0,
        expected=100_000.0, expected_stay=5.0,
        branch=[PLACE[one or "normal"] for one in frame["branch"]],
    )  # fmt: skip


def told(frame: pd.DataFrame, *keys: str) -> set[object]:
    shown = frame[~frame["hidden"]]
    return set(shown[keys[0]]) if len(keys) == 1 else set(zip(*(shown[k] for k in keys),
                                                               strict=True))  # fmt: skip


def test_a_reader_cannot_take_its_own_row_off():
    rest = [(name, 1, "OK", 10, 0) for name in "ABCD"]
    few_cases = [("A", 1, "FEW", 30, 0), *((name, 1, "FEW", 1, 0) for name in "BCDE")]
    few_hospitals = [(name, 1, "THREE", 20, 0) for name in "ABC"]
    alone = [("A", 1, "OWN", 50, 0)]
    for frame in groups_of(cases(*rest, *few_cases, *few_hospitals, *alone)):
        assert told(frame, "drg") == {"OK"}
    five = [("A", 1, "FEW", 30, 0), *((name, 1, "FEW", 1, 0) for name in "BCDE"),
            ("F", 1, "FEW", 1, 0)]  # fmt: skip
    for frame in groups_of(cases(*rest, *five)):
        assert told(frame, "drg") == {"OK", "FEW"}


def test_a_tier_of_few_hospitals_does_not_follow_from_the_region():
    rows = [(f"{tier}{i}", tier, group, 10 * tier, 0)
            for tier, count in ((1, 5), (2, 5), (3, 2)) for i in range(count)
            for group in ("X", "Y")]  # fmt: skip
    by_tier, by_region = groups_of(cases(*rows))
    assert told(by_region, "drg") == {"X", "Y"}
    assert told(by_tier, "drg", "tier") == {("X", 2), ("Y", 2)}  # tier 1 is the smaller
    tiers, region = shared(cases(*rows))
    assert told(tiers, "tier") == {2}
    assert not region["hidden"].any()


def test_shares_tell_no_few_cases():
    rows = [(f"{tier}{i}", tier, "X", 101, 7) for tier in (1, 2) for i in range(4)]
    tiers, region = shared(cases(*rows))
    assert list(tiers["high_share"]) == [0.069, 0.069]  # 28 / 404, as a page shows it
    assert list(region["high_share"]) == [0.069]
    few = [(f"1{i}", 1, "X", 101, 1 if i < 3 else 0) for i in range(4)]
    tiers, region = shared(cases(*few, *rows[4:]))
    assert list(tiers["high_share"]) == [Kept.BACK, Kept.BACK]  # 3, and 31 - 28
    assert list(region["high_share"]) == [round(31 / 808, 3)]
    mine = [("10", 1, "X", 101, 20), ("11", 1, "X", 101, 2), *rows[2:]]
    mine[2:4] = [("12", 1, "X", 101, 0), ("13", 1, "X", 101, 0)]
    tiers, _ = shared(cases(*mine))
    assert list(tiers["high_share"]) == [Kept.BACK, Kept.BACK]  # 22, of which one knows 20
    most = [(name, tier, group, count, 100 if tier == 1 and name == "10" else 101 if tier == 1
             else high) for name, tier, group, count, high in rows]  # fmt: skip
    tiers, _ = shared(cases(*most))
    assert list(tiers["high_share"]) == [Kept.BACK, Kept.BACK]  # all but one


def test_refused_reviews_do_not_follow():
    hospitals = pd.DataFrame({
        "hospital_id": list("AB"), "hospital_name": ["Same", "Same"], "pool": "employee",
        "cases": 100, "cost": 1.0, "payable": 1.0, "final": 1.0,
    })  # fmt: skip
    reviews = pd.DataFrame({
        "hospital_id": list("ABC"), "hospital_name": list("ABC"), "applied": [12.0, 15.0, 9.0],
        "approved": [9.0, 9.0, 9.0], "inside": [9.0, 9.0, 9.0], "outside": 0.0,
        "needless": 0.0, "amount": 5.0,
    })  # fmt: skip
    page = public_page(2025, hospitals, reviews, [("Same", 1.0), ("Same", 2.0)], Words("en"))
    parts = {one.key: one.blocks[0] for one in page.sections}
    assert list(parts["reviews"].frame["hidden"]) == [True, False, False]
    assert list(parts["deductions"].items) == ["Same: 1.00 yuan", "Same: 2.00 yuan"]


def test_deductions_of_hospitals_of_one_name_stay_apart(monkeypatch):
    monkeypatch.setattr(sheets, "deducted", lambda policy, row: row["yuan"])
    rows = {i: {"hospital_id": name, "yuan": yuan}
            for i, (name, yuan) in enumerate([("A", 2), ("B", 1), ("A", 3), ("C", 0)])}  # fmt: skip
    found = SimpleNamespace(book=SimpleNamespace(files=SimpleNamespace(policy=None)))
    names = {"A": "Same", "B": "Same", "C": "Other"}
    assert sheets._deducted(found, {"deduction": rows}, names) == [("Same", 1.0), ("Same", 5.0)]
