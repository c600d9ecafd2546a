"""State of a year's book (年度账册状态), replayed from its record: same entries, same state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from drg.errors import DrgError, problem
from drg.language import say
from drg.record.entry import Entry
from drg.year.entries import check

MONTHS = 12
CLEARING = MONTHS + 1  # what comes after December is settled at the clearing
CASES = ("cases", "correct", "withdraw")
_FILES = (*CASES, "list", "advance", "finding", "close")


@dataclass(frozen=True)
class Handed:
    """A file that came into the book.

    Attributes:
        seq: number of its entry.
        kind: ``cases``, ``correct``, ``withdraw``, the name of a list, or the step of findings.
        month: in which it is settled; 13 for the clearing.
        file: its place in the book's folder.
        rows: how many rows it has.
    """

    seq: int
    kind: str
    month: int
    file: str
    rows: int


@dataclass(frozen=True)
class Closed:
    """A month that is closed, and never changes again.

    Attributes:
        seq: number of its entry.
        file: its table in the book's folder.
        point_values: pool -> point value in yuan; None where none was needed.
    """

    seq: int
    file: str
    point_values: Mapping[str, float | None]


@dataclass(frozen=True)
class State:
    """What stands at the end of the record.

    Attributes:
        init: what was laid down at the start.
        entries: the record.
        cases: files of cases, corrections and withdrawals, in order.
        lists: lists that people decide, in order.
        advances: files of advance money that was granted, in order.
        findings: files of findings of audits and of what was decided on them, in order.
        closed: months that are closed, in order.
        cleared: how the year was last cleared, None while it was not.
        files: file -> SHA-256 of all that the record holds to.
    """

    init: Mapping[str, Any]
    entries: tuple[Entry, ...] = ()
    cases: tuple[Handed, ...] = ()
    lists: tuple[Handed, ...] = ()
    advances: tuple[Handed, ...] = ()
    findings: tuple[Handed, ...] = ()
    closed: tuple[Closed, ...] = ()
    cleared: Mapping[str, Any] | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def year(self) -> int:
        """The settlement year."""
        return int(self.init["year"])

    @property
    def open_month(self) -> int:
        """The month that is open; 13 when all are closed and the clearing is to come."""
        return len(self.closed) + 1

    @property
    def is_stale(self) -> bool:
        """Whether cases or lists came after the year was last cleared: it is to be cleared anew."""
        last = max((one.seq for one in (*self.cases, *self.lists)), default=-1)
        cleared = [one.seq for one in self.entries if one.kind == "clear"]
        return bool(cleared) and last > cleared[-1]

    @property
    def digest(self) -> str:
        """Digest of the last entry; it stands for the whole record."""
        return self.entries[-1].digest if self.entries else ""


def replay(entries: Iterable[Entry], file: str) -> State:
    """The state at the end of a record.

    Args:
        entries: the record, or its beginning.
        file: where it stands, for errors.

    Raises:
        DrgError: an entry is not what a book writes, or out of its order.
    """
    state: State | None = None
    for entry in entries:
        try:
            check(entry)
            state = _step(state, entry)
        except DrgError as error:
            raise problem(f"seq {entry.seq}: {error}", file=file) from None
    if state is None:
        raise problem(say("没有记录", "has no entry"), file=file)
    return state


def _step(state: State | None, entry: Entry) -> State:
    body = entry.body
    if state is None:
        if entry.kind != "init" or "book" not in body:
            raise problem(say("不是年度账册的记录", "not the record of a year's book"),
                          key="kind", found=entry.kind)  # fmt: skip
        return State(body, (entry,), files=dict(body["files"]))
    state = replace(state, entries=(*state.entries, entry))
    if entry.kind in _FILES:
        if body["month"] != state.open_month:
            raise problem(say("不是当前月份", "not the month that is open"), key="month",
                          found=body["month"], expected=str(state.open_month))  # fmt: skip
        state = replace(state, files={**state.files, body["file"]: body["sha256"]})
    if entry.kind == "close":
        return replace(state, closed=(*state.closed,
                                      Closed(entry.seq, body["file"], body["values"])))  # fmt: skip
    if entry.kind == "clear":
        return replace(state, cleared=body)
    if entry.kind in _FILES:
        name = body.get("list") or body.get("step") or entry.kind
        one = Handed(entry.seq, name, body["month"], body["file"], body["rows"])
        if entry.kind == "list":
            state = replace(state, lists=(*state.lists, one))
        elif entry.kind == "advance":
            state = replace(state, advances=(*state.advances, one))
        elif entry.kind == "finding":
            state = replace(state, findings=(*state.findings, one))
        else:
            state = replace(state, cases=(*state.cases, one))
        if more := body.get("corrections"):
            fixed = Handed(entry.seq, "correct", body["month"], more["file"], more["rows"])
            state = replace(state, cases=(*state.cases, fixed),
                            files={**state.files, more["file"]: more["sha256"]})  # fmt: skip
        for more in (body.get("procedure"), body.get("deductions")):
            if more:
                state = replace(state, files={**state.files, more["file"]: more["sha256"]})
        if more := body.get("deductions"):
            taken = Handed(entry.seq, "deduction", body["month"], more["file"], more["rows"])
            state = replace(state, lists=(*state.lists, taken))
        state = replace(state, files={**state.files, **body.get("evidence", {})})
    return state
