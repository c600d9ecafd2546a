"""Settlement lists as JSON (医疗保障基金结算清单, interface 4101), read as cases.

One document, a list of them, or one a line; each with ``setlinfo``, ``diseinfo``, ``oprninfo``,
``iteminfo`` and ``payinfo``, alone or inside ``input`` or ``data``.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa

from drg.errors import problem
from drg.language import say
from drg.tables.as_text import LIST_SEPARATOR
from drg.tables.batches import reading

ENDINGS = (".json", ".jsonl", ".ndjson")
_WRAPPERS = ("input", "data", "output")
_POOLED = ("310100", "390100")  # fund_pay_type: 职工、居民基本医疗保险统筹基金
_LINE = re.compile(r"[^\r\n]+")
_MOST_UNPACKED = 256 << 20  # bytes: an archive of a megabyte may hold a gigabyte
_LISTS = json.JSONDecoder(parse_int=str, parse_constant=str)  # cells, read like any other
_TCM = ("2", "3", "4")  # diag_type of Chinese medicine


def is_json(path: Path) -> bool:
    """Whether a file's name says that it is JSON."""
    endings = [suffix.lower() for suffix in path.suffixes]
    return bool(endings) and (
        endings[-1] in ENDINGS or (endings[-1] == ".gz" and endings[-2:-1] != []
                                   and endings[-2] in ENDINGS)
    )  # fmt: skip


def read_lists(path: Path) -> pa.Table:
    """Read settlement lists, one row each; every column is text.

    Columns are the fields of ``setlinfo``, then ``diagnoses`` and ``procedures`` (joined by ``|``,
    principal first) and, where they are not there, ``medfee_sumamt`` as the sum of ``iteminfo``,
    ``hifp_pay`` and ``fund_pay_sumamt`` as sums of ``payinfo``.

    Raises:
        DrgError: the file cannot be read, is no JSON, or holds something else.
    """
    with reading(path, UnicodeDecodeError):
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        if zipped:
            with gzip.open(path) as unpacked:
                raw = unpacked.read(_MOST_UNPACKED + 1)
            if len(raw) > _MOST_UNPACKED:
                raise problem(say("解压后过大，请分成多个文件", "is too large unpacked; split it"),
                              file=path, expected=f"<= {_MOST_UNPACKED >> 20} MB")  # fmt: skip
        else:
            raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    rows = [_row(document, path, place) for place, document in enumerate(_documents(text, path), 1)]
    if not rows:
        raise problem(say("没有结算清单", "holds no settlement list"), file=path)
    names = list(dict.fromkeys(name for row in rows for name in row))
    try:
        return pa.table({
            name: pa.array([row.get(name) for row in rows], pa.string()) for name in names
        })  # fmt: skip
    except UnicodeEncodeError as error:
        raise problem(say("半个字符，不是 Unicode 文本",
                          "half a character, which is not Unicode text"), file=path,
                      found=ascii(error.object)[1:-1]) from None  # fmt: skip


def _documents(text: str, path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        found = _LISTS.decode(text)
    except (ValueError, RecursionError) as error:
        lines = (line[0] for line in _LINE.finditer(text) if line[0].strip())
        try:
            found = [_LISTS.decode(line) for line in lines]
        except (ValueError, RecursionError):
            raise problem(say(f"不是 JSON（{error}）", f"is not JSON ({error})"),
                          file=path) from None  # fmt: skip
    for one in found if isinstance(found, list) else [found]:
        yield from _opened(one, path)


def _opened(one: Any, path: Path) -> Iterator[Mapping[str, Any]]:
    for _ in range(3):
        if isinstance(one, dict) and "setlinfo" not in one and len(
            inner := [one[key] for key in _WRAPPERS if isinstance(one.get(key), dict | list)]
        ) == 1:  # fmt: skip
            one = inner[0]
    for document in one if isinstance(one, list) else [one]:
        if not isinstance(document, dict) or not isinstance(document.get("setlinfo"), dict):
            raise problem(say("不是结算清单", "is no settlement list"), file=path, key="setlinfo",
                          expected=say("接口 4101：setlinfo、diseinfo、oprninfo、iteminfo",
                                       "interface 4101: setlinfo, diseinfo, oprninfo, "
                                       "iteminfo"))  # fmt: skip
        yield document


def _row(document: Mapping[str, Any], path: Path, place: int) -> dict[str, str]:
    row = {str(name).lower(): _text(value) for name, value in document["setlinfo"].items()
           if not isinstance(value, dict | list)}  # fmt: skip
    parts = {name: _rows(document, name, path, place)
             for name in ("diseinfo", "oprninfo", "iteminfo", "payinfo")}  # fmt: skip
    western = [one for one in parts["diseinfo"] if one.get("diag_type", "") not in _TCM]
    row["diagnoses"] = _codes(western, "diag_code", "maindiag_flag", _named_principal=True)
    row["procedures"] = _codes(parts["oprninfo"], "oprn_oprt_code", "main_oprn_flag")
    for name, total in (
        ("medfee_sumamt", _sum(parts["iteminfo"], "amt")),
        ("hifp_pay", _sum([one for one in parts["payinfo"]
                           if one.get("fund_pay_type") in _POOLED], "fund_payamt")),
        ("fund_pay_sumamt", _sum(parts["payinfo"], "fund_payamt")),
    ):  # fmt: skip
        if not row.get(name) and total is not None:
            row[name] = total
    return row


def _rows(document: Mapping[str, Any], name: str, path: Path, place: int) -> list[dict[str, str]]:
    held = document.get(name) or []
    held = [held] if isinstance(held, dict) else held
    if not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
        raise problem(say("应为若干条记录", "must be a list of records"), file=path, row=place,
                      key=name)  # fmt: skip
    return [{str(k).lower(): _text(v) for k, v in one.items()} for one in held]


def _codes(
    rows: list[dict[str, str]], code: str, mark: str, *, _named_principal: bool = False
) -> str:
    """Codes with the marked one first; without exactly one mark a principal place stays blank."""
    held = [one for one in rows if one.get(code, "").strip()]
    marked = [one for one in held if one.get(mark, "") == "1" or one.get("oprn_oprt_type") == "1"]
    if any(mark in one for one in held) and len(marked) != 1 and _named_principal:
        first: list[str] = [""]
        others = held
    else:
        others = [one for one in held if one not in marked[:1]]
        first = [one[code].strip() for one in marked[:1]]
    return LIST_SEPARATOR.join(first + [one[code].strip() for one in others])


def _sum(rows: list[dict[str, str]], name: str) -> str | None:
    """The exact sum; text that is no number goes on as it is, so that it is listed."""
    texts = [one[name] for one in rows if one.get(name, "").strip()]
    if not texts:
        return None
    try:
        return str(sum((Decimal(text) for text in texts), Decimal(0)))
    except ArithmeticError:
        return next((text for text in texts if not _is_number(text)), texts[0])


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
