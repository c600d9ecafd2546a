"""Workbooks made to break their reader: one line, exit 1, within 1.5 GB; or the right values."""

from __future__ import annotations

import contextlib
import resource
import struct
import subprocess
import sys
import zipfile

import openpyxl
import pytest

from drg.errors import DrgError
from drg.tables import open_table, read_table
from drg.tables.excel import child, door, survey
from drg.tables.excel.grid import grids
from grouper.importer.findings import Findings
from grouper.importer.sheets import read_sheets as scheme_sheets
from weights.negotiation.forms.hidden import hidden_lines
from weights.negotiation.forms.sheets import read_sheets as form_sheets

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEAD = f'<worksheet xmlns="{MAIN}"><sheetData>'
TAIL = "</sheetData></worksheet>"
TABLE = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
    '<row r="2"><c r="A2"><v>7</v></c></row>'
)
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="22"/><xf numFmtId="46"/></cellXfs></styleSheet>'
)


def parts(rows=TABLE, sheets=("S",), **more):
    """A workbook's parts by name; those given as None are missing."""
    listed = "".join(f'<sheet name="{s}" sheetId="{i}" r:id="r{i}"/>' for i, s in enumerate(sheets))
    links = "".join(
        f'<Relationship Id="r{i}" Type="{LINK}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(len(sheets))
    )
    package = "http://schemas.openxmlformats.org/package/2006"
    found = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r" '
        f'Type="{LINK}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{LINK}"><sheets>{listed}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">{links}'
        "</Relationships>",
        "xl/styles.xml": STYLES,
        **{f"xl/worksheets/sheet{i}.xml": HEAD + rows + TAIL for i in range(len(sheets))},
    }
    found |= {name.replace("__", "/") + ".xml": text for name, text in more.items()}
    return {name: text for name, text in found.items() if text is not None}


def book(path, rows=TABLE, *, held=None, **more):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (held or parts(rows, **more)).items():
            archive.writestr(name, text)
    return path


def cells(*values, style=""):
    """A row of numbers below a header."""
    row = "".join(f'<c r="{chr(65 + i)}2"{style}><v>{v}</v></c>' for i, v in enumerate(values))
    heads = "".join(
        f'<c r="{chr(65 + i)}1" t="inlineStr"><is><t>h{i}</t></is></c>' for i in range(len(values))
    )
    return f'<row r="1">{heads}</row><row r="2">{row}</row>'


def stray(reference, row=None):
    place = row or "".join(filter(str.isdigit, reference))
    return TABLE + f'<row r="{place}"><c r="{reference}"><v>1</v></c></row>'


def bomb(path, name, start, middle, times, end, level=1, **more):
    """A workbook with a part that unpacks to the middle very often."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for other, text in parts(**more).items():
            if other != name:
                archive.writestr(other, text)
        with archive.open(name, "w", force_zip64=True) as file:
            file.write(start.encode())
            for _ in range(times):
                file.write(middle)
            file.write(end.encode())
    return path


def twice(path):
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(book(path), "a") as archive:
        archive.writestr("xl/worksheets/sheet0.xml", HEAD + TAIL)
    return path


def patched(path, field, value):
    """The directory's entry of the sheet with another figure."""
    data = bytearray(book(path).read_bytes())
    at = data.rfind(b"xl/worksheets/sheet0.xml") - 46
    struct.pack_into("<L", data, at + field, value)
    path.write_bytes(data)
    return path


def cut(path, share):
    data = book(path, TABLE * 1).read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def locked(path):
    path.write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000) + "EncryptedPackage".encode("utf-16-le")
    )
    return path


def written(path, data):
    path.write_bytes(data)
    return path


MB = b" " * (1 << 20)
WIDE = b'<c r="A1"><v>1</v></c>' * 40_000
STRINGS = f'<sst xmlns="{MAIN}"><si><t>{"x" * 40_000}</t></si></sst>'
SHARED = "".join(
    f'<row r="{i}">' + "".join(f'<c r="{c}{i}" t="s"><v>0</v></c>' for c in "ABCDEFGHIJ") + "</row>"
    for i in range(1, 10_000)
)
ENTITIES = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa">]>'
SPOILT = {
    "stray": (lambda p: book(p, stray("XFD1048576")), r"'S' reaches XFD1048576, though only 3"),
    "stray in row 1": (lambda p: book(p, stray("XFD1048576", 1)), "reaches XFD1048576"),
    "far row": (lambda p: book(p, stray("AZ1048576")), "reaches AZ1048576"),
    "far row without names": (
        lambda p: book(p, '<row r="1048576">' + "<c><v>1</v></c>" * 300 + "</row>" + TABLE),
        "reaches KN1048576",
    ),
    "beyond the columns": (lambda p: book(p, stray("XFE2")), "beyond the last one of Excel"),
    "beyond the rows": (lambda p: book(p, stray("A1048577")), "beyond the last one of Excel"),
    "far beyond": (lambda p: book(p, stray("A99999999999")), "beyond the last one of Excel"),
    "far beyond in columns": (lambda p: book(p, stray("AAAAAAAAAA1")), "beyond the last one"),
    "row 0": (lambda p: book(p, stray("A0")), "is not a readable"),
    "spaces": (
        lambda p: bomb(p, "xl/worksheets/sheet0.xml", HEAD, MB, 1500, TAIL),
        r"unpacks to 1,572,8\d\d,\d{3} bytes",
    ),
    "spaces in strings": (
        lambda p: bomb(p, "xl/sharedStrings.xml", "<sst>", MB, 900, "</sst>", level=6), "300 times",
    ),
    "cells": (
        lambda p: bomb(p, "xl/worksheets/sheet0.xml", HEAD, WIDE, 450, TAIL),
        "more than 16,777,216",
    ),
    "one text often": (
        lambda p: book(p, SHARED, xl__sharedStrings=STRINGS), "more memory",
    ),
    "nested": (
        lambda p: book(p, "<a>" * 3_000_000), "is empty|is not a readable|memory",
    ),
    "entities": (
        lambda p: book(p, held={**parts(), "xl/workbook.xml": ENTITIES}), "has declarations",
    ),
    "entities in the sheet": (
        lambda p: book(p, held={**parts(), "xl/worksheets/sheet0.xml": ENTITIES + HEAD + TAIL}),
        "has declarations",
    ),
    "many parts": (
        lambda p: book(p, held={**parts(), **{f"x{i}": "" for i in range(20_000)}}), "too many",
    ),
    "a part twice": (twice, "sheet0.xml twice"),
    "size lies low": (lambda p: patched(p, 24, 10), "may be damaged"),
    "size lies high": (lambda p: patched(p, 24, (1 << 32) - 2), "unpacks to 4,294,967,294"),
    "size in zip64 that is not there": (lambda p: patched(p, 24, (1 << 32) - 1), "damaged|unpacks"),
    "checksum": (lambda p: patched(p, 16, 1), "may be damaged"),
    "cut at a third": (lambda p: cut(p, 0.33), "may be damaged"),
    "cut near the end": (lambda p: cut(p, 0.97), "may be damaged"),
    "no strings": (
        lambda p: book(p, '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'), "not found in shared",
    ),
    "beyond the strings": (
        lambda p: book(
            p, '<row r="1"><c r="A1" t="s"><v>9</v></c></row>', xl__sharedStrings=STRINGS
        ),
        "not found in shared",
    ),
    "broken styles": (lambda p: book(p, xl__styles="<styleSheet><cellXfs><xf"), "not a readable"),
    "no workbook": (lambda p: book(p, xl__workbook=None), "archive holds none"),
    "no sheets": (lambda p: book(p, sheets=()), "has no sheets"),
    "no links": (
        lambda p: book(p, held={k: v for k, v in parts().items() if "rels" not in k}),
        "may be damaged",
    ),
    "sheet that is missing": (lambda p: book(p, xl__worksheets__sheet0=None), "is not a readable"),
    "long stay": (lambda p: book(p, cells("1e300", style=' s="3"')), "is not a readable"),
    "locked": (locked, "locked with a password"),
    "web page": (lambda p: written(p, b"<html><table>"), "looks like a web page"),
    "csv": (lambda p: written(p, b"a,b\n1,2\n"), "looks like text"),
    "xml of 2003": (lambda p: written(p, b'<?xml version="1.0"?><Workbook/>'), "an XML file"),
    "empty": (lambda p: written(p, b""), "is empty"),
}  # fmt: skip
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
