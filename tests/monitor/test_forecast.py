"""The forecast of the year's end: better than simple ways, with intervals that hold."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.monitor import measure, months
from budget.monitor.forecast import forecast, simple, trials
from budget.monitor.history import History, budget_by_month
from drg.errors import DrgError
from tests.amount import FULL


def test_it_beats_the_simple_ways_and_its_intervals_hold():
    years = 50 if FULL else 10
    found = [measure(years, 5, kind, 3) for kind in ("noisy", "lasting")]
    mean = {name: np.mean([one[name] for one in found]) for name in found[0]}
    assert mean["model"] < min(mean["naive"], mean["mean"], mean["seasonal_naive"])
    slack = 0.05 if FULL else 0.15
    assert mean["inside80"] == pytest.approx(0.80, abs=slack)
    assert mean["inside95"] == pytest.approx(0.95, abs=slack)


def test_the_same_months_give_the_same_forecast():
    spent = months(np.random.default_rng(1), 3, "employee", "noisy")
    one, two = (forecast(spent[2, :6], spent[:2].ravel()) for _ in range(2))
    assert np.array_equal(one.draws, two.draws)
    assert np.array_equal(one.ends, two.ends)


def test_it_grows_with_the_unit():
    spent = months(np.random.default_rng(2), 3, "employee", "noisy")
    one = forecast(spent[2, :6], spent[:2].ravel())
    other = forecast(1000 * spent[2, :6], 1000 * spent[:2].ravel())
    assert other.ends == pytest.approx(1000 * one.ends)


def test_fewer_months_give_wider_intervals():
    spent = months(np.random.default_rng(3), 4, "resident", "noisy")

    def width(known: int, before: int) -> float:
        found = forecast(spent[3, :known], spent[3 - before : 3].ravel())
        return float((found.ends[-1, 3] - found.ends[-1, 2]) / found.year)

    assert width(10, 3) < width(6, 3) < width(2, 3)
    assert width(6, 3) < width(6, 1) < width(6, 0)
    assert width(1, 0) > 0.3  # one month says next to nothing


def test_the_ends_enclose_the_middle_and_grow():
    spent = months(np.random.default_rng(4), 2, "employee", "lasting")
    found = forecast(spent[1, :5], spent[0])
    low80, high80, low95, high95 = found.ends.T
    assert (low95 < low80).all()
    assert (low80 < found.to_date).all()
    assert (found.to_date < high80).all()
    assert (high80 < high95).all()
    assert (np.diff(high95 - low95) > 0).all()


def test_a_whole_year_is_no_forecast():
    found = forecast(np.arange(1.0, 13.0))
    assert found.year == 78
    assert found.above(77) == 1
    assert not len(found.ends)


def test_gaps_and_a_year_without_beginning_are_no_hindrance():
    spent = months(np.random.default_rng(5), 4, "employee", "noisy")
    before = spent[:3].ravel().copy()
    before[[0, 1, 2, 17]] = np.nan
    whole = forecast(spent[3, :6], spent[:3].ravel())
    assert forecast(spent[3, :6], before).year == pytest.approx(whole.year, rel=0.03)
    assert forecast(spent[3, :6], spent[:3].ravel()[7:]).year == pytest.approx(whole.year, rel=0.03)


def test_simple_ways():
    own, before = np.array([10.0, 20.0]), np.arange(1.0, 13.0)
    assert simple(own, before) == {"naive": 230, "mean": 180, "seasonal_naive": 30 + 75}
    assert np.isnan(simple(own)["seasonal_naive"])


def test_earlier_years_are_forecast_from_what_came_before_them():
    spent = months(np.random.default_rng(6), 3, "employee", "noisy")
    found = trials([(2022, spent[0]), (2023, spent[1]), (2024, spent[2])], 6)
    assert [one.year for one in found] == [2023, 2024]
    alone = forecast(spent[2, :6], spent[:2].ravel())
    assert found[1].off["model"] == pytest.approx(abs(alone.year - spent[2].sum())
                                                  / spent[2].sum())  # fmt: skip


@pytest.mark.parametrize("spent", [[], [0.0, 0.0], [1.0] * 13])
def test_no_months_no_forecast(spent):
    with pytest.raises(DrgError, match="month"):
        forecast(spent)


def test_a_budget_by_month_adds_up():
    season = np.array([0.1, 0.05] + [0.085] * 10)
    for held in (None, season):
        parts = budget_by_month(1_000_000_007, held, 2025)
        assert parts.sum() == 1_000_000_007
    assert budget_by_month(365_00, None, 2025)[1] == 28_00
    assert budget_by_month(366_00, None, 2024)[1] == 29_00


def test_history_knows_gaps():
    year = np.full(12, 100, np.int64)
    held = History(2025, {"a": {2022: year, 2024: year}})
    assert held.earlier("a").shape == (36,)
    assert np.isnan(held.earlier("a")[12:24]).all()
    assert held.whole("a", 2024) == 1200
    assert held.whole("a", 2023) is None
    assert held.season("a") == pytest.approx(np.full(12, 1 / 12))
    assert held.season("b") is None
