"""The one door for workbooks (工作簿入口): looked through, then read in a process with limits.

A workbook can be made, or damaged, such that reading it takes any amount of memory, or ends the
whole process with an abort that Python cannot catch. So another process reads it.
"""

from __future__ import annotations

import json
import marshal
import os
import signal
import subprocess  # the reader of workbooks, without a shell # nosec B404
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias

from drg.errors import DrgError, problem
from drg.language import say
from drg.tables.batches import reading
from drg.tables.excel import child
from drg.tables.excel.archive import opened, sheet_parts
from drg.tables.excel.survey import Errors, Survey, survey, too_large

Cell: TypeAlias = str | float | bool | bytes
Merged: TypeAlias = list[tuple[tuple[int, int], tuple[int, int]]]

Wanted: TypeAlias = list[str] | Literal[True] | None  # names, all, or the first

MEMORY = 1536 << 20
SECONDS = 60
MOST_BYTES = 512 << 20  # handed back
_OLD = (b"\xd0\xcf\x11\xe0", b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_LIMITED = sys.platform == "linux"  # elsewhere a process's memory cannot be limited


@dataclass
class Sheet:
    """A sheet that is being read.

    Attributes:
        name: its name.
        top, left: 0-based place of the first cell; rows are given from the sheet's very top,
            columns from the left one.
        merged: merged cells, first and last place of each.
        errors: for each 0-based row its errors: 0-based column of the sheet, and text; only of
            .xlsx and .xlsm files.
        pieces: its columns, some rows at a time. A cell is "" when empty; a date is its ISO 8601
            text in bytes.
    """

    name: str
    top: int
    left: int
    merged: Merged
    errors: Errors
    pieces: Iterator[list[list[Cell]]]


@contextmanager
def one_sheet(path: Path, name: str | None = None) -> Iterator[Sheet]:
    """Read one sheet; by default the first that is not hidden.

    Raises:
        DrgError: it is no workbook, is damaged, locked or too large, or has no such sheet.
    """
    with _reading(path, None if name is None else [name]) as (seen, names, messages):
        if name is not None and name not in names:
            raise problem(say("没有这个工作表", "no such sheet"), file=path, found=name,
                          expected=", ".join(names))  # fmt: skip
        yield _sheet(messages, seen.get(name or names[0], Survey()))


def all_sheets(path: Path) -> Iterator[tuple[str, Sheet | DrgError]]:
    """Read all sheets, each to its end before the next: name, and the sheet or why it cannot be.

    Hidden ones last.

    Raises:
        DrgError: the workbook itself cannot be read, which may also show in the midst of a sheet.
    """
    with _reading(path, True) as (seen, names, messages):
        for name in names:
            looked = seen.get(name, Survey())
            if isinstance(looked, DrgError):
                yield name, looked
                continue
            try:
                sheet = _sheet(messages, looked)
            except DrgError as error:
                yield name, error
                continue
            yield name, sheet


def _sheet(messages: _Messages, looked: Survey | DrgError) -> Sheet:
    if isinstance(looked, DrgError):
        raise looked
    _, name, top, left, merged = next(messages)
    return Sheet(name, top, left, merged, looked.errors, messages.pieces())


@contextmanager
def _reading(
    path: Path, wanted: Wanted
) -> Iterator[tuple[Mapping[str, Survey | DrgError], list[str], _Messages]]:
    """What was seen of each sheet, the names of all, and the messages of the process."""
    with reading(path, ValueError), path.open("rb", buffering=0) as file:
        zipped = _check_start(path, file.read(8))
        if wanted is True or not _LIMITED:
            # Sheets that must not be read are not asked for.
            seen = _look(path, wanted) if zipped else {}
            fit = [name for name, one in seen.items() if isinstance(one, Survey)]
            process = _start(path, file, fit if wanted is True and seen else wanted)
        else:
            process, seen = _start(path, file, wanted), None
    with _ended(process):
        if seen is None:  # while the process is already at it
            seen = _look(path, wanted) if zipped else {}
        for one in seen.values() if wanted is not True else ():
            if isinstance(one, DrgError):
                raise one
        messages = _Messages(process, path)
        _, names = next(messages)
        if not names:
            raise problem(say("没有工作表", "has no sheets"), file=path)
        yield seen, names, messages


def _look(path: Path, wanted: Wanted) -> dict[str, Survey | DrgError]:
    seen: dict[str, Survey | DrgError] = {}
    with opened(path) as archive:
        parts = archive.namelist()
        if "xl/workbook.xml" not in parts:
            if not {"xl/workbook.bin", "content.xml"} & {*parts}:
                raise problem(say("不是可读取的 Excel 工作簿：压缩包内没有工作簿",
                                  "is not a readable Excel workbook: the archive holds none"),
                              file=path)  # fmt: skip
            return {}
        sheets = sheet_parts(archive)
        for place, (name, part) in enumerate(sheets.items()):
            if wanted is True or (place == 0 if wanted is None else name in wanted):
                try:
                    seen[name] = survey(archive, part, path, name)
                except DrgError as error:
                    seen[name] = error
                except KeyError:  # of a sheet without cells, such as a chart
                    seen[name] = Survey()
    return seen


def _check_start(path: Path, start: bytes) -> bool:
    """Whether the workbook is a zip archive.

    Raises:
        DrgError: its first bytes are those of something else than its name says.
    """
    if start.startswith(b"PK") and path.suffix.lower() != ".xls":
        return True
    if start.startswith(_OLD) and path.suffix.lower() == ".xls":
        return False
    if start.startswith(_OLD[0]):
        with path.open("rb") as file:
            if _LOCKED in file.read(MOST_BYTES):
                raise problem(say("有密码保护", "is locked with a password"), file=path)
    what, ending = _looks_like(start), path.suffix.lower()
    raise problem(say(f"不是 {ending} 工作簿，内容像是：{what}，请改名或重新另存",
                      f"is no {ending} workbook: it looks like {what}; rename it or "
                      "save it anew"), file=path)  # fmt: skip


def _looks_like(start: bytes) -> str:
    if start.startswith(b"PK"):
        return say(".xlsx 工作簿", "an .xlsx workbook")
    if start.startswith(_OLD):
        return say(".xls 工作簿", "an .xls workbook")
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<html", b"<!doct", b"<table", b"<meta", b"<head")):
        return say("网页", "a web page")
    if text.startswith(b"<?xml"):
        return say("XML 文件或网页", "an XML file or a web page")
    if all(byte >= 32 or byte in b"\t\r\n" for byte in start):
        return say("文本", "text")
    return say("其他内容", "something else")


def _start(path: Path, file: Any, wanted: Wanted) -> subprocess.Popen[bytes]:
    found = find_spec("python_calamine")
    assert found is not None
    assert found.origin is not None
    file.seek(0)
    return subprocess.Popen(  # nosec B603
        [sys.executable, "-I", "-S", "-B", "-X", "utf8", str(child.__file__), path, str(MEMORY),
         str(SECONDS), str(MOST_BYTES), json.dumps(wanted), Path(found.origin).parents[1]],
        stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "RUST_BACKTRACE": "0"},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )  # fmt: skip


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    with process.stdout or nullcontext():
        try:
            yield
        finally:
            process.kill()
            process.wait()


@dataclass
class _Messages:
    """The messages of the process; its end before the last of them is an error."""

    process: subprocess.Popen[bytes]
    path: Path

    def __next__(self) -> Any:
        file = self.process.stdout
        assert file is not None
        size = int.from_bytes(file.read(8), "little")
        data = file.read(size) if 0 < size <= MOST_BYTES else b""
        if not data or len(data) < size:
            raise self._died()
        message = marshal.loads(data)  # of our own process # nosec B302
        if message[0] == "error":
            raise self._refused(*message[1:])
        return message

    def pieces(self) -> Iterator[list[list[Cell]]]:
        """The columns of the sheet that has begun, some rows at a time."""
        while (message := next(self))[0] == "columns":
            yield message[1]

    def _refused(self, kind: str, text: str) -> DrgError:
        if kind == "password":
            return problem(say("有密码保护", "is locked with a password"), file=self.path)
        if kind == "memory":
            return self._memory()
        why = "" if kind == "panic" else say(f"：{text}", f": {text}")
        return problem(say(f"不是可读取的 Excel 工作簿{why}",
                           f"is not a readable Excel workbook{why}"), file=self.path)  # fmt: skip

    def _memory(self) -> DrgError:
        return too_large(self.path, say("读取所需内存超过上限",
                                        "takes more memory to read than it may"))  # fmt: skip

    def _died(self) -> DrgError:
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            code = 0
        if code == -getattr(signal, "SIGXCPU", 0):
            return problem(say("读取时间过长，请另存为 .csv 或 .parquet",
                               "takes too long to read; save it as .csv or .parquet"),
                           file=self.path, expected=say(f"至多 {SECONDS} 秒",
                                                        f"at most {SECONDS} seconds"))  # fmt: skip
        # How Rust ends when there is no memory, and how the system ends who takes too much.
        if code in (-signal.SIGABRT, -getattr(signal, "SIGKILL", 0)):
            return self._memory()
        return problem(say("不是可读取的 Excel 工作簿：读取时异常终止",
                           "is not a readable Excel workbook: reading it ended badly"),
                       file=self.path)  # fmt: skip
