"""Groups of a batch with what hangs on one code, and contradictions (审核所需的分组结果).

An audit asks these of every batch of a file; nothing is done per case in Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from drg.tables.arrays import numbers, strings
from grouper.codes.editions import INSURANCE
from grouper.engine.grouper import Grouper, faulty
from grouper.explain.dependence import DependenceFinder
from grouper.quality.checks import Checker
from grouper.quality.rules import PLACE
from grouper.scheme.compile import Compiled
from grouper.scheme.name import DEFAULT, Named

if TYPE_CHECKING:
    from drg.cases.columns import CaseColumns
    from drg.tables import Batch

CONTRADICTIONS = ("sex_conflict", "age_conflict", "discharge_before_admission",
                  "operation_outside_stay")  # fmt: skip


class Hanging(NamedTuple):
    """Groups of a batch and the single codes on which they hang.

    Attributes:
        drg: groups, as a dictionary array. Length N.
        contradiction: first of :data:`CONTRADICTIONS` that a case breaks, "" for none. Length N.
        rows: rows of pairs of a case and a code, ascending. Shape (P,).
        codes: the code of each pair, as a dictionary array. Length P.
        without: the group without it, likewise.
    """

    drg: pa.DictionaryArray
    contradiction: pa.DictionaryArray
    rows: npt.NDArray[np.int64]
    codes: pa.DictionaryArray
    without: pa.DictionaryArray


class HangingFinder:
    """Groups batches and finds what hangs on one code; safe to use from several threads.

    Args:
        scheme: id of a shipped scheme or folder of a pack.
        codes: edition of the codes in the cases.
    """

    def __init__(self, scheme: Named | Compiled = DEFAULT, codes: str = INSURANCE) -> None:
        self.grouper = Grouper(scheme, codes)
        self._finder = DependenceFinder(self.grouper)
        compiled = self.grouper.compiled
        self._drgs = strings([*(drg.code for drg in compiled.drgs), ""])
        self._codes = strings(["", *compiled.diagnoses, "", "", *compiled.procedures, ""])
        self._procedures = len(compiled.diagnoses) + 2
        self._said = strings(["", *CONTRADICTIONS])
        self._places = {PLACE[code]: i for i, code in enumerate(CONTRADICTIONS, 1)}
        self._checker: Checker | None = None  # of the columns that were met last

    def __reduce__(self) -> tuple[type[HangingFinder], tuple[Compiled, str]]:
        """It travels to another process as its compiled scheme and its edition."""
        return HangingFinder, (self.grouper.compiled, self.grouper.codes)

    def __call__(self, batch: Batch, columns: CaseColumns) -> Hanging:
        """Group one batch."""
        lost = faulty(batch.malformed, self.grouper, columns)
        result = self.grouper.group_batch(batch.table, columns, *lost)
        found = self._finder.find(batch.table, columns, *lost)
        checker = self._checker
        if checker is None or checker.columns is not columns:
            checker = self._checker = Checker(self.grouper, columns)
        broken = checker(batch.table, result).found
        contradiction = np.zeros(batch.table.num_rows, np.int32)
        for place, code in sorted(self._places.items(), reverse=True):
            contradiction[broken.get(place, np.zeros(0, np.int64))] = code
        places = np.where(found.kinds > 0, self._procedures + found.codes, found.codes)
        left = found.without % len(self._drgs)
        return Hanging(
            result.columns[2], pa.DictionaryArray.from_arrays(numbers(contradiction), self._said),
            found.rows, pa.DictionaryArray.from_arrays(numbers(places), self._codes),
            pa.DictionaryArray.from_arrays(numbers(left), self._drgs),
        )  # fmt: skip
