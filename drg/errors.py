"""Errors that a user can act on: one line with the place, what was found and what was expected."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike

from drg.language import say

_LONGEST_VALUE = 80


class DrgError(Exception):
    """The data, a document or a request is wrong; the command line prints it and exits with 1."""


def show(value: object) -> str:
    """A value as it may stand in a one-line message: quoted, without line breaks, cut when long."""
    text = value if isinstance(value, str) else str(value)
    if len(text) > _LONGEST_VALUE:
        text = text[:_LONGEST_VALUE] + say(
            f"……（共 {len(text)} 字）", f"... ({len(text)} characters)"
        )
    return "'" + "".join(c if c.isprintable() else repr(c)[1:-1] for c in text) + "'"


def problem(
    what: str,
    *,
    file: str | PathLike[str] | None = None,
    row: int | None = None,
    key: str | None = None,
    found: object = None,
    expected: str | None = None,
) -> DrgError:
    """Build a :class:`DrgError`: ``file: row N: key: what: found ..., expected ...``.

    ``what`` and ``expected`` are in the reader's language: :func:`drg.language.say`.
    """
    parts = [str(file)] if file is not None else []
    if row is not None:
        parts.append(say(f"第 {row} 行", f"row {row}"))
    if key is not None:
        parts.append(key)
    line = ": ".join([*parts, what])
    if found is not None:
        line += say("：实际为 ", ": found ") + show(found)
    if expected is not None:
        line += say("，应为 ", ", expected ") + str(expected)
    return DrgError(" ".join(line.splitlines()))


def one_of(names: Iterable[str]) -> str:
    """What is expected where one of several names may stand."""
    return say("以下之一：", "one of ") + ", ".join(names)
