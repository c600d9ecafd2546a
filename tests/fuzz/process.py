"""A command in a process of its own: forked from this one, all imported, or begun anew."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import typer

from drg.cli import main
from grouper.scheme.pack import load_groups
from tests.fuzz.line import commands

STUCK = "does not end"
_COMMAND = [sys.executable, "-c", "from drg.cli import main; main()"]
_ROOMS = ("drg", "grouper", "weights", "budget")
_SCHEMES = ("chs-drg-2.0", "chs-drg-1.1", "linfen-2022")
_MOST_MEMORY = 12 << 30  # of addresses, so that a run cannot take the whole machine
_MOST_FILE = 1 << 30
_STEPS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR


@cache
def warm() -> None:
    """Import all of the project and read its schemes, which every forked process then has."""
    root = Path(__file__).parents[2]
    for room in _ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            if name.endswith("__init__"):
                name = name.removesuffix(".__init__")
            if path.stem != "__main__" and "spark" not in name:
                import_module(name)
    typer.main.get_command = cache(typer.main.get_command)  # else each process builds it anew
    commands()
    for scheme in _SCHEMES:
        load_groups(scheme)
    gc.collect()
    gc.freeze()


@dataclass(frozen=True)
class Moment:
    """When a forked process is to be ended, and how.

    Attributes:
        how: SIGKILL or SIGINT.
        seconds: of its own time of a processor, 0 for never.
        step: the how-manieth file that it opens to write, makes, renames or removes; 0 for none.
    """

    how: signal.Signals
    seconds: float = 0.0
    step: int = 0


@dataclass(frozen=True)
class Surroundings:
    """What a process finds when it begins.

    Attributes:
        folder: where it runs.
        env: its environment, on top of this one's; None takes a name away.
        encoding: of its output.
        umask: of the files that it makes.
        user: number of the user, None for this one; only root can be another.
        output: what its standard output is when not a file: ``full``, ``closed``.
        fresh: begun anew, so that the environment holds from its first line.
        seconds: most time of a processor, when forked; 0 for any.
        moment: when it is ended, when forked; its steps are counted then.
    """

    folder: Path
    env: Mapping[str, str | None] = field(default_factory=dict)
    encoding: str = "utf-8"
    umask: int = 0o022
    user: int | None = None
    output: str = ""
    fresh: bool = False
    seconds: int = 0
    moment: Moment | None = None


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        status: exit status, a signal's number below 0, or ``STUCK``.
        out: standard output.
        err: standard error.
        memory: most bytes in memory, of it or of a process that it began.
        seconds: of processors that it took.
        steps: files that it opened to write, made, renamed or removed, where they were counted.
    """

    status: int | str
    out: str
    err: str
    memory: int
    seconds: float
    steps: int = 0


class Process:
    """A command that runs.

    Args:
        words: of the command.
        place: folder for what it says.
        around: what it finds.
    """

    def __init__(self, words: Iterable[str], place: Path, around: Surroundings) -> None:
        self._out, self._err, self._steps = (place / f"said.{n}" for n in ("out", "err", "steps"))
        words = list(words)
        with self._out.open("wb") as out, self._err.open("wb") as err:
            if around.fresh:
                env = {k: v for k, v in {**os.environ, **around.env}.items() if v is not None}
                self._pid = subprocess.Popen(
                    [*_COMMAND, *words], cwd=around.folder, env=env, stdout=out, stderr=err,
                    stdin=subprocess.DEVNULL,
                ).pid  # fmt: skip
            else:
                self._pid = os.fork()
                if not self._pid:
                    _as_command(words, around, out.fileno(), err.fileno(), self._steps)

    def send(self, what: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self._pid, what)

    def end(self, seconds: float) -> Ended:
        """Wait for it, and kill it when it takes longer."""
        waiting = os.pidfd_open(self._pid)
        try:
            stuck = not select.select([waiting], [], [], seconds)[0]
        finally:
            os.close(waiting)
        if stuck:
            self.send(signal.SIGKILL)
        _, status, used = os.wait4(self._pid, 0)
        told = [path.read_text("utf-8", errors="replace") for path in (self._out, self._err)]
        steps = int(self._steps.read_text() or 0) if self._steps.is_file() else 0
        self._steps.unlink(missing_ok=True)
        return Ended(STUCK if stuck else os.waitstatus_to_exitcode(status), *told,
                     used.ru_maxrss << 10, used.ru_utime + used.ru_stime, steps)  # fmt: skip


def _as_command(
    words: list[str], around: Surroundings, out: int, err: int, counted: Path
) -> NoReturn:
    """Be the command, in a process that was forked."""
    status, steps = 1, [0]
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out if around.output != "full" else os.open("/dev/full", os.O_WRONLY), 1)
        os.dup2(err, 2)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
            resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_FILE, _MOST_FILE))
            if around.seconds:
                resource.setrlimit(resource.RLIMIT_CPU, (around.seconds, around.seconds))
        _go_to(around)
        sys.argv = ["drg", *words]
        sys.stdout = os.fdopen(1, "w", encoding=around.encoding)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")
        if around.output == "closed":
            os.close(1)
            sys.stdout = None  # type: ignore[assignment] # as Python itself does
        if around.moment is not None:
            steps = _armed(around.moment)
        main()
        status = 0
    except SystemExit as ended:
        status = int(ended.code or 0)
    except BaseException:  # noqa: BLE001 - told like any other end
        traceback.print_exc()
    finally:
        try:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
        except OSError:
            status = 120  # as Python does, with a trace
        if around.moment is not None:
            counted.write_text(str(steps[0]))
        os._exit(status)


def _armed(moment: Moment) -> list[int]:
    """End this process at a moment; a list that goes on holding the number of its steps."""
    steps = [0]

    def seen(event: str, args: tuple[object, ...]) -> None:
        if event in _STEPS or (event == "open" and isinstance(args[2], int) and args[2] & _WRITING):
            steps[0] += 1
            if steps[0] == moment.step:
                os.kill(os.getpid(), moment.how)

    sys.addaudithook(seen)
    if moment.seconds:
        if moment.how != signal.SIGKILL:  # else SIGPROF itself ends it, as hard
            signal.signal(signal.SIGPROF, lambda *_: os.kill(os.getpid(), moment.how))
        signal.setitimer(signal.ITIMER_PROF, moment.seconds)
    return steps


def _go_to(around: Surroundings) -> None:
    for name, value in around.env.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    tempfile.tempdir = None
    os.umask(around.umask)
    os.chdir(around.folder)
    if around.user is not None and os.geteuid() == 0:
        _become(around.user)


def _become(user: int) -> None:
    """Be a user who may read what root may, Python itself among it, but write nothing of root's."""
    libc, read_all = ctypes.CDLL(None), 2  # CAP_DAC_READ_SEARCH
    libc.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    head, rights = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(*[1 << read_all] * 3)
    libc.capset(head, rights)
    libc.prctl(47, 2, read_all, 0, 0)  # PR_CAP_AMBIENT, for the processes that it begins
