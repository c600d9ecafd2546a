"""How fast two schemes group the same cases: the default against CHS-DRG 1.1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import data
from grouper import Grouper
from grouper.scheme.name import DEFAULT

OLD = "chs-drg-1.1"


def measure(
    folder: Path, rows: int, turns: int, best: Callable[..., list[float]],
    line: Callable[[str, float, str], None],
) -> None:  # fmt: skip
    """Both schemes on the same table in memory, taking turns, compiled before."""
    source = folder / "schemes.parquet"
    data.make_parquet(source, rows)
    table: pa.Table = pq.read_table(source)
    old, new = Grouper(OLD), Grouper(DEFAULT)
    for grouper in (old, new):
        grouper.group(table)
    before, after = best(turns, lambda: old.group(table), lambda: new.group(table))
    print(f"{rows:,} cases in memory; {OLD} {before:.2f} s, {DEFAULT} {after:.2f} s")
    line(f"  {DEFAULT} / {OLD}", after / before, "<= 1.2")
