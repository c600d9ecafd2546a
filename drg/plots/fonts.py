"""Fonts of pictures: which installed font shows Chinese (中文字体), and which characters it has."""

from __future__ import annotations

import functools
import unicodedata
from pathlib import Path

from matplotlib import font_manager

LATIN = "DejaVu Sans"  # comes with matplotlib
_SANS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN",
    "Microsoft YaHei", "Microsoft YaHei UI", "DengXian", "SimHei", "PingFang SC", "Heiti SC",
    "STHeiti", "Hiragino Sans GB", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "HarmonyOS Sans SC", "Alibaba PuHuiTi", "Sarasa Gothic SC",
)  # fmt: skip
_OTHERS = (  # before boxes: other shapes of the same characters, then fonts with serifs
    "Noto Sans CJK JP", "Noto Sans CJK TC", "Noto Sans CJK HK", "Noto Sans CJK KR",
    "Droid Sans Fallback", "Arial Unicode MS", "Noto Serif CJK SC", "Noto Serif SC",
    "Source Han Serif SC", "SimSun", "NSimSun", "Songti SC", "STSong", "FangSong", "KaiTi",
    "AR PL UMing CN", "AR PL UKai CN", "Noto Serif CJK JP",
)  # fmt: skip
_FILES = ("cjk", "notosanssc", "notoserifsc", "sourcehan", "msyh", "simhei", "simsun", "deng",
          "pingfang", "heiti", "hiragino", "wqy", "songti", "uming", "ukai", "arial unicode",
          "droidsansfallback", "simkai", "simfang")  # fmt: skip
SVG_FAMILIES = ", ".join([*(f"'{name}'" for name in (*_SANS, LATIN)), "sans-serif"])
_PROBE = "权重病组费用倒挂"


class NoChineseFont(UserWarning):
    """No font on this machine shows Chinese: a picture has English words instead of boxes."""


def chinese_font() -> str | None:
    """Name of the installed font by which pictures show Chinese; None when there is none."""
    return _installed() or (_installed() if _look_again() else None)


def families(chinese: str | None) -> list[str]:
    """Fonts of a picture in the order in which each character is looked for."""
    return [LATIN] if chinese is None else [chinese, LATIN]


def showable(text: str, fonts: tuple[str, ...]) -> str:
    """A text in one line, with ``?`` for every character that none of the fonts, if any, has."""
    text = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text))
    text = " ".join(text.split())
    return "".join(c if c == " " or _has(c, fonts) else "?" for c in text) if fonts else text


def is_latin(text: str) -> bool:
    """Whether a text can do without a Chinese font."""
    return all(_has(c, (LATIN,)) for c in text if c.isprintable())


def _installed() -> str | None:
    names = {entry.name for entry in font_manager.fontManager.ttflist}
    for name in (*_SANS, *_OTHERS):
        if name in names and all(_has(c, (name,)) for c in _PROBE):
            return name
    return None


def _look_again() -> bool:
    """Add fonts installed since matplotlib last listed them; whether there were any."""
    known = {str(Path(entry.fname)) for entry in font_manager.fontManager.ttflist}
    added = False
    for file in sorted(map(str, font_manager.findSystemFonts())):
        name = Path(file).name.lower().replace("-", "").replace("_", "")
        if str(Path(file)) not in known and any(part in name for part in _FILES):
            try:
                font_manager.fontManager.addfont(file)
            except (OSError, RuntimeError, ValueError):  # a damaged font is none
                continue
            added = True
    return added


@functools.lru_cache(maxsize=65_536)
def _has(character: str, fonts: tuple[str, ...]) -> bool:
    for name in fonts:
        found = font_manager.fontManager.findfont(name, fallback_to_default=False)
        if font_manager.get_font(found).get_char_index(ord(character)):
            return True
    return False
