import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from drg.errors import DrgError
from drg.tables import Batch, batches, open_sink, open_table, run


class Slow:
    """Work that takes unequal time, so that later batches are often done first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now = self.most = self.calls = 0

    def __call__(self, batch: Batch) -> tuple[pa.RecordBatch, int]:
        with self.lock:
            self.now += 1
            self.calls += 1
            self.most = max(self.most, self.now)
            wait = 0.004 * (self.calls % 3)
        time.sleep(wait)
        with self.lock:
            self.now -= 1
        return batch.table, batch.table.num_rows


@pytest.fixture
def source_file(tmp_path):
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"a": range(10_000)}), path)
    return path


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_order_counts_and_progress(tmp_path, source_file, workers):
    slow, results, done = Slow(), [], []
    with open_table(source_file, batch_rows=64) as source:
        assert source.total == 10_000
        with open_sink(tmp_path / "o.parquet", source.schema) as sink:
            rows = run(
                source,
                slow,
                sink,
                workers=workers,
                progress=done.append,
                on_result=lambda extra, first: results.append((first, extra)),
            )
    assert rows == sum(done) == 10_000
    assert slow.most <= workers
    assert [first for first, _ in results] == list(range(0, 10_000, 64))
    assert sum(extra for _, extra in results) == 10_000
    assert pq.read_table(tmp_path / "o.parquet").equals(pq.read_table(source_file))


def test_without_a_sink(source_file):
    total = []
    with open_table(source_file, batch_rows=999) as source:
        run(
            source,
            lambda batch: (batch.table, pc.sum(batch.table["a"]).as_py()),
            None,
            on_result=lambda extra, _: total.append(extra),
        )
    assert sum(total) == sum(range(10_000))
    with open_table(source_file, batch_rows=999) as source:
        assert sum(batch.table.num_rows for batch in batches(source)) == 10_000


def test_only_a_few_blocks_are_ahead(source_file):
    made = 0
    with open_table(source_file, batch_rows=10) as source:
        blocks = source.blocks()

        def counted():
            nonlocal made
            for block in blocks:
                made += 1
                yield block

        source.blocks = counted
        results = batches(source, workers=2)
        next(results)
        time.sleep(0.1)
        assert made <= 6
        results.close()
        assert made <= 6
    assert not [t for t in threading.enumerate() if t.name.startswith("drg-")]


def fail_in_work(batch: Batch) -> tuple[pa.RecordBatch, None]:
    if batch.table["a"][0].as_py() >= 5000:
        raise ValueError("work failed")
    return batch.table, None


def test_an_exception_in_work_ends_the_run_and_leaves_nothing(tmp_path, source_file):
    with (
        pytest.raises(ValueError, match="work failed"),
        open_table(source_file, batch_rows=100) as source,
        open_sink(tmp_path / "o.csv", source.schema) as sink,
    ):
        run(source, fail_in_work, sink)
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]
    assert not [t for t in threading.enumerate() if t.name.startswith("drg-")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, DrgError("x")])
def test_an_exception_in_the_calling_thread(tmp_path, source_file, error):
    def stop(extra: None, first: int) -> None:
        if first > 3000:
            raise error

    kind = error if isinstance(error, type) else type(error)
    with (
        pytest.raises(kind),
        open_table(source_file, batch_rows=100) as source,
        open_sink(tmp_path / "o.csv", source.schema) as sink,
    ):
        run(source, lambda batch: (batch.table, None), sink, on_result=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]
    assert not [t for t in threading.enumerate() if t.name.startswith("drg-")]


def test_damage_found_late_leaves_nothing(tmp_path, copy):
    import gzip

    data = gzip.compress(b"a,b\n" + b"1,2\n" * 500_000, 1)
    (tmp_path / "in.csv.gz").write_bytes(data[:-5])
    with pytest.raises(DrgError, match="cut short"):
        copy(tmp_path / "in.csv.gz", tmp_path / "o.csv", batch_rows=10_000)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv.gz"]


def test_importing_the_project_does_not_import_arrow():
    code = "import sys, drg; sys.exit('pyarrow' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
