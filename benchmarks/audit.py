"""How long all audit rules take over the cases of a year, against grouping the same file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from drg.sample.options import Options
from drg.sample.write import write_region

WANTED, MORE = 20.0, 0.5  # times the grouping; GB beyond a tenth of the cases
_TOLD = (
    "; said = dict(line.split(':') for line in open('/proc/self/status'));"
    "print(time.perf_counter() - began, time.process_time(), said['VmHWM'].split()[0])"
)
_GROUP = (
    "import sys, time; from grouper.engine.files import group_file; began = time.perf_counter();"
    "group_file(sys.argv[1], sys.argv[2])" + _TOLD
)
_AUDIT = (
    "import sys, time; from budget.audit.document import SHIPPED, read_rules;"
    "from budget.audit.files import audit_file; from grouper.explain.hanging import HangingFinder;"
    "began = time.perf_counter();"
    "found = audit_file(sys.argv[1], read_rules(SHIPPED), HangingFinder(),"
    " hospitals=sys.argv[2], before=sys.argv[3])" + _TOLD
)


def measure(folder: Path, rows: int, line: Callable[[str, float, str], None]) -> None:
    """Print times, as ratios, and memory of a region and of one of a tenth of its cases."""
    peaks = []
    for cases in (max(rows // 10, 5_000), rows):
        home = folder / f"audit-{cases}"
        home.mkdir()
        size = {"cases": cases, "hospitals": max(min(cases // 3_000, 300), 6)}
        for year in (2024, 2025):
            write_region(home / str(year), Options(year=year, **size), format="parquet")
        source, before = (home / str(year) / "cases.parquet" for year in (2025, 2024))
        hospitals = home / "2025" / "hospitals.csv"
        grouping = _run(_GROUP, source, home / "grouped.parquet")
        audit = _run(_AUDIT, source, hospitals, before)
        peaks.append(audit[2] * 1024 / 1e9)
        print(f"audit, {cases:,} cases and the year before: {audit[0]:.1f} s ({audit[1]:.1f} s of "
              f"processors), grouping one year {grouping[0]:.1f} s ({grouping[1]:.1f} s), peak "
              f"{peaks[-1]:.2f} GB")  # fmt: skip
        line("  audit of two years / grouping of one", audit[0] / grouping[0], f"<= {WANTED:g}")
        line("  the same in processor time", audit[1] / grouping[1], f"<= {WANTED:g}")
    line("  GB of memory beyond a tenth of the cases", peaks[1] - peaks[0], f"<= {MORE:g}")


def _run(code: str, *words: Path) -> list[float]:
    """Seconds, seconds of processors, and kB at the peak, of a process of its own."""
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], check=True,
                          capture_output=True, text=True)  # fmt: skip
    return [float(one) for one in done.stdout.split()]
