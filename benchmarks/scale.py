"""How time and memory grow: every stage on datasets of more and more cases, each a process."""

from __future__ import annotations

import contextlib
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from drg.sample import write_region

_PART = 500_000  # cases of a file
_DRG = (sys.executable, "-c", "from drg.cli import main; main()")
_READING = """
import sys, pathlib, pyarrow.parquet as pq
for one in sorted(pathlib.Path(sys.argv[1]).rglob('*.parquet')):
    for part in pq.ParquetFile(one, pre_buffer=False).iter_batches(131072):
        pass
"""
_READ = (sys.executable, "-c", _READING)
STAGES = {  # command, the dataset that it reads
    "check": ("check {cases}", "cases"),
    "group": ("group {cases} --out {out}.parquet", "cases"),
    "weights fit": ("weights fit {grouped} --out {out}.csv", "grouped"),
    "settle": ("settle {grouped} --weights {weights} --hospitals {hospitals} --out {out}",
               "grouped"),
    "audit": ("audit {grouped} --hospitals {hospitals} --out {out}", "grouped"),
}  # fmt: skip


def measure(folder: Path, most: int, line: Callable[[str, float, str], None]) -> None:
    """Seconds and peak memory of each stage at 10 thousand, 100 thousand ... ``most`` cases."""
    region = write_region(folder / "region", cases=min(most, _PART), hospitals=60, seed=5,
                          format="parquet")  # fmt: skip
    cases = region / "cases.parquet"
    _run(*_DRG, "group", cases, "--out", folder / "seed.parquet")
    _run(*_DRG, "weights", "fit", folder / "seed.parquet", "--out", folder / "weights.csv")
    sizes = [size for size in (10_000, 100_000, 1_000_000, 10_000_000) if size < most] + [most]
    found: dict[str, list[tuple[int, float, float]]] = {}
    print(f"{'stage':<14}{'cases':>12}{'seconds':>10}{'cases/s':>12}{'peak, GB':>10}{'/ read':>8}")
    for size in sizes:
        places = {
            "cases": _dataset(folder / "cases", cases, size),
            "grouped": _dataset(folder / "grouped", folder / "seed.parquet", size),
            "weights": folder / "weights.csv", "hospitals": region / "hospitals.csv",
            "out": folder / f"out-{size}",
        }  # fmt: skip
        read = {name: _run(*_READ, places[name])[0] for name in ("cases", "grouped")}
        for stage, (command, source) in STAGES.items():
            seconds, peak = _run(*_DRG, *(word.format(**places) for word in command.split()))
            found.setdefault(stage, []).append((size, seconds, peak))
            print(f"{stage:<14}{size:>12,}{seconds:>10.1f}{size / seconds:>12,.0f}{peak:>10.2f}"
                  f"{seconds / read[source]:>8.1f}", flush=True)  # fmt: skip
    for stage, turns in found.items():
        if len(turns) > 1:
            (n, t, before), (m, u, after) = turns[-2:]
            line(f"  {stage}: slope of the last two", math.log(u / t) / math.log(m / n), "<= 1.1")
            line(f"  {stage}: memory of the last over the one before", after / before, "<= 1.3")


def _dataset(folder: Path, seed: Path, size: int) -> Path:
    """So many cases in files: those of the seed again and again, each time of other people."""
    folder.mkdir(exist_ok=True)
    for one in folder.iterdir():
        one.unlink()
    table = pq.read_table(seed)
    for turn in range(-(-size // len(table))):
        part: pa.Table = table.slice(0, min(size - turn * len(table), len(table)))
        for name in ("case_id", "patient_id"):
            place, own = part.schema.get_field_index(name), part.column(name)
            own = pc.binary_join_element_wise(own, str(turn), "-")
            part = part.set_column(place, table.schema.field(name), own)
        pq.write_table(part, folder / f"part-{turn:04}.parquet")
    return folder


def _run(*command: object) -> tuple[float, float]:
    """Seconds and peak memory in GB of a command in a process of its own."""
    began, peak = time.perf_counter(), 0
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    while process.poll() is None:
        with contextlib.suppress(OSError, KeyError):  # it may just have ended
            said = Path(f"/proc/{process.pid}/status").read_text()
            peak = max(peak, int(dict(line.split(":", 1) for line in said.splitlines())
                                 ["VmHWM"].split()[0]))  # fmt: skip
        time.sleep(0.02)
    if process.returncode:
        raise RuntimeError(" ".join(map(str, command)))
    return time.perf_counter() - began, peak * 1024 / 1e9
