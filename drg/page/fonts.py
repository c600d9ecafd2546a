"""Fonts in the panel report: the characters it uses, out of an open font that is installed.

A page that carries its characters shows Chinese on any machine. Only fonts under the SIL Open
Font License (OFL) are carried; without one the page names fonts that its reader may have.
"""

from __future__ import annotations

import base64
import functools
import io
from dataclasses import dataclass
from pathlib import Path

FAMILY = "Panel Sans"
FALLBACK = (
    '"Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", '
    '"Microsoft YaHei", "PingFang SC", "Hiragino Sans GB", "WenQuanYi Micro Hei", '
    '"DejaVu Sans", Arial, sans-serif'
)
_OPEN = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN")
_FILES = ("NotoSansCJK*", "NotoSansSC*", "NotoSansCJKsc*", "SourceHanSans*")
_UPRIGHT = ("BASE", "GSUB", "VORG", "vhea", "vmtx")  # tables for lines from top to bottom
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
            if name not in _OPEN or not ("Open Font License" in terms or "OFL" in terms):
                continue
            known = font.getBestCmap() or {}
            if all(ord(c) in known for c in _PROBE):
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
        f"src: url(data:font/woff;base64,{body}) format('woff'); }}\n"
    )


@functools.lru_cache(maxsize=8)
def _subset(face: tuple[Path, int], used: frozenset[str]) -> bytes:
    """Some characters of a font as WOFF, the same bytes each time."""
    import uharfbuzz
    from fontTools.ttLib import TTFont

    asked = uharfbuzz.SubsetInput()
    asked.flags = uharfbuzz.SubsetFlags.NO_HINTING | uharfbuzz.SubsetFlags.NOTDEF_OUTLINE
    asked.unicode_set.update(map(ord, used))
    for wanted, held in (
        (asked.name_id_set, (0, 13, 14)),  # whose it is, and under which licence
        (asked.layout_feature_tag_set, (_tag("kern"),)),
    ):
        wanted.clear()
        wanted.update(held)
    asked.drop_table_tag_set.update(map(_tag, _UPRIGHT))
    whole = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(face[0])), face[1])
    part = uharfbuzz.subset(whole, asked).blob.data
    font = TTFont(io.BytesIO(part), recalcTimestamp=False)
    font.flavor = "woff"  # its compression is a hundred times as fast as WOFF2's, 10 % longer
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def _tag(name: str) -> int:
    return int.from_bytes(name.encode(), "big")
