"""Datasets of Parquet files (分区数据集) on Spark: each batch worked on where it lies.

Batches go through ``mapInArrow``; what a function says of them comes back in the order of the rows.
That order is that of the files' names and of the rows in each. The batch function travels once to
each process of an executor and is kept there for the tasks that follow.
"""

from __future__ import annotations

import os
import pickle
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import numpy as np
import pyarrow as pa

from drg.errors import DrgError, problem
from drg.language import say, speak, spoken
from drg.spark.place import Place
from drg.spark.session import active, failed
from drg.tables.arrays import values
from drg.tables.batches import Batch, Block, TableSource, unique_names

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

Result = TypeVar("Result")
Key = tuple[int, int]  # hash of a file's name, row in it: of the first row of a batch
_FILE, _ROW = "__drg_file", "__drg_row"
_TOLD = "file long, row long, rows long, told binary"
_KEPT = "file long, row long, rows long, told binary, kept binary"
_HELD: dict[str, Any] = {}  # of a process of an executor: what travelled here
_MOST_HELD = 8
_LOOKED_AT = 131_072  # first rows, by which a dataset is looked at before it is worked on


class Piece(Block):
    """Some consecutive rows of a file, on an executor."""

    def __init__(self, table: pa.RecordBatch) -> None:
        self.progress, self._table = table.num_rows, table

    def load(self) -> Batch:
        """The rows."""
        return Batch(self._table)


class Carried:
    """Something that travels once to each process of an executor."""

    def __init__(self, session: SparkSession, what: Any) -> None:
        from pyspark import cloudpickle

        dumps: Callable[[Any], bytes] = cloudpickle.dumps
        self._key = secrets.token_hex(8)
        self._sent = session.sparkContext.broadcast(dumps((what, spoken())))

    def here(self) -> Any:
        """What travelled; made once in a process."""
        if self._key not in _HELD:
            what, lang = pickle.loads(self._sent.value)
            while len(_HELD) >= _MOST_HELD:
                del _HELD[next(iter(_HELD))]
            _HELD[self._key] = what
            speak(lang)
        return _HELD[self._key]


class Dataset(TableSource):
    """A folder of Parquet files, or one file, on Spark."""

    kind = "spark"

    def __init__(self, session: SparkSession, path: Path, frame: DataFrame) -> None:
        from pyspark.sql.pandas.types import to_arrow_schema

        self.path, self._session, self._frame = path, session, frame
        self.schema = to_arrow_schema(frame.schema, timezone="UTC")
        unique_names(self.names, path)
        self._wanted = self.names
        self._order: dict[int, int] | None = None

    @classmethod
    def at(cls, session: SparkSession, path: str | os.PathLike[str]) -> Self:
        """Open a dataset.

        Raises:
            DrgError: there is none, or Spark cannot read it.
        """
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            place = Place(session, path)
            there = place.exists()
            if there and not place.files():
                raise problem(say("没有 Parquet 文件", "holds no Parquet file"), file=path)
            if there:
                return cls(
                    session,
                    Path(path),
                    session.read.option("mergeSchema", "true").parquet(place.uri),
                )
        except (PySparkException, Py4JError) as error:
            raise failed(error, path) from None
        raise problem(say("没有这个文件或文件夹", "no such file or folder"), file=path)

    def about(self) -> dict[str, int]:
        """How many files it has, and their bytes."""
        found = Place(self._session, self.path).files()
        return {"files": len(found), "bytes": sum(size for _, size in found)}

    def only(self, names: Sequence[str]) -> None:
        """Leave the other columns unread."""
        self._wanted = [name for name in self.names if name in set(names)]

    def blocks(self) -> Iterator[Block]:
        """The first rows, to look at what the dataset holds; all of it is for the executors."""
        first = Place(self._session, self.path)
        name = first.files()[0][0]
        frame = self._session.read.schema(self._frame.schema).parquet(
            first.at(name).uri if name else first.uri
        )
        with self._said():
            table = frame.select(*map(_column, self._wanted)).limit(_LOOKED_AT).toArrow()
        for batch in table.combine_chunks().to_batches():
            yield Piece(batch)

    def each(self, work: Callable[[Block], Result]) -> Iterator[Result]:
        """What a function says of each batch, in the order of the rows.

        Raises:
            DrgError: the function raised it, or Spark could not do it.
        """
        carried, pieces = Carried(self._session, work), partial(_pieces, self._wanted)

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for key, table in pieces(batches):
                yield _row(key, table.num_rows, _answer(carried.here(), Piece(table)))

        with self._said():
            found = self._tagged().mapInArrow(run, _TOLD).toArrow()
        for told in self._sorted(_read(found)):
            yield told.result()

    def keep(self, work: Callable[[Block], tuple[Any, Result]]) -> Kept[Result]:
        """What a function makes of each batch stays with the executors; what it says comes back.

        Raises:
            DrgError: the function raised it, or Spark could not do it.
        """
        from pyspark import StorageLevel

        carried, pieces = Carried(self._session, work), partial(_pieces, self._wanted)

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for key, table in pieces(batches):
                answer = _answer(carried.here(), Piece(table))
                kept, told = answer if isinstance(answer, tuple) else (None, answer)
                yield _row(key, table.num_rows, told, kept)

        with self._said():
            frame = self._tagged().mapInArrow(run, _KEPT).persist(StorageLevel.DISK_ONLY)
            found = frame.drop("kept").toArrow()
        return Kept(self._session, self.path, frame, list(self._sorted(_read(found))))

    def write(
        self, work: Callable[[Batch], tuple[pa.RecordBatch, Result]], schema: pa.Schema, uri: str
    ) -> Iterator[tuple[int, Result]]:
        """Write what a function makes of each batch; give how many rows that was and what it says.

        Raises:
            DrgError: the function raised it, or Spark could not do it.
        """
        return _written(self._session, self.path, self._tagged(),
                        Carried(self._session, lambda _, table: work(Batch(table))),
                        partial(_pieces, self._wanted),
                        schema, uri, self._sorted)  # fmt: skip

    def _tagged(self) -> DataFrame:
        """The wanted columns, by names that mapInArrow takes, and the place of each row."""
        from pyspark.sql import functions

        place = self._frame.metadataColumn("_metadata")
        return self._frame.select(
            *(_column(name).alias(f"c{place}") for place, name in enumerate(self._wanted)),
            functions.xxhash64(place.getField("file_path")).alias(_FILE),
            place.getField("row_index").alias(_ROW),
        )

    def _sorted(self, found: list[Told]) -> Iterator[Told]:
        """In the order of the files' names and of the rows in each."""
        if self._order is None:
            from pyspark.sql import functions

            path = self._frame.metadataColumn("_metadata").getField("file_path")
            with self._said():
                names = self._frame.select(path.alias("path")).distinct().select(
                    "path", functions.xxhash64("path").alias("hash")).collect()  # fmt: skip
            self._order = {one["hash"]: place for place, one in enumerate(sorted(names))}
        order = self._order
        yield from sorted(found, key=lambda told: (order[told.key[0]], told.key[1]))

    def _said(self) -> _Saying:
        return _Saying(self.path)


def opened(path: str | os.PathLike[str]) -> Dataset | None:
    """A dataset on the session at hand; None where there is none, and files are read here.

    Raises:
        DrgError: it cannot be read.
    """
    session = active()
    return None if session is None else Dataset.at(session, path)


class _Saying:
    """Tells what Spark raises in one line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        if isinstance(error, PySparkException | Py4JError):
            raise failed(error, self._path) from None


@dataclass(frozen=True)
class Told:
    """What a function said of a batch.

    Attributes:
        key: where the batch begins.
        rows: its rows.
        said: what was said, pickled.
    """

    key: Key
    rows: int
    said: bytes

    def result(self) -> Any:
        """What was said.

        Raises:
            DrgError: the function raised it.
        """
        found = pickle.loads(self.said)
        if isinstance(found, DrgError):
            raise found
        return found


class Kept(Generic[Result]):
    """What was made of the batches of a dataset, kept on the disks of the executors.

    Attributes:
        rows: how many rows there are.
    """

    def __init__(
        self, session: SparkSession, path: Path, frame: DataFrame, told: list[Told]
    ) -> None:
        self._session, self._path, self._frame = session, path, frame
        ends = np.cumsum([0, *(one.rows for one in told)]).tolist()
        self._starts = {one.key: start for one, start in zip(told, ends, strict=False)}
        self.rows = int(ends[-1])
        self._told = told

    def told(self) -> Iterator[tuple[int, Result]]:
        """Rows of each batch and what was said of it, in order.

        Raises:
            DrgError: the function raised it.
        """
        for one in self._told:
            yield one.rows, one.result()

    def each(self, work: Callable[[int, Any], Any]) -> Iterator[Any]:
        """What a function says of each place and what is kept from there on, in order."""
        carried = Carried(self._session, (work, self._starts))

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for key, kept in _kept(batches):
                function, starts = carried.here()
                start = starts[key]
                yield _row(key, 0, _answer(lambda held: function(start, held), kept))  # noqa: B023

        with _Saying(self._path):
            found = self._frame.drop("told").mapInArrow(run, _TOLD).toArrow()
        for told in self._sorted(_read(found)):
            yield told.result()

    def write(
        self, work: Callable[[int, Any], tuple[pa.RecordBatch, Any]], schema: pa.Schema, uri: str
    ) -> Iterator[tuple[int, Any]]:
        """Write what a function makes of each place and what is kept from there on."""
        starts = self._starts
        carried = Carried(self._session, lambda key, kept: work(starts[key], kept))
        return _written(self._session, self._path, self._frame.drop("told"), carried, _kept,
                        schema, uri, self._sorted)  # fmt: skip

    def portions(
        self, count: int, split: Callable[[int, Any, int], Mapping[int, Any]],
        work: Callable[[list[Any]], Any],
    ) -> Iterator[Any]:  # fmt: skip
        """Parts of what is kept, brought together by portion, and what a function says of each.

        Args:
            count: how many portions.
            split: place, what is kept from there on, and ``count`` -> portion -> its part.
            work: the parts of a portion in the order of their places -> what it says.
        """
        splitting, carried = Carried(self._session, (split, self._starts)), Carried(
            self._session, work)  # fmt: skip

        def apart(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for key, kept in _kept(batches):
                function, starts = splitting.here()
                for portion, part in function(starts[key], kept, count).items():
                    yield _row((portion, starts[key]), 0, part)

        def joined(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            held: dict[int, list[Told]] = {}
            for batch in batches:
                for one in _read(pa.Table.from_batches([batch])):
                    held.setdefault(one.key[0], []).append(one)
            for portion, parts in sorted(held.items()):
                found = [one.result() for one in sorted(parts, key=lambda one: one.key)]
                yield _row((portion, 0), 0, _answer(carried.here(), found))

        with _Saying(self._path):
            found = (self._frame.drop("told").mapInArrow(apart, _TOLD)
                     .repartition(count, "file").mapInArrow(joined, _TOLD).toArrow())  # fmt: skip
        for told in sorted(_read(found), key=lambda one: one.key):
            yield told.result()

    def close(self) -> None:
        """Let go of the executors' disks."""
        self._frame.unpersist()

    def _sorted(self, found: list[Told]) -> Iterator[Told]:
        yield from sorted(found, key=lambda told: self._starts[told.key])


def _written(
    session: SparkSession, path: Path, frame: DataFrame, carried: Carried,
    pieces: Callable[[Iterator[pa.RecordBatch]], Iterator[tuple[Key, Any]]], schema: pa.Schema,
    uri: str, ordered: Callable[[list[Told]], Iterator[Told]],
) -> Iterator[tuple[int, Any]]:  # fmt: skip
    """Write batches; what is said of them comes back with the tasks that wrote them, once each."""
    from pyspark.accumulators import AccumulatorParam
    from pyspark.sql.pandas.types import from_arrow_schema

    class Gathered(AccumulatorParam[list[Told]]):
        def zero(self, value: list[Told]) -> list[Told]:
            return value[:0]

        def addInPlace(self, one: list[Told], other: list[Told]) -> list[Told]:  # noqa: N802
            one += other
            return one

    said = session.sparkContext.accumulator([], Gathered())

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for key, held in pieces(batches):
            table, extra = carried.here()(key, held)
            said.add([Told(key, table.num_rows, pickle.dumps(extra))])
            if table.num_rows:
                yield pa.RecordBatch.from_arrays(
                    [column.cast(field.type)
                     for column, field in zip(table.columns, schema, strict=True)], schema=schema,
                )  # fmt: skip

    with _Saying(path):
        kinds = from_arrow_schema(schema, prefer_timestamp_ntz=True)
        frame.mapInArrow(run, kinds).write.parquet(uri)
    for told in ordered(said.value):
        yield told.rows, told.result()


def _answer(work: Callable[[Any], Any], held: Any) -> Any:
    """What a function says, an error of the data too: that is no reason to try again."""
    try:
        return work(held)
    except DrgError as error:
        return error


def _pieces(
    names: Sequence[str], batches: Iterator[pa.RecordBatch]
) -> Iterator[tuple[Key, pa.RecordBatch]]:
    """Rows that follow one another in a file, with the place of the first."""
    for batch in batches:
        if not batch.num_rows:
            continue
        file, row = (values(batch.column(batch.schema.get_field_index(name)))
                     for name in (_FILE, _ROW))  # fmt: skip
        table = batch.drop_columns([_FILE, _ROW]).rename_columns(list(names))
        new = (file[1:] != file[:-1]) | (row[1:] != row[:-1] + 1)
        edges = [0, *(np.flatnonzero(new) + 1).tolist(), batch.num_rows]
        for start, stop in pairwise(edges):
            yield (int(file[start]), int(row[start])), table.slice(start, stop - start)


def _kept(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[Key, Any]]:
    for batch in batches:
        file, row, _, kept = batch.columns
        for place in range(batch.num_rows):
            yield ((file[place].as_py(), row[place].as_py()),
                   pickle.loads(kept[place].as_buffer()))  # fmt: skip


def _row(key: Key, rows: int, told: Any, *kept: Any) -> pa.RecordBatch:
    names = ["file", "row", "rows", "told", *(["kept"] if kept else [])]
    columns = [pa.array([one], pa.int64()) for one in (*key, rows)]
    columns += [pa.array([pickle.dumps(one, 5)], pa.binary()) for one in (told, *kept)]
    return pa.RecordBatch.from_arrays(columns, names=names)


def _read(found: pa.Table) -> list[Told]:
    """Rows as they came from executors; what was said stays in Arrow's memory till it is asked."""
    file, row, rows = (found.column(name).to_pylist() for name in ("file", "row", "rows"))
    told = [one.as_buffer() for one in found.column("told")]
    return [Told(*one) for one in zip(zip(file, row, strict=True), rows, told, strict=True)]


def _column(name: str) -> Column:
    from pyspark.sql import functions

    return functions.col("`" + name.replace("`", "``") + "`")
