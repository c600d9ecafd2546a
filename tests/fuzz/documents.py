"""Documents with one value replaced by what should not stand there: every place, every kind."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any


class Raw(str):
    """A value as it is written, whatever it is."""


ENDLESS, DEEP = Raw("9" * 5_000), Raw("[" * 3_000 + "]" * 3_000)
TOML = (ENDLESS, DEEP, *map(Raw, (
    "{}", "{ a = 1 }", "[]", '[1, "x"]', "[{}]", '""', '"x"', '"\\u0000"', '"//host/share/x"',
    '"../x"', "nan", "inf", "-inf", "1e308", "1e400", "-1", "0", "9223372036854775807",
    "99999999999999999999", "true", "2025-01-01", "2025-01-01T00:00:00Z", "12:00:00",
)))  # fmt: skip
JSON = (ENDLESS, DEEP, *map(Raw, (
    "{}", '{"a": 1}', "[]", '[1, "x"]', "[{}]", '""', '"x"', '"\\u0000"', '"\\ud800"', '"../x"',
    "NaN", "-Infinity", "1e308", "1e400", "-1", "0", "9223372036854775807", "true", "null",
)))  # fmt: skip


def toml(table: dict[str, Any]) -> str:
    """A document, every table of it in its line."""
    return "".join(f"{json.dumps(key)} = {_inline(value)}\n" for key, value in table.items())


def _inline(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        inner = (f"{json.dumps(k)} = {_inline(v)}" for k, v in value.items())
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, dt.date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def as_json(value: Any) -> str:
    """A document as JSON."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        inner = (f"{json.dumps(k)}: {as_json(v)}" for k, v in value.items())
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_json, value)) + "]"
    return json.dumps(value)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of a document, tables and lists included; of a long list its first and last."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, held in value.items():
            yield from places(held, (*path, key))
    elif isinstance(value, list):
        for place in sorted({0, len(value) - 1} if value else ()):
            yield from places(value[place], (*path, place))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with another value at a place; None takes the place away."""
    key, *rest = path
    if isinstance(value, dict):
        if not rest and new is None:
            return {k: v for k, v in value.items() if k != key}
        return {k: (put(v, tuple(rest), new) if rest else new) if k == key else v
                for k, v in value.items()}  # fmt: skip
    if not rest and new is None:
        return value[:key] + value[key + 1 :]
    return [(put(v, tuple(rest), new) if rest else new) if place == key else v
            for place, v in enumerate(value)]  # fmt: skip


def spoilt(document: dict[str, Any], kind: str) -> Iterator[tuple[str, str]]:
    """Every way to spoil a document: what was done, and its text."""
    write, values = (toml, TOML) if kind == "TOML" else (as_json, JSON)
    for path in places(document):
        where = ".".join(map(str, path))
        yield f"without {where}", write(put(document, path, None))
        for new in values:
            yield f"{where} = {new[:30]}", write(put(document, path, new))
    for text in (ENDLESS, DEEP, "", "\x00", "[", "=", "a.b" * 9_000 + " = 1", "[]", "null", "1"):
        yield f"all {text[:20]!r}", text
