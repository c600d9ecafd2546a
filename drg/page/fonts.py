"""Fonts in the panel report: the characters it uses, out of an open font that is installed.

A page that carries its characters shows Chinese on any machine. Only fonts under the SIL Open
Font License (OFL) are carried; without one the page names fonts that its reader may have.
"""

from __future__ import annotations

import base64
import functools
import io
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FAMILY = "Panel Sans"
FALLBACK = (
    '"Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", '
    '"Microsoft YaHei", "PingFang SC", "Hiragino Sans GB", "WenQuanYi Micro Hei", '
    '"DejaVu Sans", Arial, sans-serif'
)
_OPEN = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN")
_FILES = ("NotoSansCJK*", "NotoSansSC*", "NotoSansCJKsc*", "SourceHanSans*")
_PROBE = "权重病组费用倒挂"
_ALWAYS = "0123456789.,%+-−—–…×÷≤≥<>*()（）「」《》、。；：，！？·•▲▼■◆●○ %/" + "".join(
    chr(c) for c in range(32, 127)
)


@dataclass(frozen=True)
class Font:
    """An installed open font.

    Attributes:
        name: its family.
        version: as it says itself.
        regular: file and place in it.
        bold: the same of its bold face; None when it has none.
    """

    name: str
    version: str
    regular: tuple[Path, int]
    bold: tuple[Path, int] | None


@functools.cache
def open_font() -> Font | None:
    """The installed open font that shows Chinese; None when there is none."""
    faces: dict[tuple[str, str], tuple[Path, int, str]] = {}
    for path in _candidates():
        for place, name, style, version in _faces(path):
            faces.setdefault((name, style), (path, place, version))
    for name in _OPEN:
        if (name, "Regular") in faces:
            path, place, version = faces[name, "Regular"]
            bold = faces.get((name, "Bold"))
            return Font(name, version, (path, place), bold and (bold[0], bold[1]))
    return None


def _candidates() -> list[Path]:
    from matplotlib import font_manager

    found = {Path(file) for file in font_manager.findSystemFonts()}
    chosen = [p for p in found if any(p.match(f"{name}.[ot]t[cf]") for name in _FILES)]
    return sorted(chosen, key=lambda p: (p.suffix.lower() != ".ttc", p.name))


def _faces(path: Path) -> list[tuple[int, str, str, str]]:
    """Faces of a font file that are open and show Chinese: place, family, style, version."""
    from fontTools.ttLib import TTCollection, TTFont, TTLibError

    found = []
    try:
        with path.open("rb") as stream:
            is_collection = stream.read(4) == b"ttcf"
        fonts = TTCollection(path, lazy=True).fonts if is_collection else [TTFont(path, lazy=True)]
        for place, font in enumerate(fonts):
            texts = font["name"]
            name, style = texts.getDebugName(1) or "", texts.getDebugName(2) or ""
            terms = f"{texts.getDebugName(13)} {texts.getDebugName(14)}"
            known = font.getBestCmap() or {}
            is_open = "Open Font License" in terms or "OFL" in terms
            if is_open and name in _OPEN and all(ord(c) in known for c in _PROBE):
                version = (texts.getDebugName(5) or "").split(";")[0]
                found.append((place, name, style, version))
    except (OSError, TTLibError, KeyError, ValueError):  # a damaged font is none
        return []
    return found


def carried(font: Font | None, text: str) -> str:
    """CSS that carries the characters of a text; empty without a font."""
    if font is None:
        return ""
    used = frozenset(c for c in text if c.isprintable()) | frozenset(_ALWAYS)
    faces = ((400, font.regular), (700, font.bold))
    return "".join(_rule(_subset(face, used), weight) for weight, face in faces if face)


def _rule(data: bytes, weight: int) -> str:
    body = base64.b64encode(data).decode("ascii")
    return (
        f'@font-face {{ font-family: "{FAMILY}"; font-weight: {weight}; font-style: normal; '
        f"src: url(data:font/woff2;base64,{body}) format('woff2'); }}\n"
    )


@functools.lru_cache(maxsize=8)
def _subset(face: tuple[Path, int], used: frozenset[str]) -> bytes:
    """Some characters of a font as WOFF2, the same bytes each time."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    logging.getLogger("fontTools").setLevel(logging.ERROR)
    font = TTFont(face[0], fontNumber=face[1], lazy=True, recalcTimestamp=False)
    options: Any = subset.Options()
    options.hinting = False
    options.layout_features = ["kern"]
    options.name_IDs = [0, 13, 14]  # whose it is, and under which licence
    options.notdef_outline = True
    options.recalc_timestamp = False
    made = subset.Subsetter(options)
    made.populate(unicodes=sorted(map(ord, used)))
    made.subset(font)
    font.flavor = "woff2"
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()
