"""Where the time of grouping goes: the stages of one batch after another, in one thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data
from drg.cases import recognise
from drg.cases.codes import read_codes
from drg.tables import open_sink, open_table
from grouper import Grouper
from grouper.engine.code_uses import CodeUses
from grouper.engine.files import _Work


def show(folder: Path, rows: int) -> None:
    """Print the seconds and the share of each stage."""
    source = folder / "profile.parquet"
    data.make_parquet(source, rows)
    spent: dict[str, float] = {}

    def timed(stage: str, action: Callable[..., Any], *arguments: Any) -> Any:
        began = time.perf_counter()
        result = action(*arguments)
        spent[stage] = spent.get(stage, 0.0) + time.perf_counter() - began
        return result

    grouper = timed("load scheme", Grouper)
    profiler = grouper._profiler
    with open_table(source, dictionaries=True) as table:
        columns = recognise(table.schema.names)
        uses = CodeUses(grouper, columns, table.schema.names)
        work = _Work(grouper, columns, table.schema, uses)
        with open_sink(folder / "profile-out.parquet", work.schema) as sink:
            blocks = iter(table.blocks())
            while (block := timed("read", next, blocks, None)) is not None:
                batch = timed("read", block.load)
                for name, index in (("diagnoses", profiler.diagnoses),
                                    ("procedures", profiler.procedures)):  # fmt: skip
                    cells = [batch.table.column(c) for c in columns.columns(name)]
                    timed("(of it: codes to integers)", read_codes, cells, index,
                          batch.table.num_rows)  # fmt: skip
                profiles = timed("cases to profiles", profiler.read, batch.table, columns)
                timed("profiles to groups", grouper._answers.of, profiles.columns)
                out, _ = timed("(all of grouping again, rules known)", work, batch)
                timed("write", lambda rows: sink.append(sink.encode(rows)), out)
    whole = sum(seconds for stage, seconds in spent.items() if not stage.startswith("("))
    print(f"where the time goes, {rows:,} cases, one thread, {len(grouper._answers):,} distinct "
          "profiles")  # fmt: skip
    for stage, seconds in spent.items():
        share = "" if stage.startswith("(") else f"{seconds / whole:8.0%}"
        print(f"  {stage:<40} {seconds:8.3f} s {share}")
    print(f"  sum of the stages: {np.round(whole, 3)} s")
