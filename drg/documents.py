"""Documents (文档): TOML and JSON, read here alone, whatever editor saved them.

A document is bounded in size and depth, its numbers are finite and whole ones have 64 bits, its
texts are Unicode. What a document may say is a model for :func:`fit`.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from drg.errors import DrgError, one_of, problem
from drg.language import say
from drg.persons import refuse_persons

MOST_BYTES = {"TOML": 1 << 20, "JSON": 1 << 26}
DEEPEST = 32
_ARCHIVES = (b"PK\3\4", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"PAR1")
# A type; several; [one] for a list; {key: ...} for a table, "*" for any other key.
Model: TypeAlias = "type | tuple[Model, ...] | list[Model] | Mapping[str, Model]"
NULL = type(None)
_WORDS: dict[Any, tuple[str, str]] = {
    str: ("文本", "a text"), int: ("整数", "a whole number"), float: ("数", "a number"),
    bool: ("true 或 false", "true or false"), dt.date: ("日期", "a date"),
    dict: ("表", "a table"), list: ("数组", "an array"), NULL: ("null", "null"),
}  # fmt: skip
# tomllib takes the square of their number for a key of many parts, and the lines too soon
_MANY_PARTS = re.compile(
    r"""(?<![\w"'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}"""
)
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_NETWORK = re.compile(r"\s*(?:[\\/]{2}|[A-Za-z][A-Za-z0-9+.-]+:/)")


def read_document(
    path: str | PathLike[str], kind: str = "TOML", *, file: str | None = None
) -> dict[str, Any]:
    """Read a document: UTF-8 with or without a mark, any ends of lines.

    Args:
        path: the file.
        kind: ``TOML`` or ``JSON``.
        file: what errors call it; its path by default.

    Raises:
        DrgError: the file cannot be read, is too large, is no such document, is nested more than
            32 deep, or holds a number or a text that nobody could use; or TOML, which people
            write, holds an identity or mobile number.
    """
    file = str(path) if file is None else file
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MOST_BYTES[kind] + 1)
    except (OSError, ValueError) as error:  # ValueError: no file has such a name
        why = getattr(error, "strerror", None) or error
        raise problem(say(f"无法读取（{why}）", f"cannot be read ({why})"), file=file) from None
    document = parse(content, file, kind)
    if not isinstance(document, dict):
        raise problem(say("不是表", "is not a table"), file=file, found=_shown(document),
                      expected=say(f"{kind} 的键和值", f"keys and values in {kind}"))  # fmt: skip
    return document


def parse(content: bytes, file: str | PathLike[str], kind: str = "TOML") -> Any:
    """A document from its bytes; see :func:`read_document`."""
    if len(content) > MOST_BYTES[kind]:
        most = f"{MOST_BYTES[kind] >> 20} MiB"
        raise problem(say("文件过大", "is too large"), file=file,
                      expected=say(f"不超过 {most}", f"at most {most}"))  # fmt: skip
    if content.startswith(_ARCHIVES):
        raise problem(say("是工作簿或压缩包，不是文本", "is a workbook or an archive, no text"),
                      file=file, expected=kind)  # fmt: skip
    text = _text(content, file)
    try:
        if kind == "JSON":
            document = json.loads(text, parse_constant=_no_number, object_pairs_hook=_once)
        else:
            document = _toml(text)
    except RecursionError:
        raise _too_deep(file) from None
    except json.JSONDecodeError as error:
        raise _no_document(kind, error.msg, file, error.lineno, error.colno) from None
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        what = _PLACE.sub("", str(error))
        line, column = (int(n) for n in place.groups("0")) if place else (0, 0)
        raise _no_document(kind, what, file, line or text.count("\n") + 1, column) from None
    except ValueError as error:  # endless digits, or no number
        told = (
            str(error) if isinstance(error, _FaultError) else say("数字过长", "a number too long")
        )
        raise _no_document(kind, told, file) from None
    for key, value in _values(document, file):
        _usable(key, value, file)
        if kind == "TOML" and isinstance(value, str):
            bare = value.isdecimal()
            refuse_persons([value], file=file, key=spell(key) or None, mobiles=not bare)
    return document


class _FaultError(ValueError):
    """What is wrong, in the reader's language."""


def _no_number(name: str) -> NoReturn:
    raise _FaultError(say(f"{name} 不是数", f"{name} is no number"))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        again = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _FaultError(say(f"键“{again[:80]}”出现两次", f"the key '{again[:80]}' stands twice"))
    return found


def _toml(text: str) -> dict[str, Any]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := _MANY_PARTS.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise _FaultError(
            say(f"键的层数过多，第 {line} 行", f"a key of too many parts, line {line}")
        )
    return tomllib.loads(text)


def _text(content: bytes, file: str | PathLike[str]) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start
    for name, known in (("UTF-16", content[:2] in (b"\xff\xfe", b"\xfe\xff")), ("GB18030", True)):
        try:
            if known and content.decode(name):
                raise problem(say(f"是 {name} 编码，请另存为 UTF-8",
                                  f"is not UTF-8 but {name}; save it as UTF-8"),
                              file=file)  # fmt: skip
        except UnicodeDecodeError:
            continue
    raise problem(say("不是 UTF-8 编码，请另存为 UTF-8", "is not UTF-8; save it as UTF-8"),
                  file=file, row=content.count(b"\n", 0, at) + 1)  # fmt: skip


def _no_document(
    kind: str, what: str, file: str | PathLike[str], line: int = 0, column: int = 0
) -> DrgError:
    place = say(f"，第 {line} 行", f", line {line}") if line else ""
    place += say(f"第 {column} 个字符", f", character {column}") if column else ""
    return problem(
        say(f"不是 {kind}（{what}{place}）", f"is not {kind} ({what}{place})"), file=file
    )


def _too_deep(file: str | PathLike[str], key: str | None = None) -> DrgError:
    return problem(say("嵌套过深", "is nested too deep"), file=file, key=key,
                   expected=say(f"不超过 {DEEPEST} 层",
                                f"at most {DEEPEST} levels"))  # fmt: skip


def _values(document: Any, file: str | PathLike[str]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value and key with its place; no call in a call, however deep the document is."""
    left: list[tuple[tuple[Any, ...], Any]] = [((), document)]
    while left:
        key, value = left.pop()
        if len(key) > DEEPEST:
            raise _too_deep(file, spell(key[:3]) + "...")
        if isinstance(value, dict):
            for name, held in value.items():
                yield key, name
                left.append(((*key, name), held))
        elif isinstance(value, list):
            left += [((*key, place), held) for place, held in enumerate(value)]
        else:
            yield key, value


def _usable(key: tuple[Any, ...], value: Any, file: str | PathLike[str]) -> None:
    if isinstance(value, str):
        if value.isascii() and "\x00" not in value:
            return
        try:
            value.encode()
            wrong = "\x00" in value
        except UnicodeEncodeError:
            wrong = True
        if wrong:
            raise problem(say("不是文本", "is no text"), file=file, key=spell(key) or None,
                          found=ascii(value)[1:-1],
                          expected=say("Unicode 字符，不含 NUL",
                                       "Unicode characters without NUL"))  # fmt: skip
    elif type(value) is int:
        if not -(1 << 63) <= value < 1 << 63:
            raise problem(say("整数过大", "a whole number too large"), file=file, key=spell(key),
                          found=_digits(value), expected=say("64 位整数",
                                                             "one of 64 bits"))  # fmt: skip
    elif isinstance(value, float) and not math.isfinite(value):
        raise problem(say("不是有限的数", "is not a finite number"), file=file, key=spell(key),
                      found=value, expected=say("数", "a number"))  # fmt: skip


def _digits(value: int) -> str:
    """A whole number that may be too long to be written out."""
    return f"{value:x}"[:20] + "..." if value.bit_length() > 10_000 else str(value)


def spell(key: tuple[Any, ...]) -> str:
    """The place of a value as users write it: ``case[2].cost``, elements counted from 1."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in key)
    return text.removeprefix(".")[:200]


def fit(
    document: Any, model: Model, file: str | PathLike[str] | None = None, key: tuple[Any, ...] = (),
    *needed: str,
) -> None:  # fmt: skip
    """Check that a document says only what its model knows, each value of its type.

    A number may be whole where ``float`` is asked for; true and false are no numbers, a time is
    no date.

    Args:
        document: the document, or a part of it.
        model: a type; a tuple of models, of which one must fit; ``[model]`` for a list; a mapping
            from keys to models for a table, where ``*`` stands for any other key.
        file: its file, for messages.
        key: where the part stands.
        *needed: keys that must be there.

    Raises:
        DrgError: a key is not known or is missing, or a value is of another type.
    """
    choices = model if isinstance(model, tuple) else (model,)
    chosen = next((one for one in choices if _is(document, one)), None)
    if chosen is None:
        wanted = dict.fromkeys(say(*_WORDS[_kind(one)]) for one in choices)
        raise problem(say("类型不符", "wrong type"), file=file, key=spell(key) or None,
                      found=_shown(document),
                      expected=say(" 或 ", " or ").join(wanted))  # fmt: skip
    if isinstance(chosen, list):
        for place, value in enumerate(document):
            fit(value, chosen[0], file, (*key, place))
    for name, value in document.items() if isinstance(chosen, Mapping) else ():
        assert isinstance(chosen, Mapping)
        if name not in chosen and "*" not in chosen:
            raise problem(say("没有此键", "no such key"), file=file, key=spell((*key, name)),
                          expected=one_of(chosen))  # fmt: skip
        fit(value, chosen[name] if name in chosen else chosen["*"], file, (*key, name))
    for name in needed:
        if name not in document:
            raise problem(say("缺失", "is missing"), file=file, key=spell((*key, name)))


def _kind(model: Model) -> Any:
    return list if isinstance(model, list) else dict if isinstance(model, Mapping) else model


def _is(value: Any, model: Model) -> bool:
    kind = _kind(model)
    if kind is object:
        return True
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if isinstance(value, dt.datetime):
        return False
    return isinstance(value, (int, float) if kind is float else kind)


def _shown(value: Any) -> object:
    """A value as a document writes it, tables and lists by their kind."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, dict | list | tuple):
        return say(*_WORDS[dict if isinstance(value, dict) else list])
    return value


def named_file(name: str, file: str | PathLike[str], key: str | None = None) -> str:
    """A file that a document names: the one beside the document, else as it is named.

    Args:
        name: what the document says.
        file: the document.
        key: where it says so, for messages.

    Raises:
        DrgError: the name is that of a place on a network; this program opens none.
    """
    _on_this_machine(name, file, key)
    beside = Path(file).parent / name
    return str(beside) if beside.is_file() else name


def inside(folder: Path, name: str, file: str | PathLike[str], key: str | None = None) -> Path:
    """A file of a folder that came from others, by the name that a document of it says.

    Raises:
        DrgError: the name leads out of the folder: by ``..``, from the root, through a link or to
            a network.
    """
    _on_this_machine(name, file, key)
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise problem(say("指向文件夹之外", "leads out of the folder"), file=file, key=key,
                      found=name, expected=say("该文件夹中的文件",
                                               "a file of the folder"))  # fmt: skip
    return path


def _on_this_machine(name: str, file: str | PathLike[str], key: str | None) -> None:
    if _NETWORK.match(name):
        raise problem(say("指向网络位置，本程序不读取", "is on a network, which is never read"),
                      file=file, key=key, found=name,
                      expected=say("本机文件", "a file of this machine"))  # fmt: skip
