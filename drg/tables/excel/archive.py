"""The zip archive of a workbook (压缩包): looked through before anything in it is unpacked."""

from __future__ import annotations

import lzma
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from xml.etree import ElementTree  # declarations are refused before # nosec B405
from xml.parsers import expat

from drg.errors import DrgError, problem
from drg.language import say
from drg.tables.batches import reading

MOST_PARTS = 10_000
MOST_BYTES = 1 << 30  # of a part, unpacked
MOST_TOGETHER = 2 << 30
MOST_RATIO = 300  # of a part that is not small; tables reach 50
_SMALL = 16 << 20
_DESCRIPTION = 8 << 20
_DEEPEST = 64
_CHUNK = 4 << 20
_DIRECTORY = 4 << 20
_TAIL = 1 << 17
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError,
          KeyError, ValueError, IndexError, OverflowError, struct.error,
          ElementTree.ParseError)  # fmt: skip


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, after a look at its directory.

    Args:
        path: a workbook that is a zip archive.

    Raises:
        DrgError: it is damaged, has more parts or unpacks to more than a workbook does, or a part
            twice; also what goes wrong inside the block because a part is damaged.
    """
    with reading(path, *BROKEN):
        with path.open("rb") as file:
            _check_directory(file, path)
        with zipfile.ZipFile(path) as archive:
            _check_parts(archive, path)
            yield archive


def _check_directory(file: IO[bytes], path: Path) -> None:
    """The directory's own size, before it is read."""
    file.seek(max(0, file.seek(0, 2) - _TAIL))
    tail = file.read(_TAIL)
    end = tail.rfind(b"PK\5\6")
    if end < 0:
        raise zipfile.BadZipFile(say("压缩包没有结尾", "the archive has no end"))
    (size,) = struct.unpack_from("<L", tail, end + 12)
    if tail[max(0, end - 20) : end].startswith(b"PK\6\7") and end >= 76:
        (size,) = struct.unpack_from("<Q", tail, end - 76 + 40)
    if size > _DIRECTORY:
        raise _too_many(path)


def _check_parts(archive: zipfile.ZipFile, path: Path) -> None:
    parts = archive.infolist()
    if len(parts) > MOST_PARTS:
        raise _too_many(path)
    seen: set[str] = set()
    for part in parts:
        name = part.filename.lower().replace("\\", "/")
        if name in seen:
            raise problem(say(f"压缩包内有两份 {part.filename}，请用 Excel 重新保存",
                              f"holds {part.filename} twice; save it anew in Excel"),
                          file=path)  # fmt: skip
        seen.add(name)
        if part.flag_bits & 1:
            raise problem(say("有密码保护", "is locked with a password"), file=path)
        bomb = part.file_size > max(_SMALL, MOST_RATIO * part.compress_size)
        if bomb or part.file_size > MOST_BYTES:
            raise _unpacks(path, part.filename, part.file_size)
    together = sum(part.file_size for part in parts)
    if together > MOST_TOGETHER:
        raise _unpacks(path, say("全部内容", "what it holds"), together)


def _too_many(path: Path) -> DrgError:
    return problem(say("压缩包内文件过多，不是工作簿", "holds too many parts for a workbook"),
                   file=path, expected=say(f"至多 {MOST_PARTS:,} 个",
                                           f"at most {MOST_PARTS:,}"))  # fmt: skip


def _unpacks(path: Path, name: str, size: int) -> DrgError:
    return problem(say(f"{name} 解压后达 {size:,} 字节，过大或非正常文件；"
                       "大表请用 .csv 或 .parquet",
                       f"{name} unpacks to {size:,} bytes, too large or no proper workbook; "
                       "use .csv or .parquet for large tables"),
                   file=path, expected=say(f"至多 {MOST_BYTES:,} 字节、压缩率至多 {MOST_RATIO} 倍",
                                           f"at most {MOST_BYTES:,} bytes, {MOST_RATIO} times its "
                                           "packed size"))  # fmt: skip


def small_part(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    """A part that describes the workbook, as XML.

    Raises:
        KeyError: there is no such part.
        ValueError: it is too large, or declares entities.
    """
    if archive.getinfo(name).file_size > _DESCRIPTION:
        raise ValueError(say(f"{name} 过大", f"{name} is too large"))
    return ElementTree.fromstring(plain_xml(archive.read(name), name))  # nosec B314


def plain_xml(data: bytes, name: str) -> bytes:
    """The beginning of an XML part, which must be of one byte a letter and declare nothing.

    Raises:
        ValueError: it has a document type, or another encoding than Excel writes.
    """
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\0" in data:
        raise ValueError(say(f"{name} 含有工作簿不用的声明或编码",
                             f"{name} has declarations or an encoding that no workbook "
                             "has"))  # fmt: skip
    return data


def chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """A part's XML, a few megabytes at a time.

    Raises:
        KeyError: there is no such part.
        ValueError: it declares entities.
    """
    with archive.open(name) as file:
        while chunk := file.read(_CHUNK):
            yield plain_xml(chunk, name)


def walk(
    archive: zipfile.ZipFile,
    name: str,
    see: Callable[[str, dict[str, str]], None],
    text: Callable[[str], None] | None = None,
) -> None:
    """Go through a part's elements with flat memory.

    Args:
        archive: the workbook.
        name: of the part.
        see: is given the name of each element as it begins, without prefix, and its attributes.
        text: is given what stands in and between elements, piece by piece.

    Raises:
        KeyError: there is no such part.
        ValueError: it is no XML, declares entities, or has elements in elements without end.
    """
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise ValueError(say(f"{name} 嵌套过深", f"{name} is nested too deeply"))
        see(tag.rpartition(":")[2], attributes)

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    try:
        for chunk in chunks(archive, name):
            parser.Parse(chunk)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from None


def sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Of an .xlsx or .xlsm workbook: the name of each sheet, and the part that holds it.

    In order, hidden ones last.

    Raises:
        KeyError: a part is missing.
        ValueError: a part cannot be read.
    """
    book = small_part(archive, "xl/workbook.xml")
    links = small_part(archive, "xl/_rels/workbook.xml.rels")
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    found = {}
    sheets = [element for element in book.iter() if element.tag.endswith("}sheet")]
    for element in sorted(sheets, key=lambda one: one.get("state", "visible") != "visible"):
        ids = [value for key, value in element.attrib.items() if key.endswith("}id")]
        target = targets.get(ids[0] if ids else "", "")
        whole = target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
        found[element.get("name", "")] = posixpath.normpath(whole)
    return found
