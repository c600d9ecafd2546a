"""Outliers: the nine rules on both sides of L and T, against formulas written out here."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget import load_policy
from tests.amount import tries
from tests.budget.region import cases_of, rows, settled, weight_table

LADDER = [{"upto": 1, "value": 3.0}, {"above": 1, "upto": 2, "value": 2.5},
          {"above": 2, "value": 2.0}]  # fmt: skip
WEIGHTS = pd.DataFrame(
    [("AA19", 0.25), ("BB19", 1.0), ("CC19", 1.0001), ("DD19", 2.0), ("EE19", 2.0001),
     ("FF19", 7.5)],
    columns=["drg", "weight"],
)  # fmt: skip
RATE, K = Decimal(8600), Decimal("1.2")  # hospital A, tier 3, of the national policy
F = Fraction


def flat(value):
    return [{"value": value}]


# letter -> the policy's tables, L, T by weight (None: LADDER), payment above T
RULES = {
    "A": ({"rule": "standard", "thresholds": LADDER}, "0.4", None, lambda c, s, b, t: s),
    "B": ({"rule": "cost", "thresholds": flat(2.0)}, "0.5", "2", lambda c, s, b, t: c),
    "C": ({"rule": "excess_points", "thresholds": LADDER}, "0.4", None,
          lambda c, s, b, t: s + b * (c / b - t)),
    "D": ({"rule": "cost_minus", "thresholds": LADDER}, "0.3", None,
          lambda c, s, b, t: c - (t - 1) * s),
    "E": ({"rule": "cost_minus_standard", "thresholds": LADDER}, "0.5", None,
          lambda c, s, b, t: c - s),
    "F": ({"rule": "excess_share", "share": 0.7, "thresholds": LADDER}, "0.4", None,
          lambda c, s, b, t: s * (1 + F("0.7") * (c / b - t))),
    "G": ({"rule": "step_share", "step": 1.7, "share": 0.5, "thresholds": flat(2.0)}, "0.4", "2",
          lambda c, s, b, t: s * (F("1.7") + F("0.5") * (c / b - t))),
    "H": ({"rule": "cost_minus_part", "part": 0.4, "thresholds": flat(1.4)}, "0.7", "1.4",
          lambda c, s, b, t: c - F("0.4") * s),
    "I": ({"rule": "banded", "thresholds": flat(1.4),
           "bands": [{"upto": 2.5, "cost": 1.0, "standard": -0.4},
                     {"above": 2.5, "cost": 0.0, "standard": 2.1}]}, "0.4", "1.4",
          lambda c, s, b, t: c - F("0.4") * s if c / b <= F("2.5") else F("2.1") * s),
}  # fmt: skip
# what the payment jumps by when a case crosses L upwards, and T upwards, in multiples of S
JUMP_AT_T = {"A": 0, "B": F(1), "C": 0, "D": 0, "F": 0, "G": F("0.7"), "H": 0, "I": 0}


def policy_of(letter, ratio="standard", mean_cost=None):
    high, low, _, _ = RULES[letter]
    policy = load_policy().replace("outliers.low", {"share": 1.0, "thresholds": flat(0.01)})
    policy = policy.replace("outliers.high", high)
    held = {"share": 1.0, "thresholds": flat(float(low))}
    if letter == "I":
        held["band"] = {"upto": 0.8, "cost": 1.0, "standard": 0.0}
    policy = policy.replace("outliers.low", held).replace("outliers.ratio", ratio)
    return policy if mean_cost is None else policy.replace("standard.mean_cost", mean_cost)


def threshold(letter, weight):
    if RULES[letter][2] is not None:
        return F(RULES[letter][2])
    return F(3) if weight <= 1 else F("2.5") if weight <= 2 else F(2)


def expected(letter, cost: Decimal, weight, ratio="standard", mean=Decimal(0)):
    """Branch and payment of a case in yuan, by rules/payment.md section 2."""
    w = Decimal(repr(float(weight)))
    s = F((w * RATE * K).quantize(Decimal("0.01"), ROUND_HALF_UP))
    base = s if ratio == "standard" else F(mean * w)
    c, t, low = F(cost), threshold(letter, weight), F(RULES[letter][1])
    if c / base < low:
        return "low", c
    if c / base > t:
        return "high", RULES[letter][3](c, s, base, t)
    if letter == "I" and c / base < F("0.8"):
        return "normal", c
    return "normal", s


def fen(amount: Fraction) -> int:
    return int(amount * 100 + F(1, 2))


def around(*edges):
    """Costs one and two fen on both sides of each edge, and on it, in yuan."""
    found = set()
    for edge in edges:
        at = int(edge * 100)
        found |= {Decimal(at + step) / 100 for step in (-2, -1, 0, 1, 2)}
    return sorted(found)


def check(letter, cases, ratio="standard", mean=Decimal(0)):
    frame = cases_of(*({"drg": g, "total_cost": float(c)} for g, c in cases))
    policy = policy_of(letter, ratio, float(mean) or None)
    done = settled(frame, policy, weights=weight_table(WEIGHTS))
    table = rows(done)
    weight = WEIGHTS.set_index("drg")["weight"]
    for place, (group, cost) in enumerate(cases):
        branch, pay = expected(letter, cost, weight[group], ratio, mean)
        ours = table.iloc[place]
        assert ours["branch"] == branch, (letter, group, cost, ours["ratio"])
        got = round(ours["payment"] * 100)
        beside = round((ours["patient"] + ours["other"]) * 100)
        assert got == max(fen(pay), beside), (letter, group, cost, branch)


@pytest.mark.parametrize("letter", RULES)
def test_on_both_sides_of_every_edge_in_every_band_of_weights(letter):
    cases = []
    for group, weight in WEIGHTS.itertuples(index=False):
        s = F((Decimal(repr(float(weight))) * RATE * K).quantize(Decimal("0.01"), ROUND_HALF_UP))
        edges = [F(RULES[letter][1]) * s, threshold(letter, weight) * s]
        if letter == "I":
            edges += [F("0.8") * s, F("2.5") * s]
        cases += [(group, cost) for cost in around(*edges)]
    check(letter, cases)


@pytest.mark.parametrize("letter", RULES)
def test_with_the_regional_ratio_the_coefficient_is_not_in_it(letter):
    mean = Decimal("9543.61")
    cases = []
    for group, weight in WEIGHTS.itertuples(index=False):
        base = F(mean * Decimal(repr(float(weight))))
        edges = [F(RULES[letter][1]) * base, threshold(letter, weight) * base]
        cases += [(group, cost) for cost in around(*edges)]
    check(letter, cases, "regional", mean)


@pytest.mark.parametrize("letter", RULES)
@settings(max_examples=tries(15))
@given(data=st.data())
def test_anywhere(letter, data):
    groups = st.sampled_from(list(WEIGHTS["drg"]))
    costs = st.integers(1, 60_000_000).map(lambda n: Decimal(n) / 100)
    check(letter, data.draw(st.lists(st.tuples(groups, costs), min_size=1, max_size=12)))


@pytest.mark.parametrize("ratio", ["standard", "regional"])
@pytest.mark.parametrize("edge", ["0.4", "0.5", "0.55", "1.4", "2", "2.5", "3"])
def test_a_case_exactly_on_a_threshold_is_normal(edge, ratio):
    """``r < L`` is low, ``r > T`` high; a float a hair off must not move a case at the line."""
    weights = pd.DataFrame({"drg": [f"G{i}" for i in range(3000)],
                            "weight": np.round(0.1 + np.arange(3000) * 0.013, 3)})  # fmt: skip
    mean = Decimal("9543.6")
    base = [Decimal(repr(w)) * (mean if ratio == "regional" else 8600)
            for w in weights["weight"].tolist()]  # fmt: skip
    if ratio == "standard":
        base = [b.quantize(Decimal("0.01"), ROUND_HALF_UP) for b in base]
    cases = [(f"G{i}", b * Decimal(edge)) for i, b in enumerate(base)]
    cases = [(g, c) for g, c in cases if c == c.quantize(Decimal("0.01"))]
    assert len(cases) > 5
    policy = load_policy().replace("outliers.ratio", ratio).replace("standard.mean_cost", 9543.6)
    low = float(edge) < 1
    side = {"share": 1.0, "thresholds": flat(float(edge) if low else 0.01)}
    policy = policy.replace("outliers.low", side)
    policy = policy.replace(
        "outliers.high", {"rule": "cost", "thresholds": flat(9.0 if low else float(edge))}
    )
    frame = cases_of(*({"hospital_id": "C", "drg": g, "total_cost": float(c)} for g, c in cases))
    table = rows(settled(frame, policy, weights=weight_table(weights)))
    assert set(table["branch"]) == {"normal"}


@pytest.mark.parametrize("letter", JUMP_AT_T)
def test_payment_jumps_at_t_where_the_rule_says(letter):
    for group, weight in (("BB19", 1.0), ("DD19", 2.0), ("FF19", 7.5)):
        s = F(Decimal(repr(weight)) * RATE * K)
        t = threshold(letter, weight)
        at = Decimal(int(t * s * 100)) / 100
        frame = cases_of(*({"drg": group, "total_cost": float(at + step)}
                           for step in (0, Decimal("0.01"))))  # fmt: skip
        done = settled(frame, policy_of(letter), weights=weight_table(WEIGHTS))
        below, above = done.priced.amount
        wanted = float(JUMP_AT_T[letter] * s) * (float(t) - 1 if letter == "B" else 1)
        assert above - below == pytest.approx(wanted, abs=0.02)


def test_rule_e_jumps_to_twice_the_standard_at_three_and_not_at_all_at_two():
    for group, s, jump in (("BB19", 10320, 1.0), ("FF19", 77400, 0.0)):
        t = 3 if group == "BB19" else 2
        frame = cases_of(*({"drg": group, "total_cost": t * s + step} for step in (0, 0.01)))
        below, above = settled(frame, policy_of("E"), weights=weight_table(WEIGHTS)).priced.amount
        assert above - below == pytest.approx(jump * s, abs=0.02)


@pytest.mark.parametrize("letter", RULES)
def test_payment_jumps_at_l_by_what_a_low_case_lacks(letter):
    low = F(RULES[letter][1])
    s = F(Decimal("0.25") * RATE * K)
    at = Decimal(int(low * s * 100)) / 100
    frame = cases_of(*({"drg": "AA19", "total_cost": float(at + step)}
                       for step in (Decimal("-0.01"), 0)))  # fmt: skip
    done = settled(frame, policy_of(letter), weights=weight_table(WEIGHTS))
    below, above = done.priced.amount
    wanted = 0.0 if letter == "I" else float((1 - low) * s)
    assert above - below == pytest.approx(wanted, abs=0.02)


def test_hangzhou_low_band_and_extra_points_by_the_pools_point():
    """Points of 100 * RW * [k + (r - T)]; low 100 * c / M; between c + 0.2 * S."""
    policy = load_policy("hangzhou-type")
    m, w, k, t = 9543.61, 1.5, 1.2, 2.0
    base = m * w
    wanted = {
        0.3999: 100 * 0.3999 * w,
        0.4: 100 * 0.4 * w + 0.2 * 100 * w * k,
        0.5: 100 * 0.5 * w + 0.2 * 100 * w * k,
        0.7999: 100 * 0.7999 * w + 0.2 * 100 * w * k,
        0.8: 100 * w * k,
        1.9: 100 * w * k,
        2.0: 100 * w * k,
        2.5: 100 * w * (k + 2.5 - t),
        6.0: 100 * w * (k + 6.0 - t),
    }
    frame = cases_of(*({"drg": "CC19", "total_cost": float(np.ceil(r * base * 100) / 100)}
                       for r in wanted))  # fmt: skip
    table = rows(settled(frame, policy))
    assert table["points"].tolist() == pytest.approx(list(wanted.values()), abs=0.02)
    assert table["payment"].tolist() == pytest.approx([p * 92 for p in wanted.values()], abs=1.5)
    assert table["branch"].tolist() == ["low"] + ["normal"] * 5 + ["normal", "high", "high"]


def test_hangzhou_weights_one_and_three_end_their_bands():
    policy = load_policy("hangzhou-type")
    weights = pd.DataFrame({"drg": ["A1", "A2", "A3", "A4"], "weight": [1.0, 1.01, 3.0, 3.01]})
    for ratio, high in ((1.45, 0), (1.55, 1), (1.95, 1), (2.05, 3), (2.95, 3), (3.05, 4)):
        frame = cases_of(*({"drg": g, "total_cost": round(ratio * w * 9543.61, 2)}
                           for g, w in weights.itertuples(index=False)))  # fmt: skip
        table = rows(settled(frame, policy, weights=weight_table(weights)))
        assert (table["branch"] == "high").sum() == high, ratio


def test_a_low_case_is_paid_the_policys_share_of_its_cost():
    policy = load_policy().replace("outliers.low.share", 0.9)
    table = rows(settled(cases_of({"total_cost": 2000.0}), policy))
    assert table[["branch", "payment"]].iloc[0].tolist() == ["low", 1800.0]


def test_luan_has_thresholds_by_tier_and_qingdao_by_insurance():
    luan = load_policy("luan-2025")
    frame = cases_of(*({"hospital_id": h, "total_cost": c} for h, c in (
        ("A", 2.9 * 1.2 * 5629.35), ("A", 3.1 * 1.2 * 5629.35),
        ("C", 1.9 * 5629.35), ("C", 2.1 * 5629.35),
    )))  # fmt: skip
    assert rows(settled(frame, luan))["branch"].tolist() == ["normal", "high", "normal", "high"]
    qingdao = load_policy("qingdao-2023")
    weights = pd.DataFrame({"drg": ["BB19"], "weight": [1.0]})
    frame = cases_of(*({"hospital_id": "C", "insurance": i, "total_cost": r * 9600}
                       for i, r in (("employee", 0.49), ("employee", 0.51), ("resident", 0.51),
                                    ("resident", 0.56))))  # fmt: skip
    found = rows(settled(frame, qingdao, weights=weight_table(weights)))["branch"].tolist()
    assert found == ["low", "normal", "low", "normal"]


def test_without_outlier_rules_every_case_has_its_standard():
    policy = load_policy().replace("outliers.low", None).replace("outliers.high", None)
    frame = cases_of(*({"total_cost": c} for c in (0.01, 100.0, 20000.0, 900000.0)))
    table = rows(settled(frame, policy))
    assert set(table["branch"]) == {"normal"}
    assert table["payment"].tolist()[:3] == [10320.0] * 3


HALF_FEN = [
    # S(step - share T) + share c comes to exactly half a fen
    ({"rule": "step_share", "step": 1.7, "share": 0.5, "thresholds": flat(2.0)}, 7000, 9.87,
     172_724.99, "134725.50"),
    ({"rule": "excess_share", "share": 0.7, "thresholds": flat(2.0)}, 8700, 4.3852,
     100_000.07, None),
    ({"rule": "cost_minus_part", "part": 0.45, "thresholds": flat(1.4)}, 7000.1, 1.0,
     20_000.33, None),
    ({"rule": "cost_minus", "thresholds": flat(2.5)}, 7000.01, 1.0, 20_000.33, None),
]  # fmt: skip


@pytest.mark.parametrize(("high", "rate", "weight", "cost", "wanted"), HALF_FEN)
@pytest.mark.parametrize("step", range(12))
def test_half_a_fen_of_a_high_case_is_rounded_up(high, rate, weight, cost, wanted, step):
    policy = (
        load_policy().replace("outliers.high", high).replace("coefficients", None)
        .replace("standard.rates", {"all": {"yuan": rate}})
    )  # fmt: skip
    cost = round(cost + 777.77 * step, 2)
    table = weight_table(pd.DataFrame([("BB19", weight)], columns=["drg", "weight"]))
    frame = cases_of({"drg": "BB19", "hospital_id": "A", "total_cost": cost})
    done = rows(settled(frame, policy, weights=table))
    c, s = F(repr(cost)), F(repr(float(done["standard"][0])))
    t, share = F(repr(high["thresholds"][0]["value"])), F(repr(high.get("share", 0.0)))
    exact = {
        "step_share": s * (F("1.7") - share * t) + share * c,
        "excess_share": s * (1 - share * t) + share * c,
        "cost_minus_part": c - F("0.45") * s,
        "cost_minus": c - (t - 1) * s,
    }[high["rule"]]
    assert done["branch"].tolist() == ["high"]
    fen = (2 * exact * 100 + 1) // 2
    assert round(done["payment"][0] * 100) == fen
    if wanted is not None and step == 0:
        assert done["payment"][0] == float(wanted)
        assert exact * 200 % 2 == 1
