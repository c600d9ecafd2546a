"""The price grid: standards, coefficients, thresholds and marks by hospital, group, insurance."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import load_policy, policies
from budget.cases.hospitals import hospitals_of
from budget.price.grid import build_grid
from budget.price.history import History
from drg.errors import DrgError
from tests.budget.region import HOSPITALS, WEIGHTS

GROUPS = tuple(WEIGHTS["drg"])
WEIGHT = WEIGHTS["weight"].to_numpy()
COLUMNS = {name: WEIGHTS[name].to_numpy() for name in WEIGHTS}


def history(seed=1):
    rng = np.random.default_rng(seed)
    cases = rng.integers(0, 12, (len(HOSPITALS), len(GROUPS))).astype(float)
    return History(cases, np.round(cases * rng.uniform(3e3, 2e4, cases.shape), 2))


def grid(policy="national-default", hospitals=HOSPITALS, year=2025, past=None, columns=COLUMNS):
    held = load_policy(policy) if isinstance(policy, str) else policy
    return build_grid(held, GROUPS, WEIGHT, hospitals_of(hospitals), year, past, columns)


@pytest.mark.parametrize("name", policies())
def test_shapes_and_where_there_is_no_standard(name):
    held = grid(name, past=history())
    shape = (len(HOSPITALS), len(GROUPS), 2)
    for part in ("coefficient", "standard", "low", "high", "unstable"):
        assert getattr(held, part).shape == shape
    assert held.pool.shape == held.point_value.shape == held.unit.shape == (len(HOSPITALS), 2)
    nameless = GROUPS.index("NN19")
    if name != "huaibei-2025":
        assert np.isnan(held.standard[:, nameless]).all()
        assert np.isfinite(np.delete(held.standard, nameless, axis=1)).all()
    assert (held.standard[np.isfinite(held.standard)] > 0).all()
    assert (held.low < held.high).all()
    assert (held.pool >= 0).all()


@pytest.mark.parametrize("name", [n for n in policies() if n != "huaibei-2025"])
def test_the_unit_is_the_price_of_weight_one_before_multipliers(name):
    held = grid(name, past=history())
    plain = GROUPS.index("BB19")
    multiplier = 1.0
    if name == "qingdao-2023":  # residents of ordinary groups
        multiplier = np.array([1.0, 0.7])[None, :]
    assert np.allclose(held.unit * multiplier, held.standard[:, plain], atol=0.0051)


def test_hospitals_that_no_rate_knows_have_no_standard_and_the_others_do():
    strange = HOSPITALS.assign(tier=[3, 2, 0, None, 1], level=["", "", "", "", ""])
    held = grid("changzhi", strange)
    plain = held.standard[:, GROUPS.index("BB19"), 0]
    assert np.isfinite(plain).tolist() == [True, False, False, False, True]
    assert np.isnan(held.unit[1:4]).all()


def test_thresholds_of_the_ladder_at_each_weight():
    held = grid()
    tier3 = held.high[0, :, 0]
    wanted = {"AA19": 3.0, "BB19": 3.0, "CC19": 2.5, "DD19": 2.5, "EE19": 2.0, "FF19": 2.0}
    assert {g: tier3[GROUPS.index(g)] for g in wanted} == wanted
    lu_an = grid("luan-2025").high[:, 0, 0]
    assert lu_an.tolist() == [3.0, 3.0, 2.0, 2.0, 2.0]


def test_unstable_groups_are_marked_where_their_row_applies():
    held = load_policy().replace("groups.unstable.x", {"groups": ["AA19"], "tier": 3,
                                                       "pay": "by_item"})  # fmt: skip
    held = held.replace("groups.unstable.y", {"adrgs": ["FF"], "insurance": "resident",
                                              "pay": "cost_points"})  # fmt: skip
    marks = grid(held).unstable
    assert marks[:, GROUPS.index("AA19"), 0].tolist() == [1, 1, 0, 0, 0]
    assert marks[:, GROUPS.index("FF19")].tolist() == [[0, 2]] * 5
    assert not marks[:, GROUPS.index("BB19")].any()


def test_group_sets_by_a_column_that_is_missing_are_told():
    held = grid("lanzhou-2023", columns={"drg": np.array(GROUPS)})
    assert "group_type" in held.warnings["columns_missing"]
    assert not held.unstable.any()
    assert "columns_missing" not in grid("lanzhou-2023").warnings


def test_what_is_computed_from_costs_needs_them():
    for held in ("huaibei-2025", load_policy().replace("coefficients", {
        "computed": {"by": "tier", "new_group": 1.0, "least_cases": 1}})):  # fmt: skip
        with pytest.raises(DrgError, match="cases are needed"):
            grid(held)
    with pytest.raises(DrgError, match=r"standard\.mean_cost"):
        grid(load_policy().replace("outliers.ratio", "regional"))


@given(st.integers(0, 10**6), st.sampled_from(["hospital", "tier", "hospital_class"]),
       st.integers(1, 8), st.sampled_from([None, 0.8]), st.sampled_from([None, 1.2]))  # fmt: skip
def test_computed_coefficients_against_plain_loops(seed, by, least, floor, ceiling):
    how = {"by": by, "new_group": 0.95, "least_cases": least}
    how |= {k: v for k, v in (("floor", floor), ("ceiling", ceiling)) if v is not None}
    past = history(seed)
    ours = grid(load_policy().replace("coefficients", {"computed": how}), past=past).coefficient
    key = {"hospital": "hospital_id", "tier": "tier", "hospital_class": "class"}[by]
    units = HOSPITALS[key].tolist()
    for h, unit in enumerate(units):
        mine = [i for i, other in enumerate(units) if other == unit]
        actual = expected = Fraction(0)
        for g in range(len(GROUPS)):
            n = sum(int(past.cases[i, g]) for i in mine)
            total = int(past.cases[:, g].sum())
            if total:
                expected += n * Fraction(float(past.cost[:, g].sum())) / total
            actual += sum(Fraction(float(past.cost[i, g])) for i in mine)
        k = float(actual / expected) if expected else 0.95
        k = min(max(k, floor or 0.0), ceiling or np.inf)
        for g in range(len(GROUPS)):
            enough = sum(past.cases[i, g] for i in mine) >= least
            assert ours[h, g, 0] == pytest.approx(k if enough else 0.95, rel=1e-9)


def test_the_region_as_one_hospital_has_the_coefficient_one():
    one = HOSPITALS.iloc[:1]
    past = History(history().cases[:1], history().cost[:1])
    held = load_policy().replace("coefficients", {
        "computed": {"by": "hospital", "new_group": 1.0, "least_cases": 1}})  # fmt: skip
    assert np.allclose(grid(held, one, past=past).coefficient, 1.0)


def test_weights_by_hundreds_of_groups_stay_in_their_order():
    names = [f"G{i:03d}" for i in range(300)][::-1]
    weight = np.arange(1, 301) / 100
    held = build_grid(load_policy(), tuple(names), weight, hospitals_of(HOSPITALS), 2025)
    wanted = [float((Decimal(i) * 86).quantize(Decimal("0.01"))) for i in range(1, 301)]
    assert held.standard[2, :, 0].tolist() == wanted


def test_means_are_exact_until_a_price_is_rounded():
    """Own means that are no decimals, a regional mean on a threshold, a computed coefficient."""
    past = History(np.zeros((len(HOSPITALS), len(GROUPS))), np.zeros((len(HOSPITALS), len(GROUPS))))
    place = GROUPS.index("BB19")
    past.cases[0, place], past.cost[0, place] = 3, 1000.03
    own = load_policy("huaibei-2025").laid_over(
        {"standard": {"own_mean": {"least_cases": 1}},
         "groups": {"multiplier": {"all": {"all_groups": True, "factor": 1.5}}}}, "a test",
    )  # fmt: skip
    held = grid(own, past=past)
    assert held.standard[0, place, 0] == 500.02  # 1000.03 / 3 * 1.5 = 500.015
    mean = History(np.array([[3.0]]), np.array([[30001.0]])).regional_mean
    assert mean.ratio(np.array([0])) == (3000100, 300)

    past.cases[:], past.cost[:] = 0, 0
    past.cases[[0, 1], place], past.cost[[0, 1], place] = 1, (9851.90, 6148.10)
    how = {"computed": {"by": "hospital", "new_group": 1.0, "least_cases": 1}}
    k = grid(load_policy().replace("coefficients", how), past=past).coefficient[0, place, 0]
    assert k == 1.2314875  # not a hair below it
