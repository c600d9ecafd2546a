import csv
import io
import re
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from drg.errors import DrgError
from drg.tables import open_table, read_table
from tests.amount import tries
from tests.tables.conftest import Read, copy

quick = settings(
    max_examples=tries(250),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
cell = st.text(
    st.sampled_from(list('ab01 ,;\t"\n\r|中編é　\ufeff\x00=-')) | st.characters(codec="utf-8"),
    max_size=6,
)
pieces = st.lists(
    st.sampled_from(
        [b"a", b",", b",", b'"', b"\n", b"\n", b"\r", b"\r\n", b'""', b'","', b'"\n"',
         "中".encode(), "中".encode("gb18030"), b"\xff", b"\x81", b"\x00", b" ", b"1,2\n"]
    ) | st.binary(max_size=3),
    max_size=60,
).map(b"".join)  # fmt: skip


def read_bytes(data: bytes, name: str = "in.csv", **options: object) -> Read:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return Read(path, **options)


@quick
@given(
    st.lists(st.tuples(cell, cell, cell), max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
    st.booleans(),
    st.integers(1, 9),
)
def test_well_formed_csv_comes_back_cell_by_cell(rows, end, encoding, all_quoted, batch_rows):
    text = io.StringIO(newline="")
    style = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(text, lineterminator=end, quoting=style)
    writer.writerow(["编号", "b", "c"])
    if not all_quoted:
        # The csv module quotes line breaks only of the kind it writes itself.
        rows = [tuple(c.replace("\r", "").replace("\n", "") for c in row) for row in rows]
    writer.writerows(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "in.csv")
        path.write_bytes(text.getvalue().encode(encoding))
        got = Read(path, batch_rows=batch_rows)
        assert got.rows == rows
        assert not got.bad
        copy(path, Path(folder, "o.csv"), batch_rows=batch_rows)
        assert Read(Path(folder, "o.csv")).rows == rows
        assert Read(Path(folder, "o.csv")).encoding == encoding


@quick
@given(pieces, st.integers(1, 5))
@example(b'"', 1)
@example(b'1,"', 1)
@example(b'"1\n2"\r', 1)
@example(b"1,2\r", 1)
def test_any_bytes_give_rows_or_an_error(data, batch_rows):
    data = b"a,b\n" + data
    try:
        got = read_bytes(data)
        small = read_bytes(data, batch_rows=batch_rows)
    except DrgError:
        return
    assert all(len(row) == 2 for row in got.rows)
    assert got.rows == small.rows
    assert got.bad == small.bad
    lines = [line for line in re.split(rb"\r\n|\r|\n", data)[1:] if line]
    if b'"' not in data:
        assert len(got.rows) == len(lines)
        ragged = [i for i, line in enumerate(lines) if line.count(b",") != 1]
        assert set(ragged) <= set(got.bad_rows)
    assert len(got.rows) <= len(lines)
    good = set(range(len(got.rows))) - set(got.bad_rows)
    assert all(None not in got.rows[i] for i in good)


@quick
@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from(["1", "中", ""])), min_size=8),
    st.data(),
)
def test_a_quote_too_many_costs_its_own_row_only(rows, data):
    lines = [f"{i},{a},{b}" for i, (a, b) in enumerate(rows)]
    hurt = data.draw(st.sets(st.integers(0, len(rows) - 1), max_size=4))
    for i in hurt:
        lines[i] = f'{i},"{rows[i][0]},{rows[i][1]}'
    text = "n,a,b\n" + "\n".join(lines) + "\n"
    got = read_bytes(text.encode(), batch_rows=data.draw(st.integers(1, 20)))
    assert [row[0] for row in got.rows] == [str(i) for i in range(len(rows))]
    assert set(got.bad_rows) == hurt


@quick
@given(
    st.binary(max_size=300), st.sampled_from(["a.csv", "a.csv.gz", "a.parquet", "a.xlsx", "a.xls"])
)
def test_any_bytes_under_any_name(data, name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        try:
            read_table(path)
        except DrgError as error:
            assert name in str(error)


@quick
@given(pieces)
def test_what_was_read_reads_back_after_writing(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "in.csv")
        path.write_bytes(b"a,b,c\n" + data)
        try:
            with open_table(path):
                pass
            copy(path, Path(folder, "o.csv"))
        except DrgError:
            return
        first, second = Read(path), Read(Path(folder, "o.csv"))
        # A few bytes of GB18030 can be valid UTF-8 too; nobody can tell these apart.
        if second.encoding != first.encoding and first.encoding == "gb18030":
            return
        assert second.rows == [tuple(cell or "" for cell in row) for row in first.rows]
        assert not second.bad
