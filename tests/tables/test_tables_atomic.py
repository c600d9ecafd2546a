import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drg.errors import DrgError
from drg.tables import atomic_path, check_target, open_sink, write_table

WRITE = """
import signal, sys
import pyarrow as pa
from drg.tables import open_table, open_sink, run

def stop(*_):
    raise SystemExit(143)

signal.signal(signal.SIGTERM, stop)
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
