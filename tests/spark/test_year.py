"""Weights, a settled year and an audit on Spark: to the byte those of one machine."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from drg.cli import app
from drg.errors import DrgError
from drg.sample import write_region
from grouper.engine.files import group_file
from tests.once import once
from tests.spark.tables import dataset, ordered

SPARK = ("--engine", "spark")


def run(*words: object) -> None:
    done = CliRunner().invoke(app, [*map(str, words)])
    if isinstance(done.exception, DrgError):
        raise done.exception
    assert done.exit_code == 0, done.output


def make(folder: Path) -> None:
    """A region as one file and as datasets of several, with planted faults of all kinds."""
    write_region(folder, cases=2_500, hospitals=6, seed=5, format="parquet")
    group_file(folder / "cases.parquet", folder / "grouped.parquet")
    grouped = pq.read_table(folder / "grouped.parquet")
    place = grouped.schema.get_field_index("total_cost")
    texts = grouped.column(place).to_pandas().map(str)
    texts[::401], texts[7::503], texts[9::907] = "一万", "0", "1.2万"
    grouped = grouped.set_column(place, "total_cost", [texts.tolist()])
    pq.write_table(grouped, folder / "grouped.parquet")
    pq.write_table(grouped.drop_columns(["fund_paid"]), folder / "unpaid.parquet")
    for name, shares in (("cases", (0.3, 0.6)), ("grouped", (0.02, 0.8)), ("unpaid", (0.5,))):
        dataset(folder / name, pq.read_table(folder / f"{name}.parquet"), shares)


@pytest.fixture(scope="module")
def region() -> Path:
    return once("spark-region", make)


def settled(region: Path, out: Path, file: str, *words: str) -> Path:
    run("settle", region / file, "--weights", "changzhi", "--out", out, "--year", "2025",
        "--hospitals", region / "hospitals.csv", *words)  # fmt: skip
    return out


@pytest.mark.parametrize(("file", "policy"), [
    ("grouped", "national-default"), ("grouped", "hangzhou-type"), ("unpaid", "national-default"),
])  # fmt: skip
def test_a_year_settles_to_the_same_fen(session, region, tmp_path, file, policy):
    """By rates and by points, with readmissions and quotas; by a ladder where nobody was paid."""
    words = ("--policy", policy)
    wanted = settled(region, tmp_path / "a", f"{file}.parquet", *words)
    found = settled(region, tmp_path / "b", file, *words, *SPARK)
    pd.testing.assert_frame_equal(
        ordered(found / "cases.parquet"), ordered(wanted / "cases.parquet")
    )
    names = sorted(path.name for path in wanted.iterdir())
    assert sorted(path.name for path in found.iterdir()) == names
    for name in names:
        if name.endswith(".csv"):
            assert (found / name).read_bytes() == (wanted / name).read_bytes(), name
    assert "rejects.csv" in names
    one, other = (json.loads((place / "settlement.json").read_text()) for place in (found, wanted))
    assert one["input"]["files"] == len(list((region / file).iterdir()))
    for held in (one, other):
        del held["input"]
        held["hashes"] = {name: told for name, told in held["hashes"].items() if ".csv" in name}
    assert one == other


def test_a_year_with_too_many_faults_is_refused_alike(session, region, tmp_path):
    table = pq.read_table(region / "grouped.parquet")
    place = table.schema.get_field_index("total_cost")
    table = table.set_column(place, "total_cost", [["一万"] * table.num_rows])
    pq.write_table(table, tmp_path / "x.parquet")
    parts = dataset(tmp_path / "x", table)
    said = []
    for file, words in ((tmp_path / "x.parquet", ()), (parts, SPARK)):
        with pytest.raises(DrgError) as error:
            settled(region, tmp_path / "out", file, *words)
        said.append(str(error.value).removeprefix(f"{file}"))
    assert said[0] == said[1]
    assert "more than 1%" in said[0]
    assert not (tmp_path / "out").exists()


def test_weights_and_findings_are_the_same(session, region, tmp_path):
    for out, file, words in (("a", "grouped.parquet", ()), ("b", "grouped", SPARK)):
        (tmp_path / out).mkdir()
        run("weights", "fit", region / file, "--out", tmp_path / out / "w.csv", "--recommended",
            "--trimmed", tmp_path / out / "t.csv", "--bootstrap", "20", *words)  # fmt: skip
    one, other = (tmp_path / out for out in "ab")
    for name in ("w.csv", "t.csv", "w.csv.rejects.csv"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    for out, file, words in (("c", "cases.parquet", ()), ("d", "cases", SPARK)):
        run("audit", region / file, "--out", tmp_path / out, "--hospitals",
            region / "hospitals.csv", *words)  # fmt: skip
    for name in ("findings", "hospitals", "indicators", "tests"):
        paths = [tmp_path / out / f"{name}.csv" for out in "cd"]
        assert paths[0].read_bytes() == paths[1].read_bytes(), name


def test_a_dataset_looks_ahead_on_one_machine(region, tmp_path):
    """docs/spark.md: what a cluster grouped is projected where it was brought."""
    for out, file in (("a", "grouped.parquet"), ("b", "grouped")):
        run("project", region / file, "--weights", "changzhi", "--hospitals",
            region / "hospitals.csv", "--year", "2025", "--years", "1", "--out",
            tmp_path / out)  # fmt: skip
    names = {path.name for path in (tmp_path / "a").glob("*.csv")}
    assert {"projection_hospitals.csv", "projection_pools.csv"} <= names
    for name in names:
        found = (tmp_path / "b" / name).read_bytes()
        assert found == (tmp_path / "a" / name).read_bytes(), name
