"""Rows of a form that nobody sees are read, and told."""

from __future__ import annotations

from openpyxl import Workbook

from weights.negotiation.forms.hidden import hidden_lines
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
