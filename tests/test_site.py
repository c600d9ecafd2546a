"""The documentation as a site, and the READMEs: whole, offline, short, true, in both languages."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

import budget
from grouper.quality import check_file
from weights import WeightTable

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh-CN.md")
CHINESE = ["README.zh-CN.md", *sorted(f"docs/zh/{path.name}" for path in ROOT.glob("docs/zh/*.md"))]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site: a link that leads nowhere, or a page that is not in the navigation, ends it."""
    pytest.importorskip("material", reason="mkdocs-material is missing: pip install '.[tests]'")
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", out],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_every_page_is_built(site):
    for page in ROOT.glob("docs/**/*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert (site / name.replace("README.html", "index.html")).is_file(), name


def test_pages_load_nothing_from_a_network(site):
    loaded = re.compile(
        r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//"
        r"|<link\b[^>]*\bhref=[\"']?(?:https?:)?//"
        r"|@import[^;]*//|url\([\"']?(?:https?:)?//"
    )
    for path in [*site.rglob("*.html"), *site.rglob("*.css")]:
        found = loaded.search(path.read_text(encoding="utf-8"))
        assert not found, (path, found)


def test_pages_show_what_was_written(site):
    for path in site.rglob("*.html"):
        page = path.read_text(encoding="utf-8").partition("<article")[2].partition("</article>")[0]
        for paragraph in re.findall(r"<p>(.*?)</p>", page, re.DOTALL):
            assert "```" not in paragraph, path  # a fence with two words is no fence
            assert not re.search(r"\n([-*]|\d+\.) |\n\|", paragraph), (path, paragraph)
        assert not re.search(r"<code>[^<]*\\\|", page), path  # write &#124; in a table


@pytest.mark.parametrize("name", CHINESE)
def test_chinese_pages_are_chinese(name):
    prose = re.sub(r"^```.*?^```$", "", text(name), flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"`[^`\n]*`|\]\([^)]*\)|<!--.*?-->", "", prose)
    assert not re.search(r"(?:\b[A-Za-z'-]+[ ,;:]+){4}[A-Za-z]+", prose)
    # a line break inside a paragraph is shown as a blank
    assert not re.search(
        r"^[^|#\n-][^\n]*[，。；：、\u4e00-\u9fff]\n[\u4e00-\u9fff“]", prose, re.MULTILINE
    )


# READMEs


def shell(name: str) -> list[str]:
    """Command lines without their remarks."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", text(name), re.MULTILINE | re.DOTALL)
    return [re.sub(r"\s+# .*", "", line) for block in blocks for line in block.splitlines()]


def rows(name: str) -> list[list[str]]:
    """The table of what is read and what is not."""
    return [line.strip("| ").split(" | ") for line in text(name).splitlines()
            if line.startswith("| ") and line.count(" | ") == 2][1:]  # fmt: skip


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_readmes_are_short_and_say_the_same():
    for name in READMES:
        assert len(text(name).splitlines()) <= 120, name
        assert re.search(r"!\[[^\]]+\]\(docs/images/report\.png\)", text(name))
    english, chinese = READMES
    assert shell(english) == shell(chinese)
    assert len(shell(english)) > 6
    found, other = ([[words(cell) for cell in row[1:]] for row in rows(name)] for name in READMES)
    assert found == other
    assert len(found) == 7
    assert (ROOT / "docs/images/report.png").stat().st_size < 150_000


_PLAIN = {"病案号": "1", "性别": "1", "年龄": "40", "主要诊断编码": "I10.x00x002", "离院方式": "1",
          "出院时间": "2025-01-03", "住院总费用": "900"}  # fmt: skip
_FOUND_BY = {
    0: ("出院时间", "unreadable_date"),
    1: ("住院总费用", "unreadable_amount"),
    3: ("离院方式", "discharge_mode_unknown"),
    4: ("性别", "unreadable_patient_value"),
    5: ("年龄", "unreadable_patient_value"),
    6: ("主要诊断编码", "unknown_principal_diagnosis"),
}


def faults(path: Path, column: str, cells: Sequence[str], rule: str) -> int:
    """How many cells a quality check finds fault with."""
    cases = [_PLAIN | {column: cell, "病案号": str(place)} for place, cell in enumerate(cells)]
    pd.DataFrame(cases).to_csv(path, index=False)
    found = {one.code: count for one, _, count in check_file(path).rules()}
    return found[rule]


@pytest.mark.parametrize("place", _FOUND_BY)
def test_the_readme_says_what_is_read(tmp_path, place):
    column, rule = _FOUND_BY[place]
    read, unread = map(words, rows("README.md")[place][1:])
    assert faults(tmp_path / "read.csv", column, read, rule) == 0
    assert faults(tmp_path / "unread.csv", column, unread, rule) == len(unread)


def test_the_readme_says_which_insurance_is_read():
    read, unread = map(words, rows("README.md")[2][1:])
    cases = pd.DataFrame({"drg": "A", "hospital_id": "H", "discharge_date": "2025-01-03",
                          "total_cost": 900, "insurance": [*read, *unread]})  # fmt: skip
    table = WeightTable("t", pd.DataFrame({"drg": ["A"], "weight": [1.0]}))
    hospitals = pd.DataFrame({"hospital_id": ["H"], "tier": [2]})
    settled = budget.settle(cases, table, "national-default", hospitals, 2025)
    assert settled.unsettled["no_insurance"][0] == len(unread)
