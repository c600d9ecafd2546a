"""Reactions of hospitals: nothing moves without one, and each does what its source says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget.behaviour.moves import MEDICAL, PROCEDURE, SURGICAL, State, group_kinds, respond
from budget.behaviour.responses import (
    Bunching,
    Coding,
    Intensity,
    Refusal,
    Responses,
    Substitution,
    Volume,
    assumptions,
    ranges,
    references,
)
from drg.errors import DrgError
from weights.table.families import families

GROUPS = ("FB21", "FB23", "FB25", "FM19", "FR11", "FR15", "XS13")
WEIGHT = np.array([6.0, 4.0, 3.0, 1.8, 1.2, 0.6, 0.3])


def state(seed=0, hospitals=3, lead=(), **replaced):
    """A few hospitals with random prices, gains and cases."""
    draw = np.random.default_rng(seed)
    shape = (*lead, hospitals, len(GROUPS))
    held = {
        "price": draw.uniform(-0.3, 0.3, shape),
        "gain": draw.uniform(-0.6, 0.6, shape),
        "cases": draw.integers(0, 400, shape).astype(float),
        "weight": WEIGHT,
        "kinds": group_kinds(GROUPS),
        "ladders": families(GROUPS).ladders,
        "tier": np.array([3, 2, 1])[:hospitals],
    }
    return State(**{**held, **replaced})


def cost_of(held):
    return held.cases * WEIGHT * 7_000.0 / 3.0


def test_kinds_by_the_second_letter():
    kinds = group_kinds(["FB21", "AJ19", "FK19", "FQ19", "FR11", "FZ15", "0000", "1A19", "F"])
    assert kinds.tolist() == [SURGICAL] * 2 + [PROCEDURE] * 2 + [MEDICAL] * 5


@given(seed=st.integers(0, 10**6))
def test_without_response_nothing_moves(seed):
    held = state(seed)
    change = respond(held, Responses())
    for part in (change.volume, change.intensity, change.stay):
        assert (part == 1.0).all()
    for part in (change.outpatient, change.refused, change.past_low, change.past_high):
        assert (part == 0.0).all()
    assert len(change.moves) == 0
    cost = cost_of(held) / 7
    cases, spent = change.apply(held.cases, cost)
    assert cases.tobytes() == held.cases.tobytes()
    assert spent.tobytes() == cost.tobytes()
    assert Responses().off
    assert Responses(coding=Coding(true_share=0.5)).off
    assert assumptions(Responses()) == []


def test_norway_volume():
    held = state(price=np.full((3, 7), 0.1))
    for elasticity, least, most in ((0.08, 1.007, 1.008), (0.13, 1.012, 1.013)):
        factor = respond(held, Responses(volume=Volume(medical=elasticity))).volume
        medical = held.kinds == MEDICAL
        assert (factor[:, ~medical] == 1.0).all()
        assert (factor[:, medical] == 1.1**elasticity).all()
        assert least < factor[0, -1] < most


def test_norway_coding():
    """+10% on the ratio of prices: 0.3 to 0.4 points of the pair's cases move up."""
    price = np.zeros((3, 7))
    price[:, 4] = 0.1  # FR11, with FR15 below it
    held = state(price=price)
    change = respond(held, Responses(coding=Coding(step=0.035)))
    cases, spent = change.apply(held.cases, cost_of(held))
    pair = held.cases[:, 4] + held.cases[:, 5]
    assert (cases[:, 4] - held.cases[:, 4]) / pair == pytest.approx(0.0035)
    assert cases.sum() == pytest.approx(held.cases.sum())
    assert spent.sum() == pytest.approx(cost_of(held).sum())  # the same patients, coded higher
    assert cases[:, :4].tolist() == held.cases[:, :4].tolist()


def test_coding_turns_round_when_the_ratio_falls():
    price = np.zeros((3, 7))
    price[:, 4] = -0.1
    held = state(price=price)
    cases, _ = respond(held, Responses(coding=Coding(step=0.04))).apply(held.cases, cost_of(held))
    assert (cases[:, 4] < held.cases[:, 4]).all()
    assert (cases[:, 5] > held.cases[:, 5]).all()


@given(seed=st.integers(0, 10**6), step=st.floats(0.0, 50.0))
def test_no_group_gives_more_than_it_has(seed, step):
    held = state(seed)
    cases, spent = respond(held, Responses(coding=Coding(step=step))).apply(
        held.cases, cost_of(held)
    )
    assert (cases >= -1e-9).all()
    assert (spent >= -1e-6).all()
    assert cases.sum(axis=1) == pytest.approx(held.cases.sum(axis=1))


@given(true=st.floats(0.0, 1.0))
def test_us_case_mix_creep(true):
    """The index rises by 3.3%; of the cost that it stands for, the true part is there."""
    held = state(cases=np.full((3, 7), 100.0))
    change = respond(held, Responses(coding=Coding(creep=0.033, true_share=true)))
    cost = cost_of(held)
    cases, spent = change.apply(held.cases, cost)
    before, after = (n @ WEIGHT / n.sum(axis=1) for n in (held.cases, cases))
    assert after / before == pytest.approx(1.033, abs=1e-12)
    assert spent.sum() / cost.sum() == pytest.approx(1 + 0.033 * true, abs=1e-12)


def test_intensity_follows_loss_and_gain():
    gain = np.array([[-0.4, 0.4, 0.0, -0.2, 0.1, 0.0, 0.3]])
    held = state(hospitals=1, gain=gain)
    full = respond(held, Responses(intensity=Intensity(loss=1.0))).intensity
    assert full == pytest.approx(1 + np.minimum(gain, 0))  # cost goes to the payment
    both = respond(held, Responses(intensity=Intensity(loss=0.5, gain=0.2, level=-0.1, follow=1)))
    assert both.intensity[0, :3] == pytest.approx([0.8 * 0.9, 1.08 * 0.9, 0.9])
    assert both.stay[0, :3] == pytest.approx([0.8, 1.08, 1.0])
    meng = respond(held, Responses(intensity=Intensity(stay=-0.0807)))
    assert (meng.stay == 1 - 0.0807).all()
    assert (meng.intensity == 1.0).all()


def test_light_admissions_move_out():
    weight = np.where(WEIGHT == 1.8, np.nan, WEIGHT)
    change = respond(
        state(weight=weight), Responses(substitution=Substitution(share=0.1, weight_below=0.7))
    )
    assert change.outpatient[0].tolist() == [0, 0, 0, 0, 0, 0.1, 0.1]
    assert change.volume[0] == pytest.approx([1, 1, 1, 1, 1, 0.9, 0.9])


def test_refused_cases_go_up_a_tier_or_leave():
    gain = np.zeros((3, 7))
    gain[1, 0] = gain[0, 1] = -0.5  # tier 2 loses on the first group, tier 3 on the second
    held = state(gain=gain, cases=np.full((3, 7), 100.0))
    change = respond(held, Responses(refusal=Refusal(share=0.2, up=0.75)))
    cases, _ = change.apply(held.cases, cost_of(held))
    assert cases[1, 0] == pytest.approx(80)
    assert cases[0, 0] == pytest.approx(115)
    assert cases[0, 1] == pytest.approx(80)  # above tier 3 there is nobody
    assert cases.sum() == pytest.approx(2100 - 5 - 20)
    light = respond(held, Responses(refusal=Refusal(share=0.2, weight_above=5.0)))
    assert light.refused[0].max() == 0
    with pytest.raises(DrgError, match="tiers"):
        respond(state(gain=gain, tier=None), Responses(refusal=Refusal(share=0.2, up=0.5)))


def test_bunching_needs_the_cases_near_the_line():
    held = state(near_low=np.full((3, 7), 0.02))
    change = respond(held, Responses(bunching=Bunching(low=0.5)))
    assert (change.past_low == 0.01).all()
    assert (change.past_high == 0).all()
    with pytest.raises(DrgError, match=r"bunching\.high: the share of cases just below"):
        respond(held, Responses(bunching=Bunching(high=0.5)))


EVERYTHING = {
    "volume": {"medical": 0.1, "procedure": 0.05},
    "coding": {"step": 0.04, "creep": 0.02, "true_share": 0.5},
    "intensity": {"loss": 0.3, "gain": 0.1, "level": -0.02, "follow": 0.5},
    "substitution": {"share": 0.05},
    "refusal": {"share": 0.1, "up": 0.5},
}


def test_draws_are_the_same_one_by_one():
    held = state(3, lead=(4,))
    draws = np.linspace(0.0, 0.12, 4)[:, None, None]
    together = respond(held, Responses.of({**EVERYTHING, "volume": {"medical": draws}}))
    cases, cost = together.apply(held.cases, cost_of(held))
    for one in range(4):
        own = State(held.price[one], held.gain[one], held.cases[one], held.weight, held.kinds,
                    held.ladders, held.tier)  # fmt: skip
        change = respond(
            own, Responses.of({**EVERYTHING, "volume": {"medical": float(draws[one, 0, 0])}})
        )
        alone = change.apply(own.cases, cost_of(own))
        assert cases[one] == pytest.approx(alone[0], rel=1e-12)
        assert cost[one] == pytest.approx(alone[1], rel=1e-12)


def test_draws_of_parameters_over_one_state():
    held = state(cases=np.full((3, 7), 100.0))
    creep = np.array([0.0, 0.01, 0.03])[:, None, None]
    change = respond(held, Responses(coding=Coding(creep=creep, true_share=0.5)))
    cases, cost = change.apply(held.cases, cost_of(held))
    assert cases.shape == cost.shape == (3, 3, 7)
    index = cases @ WEIGHT / cases.sum(axis=-1)
    assert index / index[0] == pytest.approx(np.broadcast_to(1 + creep[..., 0], (3, 3)))


@given(small=st.floats(0, 0.5), more=st.floats(0, 0.5))
def test_more_of_a_response_does_more(small, more):
    held = state(price=np.full((3, 7), 0.2), gain=np.full((3, 7), -0.3))
    low, high = (
        respond(held, Responses(volume=Volume(medical=x), intensity=Intensity(loss=x),
                                substitution=Substitution(share=x)))
        for x in (small, small + more)
    )  # fmt: skip
    assert (high.intensity <= low.intensity).all()
    assert (high.outpatient >= low.outpatient).all()
    assert (high.volume[:, 4] >= low.volume[:, 4]).all()


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"prices": {}}, "no such response"),
        ({"volume": {"medica": 0.1}}, "behaviour.volume: no such parameter: found 'medica'"),
        ({"volume": 0.1}, "behaviour.volume: not a table"),
        ({"volume": {"medical": -2}}, "behaviour.volume.medical: not a possible response"),
        ({"volume": {"medical": "much"}}, "behaviour.volume.medical"),
        ({"volume": {"medical": True}}, "not a number"),
        ({"refusal": {"share": 1.5}}, "at least 0 and at most 1"),
        ({"refusal": {"share": float("nan")}}, "behaviour.refusal.share"),
        ({"intensity": {"level": -1}}, "at least -0.99"),
    ],
)
def test_impossible_responses(document, says):
    with pytest.raises(DrgError, match=says):
        Responses.of(document)


def test_by_key():
    held = Responses.of(EVERYTHING)
    assert Responses.at(held.values()) == held
    assert Responses.at({}) == Responses()
    with pytest.raises(DrgError, match=r"behaviour\.volume: no such parameter"):
        Responses.at({"volume": 0.1})


@given(seed=st.integers(0, 10**6))
def test_batches_hold_every_move_once(seed):
    moves = respond(state(seed), Responses(coding=Coding(step=0.5, creep=0.01))).moves
    batches = moves.batches()
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(moves)))
    for rows in batches:
        for groups in (moves.source[rows], moves.target[rows]):
            assert len(set(groups.tolist())) == len(rows)
    assert respond(state(seed), Responses()).moves.batches() == []


def test_moves_one_by_one():
    """Batches do what the moves do one after the other."""
    held = state(5)
    change = respond(held, Responses(coding=Coding(step=0.9, creep=0.02, true_share=0.4)))
    cost = cost_of(held)
    cases, spent = held.cases.copy(), cost.copy()
    for at, (source, target) in enumerate(
        zip(change.moves.source, change.moves.target, strict=True)
    ):
        for h in range(3):
            moving = held.cases[h, source] * change.moves.share[h, at]
            if moving == 0:
                continue
            own = cost[h, source] / held.cases[h, source]
            there = held.cases[h, target]
            grave = cost[h, target] / there if there else own
            cases[h, source] -= moving
            cases[h, target] += moving
            spent[h, source] -= moving * own
            spent[h, target] += moving * (own + change.moves.true[h, at] * (grave - own))
    found = change.apply(held.cases, cost)
    assert found[0] == pytest.approx(cases, rel=1e-12)
    assert found[1] == pytest.approx(spent, rel=1e-12)


def test_every_parameter_has_its_source():
    quiet = {"substitution.weight_below", "refusal.loss_above", "refusal.weight_above",
             "refusal.up"}  # fmt: skip
    assert set(ranges()) == set(Responses().values()) - quiet
    for known in ranges().values():
        assert known.low <= known.high
        assert known.basis in ("published", "direction", "logical")
        assert known.source
        assert known.zh
    assert ranges()["volume.medical"].middle == pytest.approx(0.105)
    rows = assumptions(Responses.of({"volume": {"medical": 0.5}, "intensity": {"stay": -0.0807}}))
    assert [(row["key"], row["outside"]) for row in rows] == [
        ("behaviour.volume.medical", True), ("behaviour.intensity.stay", False),
    ]  # fmt: skip


def test_the_published_pairs():
    assert references()["changzhi"]["tier3"] == {
        "before": 14043.0, "after": 11225.0, "classes": ["tier3"],
    }  # fmt: skip
