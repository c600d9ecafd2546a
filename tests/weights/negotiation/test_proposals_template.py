"""The form as a clerk sees it: lists to choose from, groups to look up, examples that work."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest
from proposals_city import DRAFT, HOSPITALS, cases, city

from drg.errors import DrgError
from weights.negotiation.proposals.file import read_proposals
from weights.negotiation.proposals.guide import EXAMPLES, NOTES
from weights.negotiation.proposals.judge import propose
from weights.negotiation.proposals.template import HEADER, ROWS, group_figures, write_template
from weights.negotiation.proposals.words import COLUMNS, heading
from weights.table import WeightTable


@pytest.fixture(params=["zh", "en"])
def form(request, tmp_path):
    write_template(tmp_path / "form.xlsx", city(), title="第一轮", lang=request.param)
    return request.param, openpyxl.load_workbook(tmp_path / "form.xlsx")


def test_the_form(form):
    lang, book = form
    page = book.worksheets[0]
    heads = [cell.value for cell in page[HEADER + 1]]
    assert heads[: len(COLUMNS)] == [heading(name, lang) for name in COLUMNS]
    assert page.freeze_panes == f"D{HEADER + 2}"
    assert "第一轮" in page["A1"].value
    rules = {str(rule.sqref): rule for rule in page.data_validations.dataValidation}
    first, last = HEADER + 2, HEADER + 1 + ROWS
    party = rules[f"A{first}:A{last}"]
    assert party.formula1 == (
        '"医疗机构,专家组,医保局"' if lang == "zh" else '"hospital,panel,bureau"'
    )
    assert rules[f"D{first}:D{last}"].formula1.count(",") == 3
    groups = book.worksheets[2].title
    assert rules[f"C{first}:C{last}"].formula1 == f"'{groups}'!$A$2:$A$6"
    assert rules[f"B{first}:B{last}"].type == "list"
    for name, column in zip(COLUMNS, "ABCDEFGHI", strict=True):
        rule = rules[f"{column}{first}:{column}{last}"]
        assert rule.prompt == NOTES[lang][name]
        assert len(rule.prompt) <= 255
        assert page[f"{column}{first}"].number_format == "@"
    assert "VLOOKUP" in page[f"J{first}"].value


def test_an_empty_form_has_no_proposals(form, tmp_path):
    found, rejects = read_proposals(tmp_path / "form.xlsx", city())
    assert not found
    assert rejects.empty


def test_the_groups(form):
    _, book = form
    rows = [[cell.value for cell in row] for row in book.worksheets[2].iter_rows(min_row=2)]
    assert [row[0] for row in rows] == [drg for drg in DRAFT if DRAFT[drg]]
    assert rows[0] == ["ES23", "肺炎伴并发症", 1.2, 100, 9000.5, 0.5, 0.7, 1.4]
    assert rows[1][1] == "'=1+1"
    assert rows[3] == ["ZZ11", "少见", 2, "<5", None, None, None, None]
    hospitals = [[cell.value for cell in row] for row in book.worksheets[3].iter_rows(min_row=2)]
    assert hospitals == [list(pair) for pair in HOSPITALS.items()]


def test_nothing_is_run_but_the_looking_up(form):
    _, book = form
    formulas = [cell.value for page in book for row in page.iter_rows() for cell in row
                if cell.data_type == "f"]  # fmt: skip
    assert len(formulas) == 2 * ROWS
    assert all(formula.startswith("=IFERROR(VLOOKUP(C") for formula in formulas)


def test_figures_come_from_cases_where_the_draft_has_none():
    bare = WeightTable("w", pd.DataFrame({"drg": ["ES23", "ZZ11", "XX11"], "weight": [1.2, 2, 1]}))
    first, small, none = group_figures(city(weights=bare))
    costs = cases()[cases()["drg"] == "ES23"]["total_cost"]
    assert first["cases"] == 100
    assert first["mean_cost"] == pytest.approx(costs.mean())
    assert first["cv"] == pytest.approx(costs.std() / costs.mean())
    assert (small["cases"], small["mean_cost"], small["cv"]) == ("<5", None, None)
    assert none["cases"] == 0
    (unknown, *_) = group_figures(city(weights=bare, cases=None))
    assert unknown["cases"] is unknown["mean_cost"] is None


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_example_is_read(lang):
    dear = city(cases=cases().assign(total_cost=cases()["total_cost"] * 15))
    for what, value, _ in EXAMPLES[lang]:
        one = propose(dear, party="bureau", drg="ES23", what=what, value=value, reason="因")
        assert one.asked > 0


def test_the_same_form_has_the_same_bytes(tmp_path):
    for name in ("a.xlsx", "b.xlsx"):
        write_template(tmp_path / name, city())
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_what_cannot_be_written(tmp_path):
    for name, lang, said in (("a.csv", "zh", "xlsx"), ("a.xlsx", "fr", "language"),
                             ("no/a.xlsx", "zh", "a.xlsx")):  # fmt: skip
        with pytest.raises(DrgError, match=said):
            write_template(tmp_path / name, city(), lang=lang)
    assert not list(tmp_path.iterdir())
