"""Corridors and groups of few cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.errors import DrgError
from weights.fit.calibrator import Calibrator
from weights.fit.limits import Corridor, LowVolume, in_order
from weights.fit.severity import inversions
from weights.table import WeightTable
from weights.table.families import families

CODES = ("AA11", "AA13", "AA15", "AB11", "AB13", "AC19", "AD19")
weight = st.floats(0.05, 20)
maybe = st.one_of(st.just(float("nan")), weight)


def table(weights: dict[str, float]) -> WeightTable:
    return WeightTable("before", pd.DataFrame({"drg": list(weights), "weight": weights.values()}))


@st.composite
def fits(draw, previous=maybe):
    """Single cases of some groups, and last year's weights of some."""
    rows = draw(st.lists(st.tuples(st.sampled_from(CODES), st.sampled_from("xyz"),
                                   st.integers(100, 10**6)), min_size=3, max_size=40))  # fmt: skip
    before = {code: draw(previous) for code in CODES}
    before = {code: w for code, w in before.items() if np.isfinite(w)}
    cases = pd.DataFrame(rows, columns=["drg", "hospital_id", "total_cost"])
    return cases, table(before or {"AA11": 1.0})


@given(st.lists(st.tuples(maybe, maybe), min_size=1), st.floats(0, 1), st.floats(0, 10))
def test_bounds(rows, fall, rise) -> None:
    new, old = map(np.array, zip(*rows, strict=True))
    held = np.clip(new, *Corridor(fall, rise).bounds(old))
    for w, before, after in zip(new, old, held, strict=True):
        if np.isnan(w) or np.isnan(before):
            assert np.array_equal(after, w, equal_nan=True)
        else:
            assert after == min(max(w, before * (1 - fall)), before * (1 + rise))


@pytest.mark.parametrize("wrong", [
    {"fall": -0.1}, {"fall": 1.1}, {"rise": -1}, {"rise": 11}, {"fall": float("nan")},
])  # fmt: skip
def test_corridors_that_cannot_be(wrong) -> None:
    with pytest.raises(DrgError, match="out of range"):
        Corridor(**wrong)


@given(fits(), st.floats(0, 0.5), st.floats(0, 0.5), st.booleans())
def test_in_bounds_and_in_order(made, fall, rise, both) -> None:
    cases, previous = made
    steps = Calibrator(order=True, corridor=Corridor(fall, rise if both else None),
                       normalise="neutral", previous=previous)  # fmt: skip
    try:
        fitted = steps.fit(cases)
    except DrgError as error:
        old = previous.weights
        if "leave no room" in str(error):  # only where last year's table is out of order itself
            assert inversions(old.to_numpy(), families(tuple(old.index)))[0]
        else:
            assert "no group has cases and a weight in the previous table" in str(error)
            assert not set(cases["drg"]) & set(old.index)
        return
    frame = fitted.table_.frame
    assert not inversions(frame["weight"].to_numpy(), families(tuple(frame["drg"])))[0]
    gave_way = fitted.trail_.warnings.get("corridor_gave_way", "")
    for row in frame.itertuples():
        if np.isfinite(row.previous_weight) and np.isfinite(row.weight):
            low, high = row.previous_weight * (1 - fall), row.previous_weight * (1 + rise)
            inside = low <= row.weight and (not both or row.weight <= high)
            assert inside or row.adrg in gave_way
    if gave_way:  # and only where it had to
        held = frame[frame["weight"].notna() & frame["previous_weight"].notna()]
        old = held.set_index("drg")["previous_weight"]
        for adrg in gave_way.rsplit(" in ", 1)[1].split(", "):
            ladder = [g for g in CODES if g[:3] == adrg and g in old]
            assert any(old[a] * (1 + rise) < old[b] * (1 - fall)
                       for i, a in enumerate(ladder) for b in ladder[i + 1:])  # fmt: skip


@given(st.lists(st.tuples(weight, st.floats(1, 3), st.booleans()), min_size=7, max_size=7))
def test_tightened_bounds(rows) -> None:
    family = families(CODES)
    low = np.array([w for w, _, _ in rows])
    high = np.array([w * by for w, by, _ in rows])
    weighed = np.array([has for _, _, has in rows])
    floor, ceiling, gave_way = in_order(low, high, family, weighed)
    for ladder in family.ladders:
        held = ladder[weighed[ladder]]
        possible = all(high[a] >= low[b] for i, a in enumerate(held) for b in held[i:])
        assert (family.names[family.family[ladder[0]]] in gave_way) == (not possible)
        if possible:
            assert (np.diff(floor[held]) <= 0).all()
            assert (np.diff(ceiling[held]) <= 0).all()
            assert (floor[held] >= low[held]).all()
            assert (ceiling[held] <= high[held]).all()
            assert (floor[held] <= ceiling[held]).all()


def test_no_room_is_said() -> None:
    cases = pd.DataFrame({"drg": ["AA11", "AB11"], "total_cost": [9.0, 3.0]})
    steps = Calibrator(corridor=Corridor(0.1, 0.1), previous=table({"AA11": 3.0, "AB11": 1.0}))
    with pytest.raises(DrgError, match="the limits of the groups leave no room") as caught:
        steps.fit(cases)
    assert "found '2.0000'" in str(caught.value)
    assert "3.6000 to 4.4000" in str(caught.value)
    with pytest.raises(DrgError, match="needs last year's weights"):
        Calibrator(corridor=Corridor()).fit(cases)


def test_carry() -> None:
    """Small groups move with the others; without a weight of last year they go to review."""
    rows = {"AA11": 10, "AB11": 10, "AC19": 4, "AD19": 4}
    cost = {"AA11": 3000.0, "AB11": 1000.0, "AC19": 99.0, "AD19": 77.0}
    cases = pd.DataFrame([(g, cost[g]) for g, n in rows.items() for _ in range(n)],
                         columns=["drg", "total_cost"])  # fmt: skip
    before = {"AA11": 1.0, "AB11": 1.0, "AC19": 2.0, "ZZ19": 7.0}
    fitted = Calibrator(low_volume=LowVolume(), previous=table(before)).fit(cases)
    frame = fitted.table_.frame.set_index("drg")
    w = frame["weight"]
    change = (10 * w["AA11"] + 10 * w["AB11"]) / 20
    assert w["AC19"] == pytest.approx(2 * change)
    assert w["ZZ19"] == pytest.approx(7 * change)  # without cases, yet carried and marked
    assert np.isnan(w["AD19"])
    assert frame["status"].tolist() == ["", "", "carried", "special_review", "carried"]
    assert "ZZ19" in fitted.trail_.warnings["groups_without_cases"]
    assert "AD19" in fitted.trail_.warnings["groups_without_weight"]
    review = Calibrator(low_volume=LowVolume(action="review"), previous=table(before)).fit(cases)
    states = review.table_.frame.set_index("drg")["status"]
    assert states[["AC19", "AD19"]].tolist() == ["special_review"] * 2
    assert states["ZZ19"] == "no_cases"
    assert set(review.weights_.index) == {"AA11", "AB11"}
    keep = Calibrator(low_volume=LowVolume(action="keep")).fit(cases).table_.frame
    assert keep["weight"].notna().all()
    assert keep["status"].tolist() == ["", "", "low_volume", "low_volume"]


@given(st.lists(st.tuples(st.integers(0, 20), maybe, maybe), min_size=1, max_size=10))
def test_carry_of_any_groups(rows) -> None:
    cases, level, old = (np.array(x, float) for x in zip(*rows, strict=True))
    level = np.where(cases > 0, level, np.nan)
    found = LowVolume(minimum=5, years=2).apply(level, cases, old)
    stable = (cases >= 10) & np.isfinite(level) & np.isfinite(old)
    for i, n in enumerate(cases):
        if n >= 10:
            assert np.array_equal(found[i], level[i], equal_nan=True)
        elif np.isnan(old[i]) or not stable.any():
            assert np.isnan(found[i])
        else:
            change = (cases * level)[stable].sum() / (cases * old)[stable].sum()
            assert found[i] == pytest.approx(old[i] * change)


@pytest.mark.parametrize("wrong", [{"minimum": 0}, {"years": -1}, {"action": "guess"}])
def test_rules_that_cannot_be(wrong) -> None:
    with pytest.raises(DrgError):
        LowVolume(**wrong)


@given(fits(), st.sampled_from(["none", "shrink", "order", "carry"]))
def test_a_group_without_cases_has_no_weight_of_its_own(made, step) -> None:
    cases, previous = made
    cases = pd.concat([cases] * 2)  # so that a hospital has two cases of a group
    steps = {"none": {}, "shrink": {"shrink": True}, "order": {"order": True},
             "carry": {"low_volume": LowVolume()}}[step]  # fmt: skip
    fitted = Calibrator(previous=previous, groups=("AE19", "AA11"), order=step == "order",
                        **{k: v for k, v in steps.items() if k != "order"})  # fmt: skip
    try:
        frame = fitted.fit(cases).table_.frame.set_index("drg")
    except DrgError as error:
        assert "no group has cases and a weight" in str(error)
        return
    assert set(frame.index) == {*cases["drg"], *previous.weights.index, "AE19", "AA11"}
    empty = frame[frame["cases"] == 0]
    warned = fitted.trail_.warnings["groups_without_cases"]
    for group, row in empty.iterrows():
        assert group in warned
        if row["status"] == "carried":
            assert step == "carry"
            assert group in previous.weights.index
        else:
            assert row["status"] == "no_cases"
            assert np.isnan(row["weight"])
            assert np.isnan(row["raw_weight"])
            assert group not in fitted.weights_.index


def test_few_cases_are_marked_without_the_step_too():
    cases = pd.DataFrame({"drg": ["A"] * 9 + ["B"] * 4, "total_cost": [100.0] * 13})
    frame = Calibrator().fit(cases).table_.frame
    assert frame["status"].tolist() == ["", "low_volume"]
    assert np.isfinite(frame["weight"]).all()
