from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drg.tables import Batch, Malformed, open_sink, open_table, run


class Read:
    """Everything a source gives, in plain Python."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.bad: list[Malformed] = []
        self.batches = 0
        self.progress = 0
        with open_table(path, **options) as source:
            self.names, self.schema, self.kind = source.names, source.schema, source.kind
            self.header_rows, self.total = source.header_rows, source.total
            self.delimiter = source.delimiter
            for block in source.blocks():
                batch = block.load()
                self.batches += 1
                self.progress += block.progress
                for m in batch.malformed:
                    assert 0 <= m.row < batch.table.num_rows
                    self.bad.append(Malformed(m.row + len(self.rows), m.column, m.value, m.reason))
                columns = [column.to_pylist() for column in batch.table.columns]
                self.rows += zip(*columns, strict=True)
            self.encoding = source.encoding

    @property
    def bad_rows(self) -> list[int]:
        return [m.row for m in self.bad]


@pytest.fixture
def read() -> Callable[..., Read]:
    return Read


@pytest.fixture
def read_bytes(tmp_path: Path) -> Callable[..., Read]:
    def read_bytes(data: bytes, name: str = "in.csv", **options: Any) -> Read:
        path = tmp_path / name
        path.write_bytes(data)
        return Read(path, **options)

    return read_bytes


def copy(start: Path, end: Path, **options: Any) -> None:
    def same(batch: Batch) -> tuple[Any, None]:
        return batch.table, None

    with open_table(start, **options) as source, open_sink(end, source.schema, like=source) as sink:
        run(source, same, sink)


@pytest.fixture(name="copy")
def copy_fixture() -> Callable[..., None]:
    return copy
