"""The text of CSV files: which encoding, which delimiter, which bytes are not text."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from pathlib import Path

from drg.errors import problem
from drg.language import say

BOM = codecs.BOM_UTF8
DELIMITERS = (",", "\t", ";")
ENCODING_TITLES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "gb18030": "GB18030"}
_CJK_IN_UTF8 = re.compile("[\u2e80-\ufffc]")


def refuse_utf16(start: bytes, path: Path) -> None:
    """Turn away a file in an encoding whose bytes cannot be cut into lines.

    Raises:
        DrgError: The file begins with a UTF-16 byte order mark.
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise problem(say("是 UTF-16 编码，请另存为 CSV UTF-8 后重试",
                          "is in UTF-16; save it as CSV UTF-8 and try again"),
                      file=path)  # fmt: skip


def guess_encoding(chunks: Iterable[bytes]) -> str | None:
    """The encoding of text without a byte order mark, from its first part that is not ASCII.

    Args:
        chunks: The text in pieces that end at line ends.

    Returns:
        ``utf-8`` or ``gb18030``; None when all of it is ASCII.
    """
    for chunk in chunks:
        if chunk.isascii():
            continue
        try:
            chunk.decode()
        except UnicodeDecodeError:
            return _lesser_evil(chunk)
        return "utf-8"
    return None


def _lesser_evil(chunk: bytes) -> str:
    as_utf8 = chunk.decode(errors="replace")
    bad = as_utf8.count("\ufffd")
    # GB18030 accepts nearly any pair of bytes, so Chinese in UTF-8 with one broken byte may pass
    # for it. GB18030 text, though, hardly ever has three-byte characters of UTF-8.
    if len(_CJK_IN_UTF8.findall(as_utf8)) > 4 * bad:
        return "utf-8"
    if is_valid(chunk, "gb18030"):
        return "gb18030"
    return "gb18030" if chunk.decode("gb18030", "replace").count("\ufffd") < bad else "utf-8"


def is_valid(data: bytes, encoding: str) -> bool:
    """Whether all bytes are text in that encoding."""
    try:
        data.decode(_codec(encoding))
    except UnicodeDecodeError:
        return False
    return True


def decode(data: bytes, encoding: str) -> str:
    """The text, with U+FFFD for what is not text."""
    return data.decode(_codec(encoding), "replace")


def to_utf8(data: bytes, encoding: str) -> bytes:
    """The same text in UTF-8.

    Raises:
        UnicodeDecodeError: Some bytes are not text in that encoding.
    """
    if data.isascii():
        return data
    text = data.decode(_codec(encoding))
    return data if encoding != "gb18030" else text.encode()


def _codec(encoding: str) -> str:
    # The byte order mark is cut off where the file begins; inside, it is a character.
    return "gb18030" if encoding == "gb18030" else "utf-8"


def guess_delimiter(header: str, suffix: str) -> str:
    """The delimiter that stands most often outside quotes in the header line.

    Args:
        header: The header line.
        suffix: The file's ending; ``.tsv`` prefers tabs when counts are equal.
    """
    bare = re.sub(r'"(?:[^"]|"")*"', "", header)
    order = ("\t", ",", ";") if suffix == ".tsv" else DELIMITERS
    return max(order, key=bare.count)
