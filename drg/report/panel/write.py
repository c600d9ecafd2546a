"""The panel report (论证报告) from a results folder: page or Word, annex, workbook, pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drg.errors import problem
from drg.language import LANGUAGES, say
from drg.page.blocks import Chart, Report, Section
from drg.page.fonts import FALLBACK
from drg.page.words import Words
from drg.page.write import check_ending, write_all
from drg.report.panel.cost import cost_ahead_section, cost_section
from drg.report.panel.data import PanelData, read_panel
from drg.report.panel.effects import effect_section
from drg.report.panel.first_page import subtitle, summary, title
from drg.report.panel.funds import ahead_section, pool_section
from drg.report.panel.hospitals import hospital_section, settled_section, sheet_section
from drg.report.panel.search import search_section
from drg.report.panel.sensitivity import detail_section, sensitivity_section
from drg.report.panel.settled import branch_section, indicator_section, month_section
from drg.report.panel.sources import (
    glossary_section,
    policy_section,
    source_section,
    version_section,
)
from drg.report.panel.story import story
from drg.tables import check_outputs
from drg.tables.atomic import write_text
from drg.tables.together import at_once


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        page: the report: HTML or Word.
        book: the workbook.
        annex: the annex; None when it was not asked for.
        pictures: the charts as SVG files, when they were asked for.
        tables: tables in the workbook.
        told: what is to be known of fonts that are missing.
    """

    page: Path
    book: Path
    annex: Path | None
    pictures: tuple[Path, ...]
    tables: int
    told: tuple[str, ...]


def write_report(
    folder: Path, out: Path, lang: str = "zh", projection: Path | None = None, *,
    annex: Path | None = None, pictures: Path | None = None, tell: str = "",
) -> Written:  # fmt: skip
    """Write the panel report of a results folder.

    Args:
        folder: what ``drg settle`` wrote, and ``drg project`` when it was run.
        out: the report, ``.html`` or ``.docx``; a workbook comes beside it.
        lang: ``zh`` or ``en``.
        projection: folder of the projection, when it is another one.
        annex: file for sheets of hospitals, sensitivity, sources, versions and terms.
        pictures: folder for the charts as SVG.
        tell: id of the scenario whose story is told; by default the first that is no baseline.

    Raises:
        DrgError: a file is missing or cannot be used, or an output cannot be written.
    """
    if lang not in LANGUAGES:
        raise problem(say("没有这种语言", "no such language"), found=lang,
                      expected=say("zh 或 en", "zh or en"))  # fmt: skip
    for path in (out, annex):
        check_ending(path)
    words = Words(lang)
    data = read_panel(folder, projection, tell)
    book = out.with_suffix(".xlsx")
    inputs = [place / name for place in (folder, projection or folder) for name in data.hashes]
    tables = data.settlement.get("tables")
    inputs += [folder / str(name) for name in tables] if isinstance(tables, list) else []
    check_outputs((out, book, annex), [path for path in inputs if path.is_file()])
    if pictures is not None and (pictures in (out, book, annex) or pictures.is_file()):
        raise problem(say("不是文件夹", "is not a folder"), file=pictures,
                      expected=say("存放各图的文件夹", "a folder for the pictures"))  # fmt: skip
    report, more = build(data, words, "" if annex is None else annex.name)
    with at_once(book, out, annex, folder=pictures) as (own_book, page, beside, *charts):
        drawn = [name for new in charts if new for name in _pictures(new, [report, more])]
        files = [(page or out, report), *([(beside, more)] if beside is not None else [])]
        tables, told = write_all(files, own_book, words, [] if annex is not None else more.sections)
    shown = tuple(Path(pictures or "", name) for name in drawn)
    return Written(out, book, annex, shown, tables, tuple(told))


def build(data: PanelData, words: Words, annex: str = "") -> tuple[Report, Report]:
    """The report and its annex; what the folder does not hold is left out.

    Args:
        data: what is told.
        words: the language.
        annex: name of the annex's file, to which the report refers; empty without one.
    """
    held = story(data)
    own: list[Section | None] = [summary(data, held, words)]
    more: list[Section | None] = [sheet_section(data, held, words)]
    if held is not None:
        own += [effect_section(held, words), hospital_section(held, words),
                cost_ahead_section(held, words), ahead_section(held, words),
                sensitivity_section(held, words), search_section(data, words)]  # fmt: skip
        more += [detail_section(held, words), pool_section(data, words),
                 settled_section(data, words), cost_section(data, words)]  # fmt: skip
    else:
        own += [pool_section(data, words), settled_section(data, words), cost_section(data, words)]
    own += [source_section(data, held, words, annex)]
    more += [indicator_section(data, words), branch_section(data, words),
             month_section(data, words), policy_section(data, words), version_section(data, words),
             glossary_section(words)]  # fmt: skip
    name = title(data, held, words)
    return (Report(name, subtitle(data, words), [one for one in own if one is not None]),
            Report(words(f"{name}：附件", f"{name}: annex"), subtitle(data, words),
                   [one for one in more if one is not None]))  # fmt: skip


def _pictures(folder: Path, reports: list[Report]) -> list[str]:
    """Every chart as an SVG file; gives their names."""
    from drg.plots.inline import inline_svg

    charts = [b for report in reports for b in report.blocks() if isinstance(b, Chart)]
    for chart in charts:
        text = inline_svg(chart.picture, chart.key, chart.title, chart.about, FALLBACK)
        write_text(folder / f"{chart.key}.svg", text)
    return [f"{chart.key}.svg" for chart in charts]
