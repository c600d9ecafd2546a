"""Files that appear together (一并写出), whole or not at all: a folder, or a table's family.

They are written into a hidden folder beside their place, under the names that they will have.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from drg.errors import DrgError, problem
from drg.language import say
from drg.tables import held
from drg.tables.atomic import check_place, check_target, refuse_inputs, writing

Given = str | os.PathLike[str]
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD; RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS alike


@contextlib.contextmanager
def whole_folder(
    final: Given, ours: Collection[str] = (), inputs: Iterable[Given | None] = ()
) -> Iterator[Path]:
    """Give a new folder to write into; it takes the place of ``final`` at the end.

    After any exception nothing is changed. A folder that holds nothing but results is exchanged
    for the new one in a single step, where the system can; in one that holds other files, which
    stay, the results are replaced one by one, the record last, and the next run finishes this
    should it be broken off. A part of a folder that is being made so is written in its place.

    Args:
        final: the folder, made when it is not there, those above it too.
        ours: results of an earlier run by their place in the folder, ``name/`` for all below it;
            those that are not written again are removed.
        inputs: files that are read, which no result may replace; None is passed over.

    Yields:
        The new folder; an error that names it is told with the name of ``final``.

    Raises:
        DrgError: the folder cannot be made or written, or a result would replace an input.
    """
    shown = Path(final)
    target = check_folder(shown)
    results = [name for name in ours if not name.endswith("/")]
    refuse_inputs([shown / name for name in results], inputs)
    if held.is_within(target):
        with writing(shown):
            target.mkdir(parents=True, exist_ok=True)
        yield target
        return
    with writing(shown):
        for name in results:
            if os.path.lexists(target / name):
                check_place(target / name, shown / name)
        inside = target.is_dir() and not _exchangeable(target, ours)
        place = held.new_folder(target if inside else _standing(target.parent), target.name)
    with _telling(place, shown):
        yield place.path
        with writing(shown):
            _put(place, target, ours, inside=inside)


@contextlib.contextmanager
def family(main: Given, *beside: Given) -> Iterator[Path]:
    """Give a folder to write a file and those beside it into; they take their places at once.

    Args:
        main: the file that the others belong to.
        beside: the others; one that is not written is removed.

    Yields:
        ``main`` in the new folder.

    Raises:
        DrgError: a file cannot be written.
    """
    shown = Path(main)
    target = Path(os.path.realpath(shown))
    for one in (shown, *map(Path, beside)):
        check_target(one)
    with writing(shown):
        place = held.new_folder(target.parent, target.name)
    with _telling(place, shown.parent):
        yield place.path / target.name
        with writing(shown):
            _put(place, target.parent, [Path(one).name for one in beside], inside=True)


@contextlib.contextmanager
def at_once(*paths: Path | None, folder: Path | None = None) -> Iterator[list[Path | None]]:
    """Give a place to write each of some files to; those of one folder appear at once.

    Args:
        paths: the files; None stays None. What is not written is removed.
        folder: besides, a folder to put files into, those of an older run stay; it appears with
            the others when it is below their folder, and right after them elsewhere.

    Yields:
        Where each is to be written, the folder last when there is one.

    Raises:
        DrgError: a file cannot be written.
    """
    given = [one for one in paths if one is not None]
    homes = {one.parent for one in given}
    below = folder is not None and len(homes) == 1 and _is_below(folder, *homes)
    if folder is not None and not below:
        with whole_folder(folder) as filled, at_once(*paths) as places:
            yield [*places, filled]
    elif len(given) + below < 2 or len(homes) > 1:
        yield list(paths)
    else:
        if folder is not None:
            check_folder(folder)
        with family(*given) as new:
            places = [None if one is None else new.with_name(one.name) for one in paths]
            if folder is not None:
                filled = new.parent / folder.relative_to(*homes)
                filled.mkdir(parents=True)
                places.append(filled)
            yield places


def _is_below(folder: Path, home: Path) -> bool:
    """Whether a folder is below another, by names of which none is a link."""
    return home in folder.parents and os.path.realpath(folder) == os.path.join(
        os.path.realpath(home), folder.relative_to(home)
    )


def check_folder(folder: Given) -> Path:
    """Find out early, before long work, whether results can be written into a folder.

    Returns:
        The folder, links followed.

    Raises:
        DrgError: it is a file, or it or the one above it cannot be written.
    """
    shown = Path(folder)
    with writing(shown):
        target = Path(os.path.realpath(shown))
        if target.is_symlink():
            raise problem(say("是指向自身的链接", "is a link that leads back to itself"),
                          file=shown)  # fmt: skip
        if target.exists() and not target.is_dir():
            raise problem(say("不是文件夹", "is not a folder"), file=shown,
                          expected=say("存放结果的文件夹", "a folder for the results"))  # fmt: skip
        place = _standing(target)
        held.sweep(place)
        held.sweep(place.parent)
        try:
            held.new_folder(place, target.name).remove()
        except PermissionError:
            raise problem(say(f"文件夹 '{place}' 不可写", f"the folder '{place}' is not writable"),
                          file=shown) from None  # fmt: skip
    return target


def _standing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(one for one in (folder, *folder.parents) if one.exists())


@contextlib.contextmanager
def _telling(place: held.Held, shown: Path) -> Iterator[None]:
    """Take the folder away at the end; errors name the place that its files were to have."""
    try:
        yield
    except DrgError as error:
        ours = "" if str(shown) == "." else f"{shown}{os.sep}"
        said = (
            str(error).replace(f"{place.path}{os.sep}", ours).replace(str(place.path), str(shown))
        )
        raise type(error)(said) from error
    finally:
        place.remove()


def _exchangeable(target: Path, ours: Collection[str]) -> bool:
    """Whether a folder holds nothing but results, and nobody of this run stands in it."""
    above = target.parent
    return (
        os.name == "posix"
        and all(_own(one, target, ours) for one in target.rglob("*"))
        and not Path.cwd().is_relative_to(target)
        and not os.path.ismount(target)
        and os.access(above, os.W_OK | os.X_OK)
    )


def _own(path: Path, folder: Path, ours: Collection[str]) -> bool:
    """Whether a file is a result; a folder is one when all that is in it are."""
    name = path.relative_to(folder).as_posix()
    if path.is_symlink():
        return False
    whole = any(name.startswith(one) for one in ours if one.endswith("/"))
    return path.is_dir() or whole or name in ours


def _put(place: held.Held, target: Path, ours: Collection[str], *, inside: bool) -> None:
    new = place.path
    if not inside:
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            place.before_renaming()
            os.rename(new, target)
            return
        shutil.copymode(target, new)
        if exchanged(new, target):  # what is removed now is the old one
            return
    below = (path for one in ours if one.endswith("/") for path in (target / one).rglob("*"))
    there = {path.relative_to(target).as_posix() for path in below if not path.is_dir()}
    there |= {one for one in ours if os.path.lexists(target / one) and not one.endswith("/")}
    gone = sorted(one for one in there if not (new / one).exists())
    for one in (path.relative_to(new) for path in new.rglob("*") if not path.is_dir()):
        _replaceable(target / one)
    (new / held.GONE).write_text("\0".join(gone), "utf-8")
    ready = target / new.name.replace(held.PARTIAL, held.READY)
    place.before_renaming()
    os.rename(new, ready)
    try:
        held.settle(ready)
    except (KeyboardInterrupt, SystemExit):
        if ready.exists():
            held.settle(ready)
        raise


def _replaceable(path: Path) -> None:
    """``OSError`` when a file cannot be replaced, as one that Excel has open on Windows."""
    if path.is_dir():
        raise IsADirectoryError(21, say(f"'{path.name}' 是文件夹", f"'{path.name}' is a folder"))
    if path.exists():
        with path.open("r+b"):
            pass


def exchanged(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system cannot."""
    names = os.fsencode(one), os.fsencode(other)
    library = ctypes.CDLL(None)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        return bool(library.renamex_np(*names, _EXCHANGE) == 0)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        return bool(library.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0)
    return False
