"""Help, usage errors and what commands print are in the reader's language."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import drg
from drg.terminal import width, wrapped
from tests.conftest import DATA

COMMAND = "from drg.cli import main; main()"
TREE = """
import contextlib, io, json, sys, typer.main
from drg.cli import app
root = typer.main.get_command(app)
def walk(command, path):
    yield path, command
    for name in command.list_commands(None) if hasattr(command, "commands") else ():
        yield from walk(command.get_command(None, name), [*path, name])
def said(*words):
    with io.StringIO() as text, contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        with contextlib.suppress(SystemExit):
            root.main(words, prog_name="drg")
        return text.getvalue()
print(json.dumps({
    "said": [said(*words) for words in json.loads(sys.argv[1])],
    "tree": [{"path": path, "help": command.help, "page": said(*path, "--help"),
              "options": [[one.name, one.help] for one in command.params]}
             for path, command in walk(root, [])]}))
"""
CHINESE = "[\u4e00-\u9fff]"
TYPERS = ("Usage", "Options", "Arguments", "Commands", "Show this", "required", "default:")
# what a reader types, or finds in a file, is no English
IDS = re.findall(
    r"\S+",
    "drg policy list group verify settle project report json svg text zh en both csv parquet "
    "mdc adrg severity status reason pool amount cases national huoqiu "
    "insurance clinical canonical front-page employee resident poor town county city province "
    "mean geometric hsrv regression gamma mixed judged halves hospitals years "
    "iqr none percentile ratio inek winsor bca sum previous "
    "scenario month spend monitor "
    "xlsx html docx deduction fixed technology payer assessment objection advance opening "
    "surplus year audit first_review second_review appeal panel final "
    "carry review keep total components cmi neutral reference asked decided accepted yuan weights "
    "closest satisfaction fairest all qy local spark yarn docs md",
)
TERMS = ("男", "女", "甲等", "医保局")


def told(code: str, *words: object, **around: str) -> subprocess.CompletedProcess[str]:
    place = {**os.environ, "PYTHONPATH": str(Path(drg.__file__).parents[1]),
             "PYTHONIOENCODING": "utf-8", **around}  # fmt: skip
    return subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True,
                          encoding="utf-8", check=False, env=place)  # fmt: skip


WRONG = {  # what is wrong, as Chinese and English say it
    ("group", "x"): ("缺少选项 '--out'。", "Missing option '--out'."),
    ("group", "--out", "x"): ("缺少参数 '", "Missing argument '"),
    ("group", "--nonsense"): ("没有选项 --nonsense", "No such option: --nonsense"),
    ("nonsense",): ("没有命令 'nonsense'", "No such command 'nonsense'."),
    ("scheme", "shw"): ("没有命令 'shw'", "No such command 'shw'"),
    ("group", "x", "y", "--out", "z"): ("多余的参数：y。", "Got unexpected extra argument"),
    ("group", "x", "--out"): ("选项 '--out' 需要一个值。", "requires an argument."),
    ("sample", "--out", "x", "--cases", "0"): ("'--cases' 的值无效：", "Invalid value for"),
    ("sample", "--out", "x", "--format", "y"): (
        "不是以下之一：'csv', 'parquet'。", "is not one of 'csv', 'parquet'."),
    ("check", "x", "--lang", "fr"): ("--lang 的值无效：应为 zh 或 en", "expected zh or en"),
    ("scheme",): ("命令：", "Commands:"),
}  # fmt: skip


@cache
def asked(lang: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told(TREE, json.dumps([*WRONG]), DRG_LANG=lang).stdout)
    assert len(found["tree"]) > 30
    return found


def test_all_help_is_chinese():
    for one in asked("zh")["tree"]:
        for name, text in [(one["path"], one["help"]), *one["options"]]:
            if name == "help":
                continue
            assert re.search(CHINESE, text), (one["path"], name)
            assert text.endswith("。"), (one["path"], name)
            files = r"[\w-]*(\.[a-z][a-z0-9]*)+"
            words = re.findall(r"\b[a-z][a-z-]+\b", re.sub(rf"{files}|--[\w-]+|\w*_\w*", "", text))
            assert not set(words) - {*IDS}, (one["path"], name)
        page = one["page"].partition("\n")[2]
        assert not [word for word in TYPERS if word in page], one["path"]
        assert one["page"].startswith("用法："), one["path"]
        assert "显示本说明。" in page
        assert max(map(width, page.splitlines())) <= 80, one["path"]


def test_all_help_is_english():
    for one in asked("en")["tree"]:
        text = one["page"]
        assert text.startswith("Usage: ")
        for term in (r"\([^()]*\)", *TERMS):  # terms of the field stand in brackets
            text = re.sub(term, "", text)
        assert not re.search(CHINESE, text), one["path"]


def test_usage_errors():
    both = zip(WRONG, asked("zh")["said"], asked("en")["said"], strict=True)
    for words, zh, en in both:
        assert WRONG[words][0] in zh
        assert WRONG[words][1] in en
        assert re.search(CHINESE, zh)
        assert ("\n错误：" in "\n" + zh) is ("Error: " in en), words
        assert ("用“drg " in zh) is ("Try 'drg " in en), words
        assert "Error" not in zh


def test_the_locale_decides_else():
    for around, title in (({"LC_ALL": "zh_CN.UTF-8"}, "用法："), ({"LC_ALL": "C"}, "Usage: "),
                          ({"LC_ALL": "zh_CN.UTF-8", "DRG_LANG": "en"}, "Usage: ")):  # fmt: skip
        assert told(COMMAND, "--help", **around).stdout.startswith(title)


def test_what_is_printed(tmp_path):
    words = ("group", DATA / "labelled.csv", "--out", tmp_path / "out.csv")
    zh = told(COMMAND, *words, DRG_LANG="zh").stderr
    for part in ("病例  ", "入组 grouped ", "覆盖组数", "与原分组一致 1,268 / 1,268"):
        assert part in zh
    counted = re.findall(r"^  (?:病例|.*grouped|invalid)\D+[\d,]+", zh, re.MULTILINE)
    assert len({width(line) for line in counted}) == 1
    assert "cases" not in zh


@given(st.text("中文，。（）[] abc-1：“”", max_size=60), st.integers(8, 30))
def test_lines_of_a_text(text, most):
    lines = wrapped(text, most)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for line in lines[1:]:
        assert line
        assert not line.startswith(" ")
    long = max((width(part) for part in re.findall(r"\[[^]]*\]|[（“]*[!-~]*[，。）：”]*", text)),
               default=0)  # fmt: skip
    assert all(width(line.rstrip()) <= max(most, long + 2) for line in lines)
