"""The folder of a region: the same bytes again, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from drg.cases.columns import recognise
from drg.errors import DrgError
from drg.sample import make_region, write_region
from drg.sample import region as region_module
from grouper import Grouper


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    one = bytes_of(write_region(tmp_path / "a", cases=2000, hospitals=20, seed=9))
    two = bytes_of(write_region(tmp_path / "b", cases=2000, hospitals=20, seed=9))
    other = bytes_of(write_region(tmp_path / "c", cases=2000, hospitals=20, seed=10))
    assert one == two
    assert one["cases.csv"] != other["cases.csv"]
    assert set(one) == {
        "cases.csv",
        "hospitals.csv",
        "region.json",
        "truth/cases.csv",
        "truth/hospitals.csv",
        "truth/irregularities.csv",
        "truth/weights.csv",
    }


def test_files_hold_what_the_tables_hold(tmp_path: Path) -> None:
    folder = write_region(tmp_path / "r", cases=1500, hospitals=8, seed=4)
    region = make_region(cases=1500, hospitals=8, seed=4)
    read = pd.read_csv(folder / "cases.csv", dtype={"diagnoses": str, "procedures": str})
    assert (read["case_id"] == region.cases["case_id"]).all()
    assert (read["total_cost"] == region.cases["total_cost"]).all()
    assert (read["diagnoses"].fillna("") == region.cases["diagnoses"]).all()
    record = json.loads((folder / "region.json").read_text(encoding="utf-8"))
    assert record["options"]["seed"] == 4
    assert record["scheme"]["id"] == "chs-drg-2.0"


def test_parquet_has_true_lists(tmp_path: Path) -> None:
    folder = write_region(tmp_path / "r", cases=1000, hospitals=8, seed=4, format="parquet")
    table = pq.read_table(folder / "cases.parquet")
    region = make_region(cases=1000, hospitals=8, seed=4)
    joined = ["|".join(codes) for codes in table["diagnoses"].to_pylist()]
    assert joined == region.cases["diagnoses"].tolist()
    assert [] in table["procedures"].to_pylist()
    grouped = Grouper().group(table)
    assert grouped["drg"].to_pylist() == region.truth["drg"].tolist()


def test_the_front_page_dialect_groups_alike(tmp_path: Path) -> None:
    folder = write_region(tmp_path / "r", cases=800, hospitals=8, seed=4, dialect="front-page")
    table = pd.read_csv(folder / "cases.csv", encoding="gb18030", dtype=str, keep_default_na=False)
    assert "主要诊断编码" in table.columns
    assert "手术操作编码1" in table.columns
    sources = recognise(table.columns).sources
    assert {name for held in sources.values() for name in held} == set(table.columns)
    grouped = Grouper().group(table)
    region = make_region(cases=800, hospitals=8, seed=4)
    assert grouped["drg"].tolist() == region.truth["drg"].tolist()


def test_blocks_are_written_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(region_module, "BLOCK_CASES", 700)
    folder = write_region(tmp_path / "r", cases=2000, hospitals=8, seed=4)
    read = pd.read_csv(folder / "cases.csv")
    assert len(read) == 2000
    assert read["case_id"].is_unique
    truth = pd.read_csv(folder / "truth" / "cases.csv", keep_default_na=False)
    assert (truth["case_id"] == read["case_id"]).all()
    blocks = read.groupby("patient_id")["case_id"].agg(lambda ids: {int(i[1:]) // 701 for i in ids})
    assert (blocks.map(len) == 1).all()


def test_an_earlier_region_is_replaced(tmp_path: Path) -> None:
    write_region(tmp_path / "r", cases=300, hospitals=4, seed=1, format="parquet")
    write_region(tmp_path / "r", cases=200, hospitals=4, seed=1)
    assert len(pd.read_csv(tmp_path / "r" / "cases.csv")) == 200
    assert not (tmp_path / "r" / "cases.parquet").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["r"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    write_region(tmp_path / "r", cases=50, hospitals=3, seed=1)
    assert (tmp_path / "r" / "cases.csv").exists()


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "letter.txt").write_text("dear bureau")
    with pytest.raises(DrgError, match="not empty"):
        write_region(tmp_path / "r", cases=50, hospitals=3, seed=1)
    write_region(tmp_path / "s", cases=50, hospitals=3, seed=1)
    (tmp_path / "s" / "results.csv").write_text("mine")
    with pytest.raises(DrgError, match=r"results\.csv"):
        write_region(tmp_path / "s", cases=50, hospitals=3, seed=1)
    assert (tmp_path / "r" / "letter.txt").read_text() == "dear bureau"


def test_nothing_appears_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("drg.sample.write._record", fail)
    with pytest.raises(DrgError, match="the disk is full"):
        write_region(tmp_path / "r", cases=50, hospitals=3, seed=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "xlsx"},
        {"dialect": "klingon"},
        {"format": "parquet", "dialect": "front-page"},
        {"cases": 0},
    ],
)
def test_wrong_choices_are_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(DrgError):
        write_region(tmp_path / "r", **wrong)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
