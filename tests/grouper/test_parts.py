"""A dataset is grouped file by file; a run that was broken off is taken up where it stood."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from drg.errors import DrgError
from drg.provenance import document_at
from drg.tables import read_table
from grouper.engine import parts
from grouper.engine.files import group_file
from grouper.engine.parts import group_parts
from tests.conftest import DATA

FILES = [f"month=2025-0{i}/part-0.parquet" for i in (1, 2, 3)]


@pytest.fixture
def cases(tmp_path):
    table = pa.csv.read_csv(DATA / "labelled.csv").slice(0, 60)
    for i, name in enumerate(FILES):
        path = tmp_path / "cases" / name
        path.parent.mkdir(parents=True)
        pq.write_table(table.slice(20 * i, 20), path)
    return tmp_path / "cases"


def bytes_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip


def test_rows_are_those_of_one_file(cases, tmp_path):
    done = group_parts(cases, tmp_path / "out")
    group_file(cases, tmp_path / "one.parquet")
    assert (
        read_table(tmp_path / "out")[0]
        .select(["case_id", "drg", "month"])
        .equals(read_table(tmp_path / "one.parquet")[0].select(["case_id", "drg", "month"]))
    )
    assert (done.parts, done.kept, done.cases, sum(done.statuses.values())) == (3, 0, 60, 60)
    assert set(bytes_of(tmp_path / "out")) >= {*FILES, *(f"_drg/{n}.run.json" for n in FILES)}
    assert document_at(tmp_path / "out.run.json")["cases"] == 60
    assert not (tmp_path / "out.unfinished").exists()


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_run_goes_on_at_the_part_that_is_missing(cases, tmp_path, monkeypatch, broken):
    group_parts(cases, tmp_path / "whole")
    calls = []

    def some(*args, **more):
        if len(calls) == broken:
            raise KeyboardInterrupt
        calls.append(args)
        return group_file(*args, **more)

    monkeypatch.setattr(parts, "group_file", some)
    with pytest.raises(KeyboardInterrupt):
        group_parts(cases, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(parts, "group_file", group_file)
    assert group_parts(cases, tmp_path / "out").kept == broken
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")


def test_parts_of_another_scheme_or_input_are_not_kept(cases, tmp_path, monkeypatch):
    group_parts(cases, tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "out.unfinished")
    assert group_parts(cases, tmp_path / "out", scheme="chs-drg-1.1").kept == 0
    pq.write_table(pq.read_table(cases / FILES[0]).slice(0, 5), cases / FILES[0])
    (cases / FILES[2]).unlink()
    (tmp_path / "out").rename(tmp_path / "out.unfinished")
    done = group_parts(cases, tmp_path / "out", scheme="chs-drg-1.1")
    assert (done.kept, done.cases) == (1, 25)
    assert not [name for name in bytes_of(tmp_path / "out") if FILES[2] in name]


def test_what_cannot_be_is_told(cases, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").touch()
    with pytest.raises(DrgError, match="no dataset that grouping wrote"):
        group_parts(cases, tmp_path / "full")
    for name in ("month=2025-01", "month=2025-02", "month=2025-03"):
        part = next((cases / name).iterdir())
        table = pq.read_table(part, partitioning=None)
        pq.write_table(table.drop_columns(["age"]), part)
        (cases / name).rename(cases / name.replace("month", "age"))
    with pytest.raises(DrgError, match=r"name of folders.*'age'"):
        group_parts(cases, tmp_path / "out")
