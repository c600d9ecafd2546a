"""One entry of a ledger (记录条目): how it is written, sealed by its digest, and read back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from drg.errors import problem, show
from drg.language import say
from drg.persons import masked, person_in

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
_TEXTS = ("actor", "at", "digest", "kind", "previous")


@dataclass(frozen=True)
class Entry:
    """One entry.

    Attributes:
        seq: its number, from 0.
        at: when it was written, by the machine's clock: ISO 8601 with offset, never before the
            entry before.
        actor: who wrote it.
        kind: what it is, such as ``proposal``.
        body: its content, as it reads back from the file.
        previous: digest of the entry before; empty for the first.
        digest: SHA-256, in hexadecimal, of the canonical JSON of all the other fields.
        stated: when it happened, as the writer stated; "" when nothing was, and then not written.
    """

    seq: int
    at: str
    actor: str
    kind: str
    body: dict[str, Any]
    previous: str
    digest: str
    stated: str = ""

    @property
    def line(self) -> bytes:
        """The entry as it stands in the file, with the line's end."""
        return canonical(_written(self.__dict__)) + b"\n"


def _written(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as they are written: a stated time only when there is one."""
    return {name: value for name, value in fields.items() if name != "stated" or value}


def canonical(value: object) -> bytes:
    """JSON in the one way a ledger writes it: sorted keys, no blanks, UTF-8, no escapes to ASCII.

    Raises:
        ValueError: A number that is not finite, or text that is not Unicode.
        RecursionError: Nested too deeply.
    """
    return _JSON.encode(value).encode()


def digest_of(fields: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of an entry's fields, the digest itself left out."""
    held = {k: v for k, v in _written(fields).items() if k != "digest"}
    return sha256(canonical(held)).hexdigest()


def seal(
    seq: int, at: str, actor: str, kind: str, body: dict[str, Any], previous: str, stated: str = ""
) -> Entry:
    """The entry with its digest; what goes in has been checked."""
    fields = {"seq": seq, "at": at, "actor": actor, "kind": kind, "body": body,
              "previous": previous, "stated": stated}  # fmt: skip
    return Entry(**fields, digest=digest_of(fields))  # type: ignore[arg-type]


def parse(line: bytes) -> Entry:
    """An entry from its line, without the line's end; its digest is not compared.

    Raises:
        ValueError: The line is not what :attr:`Entry.line` writes; the text says why.
    """
    if not line:
        raise ValueError(say("为空", "is empty"))
    try:
        fields = json.loads(line.decode())
        written = canonical(fields)
    except UnicodeDecodeError as error:
        raise ValueError(say(
            f"不是 UTF-8 文本，位于该行第 {error.start} 字节",
            f"is not UTF-8 text, at byte {error.start} of the line",
        )) from None  # fmt: skip
    except json.JSONDecodeError as error:
        raise ValueError(say(
            f"不是 JSON，位于该行第 {error.pos} 个字符",
            f"is not JSON, at character {error.pos} of the line",
        )) from None  # fmt: skip
    except (ValueError, RecursionError):  # NaN, half a character, endless digits or brackets
        raise ValueError(say("不是记录可保存的 JSON", "is not JSON that a ledger holds")) from None
    if not _is_entry(fields):
        raise ValueError(say("不是记录条目", "is not an entry"))
    if written != line:
        raise ValueError(say("不是规范写法", "is not in canonical form"))
    return Entry(**fields)


def _is_entry(fields: object) -> bool:
    return (
        isinstance(fields, dict)
        and fields.keys() | {"stated"} == Entry.__dataclass_fields__.keys()
        and type(fields["seq"]) is int
        and isinstance(fields["body"], dict)
        and all(isinstance(fields[key], str) for key in _TEXTS)
        and is_time(fields["at"])
        and ("stated" not in fields or _is_stated(fields["stated"]))
    )


def _is_stated(value: object) -> bool:
    return isinstance(value, str) and is_time(value)


def is_time(text: str) -> bool:
    """Whether a text is a time in ISO 8601 with seconds and offset."""
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def checked_time(at: str | None) -> str:
    """A stated time, "" where none is.

    Raises:
        DrgError: Not a time in ISO 8601 with offset.
    """
    if at is None:
        return ""
    if not isinstance(at, str) or not is_time(at):
        raise problem(say("不是时间", "not a time"), key="at", found=at,
                      expected=say("带时区的 ISO 8601 时间，例如 2026-03-01T09:00:00+08:00",
                                   "ISO 8601 with offset such as "
                                   "2026-03-01T09:00:00+08:00"))  # fmt: skip
    return at


def checked_text(text: str, key: str) -> str:
    """A text that is not empty.

    Raises:
        DrgError: Not text, or blank, or not Unicode, or with an identity or mobile number.
    """
    if not isinstance(text, str) or not text.strip():
        raise problem(say("不能为空", "must say something"), key=key, found=text)
    return str(_plain(text, key))


def checked_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a body in which there is only what JSON holds exactly.

    Raises:
        DrgError: Anything but texts, finite numbers, booleans, None, lists and objects with
            texts as keys, or a text with an identity or mobile number; it names the place.
    """
    if not isinstance(body, Mapping):
        raise problem(say("须为对象", "must be an object"), key="body", found=body)
    try:
        plain: dict[str, Any] = _plain(body, "body")
        canonical(plain)
    except (RecursionError, ValueError):
        raise problem(say("嵌套过深或数字过长", "is nested too deeply or has a number too long"),
                      key="body") from None  # fmt: skip
    return plain


def _plain(value: object, key: str) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _impersonal(_unicode(str(value), key), key)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise problem(say("不是有限的数", "not a finite number"), key=key, found=value)
        return float(value)
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise problem(say("键不是文本", "a key that is not text"), key=key, found=name)
        return {_impersonal(_unicode(str(k), key), key): _plain(v, f"{key}.{k}")
                for k, v in value.items()}  # fmt: skip
    if isinstance(value, list | tuple):
        return [_plain(item, f"{key}[{i}]") for i, item in enumerate(value)]
    raise problem(
        say(f"类型为 {type(value).__name__} 的值不能记录",
            f"a value of type {type(value).__name__} cannot be recorded"), key=key, found=value,
        expected=say("文本、数、true、false、none、列表或对象",
                     "text, a number, true, false, none, a list or an object"),
    )  # fmt: skip


def _impersonal(text: str, key: str) -> str:
    """A text that brings no person on a record from which nothing is taken away again."""
    # Among the case numbers that a value may name, some look like mobile numbers.
    if found := person_in(text, mobiles=not key.endswith(".value")):
        raise problem(say(f"含{found}，请删除，不得出现个人信息",
                          f"holds {found}; take it out, no person may be named"),
                      key=masked(show(key)[1:-1]), found=masked(text))  # fmt: skip
    return text


def _unicode(text: str, key: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise problem(say(f"第 {error.start} 位是半个字符，不是 Unicode 文本",
                          f"half a character at position {error.start}, which is not Unicode text"),
                      key=show(key)[1:-1], found=text) from None  # fmt: skip
    return text
