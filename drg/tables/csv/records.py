"""Which bytes of CSV text make up which record, also where quotes are broken.

A record is usually one line. A quoted cell may hold line breaks (RFC 4180), but a quote that
somebody forgot to close looks the same at first, and must not swallow the rest of the file. So a
record of several lines counts only if its quotes close before a delimiter or line end, it has
the header's number of cells, and it is at most ``WINDOW`` bytes long. Otherwise its first line
is a malformed row by itself and reading goes on with the next line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WINDOW = 1 << 20
_QUOTE = 34
_BREAKS = (10, 13)
_BREAK = re.compile(rb"[\r\n]")

Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Records:
    """Where records begin and end (line break excluded); blank lines are left out.

    Attributes:
        starts: Offset of each record's first byte.
        ends: Offset after each record's last byte.
        unclosed: Records, by index, that are one line with an unclosed quote.
        open_at: Where a record begins that the end of the data leaves open; -1 if none.
    """

    starts: Offsets
    ends: Offsets
    unclosed: frozenset[int]
    open_at: int


@dataclass(frozen=True)
class Cells:
    """One record, taken apart.

    Attributes:
        cells: The cells' bytes without their quotes; those before an unclosed quote.
        stop: Offset of the line break that ends it, or of the end of the data.
        state: ``whole``; ``open``, the data ends within quotes; ``loose``, a cell of several
            lines goes on after its closing quote, or there are too many cells.
    """

    cells: list[bytes]
    stop: int
    state: str


def take_apart(data: bytes, start: int, end: int, delimiter: int, width: int = 0) -> Cells:
    """Take apart the record that begins at ``start``.

    Args:
        data: CSV bytes in an ASCII-compatible encoding.
        start: Where the record begins.
        end: Where to stop looking.
        delimiter: The delimiter's byte.
        width: The number of cells expected; a record of several lines is given up beyond it.
    """
    cells: list[bytes] = []
    separator = bytes([delimiter])
    several_lines = False
    at = start
    first = _BREAK.search(data, start, end)
    line_end = first.start() if first else end
    while True:
        head = b""
        if at < end and data[at] == _QUOTE:
            close = _closing_quote(data, at + 1, end)
            if close < 0:
                return Cells(cells, end, "open")
            head = data[at + 1 : close].replace(b'""', b'"')
            at = close + 1
            if at > line_end:
                several_lines = True
                after = _BREAK.search(data, at, end)
                line_end = after.start() if after else end
                if at < line_end and data[at] != delimiter:
                    return Cells(cells, line_end, "loose")
        stop = data.find(separator, at, line_end)
        cells.append(head + data[at : stop if stop >= 0 else line_end])
        if stop < 0:
            return Cells(cells, line_end, "whole")
        if several_lines and width and len(cells) >= width:
            return Cells(cells, line_end, "loose")
        at = stop + 1


def last_line(data: bytes, end: int) -> tuple[int, int]:
    """Where the last line before ``end`` that is not blank begins and ends."""
    while end and data[end - 1] in _BREAKS:
        end -= 1
    feed = data.rfind(b"\n", 0, end)
    return max(feed, data.rfind(b"\r", max(feed, 0), end)) + 1, end


def _closing_quote(data: bytes, at: int, end: int) -> int:
    while True:
        found = data.find(b'"', at, end)
        if found < 0 or found + 1 >= end or data[found + 1] != _QUOTE:
            return found
        at = found + 2


def find_records(data: bytes, delimiter: int, width: int) -> Records:
    """Find every record of data that begins where a record begins.

    Args:
        data: CSV bytes in an ASCII-compatible encoding.
        delimiter: The delimiter's byte.
        width: The number of cells the header has.
    """
    starts, line_ends = _lines(data)
    ends = line_ends.copy()
    keep = ends > starts
    unclosed: list[int] = []
    open_at = -1
    resume = 0
    for line in _suspects(data, starts, delimiter):
        begin, end = int(starts[line]), int(line_ends[line])
        if line < resume or take_apart(data, begin, end, delimiter).state == "whole":
            continue
        limit = min(begin + WINDOW, len(data))
        record = take_apart(data, begin, limit, delimiter, width)
        if record.state == "whole" and record.stop == limit < len(data):
            record = Cells(record.cells, limit, "loose")  # cut off by the window
        if record.state == "open" and limit == len(data) and open_at < 0:
            open_at = begin
        if record.state == "whole" and len(record.cells) == width:
            resume = int(np.searchsorted(line_ends, record.stop)) + 1
            keep[line + 1 : resume] = False
            ends[line] = record.stop
        else:
            unclosed.append(int(line))
    order = np.cumsum(keep) - 1
    return Records(
        starts[keep], ends[keep], frozenset(int(order[line]) for line in unclosed), open_at
    )


def _lines(data: bytes) -> tuple[Offsets, Offsets]:
    """Physical lines, blank ones too; CR, LF and CRLF end a line."""
    bytes_ = np.frombuffer(data, np.uint8)
    is_break = bytes_ == 10
    if b"\r" in data:
        returns = bytes_ == 13
        second_of_pair = np.zeros_like(is_break)
        second_of_pair[1:] = is_break[1:] & returns[:-1]
        is_break |= returns
    else:
        second_of_pair = np.zeros(0, bool)
    ends = np.flatnonzero(is_break)
    if len(second_of_pair):
        ends = ends[~second_of_pair[ends]]
    after = ends + 1
    if len(second_of_pair):
        pairs = np.append(second_of_pair, np.False_)[after]
        after = after + pairs
    starts = np.concatenate([np.zeros(1, np.int64), after])
    ends = np.append(ends, len(data))
    if starts[-1] >= len(data):
        starts, ends = starts[:-1], ends[:-1]
    return starts, ends


def _suspects(data: bytes, starts: Offsets, delimiter: int) -> Offsets:
    """Lines whose quotes are not plainly those of cells that open and close within the line."""
    bytes_ = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(bytes_ == _QUOTE)
    if not len(quotes) or not len(starts):
        return np.zeros(0, np.int64)
    first = np.searchsorted(quotes, starts)
    counts = np.diff(np.append(first, len(quotes)))
    line = np.repeat(np.arange(len(starts)), counts)
    opening = (np.arange(len(quotes)) - np.repeat(first, counts)) % 2 == 0
    plain = np.zeros(256, bool)
    plain[[delimiter, _QUOTE, *_BREAKS]] = True
    before = plain[bytes_[np.maximum(quotes - 1, 0)]] | (quotes == 0)
    after = plain[bytes_[np.minimum(quotes + 1, len(data) - 1)]] | (quotes == len(data) - 1)
    odd = ~np.where(opening, before, after)
    suspect = counts % 2 == 1
    suspect[line[odd]] = True
    return np.flatnonzero(suspect)
