"""A file of cases, opened (打开病例文件): its header found, its parts named, its layout told.

Every command opens cases here, so that titles above the header, sums and notes below the last
case, long tables and settlement lists mean the same to all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases.columns import (
    CaseColumns,
    known_headers,
    mapped_headers,
    plain_header,
    read_mapping,
    recognise,
)
from drg.cases.long import assembled, is_long, mark_column, of_cases
from drg.cases.settlement_list import is_json, read_lists
from drg.cases.texts import as_text, on_text, text_list
from drg.errors import problem
from drg.language import say
from drg.provenance import hash_file
from drg.spark.dataset import Dataset, opened
from drg.tables import Batch, Block, Malformed, TableSource, batches, in_order, open_table
from drg.tables.arrays import numbers, text_scalar, values
from drg.tables.batches import DEFAULT_BATCH_ROWS

_FOOT = (r"^\s*(合\s*计|总\s*计|小\s*计|总合计|注\s*[:：]|说明\s*[:：]|备注\s*[:：]|"
         r"(填表|制表|填报|审核|经办)人?\s*[:：])")  # fmt: skip
Result = TypeVar("Result")
_NO_CASE = "a row of sums or a note, not a case", "合计行或注释，不是病例"


class CaseSource(TableSource):
    """An open file of cases: a table with the parts of a case in its columns.

    Attributes:
        columns: which columns hold what.
    """

    columns: CaseColumns

    def __init__(self, inner: TableSource, columns: CaseColumns) -> None:
        self._inner, self.columns = inner, columns
        self.path, self.kind, self.schema = inner.path, inner.kind, inner.schema
        self.encoding, self.delimiter = inner.encoding, inner.delimiter
        self.header_rows, self.total, self.unit = inner.header_rows, inner.total, inner.unit
        self.blank_headers = inner.blank_headers
        first = inner.schema.names[0]
        by_person = inner.kind in ("csv", "excel") and first not in columns.columns("drg")
        self._foot = first if by_person else None

    def only(self, names: Sequence[str]) -> None:
        """Say which columns are wanted."""
        first = () if self._foot is None else (self._foot,)
        self._inner.only(list(dict.fromkeys([*names, *first])))

    def blocks(self) -> Iterator[Block]:
        """The file's blocks; rows of sums and notes are told of as malformed."""
        for place, block in enumerate(self._inner.blocks()):
            yield _CaseBlock(block, self, first=place == 0)

    def each(
        self, work: Callable[[Block], Result], *, workers: int | None = None
    ) -> Generator[Result, None, None]:
        """What a function gives of each block, in order: on threads here, or on executors.

        What the function holds travels to executors, so it must hold nothing that cannot.
        """
        if (dataset := self.dataset) is not None:
            yield from dataset.each(work)
        else:
            yield from in_order(self.blocks(), work, workers=workers)

    @property
    def dataset(self) -> Dataset | None:
        """The dataset on Spark that it is, with a row a case; None where it is read here.

        Raises:
            DrgError: it has a row a code.
        """
        if not isinstance(self._inner, Dataset):
            return None
        for first in self._inner.blocks():
            self.refuse_long(first.load().table)
            break
        return self._inner

    def refuse_long(self, batch: pa.RecordBatch) -> None:
        """Refuse a table with a row a code and nothing that names the principal diagnosis.

        Raises:
            DrgError: it is one.
        """
        needed = [name for part in ("case_id", "diagnoses") for name in self.columns.columns(part)]
        if set(needed) <= set(batch.schema.names) and is_long(batch, self.columns):
            raise problem(
                say("每行是一个编码而不是一个病例，且没有列指明主要诊断",
                    "has a row a code, not a row a case, and no column says which is principal"),
                file=self.path, found=", ".join(self.columns.columns("diagnoses")),
                expected=say("maindiag_flag（主诊断标志）列，或一行一例",
                             "a column maindiag_flag (主诊断标志), or a row a case"),
            )  # fmt: skip

    def of_batch(self, batch: Batch, *, first: bool = False) -> Batch:
        """A batch with its rows of sums and notes among the malformed ones."""
        if first:
            self.refuse_long(batch.table)
        if self._foot is None or self._foot not in batch.table.schema.names:
            return batch
        texts = batch.table.column(self._foot)
        if not pa.types.is_string(texts.type):
            return batch
        filled = texts.fill_null(text_scalar("")) if texts.null_count else texts
        hit = values(on_text(pc.match_substring_regex, filled, _FOOT).cast(pa.uint8())) > 0
        if not hit.any():
            return batch
        known = {m.row for m in batch.malformed if not m.column}
        rows = [row for row in np.flatnonzero(hit).tolist() if row not in known]
        said = text_list(as_text(texts.take(numbers(np.array(rows, np.intp)))))
        more = [Malformed(row, "", text or "", *_NO_CASE)
                for row, text in zip(rows, said, strict=True)]  # fmt: skip
        return replace(batch, malformed=tuple(sorted((*batch.malformed, *more),
                                                     key=lambda m: m.row)))  # fmt: skip

    def close(self) -> None:
        """Let go of the file."""
        self._inner.close()


class _CaseBlock(Block):
    def __init__(self, inner: Block, source: CaseSource, *, first: bool) -> None:
        self.progress = inner.progress
        self._inner, self._source, self._first = inner, source, first

    def load(self) -> Batch:
        return self._source.of_batch(self._inner.load(), first=self._first)


class _Held(TableSource):
    """A table in memory as a source."""

    kind = "held"

    def __init__(self, path: Path, table: pa.Table, batch_rows: int) -> None:
        self.path, self.schema, self.total = path, table.schema, table.num_rows
        self._table, self._rows = table, batch_rows

    def blocks(self) -> Iterator[Block]:
        for batch in self._table.combine_chunks().to_batches(max_chunksize=self._rows):
            yield _HeldBlock(batch)


class _HeldBlock(Block):
    def __init__(self, batch: pa.RecordBatch) -> None:
        self.progress, self._batch = batch.num_rows, batch

    def load(self) -> Batch:
        return Batch(self._batch)


def open_cases(
    path: str | PathLike[str],
    *,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    needed: Sequence[str] = (),
    dictionaries: bool = True,
    batch_rows: int = DEFAULT_BATCH_ROWS,
) -> CaseSource:
    """Open a file of cases: CSV, Excel, Parquet, or settlement lists as JSON.

    Args:
        path: the file.
        mapping: mapping file for headers and words that are not known.
        sheet: sheet of a workbook.
        needed: parts that must be there.
        dictionaries: let text of few distinct values come as dictionary arrays.
        batch_rows: about how many rows a batch has.

    Raises:
        DrgError: the file or the mapping cannot be used, or a part is missing.
    """
    path = Path(path)
    on_spark = opened(path)
    if on_spark is not None:
        inner: TableSource = on_spark
    elif is_json(path):
        inner = _Held(path, read_lists(path), batch_rows)
    else:
        inner = open_table(path, sheet=sheet, dictionaries=dictionaries, batch_rows=batch_rows,
                           known=_known(mapping))  # fmt: skip
    try:
        return _opened(inner, mapping, needed, batch_rows)
    except BaseException:
        inner.close()
        raise


def _opened(
    inner: TableSource, mapping: str | PathLike[str] | None, needed: Sequence[str],
    batch_rows: int,
) -> CaseSource:  # fmt: skip
    names = inner.schema.names
    columns = recognise(names, None if mapping is None else read_mapping(mapping, names))
    mark = mark_column(columns)
    if mark is not None and isinstance(inner, Dataset):
        raise problem(say("每行是一个编码；请先在一台机器上转为一行一例",
                          "has a row a code; make it a row a case on one machine first"),
                      file=inner.path, found=mark)  # fmt: skip
    if mark is not None and inner.kind != "held":
        # dictionaries of Parquet are texts, as the schema says
        parts = (pa.Table.from_batches([one.table]).cast(inner.schema) for one in batches(inner))
        whole = pa.concat_tables([inner.schema.empty_table(), *parts])
        inner.close()
        table = assembled(whole, columns, mark)
        inner, columns = _Held(inner.path, table, batch_rows), of_cases(table, columns)
    columns.need(*needed, file=inner.path)
    return CaseSource(inner, columns)


def digest_of(path: str | PathLike[str]) -> dict[str, Any]:
    """What a record says of a file of cases: SHA-256, or how many files and bytes of a dataset.

    Raises:
        DrgError: it cannot be read.
    """
    dataset = opened(path)
    return {"sha256": hash_file(path)} if dataset is None else dataset.about()


def _known(mapping: str | PathLike[str] | None) -> Any:
    """Counts the headers of a row that are known, or that the mapping file names."""
    wanted: set[str] = set()
    if mapping is not None:
        wanted = {plain_header(header) for header in mapped_headers(mapping)}

    def known(row: Sequence[str]) -> int:
        cells = [cell for cell in row if cell.strip()]
        used = known_headers(cells)
        return len(used) + sum(plain_header(c) in wanted and c not in used for c in cells)

    return known
