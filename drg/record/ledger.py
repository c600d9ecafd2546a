"""The ledger of a record (办理记录): entries are added, chained by hash, and never changed.

Usage::

    ledger = Ledger.create("round/ledger.jsonl", "医保局", {"round": "2026"})
    entry = ledger.append("proposal", {"drg": "ES13"}, actor="H01")
    ledger.append("withdraw", {"proposal": "P001"}, actor="H01", expect=entry.digest)
    assert ledger.verify().ok

Several processes may write at once, and may be killed at any moment. ``ledger.head`` beside the
ledger names the last entry, so that a cut-off end is found. A round of negotiation and the book
of a year are kept by it alike. Documented in
``docs/negotiation/record.md``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Self

from drg.errors import DrgError, problem, show
from drg.language import say
from drg.record import clock
from drg.record.check import (
    HEAD,
    START,
    Check,
    Fault,
    Verdict,
    check,
    head_line,
    times_going_back,
)
from drg.record.disk import Disk
from drg.record.entry import (
    Entry,
    checked_body,
    checked_text,
    checked_time,
    parse,
    seal,
)

__all__ = ["Entry", "Fault", "Ledger", "Verdict"]


class Ledger:
    """An append-only record in a file of JSON lines.

    Every operation first compares the file with what this object has read before, byte by byte,
    and checks what has come since; :meth:`entries` and :meth:`verify` check all of it anew.

    Args:
        path: the file, ``NAME.jsonl``.

    Raises:
        DrgError: There is no such file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._disk = Disk(path)
        self._seen = b""  # whole lines that were found sound
        self._place = START  # behind them
        self._settled = ""  # digest of the last entry that this object brought down to the disk
        if self._disk.ledger.name not in self._disk.files():
            raise problem(say("没有这个记录文件", "there is no ledger of this name"), file=path)

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        actor: str,
        body: Mapping[str, Any],
        at: str | None = None,
    ) -> Self:
        """Begin a ledger with an entry of kind ``init``.

        Args:
            path: the file, ``NAME.jsonl``, in a folder that exists.
            actor: who begins it.
            body: what is laid down at the start.
            at: a time to be stated beside the machine's, ISO 8601 with offset.

        Raises:
            DrgError: There is a ledger already, or what was left of one; or the body cannot be
                recorded.
        """
        disk = Disk(path)
        entry = seal(0, clock.now(), checked_text(actor, "actor"), "init",
                     checked_body(body), "", checked_time(at))  # fmt: skip
        with disk.locked():
            if left := disk.files():
                raise problem(say(f"已有记录文件：{', '.join(left)}",
                                  f"there is a ledger already: {', '.join(left)}"),
                              file=path)  # fmt: skip
            disk.put(disk.ledger, entry.line)
            disk.put(disk.head, head_line(0, entry.digest))
        return cls(path)

    def append(
        self,
        kind: str,
        body: Mapping[str, Any],
        *,
        actor: str,
        at: str | None = None,
        expect: str | None = None,
        first: Callable[[], None] | None = None,
    ) -> Entry:
        """Add an entry; when this returns it is on the disk.

        Args:
            kind: what it is.
            body: texts, finite numbers, booleans, None, lists, and objects with texts as keys.
            actor: who adds it.
            at: a time to be stated beside the machine's, ISO 8601 with offset.
            expect: digest of the last entry that the caller knows; None adds after whatever is
                there.
            first: puts down what the entry holds to, once it is known to have its place; nobody
                else adds anything meanwhile.

        Raises:
            DrgError: The ledger is damaged; another entry was added since ``expect``; the body
                cannot be recorded; the clock is behind the last entry; or the disk cannot be
                written.
        """
        kind, actor = checked_text(kind, "kind"), checked_text(actor, "actor")
        plain, stated = checked_body(body), checked_time(at)
        with self._disk.locked():
            found = self._look()
            if expect is not None and expect != self._place.digest:
                raise self._overtaken()
            entry = seal(self._place.seq + 1, clock.after(self._last().at), actor, kind, plain,
                         self._place.digest, stated)  # fmt: skip
            if first is not None:
                first()
            self._mend(found)
            self._disk.add(entry.line)
            self._put_head(entry.seq, entry.digest)
        return entry

    def entries(self) -> tuple[Entry, ...]:
        """All entries in order, every one checked.

        Raises:
            DrgError: The first damage, with its line and what it is.
        """
        with self._disk.locked(reading=True):
            return self._look(anew=True).entries

    @property
    def digest(self) -> str:
        """Digest of the last entry: it stands for everything up to there.

        Raises:
            DrgError: The ledger is damaged.
        """
        with self._disk.locked(reading=True):
            self._look()
            return self._place.digest

    def verify(self) -> Verdict:
        """Check everything anew and say all that is wrong.

        Raises:
            DrgError: The file cannot be read.
        """
        with self._disk.locked(reading=True):
            data, head, aside = self._disk.read(), self._disk.read_head(), self._disk.torn()
        found = check(data, head)
        remarks = [say(f"未写完的末尾已另存：{name}", f"a torn end was set aside: {name}")
                    for name in aside]  # fmt: skip
        torn = found.torn if found.torn and not found.faults else None
        if torn:
            remarks.append(say(f"末尾有 {len(torn)} 字节未写完；写入下一条记录时另存",
                               f"a torn end of {len(torn)} bytes; the next entry sets it "
                               "aside"))  # fmt: skip
        if found.behind and not found.faults:
            remarks.append(say("记录头落后一条；写入下一条记录时补齐",
                               "the head is one entry behind; the next entry mends "
                               "it"))  # fmt: skip
        back = tuple(times_going_back(found.entries))
        return Verdict(len(found.entries), found.end.digest, found.faults, torn, tuple(remarks),
                       back)  # fmt: skip

    def _look(self, *, anew: bool = False) -> Check:
        """Read the files, check what is new (or all), and remember it."""
        data, head = self._disk.read(), self._disk.read_head()
        same = data.startswith(self._seen)
        found = check(data, head, self._place if same and not anew else START)
        if found.faults:
            raise self._damaged(found.faults[0])
        if not same:
            seq = self._place.seq
            raise problem(say(f"已被改写：seq {seq} 与此前所读不同",
                              f"was rewritten: seq {seq} is no longer what was read before"),
                          file=self._disk.ledger)  # fmt: skip
        self._seen, self._place = data[: found.end.byte], found.end
        return found

    def _mend(self, found: Check) -> None:
        """Clear away what a killed writer left, before a line is begun.

        The last entry and the head must be down on the disk: whoever wrote them may have been
        killed before they were, and then a loss of power would look like damage.
        """
        if found.torn:
            self._disk.set_aside(found.torn)
            self._disk.cut(found.end.byte)
        if self._settled != found.end.digest:
            self._disk.settle()
            self._disk.put(self._disk.head, head_line(found.end.seq, found.end.digest))

    def _put_head(self, seq: int, digest: str) -> None:
        try:
            self._disk.put(self._disk.head, head_line(seq, digest))
            self._settled = digest
        except DrgError as error:
            raise problem(say(
                f"{error}；但 seq {seq} 已记录在案",
                f"{error}; seq {seq} is on record all the same",
            )) from error  # fmt: skip

    def _last(self) -> Entry:
        return parse(self._seen[self._seen.rfind(b"\n", 0, -1) + 1 : -1])

    def _overtaken(self) -> DrgError:
        last = self._last()
        return problem(say(f"此后又写入了一条记录：seq {last.seq}，{show(last.kind)}，记录人 "
                           f"{show(last.actor)}；请查看后重新决定",
                           f"another entry was written since: seq {last.seq}, {show(last.kind)} by "
                           f"{show(last.actor)}; look at it and decide again"),
                       file=self._disk.ledger)  # fmt: skip

    def _damaged(self, fault: Fault) -> DrgError:
        file = self._disk.head if fault.file == HEAD else self._disk.ledger
        return problem(say(f"已损坏：{fault}", f"damaged: {fault}"), file=file)
