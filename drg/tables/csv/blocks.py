"""One block of CSV bytes to one batch: Arrow's parser where it can, care where it must."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from drg.tables.batches import Batch, Malformed
from drg.tables.csv.records import Records, find_records, last_line, take_apart
from drg.tables.csv.text import BOM, ENCODING_TITLES, decode, is_valid, to_utf8

_TEXT = pa.string()
_OPEN = "a quote is not closed", "引号没有闭合"


@dataclass(frozen=True)
class CsvForm:
    """What every block of a CSV file shares."""

    names: list[str]
    delimiter: str
    encoding: str

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.names)

    @property
    def schema(self) -> pa.Schema:
        """All columns are text."""
        return pa.schema([(name, _TEXT) for name in self.names])


@dataclass(frozen=True)
class _BadRow:
    row: int
    cells: list[str]
    malformed: Malformed


def parse_block(data: bytes, form: CsvForm) -> Batch:
    """Decode a block that begins and ends where a record does.

    Every record gives one row. A record that is ragged, has an unclosed quote or bytes that are
    not text gives a row with the cells that can be told, else null.
    """
    try:
        text = to_utf8(data, form.encoding)
    except UnicodeDecodeError:
        return _parse_with_care(data, form)
    quoted = b'"' in text
    if quoted and _last_line_is_open(text, form):
        return _parse_with_care(data, form)
    good, ragged = _parse(text, form)
    rows = good.num_rows + len(ragged)
    # As many rows as lines: each record is one line, so no quote has swallowed a line break.
    if quoted and rows != _count_lines(text):
        return _parse_with_care(data, form)
    return _weave(good, ragged, rows)


def _width(found: int, expected: int) -> tuple[str, str]:
    return f"found {found} fields, expected {expected}", f"有 {found} 个字段，应为 {expected} 个"


def _parse(text: bytes, form: CsvForm) -> tuple[pa.RecordBatch, list[_BadRow]]:
    """Arrow's parser: the rows of the right width, and the others with their row index."""
    ragged: list[_BadRow] = []
    delimiter = ord(form.delimiter)

    def keep(row: pa_csv.InvalidRow) -> str:
        raw = row.text.encode()
        cells = [cell.decode() for cell in take_apart(raw, 0, len(raw), delimiter).cells]
        index = row.number - 1
        said = _width(row.actual_columns, row.expected_columns)
        ragged.append(_BadRow(index, cells, Malformed(index, "", row.text, *said)))
        return "skip"

    if not text:
        return _one_batch(form.schema.empty_table(), form.schema), ragged
    if text.startswith(BOM):
        text = BOM + text  # Arrow takes one away, but a block's is data: the file's is gone
    table = pa_csv.read_csv(
        pa.py_buffer(text),
        read_options=pa_csv.ReadOptions(
            use_threads=False, column_names=form.names, block_size=len(text) + 1
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=form.delimiter, newlines_in_values=True, invalid_row_handler=keep
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(form.names, _TEXT),
            strings_can_be_null=False,
            check_utf8=False,
        ),
    )
    return _one_batch(table, form.schema), ragged


def _one_batch(table: pa.Table, schema: pa.Schema) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    if not batches:
        return pa.RecordBatch.from_arrays([pa.array([], f.type) for f in schema], schema=schema)
    return batches[0]


def _count_lines(text: bytes) -> int:
    breaks = text.count(b"\n")
    if b"\r" in text:
        breaks += text.count(b"\r") - text.count(b"\r\n")
    return breaks + (not text.endswith((b"\n", b"\r")))


def _last_line_is_open(text: bytes, form: CsvForm) -> bool:
    """Whether the block ends within quotes, which Arrow would let pass."""
    start, end = last_line(text, len(text))
    return take_apart(text, start, end, ord(form.delimiter)).state != "whole"


def _parse_with_care(data: bytes, form: CsvForm) -> Batch:
    """Set the records aside that cannot be read, parse the others, put all in order again."""
    records = find_records(data, ord(form.delimiter), form.width)
    count = len(records.starts)
    bad = _unreadable(data, form, records)
    kept = np.setdiff1d(np.arange(count), [row.row for row in bad])
    text = to_utf8(_without(data, records, {row.row for row in bad}), form.encoding)
    good, ragged = _parse(text, form)
    moved = [
        _BadRow(
            int(kept[row.row]),
            row.cells,
            replace(row.malformed, row=int(kept[row.row])),
        )
        for row in ragged
        if row.row < len(kept)
    ]
    if good.num_rows + len(ragged) != len(kept):
        return _parse_one_by_one(data, form, records)
    return _weave(good, sorted([*bad, *moved], key=lambda row: row.row), count)


def _unreadable(data: bytes, form: CsvForm, records: Records) -> list[_BadRow]:
    """Records with an unclosed quote or bytes that are not text."""
    suspects = sorted(records.unclosed)
    if not is_valid(data, form.encoding):
        spans = zip(records.starts.tolist(), records.ends.tolist(), strict=True)
        suspects = [
            row
            for row, (start, end) in enumerate(spans)
            if row in records.unclosed or not is_valid(data[start:end], form.encoding)
        ]
    return [_bad_row(data, form, records, row) for row in suspects]


def _bad_row(data: bytes, form: CsvForm, records: Records, row: int) -> _BadRow:
    start, end = int(records.starts[row]), int(records.ends[row])
    cells = take_apart(data, start, end, ord(form.delimiter)).cells
    texts = [decode(cell, form.encoding) for cell in cells]
    if row in records.unclosed:
        raw = decode(data[start:end], form.encoding)
        return _BadRow(row, texts, Malformed(row, "", raw, *_OPEN))
    title = ENCODING_TITLES[form.encoding]
    said = f"bytes are not valid {title}", f"字节不是有效的 {title} 文本"
    broken = [i for i, cell in enumerate(cells) if not is_valid(cell, form.encoding)]
    if len(broken) == 1 and broken[0] < form.width and len(cells) == form.width:
        where = Malformed(row, form.names[broken[0]], texts[broken[0]], *said)
    else:
        where = Malformed(row, "", decode(data[start:end], form.encoding), *said)
    return _BadRow(row, texts, where)


def _without(data: bytes, records: Records, rows: set[int]) -> bytes:
    """The data with some records, and all blank lines, left out."""
    spans = zip(records.starts.tolist(), records.ends.tolist(), strict=True)
    return b"".join(
        data[start:end] + b"\n" for row, (start, end) in enumerate(spans) if row not in rows
    )


def _parse_one_by_one(data: bytes, form: CsvForm, records: Records) -> Batch:
    """The last resort, should Arrow and we ever see different records: our own reading."""
    bad = {row.row: row for row in _unreadable(data, form, records)}
    rows: list[list[str | None]] = []
    for row, start in enumerate(records.starts.tolist()):
        end = int(records.ends[row])
        if row not in bad:
            cells = take_apart(data, start, end, ord(form.delimiter)).cells
            texts = [decode(cell, form.encoding) for cell in cells]
            if len(cells) == form.width:
                rows.append(list(texts))
                continue
            raw, said = decode(data[start:end], form.encoding), _width(len(cells), form.width)
            bad[row] = _BadRow(row, texts, Malformed(row, "", raw, *said))
        rows.append(_fit(bad[row].cells, form.width))
    columns = [pa.array([cells[i] for cells in rows], _TEXT) for i in range(form.width)]
    table = pa.RecordBatch.from_arrays(columns, schema=form.schema)
    return Batch(table, tuple(bad[row].malformed for row in sorted(bad)))


def _weave(good: pa.RecordBatch, bad: list[_BadRow], rows: int) -> Batch:
    """Put the malformed rows among the good ones, at their places."""
    if not bad:
        return Batch(good)
    width = good.num_columns
    fitted = [_fit(row.cells, width) for row in bad]
    extra = pa.RecordBatch.from_arrays(
        [pa.array([cells[i] for cells in fitted], _TEXT) for i in range(width)],
        schema=good.schema,
    )
    places = np.array([row.row for row in bad])
    source = np.empty(rows, np.int64)
    source[places] = good.num_rows + np.arange(len(bad))
    others = np.ones(rows, bool)
    others[places] = False
    source[others] = np.arange(good.num_rows)
    both = pa.concat_batches([good, extra])
    return Batch(pc.take(both, pa.array(source)), tuple(row.malformed for row in bad))


def _fit(cells: list[str], width: int) -> list[str | None]:
    return [*cells[:width], *[None] * (width - len(cells))]
