"""Datasets to try Spark with: several files of odd sizes, and the same rows as one file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from drg.tables import read_table


def dataset(folder: Path, table: pa.Table, shares: Sequence[float] = (0.02, 0.8, 0.0)) -> Path:
    """Write a table as a dataset whose files have these shares of the rows, the last the rest."""
    folder.mkdir(parents=True)
    edges = [0, *(int(one * table.num_rows) for one in np.cumsum(shares)), table.num_rows]
    for place, (start, stop) in enumerate(pairwise(edges)):
        pq.write_table(table.slice(start, stop - start), folder / f"part-{place}.parquet",
                       row_group_size=997)  # fmt: skip
    return folder


def spoilt(path: Path, rows: int | None = None) -> pa.Table:
    """Labelled cases, some of them with cells that cannot be read, nulls and unknown codes."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame = frame.iloc[:rows].copy()
    names = {name: place for place, name in enumerate(frame.columns)}
    for step, (part, cell) in enumerate([
        ("age", "?"), ("sex", None), ("diagnoses", None), ("diagnoses", "Z99.999x999|I10.x00x002"),
        ("procedures", "abc"), ("birth_weight", "heavy"),
    ]):  # fmt: skip
        if part in names:
            frame.iloc[step * 7 :: 61, names[part]] = cell
    return pa.Table.from_pandas(frame, preserve_index=False)


def ordered(path: Path, names: Sequence[str] = ()) -> pa.Table:
    """A table or dataset as texts, in an order of rows that does not hang on files."""
    table = pq.read_table(path) if path.is_dir() else read_table(path)[0]
    table = table.select(names or table.column_names)
    frame = table.to_pandas().map(str)
    return frame.sort_values(list(frame.columns), kind="stable", ignore_index=True)
