"""Whatever a file holds, grouping it gives every row back in order, or one clear line."""

from __future__ import annotations

import csv
import gzip
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st

import drg
from drg.errors import DrgError
from grouper import Grouper
from grouper.engine.files import group_file
from grouper.engine.results import RESULT_COLUMNS
from tests.amount import tries
from tests.conftest import DATA

LABELLED = DATA / "labelled.csv"
COMMAND = [sys.executable, "-c", "from drg.cli import main; main()"]
CODES = ["I10.x00x002", "J96.000", "J18.900", "A00.000", "Ｉ10.x00x002", "zz", "-", "无", "", "|"]
NUMBERS = [
    "0", "1", "2", "71岁", "１２", "-0", "-1", "1e308", "1e400", "inf", "nan", "0x10", "1_000",
    "١٢", "9" * 30, "", "－", "x", "3天", "NULL", "2.5", "true", "\x00",
]  # fmt: skip
few = settings(max_examples=tries(15))
piece = st.sampled_from(
    [b"I10.x00x002", b"J18.900|J96.000", b",", b",", b";", b"\t", b'"', b'""', b"\n", b"\n", b"\r",
     b"\r\n", b"\x00", b"\xff", b"\x81\x30\x81\x30", b"\xef\xbb\xbf", "中".encode(),
     "中".encode("gb18030"), b"7", b" ", b"PK\x03\x04"]
)  # fmt: skip
junk = st.lists(piece | st.binary(max_size=4), max_size=50).map(b"".join)


def csv_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))[1:]


def one_line(error: DrgError) -> bool:
    text = str(error)
    return bool(text.strip()) and len(text.splitlines()) == 1 and "internal" not in text


@given(junk, st.sampled_from(["csv", "tsv", "txt", "csv.gz", "xlsx", "xlsb", "parquet"]))
@example(b"", "csv.gz")
@example(b"PAR1PAR1", "parquet")
@example(b"\xff\xfed\x00", "csv")
def test_bytes_of_any_kind_under_any_name(tmp_path, data, ending):
    source, out = tmp_path / f"in.{ending}", tmp_path / "out.csv"
    out.unlink(missing_ok=True)
    source.write_bytes(data)
    try:
        group_file(source, out)
    except DrgError as error:
        assert one_line(error)
        assert not out.exists()


@few
@given(junk, st.booleans())
@example(b'1,"\n2,"\n', False)
@example(b"\xef\xbb\xbfI10.x00x002,1\n", True)
@example(b"J18.900\x00,1,2,3\n\n\n,\n", False)
def test_bytes_behind_a_good_header(tmp_path, data, zipped):
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    whole = b"diagnoses,age\n" + data
    source.write_bytes(gzip.compress(whole, 1) if zipped else whole)
    account = group_file(source, out)
    first = out.read_bytes()
    assert account.cases == sum(account.statuses.values())
    header = b"diagnoses,age,mdc,adrg,drg,severity,status,reason\n"
    assert first.startswith(header)
    # read back by our own rules: as many records, none of them broken
    again = group_file(out, tmp_path / "again.csv")
    assert again.cases == account.cases
    assert not again.reasons["malformed_row"]
    group_file(source, out)
    assert out.read_bytes() == first


@few
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(CODES), max_size=4).map("|".join),
            st.sampled_from(NUMBERS),
            st.sampled_from(NUMBERS),
            st.text(st.sampled_from(list("ab,;\t\"中 |=-'")), max_size=4),
        ),
        max_size=20,
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "gb18030"]),
)
def test_rows_cells_and_order_are_kept(tmp_path, cases, end, encoding):
    rows = [[str(i), *case] for i, case in enumerate(cases)]
    header = ["case_id", "diagnoses", "age", "sex", "drg"]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end)
    writer.writerows([header, *rows])
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    # the mark settles the encoding, however few the letters beyond ASCII are
    lead = "\ufeff" if encoding == "utf-8" else ""
    source.write_bytes((lead + text.getvalue()).encode(encoding))
    account = group_file(source, out)
    shown = out.read_bytes().decode("utf-8-sig" if lead else encoding)
    got = list(csv.reader(io.StringIO(shown, newline="")))
    assert account.cases == len(rows)
    assert got[0] == [*header[:-1], "drg_input", *RESULT_COLUMNS]
    assert [row[: len(header)] for row in got[1:]] == rows


def odd_columns() -> dict[str, pa.Array]:
    texts = ["I10.x00x002", None, "", "x"]
    lists = [["I10.x00x002", "J96.000"], None, [], [None, "J18.900"]]
    return {
        "text": pa.array(texts),
        "large_text": pa.array(texts, pa.large_string()),
        "text_view": pa.array(texts, pa.string_view()),
        "dictionary": pa.array(texts).dictionary_encode(),
        "dictionary_of_numbers": pa.array([10, None, 10, 7]).dictionary_encode(),
        "bytes": pa.array([b"\xff", None, b"", b"J18.900"]),
        "decimal": pa.array([1, None, 71, -3]).cast(pa.decimal128(23, 2)),
        "whole": pa.array([1, None, 2**62, -(2**63)]),
        "unsigned": pa.array([1, None, 2**64 - 1, 0], pa.uint64()),
        "half": pa.array([1, None, float("inf"), float("nan")], pa.float16()),
        "float": pa.array([-0.0, None, 1e308, float("-inf")]),
        "truth": pa.array([True, None, False, True]),
        "null": pa.nulls(4),
        "moment": pa.array([0, None, 1, 10**15], pa.timestamp("us")),
        "moment_there": pa.array([0, None, 1, 10**9], pa.timestamp("s", "Asia/Shanghai")),
        "day": pa.array([0, None, 1, -1], pa.date32()),
        "time": pa.array([0, None, 1, 5], pa.time64("us")),
        "span": pa.array([0, None, 1, 5], pa.duration("us")),
        "list": pa.array(lists),
        "large_list": pa.array(lists, pa.large_list(pa.large_string())),
        "fixed_list": pa.array(
            [["I10.x00x002", "x"], None, [None, "y"], ["", ""]], pa.list_(pa.string(), 2)
        ),
        "list_of_lists": pa.array([[["I10.x00x002"]], None, [], [None, [None]]]),
        "list_of_floats": pa.array([[1.5], None, [], [None]]),
        "list_of_structs": pa.array([[{"a": 1}], None, [], [None]]),
        "struct": pa.array([{"a": "x"}, None, {"a": None}, {"a": ""}]),
        "map": pa.array([[("a", 1)], None, [], [("b", None)]], pa.map_(pa.string(), pa.int32())),
    }


USED = ["diagnoses", "procedures", "sex", "age", "age_days", "birth_weight", "insurance"]


@pytest.mark.parametrize("kind", odd_columns())
def test_parquet_columns_of_any_type(tmp_path, grouper, kind):
    if kind == "fixed_list" and int(pa.__version__.split(".")[0]) < 26:
        pytest.skip("an older pyarrow cannot store lists of a fixed length with null among them")
    odd = odd_columns()[kind]
    source = tmp_path / "in.parquet"
    for name in ("diagnoses", "age", "insurance"):
        columns = {"diagnoses": pa.array(["I10.x00x002", "J18.900", None, "zz"]), name: odd}
        table = pa.table(columns)
        pq.write_table(table, source, row_group_size=3)
        assert group_file(source, tmp_path / "out.parquet").cases == 4
        kept = pq.read_table(tmp_path / "out.parquet")
        assert kept.column_names == [*columns, *RESULT_COLUMNS]
        before, after = pq.read_table(source), kept.select(list(columns))
        assert after.schema.types == before.schema.types
        assert str(after.to_pylist()) == str(before.to_pylist())
    group_file(source, tmp_path / "out.csv")
    assert len(csv_rows(tmp_path / "out.csv")) == 4
    for name in USED:
        sliced = pa.table({"diagnoses": ["I10.x00x002"] * 4, name: odd}).slice(1, 2)
        assert grouper.group(sliced).num_rows == 2


@few
@given(
    st.lists(
        st.none() | st.lists(st.none() | st.sampled_from(CODES), max_size=3), min_size=1, max_size=9
    ),
    st.integers(1, 4),
    st.data(),
)
def test_slices_and_row_groups_do_not_change_a_case(tmp_path, grouper, lists, size, data):
    begin = data.draw(st.integers(0, len(lists)))
    kind = data.draw(st.sampled_from([pa.list_, pa.large_list]))
    column = pa.array(lists, kind(data.draw(st.sampled_from([pa.string(), pa.large_string()]))))
    table = pa.table({"diagnoses": column})
    whole = grouper.group(table).select(RESULT_COLUMNS).to_pylist()
    assert grouper.group(table.slice(begin)).select(RESULT_COLUMNS).to_pylist() == whole[begin:]
    cut = pa.table({"diagnoses": column.slice(begin)})
    assert grouper.group(cut).select(RESULT_COLUMNS).to_pylist() == whole[begin:]
    with pq.ParquetWriter(tmp_path / "in.parquet", table.schema) as writer:
        writer.write_table(table.slice(0, 0))
        writer.write_table(table, row_group_size=size)
    group_file(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert (
        pq.read_table(tmp_path / "out.parquet", columns=list(RESULT_COLUMNS)).to_pylist() == whole
    )


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.sampled_from(CODES),
            st.integers(-(2**60), 2**60),
            st.floats(),
            st.booleans(),
            st.binary(max_size=3),
            st.lists(st.sampled_from(CODES), max_size=3),
            st.sets(st.sampled_from(CODES), max_size=1),
            st.dates(),
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(USED),
)
def test_frames_of_mixed_objects(grouper, values, name):
    frame = pd.DataFrame({"diagnoses": ["I10.x00x002"] * len(values)}, index=[7] * len(values))
    frame[name] = pd.Series(values, dtype=object, index=frame.index)
    frame["reason"] = range(len(values))
    given_back = grouper.group(frame)
    assert list(given_back.columns) == [*frame.columns[:-1], "reason_input", *RESULT_COLUMNS]
    assert list(given_back["reason_input"]) == list(range(len(values)))
    assert given_back.index.equals(frame.index)


@few
@given(st.data())
def test_a_workbook_with_broken_xml(tmp_path, data):
    good, source = tmp_path / "good.xlsx", tmp_path / "in.xlsx"
    if not good.exists():
        with xlsxwriter.Workbook(good) as book:
            sheet = book.add_worksheet()
            for i, row in enumerate([["diagnoses", "age"], *[["J18.900", n] for n in range(20)]]):
                sheet.write_row(i, 0, row)
            sheet.write_formula(5, 1, "=NA()", None, "#N/A")
    content = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    source.write_bytes(content[: data.draw(st.just(len(content)) | st.integers(0, len(content)))])
    try:
        group_file(source, tmp_path / "out.csv")
    except DrgError as error:
        assert one_line(error)


def test_workbooks_of_every_shape(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["C3"], sheet["D3"] = "diagnoses", "age"
    sheet.merge_cells("C4:D5")
    sheet["C4"] = "J18.900"
    sheet["C7"], sheet["D7"] = "=1+1", True
    sheet["C8"], sheet["D8"] = "J18.900", 10**18
    book.create_sheet("empty").sheet_state = "hidden"
    book.save(tmp_path / "in.xlsx")
    assert group_file(tmp_path / "in.xlsx", tmp_path / "out.xlsx").cases == 5
    rows = list(openpyxl.load_workbook(tmp_path / "out.xlsx").active.values)
    assert [row[0] for row in rows] == ["diagnoses", "J18.900", None, None, None, "J18.900"]
    with pytest.raises(DrgError, match="empty"):
        group_file(tmp_path / "in.xlsx", tmp_path / "out.csv", sheet="empty")


def test_ten_thousand_diagnoses_and_five_thousand_columns(tmp_path):
    source = tmp_path / "in.csv"
    many = "|".join(["I10.x00x002", *["J96.000"] * 9_999])
    source.write_text(f"diagnoses,note\n{many},{'z' * 2_000_000}\nJ18.900,\n")
    account = group_file(source, tmp_path / "out.csv")
    assert account.cases == account.statuses["grouped"] == 2
    head = ",".join(f"c{i}" for i in range(5_000))
    source.write_text(f"{head},diagnoses\n" + f"{',' * 5_000}J18.900\n" * 40)
    assert group_file(source, tmp_path / "out.csv").cases == 40


def test_records_over_the_borders_of_blocks(tmp_path):
    ending = "\r\n"
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    cells = ["plain", f'"a{ending}b,""{ending}c"', f'"{"z" * 800}{ending}"', '"中,文"', ""]
    rows = [f"{i},I10.x00x002{'|J96.000' * (i % 7)},{cells[i % 5]}" for i in range(100_000)]
    for i in range(0, len(rows), 40):  # too short, too long, a blank line behind
        rows[i] = [f"{i}", f"{i},a,b,c,d", f"{i},I10.x00x002,{ending}"][i // 40 % 3]
    text = ending.join(["case_id,diagnoses,note", *rows, ""])
    source.write_bytes(text.encode())
    assert source.stat().st_size > 17 << 20
    account = group_file(source, out)
    assert account.cases == len(rows)
    assert [int(row[0]) for row in csv_rows(out)] == list(range(len(rows)))
    assert account.rejects == sum(i // 40 % 3 < 2 for i in range(0, len(rows), 40))


def test_a_truncated_gzip_file_is_refused_wherever_it_ends(tmp_path):
    source, out = tmp_path / "in.csv.gz", tmp_path / "out.csv"
    content = gzip.compress(LABELLED.read_bytes())
    for end in (1, 5, 30, len(content) // 2, len(content) - 8, len(content) - 1):
        source.write_bytes(content[:end])
        with pytest.raises(DrgError) as told:
            group_file(source, out)
        assert one_line(told.value)
        assert not list(tmp_path.glob("*out.csv*"))


def test_one_grouper_in_eight_threads():
    cases = pa.Table.from_pandas(pd.read_csv(LABELLED, dtype=str))
    once = Grouper().group(cases).select(RESULT_COLUMNS)
    shared, wrong = Grouper(), []

    def work(size: int) -> None:
        parts = [shared.group(cases.slice(i, size)) for i in range(0, len(cases), size)]
        if not pa.concat_tables(parts).select(RESULT_COLUMNS).equals(once):
            wrong.append(size)

    threads = [threading.Thread(target=work, args=(97 + 31 * i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x80\x04K\x01.", None])
def test_a_spoilt_cache_is_made_anew(tmp_path, monkeypatch, content):
    monkeypatch.setenv("DRG_CACHE_DIR", str(tmp_path))
    want = Grouper().compiled.content_hash
    (kept,) = tmp_path.glob("*.bin")
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2] if content is None else content)
    assert Grouper().compiled.content_hash == want
    assert len(kept.read_bytes()) == len(whole)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("ending", "number"), [("csv", "SIGTERM"), ("parquet", "SIGKILL"), ("xlsx", "SIGKILL")]
)
def test_an_output_is_whole_or_absent_after_a_kill(tmp_path, ending, number):
    source = tmp_path / "in.csv"
    lines = LABELLED.read_bytes().splitlines(keepends=True)
    source.write_bytes(lines[0] + b"".join(lines[1:]) * (4 if ending == "xlsx" else 40))
    whole, out = tmp_path / f"whole.{ending}", tmp_path / f"out.{ending}"
    command = [*COMMAND, "group", str(source), "--out"]
    env = {**os.environ, "PYTHONPATH": str(Path(drg.__file__).parents[1])}
    began = time.monotonic()
    subprocess.run([*command, str(whole)], env=env, check=True, capture_output=True)
    took = time.monotonic() - began
    run = subprocess.Popen([*command, str(out)], env=env, stderr=subprocess.DEVNULL)
    time.sleep(took * 0.75)
    run.send_signal(signal.Signals[number])
    run.wait(60)
    assert not out.exists() or out.read_bytes() == whole.read_bytes()


def test_names_of_outputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(LABELLED, "in.csv")
    want = 1268
    for name in ("out.csv", "a b 结果.CSV", "行\n二.csv", "n" * 200 + ".csv"):
        assert group_file("in.csv", name).cases == want
        assert len(csv_rows(Path(name))) == want
    Path("link.csv").symlink_to("target.csv")
    group_file("in.csv", "link.csv")
    assert Path("link.csv").is_symlink()
    assert len(csv_rows(Path("target.csv"))) == want
    os.link("in.csv", "hard.csv")
    Path("folder.csv").mkdir()
    before = Path("in.csv").read_bytes()
    for name in ("hard.csv", "./in.csv", "folder.csv", "gone/out.csv", "/dev/null", "out", ".csv"):
        with pytest.raises(DrgError) as told:
            group_file("in.csv", name)
        assert one_line(told.value)
    assert Path("in.csv").read_bytes() == before
    assert not list(Path().glob(".*.partial"))
