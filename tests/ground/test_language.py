"""Errors and warnings in the reader's language, and files that are the same in every language."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drg.errors import DrgError, problem, show
from drg.language import say, speak, spoken
from drg.tables import open_table
from drg.tables.batches import Malformed
from grouper import explain_case, group_file
from grouper.explain.codes import find_case
from grouper.importer import import_tables
from grouper.scheme.rules import RuleError, parse

# Folders whose every error is said in both languages.
DONE = (
    "drg/cases",
    "drg/money",
    "drg/negotiate/rehearsal",
    "drg/negotiate/round",
    "drg/sample",
    "drg/tables",
    "grouper",
)

ROOT = Path(__file__).parents[2]
LOCALES = "DRG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"
WORD = re.compile(r"[A-Za-z]{2,}")
SENTENCE = re.compile(r"\b(or|of|to|at|an?|the)\b|[A-Za-z]{2,}(\W+[A-Za-z]{2,}){2}")


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in LOCALES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("variables", "lang"),
    [
        ({"DRG_LANG": "zh"}, "zh"), ({"DRG_LANG": "en"}, "en"), ({"DRG_LANG": " ZH_cn "}, "zh"),
        ({"DRG_LANG": "en", "LC_ALL": "zh_CN.UTF-8"}, "en"),
        ({"DRG_LANG": "fr", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"DRG_LANG": "", "LANG": "zh_TW.Big5"}, "zh"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LC_ALL": "Chinese (Simplified)_China.936"}, "zh"),
    ],
)  # fmt: skip
def test_surroundings_decide(surroundings, variables, lang):
    for name, value in variables.items():
        surroundings.setenv(name, value)
    assert spoken() == lang


def test_without_any_variable_python_says_the_locale(surroundings):
    for known, lang in (
        (("zh_CN", "UTF-8"), "zh"),
        (("de_DE", "UTF-8"), "en"),
        ((None,) * 2, "en"),
    ):
        surroundings.setattr("locale.getlocale", lambda known=known: known)
        assert spoken() == lang


def test_a_command_wins_over_the_surroundings(monkeypatch):
    monkeypatch.setenv("DRG_LANG", "en")
    speak("zh")
    assert (spoken(), say("甲", "a")) == ("zh", "甲")
    speak("")
    assert (spoken(), say("甲", "a")) == ("en", "a")


def test_a_line_in_both_languages(monkeypatch):
    def line() -> str:
        return str(problem(say("没有这个工作表", "no such sheet"), file="a.xlsx", row=3, key="drg",
                           found="x", expected=say("zh 或 en", "zh or en")))  # fmt: skip

    assert line() == "a.xlsx: row 3: drg: no such sheet: found 'x', expected zh or en"
    assert show("x" * 90).endswith("x... (90 characters)'")
    monkeypatch.setenv("DRG_LANG", "zh")
    assert line() == "a.xlsx: 第 3 行: drg: 没有这个工作表：实际为 'x'，应为 zh 或 en"
    assert show("x" * 90).endswith("x……（共 90 字）'")


def words_of(node: ast.expr) -> str:
    """The constants of a text as it is put together; what functions make is not looked into."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Call):
        return words_of(node.func)
    parts = [node.value] if isinstance(node, ast.Subscript) else ast.iter_child_nodes(node)
    return " ".join(words_of(part) for part in parts if isinstance(part, ast.expr))


def errors_in(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("problem", "DrgError"):
                yield node


def in_one_language(tree: ast.AST) -> Iterator[int]:
    """Lines of errors whose text, or what they expect, is in English only."""
    for call in errors_in(tree):
        texts = [(one, WORD) for one in call.args[:1]]
        texts += [(word.value, WORD if word.arg == "what" else SENTENCE) for word in call.keywords
                  if word.arg in ("what", "expected")]  # fmt: skip
        yield from (one.lineno for one, english in texts if english.search(words_of(one)))


def said_too_early(node: ast.AST) -> Iterator[int]:
    """Lines where ``say`` is called once and for all: at import or for a default argument."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
        yield node.lineno
    inside = getattr(node, "body", []) if isinstance(node, ast.FunctionDef | ast.Lambda) else []
    for child in ast.iter_child_nodes(node):
        if child is not inside and (not isinstance(inside, list) or child not in inside):
            yield from said_too_early(child)


@pytest.mark.parametrize(
    "text",
    [
        'problem("no such file", file=path)', 'DrgError(f"cannot read {path}")',
        'problem("a" "bc")', 'problem("no such " + what)', 'problem(say("甲", "a") + " of all")',
        'problem("no such {}".format(what))', 'errors.problem("no such file")',
        'problem(x if y else "no file")', 'problem(say("甲", "a"), expected="one of " + names)',
        'problem(x, expected="a folder that drg settle wrote")',
        'problem(x, expected=" or ".join(names))', 'problem(x, expected=f"at most {most}")',
    ],
)  # fmt: skip
def test_a_text_in_one_language_is_found(text):
    assert list(in_one_language(ast.parse(text))) == [1]


@pytest.mark.parametrize(
    "text",
    [
        'problem(say("甲", "no such file"), file="no such file")', "DrgError(str(error))",
        'DrgError(f"{path}: {error}")', "problem(what)", "problem(TEXTS['no such file'])",
        'problem(x, expected=".xlsx, .csv")', 'problem(x, expected=", ".join(ids))',
        'problem(x, expected=say("甲", "one of ") + ", ".join(ids))', "self.problem()",
    ],
)  # fmt: skip
def test_a_text_in_both_languages_is_let_through(text):
    assert not list(in_one_language(ast.parse(text)))


def test_what_is_said_too_early_is_found():
    early = 'A = say("甲", "a")\ndef f(x=say("甲", "a")):\n    return say("甲", "a")\n'
    late = 'f = lambda: say("甲", "a")\nclass A:\n    def f(self):\n        return say("甲", "a")\n'
    assert list(said_too_early(ast.parse(early))) == [1, 2]
    assert list(said_too_early(ast.parse(late))) == []


@pytest.mark.parametrize("folder", DONE)
def test_every_error_is_said_in_both_languages(folder):
    trees = {path: ast.parse(path.read_text(encoding="utf-8"))
             for path in sorted((ROOT / folder).rglob("*.py"))}  # fmt: skip
    assert trees
    for find in (in_one_language, said_too_early):
        found = [f"{path.relative_to(ROOT)}:{line}" for path, tree in trees.items()
                 for line in find(tree)]  # fmt: skip
        assert not found, find.__doc__


@pytest.fixture
def drg(tmp_path):
    """The command, in Chinese and in a folder of its own; gives what it says."""
    (tmp_path / "in.csv").write_text("sex,age,diagnoses\n1,40,I10.x00x002\n1,40\n", "utf-8")

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "from drg.cli import main; main()", *words], cwd=tmp_path,
            capture_output=True, text=True, encoding="utf-8", check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DRG_LANG": "zh"},
        )  # fmt: skip
        return done.stdout + done.stderr

    return run


def test_lines_of_the_command(drg, tmp_path):
    """A missing file, an unknown column, a broken row."""
    group = "group", "in.csv", "--out", "out.csv"
    assert drg("group", "none.csv", "--out", "out.csv") == "drg: none.csv: 没有这个文件\n"
    (tmp_path / "map.toml").write_text('total_cost = "总额"\n', "utf-8")
    assert drg(*group, "--mapping", "map.toml") == (
        "drg: map.toml: total_cost: 表中没有这一列：实际为 '总额'，"
        "应为 下列之一：sex, age, diagnoses\n"
    )
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "scheme.toml").write_text(
        'id = "a"\ntitle = "a"\nversion = "1"\nsource = "a"\nextends = "chs-drg-1.1"\n', "utf-8"
    )
    (tmp_path / "local" / "changes.csv").write_text(
        "change,table,code,name,place,rule,after,was\nreplace,drg,BR11,,,,,\n", "utf-8"
    )
    assert drg(*group, "--scheme", "local").endswith(
        "changes.csv: 第 2 行: 没有这个词：实际为 'replace'，应为 下列之一：add, remove, change\n"
    )


def test_columns_that_are_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("DRG_LANG", "zh")
    source = tmp_path / "in.csv"
    source.write_text("性别,年龄\n1,40\n", "utf-8")
    with pytest.raises(DrgError, match=r"表头中没有 'diagnoses' .*（已识别：sex, age）；请在映射"):
        group_file(source, tmp_path / "out.csv")


def test_what_a_row_holds_is_said_in_the_language_of_the_explanation(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("sex,age,diagnoses\n1,40,I10.x00x002,,\n", "utf-8")
    broken = explain_case(diagnoses="I10.x00x002", age="abc", sex="q")
    assert "无法识别的值：age = 'abc'; 应为 0 至 150 的数" in broken.text("zh")
    assert "无法识别的值：sex = 'q'; 应为 1 或男、2 或女" in broken.text("zh")
    assert "cannot be read: age = 'abc'; expected a number from 0 to 150" in broken.text("en")
    assert broken.document("en")["bad_values"][1][2].startswith("expected 1 or ")
    case = find_case(source, row=2).case
    assert case.spoilt[0].reason == "found 5 fields, expected 3"
    assert case.spoilt[0].zh == "有 5 个字段，应为 3 个"


@pytest.mark.parametrize(
    "text", ["sex,age\n1,2,3\n", 'sex,age\n"1,2\n', "sex,age\n男,\udcff\udcfe\udcff\n"]
)
def test_every_reason_of_a_broken_row_is_there_in_chinese(tmp_path, text):
    source = tmp_path / "in.csv"
    source.write_bytes(text.encode("utf-8", "surrogateescape"))
    with open_table(source) as table:
        found: list[Malformed] = [m for block in table.blocks() for m in block.load().malformed]
    assert found
    assert all(re.search("[\u4e00-\u9fff]", one.zh) and one.reason.isascii() for one in found)


@pytest.mark.parametrize(
    ("rule", "zh"),
    [
        ("age <", '应为数字，实际为规则结尾（"age <" 第 6 个字符）'),
        ("mcc mcc", "应为'and'、'or' 或规则结尾，实际为'mcc'（\"mcc mcc\" 第 5 个字符）"),
        ("age ! 3", "不应有 '!'（\"age ! 3\" 第 5 个字符）"),
    ],
)  # fmt: skip
def test_faults_of_rules(monkeypatch, rule, zh):
    monkeypatch.setenv("DRG_LANG", "zh")
    with pytest.raises(RuleError) as caught:
        parse(rule)
    assert str(caught.value) == caught.value.zh == zh


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip


def test_files_are_the_same_in_every_language(monkeypatch, tmp_path):
    source, tables, written = tmp_path / "in.csv", tmp_path / "tables", []
    source.write_text("sex,age,diagnoses\n1,40,I10.x00x002\n1,40\nq,abc,I10\n1,2,zzz\n", "utf-8")
    tables.mkdir()
    (tables / "drg.csv").write_text("DRG编码,DRG名称,规则\nBR11,颅内出血,age <\nBR1,x,\n", "utf-8")
    for lang in ("zh", "en"):
        monkeypatch.setenv("DRG_LANG", lang)
        folder = tmp_path / lang
        folder.mkdir()
        group_file(source, folder / "out.csv")
        done = import_tables(tables, folder / "pack")
        book = done.report
        assert done.text.splitlines()[-1].startswith("错误: " if lang == "zh" else "error: ")
        assert book.is_file()
        book.unlink()  # a workbook's archive is compared elsewhere
        written.append(files_of(folder))
    assert written[0] == written[1]
    assert {"out.csv", "out.csv.rejects.csv", "out.csv.run.json"} <= written[0].keys()
    assert "rule_syntax" in written[0]["pack/import-report.csv"].decode()
