"""``python -m benchmarks``: how long the engines take, against plain libraries on the same data.

Machines differ and are shared, so every figure is a ratio of times taken in this one run, each
the best of a few turns taken alternately.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import xlsxwriter
from python_calamine import CalamineWorkbook

from benchmarks import (
    audit,
    compromise,
    coverage,
    data,
    dependence,
    draws,
    impact,
    intervals,
    monitor,
    negotiation,
    official,
    others,
    profile,
    robust,
    scale,
    schemes,
    settle,
    weights,
)
from drg.tables import write_table
from grouper.engine.files import group_file
from grouper.engine.results import RESULT_COLUMNS
from grouper.importer import import_tables
from grouper.scheme.name import DEFAULT

STEPS = (
    "parquet",
    "csv",
    "excel",
    "memory",
    "start",
    "dependence",
    "profile",
    "weights",
    "settle",
    "settle-memory",
    "impact",
    "draws",
    "negotiation",
    "workbook",
    "schemes",
    "coverage",
    "compromise",
    "intervals",
    "robust",
    "audit",
    "monitor",
    "scale",
    "sums",
    "groupers",
    "spark",
    "spark-schemes",
)
DRG = [sys.executable, "-c", "from drg.cli import main; main()"]


def best(turns: int, *actions: Callable[[], object]) -> list[float]:
    """The shortest time of each action in seconds, the actions taking turns."""
    times = [float("inf")] * len(actions)
    for _ in range(turns):
        for i, action in enumerate(actions):
            began = time.perf_counter()
            action()
            times[i] = min(times[i], time.perf_counter() - began)
    return times


def line(title: str, found: float, wanted: str) -> None:
    """Print one figure with what is asked of it."""
    print(f"{title:<66} {found:>12,.2f}   wanted {wanted}")


def in_and_out(
    name: str, rows: int, turns: int, plainly: tuple[str, Callable[[], object]],
    files: tuple[Path, Path], wanted: str,
) -> float:  # fmt: skip
    """Grouping a file, in this process and as a whole command, against libraries alone.

    Returns:
        Seconds of grouping in this process.
    """
    (what, baseline), (source, out) = plainly, files
    plain, ours, whole = best(
        turns, baseline, lambda: group_file(source, out),
        lambda: subprocess.run([*DRG, "group", source, "--out", out], check=True,
                               stderr=subprocess.DEVNULL),
    )  # fmt: skip
    print(f"{name}, {rows:,} cases; {what} {plain:.2f} s, group_file {ours:.2f} s, "
          f"drg group {whole:.2f} s")  # fmt: skip
    line(f"  group_file / ({what})", ours / plain, wanted)
    line("  drg group, whole command / the same", whole / plain, wanted)
    return ours


def parquet(folder: Path, rows: int, turns: int) -> None:
    """Parquet to Parquet against pyarrow reading and writing the same columns."""
    source, out = folder / "cases.parquet", folder / "grouped.parquet"
    data.make_parquet(source, rows)
    group_file(source, out)

    def baseline() -> None:
        table = pq.read_table(source)
        for name in RESULT_COLUMNS:
            table = table.append_column(name, results[name])
        pq.write_table(table, folder / "baseline.parquet")

    results = pq.read_table(out, columns=list(RESULT_COLUMNS))
    ours = in_and_out(
        "Parquet",
        rows,
        turns,
        ("pyarrow read + write with result columns", baseline),
        (source, out),
        "<= 1.2",
    )
    line("  cases a second, group_file", rows / ours, ">= 1,000,000 on two free cores")


def csv(folder: Path, rows: int, turns: int) -> None:
    """CSV to CSV against pyarrow reading and writing the same file."""
    source, out = folder / "cases.csv", folder / "grouped.csv"
    data.make_csv(source, rows)

    def baseline() -> None:
        pa_csv.write_csv(pa_csv.read_csv(source), folder / "baseline.csv")

    in_and_out("CSV", rows, turns, ("pyarrow read + write", baseline), (source, out), "<= 2.5")


def excel(folder: Path, rows: int, turns: int) -> None:
    """Excel to Excel against its two libraries reading and writing the same cells."""
    source, out = folder / "cases.xlsx", folder / "grouped.xlsx"
    write_table(source, data.cases(rows, 1, joined=True))

    def baseline() -> None:
        sheet = CalamineWorkbook.from_path(source).get_sheet_by_index(0)
        book = xlsxwriter.Workbook(folder / "baseline.xlsx", {"constant_memory": True})
        into = book.add_worksheet()
        for row, cells in enumerate(sheet.iter_rows()):
            into.write_row(row, 0, [*cells, *results[max(row - 1, 0)]])
        book.close()

    group_file(source, out)
    after = CalamineWorkbook.from_path(out).get_sheet_by_index(0).to_python(skip_empty_area=False)
    results = [row[-len(RESULT_COLUMNS) :] for row in after[1:]]
    in_and_out(
        "Excel",
        rows,
        turns,
        ("calamine read + xlsxwriter write", baseline),
        (source, out),
        "<= 1.5",
    )


def memory(folder: Path, rows: int) -> None:
    """Peak memory of ``drg group`` on a large Parquet file, in a process of its own."""
    source, out = folder / "large.parquet", folder / "large-grouped.parquet"
    data.make_parquet(source, rows)
    code = (
        "import sys; from grouper.engine.files import group_file; "
        "account = group_file(sys.argv[1], sys.argv[2]); "
        "said = dict(line.split(':') for line in open('/proc/self/status')); "
        "print(said['VmHWM'].split()[0], account.seconds)"
    )
    done = subprocess.run([sys.executable, "-c", code, source, out], check=True,
                          capture_output=True, text=True)  # fmt: skip
    peak, seconds = done.stdout.split()
    print(f"Parquet, {rows:,} cases: {float(seconds):.1f} s, {rows / float(seconds):,.0f} cases/s")
    line("  peak memory, GB", int(peak) * 1024 / 1e9, "< 1.5")


def start(turns: int) -> None:
    """``drg --help`` against importing typer."""

    def run(*command: str) -> Callable[[], object]:
        return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    typer, ours = best(3 * turns, run(sys.executable, "-c", "import typer"), run(*DRG, "--help"))
    line("drg --help / python -c 'import typer'", ours / typer, "<= 1.5")


def workbook(folder: Path, turns: int) -> None:
    """Importing the official workbook against reading it with the Excel library alone."""
    source, out = folder / "official.xlsx", folder / "official"
    rows = official.write(source)
    assert import_tables(source, out).written
    plain, ours, whole = best(
        turns, lambda: official.read(source), lambda: import_tables(source, out),
        lambda: subprocess.run([*DRG, "scheme", "import", source, "--out", out], check=True,
                               stdout=subprocess.DEVNULL),
    )  # fmt: skip
    print(f"official workbook, {rows:,} rows; reading {plain:.2f} s, import {ours:.2f} s, "
          f"drg scheme import {whole:.2f} s")  # fmt: skip
    line("  import_tables / reading alone", ours / plain, "<= 30")
    line("  drg scheme import, whole command / the same", whole / plain, "<= 30")


def spread(folder: Path, rows: int, names: list[str] | None) -> None:
    """Spark against one machine, where Spark is installed."""
    from drg.errors import DrgError
    from drg.spark.session import check_installed

    try:
        check_installed()
    except DrgError as error:
        print(error)
        return
    from benchmarks import spark

    folder.mkdir()
    spark.measure(folder, rows, names or spark.shipped(), line)


def main() -> None:
    """Run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="cases (1,000,000)")
    parser.add_argument("--large", type=int, default=10_000_000, help="cases of the memory test")
    parser.add_argument("--turns", type=int, default=3, help="turns of each measurement (3)")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=STEPS,
    )
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, pyarrow {pa.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        steps: dict[str, Callable[[], None]] = {
            "start": lambda: start(given.turns),
            "parquet": lambda: parquet(place, given.rows, given.turns),
            "csv": lambda: csv(place, given.rows, given.turns),
            "excel": lambda: excel(place, given.rows // 20, given.turns),
            "memory": lambda: memory(place, given.large),
            "dependence": lambda: dependence.measure(place, given.rows),
            "profile": lambda: profile.show(place, given.rows),
            "weights": lambda: weights.measure(5 * given.rows, given.turns, line),
            "settle": lambda: settle.measure(place, 5 * given.rows, given.turns, line),
            "settle-memory": lambda: settle.memory(place, 2 * given.large, line),
            "impact": lambda: impact.measure(place, given.rows, given.turns, line),
            "draws": lambda: draws.measure(max(given.rows // 1000, 50), given.turns, line),
            "negotiation": lambda: negotiation.measure(place, given.turns, line),
            "workbook": lambda: workbook(place, given.turns),
            "coverage": lambda: coverage.show(min(given.rows / 1_000_000, 1.0), line),
            "compromise": lambda: compromise.measure(given.rows, line),
            "intervals": lambda: intervals.show(max(given.rows // 25_000, 2), line),
            "robust": lambda: robust.show(max(given.rows // 25_000, 2), line),
            "audit": lambda: audit.measure(place, given.rows, line),
            "monitor": lambda: monitor.show(max(given.rows // 5_000, 2)),
            "scale": lambda: scale.measure(place, given.large, line),
            "sums": lambda: others.sums(place, given.rows, given.turns, line),
            "groupers": lambda: others.groupers(place, given.rows),
            "spark": lambda: spread(place / "spark", given.rows, [DEFAULT]),
            "spark-schemes": lambda: spread(place / "all", given.rows, None),
            "schemes": lambda: schemes.measure(place, given.rows, given.turns, best, line),
        }
        for name, step in steps.items():
            if given.only is None or name in given.only:
                step()


if __name__ == "__main__":
    main()
