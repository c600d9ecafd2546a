"""Files to measure with: many cases with 3 to 10 diagnoses, no two batches alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from grouper import Scheme, load_scheme


def cases(rows: int, seed: int, *, joined: bool) -> pa.Table:
    """Random cases: realistic columns, codes drawn over the whole scheme.

    Args:
        rows: how many.
        seed: of all draws.
        joined: code lists as one text a cell (as in a CSV) instead of Arrow lists.
    """
    draw = np.random.default_rng(seed)
    scheme = load_scheme()
    age = draw.choice(np.arange(101), rows, p=_ages())
    infant = age == 0
    days = pa.array(draw.integers(0, 365, rows), mask=~infant)
    weight = pa.array(draw.integers(900, 4500, rows), mask=~infant)
    diagnoses = _lists(draw, _diagnosis_pool(scheme, draw), draw.integers(3, 11, rows))
    procedures = _lists(
        draw, _procedure_pool(scheme), draw.choice(4, rows, p=[0.5, 0.25, 0.15, 0.1])
    )
    if joined:
        diagnoses, procedures = (pc.binary_join(c, "|") for c in (diagnoses, procedures))
    number = np.arange(rows)
    return pa.table(
        {
            "case_id": pc.binary_join_element_wise("C", pa.array(number).cast(pa.string()), ""),
            "hospital_id": pa.array([f"H{i:03d}" for i in range(100)]).take(pa.array(number % 100)),
            "sex": draw.integers(1, 3, rows),
            "age": age,
            "age_days": days,
            "birth_weight": weight,
            "length_of_stay": draw.integers(1, 30, rows),
            "discharge_mode": draw.integers(1, 6, rows),
            "diagnoses": diagnoses,
            "procedures": procedures,
            "total_cost": np.round(draw.lognormal(8.9, 0.8, rows), 2),
        }
    )


def _ages() -> np.ndarray:
    shares = np.concatenate(([30.0], np.linspace(2, 18, 100)))
    return shares / shares.sum()


def _diagnosis_pool(scheme: Scheme, draw: np.random.Generator) -> pa.Array:
    """Every diagnosis, common ones many times, as in a real file."""
    codes = sorted(scheme.diagnosis_names)
    copies = np.ceil(2000 / (1 + draw.permutation(len(codes)))).astype(int)
    return pa.array(codes).take(pa.array(np.repeat(np.arange(len(codes)), copies)))


def _procedure_pool(scheme: Scheme) -> pa.Array:
    return pa.array(sorted(scheme.procedure_names))


def _lists(draw: np.random.Generator, pool: pa.Array, counts: np.ndarray) -> pa.Array:
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    values = pool.take(pa.array(draw.integers(0, len(pool), offsets[-1])))
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def make_parquet(path: Path, rows: int, part: int = 1_000_000) -> None:
    """Write cases as Parquet, part by part."""
    writer = None
    for start in range(0, rows, part):
        table = cases(min(part, rows - start), seed=start, joined=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def make_csv(path: Path, rows: int) -> None:
    """Write cases as CSV with code lists joined by ``|``."""
    options = pa_csv.WriteOptions(quoting_style="none")
    pa_csv.write_csv(cases(rows, seed=0, joined=True), path, options)
