"""The files of a ledger on disk: one lock, lines added and synced, a head replaced whole.

Every step leaves what a next writer can tell from damage, wherever the process or the power ends.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from drg.errors import problem
from drg.language import say
from drg.tables.atomic import writing

WAIT = 60.0  # seconds
_POLL = 0.002  # seconds
_BINARY = getattr(os, "O_BINARY", 0)
_CHUNK = 1 << 24


class Disk:
    """Files of one ledger: itself, its head, its lock, and torn ends set aside.

    Args:
        path: the ledger; its name ends in ``.jsonl``, the others are beside it.

    Raises:
        DrgError: Another name, or the folder does not exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.ledger = Path(path)
        if self.ledger.suffix != ".jsonl":
            raise problem(say("记录文件名须以 .jsonl 结尾", "a ledger's name ends in .jsonl"),
                          file=path)  # fmt: skip
        if not self.ledger.parent.is_dir():
            raise problem(say(f"文件夹 {self.ledger.parent} 不存在",
                              f"the folder '{self.ledger.parent}' does not exist"),
                          file=path)  # fmt: skip
        self.head = self.ledger.with_suffix(".head")
        self._lock = self.ledger.with_suffix(".lock")
        stem = re.escape(self.ledger.stem)
        self._torn = re.compile(rf"{stem}\.torn-[0-9]+", re.ASCII)
        self._begun = re.compile(rf"\.{stem}\.(jsonl|head|torn-[0-9]+)\.partial", re.ASCII)

    @contextmanager
    def locked(self, *, reading: bool = False) -> Iterator[None]:
        """Hold the lock, with nothing unfinished left; a reader that cannot write goes without.

        Raises:
            DrgError: The lock cannot be made, or another holds it for a minute.
        """
        lock = FileLock(self._lock)
        try:
            lock.acquire(timeout=WAIT, poll_interval=_POLL)
        except Timeout:
            raise problem(say(f"已被其他程序锁定 {WAIT:g} 秒",
                              f"has been locked by another program for {WAIT:g} seconds"),
                          file=self.ledger) from None  # fmt: skip
        except OSError as error:
            if not reading:
                why = error.strerror or error
                raise problem(say(f"无法锁定：{why}", f"cannot be locked: {why}"),
                              file=self.ledger) from error  # fmt: skip
            yield  # an archive that cannot be written has no writers
            return
        try:
            self._clear()
            yield
        finally:
            lock.release()

    def _clear(self) -> None:
        """Take away what a killed writer had begun; whoever holds the lock is the only one."""
        with suppress(OSError):
            for name in os.listdir(self.ledger.parent):
                if self._begun.fullmatch(name):
                    os.unlink(self.ledger.parent / name)

    def read(self) -> bytes:
        """The ledger.

        Raises:
            DrgError: There is none, or it cannot be read.
        """
        data = _read(self.ledger)
        if data is None:
            raise problem(say("没有这个记录文件", "there is no ledger of this name"),
                          file=self.ledger)  # fmt: skip
        return data

    def read_head(self) -> bytes | None:
        """The head; None when there is none.

        Raises:
            DrgError: It cannot be read.
        """
        return _read(self.head)

    def add(self, line: bytes) -> None:
        """Add a line at the end, down to the disk.

        Raises:
            DrgError: It cannot be written; a part may stand at the end.
        """
        with writing(self.ledger):
            _write(self.ledger, os.O_APPEND, line)

    def cut(self, size: int) -> None:
        """Cut the ledger to a size in bytes, down to the disk.

        Raises:
            DrgError: It cannot be written.
        """
        with writing(self.ledger):
            fd = os.open(self.ledger, os.O_WRONLY | _BINARY)
            try:
                os.ftruncate(fd, size)
                os.fsync(fd)
            finally:
                os.close(fd)

    def settle(self) -> None:
        """Bring what others wrote to the ledger down to the disk.

        Raises:
            DrgError: It cannot be written.
        """
        with writing(self.ledger):
            _write(self.ledger, os.O_APPEND, b"")

    def put(self, path: Path, data: bytes) -> None:
        """Make or replace one of the files, whole or not at all, down to the disk.

        Raises:
            DrgError: It cannot be written.
        """
        partial = path.with_name(f".{path.name}.partial")
        with writing(path):
            _write(partial, os.O_CREAT | os.O_TRUNC, data)
            os.replace(partial, path)
            sync(path.parent)

    def set_aside(self, torn: bytes) -> None:
        """Keep a torn end as ``NAME.torn-1`` or the next free number.

        Raises:
            DrgError: It cannot be written.
        """
        number = max((int(name.rpartition("-")[2]) for name in self.torn()), default=0) + 1
        self.put(self.ledger.with_suffix(f".torn-{number}"), torn)

    def torn(self) -> list[str]:
        """Names of the torn ends that were set aside, in order."""
        found = [name for name in os.listdir(self.ledger.parent) if self._torn.fullmatch(name)]
        return sorted(found, key=lambda name: int(name.rpartition("-")[2]))

    def files(self) -> list[str]:
        """Names of what there is of this ledger, the lock aside."""
        there = os.listdir(self.ledger.parent)
        return [p.name for p in (self.ledger, self.head) if p.name in there] + self.torn()


def _read(path: Path) -> bytes | None:
    parts = []
    try:
        fd = os.open(path, os.O_RDONLY | _BINARY)
        try:
            while part := os.read(fd, _CHUNK):
                parts.append(part)
        finally:
            os.close(fd)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise problem(say(f"无法读取：{error.strerror or error}",
                          f"cannot be read: {error.strerror or error}"),
                      file=path) from error  # fmt: skip
    return b"".join(parts)


def _write(path: Path, flags: int, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | _BINARY | flags, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
        os.fsync(fd)
    finally:
        os.close(fd)


def sync(path: Path) -> None:
    """Bring a file or folder down to the disk, as far as the system lets one."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
