"""Patient share (个人负担): what the patient and other payers bear of each case, in whole fen.

Patients are billed by item (按项目), whatever the fund pays the hospital: from the file's own
columns, or worked out by the policy's benefit ladder (待遇政策).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from budget.cases.claims import PATIENT_PARTS, Claims
from budget.cases.hospitals import Hospitals
from budget.cases.record import Record
from budget.cases.stays import Stays
from budget.patient.ladder import climb
from budget.policy.document import Policy
from drg.errors import problem
from drg.language import say

Fen = npt.NDArray[np.int64]
Basis = Literal["by_item", "policy"]

_TOLD = {
    "payers_exceed_cost": "fund_paid and other_paid exceed the cost; cut to it, other_paid first",
    "fund_paid_zero": "fund_paid is 0 or blank; the patient is taken to have paid everything",
    "patient_parts_exceed": "the patient's parts are more than fund_paid leaves; cut to it",
    "patient_parts_short": "the patient's parts do not make up what the payers leave; "
                           "the rest is counted as copay",
    "no_ratio": "no ratio of the policy applies; the fund pays nothing by item",
    "patient_total_differs": "what the file says that the patient paid is not what fund_paid and "
                             "other_paid leave of the cost; these are taken",
    "persons_unknown": "the person is unknown; each is taken for a first stay of "
                       "the year, and yearly caps and lines hold for it alone",
    "other_paid_exceeds": "other_paid is more than the policy leaves to the patient; cut to it",
}  # fmt: skip


@dataclass(frozen=True)
class PatientShares:
    """Who bears a case billed by item, in fen, each of shape (N,).

    ``cost = out_of_scope + deductible + copay + over_cap + fund_by_item`` and
    ``cost = patient + other + fund_by_item``, case by case.

    Attributes:
        out_of_scope: outside the insurance catalogue (范围外费用).
        deductible: deductible (起付线).
        copay: the share that is not reimbursed (按比例自付).
        over_cap: what the fund would pay but for the yearly cap (超封顶线).
        fund_by_item: what the fund would pay by item (按项目基金支付).
        major_illness: paid by major illness insurance (大病保险).
        medical_aid: paid by medical aid (医疗救助).
        catch_all: paid by local catch-alls (兜底保障).
        other: all other payers (其他支付): the three above and the file's ``other_paid``.
        patient: what the person really bears (个人负担).
        basis: ``by_item`` from the file's ``fund_paid``, or ``policy``.
        counts: name of a warning -> cases that it is about; :func:`told` says it.
    """

    out_of_scope: Fen
    deductible: Fen
    copay: Fen
    over_cap: Fen
    fund_by_item: Fen
    major_illness: Fen
    medical_aid: Fen
    catch_all: Fen
    other: Fen
    patient: Fen
    basis: Basis
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def warnings(self) -> dict[str, str]:
        """Name -> what a reader must know."""
        return told(self.counts)

    @property
    def aside(self) -> Fen:
        """What the formula by ratio takes off a payment first: out of scope and deductible."""
        return self.out_of_scope + self.deductible


def basis_of(amounts: Collection[str]) -> Basis:
    """By item where the file has ``fund_paid`` among its columns of amounts, else by the policy."""
    return "by_item" if "fund_paid" in amounts else "policy"


def patient_shares(
    claims: Claims,
    hospitals: Hospitals,
    policy: Policy,
    stays: Stays | None = None,
    basis: Basis | None = None,
    record: Record | None = None,
) -> PatientShares:
    """Work out who bears what.

    Args:
        claims: the cases.
        hospitals: the hospitals, in the order in which claims number them.
        policy: the policy.
        stays: stays of persons; without them every case is taken for a person of its own.
        basis: ``by_item`` or ``policy``; by default by item where the file has ``fund_paid``.
        record: takes what the steps of its case go by.

    Raises:
        DrgError: by item was asked for and the file has no ``fund_paid``.
    """
    basis = basis or basis_of(claims.amounts)
    if basis == "by_item":
        return _by_item(claims)
    return _by_policy(claims, hospitals, policy, stays, record)


def _by_item(claims: Claims) -> PatientShares:
    """As the file says; what its parts leave unexplained is copay."""
    cost, held = claims.cost, claims.amounts
    if "fund_paid" not in held:
        raise problem(say("没有按项目付费的基金支付列", "no column of what the fund paid by item"),
                      key="fund_paid",
                      expected=say("fund_paid（基金支付总额），或 basis = 'policy'",
                                   "fund_paid (基金支付总额), or basis = 'policy'"))  # fmt: skip
    zero = np.zeros(len(claims), np.int64)
    said = held.get("other_paid", zero)
    fund = np.minimum(held["fund_paid"], cost)
    left = cost - fund
    other = np.minimum(said, left)
    outside = np.minimum(held.get(PATIENT_PARTS[0], zero), left)
    deductible = np.minimum(held.get(PATIENT_PARTS[1], zero), left - outside)
    copay = left - outside - deductible
    patient = left - other
    counts: Counter[str] = Counter()
    counts["payers_exceed_cost"] = _count((held["fund_paid"] + said > cost) & (cost > 0))
    counts["fund_paid_zero"] = _count((held["fund_paid"] == 0) & (cost > 0))
    if "patient_total" in held:
        differs = (held["patient_total"] != patient) & (held["patient_total"] > 0)
        counts["patient_total_differs"] = _count(differs & (cost > 0))
    if any(name in held for name in PATIENT_PARTS):
        total = sum((held[name] for name in PATIENT_PARTS if name in held), zero)
        counts["patient_parts_exceed"] = _count((total > left) & (cost > 0))
        if all(name in held for name in PATIENT_PARTS):
            counts["patient_parts_short"] = _count(total < patient)
    return PatientShares(
        outside, deductible, copay, zero, fund, zero, zero, zero, other, patient, "by_item",
        counts,
    )  # fmt: skip


def _by_policy(
    claims: Claims,
    hospitals: Hospitals,
    policy: Policy,
    stays: Stays | None,
    record: Record | None,
) -> PatientShares:
    counts: Counter[str] = Counter()
    if stays is None:
        stays = Stays.alone(claims)
    steps = climb(claims, hospitals, policy.benefit, policy.special.day_bed, stays, record)
    counts["no_ratio"] = _count(steps.ratio_unknown & (claims.cost > 0))
    counts["persons_unknown"] = stays.unknown
    said = claims.amounts.get("other_paid")
    further = np.zeros_like(steps.borne)
    if said is not None:
        further = np.minimum(said, steps.borne)
        counts["other_paid_exceeds"] = _count(said > steps.borne)
    other = steps.major_illness + steps.medical_aid + steps.catch_all + further
    return PatientShares(
        steps.out_of_scope, steps.deductible, steps.copay, steps.over_cap, steps.fund,
        steps.major_illness, steps.medical_aid, steps.catch_all, other, steps.borne - further,
        "policy", counts,
    )  # fmt: skip


def told(counts: Mapping[str, int]) -> dict[str, str]:
    """Warnings by name, of the counts of cases that they are about."""
    return {name: f"{counts[name]:,} cases: {text}" for name, text in _TOLD.items()
            if counts.get(name)}  # fmt: skip


def _count(where: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(where))
