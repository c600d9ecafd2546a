"""Runs: a command on spoilt files, and what every outcome must hold."""

from __future__ import annotations

import hashlib
import io
import itertools
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
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

from drg.cases.opening import open_cases
from drg.cli import main
from drg.errors import DrgError
from drg.language import speak
from drg.tables import batches, read_table
from tests.fonts import without_font
from tests.fuzz.commands import VALUES, WRITTEN, chosen
from tests.fuzz.line import name_of, spoil
from tests.fuzz.mutate import ODD, spoil_bytes, spoil_document, spoil_folder, spoil_table
from tests.fuzz.process import Process, warm
from tests.fuzz.surroundings import drawn, plain
from tests.fuzz.world import POLICIES

LONGEST = 60  # seconds of a processor for a run, which hang on no other process
_STUCK = 400  # seconds by the clock
MOST_MEMORY = 1536 << 20
# what they find is a failure that is told after the work
_FINDINGS = ("policy test", "policy search", "negotiate verify", "scheme validate", "scheme import",
             "negotiate propose", "year verify")  # fmt: skip

_RAW = re.compile(r"(?<![\w'])(None|nan|<class|array\()(?![\w'])")
# a lock that is kept; lists of what was refused; the cache, where its place is this folder or
# "relative" in it
_BESIDE = re.compile(r".*(\.lock|-rejects\.csv|/rejects(/.*)?|\.bin)", re.DOTALL)


@dataclass
class Outcome:
    """What a run came to.

    Attributes:
        words: the command.
        status: exit status, a signal's number below 0, or in words why there is none.
        out: standard output.
        err: standard error.
        faults: what must not be.
        spoilt: whether the line or the surroundings were, besides the files.
        memory: most bytes.
        seconds: of processors.
    """

    words: list[str]
    status: Any
    out: str = ""
    err: str = ""
    faults: list[str] = field(default_factory=list)
    command: str = ""
    spoilt: bool = False
    memory: int = 0
    seconds: float = 0.0


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
    return "\n".join(["crash", *own[-4:], *(line[:500] for line in lines[-1:])])


def one(world: Path, seed: int, number: int) -> Outcome:
    """One run in a process of its own, the same whenever seed and number are."""
    rng = random.Random(f"{seed}-{number}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        top = Path(name)
        folder = top / "here"
        (folder / "in").mkdir(parents=True)
        for path in (top, folder):
            path.chmod(0o755)
        kind = rng.random()  # files alone in half of the runs, then the line, then surroundings
        recipe = chosen(rng)
        words, outputs = _filled(recipe, world, folder, rng, whole=kind > 0.8)
        command = " ".join(name_of(words))
        around = plain(folder)
        if 0.5 < kind < 0.9:
            words = spoil(words, folder, rng)
        if kind > 0.85:
            around = drawn(folder, rng)
        before = _state(folder)
        ended = Process(words, top, replace(around, seconds=LONGEST)).end(_STUCK)
        (folder / "tmp").chmod(0o755)
        done = Outcome(words, ended.status, ended.out, ended.err, command=command,
                       spoilt=kind > 0.5, memory=ended.memory, seconds=ended.seconds)  # fmt: skip
        done.faults = list(_faults(done, folder, outputs, before, output=around.output))
        return done


def _filled(
    words: list[str], world: Path, folder: Path, rng: random.Random, *, whole: bool
) -> tuple[list[str], list[Path]]:
    holes = [w for w in words if w.startswith("{") and ("." in w or "@" in w)]
    hurt = set(rng.sample(range(len(holes)), rng.choice([1, 1, 2])) if len(holes) > 1 else [0])
    if whole or rng.random() < 0.04:
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


def _state(folder: Path) -> dict[str, str]:
    """Digest of every file by its place; of a folder or a link none."""
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            if p.is_file() and not p.is_symlink() else ""
            for p in folder.rglob("*")}  # fmt: skip


def _faults(
    done: Outcome, folder: Path, outputs: list[Path], before: dict[str, str], *, output: str
) -> Iterator[str]:
    if done.memory > MOST_MEMORY:
        yield f"memory: {done.memory >> 20} MB"
    if done.status not in (0, 1, 2):
        yield f"status {done.status}: {_where(done.err)}"
        return
    told = done.out + done.err
    if "internal error" in told or "内部错误" in told or "Traceback" in told:
        yield f"internal error: {told[-2000:]}"
    if found := re.search(r"(?m)^.*(\w+Warning: |Exception ignored).*$", done.err):
        yield f"a warning: {found[0][:500]}"
    if done.status and not told.strip() and output != "closed":
        yield "a failure without a word"
    lines = [line for line in done.err.splitlines() if line.startswith("drg: ")]
    if done.status == 1:
        if len(lines) > 1 or (lines and not done.err.rstrip().endswith(lines[0].rstrip())):
            yield f"more than one line: {done.err[-1000:]}"
        if not lines and done.command not in _FINDINGS and "--strict" not in done.words:
            yield f"no line of an error: {done.err[-500:]}"
        own = re.sub("""found ('[^']*'|"[^"]*")""", "", lines[0]) if lines else ""
        if any(word not in done.words for word in _RAW.findall(own[:400])):
            yield f"a raw word in a message: {lines[0][:400]}"
    after = _state(folder)
    if left := [name for name in after if name.endswith((".partial", ".ready"))]:
        yield f"left over: {left}"
    new = {name for name in after if before.get(name) != after[name]} | before.keys() - after.keys()
    new = {name for name in new - {"relative"} if not name.startswith("tmp")
           and not _BESIDE.fullmatch(name)}  # fmt: skip
    failed = done.status == 2 or (done.status == 1 and lines and "--strict" not in done.words)
    if failed and new and output != "full":  # what it could not say of stands whole
        yield f"changed by a run that failed: {sorted(new)[:9]}: {done.err[-300:]}"
    if done.status == 0 and not done.spoilt:
        if lost := [p.name for p in outputs if not os.path.exists(p)]:
            yield f"an output that is not there: {lost}"
        if done.command in ("group", "settle"):
            yield from _rows(done, outputs[0])
    read = _read(done.words, folder)
    if done.words[0] not in ("negotiate", "year") and (
        changed := [n for n in new if before.get(n)
                    and not read.isdisjoint([path := folder / n, *path.parents])]
    ):  # fmt: skip
        yield f"inputs changed: {changed}"


def _read(words: list[str], folder: Path) -> set[Path]:
    """Files and folders that a command's words give it to read, not to write."""
    return {folder / word for before, word in itertools.pairwise(words)
            if before not in WRITTEN and word.startswith(str(folder / "in"))}  # fmt: skip


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
    """What many runs came to.

    Attributes:
        statuses: how many by command and status.
        faults: number and outcome of those that did what must not be.
        memory: most bytes of a run, with its number.
        seconds: most seconds of a run, with its number.
    """

    statuses: Counter[tuple[str, Any]] = field(default_factory=Counter)
    faults: list[tuple[int, Outcome]] = field(default_factory=list)
    memory: tuple[int, int] = (0, 0)
    seconds: tuple[float, int] = (0.0, 0)


def many(world: Path, seed: int, numbers: Iterable[int]) -> Tally:
    """Many runs of one seed."""
    warm()
    found = Tally()
    for number in numbers:
        with without_font():
            done = one(world, seed, number)
        status = done.status if done.status in (0, 1, 2) else "crash"
        found.statuses[done.command, status] += 1
        found.memory = max(found.memory, (done.memory, number))
        found.seconds = max(found.seconds, (done.seconds, number))
        if done.faults:
            found.faults.append((number, done))
    return found
