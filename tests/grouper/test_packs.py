from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pandas as pd
import pytest

from drg.errors import DrgError
from grouper import Grouper, find_scheme, load_scheme, shipped_schemes
from grouper.scheme.compile import compile_scheme, compiled_scheme
from grouper.scheme.pack import read_header
from grouper.scheme.tables import read_tables

TABLES = {
    "mdc.csv": [
        ("mdc", "name", "rule"),
        ("MDCA", "先期", "principal_procedure_valid"),
        ("MDCB", "神经", "principal_diagnosis in MDC and sex == female"),
    ],
    "adrg.csv": [
        ("adrg", "mdc", "name", "rule"),
        ("AA1", "MDCA", "移植", "principal_procedure in P1"),
        ("BB1", "MDCB", "手术", "any_procedure in P1#1 and any_procedure in P1#2"),
        ("BR1", "MDCB", "内科", "department in ['神经内科'] or icu_hours >= 24"),
    ],
    "drg.csv": [
        ("drg", "adrg", "name", "rule"),
        ("AA19", "AA1", "移植", "true"),
        ("BB11", "BB1", "手术伴MCC", "mcc"),
        ("BB15", "BB1", "手术", "not mcc"),
        ("BR13", "BR1", "内科伴CC", "(mcc or cc) and age < 14"),
        ("BR15", "BR1", "内科", "true"),
    ],
    "diagnoses.csv": [
        ("code", "name", "mdc", "trauma_site", "lists", "complication", "complication_table",
         "exclusion_table"),
        ("G00.000", "脑膜炎", "MDCB", "", "", "", "", "7"),
        ("J96.000", "呼吸衰竭", "", "", "", "MCC", "7", ""),
        ("E11.900", "糖尿病", "", "", "", "CC", "9", ""),
    ],
    "procedures.csv": [
        ("code", "name", "valid", "lists"),
        ("01.0100", "甲", "yes", "BB1:P1#1|AA1:P1"),
        ("02.0200", "乙", "", "BB1:P1#2"),
    ],
}  # fmt: skip


def write_pack(folder: Path, **changes: list[tuple[str, ...]]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "scheme.toml").write_text(
        'id = "tiny"\ntitle = "小方案"\nversion = "1"\nsource = "tests"\n', encoding="utf-8"
    )
    for name, rows in {**TABLES, **changes}.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)
    return folder


def test_the_shipped_scheme_is_complete():
    assert "chs-drg-1.1" in shipped_schemes()
    scheme = load_scheme("chs-drg-1.1")
    # 国家医疗保障局《CHS-DRG 细分组方案（1.1版）》: 26 MDC, 376 ADRG, 628 DRG
    assert (len(scheme.mdcs), len(scheme.adrgs), len(scheme.drgs)) == (26, 376, 628)
    assert len({drg.name for drg in scheme.drgs}) > 600
    assert not any(
        finding.level == "error"
        for finding in read_tables(find_scheme("chs-drg-1.1"), scheme.header)[1]
    )


def test_shipped_tables_equal_the_facts(shared):
    facts = shared / "facts/chs-drg-1.1"
    scheme = load_scheme("chs-drg-1.1")

    def rows(name):
        with (facts / name).open(encoding="utf-8") as stream:
            return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))

    for name, held in (("mcc.tsv", scheme.mcc), ("cc.tsv", scheme.cc)):
        assert {r["code"]: r["exclusion_table"] for r in rows(name)} == held
    assert {r["principal_code"]: r["exclusion_table"] for r in rows("exclusion.tsv")} == (
        scheme.exclusion
    )
    assert {r["code"] for r in rows("grouping_procedure.tsv")} == scheme.grouping_procedures
    lists = ("adrg_diagnosis.tsv", "adrg_procedure.tsv")
    given = {(r["adrg"], r["list"], r["code"])
             for name in lists for r in rows(name)}  # fmt: skip
    given |= {(r["mdc"], "MDC", r["code"]) for r in rows("mdc_diagnosis.tsv")}
    assert {(o, n, c) for (o, n), codes in scheme.lists.items() for c in codes} == given
    for name, groups in (("mdc", scheme.mdcs), ("adrg", scheme.adrgs), ("drg", scheme.drgs)):
        assert {(r[name], r["name"]) for r in rows(f"{name}.tsv")} == {
            (g.code, g.name) for g in groups
        }


def test_a_pack_on_disk_groups(tmp_path):
    grouper = Grouper(write_pack(tmp_path / "tiny"))
    rows = pd.DataFrame(
        [
            ("2", "40", "G00.000|E11.900", "01.0100|02.0200", "", "", "AA19", "cc"),
            ("2", "40", "G00.000|E11.900", "02.0200|01.0100", "", "", "BB15", "cc"),
            ("2", "40", "G00.000|J96.000", "02.0200|01.0100", "", "", "BB15", "none"),
            ("2", "9", "G00.000|E11.900", "", "神经内科", "", "BR13", "cc"),
            ("2", "14", "G00.000|E11.900", "", "儿科", "24", "BR15", "cc"),
            ("2", "14", "G00.000|E11.900", "", "儿科", "23", "0000", "cc"),
            ("1", "14", "G00.000", "", "神经内科", "", "0000", "none"),
        ],
        columns=["sex", "age", "diagnoses", "procedures", "department", "icu_hours", "want", "s"],
    )
    found = grouper.group(rows)
    assert list(found["drg"]) == list(rows["want"])
    assert list(found["severity"]) == list(rows["s"])
    assert found["reason"].iloc[-1] == "sex_conflict"
    assert found["reason"].iloc[-2] == "no_group_in_mdc"


def test_a_compiled_scheme_is_cached_by_content(tmp_path, monkeypatch):
    monkeypatch.setenv("DRG_CACHE_DIR", str(tmp_path / "cache"))
    pack = write_pack(tmp_path / "tiny")
    first = compiled_scheme(pack)
    kept = list((tmp_path / "cache").glob("*.bin"))
    assert len(kept) == 1
    assert compiled_scheme(pack).drgs == first.drgs
    kept[0].write_bytes(b"broken")
    assert compiled_scheme(pack).content_hash == first.content_hash
    write_pack(pack, **{"drg.csv": [*TABLES["drg.csv"][:-1], ("BR19", "BR1", "内科", "true")]})
    assert compiled_scheme(pack).drgs[-1].code == "BR19"
    assert compiled_scheme(pack).content_hash != first.content_hash


def test_a_cache_that_cannot_be_written_is_only_slower(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DRG_CACHE_DIR", str(tmp_path / "file"))
    assert compiled_scheme(write_pack(tmp_path / "tiny")).header.id == "tiny"


def test_cached_and_fresh_compilation_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("DRG_CACHE_DIR", str(tmp_path / "cache"))
    fresh = compile_scheme(load_scheme("chs-drg-1.1"))
    compiled_scheme("chs-drg-1.1")
    cached = compiled_scheme("chs-drg-1.1")
    assert cached.layout == fresh.layout
    assert cached.diagnoses == fresh.diagnoses
    for name in fresh.arrays.__dataclass_fields__:
        assert (getattr(cached.arrays, name) == getattr(fresh.arrays, name)).all(), name


BAD = [
    ("drg.csv", ("BB11", "XX1", "n", "true"), "row 7: 'BB11' stands already in row 3"),
    ("drg.csv", ("BX11", "XX1", "n", "true"), "row 7: 'BX11' belongs to 'XX1'"),
    ("drg.csv", ("BR19", "BR1", "n", "mcc and"), "rule of BR19: expected a condition"),
    ("adrg.csv", ("BR2", "MDCB", "n", "principal_diagnosis in D1"), "list D1 of BR2 has no codes"),
    ("adrg.csv", ("BR2", "MDCB", "n"), "row 5: 3 cells, expected 4"),
    ("mdc.csv", ("", "n", "true"), "row 4: the code is empty"),
    ("diagnoses.csv", ("g00.000", "n", *6 * [""]), "'g00.000' stands already in row 2"),
    ("diagnoses.csv", ("Z1", "n", "MDCX", "", "", "", "", ""), "is in 'MDCX', no row of mdc.csv"),
    ("diagnoses.csv", ("Z2", "n", "", "", "", "MAJOR", "1", ""), "expected MCC or CC and a table"),
    ("diagnoses.csv", ("Z3", "n", "", "", "", "CC", "", ""), "expected MCC or CC and a table"),
    ("diagnoses.csv", ("Z4", "n", "", "", "BR1:P1", "", "", ""), "expected a list such as D1"),
    ("procedures.csv", ("Z5", "n", "maybe", ""), "valid is 'maybe', expected 'yes' or empty"),
    ("procedures.csv", ("Z6", "n", "", "QQ1:P1"), "of no row of adrg.csv"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "row", "message"), BAD, ids=[m for _, _, m in BAD])
def test_every_fault_of_a_pack_is_named(tmp_path, file, row, message):
    pack = write_pack(tmp_path / "tiny", **{file: [*TABLES[file], row]})
    with pytest.raises(DrgError) as caught:
        load_scheme(pack)
    assert message in str(caught.value)
    assert file in str(caught.value)
    findings = read_tables(pack, read_header(pack))[1]
    assert any(message in str(finding) for finding in findings)


def test_all_faults_come_in_one_run(tmp_path):
    changes = {}
    for file, row, _ in BAD:
        changes.setdefault(file, [*TABLES[file]]).append(row)
    pack = write_pack(tmp_path / "t", **changes)
    findings = read_tables(pack, read_header(pack))[1]
    for _, _, message in BAD:
        message = message.partition(": ")[2] or message  # rows shift, faults stay
        assert any(message in str(finding) for finding in findings), message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id = 3", "id: wrong type: found '3', expected a text"),
        ('id = "a"', "title: is missing"),
        ('id = "a"\ncolour = "red"', "colour: no such key"),
        ("id =", "is not TOML (Invalid value, line 1"),
    ],
)
def test_faults_of_the_header(tmp_path, text, message):
    pack = write_pack(tmp_path / "tiny")
    (pack / "scheme.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DrgError, match=r"scheme\.toml") as caught:
        load_scheme(pack)
    assert message in str(caught.value)


def test_a_missing_table_is_named(tmp_path):
    pack = write_pack(tmp_path / "tiny")
    (pack / "drg.csv").unlink()
    with pytest.raises(DrgError, match=r"lacks drg\.csv"):
        load_scheme(pack)


def test_a_copied_pack_is_the_same_scheme(tmp_path):
    shutil.copytree(find_scheme("chs-drg-1.1"), tmp_path / "copy")
    assert load_scheme(tmp_path / "copy").content_hash == load_scheme("chs-drg-1.1").content_hash


def test_more_lists_than_one_word_of_bits(tmp_path):
    """Schemes that ask about any procedure in every group need several words."""
    count = 150
    adrgs = [("adrg", "mdc", "name", "rule")]
    drgs = [("drg", "adrg", "name", "rule")]
    procedures = [TABLES["procedures.csv"][0]]
    for i in range(count):
        adrgs.append((f"B{i:03d}", "MDCB", f"组{i}", "any_procedure in P1 and not mcc"))
        drgs.append((f"B{i:03d}9", f"B{i:03d}", f"组{i}", "true"))
        procedures.append((f"{i:03d}.00", "n", "", f"B{i:03d}:P1"))
    pack = write_pack(tmp_path / "wide", **{"adrg.csv": adrgs, "drg.csv": drgs,
                                            "procedures.csv": procedures})  # fmt: skip
    rows = pd.DataFrame({
        "sex": "2", "diagnoses": "G00.000",
        "procedures": [f"{(i + 7) % count:03d}.00|{i:03d}.00" for i in range(count)],
        "want": [f"B{min(i, (i + 7) % count):03d}9" for i in range(count)],
    })  # fmt: skip
    found = Grouper(pack).group(rows)
    assert list(found["drg"]) == list(rows["want"])
