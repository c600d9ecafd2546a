"""The command line itself spoilt: options, values, paths."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import typer

from drg.cli import app
from tests.fuzz.commands import OPTIONS, VALUES
from tests.fuzz.mutate import ODD

_ODD_NAMES = (
    "a b.csv", "#.csv", "表 (1).csv", "x\n.csv", "\udcff\udcfe.csv", "-.csv", "=1+1.csv", "x.CSV",
    "x" * 251 + ".csv", "中" * 83 + ".csv", "x" * 300 + ".csv", "e\u0301.csv", "\u202e.csv",
)  # fmt: skip
_NO_OUTPUTS = ("", ".", "..", "/", "~", "/dev/full", "/dev/null", "/proc/x.csv", "no/such/x.csv",
               "https://example.org/x.csv", "//host/share/x.csv", "in")  # fmt: skip
_NO_INPUTS = ("", ".", "/", "~", "-", "none.csv", "/dev/null", "/dev/zero", "/proc/self/environ",
              "https://example.org/x.csv", "//host/share/x.csv", "in")  # fmt: skip
Words = list[str]


@cache
def commands() -> dict[tuple[str, ...], dict[str, bool]]:
    """Every command of the line: its words, and its options, each whether it takes no value."""

    def inside(held: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        for name in held.list_commands(None) if hasattr(held, "commands") else ():
            yield from inside(held.get_command(None, name), (*words, name))
        if not hasattr(held, "commands"):
            yield words, held

    return {words: {name: bool(one.is_flag) for one in held.params for name in one.opts
                    if name.startswith("--")}
            for words, held in inside(typer.main.get_command(app), ())}  # fmt: skip


def name_of(words: Words) -> tuple[str, ...]:
    """The words of a command that name it."""
    known = commands()
    return next((name for n in (3, 2) if (name := tuple(words[:n])) in known), tuple(words[:1]))


def spoil(words: Words, folder: Path, rng: random.Random) -> Words:
    """The words of a command spoilt in one or more ways.

    Args:
        words: of the command, its files given.
        folder: where it runs, with the files in ``in``.
        rng: what is drawn.
    """
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if not words:
            break
        words = rng.choice(_WAYS)(list(words), folder, rng)
    return [word.replace("\x00", "") for word in words]


def _more(words: Words, folder: Path, rng: random.Random) -> Words:
    """One more option, given a good value or an odd one."""
    options = commands().get(name_of(words), {})
    if not options:
        return words
    name = rng.choice(sorted(options))
    if options[name] and rng.random() < 0.95:
        return [*words, name]
    return [*words, name, _value(name, folder, rng)]


def _value(name: str, folder: Path, rng: random.Random) -> str:
    files = sorted(str(path) for path in (folder / "in").glob("*/*"))
    kind = rng.random()
    if kind < 0.2:
        return rng.choice(ODD)[:300]
    if kind < 0.3:
        return rng.choice([*files, "x"])
    good = rng.choice(OPTIONS.get(name) or ("x",))
    return rng.choice(VALUES[good]) if good in VALUES else good


def _other_value(words: Words, folder: Path, rng: random.Random) -> Words:
    places = [n for n, word in enumerate(words[1:], 1) if words[n - 1].startswith("--")
              and not word.startswith("--")]  # fmt: skip
    if places:
        at = rng.choice(places)
        words[at] = _value(words[at - 1], folder, rng)
    return words


def _twice(words: Words, folder: Path, rng: random.Random) -> Words:
    names = [n for n, word in enumerate(words[:-1]) if word.startswith("--")]
    if names:
        at = rng.choice(names)
        words += [words[at], words[at + 1] if rng.random() < 0.5 else
                  _value(words[at], folder, rng)]  # fmt: skip
    return words


def _without(words: Words, _folder: Path, rng: random.Random) -> Words:
    at = rng.randrange(1, len(words)) if len(words) > 1 else 0
    del words[at : at + rng.choice([1, 1, 2])]
    return words


def _stranger(words: Words, _folder: Path, rng: random.Random) -> Words:
    word = rng.choice(["--zz", "-o", "--", "--out=", "--help", "--version", "zz", "", "--lang=xx",
                       "-h", "--no-strict", "@file", "--debug"])  # fmt: skip
    words.insert(rng.randrange(len(words) + 1), word)
    return words


def _moved(words: Words, _folder: Path, rng: random.Random) -> Words:
    a, b = rng.randrange(len(words)), rng.randrange(len(words))
    words[a], words[b] = words[b], words[a]
    return words


def _outputs(words: Words, folder: Path) -> list[int]:
    """Outputs as they were given: one that was spoilt before may lie anywhere."""
    return [n for n, word in enumerate(words)
            if n and words[n - 1] == "--out" and word.startswith(str(folder))]  # fmt: skip


def _inputs(words: Words, folder: Path) -> list[int]:
    return [n for n, word in enumerate(words) if word.startswith(str(folder / "in"))]


def _other_output(words: Words, folder: Path, rng: random.Random) -> Words:
    """The output is an input, no place for one, or has an odd name."""
    places = _outputs(words, folder)
    if not places:
        return words
    at, given = rng.choice(places), [words[n] for n in _inputs(words, folder)]
    path, kind = Path(words[at]), rng.randrange(8)
    if kind <= 1 and given:
        words[at] = rng.choice(given) + rng.choice(["", "", ".run.json", "/x.csv"])
    elif kind == 2 and given:
        link = folder / f"link{path.suffix}"
        if not os.path.lexists(link) and os.path.isfile(source := rng.choice(given)):
            os.link(source, link) if rng.random() < 0.5 else link.symlink_to(source)
        words[at] = str(link)
    elif kind <= 4:
        words[at] = rng.choice(_NO_OUTPUTS)
    elif kind == 5:
        words[at] = str(path.with_name(rng.choice(_ODD_NAMES).replace(".csv", path.suffix)))
    elif kind == 6:
        words[at] += rng.choice(["/", "/x.csv", ".zz", ".xlsx", ".CSV", ".html"])
    else:
        _older(path, rng)
    return words


def _older(path: Path, rng: random.Random) -> None:
    """What stands where an output goes."""
    with suppress(OSError):  # a name that no file can have
        if os.path.lexists(path):
            return
        if rng.random() < 0.5:
            path.write_text("older", "utf-8")
        else:
            path.mkdir()
            (path / "mine.txt").write_text("older", "utf-8")


def _other_input(words: Words, folder: Path, rng: random.Random) -> Words:
    """An input is missing, no file, another file, a link, or has an odd name."""
    places = _inputs(words, folder)
    if not places:
        return words
    at, kind = rng.choice(places), rng.randrange(6)
    path = Path(words[at])
    if kind == 0:
        words[at] = rng.choice(_NO_INPUTS)
    elif kind == 1:
        words[at] = words[rng.choice(places)]
    elif kind == 2:
        words[at] = str(folder / "in")
    elif kind == 3:
        link = path.with_name(f"link{path.suffix}")
        if path.parent.is_dir() and not os.path.lexists(link):
            link.symlink_to(rng.choice([path.name, link.name, "none"]))
        words[at] = str(link)
    elif kind == 4:
        odd = path.with_name(rng.choice(_ODD_NAMES).replace(".csv", path.suffix))
        if os.path.exists(path) and len(os.fsencode(odd.name)) < 256 and not os.path.lexists(odd):
            shutil.copytree(path, odd) if os.path.isdir(path) else shutil.copy(path, odd)
        words[at] = str(odd)
    elif os.path.isfile(path):  # another kind of file than its name says
        other = path.with_suffix(rng.choice([".csv", ".xlsx", ".parquet", ".toml", ".json", ".zz",
                                             ".xls", ".csv.gz", ".ods", ""]))  # fmt: skip
        if len(os.fsencode(other.name)) < 256 and not os.path.lexists(other):
            shutil.copy(path, other)
        words[at] = str(other)
    return words


_WAYS: tuple[Callable[[Words, Path, random.Random], Words], ...] = (
    _more, _more, _more, _other_value, _other_value, _twice, _without, _stranger, _moved,
    _other_output, _other_output, _other_output, _other_input, _other_input, _other_input,
)  # fmt: skip
