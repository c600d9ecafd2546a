"""The checks of one batch of cases: which rows break which rule, as array operations."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases.blanks import BLANKS
from drg.cases.cells import Cells
from drg.cases.codes import CodeLists, plain_code, read_codes
from drg.cases.columns import LIST_COLUMNS, CaseColumns, plain_header
from drg.cases.dates import months_of, read_dates
from drg.cases.keys import Keys, mixed, text_keys
from drg.cases.texts import as_text, on_text
from drg.cases.values import Floats, Mask, read_text
from drg.money import Fen
from drg.tables.arrays import strings, values
from grouper.engine.grouper import BatchResult, Grouper
from grouper.engine.profile import NEWBORN_DAYS
from grouper.engine.reasons import BIT
from grouper.quality import rules
from grouper.quality.rules import COMPONENTS, PLACE, RULES
from grouper.quality.sexes import FEMALE, MALE, of_one_sex, within

_BLANK = strings(sorted(BLANKS))
_TEXTS = ("case_id", "patient_id", "hospital_id", "insurance", "discharge_mode", "department")
_LONGEST_ID = 60
_DIED = 5
_PAID = ("fund_paid", "other_paid", "patient_out_of_scope", "patient_deductible", "patient_copay")
_OPERATION_DATE = re.compile(
    r"(主要|主|其他|其它|次要)?手术(及|和)?(操作)?[0-9]*(开始|结束)?(日期|时间)[0-9]*"
    r"|(main_?|oth(er)?_?)?oprn_(oprt_)?(begn_?|end_?)?(date|time)[_-]?[0-9]*"
)


@dataclass
class Checked:
    """What the checks say of one batch.

    Attributes:
        found: place of a rule -> the rows that break it.
        hospital: position in ``hospitals`` of each row. Shape (N,).
        hospitals: ids of the batch's hospitals, "" where there is none.
        month: month of discharge, as :func:`~drg.cases.dates.months_of` counts. Shape (N,).
        case_key: key of the case id, 0 without one. Shape (N,).
        record_key: key of patient, hospital, dates and principal diagnosis. Shape (N,).
        person_key: key of the patient, 0 without one or without both dates. Shape (N,).
        stay: days of admission and discharge, and whether the patient died. Shape (N, 3).
        no_mdc: principal diagnoses that are in no MDC, by their integer -> cases.
        grey: codes of the grey list, as (0 diagnosis or 1 procedure, spelling) -> cases.
    """

    found: dict[int, npt.NDArray[np.int64]] = field(default_factory=dict)
    hospital: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    hospitals: list[str] = field(default_factory=list)
    month: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    case_key: Keys = field(default_factory=lambda: np.empty(0, np.uint64))
    record_key: Keys = field(default_factory=lambda: np.empty(0, np.uint64))
    person_key: Keys = field(default_factory=lambda: np.empty(0, np.uint64))
    stay: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 3), np.int32))
    no_mdc: dict[int, int] = field(default_factory=dict)
    grey: dict[tuple[int, str], int] = field(default_factory=dict)


class Checker:
    """Checks batches of cases; safe to use from several threads.

    Args:
        grouper: the grouper whose scheme and codes count.
        columns: which columns hold what.
        grey: grey codes in their plain spelling; None without a list.
    """

    def __init__(
        self, grouper: Grouper, columns: CaseColumns, grey: Collection[str] | None = None
    ) -> None:
        self.grouper, self.columns = grouper, columns
        self.operation_dates = [
            name for name in columns.header if _OPERATION_DATE.fullmatch(plain_header(name))
        ]
        beside = {rules.GREY_LIST: grey is not None,
                  rules.OPERATION_DATES: bool(self.operation_dates)}  # fmt: skip
        self.checked = [
            all(beside.get(part, part in columns) for part in rule.needs) for rule in RULES
        ]
        arrays = grouper.compiled.arrays
        self.no_mdc = ~arrays.in_mdc[arrays.diagnosis_signature]
        self.no_mdc[[0, grouper.code_indices[0].unknown]] = False
        self.kinds = (grouper.compiled.diagnoses, grouper.compiled.procedures)
        self.sexed = tuple(
            {sex: of_one_sex(codes, sex, procedures=i == 1) for sex in (MALE, FEMALE)}
            for i, codes in enumerate(self.kinds)
        )
        self.grey = frozenset(grey or ())
        self.listed = tuple(
            np.array(
                [False, *(bool(grey) and plain_code(code) in self.grey for code in codes), False]
            )
            for codes in self.kinds
        )
        diagnoses = self.kinds[0]
        self.delivery, self.obstetric = within(diagnoses, "O80-O84"), within(diagnoses, "O")
        self.outcome = within(diagnoses, "Z37")
        self.live = self.outcome & ~within(diagnoses, _NOT_LIVE)

    def __call__(self, table: pa.RecordBatch, result: BatchResult) -> Checked:
        """Check one batch that was grouped."""
        return _Batch(self, table, result).run()


_NOT_LIVE = "Z37.1 Z37.4 Z37.7 Z37.9"  # stillborn; not said


class _Batch:
    """One batch under check."""

    def __init__(self, checker: Checker, table: pa.RecordBatch, result: BatchResult) -> None:
        self._grouper, self._columns, self._table = checker.grouper, checker.columns, table
        self._result, self._checked, self._by = result, checker.checked, checker
        self._rows = table.num_rows
        self._malformed = (result.notes & BIT["malformed_row"]) != 0
        self._out = Checked()
        self._read = Cells(table, checker.columns)
        self._lists = [
            read_codes([table.column(c) for c in self._columns.columns(part)], index, self._rows)
            for part, index in zip(LIST_COLUMNS, self._grouper.code_indices, strict=True)
        ]
        self._codes_of = [
            CodeLists(index.meaning(lists.ids), lists.offsets)
            for lists, index in zip(self._lists, self._grouper.code_indices, strict=True)
        ]

    def run(self) -> Checked:
        """All checks."""
        self._say("malformed_row", self._malformed, everywhere=True)
        self._texts()
        self._codes()
        self._patient()
        admitted, discharged = self._dates()
        self._costs()
        self._keys(admitted, discharged)
        return self._out

    def _say(self, code: str, where: Mask, *, everywhere: bool = False) -> None:
        place = PLACE[code]
        if not self._checked[place]:
            return
        # the cells of a broken row stand in wrong columns: nothing else is said of it
        rows = np.flatnonzero(where if everywhere else where & ~self._malformed)
        if rows.size:
            self._out.found[place] = rows

    def _cells(self, part: str) -> pa.Array | None:
        return self._read.column(part)

    def _blank(self, part: str) -> Mask:
        cells = self._cells(part)
        if cells is None:
            return np.ones(self._rows, np.bool_)
        texts = pc.utf8_lower(on_text(pc.utf8_trim_whitespace, as_text(cells)))
        blank = pc.or_(pc.is_in(texts, value_set=_BLANK), texts.is_null())
        return np.asarray(values(blank.cast(pa.uint8())) != 0, np.bool_)

    def _texts(self) -> None:
        for part in _TEXTS:
            self._say(f"missing_{part}", self._blank(part))
        hospital = self._cells("hospital_id")
        if hospital is None:
            self._out.hospital, self._out.hospitals = np.zeros(self._rows, np.int64), [""]
        else:
            texts = read_text(hospital)
            names = ["" if t.lower() in BLANKS else t[:_LONGEST_ID]
                     for t in texts.dictionary.to_pylist()]  # fmt: skip
            places = values(texts.indices).astype(np.int64)
            self._out.hospitals = [*names, ""]
            self._out.hospital = np.where(self._malformed, len(names), places)
        self._say("discharge_mode_unknown", self._number("discharge_mode")[1])

    def _codes(self) -> None:
        principal = self._result.principal
        diagnoses, procedures = self._grouper.code_indices
        no_mdc = self._by.no_mdc[principal] & ~self._malformed
        self._say("missing_principal_diagnosis", principal == 0)
        self._say("unknown_principal_diagnosis", principal == diagnoses.unknown)
        self._say("principal_in_no_mdc", no_mdc)
        if no_mdc.any():
            ids, counts = np.unique(principal[no_mdc], return_counts=True)
            self._out.no_mdc = dict(zip(ids.tolist(), counts.tolist(), strict=True))
        self._grey_codes()
        self._repeated()
        dx, px = self._result.spelled
        unknown = dx.rows[(diagnoses.meaning(dx.ids) == diagnoses.unknown) & ~dx.first]
        self._say("unknown_secondary_diagnosis", self._mask(unknown))
        unknown = px.rows[procedures.meaning(px.ids) == procedures.unknown]
        self._say("unknown_procedure", self._mask(unknown))
        self._say("age_conflict", (self._result.notes & BIT["age_conflict"]) != 0)

    def _grey_codes(self) -> None:
        """Codes of the grey list, also those that the edition does not know."""
        if not self._by.grey:
            return
        for kind, (lists, index) in enumerate(
            zip(self._lists, self._grouper.code_indices, strict=True)
        ):
            ids, rows = index.meaning(lists.ids), lists.rows()
            grey = self._by.listed[kind][ids]
            strange = ids == index.unknown
            spelled = np.unique(lists.ids[strange & (lists.ids > index.unknown)])
            listed = [i for i in spelled.tolist() if index.spelling(i) in self._by.grey]
            grey |= np.isin(lists.ids, listed)
            grey &= ~self._malformed[rows]
            first = np.zeros(len(ids), np.bool_)
            first[lists.offsets[:-1][lists.counts > 0]] = True
            if kind == 0:
                self._say("grey_principal_diagnosis", self._mask(rows[grey & first]))
                self._say("grey_secondary_diagnosis", self._mask(rows[grey & ~first]))
            else:
                self._say("grey_procedure", self._mask(rows[grey]))
            pairs = np.unique(np.stack([lists.ids[grey], rows[grey]]), axis=1)
            found, counts = np.unique(pairs[0], return_counts=True)
            codes = self._by.kinds[kind]
            for number, count in zip(found.tolist(), counts.tolist(), strict=True):
                means = int(index.meaning(np.array([number], np.int32))[0])
                name = index.spelling(number) if means == index.unknown else codes[means - 1]
                key = kind, name
                self._out.grey[key] = self._out.grey.get(key, 0) + count

    def _repeated(self) -> None:
        """Diagnoses that stand twice in a case."""
        lists = self._codes_of[0]
        known = (lists.ids != 0) & (lists.ids != self._grouper.code_indices[0].unknown)
        keys = np.sort(lists.rows()[known].astype(np.int64) << 32 | lists.ids[known])
        again = keys[1:][keys[1:] == keys[:-1]] >> 32
        self._say("repeated_diagnosis", self._mask(again))

    def _some(self, which: Mask) -> Mask:
        """Cases with a diagnosis of some kind."""
        lists = self._codes_of[0]
        return self._mask(lists.rows()[which[lists.ids]])

    def _births(self, age: Floats, infant: Mask, weight: Floats, bad_weight: Mask) -> None:
        outcome = self._some(self._by.outcome)
        mother = self._some(self._by.obstetric) | (outcome & ~infant)
        live = mother & self._some(self._by.live)
        self._say("mother_without_birth_weight", live & ~infant & np.isnan(weight) & ~bad_weight)
        self._say("delivery_without_outcome", self._some(self._by.delivery) & ~outcome)
        low, high = rules.OBSTETRIC_YEARS
        self._say("obstetric_age", self._some(self._by.obstetric) & ((age < low) | (age > high)))

    def _sex_conflict(self, sex: Floats) -> Mask:
        """The grouper's conflicts, and any code that belongs to the other sex alone."""
        conflict = np.asarray((self._result.notes & BIT["sex_conflict"]) != 0, np.bool_)
        for lists, sexed in zip(self._codes_of, self._by.sexed, strict=True):
            rows = lists.rows()
            for own, other in ((MALE, FEMALE), (FEMALE, MALE)):
                alien = self._mask(rows[sexed[other][lists.ids]])
                conflict = conflict | (alien & (sex == own))
        return conflict

    def _mask(self, rows: npt.NDArray[np.integer]) -> Mask:
        mask = np.zeros(self._rows, np.bool_)
        mask[rows] = True
        return mask

    def _number(self, part: str) -> tuple[Floats, Mask]:
        return self._read.number(part)

    def _patient(self) -> None:
        sex, bad_sex = self._number("sex")
        age, bad_age = self._number("age")
        days, bad_days = self._number("age_days")
        weight, bad_weight = self._number("birth_weight")
        self._say("sex_conflict", self._sex_conflict(sex))
        age = np.where(np.isnan(age) & (days < rules.MOST_INFANT_DAYS), 0.0, age)
        infant = age == 0
        self._say("missing_sex", np.isnan(sex) & ~bad_sex)
        self._say("missing_age", np.isnan(age) & ~bad_age)
        beyond = age > 0  # days and weight of an adult do not matter
        self._say("unreadable_patient_value",
                  bad_sex | bad_age | (~beyond & (bad_days | bad_weight)))  # fmt: skip
        self._say("age_over_120", age > rules.MOST_YEARS)
        self._say("age_days_missing", infant & np.isnan(days) & ~bad_days)
        self._say("age_days_conflict", infant & (days > rules.MOST_INFANT_DAYS))
        newborn = infant & (days <= NEWBORN_DAYS)
        self._say("birth_weight_missing", newborn & np.isnan(weight) & ~bad_weight)
        self._say("birth_weight_range",
                  (weight < rules.LEAST_WEIGHT) | (weight > rules.MOST_WEIGHT))  # fmt: skip
        admitted, bad_admitted = self._number("admission_weight")
        self._say("admission_weight_missing", newborn & np.isnan(admitted) & ~bad_admitted)
        self._births(age, infant, weight, bad_weight)
        born, bad_born = self._day("birth_date")
        old = self._day("admission_date")[0] - born
        years = _years(old)
        apart = (np.abs(years - age) > 1) | (infant & (np.abs(old - days) > 1))
        self._say("birth_disagrees", ~bad_born & ((old < 0) | apart))

    def _day(self, part: str) -> tuple[Floats, Mask]:
        return self._read.day(part)

    def _dates(self) -> tuple[Floats, Floats]:
        admitted, bad_admission = self._day("admission_date")
        discharged, bad_discharge = self._day("discharge_date")
        stay, bad_stay = self._number("length_of_stay")
        between = discharged - admitted
        self._say("missing_admission_date", np.isnan(admitted) & ~bad_admission)
        self._say("missing_discharge_date", np.isnan(discharged) & ~bad_discharge)
        self._say("unreadable_date", bad_admission | bad_discharge)
        self._say("discharge_before_admission", between < 0)
        self._say("missing_length_of_stay", self._blank("length_of_stay"))
        self._say("unreadable_stay", bad_stay)
        # 12 to 15 June are three days, a stay of the same day is one; some count both ends
        short, long = stay <= np.maximum(between, 1) - 1, stay > between + 1
        self._say("stay_disagrees", (between >= 0) & ((short & (stay > 0)) | long
                                                      | ((stay == 0) & (between > 1))))  # fmt: skip
        self._say("stay_zero", stay == 0)
        self._say("stay_over_year", (stay > rules.MOST_STAY) | (between > rules.MOST_STAY))
        hours, _ = self._number("icu_hours")
        self._say("icu_exceeds_stay", (between >= 0) & (hours > 24 * (between + 1)))
        outside = np.zeros(self._rows, np.bool_)
        for name in self._by.operation_dates:
            day, _ = read_dates(self._table.column(name))
            outside |= (day < admitted) | (day > discharged)
        self._say("operation_outside_stay", outside & (between >= 0))
        self._out.month = months_of(np.where(self._malformed, np.nan, discharged))
        return admitted, discharged

    def _amount(self, part: str) -> tuple[Fen, Mask, Mask]:
        return self._read.amount(part)

    def _costs(self) -> None:
        total, blank, bad = self._amount("total_cost")
        given = ~blank & ~bad
        self._say("missing_total_cost", blank)
        self._say("cost_not_positive", given & (total <= 0))
        extreme = ((total > 0) & (total < rules.LEAST_COST)) | (total > rules.MOST_COST)
        self._say("cost_extreme", given & extreme)
        summed = np.zeros(self._rows, np.int64)
        some, readable, negative = ~given & given, ~bad, ~given & given
        for part in COMPONENTS:
            amount, is_blank, is_bad = self._amount(part)
            summed += amount
            some |= ~is_blank & ~is_bad
            readable &= ~is_bad
            negative |= amount < 0
        fund, _, bad_fund = self._amount("fund_paid")
        self._say("unreadable_amount", ~readable | bad_fund)
        self._say("components_differ", given & some & readable & (np.abs(summed - total) > 1))
        self._say("negative_component", negative)
        self._say("fund_out_of_range", given & ((fund < 0) | (fund > np.maximum(total, 0))))
        paid = sum((self._amount(part)[0] for part in _PAID), np.zeros(self._rows, np.int64))
        others = (paid > fund) & (fund <= total)  # the fund alone is the rule above
        self._say("payers_exceed_total", given & (total > 0) & others & (paid > total + 1))

    def _keys(self, admitted: Floats, discharged: Floats) -> None:
        sound = ~self._malformed
        self._out.case_key = self._key("case_id", sound)
        patient = self._key("patient_id", sound & ~np.isnan(discharged))
        key = mixed(patient, self._key("hospital_id", sound))
        for day in (admitted, discharged):
            key = mixed(key, np.where(np.isnan(day), -1, day).astype(np.int64))
        key = mixed(key, self._result.principal)
        self._out.record_key = np.where(patient == 0, np.uint64(0), key)
        dated = (discharged >= admitted) & (patient != 0)
        self._out.person_key = np.where(dated, patient, np.uint64(0))
        mode = self._number("discharge_mode")[0]
        self._out.stay = np.stack([
            np.where(dated, admitted, 0), np.where(dated, discharged, 0), mode == _DIED
        ], axis=1).astype(np.int32)  # fmt: skip

    def _key(self, part: str, where: Mask) -> Keys:
        cells = self._cells(part)
        if cells is None:
            return np.zeros(self._rows, np.uint64)
        return np.where(where & ~self._blank(part), text_keys(cells), np.uint64(0))


def _years(days: Floats) -> Floats:
    """Completed years of so many days, NaN where they are not known. Shape (N,)."""
    return np.asarray(np.floor((days + 0.5) / 365.2425))
