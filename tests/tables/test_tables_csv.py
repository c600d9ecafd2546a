import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from drg.errors import DrgError
from drg.tables import open_sink, open_table, read_table, write_table

HEADER = "编号,名称,费用\n"
ROWS = [("007", "阑尾炎", "1.50"), ("", 'a "b", c', "第一行\n第二行"), (" x ", "０", "-0")]


def as_csv(rows: list[tuple[str, ...]], delimiter: str = ",", end: str = "\n") -> str:
    def cell(text: str) -> str:
        special = any(c in text for c in (delimiter, '"', "\r", "\n"))
        return '"' + text.replace('"', '""') + '"' if special else text

    return "".join(delimiter.join(map(cell, row)) + end for row in rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("name", ["in.csv", "in.txt", "in.csv.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("batch_rows", [2, 1000])
def test_cells_come_as_they_stand_and_go_out_the_same(
    tmp_path, read_bytes, read, copy, encoding, name, end, batch_rows
):
    text = HEADER.replace("\n", end) + as_csv(ROWS * 50, end=end)
    data = text.encode(encoding)
    got = read_bytes(gzip.compress(data) if name.endswith("gz") else data, name)
    assert got.names == ["编号", "名称", "费用"]
    assert got.rows == ROWS * 50
    assert not got.bad
    assert got.encoding == encoding
    assert got.header_rows == 1
    assert got.progress == got.total
    out = tmp_path / ("out." + name.split(".", 1)[1])
    copy(tmp_path / name, out, batch_rows=batch_rows)
    raw = out.read_bytes()
    raw = gzip.decompress(raw) if name.endswith("gz") else raw
    assert raw == (HEADER + as_csv(ROWS * 50)).encode(encoding)
    assert read(out).rows == ROWS * 50


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("name", ["in.csv", "in.tsv", "in.txt"])
def test_the_delimiter_is_found_and_kept(tmp_path, read_bytes, copy, delimiter, name):
    text = as_csv([("a", "b;,x", "c"), *ROWS], delimiter)
    assert read_bytes(text.encode(), name).rows == ROWS
    copy(tmp_path / name, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text("utf-8") == text


def test_many_small_blocks_give_the_same_rows_as_one(read_bytes):
    rows = [(str(i), "x" * (i % 90), "多行\n" * (i % 3)) for i in range(3000)]
    data = (HEADER + as_csv(rows)).encode()
    for batch_rows in (1, 7, 100):
        got = read_bytes(data, batch_rows=batch_rows)
        assert got.rows == rows
        assert got.batches > 3000 // batch_rows // 10
        assert got.progress == len(data)


def test_a_header_alone_is_a_table_without_rows(tmp_path, read_bytes, copy):
    for data in (b"a,b", b"a,b\n", b"\r\n\r\na,b\r\n", b"a,b\n\n\n"):
        got = read_bytes(data)
        assert (got.names, got.rows) == (["a", "b"], [])
    copy(tmp_path / "in.csv", tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_bytes() == b"a,b\n"


def test_blank_lines_are_no_rows(read_bytes):
    assert read_bytes(b'a,b\n\n1,2\n\n\n"3",4\n\n').rows == [("1", "2"), ("3", "4")]
    assert read_bytes(b"a,b\r\n\r\n1,2\r\n\r\n3,4").rows == [("1", "2"), ("3", "4")]


def test_a_single_column_keeps_its_empty_cells(tmp_path, read_bytes, read, copy):
    assert read_bytes(b'a\n""\nx\n').rows == [("",), ("x",)]
    copy(tmp_path / "in.csv", tmp_path / "o.csv")
    assert read(tmp_path / "o.csv").rows == [("",), ("x",)]


def test_no_final_line_end(read_bytes):
    assert read_bytes(b"a,b\n1,2").rows == [("1", "2")]
    assert read_bytes(b'a,b\n1,"2"').rows == [("1", "2")]
    assert read_bytes(b'a,b\n1,""').rows == [("1", "")]


def test_huge_cells(read_bytes):
    codes = "|".join(f"I{i:05d}" for i in range(10_000))
    huge = "长" * 1_700_000
    data = f"a,b\n1,{codes}\n2,{huge}\n3,x\n".encode()
    for batch_rows in (1, 100_000):
        got = read_bytes(data, batch_rows=batch_rows)
        assert got.rows == [("1", codes), ("2", huge), ("3", "x")]
        assert not got.bad


def test_nul_bytes_are_kept(read_bytes):
    assert read_bytes(b"a,b\n\x00,2\n").rows == [("\x00", "2")]


def test_only_the_file_s_own_byte_order_mark_goes(read_bytes):
    for first in (b"", b"\xef\xbb\xbf"):
        data = first + "a,b\n\ufeffx,1\n\ufeff\ufeff,2\n\ufeff,3\n".encode()
        for batch_rows in (1, 2, 3):
            got = read_bytes(data, batch_rows=batch_rows)
            assert got.rows == [("\ufeffx", "1"), ("\ufeff\ufeff", "2"), ("\ufeff", "3")]


def test_header_names(read_bytes):
    assert read_bytes(b"a,,c, \n1,2,3,4\n").names == ["a", "unnamed_2", "c", "unnamed_4"]
    assert read_bytes('"两\n行",b\n1,2\n'.encode()).names == ["两\n行", "b"]
    with pytest.raises(DrgError, match="column 'x' stands twice in the header"):
        read_bytes(b"x,y,x\n1,2,3\n")
    with pytest.raises(DrgError, match="quote in the header is not closed"):
        read_bytes(b'x,"y\n1,2\n')


def test_english_header_and_a_first_chinese_cell_far_down(tmp_path, read_bytes, copy):
    data = b"a,b\n" + b"1,2\n" * 400_000 + "3,中文\n".encode("gb18030")
    got = read_bytes(data, batch_rows=50_000)
    assert got.encoding == "gb18030"
    assert got.rows[-1] == ("3", "中文")
    copy(tmp_path / "in.csv", tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_bytes() == data


def test_encoding_in_a_gzip_is_settled_at_the_first_text_that_tells(read_bytes):
    data = b"a,b\n" + b"1,2\n" * 400_000 + "3,中文\n".encode("gb18030")
    got = read_bytes(gzip.compress(data, 1), "in.csv.gz", batch_rows=50_000)
    assert (got.encoding, got.rows[-1]) == ("gb18030", ("3", "中文"))


def test_utf8_with_a_bad_byte_is_not_taken_for_gb18030(read_bytes):
    data = "编号,名称\n1,阑尾炎\n2,肺炎\n".encode() + b"3,\xff\n"
    got = read_bytes(data)
    assert got.encoding == "utf-8"
    assert got.rows == [("1", "阑尾炎"), ("2", "肺炎"), ("3", "\ufffd")]
    assert [(m.row, m.column, m.reason) for m in got.bad] == [
        (2, "名称", "bytes are not valid UTF-8")
    ]


def test_columns_of_other_types_become_text(tmp_path, read):
    table = pa.table(
        {
            "i": pa.array([1, None, -3]),
            "f": [0.1, 100.0, None],
            "b": [True, False, None],
            "d": pa.array([0, 19000, None], pa.date32()),
            "t": pa.array([0, 86400_000_000, None], pa.timestamp("us")),
            "u": pa.array([0, 1, None], pa.timestamp("ms")),
            "l": pa.array([["a", "b"], [], None]),
            "n": pa.array([[1, None], [2], None], pa.list_(pa.int32())),
            "c": pa.array(["x", "y", "x"]).dictionary_encode(),
            "m": pa.array([["p", "q"], None, ["p"]]).cast(
                pa.list_(pa.dictionary(pa.int32(), pa.string()))
            ),
            "big": pa.array(["长", None, "x,y"], pa.large_string()),
            "dec": pa.array(["1.50", None, "2.00"]).cast(pa.decimal128(9, 2)),
            "s": pa.array([{"k": "中"}, None, {"k": "z"}]),
            "bin": pa.array([b"\xff", None, b""]),
            "null": pa.nulls(3),
        }
    )
    write_table(tmp_path / "o.csv", table.slice(0, 3))
    rows = read(tmp_path / "o.csv").rows
    assert rows[0] == (
        *("1", "0.1", "true", "1970-01-01", "1970-01-01 00:00:00", "1970-01-01 00:00:00.000"),
        *("a|b", "1|", "x", "p|q", "长", "1.50", '{"k": "中"}', "ff", ""),
    )
    assert rows[1][:6] == ("", "100", "false", "2022-01-08", "1970-01-02 00:00:00",
                           "1970-01-01 00:00:00.001")  # fmt: skip
    assert rows[2] == ("-3", "", "", "", "", "", "", "", "x", "p", "x,y", "2.00",
                       '{"k": "z"}', "", "")  # fmt: skip
    write_table(tmp_path / "p.csv", table.slice(2, 1))
    assert read(tmp_path / "p.csv").rows == rows[2:]


def test_default_encoding_and_delimiter_of_a_new_file(tmp_path):
    table = pa.table({"a": ["中"], "b": ["1,2"]})
    write_table(tmp_path / "o.csv", table)
    assert (tmp_path / "o.csv").read_bytes() == '\ufeffa,b\n中,"1,2"\n'.encode()
    write_table(tmp_path / "o.tsv", table, encoding="gb18030")
    assert (tmp_path / "o.tsv").read_bytes() == "a\tb\n中\t1,2\n".encode("gb18030")
    with pytest.raises(DrgError, match="expected utf-8, utf-8-sig or gb18030"):
        write_table(tmp_path / "o.csv", table, encoding="latin-1")


def test_gzip_output_is_the_same_each_time(tmp_path, copy, read):
    (tmp_path / "in.csv").write_bytes(b"a,b\n" + b"1,2\n" * 1000)
    copy(tmp_path / "in.csv", tmp_path / "1.csv.gz", batch_rows=100)
    copy(tmp_path / "in.csv", tmp_path / "2.csv.gz", batch_rows=100)
    assert (tmp_path / "1.csv.gz").read_bytes() == (tmp_path / "2.csv.gz").read_bytes()
    assert read(tmp_path / "1.csv.gz").rows == [("1", "2")] * 1000


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"", "is empty, expected a header line"),
        ("a.csv", b"\n\n\r\n", "is empty, expected a header line"),
        ("a.csv", b"\xef\xbb\xbf", "is empty, expected a header line"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "is empty, expected a header line"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), "UTF-16; save it as CSV UTF-8"),
        ("a.csv", b"PAR1xxxxxxxxPAR1", "looks like a Parquet file"),
        ("a.csv", b"PK\x03\x04xxxx", "looks like an Excel workbook"),
        ("a.csv", b"\xd0\xcf\x11\xe0xxxx", "looks like an old Excel workbook"),
        ("a.csv.gz", gzip.compress(b"a,b\n" * 99999, mtime=0)[:-9], "damaged or cut short"),
        (
            "a.csv.gz",
            gzip.compress(b"a,b\n" * 99, mtime=0)[:30] + b"xx" * 50,
            "damaged or cut short",
        ),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0) + b"rubbish", "damaged or cut short"),
        ("a.json", b"{}", "expected .csv, .tsv, .txt"),
        ("a.parquet.gz", b"PAR1", "expected .csv, .tsv, .txt"),
        ("a", b"a,b\n", "expected .csv, .tsv, .txt"),
    ],
)
def test_files_that_cannot_be_read(read_bytes, name, data, message):
    with pytest.raises(DrgError, match=message) as error:
        read_bytes(data, name)
    assert name in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_gzip_without_its_ending_is_read_all_the_same(read_bytes):
    assert read_bytes(gzip.compress(b"a,b\n1,2\n")).rows == [("1", "2")]


def test_a_missing_file_a_folder_and_a_sheet(tmp_path):
    with pytest.raises(DrgError, match="no such file"):
        open_table(tmp_path / "none.csv")
    (tmp_path / "dir.csv").mkdir()
    with pytest.raises(DrgError, match="is a folder"):
        open_table(tmp_path / "dir.csv")
    (tmp_path / "a.csv").write_bytes(b"a,b\n")
    with pytest.raises(DrgError, match="has no sheets"):
        open_table(tmp_path / "a.csv", sheet="x")


def test_read_table_counts_rows_from_the_start(tmp_path: Path):
    (tmp_path / "a.csv").write_bytes(b"a,b\n" + b"1,2\n" * 10 + b"3\n")
    table, bad = read_table(tmp_path / "a.csv")
    assert table.num_rows == 11
    assert [m.row for m in bad] == [10]


def test_a_batch_with_other_columns_is_refused(tmp_path):
    schema = pa.schema([("a", pa.string())])
    with (
        pytest.raises(DrgError, match="columns are not the file's"),
        open_sink(tmp_path / "o.csv", schema) as sink,
    ):
        sink.write(pa.RecordBatch.from_pydict({"b": ["1"]}))
    assert not list(tmp_path.iterdir())


def test_blank_headers_stay_blank(tmp_path, copy):
    data = "a,,\u3000,d\n1,2,3,4\n".encode()
    (tmp_path / "in.csv").write_bytes(data)
    copy(tmp_path / "in.csv", tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_bytes() == data
    copy(tmp_path / "in.csv", tmp_path / "o.xlsx")
    assert read_table(tmp_path / "o.xlsx")[0].column_names[1:3] == ["unnamed_2", "unnamed_3"]
    write_table(tmp_path / "in.parquet", pa.table([["1"], ["2"]], names=["", "b"]))
    copy(tmp_path / "in.parquet", tmp_path / "2.csv")
    assert (tmp_path / "2.csv").read_text("utf-8-sig") == ",b\n1,2\n"


def test_a_gzip_whose_first_chinese_cell_is_far_down_keeps_its_encoding(tmp_path, copy):
    data = b"a,b\n" + b"1,2\n" * 2_000_000 + "3,中文\n".encode("gb18030")
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(data, 1))
    copy(tmp_path / "in.csv.gz", tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_bytes() == data
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(data, 1)[:-9])
    with pytest.raises(DrgError, match="damaged or cut short"):
        open_table(tmp_path / "in.csv.gz")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("rest", ["z", '"\n'])
def test_what_is_not_utf8_is_replaced(tmp_path, encoding, rest):
    text = b"a\xff\xe4\xb8" + rest.encode()
    ends = pa.py_buffer(bytes(4) + len(text).to_bytes(4, "little"))
    broken = pa.StringArray.from_buffers(1, ends, pa.py_buffer(text))
    write_table(tmp_path / "o.csv", pa.table({"a": broken, "中": ["文"]}), encoding=encoding)
    raw = (tmp_path / "o.csv").read_bytes().decode(encoding)
    cell = "a\ufffd\ufffdz" if rest == "z" else '"a\ufffd\ufffd""\n"'
    assert raw == f"a,中\n{cell},文\n"
    table, bad = read_table(tmp_path / "o.csv")
    assert table.to_pydict() == {"a": ["a\ufffd\ufffd" + rest], "中": ["文"]}
    assert not bad


def test_views_of_lists_are_lists(tmp_path, read):
    values = [["a", "b"], None, [], ["c", None]]
    table = pa.table(
        {
            "v": pa.array(values, pa.list_view(pa.string())),
            "w": pa.array(values, pa.large_list_view(pa.string())),
        }
    )
    rows = [("a|b",) * 2, ("", ""), ("", ""), ("c|",) * 2]
    write_table(tmp_path / "o.csv", table)
    assert read(tmp_path / "o.csv").rows == rows
    write_table(tmp_path / "o.csv", table.slice(1, 3))
    assert read(tmp_path / "o.csv").rows == rows[1:]
    indices = [pa.array(numbers, pa.int32()) for numbers in ([2, 0, 1], [1, 2, 2])]
    mask = pa.array([False, False, True])
    view = pa.ListViewArray.from_arrays(*indices, pa.array(["a", "b", "c"]), mask=mask)
    write_table(tmp_path / "o.csv", pa.table({"a": view, "n": ["1", "2", "3"]}))
    assert [row[0] for row in read(tmp_path / "o.csv").rows] == ["c", "a|b", ""]
