"""Runs: a command on spoilt files, and what every outcome must hold."""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from drg.cases.opening import open_cases
from drg.cli import main
from drg.errors import DrgError
from drg.language import speak
from drg.tables import batches, read_table
from tests.fuzz.commands import VALUES, chosen
from tests.fuzz.mutate import ODD, spoil_bytes, spoil_document, spoil_folder, spoil_table
from tests.fuzz.world import POLICIES

_OUTPUTS_OF_FAILURES = ("--strict",)  # rejects are a failure that is told after the work
LONGEST = 120  # seconds of a run


@dataclass
class Outcome:
    """What a run came to.

    Attributes:
        words: the command.
        status: exit status.
        out: standard output.
        err: standard error.
        faults: what must not be.
    """

    words: list[str]
    status: Any
    out: str = ""
    err: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def command(self) -> str:
        """The command without its files and options."""
        two = self.words[0] in ("scheme", "weights", "negotiate", "policy", "year")
        return " ".join(self.words[: 2 if two else 1])


class TooLongError(Exception):
    """A run that does not end."""


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TooLongError

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def call(words: Iterable[str]) -> tuple[Any, str, str]:
    """A command in this process: its status, output and errors."""
    out, err = io.StringIO(), io.StringIO()
    argv, handler = sys.argv, signal.getsignal(signal.SIGTERM)
    sys.argv = ["drg", *words]
    speak("")
    os.environ["DRG_DEBUG"] = "1"  # an internal error comes through with its place
    status: Any = 0
    try:
        with redirect_stdout(out), redirect_stderr(err), _alarm():
            main()
    except SystemExit as ended:
        status = ended.code or 0
    except TooLongError:
        status = f"longer than {LONGEST} s"
    except BaseException:  # noqa: BLE001 - whatever comes is a finding
        status = _where(traceback.format_exc())
    finally:
        sys.argv = argv
        os.environ.pop("DRG_DEBUG")
        signal.signal(signal.SIGTERM, handler)
    return status, out.getvalue(), err.getvalue()


def _where(trace: str) -> str:
    """The end of a trace: the project's own lines, and what was raised."""
    lines = trace.strip().splitlines()
    ours = re.compile(r'File ".*/(drg|grouper|weights|budget)/')
    own = [line.strip() for line in lines if ours.search(line)]
    return "\n".join(["crash", *own[-4:], lines[-1][:500]])


def one(world: Path, seed: int, number: int) -> Outcome:
    """One run, the same whenever seed and number are."""
    rng = random.Random(f"{seed}-{number}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        (folder / "in").mkdir()
        words, outputs = _filled(chosen(rng), world, folder, rng)
        before = _hashes(folder / "in")
        status, out, err = call(words)
        done = Outcome(words, status, out, err)
        done.faults = list(_faults(done, folder, outputs, before))
        return done


def _filled(
    words: list[str], world: Path, folder: Path, rng: random.Random
) -> tuple[list[str], list[Path]]:
    holes = [w for w in words if w.startswith("{") and ("." in w or "@" in w)]
    hurt = set(rng.sample(range(len(holes)), rng.choice([1, 1, 2])) if len(holes) > 1 else [0])
    if rng.random() < 0.04:
        hurt = set()
    found, outputs, place = [], [], 0
    for word in words:
        if word.startswith(">"):
            ending = rng.choice(VALUES["ending"])
            outputs.append(folder / word[1:].replace("{ending}", ending))
            found.append(str(outputs[-1]))
        elif word.startswith("{") and ("." in word or "@" in word):
            home = folder / "in" / str(place)
            home.mkdir()
            found.append(str(_copy(word[1:-1], world, home, rng, spoilt=place in hurt)))
            place += 1
        elif word == "{odd}":
            found.append(rng.choice(ODD)[:200].replace("\x00", "").replace("\ud7ff", "x") or "x")
        elif word.startswith("{"):
            found.append(rng.choice(VALUES[word[1:-1]]))
        else:
            found.append(word)
    return found, outputs


def _copy(name: str, world: Path, home: Path, rng: random.Random, *, spoilt: bool) -> Path:
    if name == "policy.toml":
        name = f"{rng.choice(POLICIES)}.toml"
    if name.startswith("@"):
        target = Path(shutil.copytree(world / name[1:], home / name[1:]))
        # the folder of a round is sealed: nearly any change is refused at once
        for _ in range(rng.choice([0, 0, 1] if "round" in name else [1, 1, 2]) if spoilt else 0):
            spoil_folder(target, rng)
        return target
    if name.endswith(".csv") and not name.startswith("mapping"):
        return spoil_table(world / name, home, rng, spoilt=spoilt)
    target = Path(shutil.copy(world / name, home / name))
    if spoilt and name.endswith((".toml", ".json")):
        spoil_document(target, rng)
    elif spoilt:
        spoil_bytes(target, rng)
    return target


def _hashes(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in folder.rglob("*") if p.is_file()}  # fmt: skip


def _faults(
    done: Outcome, folder: Path, outputs: list[Path], before: dict[str, str]
) -> Iterator[str]:
    if done.status not in (0, 1, 2):
        yield f"status {done.status}"
        return
    told = done.out + done.err
    if "internal error" in told or "内部错误" in told or "Traceback" in told:
        yield f"internal error: {told[-2000:]}"
    if done.status and not told.strip():
        yield "a failure without a word"
    if done.status == 1:
        lines = [line for line in done.err.splitlines() if line.startswith("drg: ")]
        if len(lines) > 1 or (lines and not done.err.rstrip().endswith(lines[0].rstrip())):
            yield f"more than one line: {done.err[-1000:]}"
        if lines and re.search(r"(?<![\w'])(None|nan|<class|array\()(?![\w'])", lines[0][:400]):
            yield f"a raw word in a message: {lines[0][:400]}"
    left = [p for p in folder.rglob("*") if p.name.endswith(".partial")]
    if left:
        yield f"left over: {[str(p.relative_to(folder)) for p in left]}"
    wrong = done.status == 2 or (
        done.status == 1 and "drg: " in done.err and not {*_OUTPUTS_OF_FAILURES} & {*done.words}
    )
    if wrong and (made := [p.name for p in outputs if _made(p)]):
        yield f"an output of a failed run: {made}: {done.err[-300:]}"
    if done.status == 0 and (lost := [p.name for p in outputs if not p.exists()]):
        yield f"an output that is not there: {lost}"
    if done.words[0] not in ("negotiate", "year"):
        after = _hashes(folder / "in")
        if changed := [n for n, digest in before.items() if after.get(n) != digest]:
            yield f"inputs changed: {changed}"
    if done.status == 0 and done.command in ("group", "settle"):
        yield from _rows(done, outputs[0])


def _made(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists()


def _rows(done: Outcome, out: Path) -> Iterator[str]:
    """As many rows out as in."""
    at = 1
    if "--sheet" in done.words:
        return
    if done.command == "settle":
        out = next(p for p in out.iterdir() if p.name.startswith("cases."))
    try:
        rows, wrote = _cases(done.words[at], done.words), len(read_table(out)[0])
    except DrgError as error:
        yield f"cannot be read again: {error}"
        return
    if rows != wrote:
        yield f"{rows} rows in, {wrote} rows out"


def _cases(path: str, words: list[str]) -> int:
    """Rows of a file of cases: a case each, also sums and notes, of a long table by case."""
    mapping = words[words.index("--mapping") + 1] if "--mapping" in words else None
    with open_cases(path, mapping=mapping) as table:
        return sum(batch.table.num_rows for batch in batches(table))


@dataclass
class Tally:
    """What many runs came to."""

    statuses: Counter[tuple[str, Any]] = field(default_factory=Counter)
    faults: list[tuple[int, Outcome]] = field(default_factory=list)


def many(world: Path, seed: int, numbers: Iterable[int]) -> Tally:
    """Many runs of one seed."""
    found = Tally()
    for number in numbers:
        done = one(world, seed, number)
        status = done.status if done.status in (0, 1, 2) else "crash"
        found.statuses[done.command, status] += 1
        if done.faults:
            found.faults.append((number, done))
    return found
