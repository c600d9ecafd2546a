"""A computer in memory on which writers of one ledger run, are killed, and lose power.

The ledger's own code runs on it unchanged: :class:`FakeOs` takes the place of ``os`` in
``ledger_disk``, every call is a moment at which another writer may go on, the writer may be
killed (a write then leaves any part of its bytes), or the power may fail (what was not synced may
be lost, in whole or in part).
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


class KilledError(BaseException):
    """The writer is no more; nothing it does from here on has any effect."""


@dataclass
class File:
    data: bytes = b""
    synced: bytes = b""


@dataclass
class Writer:
    name: int
    turn: threading.Lock = field(default_factory=threading.Lock)
    dead: bool = False
    done: bool = False
    waiting: bool = False
    open: dict[int, tuple[File | None, int]] = field(default_factory=dict)
    position: dict[int, int] = field(default_factory=dict)


class World:
    """Files, a lock, and writers of which one runs at a time.

    Args:
        rng: decides everything.
        switch: chance that another writer goes on at a call.
        kill: chance that the writer is killed at a call.
        cut: chance that the power fails at a call.

    ``plan`` says what happens at a call of a certain number, from 1, whatever the chances.
    """

    def __init__(self, rng: random.Random, switch: float, kill: float, cut: float) -> None:
        self.rng, self.switch, self.kill, self.cut = rng, switch, kill, cut
        self.names: dict[str, File] = {}
        self.synced_names: dict[str, File] = {}
        self.owner: Writer | None = None
        self.writers: list[Writer] = []
        self.me = threading.local()
        self.calls = self.kills = self.cuts = 0
        self.plan: dict[int, str] = {}
        self.failed: list[BaseException] = []

    def run(self, *programs: Callable[[], None]) -> None:
        """Run programs side by side to their ends."""
        self.writers = [Writer(n) for n in range(len(programs))]
        for writer in self.writers:
            writer.turn.acquire()
        threads = [threading.Thread(target=self._life, args=(w, p))
                   for w, p in zip(self.writers, programs, strict=True)]  # fmt: skip
        for thread in threads:
            thread.start()
        self.rng.choice(self.writers).turn.release()
        for thread in threads:
            thread.join()
        if self.failed:
            raise self.failed[0]

    def _life(self, writer: Writer, program: Callable[[], None]) -> None:
        self.me.writer = writer
        writer.turn.acquire()
        try:
            program()
        except BaseException as error:  # noqa: BLE001 - told by run()
            self.failed.append(error)
        writer.done = True
        if self.owner is writer:
            self.owner = None
        if others := self._runnable():
            self.rng.choice(others).turn.release()

    def _runnable(self) -> list[Writer]:
        free = self.owner is None
        return [w for w in self.writers if not w.done and (free or w.dead or not w.waiting)]

    def moment(self, partly: Callable[[], None] | None = None) -> Writer | None:
        """Before an effect: others may go on, and this may be the end of the writer."""
        me: Writer | None = getattr(self.me, "writer", None)
        if me is None:  # the test itself looks at the files
            return None
        if not me.dead:
            if self.rng.random() < self.switch or me.waiting:
                self._hand_over(me)
            end = None if me.dead else self._end()
            if end and partly:
                partly()
            if end == "kill":
                self._kill(me)
            elif end == "cut":
                self._power_cut()
        if me.dead:
            raise KilledError
        return me

    def _end(self) -> str | None:
        """What ends the writer at this call: ``kill``, ``cut`` or nothing."""
        self.calls += 1
        if self.calls in self.plan:
            return self.plan[self.calls]
        chance = self.rng.random()
        return "kill" if chance < self.kill else "cut" if chance < self.kill + self.cut else None

    def _hand_over(self, me: Writer) -> None:
        other = self.rng.choice(self._runnable())
        if other is not me:
            other.turn.release()
            me.turn.acquire()

    def _kill(self, writer: Writer) -> None:
        writer.dead = True
        self.kills += 1
        if self.owner is writer:
            self.owner = None

    def _power_cut(self) -> None:
        self.cuts += 1
        for writer in self.writers:
            writer.dead = True
        self.owner = None
        if self.rng.random() < 0.5:
            self.names = dict(self.synced_names)
        for file in {id(f): f for f in self.names.values()}.values():
            if file.data.startswith(file.synced):
                file.data = file.data[: self.rng.randint(len(file.synced), len(file.data))]
            elif self.rng.random() < 0.5:
                file.data = file.synced
            file.synced = file.data
        self.synced_names = dict(self.names)

    def revive(self) -> None:
        """The writer is started again, as another process."""
        me = self.me.writer
        me.dead, me.waiting = False, False
        me.open.clear()
        me.position.clear()


class FakeOs:
    """What ``ledger_disk`` uses of ``os``, on a world; constants are the real ones."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._outside = Writer(-1)

    def __getattr__(self, name: str) -> object:
        if not name.isupper() and name not in ("name", "PathLike"):
            raise AttributeError(name)
        return getattr(os, name)

    def _writer(self, partly: Callable[[], None] | None = None) -> Writer:
        return self._world.moment(partly) or self._outside

    def open(self, path, flags, mode=0o777) -> int:
        me, names = self._writer(), self._world.names
        fd = max(me.open, default=2) + 1
        if os.path.isdir(path):
            me.open[fd] = (None, flags)
            return fd
        name = os.path.basename(path)
        if name not in names:
            if not flags & os.O_CREAT:
                raise FileNotFoundError(2, "no such file", str(path))
            names[name] = File()
        if flags & os.O_TRUNC:
            names[name].data = b""
        me.open[fd] = (names[name], flags)
        me.position[fd] = 0
        return fd

    def read(self, fd: int, count: int) -> bytes:
        me = self._writer()
        count = min(count, self._world.rng.choice((500, 10**6, 10**6)))
        file, at = me.open[fd][0], me.position[fd]
        me.position[fd] += len(part := file.data[at : at + count])
        return part

    def write(self, fd: int, data) -> int:
        data, rng = bytes(data), self._world.rng
        me = getattr(self._world.me, "writer", self._outside)

        def put(count: int) -> int:
            file, flags = me.open[fd]
            if not flags & os.O_APPEND:
                at = me.position[fd]
                file.data = file.data[:at] + data[:count] + file.data[at + count :]
                me.position[fd] += count
            else:
                file.data += data[:count]
            return count

        self._writer(lambda: put(rng.randint(0, len(data))))
        return put(len(data) if rng.random() < 0.8 else rng.randint(1, len(data)))

    def fsync(self, fd: int) -> None:
        me = self._writer()
        file = me.open[fd][0]
        if file is None:
            self._world.synced_names = dict(self._world.names)
        else:
            file.synced = file.data

    def ftruncate(self, fd: int, size: int) -> None:
        file = self._writer().open[fd][0]
        file.data = file.data[:size]

    def close(self, fd: int) -> None:
        del self._writer().open[fd]

    def replace(self, source, target) -> None:
        self._writer()
        names = self._world.names
        if os.path.basename(source) not in names:
            raise FileNotFoundError(2, "no such file", str(source))
        names[os.path.basename(target)] = names.pop(os.path.basename(source))

    def unlink(self, path) -> None:
        self._writer()
        if self._world.names.pop(os.path.basename(path), None) is None:
            raise FileNotFoundError(2, "no such file", str(path))

    def listdir(self, folder) -> list[str]:
        self._writer()
        return list(self._world.names)


class FakeLock:
    """What ``ledger_disk`` uses of ``filelock``; the system lets go when the holder is killed."""

    world: World

    def __init__(self, path) -> None:
        self.held = False

    def acquire(self, timeout: float, poll_interval: float) -> None:
        me = self.world.moment()
        while me is not None and self.world.owner is not None:
            me.waiting = True
            try:
                self.world.moment()
            finally:
                me.waiting = False
        if me is not None:
            self.world.owner = me

    def release(self) -> None:
        me = self.world.moment()
        if me is not None:
            self.world.owner = None
