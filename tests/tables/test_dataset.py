"""A folder of Parquet files is one table, for every command."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import grouper
from drg.errors import DrgError
from drg.provenance import hash_file
from drg.tables import open_table
from grouper.engine.files import group_file
from tests.conftest import DATA

LABELLED = DATA / "labelled.csv"


def put(folder, name, **columns):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def rows(folder, only=None):
    with open_table(folder, dictionaries=True) as source:
        if only:
            source.only(only)
        names = source.names if only is None else only
        found = [block.load().table for block in source.blocks()]
        schema = pa.schema([source.schema.field(name) for name in source.names if name in names])
        return pa.concat_tables(
            pa.Table.from_batches([one]).cast(schema) for one in found).to_pylist()  # fmt: skip


def test_files_come_in_the_order_of_their_places(tmp_path):
    put(tmp_path, "b.parquet", n=[3])
    put(tmp_path, "a/z.parquet", n=[1, 2])
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".b.parquet.crc").touch()
    assert rows(tmp_path) == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_folders_give_columns(tmp_path):
    put(tmp_path, "city=%E8%8A%9C%E6%B9%96/month=2025-01/part.parquet", n=[1])
    put(tmp_path, "city=__HIVE_DEFAULT_PARTITION__/month=2025-02/part.parquet", n=[2])
    assert rows(tmp_path) == [{"n": 1, "city": "芜湖", "month": "2025-01"},
                              {"n": 2, "city": None, "month": "2025-02"}]  # fmt: skip
    assert rows(tmp_path, ["month"]) == [{"month": "2025-01"}, {"month": "2025-02"}]


def test_types_are_brought_together(tmp_path):
    put(tmp_path, "a.parquet", n=pa.array([1], pa.int32()), s=pa.array([None], pa.null()))
    put(tmp_path, "b.parquet", s=pa.array(["x"]).dictionary_encode(), n=pa.array([2**40]))
    assert rows(tmp_path) == [{"n": 1, "s": None}, {"n": 2**40, "s": "x"}]


def test_what_is_no_dataset_is_told(tmp_path):
    with pytest.raises(DrgError, match="without a Parquet file"):
        open_table(tmp_path)
    put(tmp_path, "a.parquet", n=[1])
    put(tmp_path, "b.parquet", m=[1])
    with pytest.raises(DrgError, match=r"b\.parquet.*m, n"):
        open_table(tmp_path)
    put(tmp_path, "b.parquet", n=["x"])
    with pytest.raises(DrgError, match=r"n.*int64, string"):
        open_table(tmp_path)
    (tmp_path / "b.parquet").rename(tmp_path / "b.csv")
    with pytest.raises(DrgError, match=r"is a folder of other files than Parquet: found 'b\.csv'"):
        open_table(tmp_path)


def test_a_dataset_is_grouped_as_its_rows_are(tmp_path):
    table = pa.Table.from_pylist(pa.csv.read_csv(LABELLED).slice(0, 60).to_pylist())
    for i in range(3):
        (tmp_path / f"cases/part={i}").mkdir(parents=True)
        pq.write_table(table.slice(20 * i, 20), tmp_path / f"cases/part={i}/0.parquet")
    group_file(tmp_path / "cases", tmp_path / "out.parquet")
    want = grouper.group(table)
    found = pq.read_table(tmp_path / "out.parquet")
    for name in ("drg", "status", "reason"):
        assert found[name].to_pylist() == list(want[name].to_pylist())
    assert found["part"].to_pylist() == [str(i // 20) for i in range(60)]
    digest = hash_file(tmp_path / "cases")
    (tmp_path / "cases/part=2").rename(tmp_path / "cases/part=3")
    assert hash_file(tmp_path / "cases") != digest
