"""Reports as files (写出报告): page, Word or workbook by the ending."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from drg.errors import problem
from drg.language import say
from drg.page.blocks import Report, Section
from drg.page.fonts import open_font
from drg.page.words import Words
from drg.tables.together import at_once, family

PAGES, WORD = (".html", ".htm"), (".docx",)


def check_ending(path: Path | None) -> None:
    """Refuse, before any work, a report of another kind.

    Raises:
        DrgError: the ending is not that of a page or a Word file.
    """
    if path is not None and path.suffix.lower() not in (*PAGES, *WORD):
        raise problem(say("不能写成这种文件", "unknown kind of report"), file=path,
                      expected=say(".html 或 .docx 文件",
                                   "a name that ends in .html or .docx"))  # fmt: skip


def write_report(path: Path, report: Report, words: Words) -> list[str]:
    """Write a report as a page or as Word, or its tables as a workbook; see :func:`write_all`."""
    if path.suffix.lower() == ".xlsx":
        from drg.page.book import write_workbook

        write_workbook(path, report.title, report.sections, words, subtitle=report.subtitle,
                       contents=report.contents)  # fmt: skip
        return []
    return write_all([(path, report)], None, words)[1]


def write_as(paths: Iterable[Path | None], report: Report, words: Words) -> list[str]:
    """Write a report as several files, at once where they are in one folder.

    Args:
        paths: the files, None for none; see :func:`write_report`.
        report: the report.
        words: the language.

    Returns:
        What a reader must know of each, and its path.
    """
    told: list[str] = []
    given = [path for path in paths if path is not None]
    for folder in dict.fromkeys(path.parent for path in given):
        first, *rest = [path for path in given if path.parent == folder]
        with family(first, *rest) as new:
            for path in (first, *rest):
                told += [*write_report(new.with_name(path.name), report, words), str(path)]
    return told


def write_all(
    reports: Sequence[tuple[Path, Report]], book: Path | None, words: Words,
    sections: Sequence[Section] = (),
) -> tuple[int, list[str]]:  # fmt: skip
    """Write reports and a workbook of their tables, at once when they are in one folder.

    Args:
        reports: file and report; the file's ending says whether it is a page or a Word file.
        book: the workbook.
        words: the language.
        sections: whose tables the workbook holds besides.

    Returns:
        How many tables the workbook has, and what its reader must know of fonts that are missing.

    Raises:
        DrgError: an ending is another, or a file cannot be written.
    """
    for path, _ in reports:
        check_ending(path)
    with at_once(book, *(path for path, _ in reports)) as (aside, *places):
        moved = [
            (place, report) for place, (_, report) in zip(places, reports, strict=True) if place
        ]
        return _written(moved, aside, words, sections)


def _written(
    reports: Sequence[tuple[Path, Report]], book: Path | None, words: Words,
    sections: Sequence[Section],
) -> tuple[int, list[str]]:  # fmt: skip
    told: list[str] = []
    tables = 0
    if book is not None:
        from drg.page.book import write_workbook

        every = [section for _, report in reports for section in report.sections]
        tables = write_workbook(book, reports[0][1].title, [*every, *sections], words)
    pages = [one for one in reports if one[0].suffix.lower() in PAGES]
    if pages:
        from drg.page import html

        font = open_font()
        texts = html.pages([report for _, report in pages], words, font)
        for (path, _), text in zip(pages, texts, strict=True):
            html.write_page(path, text)
        if font is None and words.zh:
            told.append(say("本机没有可嵌入的开源中文字体（fonts-noto-cjk），网页使用阅读者的字体",
                            "no open font with Chinese is installed (fonts-noto-cjk); the page "
                            "uses its reader's fonts"))  # fmt: skip
    for path, report in reports:
        if path.suffix.lower() in WORD:
            from drg.page.word import write_word

            if not write_word(path, report, words):
                told.append(say("本机没有中文字体（fonts-noto-cjk），Word 文件不含图",
                                "no font for Chinese is installed (fonts-noto-cjk): the Word file "
                                "has no pictures"))  # fmt: skip
    return tables, told
