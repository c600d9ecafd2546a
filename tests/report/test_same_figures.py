"""A figure that stands in page, Word file, workbook or CSV is the same in all of them."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from docx.table import Table as WordTable
from docx.text.paragraph import Paragraph

from drg.negotiate.rehearsal.proposals import drawn
from drg.negotiate.round.act import FINAL
from drg.negotiate.round.impact_files import write_impact
from drg.report.minutes.write import write_minutes
from drg.report.panel.write import write_report
from tests.fonts import without_font
from tests.negotiate.small import REHEARSAL, WHO, begin
from tests.report import panel_folder
from tests.report.pages import Page

pytestmark = pytest.mark.usefixtures("plain")
Rows = list[list[Any]]
FACTORS = (("万元", 1e4), ("thousand yuan", 1e3), ("million yuan", 1e6), ("%", 0.01))
NUMBER = re.compile(r"[+−-]?[\d,]+(\.\d+)?")


def in_page(path: Path) -> dict[str, Rows]:
    """Tables of a page by caption, headings first."""
    held = Page(path.read_text(encoding="utf-8")).tables
    return {key.strip(): [[" ".join(cell.split()) for cell in row] for row in rows]
            for key, rows in held.items()}  # fmt: skip


def in_word(path: Path) -> dict[str, Rows]:
    """Tables of a Word file by the paragraph above them."""
    found: dict[str, Rows] = {}
    above = ""
    for one in docx.Document(str(path)).iter_inner_content():
        if isinstance(one, Paragraph):
            above = one.text.strip() or above
        elif isinstance(one, WordTable):
            found[above] = [[" ".join(cell.text.split()) for cell in row.cells]
                            for row in one.rows]  # fmt: skip
    return found


def in_book(path: Path) -> dict[str, Rows]:
    """Tables of a workbook by caption, headings first."""
    found: dict[str, Rows] = {}
    for sheet in openpyxl.load_workbook(path).worksheets:
        name, held = sheet.title, []
        for row in [list(one) for one in sheet.iter_rows(values_only=True)]:
            filled = [cell for cell in row if cell is not None]
            if len(filled) == 1 and row[0] is not None and not held:
                name = str(row[0])
            elif len(filled) > 1:
                if not held:
                    held = found[name] = []
                held.append(row[: len(held[0])] if held else [c for c in row if c is not None])
            else:
                held = []
                name = str(row[0]) if row and row[0] is not None else name
    return found


def agree(text: str, value: object, factor: float) -> bool:
    """Whether a cell of a page says what the workbook has, to the last digit that it shows."""
    if value is None:
        return text in ("", "—")
    if isinstance(value, str):
        return " ".join(value.split()) in (text, text.lstrip("'")) or not NUMBER.fullmatch(text)
    found = NUMBER.fullmatch(text)
    if found is None:
        return False
    shown = float(text.replace(",", "").replace("−", "-")) * factor
    step = 10.0 ** -len(found[1] or ".") * 10 * factor
    return abs(shown - float(value)) <= 0.5 * step * (1 + 1e-9) + 1e-12  # type: ignore[arg-type]


def compare(page: dict[str, Rows], other: dict[str, Rows], exact: bool) -> tuple[int, list[str]]:
    """How many figures stand in both, and those that differ."""
    count, wrong = 0, []
    for caption in page.keys() & other.keys():
        (head, *rows), (_, *others) = page[caption], other[caption]
        width = len(head)
        factors = [next((f for unit, f in FACTORS if unit in one), 1.0) for one in head]
        names = [tuple(row[:1]) for row in rows]
        if not exact and (len(others) != len(rows) or any(len(r) < width for r in others)):
            # a page shows the ends of a long table: rows stand where they are in the workbook
            ends = {str(row[0]): row for row in others}
            if len(ends) < len(others) or any(name[0] not in ends for name in names if name[0]):
                continue
            pairs = [(row, ends[row[0]]) for row in rows if row[0] in ends]
        else:
            pairs = list(zip(rows, others, strict=False))
        for row, own in pairs:
            for text, value, factor in zip(row, own, factors, strict=False):
                told = text in ("<5", "*") or NUMBER.fullmatch(text) is not None
                count += told
                same = text == value if exact else agree(text, value, factor)
                if told and not same:
                    wrong.append(f"{caption}: {row[0]}: {text} and {value}")
    return count, wrong


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return panel_folder.make(tmp_path_factory.mktemp("same") / "d", few={(2, 1): 3})


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("projected", [True, False])
def test_a_report_says_the_same_in_page_word_and_workbook(tmp_path, lang, projected):
    folder = panel_folder.make(tmp_path / "d", projected=projected, few={(2, 1): 3})
    made = write_report(folder, tmp_path / "r.html", lang, annex=tmp_path / "a.html")
    word = write_report(folder, tmp_path / "w.docx", lang, annex=tmp_path / "x.docx")
    page, book = in_page(made.page) | in_page(tmp_path / "a.html"), in_book(made.book)
    assert in_book(word.book) == book
    count, wrong = compare(page, book, exact=False)
    assert wrong == []
    assert count > 100
    count, wrong = compare(page, in_word(word.page) | in_word(tmp_path / "x.docx"), exact=True)
    assert wrong == []
    assert count > 100


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_report_has_the_figures_of_the_settlements_tables(folder, tmp_path):
    book = in_book(write_report(folder, tmp_path / "r.html", "en").book)
    head, *rows = book["Hospitals settled, 2025"]
    wanted = {"Cases (cases)": "cases", "Cost (yuan)": "cost", "Paid (yuan)": "final",
              "Payable by DRG (yuan)": "payable", "Gain or loss (yuan)": "gain"}  # fmt: skip
    held = table(folder / "hospitals.csv")
    count = 0
    for row in rows:
        own = [one for one in held if row[0] in (one["hospital_name"], "Total")]
        for name, field in wanted.items():
            value = row[head.index(name)]
            if isinstance(value, int | float):
                count += 1
                assert value == pytest.approx(sum(float(one[field]) for one in own), abs=0.005)
    assert count >= 20
    head, *rows = book["Budget, payment and balance of the pools"]
    for row in rows:
        own = [one for one in table(folder / "pools.csv") if POOLS.get(row[0], "") in
               (one["pool"], "")]  # fmt: skip
        for name, field in (("Paid (yuan)", "final"), ("Payable by DRG (yuan)", "payable")):
            assert row[head.index(name)] == pytest.approx(sum(float(o[field]) for o in own))


POOLS = {"employees": "employee", "residents": "resident"}
# Tables of the workbook, the CSV that they come from, the columns that name a row in each of the
# two, and those of its figures: heading and field.
TABLES: list[tuple[str, str, dict[str, str], dict[str, str]]] = [
    ("Hospitals by pool", "hospitals", {"Id": "hospital_id", "Pool": "pool"}, {
        "Cases (cases)": "cases", "CMI": "case_mix_index", "Cost (yuan)": "cost",
        "Patients (yuan)": "patient", "By item (yuan)": "item", "Payable by DRG (yuan)": "payable",
        "Paid (yuan)": "final", "Gain or loss (yuan)": "gain",
    }),
    ("Budget, payment and balance of the pools", "pools", {"Pool": "pool"}, {
        "Cases (cases)": "cases", "Budget (yuan)": "budget", "Reserve (yuan)": "reserve",
        "To distribute (yuan)": "amount", "Payable by DRG (yuan)": "payable",
        "Budget cut (yuan)": "budget_cut", "Paid (yuan)": "final",
        "Balance after cut (yuan)": "balance",
    }),
    ("Pools, every scenario", "projection_pools", {"Scenario": "scenario", "Year": "year",
                                                   "Pool": "pool"}, {
        "To distribute (yuan)": "amount", "Payable by DRG (yuan)": "payable",
        "Owed at clearing (yuan)": "final_before_cut", "Balance before cut (yuan)":
        "balance_before_cut", "before cut, 95% low (yuan)": "balance_before_cut_low",
        "before cut, 95% high (yuan)": "balance_before_cut_high",
        "Overrun chance": "overrun_probability", "Budget cut (yuan)": "budget_cut",
        "Paid (yuan)": "final", "Balance after cut (yuan)": "balance",
    }),
    ("Average cost, every scenario and year", "projection_tiers", {
        "Scenario": "scenario", "Year": "year", "Tier": "tier", "Insurance": "insurance"}, {
        "Cases (cases)": "cases", "Average cost (yuan a case)": "average_cost",
        "On 2025": "change_average_cost", "Patient (yuan a case)": "average_patient",
    }),
    ("Payable and advance by month, 2025", "months", {"Month": "month"}, {
        "Cases (cases)": "cases", "Cost (yuan)": "cost", "Payable by DRG (yuan)": "payable",
        "Advance (yuan)": "advance", "Quality money (yuan)": "quality_held",
        "To be cleared (yuan)": "remainder",
    }),
]  # fmt: skip


def key_of(value: object) -> str:
    """What names a row, as the CSV has it."""
    text = str(value).split(" (")[0].removeprefix("tier ")
    return "all" if text == "region" else POOLS.get(text, text)


@pytest.mark.parametrize(("caption", "name", "keys", "fields"), TABLES, ids=[t[1] for t in TABLES])
def test_a_report_has_the_figures_of_every_table(folder, tmp_path, caption, name, keys, fields):
    head, *rows = in_book(write_report(folder, tmp_path / "r.html", "en").book)[caption]
    held: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for one in table(folder / f"{name}.csv"):
        held.setdefault(tuple(one[field] for field in keys.values()), []).append(one)
    count, found = 0, 0
    for row in rows:
        own = held.get(tuple(key_of(row[head.index(k)]) for k in keys))
        if own is None:  # a total has no row of its own
            continue
        found += 1
        for heading, field in fields.items():
            value = row[head.index(heading)]
            if isinstance(value, int | float):
                count += 1
                wanted = sum(float(one[field]) for one in own)
                assert value == pytest.approx(wanted, rel=1e-9, abs=0.005), (row, heading)
    assert found >= 2
    assert count >= len(fields)


FIGURE = re.compile(
    r"(?<![\d.])([+−-]?\d[\d,]*(?:\.\d+)?)\s?(万元|亿元|元|million yuan|thousand yuan|yuan)"
)
UNITS = {**dict(FACTORS), "亿元": 1e8, "元": 1.0, "yuan": 1.0}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_sentences_and_charts_have_the_figures_of_the_workbook(folder, tmp_path, lang):
    """Every amount of money outside the tables stands in the workbook, to the digits shown."""
    made = write_report(folder, tmp_path / "r.html", lang, annex=tmp_path / "a.html")
    values = [abs(float(cell)) for rows in in_book(made.book).values() for row in rows
              for cell in row if isinstance(cell, int | float)]  # fmt: skip
    count, wrong = 0, []
    for path in (made.page, tmp_path / "a.html"):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"<(style|script|table)\b.*?</\1>", " ", text, flags=re.DOTALL)
        text = re.sub(r"<[^>]+>", " ", text)
        for one in FIGURE.finditer(text):
            count += 1
            unit = UNITS[one[2]]
            shown = abs(float(one[1].replace(",", "").replace("−", "-"))) * unit
            step = 10.0 ** -len(one[1].partition(".")[2]) * unit
            if not any(abs(value - shown) <= 0.5 * step * (1 + 1e-9) for value in values):
                wrong.append(" ".join(text[max(0, one.start() - 60) : one.end()].split()))
    assert wrong == []
    assert count >= 8


def test_minutes_say_the_same_in_page_word_workbook_and_the_final_table(tmp_path):
    held = begin(tmp_path / "round")
    held.propose_file(REHEARSAL / "proposals.csv", WHO)
    drawn(held)
    held.vote_file(REHEARSAL / "votes.csv", WHO)
    held.tally(WHO)
    held.close(WHO, decimals=4, despite="演练")
    with without_font():
        made = write_minutes(held, tmp_path / "m.html")
        word = write_minutes(held, tmp_path / "w.docx")
    page, book = in_page(made.page), in_book(made.book)
    assert in_book(word.book) == book
    for other, exact in ((book, False), (in_word(word.page), True)):
        count, wrong = compare(page, other, exact)
        assert wrong == []
        assert count > 200
    head, *rows = book["全部病组的权重与支付"]
    final = {one["drg"]: float(one["weight"]) for one in table(held.folder / FINAL)}
    assert {row[0]: row[head.index("最终")] for row in rows} == pytest.approx(final, abs=1e-9)
    closed = held.state.closed
    assert closed is not None
    impact = held.impact(closed["changes"], "none")
    write_impact(tmp_path / "tables", impact, [])
    files = {path.stem: table(path) for path in (tmp_path / "tables").glob("*.csv")}
    names = {one["hospital_name"]: one for one in files["impact_hospitals"]}
    head, *rows = next(rows for caption, rows in book.items() if "清算支付的变化，按" in caption)
    count = 0
    for row in rows:
        if row[0] in names and isinstance(row[-1], float):
            count += 1
            for name, field in (("原支付（元）", "final_before"), ("现支付（元）", "final_after")):
                assert row[head.index(name)] == float(names[row[0]][field])
    assert count > 10
