import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from drg.errors import DrgError
from drg.tables import open_sink, open_table, run, write_table
from drg.tables.parquet import _ParquetBlock


def cases(rows: int) -> pa.Table:
    codes = [f"I{i % 97:02d}.{i % 7}" for i in range(rows)]
    return pa.table(
        {
            "case_id": [f"C{i:07d}" for i in range(rows)],
            "sex": pa.array([i % 2 + 1 for i in range(rows)], pa.int8()),
            "day": pa.array(range(rows), pa.date32()),
            "at": pa.array(range(rows), pa.timestamp("ns", "Asia/Shanghai")),
            "diagnoses": [None if i % 11 == 0 else codes[i : i + i % 4] for i in range(rows)],
            "department": pa.array(["内科", None, "外科"] * (rows // 3 + 1)).slice(0, rows),
            "large": pa.array(codes, pa.large_string()),
            "category": pa.array(codes).dictionary_encode(),
            "cost": [i / 7 for i in range(rows)],
        }
    )


@pytest.mark.parametrize("rows", [0, 1, 5000])
@pytest.mark.parametrize("dictionaries", [False, True])
def test_all_columns_and_types_come_back(tmp_path, copy, rows, dictionaries):
    table = cases(max(rows, 12)).slice(0, rows)
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=1700)
    with open_table(tmp_path / "in.parquet", dictionaries=dictionaries) as source:
        assert source.schema.equals(table.schema)
        assert (source.total, source.header_rows, source.unit) == (rows, 0, "rows")
    options = {"batch_rows": 640, "dictionaries": dictionaries}
    copy(tmp_path / "in.parquet", tmp_path / "o.pq", **options)
    back = pq.read_table(tmp_path / "o.pq")
    assert back.schema.equals(table.schema)
    assert back.equals(table)
    assert pd.read_parquet(tmp_path / "o.pq").dtypes.equals(
        pd.read_parquet(tmp_path / "in.parquet").dtypes
    )
    copy(tmp_path / "in.parquet", tmp_path / "1.csv", batch_rows=640)
    copy(tmp_path / "in.parquet", tmp_path / "2.csv", **options)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_repetitive_text_is_read_as_dictionaries_on_request(tmp_path):
    table = cases(5000)
    pq.write_table(table, tmp_path / "in.parquet")
    with open_table(tmp_path / "in.parquet", dictionaries=True) as source:
        (block,) = source.blocks()
        got = block.load().table
    assert pa.types.is_dictionary(got["department"].type)
    assert pa.types.is_dictionary(got["diagnoses"].type.value_type)
    assert got["case_id"].type == pa.string()


def test_result_columns_of_dictionary_arrays_read_back_as_text(tmp_path):
    pq.write_table(cases(1000), tmp_path / "in.parquet")
    statuses = pa.array(["grouped", "分组失败", None])

    def add(batch):
        indices = pa.array([i % 3 for i in range(batch.table.num_rows)], pa.int8())
        status = pa.DictionaryArray.from_arrays(indices, statuses)
        return batch.table.append_column("status", status), None

    for name in ("o.parquet", "o.csv", "o.xlsx"):
        with open_table(tmp_path / "in.parquet", batch_rows=300) as source:
            schema = source.schema.append(pa.field("status", pa.string()))
            with open_sink(tmp_path / name, schema, metadata={"scheme": "国家2.0"}) as sink:
                run(source, add, sink)
    file = pq.ParquetFile(tmp_path / "o.parquet")
    assert file.schema_arrow.field("status").type == pa.string()
    assert file.metadata.metadata[b"scheme"].decode() == "国家2.0"
    frame = pd.read_parquet(tmp_path / "o.parquet")
    assert frame["status"].dtype == pd.DataFrame({"x": ["a"]})["x"].dtype
    assert frame["status"].tolist()[:2] == ["grouped", "分组失败"]
    assert file.read()["status"].to_pylist()[299:302] == [None, "grouped", "分组失败"]
    assert pd.read_csv(tmp_path / "o.csv")["status"].value_counts()["grouped"] == 334


def test_batches_may_differ_in_how_they_hold_the_same_values(tmp_path):
    schema = pa.schema([("a", pa.string()), ("l", pa.list_(pa.string()))])
    plain = pa.RecordBatch.from_arrays([["x", None], [["p", "q"], None]], schema=schema)
    other = pa.RecordBatch.from_arrays(
        [
            plain["a"].dictionary_encode(),
            plain["l"].cast(pa.list_(pa.dictionary(pa.int32(), pa.string()))),
        ],
        names=["a", "l"],
    )
    for order in ([plain, other, plain], [other, plain, other]):
        with open_sink(tmp_path / "o.parquet", schema) as sink:
            for batch in order:
                sink.write(batch)
        back = pq.read_table(tmp_path / "o.parquet")
        assert back.schema.equals(schema)
        assert back["a"].to_pylist() == ["x", None] * 3
        assert back["l"].to_pylist() == [["p", "q"], None] * 3


def test_pandas_notes_survive(tmp_path, copy):
    frame = pd.DataFrame({"a": [1, 2], "b": pd.Categorical(["x", "y"])})
    frame.to_parquet(tmp_path / "in.parquet")
    copy(tmp_path / "in.parquet", tmp_path / "o.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "o.parquet"), frame)


def test_a_single_large_row_group_comes_in_batches(tmp_path, read):
    table = pa.table({"a": pc.cast(pa.array(range(300_000)), pa.string())})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=300_000)
    got = read(tmp_path / "in.parquet", batch_rows=50_000)
    assert got.batches == 6
    assert got.progress == 300_000
    assert got.rows[-1] == ("299999",)


def test_row_groups_are_not_small(tmp_path, copy):
    write_table(tmp_path / "in.parquet", pa.table({"a": range(600_000)}))
    copy(tmp_path / "in.parquet", tmp_path / "o.parquet", batch_rows=10_000)
    groups = pq.ParquetFile(tmp_path / "o.parquet").metadata
    assert groups.num_rows == 600_000
    assert groups.num_row_groups == 3


def test_damaged_files(tmp_path):
    path = tmp_path / "in.parquet"
    pq.write_table(cases(3000), path)
    data = path.read_bytes()
    for broken in (b"a,b\n1,2\n", b"PAR1", b"PAR1" * 5, data[:-10], data[:2000], data + b"x"):
        path.write_bytes(broken)
        with pytest.raises(DrgError, match=r"in\.parquet"):
            open_table(path)
    path.write_bytes(b"")
    with pytest.raises(DrgError, match="is empty"):
        open_table(path)
    path.write_bytes(data[:300] + bytes(5000) + data[5300:])
    with pytest.raises(DrgError, match="damaged"), open_table(path) as source:
        list(source.blocks())


def test_columns_that_cannot_be(tmp_path):
    twice = pa.table([[1], [2]], names=["a", "a"])
    pq.write_table(twice, tmp_path / "in.parquet")
    with pytest.raises(DrgError, match="column 'a' stands twice"):
        open_table(tmp_path / "in.parquet")
    pq.write_table(pa.table({}), tmp_path / "in.parquet")
    with pytest.raises(DrgError, match="has no columns"):
        open_table(tmp_path / "in.parquet")
    with pytest.raises(DrgError, match="stands twice"):
        open_sink(tmp_path / "o.parquet", twice.schema)
    with (
        pytest.raises(DrgError, match="cannot be written"),
        open_sink(tmp_path / "o.parquet", pa.schema([("a", pa.int8())])) as sink,
    ):
        sink.write(pa.RecordBatch.from_pydict({"a": ["x"]}))


def test_lists_of_categories_in_several_row_groups(tmp_path, copy, read):
    lists = pa.array([[f"x{i % 5}", None] if i % 7 else None for i in range(900)])
    table = pa.table({"l": lists.cast(pa.list_(pa.dictionary(pa.int32(), pa.string())))})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=300)
    for dictionaries in (False, True):
        got = read(tmp_path / "in.parquet", dictionaries=dictionaries)
        assert [row[0] for row in got.rows] == lists.to_pylist()
    copy(tmp_path / "in.parquet", tmp_path / "o.parquet")
    back = pq.ParquetFile(tmp_path / "o.parquet").read_row_group(0)
    assert back["l"].to_pylist() == lists.to_pylist()


def test_indices_beyond_a_dictionary_are_found(tmp_path):
    text = pa.array(["x", "y"])

    def dictionary(indices):
        return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), text, safe=False)

    for bad in ([0, 2, None], [-1, 0, 1]):
        inner = dictionary(bad)
        columns = [
            inner,
            pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), inner),
            pa.StructArray.from_arrays([inner], ["k"]),
        ]
        for column in columns:
            batch = pa.RecordBatch.from_arrays([column], names=["a"])
            with pytest.raises(DrgError, match=r"a\.parquet: .* is damaged"):
                _ParquetBlock(batch, tmp_path / "a.parquet").load()
    for good in ([0, 1, None], [None] * 3, []):
        batch = pa.RecordBatch.from_arrays([dictionary(good)], names=["a"])
        assert _ParquetBlock(batch, tmp_path / "a.parquet").load().table.equals(batch)


FUZZ = """
import random, sys
from drg.errors import DrgError
from drg.tables import open_sink, open_table, run

data = bytearray(open(sys.argv[1], "rb").read())
footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
pick = random.Random(5)
for i in range(400):
    hurt = bytearray(data)
    for _ in range(1 + i % 3):
        hurt[pick.randrange(footer if i % 2 else 4, len(hurt) - 8)] = pick.randrange(256)
    open("in.parquet", "wb").write(hurt)
    try:
        with (
            open_table("in.parquet", dictionaries=True) as source,
            open_sink("o.csv", source.schema) as sink,
        ):
            run(source, lambda batch: (batch.table, None), sink, workers=1)
    except DrgError:
        pass
"""


def test_no_damage_ends_the_process(tmp_path):
    codes = pa.array([f"I{i % 9}" for i in range(300)])
    table = pa.table({"编号": codes, "诊断": [[a] for a in codes.to_pylist()], "费用": range(300)})
    pq.write_table(table, tmp_path / "whole.parquet", compression="none")
    done = subprocess.run(
        [sys.executable, "-c", FUZZ, "whole.parquet"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
