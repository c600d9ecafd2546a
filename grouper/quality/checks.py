"""The checks of one batch of cases: which rows break which rule, as array operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases.amounts import read_amounts
from drg.cases.blanks import BLANKS
from drg.cases.codes import CodeLists, read_codes
from drg.cases.columns import LIST_COLUMNS, CaseColumns
from drg.cases.dates import months_of, read_dates
from drg.cases.values import NUMBERS, Floats, Mask, read_number, read_sex, read_text
from drg.money import Fen
from drg.tables.arrays import strings, values
from drg.tables.as_text import as_text
from grouper.engine.grouper import BatchResult, Grouper
from grouper.engine.profile import NEWBORN_DAYS
from grouper.engine.reasons import BIT
from grouper.quality import rules
from grouper.quality.keys import Keys, mixed, text_keys
from grouper.quality.rules import COMPONENTS, PLACE, RULES
from grouper.quality.sexes import FEMALE, MALE, of_one_sex

_BLANK = strings(sorted(BLANKS))
_TEXTS = ("case_id", "patient_id", "hospital_id", "insurance", "discharge_mode", "department")
_MODES = (1, 2, 3, 4, 5, 9)
_LONGEST_ID = 60


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
        grey: codes that are in no MDC, by their integer -> cases with it as principal.
    """

    found: dict[int, npt.NDArray[np.int64]] = field(default_factory=dict)
    hospital: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    hospitals: list[str] = field(default_factory=list)
    month: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    case_key: Keys = field(default_factory=lambda: np.empty(0, np.uint64))
    record_key: Keys = field(default_factory=lambda: np.empty(0, np.uint64))
    grey: dict[int, int] = field(default_factory=dict)


class Checker:
    """Checks batches of cases; safe to use from several threads.

    Args:
        grouper: the grouper whose scheme and codes count.
        columns: which columns hold what.
    """

    def __init__(self, grouper: Grouper, columns: CaseColumns) -> None:
        self._grouper = grouper
        self._columns = columns
        self.checked = [all(part in columns for part in rule.needs) for rule in RULES]
        arrays = grouper.compiled.arrays
        self._grey = ~arrays.in_mdc[arrays.diagnosis_signature]
        self._grey[[0, grouper.code_indices[0].unknown]] = False
        compiled = grouper.compiled
        self._sexed = tuple(
            {sex: of_one_sex(codes, sex, procedures=i == 1) for sex in (MALE, FEMALE)}
            for i, codes in enumerate((compiled.diagnoses, compiled.procedures))
        )

    def __call__(self, table: pa.RecordBatch, result: BatchResult) -> Checked:
        """Check one batch that was grouped."""
        return _Batch(self._grouper, self._columns, table, result, self.checked,
                      self._grey, self._sexed).run()  # fmt: skip


class _Batch:
    """One batch under check."""

    def __init__(
        self,
        grouper: Grouper,
        columns: CaseColumns,
        table: pa.RecordBatch,
        result: BatchResult,
        checked: list[bool],
        grey: Mask,
        sexed: Sequence[Mapping[int, Mask]],
    ) -> None:
        self._grouper, self._columns, self._table = grouper, columns, table
        self._result, self._checked = result, checked
        self._grey, self._sexed = grey, sexed
        self._rows = table.num_rows
        self._malformed = (result.notes & BIT["malformed_row"]) != 0
        self._out = Checked()

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
        header = self._columns.column(part)
        return None if header is None else self._table.column(header)

    def _blank(self, part: str) -> Mask:
        cells = self._cells(part)
        if cells is None:
            return np.ones(self._rows, np.bool_)
        texts = pc.utf8_lower(pc.utf8_trim_whitespace(as_text(cells)))
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
        mode = self._cells("discharge_mode")
        if mode is not None:
            number, unreadable = read_number(mode, NUMBERS["discharge_mode"])
            odd = ~np.isnan(number) & ~np.isin(number, _MODES)
            self._say("discharge_mode_unknown", odd | unreadable)

    def _codes(self) -> None:
        principal = self._result.principal
        diagnoses, procedures = self._grouper.code_indices
        grey = self._grey[principal] & ~self._malformed
        self._say("missing_principal_diagnosis", principal == 0)
        self._say("unknown_principal_diagnosis", principal == diagnoses.unknown)
        self._say("grey_principal_diagnosis", grey)
        if grey.any():
            ids, counts = np.unique(principal[grey], return_counts=True)
            self._out.grey = dict(zip(ids.tolist(), counts.tolist(), strict=True))
        dx, px = self._result.spelled
        unknown = dx.rows[(diagnoses.meaning(dx.ids) == diagnoses.unknown) & ~dx.first]
        self._say("unknown_secondary_diagnosis", self._mask(unknown))
        unknown = px.rows[procedures.meaning(px.ids) == procedures.unknown]
        self._say("unknown_procedure", self._mask(unknown))
        self._say("age_conflict", (self._result.notes & BIT["age_conflict"]) != 0)

    def _sex_conflict(self, sex: Floats) -> Mask:
        """The grouper's conflicts, and any code that belongs to the other sex alone."""
        conflict = np.asarray((self._result.notes & BIT["sex_conflict"]) != 0, np.bool_)
        parts = zip(LIST_COLUMNS, self._grouper.code_indices, self._sexed, strict=True)
        for part, index, sexed in parts:
            cells = [self._table.column(c) for c in self._columns.columns(part)]
            lists = read_codes(cells, index, self._rows)
            lists = CodeLists(index.meaning(lists.ids), lists.offsets)
            rows = lists.rows()
            for own, other in ((MALE, FEMALE), (FEMALE, MALE)):
                alien = self._mask(rows[sexed[other][lists.ids]])
                conflict = conflict | (alien & (sex == own))
        return conflict

    def _mask(self, rows: npt.NDArray[np.int32]) -> Mask:
        mask = np.zeros(self._rows, np.bool_)
        mask[rows] = True
        return mask

    def _number(self, part: str) -> tuple[Floats, Mask]:
        cells = self._cells(part)
        if cells is None:
            return np.full(self._rows, np.nan), np.zeros(self._rows, np.bool_)
        return read_sex(cells) if part == "sex" else read_number(cells, NUMBERS[part])

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

    def _day(self, part: str) -> tuple[Floats, Mask]:
        cells = self._cells(part)
        if cells is None:
            return np.full(self._rows, np.nan), np.zeros(self._rows, np.bool_)
        return read_dates(cells)

    def _dates(self) -> tuple[Floats, Floats]:
        admitted, bad_admission = self._day("admission_date")
        discharged, bad_discharge = self._day("discharge_date")
        stay, bad_stay = self._number("length_of_stay")
        between = discharged - admitted
        self._say("missing_admission_date", np.isnan(admitted) & ~bad_admission)
        self._say("missing_discharge_date", np.isnan(discharged) & ~bad_discharge)
        self._say("unreadable_date", bad_admission | bad_discharge)
        self._say("discharge_before_admission", between < 0)
        self._say("missing_length_of_stay", np.isnan(stay) & ~bad_stay)
        self._say("unreadable_stay", bad_stay)
        self._say("stay_disagrees", (between >= 0) & (np.abs(stay - between) > 1))
        self._say("stay_zero", stay == 0)
        self._say("stay_over_year", (stay > rules.MOST_STAY) | (between > rules.MOST_STAY))
        self._out.month = months_of(np.where(self._malformed, np.nan, discharged))
        return admitted, discharged

    def _amount(self, part: str) -> tuple[Fen, Mask, Mask]:
        cells = self._cells(part)
        if cells is None:
            nothing = np.zeros(self._rows, np.bool_)
            return np.zeros(self._rows, np.int64), ~nothing, nothing
        return read_amounts(cells)

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

    def _keys(self, admitted: Floats, discharged: Floats) -> None:
        sound = ~self._malformed
        self._out.case_key = self._key("case_id", sound)
        patient = self._key("patient_id", sound & ~np.isnan(discharged))
        key = mixed(patient, self._key("hospital_id", sound))
        for day in (admitted, discharged):
            key = mixed(key, np.where(np.isnan(day), -1, day).astype(np.int64))
        key = mixed(key, self._result.principal)
        self._out.record_key = np.where(patient == 0, np.uint64(0), key)

    def _key(self, part: str, where: Mask) -> Keys:
        cells = self._cells(part)
        if cells is None:
            return np.zeros(self._rows, np.uint64)
        return np.where(where & ~self._blank(part), text_keys(cells), np.uint64(0))
