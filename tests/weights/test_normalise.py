"""The scale of weights: budget neutral, CMI 1, a reference amount, a given sum; with limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.errors import DrgError
from weights.fit.calibrator import Calibrator
from weights.fit.limits import Corridor, LowVolume
from weights.fit.normalise import Normalise
from weights.table import WeightTable

weight = st.floats(0.02, 50)
rung = st.tuples(weight, st.floats(0.02, 50), st.integers(0, 10**6), st.booleans())
rows = st.lists(rung, min_size=1, max_size=30)
TARGETS = st.sampled_from([("cmi", None), ("neutral", None), ("total", 1234.5)])


def arrays(drawn):
    w, old, n, known = (np.array(column, float) for column in zip(*drawn, strict=True))
    return w, np.where(known > 0, old, np.nan), n


@given(rows, TARGETS)
def test_without_limits(drawn, target) -> None:
    w, old, n = arrays(drawn)
    how = Normalise(*target)
    part = (n > 0) & (np.isfinite(old) | (how.method != "neutral"))
    free = np.zeros(len(w)), np.full(len(w), np.inf)
    if not part.any():
        with pytest.raises(DrgError, match="no group has cases and a weight"):
            how.factor(w, n, old, *free)
        return
    found = w * how.factor(w, n, old, *free)
    wanted = {"cmi": n[part].sum(), "neutral": (n * old)[part].sum(), "total": 1234.5}[how.method]
    total = (n * found)[part].sum()
    assert abs(total - wanted) <= 1e-9 * wanted
    assert abs(total - wanted) / n.sum() <= 1e-9 * max(1.0, wanted / n.sum())
    np.testing.assert_allclose(found / w, found[0] / w[0], rtol=1e-12)
    np.testing.assert_allclose(found, w * how.scale(w, n, old, 1.0), rtol=1e-12)


@given(rows, st.floats(0, 1), st.floats(0, 3), st.sampled_from(["cmi", "neutral"]))
def test_inside_a_corridor(drawn, fall, rise, method) -> None:
    w, old, n = arrays(drawn)
    low, high = Corridor(fall, rise).bounds(old)
    how = Normalise(method)
    try:
        target, part = how.target(w, n, old)
    except DrgError:
        return
    least, most = (n * low)[part].sum(), (n * high)[part].sum()
    if not least * (1 - 1e-12) <= target <= most * (1 + 1e-12):
        assert method == "cmi"  # last year's weights are always inside, so neutral has room
        with pytest.raises(DrgError, match="leave no room"):
            how.factor(w, n, old, low, high)
        return
    found = np.clip(w * how.factor(w, n, old, low, high), low, high)
    assert ((low <= found) & (found <= high)).all()
    assert abs((n * found)[part].sum() - target) <= 1e-9 * target
    scale = np.median((found / w)[(found > low) & (found < high)]) if (
        (found > low) & (found < high)).any() else None  # fmt: skip
    if scale is not None:  # one scale for all that no limit holds, and only limits hold the rest
        np.testing.assert_allclose(found, np.clip(w * scale, low, high), rtol=1e-9)


@given(rows, st.lists(st.booleans(), min_size=30, max_size=30))
def test_frozen_groups_stay(drawn, frozen) -> None:
    w, old, n = arrays(drawn)
    held = np.array(frozen[: len(w)])
    low, high = np.where(held, w, 0.0), np.where(held, w, np.inf)
    if not (n > 0).any():
        return
    try:
        found = np.clip(w * Normalise().factor(w, n, old, low, high), low, high)
    except DrgError as error:
        assert "leave no room" in str(error)
        fixed = (n * w)[held].sum()
        assert fixed > n.sum() * (1 - 1e-9) or not (~held & (n > 0)).any()
        return
    assert (found[held] == w[held]).all()
    assert (n * found).sum() == pytest.approx(n.sum(), rel=1e-9)


CASES = pd.DataFrame({"drg": ["AA11", "AA11", "AB11", "AC11"],
                      "total_cost": [9000.0, 7000.0, 3000.0, 1000.0]})  # fmt: skip


def fit(normalise, **more):
    return Calibrator(normalise=normalise, **more).fit(CASES)


def test_in_a_calibration() -> None:
    previous = WeightTable("p", pd.DataFrame({"drg": ["AA11", "AB11"], "weight": [2.0, 0.5]}))
    assert fit("none").weights_.tolist() == [1.6, 0.6, 0.2]
    assert fit(Normalise("reference", 10_000)).weights_.tolist() == pytest.approx([0.8, 0.3, 0.1])
    assert fit(Normalise("total", 8)).weights_.tolist() == pytest.approx([3.2, 1.2, 0.4])
    neutral = fit("neutral", previous=previous).weights_
    assert 2 * neutral["AA11"] + neutral["AB11"] == pytest.approx(4.5, rel=1e-12)
    assert neutral["AC11"] == pytest.approx(neutral["AB11"] / 3)
    cmi = fit("cmi").table_.frame
    assert (cmi["weight"] * cmi["cases"]).sum() / 4 == pytest.approx(1, abs=1e-9)
    held = fit(Normalise("reference", 10_000), previous=previous, corridor=Corridor(0.1))
    assert held.weights_.tolist() == pytest.approx([1.8, 0.45, 0.1])


def test_cmi_is_one_over_the_cases_that_are_paid() -> None:
    """Cases that were trimmed are paid too; cases of groups without weight are not counted."""
    rng = np.random.default_rng(0)
    cases = pd.DataFrame({"drg": rng.choice(["AA11", "AB11", "AC11"], 300, p=[0.7, 0.29, 0.01]),
                          "total_cost": np.exp(rng.normal(8, 1.5, 300))})  # fmt: skip
    steps = Calibrator(trim="ratio", low_volume=LowVolume(action="review"))
    frame = steps.fit(cases).table_.frame
    assert frame["weight"].isna().tolist() == [False, False, True]
    paid = frame[frame["weight"].notna()]
    assert paid["cases"].sum() > paid["cases_used"].sum()
    mean = (paid["weight"] * paid["cases"]).sum() / paid["cases"].sum()
    assert mean == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("method", "amount"), [
    ("x", None), ("cmi", 1.0), ("reference", None), ("reference", 0), ("total", -1),
    ("total", float("nan")), ("total", float("inf")), ("neutral", 2.0),
])  # fmt: skip
def test_scales_that_cannot_be(method, amount) -> None:
    with pytest.raises(DrgError):
        Normalise(method, amount)


def test_neutral_needs_a_table() -> None:
    with pytest.raises(DrgError, match="needs last year's weights"):
        fit("neutral")
    other = WeightTable("p", pd.DataFrame({"drg": ["ZZ11"], "weight": [2.0]}))
    with pytest.raises(DrgError, match="no group has cases and a weight in the previous table"):
        fit("neutral", previous=other)
