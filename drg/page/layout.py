"""The panel report (论证报告) as one HTML page: self-contained, for reading and for A4 paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape
from pathlib import Path

from drg.page.blocks import (
    Block,
    Card,
    Cell,
    Chart,
    Column,
    Facts,
    Figures,
    Heading,
    Kept,
    Points,
    Section,
    Table,
    Text,
    every,
)
from drg.page.fonts import Carried
from drg.page.style import STYLE
from drg.page.words import MINUS, Words
from drg.tables import atomic_path
from drg.tables.atomic import writing

FONTS = "/* fonts */\n"  # where the characters of a page go
_SHORT, _LONG = 16, 40  # half ems
_WHOLE = 14  # rows that stay on one sheet of paper
_NARROW = 4  # columns that fit a telephone
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; font-src data:"


def panel_page(title: str, subtitle: str, sections: Sequence[Section], words: Words) -> str:
    """The report as an HTML text.

    Args:
        title: of the report.
        subtitle: below it.
        sections: the first is the summary, which stands alone on its sheet.
        words: the language.
    """
    first, *rest = sections
    body = (
        f'<main><div class="alone"><header><h1>{escape(title)}</h1><p>{escape(subtitle)}</p>'
        f"</header>\n{_section(first, words)}</div>\n{_contents(sections, words)}\n"
        + "\n".join(_section(section, words) for section in rest)
        + "</main>\n"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{words("zh-CN", "en")}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{FONTS}{STYLE}</style>\n"
        f"</head>\n<body>\n{body}</body>\n</html>\n"
    )


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Raises:
        DrgError: the file cannot be written.
    """
    with atomic_path(path) as partial, writing(path):
        partial.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def charts(sections: Sequence[Section]) -> list[Chart]:
    """All charts of a report."""
    return [block for block in every(sections) if isinstance(block, Chart)]


def shown_text(markup: str) -> str:
    """All characters that HTML or SVG shows."""
    return unescape(re.sub(r"<[^>]*>", "", markup))


def with_fonts(page: str, carried: Carried) -> str:
    """The page with its characters."""
    return page.replace(FONTS, carried.css(shown_text(page)), 1)


def picture(chart: Chart, carried: Carried) -> str:
    """A chart as an SVG file of its own, with its characters."""
    begin, rest = chart.svg.split(">", 1)
    css = carried.css(shown_text(chart.svg))
    style = f"<style>{css}</style>" if css else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{begin}>{style}'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{rest}\n'
    )


def _contents(sections: Sequence[Section], words: Words) -> str:
    items = "".join(
        f'<li><a href="#{section.key}">{escape(section.title)}</a></li>' for section in sections
    )
    name = words("目录", "Contents")
    return f'<nav aria-label="{name}"><h2 id="contents">{name}</h2><ol>{items}</ol></nav>'


def _section(section: Section, words: Words) -> str:
    blocks = "\n".join(_block(block, words) for block in section.blocks)
    look = ' class="page"' if section.new_page else ""
    return (
        f'<section aria-labelledby="{section.key}"{look}>'
        f'<h2 id="{section.key}">{escape(section.title)}</h2>\n{blocks}\n</section>'
    )


def _block(block: Block, words: Words) -> str:
    if isinstance(block, Table):
        return _table(block, words) if block.on_page and block.rows else ""
    if isinstance(block, Chart):
        return _chart(block, words)
    if isinstance(block, Text):
        return f'<p class="{block.look}">{escape(block.text)}</p>' if block.text else ""
    if isinstance(block, Facts):
        pairs = "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in block.pairs)
        return f"<dl>{pairs}</dl>"
    if isinstance(block, Points):
        return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in block.items) + "</ul>"
    if isinstance(block, Heading):
        return f"<h3>{escape(block.text)}</h3>"
    if isinstance(block, Figures):
        return _figures(block)
    return _card(block, words)


def _figures(block: Figures) -> str:
    items = "".join(
        f"<li><span>{escape(label)}</span><b>{_with_unit(value)}</b>"
        + (f"<small>{escape(more)}</small>" if more else "")
        + "</li>"
        for label, value, more in block.items
    )
    return f'<ul class="figures">{items}</ul>'


def _with_unit(value: str) -> str:
    """A large figure with its unit in small type."""
    number, space, unit = value.partition(" ")
    return escape(number) + (f" <i>{escape(unit)}</i>" if space else "")


def _card(card: Card, words: Words) -> str:
    blocks = "\n".join(_block(block, words) for block in card.blocks)
    aside = f" <span>{escape(card.aside)}</span>" if card.aside else ""
    return f'<article class="card"><h3>{escape(card.title)}{aside}</h3>{blocks}</article>'


def _chart(chart: Chart, words: Words) -> str:
    note = f'<p class="quiet">{escape(chart.note)}</p>' if chart.note else ""
    label = escape(chart.title)
    return (
        f'<figure id="chart-{chart.key}"><figcaption>{label}</figcaption>{_hint(words)}'
        f'<div class="box" role="group" aria-label="{label}" tabindex="0">{chart.svg}</div>{note}'
        "</figure>"
    )


def _table(table: Table, words: Words) -> str:
    head = "".join(_heading(column, words) for column in table.columns)
    last, looks = len(table.rows) - table.totals, _looks(table)
    rows = [
        f"<tr{' class=total' if place >= last else ''}>"
        f"{_row(table.columns, row, words, looks)}</tr>"
        for place, row in enumerate(table.rows)
    ]
    is_narrow = len(table.columns) <= _NARROW
    narrow = " narrow" if is_narrow else ""
    narrow += " whole" if len(table.rows) <= _WHOLE and "long" not in looks else ""
    label = escape(table.caption)
    note = f'<p class="quiet">{escape(table.note)}</p>' if table.note else ""
    return (
        ("" if is_narrow else _hint(words))
        + f'<div class="box{narrow}" role="group" aria-label="{label}" tabindex="0">'
        f"<table><caption><span>{label}</span></caption><thead><tr>{head}</tr></thead>\n"
        "<tbody>" + "\n".join(rows) + f"</tbody></table></div>{note}"
    )


def _hint(words: Words) -> str:
    """Says on a telephone that what follows is wider than the screen."""
    said = words("← 左右滑动，查看全部 →", "← swipe sideways to see it all →")
    return f'<p class="swipe">{said}</p>'


def _heading(column: Column, words: Words) -> str:
    unit = words.units(column.kind)
    small = f" <small>{words('（', '(')}{escape(unit)}{words('）', ')')}</small>" if unit else ""
    look = " class=n" if column.is_number else ""
    return f'<th scope="col"{look}>{escape(column.title)}{small}</th>'


def _row(columns: Sequence[Column], row: Sequence[Cell], words: Words, looks: list[str]) -> str:
    cells = []
    for place, (column, value) in enumerate(zip(columns, row, strict=True)):
        if column.is_number:
            text = words.number(value, column.kind)
            text = text.removesuffix("%") if column.kind in ("share", "change") else text
            loss = " loss" if column.kind == "gain" and text.startswith(MINUS) else ""
            cells.append(f'<td class="n{loss}">{escape(text)}</td>')
            continue
        shown = value.value if isinstance(value, Kept) else "" if value is None else str(value)
        is_head = place == 0 or (column.kind == "name" and columns[0].is_number and place == 1)
        tag, scope = ("th", ' scope="row"') if is_head else ("td", "")
        look = f' class="{looks[place]}"' if looks[place] else ""
        cells.append(f"<{tag}{scope}{look}>{_direction(escape(shown), column)}</{tag}>")
    return "".join(cells)


def _looks(table: Table) -> list[str]:
    """How the cells of each column wrap: names and long texts anywhere, short ones never."""
    found = []
    for place, column in enumerate(table.columns):
        longest = max(
            (len(str(row[place]).encode("gb18030", "replace")) for row in table.rows), default=0
        )
        short = "s" if longest <= _SHORT else "long" if longest > _LONG else ""
        found.append(
            "n" if column.is_number else column.kind if column.kind in ("name", "code") else short
        )
    return found


def _direction(text: str, column: Column) -> str:
    """Names of the data apart from what is around them, whichever way they are written."""
    return f"<bdi>{text}</bdi>" if column.kind == "name" else text
