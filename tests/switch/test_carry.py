"""Weights carried over to another scheme's groups, against answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drg.errors import DrgError
from drg.switch.carry import BY_NAME, CARRIED, FITTED, NONE, SHRUNK, Carried, carry
from weights.cases.intake import observe


def carried(
    old: dict[str, float], cases: list[tuple[str, str, float]], named: dict | None = None,
    groups: tuple[str, ...] = (),
) -> Carried:  # fmt: skip
    """Carry weights over for cases of (old group, new group, cost)."""
    frame = pd.DataFrame(cases, columns=["drg_old", "drg_new", "total_cost"])
    pairs = frame.groupby(["drg_old", "drg_new"]).size().reset_index(name="cases")
    grouped = frame[frame["drg_new"] != "0000"]
    hospital = np.where(grouped["total_cost"] // 1 % 2, "A", "B")
    observed = observe(pd.DataFrame({
        "drg": grouped["drg_new"], "hospital_id": hospital, "total_cost": grouped["total_cost"],
    }))  # fmt: skip
    codes = groups or tuple(sorted(set(grouped["drg_new"])))
    return carry(old, pairs, [(code, code[:3]) for code in codes], observed, named or {})


def by_group(found: Carried, column: str) -> dict:
    return dict(zip(found.frame["drg"], found.frame[column], strict=True))


OLD = {"BC21": 3.0, "BC25": 2.0, "FV15": 0.8, "FV25": 0.4, "XR19": 1.0}


def test_a_renumbered_group_keeps_its_weight_and_a_merged_one_gets_the_mean():
    cases = [("BC21", "BC11", 30_000.0)] * 40 + [("BC25", "BC15", 20_000.0)] * 60
    cases += [("FV15", "FV29", 8_000.0)] * 30 + [("FV25", "FV29", 4_000.0)] * 90
    found = carried(OLD, cases)
    assert by_group(found, "how") == dict.fromkeys(("BC11", "BC15", "FV29"), CARRIED)
    weight = by_group(found, "weight")
    assert weight["BC11"] == pytest.approx(3.0)
    assert weight["BC15"] == pytest.approx(2.0)
    assert weight["FV29"] == pytest.approx((30 * 0.8 + 90 * 0.4) / 120)
    assert found.factor == pytest.approx(1.0)
    assert by_group(found, "from")["FV29"] == "FV25 FV15"


def test_a_group_that_is_cut_is_fitted_from_its_cases_and_few_are_drawn_to_their_adrg():
    cases = [("XR19", "XR13", 12_000.0 + i % 7) for i in range(60)]
    cases += [("XR19", "XR15", 6_000.0 + i % 5) for i in range(60)]
    cases += [("XR19", "XR11", 90_000.0 + i) for i in range(4)]
    cases += [("FV25", "FV29", 4_000.0)] * 50
    found = carried(OLD, cases)
    assert by_group(found, "how") == {
        "FV29": CARRIED, "XR11": SHRUNK, "XR13": FITTED, "XR15": FITTED,
    }  # fmt: skip
    weight = by_group(found, "weight")
    assert weight["XR13"] / weight["XR15"] == pytest.approx(2.0, rel=0.01)
    assert weight["XR11"] > weight["XR13"]
    assert weight["XR11"] / weight["XR13"] < 90_000 / 12_000 * 1.001


def test_severities_come_in_order():
    cases = [("FV15", "FV11", 1_000.0)] * 50 + [("BC25", "FV15", 9_000.0)] * 50
    found = carried(OLD, cases)
    weight = by_group(found, "weight")
    assert weight["FV11"] == pytest.approx(weight["FV15"])
    assert set(found.moved) == {"FV11", "FV15"}


def test_a_group_without_cases_takes_the_old_group_of_its_name_or_stays_without():
    cases = [("FV25", "FV29", 4_000.0)] * 50 + [("FV15", "FV13", 8_000.0)] * 50
    found = carried(OLD, cases, {"BC11": ["BC21"], "QQ19": []}, ("FV29", "FV13", "BC11", "QQ19"))
    assert by_group(found, "how")["BC11"] == BY_NAME
    assert by_group(found, "how")["QQ19"] == NONE
    assert by_group(found, "weight")["BC11"] == pytest.approx(3.0 * found.factor)
    assert np.isnan(by_group(found, "weight")["QQ19"])


def test_it_refuses_cases_without_any_weight():
    with pytest.raises(DrgError, match="weight"):
        carried({"ZZ19": 1.0}, [("FV25", "FV29", 4_000.0)] * 10)


move = st.tuples(
    st.sampled_from([*OLD, "0000", "ZZ99"]),
    st.sampled_from(["BC11", "BC13", "BC15", "FV19", "0000"]),
    st.integers(500, 90_000).map(float),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(move, min_size=8, max_size=80), st.randoms())
def test_the_sum_of_weights_stays_and_the_order_of_cases_decides_nothing(cases, chance):
    cases += [("FV25", "FV19", 4_000.0 + i) for i in range(4)]
    found = carried(OLD, cases)
    weight = by_group(found, "weight")
    both = [(OLD[o], weight[n]) for o, n, _ in cases
            if o in OLD and np.isfinite(weight.get(n, np.nan))]  # fmt: skip
    assert sum(w for _, w in both) == pytest.approx(sum(o for o, _ in both))
    for graver, lighter in (("BC11", "BC13"), ("BC13", "BC15"), ("BC11", "BC15")):
        if graver in weight and lighter in weight:
            assert not weight[graver] < weight[lighter] * (1 - 1e-12)
    shuffled = list(cases)
    chance.shuffle(shuffled)
    again = by_group(carried(OLD, shuffled), "weight")
    assert {k: pytest.approx(v, rel=1e-9, nan_ok=True) for k, v in weight.items()} == again
