"""``drg settle``: files in every format, what is written, and what is refused in one line."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from budget import load_policy
from budget.settlement.files import settle_file
from budget.settlement.workbook import SHEETS
from drg.cli import app
from drg.errors import DrgError
from drg.sample import write_region
from tests.budget.region import HOSPITALS, WEIGHTS, cases_of, many, odd, weight_table
from weights import open_weights

NAMES = {"branches.csv", "fund.csv", "hospitals.csv", "months.csv", "pools.csv",
         "settlement.json", "settlement.xlsx"}  # fmt: skip


def run(*words):
    return CliRunner().invoke(app, ["settle", *map(str, words)])


def read(path, **more):
    return pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False, **more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Cases, hospitals and weights of the made-up region in files."""
    here = tmp_path_factory.mktemp("region")
    frame = odd(400, seed=77)
    frame.to_csv(here / "grouped.csv", index=False, encoding="utf-8-sig")
    frame.astype("string").to_parquet(here / "grouped.parquet", index=False)
    frame.to_excel(here / "grouped.xlsx", index=False, engine="xlsxwriter")
    HOSPITALS.to_csv(here / "hospitals.csv", index=False)
    WEIGHTS.to_csv(here / "weights.csv", index=False)
    return here


def settle(folder, out, *more, file="grouped.csv"):
    return run(folder / file, "--weights", folder / "weights.csv", "--out", out, "--year", 2025,
               "--accept-unreadable", *more)  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def test_the_region_of_the_demo(tmp_path):
    """Sampled, grouped and settled by the commands, in a process of its own."""
    data = tmp_path / "data"
    write_region(data, cases=600, seed=4)
    done = CliRunner().invoke(
        app, ["group", str(data / "cases.csv"), "--out", str(data / "grouped.csv")]
    )
    assert done.exit_code == 0, done.output
    script = "from drg.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", script, "settle", str(data / "grouped.csv"), "--weights",
         "luan-2025", "--out", str(tmp_path / "out")],
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "national-default" in ran.stdout
    assert "Warning" not in ran.stderr
    assert {p.name for p in (tmp_path / "out").iterdir()} == NAMES | {"cases.csv"}
    cases = read(tmp_path / "out" / "cases.csv")
    assert cases["case_id"].tolist() == read(data / "grouped.csv")["case_id"].tolist()
    persons = set(read(data / "grouped.csv")["patient_id"]) - {""}
    for path in (tmp_path / "out").glob("*.[cj]s*"):
        assert not persons & set(re.findall(r"\w+", path.read_text(encoding="utf-8-sig")))


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_the_same_tables_from_every_format(folder, tmp_path, ending):
    assert settle(folder, tmp_path / "one").exit_code == 0
    done = settle(folder, tmp_path / "two", "--cases", "csv", file=f"grouped.{ending}")
    assert done.exit_code == 0, done.output
    for name in sorted(NAMES - {"settlement.json", "settlement.xlsx"} | {"cases.csv"}):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_parquet_out(folder, tmp_path):
    assert settle(folder, tmp_path / "a", "--cases", "parquet").exit_code == 0
    assert settle(folder, tmp_path / "b", file="grouped.parquet").exit_code == 0
    written = {p.name for p in (tmp_path / "b").iterdir()} - {"rejects.csv"}
    assert written == NAMES | {"cases.parquet"}
    one = pd.read_parquet(tmp_path / "a" / "cases.parquet")
    other = pd.read_parquet(tmp_path / "b" / "cases.parquet")
    # a blank cell of a Parquet file is null, of a CSV file it is blank
    for name in ("drg", "hospital_id"):
        texts = [frame.pop(name).fillna("").tolist() for frame in (one, other)]
        assert texts[0] == texts[1]
    pd.testing.assert_frame_equal(one, other)
    assert settle(folder, tmp_path / "c").exit_code == 0
    text = read(tmp_path / "c" / "cases.csv")
    assert len(text) == len(one) == 400
    assert text["fund"].astype(float).tolist() == one["fund"].tolist()


def test_the_same_bytes_each_time_whatever_the_size_of_blocks(folder, tmp_path, monkeypatch):
    for file in ("grouped.csv", "grouped.parquet"):
        assert settle(folder, tmp_path / file / "a", file=file).exit_code == 0
        first = digests(tmp_path / file / "a")
        assert settle(folder, tmp_path / file / "a", file=file).exit_code == 0  # over itself
        assert digests(tmp_path / file / "a") == first
        with monkeypatch.context() as patch:
            patch.setattr("budget.price.year._SLICE", 13)
            patch.setattr("budget.pools.sharing._SLICE", 17)
            patch.setattr("budget.cases.parts._PORTION", 31)
            patch.setattr("budget.settlement.tables._ROWS", 11)
            patch.setattr(import_module("drg.tables.batches"), "DEFAULT_BATCH_ROWS", 64)
            patch.setattr("drg.tables.csv.read._LARGEST_BLOCK", 1 << 14)
            patch.setattr("drg.tables.csv.read._FIRST_READ", 1 << 13)
            assert settle(folder, tmp_path / file / "b", file=file).exit_code == 0
        again = digests(tmp_path / file / "b")
        differ = {name for name in first if first[name] != again[name]}
        # row groups of a Parquet file follow the size of parts
        assert differ <= {"cases.parquet"}
        if differ:
            pd.testing.assert_frame_equal(
                pd.read_parquet(tmp_path / file / "a" / "cases.parquet"),
                pd.read_parquet(tmp_path / file / "b" / "cases.parquet"),
            )


def test_the_record_names_everything_that_went_in(folder, tmp_path):
    last = tmp_path / "last.csv"
    last.write_text("pool,amount\nemployee,1000000\nresident,2000000.5\n", encoding="utf-8")
    done = settle(folder, tmp_path / "out", "--last-year", last)
    assert done.exit_code == 0, done.output
    text = (tmp_path / "out" / "settlement.json").read_text(encoding="utf-8")
    held = json.loads(text)
    sha = hashlib.sha256((folder / "grouped.csv").read_bytes()).hexdigest()
    assert held["input"] == {"file": "grouped.csv", "sha256": sha}
    assert set(held["files"]) == {"hospitals", "weights", "last_year"}
    assert held["policy"]["sha256"] == load_policy().digest
    assert held["cases"] == 400
    assert str(tmp_path) not in text
    assert str(folder) not in text
    assert "secret-" not in text
    lost = read(tmp_path / "out" / "branches.csv")
    lost = lost[lost["settled"].astype(str).str.lower() == "false"]
    sums = lost.groupby("branch")[["cases", "cost"]].sum()
    for code, told in held["unsettled"].items():
        assert sums.loc[code, "cases"] == told["cases"]
        assert round(sums.loc[code, "cost"] * 100) == told["cost_fen"]
        assert f"not settled {code}" in done.output
    assert set(sums.index) == set(held["unsettled"]) >= {"no_hospital", "outside_year"}
    pools = read(tmp_path / "out" / "pools.csv")
    assert pools["budget"].tolist() == [1_060_000, 2_120_000.53]
    assert not any("last_year_unknown" in name for name in held["warnings"])


def test_the_workbook_is_plain_and_in_chinese(folder, tmp_path):
    assert settle(folder, tmp_path / "out").exit_code == 0
    book = openpyxl.load_workbook(tmp_path / "out" / "settlement.xlsx")
    assert book.sheetnames == ["说明", *SHEETS.values()]
    for sheet in book:
        for row in sheet.iter_rows():
            assert not any(cell.data_type == "f" for cell in row)
        if sheet.title != "说明":
            for cell in sheet[1]:
                assert re.search(r"[\u4e00-\u9fff]", cell.value) or cell.value == "CMI"
    for name, title in SHEETS.items():
        table = read(tmp_path / "out" / f"{name}.csv")
        assert book[title].max_row == len(table) + 1
        assert book[title].max_column == len(table.columns)
    about = {row[0].value: row[1].value for row in book["说明"].iter_rows()}
    assert about["病例数"] == "400"
    assert about["金额单位"] == "元"
    pools = {row[0]: row for row in book["基金池"].iter_rows(min_row=2, values_only=True)}
    assert set(pools) <= {"职工医保", "居民医保"}
    decided = [cell.value for cell in book["基金池"][1]].index("点值来源")
    assert {row[decided] for row in pools.values()} <= {"费率", "基金池决定", "政策给定"}
    hospitals = book["医疗机构清算"].iter_rows(min_row=2, values_only=True)
    assert {row[2] for row in hospitals} <= {"一级", "二级", "三级", None}


HOSTILE = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")']


def test_hostile_names_cannot_run(folder, tmp_path):
    ids = [f"={i}+{i}" for i in range(5)]
    hospitals = HOSPITALS.assign(hospital_id=ids, hospital_name=HOSTILE[:5])
    hospitals["class"] = HOSTILE[1:6]
    hospitals.to_csv(tmp_path / "h.csv", index=False)
    frame = many(60, seed=3)
    frame["hospital_id"] = np.array(ids)[np.arange(60) % 5]
    frame["case_id"] = [HOSTILE[i % 6] for i in range(60)]
    frame.loc[0, "drg"] = "=1+1"
    frame.to_csv(tmp_path / "c.csv", index=False)
    done = run(tmp_path / "c.csv", "--weights", folder / "weights.csv", "--hospitals",
               tmp_path / "h.csv", "--out", tmp_path / "out", "--year", 2025)  # fmt: skip
    assert done.exit_code == 0, done.output
    numbers = re.compile(r"-?\d+(\.\d+)?(e[-+]\d+)?")
    for path in (tmp_path / "out").glob("*.csv"):
        if path.name == "cases.csv":  # repeats the input's ids, as the grouper's table does
            continue
        for value in read(path, dtype=str).to_numpy().ravel():
            assert value[:1] not in tuple("=+-@\t") or numbers.fullmatch(value), (path, value)
    book = openpyxl.load_workbook(tmp_path / "out" / "settlement.xlsx")
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                if isinstance(cell.value, str):
                    assert not cell.value.startswith(("=", "+", "@", "\t"))


def test_no_person_is_in_any_output(folder, tmp_path):
    for ending in ("csv", "parquet"):
        assert settle(folder, tmp_path / ending, "--cases", ending).exit_code == 0
        for path in (tmp_path / ending).iterdir():
            assert b"secret-" not in path.read_bytes()
            assert b"patient_id" not in path.read_bytes()
        book = openpyxl.load_workbook(tmp_path / ending / "settlement.xlsx")
        texts = [str(c.value) for sheet in book for row in sheet.iter_rows() for c in row]
        assert not any("secret-" in text for text in texts)
    frame = pd.read_parquet(tmp_path / "parquet" / "cases.parquet")
    assert not any("secret-" in str(value) for value in frame.to_numpy().ravel())


def one_line(done, *words):
    """A failed run: exit status 1, a DrgError of one line with these words."""
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, DrgError | SystemExit), done.exception
    text = str(done.exception) if isinstance(done.exception, DrgError) else done.output
    assert "\n" not in text.strip()
    assert "Traceback" not in done.output
    for word in words:
        assert str(word) in text, text


def write_last(tmp_path, text):
    path = tmp_path / "last.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pool,amount\nemployee,1\nmiddle,2\n", ["row 3", "middle", "employee, resident"]),
        ("pool,amount\nemployee,1\nemployee,2\n", ["row 3", "employee"]),
        ("pool,amount\nemployee,x\n", ["row 2", "employee", "yuan"]),
        ("pool,amount\nemployee,-1\n", ["row 2", "employee"]),
        ("pool,amount\nemployee,\n", ["row 2", "employee"]),
        ("name,amount\nemployee,1\n", ["pool", "name"]),
        ("pool,yuan\nemployee,1\n", ["amount"]),
    ],
)
def test_a_wrong_table_of_last_year_is_one_line(folder, tmp_path, text, words):
    done = settle(folder, tmp_path / "out", "--last-year", write_last(tmp_path, text))
    one_line(done, "last.csv", *words)
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


def test_a_last_year_of_nothing_is_a_pool_without_money(folder, tmp_path):
    last = write_last(tmp_path, "pool,amount\nemployee,0\nresident,5\n")
    one_line(settle(folder, tmp_path / "out", "--last-year", last), "pools.employee", "no money")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hospital_id,tier\nA,3\nA,2\n", ["row 3", "twice", "A"]),
        ("hospital_id,tier\nA,9\n", ["row 2", "tier", "9"]),
        ("name,tier\nA,3\n", ["hospital ids"]),
        ("hospital_id,tier\n", ["no hospital"]),
    ],
)
def test_a_wrong_table_of_hospitals_is_one_line(folder, tmp_path, text, words):
    path = tmp_path / "h.csv"
    path.write_text(text, encoding="utf-8")
    one_line(settle(folder, tmp_path / "out", "--hospitals", path), "h.csv", *words)


@pytest.mark.parametrize(
    "column", ["drg", "hospital_id", "insurance", "discharge_date", "total_cost"]
)
def test_a_missing_column_is_one_line(folder, tmp_path, column):
    cases_of({}).drop(columns=column).to_csv(tmp_path / "c.csv", index=False)
    done = run(tmp_path / "c.csv", "--weights", folder / "weights.csv", "--out", tmp_path / "out",
               "--hospitals", folder / "hospitals.csv", "--year", 2025)  # fmt: skip
    one_line(done, "c.csv", column)
    if column == "discharge_date":  # from which the year is told
        done = run(tmp_path / "c.csv", "--weights", folder / "weights.csv", "--out",
                   tmp_path / "out", "--hospitals", folder / "hospitals.csv")  # fmt: skip
        one_line(done, "c.csv", column)


@pytest.mark.parametrize("text", ["", "a,b\n"])
def test_an_empty_file_is_one_line(folder, tmp_path, text):
    path = tmp_path / "c.csv"
    path.write_text(text or "", encoding="utf-8")
    one_line(run(path, "--weights", folder / "weights.csv", "--out", tmp_path / "out",
                 "--hospitals", folder / "hospitals.csv", "--year", 2025), "c.csv")  # fmt: skip


def test_a_file_of_headings_has_no_case(folder, tmp_path):
    cases_of({}).iloc[:0].to_csv(tmp_path / "c.csv", index=False)
    more = ("--weights", folder / "weights.csv", "--hospitals", folder / "hospitals.csv")
    one_line(run(tmp_path / "c.csv", *more, "--out", tmp_path / "o", "--year", 2025), "no case")
    one_line(run(tmp_path / "c.csv", *more, "--out", tmp_path / "o"), "--year")


def test_the_year_is_that_of_most_cases(folder, tmp_path):
    cases_of({"discharge_date": "2024-12-30"}, {}, {}).to_csv(tmp_path / "c.csv", index=False)
    done = run(tmp_path / "c.csv", "--weights", folder / "weights.csv", "--out", tmp_path / "out",
               "--hospitals", folder / "hospitals.csv")  # fmt: skip
    assert done.exit_code == 0, done.output
    held = json.loads((tmp_path / "out" / "settlement.json").read_text(encoding="utf-8"))
    assert held["year"] == 2025
    assert held["unsettled"] == {"outside_year": {"cases": 1, "cost_fen": 1_000_000}}


def test_no_input_is_replaced(folder, tmp_path):
    """Tables of the settlement have names that inputs may have, hospitals.csv first of all."""
    for name in ("grouped.csv", "hospitals.csv", "weights.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    before = digests(tmp_path)
    one_line(settle(tmp_path, tmp_path), "hospitals.csv", "would replace an input")
    (tmp_path / "in").mkdir()
    for name in ("cases.csv", "fund.csv"):
        path = tmp_path / "in" / name
        path.write_bytes((folder / "grouped.csv").read_bytes())
        done = run(path, "--weights", folder / "weights.csv", "--hospitals",
                   folder / "hospitals.csv", "--out", tmp_path / "in", "--year", 2025)  # fmt: skip
        one_line(done, name, "would replace an input")
        path.unlink()
    assert digests(folder).items() >= {k: v for k, v in before.items() if k != "in"}.items()
    (tmp_path / "in").rmdir()
    assert digests(tmp_path) == before


def test_an_out_folder_that_is_a_file_is_one_line(folder, tmp_path):
    out = tmp_path / "out"
    out.write_text("x", encoding="utf-8")
    one_line(settle(folder, out), "out", "folder")
    one_line(settle(folder, out / "inner"), "inner")
    assert out.read_text(encoding="utf-8") == "x"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--policy", "nowhere"], "nowhere"),
        (["--weights", "nothing-2020"], "nothing-2020"),
        (["--hospitals", "nothing.csv"], "nothing.csv"),
        (["--last-year", "nothing.csv"], "nothing.csv"),
        (["--mapping", "nothing.toml"], "nothing.toml"),
    ],
)
def test_what_is_not_there_is_one_line(folder, tmp_path, words, told):
    one_line(settle(folder, tmp_path / "out", *words), told)


def test_no_table_of_hospitals_is_one_line(folder, tmp_path):
    (tmp_path / "grouped.csv").write_bytes((folder / "grouped.csv").read_bytes())
    done = run(tmp_path / "grouped.csv", "--weights", folder / "weights.csv", "--out",
               tmp_path / "out", "--year", 2025)  # fmt: skip
    one_line(done, "--hospitals", "hospitals.csv")


def test_a_format_that_is_not_known():
    done = run("x.csv", "--weights", "changzhi", "--out", "o", "--cases", "xlsx")
    assert done.exit_code == 2
    assert "csv or parquet" in done.output


def test_settling_in_python_gives_the_same_files(folder, tmp_path):
    assert settle(folder, tmp_path / "one").exit_code == 0
    calls = []
    done = settle_file(
        folder / "grouped.csv", tmp_path / "two", weight_table(), load_policy(),
        folder / "hospitals.csv", 2025, progress=lambda units, total: calls.append((units, total)),
    )  # fmt: skip
    assert sum(units for units, _ in calls) == calls[-1][1]  # gone through twice
    assert done.cases == 400
    for name in NAMES - {"settlement.json", "settlement.xlsx"} | {"cases.csv"}:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_rows_that_are_not_settled_are_listed(tmp_path: Path) -> None:
    """Row, cell and reason of what is not settled or not used; ids as the file has them."""
    file = tmp_path / "grouped.csv"
    head = "case_id,hospital_id,insurance,discharge_date,total_cost,fund_paid,drg\n"
    rows = ["1,A,employee,2025-03-01,1000,500,AB11", "2,A,employee,2025-03-01,-5,500,AB11",
            "3,X9,resident,2025-03-01,1000,500,AB11", "4,A,none,2025-03-01,1000,500,AB11",
            "5,A,employee,2024-03-01,1000,500,AB11", "6,A,employee,2025-03-01,1000,abc,AB11",
            "6,A,resident,2025-03-01,1000,500,AB11"]  # fmt: skip
    file.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "hospitals.csv").write_text("hospital_id,tier\nA,3\n", encoding="utf-8")
    (tmp_path / "w.csv").write_text("drg,weight\nAB11,1\n", encoding="utf-8")
    out = tmp_path / "out"
    held = settle_file(file, out, open_weights(tmp_path / "w.csv"), load_policy("qingdao-2023"),
                       tmp_path / "hospitals.csv", 2025)  # fmt: skip
    listed = pd.read_csv(out / "rejects.csv", dtype=str)
    assert listed[["row", "column", "value"]].to_numpy().tolist() == [
        ["3", "total_cost", "'-5"], ["4", "hospital_id", "X9"], ["5", "insurance", "none"],
        ["6", "discharge_date", "2024-03-01"], ["7", "fund_paid", "abc"],
    ]  # fmt: skip
    assert pd.read_csv(out / "cases.csv", dtype=str)["hospital_id"].tolist()[2] == "X9"
    assert "1 cases have" in held.warnings["case_ids_twice"]
    assert "not in 2025" in settle_file(
        file, out, open_weights(tmp_path / "w.csv"),
        load_policy("qingdao-2023", {"id": "old", "title": "t", "source": "s",
                                     "valid_from": dt.date(2023, 1, 1),
                                     "valid_to": dt.date(2023, 12, 31)}),
        tmp_path / "hospitals.csv", 2025,
    ).warnings["policy_not_in_force"]  # fmt: skip
    (tmp_path / "hospitals.csv").write_text("hospital_id\nA\n", encoding="utf-8")
    with pytest.raises(DrgError, match="no hospital has a tier"):
        settle_file(file, out, open_weights(tmp_path / "w.csv"), load_policy("qingdao-2023"),
                    tmp_path / "hospitals.csv", 2025)  # fmt: skip


def test_text_views_of_parquet_are_texts(folder, tmp_path):
    """A type of column that Arrow cannot take from: ids come through the stays of persons."""
    table = pq.read_table(folder / "grouped.parquet")
    views = [pa.field(name, pa.string_view()) for name in table.column_names]
    pq.write_table(table.cast(pa.schema(views)), tmp_path / "views.parquet")
    for name, file in (("plain", "grouped.parquet"), ("views", tmp_path / "views.parquet")):
        done = settle(folder, tmp_path / name, "--hospitals", folder / "hospitals.csv", file=file)
        assert done.exit_code == 0, done.output
    made = [(tmp_path / name / "hospitals.csv").read_bytes() for name in ("plain", "views")]
    assert made[0] == made[1]
