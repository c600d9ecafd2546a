"""The benefit ladder (待遇阶梯): deductible, ratio, cap, major illness, medical aid, catch-alls.

Each yearly rule is a function of what a person has run up in the year, so a case bears what the
function grows by: cumulative sums over the stays of persons in time order, and whole numbers
throughout, nothing case by case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.claims import INSURANCES, Claims
from budget.cases.hospitals import Hospitals
from budget.cases.record import Record
from budget.cases.stays import Stays
from budget.policy.benefit import Benefit, MajorIllness, MedicalAid
from budget.policy.select import Selector, choose
from budget.policy.special import DayBed
from drg.money import to_fen

Fen = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
_UNIT = 1_000_000_000  # shares are counted in billionths
NO_LIMIT = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Steps:
    """What each step of the ladder takes of a case, in fen, each of shape (N,).

    Attributes:
        out_of_scope: outside the catalogue.
        deductible: deductible.
        copay: share that is not reimbursed.
        over_cap: beyond the yearly cap.
        fund: left to the fund.
        major_illness: paid by major illness insurance.
        medical_aid: paid by medical aid.
        catch_all: paid by local catch-alls.
        borne: what the person bears in the end, out-of-scope cost included.
        ratio_unknown: cases to which no ratio applies.
    """

    out_of_scope: Fen
    deductible: Fen
    copay: Fen
    over_cap: Fen
    fund: Fen
    major_illness: Fen
    medical_aid: Fen
    catch_all: Fen
    borne: Fen
    ratio_unknown: Bools


def climb(
    claims: Claims,
    hospitals: Hospitals,
    benefit: Benefit,
    day_bed: DayBed | None,
    stays: Stays,
    record: Record | None = None,
) -> Steps:
    """Take cases up the ladder, in the order of its steps; a record takes what one goes by."""
    who = _Who(claims, hospitals, record)
    zero = np.zeros(len(claims), np.int64)
    outside = np.minimum(claims.amounts.get("patient_out_of_scope", zero), claims.cost)
    left = claims.cost - outside
    in_bed = _in_day_bed(claims, day_bed)
    deductible = np.minimum(_deductible(benefit, who, stays), left)
    if day_bed is not None and not day_bed.deductible:
        deductible[in_bed] = 0
        who.tell_bed("deductible", in_bed, "deductible")
    left -= deductible
    who.tell("copay", "ratios", benefit.ratios, "ratio")
    ratio = _ratio(who, benefit, day_bed, in_bed)
    if day_bed is not None:
        who.tell_bed("copay", in_bed, "reimbursed")
    unknown = ratio < 0
    reimbursed = part(left, np.maximum(ratio, 0))
    who.tell("over_cap", "caps", benefit.caps, "amount")
    fund = who.filled(stays, reimbursed, benefit.caps, [row.amount for row in benefit.caps])
    self_paid = deductible + (left - fund)  # in scope
    who.tell("major_illness", "major_illness", benefit.major_illness, "line", "ratios")
    major = _above_line(who, stays, self_paid, benefit.major_illness)
    remaining = self_paid - major
    who.tell("medical_aid", "medical_aid", benefit.medical_aid, "line", "ratio", "cap")
    aid = _above_line(who, stays, remaining, benefit.medical_aid)
    remaining -= aid
    caps = benefit.self_pay_caps
    who.tell("catch_all", "self_pay_caps", caps, "amount")
    who.tell("catch_all", "remainders", benefit.remainders, "share")
    borne = who.filled(stays, remaining, caps, [row.amount for row in caps])
    shares = [_billionths(row.share) for row in benefit.remainders]
    borne = borne - part(borne, who.figures(benefit.remainders, shares, 0))
    return Steps(
        outside, deductible, left - reimbursed, reimbursed - fund, fund, major, aid,
        remaining - borne, outside + borne, unknown,
    )  # fmt: skip


def ratio_of(claims: Claims, hospitals: Hospitals, benefit: Benefit, day_bed: DayBed | None) -> Fen:
    """The ratio at which each case is reimbursed, in billionths; -1 for none. Shape (N,)."""
    who = _Who(claims, hospitals, None)
    return _ratio(who, benefit, day_bed, _in_day_bed(claims, day_bed))


def _ratio(who: _Who, benefit: Benefit, day_bed: DayBed | None, in_bed: Bools) -> Fen:
    found = who.figures(benefit.ratios, [_billionths(row.ratio) for row in benefit.ratios], -1)
    if day_bed is not None:
        found[in_bed] = _billionths(day_bed.reimbursed)
    return found


class _Who:
    """To which hospital, insurance and people each case belongs, and which rows hold for them.

    Rows are chosen once for each combination; a case then looks its own up.
    """

    def __init__(self, claims: Claims, hospitals: Hospitals, record: Record | None) -> None:
        self.record = record
        insurances, people = len(INSURANCES) + 1, len(claims.populations)
        self.attributes: dict[str, npt.NDArray[Any]] = {
            name: np.append(held, -1 if name == "tier" else "")[:, None, None]
            for name, held in hospitals.attributes.items()
        }  # the last entry stands for a hospital, an insurance that is not known
        self.attributes["insurance"] = np.array([*INSURANCES, ""], object)[None, :, None]
        self.attributes["population"] = np.array(claims.populations, object)[None, None, :]
        self.shape = len(hospitals) + 1, insurances, people
        hospital = np.where(claims.hospital < 0, len(hospitals), claims.hospital)
        insurance = np.where(claims.insurance < 0, len(INSURANCES), claims.insurance)
        self.cell = (hospital * insurances + insurance) * people + claims.population

    def place(self, rows: Sequence[Selector]) -> Places:
        """The row that holds for each combination, -1 for none. Shape (H + 1, 3, people)."""
        return np.asarray(np.broadcast_to(choose(rows, **self.attributes), self.shape))

    def figures(self, rows: Sequence[Selector], figures: Sequence[int], missing: int) -> Fen:
        """A whole number of the row that holds for each case. Shape (N,)."""
        table = np.array([*figures, missing], np.int64)
        return np.asarray(table[self.place(rows)].ravel()[self.cell])

    def filled(
        self, stays: Stays, amount: Fen, rows: Sequence[Selector], yuan: Sequence[float | None]
    ) -> Fen:
        """What of an amount is inside the yearly limit of the row that holds. Shape (N,)."""
        limits = [NO_LIMIT if held is None else int(to_fen(held)) for held in yuan]
        if not rows or all(limit == NO_LIMIT for limit in limits):
            return amount
        return fill(stays, amount, self.figures(rows, limits, NO_LIMIT), [*limits, NO_LIMIT])

    def tell(self, step: str, section: str, rows: Sequence[Any], *figures: str) -> None:
        """Leave in a record the figures of the row by which a step goes."""
        if self.record is None:
            return
        place = self.place(rows).ravel()[self.cell[self.record.row]]
        if place >= 0:
            keys = (f"benefit.{section}.{rows[place].name}.{name}" for name in figures)
            self.record.steps[step] = (*self.record.steps.get(step, ()), *keys)

    def tell_bed(self, step: str, in_bed: Bools, figure: str) -> None:
        """Leave in a record that the rule of day-beds takes the place of a row."""
        if self.record is not None and in_bed[self.record.row]:
            self.record.steps[step] = (f"special.day_bed.{figure}",)


def _deductible(benefit: Benefit, who: _Who, stays: Stays) -> Fen:
    rows = benefit.deductibles
    first = who.figures(rows, [int(to_fen(row.first)) for row in rows], 0)
    if who.record is not None:
        which = "second" if stays.number[who.record.row] > 1 else "first"
        who.tell("deductible", "deductibles", rows, which)
    again = who.figures(rows, [int(to_fen(row.second)) for row in rows], 0)
    return np.where(stays.number > 1, again, first)


def _in_day_bed(claims: Claims, day_bed: DayBed | None) -> Bools:
    marked = claims.flags.get("day_bed")
    if day_bed is None or marked is None:
        return np.zeros(len(claims), np.bool_)
    return np.asarray(marked & (claims.disease >= 0))


def fill(stays: Stays, amount: Fen, limit: Fen, levels: Sequence[int]) -> Fen:
    """What of each amount still goes in before the person's yearly total reaches a limit.

    ``total = max(total, min(total + amount, limit))`` from stay to stay. Where the limit differs
    between a person's stays, the total is built of layers: up to the lowest limit every stay adds
    to it, above only stays with a higher one, and a layer is a cumulative sum.

    Args:
        stays: the order of stays.
        amount: amounts in fen. Shape (N,).
        limit: limit of each case in fen. Shape (N,).
        levels: all limits that occur.
    """
    taken = np.zeros(len(amount), np.int64)
    rest, below = amount, 0
    for level in sorted(set(levels)):
        fit = np.where(limit >= level, rest, 0)
        if level < NO_LIMIT:
            total = stays.cumulated(fit)
            depth = level - below
            fit = np.minimum(total, depth) - np.minimum(total - fit, depth)
        taken += fit
        rest = rest - fit
        below = level
    return taken


def _above_line(
    who: _Who, stays: Stays, self_paid: Fen, rows: Sequence[MajorIllness | MedicalAid]
) -> Fen:
    """What a payer above a yearly line pays of each case: by bands above it, up to a cap."""
    paid = np.zeros(len(self_paid), np.int64)
    if not rows:
        return paid
    total = stays.cumulated(self_paid)
    for line, bands, here in _payers(who, rows):
        cases = np.flatnonzero(here.ravel()[who.cell] & (total > line))
        now = total[cases] - line
        before = np.maximum(now - self_paid[cases], 0)
        paid[cases] = sliced(now, bands) - sliced(before, bands)
    return who.filled(stays, paid, rows, [row.cap for row in rows])


_Bands = list[tuple[int, int, int]]


def _payers(
    who: _Who, rows: Sequence[MajorIllness | MedicalAid]
) -> list[tuple[int, _Bands, Bools]]:
    """Lines in fen with their bands (above, upto in fen, billionths) and where they hold."""
    place = who.place(rows)
    found: list[tuple[int, _Bands, Bools]] = []
    for i, row in enumerate(rows):
        line, here = int(to_fen(row.line)), place == i
        if isinstance(row, MedicalAid):
            found.append((line, [(0, NO_LIMIT, _billionths(row.ratio))], here))
            continue
        held = row.ratios.ladders
        firsts = [row.ratios[ladder[0]] for ladder in held]
        which = who.place(firsts)
        for j, ladder in enumerate(held):
            bands = [
                (
                    int(to_fen(band.start)),
                    NO_LIMIT if band.end is None else int(to_fen(band.end)),
                    _billionths(band.value),
                )
                for band in (row.ratios[k] for k in ladder)
            ]
            found.append((line, bands, here & (which == j)))
    return found


def _billionths(share: float) -> int:
    return round(share * _UNIT)


def part(amount: Fen, share: Fen) -> Fen:
    """A share, in billionths, of each amount: whole fen, halves up. Shape (N,)."""
    whole, rest = np.divmod(amount, _UNIT)
    return np.asarray(whole * share + (rest * share + _UNIT // 2) // _UNIT)


def sliced(amount: Fen, bands: _Bands) -> Fen:
    """Amounts cut into bands, each part times its share, summed and rounded once. Shape (N,).

    Rounding whole numbers once, the result never grows faster than the amount.
    """
    whole, rest = np.zeros(len(amount), np.int64), np.zeros(len(amount), np.int64)
    for above, upto, share in bands:
        inside = np.maximum(np.minimum(amount, upto) - above, 0)
        units, over = np.divmod(inside, _UNIT)
        carry, rest = np.divmod(rest + over * share, _UNIT)
        whole += units * share + carry
    return np.asarray(whole + (rest + _UNIT // 2) // _UNIT)
