"""The page of an audit tells neither few alerts nor few cases without one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from drg.page.blocks import Kept, Table
from drg.page.words import Words
from drg.report.audit.sections import _families, _hospitals, _of_few, _summary

WORDS = Words("en")


def audit(*hospitals: tuple[int, int], families: tuple[int, ...] = (1,)) -> SimpleNamespace:
    """An audit of hospitals of ``screened, alerts``; alerts by families in turn."""
    n = len(hospitals)
    alerts = sum(one for _, one in hospitals)
    family = np.repeat([f"f{i}" for i in range(len(families))], families)
    frame = pd.DataFrame({
        "hospital_id": [f"H{i}" for i in range(n)], "hospital_name": [f"N{i}" for i in range(n)],
        "tier": 1, "cases": [a for a, _ in hospitals], "findings": [b for _, b in hospitals],
        "expected": 1.0, "ratio": 1.0, "ratio_low": 1.0, "ratio_high": 1.0, "ratio_shrunk": 1.0,
        "funnel_low": 0.0, "funnel_high": 2.0, "outside": False,
        "amount": [9.0 * b for _, b in hospitals],
        "provisional_score": 1.0, "provisional_grade": "A", "inspections": 1,
    })  # fmt: skip
    table = pd.DataFrame({"family": family, "amount": 900}, index=range(alerts))
    findings = SimpleNamespace(table=table, rows=np.arange(alerts))
    screened = sum(a for a, _ in hospitals)
    return SimpleNamespace(cases=screened, hospitals=frame, findings=findings, ran=(), unread={})


def hidden(blocks) -> dict[str, bool]:
    frame = next(one for one in blocks if isinstance(one, Table)).frame
    return dict(zip(frame.iloc[:, 0], frame["hidden"], strict=True))


def test_few_cases_without_an_alert_do_not_follow():
    near = audit((40, 38), (60, 20), (90, 30), (70, 25), families=(113,))
    rest = hidden(_hospitals(near, WORDS))
    assert rest["N0"]
    assert 2 <= sum(rest.values()) < 4
    open_ = hidden(_hospitals(audit((40, 30), (60, 20), (90, 30), families=(80,)), WORDS))
    assert not any(open_.values())


def test_an_alert_in_nearly_all_is_not_told():
    near = audit((50, 48), (50, 49), families=(50, 47))
    assert all(hidden(_families(near, WORDS)).values())
    text = str(_summary(near, WORDS))
    assert "97" not in text
    far = audit((50, 40), (50, 40), families=(50, 30))
    assert not any(hidden(_families(far, WORDS)).values())
    assert "80 (80.00%)" in str(_summary(far, WORDS))


def test_where_a_row_stands_tells_nothing_of_it():
    """H1 has few alerts and the second highest ratio; neither its place nor its grade tells it."""
    held = audit((40, 9), (60, 3), (90, 30), (70, 25), (80, 2), families=(69,))
    ratio = [4.0, 3.0, 1.5, 2.0, 0.5]
    held.hospitals = held.hospitals.assign(ratio_shrunk=ratio, provisional_grade=list("DCABB"))
    frame = next(one for one in _hospitals(held, WORDS) if isinstance(one, Table)).frame
    assert frame["name"].tolist() == ["N0", "N3", "N2", "N1", "N4"]
    assert frame["grade"].tolist() == ["D", "B", "A", Kept.BACK, Kept.BACK]


def test_a_share_does_not_tell_few_alerts():
    assert "3.00%" not in str(_summary(audit((50, 3), (50, 0), families=(3,)), WORDS))


def test_a_share_of_a_tier_does_not_tell_few_cases():
    def year(*shares: tuple[int, int]) -> list[bool]:
        rows = [("tier", str(i + 1), n, k / n) for i, (k, n) in enumerate(shares)]
        whole = sum(n for _, n in shares)
        rows.append(("region", "all", whole, sum(k for k, _ in shares) / whole))
        frame = pd.DataFrame(rows, columns=["level", "id", "cases", "value"])
        return _of_few(frame.assign(indicator="low_risk_mortality")).tolist()

    assert year((60, 900), (70, 800), (80, 700)) == [False] * 4
    # two of the first tier are not told, nor what they could be subtracted from
    assert year((2, 900), (70, 800), (80, 700)) == [True, False, True, False]
    assert year((0, 900), (898, 900), (80, 700)) == [False, True, True, False]  # two who are not
    assert year((2, 900)) == [True, True]
