"""Sheets: only a hospital's own cases in its file, no person on a page, sums that agree."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from openpyxl import load_workbook

from drg.year.clear import clear
from drg.year.package import write_package
from drg.year.sheets import write_month_sheet
from tests.year.small import book_of, form, month_file

ACTOR = {"actor": "医保局"}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheets")
    book = book_of(folder)
    for month in (1, 2):
        book.add_month(month_file(folder, month, 80), **ACTOR)
        book.hand_in(
            "payer",
            form(
                folder,
                "p",
                [{"医疗机构代码": "B", "支付方": "离休", "病例数": "3", "金额": "1000.01"}],
            ),
            **ACTOR,
        )
        book.close_month(**ACTOR)
    found = clear(book, folder / "out", early=True, kinds=("xlsx", "html", "docx"), **ACTOR)
    return folder, book, found


def cells(path) -> list[str]:
    book = load_workbook(path)
    return [str(v) for sheet in book.worksheets for row in sheet.iter_rows(values_only=True)
            for v in row if v is not None]  # fmt: skip


def test_a_hospital_sees_only_its_own_cases(done):
    folder, _, _ = done
    cases = pd.read_csv(folder / "out" / "cases.csv")
    homes = dict(zip(cases["case_id"], cases["hospital_id"], strict=True))
    for path in (folder / "out" / "statements").glob("*.xlsx"):
        texts = set(cells(path))
        seen = {homes[text] for text in texts if text in homes}
        assert seen == {path.stem}
        own = [case for case, home in homes.items() if home == path.stem]
        assert set(own) <= texts


def test_no_published_page_holds_a_person(done):
    folder, _, _ = done
    cases = pd.read_csv(folder / "out" / "cases.csv")
    html = (folder / "out" / "public.html").read_text("utf-8")
    texts = set(cells(folder / "out" / "public.xlsx"))
    for case in cases["case_id"]:
        assert case not in texts
        assert not re.search(rf">{case}<", html)
    assert "secret-" not in html


def test_the_sheet_of_a_month_adds_up(done):
    folder, book, _ = done
    for ending in ("xlsx", "html", "docx"):
        write_month_sheet(book, 2, folder / f"s.{ending}", "zh")
    sheet = load_workbook(folder / "s.xlsx").worksheets[0]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    heads = next(row for row in rows if "本次实拨（元）" in row)
    at = heads.index("本次实拨（元）")
    start = rows.index(heads) + 1
    end = next(i for i in range(start, len(rows)) if rows[i][1] == "合计")
    assert round(sum(row[at] for row in rows[start:end]), 2) == rows[end][at]
    flat = [str(v) for row in rows for v in row if v is not None]
    assert {"制表", "最迟拨付日期", "离休人员（元）"} <= set(flat)


def test_the_clearing_sheet_is_the_table_of_hospitals(done):
    folder, _, _ = done
    wanted = pd.read_csv(folder / "out" / "hospitals.csv")
    flat = cells(folder / "out" / "clearing.xlsx")
    for pool, frame in wanted.groupby("pool"):
        assert str(round(frame["final"].sum(), 2)).removesuffix(".0") in flat, pool


def test_the_package_hides_small_cells(done):
    folder, book, _ = done
    assert write_package(book, folder / "pk", "zh") == 5
    seen = 0
    for sheet in load_workbook(folder / "pk" / "region.xlsx").worksheets[1:]:
        at = None
        for row in sheet.iter_rows(values_only=True):
            if "病例数（例）" in row:
                at = row.index("病例数（例）")
            elif at is not None and isinstance(row[at], int):
                seen += 1
                assert row[at] >= 5
    assert seen > 5
    assert "01-" not in " ".join(cells(folder / "pk" / "region.xlsx"))


def test_every_printed_page_says_what_a_row_is_and_whose_the_sheet_is(done):
    folder, book, _ = done
    write_month_sheet(book, 2, folder / "printed.xlsx", "zh")
    sheet = load_workbook(folder / "printed.xlsx").worksheets[0]
    assert sheet.print_title_cols == "$A:$B"  # code and name, where it takes two sheets of paper
    assert "2 月医保基金拨付表" in sheet.oddHeader.left.text
    own = load_workbook(folder / "out" / "statements" / "B.xlsx")
    assert all("（B）" in one.oddHeader.left.text for one in own.worksheets[1:])
    assert any("（B）" in text for text in cells(folder / "out" / "statements" / "B.xlsx")[:3])


def test_a_code_does_not_break(done):
    html = (done[0] / "out" / "clearing.html").read_text("utf-8")
    assert re.search(r'class="code s">B<', html)
