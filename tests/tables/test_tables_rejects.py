import csv

import pyarrow as pa
import pytest

from drg.errors import DrgError
from drg.tables import RejectFile, neutralise, open_sink


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\tx", "  =1", "\u3000=1", "＝1", "＋1", "－1",
     "＠x", "\n=1", "\x00=1", "\ufeff=1", "\u200b=cmd", "\u00a0@x"],
)  # fmt: skip
def test_formulas_are_neutralised(text):
    assert neutralise(text).startswith("'")
    assert neutralise(text).isprintable() or "\u3000" in text or "\u00a0" in text


@pytest.mark.parametrize("text", ["", "I21.0", "007", "中文", "a=b", " x", "1-2", "'=1", "(1)"])
def test_other_text_stays(text):
    assert neutralise(text) == text


def test_control_characters_become_visible():
    assert neutralise("a\x00b\nc\td\x1b\u202e") == "a\\x00b\\nc\\td\\x1b\\u202e"


def test_the_file(tmp_path):
    path = tmp_path / "r.csv"
    with RejectFile(path) as rejects:
        rejects.add(2, "费用", "=1,5", 'not a "number"')
        rejects.add_many([3, 4], ["", "a"], ["x\ny", "\udc80"], ["r", "s"])
        assert not path.exists()
        assert rejects.count == 3
    assert path.read_bytes().startswith(b"\xef\xbb\xbfrow,column,value,reason\n")
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file))[1:] == [
            ["2", "费用", "'=1,5", 'not a "number"'],
            ["3", "", "x\\ny", "r"],
            ["4", "a", "\\udc80", "s"],
        ]


def test_no_reject_no_file(tmp_path):
    path = tmp_path / "r.csv"
    with RejectFile(path):
        pass
    assert not list(tmp_path.iterdir())
    path.write_text("old")
    with RejectFile(path):
        assert path.exists()
    assert not path.exists()


def test_an_exception_leaves_the_old_file(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("old")
    for add in (True, False):
        with pytest.raises(ValueError, match="stop"), RejectFile(path) as rejects:  # noqa: PT012
            if add:
                rejects.add(1, "", "x", "y")
            raise ValueError("stop")
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(DrgError, match="does not exist"):
        RejectFile(tmp_path / "none" / "r.csv")


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet"])
@pytest.mark.parametrize("add", [True, False])
def test_it_follows_an_output_that_may_fail_at_its_end(tmp_path, monkeypatch, ending, add):
    path, out = tmp_path / "r.csv", tmp_path / f"o{ending}"
    path.write_text("old")
    schema = pa.schema([("a", pa.string())])

    def write(sink):
        with RejectFile(path) as rejects, sink:
            if add:
                rejects.add(1, "", "x", "y")
            sink.write(pa.RecordBatch.from_pydict({"a": ["x"]}))
        assert out.exists()

    def fail():
        assert path.read_text() == "old"
        raise DrgError("full")

    sink = open_sink(out, schema)
    monkeypatch.setattr(sink, "finish", fail)
    with pytest.raises(DrgError, match="full"):
        write(sink)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    write(open_sink(out, schema))
    assert path.exists() == add
    assert not add or path.read_text("utf-8-sig").endswith("1,,x,y\n")


def test_an_explicit_commit_is_the_last_word(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("old")
    with pytest.raises(ValueError, match="later"), RejectFile(path) as rejects:  # noqa: PT012
        rejects.add(1, "", "x", "y")
        assert path.read_text() == "old"
        rejects.commit()
        assert path.read_text("utf-8-sig").endswith("1,,x,y\n")
        rejects.commit()
        raise ValueError("later")
    assert list(tmp_path.iterdir()) == [path]
    with RejectFile(path) as rejects:
        rejects.commit()
        assert not path.exists()
        path.write_text("new")
    assert path.read_text() == "new"
