"""Large runs: in full with DRG_FULL=1, otherwise in a small size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.amount import FULL

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_memory_stays_flat(tmp_path):
    """10 million cases of Parquet in less than 1.5 GB."""
    from benchmarks.data import make_parquet

    rows = 10_000_000 if FULL else 600_000
    make_parquet(tmp_path / "in.parquet", rows, part=200_000)
    code = (
        "import sys; from grouper.engine.files import group_file; "
        "cases = group_file(sys.argv[1], sys.argv[2]).cases; "
        # not getrusage, which counts the process that started this one
        "said = dict(line.split(':') for line in open('/proc/self/status')); "
        "print(cases, said['VmHWM'].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "in.parquet", tmp_path / "out.parquet"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    cases, peak = map(int, done.stdout.split())
    assert cases == rows
    assert peak * 1024 < 1.5e9


@pytest.mark.slow
def test_the_benchmarks_run():
    """In a small size those that have no small test of their own and fetch nothing."""
    from benchmarks.__main__ import STEPS

    size = ["1000000", "10000000"] if FULL else ["10000", "20000"]
    quick = ("start", "parquet", "csv", "memory", "profile", "settle", "impact", "scale")
    few = STEPS if FULL else quick
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--rows", size[0], "--large", size[1], "--turns", "1",
         "--only", *few],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for title in ("Parquet", "CSV", "peak memory", "where the time goes", "drg --help"):
        assert title in done.stdout, title
