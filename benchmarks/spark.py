"""Spark on this machine against the engine alone: the same tables, and what each takes.

Every step stands on its own: a session is started, the work is done, the tables are compared cell
by cell.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import settle
from budget import load_policy
from budget.settlement.files import settle_dataset, settle_file
from drg.spark.session import on_spark
from grouper.engine.files import group_file
from grouper.engine.results import RESULT_COLUMNS
from grouper.scheme.pack import find_scheme, read_header, shipped_schemes
from grouper.spark import group_dataset
from weights import Calibrator, open_weights
from weights.fit.files import fit_file

POLICIES = ("national-default", "hangzhou-type")  # by rates, by points
PARTS = 8
MASTER = "local[*]"


def measure(folder: Path, rows: int, schemes: Sequence[str], line: Callable[..., None]) -> None:
    """Group by schemes, fit weights and settle by two policies, here and on Spark."""
    path, hospitals = settle.make(folder, rows)
    parts = _split(path, folder / "parts")
    one, other = folder / "one.parquet", folder / "other"
    for scheme in schemes:
        _both(f"group, {scheme}", rows, line, partial(group_file, path, one, scheme=scheme),
              partial(group_dataset, parts, other, scheme=scheme))  # fmt: skip
        _same(one, other, ("case_id", *RESULT_COLUMNS))
    tables = folder / "one.csv", folder / "other.csv"
    _both("weights fit", rows, line, partial(fit_file, path, tables[0], Calibrator()),
          partial(fit_file, parts, tables[1], Calibrator()))  # fmt: skip
    assert tables[0].read_bytes() == tables[1].read_bytes()
    one, other = folder / "one", folder / "other-year"
    for policy in POLICIES:
        rest = open_weights("changzhi"), load_policy(policy), hospitals, 2025
        _both(f"settle, {policy}", rows, line, partial(settle_file, path, one, *rest),
              partial(settle_dataset, parts, other, *rest))  # fmt: skip
        _same(one / "cases.parquet", other / "cases.parquet", ())
        for small in one.glob("*.csv"):
            assert small.read_bytes() == (other / small.name).read_bytes(), small.name
    print("  all tables are the same")


def shipped() -> list[str]:
    """Schemes that group."""
    return [name for name in shipped_schemes() if not read_header(find_scheme(name)).lists]


def _split(path: Path, folder: Path) -> Path:
    """The file as a dataset of several."""
    folder.mkdir()
    file = pq.ParquetFile(path)
    each = -(-file.metadata.num_row_groups // PARTS)
    for part in range(PARTS):
        groups = range(part * each, min((part + 1) * each, file.metadata.num_row_groups))
        if len(groups):
            with pq.ParquetWriter(folder / f"part-{part}.parquet", file.schema_arrow) as writer:
                for group in groups:
                    writer.write_table(file.read_row_group(group))
    return folder


def _both(
    title: str, rows: int, line: Callable[..., None], here: Callable[[], object],
    spread: Callable[[], object],
) -> None:  # fmt: skip
    began = time.perf_counter()
    here()
    alone = time.perf_counter() - began
    with on_spark(MASTER):
        began = time.perf_counter()
        spread()
        taken = time.perf_counter() - began
    print(f"{title}, {rows:,} cases: here {alone:.1f} s, Spark {MASTER} {taken:.1f} s, "
          f"{rows / alone:,.0f} and {rows / taken:,.0f} cases/s", flush=True)  # fmt: skip
    line("  Spark / the engine alone", taken / alone, "<= 6")


def _same(one: Path, other: Path, names: Sequence[str]) -> None:
    """Refuse tables that differ in any cell, in whatever order their rows are."""
    held: list[pa.Table] = []
    for path in (one, other):
        table = pq.read_table(path, columns=list(names) or None)
        held.append(table.sort_by("case_id").combine_chunks())
    assert held[0].num_rows == held[1].num_rows
    for name in held[0].column_names:
        texts = [table[name].cast(held[1].schema.field(name).type) for table in held]
        assert texts[0].equals(texts[1]), name
