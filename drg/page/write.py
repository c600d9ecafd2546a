"""Reports as files (写出报告): page, Word or workbook by the ending."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drg.errors import problem
from drg.language import say
from drg.page.blocks import Report
from drg.page.fonts import open_font
from drg.page.words import Words

PAGES, WORD = (".html", ".htm"), (".docx",)


def check_ending(path: Path | None) -> None:
    """Refuse, before any work, a report of another kind.

    Raises:
        DrgError: the ending is not that of a page or a Word file.
    """
    if path is not None and path.suffix.lower() not in (*PAGES, *WORD):
        raise problem(say("不能写成这种文件", "unknown kind of report"), file=path,
                      expected=say("以 .html 或 .docx 结尾的文件名",
                                   "a name that ends in .html or .docx"))  # fmt: skip


def write_report(path: Path, report: Report, words: Words) -> list[str]:
    """Write a report, whole or not at all: as a page, as Word, or its tables as a workbook.

    Returns:
        What its reader must know of fonts that are missing here.

    Raises:
        DrgError: the ending is another, or the file cannot be written.
    """
    if path.suffix.lower() == ".xlsx":
        from drg.page.book import write_workbook

        write_workbook(path, report.title, report.sections, words, contents=report.contents)
        return []
    check_ending(path)
    if path.suffix.lower() in WORD:
        from drg.page.word import write_word

        if write_word(path, report, words):
            return []
        return [say("本机没有中文字体（fonts-noto-cjk），Word 文件不含图",
                    "no font for Chinese is installed (fonts-noto-cjk): the Word file has no "
                    "pictures")]  # fmt: skip
    from drg.page.html import write_page

    font = open_font()
    write_page(path, report, words, font)
    if font is None and words.zh:
        return [say("本机没有可嵌入的开源中文字体（fonts-noto-cjk），网页使用阅读者的字体",
                    "no open font with Chinese is installed (fonts-noto-cjk); the page uses its "
                    "reader's fonts")]  # fmt: skip
    return []


def write_all(
    reports: Sequence[tuple[Path, Report]], book: Path | None, words: Words
) -> tuple[int, list[str]]:
    """Write reports and one workbook of all their tables.

    Returns:
        How many tables the workbook has, and what is to be known of fonts.
    """
    told: list[str] = []
    tables = 0
    if book is not None:
        from drg.page.book import write_workbook

        sections = [section for _, report in reports for section in report.sections]
        tables = write_workbook(book, reports[0][1].title, sections, words)
    for path, report in reports:
        told += [line for line in write_report(path, report, words) if line not in told]
    return tables, told
