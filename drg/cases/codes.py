"""Codes as files write them: lists in one cell or in several columns, and their spelling.

The vectorised readers here turn a table's code columns into integers once; everything after
works on integers.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases.blanks import BLANKS
from drg.cases.texts import as_text, on_text, text_list
from drg.tables.arrays import integers, nulls, numbers, strings, text_scalar, values
from drg.tables.rejects import CONTROL

Ids = npt.NDArray[np.int32]

SEPARATORS = "|,;"
_WIDE_SEPARATORS = ("、", "，", "；", "｜")
_SIMPLE = re.compile(r"[A-Z]?[0-9][0-9.x+*A-Z]*")  # as the national edition writes them
_GROUP = re.compile(r"[A-Z]{2}[0-9A-Z]{1,2}")  # an ADRG or a group of CHS-DRG
_UNSEEN = dict.fromkeys(CONTROL)
_TOTALS = frozenset(["合计", "总计", "小计", "总合计", "total", "sum", "subtotal"])
_EDGES = " \t\r\n\v\f|,;、'\"=[]{}()"
_TYPED = re.compile(r"[0-9]{1,2}\.[0-9]{1,6}$")
_INNER = re.compile(r"[\s\u200b\ufeff]+")
_MOST_SEEN = 1_000_000
_LONGEST_CODE = 200
_FEW = 200
_CATEGORY, _DIAGNOSIS_PART, _PROCEDURE_PART, _LONGEST_DIGITS = 3, 3, 4, 6  # characters
_LONGEST_SPELLING = 100  # of an unknown code: what is longer is no code but a misplaced text
_LOOKALIKES = str.maketrans({"×": "X", "Х": "X", "‧": ".", "·": ".", "†": "+"})
# a code and what stands behind it: a name, which is not made of the letters of codes
_NAMED = re.compile(r"([A-Z][0-9]{2}[0-9A-Z.+*]*|[0-9]{2}[0-9.X]*)[^0-9A-Z.+*]?.*[^\x00-\x7f].*")


def plain_code(text: str) -> str:
    """The form in which codes are compared: half-width, upper case, no spaces; "" for a blank.

    ``Ｉ10.x00``, ``i10.X00`` and `` I10.x00`` are the same code.
    """
    if _SIMPLE.fullmatch(text):
        return text.upper()
    if len(text) > _LONGEST_CODE and len(text := text.strip(_EDGES)) > _LONGEST_CODE:
        return text[:_LONGEST_CODE].upper()  # no code is so long; what it says does not matter
    folded = unicodedata.normalize("NFKC", text).strip(_EDGES)
    folded = _INNER.sub("", folded).upper().translate(_LOOKALIKES)
    return "" if folded.lower() in BLANKS else folded


def plain_group(text: str) -> str:
    """The form in which codes of groups are compared: ``fr11`` and ``ＦＲ１１`` are ``FR11``.

    Codes unlike those of CHS-DRG stay as they are, without blanks at their ends and without
    characters that nobody sees, such as a byte order mark.
    """
    if not text.isprintable():
        text = text.translate(_UNSEEN)
    folded = unicodedata.normalize("NFKC", text).strip().upper()
    return folded if _GROUP.fullmatch(folded) else text.strip()


def is_total(group: str) -> bool:
    """Whether a row says sum (``合 计``, ``总计：``) where the code of a group stands."""
    return "".join(filter(str.isalnum, group)).lower() in _TOTALS


def mendings(plain: str, written: str = "") -> Iterator[set[str]]:
    """What a spelling that is no code may have been meant for, the least change first.

    A name behind the code, a dot at its end, a dagger or asterisk; then a dot that is missing;
    then zeros that are missing at its end (``47.01``, ``I50.9``, ``I10``).

    Args:
        plain: the spelling in plain form.
        written: the same with the blanks that part a code and its name.
    """
    spaced = unicodedata.normalize("NFKC", written[:_LONGEST_CODE]).strip(_EDGES).upper()
    named = [found[1] for text in (plain, spaced.translate(_LOOKALIKES))
             if (found := _NAMED.fullmatch(text))]  # fmt: skip
    bases = {base for base in named or [plain] if len(base) > 1 and _SIMPLE.fullmatch(base)}
    bare = {form for base in bases for form in (base.rstrip("."), base.rstrip(".+*"))}
    yield (bases | bare) - {plain} | ({plain} if typed_value(plain) is not None else set())
    dotted = {one for form in bases | bare for one in _dotted(form)}
    yield dotted
    yield {one for form in bases | bare | dotted for one in _lengthened(form)}


def _dotted(code: str) -> Iterator[str]:
    """A code with the dot that it lacks; of digits that may have lost a zero, both readings."""
    dagger, plus, asterisk = code.partition("+")
    if "." not in dagger and len(dagger) > 2 and dagger[0].isdigit():
        yield f"{dagger[:2]}.{dagger[2:]}"
        if dagger.isdigit() and len(dagger) < _LONGEST_DIGITS:
            yield f"{dagger[:1]}.{dagger[1:]}"
        return
    if plus or "." not in dagger:
        yield "+".join(_with_dot(part) for part in (dagger, asterisk) if part)


def _with_dot(code: str) -> str:
    bare = code.rstrip("*")
    if "." in code or len(bare) <= _CATEGORY:
        return code
    return f"{code[:_CATEGORY]}.{code[_CATEGORY:]}"


def _lengthened(code: str) -> Iterator[str]:
    """A code with the zeros that it lacks, before an extension ``x001`` too."""
    if "+" in code:
        return
    stem, mark, extension = code.partition("X")
    whole, _, part = stem.partition(".")
    if whole[:1].isdigit():
        if part[-1:].isalpha():
            yield f"{code}0"
        elif len(whole) == 2 and len(part) < _PROCEDURE_PART:
            yield f"{whole}.{part.ljust(_PROCEDURE_PART, '0')}{mark}{extension}"
            if not mark:
                yield f"{whole}.{part}X00"
    elif len(whole) == _CATEGORY and len(part) < _DIAGNOSIS_PART:
        if part:
            yield f"{whole}.{part.ljust(_DIAGNOSIS_PART, '0')}{mark}{extension}"
        elif not extension.strip("0"):
            yield f"{whole}.X00"


def typed_value(code: str) -> float | None:
    """The value of a code that is a number, else None.

    Typed as a number, ``36.0700`` has become 36.07: the value tells them to be one.
    """
    return float(code) if _TYPED.match(code) else None


@dataclass(frozen=True)
class CodeLists:
    """The code lists of a batch as integers.

    Attributes:
        ids: the codes of all rows, one row after the other; 0 is a blank.
        offsets: N + 1 positions; row i holds ``ids[offsets[i]:offsets[i + 1]]``, principal first.
    """

    ids: Ids
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many codes each row holds."""
        return np.diff(self.offsets)

    def principal(self) -> Ids:
        """The first code of each row, 0 where there is none. Shape (N,)."""
        found = np.zeros(len(self), np.int32)
        some = self.offsets[1:] > self.offsets[:-1]
        found[some] = self.ids[self.offsets[:-1][some]]
        return found

    def rows(self) -> npt.NDArray[np.int32]:
        """The row of each code. Shape of ``ids``."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.counts)


class CodeIndex:
    """Turns spellings into the integers of a code table, remembering what it has seen.

    Code i of ``codes`` has the integer i + 1; 0 is a blank; ``unknown`` is any other text. With
    ``record`` a spelling that is no code of the table has an integer of its own above
    ``unknown``, so that it can be counted: :meth:`meaning` leads back to the table.

    Args:
        codes: the table.
        aliases: other spellings -> code, such as those of another edition. An alias wins over a
            code that is spelled the same; one whose code is not in the table is unknown.
        record: give aliases and unknown spellings integers of their own.
    """

    def __init__(
        self,
        codes: Sequence[str],
        aliases: Mapping[str, str] | None = None,
        *,
        record: bool = False,
    ) -> None:
        self.codes = strings(codes)
        self.unknown = len(codes) + 1
        self._record = record
        self._seen: dict[str, int] = {}
        self._lock = threading.Lock()
        self._aliases = aliases or {}
        self._spelled: list[str] = []  # of the integers above ``unknown``
        self._means: list[int] = []
        self._asterisks: set[int] = set()  # integers of asterisk codes that stand alone
        self._own: dict[str, int] = {}  # plain spelling -> integer, of unknown spellings
        places = {code: i for i, code in enumerate(codes, 1)} if self._aliases else {}
        self._alias_ids = {
            alias: self._new(alias, places.get(code, self.unknown))
            for alias, code in self._aliases.items()
        }
        self._spellings, self._spelling_ids = self._table(codes)

    def __len__(self) -> int:
        return self.unknown + 1

    def _new(self, spelling: str, means: int) -> int:
        if not self._record:
            return means
        self._spelled.append(spelling)
        self._means.append(means)
        return self.unknown + len(self._spelled)

    def _table(self, codes: Sequence[str]) -> tuple[pa.Array, Ids | None]:
        """Spellings that are looked up at once, and their integers (None: their places)."""
        if not self._alias_ids:
            return self.codes, None
        ids = {code: i for i, code in enumerate(codes, 1)} | self._alias_ids
        return strings(list(ids)), np.array([*ids.values(), -1], np.int32)

    @cached_property
    def _by_plain(self) -> dict[str, int]:
        """Built on the first spelling that is not the edition's own."""
        places = {plain_code(code): i for i, code in enumerate(self.codes.to_pylist(), 1)}
        aliases = {plain_code(alias): i for alias, i in self._alias_ids.items()}
        return {**places, **aliases, "": 0}

    def ids(self, texts: pa.Array) -> Ids:
        """Integers of distinct spellings (nulls are blanks). Shape (len(texts),)."""
        if len(texts) < _FEW:  # not worth hashing the whole table
            few = [None if t is None else t.rstrip(SEPARATORS) for t in text_list(texts)]
            return np.array([self._one(t) for t in few], np.int32)
        trimmed = on_text(pc.utf8_rtrim, texts, characters=SEPARATORS)
        positions = pc.index_in(trimmed, value_set=self._spellings)
        missed = np.flatnonzero(nulls(positions))
        places = integers(positions, -1)
        ids = (places + 1).astype(np.int32) if self._spelling_ids is None else (
            self._spelling_ids[places]
        )  # fmt: skip
        if missed.size:
            ids[missed] = [self._one(t) for t in text_list(trimmed.take(numbers(missed)))]
        return ids

    def meaning(self, ids: Ids) -> Ids:
        """Integers of the table for integers that may stand for a spelling of their own."""
        means = np.array(self._means, np.int32)
        found = ids.copy()
        own = ids > self.unknown
        found[own] = means[ids[own] - self.unknown - 1]
        return found

    def spelling(self, number: int) -> str:
        """The spelling that has an integer above ``unknown``."""
        return self._spelled[number - self.unknown - 1]

    def _one(self, text: str | None) -> int:
        if text is None:
            return 0
        found = self._seen.get(text)
        if found is None:
            plain = plain_code(text)
            found = self._by_plain.get(plain, self.unknown)
            if found == self.unknown:
                means = self._mended(plain, text)
                found = self._other(plain, means) if self._record else means
                if plain.endswith("*") and "+" not in plain:
                    self._asterisks.add(found)
            if len(self._seen) < _MOST_SEEN:
                self._seen[text] = found
        return found

    @cached_property
    def _by_value(self) -> dict[float | None, int]:
        """Codes that are numbers, by value."""
        found = {typed_value(code): i for i, code in enumerate(self.codes.to_pylist(), 1)}
        found |= {typed_value(alias): i for alias, i in self._alias_ids.items()}
        found.pop(None, None)
        return found

    def _table_id(self, found: int) -> int:
        return self._means[found - self.unknown - 1] if found > self.unknown else found

    def _mended(self, plain: str, written: str) -> int:
        """The integer of the one code that an unknown spelling can mean, else ``unknown``."""
        for forms in mendings(plain, written):
            held = {self._by_plain.get(form, self.unknown) for form in forms}
            held |= {self._by_value.get(typed_value(form), self.unknown) for form in forms}
            means = {self._table_id(one) for one in held} - {0, self.unknown}
            if means:
                return means.pop() if len(means) == 1 else self.unknown
        return self.unknown

    def joined(self, left: str, right: str) -> int:
        """The integer of a dagger and an asterisk code written as two, 0 when they are none."""
        dagger, asterisk = plain_code(left), plain_code(right)
        if not asterisk.endswith("*") or "*" in dagger:
            return 0
        if "+" not in dagger and dagger in self._by_plain:
            return 0  # a code by itself
        found = self._by_plain.get(f"{dagger.rstrip('+')}+{asterisk}", 0)
        if not found or self._table_id(found) == self.unknown:
            return 0
        return self._other(f"{dagger}|{asterisk}", self._table_id(found)) if (
            self._record
        ) else found  # fmt: skip

    def pairs(self, lists: CodeLists) -> CodeLists:
        """Lists in which a dagger code and the asterisk code behind it are one."""
        if not self._asterisks:
            return lists
        stars = np.isin(lists.ids, list(self._asterisks))
        stars[lists.offsets[:-1][lists.counts > 0]] = False  # the first of a row has none before it
        at = np.flatnonzero(stars)
        if not at.size:
            return lists
        pairs = lists.ids[at - 1].astype(np.int64) << 32 | lists.ids[at]
        known, place = np.unique(pairs, return_inverse=True)
        whole = np.array(
            [self.joined(*map(self._text, (key >> 32, key & 0xFFFFFFFF))) for key in known.tolist()]
        )[place.reshape(-1)]
        at, whole = at[whole > 0], whole[whole > 0]
        ids = lists.ids.copy()
        ids[at - 1] = whole
        return _without(CodeLists(ids, lists.offsets), at)

    def _text(self, number: int) -> str:
        if number > self.unknown:
            return self.spelling(number)
        return str(self.codes[number - 1].as_py()) if 0 < number < self.unknown else ""

    def _other(self, plain: str, means: int) -> int:
        """The integer of a spelling that is not the table's, the same in every thread."""
        spelling = plain[:_LONGEST_SPELLING]
        with self._lock:
            found = self._own.get(spelling)
            if found is None:
                if len(self._own) >= _MOST_SEEN:
                    return means
                found = self._own[spelling] = self._new(spelling, means)
            return found


def read_codes(columns: Sequence[pa.Array], index: CodeIndex, rows: int) -> CodeLists:
    """Read the code columns of a batch.

    Args:
        columns: one array of cells or lists, or several (principal first); none means no codes.
        index: the code table.
        rows: number of rows of the batch.
    """
    if not columns:
        return CodeLists(np.empty(0, np.int32), np.zeros(rows + 1, np.int64))
    parts = [_read_column(column, index) for column in columns]
    return index.pairs(parts[0] if len(parts) == 1 else _join(parts))


def _read_column(column: pa.Array, index: CodeIndex) -> CodeLists:
    kind = column.type
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        column = pa.array(column.to_pylist(), pa.list_(kind.value_type))  # Arrow's own cast errs
        kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        if pa.types.is_fixed_size_list(kind):
            column = column.cast(pa.list_(kind.value_type))
        if column.null_count:
            column = pc.coalesce(column, pa.scalar([], column.type))
        offsets = values(column.offsets).astype(np.int64)
        ids = _encode(column.values.slice(offsets[0], offsets[-1] - offsets[0]), index)
        return CodeLists(ids, offsets - offsets[0])
    if pa.types.is_dictionary(kind):
        distinct = _read_column(column.dictionary, index)
        return _take(distinct, column.indices)
    return _split(as_text(column), index)


def _encode(texts: pa.Array, index: CodeIndex) -> Ids:
    if not pa.types.is_dictionary(texts.type):
        texts = as_text(texts).dictionary_encode()
    ids = index.ids(as_text(texts.dictionary))
    if texts.indices.null_count:
        ids = np.append(ids, np.int32(0))
    return ids[integers(texts.indices, len(ids) - 1)]


def _take(lists: CodeLists, indices: pa.Array) -> CodeLists:
    """Rows of ``lists`` by position; a null position is an empty row."""
    empty = np.append(lists.offsets, lists.offsets[-1])
    chosen = integers(indices, len(lists))
    starts, counts = empty[chosen], np.diff(empty)[chosen]
    offsets = np.concatenate(([0], np.cumsum(counts)))
    inside = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
    return CodeLists(lists.ids[np.repeat(starts, counts) + inside], offsets)


def _split(cells: pa.Array, index: CodeIndex) -> CodeLists:
    """Split cells into codes without copying text.

    Arrow strings lie end to end in one buffer, so a code is a slice that may keep the
    separator after it; the separator is trimmed from the distinct spellings only.
    """
    if cells.null_count:
        cells = cells.fill_null(text_scalar(""))
    offsets, data = _buffers(cells)
    if data.size and (data >= 0x80).any():
        for wide in _WIDE_SEPARATORS:
            cells = pc.replace_substring(cells, wide, SEPARATORS[0])
        offsets, data = _buffers(cells)
    if not data.size:
        return CodeLists(np.empty(0, np.int32), np.zeros(len(cells) + 1, np.int64))
    begins = np.zeros(len(data) + 1, np.bool_)
    for mark in SEPARATORS.encode():
        begins[1:] |= data == mark
    begins[offsets[:-1][offsets[1:] > offsets[:-1]]] = True
    starts = np.flatnonzero(begins[:-1])
    bounds = np.append(starts, len(data)).astype(np.int32)
    slices: Any = pa.StringArray.from_buffers(len(starts), pa.py_buffer(bounds), pa.py_buffer(data))
    return CodeLists(_encode(slices, index), np.searchsorted(starts, offsets).astype(np.int64))


def _buffers(cells: pa.Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Offsets from 0 and the text bytes of a string array."""
    _, offset_buffer, data_buffer = cells.buffers()
    first, rows = cells.offset, len(cells)
    if not rows or data_buffer is None:
        return np.zeros(rows + 1, np.int32), np.empty(0, np.uint8)
    offsets = np.frombuffer(offset_buffer, np.int32, rows + 1, first * 4)
    data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]]
    return offsets - offsets[0], data


def _join(parts: Sequence[CodeLists]) -> CodeLists:
    """Put the lists of several columns behind one another, row by row.

    Blanks are dropped, but a row's first place always belongs to the first column, so that an
    empty principal column stays an empty principal code.
    """
    first = parts[0]
    principal = CodeLists(first.principal(), np.arange(len(first) + 1, dtype=np.int64))
    behind = _without(first, first.offsets[:-1][first.counts > 0])
    kept = [principal, *(_compact(part) for part in (behind, *parts[1:]))]
    total = np.sum([part.counts for part in kept], axis=0)
    offsets = np.concatenate(([0], np.cumsum(total)))
    ids = np.empty(offsets[-1], np.int32)
    place = offsets[:-1].copy()
    for part in kept:
        counts = part.counts
        inside = np.arange(len(part.ids)) - np.repeat(part.offsets[:-1], counts)
        ids[np.repeat(place, counts) + inside] = part.ids
        place += counts
    return CodeLists(ids, offsets)


def _compact(lists: CodeLists) -> CodeLists:
    return _without(lists, np.flatnonzero(lists.ids == 0))


def _without(lists: CodeLists, positions: npt.NDArray[np.int64]) -> CodeLists:
    if not positions.size:
        return lists
    before = np.searchsorted(positions, lists.offsets)
    return CodeLists(np.delete(lists.ids, positions), lists.offsets - before)
