"""``drg monitor`` from end to end: files and folders in, tables, pages and record out."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from benchmarks.monitor import months
from budget.monitor.files import RESULTS, TABLES
from drg.cli import app
from drg.errors import DrgError
from drg.year.month import read_month
from tests.budget.region import HOSPITALS, WEIGHTS, many
from tests.year.small import book_of, month_file


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What a bureau has at the end of June: two files of cases, last year's, and three years."""
    home = tmp_path_factory.mktemp("bureau")
    cases = many(1200, seed=3)
    rare = cases.index[(cases["drg"] == "GG19") & (cases["insurance"] == "employee")
                       & (cases["discharge_date"] < "2025-07-01")]  # fmt: skip
    cases = cases.drop(rare[3:])
    early = cases["discharge_date"] < "2025-04-01"
    cases[early].to_csv(home / "grouped-1.csv", index=False)
    cases[~early & (cases["discharge_date"] < "2025-07-01")].to_csv(
        home / "grouped-2.csv", index=False
    )
    last = many(1200, seed=4)
    for name in ("admission_date", "discharge_date"):
        last[name] = last[name].str.replace("2024-", "2023-").str.replace("2025-", "2024-")
    last.to_csv(home / "before.csv", index=False)
    HOSPITALS.to_csv(home / "hospitals.csv", index=False)
    WEIGHTS.to_csv(home / "weights.csv", index=False)
    rng, rows = np.random.default_rng(1), []
    for pool, size in (("employee", 2.7e5), ("resident", 2.7e5)):
        spent = months(rng, 3, pool, "noisy")
        spent = np.round(spent / spent.mean() * size, 2)
        rows += [(f"{2022 + y}-{m + 1:02d}", pool, spent[y, m])
                 for y in range(3) for m in range(12)]  # fmt: skip
    pd.DataFrame(rows, columns=["month", "pool", "spend"]).to_csv(home / "history.csv", index=False)
    return home


def run(*words: object, fails: str = ""):
    done = CliRunner().invoke(app, ["monitor", *map(str, words)])
    if fails:
        assert isinstance(done.exception, DrgError), done.output
        assert fails in str(done.exception)
    else:
        assert done.exit_code == 0, (done.output, done.exception)
    return done


def table(out, name: str) -> pd.DataFrame:
    return pd.read_csv(out / f"{name}.csv", encoding="utf-8-sig")


@pytest.fixture(scope="module")
def out(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("out") / "monitor"
    run(folder, "--out", place, "--lang", "en")
    return place


def test_what_is_written(out):
    names = {one.name for one in out.iterdir()}
    assert {"months.csv", "forecast.csv", "warnings.csv", "monitor.json", "monitor.html",
            "monitor.docx", "monitor.xlsx"} <= names <= set(RESULTS)  # fmt: skip
    ahead = table(out, "forecast")
    assert list(ahead.columns[:7]) == ["pool", "month", "expected", "low80", "high80", "low95",
                                       "high95"]  # fmt: skip
    assert ahead.groupby("pool")["month"].apply(list).tolist() == [list(range(1, 13))] * 2
    held = table(out, "months")
    whole = held[held["level"] == "pool"].set_index(["pool", "month"])
    for row in ahead[ahead["month"] <= 6].to_dict("records"):
        spent = whole.loc[row["pool"], row["month"]]["to_date"]
        assert row["expected"] == row["low95"] == row["high95"] == pytest.approx(spent)
    assert (ahead.loc[ahead["month"] > 6, "low95"] < ahead.loc[ahead["month"] > 6, "high95"]).all()
    record = json.loads((out / "monitor.json").read_text("utf-8"))
    assert record["kind"] == "monitor"
    assert record["months"] == 6
    assert {one["name"]: one["spent_fen"] for one in record["pools"]} == {
        pool: round(100 * whole.loc[pool]["spend"].sum()) for pool in ("employee", "resident")
    }


def test_the_same_input_gives_the_same_bytes(folder, out, tmp_path):
    run(folder, "--out", tmp_path / "again", "--lang", "en")
    for one in out.iterdir():
        assert one.read_bytes() == (tmp_path / "again" / one.name).read_bytes(), one.name


def test_the_history_goes_on_next_year(folder, out):
    old, new = table(folder, "history"), table(out, "history")
    assert len(new) == len(old) + 12
    told = new[new["month"].str.startswith("2025")]
    held = table(out, "months")
    whole = held[held["level"] == "pool"]
    assert told["spend"].sum() == pytest.approx(whole["spend"].sum())


def test_the_page_tells_and_hides(out):
    page = (out / "monitor.html").read_text("utf-8")
    for word in ("employees", "Performance", "95% interval", "2009 No. 67", "this forecast"):
        assert word in page
    assert "secret-" not in page
    small = table(out, "months")
    small = small[small["level"] == "group"].groupby(["pool", "drg"])["cases"].sum()
    assert (small < 5).any()
    book = pd.read_excel(out / "monitor.xlsx", sheet_name=None, header=None, engine="openpyxl")
    groups = next(sheet for name, sheet in book.items() if "Groups" in name)
    rows = groups[(groups[0] == "employees") & (groups[1] == "GG19")].to_numpy().tolist()
    assert [row[2:4] for row in rows] == [["*", "*"]]
    assert len(book) == len({name.removesuffix(" 2") for name in book})


def test_cases_without_a_group_are_told_in_words(folder, tmp_path):
    few = pd.read_csv(folder / "weights.csv")
    few[few["drg"] != few["drg"].iloc[0]].to_csv(tmp_path / "weights.csv", index=False)
    done = run(folder, "--out", tmp_path / "out", "--weights", tmp_path / "weights.csv", "--lang",
               "zh")  # fmt: skip
    assert "警告 groups_without_weight" in done.output
    page = (tmp_path / "out" / "monitor.html").read_text("utf-8")
    assert "未入组或无权重" in page
    assert "(none)" not in page


def test_a_file_and_a_month(folder, tmp_path):
    shutil.copy(folder / "grouped-2.csv", tmp_path / "june.csv")
    run(tmp_path / "june.csv", "--weights", folder / "weights.csv", "--hospitals",
        folder / "hospitals.csv", "--month", 5, "--lang", "zh")  # fmt: skip
    done = tmp_path / "monitor"
    assert table(done, "months")["month"].max() == 5
    assert "基金运行监测" in (done / "monitor.html").read_text("utf-8")


WRONG = {
    "history.csv": [
        ("month,pool,spend\n2025-01,employee,5\n", "before 2025"),
        ("month,pool,spend\n2024-13,employee,5\n", "row 2"),
        ("month,pool,spend\n2024-01,nobody,5\n", "nobody"),
        ("month,pool,spend\n2024-01,employee,5\n2024-01,employee,6\n", "row 3"),
        ("month,pool,spend\n2024-01,employee,-5\n", "0 or more"),
        ("month,pool\n2024-01,employee\n", "spend"),
        ("month,pool,spend\n1950-01,employee,5\n", "years"),
    ],
    "monitor.toml": [
        ("[levels.year_end]\namber = 1.1\nred = 1.0\nsource = 'x'\n", "levels.year_end"),
        ("[levels.nothing]\namber = 1.1\n", "levels.nothing"),
        ("[levels.year_end]\namber = 1.0\nred = 1.1\n", "levels.year_end.source"),
        ("[pools.nobody]\nbalance = 1\nsource = 'x'\n", "pools.nobody"),
        ("[pools.employee]\nbalance = 1\n", "pools.employee.source"),
        ("[indicators.a]\nstage = 'never'\nkind = 'output'\nzh = 'a'\nen = 'a'\nmeasure = 'to_date'"
         "\nat_most = 1.0\nweight = 1\nsource = 'x'\n", "indicators.a.stage"),
        ("[indicators.a]\nstage = 'after'\nkind = 'output'\nzh = 'a'\nen = 'a'\nmeasure = 'to_date'"
         "\nweight = 1\nsource = 'x'\n", "at_least"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "said"), [
    (name, text, said) for name, held in WRONG.items() for text, said in held
])  # fmt: skip
def test_what_is_wrong_is_one_line(folder, tmp_path, name, text, said):
    home = tmp_path / "home"
    home.mkdir()
    for one in ("grouped-1.csv", "hospitals.csv", "weights.csv"):
        shutil.copy(folder / one, home / one)
    (home / name).write_text(text, "utf-8")
    done = run(home, "--lang", "en", fails=said)
    assert name in str(done.exception) or "monitor" in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not (tmp_path / "monitor").exists()


def test_a_folder_without_cases_or_weights(folder, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    run(home, "--lang", "en", fails="grouped.csv")
    shutil.copy(folder / "grouped-1.csv", home / "grouped.csv")
    run(home, "--lang", "en", fails="--weights")


def test_not_one_case_that_can_be_settled(folder, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(folder, home)
    pd.read_csv(home / "hospitals.csv").replace({"hospital_id": {"A": "X"}}).head(1).to_csv(
        home / "hospitals.csv", index=False
    )
    run(home, "--lang", "en", fails="not one case can be settled: found 'no_hospital")


def test_every_table_is_documented(out):
    with open("docs/monitor.md", encoding="utf-8") as stream:
        text = stream.read()
    for name in TABLES:
        assert f"`{name}.csv`" in text


def test_a_book_of_the_year_is_watched(tmp_path):
    """Its closed months come to what it says that it owes, to the fen."""
    book = book_of(tmp_path)
    run(book.folder, fails="no month of the book is closed")
    for month in (1, 2, 3):
        book.add_month(month_file(tmp_path, month, 30), actor="x")
        if month < 3:
            book.close_month(actor="x")
    out = tmp_path / "watched"
    run(book.folder, "--out", out)
    done = json.loads((out / "monitor.json").read_text())
    assert (done["year"], done["months"]) == (2025, 2)
    owed = sum(read_month(book.folder / one.file).groupby("pool")["payable"].sum()
               for one in book.state.closed)  # fmt: skip
    assert {one["name"]: one["spent_fen"] for one in done["pools"]} == {
        pool: round(yuan * 100) for pool, yuan in owed.items()}  # fmt: skip
    assert all(one["months_left"] is not None for one in done["pools"])
    assert "book" in done["files"]
