"""Grouping a file: discharge file in, grouped file out, and an account of what happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases import CaseColumns
from drg.cases.cells import can_read
from drg.cases.opening import CaseSource, open_cases
from drg.cases.texts import as_text, on_text
from drg.provenance import hash_file, record, to_json
from drg.tables import (
    Batch,
    RejectFile,
    check_outputs,
    family,
    open_sink,
)
from drg.tables import run as run_batches
from drg.tables.arrays import text_scalar
from drg.tables.atomic import write_record
from grouper.codes.editions import INSURANCE
from grouper.engine.account import Account
from grouper.engine.code_uses import BatchUses, CodeUses, write_conversions, write_unmapped
from grouper.engine.grouper import Grouper, faulty, workers
from grouper.engine.reasons import GROUPED, REASONS, STATUSES, UNGROUPED
from grouper.engine.results import NAME_COLUMN, RESULT_COLUMNS, renamed
from grouper.scheme.model import counted
from grouper.scheme.name import DEFAULT, Named
from grouper.scheme.pack import load_scheme

Counts: TypeAlias = list[tuple[int, int]]
BESIDE = (".rejects.csv", ".codes.csv", ".unmapped.csv", ".run.json")


@dataclass(frozen=True)
class _Outcome:
    """What a worker says of a batch besides its rows: counts, and what could not be read."""

    statuses: Counts
    drgs: Counts
    notes: Counts
    lost: Counts
    compared: int
    agreeing: int
    entries: list[tuple[int, str, str, str]]
    uses: BatchUses | None


def group_file(
    source: str | PathLike[str],
    out: str | PathLike[str],
    *,
    scheme: Named = DEFAULT,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    codes: str = INSURANCE,
    names: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> Account:
    """Group a discharge file.

    Every row of the input is a row of the output, in order, with its columns kept and
    ``mdc, adrg, drg, severity, status, reason`` appended. Rows or cells that cannot be read are
    listed in ``<out>.rejects.csv``; ``<out>.run.json`` records versions, hashes and counts.
    Converted codes are listed in ``<out>.codes.csv``, unknown ones in ``<out>.unmapped.csv``.

    Args:
        source: CSV, Excel or Parquet file.
        out: file to write, of a format by its extension.
        scheme: id of a shipped scheme or folder of a pack.
        mapping: mapping file for headers that are not known.
        sheet: sheet of a workbook.
        codes: edition of the input's codes, ``insurance`` or ``clinical``.
        names: whether ``drg_name``, the name of the group, is appended too.
        progress: called with units done and their total, when it is known.

    Raises:
        DrgError: the input, the mapping, the scheme or the output cannot be used.
    """
    source, out = Path(source), Path(out)
    began = time.perf_counter()
    others = beside(out)
    check_outputs((out, *others), (source, mapping))
    with (
        family(out, *others) as new,
        open_cases(source, mapping=mapping, sheet=sheet, needed=("diagnoses",)) as table,
        ThreadPoolExecutor(1) as hashing,
    ):
        input_hash = hashing.submit(hash_file, source)
        grouping = Grouping(table, out, scheme, codes, names=names)
        account, work = grouping.account, grouping.work
        account.mapping_hash = "" if mapping is None else hash_file(mapping)
        account.sheet = sheet or ""
        about = {
            "drg-toolkit": to_json(
                record(scheme=account.scheme.id, scheme_sha256=account.scheme_hash)
            )
        }
        with (
            RejectFile(beside(new)[0]) as rejects,
            open_sink(new, work.schema, like=table, metadata=about) as sink,
        ):
            advance = None if progress is None else lambda n: progress(n, table.total)
            account.cases = run_batches(
                table, work, sink, workers=workers(), progress=advance,
                on_result=grouping.notes(rejects),
            )  # fmt: skip
        account.input_hash = input_hash.result()
        grouping.finish(new)
    account.seconds = time.perf_counter() - began
    return account


class Grouping:
    """A file that is being grouped, wherever its batches are worked on.

    Attributes:
        account: what comes of it.
        work: groups a batch: input columns kept, result columns appended.
    """

    def __init__(
        self, table: CaseSource, out: Path, scheme: Named, codes: str, *, names: bool
    ) -> None:
        """Prepare; the arguments are those of :func:`group_file`."""
        columns = table.columns
        self._grouper, self._scheme = Grouper(scheme, codes), scheme
        compiled = self._grouper.compiled
        self.account = account = Account(
            compiled.header, compiled.content_hash, _shown(table.path.name), beside(out)[0],
            len(counted(compiled.drgs)),
        )  # fmt: skip
        account.columns = dict(columns.sources)
        account.not_found = tuple(
            part for part in self._grouper.parts_used() if not can_read(columns, part)
        )
        account.resembling = dict(columns.resembling)
        account.dialect = columns.dialect
        account.codes = codes
        _, account.converted_path, account.unmapped_path, _ = beside(out)
        self._uses = CodeUses(self._grouper, columns, table.schema.names)
        self._first_number = table.header_rows + 1
        said = {drg.code: drg.name for drg in compiled.drgs} if names else None
        self.work = _Work(self._grouper, columns, table.schema, self._uses, said)

    def notes(self, rejects: RejectFile) -> Callable[[_Outcome, int], None]:
        """What takes each batch's outcome, in order, with the number of rows before it."""
        return _Notes(self.account, self._grouper, rejects, self._first_number, self._uses)

    def finish(self, new: Path) -> None:
        """Write what stands beside the output: codes, and the record.

        Args:
            new: the output, where it is being made.
        """
        account, uses = self.account, self._uses
        account.converted = sum(use.uses for use in uses.converted.values())
        account.unmapped = sum(use.uses for use in uses.unknown.values())
        account.unmapped_codes = len({key[1:] for key in uses.unknown})
        if uses.converted or uses.unknown:  # else there is nothing to name, and no pack to read
            _, converted, unmapped, _ = beside(new)
            loaded = load_scheme(self._scheme)
            write_conversions(converted, uses, loaded)
            write_unmapped(unmapped, uses, loaded)
        write_record(beside(new)[-1], account.document())


def beside(out: Path) -> tuple[Path, Path, Path, Path]:
    """The files that stand beside an output: rejects, conversions, unknown codes, the record."""
    rejects, codes, unmapped, run = (
        out.with_name(out.name + ending) if out.name else out for ending in BESIDE
    )
    return rejects, codes, unmapped, run


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


class _Work:
    """Groups one batch: input columns kept, result columns appended."""

    def __init__(
        self, grouper: Grouper, columns: CaseColumns, schema: pa.Schema, uses: CodeUses,
        said: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._grouper = grouper
        self._uses = uses
        self._columns = columns
        self._own = next((name for name in schema.names if name.casefold() == "drg"), None)
        self._said = said
        added = RESULT_COLUMNS if said is None else (*RESULT_COLUMNS, NAME_COLUMN)
        names = renamed(schema.names, added)
        kept = [field.with_name(names.get(field.name, field.name)) for field in schema]
        self._names = [field.name for field in kept] + list(added)
        results = [pa.field(name, pa.string()) for name in added]
        self.schema = pa.schema([*kept, *results])

    def __call__(self, batch: Batch) -> tuple[pa.RecordBatch, _Outcome]:
        table = batch.table
        lost = faulty(batch.malformed, self._grouper, self._columns)
        result = self._grouper.group_batch(table, self._columns, *lost)
        compared = agreeing = 0
        if self._own is not None:
            compared, agreeing = _agreement(table.column(self._own), result.columns[2])
        found = list(result.columns)
        if self._said is not None:
            texts = pa.array([self._said.get(drg, "") for drg in found[2].dictionary.to_pylist()])
            found.append(pa.DictionaryArray.from_arrays(found[2].indices, texts))
        rows = pa.RecordBatch.from_arrays([*table.columns, *found], names=self._names)
        uses = self._uses.of(table, result)
        entries = [(m.row, m.column, m.value, m.reason) for m in batch.malformed]
        entries += [(c.row, c.column, c.value, c.reason) for c in result.bad_cells]
        nowhere = result.notes[result.status >= STATUSES.index(UNGROUPED)]
        return rows, _Outcome(
            _tally(result.status), _tally(result.drg[result.status == STATUSES.index(GROUPED)]),
            _tally(result.notes), _tally(nowhere), compared, agreeing,
            sorted(entries, key=lambda entry: entry[0]), uses,
        )  # fmt: skip


def _agreement(own: pa.Array, found: pa.DictionaryArray) -> tuple[int, int]:
    """How many cases came with a DRG, and how many of those got the same."""
    own = on_text(pc.utf8_trim_whitespace, as_text(own))
    given = pc.not_equal(own, text_scalar(""))
    same = pc.and_(given, pc.equal(own, found.cast(pa.string())))
    return pc.sum(given).as_py() or 0, pc.sum(same).as_py() or 0


class _Notes:
    """Adds each batch's outcome to the account and the reject file, in order."""

    def __init__(
        self,
        account: Account,
        grouper: Grouper,
        rejects: RejectFile,
        first_number: int,
        uses: CodeUses,
    ) -> None:
        self._account = account
        self._drgs = [drg.code for drg in grouper.compiled.drgs]
        self._rejects = rejects
        self._first_number = first_number
        self._uses = uses

    def __call__(self, outcome: _Outcome, first_row: int) -> None:
        self._uses.add(outcome.uses)
        account = self._account
        account.compared += outcome.compared
        account.agreeing += outcome.agreeing
        for place, count in outcome.statuses:
            account.statuses[STATUSES[place]] += count
        for place, count in outcome.drgs:
            account.drg_cases[self._drgs[place]] += count
        for bits, count in outcome.notes:
            said = [reason.code for i, reason in enumerate(REASONS) if bits >> i & 1]
            account.reasons.update(dict.fromkeys(said, count))
        for bits, count in outcome.lost:
            first = next(reason.code for i, reason in enumerate(REASONS) if bits >> i & 1)
            account.main_reasons[first] += count
        if outcome.entries:
            base = first_row + self._first_number
            rows, columns, values, reasons = zip(*outcome.entries, strict=True)
            self._rejects.add_many([base + row for row in rows], columns, values, reasons)
            account.rejects = self._rejects.count


def _tally(values: np.ndarray[Any, Any]) -> Counts:
    """Distinct small non-negative integers and how often each stands in an array."""
    counts = np.bincount(values) if values.size else np.empty(0, np.int64)
    return [(int(v), int(counts[v])) for v in np.flatnonzero(counts)]
