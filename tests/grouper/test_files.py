from __future__ import annotations

import csv
import gzip
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drg.errors import DrgError
from drg.provenance import hash_file
from drg.tables import read_table
from grouper.engine.files import group_file
from grouper.scheme.pack import load_scheme
from tests.conftest import DATA

LABELLED = DATA / "labelled.csv"


def rows(path, encoding="utf-8"):
    with path.open(encoding=encoding, newline="") as stream:
        return list(csv.reader(stream))


def test_csv_keeps_rows_order_and_columns(tmp_path):
    out = tmp_path / "out.csv"
    account = group_file(LABELLED, out)
    before, after = rows(LABELLED), rows(out)
    assert account.cases == len(before) - 1 == len(after) - 1
    assert after[0] == [*before[0][:-1], "drg_input", "mdc", "adrg", "drg", "severity", "status",
                        "reason"]  # fmt: skip
    assert [row[:8] for row in after[1:]] == before[1:]
    assert all(row[7] == row[10] for row in after[1:])
    assert (account.compared, account.agreeing) == (account.cases, account.cases)
    assert len(account.drg_cases) == account.scheme_drgs == 634
    assert not account.reject_path.exists()


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".xlsx", ".parquet"])
def test_every_kind_of_file_gives_the_same_groups(tmp_path, ending):
    source, out = tmp_path / f"in{ending}", tmp_path / f"out{ending}"
    frame = pd.read_csv(LABELLED, dtype=str, keep_default_na=False)
    if ending == ".parquet":
        frame.to_parquet(source)
    elif ending == ".xlsx":
        frame.to_excel(source, index=False)
    else:
        frame.to_csv(source, index=False)
    account = group_file(source, out)
    assert account.agreeing == account.cases == len(frame)
    second = group_file(out, tmp_path / f"again{ending}")
    assert second.agreeing == second.cases == len(frame)


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_names_stand_behind_the_results_where_they_are_asked_for(tmp_path, ending):
    given = pd.read_csv(LABELLED, dtype=str, keep_default_na=False).assign(drg_name="own")
    given.to_csv(tmp_path / "in.csv", index=False)
    group_file(tmp_path / "in.csv", tmp_path / f"plain.{ending}")
    group_file(tmp_path / "in.csv", tmp_path / f"named.{ending}", names=True)
    plain, named = (
        read_table(tmp_path / f"{name}.{ending}")[0].to_pandas() for name in ("plain", "named")
    )
    names = {drg.code: drg.name for drg in load_scheme().drgs}
    assert list(named["drg_name"]) == [names.get(drg, "") for drg in named["drg"]]
    assert list(named.columns) == [
        *("drg_name_input" if name == "drg_name" else name for name in plain.columns), "drg_name"
    ]  # fmt: skip
    assert (named["drg_name_input"] == "own").all()
    for name in ("mdc", "adrg", "drg", "severity", "status", "reason"):
        assert list(named[name]) == list(plain[name])


def test_gb18030_front_page_file(tmp_path):
    source, out = tmp_path / "病案首页.csv", tmp_path / "分组.csv"
    with source.open("w", encoding="gb18030", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["病案号", "性别", "年龄", "年龄不足1周岁天数", "新生儿出生体重(克)",
                         "主要诊断名称", "主要诊断编码", "其他诊断编码1", "其他诊断编码2",
                         "手术操作编码1", "离院方式", "住院总费用（元）"])  # fmt: skip
        writer.writerow(["1", "男", "60岁", "-", "-", "心力衰竭，急性", "Ｉ50.900", "", "J96.000",
                         "-", "1", "8000.00"])  # fmt: skip
        writer.writerow(["2", "女", "0", "3", "3000", "呼吸窘迫", "P22.000", "—", "", "", "1", "1"])
    account = group_file(source, out)
    assert account.statuses == {"grouped": 2}
    found = rows(out, "gb18030")
    assert found[1][:12][5:8] == ["心力衰竭，急性", "Ｉ50.900", ""]
    assert found[1][14].startswith("FR2")
    assert found[2][14].startswith("PR1")


def test_rejects_name_row_column_value_and_reason(tmp_path):
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(
        "case_id,sex,age,diagnoses\n"
        "1,1,45,I10.x00x002\n"
        "2,1,forty,I10.x00x002\n"
        "3,1\n"
        "4,x,-2,I10.x00x002\n"
        "5,2,50,I10.x00x002,extra\n"
        '6,=cmd|"/c calc",50,I10.x00x002\n',
        encoding="utf-8",
    )
    account = group_file(source, out)
    after = rows(out)
    assert [row[0] for row in after[1:]] == ["1", "2", "3", "4", "5", "6"]
    assert [row[-2] for row in after[1:]] == ["grouped", *["invalid"] * 5]
    listed = rows(account.reject_path, "utf-8-sig")
    assert [(r[0], r[1]) for r in listed[1:]] == [
        ("3", "age"), ("4", ""), ("5", "age"), ("5", "sex"), ("6", ""), ("7", "sex"),
    ]  # fmt: skip
    assert listed[1][2:] == ["forty", "expected a number from 0 to 150 值无法识别"]
    assert listed[-1][2].startswith("'=")
    assert account.rejects == 6
    clean = tmp_path / "clean.csv"
    clean.write_text("sex,age,diagnoses\n1,45,I10.x00x002\n")
    group_file(clean, out)
    assert not account.reject_path.exists()


def test_same_input_same_bytes(tmp_path):
    for ending in (".csv", ".parquet", ".xlsx"):
        outs = [tmp_path / f"{n}{ending}" for n in "ab"]
        for out in outs:
            group_file(LABELLED, out)
        assert outs[0].read_bytes() == outs[1].read_bytes(), ending
        records = [p.with_name(p.name + ".run.json").read_bytes() for p in outs]
        assert records[0] == records[1]


def test_the_record_says_versions_hashes_and_counts(tmp_path):
    out = tmp_path / "out.parquet"
    account = group_file(LABELLED, out)
    said = json.loads((tmp_path / "out.parquet.run.json").read_text(encoding="utf-8"))
    assert said["input"] == {"name": "labelled.csv", "sha256": hash_file(LABELLED)}
    assert said["scheme"]["sha256"] == account.scheme_hash
    assert said["cases"] == account.cases
    assert said["statuses"]["grouped"] == account.cases
    assert b"drg-toolkit" in pq.read_metadata(out).metadata


def test_parquet_types_are_kept(tmp_path):
    table = pa.table({
        "id": pa.array([1, 2], pa.int32()),
        "when": pa.array([0, 1], pa.timestamp("ms")),
        "sex": pa.array(["男", None]),
        "age": pa.array([45.0, None]),
        "diagnoses": pa.array([["I10.x00x002"], []], pa.list_(pa.string())),
        "ward": pa.array(["a", "b"]).dictionary_encode(),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "in.parquet")
    group_file(tmp_path / "in.parquet", tmp_path / "out.parquet")
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.select(table.column_names).cast(table.schema).equals(table)
    assert found.schema.field("when").type == pa.timestamp("ms")
    assert all(found.schema.field(name).type == pa.string() for name in found.column_names[6:])
    assert found["status"].to_pylist() == ["grouped", "invalid"]


def test_many_batches_are_in_order(tmp_path, monkeypatch):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    frame = pd.read_csv(LABELLED, dtype=str, keep_default_na=False)
    many = pd.concat([frame] * 300, ignore_index=True)
    many["case_id"] = range(len(many))
    many.to_parquet(source)
    account = group_file(source, out)
    found = pd.read_parquet(out)
    assert account.cases == len(many)
    assert (found["case_id"] == many["case_id"]).all()
    assert (found["drg"] == many["drg"]).all()


def test_mapping_file(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("Geschlecht,Alter,Haupt,Neben1,Neben2\n1,60,I50.900,,J96.000\n")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('sex = "Geschlecht"\nage = "Alter"\ndiagnoses = ["Haupt", "Neben*"]\n')
    group_file(source, tmp_path / "out.csv", mapping=mapping)
    assert rows(tmp_path / "out.csv")[1][-3] == "mcc"
    table = tmp_path / "mapping.csv"
    table.write_text("canonical,header\nsex,Geschlecht\nage,Alter\ndiagnoses,Haupt\n"
                     "diagnoses,Neben*\n")  # fmt: skip
    group_file(source, tmp_path / "out2.csv", mapping=table)
    assert rows(tmp_path / "out2.csv") == rows(tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('sexx = "Alter"', "sexx: not a column of the case table"),
        ('sex = "Nirgends"', "sex: no such column in the table: found 'Nirgends'"),
        ('sex = ["Alter", "Haupt"]', "sex: takes one column"),
        ("sex = 3", "sex: wrong type: found '3', expected a text or an array"),
        ("sex = ", "is not TOML"),
    ],
)
def test_faults_of_a_mapping_file(tmp_path, text, message):
    source = tmp_path / "in.csv"
    source.write_text("Alter,Haupt\n60,I50.900\n")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(text)
    with pytest.raises(DrgError) as caught:
        group_file(source, tmp_path / "out.csv", mapping=mapping)
    assert message in str(caught.value)
    assert list(tmp_path.glob("out*")) == []


def test_the_input_is_never_overwritten(tmp_path):
    source = tmp_path / "in.csv"
    source.write_bytes(LABELLED.read_bytes())
    with pytest.raises(DrgError, match="would replace an input"):
        group_file(source, source)
    assert source.read_bytes() == LABELLED.read_bytes()


def test_shared_file_as_it_is(shared, tmp_path):
    account = group_file(shared / "cases/chs-drg-2.0.csv.gz", tmp_path / "out.csv.gz")
    assert (account.cases, account.agreeing) == (10_000, 10_000)
    with gzip.open(tmp_path / "out.csv.gz", "rt", encoding="utf-8") as stream:
        assert (
            next(stream)
            .strip()
            .endswith("mdc_input,adrg_input,drg_input,mdc,adrg,drg,severity,status,reason")
        )


def test_no_input_is_taken_for_an_output(tmp_path):
    source = tmp_path / "p.csv.rejects.csv"
    source.write_text("diagnoses\nI10.x00x002\n")
    with pytest.raises(DrgError, match=r"p\.csv\.rejects\.csv: would replace an input"):
        group_file(source, tmp_path / "p.csv")
    mapping = tmp_path / "m.csv"
    mapping.write_text("diagnoses,diagnoses\n")
    with pytest.raises(DrgError, match=r"m\.csv: would replace an input"):
        group_file(source, mapping, mapping=mapping)
    assert source.read_text() == "diagnoses\nI10.x00x002\n"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_run_that_cannot_end_changes_nothing(tmp_path):
    (tmp_path / "c.csv").write_text("old")
    (tmp_path / "c.csv.run.json").mkdir()
    with pytest.raises(DrgError, match=r"run\.json"):
        group_file(LABELLED, tmp_path / "c.csv")
    assert (tmp_path / "c.csv").read_text() == "old"


@pytest.mark.parametrize(
    "odd",
    [
        pa.array([["FV25"], None]),
        pa.array([b"\xff", b"FV25"]),
        pa.array([2**62, 5], pa.timestamp("s")),
        pa.array([1, 2], pa.timestamp("s", tz="Mars/Base")),
        pa.array([{"a": 1}, None]),
        pa.array([2**30, 1], pa.date32()),
        pa.StringArray.from_buffers(2, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"),
                                    pa.py_buffer(b"\xffA")),
        pa.array([["I10.x00x002"], ["J96.000"]], pa.list_view(pa.string())),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("column", ["diagnoses", "procedures", "sex", "age", "drg", "note"])
def test_odd_columns_never_stop_a_grouping(tmp_path, odd, column):
    from grouper import group

    table = pa.table({"diagnoses": ["I10.x00x002", "J96.000"], "sex": [1, 2]})
    if column in table.column_names:
        table = table.drop_columns([column])
    if column != "diagnoses" or "diagnoses" not in table.column_names:
        table = table.append_column(column, odd)
    found = group(table)
    assert found.num_rows == 2


@pytest.mark.parametrize(
    "cells",
    [
        ["I10.x00x002", pd.NA], ["I10.x00x002", 2**70], ["I10.x00x002", "\ud800"],
        [["I10.x00x002", None], {"a"}], [pd.Series([1]), "I10.x00x002"],
    ],
)  # fmt: skip
def test_odd_objects_in_a_frame_never_stop_a_grouping(cells):
    from grouper import group

    column = pd.Series(cells, dtype=object)
    assert len(group(pd.DataFrame({"diagnoses": column, "age": column}))) == 2


def test_long_cells_take_no_longer_than_they_are(tmp_path):
    from grouper import group

    cells = ["A" + " " * 200_000 + "B", "\u0300" * 200_000, "|" * 200_000]
    found = group(pd.DataFrame({"diagnoses": cells, "age": cells}))
    assert set(found["status"]) == {"invalid"}


def test_a_run_that_fails_at_its_lists_leaves_the_one_before(tmp_path, monkeypatch):
    """An output beside the record of an earlier run would pass for that run's."""
    source, out = tmp_path / "in.csv", tmp_path / "o.csv"
    source.write_text("case_id,diagnoses\n1,I10.x00x002|QQQ\n", encoding="utf-8")
    group_file(source, out)
    stood = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert "o.csv.run.json" in stood

    def fails(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr("grouper.engine.files.write_unmapped", fails)
    with pytest.raises(OSError, match="no space"):
        group_file(source, out)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == stood
