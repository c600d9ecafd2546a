"""What every reader and writer of tables has in common: batches, blocks, sources and sinks."""

from __future__ import annotations

import contextlib
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import pyarrow as pa

from drg.errors import problem
from drg.language import say
from drg.tables.atomic import atomic_path

DEFAULT_BATCH_ROWS = 131_072
_LONGEST_VALUE = 500


@dataclass(frozen=True)
class Malformed:
    """A row, or one cell of it, whose shape or text could not be read.

    Attributes:
        row: 0-based position within its batch.
        column: The column's name, or ``""`` when the whole row is meant.
        value: What was found, cut to 500 characters.
        reason: Short English text, e.g. ``found 7 fields, expected 12``, as reject files have it.
        zh: The same in Chinese, for people who look at one case.
    """

    row: int
    column: str
    value: str
    reason: str
    zh: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if len(self.value) > _LONGEST_VALUE:
            object.__setattr__(self, "value", self.value[:_LONGEST_VALUE])


@dataclass(frozen=True)
class Batch:
    """Consecutive input rows: one row of ``table`` for each input row, malformed ones included."""

    table: pa.RecordBatch
    malformed: tuple[Malformed, ...] = ()


class Block(ABC):
    """A piece of a source: cheap to make while reading, decoded by :meth:`load` in a worker.

    Attributes:
        progress: How many of the source's units (rows or bytes) this block stands for.
    """

    progress: int

    @abstractmethod
    def load(self) -> Batch:
        """Decode the block.

        Raises:
            DrgError: The file is damaged here.
        """


class TableSource(ABC):
    """An open table, read once from front to back; a context manager.

    Attributes:
        path: The file.
        kind: ``csv``, ``excel`` or ``parquet``.
        schema: Columns and types of every batch.
        encoding: Of a CSV file: ``utf-8``, ``utf-8-sig`` or ``gb18030``.
        delimiter: Of a CSV file.
        header_rows: What to add to a 1-based row index to get the row number a user sees.
        total: How many units the whole file has, if known.
        unit: What ``total`` and ``Block.progress`` count: ``rows`` or ``bytes``.
        blank_headers: Columns whose header is blank: the name they go by, and that header.
    """

    path: Path
    kind: str
    schema: pa.Schema
    encoding: str | None = None
    delimiter: str | None = None
    header_rows: int = 0
    total: int | None = None
    unit: str = "rows"
    blank_headers: Mapping[str, str] = MappingProxyType({})

    @property
    def names(self) -> list[str]:
        """The column names, in file order."""
        return list(self.schema.names)

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """The file's blocks in order; may be called once.

        Raises:
            DrgError: The file cannot be read on.
        """

    def only(self, names: Sequence[str]) -> None:  # noqa: ARG002
        """Say which columns are wanted; formats that can leave the others unread do so."""
        return

    def close(self) -> None:
        """Let go of the file."""
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class TableSink(ABC):
    """A table being written; a context manager.

    On a normal exit the file appears under its name; on an exception nothing appears.

    Attributes:
        path: The file's final name.
        schema: The columns as they will read back.
        partial: The temporary file, while the sink is entered.
    """

    path: Path
    schema: pa.Schema
    partial: Path

    @abstractmethod
    def encode(self, table: pa.RecordBatch) -> Any:
        """Render a batch; safe to call from several threads.

        Raises:
            DrgError: The batch does not fit the sink's columns.
        """

    @abstractmethod
    def append(self, encoded: Any) -> None:
        """Add what :meth:`encode` gave; call in row order from one thread.

        Raises:
            DrgError: The file cannot be written.
        """

    def write(self, table: pa.RecordBatch) -> None:
        """Encode and append one batch."""
        self.append(self.encode(table))

    def start(self) -> None:
        """Open ``partial``."""
        return

    @abstractmethod
    def finish(self) -> None:
        """Complete and close ``partial``."""

    @abstractmethod
    def abandon(self) -> None:
        """Close ``partial``, whatever state it is in, without raising."""

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self.partial = stack.enter_context(atomic_path(self.path))
            try:
                self.start()
            except BaseException:
                self.abandon()
                raise
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.abandon()
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            try:
                self.finish()
            except BaseException:
                self.abandon()
                raise


@contextlib.contextmanager
def reading(path: Path, *others: type[Exception]) -> Iterator[None]:
    """Turn what the operating system or a decoder raises while reading into a ``DrgError``.

    Args:
        path: The file named in the message.
        others: Exceptions of the decoder in use, beyond OSError, EOFError, zlib's and Arrow's.
    """
    try:
        yield
    except FileNotFoundError:
        raise problem(say("没有这个文件", "no such file"), file=path) from None
    except IsADirectoryError:
        raise problem(
            say("是文件夹，应为文件", "is a folder, expected a file"), file=path
        ) from None
    except PermissionError:
        raise problem(
            say("没有读取权限", "may not be read: permission denied"), file=path
        ) from None
    except (OSError, EOFError, MemoryError, zlib.error, pa.ArrowException, *others) as error:
        text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
        raise problem(say(f"无法读取，文件可能已损坏或不完整：{text}",
                          f"cannot be read, it may be damaged or cut short: {text}"),
                      file=path) from error  # fmt: skip


def check_columns(table: pa.RecordBatch, schema: pa.Schema, path: Path) -> None:
    """Make sure a batch has exactly the sink's columns.

    Raises:
        DrgError: Names or order differ.
    """
    if table.schema.names != schema.names:
        raise problem(
            say("本批的列与文件的列不一致", "the batch's columns are not the file's"), file=path,
            found=", ".join(table.schema.names), expected=", ".join(schema.names),
        )  # fmt: skip


def unique_names(names: list[str], path: Path) -> list[str]:
    """The names, with ``unnamed_7`` for an empty seventh one.

    Raises:
        DrgError: A name stands twice, or there are no columns.
    """
    if not names:
        raise problem(say("没有任何列", "has no columns"), file=path)
    named = [name if name.strip() else f"unnamed_{i}" for i, name in enumerate(names, 1)]
    seen: set[str] = set()
    for name in named:
        if name in seen:
            raise problem(say(f"表头中有两列 '{name}'",
                              f"column '{name}' stands twice in the header"),
                          file=path)  # fmt: skip
        seen.add(name)
    return named


def blank_headers(names: list[str], given: list[str]) -> dict[str, str]:
    """What :func:`unique_names` made up, with the blank header that stood there."""
    return {name: old for name, old in zip(names, given, strict=True) if name != old}
