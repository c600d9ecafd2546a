"""Whether a ledger is as it was written (记录校验): the chain of its lines, and its head."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from drg.language import say
from drg.record.entry import Entry, canonical, digest_of, parse

LEDGER, HEAD = "ledger", "head"
_HEAD = re.compile(rb'\{"digest":"([0-9a-f]{64})","seq":(0|[1-9][0-9]{0,17})\}\n')


@dataclass(frozen=True)
class Fault:
    """One damaged place.

    Attributes:
        line: line of the file, from 1.
        byte: where that line begins, in bytes from 0.
        seq: number of the entry that belongs there; None when it cannot be told.
        what: what is wrong.
        file: ``ledger`` or ``head``.
    """

    line: int
    byte: int
    seq: int | None
    what: str
    file: str = LEDGER

    def __str__(self) -> str:
        """As a message says it, such as ``line 3 (seq 2, byte 1040): ...``."""
        seq = "" if self.seq is None else say(f"seq {self.seq}，", f"seq {self.seq}, ")
        return say(f"第 {self.line} 行（{seq}第 {self.byte} 字节）：{self.what}",
                   f"line {self.line} ({seq}byte {self.byte}): {self.what}")  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What is to be said of a ledger.

    Attributes:
        entries: number of entries that are as they were written.
        digest: digest of the last line that is an entry; empty when there is none.
        faults: damage, in the order of the file.
        torn: what a writer that was killed left after the last line; None when there is nothing.
        remarks: what is no fault: torn ends set aside, a head one entry behind.
        back: entries that say they are older than the one before, which no clock wrote.
    """

    entries: int
    digest: str
    faults: tuple[Fault, ...]
    torn: bytes | None
    remarks: tuple[str, ...]
    back: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is damaged and no time goes back."""
        return not self.faults and not self.back


@dataclass(frozen=True)
class Place:
    """Between two lines: how far a ledger has been read.

    Attributes:
        line: number of the line that comes next, from 1.
        byte: where it begins.
        seq: number of the entry before; -1 at the start.
        digest: its digest; empty at the start.
        previous: digest of the entry before that one; empty when there is none.
    """

    line: int = 1
    byte: int = 0
    seq: int = -1
    digest: str = ""
    previous: str = ""


START = Place()


@dataclass(frozen=True)
class Check:
    """What was found from a place on.

    Attributes:
        entries: entries that are as they were written, in order.
        faults: damage, in order.
        end: behind the last whole line.
        torn: what follows it: the beginning of a line that was never finished.
        behind: whether the head is one entry behind, its writer killed before the last step.
    """

    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...]
    end: Place
    torn: bytes
    behind: bool


def check(data: bytes, head: bytes | None, start: Place = START) -> Check:
    """Compare a ledger with itself and with its head.

    Args:
        data: the ledger.
        head: the head; None when there is none.
        start: the lines before are known to be sound.
    """
    entries, faults, end, sound = _walk(data, start)
    torn = data[end.byte :]
    if sound and (fault := _head_fault(head, end, torn)):
        faults.append(fault)
    return Check(tuple(entries), tuple(faults), end, torn, sound and _is_behind(head, end))


def head_line(seq: int, digest: str) -> bytes:
    """What the head says when an entry is the last."""
    return canonical({"digest": digest, "seq": seq}) + b"\n"


def _walk(data: bytes, start: Place) -> tuple[list[Entry], list[Fault], Place, bool]:
    """Sound entries, faults, the end of the last whole line, and whether that line is sound.

    A line is damaged when it is not canonical, does not fit its digest, has another number than
    the next, or is not chained to the line before. After a damaged line the reading goes on from
    what it says, so that one change is not reported once for every line that follows.
    """
    entries: list[Entry] = []
    faults: list[Fault] = []
    place, unread, sound = start, 0, True
    chained: set[str] | None = {start.digest}
    while (stop := data.find(b"\n", place.byte)) >= 0:
        seq, what = place.seq, None
        digest, previous = place.digest, place.previous
        try:
            entry = parse(data[place.byte : stop])
        except ValueError as error:
            what, unread, chained = str(error), unread + 1, None
        else:
            computed = digest_of(entry.__dict__)
            what = _wrong(entry, computed, range(seq + 1, seq + 2 + unread), chained)
            seq = entry.seq if computed == entry.digest else seq + 1
            digest, previous = entry.digest, entry.previous
            chained, unread = {computed, digest}, 0
            if not what:
                entries.append(entry)
        if what:
            faults.append(Fault(place.line, place.byte, place.seq + 1, what))
        sound = not what
        place = Place(place.line + 1, stop + 1, seq, digest, previous)
    return entries, faults, place, sound


def _wrong(entry: Entry, digest: str, numbers: range, chained: set[str] | None) -> str | None:
    if digest != entry.digest:
        return say("与其摘要不符：该行被改动", "does not fit its digest: the line was changed")
    if entry.seq >= numbers.stop:
        return say(f"seq 为 {entry.seq}：此前的记录缺失",
                   f"has seq {entry.seq}: entries before it are missing")  # fmt: skip
    if entry.seq not in numbers:
        return say(f"seq 为 {entry.seq}：重复、插入或错位",
                   f"has seq {entry.seq}: repeated, inserted or out of its place")  # fmt: skip
    if chained is not None and entry.previous not in chained:
        return say("与前一行不相连：二者之一被替换",
                   "is not chained to the line before: one of the two was replaced")  # fmt: skip
    return None


def _head_fault(head: bytes | None, end: Place, torn: bytes) -> Fault | None:
    if end.seq >= 0 and head == head_line(end.seq, end.digest):
        return None
    if _is_behind(head, end):  # its writer begins no line before the head is mended
        return Fault(end.line, end.byte, end.seq + 1,
                     say("不是记录条目", "is not an entry")) if torn else None  # fmt: skip
    if head is None:
        if end.seq < 0:
            return Fault(1, 0, 0, say("缺少第一条记录", "the first entry is missing"))
        return Fault(1, 0, None, say("缺失", "is missing"), HEAD)
    found = _HEAD.fullmatch(head)
    if not found:
        return Fault(1, 0, None, say("不是记录所写的形式", "is not as a ledger writes it"), HEAD)
    digest, seq = found[1].decode(), int(found[2])
    if seq > end.seq and digest != end.digest:
        what = say("缺失", "is missing")
        if torn:
            what = say("被截断，或行尾被改动", "is cut off, or its line end is changed")
        return Fault(end.line, end.byte, end.seq + 1,
                     say(f"{what}；记录头写明最后一条为 seq {seq}",
                         f"{what}; the head says seq {seq} is last"))  # fmt: skip
    what = say(f"写明最后一条为 seq {seq} {digest[:12]}，记录则为 seq {end.seq} {end.digest[:12]}",
               f"says seq {seq} {digest[:12]} is last, the ledger seq {end.seq} "
               f"{end.digest[:12]}")  # fmt: skip
    return Fault(1, 0, seq, say(f"{what}：二者之一被改动", f"{what}: one of the two was changed"),
                 HEAD)  # fmt: skip


def _is_behind(head: bytes | None, end: Place) -> bool:
    if end.seq == 0:
        return head is None
    return end.seq > 0 and head == head_line(end.seq - 1, end.previous)


def times_going_back(entries: tuple[Entry, ...]) -> list[str]:
    """A sentence for every entry that says it is older than the one before."""
    times = [datetime.fromisoformat(entry.at) for entry in entries]
    return [
        say(
            f"seq {entry.seq} 的时间为 {entry.at}，早于 seq {former.seq} 的 {former.at}",
            f"seq {entry.seq} says {entry.at}, before {former.at} of seq {former.seq}",
        )
        for former, entry, earlier, later in zip(
            entries, entries[1:], times, times[1:], strict=False
        )
        if later < earlier
    ]
