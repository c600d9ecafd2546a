"""Grouping on Spark: the rows, groups, reasons and lists are those of one machine."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import grouper
from drg.cli import app
from drg.errors import DrgError
from drg.spark.session import on_spark
from grouper.engine.files import beside, group_file
from tests.conftest import DATA
from tests.schemes import labelled_of, labelled_schemes
from tests.spark.tables import dataset, ordered, spoilt

ROOT = Path(__file__).parents[2]


def run(*words: object):
    return CliRunner().invoke(app, [*map(str, words)])


def test_every_scheme_groups_as_on_one_machine(session, tmp_path):
    for name in labelled_schemes():
        table = spoilt(labelled_of(name), 2_500)
        whole, out = tmp_path / f"{name}.parquet", tmp_path / f"{name}-out.parquet"
        pq.write_table(table, whole)
        parts = dataset(tmp_path / name, table)
        group_file(whole, out, scheme=name, names=True)
        mine = tmp_path / f"{name}-spark"
        done = run("group", parts, "--out", mine, "--scheme", name, "--names", "--engine", "spark")
        assert done.exit_code == 0, done.output
        pd.testing.assert_frame_equal(ordered(mine), ordered(out))
        for one, other in zip(beside(mine)[:3], beside(out)[:3], strict=True):
            assert one.exists() == other.exists()
            assert not one.exists() or one.read_bytes() == other.read_bytes()
        assert beside(mine)[0].exists()
        said, wanted = (json.loads(beside(one)[3].read_text("utf-8")) for one in (mine, out))
        assert said.pop("input") == {
            "name": name, "files": 4,
            "bytes": sum(one.stat().st_size for one in parts.iterdir()),
        }  # fmt: skip
        wanted.pop("input")
        assert said == wanted


def test_lists_nulls_and_odd_types(session, tmp_path):
    size = 1_200
    draw = np.random.default_rng(5)
    codes = pd.read_csv(DATA / "labelled.csv", dtype=str, keep_default_na=False)["diagnoses"][:size]
    lists = [text.split("|") if i % 50 else None for i, text in enumerate(codes)]
    day = dt.date(2025, 1, 1)
    table = pa.table({
        "case_id": pa.array(range(size), pa.int64()),
        "主要诊断.编码 (医保)": pa.array(range(size), pa.int16()),  # a header that is not known
        "diagnoses": pa.array(lists, pa.list_(pa.string())),
        "sex": pa.array(draw.integers(0, 3, size), pa.uint8()),
        "age": pa.array([decimal.Decimal(int(one)) for one in draw.integers(0, 99, size)],
                        pa.decimal128(9, 2)),
        "age_days": pa.array(draw.integers(0, 364, size), pa.float32(),
                             mask=np.arange(size) % 3 > 0),
        "admission_date": pa.array([day] * size, pa.date32()),
        "discharge_date": pa.array([dt.datetime(2025, 1, 9, 8)] * size, pa.timestamp("us")),
        "written": pa.array([dt.datetime(2025, 1, 9, 8)] * size, pa.timestamp("us", "UTC")),
        "raw": pa.array([b"\xff\x00"] * size, pa.binary()),
        "kind": pa.array(["甲", None, "乙"] * 400).dictionary_encode(),
        "nested": pa.array([{"a": 1, "b": ["x"]}] * size),
        "DRG": pa.array(["AA11"] * size),
    })  # fmt: skip
    whole, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(table, whole)
    group_file(whole, out)
    parts = dataset(tmp_path / "parts", table)
    assert run("group", parts, "--out", tmp_path / "o", "--engine", "spark").exit_code == 0
    pd.testing.assert_frame_equal(ordered(tmp_path / "o"), ordered(out))

    from grouper.spark import group

    frame = session.read.parquet(str(parts)).repartition(7)
    found = group(frame).toPandas().sort_values("case_id", ignore_index=True)
    wanted = grouper.group(table)
    for name in ("mdc", "adrg", "drg", "severity", "status", "reason", "DRG_input"):
        assert found[name].tolist() == wanted[name].to_pylist()
    assert group(frame.limit(0)).count() == 0


def test_a_failing_task_is_tried_again_and_counts_once(session, tmp_path):
    table = spoilt(DATA / "labelled.csv")
    parts = dataset(tmp_path / "in", table)
    marker, flag = tmp_path / "failed", os.O_CREAT | os.O_EXCL

    def once(batch):
        if batch.table.num_rows:
            try:
                os.close(os.open(marker, flag))
            except FileExistsError:
                return batch.table, batch.table.num_rows
            raise RuntimeError("lost")
        return batch.table, 0

    from drg.cases.opening import open_cases

    with on_spark(), open_cases(parts) as source:
        told = list(source.dataset.write(once, source.schema, str(tmp_path / "out")))
        marker.unlink()
        rows = list(source.each(lambda block: once(block.load())[1]))
    assert sum(said for _, said in told) == table.num_rows == sum(rows)
    assert all(count == said for count, said in told)
    pd.testing.assert_frame_equal(ordered(tmp_path / "out"), ordered(parts))


LOST = """
import os, sys, time
from pathlib import Path
from drg.cases.opening import open_cases
from drg.spark.session import on_spark

seen = Path(sys.argv[2])

def work(block):
    (seen / str(os.getppid())).touch()
    time.sleep(0.3)
    return block.load().table.num_rows

with on_spark("local-cluster[2,1,1024]") as session:
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "500")
    with open_cases(sys.argv[1]) as source:
        print(sum(source.each(work)))
"""


def test_a_lost_executor_changes_nothing(installed, tmp_path):
    """A process of an executor is ended, by its id, while it works."""
    table = spoilt(DATA / "labelled.csv")
    parts, seen = dataset(tmp_path / "in", table, (0.3, 0.3, 0.3)), tmp_path / "seen"
    seen.mkdir()
    around = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", LOST, parts, seen], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=around) as running:  # fmt: skip
        while running.poll() is None and not any(seen.iterdir()):
            time.sleep(0.1)
        for one in list(seen.iterdir())[:1]:  # the daemon of the workers, whose parent it is
            status = Path(f"/proc/{one.name}/status").read_text("ascii")
            parent = next(line.split()[1] for line in status.splitlines() if "PPid" in line)
            os.kill(int(parent), 9)
        said, errors = running.communicate()
    assert running.returncode == 0, errors
    assert int(said) == table.num_rows
    assert "Lost executor" in errors or "ExecutorLost" in errors or "exited" in errors


@pytest.mark.parametrize(("words", "told", "status"), [
    (("{no}", "--engine", "spark"), "no such file or folder", 1),
    (("{empty}", "--engine", "spark"), "holds no Parquet file", 1),
    (("{text}", "--engine", "spark"), "Spark could not do it", 1),
    (("{in}", "--engine", "spark", "--scheme", "none"), "none", 1),
    (("{in}", "--engine", "flink"), "expected local or spark", 2),
    (("{in}", "--master", "yarn"), "needs --engine spark", 2),
    (("{in}", "--engine", "spark", "--sheet", "x"), "--sheet", 2),
])  # fmt: skip
def test_what_cannot_be_is_told(session, tmp_path, words, told, status):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "part.parquet").write_text("no")
    dataset(tmp_path / "in", spoilt(DATA / "labelled.csv", 50))
    places = {name: tmp_path / name for name in ("no", "empty", "text", "in")}
    done = run("group", *(str(one).format(**places) for one in words), "--out", tmp_path / "o")
    assert done.exit_code == status
    said = str(done.exception) if status == 1 else done.output
    assert told in said
    assert "\n" not in said or status == 2
    assert not (tmp_path / "o").exists()
    assert not list(tmp_path.glob(".*"))


def test_an_output_replaces_nothing_else(session, tmp_path):
    parts = dataset(tmp_path / "in", spoilt(DATA / "labelled.csv", 50))
    for out, told in ((parts, "replace an input"), (tmp_path, "replace an input")):
        done = run("group", parts, "--out", out, "--engine", "spark")
        assert isinstance(done.exception, DrgError)
        assert told in str(done.exception)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").touch()
    done = run("group", parts, "--out", tmp_path / "out", "--engine", "spark")
    assert "holds other files" in str(done.exception)
    assert len(list(parts.iterdir())) == 4


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setattr("drg.spark.session.find_spec", lambda _: None)
    assert "pip install 'drg-toolkit[spark]'" in str(run(
        "group", "x", "--out", "y", "--engine", "spark").exception)  # fmt: skip
    monkeypatch.setattr("drg.spark.session.find_spec", lambda _: True)
    monkeypatch.setattr("drg.spark.session.shutil.which", lambda _, path=None: path)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert "openjdk-17-jre-headless" in str(run(
        "group", "x", "--out", "y", "--engine", "spark").exception)  # fmt: skip
