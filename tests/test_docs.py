"""The documentation says what the program does: its examples run, its tables are the code's.

``python -m tests.test_docs`` writes the tables between ``generated`` marks anew.
"""

from __future__ import annotations

import ast
import csv
import importlib
import inspect
import re
import shlex
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property, partial
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest

from drg.cases.columns import CANONICAL, SYNONYMS, read_mapping, recognise
from drg.cases.values import NUMBERS
from grouper import Grouper, load_scheme
from grouper.engine.reasons import REASONS, STATUS_TEXT, STATUSES
from grouper.scheme import rules
from grouper.scheme.compile import compiled_scheme
from grouper.scheme.model import Header
from grouper.scheme.pack import TABLES, read_header
from grouper.scheme.tables import _COLUMNS, read_tables

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
PAGES = sorted(DOCS.rglob("*.md"))
PACKAGES = ("drg", "grouper", "weights", "budget")


def name_of(page: Path) -> str:
    """The page as the index links it, such as ``weights/trim.md``."""
    return page.relative_to(DOCS).as_posix()


def text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def blocks(page: Path, *languages: str) -> list[tuple[str, str]]:
    """Fenced blocks of some languages, in order."""
    found = re.findall(
        r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return [(language, body) for language, body in found if language in languages]


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *(map(barred, row) for row in rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def barred(cell: str) -> str:
    """A cell whose code holds a bar: a table of Markdown would end the cell there."""
    cell = re.sub(
        r"`([^`]*\\\|[^`]*)`", lambda found: f"<code>{escape(found[1], quote=False)}</code>", cell
    )
    return cell.replace("\\|", "&#124;")


def code(words) -> str:
    return ", ".join(f"`{word}`" for word in words)


# Tables that the code writes


def synonyms(*titles: str) -> str:
    rows = [
        (
            f"`{name}`",
            code(s for s in SYNONYMS[name] if not s.isascii()),
            code(s for s in SYNONYMS[name] if s.isascii()),
        )
        for name in CANONICAL
        if name in SYNONYMS
    ]
    return table(titles or ("canonical", "Chinese headers", "settlement-list codes"), rows)


def statuses() -> str:
    rows = [(f"`{status}`", *STATUS_TEXT[status]) for status in STATUSES]
    return table(("status", "Chinese", "English"), rows)


def reasons() -> str:
    rows = [(f"`{r.code}`", r.zh, r.en, "yes" if r.invalid else "") for r in REASONS]
    return table(("reason", "Chinese", "English", "always invalid"), rows)


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def rooms() -> str:
    """One line a room: what it is, and its files, each named after its one idea."""
    rows = []
    for folder in sorted({path.parent for path in modules()}):
        about = ast.get_docstring(
            ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
        ) or ""  # fmt: skip
        first = " ".join(about.split("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")
        files = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
        rows.append((f"`{folder.relative_to(ROOT).as_posix()}/`", first, ", ".join(files)))
    return table(("room", "what is in it", "files"), rows)


def reference(package: str) -> Callable[[], str]:
    """The public names of a package: how each is called, and the first line of what it says."""

    def make() -> str:
        home = importlib.import_module(package)
        rows = []
        for name in home.__all__:
            held = getattr(home, name)
            rows.append((f"`{called(name, held)}`", first_line(held)))
            if not inspect.isclass(held) or name in _PLAIN:
                continue
            rows += [
                (f"`  .{called(part, found)}`", first_line(found))
                for part, found in methods(held) if part not in _INHERITED
            ]  # fmt: skip
        return table(("name", "what it is or gives"), rows)

    return make


_PLAIN = {"Scheme"}  # data to be read, listed on a page of its own
_INHERITED = {"model_post_init"}
_BY_HAND = 9  # parameters of a class that people call


def methods(held: type) -> list[tuple[str, object]]:
    """Public methods, class methods and properties that a class itself defines."""
    kinds = (property, cached_property, classmethod, staticmethod)
    return [(name, part) for name, part in vars(held).items() if not name.startswith("_")
            and (inspect.isfunction(part) or isinstance(part, kinds))]  # fmt: skip


def called(name: str, held: object) -> str:
    """A name with its parameters and defaults, without types; a property has no brackets."""
    if isinstance(held, property | cached_property):
        return name
    held = getattr(held, "__func__", held)
    parts, star = [], False
    for one in inspect.signature(held).parameters.values():
        if one.name in ("self", "cls"):
            continue
        if one.kind is one.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        star = star or one.kind is one.VAR_POSITIONAL
        mark = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
        default = "" if one.default is one.empty else f"={one.default!r}"
        parts.append(mark + one.name + default.replace("<factory>", "...").replace("|", "\\|"))
    if inspect.isclass(held) and len(parts) > _BY_HAND:  # made by the engines, not by hand
        return name
    return f"{name}({', '.join(parts)})"


def first_line(held: object) -> str:
    held = getattr(held, "__func__", getattr(held, "fget", getattr(held, "func", held)))
    about = " ".join((inspect.getdoc(held) or "").split("\n\n")[0].split())
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", about).replace("``", "`").replace("|", "\\|")


def columns() -> str:
    """The columns that come back, as the small region of the samples gives them."""
    import budget
    import grouper
    import weights
    from budget.forecast.files import project_file
    from budget.impact import tables as impact
    from drg.tables import read_table, write_table

    region = ROOT / "data_samples" / "region-small"
    cases, _ = read_table(region / "cases.csv")
    grouped = grouper.group(cases)
    fitted = weights.Calibrator(trim="ratio", shrink=True).fit(grouped.to_pandas()).table_
    scenario = budget.load_scenario(ROOT / "data_samples" / "scenario-tighter-cap.toml")
    rows = [
        ("`grouper.group(cases)`", "the cases' own, and", grouped.column_names[cases.num_columns:]),
        ("`grouper.single_code_dependence(cases)`", "",
         grouper.single_code_dependence(cases.slice(0, 200)).column_names),
        ("`weights.Calibrator().fit(grouped).table_.frame`", "", list(fitted.frame)),
    ]  # fmt: skip
    held = budget.Impacts.of(grouped, fitted, "national-default", region / "hospitals.csv", 2025)
    seen = held.at({next(iter(fitted.by_group())): 0.5})
    for name in ("hospital", "tier", "insurance", "pool", "group"):
        found = getattr(impact, f"{name}_table")(seen)
        rows.append((f"`budget.impact.tables.{name}_table(impacts.at(...))`", "", list(found)))
    rows.append(("`budget.impact.tables.who_pays(impacts.at(...))`", "",
                 list(impact.who_pays(seen))))  # fmt: skip
    with TemporaryDirectory() as folder:
        source, out = Path(folder) / "grouped.parquet", Path(folder) / "out"
        write_table(source, grouped)
        policy, hospitals = budget.load_policy("national-default"), region / "hospitals.csv"
        still = {"id": "baseline", "title": "维持", "source": "nothing is assumed", "years": 2}
        scenarios = [budget.load_scenario(still), scenario]
        project_file(source, out, fitted, policy, hospitals, 2025, scenarios, draws=20)
        budget.settle_file(source, out, fitted, policy, hospitals, 2025, cases="csv")
        for path in sorted(out.glob("*.csv")):
            by = "project_file" if path.stem.startswith(PROJECTED) else "settle_file"
            rows.append((f"`{path.name}` of `budget.{by}`", "",
                         pd.read_csv(path, nrows=0, encoding="utf-8-sig").columns))  # fmt: skip
    return table(
        ("what is called", "columns that come back"),
        [(what, f"{before} {code(names)}".strip()) for what, before, names in rows],
    )


PROJECTED = ("projection", "decomposition", "sensitivity")


def policy_keys() -> str:
    """Keys of a policy; what many rows share, selectors and names of groups, stands in the text."""
    from budget.policy.describe import allowed, every_key
    from budget.policy.groups import GroupSet
    from budget.policy.ladder import Band
    from budget.policy.rules import Rules

    shared = {*GroupSet.model_fields, *Band.model_fields}
    rows = [
        (f"`{path}`", key.zh, key.en, (allowed(key) or "").replace("an array of tables", "array"),
         key.unit, "" if key.optional else "yes")
        for path, key in every_key(Rules)
        if "." not in path or path.rpartition(".")[2] not in shared or path.startswith("assessment")
    ]  # fmt: skip
    return table(("key", "Chinese", "meaning", "allowed", "unit", "needed"), rows)


def audit_facts() -> str:
    """What rules of an audit may ask."""
    from budget.audit.vocabulary import CASE, HOSPITAL, ITEM, PAIR

    over = (("cases", CASE), ("pairs", PAIR), ("items", ITEM), ("hospitals", HOSPITAL))
    rows = [(kind, f"`{name}`", held[0], held[2], held[1])
            for kind, facts in over for name, held in facts.items()]  # fmt: skip
    return table(("over", "fact", "kind", "meaning", "含义"), rows)


def audit_rules() -> str:
    """The shipped rules of an audit."""
    from budget.audit.document import read_rules, shipped

    rules = [one for name in shipped() for one in read_rules([name])]
    rows = [(f"`{one.id}`", f"`{one.family}`", one.texts["title_en"], one.severity,
             one.texts["unknown_en"]) for one in rules]  # fmt: skip
    return table(("rule", "family", "title", "severity", "what it cannot know"), rows)


FILLED = {"text": "文字", "money": "金额（元），大于 0，如 1,200.50、￥1200、5万", "number": "数",
          "whole": "整数", "day": "日期，如 2025-03-01、2025年3月1日"}  # fmt: skip
OPEN = {"rule": "政策的规则，默认政策为：{}；也可写其他规则",
        "indicator": "政策的指标，默认政策为：{}",
        "pool": "政策的基金池，默认政策为：{}"}  # fmt: skip


def year_lists() -> str:
    """What each column of a list that people decide may say."""
    from budget.policy import load_policy
    from drg.year.lists import LISTS, choices_of

    policy = load_policy("national-default")
    rows = []
    for kind in LISTS.values():
        for one in kind.columns:
            words = choices_of(one, policy)
            said = "、".join(zh for zh, _, _ in (words or {}).values() if zh)
            what = OPEN.get(one.kind, "{}").format(said) if words else FILLED[one.kind]
            rows.append((f"{kind.zh} `{kind.code}`", one.zh, "是" if one.needed else "", what,
                         "是" if one.name in kind.key else ""))  # fmt: skip
    return table(("清单", "列", "必填", "填什么", "同一项"), rows)


GENERATED: dict[str, dict[str, Callable[[], str]]] = {
    "audit/rules.md": {"audit-facts": audit_facts, "audit-rules": audit_rules},
    "case-table.md": {"synonyms": synonyms},
    "zh/case-table.md": {
        "synonyms-zh": partial(synonyms, "列名", "中文表头", "清单字段"),
    },
    "zh/year-lists.md": {"year-lists": year_lists},
    "grouping.md": {"statuses": statuses, "reasons": reasons},
    "house.md": {"rooms": rooms},
    "policies.md": {"policy-keys": policy_keys},
    "reference.md": {
        **{package: reference(package) for package in ("grouper", "weights", "budget")},
        "columns": columns,
    },
}
MARK = r"(<!-- generated: {name} -->\n)(.*?)(<!-- end -->)"


def generated(page: str, name: str) -> str:
    found = re.search(MARK.format(name=name), text(page), re.DOTALL)
    assert found, f"{page} has no mark for {name}"
    return found[2]


@pytest.mark.parametrize(
    ("page", "name"), [(page, name) for page, names in GENERATED.items() for name in names]
)
def test_tables_are_those_of_the_code(page, name):
    again = "run python -m tests.test_docs"
    assert generated(page, name) == GENERATED[page][name](), again


# Examples


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with what the examples use."""
    for name in ("cases.csv", "hospitals.csv"):
        shutil.copy(ROOT / "data_samples/region-small" / name, tmp_path)
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    (tmp_path / "data_samples").symlink_to(ROOT / "data_samples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: str, monkeypatch, capsys) -> list[str]:
    """The output of a command of a console block."""
    words = shlex.split(command)
    if words[0] == "cat":
        return Path(words[1]).read_text(encoding="utf-8-sig").splitlines()
    from drg.cli import main

    assert words[0] == "drg"
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, command
    output = capsys.readouterr()
    return (output.out + output.err).splitlines()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_examples_run(page, place, monkeypatch, capsys):
    names: dict[str, object] = {}
    monkeypatch.setenv("DRG_LANG", "zh" if page.parent.name == "zh" else "en")
    for language, body in blocks(page, "python", "console", "bash"):
        if language == "python":
            exec(compile(body, name_of(page), "exec"), names)
            continue
        if language == "bash":
            for command in body.splitlines():
                run(command, monkeypatch, capsys)
            continue
        for step in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command, *expected = step.splitlines()
            found = run(command, monkeypatch, capsys)
            if command.startswith("cat "):
                assert found == expected, command
            missing = [line for line in expected if line not in found]
            assert not missing, (command, found)


def test_the_two_mapping_files_say_the_same(tmp_path):
    page = DOCS / "case-table.md"
    (_, toml), (_, lines), *_ = blocks(page, "toml", "csv")
    assert toml == (EXAMPLES / "region.toml").read_text(encoding="utf-8")
    (tmp_path / "region.csv").write_text(lines, encoding="utf-8")
    with (EXAMPLES / "region.csv").open(encoding="utf-8") as stream:
        names = next(csv.reader(stream))
    assert read_mapping(tmp_path / "region.csv", names) == read_mapping(
        EXAMPLES / "region.toml", names
    )


def test_the_tiny_pack_groups_its_cases():
    pack = EXAMPLES / "tiny-pack"
    scheme, findings = read_tables(pack, read_header(pack))
    assert scheme is not None
    assert (len(scheme.mdcs), len(scheme.adrgs), len(scheme.drgs), findings) == (2, 3, 5, [])
    rows = pd.read_csv(EXAMPLES / "tiny-cases.csv", dtype=str, keep_default_na=False)
    found = Grouper(pack).group(rows)
    assert list(found["drg"]) == list(rows["drg"])
    assert {drg.code for drg in scheme.drgs} < set(found["drg"])


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), (name_of(page), target)
    index = text("README.md")
    missing = [name for name in map(name_of, PAGES) if f"({name})" not in index]
    assert missing == ["README.md"]


# Case table


def section(page: str, title: str) -> str:
    return text(page).split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_column_is_described():
    rows = re.findall(
        r"^\| `(\w+)` \|.*\| ([^|]+) \|$", section("case-table.md", "Columns"), re.MULTILINE
    )
    assert [name for name, _ in rows] == list(CANONICAL)
    asked = {"diagnoses", "procedures", *compiled_scheme("chs-drg-2.0").layout.features}
    assert {name for name, use in rows if use in ("2.0", "always")} == asked - {"trauma_sites"}
    known = {*rules.NUMBERS, *rules.TEXTS, "diagnoses", "procedures"} - {"trauma_sites"}
    assert {name for name, use in rows if use != "no rule"} == known
    assert set(NUMBERS) <= set(CANONICAL)


@pytest.mark.parametrize(
    ("page", "title"), [("case-table.md", "Lists of codes"), ("zh/case-table.md", "诊断和手术操作")]
)
def test_headers_of_lists_are_recognised(page, title):
    part = text(page).split(f"### {title}")[1].split("```")[0]
    for line in part.splitlines():
        cells = line.split("|")
        if len(cells) != 6 or "`" not in line:
            continue
        principal, others, numbered = (re.findall(r"`([^`]+)`", cell) for cell in cells[2:5])
        for header in (*principal, *numbered):
            sources = recognise([header.replace("N", "3")]).sources
            assert list(sources) in (["diagnoses"], ["procedures"]), header
        for header in others:
            given = [header.replace("N", "3"), principal[0]]
            assert list(recognise(given).sources.values()) == [tuple(given[::-1])], header
            assert not recognise(given[:1]).sources, header


def one(scheme: str = "chs-drg-2.0", **cells: str) -> pd.Series:
    row = {"sex": "1", "age": "40", "diagnoses": "I10.x00x002", "procedures": "", **cells}
    return Grouper(scheme).group(pd.DataFrame([row])).iloc[0]


def test_spellings():
    for spelling in ("i10.X00X002", "Ｉ１0．x00x002", "I10·x00×002", "'I10.x00x002'"):
        assert one(diagnoses=spelling)["drg"] == "FV25", spelling
    for mark in "|,;｜，；、":
        assert one(diagnoses=f"I10.x00x002{mark}{mark}J96.000")["drg"] == "FV23", mark
    for mark in " \n/+":
        found = one(diagnoses=f"I10.x00x002{mark}J96.000")
        assert found["reason"] == "unknown_principal_diagnosis", mark
    for blank in ("", "-", "--", "---", "—", "——", "/", "无", "NULL", "None", "NaN"):
        assert one(diagnoses=blank)["reason"] == "missing_principal_diagnosis", blank
        assert one(age=blank)["status"] == "grouped", blank
    for lost in ("|J96.000", "-|J96.000"):
        assert one(diagnoses=lost)["reason"] == "missing_principal_diagnosis", lost
    for age in ("71岁", "71y", "７１", "71 岁", "NA", "\\N", "3月", "15/30", "2 15/30"):
        assert one(age=age)["status"] == "grouped", age
    for age in ("3周", "1,000", "151", "-1", "二十"):
        assert one(age=age)["reason"] == "bad_value", age


# Scheme packs


def test_the_files_of_a_pack():
    part = section("scheme-packs.md", "Files")
    found: dict[str, list[str]] = defaultdict(list)
    current = ""
    for line in part.splitlines():
        cells = line.replace("\\|", "").split("|")
        if len(cells) == 5 and "`" in line:
            current = cells[1].strip(" `") or current
            found[current] += re.findall(r"`(\w+)`", cells[2])
    assert set(found.pop("scheme.toml")) == set(Header.__dataclass_fields__)
    assert found == {file: list(columns) for file, columns in _COLUMNS.items()}
    assert set(TABLES) == set(found)


def test_the_words_of_the_rule_language():
    part = section("scheme-packs.md", "Rule language")
    rows = re.findall(r"^\| (diagnosis subject|procedure subject|flag|number|text) \| (.*) \|$",
                      part, re.MULTILINE)  # fmt: skip
    words = {kind: tuple(re.findall(r"`(\w+)`", listed)) for kind, listed in rows}
    subjects = words["diagnosis subject"] + words["procedure subject"]
    assert set(subjects) == set(rules.CODE_SUBJECTS)
    assert set(words["flag"]) == set(rules.FLAGS)
    assert words["number"] == rules.NUMBERS
    assert words["text"] == rules.TEXTS


def test_what_packs_say_of_missing_values(tmp_path):
    pack = shutil.copytree(EXAMPLES / "tiny-pack", tmp_path / "pack")
    for rule, holds in (
        ("age < 14", False),
        ("not age < 14", True),
        ("age != 14", False),
        ("age in [14]", False),
        ("department != '儿科'", True),
        ("department == '儿科'", False),
    ):
        (pack / "drg.csv").write_text(f"drg,adrg,name,rule\nER19,ER1,n,{rule}\n", encoding="utf-8")
        found = Grouper(pack).group(pd.DataFrame({"diagnoses": ["J18.900"]}))
        assert (found["drg"][0] == "ER19") is holds, rule


# Differences


def test_counts_of_the_shipped_pack():
    scheme = load_scheme("chs-drg-1.1")
    page = text("differences.md")
    mdcs = defaultdict(set)
    for (owner, name), codes in scheme.lists.items():
        for item in codes if name == "MDC" else ():
            mdcs[item].add(owner)
    mdc_of = {adrg.code: adrg.mdc for adrg in scheme.adrgs}
    outside = {
        owner: count for (owner, name), codes in scheme.lists.items() if name[0] == "D"
        and (count := sum(mdc_of[owner] not in mdcs[item] for item in codes))
    }  # fmt: skip
    listed = {item for (_, name), codes in scheme.lists.items() if name[0] == "D" for item in codes}
    mdcs = {item: owners for item, owners in mdcs.items() if owners}
    tables = [*scheme.mcc.values(), *scheme.cc.values()]
    mcc999, cc999 = (sum(t == "999" for t in held.values()) for held in (scheme.mcc, scheme.cc))
    combined = [item for item in scheme.diagnosis_names if "+" in item]
    for sentence in (
        f"all but one of {len(tables) - mcc999 - cc999:,} entries",
        f"{mcc999 + cc999} complications ({mcc999} MCC, {cc999} CC)",
        f"{sum(item not in scheme.exclusion for item in mdcs)} diagnoses that belong to an MDC",
        f"{sum(outside.values())} entries in {len(outside)} diagnosis lists",
        f"WZ1 ({outside['WZ1']}), WB1 and WR1 ({outside['WB1']} each), RT2 ({outside['RT2']})",
        f"{sum(item not in mdcs for item in scheme.diagnosis_names):,} of "
        f"{len(scheme.diagnosis_names):,} diagnosis codes",
        f"{len(set(mdcs) - listed)} codes belong to an MDC but stand in no diagnosis list",
        f"{len(scheme.diagnosis_names):,} diagnosis and {len(scheme.procedure_names):,} procedure",
        f"{len(combined):,} diagnoses exist only with both parts",
        "code list: " + ", ".join(c for c, name in scheme.diagnosis_names.items() if not name),
    ):
        assert sentence in page, sentence
    assert not [item for item in combined if item.split("+")[0] in scheme.diagnosis_names]
    assert set(tables) - set(scheme.exclusion.values()) == {"999"}
    assert not [drg for drg in scheme.drgs if "QY" in drg.code]


def test_counts_of_2_0():
    scheme = load_scheme("chs-drg-2.0")
    page = section("differences.md", "CHS-DRG 2.0")
    in_mdc = {code for (_, name), codes in scheme.lists.items() if name == "MDC" for code in codes}
    surgical = sum(drg.code[1] in "ABCDEFGHJ" for drg in scheme.drgs)
    tables = {*scheme.mcc.values(), *scheme.cc.values()}
    names, operations = scheme.diagnosis_names, scheme.procedure_names
    for sentence in (
        f"{len(scheme.mdcs)} MDC, {len(scheme.adrgs)} ADRG, {len(scheme.drgs)} DRG "
        f"({surgical} surgical), {len(scheme.mcc):,} MCC and {len(scheme.cc):,} CC in "
        f"{len(tables)} exclusion tables",
        f"{sum(not name for name in operations.values())} procedure codes have no name",
        f"{sum(code not in scheme.exclusion for code in in_mdc):,} diagnoses that belong to an MDC",
        f"{sum(code not in in_mdc for code in names):,} of {len(names):,} diagnosis codes",
    ):
        assert sentence in page, sentence
    assert f"{len(names):,} and {len(operations):,} in 2.0" in section("differences.md", "Codes")
    with_qy = load_scheme("chs-drg-2.0+qy").drgs
    assert f"{len(with_qy) - len(scheme.drgs)} optional ones" in text("grouping.md")


@pytest.mark.parametrize(
    ("cells", "drg", "reason"),
    [
        ({"procedures": "47.0100"}, "FV25", ""),
        ({"procedures": "37.5100|47.0100"}, "AA19", ""),
        ({"procedures": "47.0100|37.5100"}, "FV25", ""),
        ({"procedures": "37.51"}, "AA19", ""),
        ({"procedures": "37.519"}, "FV25", "unknown_procedure"),
        ({"diagnoses": "P22.000", "age": "0"}, "PV15", "age_days_missing"),
        ({"diagnoses": "P22.000", "age": "", "age_days": "364", "birth_weight": ""}, "PV15", ""),
        ({"diagnoses": "P22.000", "age": "0", "age_days": "500"}, "PV15", ""),
        ({"diagnoses": "x", "procedures": "37.5100"}, "AA19", "unknown_principal_diagnosis"),
        ({"diagnoses": "", "procedures": "37.5100"}, "0000", "missing_principal_diagnosis"),
        ({"birth_weight": "3.2kg"}, "FV25", ""),
        ({"sex": "7"}, "0000", "bad_value"),
        ({"age": "0.5"}, "FV25", "age_days_missing"),
        ({"diagnoses": "U82.100"}, "0000", "principal_diagnosis_in_no_mdc"),
        ({"diagnoses": "A17.000"}, "0000", "unknown_principal_diagnosis"),
    ],
)
def test_cases_of_the_differences(cells, drg, reason):
    found = one("chs-drg-1.1", **cells)
    assert (found["drg"], found["reason"]) == (drg, reason)


def test_no_page_names_a_folder_of_somebody():
    for page in PAGES:
        assert not re.search(r"/(home|Users|tmp|work|root)/", page.read_text(encoding="utf-8"))


def main() -> None:
    """Write the generated tables."""
    for page, names in GENERATED.items():
        new = text(page)
        for name, make in names.items():
            body = make()
            new = re.sub(
                MARK.format(name=name), lambda m, b=body: m[1] + b + m[3], new, flags=re.DOTALL
            )
        (DOCS / page).write_text(new, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
