"""Rows of a form that nobody sees are read, and told."""

from __future__ import annotations

import pytest
from openpyxl import Workbook

from drg.errors import DrgError
from weights.negotiation.forms.hidden import hidden_lines
from weights.negotiation.forms.rows import read_form
from weights.negotiation.forms.sheets import read_sheets


def form(path, *, filtered=False, state="visible"):
    book = Workbook()
    sheet = book.active
    sheet.title = "申请"
    for row in range(1, 10):
        sheet.append([f"row {row}", row])
    for row in (3, 5, 6, 7):
        sheet.row_dimensions[row].hidden = True
    sheet.row_dimensions[40].hidden = True  # nothing stands there
    if filtered:
        sheet.auto_filter.ref = "A1:B9"
        sheet.auto_filter.add_filter_column(0, ["row 1"])
    book.create_sheet("说明").append(["nothing is hidden here"])
    if state != "visible":
        sheet.sheet_state = state
        book.active = 1
    book.save(path)
    return path


def test_hidden_rows_are_read_and_told(tmp_path):
    path = form(tmp_path / "form.xlsx")
    assert [row[0] for row in read_sheets(path)[0].rows] == [f"row {i}" for i in range(1, 10)]
    assert hidden_lines(path) == [
        "form.xlsx: sheet '申请': rows 3, 5-7 are hidden and were read too"
    ]


def test_a_filter_is_named(tmp_path):
    path = form(tmp_path / "form.xlsx", filtered=True)
    assert hidden_lines(path) == [
        "form.xlsx: sheet '申请': rows 3, 5-7 are hidden by a filter and were read too"
    ]


def test_a_hidden_sheet_is_told(tmp_path):
    path = form(tmp_path / "form.xlsx", state="hidden")
    assert hidden_lines(path) == ["form.xlsx: sheet '申请' is hidden; its rows were read too"]


def test_other_files_have_nothing_hidden(tmp_path):
    text = tmp_path / "form.csv"
    text.write_text("a,b\n1,2\n", encoding="utf-8")
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK")
    assert hidden_lines(text) == []
    assert hidden_lines(broken) == []


def test_hidden_columns_and_formulas_without_a_value_are_told(tmp_path):
    book = Workbook()
    sheet = book.active
    sheet.title = "申请"
    sheet.append(["a", "b", "c"])
    sheet.append([1, "=1+1", 3])
    for letter in "BZ":  # nothing stands in Z
        sheet.column_dimensions[letter].hidden = True
    book.save(tmp_path / "form.xlsx")
    assert hidden_lines(tmp_path / "form.xlsx") == [
        "form.xlsx: sheet '申请': columns B are hidden and were read too",
        "form.xlsx: sheet '申请': B2 hold formulas that were never worked out and read as blank; "
        "save the file in Excel",
    ]


def test_a_form_is_the_sheet_with_the_headings_below_its_title(tmp_path):
    headers, path = {"one": ("一",), "two": ("二",)}, tmp_path / "form.xlsx"
    book = Workbook()
    book.active.append(["一张表"])
    book.create_sheet("表").append(["标题"])
    book["表"].append(["一", "二"])
    book["表"].append(["a", "b"])
    book.save(path)
    form = read_form(path, headers, ("one", "two"))
    assert (form.columns, form.rows) == ({"one": ["a"], "two": ["b"]}, [3])
    book.active.append(["一", "二"])
    book.save(path)
    with pytest.raises(DrgError, match="several sheets have the headings"):
        read_form(path, headers, ("one", "two"))
    del book["表"]
    book.active.append(["一", "二"])
    book.active.delete_rows(1)
    book.active["C1"] = "一"
    book.save(path)
    with pytest.raises(DrgError, match="row 1: two columns have one heading: found '一'"):
        read_form(path, headers, ("one", "two"))
