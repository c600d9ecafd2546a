"""The clock of a record (记录时钟): the machine's own, or for rehearsals and tests a given one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from drg.errors import problem
from drg.language import say

SKEW = timedelta(minutes=2)  # by which clocks of machines that share a folder may differ
_given: list[list[str]] = []


@contextmanager
def given(at: str) -> Iterator[list[str]]:
    """Let entries be written at a given time; whoever plays sets the list's only item to go on.

    For rehearsals and tests: a round that is begun so says it in its first entry.

    Args:
        at: ISO 8601 with offset.
    """
    _given.append([at])
    try:
        yield _given[-1]
    finally:
        _given.pop()


def is_given() -> bool:
    """Whether the time is given, not the machine's."""
    return bool(_given)


def now() -> str:
    """The time with its offset, in seconds."""
    if _given:
        return _given[-1][0]
    return datetime.now().astimezone().isoformat(timespec="seconds")


def after(last: str) -> str:
    """The time for an entry after one of ``last``, never before it.

    Raises:
        DrgError: the clock is behind the last entry by more than :data:`SKEW`.
    """
    at = now()
    behind = datetime.fromisoformat(last) - datetime.fromisoformat(at)
    if behind > SKEW:
        raise problem(
            say("本机时钟早于上一条记录，请校准时钟",
                "the machine's clock is before the last entry; set it right"), key="at",
            found=at, expected=say(f"不早于 {last}", f"not before {last}"),
        )  # fmt: skip
    return last if behind > timedelta(0) else at
