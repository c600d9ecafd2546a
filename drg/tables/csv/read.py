"""CSV files, plain or gzipped, cut into blocks of whole records."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from drg.errors import DrgError, problem
from drg.language import say
from drg.tables.batches import (
    DEFAULT_BATCH_ROWS,
    Batch,
    Block,
    TableSource,
    blank_headers,
    reading,
    unique_names,
)
from drg.tables.csv.blocks import CsvForm, parse_block
from drg.tables.csv.records import find_records, last_line, take_apart
from drg.tables.csv.text import (
    BOM,
    decode,
    guess_delimiter,
    guess_encoding,
    is_valid,
    refuse_utf16,
)
from drg.tables.headers import MOST_ROWS, Known, choose_header

_FIRST_READ = 1 << 18
_LARGEST_BLOCK = 32 << 20
_LONGEST_RECORD = 256 << 20
_LOOK_AHEAD = 256 << 20
_LOOK_AHEAD_ZIPPED = 64 << 20  # of text
_Stream = BinaryIO | gzip.GzipFile


class _CsvBlock(Block):
    def __init__(self, path: Path, data: bytes, progress: int, form: CsvForm) -> None:
        self.progress = progress
        self._path = path
        self._data = data
        self._form = form

    def load(self) -> Batch:
        with reading(self._path, ValueError):
            return parse_block(self._data, self._form)


class CsvSource(TableSource):
    """A CSV file; every column is text, an empty cell is ``""``.

    The encoding is told by the first text that is not ASCII. It is looked for in the first 256 MB
    of a file, or 64 MB of unpacked text. Should it come later, it is still read right, but
    ``encoding`` says UTF-8 until then, and that is what a sink made ``like`` this source writes.
    """

    kind = "csv"
    header_rows = 1
    unit = "bytes"
    encoding: str
    delimiter: str

    def __init__(
        self, path: Path, *, batch_rows: int = DEFAULT_BATCH_ROWS, known: Known | None = None
    ) -> None:
        """Open the file, find out its encoding and delimiter and read its header.

        Args:
            path: The file.
            batch_rows: About how many rows a batch has.
            known: Counts headers that are known, to find the header below titles.

        Raises:
            DrgError: It cannot be read, is empty, or its header cannot be used.
        """
        self.path = path
        self._known = known
        self._names: list[str] | None = None
        with reading(path):
            self._raw: BinaryIO = path.open("rb")
        try:
            with reading(path):
                self._open(batch_rows)
        except DrgError:
            self.close()
            raise

    def _open(self, batch_rows: int) -> None:
        self.total = self.path.stat().st_size
        magic = self._raw.read(2)
        self._raw.seek(0)
        self._zipped = magic == b"\x1f\x8b"
        self._stream: _Stream = gzip.GzipFile(fileobj=self._raw) if self._zipped else self._raw
        self._done = 0
        data = self._fill(b"", _FIRST_READ)
        refuse_utf16(data, self.path)
        with_bom = data.startswith(BOM)
        data = data[len(BOM) :] if with_bom else data
        header, data = self._take_header(data)
        if self._known is not None:
            header, data = self._look_for_header(header, data, self._known)
        self._pending = data
        # A header in English and a first Chinese cell far down: look on while that is cheap.
        here = self._raw.tell()
        guess = "utf-8-sig" if with_bom else guess_encoding(self._sample(header, data))
        if self._stream is self._raw:
            self._raw.seek(here)
        self._sure = guess is not None
        self.encoding = guess or "utf-8"
        self._read_header(header)
        lines = max(1, data.count(b"\n") or data.count(b"\r"))
        size = batch_rows * (len(data) // lines + 1)
        self._block_size = max(1, min(size, _LARGEST_BLOCK))

    def _fill(self, data: bytes, size: int) -> bytes:
        """``data`` and what follows in the file, up to ``size`` bytes in all."""
        parts = [data]
        missing = size - len(data)
        while missing > 0:
            part = self._stream.read(missing)
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _take_header(self, data: bytes) -> tuple[bytes, bytes]:
        """Cut the first line that is not blank off the data."""
        data = data.lstrip(b"\r\n")
        while True:
            end = _first_break(data)
            quoted = b'"' in data[:end]
            if quoted and end < len(data):
                end = _end_of_quoted_header(data, end)
            if end < len(data) - 1 or len(data) > _LONGEST_RECORD:
                break
            more = self._fill(data, 2 * max(len(data), _FIRST_READ))
            if len(more) == len(data):
                break
            data = more.lstrip(b"\r\n")
        if not data:
            raise problem(
                say("文件为空，应有表头行", "is empty, expected a header line"), file=self.path
            )
        if end > _LONGEST_RECORD:
            raise problem(say("前 256 MB 内没有换行，是 CSV 文件吗？",
                              "has no line end in its first 256 MB, is it CSV?"),
                          file=self.path)  # fmt: skip
        after = end + (2 if data[end : end + 2] == b"\r\n" else 1)
        return data[:end], data[after:]

    def _look_for_header(self, first: bytes, data: bytes, known: Known) -> tuple[bytes, bytes]:
        """The header below titles, and what follows it; as given where the first row is best."""
        lines, rests = [first], [data]
        while len(lines) < MOST_ROWS and (rest := rests[-1].lstrip(b"\r\n")):
            end = _first_break(rest)
            if b'"' in rest[:end]:
                end = _end_of_quoted_header(rest, end)
            lines.append(rest[:end])
            rests.append(rest[end + (2 if rest[end : end + 2] == b"\r\n" else 1) :])
        encoding = guess_encoding([b"\n".join(lines)]) or "utf-8"
        rows = []
        for line in lines:
            text = decode(line, encoding)
            delimiter = ord(guess_delimiter(text, ".tsv" if self._tabs else ".csv"))
            cells = take_apart(line, 0, len(line), delimiter).cells
            rows.append([decode(cell, encoding) for cell in cells])
        place, self._names = choose_header(rows, known)
        self.header_rows = place + 1
        return lines[place], rests[place]

    @property
    def _tabs(self) -> bool:
        return ".tsv" in [suffix.lower() for suffix in self.path.suffixes][-2:]

    def _sample(self, header: bytes, data: bytes) -> Iterator[bytes]:
        whole_lines = data[: _last_break(data)] or data
        yield header + b"\n" + whole_lines
        if not whole_lines.isascii():
            return
        part = data[len(whole_lines) :]
        if not self._zipped:
            yield from _first_text(part, self._raw, _LOOK_AHEAD)
            return
        with gzip.open(self.path) as again:
            again.seek(self._stream.tell())
            yield from _first_text(part, again, _LOOK_AHEAD_ZIPPED)

    def _read_header(self, header: bytes) -> None:
        if not is_valid(header, self.encoding):
            text = decode(header, self.encoding)
            raise problem(say(f"表头不是有效的 {self.encoding} 文本",
                              f"the header is not valid {self.encoding}"),
                          file=self.path, found=text)  # fmt: skip
        text = header.decode("gb18030" if self.encoding == "gb18030" else "utf-8")
        self.delimiter = guess_delimiter(text, ".tsv" if self._tabs else ".csv")
        record = take_apart(header, 0, len(header), ord(self.delimiter))
        if record.state != "whole":
            raise problem(say("表头中的引号没有闭合", "a quote in the header is not closed"),
                          file=self.path, found=text)  # fmt: skip
        names = self._names or [decode(cell, self.encoding) for cell in record.cells]
        unique = unique_names(names, self.path)
        self.blank_headers = blank_headers(unique, names)
        self._form = CsvForm(unique, self.delimiter, self.encoding)
        self.schema = self._form.schema

    def blocks(self) -> Iterator[Block]:
        """The file's blocks of whole records."""
        with reading(self.path):
            size = self._block_size
            while True:
                self._pending = self._fill(self._pending, size + 1)
                last = len(self._pending) <= size
                data = self._pending[:size]
                end = len(data) if last else self._record_end(data)
                if end:
                    self._pending = self._pending[end:]
                    data = data[:end]
                    self._settle_encoding(data)
                    yield _CsvBlock(self.path, data, self._advance(last), self._form)
                if last:
                    return
                size = self._block_size if end else 2 * size
                if size > _LONGEST_RECORD:
                    raise problem(say("有一行超过 256 MB，是 CSV 文件吗？",
                                      "a line is longer than 256 MB, is it CSV?"),
                                  file=self.path)  # fmt: skip

    def _record_end(self, data: bytes) -> int:
        """Where the last whole record ends; 0 if not even one does.

        With an even number of quotes, and a last line that is a record by itself, that line is
        taken to end one. In text that is not RFC 4180 this could cut a cell of several lines
        that looks like records inside; it costs malformed rows, never others.
        """
        end = _last_break(data)
        if not end or b'"' not in data:
            return end
        if data.count(b'"', 0, end) % 2 == 0:
            start, stop = last_line(data, end)
            line = take_apart(data, start, stop, ord(self.delimiter))
            if line.state == "whole" and len(line.cells) == len(self._form.names):
                return end
        open_at = find_records(data[:end], ord(self.delimiter), len(self._form.names)).open_at
        return open_at if open_at >= 0 else end

    def _settle_encoding(self, data: bytes) -> None:
        if self._sure:
            return
        guess = guess_encoding([data])
        if guess is not None:
            self._sure = True
            self.encoding = guess
            self._form = CsvForm(self._form.names, self.delimiter, guess)

    def _advance(self, last: bool) -> int:
        assert self.total is not None
        done = self.total if last else min(self._raw.tell(), self.total)
        step, self._done = done - self._done, done
        return max(0, step)

    def close(self) -> None:
        """Close the file."""
        self._raw.close()


def _first_text(part: bytes, file: _Stream, most: int) -> Iterator[bytes]:
    """The first part of a file, from ``part`` on, that is not ASCII, to the end of a line."""
    end = file.tell() + most
    while part.isascii() and file.tell() < end:
        part = file.read(_FIRST_READ)
        if not part:
            return
    yield part + file.readline(_FIRST_READ)


def _first_break(data: bytes) -> int:
    ends = [end for end in (data.find(b"\n"), data.find(b"\r")) if end >= 0]
    return min(ends, default=len(data))


def _last_break(data: bytes) -> int:
    """After the last line end of the data; a final CR may be half of a CRLF and does not count."""
    end = data.rfind(b"\n") + 1
    return end or data.rfind(b"\r", 0, len(data) - 1) + 1


def _end_of_quoted_header(data: bytes, line_end: int) -> int:
    """A quoted name may hold a line break."""
    line = data[:line_end].decode("latin-1")
    delimiter = ord(guess_delimiter(line, ".csv"))
    if take_apart(data, 0, line_end, delimiter).state == "whole":
        return line_end
    record = take_apart(data, 0, min(len(data), 1 << 16), delimiter)
    return record.stop if record.state == "whole" else line_end
