"""The picture and the table of a migration between schemes, and the command that writes them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from drg.cli.scheme.show import app
from drg.plots import chinese_font, save
from drg.report.migration.moves import write_moves
from drg.report.migration.picture import draw
from grouper.engine.migration import Migration

CASES = {("A1", "A1"): 50, ("A1", "B1"): 30, ("A3", "B1"): 12, ("A3", "B3"): 5, ("C9", "C1"): 4,
         ("<x>", "$y$"): 6}  # fmt: skip
FOUND = Migration("旧", "新", CASES, {pair: 100 * n for pair, n in CASES.items()}, has_cost=True)
NAMES = {"A1": "名一", "A3": "很长的名称" * 30, "C9": "名九"}, {"B1": "名二", "$y$": "=1+1"}
REGION = Path(__file__).parents[2] / "data_samples" / "region-small"


def texts(path: Path) -> list[str]:
    root = ET.parse(path).getroot()
    return ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.skipif(chinese_font() is None, reason="no Chinese font: install fonts-noto-cjk")
def test_the_picture_names_groups_and_hides_few_cases(tmp_path):
    for name in ("a", "b"):
        for ending in (".svg", ".png", ".pdf"):
            save(draw(FOUND, NAMES), tmp_path / f"{name}{ending}")
    for ending in (".svg", ".png", ".pdf"):
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()
    found = texts(tmp_path / "a.svg")
    assert "名一 A1  30 例" in found
    assert "B1  42 例 名二" in found
    assert any("很长的名称" in one and "…" in one and "A3  17 例" in one for one in found)
    assert "<x>  6 例" in found
    assert "$y$  6 例 =1+1" in found
    assert not any("C9" in one for one in found)
    assert any("57 / 107 例换组" in one and "4 条去向（53 例）" in one for one in found)


def test_a_picture_without_any_move(tmp_path):
    save(
        draw(Migration("a", "b", {("A", "A"): 9, ("A", "B"): 4}), ({}, {}), "en"),
        tmp_path / "x.svg",
    )
    assert any("shown: 0 moves" in one for one in texts(tmp_path / "x.svg"))


def test_the_table_as_a_workbook(tmp_path):
    write_moves(tmp_path / "m.xlsx", FOUND, NAMES)
    book = openpyxl.load_workbook(tmp_path / "m.xlsx")
    heads, *rows = book["换组明细"].iter_rows(values_only=True)
    assert heads[:6] == ("原病组", "原病组名称", "新病组", "新病组名称", "换组", "病例数")
    assert rows[1] == ("A1", "名一", "B1", "名二", "是", 30, 0.375, 30)
    assert ("<x>", "", "$y$", "'=1+1", "是", 6, 1, 6) in rows
    assert book["说明"]["B5"].value == "57"


def test_the_command(tmp_path):
    changes = Path(__file__).parents[2] / "docs" / "examples" / "tiny-town"
    cases, picture, moves = REGION / "cases.csv", tmp_path / "m.png", tmp_path / "m.xlsx"
    given = ["diff", "chs-drg-1.1", str(changes), "--cases", str(cases)]
    done = CliRunner().invoke(app, [*given, "--picture", str(picture), "--moves", str(moves)])
    assert done.exit_code == 0, (done.output, done.exception)
    assert picture.read_bytes().startswith(b"\x89PNG")
    rows = list(openpyxl.load_workbook(moves)["换组明细"].iter_rows(values_only=True))
    assert sum(row[5] for row in rows[1:]) == 5000
    assert all(row[1] for row in rows[1:])
    wrong = CliRunner().invoke(app, [*given, "--picture", str(tmp_path / "m.gif")])
    assert "m.gif" in str(wrong.exception)
