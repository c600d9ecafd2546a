"""The impact of weights is the difference of two full settlements, to the fen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

import budget.impact.weights
from budget.cases.hospitals import hospitals_of
from budget.impact.cases import first_fen
from budget.impact.weights import Impacts, _outcome
from budget.pools.sharing import Alike, point_value, share_out
from budget.price.outliers import ratio
from budget.settlement.settled import settle
from drg.errors import DrgError
from drg.money import decimal
from drg.negotiate.round.impact_files import SHEETS, write_impact
from tests.amount import tries
from tests.budget.region import HOSPITALS, WEIGHTS, YEAR, claims_of, many, odd, weight_table
from tests.budget.test_settle import POLICIES, changed

HELD = hospitals_of(HOSPITALS)


def last_year(policy) -> dict[str, float]:
    pools = [p.name for p in policy.pools if p.basis == "growth" and p.last_year is None]
    return dict.fromkeys(pools, 3e6)


def impacts(frame, policy) -> Impacts:
    claims = claims_of(frame, policy, HELD)
    return Impacts(claims, weight_table(), policy, HELD, YEAR, last_year=last_year(policy))


def anew(frame, policy, weight):
    """The year settled at other weights, as a stranger would."""
    table = weight_table(WEIGHTS.assign(weight=weight))
    claims = claims_of(frame, policy, HELD, table)
    return _outcome(settle(claims, table, policy, HELD, YEAR, last_year=last_year(policy)))


def check(held: Impacts, frame, policy, weight) -> None:
    try:
        wanted = anew(frame, policy, weight)
    except DrgError as error:
        with pytest.raises(DrgError, match=str(error)[:20]):
            held.outcome(weight)
        return
    found = held.outcome(weight)
    for name in ("fund", "payable", "cut", "final"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name)), name
    assert found.point_value == pytest.approx(dict(wanted.point_value), rel=1e-14, nan_ok=True)


def moved(rng: np.random.Generator, kind: int) -> np.ndarray:
    weight = WEIGHTS["weight"].to_numpy(np.float64).copy()
    if kind == 0:
        weight *= rng.uniform(0.8, 1.2, len(weight))
    elif kind == 1:
        weight[rng.choice(len(weight), 3)] *= rng.uniform(0.5, 2.0, 3)
    elif kind == 2:
        weight *= rng.uniform(0.1, 8.0, len(weight))
    return np.round(weight, rng.integers(2, 9))


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_every_policy_answers_from_sums(name):
    policy = POLICIES[name]
    rng = np.random.default_rng(5)
    for seed, make in ((1, many), (2, odd)):
        frame = make(900, seed)
        held = impacts(frame, policy)
        assert held.by_sums
        for kind in (0, 1, 2, 3, 0):
            check(held, frame, policy, moved(rng, kind))


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_a_slider_that_comes_back(name):
    """Few groups change, again and again: only their cells are looked at."""
    policy = POLICIES[name]
    frame = many(800, 8).assign(special_review="", patient_id="")
    held = impacts(frame, policy)
    draft = held.draft.weight
    for factor in (1.1, 0.9, 1.0, 1.3, 0.4):
        for groups in ([1], [1, 4], [7], [1]):
            weight = draft.copy()
            weight[groups] *= factor
            check(held, frame, policy, weight)


@settings(max_examples=tries(60))
@given(changed(), st.integers(0, 10**6), st.sampled_from([1, 2, 40, 300]), st.booleans())
def test_impact_is_the_difference_of_two_full_settlements(policy, seed, size, plain):
    frame = many(size, seed) if plain else odd(size, seed)
    rng = np.random.default_rng(seed)
    if seed % 3 == 0:
        cost = pd.to_numeric(frame["total_cost"], errors="coerce").fillna(0.0)
        frame["fund_paid"] = np.round(cost * rng.uniform(0, 1.1, size), 2)
        frame["other_paid"] = np.round(cost * rng.uniform(0, 0.2, size), 2)
    try:
        held = impacts(frame, policy)
    except DrgError:
        return
    for kind in (0, 1, 2):
        check(held, frame, policy, moved(rng, kind))


@pytest.mark.parametrize("name", ["national-default", "points", "qingdao-2023"])
def test_costs_at_the_very_threshold(name):
    """A case of exactly L or T standards, one fen below and above, at the weights asked for."""
    policy = POLICIES[name]
    frame = many(400, 9)
    held = impacts(frame, policy)
    table = held.settled.grid.standard
    rng = np.random.default_rng(3)
    costs = frame["total_cost"].to_numpy(np.float64).copy()
    place = {group: i for i, group in enumerate(held.groups)}
    for row in range(len(frame)):
        group = place.get(frame["drg"].iloc[row])
        standard = table[0, group, 0] if group is not None else np.nan
        if np.isfinite(standard):
            times = rng.choice([0.4, 0.5, 2.0, 2.5, 3.0])
            costs[row] = max(round(standard * times + rng.choice([-0.01, 0.0, 0.01]), 2), 0.01)
    frame = frame.assign(total_cost=costs, hospital_id="A", insurance="employee")
    held = impacts(frame, policy)
    assert held.by_sums
    for kind in (3, 0, 1):
        check(held, frame, policy, moved(rng, kind))


@settings(max_examples=tries(200))
@given(st.floats(0.01, 1e6), st.sampled_from([0.3, 0.4, 0.5, 1.5, 2.0, 3.0]), st.booleans())
def test_the_first_fen_past_a_threshold(base, threshold, reached):
    base = round(base, 2)
    fen = int(first_fen(decimal(np.array([base])), np.array([threshold]), reached=reached)[0])

    def past(one: int) -> bool:
        r = ratio(np.array([one / 100.0]), np.array([base]))[0]
        return bool(r >= threshold if reached else r > threshold)

    assert past(fen)
    assert not past(fen - 1)


@settings(max_examples=tries(200))
@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from([0, 1, 50]))
def test_a_pool_shared_by_classes_is_the_pool_shared_case_by_case(seed, size, floor):
    rng = np.random.default_rng(seed)
    points = rng.choice(rng.integers(1, 40, 4) * 2500, size)
    beside = rng.integers(0, 1500, size)
    amount = int(rng.integers(size * (floor + 1), size * 4000))
    value = point_value(points, beside, amount, floor)
    ids = rng.permutation(size)
    every, bounds = np.arange(size), (None, None)

    def order(place):
        return np.argsort(ids[place])

    wanted = share_out(points, beside, amount, floor, bounds, "", every, order)[0]
    many_of = np.array(
        [int(p) * value - int(b) > floor for p, b in zip(points, beside, strict=True)]
    )
    kinds, which = np.unique(points, return_inverse=True)
    own = np.flatnonzero(many_of & (rng.random(size) < 0.7))
    alone = np.setdiff1d(np.arange(size), own)
    count = np.bincount(which[own], minlength=len(kinds))
    borne = np.bincount(which[own], beside[own], len(kinds)).astype(np.int64)

    def rows(asked):
        at = [own[which[own] == one] for one in asked]
        return np.repeat(asked, [len(one) for one in at]), np.concatenate([*at, np.zeros(0, int)])

    classes = Alike(count, kinds, borne, rows)
    assert point_value(points[alone], beside[alone], amount, floor, classes) == value
    of_single, of_class, *_ = share_out(
        points[alone], beside[alone], amount, floor, bounds, "", alone, order, classes
    )
    assert of_class.tolist() == [int(wanted[own[which[own] == k]].sum()) for k in range(len(kinds))]
    assert of_single.tolist() == wanted[alone].tolist()


def test_neutral_weights_keep_the_sum_of_weights_or_of_money():
    policy = POLICIES["national-default"]
    held = impacts(many(2000, 4), policy)
    asked = {"BB19": 1.15, "FF19": 5.4}
    plain = held.at(asked)
    cases, before = held.cases, np.nan_to_num(held.draft.weight)
    assert plain.scale == 1.0
    by_weights = held.at(asked, neutral="weights")
    after = np.nan_to_num(by_weights.after.weight)
    assert (after * cases).sum() == pytest.approx((before * cases).sum(), rel=1e-12)
    by_yuan = held.at(asked, neutral="yuan")
    assert abs(by_yuan.after.payable.sum() - held.draft.payable.sum()) < 100_00
    assert abs(plain.after.payable.sum() - held.draft.payable.sum()) > 100_00
    for one in (by_weights, by_yuan):
        place = [held.groups.index(group) for group in asked]
        assert one.after.weight[place].tolist() == list(asked.values())
        rest = np.setdiff1d(np.flatnonzero(np.isfinite(held.draft.weight)), place)
        assert one.after.weight[rest] == pytest.approx(held.draft.weight[rest] * one.scale)
    fixed = held.at(asked, neutral="weights", fixed=["AA19"])
    assert fixed.after.weight[held.groups.index("AA19")] == 0.3


def test_slopes_are_what_a_small_change_does():
    for name in ("national-default", "points"):
        held = impacts(many(3000, 6), POLICIES[name])
        shared = bool(held.draft.point_value)
        slopes = held.slopes(shared=shared)
        weight = held.draft.weight.copy()
        step = 1e-4
        place = held.groups.index("CC19")
        weight[place] += step
        change = (held.outcome(weight).payable - held.draft.payable).sum(axis=1) / 100.0
        assert change == pytest.approx(slopes[:, place] * step, rel=0.2, abs=25)
        if shared:
            assert slopes.sum(axis=0) == pytest.approx(0.0, abs=1e-6 * np.abs(slopes).max())


def test_wrong_weights_are_one_line():
    held = impacts(many(50, 1), POLICIES["national-default"])
    for asked, words in (({"XX": 1.0}, "found 'XX'|found XX"), ({"NN19": 1.0}, "NN19"),
                         ({"BB19": 0.0}, "above 0"), ({"BB19": float("nan")}, "BB19")):  # fmt: skip
        with pytest.raises(DrgError, match=words):
            held.at(asked)
    with pytest.raises(DrgError, match="neutral"):
        held.at({}, neutral="maybe")
    with pytest.raises(DrgError, match="no group is left"):
        held.at({}, neutral="weights", fixed=held.groups)
    with pytest.raises(DrgError, match="stay the same"):
        held.outcome(np.full(len(held.groups), 1.0))


def test_where_sums_do_not_decide_the_year_is_settled_anew(monkeypatch):
    policy = POLICIES["points"]
    frame = many(300, 2)
    held = impacts(frame, policy)
    calls = []

    def counted(*parts, **named):
        calls.append(1)
        return settle(*parts, **named)

    monkeypatch.setattr(budget.impact.weights, "settle", counted)
    held.outcome(held.draft.weight)
    assert not calls
    monkeypatch.setattr(held, "_sums", None)
    assert not held.by_sums
    check(held, frame, policy, held.draft.weight * 1.1)
    assert calls


def test_the_workbook_of_an_impact_is_in_chinese(tmp_path):
    held = impacts(many(900, 1), POLICIES["national-default"]).at({"BB19": 1.15, "FF19": 5.4})
    (path,) = write_impact(tmp_path / "impact.xlsx", held, [("金额单位", "元")])
    book = load_workbook(path)
    assert book.sheetnames == ["说明", *SHEETS.values()]
    rows = {
        name: list(book[name].iter_rows(min_row=2, values_only=True)) for name in book.sheetnames
    }
    assert {row[0] for row in rows["险种"]} == {"职工医保", "居民医保"}
    assert {row[0] for row in rows["谁受益谁承担"]} <= {"医疗机构", "基金池"}
    assert {row[0] for row in rows["级别"]} <= {"三级", "二级", "一级", "未定级", "不详"}
    texts = {str(cell) for name in rows for row in rows[name] for cell in row}
    assert not texts & {"employee", "resident", "all", "hospital", "pool"}
