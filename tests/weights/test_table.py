"""Weight tables: what is read, what is refused, and that nothing is lost on the way to a file."""

from __future__ import annotations

import json
import sys
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import weights
from drg.cases.codes import is_total, plain_group
from drg.errors import DrgError
from drg.tables import neutralise
from tests.test_docs import EXAMPLES
from weights import WeightTable
from weights.table import open_weights
from weights.table.text import guarded, unguarded, visible

FORMATS = (".csv", ".csv.gz", ".tsv", ".xlsx", ".parquet")
HOSTILE = "=cmd|' /C calc'!A0"
RECORD = {
    "title": "试算 trial",
    "scheme": {"id": "chs-drg-1.1", "years": [2023, 2024]},
    "steps": [
        {"step": "读取 read", "cases_in": 1000, "cases_out": 990, "cost_in": 8_000_000.5,
         "cost_out": 7_900_000.25, "note": "10 例无费用"},
        {"step": "裁剪 trim", "method": "iqr", "cases_in": 990, "cases_out": 960, "changed": 3},
        {"step": "归一 normalise"},
    ],
}  # fmt: skip


def table(**columns):
    return WeightTable("test", pd.DataFrame(columns), RECORD)


def written(tmp_path, text, name="weights.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


FULL = table(
    drg=["AA19", "0000", "001", "1", "XT35", HOSTILE],
    weight=[1 / 3, 1e-5, 23.99262817, np.nan, 0.1 + 0.2, 12345.678901234567],
    name=["心脏移植", HOSTILE, "'=1", "", 'a,b "c"', "@sum"],
    cases=[1000, 3, np.nan, 0, 12, 5],
    mean_cost=[8123.45, 1e6 / 3, np.nan, 1.0, 2.0, 3.0],
    cv=[0.5, np.nan, 0.1, 0.2, 0.3, 0.4],
    ci_low=[0.3, np.nan, 20.1, np.nan, 0.2, 0.1],
    ci_high=[0.4, np.nan, 28.1, np.nan, 0.4, 0.9],
    status=["", "few", "", "none", "", ""],
    source=["own"] * 6,
    standard_tier1=[1.5, 2.5, np.nan, 4.0, 5.0, 6.25],
    备注=["无", "", "-x", "001", "\t", "'"],
    capped=[True, False, True, False, False, True],
    rank=[1, 2, 3, 4, 5, 6],
)


@pytest.mark.parametrize("ending", FORMATS)
def test_everything_comes_back(tmp_path, ending):
    path = tmp_path / f"权重{ending}"
    FULL.write(path)
    found = WeightTable.read(path)
    wanted = FULL.frame[list(found.frame)]
    pd.testing.assert_frame_equal(found.frame, wanted, check_exact=True,
                                  check_dtype=ending != ".xlsx")  # fmt: skip
    assert set(found.frame) == set(FULL.frame)
    assert found.digest == FULL.digest
    assert list(found.frame)[:10] == ["drg", "name", "weight", "cases", "mean_cost", "cv",
                                      "ci_low", "ci_high", "status", "source"]  # fmt: skip
    first = path.read_bytes()
    FULL.write(path)
    assert path.read_bytes() == first


@pytest.mark.parametrize("ending", FORMATS)
def test_reading_again_writes_the_same(tmp_path, ending):
    one, two = tmp_path / f"t{ending}", tmp_path / f"u{ending}"
    FULL.write(one)
    WeightTable.read(one).write(two)
    if ending not in (".xlsx", ".parquet"):  # those show the record, which a CSV file has not
        assert one.read_bytes() == two.read_bytes()
    assert WeightTable.read(two).digest == FULL.digest


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cn")), max_size=12)
CODE = st.one_of(
    TEXT,
    st.from_regex(r"[0-9]{1,4}(\.0)?", fullmatch=True),
    st.sampled_from(["0000", "QY", "1e5", "nan", "NULL", "-", "'=a", "''=a", "_x0041_", "TRUE",
                     "#N/A", "=1+1", "2024-01-01", "病组 drg", "\ufeffA", "null", "inf"]),
).filter(lambda code: plain_group(code) and not is_total(code))  # fmt: skip
WEIGHT = st.floats(min_value=1e-300, max_value=1e6, exclude_min=True)


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet"])
@given(
    st.lists(CODE, min_size=1, max_size=6, unique_by=plain_group).flatmap(
        lambda codes: st.tuples(
            st.just(codes),
            *[st.lists(part, min_size=len(codes), max_size=len(codes)) for part in (WEIGHT, TEXT)],
        )
    )
)
@example(
    (
        ["=1", "'=1", "''=1", "'", " x "],
        [0.1, 0.2, 1 / 3, 4.0, 1e-7],
        ["'", "'=", "", "_x000D_", "\n"],
    )
)
def test_odd_groups_come_back(tmp_path, ending, given_):
    codes, weights, names = given_
    made = table(drg=codes, weight=weights, name=names)
    path = tmp_path / f"t{ending}"
    made.write(path)
    found = WeightTable.read(path)
    assert list(found.frame["drg"]) == [plain_group(code) for code in codes]
    assert list(found.frame["weight"]) == weights
    assert list(found.frame["name"]) == list(made.frame["name"])
    assert found.digest == made.digest


@given(TEXT)
@example("'=1")
@example("''=1")
@example("'")
def test_guards_are_taken_away_again(text):
    shown = visible(text)
    cell = guarded(shown)
    assert unguarded(cell) == shown
    assert neutralise(cell) == cell or cell.startswith("'")
    assert not neutralise(cell).startswith("'") or cell.startswith("'")


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_nothing_runs_in_excel(tmp_path, ending):
    path = tmp_path / f"t{ending}"
    FULL.write(path)
    if ending == ".csv":
        cells = path.read_text(encoding="utf-8-sig")
        assert "'" + HOSTILE in cells
        assert f"\n{HOSTILE}" not in cells
        assert f",{HOSTILE}" not in cells
        return
    with zipfile.ZipFile(path) as archive:
        assert not any(b"<f>" in archive.read(name) for name in archive.namelist())


def test_the_workbook(tmp_path):
    path = tmp_path / "t.xlsx"
    FULL.write(path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["权重表", "步骤 steps", "来源 source"]
    sheet = book["权重表"]
    heads = [cell.value for cell in sheet[1]]
    assert heads[:4] == ["病组 drg", "名称 name", "权重 weight", "病例数 cases"]
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref == "A1:N7"
    assert [sheet.cell(2, i).number_format for i in (3, 4, 5)] == ["0.0000", "#,##0", "#,##0.00"]
    assert sheet["A4"].value == "001"
    assert sheet["C5"].value is None
    assert sheet.column_dimensions["B"].width > 10
    steps = list(book["步骤 steps"].iter_rows(values_only=True))
    assert len(steps) == 4
    assert steps[1][:4] == ("读取 read", None, 1000, 990)
    assert steps[3][0] == "归一 normalise"
    source = dict(row[:2] for row in book["来源 source"].iter_rows(min_row=2, values_only=True))
    assert source["title"] == "试算 trial"
    assert source["scheme.id"] == "chs-drg-1.1"
    assert source["weights_sha256"] == FULL.digest
    assert source["weights 有权重的病组数"] == "5"


def test_the_record_comes_back(tmp_path):
    FULL.write(tmp_path / "t.parquet")
    found = WeightTable.read(tmp_path / "t.parquet")
    assert (found.id, found.record) == ("test", RECORD)

    counted = WeightTable("n", FULL.frame, {"cases": np.int64(5), "file": tmp_path.parts[0]})
    for ending in (".parquet", ".xlsx"):
        counted.write(tmp_path / f"n{ending}")
    assert WeightTable.read(tmp_path / "n.parquet").record["cases"] == 5

    path = tmp_path / "t.csv"
    FULL.write(path)
    assert WeightTable.read(path).record == {}
    beside = tmp_path / "t.csv.run.json"
    document = {"id": "mine", "weights_sha256": FULL.digest, **RECORD}
    beside.write_text(json.dumps(document), encoding="utf-8")
    found = WeightTable.read(path)
    assert (found.id, found.record) == ("mine", document)
    assert found.audit().splitlines()[1:] == FULL.audit().splitlines()[1:]
    for other in ({"weights_sha256": "of others"}, [], "x"):
        beside.write_text(json.dumps(other), encoding="utf-8")
        assert WeightTable.read(path).record == {}
    beside.write_bytes(b"\xff{")
    assert WeightTable.read(path).record == {}


def test_the_audit_trail():
    assert FULL.audit() == (
        "test: 6 groups, 5 weights\n"
        "  #  step            method  cases in  cases out"
        "       cost in      cost out  changed  note\n"
        "  1  读取 read                  1,000        990"
        "  8,000,000.50  7,900,000.25           10 例无费用\n"
        "  2  裁剪 trim       iqr          990        960"
        "                                    3\n"
        "  3  归一 normalise"
    )
    bare = WeightTable("x", pd.DataFrame({"drg": ["A"], "weight": [1]}))
    assert bare.audit() == "x: 1 groups, 1 weights\n  no steps on record"
    counted = WeightTable("x", bare.frame, {"steps": [{"step": "a", "cases_in": np.int64(1234)}]})
    assert counted.audit().splitlines()[2].endswith(" 1,234")
    odd = WeightTable("x", bare.frame, {"steps": [{"step": "a", "method": {"k": 3}}, "b"]})
    assert '{"k": 3}' in odd.audit()
    assert len(odd.audit().splitlines()) == 3


def test_weights_and_digest():
    assert list(FULL.weights.index) == ["AA19", "0000", "001", "XT35", HOSTILE]
    assert FULL.weights.dtype == np.float64
    assert FULL.by_group()["AA19"] == 1 / 3
    turned = WeightTable("other", FULL.frame.iloc[::-1].assign(name="x"))
    assert turned.digest == FULL.digest
    changed = FULL.frame.assign(weight=np.nextafter(FULL.frame["weight"], 99))
    assert WeightTable("test", changed).digest != FULL.digest


# Headers and cells


@pytest.mark.parametrize(
    "header",
    ["drg,weight", "DRG编码,权重", "病组编码,相对权重", "病组 drg,权重 weight", "DRG组,RW",
     "ＤＲＧ代码,基准权重（2023年）", " code , Relative_Weight ", "分组编码,支付权重",
     "msdrg,DRG权重",
     "组编码,病组权重", "编码 X,某 权重"],
)  # fmt: skip
def test_headers(tmp_path, header):
    found = WeightTable.read(written(tmp_path, f"{header}\nA,1.5\n"))
    assert list(found.frame) == ["drg", "weight"]
    assert found.by_group() == {"A": 1.5}


def test_a_local_table_as_excel_saves_it(tmp_path):
    text = (
        "序号,DRG组编码,DRG组名称,权重,例数,次均费用,级别\n"
        '1,BR23,脑缺血性疾患，伴并发症,0.7561,19015,"8000.5",二级\n'
        "2,AA19,心脏移植,-,0,,\n"
    )
    found = WeightTable.read(written(tmp_path, text, encoding="gb18030"))
    assert list(found.frame) == ["序号", "drg", "name", "weight", "cases", "mean_cost", "级别"]
    assert found.by_group() == {"BR23": 0.7561}
    assert np.isnan(found.frame["weight"][1])
    assert found.frame["name"][1] == "心脏移植"
    assert list(found.frame["级别"]) == ["二级", ""]
    bom = WeightTable.read(written(tmp_path, text, encoding="utf-8-sig"))
    pd.testing.assert_frame_equal(found.frame, bom.frame)


def test_a_bare_header_beside_a_code_is_another_column(tmp_path):
    found = WeightTable.read(written(tmp_path, "病组,DRG编码,DRG 名称,权重\n移植,A,甲,2\n"))
    assert list(found.frame) == ["病组", "drg", "name", "weight"]
    assert found.by_group() == {"A": 2.0}


def test_the_name_itself_wins(tmp_path):
    found = WeightTable.read(written(tmp_path, "drg,权重,weight,DRG\nA,5,2,x\n"))
    assert list(found.frame) == ["drg", "权重", "weight", "DRG"]
    assert found.by_group() == {"A": 2.0}


def test_codes_that_are_numbers(tmp_path):
    weight = [0.5, 1.5, 2.5]
    for name, codes in (("int", [1, 2, 39]), ("float", [1.0, 2.0, 39.0])):
        path = tmp_path / f"{name}.xlsx"
        pd.DataFrame({"MSDRG": codes, "weight": weight}).to_excel(path, index=False)
        assert list(WeightTable.read(path).weights.index) == ["1", "2", "39"]
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table({"msdrg": codes, "weight": weight}), path)
        assert list(WeightTable.read(path).weights.index) == ["1", "2", "39"]
        assert list(table(drg=codes, weight=weight).weights.index) == ["1", "2", "39"]
    found = WeightTable.read(written(tmp_path, "drg,weight\n001, .5\n39,1e0\n 2 ,２\n"))
    assert found.by_group() == {"001": 0.5, "39": 1.0, "2": 2.0}


def test_blank_lines_and_remarks_are_passed_over(tmp_path):
    text = "drg,name,weight,\nA,a,1,\n,,,\n,注：不含中医病组,,\nB,b,,\n"
    found = WeightTable.read(written(tmp_path, text))
    assert list(found.frame) == ["drg", "name", "weight"]
    assert list(found.frame["drg"]) == ["A", "B"]


def test_a_sheet_of_a_workbook(tmp_path):
    path = tmp_path / "t.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"x": [1]}).to_excel(book, sheet_name="说明", index=False)
        pd.DataFrame({"病组": ["A"], "权重": [2]}).to_excel(book, sheet_name="权重", index=False)
    assert WeightTable.read(path, sheet="权重").by_group() == {"A": 2.0}
    assert open_weights(path, "权重").by_group() == {"A": 2.0}
    with pytest.raises(DrgError, match=r"no column 'drg' \(病组\): found 'x'"):
        WeightTable.read(path)


# Errors: file, row as a spreadsheet counts, found, expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("drg,w\nA,1\n", r"no column 'weight' \(权重\): found 'drg, w', expected one of weight"),
        ("组,weight\nA,1\n", r"no column 'drg' \(病组\): found '组, weight', expected one of drg"),
        ("drg,权重,支付权重\nA,1,2\n", r"several columns could be .* '权重, 支付权重'"),
        ("drg,weight\nA,1\nB,1\nA,2\n", "row 4: drg: the group stands twice: found 'A', expected "
         "every group once, it is in row 2"),
        ("drg,weight\nA,1\n,2\n", "row 3: drg: a weight without a group: found '2.0', expected"),
        ("drg,weight\n,,\nA,1\nB,x\n", "row 2: found 3 fields"),
        ("drg,weight\n,\nA,1\nB,x\n", "row 4: weight: not a weight for group 'B': found 'x', "
         "expected a number above 0"),
        ("drg,weight\nA,\"1,00\"\n", "row 2: weight: not a weight for group 'A': found '1,00'"),
        ("drg,weight\nA,inf\n", "row 2: weight: not a weight"),
        ("drg,weight\n,\nA,-1\n", "row 3: weight: not a weight for group 'A': found '-1.0'"),
        ("drg,weight\nA,0\n", "row 2: weight: not a weight for group 'A': found '0.0'"),
        ("drg,weight\nA,\nB,-\n", "weight: not a single weight in the table: found '2 groups'"),
        ("drg,weight\n", "not a single weight in the table: found '0 groups'"),
        ("drg,weight\nA,1,2\n", "row 2: found 3 fields, expected 2"),
        ("drg,weight,cases\nA,1,many\n", "row 2: cases: not a number: found 'many'"),
        ("drg,weight\nFR11,1\nＦｒ11,2\n", "row 3: drg: the group stands twice: found 'FR11'"),
        ("drg,weight\nA,1\n合 计：,2\n", "row 3: drg: is a row of sums, not a group: found"),
        ("drg,weight,drg\nA,1,B\n", "column 'drg' stands twice in the header"),
        ("drg,weight,a b,a  b\nA,1,B,C\n", "column 'a b' stands twice in the header"),
        ("", "is empty, expected a header line"),
    ],
)  # fmt: skip
def test_errors(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(DrgError, match=message) as raised:
        WeightTable.read(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def test_rows_are_those_of_excel(tmp_path):
    path = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    for row in ([], ["病组", "权重"], ["A", 1], [], ["B", "1.2"], ["B", 3]):
        book.active.append(row)
    book.save(path)
    with pytest.raises(DrgError, match=r"row 6: drg: the group stands twice.* it is in row 5"):
        WeightTable.read(path)
    book.active["B5"] = "#N/A"
    book.active["B5"].data_type = "e"
    book.save(path)
    with pytest.raises(DrgError, match="row 5: 权重: the cell holds an Excel error: found '#N/A'"):
        WeightTable.read(path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"drg": ["A"]}, "has a column 'weight'"),
        ({"drg": ["A", " A"], "weight": [1, 2]}, "the group stands twice: found 'A'"),
        ({"drg": ["A"], "weight": [0]}, "not a weight for group 'A'"),
        ({"drg": ["A"], "weight": [np.inf]}, "must be finite"),
        ({"drg": ["A"], "weight": ["x"]}, "holds something else"),
        ({"drg": [""], "weight": [1]}, "a weight without a group"),
        ({"drg": [None], "weight": [np.nan]}, "a weight without a group"),
        ({"drg": ["A"], "weight": [1], "cv": [np.inf]}, "must be finite"),
    ],
)
def test_a_table_is_checked_when_it_is_made(columns, message):
    with pytest.raises(DrgError, match=message):
        WeightTable("x", pd.DataFrame(columns))


def test_a_table_owns_its_frame():
    frame = pd.DataFrame({"drg": ["A"], "weight": [1.0]}, index=[7])
    made = WeightTable("x", frame)
    frame.loc[7, "weight"] = 9.0
    assert made.by_group() == {"A": 1.0}
    assert repr(made) == "WeightTable(x: 1 groups, 1 weights)"


def test_what_cannot_be_written(tmp_path):
    for name in ("t.xls", "t.xlsm", "t.pdf", "t"):
        with pytest.raises(DrgError):
            FULL.write(tmp_path / name)
    with pytest.raises(DrgError, match="does not exist"):
        FULL.write(tmp_path / "none" / "t.xlsx")
    assert not list(tmp_path.iterdir())


# By name or by file


def test_a_file_goes_before_a_published_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert open_weights("qingdao").id == "qingdao-2023"
    path = written(tmp_path, "drg,weight\nA,1\n")
    assert open_weights(str(path)).by_group() == {"A": 1.0}
    with pytest.raises(DrgError, match=r"nowhere\.csv: no such file"):
        open_weights("nowhere.csv")
    with pytest.raises(DrgError, match=r"weights: no such weight table: found 'paris', expected "
                       r"one of changzhi, .*, or a file"):  # fmt: skip
        open_weights("paris")
    (tmp_path / "qingdao").mkdir()
    assert open_weights("qingdao").id == "qingdao-2023"


def test_commands_take_a_published_table(tmp_path, monkeypatch):
    from drg.cli import main

    out = tmp_path / "dependent.csv"
    cases, pack = EXAMPLES / "tiny-cases.csv", EXAMPLES / "tiny-pack"
    words = [
        "explain",
        cases,
        "--scheme",
        pack,
        "--dependence",
        "--weights",
        "tongchuan",
        "--across-schemes",
    ]  # ER1 of the pack is another group
    monkeypatch.setattr(sys, "argv", ["drg", *map(str, words), "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    held = weights.load("tongchuan").by_group()
    found = pd.read_csv(out).set_index("drg")["weight"]
    assert found["GD15"] == held["GD15"]
