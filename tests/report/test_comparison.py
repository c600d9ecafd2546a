"""Two schemes compared, for people: as text, as a page, as a workbook; ``drg scheme diff``."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from drg.cli.scheme.show import app
from drg.language import speak
from drg.page.words import Words
from drg.report.migration.sections import comparison_report
from drg.report.migration.summary import ACROSS, groups_text, summary_text
from drg.report.migration.words import Compared
from drg.terminal import width
from grouper.compare.summary import compare
from grouper.scheme.changes import read_changes
from grouper.scheme.pack import load_groups

TOWN = str(Path(__file__).parents[2] / "docs" / "examples" / "tiny-town")


@pytest.fixture(scope="module")
def told() -> Compared:
    return Compared(compare(load_groups("chs-drg-1.1"), load_groups("chs-drg-2.0")), "1.1", "2.0")


def run(*given: str) -> str:
    done = CliRunner().invoke(app, ["diff", *given])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_summary_fits_a_page_and_names_every_reused_code(told, lang):
    speak(lang)
    text = summary_text(told)
    lines = text.splitlines()
    assert len(lines) < 80
    assert max(map(width, lines)) <= ACROSS + 2
    for code in told.found.groups.reused_adrgs:
        assert any(line.startswith(f"  {code} ") or f"  {code} " in line for line in lines), code
    assert "BC2→BC1" in text
    assert "QR1→QR1+QR2" in text
    groups = groups_text(told)
    assert "BC2 脑室分流及翻修手术" in groups
    assert all(m.old[0] in groups for m in told.found.groups.drgs if m.kind == "gone")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_report_tells_summary_then_groups_then_codes(told, lang):
    report = comparison_report(told, Words(lang))
    assert [one.key for one in report.sections] == [
        "summary", "reused", "adrgs", "drgs", "complications", "exclusions", "codes",
    ]  # fmt: skip
    tables = {one.key: one for one in report.blocks() if hasattr(one, "frame")}
    assert len(tables["reused-adrg"].frame) == len(told.found.groups.reused_adrgs)
    kinds = tables["kinds"].frame
    assert kinds.iloc[0]["kept"] == 280
    assert len(tables["complications"].frame) == sum(
        map(len, told.found.complications.moves.values())
    )
    assert tables["complications"].ends == (20, 0)
    assert not tables["adrgs-all"].on_page
    told_kinds = {*tables["adrgs-changed"].frame["kind"]}
    wanted = {"改编码", "拆分", "合并", "合并（部分）", "重组", "新增", "取消"}
    english = {"renumbered", "split", "merged", "merged (in part)", "regrouped", "new", "gone"}
    assert told_kinds == (wanted if lang == "zh" else english)


def test_the_command_writes_page_workbook_and_changes(tmp_path):
    for name in ("a.html", "a.xlsx", "a.csv"):
        assert "4 changes" in run("chs-drg-1.1", TOWN, "--out", str(tmp_path / name))
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "分组方案比对：chs-drg-1.1 → " in page
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert "全部 ADRG 对照" in book.sheetnames
    assert book["全部 ADRG 对照"].max_row == 376 + 2
    assert len(read_changes(tmp_path / "a.csv")) == 4
    run("chs-drg-1.1", TOWN, "--out", str(tmp_path / "b.html"), "--lang", "en")
    assert "What became of the groups" in (tmp_path / "b.html").read_text(encoding="utf-8")
    wrong = CliRunner().invoke(app, ["diff", "chs-drg-1.1", TOWN, "--out", str(tmp_path / "a.pdf")])
    assert "unknown kind of file" in str(wrong.exception)


def test_the_command_on_two_equal_schemes_and_on_all():
    assert "are the same scheme" in run("chs-drg-1.1", "chs-drg-1.1")
    text = run("chs-drg-1.1", TOWN, "--all")
    assert "merged  FV21, FV23" in text
    assert "removed DRG FV23" in text


def test_the_command_says_when_only_names_could_be_compared(tmp_path):
    out = tmp_path / "c.html"
    text = run("chs-drg-2.0", "chs-drg-3.0", "--out", str(out))
    assert "only names could be compared" in text
    assert "MCC -> CC" not in text
    assert "AA2 心脏移植 -> 肺移植" in text
    assert 'id="complications"' not in out.read_text(encoding="utf-8")
    refused = CliRunner().invoke(
        app, ["diff", "chs-drg-2.0", "chs-drg-3.0", "--out", str(tmp_path / "c.csv")]
    )
    assert "not the codes that lead to them" in str(refused.exception)


def test_ambiguous_groups_are_told_apart(tmp_path):
    text = run("chs-drg-2.0", "chs-drg-2.0+qy", "--out", str(tmp_path / "q.csv"))
    assert "21 new" in text
    with (tmp_path / "q.csv").open(encoding="utf-8") as stream:
        assert {row["table"] for row in csv.DictReader(stream)} >= {"adrg"}
