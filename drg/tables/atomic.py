"""Files that appear under their name whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from drg.errors import DrgError, problem
from drg.language import say
from drg.provenance import to_json
from drg.tables.held import Held, new_file, sweep

WINDOWS = os.name == "nt"


@contextlib.contextmanager
def atomic_path(final: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a new, empty file beside ``final`` to write to; it takes that name at the end.

    The temporary name ends in ``.partial``, so that nobody takes it for a finished table. After
    any exception, KeyboardInterrupt included, it is removed and ``final`` is as it was before.

    Args:
        final: The file to make or to replace. A symbolic link is followed.

    Raises:
        DrgError: The folder is missing or not writable, the name is taken by something that is
            not a file or is read-only, or it cannot be a file's name, or the disk is full.
    """
    shown = Path(final)
    held, target = _create(shown)
    try:
        yield held.path
        with writing(shown):
            held.before_renaming()
            os.replace(held.path, target)
    except BaseException:
        held.remove()
        raise
    finally:
        held.release()


def write_text(final: str | os.PathLike[str], text: str) -> None:
    """Write a text, whole or not at all: UTF-8, the same bytes on every machine.

    Raises:
        DrgError: As :func:`atomic_path`.
    """
    write_bytes(final, text.encode("utf-8", "backslashreplace"))


def write_bytes(final: str | os.PathLike[str], content: bytes) -> None:
    """Write bytes, whole or not at all.

    Raises:
        DrgError: As :func:`atomic_path`.
    """
    with atomic_path(final) as partial, writing(Path(final)):
        partial.write_bytes(content)


def write_record(final: str | os.PathLike[str], document: Any) -> None:
    """Write a record as JSON, whole or not at all.

    Raises:
        DrgError: As :func:`atomic_path`.
    """
    write_text(final, to_json(document))


def check_target(final: str | os.PathLike[str]) -> None:
    """Find out early, before long work, whether a file of that name can be written.

    What killed runs left in its folder is removed.

    Raises:
        DrgError: As :func:`atomic_path`.
    """
    held, target = _create(Path(final))
    held.remove()
    sweep(target.parent)
    if WINDOWS and target.exists():  # where a file that is open cannot be replaced
        with writing(Path(final)), target.open("r+b"):
            pass


def check_outputs(
    outputs: Iterable[str | os.PathLike[str] | None],
    inputs: Iterable[str | os.PathLike[str] | None],
) -> None:
    """Refuse, before any work, outputs that cannot be written or would replace an input.

    Args:
        outputs: Files to be written; None is passed over.
        inputs: Files that are read; None is passed over.

    Raises:
        DrgError: An output is an input or another output, or cannot be written.
    """
    wanted = [Path(path) for path in outputs if path is not None]
    refuse_inputs(wanted, inputs)
    seen: set[str] = set()
    for output in wanted:
        check_target(output)
        name = os.path.realpath(output)
        if name in seen:
            raise problem(say("两个输出用了同一个文件名", "is named for two outputs"), file=output)
        seen.add(name)


def refuse_inputs(
    outputs: Iterable[Path], inputs: Iterable[str | os.PathLike[str] | None]
) -> None:  # fmt: skip
    """Refuse outputs that would replace an input.

    Raises:
        DrgError: An output is an input.
    """
    given = [Path(path) for path in inputs if path is not None]
    for output in outputs:
        if any(_same(output, path) for path in given):
            raise problem(say("会覆盖输入文件，请另指定输出文件",
                              "would replace an input; name another output"),
                          file=output)  # fmt: skip


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return False


@contextlib.contextmanager
def writing(path: Path, *others: type[Exception]) -> Iterator[None]:
    """Turn an operating system's error while writing into a ``DrgError`` naming the file."""
    try:
        yield
    except DrgError:
        raise
    except Exception as error:
        if not isinstance(error, (OSError, *others)):
            raise
        raise problem(_not_written(error), file=path) from error


def _create(shown: Path) -> tuple[Held, Path]:
    """Make an empty partial file; gives it and the file that it is to become."""
    try:
        target = Path(os.path.realpath(shown))
        check_place(target, shown)
        held = new_file(target.parent, target.name)
    except PermissionError:
        raise problem(say(f"文件夹 '{target.parent}' 不可写",
                          f"the folder '{target.parent}' is not writable"),
                      file=shown) from None  # fmt: skip
    except (OSError, ValueError) as error:
        raise problem(_not_written(error), file=shown) from error
    return held, target


def check_place(target: Path, shown: Path) -> None:
    """Refuse a place that no file can take: a folder, a device, a file that is read-only.

    Raises:
        DrgError: It is one; ``shown`` is named.
    """
    if target.is_symlink():  # a link's end is none, unless it has no end
        raise problem(say("是指向自身的链接", "is a link that leads back to itself"), file=shown)
    if target.is_dir():
        raise problem(say("是文件夹，应为文件名", "is a folder, expected a file name"), file=shown)
    if target.exists() and not target.is_file():
        raise problem(say("不是普通文件，不能覆盖",
                          "is not an ordinary file, it cannot be replaced"),
                      file=shown)  # fmt: skip
    if target.exists() and not (target.stat().st_mode & 0o222 and os.access(target, os.W_OK)):
        raise problem(
            say("是只读文件，不能覆盖", "is read-only, it cannot be replaced"), file=shown
        )
    if not target.parent.is_dir():
        raise problem(say(f"文件夹 '{target.parent}' 不存在",
                          f"the folder '{target.parent}' does not exist"),
                      file=shown)  # fmt: skip


def _not_written(error: Exception) -> str:
    why = _why(error)
    return say(f"无法写入：{why}", f"cannot be written: {why}")


def _why(error: Exception) -> str:
    if error.args and isinstance(error.args[0], OSError):  # XlsxWriter wraps it
        error = error.args[0]
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return say("磁盘已满", "the disk is full")
    if isinstance(error, PermissionError) and WINDOWS:
        return say("文件可能正在 Excel 等程序中打开，请关闭后重试",
                   "it may be open in Excel or elsewhere; close it and try again")  # fmt: skip
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
