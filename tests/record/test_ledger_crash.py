"""Two writers at once, killed at any moment, without power at any moment: nothing is lost."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from drg.errors import DrgError
from drg.record import check as ledger_check
from drg.record import disk as ledger_disk
from drg.record import entry as ledger_entry
from drg.record.ledger import Entry, Ledger
from tests.amount import FULL, tries
from tests.record.ledger_world import FakeLock, FakeOs, KilledError, World

AT = "2026-03-01T09:00:00+08:00"
RUNS = tries(10_000)
TEXTS = ("同意", 'quote " and \n', "x" * 300, "")


class Play:
    """One run: a ledger, two writers with entries to add, and what became of each."""

    def __init__(self, seed: int, path: Path, monkeypatch: pytest.MonkeyPatch, **chances) -> None:
        rng = random.Random(seed)
        kill = rng.choice((0.0, 0.01, 0.05))
        chances = {
            "switch": rng.choice((0.02, 0.2, 0.6)),
            "kill": kill,
            "cut": rng.choice((0.0, kill / 2)),
            **chances,
        }
        self.world = World(rng, **chances)
        monkeypatch.setattr(ledger_disk, "os", FakeOs(self.world))
        monkeypatch.setattr(
            ledger_disk, "FileLock", type("Lock", (FakeLock,), {"world": self.world})
        )
        self.rng, self.path = rng, path
        self.added: dict[tuple[int, int], Entry] = {}
        self.expected: dict[tuple[int, int], str] = {}
        self.tried: set[tuple[int, int]] = set()
        self.overtaken = 0
        Ledger.create(path, "医保局", {"round": "2026"}, AT)
        self.world.synced_names = dict(self.world.names)
        self.world.run(lambda: self.writer(0), lambda: self.writer(1))

    def writer(self, name: int) -> None:
        ledger = None
        for number in range(self.rng.randint(1, 3)):
            key = (name, number)
            while True:
                try:
                    ledger = ledger or Ledger(self.path)
                    self.add(ledger, key)
                    break
                except KilledError:
                    self.world.revive()
                    ledger = None
                    if key in self.tried:
                        break

    def add(self, ledger: Ledger, key: tuple[int, int]) -> None:
        body = {"key": list(key), "note": self.rng.choice(TEXTS)}
        seen = ledger.digest if self.rng.random() < 0.3 else None
        self.tried.add(key)
        try:
            entry = ledger.append("vote", body, actor=f"w{key[0]}", at=AT, expect=seen)
        except DrgError as error:
            assert seen, error
            assert "another entry was written since" in str(error), error
            self.overtaken += 1
            self.tried.discard(key)
            return
        self.added[key] = entry
        if seen:
            self.expected[key] = seen

    def judge(self) -> tuple[Entry, ...]:
        """Everything that was confirmed is there, once, in its order, in a sound chain."""
        ledger = Ledger(self.path)
        verdict = ledger.verify()
        assert verdict.ok, verdict.faults
        entries = ledger.entries()
        assert (
            [entry.seq for entry in entries]
            == list(range(len(entries)))
            == list(range(verdict.entries))
        )
        found = [tuple(entry.body["key"]) for entry in entries[1:]]
        assert len(found) == len(set(found)), "an entry stands twice"
        assert set(self.added) <= set(found) <= self.tried | set(self.added)
        for name in (0, 1):
            own = [key for key in found if key[0] == name]
            assert own == sorted(own)
        for entry in self.added.values():
            assert entries[entry.seq] == entry
        for key, seen in self.expected.items():
            assert self.added[key].previous == seen
        last = ledger.append("close", {"key": []}, actor="x", at=AT)
        after = ledger.verify()
        assert (after.ok, after.torn, after.digest) == (True, None, last.digest)
        return entries


def test_two_writers_killed_at_any_moment(tmp_path, monkeypatch):
    path = tmp_path / "ledger.jsonl"
    kills = cuts = overtaken = torn = unconfirmed = mixed = 0
    for seed in range(RUNS):
        with monkeypatch.context() as patch:
            play = Play(seed, path, patch)
            try:
                entries = play.judge()
            except BaseException as error:
                raise AssertionError(f"run {seed}") from error
        kills, cuts = kills + play.world.kills, cuts + play.world.cuts
        overtaken += play.overtaken
        torn += sum(".torn-" in name for name in play.world.names)
        unconfirmed += len(entries) - 1 - len(play.added)
        actors = [entry.actor for entry in entries[1:]]
        mixed += sorted(actors) not in (actors, actors[::-1])
    # the runs are what they are meant to be
    seen = (kills, cuts, overtaken, torn, unconfirmed, mixed)
    assert min(seen) > RUNS / 100, seen


def break_it(monkeypatch: pytest.MonkeyPatch, sabotage: str) -> None:
    """A ledger built wrongly in one respect."""
    add = ledger_disk.Disk.add

    def head_first(self, line):
        entry = ledger_entry.parse(line[:-1])
        self.put(self.head, ledger_check.head_line(entry.seq, entry.digest))
        add(self, line)

    wrong = {
        "no lock": [(FakeLock, "acquire", lambda self, **_: None),
                    (FakeLock, "release", lambda self: None)],
        "no sync": [(FakeOs, "fsync", lambda self, fd: None)],
        "no settling": [(ledger_disk.Disk, "settle", lambda self: None)],
        "no mending": [(Ledger, "_mend", lambda self, found: None)],
        "head first": [(ledger_disk.Disk, "add", head_first)],
    }  # fmt: skip
    for owner, name, value in wrong[sabotage]:
        monkeypatch.setattr(owner, name, value)


@pytest.mark.parametrize("sabotage", ["no lock", "no sync", "no mending", "head first"])
def test_the_runs_find_what_is_wrong(sabotage, tmp_path, monkeypatch):
    break_it(monkeypatch, sabotage)
    failed, chances = 0, {"switch": 0.2, "kill": 0.04, "cut": 0.03}
    for seed in range(300):
        try:
            Play(seed, tmp_path / "ledger.jsonl", monkeypatch, **chances).judge()
        except (AssertionError, DrgError):
            failed += 1
    assert failed > 3


def after_two_ends(plan: dict[int, str], seed: int, path: Path, monkeypatch) -> int:
    """Three entries by three processes; a plan ends some of them. Gives the number of calls."""
    world = World(random.Random(seed), 0, 0, 0)
    monkeypatch.setattr(ledger_disk, "os", FakeOs(world))
    monkeypatch.setattr(ledger_disk, "FileLock", type("Lock", (FakeLock,), {"world": world}))
    Ledger.create(path, "医保局", {"round": "2026"}, AT)
    world.synced_names, world.plan = dict(world.names), plan
    confirmed = []

    def program() -> None:
        for number in range(3):
            try:
                entry = Ledger(path).append("vote", {"n": number}, actor="x", at=AT)
                confirmed.append(entry)
            except KilledError:
                world.revive()

    world.run(program)
    confirmed.append(Ledger(path).append("close", {}, actor="x", at=AT))
    there = Ledger(path).entries()
    assert all(there[entry.seq] == entry for entry in confirmed)
    return world.calls


def every_pair(path: Path, monkeypatch, kinds: tuple[str, ...], step: int = 1) -> None:
    one = after_two_ends({}, 0, path, monkeypatch) // 3 + 1  # calls of one entry
    for first in range(1, one + 1):
        for second in range(first + 1 + first % step, first + one + 3, step):
            for kind in kinds:
                plan = dict(zip((first, second), kind.split(), strict=True))
                after_two_ends(plan, first * second, path, monkeypatch)


@pytest.mark.slow
def test_every_pair_of_ends(tmp_path, monkeypatch):
    """One writer ends at every call there is, the next again at every call (or every third)."""
    kinds = ("kill kill", "kill cut", "cut kill", "cut cut")
    every_pair(tmp_path / "ledger.jsonl", monkeypatch, kinds, 1 if FULL else 3)


def test_what_is_not_settled_is_found(tmp_path, monkeypatch):
    break_it(monkeypatch, "no settling")
    with pytest.raises((AssertionError, DrgError)):
        every_pair(tmp_path / "ledger.jsonl", monkeypatch, ("kill cut",))
