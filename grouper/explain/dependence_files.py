"""Dependence on one code for a whole file or table, with a sum by hospital."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from drg.cases import CaseColumns, recognise
from drg.cases.opening import open_cases
from drg.cases.outcomes import UNGROUPED_DRG
from drg.cases.texts import as_text
from drg.errors import problem
from drg.language import say
from drg.persons import masked
from drg.provenance import hash_file, record
from drg.tables import (
    Batch,
    Block,
    check_outputs,
    family,
    in_order,
    open_sink,
    write_table,
)
from drg.tables.arrays import integers, numbers, strings
from drg.tables.atomic import write_record
from drg.tables.derived import without_formulas
from drg.tables.frames import as_arrow
from grouper.codes.editions import INSURANCE
from grouper.engine.grouper import BATCH_ROWS, Grouper, Headers, faulty, workers
from grouper.engine.results import Table
from grouper.explain.dependence import KINDS, DependenceFinder, Dependences
from grouper.scheme.name import DEFAULT, Named
from grouper.scheme.pack import load_scheme

OWN_COLUMNS = ("case_id", "hospital_id")
_WEIGHTS = ("weight", "weight_without", "weight_change")
_NUMBERS = {"row": pa.int64(), **dict.fromkeys(_WEIGHTS, pa.float64())}


@dataclass
class Hospital:
    """What a hospital's groups hang on.

    Attributes:
        cases: its cases.
        grouped: those with a group.
        dependent: those whose group hangs on one code.
        weight: weight that all its cases would lose if each lost the code that counts most.
    """

    cases: int = 0
    grouped: int = 0
    dependent: int = 0
    weight: float = 0.0


@dataclass
class DependenceAccount:
    """What a search for dependences came to.

    Attributes:
        scheme: id of the scheme.
        cases: rows of the input.
        grouped: cases with a group.
        dependent: cases whose group hangs on one code.
        pairs: pairs of case and code, the rows of the output.
        kinds: pairs by kind of code.
        codes: pairs by code.
        hospitals: by hospital, ``""`` where there is none.
        hospital_path: the table by hospital.
        weighted: weights were given.
        seconds: wall time.
    """

    scheme: str
    hospital_path: Path
    weighted: bool
    cases: int = 0
    grouped: int = 0
    dependent: int = 0
    pairs: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    hospitals: dict[str, Hospital] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class _Part:
    """What one batch gives: pairs (rows counted within the batch), and its cases by hospital."""

    cases: int
    pairs: pa.RecordBatch
    grouped: int
    dependent: int
    kinds: npt.NDArray[np.int64]
    hospitals: dict[str, Hospital]
    progress: int = 0


def dependence_file(
    source: str | PathLike[str],
    out: str | PathLike[str],
    *,
    scheme: Named = DEFAULT,
    codes: str = INSURANCE,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    weights: Mapping[str, float] | None = None,
    principal_procedure: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> DependenceAccount:
    """Write the cases of a file whose group hangs on one code, one row a pair of case and code.

    Beside ``out`` stand ``<out>.hospitals.csv`` (cases and shares by hospital) and
    ``<out>.run.json`` (versions, hashes, counts).

    Args:
        source: discharge file.
        out: file to write, of a format by its ending.
        scheme: id of a shipped scheme or folder of a pack.
        codes: edition of the codes in the file.
        mapping: mapping file for headers that are not known.
        sheet: sheet of a workbook.
        weights: relative weight of each DRG, for the weight that hangs on the code.
        principal_procedure: also what hangs on the principal procedure.
        progress: called with units done and their total, when it is known.

    Raises:
        DrgError: the input, the mapping, the scheme or the output cannot be used.
    """
    source, out = Path(source), Path(out)
    began = time.perf_counter()
    if out.exists() and source.exists() and out.samefile(source):
        raise problem(say("输出会覆盖输入文件，请另指定文件名",
                          "the output would replace its own input; name another file"),
                      file=out)  # fmt: skip
    hospitals_path, run_path = _beside(out)
    check_outputs((out, hospitals_path, run_path), (source, mapping))
    with (
        family(out, hospitals_path, run_path) as new,
        open_cases(source, mapping=mapping, sheet=sheet, needed=("diagnoses",)) as table,
    ):
        columns = table.columns
        work = _Work(Grouper(scheme, codes), columns, weights, principal_procedure)
        account = DependenceAccount(work.scheme_id, hospitals_path, weights is not None)
        with open_sink(new, work.schema, like=table) as sink:
            for part in in_order(table.blocks(), work, workers=workers()):
                if part.pairs.num_rows:
                    rows = _numbered(part.pairs, account.cases + table.header_rows + 1)
                    sink.write(without_formulas(rows))
                _add(account, part)
                if progress is not None:
                    progress(part.progress, table.total)
        _write_hospitals(account, new.with_name(hospitals_path.name))
        document = record(scheme={"id": work.scheme_id, "sha256": work.scheme_hash},
                          input={"name": source.name, "sha256": hash_file(source)},
                          cases=account.cases, grouped=account.grouped, dependent=account.dependent,
                          pairs=dict(sorted(account.kinds.items())))  # fmt: skip
        write_record(new.with_name(run_path.name), document)
    account.seconds = time.perf_counter() - began
    return account


def _beside(out: Path) -> tuple[Path, Path]:
    """The files that stand beside a table of dependences: its hospitals and its record."""
    hospitals, run = (
        out.with_name(out.name + ending) if out.name else out
        for ending in (".hospitals.csv", ".run.json")
    )
    return hospitals, run


def single_code_dependence(
    cases: Table,
    scheme: Named = DEFAULT,
    columns: Headers = None,
    *,
    codes: str = INSURANCE,
    weights: Mapping[str, float] | None = None,
    principal_procedure: bool = False,
) -> Table:
    """The cases of a table whose group hangs on one code, one row a pair of case and code.

    Args:
        cases: pandas DataFrame or Arrow table.
        scheme: id of a shipped scheme or folder of a pack.
        columns: canonical name -> columns, for headers that are not known.
        codes: edition of the codes.
        weights: relative weight of each DRG.
        principal_procedure: also what hangs on the principal procedure.

    Returns:
        A table of the same kind: ``row`` (from 0), ``case_id`` and ``hospital_id`` where the input
        has them, ``drg``, ``kind``, ``code``, ``name``, ``drg_without`` and the weights.

    Raises:
        DrgError: no column holds the diagnoses.
    """
    table = as_arrow(cases)
    found = recognise(table.column_names, columns)
    found.need("diagnoses")
    work = _Work(Grouper(scheme, codes), found, weights, principal_procedure)
    parts, first = [], 0
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        parts.append(_numbered(work.part(Batch(batch)).pairs, first))
        first += batch.num_rows
    pairs = pa.Table.from_batches(parts, work.schema)
    same_kind: Table = pairs if isinstance(cases, pa.Table) else pairs.to_pandas()
    return same_kind


class _Work:
    """Finds the dependences of one batch and lays them out as rows."""

    def __init__(
        self,
        grouper: Grouper,
        columns: CaseColumns,
        weights: Mapping[str, float] | None,
        principal_procedure: bool,
    ) -> None:
        compiled = grouper.compiled
        self._finder = DependenceFinder(grouper, principal_procedure=principal_procedure)
        self._columns = columns
        self.scheme_id, self.scheme_hash = compiled.header.id, compiled.content_hash
        self._grouper = grouper
        self._own = [name for name in OWN_COLUMNS if name in columns]
        drgs = [drg.code for drg in compiled.drgs]
        self._drgs = strings([*drgs, UNGROUPED_DRG])
        self._weights = (
            None if weights is None else np.array([*(weights.get(d, np.nan) for d in drgs), np.nan])
        )
        self._procedures = len(compiled.diagnoses) + 2
        self._codes, self._names = _code_texts(grouper)
        names = ["row", *self._own, "drg", "kind", "code", "name", "drg_without",
                 *(_WEIGHTS if weights is not None else ())]  # fmt: skip
        self.schema = pa.schema([(name, _NUMBERS.get(name, pa.string())) for name in names])

    def __call__(self, block: Block) -> _Part:
        part = self.part(block.load())
        return _Part(**{**vars(part), "progress": block.progress})

    def part(self, batch: Batch) -> _Part:
        """The dependences of one batch."""
        lost = faulty(batch.malformed, self._grouper, self._columns)
        found = self._finder.find(batch.table, self._columns, *lost)
        pairs, loss = self._rows(batch.table, found)
        return _Part(
            batch.table.num_rows, pairs, int((found.drg >= 0).sum()), len(np.unique(found.rows)),
            np.bincount(found.kinds, minlength=len(KINDS)),
            self._by_hospital(batch.table, found, loss),
        )  # fmt: skip

    def _rows(
        self, table: pa.RecordBatch, found: Dependences
    ) -> tuple[pa.RecordBatch, npt.NDArray[np.float64]]:
        """Pairs as rows, and the weight that hangs on each (0 where it is not known)."""
        own = [
            _text(table.column(self._columns.column(n))).take(numbers(found.rows))
            for n in self._own
        ]
        # procedures follow the diagnoses in the tables of codes and names
        places = numbers(np.where(found.kinds > 0, self._procedures + found.codes, found.codes))
        drg = found.drg[found.rows]
        arrays = [
            numbers(found.rows), *own, self._drgs.take(numbers(drg % len(self._drgs))),
            strings(KINDS).take(numbers(found.kinds)), self._codes.take(places),
            self._names.take(places), self._drgs.take(numbers(found.without % len(self._drgs))),
        ]  # fmt: skip
        loss = np.zeros(len(found.rows))
        if self._weights is not None:
            before, after = self._weights[drg], self._weights[found.without]
            loss = np.nan_to_num(before - after)
            arrays += [pa.array(w, mask=np.isnan(w)) for w in (before, after, after - before)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema), loss

    def _by_hospital(
        self, table: pa.RecordBatch, found: Dependences, loss: npt.NDArray[np.float64]
    ) -> dict[str, Hospital]:
        header = self._columns.column("hospital_id")
        if header is None:
            names, owner = [""], np.zeros(table.num_rows, np.int64)
        else:
            encoded = _text(table.column(header)).dictionary_encode()
            names = [str(name) for name in encoded.dictionary.to_pylist()]
            owner = integers(encoded.indices, 0)
        rows, starts = np.unique(found.rows, return_index=True)
        most = np.maximum(np.maximum.reduceat(loss, starts), 0) if rows.size else np.zeros(0)
        size = len(names)
        counts = zip(
            np.bincount(owner, minlength=size), np.bincount(owner[found.drg >= 0], minlength=size),
            np.bincount(owner[rows], minlength=size),
            np.bincount(owner[rows], weights=most, minlength=size), strict=True,
        )  # fmt: skip
        return {
            name: Hospital(int(cases), int(grouped), int(dependent), float(weight))
            for name, (cases, grouped, dependent, weight) in zip(names, counts, strict=True)
        }


def _code_texts(grouper: Grouper) -> tuple[pa.Array, pa.Array]:
    """Codes and names of diagnoses, then procedures, each with a blank before and behind."""
    scheme, compiled = load_scheme(grouper.source), grouper.compiled
    codes: list[str] = []
    names: list[str] = []
    for held, named in (
        (compiled.diagnoses, scheme.diagnosis_names),
        (compiled.procedures, scheme.procedure_names),
    ):
        codes += ["", *held, ""]
        names += ["", *(named[code] for code in held), ""]
    return strings(codes), strings(names)


def _text(column: pa.Array) -> pa.Array:
    return pc.fill_null(as_text(column), "")


def _numbered(pairs: pa.RecordBatch, first: int) -> pa.RecordBatch:
    """Pairs whose rows are counted from the file's first row."""
    rows = pc.add(pairs.column(0), first)
    return pa.RecordBatch.from_arrays([rows, *pairs.columns[1:]], schema=pairs.schema)


def _add(account: DependenceAccount, part: _Part) -> None:
    account.cases += part.cases
    account.grouped += part.grouped
    account.dependent += part.dependent
    account.pairs += part.pairs.num_rows
    account.kinds.update({kind: int(n) for kind, n in zip(KINDS, part.kinds, strict=True) if n})
    for counted in pc.value_counts(part.pairs.column("code")).to_pylist():
        account.codes[counted["values"]] += counted["counts"]
    for name, new in part.hospitals.items():
        held = account.hospitals.setdefault(name, Hospital())
        held.cases += new.cases
        held.grouped += new.grouped
        held.dependent += new.dependent
        held.weight += new.weight


def _write_hospitals(account: DependenceAccount, path: Path) -> None:
    """Hospitals with their shares, the largest share first."""
    ordered = by_share(account)
    columns: dict[str, pa.Array] = {"hospital_id": strings([masked(name) for name, _ in ordered])}
    for name in ("cases", "grouped", "dependent"):
        columns[name] = pa.array([getattr(h, name) for _, h in ordered], pa.int64())
    columns["share"] = pa.array([round(share(h), 6) for _, h in ordered], pa.float64())
    if account.weighted:
        columns["weight"] = pa.array([round(h.weight, 6) for _, h in ordered], pa.float64())
    write_table(path, without_formulas(pa.table(columns)))


def by_share(account: DependenceAccount) -> list[tuple[str, Hospital]]:
    """Hospitals by the share of their grouped cases that hang on one code, largest first."""
    return sorted(account.hospitals.items(), key=lambda item: (-share(item[1]), item[0]))


def share(hospital: Hospital) -> float:
    """Share of the grouped cases that hang on one code, from 0 to 1."""
    return hospital.dependent / hospital.grouped if hospital.grouped else 0.0
