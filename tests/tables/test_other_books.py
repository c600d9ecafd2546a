"""Workbooks of other kinds than .xlsx: right values, or one line that says what to do.

The files of ``tests/data/workbooks`` hold the first twelve cases of the small region, the amounts
and days typed as such, saved by LibreOffice 7.4 as .xls and .ods.
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import re
import shutil

import pandas as pd
import pytest

from tests.conftest import DATA
from tests.fuzz.run import call
from tests.fuzz.world import REGION
from tests.tables import binary_book

BOOKS = DATA / "workbooks"
CASES = 12
TEXTS = ("sex", "diagnoses", "procedures")
ODS = BOOKS / "cases.ods"


def rows():
    with (REGION / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(itertools.islice(csv.reader(file), CASES + 1))


def typed(header, cell):
    if header.endswith("_date"):
        return dt.date.fromisoformat(cell)
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", cell) and header not in TEXTS:
        return float(cell)
    return cell or None


@pytest.fixture
def books(tmp_path):
    """The cases as CSV and as workbooks of each kind, by ending."""
    head, *body = rows()
    with (tmp_path / "cases.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *body])
    shutil.copy(BOOKS / "cases.xls", tmp_path)
    sheet = [head, *([typed(*pair) for pair in zip(head, row, strict=True)] for row in body)]
    binary_book.write(tmp_path / "cases.xlsb", {"病例": sheet, "说明": [["两张表"]]})
    return tmp_path


def done(*words):
    status, out, err = call(map(str, words))
    assert status == 0, err
    return out


@pytest.mark.parametrize("ending", ["xls", "xlsb"])
def test_every_cell_is_read_as_from_csv(books, ending):
    tables = {}
    for kind in ("csv", ending):
        out = books / f"out-{kind}.csv"
        done("group", books / f"cases.{kind}", "--out", out)
        tables[kind] = pd.read_csv(out)
        assert not out.with_name(f"{out.name}.rejects.csv").exists()
    pd.testing.assert_frame_equal(tables["csv"], tables[ending])
    assert (tables[ending]["status"] == "grouped").sum() == CASES


@pytest.mark.parametrize("ending", ["xls", "xlsb"])
def test_every_command_takes_them(books, ending):
    cases = books / f"cases.{ending}"
    assert "C0000002" in done("explain", cases, "--case", "C0000002")
    plain, other = (
        re.sub(r"cases\.\w+", "", done("check", path)) for path in (books / "cases.csv", cases)
    )
    assert plain == other
    status, _, err = call(["group", str(cases), "--out", str(books / "o.csv"), "--sheet", "无"])
    assert status == 1
    assert "found '无', expected 病例, 说明" in err


TAKEN = {
    "group": "group {ods} --out o.csv",
    "check": "check {ods}",
    "explain": "explain {ods} --row 2",
    "settle": "settle {ods} --weights {weights} --out o --hospitals {hospitals}",
    "weights": "weights compare {ods} {ods}",
    "hospitals": "check {csv} --hospitals {ods}",
    "round": "negotiate init o --cases {ods} --weights {weights} --hospitals {hospitals}",
    "quality": "weights quality {ods}",
    "standards": "policy standards --policy luan-2025 --weights {ods} --out o.xlsx",
}


@pytest.mark.parametrize("words", TAKEN.values(), ids=TAKEN)
def test_an_open_document_is_refused_in_a_line(books, monkeypatch, words):
    monkeypatch.chdir(books)
    (books / "weights.csv").write_text("drg,weight\nES23,1.2\nLU15,0.8\n", "utf-8")
    before = sorted(books.iterdir())
    put = {"ods": ODS, "csv": books / "cases.csv", "hospitals": REGION / "hospitals.csv",
           "weights": books / "weights.csv"}  # fmt: skip
    status, _, err = call(words.format(**put).split())
    assert status == 1
    lines = [line for line in err.splitlines() if line.startswith("drg: ")]
    assert len(lines) == 1, err
    assert "cases.ods" in lines[0]
    assert re.search(r"\.xlsx", lines[0]), lines[0]
    assert sorted(books.iterdir()) == before


def test_where_no_table_is_taken_a_workbook_is_told(books):
    for path in (ODS, books / "cases.xls", books / "cases.xlsb"):
        for words in (f"group {books}/cases.csv --out {books}/o.csv --mapping {path}",
                      f"policy validate {path}"):  # fmt: skip
            status, _, err = call(words.split())
            assert status == 1
            assert f"{path.name}: is a workbook or an archive, no text, expected TOML" in err
    status, out, _ = call(["scheme", "import", str(ODS), "--out", str(books / "o")])
    assert status == 1
    assert "cases.ods" in out


def test_a_workbook_under_another_name_is_told(books):
    for source, name in ((BOOKS / "cases.xls", "x.xlsx"), (ODS, "x.xlsx"), (ODS, "x.xls"),
                         (books / "cases.xlsb", "y.xlsx"), (BOOKS / "cases.xls", "x.csv"),
                         (ODS, "x.csv"), (BOOKS / "cases.xls", "x.parquet")):  # fmt: skip
        path = books / name
        shutil.copy(source, path)
        status, _, err = call(["group", str(path), "--out", str(books / "o.csv")])
        assert status == 1, (name, err)
        assert len(err.splitlines()) == 1, err
        assert name in err
        path.unlink()
