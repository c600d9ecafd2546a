"""Two tables side by side, against plain formulas."""

from __future__ import annotations

import csv
import re

import numpy as np
import pandas as pd
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from scipy import stats
from typer.testing import CliRunner

from drg.cli.weights.compare import compare as command
from drg.errors import DrgError
from weights.quality.compare import compare, log_slope
from weights.table import WeightTable

weight = st.floats(0.01, 100)
tables = st.dictionaries(st.sampled_from([f"G{i}" for i in range(12)]),
                         st.tuples(weight, weight), min_size=3)  # fmt: skip


def table(id_, weights, **columns):
    frame = pd.DataFrame({"drg": list(weights), "weight": list(weights.values()), **columns})
    return WeightTable(id_, frame)


@given(tables)
def test_against_scipy(held):
    a, b = (np.array([pair[i] for _, pair in sorted(held.items())]) for i in (0, 1))
    found = compare(table("a", {k: v[0] for k, v in held.items()}),
                    table("b", {k: v[1] for k, v in held.items()}))  # fmt: skip
    assert found.both == len(held)
    ratio = a / b
    assert found.sd_log == pytest.approx(np.log(ratio).std(ddof=1), abs=1e-9)
    scale = b.sum() / a.sum()
    assert found.mape == pytest.approx(np.abs(a * scale / b - 1).mean())
    assert (found.weighting, found.mape_weighted, found.sd_log_weighted) == ("plain", None, None)
    if np.ptp(a) > 1e-6 and np.ptp(b) > 1e-6:
        assert found.pearson == pytest.approx(stats.pearsonr(a, b)[0], abs=1e-6)
        assert found.spearman == pytest.approx(stats.spearmanr(a, b)[0], abs=1e-9)
        line = stats.linregress(np.log(b), np.log(a))
        assert found.slope.slope == pytest.approx(line.slope, rel=1e-6, abs=1e-6)
        assert found.slope.se == pytest.approx(line.stderr, rel=1e-4, abs=1e-6)


def test_equal_tables():
    one = table("one", {"A": 1.0, "B": 2.0, "C": 0.5})
    found = compare(one, table("two", {"A": 2.0, "B": 4.0, "C": 1.0}))
    assert (found.scale, found.mape, found.sd_log, found.slope.slope) == (2.0, 0.0, 0.0, 1.0)
    assert (found.moves[0].falls, found.moves[0].rescaled) == (3, 0)
    assert len(compare(one, one).largest()) == 0


def test_whose_cases_weigh():
    weights, other = {"A": 1.0, "B": 2.0}, {"A": 1.2, "B": 2.0}
    plain, n = table("p", other), table("n", weights, cases=[3, 1])
    assert compare(n, plain).weighting == "cases of n"
    assert compare(plain, n).weighting == "cases of n"
    assert compare(plain, n, cases={"A": 1, "B": 1}).weighting == "given cases"
    found = compare(n, plain)
    assert found.scale == pytest.approx((3 * 1.2 + 2) / 5)
    moved = np.abs(np.array([1 / 1.2, 1]) * found.scale - 1)
    assert found.mape_weighted == pytest.approx((3 * moved[0] + moved[1]) / 4)
    assert found.mape == pytest.approx(moved.mean())


def test_floor_and_ceiling_as_far_as_decimals_tell():
    before = {"A": 0.7070, "B": 0.8727, "C": 5.6178, "D": 1.0, "E": 2.0}
    now = {"A": 0.6363, "B": 0.7854, "C": 5.0577, "D": 0.85, "E": 2.2}
    found = compare(table("now", now), table("before", before))
    assert found.on_floor == ("A", "B")  # B falls by 10.003%, for it was rounded
    assert found.on_ceiling == ("E",)
    assert (found.moves[0].falls, found.moves[0].rises, found.moves[1].falls) == (1, 0, 0)
    assert [*found.largest(2)["drg"]] == ["D", "B"]
    exact = {k: v * (1 + 1e-7 * np.pi) for k, v in before.items()}
    capped = {k: v * 0.9 for k, v in exact.items()}
    assert len(compare(table("now", capped), table("before", exact)).on_floor) == 5
    lower = {k: v * 0.8995 for k, v in exact.items()}
    assert compare(table("now", lower), table("before", exact)).on_floor == ()


def test_only_one_and_no_weight():
    a = table("a", {"A": 1.0, "B": np.nan, "=1+1": 3.0})
    b = table("b", {"A": 1.0, "B": 2.0, "C": 1.0})
    found = compare(a, b)
    assert (found.both, found.only_a, found.only_b) == (1, ("=1+1",), ("B", "C"))
    assert (found.pearson, found.spearman, found.sd_log, found.slope) == (None,) * 4


def test_order_of_each():
    a = table("a", {"ES11": 1.0, "ES13": 1.2, "ES15": 0.7})
    b = table("b", {"ES11": 1.4, "ES13": 1.2})
    found = compare(a, b)
    assert (len(found.order_a.inversions), found.order_a.pairs) == (1, 3)
    assert (len(found.order_b.inversions), found.order_b.pairs) == (0, 1)
    given = {"ES11": ("X", 1.0), "ES13": ("X", 2.0), "ES15": ("X", 3.0)}
    assert len(compare(a, b, families=given).order_b.inversions) == 1


def test_slope_needs_two():
    assert log_slope(np.array([1.0, np.nan]), np.array([1.0, 2.0])) is None
    assert log_slope(np.array([1.0, 2.0]), np.array([3.0, 3.0])) is None
    found = log_slope(np.array([1.0, 4.0]), np.array([1.0, 16.0]))
    assert (found.slope, found.se, found.groups) == (pytest.approx(0.5), None, 2)


def test_wrong_inputs():
    with pytest.raises(DrgError, match="no group in common"):
        compare(table("a", {"A": 1.0}), table("b", {"B": 1.0}))
    for corridor in (0, 1, -0.1, float("nan")):
        with pytest.raises(DrgError, match="corridor: out of range"):
            compare(table("a", {"A": 1.0}), table("b", {"A": 1.0}), corridor=corridor)


def run(*arguments):
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    held = {"ES11": 1.0, "ES13": 1.2, "ES15": 1.0, "FR19": 2.0, "=1+1": 3.0}
    names = ["阑尾切除", "", "", "", ""]
    table("a", held, cases=[3, 50, 70, 5, 6], name=names).write("a.csv")
    table("b", {"ES11": 1.1, "ES13": 1.1, "=1+1": 3.1, "X": 1.0}).write("b.xlsx")
    return tmp_path


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_command(place, lang):
    done = run("a.csv", "b.xlsx", "--out", "c.csv", "--lang", lang, "--corridor", "0.05",
               "--picture", "c.svg")  # fmt: skip
    assert done.exit_code == 0, (done.output, done.exception)
    for word in ("Pearson", "Spearman", "MAPE", "cases of a" if lang == "en" else "a 的病例数"):
        assert word in done.output
    assert re.search(r"ES11 +阑尾切除 +1\.0000 +ES13 +1\.2000", done.output)
    with (place / "c.csv").open(encoding="utf-8-sig", newline="") as stream:
        held = {row["drg"]: row for row in csv.DictReader(stream)}
    assert held["ES11"]["cases"] == "<5"
    assert set(held) == {"ES11", "ES13", "ES15", "FR19", "'=1+1", "X"}
    assert (place / "c.svg").read_text(encoding="utf-8").lstrip().startswith("<?xml")


def test_the_command_writes_a_workbook(place):
    for name in ("c.xlsx", "again.xlsx"):
        assert run("a.csv", "b.xlsx", "--out", name).exit_code == 0
    assert (place / "c.xlsx").read_bytes() == (place / "again.xlsx").read_bytes()
    book = load_workbook(place / "c.xlsx")
    assert book.sheetnames == ["概况", "病组"]
    assert book["概况"]["A1"].value == "权重表对比：a 与 b（参照）"
    assert ("权重倒挂 a", "1 / 3 对") in [
        row[:2] for row in book["概况"].iter_rows(values_only=True)
    ]
    rows = list(book["病组"].iter_rows(min_row=2, values_only=True))
    assert rows[0] == ("病组编码", "病组名称", "a", "b", "变动", "权重之比", "同尺度之比",
                       "病例数（例）", "提示")  # fmt: skip
    held = {row[0]: row for row in rows[1:]}
    assert list(held)[:6] == ["'=1+1", "ES11", "ES13", "ES15", "FR19", "X"]
    assert held["ES11"][1:] == ("阑尾切除", 1.0, 1.1, *held["ES11"][4:7], "<5", "")
    assert held["ES11"][4] == pytest.approx(1 / 1.1 - 1)
    assert held["FR19"][2:4] == (2.0, None)
    assert [held[drg][8] for drg in ("ES15", "X")] == ["仅在 a", "仅在 b"]
    for sheet in book:
        assert (sheet.page_setup.paperSize, sheet.page_setup.fitToWidth or 1) == (9, 1)
        assert sheet.print_title_rows == "$2:$2"
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_published_tables_by_id(tmp_path):
    done = run("lanzhou", "qingdao", "--lang", "en")
    assert done.exit_code == 0
    assert "83 of 307 pairs" in done.output
    assert "0 of 401 pairs" in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("a.csv", "nowhere"), ("a.csv", "b.xlsx", "--out", "c.txt"),
        ("a.csv", "b.xlsx", "--out", "a.csv"), ("a.csv", "b.xlsx", "--corridor", "2"),
        ("a.csv", "b.xlsx", "--picture", "c.gif"), ("a.csv", "qingdao", "--lang", "fr"),
    ],
)  # fmt: skip
def test_wrong_arguments(place, arguments):
    done = run(*arguments)
    assert done.exit_code != 0
    assert done.exit_code == 2 or isinstance(done.exception, DrgError)
