"""Kills and interrupts: ``python -m tests.fuzz.kills --runs 300 [--seed 1] [--world DIR]``.

Every command that writes is run over an older result of its own and ended at a random moment, by
SIGKILL or SIGINT. Then what stands must be the old result or the new one, byte for byte, as any
command finds it that reads there; a command of a round or a book must leave a record that is sound;
an interrupt ends with 130 and no trace; and the same command, run again, must succeed, give the new
result and leave nothing hidden behind.
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
from drg.tables.held import sweep
from drg.year.book import Book
from tests.fonts import without_font
from tests.fuzz.process import STUCK, Ended, Moment, Process, Surroundings, warm
from tests.fuzz.world import draw_lot, make

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
    "group dataset": ("group {@dataset} --out out --scheme chs-drg-1.1",
                      "group {@dataset} --out out"),
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
    "fit pictures": ("weights fit {other.csv} --out out/w.csv --pictures out/p",
                     "weights fit {grouped.csv} --out out/w.csv --pictures out/p"),
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
    "demo": ("demo --out out --cases 400 --hospitals 3 --seed 1",
             "demo --out out --cases 400 --hospitals 3 --seed 2"),
    "explain svg": ("explain {cases.csv} --row 3 --format svg --out out/e.svg",
                     "explain {cases.csv} --row 4 --format svg --out out/e.svg"),
    "check docx": ("check {other.csv} --docx out/q.docx", "check {cases.csv} --docx out/q.docx"),
    "backtest": ("backtest {other.csv} {came.csv} --weights {weights.csv} --out out --draws 100"
                 " --hospitals {hospitals.csv}",
                 "backtest {grouped.csv} {came.csv} --weights {weights.csv} --out out --draws 100"
                 " --hospitals {hospitals.csv}"),
    "report annex": ("report {@settled} --out out/r.html --annex out/a.html --pictures out/p",
                     "report {@projected} --out out/r.html --annex out/a.html --pictures out/p"),
    "audit": ("audit {other.csv} --out out --hospitals {hospitals.csv}",
              "audit {cases.csv} --out out --hospitals {hospitals.csv} --before {came.csv}"),
    "monitor": (f"monitor {_OTHER} --out out",
                "monitor {came.csv} --weights {weights.csv} --hospitals {hospitals.csv} --out out"
                " --before {grouped.csv}"),
    "prepayment": ("fund prepayment {spend.csv} --received 2025-01-10 --out out"
                   " --policy lanzhou-2023",
                   "fund prepayment {spend.csv} --received 2025-01-20 --out out"
                   " --policy lanzhou-2023"),
    "retention": ("fund retention {items.csv} --out out",
                  "fund retention {items.csv} --out out --hospitals {hospitals.csv}"),
    "validate": ("weights validate {other.csv} --splits 2 --out out/v.csv --picture out/v.svg",
                 "weights validate {grouped.csv} --splits 2 --out out/v.csv --picture out/v.svg"),
    "compare": ("weights compare {weights.csv} {weights.csv} --out out/c.csv --picture out/c.svg"
                " --lang en",
                "weights compare {weights.csv} {weights.csv} --out out/c.csv --picture out/c.svg"
                " --lang zh"),
    "diff moves": ("scheme diff chs-drg-1.1 linfen-2022 --cases {other.csv} --moves out/m.csv"
                   " --picture out/m.svg",
                   "scheme diff chs-drg-1.1 linfen-2022 --cases {cases.csv} --moves out/m.csv"
                   " --picture out/m.svg"),
    "propose": ("", f"negotiate propose {{@round-begun}} {{proposals.csv}} {_AT}"),
    "withdraw": ("", f"negotiate propose {{@round-drawn}} --withdraw P001 --reason x --actor H0001"
                 f" {_AT}"),
    "lot": ("", f"negotiate lot {{@round-asked}} --draw-at 2027-03-19T14:00:00+08:00 {_AT}"),
    "panel": ("", f"negotiate panel {{@round-lot}} {_AT}"),
    "vote": ("", f"negotiate vote {{@round-drawn}} {{votes.csv}} {_AT}"),
    "solve": ("", f"negotiate solve {{@round-voted}} --objective closest {_AT}"),
    "accept": ("", f"negotiate accept {{@round-voted}} O01 --reason x {_AT}"),
    "impact record": ("", f"negotiate impact {{@round-voted}} --record --out out/i.xlsx {_AT}"),
    "object": ("", f"negotiate object {{@round-heard}} P001 --party H0001 --reason x {_AT}"),
    "receipt": ("", "negotiate receipt {@round-voted} --out out/receipt.toml --request out/r.tsq"
                f" {_AT}"),
    "close": ("", f"negotiate close {{@round-decided}} --out out/final.csv {_AT} --despite x"),
    "open": ("", "year open out/book --year 2025 --weights {weights.csv} --hospitals"
             f" {{hospitals.csv}} --last-year {{last-year.csv}} --policy {{luan-2025.toml}} {_AT}"),
    "add-month": ("", f"year add-month {{@book-open}} {{grouped.csv}} {_AT}"),
    "correct": ("", f"year correct {{@book-closed}} {{other.csv}} {_AT}"),
    "correct withdraw": ("", f"year correct {{@book-closed}} {{other.csv}} --withdraw {_AT}"),
    "close-month": ("", f"year close-month {{@book-added}} {_AT}"),
    "list": ("", f"year list {{@book-closed}} deduction {{deduction-07.csv}} {_AT}"),
    "advance": ("", "year advance {@book-open} {advance-01.csv} --history {history.csv} --fund"
                f" {{fund.csv}} {_AT}"),
    "year receipt": ("", f"year receipt {{@book-closed}} --out out/receipt.toml {_AT}"),
    "clear": ("", f"year clear {{@book-full}} --out out --format xlsx --format html {_AT}"),
    "clear early": ("year clear {@book-added} --out out --early --lang en",
                    "year clear {@book-closed} --out out --early --lang en"),
    "form": ("year form {@book-closed} review --out out/f.xlsx",
             "year form {@book-closed} deduction --out out/f.xlsx"),
    "sheet": ("year sheet {@book-full} --month 1 --out out/s.xlsx",
              "year sheet {@book-full} --month 2 --out out/s.xlsx"),
    "findings add": ("", f"year findings add {{@book-clean}} {{@audited}} {_AT}"),
    "findings act": ("", "year findings act {@book-added} first_review {first-review.csv}"
                     " --evidence {@audited} --actor 初审组"),
    "findings form": ("year findings form {@book-added} first_review --out out/f.xlsx"
                      " --hospital H0001",
                      "year findings form {@book-added} first_review --out out/f.xlsx"),
    "findings report": ("year findings report {@book-added} --out out/f.xlsx --lang en",
                        "year findings report {@book-closed} --out out/f.xlsx --lang zh"),
    "findings credit": ("year form {@book-added} assessment --out out/c.xlsx",
                        "year findings credit {@book-added} --out out/c.xlsx"),
    "package": ("year package {@book-added} --out out --lang en",
                "year package {@book-closed} --out out --lang en"),
}  # fmt: skip
# their record goes on: by an entry, or by some of them
_RECORD = frozenset({"propose", "withdraw", "lot", "panel", "vote", "solve", "accept",
                     "impact record", "receipt", "close", "add-month", "correct",
                     "correct withdraw", "close-month", "list", "advance", "year receipt",
                     "clear", "object", "findings add", "findings act"})  # fmt: skip
_BEGIN = "init", "open"
_TIMED = "ledger.", "final.csv.run.json"
State = dict[str, str]


@dataclass(frozen=True)
class Killed:
    """A run that was ended.

    Attributes:
        name: the command.
        how: SIGKILL or SIGINT.
        stood: ``old``, ``new``, or ``between``, which is a fault; ``new to the next reader`` when
            all was ready, but not all in its place; ``in part`` for a record with some of its
            entries, from which the next run goes on.
        faults: what is wrong.
    """

    name: str
    how: str
    stood: str
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """What a command does when nothing ends it.

    Attributes:
        home: folder with the older result.
        old: what stands in ``out`` there.
        new: what the command makes of it.
        books: what it makes of a book of a year.
        entries: of records, before and after -> ``old``, ``new``.
        took: seconds of a processor.
        steps: that it took.
    """

    home: Path
    old: State
    new: State
    books: State
    entries: dict[int, str]
    took: float
    steps: int


def entries_in(folder: Path) -> int:
    """Entries of all records in a folder."""
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("ledger.jsonl"))


def books_of(folder: Path) -> State:
    """What stands in the books of a year beside a command's results."""
    return {f"{book.name}/{name}": held for book in folder.glob("book-*")
            for name, held in state_of(book).items()}  # fmt: skip


def state_of(folder: Path) -> State:
    """Digest of every file that shows, by its place; of what holds a record's times none."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): "" if path.name.startswith(_TIMED) else
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
        self._known: dict[str, Known] = {}
        lines = (world / "grouped.csv").read_bytes().splitlines(keepends=True)
        (world / "other.csv").write_bytes(b"".join(lines[:121]))
        decided(world / "round-voted", world / "round-decided")
        shutil.copytree(world / "round-asked", world / "round-lot")
        draw_lot(world / "round-lot")
        shutil.copytree(world / "book-open", world / "book-clean")
        Book(world / "book-clean").add_month(world / "grouped.csv", actor=BUREAU)
        shutil.copytree(world / "book-closed", world / "book-full")
        book = Book(world / "book-full")
        for _ in range(11):
            book.close_month(empty=True, actor=BUREAU)

    def one(self, name: str, how: signal.Signals, rng: random.Random) -> Killed:
        """End a command at a random moment and look at what stands."""
        known = self._prepared(name)
        folder = self._place / "run"
        shutil.copytree(known.home, folder)
        faults = []
        fresh = rng.random() < 0.1
        if fresh:
            run = self._start(name, folder, fresh=True)
            time.sleep(rng.uniform(0.02, 1.5))
            run.send(how)
        elif rng.random() < 0.5:
            run = self._start(name, folder, Moment(how, seconds=rng.uniform(0.001, known.took)))
        else:
            run = self._start(name, folder, Moment(how, step=rng.randint(1, max(1, known.steps))))
        status, text = _told(run.end(300))
        if status == STUCK:
            faults.append("does not end")
        begun = not fresh or "main()" in text  # it had come to the program's first line
        if how == signal.SIGINT and begun and ("Traceback" in text or status not in (0, 130)):
            faults.append(f"interrupt: status {status}: {text[-600:]}")
        stands, after = state_of(folder / "out"), ""
        if stands not in (known.old, known.new):  # what was ready is put in place by who reads it
            sweep(folder / "out")
            stands, after = state_of(folder / "out"), " to the next reader"
        stood = "old" if stands == known.old else "new" if stands == known.new else "between"
        if stood == "between":
            faults.append(f"neither old nor new: {_difference(stands, known.old, known.new)}")
        if name in _RECORD:
            stood = known.entries.get(entries_in(folder), "in part")
        status, text = _told(self._start(name, folder).end(300))
        done = name == "propose" or (name in (*_BEGIN, *_RECORD) and stood == "new")
        if status != 0 and not (done and status == 1 and text.count("drg: ") == 1):
            faults.append(f"the next run: status {status}: {text[-600:]}")
        again = name in _RECORD and stood == "new"  # by the next run it is on record twice
        if not again and (now := state_of(folder / "out")) != known.new:
            faults.append(f"the next run: {_difference(now, known.old, known.new)}")
        if not again and (now := books_of(folder)) != known.books:
            faults.append(f"the next run: {_difference(now, {}, known.books)}")
        faults += self._verified(folder)
        if left := hidden(folder, self._place / "tmp"):
            faults.append(f"left over: {left}")
        shutil.rmtree(folder)
        if name not in _RECORD:
            stood += after
        return Killed(name, how.name, stood, tuple(faults))

    def _prepared(self, name: str) -> Known:
        if name not in self._known:
            before, command = WRITING[name]
            home = self._place / f"before-{name.replace(' ', '-')}"
            (home / "out").mkdir(parents=True)
            if before:
                self._done(before, home)
            self._words(command, home)  # copies the record that it adds to
            after = home.with_name(f"{home.name}-after")
            shutil.copytree(home, after)
            done = self._done(command, after)
            self._known[name] = Known(
                home, state_of(home / "out"), state_of(after / "out"), books_of(after),
                {entries_in(home): "old", entries_in(after): "new"}, done.seconds, done.steps,
            )  # fmt: skip
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
            if word.startswith(("{@round", "{@book")):
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
        out = folder / "out"
        for path in (one.parent for one in folder.rglob("ledger.jsonl")):
            room = "negotiate" if path.name.startswith("round") else "year"
            words = [room, "verify", str(path)]
            for option, made in (("--weights", "final.csv"), ("--receipt", "receipt.toml")):
                words += [option, str(out / made)] if (out / made).is_file() else []
            done = self._run(words, folder).end(300)
            if done.status:
                yield f"verify: {done.status}: {done.out[-1500:]} {done.err[-1500:]}"


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
