import contextlib
import errno
import gc
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from drg.errors import DrgError
from drg.tables import (
    atomic_path,
    check_target,
    held,
    open_sink,
    open_table,
    read_table,
    write_table,
)
from drg.tables.excel.write import _Output

WRITE = """
import signal, sys
import pyarrow as pa
from drg.tables import open_table, open_sink, run

def stop(*_):
    raise SystemExit(143)

signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
print("ready", flush=True)
with open_table(sys.argv[1], batch_rows=2000) as source:
    with open_sink(sys.argv[2], source.schema, like=source) as sink:
        run(source, lambda batch: (batch.table, None), sink)
print("done", flush=True)
"""


def test_the_file_appears_at_the_end_only(tmp_path):
    final = tmp_path / "表.csv"
    with atomic_path(final) as partial:
        assert partial.parent == tmp_path
        assert partial.name.startswith(".表.csv.")
        assert partial.suffix == ".partial"
        partial.write_text("x")
        assert not final.exists()
    assert final.read_text() == "x"
    assert list(tmp_path.iterdir()) == [final]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_an_exception_all_is_as_before(tmp_path, error):
    final = tmp_path / "a.csv"
    final.write_text("old")
    with pytest.raises(error), atomic_path(final) as partial:  # noqa: PT012
        partial.write_text("new")
        raise error
    assert final.read_text() == "old"
    assert list(tmp_path.iterdir()) == [final]


def test_permissions_follow_the_umask(tmp_path):
    with atomic_path(tmp_path / "a"):
        pass
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_link_is_followed_and_long_names_work(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "real" / "a.csv")
    with atomic_path(tmp_path / "link.csv") as partial:
        partial.write_text("x")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real" / "a.csv").read_text() == "x"
    long = tmp_path / ("长" * 83 + ".csv")
    with atomic_path(long):
        pass
    assert long.exists()


def test_targets_that_cannot_be(tmp_path):
    (tmp_path / "dir.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for name, message in [
        ("none/a.csv", "does not exist"),
        ("dir.csv", "is a folder"),
        ("pipe.csv", "not an ordinary file"),
        ("x" * 300 + ".csv", "cannot be written"),
    ]:
        with pytest.raises(DrgError, match=message):
            check_target(tmp_path / name)
        with (
            pytest.raises(DrgError, match=message),
            open_sink(tmp_path / name, pa.schema([("a", pa.int8())])),
        ):
            pass
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DrgError, match="not writable"):
        check_target(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet", "a.xlsx"])
def test_a_full_disk(tmp_path, name):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    table = pa.table({"a": [os.urandom(40).hex() for _ in range(20_000)]})
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
        with pytest.raises(DrgError, match="cannot be written"):
            write_table(tmp_path / name, table)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["o.csv", "o.csv.gz", "o.parquet", "o.xlsx"])
@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_leaves_no_output(tmp_path, name, kind):
    rows = 1_500_000 if "xlsx" not in name else 200_000
    pq.write_table(pa.table({c: range(rows) for c in "abcdef"}), tmp_path / "in.parquet")
    out = tmp_path / name
    for seconds in (0.0, 0.1, 0.3):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE, str(tmp_path / "in.parquet"), str(out)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(kind)
        printed = process.stdout.read()
        assert process.wait(20) != 0
        assert b"done" not in printed
        assert not out.exists()
        if kind != signal.SIGKILL:
            assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


@pytest.mark.skipif(os.name != "posix", reason="mode bits")
def test_a_read_only_file_is_not_replaced(tmp_path):
    final = tmp_path / "a.csv"
    final.write_text("old")
    final.chmod(0o444)
    (tmp_path / "link.csv").symlink_to(final)
    for path in (final, tmp_path / "link.csv"):
        with pytest.raises(DrgError, match="is read-only"):
            check_target(path)
        with pytest.raises(DrgError, match="is read-only"), atomic_path(path):
            pass
    assert final.read_text() == "old"


def test_links_that_lead_nowhere(tmp_path):
    (tmp_path / "a.csv").symlink_to("b.csv")
    (tmp_path / "b.csv").symlink_to("a.csv")
    (tmp_path / "gone.csv").symlink_to("none/a.csv")
    for name, message in [("a.csv", "leads back to itself"), ("gone.csv", "does not exist")]:
        with pytest.raises(DrgError, match=message) as error:
            check_target(tmp_path / name)
        assert str(tmp_path / name) in str(error.value)
        assert (tmp_path / name).is_symlink()


@pytest.mark.parametrize(
    "name", ["", ".csv", "x" * 300 + ".csv", "a\0.csv", "\ud800.csv", "x" * 5000 + "/a.xlsx"]
)
def test_names_that_cannot_be(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    schema = pa.schema([("a", pa.int8())])
    for name_of_kind in (name, name.replace(".csv", ".parquet"), name.replace(".csv", ".xlsx")):
        with pytest.raises(DrgError) as error:
            open_table(name_of_kind)
        assert len(str(error.value).splitlines()) == 1
        if name == ".csv":
            continue
        with pytest.raises(DrgError), open_sink(name_of_kind, schema):
            pass
        with pytest.raises(DrgError):
            check_target(name_of_kind)
        with pytest.raises(DrgError), atomic_path(name_of_kind):
            pass
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
@pytest.mark.parametrize("name", ["\udcff.csv", "\udcff.csv.gz", "\udcff.xlsx", "\udcff.parquet"])
def test_names_that_are_not_text(tmp_path, name):
    with contextlib.suppress(DrgError):  # Arrow knows no such names
        write_table(tmp_path / name, pa.table({"a": ["x"]}))
        assert read_table(tmp_path / name)[0]["a"].to_pylist() == ["x"]
    check_target(tmp_path / name)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("at", ["add_worksheet", "write_string", "_assemble_xml_file", "zip"])
def test_a_workbook_that_fails_leaves_nothing_and_says_no_more(tmp_path, monkeypatch, at):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    said = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    table = pa.table({"a": [os.urandom(40).hex() for _ in range(2000)]})
    with pytest.raises(DrgError, match="disk is full"), monkeypatch.context() as patch:  # noqa: PT012
        if at == "zip":
            patch.setattr(_Output, "write", full)
        else:
            patch.setattr(Worksheet if hasattr(Worksheet, at) else Workbook, at, full)
        write_table(tmp_path / "o.xlsx", table)
    gc.collect()
    assert not said
    assert list(tmp_path.iterdir()) == [scratch]
    assert not list(scratch.iterdir())
    write_table(tmp_path / "o.xlsx", table)
    assert not list(scratch.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_a_folder_swept_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    """Another run may take a folder for a left-over between its making and its lock."""
    opened, seen = os.open, []

    def slow(path, *rest, **named):
        if (found := Path(path)).parent == tmp_path and found.is_dir() and not seen:
            seen.append(found)
            held.sweep(tmp_path)
        return opened(path, *rest, **named)

    monkeypatch.setattr(os, "open", slow)
    made = held.new_folder(tmp_path, "one")
    assert len(seen) == 1
    assert list(tmp_path.iterdir()) == [made.path]
    made.remove()
    with pytest.raises(FileNotFoundError):
        held.new_folder(tmp_path / "none", "one")


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_runs_that_sweep_at_once_keep_their_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def run(_):
        for _ in range(50):
            with held.scratch() as place:
                (place / "x").write_text("x")
                held.sweep(tmp_path)
                assert (place / "x").read_text() == "x"
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(8)))
    assert not list(tmp_path.iterdir())
