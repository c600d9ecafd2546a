"""Workbooks of other shapes: merged cells, a sheet per MDC, sections, other headers, damage."""

from __future__ import annotations

import random

import openpyxl
import pytest

from drg.errors import DrgError
from grouper import load_scheme
from grouper.importer import import_tables
from grouper.importer.roles import header_meaning, role_by_name
from tests.importer.book import small_book, write_book, write_folder
from tests.importer.test_round_trip import same


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    import_tables(write_book(small_book(), folder / "b.xlsx"), folder / "out")
    return load_scheme(folder / "out")


def bring(book, folder, mapping=None):
    done = import_tables(write_book(book, folder / "b.xlsx"), folder / "out", mapping)
    assert done.written, done.text
    return load_scheme(folder / "out")


def kinds(done) -> set[str]:
    return {finding.kind for finding in done.findings}


def test_a_sheet_for_each_mdc(tmp_path, plain):
    book = small_book()
    for mdc, code, *_ in book.pop("MDC主诊表")[1:-1]:
        book.setdefault(f"{mdc} 主诊", [["主要诊断编码"]]).append([code])
    assert same(bring(book, tmp_path), plain)


def test_mdcs_side_by_side(tmp_path, plain):
    book = small_book()
    columns: dict[str, list] = {}
    for mdc, code, *_ in book["MDC主诊表"][1:-1]:
        columns.setdefault(mdc, []).append(code)
    longest = max(map(len, columns.values()))
    rows = [[codes[i] if i < len(codes) else "" for codes in columns.values()]
            for i in range(longest)]  # fmt: skip
    book["MDC主诊表"] = [["各 MDC 主要诊断"], list(columns), *rows]
    assert same(bring(book, tmp_path), plain)


def test_one_sheet_of_mdcs_and_diagnoses(tmp_path, plain):
    book = small_book()
    names = {row[1]: row[2] for row in book.pop("MDC列表")[3:]}
    rows = book.pop("MDC主诊表")[1:-1]
    book["MDC"] = [["MDC", "MDC名称", "主诊断编码", "诊断名称"],
                   *([row[0], names[row[0]], *row[1:]] for row in rows)]  # fmt: skip
    assert same(bring(book, tmp_path), plain)


def test_merged_cells(tmp_path, plain):
    source = write_book(small_book(), tmp_path / "b.xlsx")
    book = openpyxl.load_workbook(source)
    sheet = book["MDC主诊表"]
    first = 2
    for row in range(3, sheet.max_row + 1):
        if sheet.cell(row, 1).value != sheet.cell(first, 1).value:
            if row - 1 > first:
                sheet.merge_cells(start_row=first, end_row=row - 1, start_column=1, end_column=1)
            first = row
    book.save(source)
    assert import_tables(source, tmp_path / "out").written
    assert same(load_scheme(tmp_path / "out"), plain)


def test_blank_cells_below_a_group(tmp_path, plain):
    book = small_book()
    last = ""
    for row in book["ADRG手术操作"][1:]:
        row[0], last = ("" if row[0] == last else row[0]), row[0] or last
    done = import_tables(write_book(book, tmp_path / "b.xlsx"), tmp_path / "out")
    assert not done.written
    assert "group_code_missing" in kinds(done)
    mapping = tmp_path / "m.toml"
    mapping.write_text("[options]\nfill_down = true\n", encoding="utf-8")
    assert same(bring(book, tmp_path, mapping), plain)


def test_sections_as_they_are_printed(tmp_path, plain):
    book = small_book()
    del book["ADRG主要诊断"], book["ADRG手术操作"]
    listed = small_book()
    lists: dict[str, dict[str, list]] = {}
    for kind in ("ADRG主要诊断", "ADRG手术操作"):
        for adrg, name, code, *_ in listed[kind][1:]:
            title = "主要诊断" if kind == "ADRG主要诊断" else (
                "同时包含手术操作" if "同时" in name else "手术操作")  # fmt: skip
            lists.setdefault(adrg, {}).setdefault(title, []).append(code)
    rows: list[list] = [["编码", "名称"]]
    for adrg, parts in lists.items():
        rows.append([f"{adrg} 某组"])
        for title, codes in parts.items():
            rows += [[f"{title}："], *([code, ""] for code in codes)]
    book["各ADRG诊断及手术操作"] = rows
    assert same(bring(book, tmp_path), plain)


def test_a_mapping_file_for_the_rest(tmp_path, plain):
    book = small_book()
    book["表一"] = book.pop("MCC列表")
    book["表一"][0] = ["甲", "乙", "丙"]
    book["Sheet2"] = [["随便写写"], ["什么"]]
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        '[sheets]\n"表一" = "mcc"\n[headers]\n"甲" = "code"\n"丙" = "table"\n'
        '[headers."表一"]\n"乙" = "code_name"\n',
        encoding="utf-8",
    )
    assert same(bring(book, tmp_path, mapping), plain)


def test_without_group_sheets(tmp_path, plain):
    book = small_book()
    del book["MDC列表"], book["ADRG列表"]
    found = bring(book, tmp_path)
    assert {g.code for g in found.mdcs} == {g.code for g in plain.mdcs}
    assert {g.code for g in found.adrgs} == {g.code for g in plain.adrgs}
    assert {g.code: g.name for g in found.adrgs}["ES3"] == "呼吸系统感染"
    assert [g.name for g in found.mdcs] == [g.name for g in plain.mdcs]


def test_new_codes_by_a_code_table_or_by_option(tmp_path):
    book = small_book()
    book["ADRG主要诊断"].append(["ES3", "D1", "J99.900x901", "新肺炎"])
    book["MDC主诊表"].append(["MDCE", "J99.900x901", "新肺炎"])
    done = import_tables(write_book(book, tmp_path / "b.xlsx"), tmp_path / "out")
    assert {f.code for f in done.of("error")} == {"J99.900x901"}
    mapping = tmp_path / "m.toml"
    mapping.write_text('[options]\nunknown_codes = "accept"\n', encoding="utf-8")
    assert bring(book, tmp_path, mapping).diagnosis_names["J99.900x901"] == "新肺炎"
    edition = {code for s, i in (("MDC主诊表", 1), ("ADRG主要诊断", 2), ("CC列表", 0))
               for code in (row[i] for row in book[s] if len(row) > i) if "." in code}  # fmt: skip
    book["诊断编码库"] = [["诊断编码", "诊断名称"], *([code, "名"] for code in sorted(edition))]
    found = bring(book, tmp_path)
    assert set(found.diagnosis_names) == edition


def test_trauma_sites_and_valid_procedures(tmp_path):
    book = small_book()
    book["MDC列表"].append(["8", "MDCZ", "多发严重创伤"])
    book["MDC主诊表"][0].append("创伤部位")
    book["MDC主诊表"].append(["MDCZ", "S06.000", "", "头颈部创伤"])
    book["ADRG列表"].append(["ZZ1", "MDCZ", "多发性重要创伤无手术"])
    book["DRG列表"].append(["ZZ19", "ZZ1", "多发性重要创伤无手术"])
    book["有效手术操作"] = [["手术编码"], ["47.0100"]]
    found = bring(book, tmp_path)
    assert dict(found.trauma_sites) == {"S06.000": "头颈部创伤"}
    assert found.grouping_procedures == {"47.0100"}
    assert {g.code: g.rule for g in found.adrgs}["ZZ1"] == "not any_procedure_valid"


def test_what_is_missing_is_told(tmp_path):
    for sheet in ("MDC主诊表", "MCC列表", "CC列表", "排除表", "DRG列表"):
        book = small_book()
        del book[sheet]
        done = import_tables(write_book(book, tmp_path / "b.xlsx"), tmp_path / "out")
        assert not done.written
        assert sheet in {f.place.sheet for f in done.findings if f.kind == "sheet_missing"}
    book = small_book()
    book["CC列表"] = book["CC列表"][1:]
    book["MCC列表"][0] = ["诊断编码", "诊断名称", "丙"]
    book["闲话"] = [["天气", "很好"]]
    done = import_tables(write_book(book, tmp_path / "b.xlsx"), tmp_path / "out")
    told = {(f.kind, f.place.sheet) for f in done.findings}
    assert {("header_missing", "CC列表"), ("column_missing", "MCC列表"),
            ("sheet_unrecognised", "闲话")} <= told  # fmt: skip


def test_damaged_files(tmp_path):
    folder = write_folder(small_book(), tmp_path / "tables")
    (folder / "坏.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    (folder / "坏.csv").write_bytes(b"\xff\xff\xff\x00")
    done = import_tables(folder, tmp_path / "out")
    assert not done.written
    assert {f.place.sheet for f in done.of("error")} == {"坏.xlsx", "坏.csv"}
    (tmp_path / "empty").mkdir()
    for source in ("nowhere.xlsx", "empty", "m.toml"):
        (tmp_path / "m.toml").write_text("", encoding="utf-8")
        with pytest.raises(DrgError):
            import_tables(tmp_path / source, tmp_path / "out")


@pytest.mark.parametrize(
    "text",
    [
        "[sheets", "[other]\n", "[options]\nhiv = 'all'\n", "[options]\nspeed = 1\n",
        "[sheets]\na = 'b'\n", "[headers]\na = 'b'\n", "[scheme]\nid = 5\n", "options = 3\n",
        "[options]\nfill_down = 'yes'\n", "[options]\nbase = 'none-such'\n",
    ],
)  # fmt: skip
def test_a_wrong_mapping_file_is_one_line(tmp_path, text):
    path = tmp_path / "m.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DrgError) as error:
        import_tables(write_book(small_book(), tmp_path / "b.xlsx"), tmp_path / "out", path)
    assert len(str(error.value).splitlines()) == 1


def test_no_damage_crashes_the_import(tmp_path):
    rng = random.Random(7)
    junk = ["", "#REF!", "=1+1", "MDCB", "P1#", "；；", "𠮷", "0", "age <", "同时包含", "或", 3.5,
            "x" * 300, "J18.900|J96.000", "注：略", "MDC", "BB1 某组", -1]  # fmt: skip
    for _ in range(40):
        book = small_book()
        for _ in range(rng.randint(1, 12)):
            rows = book[rng.choice(list(book))]
            row = rng.choice(rows)
            if row and rng.random() < 0.8:
                row[rng.randrange(len(row))] = rng.choice(junk)
            elif rng.random() < 0.5:
                rows.remove(row)
            else:
                rows.insert(rng.randrange(len(rows) + 1), list(row))
            if not rows:
                rows.append([""])
        out = tmp_path / "out"
        done = import_tables(write_folder(book, tmp_path / f"t{rng.random()}"), out)
        assert done.written is not bool(done.of("error"))
        assert "pack_refused" not in kinds(done), done.text


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("MDC主诊表", "mdc_diagnoses"), ("MDCB 主诊", "mdc_diagnoses"), ("MDC列表", "mdc"),
        ("核心疾病诊断相关组（ADRG）列表", "adrg"), ("ADRG手术操作", "adrg_procedures"),
        ("ADRG诊断", "adrg_diagnoses"), ("MCC列表", "mcc"), ("CC", "cc"),
        ("严重并发症或合并症（MCC）列表", "mcc"), ("并发症或合并症列表", "cc"),
        ("MCC及CC", "complications"), ("排除表", "exclusions"), ("DRG细分组", "drg"),
        ("mdc_diagnosis.tsv", "mdc_diagnoses"), ("exclusion.tsv", "exclusions"),
        ("grouping_procedure.csv", "valid_procedures"), ("填表说明", "ignore"), ("Sheet1", ""),
    ],
)  # fmt: skip
def test_sheet_names(name, role):
    assert role_by_name(name) == role


@pytest.mark.parametrize(
    ("header", "meaning"),
    [
        ("MDC编码", "mdc"), ("主要诊断大类", "mdc"), ("ADRG 代码", "adrg"), ("DRG名称", "name"),
        ("主要诊断编码", "code"), ("主诊断编码", "code"), ("ICD-10编码", "code"),
        ("手术操作名称", "code_name"), ("手术操作列表", "list"), ("排除表号", "table"),
        ("入组规则", "rule"), ("入组条件", "condition"), ("序号", "ignore"),
        ("principal_code", "code"),
        ("exclusion_table", "table"), ("新技术标记", "mark"), ("天气", ""),
    ],
)  # fmt: skip
def test_headers(header, meaning):
    assert header_meaning(header) == meaning
