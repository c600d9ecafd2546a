r"""Texts of a weight table in files that Excel opens: never a formula, and the same when read back.

:func:`guarded` puts :func:`drg.tables.neutralise`'s apostrophe before what Excel could run;
:func:`unguarded` takes it away again. A text that has such an apostrophe of its own gets a second
one, so that the two are inverse on every text of a weight table.
"""

from __future__ import annotations

from drg.tables import neutralise


def visible(text: str) -> str:
    r"""The text with control characters as visible escapes such as ``\n``, and else unchanged."""
    return text if text.isprintable() else neutralise("a" + text)[1:]


def guarded(text: str) -> str:
    """A visible text as it is written to a cell."""
    return "'" + text if text.startswith("'") and _is_guard(text) else neutralise(text)


def unguarded(text: str) -> str:
    """A cell's text without the apostrophe that :func:`guarded` put there."""
    return text[1:] if text.startswith("'") and _is_guard(text) else text


def _is_guard(text: str) -> bool:
    return neutralise(text.lstrip("'")).startswith("'")
