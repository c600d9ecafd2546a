"""Kills and interrupts: ``python -m tests.fuzz.kills --runs 300 [--seed 1] [--world DIR]``.

Every command that writes is run over an older result of its own and ended at a random moment, by
SIGKILL or SIGINT. Then what stands must be the old result or the new one, byte for byte; a command
of a round must leave a record that is sound; an interrupt ends with 130 and no trace; and the same
command, run again, must succeed, give the new result and leave nothing hidden behind.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drg.cli.common.options import BUREAU
from drg.negotiate.round.act import Round
from tests.fonts import without_font
from tests.fuzz.process import STUCK, Ended, Moment, Process, Surroundings, warm
from tests.fuzz.world import make

_AT = "--at 2026-03-03T09:00:00+08:00"
_YEAR = "{grouped.csv} --weights {weights.csv} --hospitals {hospitals.csv}"
_OTHER = "{other.csv} --weights {weights.csv} --hospitals {hospitals.csv}"
# before, which makes an older result; then the command that is ended
WRITING: dict[str, tuple[str, str]] = {
    "sample": ("sample --out out --cases 60 --hospitals 3 --seed 1",
               "sample --out out --cases 60 --hospitals 3 --seed 2"),
    "check": ("check {other.csv} --html out/q.html --xlsx out/q.xlsx",
              "check {grouped.csv} --html out/q.html --xlsx out/q.xlsx"),
    "group": ("group {other.csv} --out out/g.csv", "group {cases.csv} --out out/g.csv"),
    "group xlsx": ("group {other.csv} --out out/g.xlsx", "group {cases.csv} --out out/g.xlsx"),
    "explain": ("explain {cases.csv} --row 3 --format json --out out/e.json",
                "explain {cases.csv} --row 4 --format json --out out/e.json"),
    "dependence": ("explain {other.csv} --dependence --out out/d.csv",
                   "explain {cases.csv} --dependence --out out/d.csv"),
    "settle": (f"settle {_OTHER} --out out", f"settle {_YEAR} --out out --policy luan-2025"),
    "project": (f"project {_OTHER} --out out --years 1", f"project {_YEAR} --out out --years 1"
                " --scenario {scenario-tighter-cap.toml} --draws 0"),
    "search": (f"policy search {_OTHER} --search {{search-small.toml}} --out out",
               f"policy search {_YEAR} --search {{search-small.toml}} --out out"),
    "standards": ("policy standards --policy luan-2025 --out out/s.xlsx --weights {weights.csv}",
                  "policy standards --policy qingdao-2023 --out out/s.xlsx"
                  " --weights {weights.csv}"),
    "report": ("report {@settled} --out out/r.html --lang en",
               "report {@projected} --out out/r.html --lang zh"),
    "report docx": ("report {@settled} --out out/r.docx --lang en",
                    "report {@projected} --out out/r.docx --lang en"),
    "weights fit": ("weights fit {other.csv} --out out/w.csv --trimmed out/t.csv",
                    "weights fit {grouped.csv} --out out/w.csv --trim iqr --trimmed out/t.csv"),
    "scheme diff": ("scheme diff {@tiny-pack} chs-drg-1.1 --out out/d.xlsx",
                    "scheme diff chs-drg-1.1 linfen-2022 --out out/d.xlsx"),
    "scheme export": ("scheme export {@tiny-pack} --out out/p.xlsx",
                      "scheme export linfen-2022 --out out/p.xlsx"),
    "scheme import": ("scheme import {official-small.xlsx} --out out",
                      "scheme import {@city-tables} --out out --mapping {city-tables.toml}"),
    "switch": ("scheme switch chs-drg-1.1 linfen-2022 --cases {other.csv} --weights {weights.csv}"
               " --out out --across-schemes",
               "scheme switch chs-drg-1.1 linfen-2022 --cases {cases.csv} --weights {weights.csv}"
               " --out out --across-schemes"),
    "quality": ("weights quality {other.csv} --out out/q.csv",
                "weights quality {grouped.csv} --weights {weights.csv} --out out/q.csv"),
    "init": ("", "negotiate init out/round --cases {grouped.csv} --weights {weights.csv}"
             f" --hospitals {{hospitals.csv}} --roster {{roster.csv}} {_AT}"),
    "impact": ("negotiate impact {@round-voted} --of P001 --out out/i.xlsx",
               "negotiate impact {@round-voted} --of asked --out out/i.xlsx"),
    "minutes": ("negotiate minutes {@round-voted} --out out/m.html --lang en",
                "negotiate minutes {@round-voted} --out out/m.html --lang zh"),
    "propose": ("", f"negotiate propose {{@round-begun}} {{proposals.csv}} {_AT}"),
    "vote": ("", f"negotiate vote {{@round-drawn}} {{votes.csv}} {_AT}"),
    "solve": ("", f"negotiate solve {{@round-voted}} --objective closest {_AT}"),
    "close": ("", f"negotiate close {{@round-decided}} --out out/final.csv {_AT} --despite x"),
}  # fmt: skip
_RECORD = "propose", "vote", "solve", "close"  # their record goes on entry by entry
State = dict[str, str]


@dataclass(frozen=True)
class Killed:
    """A run that was ended.

    Attributes:
        name: the command.
        how: SIGKILL or SIGINT.
        stood: ``old``, ``new``, or ``between`` for what is to be finished by the next run.
        faults: what is wrong.
    """

    name: str
    how: str
    stood: str
    faults: tuple[str, ...]


def state_of(folder: Path) -> State:
    """Digest of every file that shows, by its place; a record of a round holds its time."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): "" if path.stem == "ledger" else
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files if "/." not in f"/{path.relative_to(folder)}"}  # fmt: skip


def hidden(*folders: Path) -> list[str]:
    """What is left over, in the folders and the place for temporary files."""
    return [str(path.name) for folder in folders for path in folder.rglob(".*")
            if path.name.endswith((".partial", ".ready"))]  # fmt: skip


def decided(voted: Path, folder: Path) -> None:
    """A copy of a round in which all that is not decided yet was withdrawn: it can be closed."""
    shutil.copytree(voted, folder, dirs_exist_ok=True)
    held = Round(folder)
    for one in list(held.state.open.values()):
        if one.id not in held.state.decisions:
            held.withdraw(one.id, "x", one.hospital_id or BUREAU)


class Killer:
    """Runs commands on copies of a world and ends them.

    Args:
        world: folder of good files; ``other.csv`` is added.
        place: folder to work in.
    """

    def __init__(self, world: Path, place: Path) -> None:
        self._world, self._place = world, place
        self._known: dict[str, tuple[Path, State, State, float, int]] = {}
        lines = (world / "grouped.csv").read_bytes().splitlines(keepends=True)
        (world / "other.csv").write_bytes(b"".join(lines[:121]))
        decided(world / "round-voted", world / "round-decided")

    def one(self, name: str, how: signal.Signals, rng: random.Random) -> Killed:
        """End a command at a random moment and look at what stands."""
        before, old, new, took, steps = self._prepared(name)
        folder = self._place / "run"
        shutil.copytree(before, folder)
        faults = []
        fresh = rng.random() < 0.1
        if fresh:
            run = self._start(name, folder, fresh=True)
            time.sleep(rng.uniform(0.02, 1.5))
            run.send(how)
        elif rng.random() < 0.5:
            run = self._start(name, folder, Moment(how, seconds=rng.uniform(0.001, took)))
        else:
            run = self._start(name, folder, Moment(how, step=rng.randint(1, max(1, steps))))
        status, text = _told(run.end(300))
        if status == STUCK:
            faults.append("does not end")
        begun = not fresh or "main()" in text  # it had come to the program's first line
        if how == signal.SIGINT and begun and ("Traceback" in text or status not in (0, 130)):
            faults.append(f"interrupt: status {status}: {text[-600:]}")
        stands = state_of(folder / "out")
        stood = "old" if stands == old else "new" if stands == new else "between"
        if name not in _RECORD and stood == "between":
            faults.append(f"neither old nor new: {_difference(stands, old, new)}")
        status, text = _told(self._start(name, folder).end(300))
        expected = (0, 1) if name == "propose" or (name == "init" and stood == "new") else (0,)
        if status not in expected:  # all rows may be on record, or the round begun by then
            faults.append(f"the next run: status {status}: {text[-600:]}")
        if name not in _RECORD and (now := state_of(folder / "out")) != new:
            faults.append(f"the next run: {_difference(now, old, new)}")
        if name == "close" and not (folder / "out" / "final.csv").is_file():
            faults.append("closed without a table")
        if name in _RECORD:
            faults += self._verified(folder)
        if left := hidden(folder, self._place / "tmp"):
            faults.append(f"left over: {left}")
        shutil.rmtree(folder)
        return Killed(name, how.name, stood, tuple(faults))

    def _prepared(self, name: str) -> tuple[Path, State, State, float, int]:
        if name not in self._known:
            home = self._place / f"before-{name.replace(' ', '-')}"
            (home / "out").mkdir(parents=True)
            if WRITING[name][0]:
                self._done(WRITING[name][0], home)
            after = home.with_name(f"{home.name}-after")
            shutil.copytree(home, after)
            done = self._done(WRITING[name][1], after)
            self._known[name] = (home, state_of(home / "out"), state_of(after / "out"),
                                 done.seconds, done.steps)  # fmt: skip
        return self._known[name]

    def _done(self, text: str, folder: Path) -> Ended:
        done = self._run(self._words(text, folder), folder, Moment(signal.SIGKILL)).end(300)
        if done.status:
            raise RuntimeError(f"{text}: {done.err}")
        return done

    def _start(
        self, name: str, folder: Path, moment: Moment | None = None, *, fresh: bool = False
    ) -> Process:
        return self._run(self._words(WRITING[name][1], folder), folder, moment, fresh=fresh)

    def _run(
        self, words: list[str], folder: Path, moment: Moment | None = None, *, fresh: bool = False
    ) -> Process:
        (self._place / "tmp").mkdir(exist_ok=True)
        env = {"TMPDIR": str(self._place / "tmp"), "LC_ALL": "C.UTF-8", "DRG_LANG": "en"}
        return Process(words, self._place, Surroundings(folder, env, fresh=fresh, moment=moment))

    def _words(self, text: str, folder: Path) -> list[str]:
        """The words of a command; rounds are copied, everything else is read where it is."""
        words = []
        for word in text.split():
            if word.startswith("{@round"):
                own = folder / word[2:-1]
                if not own.exists():
                    shutil.copytree(self._world / word[2:-1], own)
                words.append(word[2:-1])
            elif word.startswith("{"):
                words.append(str(self._world / word[1:-1].removeprefix("@")))
            else:
                words.append(word)
        return words

    def _verified(self, folder: Path) -> Iterator[str]:
        rounds = [path for path in folder.iterdir() if path.name.startswith("round")]
        for path in rounds:
            words = ["negotiate", "verify", path.name]
            if (folder / "out" / "final.csv").is_file():
                words += ["--weights", "out/final.csv"]
            status, said = _told(self._run(words, folder).end(300))
            if status:
                yield f"verify: {said}"


def _told(ended: Ended) -> tuple[int | str, str]:
    return ended.status, ended.err[-1500:]


def _difference(stands: State, old: State, new: State) -> str:
    names = sorted({*stands, *old, *new})

    def whose(name: str) -> str:
        found = stands.get(name)
        return "old" if found == old.get(name) else "new" if found == new.get(name) else "other"

    told = {name: whose(name) for name in names if old.get(name) != new.get(name)
            or stands.get(name) != old.get(name)}  # fmt: skip
    return str(told)


def many(world: Path, place: Path, seed: int, numbers: range) -> list[Killed]:
    """Many runs of one seed: commands in turn, five kills to two interrupts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background ignores it
    warm()
    killer, names, found = Killer(world, place), list(WRITING), []
    with without_font():
        for number in numbers:
            rng = random.Random(f"{seed}-{number}")
            how = signal.SIGKILL if rng.random() < 5 / 7 else signal.SIGINT
            done = killer.one(names[number % len(names)], how, rng)
            found.append(done)
            print(f"{number} {done.how} {done.name}: {done.stood}", file=sys.stderr, flush=True)
            for fault in done.faults:
                print(f"--- seed {seed} run {number}: {done.how} {done.name}: {fault}", flush=True)
    return found


def _main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.kills", description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--world", type=Path, help="folder of good files, made when it is empty")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as own:
        world = given.world or Path(own, "world")
        if not world.is_dir():
            world.mkdir(parents=True)
            make(world)
        place = Path(own, "place")
        place.mkdir()
        began = time.monotonic()
        found = many(world, place, given.seed, range(given.runs))
    stood = Counter((one.how, one.stood) for one in found)
    bad = sum(bool(one.faults) for one in found)
    told = ", ".join(f"{how} {what}: {n}" for (how, what), n in sorted(stood.items()))
    print(f"{len(found)} runs of seed {given.seed} over {len(WRITING)} commands: {told}; "
          f"{bad} with faults; {time.monotonic() - began:.0f} s")  # fmt: skip
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(_main())
