import contextlib
import datetime as dt

import numpy as np
import openpyxl
import pyarrow as pa
import pytest

from drg.errors import DrgError
from drg.tables import open_sink, open_table, read_table, write_table
from drg.tables.excel.read import text_of
from drg.tables.excel.write import MOST_ROWS


def workbook(path, rows, title="Sheet", first_row=1, first_column=1):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if cell is not None:
                sheet.cell(first_row + r, first_column + c, cell)
    book.save(path)


DAY = dt.date(2024, 2, 29)
NOON = dt.datetime(2024, 2, 29, 12, 30)
ROWS = [
    ["编号", "整数", "小数", "日期", "时间", "混合", "文字", "空", "真"],
    ["007", 1, 1.5, DAY, NOON, 5, " x", None, True],
    ["008", None, 2, None, None, "A01", None, None, False],
    ["009", -3, None, DAY, DAY, 2.5, "=1+1 ", None, None],
]


def test_types_of_columns(tmp_path):
    workbook(tmp_path / "in.xlsx", ROWS)
    table, bad = read_table(tmp_path / "in.xlsx")
    assert not bad
    assert table.schema.types == [
        *(pa.string(), pa.int64(), pa.float64(), pa.date32(), pa.timestamp("us")),
        *(pa.string(),) * 4,
    ]
    assert table["整数"].to_pylist() == [1, None, -3]
    assert table["日期"].to_pylist() == [DAY, None, DAY]
    assert table["时间"].to_pylist() == [NOON, None, dt.datetime(2024, 2, 29)]
    assert table["混合"].to_pylist() == ["5", "A01", "2.5"]
    assert table["空"].null_count == 3
    assert table["真"].to_pylist() == ["TRUE", "FALSE", None]


def test_row_numbers_are_excels_own(tmp_path):
    rows = [["a", "b"], ["1", 2], [None, None], ["#N/A", "#DIV/0!"], ["x", 3]]
    workbook(tmp_path / "in.xlsx", rows, first_row=4, first_column=3)
    for batch_rows in (1, 100):
        with open_table(tmp_path / "in.xlsx", batch_rows=batch_rows) as source:
            assert (source.header_rows, source.total, source.names) == (4, 4, ["a", "b"])
            batches = [block.load() for block in source.blocks()]
        bad, first, values = [], 0, []
        for batch in batches:
            bad += [(first + m.row + 1 + 4, m.column, m.value) for m in batch.malformed]
            first += batch.table.num_rows
            values += batch.table.to_pylist()
        assert bad == [(7, "a", "#N/A"), (7, "b", "#DIV/0!")]
        assert values == [
            {"a": "1", "b": 2},
            {"a": None, "b": None},
            {"a": None, "b": None},
            {"a": "x", "b": 3},
        ]


def test_empty_rows_at_the_end_are_dropped(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.active.append(["x"])
    book.active.cell(30, 1).font = openpyxl.styles.Font(bold=True)
    book.active.cell(30, 9).value = ""
    book.save(tmp_path / "in.xlsx")
    assert read_table(tmp_path / "in.xlsx")[0].to_pydict() == {"a": ["x"]}


def test_sheets(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a"])
    second = book.create_sheet("病案 & <二>")
    second.append(["b"])
    second.append(["#REF!"])
    book.save(tmp_path / "in.xlsx")
    assert read_table(tmp_path / "in.xlsx")[0].column_names == ["a"]
    table, bad = read_table(tmp_path / "in.xlsx", sheet="病案 & <二>")
    assert (table.to_pydict(), bad[0].value) == ({"b": [None]}, "#REF!")
    with pytest.raises(DrgError, match=r"no such sheet.*expected Sheet, 病案"):
        read_table(tmp_path / "in.xlsx", sheet="x")


def test_old_xls(tmp_path):
    xlwt = pytest.importorskip("xlwt", reason="xlwt is missing: pip install xlwt")
    book = xlwt.Workbook()
    sheet = book.add_sheet("一")
    for r, row in enumerate([["编号", "费用"], ["007", 1.5], ["008", 2]]):
        for c, cell in enumerate(row):
            sheet.write(r, c, cell)
    book.save(tmp_path / "in.xls")
    table, _ = read_table(tmp_path / "in.xls")
    assert table.to_pydict() == {"编号": ["007", "008"], "费用": [1.5, 2.0]}


def test_what_is_written_reads_back(tmp_path, copy):
    table = pa.table(
        {
            "编号": ["007", "=1+1", "http://x.cn"],
            "整数": [1, None, 3],
            "小数": [0.1, None, float("nan")],
            "日期": pa.array([DAY, None, DAY]),
            "时间": pa.array([NOON, None, NOON], pa.timestamp("ns")),
            "列表": [["A", "B"], None, []],
            "长数": [2**60, 1, None],
            "文字": ["a\x00b\x1f", " ", "<&>\n\"'_x0041_"],
        }
    )
    write_table(tmp_path / "o.xlsx", table)
    back, _ = read_table(tmp_path / "o.xlsx")
    assert back["编号"].to_pylist() == ["007", "=1+1", "http://x.cn"]
    assert back["整数"].to_pylist() == [1, None, 3]
    assert back["小数"].to_pylist() == [0.1, None, None]
    assert back["日期"].to_pylist() == [DAY, None, DAY]
    assert back["时间"].to_pylist() == [NOON, None, NOON]
    assert back["列表"].to_pylist() == ["A|B", None, None]
    assert back["长数"].to_pylist() == [str(2**60), "1", None]
    assert back["文字"].to_pylist()[1:] == [" ", "<&>\n\"'_x0041_"]
    first = (tmp_path / "o.xlsx").read_bytes()
    write_table(tmp_path / "o.xlsx", table)
    assert (tmp_path / "o.xlsx").read_bytes() == first
    sheet = openpyxl.load_workbook(tmp_path / "o.xlsx").active
    assert sheet.freeze_panes == "A2"
    assert sheet["A1"].font.bold
    assert sheet["A3"].data_type != "f"


def test_limits_of_excel(tmp_path, monkeypatch):
    schema = pa.schema([("编号", pa.string()), ("b", pa.string())])
    with (
        pytest.raises(DrgError, match=r"row 3: b: the text is longer than"),
        open_sink(tmp_path / "o.xlsx", schema) as sink,
    ):
        sink.write(pa.RecordBatch.from_arrays([["1", "2"], ["x", "y" * 32_768]], schema=schema))
    write_table(tmp_path / "o.xlsx", pa.table({"a": ["y" * 32_767]}))
    assert read_table(tmp_path / "o.xlsx")[0]["a"][0].as_py() == "y" * 32_767
    (tmp_path / "o.xlsx").unlink()
    assert MOST_ROWS == 1_048_575
    monkeypatch.setattr("drg.tables.excel.write.MOST_ROWS", 3)
    with pytest.raises(DrgError, match=r"more than 3 rows.*use \.csv or \.parquet"):
        write_table(tmp_path / "o.xlsx", pa.table({"a": range(4)}))
    with pytest.raises(DrgError, match=r"cannot be written; use \.xlsx"):
        write_table(tmp_path / "o.xls", pa.table({"a": [1]}))
    with pytest.raises(DrgError, match="too many columns"):
        open_sink(tmp_path / "o.xlsx", pa.schema([(str(i), pa.int8()) for i in range(16_385)]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.xlsx", "a.xlsm", "a.xls", "a.xlsb"])
@pytest.mark.parametrize(
    "data", [b"a,b\n1,2\n", b"PK\x03\x04junk", b"\xd0\xcf\x11\xe0junk", b"<html><table>"]
)
def test_not_a_workbook(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DrgError, match=name):
        open_table(tmp_path / name)


def test_damaged_workbooks(tmp_path):
    workbook(tmp_path / "in.xlsx", ROWS)
    data = (tmp_path / "in.xlsx").read_bytes()
    for at in range(0, len(data), 97):
        (tmp_path / "in.xlsx").write_bytes(data[:at] + b"\xff\x00\xaa" + data[at + 3 :])
        with contextlib.suppress(DrgError):
            read_table(tmp_path / "in.xlsx")
    workbook(tmp_path / "in.xlsx", [])
    with pytest.raises(DrgError, match="is empty, expected a header row"):
        open_table(tmp_path / "in.xlsx")
    workbook(tmp_path / "in.xlsx", [["a", "a"]])
    with pytest.raises(DrgError, match="stands twice"):
        open_table(tmp_path / "in.xlsx")


def test_a_header_alone(tmp_path, copy):
    workbook(tmp_path / "in.xlsx", [["a", "b"]])
    for name in ("o.csv", "o.xlsx", "o.parquet"):
        copy(tmp_path / "in.xlsx", tmp_path / name)
        table, _ = read_table(tmp_path / name)
        assert (table.num_rows, table.column_names) == (0, ["a", "b"])


def test_a_sheet_of_blanks_is_empty(tmp_path):
    for blank in (" ", "\u3000"):
        workbook(tmp_path / "in.xlsx", [[None, blank]])
        with pytest.raises(DrgError, match="is empty, expected a header row"):
            open_table(tmp_path / "in.xlsx")
    workbook(tmp_path / "in.xlsx", [["a", "b"], ["1", "2"]], first_row=3)
    book = openpyxl.load_workbook(tmp_path / "in.xlsx")
    book.active["A1"] = "\u3000"
    book.save(tmp_path / "in.xlsx")
    with open_table(tmp_path / "in.xlsx") as source:
        assert (source.names, source.header_rows) == (["a", "b"], 3)


def test_a_damaged_xls_is_an_error_in_one_line(tmp_path, capfd):
    xlwt = pytest.importorskip("xlwt", reason="xlwt is missing: pip install xlwt")
    book = xlwt.Workbook()
    sheet = book.add_sheet("一")
    for r in range(100):
        sheet.write(r, 0, f"文字{r}")
    book.save(tmp_path / "in.xls")
    data = (tmp_path / "in.xls").read_bytes()
    said = set()
    for cut in range(100, len(data), 128):
        (tmp_path / "in.xls").write_bytes(data[:cut])
        with pytest.raises(DrgError) as error:
            read_table(tmp_path / "in.xls")
        said.add(str(error.value).removeprefix(str(tmp_path / "in.xls")))
        assert len(str(error.value).splitlines()) == 1
    assert ": is not a readable Excel workbook" in said
    assert capfd.readouterr() == ("", "")


def test_dates_beyond_the_calendar_and_text_that_is_none(tmp_path):
    for name, array in odd_columns().items():
        table = pa.table({"a": array, "n": [1, 2, 3]})
        for ending in ("csv", "xlsx"):
            write_table(tmp_path / f"o.{ending}", table)
            back, _ = read_table(tmp_path / f"o.{ending}")
            texts = [None if cell is None else text_of(cell) for cell in back["a"].to_pylist()]
            assert texts[2] in (None, ""), name
            assert "\ufffd" in texts[0] or "bytes" not in name, name
            assert texts[0], name
            (tmp_path / f"o.{ending}").unlink()


def odd_columns():
    def raw(kind, numbers):
        return pa.array([*numbers, None], pa.int64()).cast(width[kind.bit_width]).view(kind)

    width = {32: pa.int32(), 64: pa.int64()}
    offsets = pa.py_buffer(np.array([0, 2, 4, 4], np.int32))
    mask = pa.py_buffer(b"\x03")
    broken = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(b"a\xffok"), mask)
    found = {
        "date32": raw(pa.date32(), [2**30, 0]),
        "date64": raw(pa.date64(), [-(2**62), 0]),
        "time": raw(pa.time64("us"), [2**62, 5]),
        "interval": pa.array([(1, 2, 3), (0, 0, 0), None], pa.month_day_nano_interval()),
        "fixed": pa.array([b"\xff\xfe", b"ab", None], pa.binary(2)),
        "binary": pa.array([b"\xff", b"", None], pa.binary_view()),
        "uuid": pa.ExtensionArray.from_storage(
            pa.uuid(), pa.array([b"\xff" * 16, b"a" * 16, None], pa.binary(16))
        ),
        "bytes": broken,
        "bytes in a large string": broken.cast(pa.large_string()),
        "bytes in a dictionary": pa.DictionaryArray.from_arrays(
            pa.array([0, 1, None], pa.int8()), broken.slice(0, 2)
        ),
        "bytes in a list": pa.ListArray.from_arrays(
            pa.array([0, 1, 2, 2]), broken.slice(0, 2), mask=pa.array([False, False, True])
        ),
        "bytes in a struct": pa.StructArray.from_arrays(
            [broken], ["k"], mask=pa.array([False, False, True])
        ),
    }
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "Asia/Shanghai", "Nowhere/Land"):
            found[f"{unit} {zone}"] = raw(pa.timestamp(unit, zone), [2**62, 0])
    inner = raw(pa.timestamp("us", "Nowhere/Land"), [2**62, 0])
    mask = pa.array([False, False, True])
    found["zone in a struct"] = pa.StructArray.from_arrays([inner], ["k"], mask=mask)
    return found


def test_far_dates_do_not_make_texts_of_the_others(tmp_path):
    seconds = pa.array([2**40, 86_400], pa.int64()).view(pa.timestamp("s"))
    days = pa.array([2**30, 1], pa.int32()).view(pa.date32())
    write_table(tmp_path / "o.xlsx", pa.table({"a": seconds, "b": days}))
    sheet = openpyxl.load_workbook(tmp_path / "o.xlsx").active
    assert [cell.is_date for cell in sheet["A"][1:] + sheet["B"][1:]] == [False, True] * 2
    assert sheet["A3"].value == sheet["B3"].value == dt.datetime(1970, 1, 2)
