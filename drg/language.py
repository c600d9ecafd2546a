"""The reader's language (语言): Chinese or English, of help, errors, warnings and reports.

``DRG_LANG`` (``zh`` or ``en``) decides, else the system's locale; ``--lang`` decides for its
command. A text stands beside its other language where it is said::

    say("没有这个文件夹", "no such folder")
"""

from __future__ import annotations

import locale
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LANGUAGES = ("zh", "en")
_BAR = " | "
_asked = ""  # for by a command; one command a process


def spoken() -> str:
    """The language in which help, errors and warnings are said: ``zh`` or ``en``."""
    return _asked or wished() or ("zh" if _locale().startswith(("zh", "chinese")) else "en")


def wished() -> str:
    """What ``DRG_LANG`` says: ``zh``, ``en`` or nothing."""
    lang = os.environ.get("DRG_LANG", "").strip().lower().replace("_", "-").partition("-")[0]
    return lang if lang in LANGUAGES else ""


def speak(lang: str) -> None:
    """Say everything in a language from now on; with an empty one, as the surroundings wish."""
    global _asked
    _asked = lang


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Say everything in a language for a while, as a notebook's workbench does."""
    before = _asked
    speak(lang)
    try:
        yield
    finally:
        speak(before)


def say(zh: str, en: str) -> str:
    """The one of two texts that is in the reader's language."""
    return zh if spoken() == "zh" else en


@dataclass(frozen=True)
class Words:
    """The language of one report.

    Attributes:
        lang: ``zh`` or ``en``.
    """

    lang: str = "zh"

    def __call__(self, zh: str, en: str) -> str:
        """The one of two texts that is in the report's language."""
        return zh if self.lang == "zh" else en

    def of(self, pair: tuple[str, str]) -> str:
        """The one of a pair that is in the report's language."""
        return self(*pair)

    @property
    def zh(self) -> bool:
        """Whether it is Chinese."""
        return self.lang == "zh"


def half(text: str, lang: str) -> str:
    """The part in one language of a document's text that says both: ``中文 | English``.

    A text without the bar is the same in both.
    """
    zh, bar, en = text.partition(_BAR)
    return (zh if lang == "zh" else en).strip() if bar else text


def both(zh: str, en: str) -> str:
    """A document's text that says both languages; see :func:`half`."""
    return zh if zh == en else f"{zh}{_BAR}{en}"


def in_row(*texts: str) -> str:
    """Texts of documents one after another, each language by itself."""
    if not any(_BAR in text for text in texts):
        return "; ".join(texts)
    return both("；".join(half(text, "zh") for text in texts),
                "; ".join(half(text, "en") for text in texts))  # fmt: skip


def is_default(source: str) -> bool:
    """Whether the source of a figure says that it is a typical one, without a published source."""
    return source.startswith(("默认", "default"))


def _locale() -> str:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return os.environ[name].lower()
    return (locale.getlocale()[0] or "").lower()
