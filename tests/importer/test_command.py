"""The two commands, and what the page about them promises."""

from __future__ import annotations

import re
from pathlib import Path

import typer
from typer.testing import CliRunner

from drg.cli.scheme.exchange import export_scheme, import_scheme
from grouper.importer.kinds import KINDS
from grouper.importer.roles import MEANINGS, ROLES
from tests.importer.book import small_book, write_book

PAGE = Path(__file__).parents[2] / "docs/importing-schemes.md"

app = typer.Typer()
app.command("import")(import_scheme)
app.command("export")(export_scheme)


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_import_and_export(tmp_path):
    write_book(small_book(), tmp_path / "b.xlsx")
    done = run("import", tmp_path / "b.xlsx", "--out", tmp_path / "pack")
    assert done.exit_code == 0, done.output
    assert "7 MDC, 16 ADRG, 23 DRG" in done.output
    assert "0 errors, 0 warnings" in done.output
    done = run("export", tmp_path / "pack", "--out", tmp_path / "c.xlsx")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "c.xlsx").is_file()


def test_errors_give_one_and_leave_the_old_pack(tmp_path):
    book = small_book()
    write_book(book, tmp_path / "b.xlsx")
    run("import", tmp_path / "b.xlsx", "--out", tmp_path / "pack")
    before = (tmp_path / "pack/drg.csv").read_bytes()
    book["DRG列表"][1][0] = "坏"
    write_book(book, tmp_path / "b.xlsx")
    done = run("import", tmp_path / "b.xlsx", "--out", tmp_path / "pack")
    assert done.exit_code == 1
    assert "error: DRG列表: row 2: 坏: the group code is malformed" in done.output
    assert (tmp_path / "pack/drg.csv").read_bytes() == before
    assert not list((tmp_path / "pack").glob(".*"))


def test_the_page_lists_roles_meanings_and_findings():
    page = PAGE.read_text(encoding="utf-8")
    sheets = page.split("\n## Sheets\n")[1].split("\n## ")[0]
    named = [re.findall(r"`(\w+)`", line.split("|")[1])
             for line in sheets.splitlines() if line.startswith("| `")]  # fmt: skip
    assert [role for roles in named for role in roles] == list(ROLES)
    meanings = page.split("\nMeanings: ")[1].split("\n")[0]
    assert tuple(re.findall(r"`(\w+)`", meanings)) == MEANINGS
    listed = re.findall(r"^\| (\w+) \| `(\w+)` \| (.+) \| (.+) \|$", page, re.MULTILINE)
    assert listed == [(k.level, k.name, k.zh, k.en) for k in KINDS.values()]
