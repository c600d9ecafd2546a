"""Workbooks made to break their reader: one line, exit 1, within 1.5 GB; or the right values."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys

import openpyxl
import pytest

from drg.errors import DrgError
from drg.tables import open_table, read_table
from drg.tables.excel import child, door, survey
from drg.tables.excel.grid import grids
from grouper.importer.findings import Findings
from grouper.importer.sheets import read_sheets as scheme_sheets
from tests.fuzz.workbooks import (
    HEAD,
    SPOILT,
    TABLE,
    TAIL,
    book,
    cells,
    parts,
    stray,
)
from weights.negotiation.forms.hidden import hidden_lines
from weights.negotiation.forms.sheets import read_sheets as form_sheets

LONG = ("cells", "one text often")


@pytest.mark.parametrize("name", SPOILT)
def test_one_line_within_the_limits(tmp_path, name):
    make, said = SPOILT[name]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of other tests' children
    path = make(tmp_path / "in.xlsx")
    assert path.stat().st_size < 16 << 20
    with pytest.raises(DrgError, match=said) as error:
        read_table(path)
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 600
    if name not in LONG:  # forms and schemes go through the same door
        with contextlib.suppress(DrgError):
            form_sheets(path)
        assert scheme_sheets(path, Findings()) == [] or name == "nested"
        assert hidden_lines(path) == []
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert peak <= max(before, 1536 << 10)


def values(path, sheet=None):
    table, bad = read_table(path, sheet=sheet)
    return table.to_pydict(), [(one.column, one.value) for one in bad]


def test_figures_that_are_none_and_errors_are_listed(tmp_path):
    book(tmp_path / "a.xlsx", cells("NaN", "1e400", "-inf", "5", "1e15"))
    assert values(tmp_path / "a.xlsx") == (
        {"h0": [None], "h1": [None], "h2": [None], "h3": [5], "h4": [10**15]},
        [("h0", "nan"), ("h1", "inf"), ("h2", "-inf"), ("h4", "1000000000000000")],
    )
    error = '<c r="A2" t="e"><f>A1:A9</f><v>#N/A</v></c><c r="B2" t="e"><v>#DIV/0!</v></c>'
    book(tmp_path / "b.xlsx", cells(1, 2).split('<row r="2">')[0] + f'<row r="2">{error}</row>')
    assert values(tmp_path / "b.xlsx") == (
        {"h0": [None], "h1": [None]}, [("h0", "#N/A"), ("h1", "#DIV/0!")]
    )  # fmt: skip
    assert [rows for _, rows in grids(tmp_path / "b.xlsx")] == [[["h0", "h1"], ["#N/A", "#DIV/0!"]]]


def test_dates_at_the_ends_of_the_calendar(tmp_path):
    days = [("1", "1900-01-01"), ("2958465", "9999-12-31"), ("45000", "2023-03-15")]
    for day, shown in days:
        book(tmp_path / "a.xlsx", cells(day, style=' s="1"'))
        (column,) = read_table(tmp_path / "a.xlsx")[0].columns
        assert [str(one) for one in column] == [shown]
    # What is no day of the calendar stays a number, or is listed.
    book(tmp_path / "a.xlsx", cells("2958466", "NaN", "45000.5", style=' s="2"'))
    found, bad = values(tmp_path / "a.xlsx")
    assert (found["h0"], str(found["h2"][0])) == ([2958466], "2023-03-15 12:00:00")
    assert bad == [("h1", "nan")]
    iso = '<row r="2"><c r="A2" t="d"><v>0000-01-01</v></c></row>'
    book(tmp_path / "a.xlsx", cells(1).split('<row r="2">')[0] + iso)
    assert values(tmp_path / "a.xlsx") == ({"h0": ["0000-01-01"]}, [])


def test_formatting_alone_does_not_make_a_sheet_large(tmp_path):
    far = '<row r="1048576"><c r="A1048576" s="1"/><c r="XFD1048576" s="1"></c></row>'
    book(tmp_path / "a.xlsx", TABLE + far)
    assert values(tmp_path / "a.xlsx") == ({"a": [7]}, [])
    assert [name for name, _ in grids(tmp_path / "a.xlsx")] == ["S"]


def test_cells_without_names_and_with_prefixes(tmp_path):
    book(tmp_path / "a.xlsx", "<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>")
    assert values(tmp_path / "a.xlsx") == ({"1": [3], "2": [None]}, [])


def test_one_bad_sheet_leaves_the_others(tmp_path):
    held = parts(sheets=("好", "坏", "末"))
    held["xl/worksheets/sheet1.xml"] = HEAD + stray("XFD1048576") + TAIL
    path = book(tmp_path / "a.xlsx", held=held)
    found = dict(grids(path))
    assert list(found) == ["好", "坏", "末"]
    assert found["好"] == found["末"] == [["a"], [7.0]]
    assert "reaches XFD1048576" in str(found["坏"])
    assert values(path, "末") == ({"a": [7]}, [])
    with pytest.raises(DrgError, match="reaches XFD1048576"):
        read_table(path, sheet="坏")
    with pytest.raises(DrgError, match=r"no such sheet.*found 'x', expected 好, 坏, 末"):
        read_table(path, sheet="x")


def test_too_many_cells_and_too_large_a_form(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", cells(*range(20)))
    monkeypatch.setattr("drg.tables.excel.grid.MOST_CELLS", 39)
    assert "is no form, which is too large" in str(dict(grids(path))["S"])
    monkeypatch.setattr(survey, "MOST_CELLS", 39)
    with pytest.raises(DrgError, match=r"'S' has more than 39 cells, which is too large; save"):
        read_table(path)
    path = book(tmp_path / "a.xlsx", cells(*range(19)) + stray("T3")[len(TABLE) :])
    with pytest.raises(DrgError, match=r"'S' has 3 rows and 20 columns, which is too large; save"):
        read_table(path)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("os.abort()", "takes more memory to read than it may"),
        ("sys.exit(3)", "reading it ended badly"),
        ("os.kill(os.getpid(), signal.SIGXCPU)", "takes too long to read"),
        ("send('names', ['S']); os.abort()", "takes more memory"),
        ("send('names', ['S']); send('sheet', 'S', 0, 0, []); sys.exit()", "ended badly"),
        ("send('error', 'panic', 'range end index')", "is not a readable Excel workbook$"),
        ("send('error', 'password', '')", "is locked with a password"),
        ("sys.stdout.buffer.write(b'\\xff' * 99)", "ended badly"),
        ("x = bytearray(3 << 30)", "ended badly|memory"),
    ],
)
def test_however_the_process_ends(tmp_path, monkeypatch, capfd, script, said):
    head = (
        "import marshal, os, signal, sys\n"
        "def send(*m):\n"
        "    d = marshal.dumps(m)\n"
        "    sys.stdout.buffer.write(len(d).to_bytes(8, 'little') + d); sys.stdout.flush()\n"
    )
    (tmp_path / "child.py").write_text(head + script)
    monkeypatch.setattr(child, "__file__", str(tmp_path / "child.py"))
    path = book(tmp_path / "a.xlsx")
    with pytest.raises(DrgError, match=said) as error:
        open_table(path)
    assert len(str(error.value).splitlines()) == 1
    assert capfd.readouterr() == ("", "")


def test_the_limits_are_set(tmp_path):
    said = subprocess.run(
        [sys.executable, "-c", "from resource import *; from drg.tables.excel.child import limit; "
         "limit(1 << 30, 60); print(getrlimit(RLIMIT_AS)[0], getrlimit(RLIMIT_CPU)[0], "
         "getrlimit(RLIMIT_CORE)[0])"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said.split() == [str(1 << 30), "60", "0"]
    assert (door.MEMORY, door.SECONDS) == (1536 << 20, 60)


def test_names_that_are_not_utf8_and_a_foreign_folder(tmp_path, monkeypatch):
    path = tmp_path / "病案 '1'.xlsx"
    book(path)
    assert values(path) == ({"a": [7]}, [])
    odd = tmp_path / "b\udcff.xlsx"
    with contextlib.suppress(OSError):  # where such a name cannot be
        path.rename(odd)
        assert values(odd) == ({"a": [7]}, [])
    # Modules in the folder at hand, or named in the environment, are not what it imports.
    for name in ("json.py", "python_calamine.py", "marshal.py", "datetime.py"):
        (tmp_path / name).write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    openpyxl.Workbook().save("c.xlsx")
    with pytest.raises(DrgError, match="is empty, expected a header row"):
        read_table("c.xlsx")


def test_the_command_says_it_in_one_line(tmp_path):
    path = book(tmp_path / "in.xlsx", stray("XFD1048576"))
    done = subprocess.run(
        [sys.executable, "-c", "from drg.cli import main; main()", "check", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "XFD1048576" in done.stderr


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_not_the_first(tmp_path, state):
    """Who opens the workbook sees the second sheet; the hidden one is read by its name."""
    path = tmp_path / "in.xlsx"
    made = openpyxl.Workbook()
    made.active.title = "old"
    for sheet, value in ((made["old"], "1"), (made.create_sheet("new"), "2")):
        sheet.append(["drg"])
        sheet.append([value])
    made["old"].sheet_state = state
    made.active = 1
    made.save(path)
    assert values(path)[0] == {"drg": ["2"]}
    assert values(path, "old")[0] == {"drg": ["1"]}
