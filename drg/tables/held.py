"""Unfinished files and folders (临时文件): held while a run lives, swept away after it was killed.

Their names end in a random word and ``.partial``. The process that makes one holds a lock on it,
which the system takes back when the process ends, however it ends: what nobody holds is left over.
A folder whose name ends in ``.ready`` is whole, and only waits to be put where it belongs.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from drg.errors import problem
from drg.language import say

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed: being open is its lock
    fcntl = None  # type: ignore[assignment]

PARTIAL, READY, GONE = ".partial", ".ready", ".gone"
_NAME = re.compile(r"\..*\.[0-9a-f]{8}(\.partial|\.ready)", re.DOTALL)
_KEY = ".held"  # where there are no locks, a file that is open inside a folder
_LONGEST = 200  # bytes of the name that it is made for; a file name may have 255
_HELD: set[Path] = set()  # what this process is making


class Held:
    """A file or folder that is being made.

    Attributes:
        path: where it is.
    """

    def __init__(self, path: Path, fd: int, key: Path | None) -> None:
        self.path = path
        self._fd, self._key = fd, key
        _HELD.add(path)

    def release(self) -> None:
        """Hold it no more; nothing when it is not held."""
        _HELD.discard(self.path)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            if self._key is not None:
                self._key.unlink(missing_ok=True)

    def before_renaming(self) -> None:
        """Let go of it where what is open cannot be renamed; elsewhere it stays locked."""
        if fcntl is None:
            self.release()

    def remove(self) -> None:
        """Take it away, if it is there."""
        with contextlib.suppress(OSError):
            self.release()
            _removed(self.path)


def is_within(path: Path) -> bool:
    """Whether a place is, or is in, a folder that this process is making."""
    return not _HELD.isdisjoint((path, *path.parents))


def new_file(folder: Path, name: str) -> Held:
    """Make an empty file that is to become ``name``; ``OSError`` when it cannot be made."""

    def made(path: Path) -> tuple[int, Path | None]:
        # Not mkstemp: its files are private to the user, an output should follow the umask.
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), None

    return _new(folder, name, made)


def new_folder(folder: Path, name: str, mode: int = 0o777) -> Held:
    """Make a folder that is to become ``name``; ``OSError`` when it cannot be made."""

    def made(path: Path) -> tuple[int, Path | None] | None:
        path.mkdir(mode)
        with contextlib.suppress(FileNotFoundError):
            if fcntl is not None:
                return os.open(path, os.O_RDONLY), None
            return os.open(path / _KEY, os.O_RDWR | os.O_CREAT), path / _KEY
        return None

    return _new(folder, name, made)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A private folder in the system's place for temporary files.

    What killed runs left there is removed first.

    Raises:
        DrgError: there is no such place, or it cannot be written.
    """
    try:
        place = Path(tempfile.gettempdir())
        sweep(place, ".drg.")
        held = new_folder(place, "drg", 0o700)
    except OSError as error:
        raise problem(say("临时文件夹不可写", "no place for temporary files can be written"),
                      key="TMPDIR", found=error.strerror) from None  # fmt: skip
    try:
        yield held.path
    finally:
        held.remove()


@contextlib.contextmanager
def scratch_told() -> Iterator[None]:
    """A scratch file that cannot be written or read is a fault in one line.

    Raises:
        DrgError: it cannot.
    """
    try:
        yield
    except OSError as error:
        raise problem(say("临时文件无法读写", "a scratch file cannot be written or read"),
                      key="TMPDIR", found=error.strerror) from None  # fmt: skip


def sweep(folder: Path, start: str = ".") -> None:
    """Remove what killed runs left in a folder, and put in place what they had ready.

    Args:
        folder: looked into, not below it; nothing is done when it cannot be read.
        start: only of names that begin so.
    """
    with contextlib.suppress(OSError):
        names = [name for name in os.listdir(folder) if name.startswith(start)]
        for name in names:
            if (found := _NAME.fullmatch(name)) is not None:
                with contextlib.suppress(OSError):
                    _swept(Path(folder, name), ready=found[1] == READY)


def settle(ready: Path) -> None:
    """Put what is in a ready folder beside it: records go first and come last.

    It may be done again after it was broken off. ``OSError`` when a file cannot be put there.
    """
    folder, listed = ready.parent, ready / GONE
    gone = listed.read_text("utf-8").split("\0") if listed.is_file() else []
    files = [path.relative_to(ready) for path in ready.rglob("*") if not path.is_dir()]
    files = sorted((one for one in files if one.name not in (GONE, _KEY)), key=_order)
    records = [str(one) for one in files if one.suffix == ".json"]
    for name in (*records, *filter(None, gone)):
        (folder / name).unlink(missing_ok=True)
    for one in (path.relative_to(ready) for path in ready.rglob("*") if path.is_dir()):
        (folder / one).mkdir(parents=True, exist_ok=True)
    for one in files:
        os.replace(ready / one, folder / one)
    shutil.rmtree(ready)


def _order(path: Path) -> tuple[bool, int, str]:
    return path.suffix == ".json", -len(path.parts), str(path)


def _new(folder: Path, name: str, make: Callable[[Path], tuple[int, Path | None] | None]) -> Held:
    stem = os.fsencode(name)[:_LONGEST].decode(errors="ignore")
    while True:  # until no other run took it for a left-over before it was locked
        path = folder / f".{stem}.{secrets.token_hex(4)}{PARTIAL}"
        if (made := make(path)) is None:
            continue
        fd, key = made
        if _locked(fd) is not False and (fcntl is None or os.path.lexists(path)):
            return Held(path, fd, key)
        os.close(fd)


def _locked(fd: int) -> bool | None:
    """Lock a file; False when another process has it, None where files cannot be locked."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _swept(path: Path, *, ready: bool) -> None:
    if fcntl is None:
        (path / _KEY if path.is_dir() else path).unlink(missing_ok=True)  # refused while open
        settle(path) if ready else _removed(path)
        return
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if _locked(fd) and os.path.samestat(os.fstat(fd), os.lstat(path)):
            settle(path) if ready else _removed(path)
    finally:
        os.close(fd)


def _removed(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
