"""Rows by key (按键归集的行): in memory while few, else in scratch files by part of the key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from drg.cases.keys import Keys
from drg.tables.held import scratch_told

Records = npt.NDArray[np.void]
MOST = 2_000_000  # rows in memory
_PARTS, _SHIFT = 64, np.uint64(58)


class ByKey:
    """Keys with their rows and what is known of them; rows without a key (0) are left aside.

    Args:
        place: file name that the scratch files begin with.
        columns: of each row besides, with their types.
    """

    def __init__(self, place: Path, **columns: str) -> None:
        self._place = place
        self._type = np.dtype([("key", "<u8"), ("row", "<i8"), *columns.items()])
        self._held: list[Records] = []
        self._rows, self._spilt = 0, False

    def add(self, keys: Keys, first: int, **columns: npt.NDArray[Any]) -> None:
        """Add rows, whose numbers count on from ``first``. Shapes (N,)."""
        known = np.flatnonzero(keys)
        records = np.empty(len(known), self._type)
        records["key"], records["row"] = keys[known], known + first
        for name, column in columns.items():
            records[name] = column[known]
        self._held.append(records)
        self._rows += len(records)
        if self._rows >= MOST:
            self._spill()

    def parts(self) -> Iterator[Records]:
        """All rows, those of one key together and in their order; they are gone afterwards."""
        if self._spilt:
            self._spill()
            for part in range(_PARTS):
                if (path := self._path(part)).exists():
                    with scratch_told():
                        records = np.fromfile(path, self._type)
                        path.unlink()
                    yield records
        else:
            yield self._taken()

    def _taken(self) -> Records:
        records = np.concatenate([*self._held, np.empty(0, self._type)])
        self._held.clear()
        self._rows = 0
        return records

    def _spill(self) -> None:
        records = self._taken()
        part = (records["key"] >> _SHIFT).astype(np.uint8)
        order = np.argsort(part, kind="stable")
        ends = np.cumsum(np.bincount(part, minlength=_PARTS)).tolist()
        for number, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if start < end:
                with scratch_told(), self._path(number).open("ab") as file:
                    file.write(records[order[start:end]].tobytes())
        self._spilt = True

    def _path(self, part: int) -> Path:
        return self._place.with_name(f"{self._place.name}-{part}")
