"""The panel report (论证报告) from a results folder: page, workbook and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drg.errors import problem
from drg.page.blocks import Section
from drg.page.fonts import Carried, Font, open_font
from drg.page.layout import charts, panel_page, picture, shown_text, with_fonts, write_text
from drg.page.words import Words
from drg.page.workbook import write_book
from drg.report.panel.cost import cost_section, patient_section
from drg.report.panel.cost_ahead import cost_ahead_section
from drg.report.panel.data import PanelData, read_panel
from drg.report.panel.difference import difference_section
from drg.report.panel.first_page import subtitle, summary, title
from drg.report.panel.first_page_ahead import summary_ahead
from drg.report.panel.future import future_section
from drg.report.panel.hospitals import sheet_section
from drg.report.panel.measures import branch_section, indicator_section, month_section
from drg.report.panel.money import hospital_section, pool_section
from drg.report.panel.search import search_section
from drg.report.panel.sensitivity import sensitivity_section
from drg.report.panel.sources import glossary_section, source_section, version_section
from drg.tables import check_outputs


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        page: the HTML page.
        book: the workbook.
        pictures: the charts as SVG files.
        tables: tables in the workbook.
        font: the open font whose characters the page carries; None without one.
    """

    page: Path
    book: Path
    pictures: tuple[Path, ...]
    tables: int
    font: Font | None


def write_report(
    folder: Path, out: Path, lang: str = "zh", projection: Path | None = None
) -> Written:
    """Write the panel report of a results folder.

    Args:
        folder: what ``drg settle`` wrote, and ``drg project`` when it was run.
        out: the page; a workbook and a folder of pictures come beside it.
        lang: ``zh`` or ``en``.
        projection: folder of the projection, when it is another one.

    Raises:
        DrgError: a file is missing or cannot be used, or an output cannot be written.
    """
    if lang not in ("zh", "en"):
        raise problem("no such language", found=lang, expected="zh or en")
    if out.suffix.lower() not in (".html", ".htm"):
        raise problem("unknown kind of report", file=out, expected="a name that ends in .html")
    words, font = Words(lang), open_font()
    data = read_panel(folder, projection)
    book, pictures = out.with_suffix(".xlsx"), out.with_name(f"{out.stem}-pictures")
    inputs = [place / name for place in (folder, projection or folder) for name in data.hashes]
    check_outputs((out, book), [path for path in inputs if path.is_file()])
    sections = build(data, words, font)
    page = panel_page(title(data, words), subtitle(data, words), sections, words)
    carried = Carried(font, shown_text(page))
    drawn = _pictures(pictures, sections, carried)
    tables = write_book(book, title(data, words), sections, words)
    write_text(out, with_fonts(page, carried))
    return Written(out, book, tuple(drawn), tables, font)


def build(data: PanelData, words: Words, font: Font | None = None) -> list[Section]:
    """The sections of the report; what the folder does not hold is left out."""
    found: list[Section | None] = [
        summary_ahead(data, words) or summary(data, words),
        difference_section(data, words), future_section(data, words),
        cost_ahead_section(data, words), sensitivity_section(data, words),
        search_section(data, words), sheet_section(data, words), pool_section(data, words),
        hospital_section(data, words), cost_section(data, words), patient_section(data, words),
        indicator_section(data, words), branch_section(data, words), month_section(data, words),
        source_section(data, words), version_section(data, words, font), glossary_section(words),
    ]  # fmt: skip
    return [section for section in found if section is not None]


def _pictures(folder: Path, sections: list[Section], carried: Carried) -> list[Path]:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise problem("cannot be made a folder", file=folder, found=error.strerror) from None
    written = []
    for chart in charts(sections):
        written.append(folder / f"{chart.key}.svg")
        write_text(written[-1], picture(chart, carried))
    return written
