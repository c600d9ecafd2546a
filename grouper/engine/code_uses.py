"""Which codes of a file were converted or are unknown: counted in passing, listed at the end."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from drg.cases.codes import CodeIndex, plain_code
from drg.cases.columns import LIST_COLUMNS, CaseColumns, plain_header
from drg.cases.values import read_text
from drg.tables import atomic_path, neutralise
from drg.tables.arrays import values
from drg.tables.as_text import cell_text
from drg.tables.atomic import writing
from grouper.codes.candidates import Candidates
from grouper.codes.editions import KINDS, conversions
from grouper.engine.grouper import BatchResult, Grouper
from grouper.engine.profile import Spelled
from grouper.engine.reasons import BIT
from grouper.scheme.model import Scheme

_MOST_NAMED = 2_000  # spellings a batch whose names are looked for
_MOST_SOUGHT = 5_000  # spellings a file for which candidates are sought, the most used first
_LONGEST_NAME = 100
_CODE = re.compile(r"[A-Z]?[0-9][0-9.X+*A-Z]*")
_CODE_WORD = re.compile(r"(编码|代码|编号)")
CONVERTED_HEADER = (
    "kind", "code", "converted_to", "name", "uses", "as_principal",
)  # fmt: skip
UNMAPPED_HEADER = (
    "hospital_id", "kind", "code", "uses", "as_principal", "name_in_file",
    "clinical_edition_of", "candidates_by_code", "candidates_by_name",
)  # fmt: skip


@dataclass(frozen=True)
class BatchUses:
    """Uses in one batch, uses and principal uses of each; texts, so that they may travel.

    Attributes:
        converted: by kind, spelling and code of the edition.
        unknown: by hospital or "", kind and spelling.
        names: what stands beside an unknown code, by kind and spelling.
    """

    converted: list[tuple[tuple[str, str, str], int, int]]
    unknown: list[tuple[tuple[str, str, str], int, int]]
    names: dict[tuple[str, str], str]


@dataclass
class Uses:
    """How often a code is used, and how often as the principal one."""

    uses: int = 0
    principal: int = 0

    def add(self, uses: int, principal: int) -> None:
        """Count further uses."""
        self.uses += uses
        self.principal += principal


@dataclass(frozen=True)
class Unmapped:
    """An unknown code of one hospital, or of all, with what it may have meant.

    Attributes:
        hospital: its id, empty when the file does not say.
        kind: ``diagnosis`` or ``procedure``.
        code: the code in plain spelling.
        uses: how often it is used.
        principal: how often as the principal code.
        name: what stands beside the code in the file.
        clinical: insurance code by the conversion table, when it is a clinical code.
        by_code: nearest codes by spelling, with names.
        by_name: nearest codes by name, with names.
    """

    hospital: str
    kind: str
    code: str
    uses: int
    principal: int
    name: str
    clinical: str
    by_code: tuple[str, ...]
    by_name: tuple[str, ...]


class CodeUses:
    """Counts conversions and unknown codes of a file.

    :meth:`of` may run in many threads; :meth:`add` takes its results in the order of the file.

    Args:
        grouper: the grouper whose results are counted.
        columns: which columns hold what.
        names: the file's columns.
    """

    def __init__(self, grouper: Grouper, columns: CaseColumns, names: Sequence[str]) -> None:
        self._grouper = grouper
        self._hospital = columns.column("hospital_id")
        self._columns = [columns.columns(part) for part in LIST_COLUMNS]
        self._name_columns = [
            {code: found for code in part if (found := name_column(code, names))}
            for part in self._columns
        ]
        self.converted: dict[tuple[str, str, str], Uses] = {}  # kind, spelling, code of the edition
        self.unknown: dict[tuple[str, str, str], Uses] = {}
        self.names: dict[tuple[str, str], str] = {}

    def of(self, table: pa.RecordBatch, result: BatchResult) -> BatchUses | None:
        """The uses in one batch; None when every code is the edition's own."""
        if not any(spelled.ids.size for spelled in result.spelled):
            return None
        found = BatchUses([], [], {})
        readable = (result.notes & BIT["malformed_row"]) == 0
        for kind, (index, spelled) in enumerate(
            zip(self._grouper.code_indices, result.spelled, strict=True)
        ):
            sound = readable[spelled.rows]
            known = index.meaning(spelled.ids) != index.unknown
            counts = _count(_chosen(spelled, sound & known))
            means = index.meaning(np.array([number for _, number, *_ in counts], np.int32))
            for (_, number, uses, principal), place in zip(counts, means.tolist(), strict=True):
                key = KINDS[kind], index.spelling(number), index.codes[place - 1].as_py()
                found.converted.append((key, uses, principal))
            strange = _chosen(spelled, sound & ~known)
            if strange.ids.size:
                for home, number, uses, principal in _count(
                    strange, *self._hospitals(table, strange.rows)
                ):
                    key = home, KINDS[kind], index.spelling(number)
                    found.unknown.append((key, uses, principal))
                found.names.update(self._named(kind, index, table, strange))
        return found

    def _hospitals(
        self, table: pa.RecordBatch, rows: npt.NDArray[np.int32]
    ) -> tuple[npt.NDArray[np.int64] | None, list[str]]:
        if self._hospital is None:
            return None, [""]
        texts = read_text(table.column(self._hospital))
        return values(texts.indices).astype(np.int64)[rows], texts.dictionary.to_pylist()

    def _named(
        self, kind: int, index: CodeIndex, table: pa.RecordBatch, strange: Spelled
    ) -> dict[tuple[str, str], str]:
        """What the file calls its unknown codes, by the first row of each in the batch."""
        beside = self._name_columns[kind]
        if not beside:
            return {}
        names = {}
        ids, places = np.unique(strange.ids, return_index=True)
        for number, row in zip(ids[:_MOST_NAMED], strange.rows[places], strict=False):
            for code, name in beside.items():
                spelling = index.spelling(int(number))
                if plain_code(cell_text(table.column(code), int(row))) == spelling:
                    said = cell_text(table.column(name), int(row))
                    names[KINDS[kind], spelling] = said.strip()[:_LONGEST_NAME]
                    break
        return names

    def add(self, found: BatchUses | None) -> None:
        """Count a batch."""
        if found is None:
            return
        for held, total in ((found.converted, self.converted), (found.unknown, self.unknown)):
            for key, uses, principal in held:
                total.setdefault(key, Uses()).add(uses, principal)
        for place, name in found.names.items():
            if name:
                self.names.setdefault(place, name)

    def unmapped(self, scheme: Scheme, most: int | None = None) -> list[Unmapped]:
        """The unknown codes by hospital, the most used first, with their candidates.

        Args:
            scheme: whose codes are the candidates.
            most: only so many codes, over all hospitals together (hospital ``""``).
        """
        total: dict[tuple[str, str], Uses] = {}
        for (_, kind, code), use in self.unknown.items():
            total.setdefault((kind, code), Uses()).add(use.uses, use.principal)
        ranked = sorted(total, key=lambda key: (-total[key].uses, key))
        sought = _sought(ranked[: most or _MOST_SOUGHT], self.names, scheme)
        if most is not None:
            rows = [("", *key, total[key]) for key in ranked[:most]]
        else:
            rows = [(*key, use) for key, use in self.unknown.items()]
            rows.sort(key=lambda row: (row[0], -row[3].uses, row[1], row[2]))
        nothing: tuple[str, tuple[str, ...], tuple[str, ...]] = ("", (), ())
        return [
            Unmapped(hospital, kind, _as_printed(code), use.uses, use.principal,
                     self.names.get((kind, code), ""), *sought.get((kind, code), nothing))
            for hospital, kind, code, use in rows
        ]  # fmt: skip


def _sought(
    spellings: Iterable[tuple[str, str]], names: dict[tuple[str, str], str], scheme: Scheme
) -> dict[tuple[str, str], tuple[str, tuple[str, ...], tuple[str, ...]]]:
    editions = dict(zip(KINDS, (scheme.diagnosis_names, scheme.procedure_names), strict=True))
    nearest = {kind: Candidates(edition) for kind, edition in editions.items()}
    clinical = {
        kind: {plain_code(code): new for code, new in conversions(kind).items()} for kind in KINDS
    }
    found = {}
    for kind, code in spellings:
        meant = clinical[kind].get(code, "")
        shown = f"{meant} {editions[kind].get(meant, '')}".rstrip() if meant else ""
        near = nearest[kind]
        by_name = near.by_name(names.get((kind, code), ""))
        found[kind, code] = (
            shown, tuple(map(str, near.by_code(code))), tuple(map(str, by_name)),
        )  # fmt: skip
    return found


def _as_printed(plain: str) -> str:
    """A plain code with the small x of the editions; other text as it is."""
    return plain[:1] + plain[1:].replace("X", "x") if _CODE.fullmatch(plain) else plain


def _chosen(spelled: Spelled, where: npt.NDArray[np.bool_]) -> Spelled:
    return Spelled(spelled.rows[where], spelled.ids[where], spelled.first[where])


def _count(
    spelled: Spelled,
    hospital: npt.NDArray[np.int64] | None = None,
    hospitals: Sequence[str] = ("",),
) -> list[tuple[str, int, int, int]]:
    """Hospital, integer, uses and principal uses of each code."""
    if not spelled.ids.size:
        return []
    places = np.zeros(len(spelled.ids), np.int64) if hospital is None else hospital
    keys, inverse, uses = np.unique(
        places << 32 | spelled.ids, return_inverse=True, return_counts=True
    )
    principal = np.bincount(inverse.reshape(-1)[spelled.first], minlength=len(keys))
    return [
        (hospitals[key >> 32], key & 0xFFFFFFFF, count, first)
        for key, count, first in zip(
            keys.tolist(), uses.tolist(), principal.tolist(), strict=True
        )
    ]  # fmt: skip


def name_column(code: str, names: Sequence[str]) -> str | None:
    """The column that names the codes of a column: ``主要诊断名称`` beside ``主要诊断编码``."""
    plain = {plain_header(name): name for name in names if name != code}
    own = plain_header(code)
    wanted = (
        _CODE_WORD.sub("名称", own), own.replace("_code", "_name"), _CODE_WORD.sub("", own),
        re.sub(r"([_\-]?\d*)$", r"名称\1", own, count=1), f"{own}_name",
    )  # fmt: skip
    return next((plain[name] for name in wanted if name != own and name in plain), None)


def write_conversions(path: Path, uses: CodeUses, scheme: Scheme) -> None:
    """List every conversion of the file; an old list is removed when there is none.

    Raises:
        DrgError: the file cannot be written.
    """
    editions = dict(zip(KINDS, (scheme.diagnosis_names, scheme.procedure_names), strict=True))
    rows = [
        (kind, code, new, editions[kind].get(new, ""), str(use.uses), str(use.principal))
        for (kind, code, new), use in sorted(
            uses.converted.items(), key=lambda item: (item[0][0], -item[1].uses, item[0][1])
        )
    ]  # fmt: skip
    _write(path, CONVERTED_HEADER, rows)


def write_unmapped(path: Path, uses: CodeUses, scheme: Scheme) -> None:
    """List the unknown codes of the file; an old list is removed when there is none.

    Raises:
        DrgError: the file cannot be written.
    """
    rows = [
        (u.hospital, u.kind, u.code, str(u.uses), str(u.principal), u.name, u.clinical,
         "; ".join(u.by_code), "; ".join(u.by_name))
        for u in (uses.unmapped(scheme) if uses.unknown else ())
    ]  # fmt: skip
    _write(path, UNMAPPED_HEADER, rows)


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        with writing(path):
            path.unlink(missing_ok=True)
        return
    with (
        atomic_path(path) as partial,
        writing(path),
        partial.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="") as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([neutralise(cell) for cell in row] for row in rows)
