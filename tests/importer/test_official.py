"""The official workbook of 3.0: imported as published, and grouped as its own cells say."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from drg.cli.scheme.show import app
from grouper import Grouper, load_scheme
from grouper.explain.case import Explainer, case_of
from grouper.importer import import_tables
from grouper.importer.export import export_workbook, read_marks
from grouper.importer.official.complete import shipped_list
from grouper.importer.official.language import read_rule
from grouper.scheme import rules
from grouper.scheme.pack import SHIPPED
from tests.amount import tries
from tests.importer.book import Book, small_book, write_book
from tests.importer.official_book import Cells, official_book, row_of, write_official
from tests.reference import Case, Reference

FACTS = Path(__file__).parents[3] / "shared/facts/chs-drg-3.0"
EXAMPLES = Path(__file__).parents[2] / "docs/examples"
published = pytest.mark.skipif(
    not FACTS.is_dir(), reason="the excerpts of the official workbook are not on this machine"
)
EXCERPTS = ("official-3.0-excerpt", "official-3.0-excerpt-first-edition")
SEEDED = "official-3.0-all-rules-seeded"


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """The small workbook and its pack."""
    folder = tmp_path_factory.mktemp("official")
    done = import_tables(write_official(official_book(), folder / "b.xlsx"), folder / "pack")
    assert done.written, done.text
    return folder


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> Callable[[str], tuple[Path, Path]]:
    """Files of the facts, imported once each: workbook and pack."""
    folder = tmp_path_factory.mktemp("published")

    def bring(name: str) -> tuple[Path, Path]:
        source, out = FACTS / f"{name}.xlsx", folder / name
        if not out.is_dir():
            done = import_tables(source, out)
            assert done.written, done.text
            assert not done.of("error")
        return source, out

    return bring


def frame(cases: list[Case]) -> pd.DataFrame:
    def text(value: float) -> str:
        return "" if math.isnan(value) else f"{value:g}"

    return pd.DataFrame({
        "diagnoses": ["|".join(case.diagnoses) for case in cases],
        "procedures": ["|".join(case.procedures) for case in cases],
        **{name: [text(getattr(case, name)) for case in cases]
           for name in ("sex", "age", "age_days", "admission_weight")},
    })  # fmt: skip


def agree(book: Path, pack: Path, number: int, seed: int) -> set[str]:
    """Compare engine, reference, explanation and the workbook's own cells; gives the groups."""
    cells, reference = Cells(book), Reference(pack)
    cases = cells.cases(number, seed)
    rows = frame(cases)
    found = list(Grouper(pack).group(rows)["drg"])
    for case, drg in zip(cases, found, strict=True):
        assert drg == cells.group(case), case
        assert drg == reference.group(case)[2], case
    explainer = Explainer(pack)
    records = rows.to_dict("records")
    for record, drg in list(zip(records, found, strict=True))[:: max(1, number // tries(600, 100))]:
        path = explainer.tracer.trace(case_of(record)).path
        assert (path[-1].code if path else "0000") == drg, record
        assert drg in explainer.explain(case_of(record)).text("zh"), record
    return set(found)


# The small workbook


def test_rules_lists_and_order_of_the_small_workbook(small):
    scheme = load_scheme(small / "pack")
    assert [mdc.code for mdc in scheme.mdcs] == ["MDC" + letter for letter in "APZHIMO"]
    rule = {group.code: group.rule for group in (*scheme.drgs, *scheme.adrgs, *scheme.mdcs)}
    assert rule["MDCA"] == rule["ZZ1"] == rule["HC45"] == rule["H00"] == rule["H000"] == "true"
    assert rule["MDCZ"] == "other_trauma_site"
    assert rule["MDCH"] == "principal_diagnosis in MDC"
    assert rule["MDCM"] == "principal_diagnosis in MDC and sex == male"
    assert rule["PS2"] == (
        "age_days < 29 and admission_weight >= 1000 and admission_weight <= 1499 and "
        "any_diagnosis in D1"
    )
    assert rule["AC1"] == (
        "(principal_procedure in P1 and any_procedure in P2) or "
        "(principal_procedure in P2 and any_procedure in P1)"
    )
    assert rule["IC2"] == "count(any_procedure in P1) >= 2 and principal_procedure in P1"
    assert rule["IC3"] == (
        "principal_procedure in IC2:P1 or "
        "(principal_procedure in P1 and not secondary_procedure in OP_ALL)"
    )
    assert rule["IZ1"] == "principal_diagnosis in MDC"
    # DI_OB1 stands beside DI1_OB1 and DI2_OB1
    assert rule["OB1"] == (
        "(secondary_diagnosis in D2 or (principal_diagnosis in D3 and secondary_diagnosis in D1))"
        " and principal_procedure in P1"
    )
    assert rule["OB11"] == "principal_diagnosis in DI_OBD or mcc"
    assert rule["HC30"] == "any_procedure in OP_ARB"
    assert rule["HC4F"] == "(mcc or cc) and age >= 70"
    assert rule["ZJ1"] == rule["HQY"] == "principal_procedure_valid"
    assert "not principal_procedure_valid" in rule["MDCP"]
    order = [adrg.code for adrg in scheme.adrgs if adrg.mdc == "MDCH"]
    assert order == ["HC3", "HC4", "HQY", "HR1", "HZ1", "H00"]
    assert [drg.code for drg in scheme.drgs if drg.adrg == "OB1"] == ["OB11", "OB15"]
    assert not {"000", "0000"} & rule.keys()
    assert scheme.trauma_sites["S27.100"] == "Z02"
    assert scheme.lists["MDCH", "MDC"] == tuple(sorted(scheme.lists["MDCH", "MDC"]))
    assert len(scheme.grouping_procedures) == 12
    assert scheme.mcc["K81.002"] == "EX_67"
    assert scheme.exclusion["K80.302"] == "EX_67"


def test_codes_that_the_workbook_does_not_mention_are_known(small):
    scheme, edition = load_scheme(small / "pack"), load_scheme("chs-drg-2.0")
    assert edition.diagnosis_names.keys() <= scheme.diagnosis_names.keys()
    assert edition.procedure_names.keys() <= scheme.procedure_names.keys()
    assert scheme.diagnosis_names["K80.302"] == "胆总管结石伴胆管炎"


def test_the_small_workbook_is_grouped_as_its_cells_say(small):
    seen = agree(small / "b.xlsx", small / "pack", tries(9_000, 3_000), seed=3)
    assert {drg.code for drg in load_scheme(small / "pack").drgs} - seen <= {"H000", "I000"}


def test_ambiguous_and_none_have_their_status(small):
    cases = [Case(["C22.000"], ["47.0100"], 1, 50), Case(["P07.100"], [], 1, 0, 5)]
    found = Grouper(small / "pack").group(frame(cases))
    assert list(found["drg"]) == ["HQY", "P000"]
    assert list(found["status"]) == ["ambiguous", "ungrouped"]


def test_the_example_of_the_page_is_the_small_workbook(small, tmp_path):
    import_tables(EXAMPLES / "official-small.xlsx", tmp_path / "pack")
    for name in ("adrg.csv", "diagnoses.csv", "procedures.csv"):
        assert (tmp_path / "pack" / name).read_bytes() == (small / "pack" / name).read_bytes()


def test_the_first_edition_says_the_same(small, tmp_path):
    book = write_official(official_book(), tmp_path / "b.xlsx", first_edition=True)
    import_tables(book, tmp_path / "pack")
    for name in ("mdc.csv", "adrg.csv", "drg.csv", "diagnoses.csv", "procedures.csv"):
        assert (tmp_path / "pack" / name).read_bytes() == (small / "pack" / name).read_bytes()


def test_layout_does_not_matter(small, tmp_path):
    """Titles above, blank rows, more columns, other order of sheets and rows."""
    book = official_book()
    for name in ("ADRG", "集合"):
        book[name] = [["标题"], [], *book[name]]
    book["CC"] = [[row[3], "", *row[:3], "备注"] for row in book["CC"]]
    book["ADRG"][4:] = reversed(book["ADRG"][4:])
    book["说明"] = [["本表"]]
    book["MDC"][-1][0] = book["DRG"][1][0] = 0  # 0000 as Excel likes to have it
    book = dict(reversed(book.items()))
    done = import_tables(write_book(book, tmp_path / "b.xlsx"), tmp_path / "pack")
    assert done.written, done.text
    for name in ("adrg.csv", "drg.csv", "diagnoses.csv", "procedures.csv"):
        assert (tmp_path / "pack" / name).read_bytes() == (small / "pack" / name).read_bytes()


def test_overlapping_sites_are_kept_clause_by_clause(tmp_path):
    book = official_book()
    book["集合"].append(["DI_Z03", "S06.500", "", "DI"])
    path = write_official(book, tmp_path / "b.xlsx")
    done = import_tables(path, tmp_path / "pack")
    assert done.written, done.text
    scheme = load_scheme(tmp_path / "pack")
    assert not scheme.trauma_sites
    assert "secondary_diagnosis in DI_Z03" in scheme.mdcs[2].rule
    assert {"ZJ19", "ZZ19"} <= agree(path, tmp_path / "pack", 600, seed=5)


def test_other_workbooks_go_the_general_way(tmp_path):
    done = import_tables(write_book(small_book(), tmp_path / "b.xlsx"), tmp_path / "pack")
    assert done.written
    assert not done.lines


def test_export_and_import_again(small, tmp_path):
    scheme = load_scheme(small / "pack")
    export_workbook(scheme, tmp_path / "x.xlsx", read_marks(small / "pack"))
    done = import_tables(tmp_path / "x.xlsx", tmp_path / "again")
    assert done.written, done.text
    again = load_scheme(tmp_path / "again")
    for name in ("mdcs", "adrgs", "drgs", "mcc", "cc", "exclusion", "grouping_procedures"):
        assert getattr(again, name) == getattr(scheme, name), name
    assert {k: set(v) for k, v in again.lists.items()} == {
        k: set(v) for k, v in scheme.lists.items()
    }


# Damage


def put(sheet: str, code: str, column: int, value: str, key: int = 0):
    """Write a cell of the row that begins with a code."""

    def damage(book: Book) -> str:
        number = row_of(book, sheet, code, key)
        book[sheet][number - 1][column] = value
        return f"{sheet}!{'ABCDEF'[column]}{number}"

    return damage


def add(sheet: str, column: int, *cells: str):
    """Add a row; the finding is about one of its cells."""

    def damage(book: Book) -> str:
        book[sheet].append(list(cells))
        return f"{sheet}!{'ABCDEF'[column]}{len(book[sheet])}"

    return damage


ERRORS = [
    ("rule_syntax", put("ADRG", "HC4", 2, "ZYSS im OP_HC4")),
    ("rule_syntax", put("ADRG", "HC4", 2, "(ZYSS in OP_HC4")),
    ("rule_syntax", put("ADRG", "HC4", 2, "ZYSS in OP_HC4 and")),
    ("rule_syntax", put("ADRG", "HC4", 2, "ZYSX in OP_HC4")),
    ("rule_syntax", put("ADRG", "HC4", 2, "ZYSS in OPHC4")),
    ("rule_syntax", put("ADRG", "HR1", 2, "ZYZD in OP_HC4")),
    ("rule_syntax", put("ADRG", "HR1", 2, "{ZYZD, ZYSS} in DI_HR1")),
    ("rule_syntax", put("ADRG", "HR1", 2, "ZYZD in DI_HR1 ZYSS in OP_HC4")),
    ("rule_syntax", put("DRG", "HC4F", 2, "QTZD in {MCC, CC} and NL>=七十")),
    ("rule_syntax", put("DRG", "HC4F", 2, "QTZD in {MCC, CC and NL>=70")),
    ("rule_syntax", put("DRG", "HC4F", 2, "ZYZD in MCC")),
    ("rule_syntax", put("MDC", "MDCM", 2, "(ZYZD in DI_M00) and (XB : 1)")),
    ("rule_syntax", put("ADRG", "IC2", 2, "length({OP_IC2, OP_IC3} ∩ {ZYSS, QTSS})>=2")),
    ("set_unknown", put("ADRG", "HC4", 2, "ZYSS in OP_HC9")),
    ("set_unknown", put("DRG", "OB11", 2, "ZYZD in DI_OBX or QTZD in MCC")),
    ("set_name", put("集合", "OP_IC3", 0, "IC3")),
    ("set_name", put("集合", "OP_IC3", 0, "")),
    ("set_kind", put("集合", "OP_IC3", 3, "DI")),
    ("code_missing", put("集合", "OP_IC3", 1, "")),
    ("code_malformed", put("集合", "DI_HC3", 1, "K8O.302")),
    ("wrong_code_kind", put("集合", "DI_HC3", 1, "51.2300")),
    ("cell_error", put("集合", "DI_HC3", 1, "#N/A")),
    ("complication_level", put("CC", "K65.900", 3, "C")),
    ("complication_level", put("CC", "K65.900", 3, "")),
    ("complication_level", put("CC", "K65.900", 3, "MCC/CC")),
    ("complication_twice", add("CC", 3, "K65.900", "", "EX_65", "MCC")),
    ("complication_tables", add("CC", 2, "K65.900", "", "EX_67", "CC")),
    ("code_missing", put("CC", "K65.900", 0, "")),
    ("code_missing", put("排除表", "EX_90", 1, "")),
    ("table_missing", put("排除表", "EX_90", 0, "")),
    ("group_code_missing", put("ADRG", "HC4", 0, "")),
    ("group_code_malformed", put("DRG", "HC45", 0, "HC-45")),
    ("group_code_malformed", put("MDC", "MDCH", 0, "H")),
    ("group_twice", add("ADRG", 0, "HC4", "重复", "1", "MDCH", "9")),
    ("group_twice", add("DRG", 0, "HC45", "重复", "", "HC4", "MDCH", "9")),
    ("group_twice", add("MDC", 0, "MDCH", "重复", "1", "9")),
    ("unknown_mdc", put("ADRG", "HC4", 3, "MDCK")),
    ("unknown_mdc", put("ADRG", "HC4", 3, "")),
    ("drg_without_adrg", put("DRG", "HC45", 3, "HC5")),
    ("drg_without_adrg", put("DRG", "HC45", 3, "")),
    ("drg_prefix", put("DRG", "HC45", 3, "HC3")),
    ("drg_mdc", put("DRG", "HC45", 4, "MDCI")),
    ("adrg_without_drg", add("ADRG", 0, "HZ2", "胰腺", "ZYZD in DI_HR1", "MDCH", "9")),
    ("order_unreadable", put("ADRG", "HC4", 4, "第三")),
    ("order_unreadable", put("DRG", "HC45", 5, "")),
    ("order_unreadable", put("MDC", "MDCH", 3, "nan")),
]  # fmt: skip
WARNINGS = [
    ("set_unused", add("集合", 0, "OP_HC5", "51.2100", "", "OP")),
    ("table_without_members", put("CC", "K65.900", 2, "EX_77")),
    ("table_unused", add("排除表", 0, "EX_88", "I63.900", "")),
    ("table_blank", put("CC", "K65.900", 2, "")),
    ("exclusion_more", add("排除表", 0, "EX_65", "K80.302", "")),
    ("code_twice", add("CC", 0, "K65.900", "", "EX_65", "CC")),
    ("order_twice", put("ADRG", "HR1", 4, "4")),
    ("rule_blank", put("ADRG", "HR1", 2, "")),
    ("rule_blank", put("MDC", "MDCM", 2, "")),
    ("letter_rule", put("DRG", "HR11", 2, "QTZD in CC")),
    ("letter_rule", put("DRG", "HC4F", 2, "QTZD in {MCC, CC}")),
    ("name_missing", put("ADRG", "HR1", 1, "")),
    ("new_code", put("集合", "DI_HC3", 1, "K80.399")),
    ("name_of_another", put("集合", "DI_HC3", 2, "霍乱，由于O1群霍乱弧菌，霍乱生物型所致")),
    ("zeros_lost", put("集合", "OP_IC3", 1, "81.8")),
    ("adrg_shadowed", put("ADRG", "HQY", 2, "")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "damage"), ERRORS)
@pytest.mark.parametrize("first_edition", [False, True], ids=["update", "first"])
def test_damage_is_found_in_its_cell(kind, damage, first_edition, tmp_path):
    book = official_book()
    cell = damage(book)
    if first_edition and cell.startswith("ADRG!"):
        cell = f"ADRG!{chr(ord(cell[5]) + 1)}{cell[6:]}"
    path = write_official(book, tmp_path / "b.xlsx", first_edition=first_edition)
    done = import_tables(path, tmp_path / "pack")
    assert not done.written
    assert sorted(file.name for file in (tmp_path / "pack").iterdir()) == [
        "import-report.csv", "import-report.xlsx",
    ]  # fmt: skip
    found = [(f.kind, f.place.cell) for f in done.of("error")]
    assert (kind, cell) in found, done.text
    assert cell in done.text
    with (tmp_path / "pack/import-report.csv").open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    assert (cell, kind) in [(row["单元格 cell"], row["类型 kind"]) for row in rows]


@pytest.mark.parametrize(("kind", "damage"), WARNINGS)
def test_doubts_are_told_and_the_pack_is_written(kind, damage, tmp_path):
    book = official_book()
    cell = damage(book)
    done = import_tables(write_official(book, tmp_path / "b.xlsx"), tmp_path / "pack")
    assert done.written, done.text
    assert any(f.kind == kind for f in done.of("warning")), done.text
    if kind != "adrg_shadowed":
        assert (kind, cell) in [(f.kind, f.place.cell) for f in done.of("warning")], done.findings
    load_scheme(tmp_path / "pack")


@pytest.mark.parametrize("sheet", ["MDC", "ADRG", "DRG", "集合", "CC", "排除表"])
def test_a_missing_sheet_or_column_is_an_error(sheet, tmp_path):
    book = official_book()
    rows = book.pop(sheet)
    done = import_tables(write_book(book, tmp_path / "b.xlsx"), tmp_path / "out")
    assert [(f.kind, f.place.sheet) for f in done.of("error")][:1] == [("sheet_missing", sheet)]
    header = rows[1] if sheet == "MDC" else rows[0]
    column = next(i for i, title in enumerate(header) if "规则" in title or title.endswith("编码"))
    header[column] = "甲"
    done = import_tables(write_book({**book, sheet: rows}, tmp_path / "b.xlsx"), tmp_path / "out")
    assert ("column_missing", sheet) in [(f.kind, f.place.sheet) for f in done.of("error")]
    assert not done.written


def test_what_hangs_on_a_refused_group_is_not_told_again(tmp_path):
    book = official_book()
    cell = put("ADRG", "HC4", 3, "MDCK")(book)
    done = import_tables(write_official(book, tmp_path / "b.xlsx"), tmp_path / "pack")
    assert [(f.kind, f.place.cell) for f in done.of("error")] == [("unknown_mdc", cell)]


@pytest.mark.parametrize("seed", range(tries(60, 20)))
def test_no_damage_crashes_the_import(seed, tmp_path):
    """Cells blanked, swapped, cut and filled with what does not belong there; rows taken out."""
    rng, book = random.Random(seed), official_book()
    cells = [str(cell) for rows in book.values() for row in rows for cell in row]
    for _ in range(rng.randint(1, 12)):
        rows = book[rng.choice(list(book))]
        row = rows[rng.randrange(len(rows))]
        at = rng.randrange(len(row)) if row else 0
        odd = ["", "#REF!", "1" * 400, "((((", "注：略", "1e999", "ZYZD in {", rng.choice(cells)]
        kind = rng.randrange(4)
        if kind == 0:
            rows.remove(row)
        elif kind == 1:
            row[at : at + 1] = []
        elif row:
            row[at] = rng.choice(odd) if kind == 2 else str(row[at])[: rng.randrange(5)]
    done = import_tables(write_official(book, tmp_path / "b.xlsx"), tmp_path / "pack")
    assert done.written != bool(done.of("error"))
    assert done.text or done.written
    if done.written:
        Grouper(tmp_path / "pack").group(frame([Case(["C22.000"], ["47.0100"], 1, 50)]))


# The language


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ("", "true"), ("1", "true"), ("ZYSS in OP_A1", "principal_procedure in OP_A1"),
        ("{QTZD,ZYZD} not in {DI_A1, DI_B1}",
         "not (any_diagnosis in DI_A1 or any_diagnosis in DI_B1)"),
        ("and (XB = 1) _x000D_\n AND NL>=70", "sex == male and age >= 70"),
        ("（NL＝0） or ＸＳＲＴＺ≤1499", "age == 0 or admission_weight <= 1499"),
        ("ZYSS in OP_A1 OR ZYZD in DI_A1 and QTZD in CC",
         "principal_procedure in OP_A1 or (principal_diagnosis in DI_A1 and cc)"),
        ("length({ZYSS, QTSS} ∩ OP_A1) > 1", "count(any_procedure in OP_A1) > 1"),
        ("QTZD in {MCC, DI_A1}", "mcc or secondary_diagnosis in DI_A1"),
    ],
)  # fmt: skip
def test_rule_cells(cell, rule):
    assert rules.to_text(read_rule(cell)) == rule
    assert rules.parse(rule) == read_rule(cell)


def test_a_rule_that_is_too_deep_is_no_crash():
    with pytest.raises(rules.RuleError):
        read_rule("(" * 5_000 + "1" + ")" * 5_000)


# The shipped list


def test_the_shipped_list():
    known = shipped_list()
    named = [adrg for adrg in known.adrgs if adrg.name]
    assert (len(known.mdcs), len(named), len(known.counted_drgs)) == (26, 492, 825)
    ends = [adrg.code[1:] for adrg in known.adrgs if not adrg.name]
    assert (ends.count("QY"), ends.count("00")) == (21, 24)
    assert all(drg.name for drg in known.counted_drgs)
    marks = read_marks(SHIPPED / "chs-drg-3.0")
    assert len(marks) == 31
    assert {mark.code for mark in marks} < {drg.code for drg in known.counted_drgs}


def test_the_list_is_shown_and_an_imported_pack_goes_before_it(small, tmp_path, monkeypatch):
    monkeypatch.setenv("DRG_LANG", "en")
    monkeypatch.chdir(tmp_path)

    def run(*words: str):
        done = CliRunner().invoke(app, list(words))
        return done.exit_code, done.output, str(done.exception or "")

    assert "chs-drg-3.0   3.0" in run("list")[1]
    assert "825 DRG" in run("show", "chs-drg-3.0")[1]
    assert "HC4F" in run("show", "chs-drg-3.0", "HC4")[1]
    code, told, _ = run("validate", "chs-drg-3.0")
    assert code == 0
    assert "825 DRG" in told
    code, _, error = run("export", "chs-drg-3.0", "--out", "x.xlsx")
    assert code == 1
    assert "import the official workbook first" in error
    assert "\n" not in error
    book = write_official(official_book(), tmp_path / "b.xlsx")
    code, told, _ = run("import", str(book), "--out", "chs-drg-3.0")
    assert code == 0
    assert "of 825 DRGs" in told
    assert len(load_scheme("chs-drg-3.0").mdcs) == 7
    assert "O34.201" in run("show", "chs-drg-3.0", "DI_OBD")[1]
    assert "lists: OP_ARB" in run("show", "chs-drg-3.0", "17.4200")[1]


# As published


@published
@pytest.mark.parametrize("name", EXCERPTS)
def test_the_excerpts_group_their_cases(name, imported):
    _, pack = imported(name)
    with (FACTS / "excerpt-cases.tsv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    given = pd.DataFrame(rows)[["case_id", "sex", "age", "diagnoses", "procedures"]]
    assert list(Grouper(pack).group(given)["drg"]) == [row["drg"] for row in rows]
    assert len(rows) == 69


@published
@pytest.mark.parametrize("name", [*EXCERPTS, SEEDED])
def test_an_import_of_published_files_validates(name, imported, tmp_path):
    _, pack = imported(name)
    assert CliRunner().invoke(app, ["validate", str(pack)]).exit_code == 0


@published
def test_the_seeded_workbook_is_whole(imported):
    source, pack = imported(SEEDED)
    scheme, known = load_scheme(pack), shipped_list()
    assert (len(scheme.mdcs), len(scheme.adrgs), len(scheme.drgs)) == (26, 537, 870)
    assert len(Cells(source).sets) == 634
    assert [(g.code, g.mdc, g.name, g.rule) for g in scheme.adrgs] == [
        (g.code, g.mdc, g.name, g.rule) for g in known.adrgs
    ]
    assert scheme.drgs == known.drgs


@published
@pytest.mark.parametrize("name", [EXCERPTS[0], SEEDED])
def test_engine_reference_explanation_and_cells_agree(name, imported):
    seen = agree(*imported(name), tries(12_000, 4_000), seed=11)
    assert len(seen) > (40 if name in EXCERPTS else 500)
