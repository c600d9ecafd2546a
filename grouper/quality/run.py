"""Checking a file: one pass over the cases, memory that hardly grows, and a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from os import PathLike
from pathlib import Path

import pyarrow as pa

from drg.cases import CaseColumns, recognise
from drg.cases.columns import plain_header
from drg.cases.opening import open_cases
from drg.cases.texts import as_text
from drg.errors import problem
from drg.language import say
from drg.persons import refuse_persons
from drg.provenance import hash_file
from drg.tables import Batch, read_table
from drg.tables import run as run_batches
from drg.tables.held import scratch
from grouper.codes.editions import INSURANCE
from grouper.codes.grey import grey_codes
from grouper.engine.code_uses import BatchUses, CodeUses
from grouper.engine.grouper import Grouper, faulty, workers
from grouper.quality.checks import Checker
from grouper.quality.masking import MASK, is_code, masked, masked_place
from grouper.quality.report import (
    Filled,
    Line,
    QualityReport,
    hospital_lines,
    month_lines,
    total_line,
)
from grouper.quality.rules import PLACE, RULES
from grouper.quality.tally import BatchTally, Tally, add_up
from grouper.scheme.model import Scheme
from grouper.scheme.name import DEFAULT, Named
from grouper.scheme.pack import load_scheme

_MOST_CODES = 50
_HOSPITAL_NAMES = ("hospital_name", "医疗机构名称", "医院名称", "定点医药机构名称")


def check_file(
    source: str | PathLike[str],
    *,
    scheme: Named = DEFAULT,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    codes: str = INSURANCE,
    hospitals: str | PathLike[str] | None = None,
    grey: str | PathLike[str] | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> QualityReport:
    """Check the quality of a discharge file.

    Args:
        source: CSV, Excel or Parquet file.
        scheme: id of a shipped scheme or folder of a pack.
        mapping: mapping file for headers that are not known.
        sheet: sheet of a workbook.
        codes: edition of the file's codes, ``insurance`` or ``clinical``.
        hospitals: table with ids and names of hospitals.
        grey: list of grey codes (灰码); without one no code is called grey.
        progress: called with units done and their total, when it is known.

    Raises:
        DrgError: the input, the mapping, the scheme or the table of hospitals cannot be used.
    """
    source = Path(source)
    began = time.perf_counter()
    names = {} if hospitals is None else hospital_names(hospitals)
    listed = grey_codes(grey)
    with (
        open_cases(source, mapping=mapping, sheet=sheet, needed=("diagnoses",)) as table,
        ThreadPoolExecutor(1) as hashing,
        scratch() as aside,
    ):
        headers = table.schema.names
        columns = table.columns
        grouper = Grouper(scheme, codes)
        input_hash = hashing.submit(hash_file, source)
        uses = CodeUses(grouper, columns, headers)
        work, tally = _Work(grouper, columns, uses, listed), Tally(aside)

        def note(outcome: tuple[BatchTally, BatchUses | None], _first_row: int) -> None:
            tally.add(outcome[0])
            uses.add(outcome[1])

        run_batches(
            table, work, None, workers=workers(), on_result=note,
            progress=None if progress is None else lambda n: progress(n, table.total),
        )  # fmt: skip
        cells = tally.finish(work.checker.checked)
        total = total_line(cells)
        loaded = load_scheme(scheme)
        return QualityReport(
            input_name=source.name,
            input_hash=input_hash.result(),
            scheme=grouper.compiled.header.id,
            scheme_hash=grouper.compiled.content_hash,
            codes=codes,
            checked=tuple(work.checker.checked),
            total=total,
            hospitals=tuple(
                replace(line, key=masked_place(str(line.key)))
                for line in hospital_lines(cells, tally.hospitals, names)
            ),
            months=month_lines(cells, tally.main_years) if "discharge_date" in columns else (),
            main_years=tally.main_years,
            completeness=_completeness(columns, total),
            no_mdc=_no_mdc(tally, grouper, loaded),
            grey=_grey(tally, loaded),
            unmapped=(
                tuple(masked(u) for u in uses.unmapped(loaded, _MOST_CODES)) if uses.unknown else ()
            ),
            unmapped_codes=len({key[1:] for key in uses.unknown}),
            converted=sum(use.uses for use in uses.converted.values()),
            seconds=time.perf_counter() - began,
        )


class _Work:
    """Groups and checks one batch."""

    def __init__(
        self, grouper: Grouper, columns: CaseColumns, uses: CodeUses,
        grey: Collection[str] | None,
    ) -> None:  # fmt: skip
        self._grouper, self._columns, self._uses = grouper, columns, uses
        self.checker = Checker(grouper, columns, grey)

    def __call__(self, batch: Batch) -> tuple[pa.RecordBatch, tuple[BatchTally, BatchUses | None]]:
        table = batch.table
        lost = faulty(batch.malformed, self._grouper, self._columns)
        result = self._grouper.group_batch(table, self._columns, *lost)
        return table, (add_up(self.checker(table, result)), self._uses.of(table, result))


def _completeness(columns: CaseColumns, total: Line) -> tuple[Filled, ...]:
    found = []
    for rule in RULES:
        if not rule.code.startswith("missing_"):
            continue
        part = rule.needs[0] if rule.needs else "diagnoses"
        there = columns.columns(part)
        missing = int(total.counts[PLACE[rule.code]]) if there else total.cases
        found.append(Filled(part, there, total.cases - missing, missing))
    return tuple(found)


def _grey(tally: Tally, scheme: Scheme) -> tuple[tuple[int, str, str, int], ...]:
    names = scheme.diagnosis_names, scheme.procedure_names
    ranked = sorted((-count, kind, code) for (kind, code), count in tally.grey.items())
    return tuple(
        (kind, code if is_code(code) else MASK, names[kind].get(code, ""), -count)
        for count, kind, code in ranked[:_MOST_CODES]
    )  # fmt: skip


def _no_mdc(tally: Tally, grouper: Grouper, scheme: Scheme) -> tuple[tuple[str, str, int], ...]:
    codes = grouper.compiled.diagnoses
    ranked = sorted((-count, codes[number - 1]) for number, count in tally.no_mdc.items())
    return tuple(
        (code, scheme.diagnosis_names.get(code, ""), -count)
        for count, code in ranked[:_MOST_CODES]
    )  # fmt: skip


def hospital_names(path: str | PathLike[str]) -> Mapping[str, str]:
    """Hospital id -> name, from a table with such columns.

    Raises:
        DrgError: the table cannot be read or lacks a column.
    """
    table, _ = read_table(path)
    columns = recognise(table.column_names)
    columns.need("hospital_id", file=path)
    named = [name for name in table.column_names if plain_header(name) in _HOSPITAL_NAMES]
    if not named:
        raise problem(say("没有医疗机构名称列", "no column with the names of hospitals"),
                      file=path, expected=say("下列之一：", "one of ")
                      + ", ".join(_HOSPITAL_NAMES))  # fmt: skip
    id_column = columns.column("hospital_id")
    ids, names = (
        as_text(table.column(name).combine_chunks()).to_pylist() for name in (id_column, named[0])
    )
    refuse_persons(names, file=path, key=named[0], row=2)
    return {
        str(i or "").strip(): str(n or "").strip() for i, n in zip(ids, names, strict=True)
    }  # fmt: skip
