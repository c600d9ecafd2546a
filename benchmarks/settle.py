"""Settling a year against reading its cases from Parquet, and how memory grows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from drg.sample import write_region
from grouper.engine.files import group_file

_SETTLE = (
    "import sys, time; from budget import load_policy; "
    "from budget.settlement.files import settle_file; from weights import open_weights; "
    "t, c = time.perf_counter(), time.process_time(); "
    "settle_file(sys.argv[1], sys.argv[2], open_weights('changzhi'), "
    "load_policy('national-default'), sys.argv[3], 2025); "
    "t, c = time.perf_counter() - t, time.process_time() - c; "
    "said = dict(line.split(':') for line in open('/proc/self/status')); "
    "print(t, c, said['VmHWM'].split()[0])"
)
_READ = (
    "import sys, time; import pyarrow.parquet as pq; "
    "t, c = time.perf_counter(), time.process_time(); pq.read_table(sys.argv[1]); "
    "print(time.perf_counter() - t, time.process_time() - c)"
)
_SEED = 250_000


def make(folder: Path, rows: int) -> tuple[Path, Path]:
    """A grouped file of so many cases, and its hospitals."""
    region = write_region(folder / "region", cases=min(rows, _SEED), hospitals=60, seed=5,
                          format="parquet")  # fmt: skip
    grouped = folder / "seed.parquet"
    group_file(region / "cases.parquet", grouped)
    seed = pq.read_table(grouped)
    path = folder / "year.parquet"
    with pq.ParquetWriter(path, seed.schema) as writer:
        for turn in range(-(-rows // len(seed))):
            part: pa.Table = seed.slice(0, min(rows - turn * len(seed), len(seed)))
            for name in ("case_id", "patient_id"):  # other cases of other people
                place, own = part.schema.get_field_index(name), part.column(name)
                own = pc.binary_join_element_wise(own, str(turn), "-")
                part = part.set_column(place, seed.schema.field(name), own)
            writer.write_table(part)
    return path, region / "hospitals.csv"


def measure(folder: Path, rows: int, turns: int, line: Callable[[str, float, str], None]) -> None:
    """Whole settlement, files out included, over reading the whole file."""
    peaks = []
    for count in (rows // 5, rows):
        path, hospitals = make(folder, count)
        both = [(_run(_READ, path), _run(_SETTLE, path, folder / "settled", hospitals))
                for _ in range(turns)]  # fmt: skip
        (read, busy), (taken, worked) = (
            [min(float(one[side][i]) for one in both) for i in (0, 1)] for side in (0, 1)
        )
        peaks.append(int(both[0][1][2]) * 1024)
        print(f"settle, {count:,} cases: read {read:.2f} s, settle {taken:.2f} s, "
              f"peak {peaks[-1] / 1e9:.2f} GB")  # fmt: skip
        line("  settle_file / reading the file", taken / read, "<= 3")
        line("  the same in processor time", worked / busy, "<= 3")
    line("  bytes of memory a case", (peaks[1] - peaks[0]) / (rows - rows // 5), "< 50")


def memory(folder: Path, rows: int, line: Callable[[str, float, str], None]) -> None:
    """A province's year: memory and time of the whole settlement, once."""
    path, hospitals = make(folder, rows)
    read = float(_run(_READ, path)[0])
    taken, _, peak = _run(_SETTLE, path, folder / "settled", hospitals)
    print(f"settle, {rows:,} cases: read {read:.2f} s, settle {float(taken):.2f} s")
    line("  settle_file / reading the file", float(taken) / read, "<= 3")
    line("  peak memory, GB", int(peak) * 1024 / 1e9, "< 3")


def _run(code: str, *arguments: object) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=True,
                          capture_output=True, text=True)  # fmt: skip
    return done.stdout.split()
