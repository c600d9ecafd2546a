"""The minutes of a weight negotiation (权重论证谈判会议纪要): a page and a workbook.

Usage::

    write_minutes(Round("round-2026"), Path("round-2026/minutes.html"))
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drg.errors import problem
from drg.page.blocks import Section
from drg.page.fonts import Carried, Font, open_font
from drg.page.layout import panel_page, shown_text, with_fonts, write_text
from drg.page.style import STYLE
from drg.page.workbook import write_book
from drg.report.minutes.data import Minutes, collect
from drg.report.minutes.effects import effect_section
from drg.report.minutes.first_page import subtitle, summary_section, title
from drg.report.minutes.offers import offer_section
from drg.report.minutes.panels import panel_section
from drg.report.minutes.proposals import proposal_section
from drg.report.minutes.record import record_section, signature_section
from drg.report.minutes.simulation import simulation_section
from drg.report.minutes.style import STYLE as OWN_STYLE
from drg.report.minutes.subject import subject_section
from drg.report.minutes.votes import vote_section
from drg.report.minutes.weights import weight_section
from drg.report.minutes.words import MinutesWords
from drg.tables import check_outputs

if TYPE_CHECKING:
    from drg.negotiate.round.act import Round


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        page: the HTML page.
        book: the workbook.
    """

    page: Path
    book: Path


def write_minutes(round_: Round, out: Path, lang: str = "zh") -> Written:
    """Write the minutes of a round.

    Args:
        round_: the round; closed, or as it stands.
        out: the page; a workbook comes beside it.
        lang: ``zh`` or ``en``.

    Raises:
        DrgError: the round is damaged, or an output cannot be written.
    """
    _check(out, lang)
    return write(collect(round_), out, lang, _inputs(round_))


def write(data: Minutes, out: Path, lang: str = "zh", inputs: list[Path] | None = None) -> Written:
    """Write minutes from what they tell.

    Args:
        data: what they tell.
        out: the page.
        lang: ``zh`` or ``en``.
        inputs: files that must not be written over.

    Raises:
        DrgError: an output cannot be written.
    """
    _check(out, lang)
    words, font = MinutesWords(lang), open_font()
    book = out.with_suffix(".xlsx")
    check_outputs((out, book), inputs or ())
    sections = build(data, words, font)
    page = panel_page(title(data, words), subtitle(data, words), sections, words)
    page = page.replace(STYLE, STYLE + OWN_STYLE, 1)
    carried = Carried(font, shown_text(page))
    write_book(book, title(data, words), sections, words)
    write_text(out, with_fonts(page, carried))
    return Written(out, book)


def build(data: Minutes, words: MinutesWords, font: Font | None = None) -> list[Section]:
    """The sections of the minutes; what the round does not have is left out."""
    found = [
        summary_section(data, words), subject_section(data, words), proposal_section(data, words),
        panel_section(data, words), vote_section(data, words), offer_section(data, words),
        weight_section(data, words), effect_section(data, words), simulation_section(data, words),
        record_section(data, words, font), signature_section(data, words),
    ]  # fmt: skip
    return [section for section in found if section is not None]


def _inputs(round_: Round) -> list[Path]:
    """Files of the round that must not be written over."""
    names = ("ledger.jsonl", "ledger.head", "proposals.xlsx", "votes.xlsx", "impact.xlsx",
             *round_.state.init["files"])  # fmt: skip
    return [path for name in names if (path := round_.folder / name).is_file()]


def _check(out: Path, lang: str) -> None:
    if lang not in ("zh", "en"):
        raise problem("no such language", key="lang", found=lang, expected="zh or en")
    if out.suffix.lower() not in (".html", ".htm"):
        raise problem("unknown kind of minutes", file=out, expected="a name that ends in .html")
