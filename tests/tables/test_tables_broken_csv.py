import pytest

from drg.errors import DrgError


def test_ragged_rows_keep_their_place_and_the_cells_that_fit(read_bytes):
    got = read_bytes(b'a,b,c\n1,2,3\n4,5\n6,7,8\n9,"x,y",11,12\n13,14,15\n')
    assert got.rows == [
        ("1", "2", "3"),
        ("4", "5", None),
        ("6", "7", "8"),
        ("9", "x,y", "11"),
        ("13", "14", "15"),
    ]
    assert [(m.row, m.column, m.reason) for m in got.bad] == [
        (1, "", "found 2 fields, expected 3"),
        (3, "", "found 4 fields, expected 3"),
    ]
    assert got.bad[1].value == '9,"x,y",11,12'


def test_every_row_ragged(read_bytes):
    got = read_bytes(b"a,b\n" + b"1\n" * 1000, batch_rows=64)
    assert got.rows == [("1", None)] * 1000
    assert got.bad_rows == list(range(1000))


@pytest.mark.parametrize("batch_rows", [1, 2, 1000])
def test_an_unclosed_quote_costs_one_line_only(read_bytes, batch_rows):
    lines = [b"%d,x,y" % i for i in range(2000)]
    lines[500] = b'500,"x,y'
    lines[1500] = b'1500,x,"y'
    got = read_bytes(b"a,b,c\n" + b"\n".join(lines) + b"\n", batch_rows=batch_rows)
    assert len(got.rows) == 2000
    assert [row[0] for row in got.rows] == [str(i) for i in range(2000)]
    assert got.bad_rows == [500, 1500]
    assert got.rows[500] == ("500", None, None)
    assert got.rows[1500] == ("1500", "x", None)
    assert {m.reason for m in got.bad} == {"a quote is not closed"}


def test_an_unclosed_quote_among_quoted_rows(read_bytes):
    lines = [f'"{i}","x, {i}","多\n行"' for i in range(100)]
    lines[40] = '"40","x","y'
    lines[99] = '"99","x'
    got = read_bytes(("a,b,c\n" + "\n".join(lines)).encode())
    assert len(got.rows) == 100
    assert got.bad_rows == [40, 99]
    assert got.rows[41] == ("41", "x, 41", "多\n行")
    assert got.rows[99] == ("99", None, None)


def test_an_unclosed_quote_at_the_very_end(read_bytes):
    for end in (b"", b"\n", b"\r\n", b"\n\n"):
        got = read_bytes(b'a,b\n1,2\n3,"4' + end)
        assert got.rows == [("1", "2"), ("3", None)]
        assert got.bad_rows == [1]


def test_a_quoted_cell_may_span_lines_only_in_a_record_of_the_right_width(read_bytes):
    got = read_bytes(b'a,b\n1,"x\ny"\n2,"x\ny",3\n4,5\n')
    assert got.rows[0] == ("1", "x\ny")
    assert got.rows[1] == ("2", None)
    assert got.rows[-1] == ("4", "5")
    assert got.bad_rows == [1]  # what follows its first line has two cells


def test_quotes_within_a_cell_are_plain_text(read_bytes):
    got = read_bytes(b'a,b\n5" tube,x\n6,7" y\n"8" z,9\n')
    assert got.rows == [('5" tube', "x"), ("6", '7" y'), ("8 z", "9")]
    assert not got.bad


def test_bad_bytes_cost_their_rows_only(read_bytes):
    good = "甲,乙\n"
    data = "编号,名称\n".encode() + good.encode() * 50 + b"\xff,x\n" + good.encode() * 50
    data += b'"\xe4\xb8,","\n"\n1,\xfe,3\n\xfe\n' + good.encode()
    got = read_bytes(data, batch_rows=10)
    assert len(got.rows) == 105
    assert got.bad_rows == [50, 101, 102, 103]
    assert got.rows[50] == ("\ufffd", "x")
    assert got.rows[101] == ("\ufffd,", "\n")
    assert got.bad[0].column == "编号"
    assert got.bad[2].column == ""
    assert all(m.reason == "bytes are not valid UTF-8" for m in got.bad)


def test_bad_bytes_in_gb18030(read_bytes):
    data = "编号,名称\n".encode("gb18030") + "甲,乙|\n".encode("gb18030") * 20
    data += b"\xff\xff,x\n" + "甲,乙\n".encode("gb18030")
    got = read_bytes(data)
    assert got.encoding == "gb18030"
    assert len(got.rows) == 22
    assert got.bad_rows == [20]
    assert got.bad[0].reason == "bytes are not valid GB18030"
    assert got.rows[21] == ("甲", "乙")


def test_a_long_quoted_cell_of_many_lines_at_block_borders(read_bytes):
    cell = "行\n" * 3000
    data = ("a,b\n" + f'1,"{cell}"\n2,x\n' * 30).encode()
    for batch_rows in (1, 2, 5):
        got = read_bytes(data, batch_rows=batch_rows)
        assert got.rows == [("1", cell), ("2", "x")] * 30
        assert not got.bad


def test_a_quote_open_beyond_the_window_is_an_error_of_its_line(read_bytes):
    data = b'a,b\n1,"x\n' + b"2,y\n" * 600_000
    got = read_bytes(data, batch_rows=50_000)
    assert len(got.rows) == 600_001
    assert got.bad_rows == [0]


def test_the_value_shown_is_cut(read_bytes):
    got = read_bytes(b"a,b\n" + b"x" * 5000 + b"\n")
    assert len(got.bad[0].value) == 500
    assert got.rows == [("x" * 5000, None)]


def test_lone_carriage_returns_within_lines_end_them(read_bytes):
    got = read_bytes(b'a,b\n1,2\r3,4\n"5\r6",7\n')
    assert got.rows == [("1", "2"), ("3", "4"), ("5\r6", "7")]
    assert read_bytes(b"a,b\r\r\n1,2\r\r\n3,4\r\r\n").rows == [("1", "2"), ("3", "4")]


def test_a_header_that_is_not_text(read_bytes):
    with pytest.raises(DrgError, match="the header is not valid"):
        read_bytes("编号名称病例".encode() + b"\xff,x\n" + "名称,名称\n".encode() * 10)
