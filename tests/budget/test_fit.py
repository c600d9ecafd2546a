"""Fits find planted responses, the smallest ones, and say what they do not show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget.behaviour.responses import references
from budget.fit.rate import RateModel, Tier
from budget.fit.reference import changzhi_reference, even_mix, reference
from budget.fit.response import Fit, Parameter, Unreachable, fit_response
from drg.errors import DrgError
from tests.amount import tries

TIERS = {"tier3": Tier(14_000.0, 1.4, 8_700.0), "tier2": Tier(8_000.0, 0.9, 6_700.0)}
MODEL = RateModel(TIERS)
BEFORE = {name: tier.cost for name, tier in TIERS.items()}


def test_the_rule_alone_leaves_the_billed_cost():
    assert MODEL({}) == BEFORE
    assert RateModel(TIERS, cap=0.8)({}) == BEFORE
    assert MODEL.payment("tier3") == pytest.approx(8_700 * 1.4)
    assert RateModel(TIERS, cap=0.8).payment("tier3") == pytest.approx(8_700 * 1.4 * 0.8)


def test_the_rate_model_by_hand():
    found = MODEL({"intensity.loss": 0.5, "intensity.level": -0.1, "intensity.loss@tier2": 0.0})
    assert found["tier3"] == pytest.approx((14_000 + 12_180) / 2 * 0.9)
    assert found["tier2"] == pytest.approx(7_200)
    assert MODEL({"intensity.loss": 1.0})["tier3"] == pytest.approx(12_180)
    lighter = MODEL({"case_mix.change": -0.1, "price.change": -0.05})
    assert lighter["tier3"] == pytest.approx(14_000 * 0.9 * 0.95)
    coded = {"coding.creep": 0.04, "coding.true_share": 0.5, "intensity.loss": 1.0}
    assert MODEL({"coding.creep": 0.04})["tier3"] == 14_000  # a code costs nothing
    assert MODEL(coded)["tier3"] == pytest.approx(12_180 * 1.04)  # but pays
    rich = RateModel({"a": Tier(1_000.0, 1.0, 2_000.0)})
    assert rich({"intensity.gain": 0.3, "intensity.loss": 1.0})["a"] == pytest.approx(1_300)


@settings(max_examples=tries(25), deadline=None)
@given(loss=st.floats(0.02, 0.98), level=st.floats(-0.12, 0.05))
def test_planted_responses_come_back(loss, level):
    planted = {"intensity.loss": loss, "intensity.level": level}
    fit = fit_response(MODEL, BEFORE, MODEL(planted), list(planted))
    assert fit.values == pytest.approx(planted, abs=1e-5)
    assert fit.outcomes == pytest.approx(fit.after, rel=1e-7)
    assert fit.outside == ()
    assert fit.interval["intensity.loss"] == (fit.values["intensity.loss"],) * 2


@settings(max_examples=tries(25), deadline=None)
@given(shift=st.floats(-0.2, 0.2), a=st.floats(0.05, 2.0), b=st.floats(0.05, 2.0))
def test_the_smallest_of_many(shift, a, b):
    """With y = y0 + p + q the smallest response is known: by squares of the scales."""
    parameters = [Parameter("p", -a, a), Parameter("q", 0.0, b)]
    fit = fit_response(lambda v: {"y": 1 + v["p"] + v["q"]}, {"y": 1}, {"y": 1 + shift}, parameters)
    assert fit.values["p"] == pytest.approx(shift * a * a / (a * a + b * b), abs=1e-5)
    assert fit.values["q"] == pytest.approx(shift * b * b / (a * a + b * b), abs=1e-5)
    assert fit.size == pytest.approx(abs(shift) / np.hypot(a, b), abs=1e-5)


def test_nothing_to_explain_is_no_response():
    fit = fit_response(MODEL, BEFORE, BEFORE, ["intensity.level", "intensity.loss"])
    assert fit.values == {"intensity.level": 0.0, "intensity.loss": 0.0}
    assert fit.size == 0
    assert all(np.isnan(share) for share in fit.shares("tier3").values())


@settings(max_examples=tries(20), deadline=None)
@given(cut=st.floats(0.0, 0.1), more=st.floats(0.001, 0.1))
def test_a_larger_fall_takes_a_larger_response(cut, more):
    keys = ["intensity.level", "intensity.loss"]
    sizes = [
        fit_response(MODEL, BEFORE, {"tier3": 14_000 * (1 - x)}, keys).size
        for x in (cut, cut + more)
    ]
    assert sizes[0] < sizes[1]


def test_parts_add_up_to_the_change():
    planted = {"case_mix.change": -0.04, "price.change": -0.03, "intensity.level": -0.05,
               "intensity.loss": 0.3}  # fmt: skip
    fit = fit_response(MODEL, BEFORE, MODEL(planted), list(planted))
    for name in BEFORE:
        parts = fit.explained[name]
        assert list(parts) == ["rule", "case_mix", "price", "response"]
        assert parts["rule"] == 0.0
        assert sum(parts.values()) == pytest.approx(fit.outcomes[name] - BEFORE[name], abs=1e-6)
        assert sum(fit.shares(name).values()) == pytest.approx(1.0, abs=1e-6)


def test_a_rule_that_explains_a_part():
    """Of what the fund pays, not of what is billed, the rule is the larger part."""

    def paid(values):
        return {"payment": 90.0 * (1 + values.get("coding.creep", 0.0))}

    fit = fit_response(paid, {"payment": 100.0}, {"payment": 91.8}, ["coding.creep"])
    assert fit.explained["payment"]["rule"] == pytest.approx(-10)
    assert fit.explained["payment"]["coding"] == pytest.approx(1.8)


def test_interval_from_rounding():
    fit = fit_response(MODEL, BEFORE, {"tier3": 11_200.0}, ["intensity.level"], uncertainty=50.0)
    assert fit.values["intensity.level"] == pytest.approx(-0.2)
    assert fit.interval["intensity.level"] == pytest.approx((-2_850 / 14_000, -2_750 / 14_000))
    own = fit_response(MODEL, BEFORE, {"tier3": 11_200.0}, ["intensity.level"],
                       uncertainty={"tier3": 50.0})  # fmt: skip
    assert own == fit


def test_interval_of_many_means():
    names = [f"y{i}" for i in range(6)]
    parameters = [Parameter(f"p{i}", -1.0, 1.0) for i in range(6)]

    def model(values):
        return {f"y{i}": 10.0 + values[f"p{i}"] for i in range(6)}

    fit = fit_response(model, dict.fromkeys(names, 10.0), dict.fromkeys(names, 10.5), parameters,
                       uncertainty=0.1)  # fmt: skip
    for low, high in fit.interval.values():
        assert (low, high) == pytest.approx((0.4, 0.6), abs=1e-6)


def test_means_that_agree_only_within_their_rounding():
    after = {"tier3": 12_600.4, "tier2": 7_200.0}  # -10% both, nearly
    with pytest.raises(Unreachable):
        fit_response(MODEL, BEFORE, after, ["intensity.level"])
    fit = fit_response(MODEL, BEFORE, after, ["intensity.level"], uncertainty=0.5)
    assert fit.values["intensity.level"] == pytest.approx(-0.1, abs=1e-4)


def test_out_of_reach():
    with pytest.raises(
        Unreachable,
        match=r"tier3: no value of the parameters gives this mean; the "
        "nearest is 12,180 with intensity.loss 1: found '11,000'",
    ) as caught:
        fit_response(MODEL, BEFORE, {"tier3": 11_000.0}, ["intensity.loss"])  # fmt: skip
    assert isinstance(caught.value, DrgError)
    assert caught.value.nearest.values["intensity.loss"] == pytest.approx(1.0, abs=1e-6)


def test_what_lies_outside_is_said():
    fit = fit_response(MODEL, BEFORE, {"tier3": 11_200.0}, ["intensity.level"])
    assert fit.outside == ("intensity.level",)
    english, chinese = fit.sentences(), fit.sentences("zh")
    assert english[0] == (
        "tier3: 14,000 -> 11,200 (-20.0%); the payment rule alone 0.0%, response 100.0%."
    )
    assert english[1] == "intensity.level = -0.2, OUTSIDE the published range, -0.13 to 0.059."
    assert "not an estimate" in english[-1]
    assert chinese[1] == "intensity.level = -0.2，超出已发表范围 -0.13 至 0.059。"
    assert "不是对改革效果的估计" in chinese[-1]
    with pytest.raises(DrgError, match="no such language"):
        fit.sentences("fr")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: fit_response(MODEL, BEFORE, {}, ["intensity.level"]), "nothing to fit"),
        (lambda: fit_response(MODEL, BEFORE, BEFORE, []), "nothing to fit"),
        (lambda: fit_response(MODEL, BEFORE, {"tier1": 1.0}, ["intensity.level"]), "no mean bef"),
        (lambda: fit_response(MODEL, {"x": 1}, {"x": 1}, ["intensity.level"]), "does not give"),
        (lambda: fit_response(MODEL, BEFORE, BEFORE, ["zeal"]), "nothing is known"),
        (lambda: fit_response(MODEL, BEFORE, BEFORE, ["volume.medical"]), "no such parameter"),
        (lambda: fit_response(MODEL, BEFORE, BEFORE, ["price.change"] * 2), "stands twice"),
        (lambda: fit_response(MODEL, BEFORE, {"tier3": float("nan")}, ["price.change"]),
         "not a number"),
        (lambda: fit_response(MODEL, BEFORE, BEFORE, ["price.change"], uncertainty=-1.0),
         "must not be below 0"),
        (lambda: fit_response(lambda v: {"tier3": float("inf")}, BEFORE, {"tier3": 1.0},
                              ["price.change"]), "gives no number"),
        (lambda: MODEL({"intensity.loss@tier9": 0.1}), "no such parameter"),
        (lambda: reference("atlantis"), "no such pair"),
        (lambda: changzhi_reference(indices={"tier9": 1.0}), "indices: no such tier"),
        (lambda: changzhi_reference(indices={"tier3": 99.0}), "no mix of these groups"),
        (lambda: changzhi_reference(cap=0.0), "cap: must be above 0"),
        (lambda: changzhi_reference(class_shares={"tier5": 1.0}), "no such class"),
        (lambda: changzhi_reference(class_shares={"tier2_city": 0.0, "tier2_county": 0.0}),
         "not all be 0"),
        (lambda: changzhi_reference({"tier3": {"XX99": 1.0}}), "the group has no weight"),
        (lambda: changzhi_reference({"tier3": {"FR15": -1.0}}), "must not be below 0"),
    ],
)  # fmt: skip
def test_what_cannot_be(call, says):
    with pytest.raises(DrgError, match=says):
        call()


@given(index=st.floats(0.2, 15.0))
def test_even_mix(index):
    weight = np.linspace(0.15, 20.0, 60)
    share = even_mix(weight, index)
    assert share.sum() == pytest.approx(1)
    assert share @ weight == pytest.approx(index, rel=1e-9)
    assert (np.diff(share) <= 0).all() or (np.diff(share) >= 0).all()
    assert np.diff(np.log(np.maximum(share, 1e-300))[:3]).std() == pytest.approx(0, abs=1e-9)


# Changzhi


def test_changzhi_by_hand():
    """The mixes of one group are paid the published rates times its weight."""
    one = {"FR15": 1.0}
    found = changzhi_reference({"tier3": one, "tier2": one}, class_shares={"tier2_city": 0.0})
    tier3, tier2 = found.pulls["tier3"], found.pulls["tier2"]
    assert tier3.rate == pytest.approx(8_727.60, rel=1e-5)  # standards are in whole fen
    assert tier2.rate == pytest.approx(6_575.25, rel=1e-5)
    assert tier3.index_before == pytest.approx(14_043 / 8_727.60, rel=1e-5)
    assert tier2.index_after == pytest.approx(5_618 / 6_575.25, rel=1e-5)
    assert tier3.payment == pytest.approx(tier3.index * tier3.rate)
    city = changzhi_reference({"tier2": one}, class_shares={"tier2_county": 0.0})
    assert city.pulls["tier2"].rate == pytest.approx(6_920.72, rel=1e-5)


def test_changzhi_needs_more_than_the_rule():
    found = changzhi_reference()
    level3, level2 = (found.readings["level", tier] for tier in ("tier3", "tier2"))
    assert isinstance(level3, Fit)
    assert isinstance(level2, Fit)
    assert level3.values["intensity.level@tier3"] == pytest.approx(11_225 / 14_043 - 1)
    assert level2.values["intensity.level@tier2"] == pytest.approx(5_618 / 7_813 - 1)
    low, high = level3.interval["intensity.level@tier3"]
    assert high - low == pytest.approx(1 / 14_043, rel=1e-3)
    assert level3.outside
    assert level2.outside
    for fit in (level3, level2, found.together):
        for name in fit.after:
            assert fit.explained[name]["rule"] == 0.0
    # a tier-2 case of weight 1 is paid more than it cost after the reform: no saving of losses
    # leads there
    assert isinstance(found.readings["loss", "tier2"], Unreachable)
    assert found.pulls["tier2"].payment > 5_618
    assert found.pulls["tier2"].rule_share == 0.0
    assert found.together.outside == ("intensity.level", "case_mix.change@tier2")


def test_changzhi_at_the_index_that_the_costs_imply():
    first = changzhi_reference()
    paid = {tier: pull.index_before for tier, pull in first.pulls.items()}
    even = changzhi_reference(indices=paid)
    for pull in even.pulls.values():  # nobody loses, so there is nearly nothing to save
        assert abs(pull.pull_share) < 0.03
    assert isinstance(even.readings["loss", "tier3"], Unreachable)
    capped = changzhi_reference(indices=paid, cap=0.75)
    assert isinstance(capped.readings["loss", "tier3"], Fit)


def test_references_name_their_source():
    for held in references().values():
        assert held["source"]
        assert held["rounding"] == 0.5
