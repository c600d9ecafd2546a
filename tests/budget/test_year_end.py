from __future__ import annotations

from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget.cases.hospitals import Hospitals, hospitals_of
from budget.policy import load_policy
from budget.policy.ladder import Ladder, Share
from budget.settlement.year_end import STEPS, YearEnd, in_bands, year_end
from drg.errors import DrgError

POLICY = load_policy("national-default").replace(
    "assessment.credit",
    [{"at_least": 60, "coefficient": 1.02}, {"at_least": 0, "coefficient": 0.97}],
)
FREE = (
    POLICY.replace("sharing.surplus", [{"value": 1.0}])
    .replace("sharing.overrun", [{"value": 0.0}])
    .replace("assessment.scores", [{"at_least": 0, "coefficient": 1.0}])
)
money = st.integers(0, 10**13)


def half_up(exact: Decimal) -> int:
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def hospitals(**columns: list) -> Hospitals:
    count = len(next(iter(columns.values())))
    texts = {name: [str(value) for value in held] for name, held in columns.items()}
    return hospitals_of(pd.DataFrame({"hospital_id": [f"H{i + 1}" for i in range(count)], **texts}))


def clear(policy, held, payable, item, cost=None, patient=None, other=None) -> YearEnd:
    payable, item = np.array(payable, np.int64), np.array(item, np.int64)
    nothing = np.zeros_like(payable)
    return year_end(
        payable, item, item if cost is None else np.array(cost),
        nothing if patient is None else np.array(patient),
        nothing if other is None else np.array(other),
        held, policy.assessment, policy.sharing, policy.pools,
    )  # fmt: skip


@st.composite
def years(draw):
    """A policy, hospitals, and the five sums of a year."""
    count = draw(st.integers(1, 6))
    ladder = []
    ends = sorted(draw(st.sets(st.integers(1, 40), min_size=0, max_size=3)))
    for above, upto in zip([None, *ends], [*ends, None], strict=True):
        band = {"value": draw(st.integers(0, 100)) / 100}
        band |= {"above": above / 100} if above else {}
        band |= {"upto": upto / 100} if upto else {}
        ladder.append(band)
    policy = POLICY.replace(draw(st.sampled_from(["sharing.surplus", "sharing.overrun"])), ladder)
    cap = draw(st.sampled_from([None, 1.0, 1.1, 1.234]))
    policy = policy if cap is None else policy.replace("sharing.cap", cap)
    held = hospitals(
        tier=[str(draw(st.integers(1, 3))) for _ in range(count)],
        score=[draw(st.one_of(st.just(""), st.integers(0, 100))) for _ in range(count)],
        credit=[draw(st.one_of(st.just(""), st.integers(0, 100))) for _ in range(count)],
        penalty=[draw(st.one_of(st.just(0), st.integers(0, 10**9))) / 100 for _ in range(count)],
    )
    shape = (5, count, len(policy.pools))
    flat = draw(st.lists(money, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    return policy, held, np.array(flat, np.int64).reshape(shape)


@given(years())
def test_every_step_follows_from_the_one_before_to_the_fen(year):
    policy, held, (payable, item, cost, patient, other) = year
    done = year_end(payable, item, cost, patient, other, held, policy.assessment, policy.sharing,
                    policy.pools)  # fmt: skip
    assert (done.payable - done.surplus_returned + done.overrun_borne - done.capped
            == done.settled).all()  # fmt: skip
    assert (done.settled - done.assessment_withheld == done.assessed).all()
    assert (done.assessed - done.penalty == done.final).all()
    assert (done.final >= 0).all(), "nothing here is negative"
    for place in np.ndindex(payable.shape):
        factor = Decimal(str(done.coefficient[place[0]])) * Decimal(str(done.credit[place[0]]))
        assert done.assessed[place] == half_up(int(done.settled[place]) * factor)
    assert ((done.surplus_returned >= 0) & (done.surplus_returned <= done.surplus)).all()
    assert ((done.overrun_borne >= 0) & (done.overrun_borne <= done.overrun)).all()
    penalty = [round(p * 100) for p in held.penalty]
    assert (done.penalty.sum(axis=1) + done.penalty_unpaid).tolist() == penalty
    assert (done.penalty_unpaid >= 0).all()
    assert done.penalty_unpaid.tolist() == [
        max(p - int(a), 0) for p, a in zip(penalty, done.assessed.sum(axis=1), strict=True)
    ]
    if policy.sharing.cap is not None:
        limit = [int((Decimal(int(c)) * Decimal(repr(policy.sharing.cap)))
                     .quantize(Decimal(1), ROUND_FLOOR)) for c in cost.ravel()]  # fmt: skip
        limit = np.maximum(np.array(limit).reshape(cost.shape), patient + other)
        assert (done.settled + patient + other <= limit).all()
    sums = {step: getattr(done, step).sum(axis=0) for step in STEPS}
    assert (sums["payable"] - sums["surplus_returned"] + sums["overrun_borne"] - sums["capped"]
            - sums["assessment_withheld"] - sums["penalty"] == sums["final"]).all()  # fmt: skip


@given(years())
def test_without_any_rule_the_payable_is_paid_bit_for_bit(year):
    _, held, (payable, item, cost, patient, other) = year
    plain = hospitals_of(pd.DataFrame({"hospital_id": list(held.ids)}))
    done = year_end(payable, item, cost, patient, other, plain, FREE.assessment, FREE.sharing)
    assert np.array_equal(done.final, payable)
    assert done.warnings == {}


@given(years())
def test_bands_agree_with_the_policy_s_own_slices(year):
    policy, _, (payable, item, *_) = year
    base, amount = payable + 1, np.abs(item - payable)
    for ladder in (policy.sharing.surplus, policy.sharing.overrun):
        exact, known = in_bands(ladder, amount, base)
        near = ladder.slices(amount / base) * base
        assert known.all()
        assert (np.abs(exact - near) <= 1 + 1e-12 * np.maximum(base, amount)).all()


def test_a_year_by_hand():
    held = hospitals(score=[95, 85, 70], penalty=[0, 1_000, 0])
    #         surplus 30% of payable      overrun 20%             even
    done = clear(
        POLICY,
        held,
        [[1_000_000_00, 0], [500_000_00, 500_000_00], [100_000_00, 0]],
        [[700_000_00, 0], [600_000_00, 500_000_00], [100_000_00, 0]],
    )
    # kept: 10% whole, 10% half, the last 10% not: 150,000 of 300,000
    assert done.surplus_returned.tolist() == [[150_000_00, 0], [0, 0], [0, 0]]
    # borne: 60% of the first 10% of the payable, nothing of the rest
    assert done.overrun_borne.tolist() == [[0, 0], [30_000_00, 0], [0, 0]]
    assert done.assessed.tolist() == [[850_000_00, 0], [519_400_00, 490_000_00], [95_000_00, 0]]
    # 1,000 x 519,400 / 1,009,400 = 514.56...
    assert done.penalty.tolist() == [[0, 0], [514_56, 485_44], [0, 0]]
    assert done.final.sum() == 850_000_00 + 519_400_00 + 490_000_00 - 1_000_00 + 95_000_00
    table = done.table()
    assert table.num_rows == 6
    assert table.column("final")[2].as_py() == 518_885.44


def test_the_cap_counts_all_payers_and_never_takes_more_than_the_fund_pays():
    policy = FREE.replace("sharing.cap", 1.1)
    held = hospitals(score=[100, 100, 100])
    done = clear(policy, held, [[100, 0], [100, 0], [5, 0]], [[0, 0]] * 3,
                 [[105, 0], [10, 0], [5, 0]], [[10, 0], [60, 0], [1, 0]],
                 [[10, 0], [0, 0], [0, 0]])  # fmt: skip
    assert done.capped[:, 0].tolist() == [5, 100, 1]  # 115.5 and 5.5 fen are 115 and 5
    assert done.warnings == {
        "above_cap.H2": "hospital H2: without the fund more is paid than the cap allows, by: "
        "employee 0.49 yuan"
    }


def test_what_cannot_be_taken_and_what_is_negative_is_named():
    held = hospitals(penalty=[10, 0])
    done = clear(FREE, held, [[300, 100], [-500, 200]], [[300, 100], [0, 200]])
    assert done.penalty.tolist() == [[300, 100], [0, 0]]
    assert done.penalty_unpaid.tolist() == [600, 0]
    assert done.final.tolist() == [[0, 0], [-500, 200]]
    assert done.warnings == {
        "penalty_unpaid.H1": "hospital H1: no money was left for a part of the penalty: 6.00 yuan",
        "negative_payable.H2": "hospital H2: payable is negative: employee -5.00 yuan",
        "negative_final.H2": "hospital H2: the final settlement is negative: employee -5.00 yuan",
    }


def test_bands_by_tier_and_insurance():
    policy = FREE.replace(
        "sharing.overrun",
        [{"value": 0.0}, {"tier": 3, "value": 0.5}, {"tier": 3, "insurance": "resident",
                                                     "value": 1.0}],
    )  # fmt: skip
    done = clear(policy, hospitals(tier=["3", "2"]), [[100, 100]] * 2, [[120, 120]] * 2)
    assert done.overrun_borne.tolist() == [[10, 20], [0, 0]]
    only = FREE.replace("sharing.overrun", [{"tier": 3, "value": 0.5}])
    with pytest.raises(DrgError, match=r"sharing.overrun: no band applies: found 'hospital H2, em"):
        clear(only, hospitals(tier=["3", "2"]), [[100, 100]] * 2, [[120, 120]] * 2)


def test_overrun_without_payable_is_in_the_last_band():
    bands = ({"upto": 0.1, "value": 0.6}, {"above": 0.1, "value": 0.25})
    ladder = Ladder[Share].model_validate(bands)
    part, _ = in_bands(ladder, np.array([[100, 100]]), np.array([[0, 1000]]))
    assert part.tolist() == [[25, 60]]


def test_amounts_that_are_not_whole_fen_are_refused():
    held = hospitals(score=[100])
    with pytest.raises(DrgError, match="payable: not whole fen: found 'float64'"):
        year_end(np.zeros((1, 2)), *[np.zeros((1, 2), np.int64)] * 4, held, POLICY.assessment,
                 POLICY.sharing)  # fmt: skip
    with pytest.raises(DrgError, match=r"item: wrong shape: found '\(2, 2\)', expected \(1, 2\)"):
        clear(POLICY, held, [[1, 2]], [[1, 2], [3, 4]])


# Exact products
