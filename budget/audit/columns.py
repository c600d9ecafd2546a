"""Columns of many rows in scratch files (病例列), of which only the asked rows are in memory."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from budget.audit.expression import Array, Coded, Rows
from drg.tables.arrays import BLOCK, blocks, numbers, values
from drg.tables.held import scratch_told


class Columns:
    """Columns of numbers and of texts by name, each a file of a folder.

    Attributes:
        texts: by name, the texts that there are in a column of them.
    """

    def __init__(self, folder: Path) -> None:
        """Keep columns in a folder, which is made here and removed by the caller."""
        self.texts: dict[str, tuple[str, ...]] = {}
        self._folder = folder
        self._kinds: dict[str, np.dtype[Any]] = {}
        self._places: dict[str, dict[str, int]] = {}
        with scratch_told():
            folder.mkdir()

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self._kinds)

    def add(self, name: str, column: Array) -> None:
        """Put further numbers at the end of a column.

        Raises:
            DrgError: there is no room.
        """
        self._kinds[name] = column.dtype
        with scratch_told(), self._path(name).open("ab") as file:
            column.tofile(file)

    def put(self, name: str, column: Array) -> None:
        """Keep a whole column, in place of one of the name."""
        with scratch_told():
            self._path(name).unlink(missing_ok=True)
        self.add(name, column)

    def add_texts(self, name: str, column: pa.DictionaryArray) -> None:
        """Put further texts at the end of a column."""
        places = self._places.setdefault(name, {})
        codes = values(column.indices)
        texts = [text or "" for text in column.dictionary.to_pylist()]
        map_ = np.zeros(max(len(texts), 1), np.int32)
        for place in np.unique(codes).tolist():
            map_[place] = places.setdefault(texts[place], len(places))
        self.add(name, map_[codes])

    def settle(self) -> None:
        """All texts are there: put them in order, so that the order of rows decides nothing."""
        for name, places in self._places.items():
            self.texts[name] = names = tuple(sorted(places))
            rank = np.zeros(max(len(places), 1), np.int32)
            rank[[places[one] for one in names]] = np.arange(len(names))
            self.put(name, rank[self.read(name)])
        self._places.clear()

    def text(self, name: str, rows: Rows = slice(None)) -> Coded:
        """Some texts of a column, in the order of the rows; only once they are in order."""
        return Coded(self.read(name, rows), self.texts[name])

    def read(self, name: str, rows: Rows = slice(None)) -> Array:
        """Some numbers of a column, in the order of the rows."""
        path, kind = self._path(name), self._kinds[name]
        with scratch_told():
            if isinstance(rows, np.ndarray):
                if not len(rows):
                    return np.zeros(0, kind)
                return np.array(np.memmap(path, kind, "r")[rows])
            start, stop, _ = rows.indices(path.stat().st_size // kind.itemsize)
            return np.fromfile(path, kind, stop - start, offset=start * kind.itemsize)

    def _path(self, name: str) -> Path:
        return self._folder / name


class Texts:
    """A column of texts in a scratch file, of which some are asked for now and then."""

    def __init__(self, path: Path, texts: pa.Array) -> None:
        """Keep texts, which have no nulls, in a file."""
        self._path = path
        with scratch_told(), pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(
            sink, pa.schema([("text", texts.type)])
        ) as file:  # fmt: skip
            for part in blocks(len(texts)):
                file.write_batch(pa.record_batch([texts[part]], ["text"]))

    def parts(self) -> Generator[pa.Array, None, None]:
        """All of them, block by block."""
        with scratch_told(), pa.OSFile(str(self._path)) as source, pa.ipc.open_file(source) as file:
            for place in range(file.num_record_batches):
                yield file.get_batch(place).column(0)

    def take(self, rows: npt.NDArray[np.int64]) -> pa.Array:
        """Those of some rows, in their order."""
        found, where = [], []
        of = rows // BLOCK
        wanted = set(np.unique(of).tolist())
        for place, texts in enumerate(self.parts()):
            if place in wanted:
                here = np.flatnonzero(of == place)
                where.append(here)
                found.append(texts.take(numbers(rows[here] - place * BLOCK)))
        if not found:
            return pa.array([], pa.string())
        order = np.argsort(np.concatenate(where), kind="stable")
        return pa.concat_arrays(found).take(numbers(order))
