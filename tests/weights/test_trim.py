"""Every method of trimming against a slow reference that goes case by case."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.errors import DrgError
from weights.trim import METHODS, method

BY_COST = ("none", "log3sd", "iqr", "percentile", "ratio", "winsor", "winsor_median")
BY_STAY = ("l3h3", "l15h15", "inek")
GROUPS = 4


def arrays(rows):
    drg, cost, stay = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(drg, np.int32), np.array(cost, np.float64), np.array(stay, np.float64)


fen = st.one_of(st.integers(1, 60), st.integers(1, 10**8)).map(lambda n: n / 100)
days = st.one_of(st.integers(0, 60).map(float), st.just(float("nan")))
tables = st.lists(st.tuples(st.integers(0, GROUPS - 2), fen, days), max_size=60).map(arrays)


def within(value, low, high):
    slack = 1e-9
    return low - slack * abs(low) <= value <= high + slack * abs(high)


def log_bounds(values, sd):
    logs = [float(np.log(v)) for v in values]
    mean, reach = statistics.fmean(logs), sd * statistics.stdev(logs)
    return float(np.exp(mean - reach)), float(np.exp(mean + reach))


def keeps_log3sd(cost, stay, minimum, sd=3.0, rule="both", centre="mean"):
    assert centre == "mean"  # medians: see test_one_wrong_cost_cannot_hide
    if len(cost) < max(minimum, 2):
        return [True] * len(cost)
    low, high = log_bounds(cost, sd)
    dear = [not within(c, low, high) for c in cost]
    if stay is None or rule == "cost":
        return [not d for d in dear]
    daily = [c / s if s > 0 else None for c, s in zip(cost, stay, strict=True)]
    known = [d for d in daily if d is not None]
    if len(known) < max(minimum, 2):
        daily = [None] * len(cost)
    else:
        low, high = log_bounds(known, sd)
    out = []
    for d, per_day in zip(dear, daily, strict=True):
        if per_day is None:
            out.append(d)
        elif rule == "both":
            out.append(d and not within(per_day, low, high))
        else:
            out.append(d or not within(per_day, low, high))
    return [not o for o in out]


def keeps_quantiles(cost, minimum, low, high):
    if len(cost) < minimum:
        return [True] * len(cost)
    a, b = np.quantile(cost, [low, high])
    return [within(c, a, b) for c in cost]


def keeps_iqr(cost, minimum, k=1.5, log=False):
    if len(cost) < minimum:
        return [True] * len(cost)
    values = np.log(cost) if log else cost
    a, b = np.quantile(values, [0.25, 0.75])
    low, high = a - k * (b - a), b + k * (b - a)
    if log:
        low, high = np.exp(low), np.exp(high)
    return [within(c, low, high) for c in cost]


def keeps_ratio(cost, minimum, low=0.3, high=3.0, rounds=2, centre="median"):
    if len(cost) < minimum:
        return [True] * len(cost)
    inside = list(cost)
    keep = [True] * len(cost)
    for turn in range(rounds):
        mean = statistics.fmean(inside) if inside else 0.0
        if turn == 0 and centre == "median":
            mean = statistics.median(cost)
        keep = [within(c, low * mean, high * mean) for c in cost]
        inside = [c for c, k in zip(cost, keep, strict=True) if k]
    return keep


def keeps_stay(stay, minimum, bounds):
    known = [s for s in stay if s == s]
    if len(known) < minimum:
        return [True] * len(stay)
    low, high = bounds(known)
    return [s != s or within(s, low, high) for s in stay]


def inek_bounds(known, cap=14):
    mean, sd = statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else float("inf")
    return max(2, mean / 3), min(mean + 2 * sd, mean + cap)


REFERENCE = {
    "none": lambda cost, stay, minimum: [True] * len(cost),
    "log3sd": keeps_log3sd,
    "iqr": lambda cost, stay, minimum, **p: keeps_iqr(cost, minimum, **p),
    "percentile": lambda cost, stay, minimum, low=1, high=97: keeps_quantiles(
        cost, minimum, low / 100, high / 100
    ),
    "winsor": lambda cost, stay, minimum, **p: [True] * len(cost),
    "winsor_median": lambda cost, stay, minimum, **p: [True] * len(cost),
    "ratio": lambda cost, stay, minimum, **p: keeps_ratio(cost, minimum, **p),
    "l3h3": lambda cost, stay, minimum: keeps_stay(
        stay, minimum, lambda k: (statistics.fmean(k) / 3, statistics.fmean(k) * 3)
    ),
    "l15h15": lambda cost, stay, minimum: keeps_stay(
        stay, minimum, lambda k: (statistics.fmean(k) / 1.5, statistics.fmean(k) * 1.5)
    ),
    "inek": lambda cost, stay, minimum, cap=14: keeps_stay(
        stay, minimum, lambda k: inek_bounds(k, cap)
    ),
}


def expected(name, drg, cost, stay, minimum, **parameters):
    keep = np.ones(len(drg), bool)
    emptied = []
    for group in range(GROUPS):
        rows = np.flatnonzero(drg == group)
        days = None if stay is None else list(stay[rows])
        found = REFERENCE[name](list(cost[rows]), days, minimum, **parameters)
        if rows.size and not any(found):
            emptied.append(group)
        else:
            keep[rows] = found
    return keep, emptied


CALLS = [
    ("none", {}),
    ("log3sd", {"centre": "mean"}),
    ("log3sd", {"sd": 1.0, "centre": "mean"}),
    ("log3sd", {"sd": 0.5, "rule": "either", "centre": "mean"}),
    ("log3sd", {"sd": 1.5, "rule": "cost", "centre": "mean"}),
    ("iqr", {}),
    ("iqr", {"k": 0.3, "log": True}),
    ("percentile", {}),
    ("percentile", {"low": 20, "high": 60}),
    ("ratio", {}),
    ("ratio", {"low": 0.9, "high": 1.2, "rounds": 3}),
    ("ratio", {"rounds": 1}),
    ("ratio", {"centre": "mean"}),
    ("l3h3", {}),
    ("l15h15", {}),
    ("inek", {}),
    ("inek", {"cap": 3}),
    ("winsor", {}),
]


@pytest.mark.parametrize(("name", "parameters"), CALLS)
@given(table=tables, minimum=st.integers(1, 8))
def test_keeps_what_the_reference_keeps(name, parameters, table, minimum):
    drg, cost, stay = table
    if name == "inek" and minimum == 1:
        minimum = 2  # one stay has no SD
    before = cost.copy()
    found = method(name, minimum=minimum, **parameters)(drg, cost, stay, GROUPS)
    keep, emptied = expected(name, drg, cost, stay, minimum, **parameters)
    assert found.keep.tolist() == keep.tolist()
    assert found.emptied.tolist() == emptied
    assert int(found.keep.sum()) + found.removed == len(drg)
    assert (cost == before).all()
    assert found.lower.shape == found.upper.shape == (GROUPS,)
    assert not np.isnan(found.lower).any()
    assert not np.isnan(found.upper).any()
    assert all(found.keep[drg == group].any() for group in set(drg.tolist()))
    if name in BY_STAY:
        assert found.unknown == np.isnan(stay).sum()
        assert found.keep[np.isnan(stay)].all()


@given(table=tables, parameters=st.sampled_from([{}, {"sd": 0.7}]))
def test_logs_without_stays_judge_the_cost(table, parameters):
    drg, cost, stay = table
    found = method("log3sd", **parameters)(drg, cost, None, GROUPS)
    only = method("log3sd", rule="cost", **parameters)(drg, cost, stay, GROUPS)
    assert found.keep.tolist() == only.keep.tolist()
    assert (found.quantity, found.unknown) == ("cost", 0)


@pytest.mark.parametrize("name", BY_COST)
@given(table=tables, scale=st.sampled_from([0.01, 3.0, 7.3, 1e4]))
def test_the_unit_of_money_does_not_matter(name, table, scale):
    drg, cost, stay = table
    trim = method(name)
    one, other = trim(drg, cost, stay, GROUPS), trim(drg, cost * scale, stay, GROUPS)
    assert one.keep.tolist() == other.keep.tolist()
    assert one.changed == other.changed
    np.testing.assert_allclose(one.cost * scale, other.cost, rtol=1e-9)


@given(table=tables)
def test_winsor_draws_costs_to_the_quantiles(table):
    drg, cost, _ = table
    found = method("winsor", low=10, high=80)(drg, cost, None, GROUPS)
    wanted = cost.copy()
    for group in range(GROUPS):
        rows = drg == group
        if rows.sum() >= 5:
            wanted[rows] = np.clip(cost[rows], *np.quantile(cost[rows], [0.1, 0.8]))
    np.testing.assert_allclose(found.cost, wanted, rtol=1e-9)
    assert found.keep.all()
    assert found.changed == (found.cost != cost).sum()


@given(cost=st.integers(1, 10**9), count=st.integers(1, 400), days=st.integers(2, 30))
def test_equal_cases_stay(cost, count, days):
    drg = np.zeros(count, np.int32)
    costs, stays = np.full(count, cost / 100), np.full(count, float(days))
    for name in METHODS:
        found = method(name)(drg, costs, stays, 1)
        assert found.keep.all(), name
        assert (found.cost == costs).all(), name
        assert not found.emptied.size, name


def test_values_on_a_bound_stay():
    drg = np.zeros(10, np.int32)
    cost = np.array([0.3, 3, *[1.0] * 6, 0.35, 0.35])
    assert cost.mean() == pytest.approx(1)
    assert method("ratio", rounds=1)(drg, cost, None, 1).keep.all()
    outside = method("ratio", rounds=1)(drg, np.r_[0.29, 3.01, cost[2:]], None, 1)
    assert outside.keep.tolist() == [False, False, *[True] * 8]
    stay = np.array([1.0, 9, 3, 3, 3, 3, 2, 2, 2, 2])
    assert stay.mean() == 3
    assert method("l3h3")(drg, cost, stay, 1).keep.all()
    assert method("percentile", low=0, high=100)(drg, cost, None, 1).keep.all()


def test_ratio_holds_the_last_bounds_against_all_cases():
    cost = np.array([100.0] * 8 + [420.0, 5000.0])
    found = method("ratio", centre="mean")(np.zeros(10, np.int32), cost, None, 1)
    # mean 622 -> 186.6 to 1866, of which only 420 is inside -> 126 to 1260
    assert found.lower[0] == pytest.approx(126)
    assert found.upper[0] == pytest.approx(1260)
    assert found.keep.tolist() == [False] * 8 + [True, False]
    third = method("ratio", rounds=1, centre="mean")(np.zeros(10, np.int32), cost, None, 1)
    assert third.upper[0] == pytest.approx(1866)


@given(st.integers(0, 10**6), st.integers(6, 40))
def test_one_wrong_cost_cannot_hide(seed, size):
    """A cost a hundred times too large goes, or is brought down to a bound of the others."""
    rng = np.random.default_rng(seed)
    cost = np.exp(rng.normal(9, 0.4, (3, size)))
    right = cost.ravel().copy()
    at = int(rng.integers(0, size))
    cost[0, at] *= 100
    drg = np.repeat(np.arange(3, dtype=np.int32), size)
    for name in ("ratio", "log3sd"):
        assert not method(name)(drg, cost.ravel(), None, 3).keep[at]
    found = method("winsor_median")(drg, cost.ravel(), None, 3)
    assert found.cost[at] <= np.median(right[:size]) * np.exp(3.5)
    untouched = method("winsor_median")(drg, right, None, 3)
    assert found.upper[1:] == pytest.approx(untouched.upper[1:], rel=0.35)


def test_bounds_from_the_median_by_hand():
    logs = np.array([8.0, 8.4, 8.5, 8.6, 9.0, 13.0])
    drg = np.zeros(6, np.int32)
    apart = sorted(abs(logs - 8.55))
    sd = (apart[2] + apart[3]) / 2 / 0.6744897501960817
    found = method("log3sd", sd=2)(drg, np.exp(logs), None, 1)
    assert np.log(found.upper[0]) == pytest.approx(8.55 + 2 * sd)
    assert np.flatnonzero(~found.keep).tolist() == [5]
    drawn = method("winsor_median", sd=2, gross=100)(drg, np.exp(logs), None, 1)
    assert np.log(drawn.cost) == pytest.approx([8.0, 8.4, 8.5, 8.6, 9.0, 8.55 + 2 * sd])
    assert (drawn.changed, drawn.removed) == (1, 0)
    gone = method("winsor_median", sd=2)(drg, np.exp(logs), None, 1)  # 20 spreads away
    assert (gone.changed, gone.removed) == (1, 0)
    assert np.log(gone.cost[5]) == pytest.approx(8.55)
    half = method("winsor_median", sd=2)(drg, np.exp([*logs[:5], 8.55 + 5 * sd]), None, 1)
    assert np.log(half.cost[5]) == pytest.approx(8.55 + 2 * sd * 0.5)
    few = np.array([0, 1, 1, *[2] * 5], np.int32)  # one case far beyond 20 times all, two apart
    logs = np.array([14.0, 8.0, 11.0, 8.3, 8.4, 8.5, 8.6, 8.7])
    held = np.log(method("winsor_median")(few, np.exp(logs), None, 3).cost)
    assert held[0] == pytest.approx(8.5 + np.log(20))
    assert held[1:3] == pytest.approx([9.5 - np.log(1.5), 9.5 + np.log(1.5)])


def test_a_group_never_loses_all_its_cases():
    cost = np.array([1.0, 1, 1, 1, 100] + [5.0] * 5)
    drg = np.repeat([0, 2], 5).astype(np.int32)
    assert method("ratio")(drg, cost, None, 3).removed == 1
    found = method("ratio", centre="mean")(drg, cost, None, 3)
    assert found.keep.all()
    assert found.emptied.tolist() == [0]
    assert (found.lower[0], found.upper[0]) == (-np.inf, np.inf)
    stays = np.ones(10)
    one_day = method("inek")(drg, cost, stays, 3)
    assert one_day.keep.all()
    assert one_day.emptied.tolist() == [0, 2]


def test_three_sds_cannot_remove_from_ten_cases():
    costs = np.array([1.0] * 9 + [1e9])
    assert method("log3sd", centre="mean")(np.zeros(10, np.int32), costs, None, 1).keep.all()
    more = np.array([1.0] * 10 + [1e9])
    assert method("log3sd", centre="mean")(np.zeros(11, np.int32), more, None, 1).removed == 1


def test_both_needs_the_cost_per_day_too():
    rng = np.random.default_rng(5)
    cost = np.exp(rng.normal(9, 0.1, 200))
    stay = np.full(200, 8.0)
    cost[:3] = 1e6
    stay[:3] = 8.0, 800.0, np.nan  # dear a day; dear only by its length; not known
    drg = np.zeros(200, np.int32)
    found = method("log3sd")(drg, cost, stay, 1)
    assert np.flatnonzero(~found.keep).tolist() == [0, 2]
    assert found.unknown == 1
    assert found.quantity == "cost and cost per day"


def test_blocks_join_without_a_seam():
    rng = np.random.default_rng(3)
    size = 200_001
    drg = rng.integers(0, 3, size).astype(np.int32)
    cost = np.exp(rng.normal(9, 1, size))
    stay = np.ceil(rng.gamma(2, 4, size))
    stay[rng.random(size) < 0.02] = np.nan
    logs = [np.log(cost[drg == g]) for g in range(3)]
    found = method("log3sd", rule="cost", centre="mean")(drg, cost, stay, 3)
    for group, values in enumerate(logs):
        bound = np.exp(values.mean() + 3 * values.std(ddof=1))
        assert found.upper[group] == pytest.approx(bound, rel=1e-12)
    assert found.keep.tolist() == ((cost >= found.lower[drg]) & (cost <= found.upper[drg])).tolist()
    means = [np.nanmean(stay[drg == g]) for g in range(3)]
    assert method("l3h3")(drg, cost, stay, 3).upper == pytest.approx(np.multiply(means, 3))


def test_many_groups_and_none():
    drg = np.arange(40_000, dtype=np.int32).repeat(5)
    cost = np.tile([1.0, 2, 3, 4, 100], 40_000)
    found = method("percentile", low=0, high=90)(drg, cost, None, 40_000)
    assert found.removed == 40_000
    empty = np.empty(0)
    for name in METHODS:
        found = method(name)(np.empty(0, np.int32), empty, empty, 2)
        assert (len(found.keep), found.removed, found.emptied.size) == (0, 0, 0)


@pytest.mark.parametrize("name", BY_STAY)
def test_methods_on_stays_need_stays(name):
    with pytest.raises(DrgError, match=f"'{name}' needs length_of_stay"):
        method(name)(np.zeros(1, np.int32), np.ones(1), None, 1)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("log", {}, "trim: no such method of trimming: found 'log', expected one of none, log3sd,"),
        ("iqr", {"sd": 3}, "iqr: no such parameter: found 'sd', expected one of minimum, k, log"),
        ("iqr", {"k": -1}, "iqr: k: out of range: found '-1', expected a number from 0 to 10"),
        ("iqr", {"log": 1}, "iqr: log: not a yes or no: found '1', expected true or false"),
        ("log3sd", {"sd": "3"}, "log3sd: sd: out of range: found '3', expected a number from 0.5"),
        ("log3sd", {"sd": float("nan")}, "log3sd: sd: out of range: found 'nan'"),
        ("log3sd", {"rule": "all"}, "log3sd: rule: not known: found 'all', expected one of both,"),
        ("ratio", {"rounds": 2.0}, "ratio: rounds: out of range: found '2.0', expected a whole"),
        ("ratio", {"low": 2}, "ratio: low: out of range: found '2', expected a number from 0 to 1"),
        ("percentile", {"low": 97}, "percentile: low: not below high: found '97'"),
        ("winsor", {"high": 101}, "winsor: high: out of range: found '101'"),
        ("inek", {"cap": True}, "inek: cap: out of range: found 'True'"),
        ("none", {"minimum": 0}, "none: minimum: out of range: found '0'"),
    ],
)
def test_wrong_parameters(name, parameters, message):
    with pytest.raises(DrgError) as error:
        method(name, **parameters)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_every_method_has_its_name():
    assert list(METHODS) == [
        "none", "log3sd", "iqr", "percentile", "ratio", "l3h3", "l15h15", "inek", "winsor",
        "winsor_median",
    ]  # fmt: skip
    assert all(method(name).name == name for name in METHODS)
    assert set(REFERENCE) == set(METHODS)
