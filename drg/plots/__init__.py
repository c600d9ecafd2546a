"""Pictures for print (图): one style, Chinese that shows, and files that are the same each time."""

# ruff: noqa: E402
from __future__ import annotations

import logging

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no word of a home that is not writable

from drg.cases.privacy import FEWEST
from drg.plots.fonts import NoChineseFont, chinese_font
from drg.plots.picture import Language, Picture, drawing, picture, save

__all__ = [
    "FEWEST",
    "Language",
    "NoChineseFont",
    "Picture",
    "chinese_font",
    "drawing",
    "picture",
    "save",
]
