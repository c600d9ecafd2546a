"""The quality report as one HTML page: self-contained, fit for A4, without any script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from os import PathLike
from pathlib import Path

from drg.report.quality.words import (
    QualityWords,
    in_order,
    shown,
    shown_score,
    shown_share,
    small,
)
from drg.tables import atomic_path
from drg.tables.atomic import writing
from grouper.quality.report import Line, QualityReport
from grouper.quality.rules import GROUPS

_MOST_HOSPITALS = 200
_RANKED = 5  # hospitals in each list of the highest and the lowest
_SHORT_ID = 22
_LEAST_RANKED = 30  # cases of a hospital that is ranked
_STYLE = """
@page { size: A4; margin: 16mm 14mm; }
* { box-sizing: border-box; }
body { font: 14px/1.55 "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC",
  "Noto Sans CJK SC", sans-serif; color: #1c2733; background: #fff; max-width: 1000px;
  margin: 0 auto; padding: 28px 24px 48px; }
h1 { font-size: 26px; margin: 0; letter-spacing: .04em; }
h2 { font-size: 17px; margin: 34px 0 10px; padding-left: 10px; border-left: 4px solid #14527e; }
h3 { font-size: 14px; margin: 0 0 6px; color: #44525f; }
header { border-bottom: 3px solid #14527e; padding-bottom: 12px; margin-bottom: 18px; }
header p { margin: 2px 0 0; color: #5b6875; }
.top { display: grid; grid-template-columns: 220px 1fr; gap: 18px; }
.score { background: #14527e; color: #fff; border-radius: 6px; padding: 16px; text-align: center; }
.score b { display: block; font-size: 48px; line-height: 1.15; }
.score span { display: block; opacity: .9; }
dl { display: grid; grid-template-columns: 8.5em 1fr; margin: 0; gap: 0 8px; }
dt { color: #5b6875; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; font-weight: 600; background: #eef3f7; color: #2b3a47; }
th, td { padding: 5px 8px; border-bottom: 1px solid #dde4ea; vertical-align: top;
  overflow-wrap: anywhere; }
thead { display: table-header-group; } tr { break-inside: avoid; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.tag { display: inline-block; padding: 0 7px; border-radius: 3px; font-size: 12px;
  white-space: nowrap; }
.error { background: #fbe3e1; color: #98231b; } .warning { background: #fdf0d5; color: #7a5000; }
.note { background: #e8edf2; color: #46535f; }
.bar { display: block; width: 84px; height: 9px; margin-top: 6px; background: #e9eef2; }
.bar i { display: block; height: 9px; background: #c0662f; }
.id { white-space: nowrap; } .name { display: inline-block; min-width: 10.5em; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 22px; }
.quiet { color: #5b6875; } .call { background: #fdf0d5; padding: 8px 12px; border-radius: 4px; }
ul { padding-left: 1.3em; margin: 6px 0; } code { font-size: 12px; white-space: nowrap; }
@media print { body { padding: 0; max-width: none; font-size: 11px; } table { font-size: 10.5px; }
  h2 { break-after: avoid; } .score, th, .tag, .bar, .bar i, .call {
  -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
@media (max-width: 640px) { .top, .two { grid-template-columns: 1fr; } }
"""


def write_page(path: str | PathLike[str], report: QualityReport, lang: str = "zh") -> None:
    """Write the report as an HTML file.

    Args:
        path: the file.
        report: what was found.
        lang: ``zh`` or ``en``.

    Raises:
        DrgError: the file cannot be written.
    """
    page = quality_page(report, lang)
    with atomic_path(path) as partial, writing(Path(path)):
        partial.write_text(page, encoding="utf-8", errors="backslashreplace", newline="\n")


def quality_page(report: QualityReport, lang: str = "zh") -> str:
    """The report as an HTML text."""
    words = QualityWords(lang)
    parts = [
        _top(report, words),
        _findings(report, words),
        _hospitals(report, words),
        _months(report, words),
        _completeness(report, words),
        _codes(report, words),
        _notes(words),
    ]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!DOCTYPE html>\n<html lang="{"zh-CN" if lang == "zh" else "en"}">\n<head>\n'
        f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(words['title'])}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _top(report: QualityReport, words: QualityWords) -> str:
    total = report.total
    facts = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>"
        for label, value in words.summary(report)
    )
    flagged = f"{words['flagged']} {shown(total.flagged)}"
    share = f"{words['share']} {shown_share(total.flagged, total.cases)}"
    return (
        f"<header><h1>{escape(words['title'])}</h1><p>{escape(words['subtitle'])}</p></header>"
        f'<div class="top"><div class="score"><span>{escape(words["score"])}</span>'
        f"<b>{shown_score(total)}</b><span>{escape(flagged)}</span><span>{escape(share)}</span>"
        f"</div><dl>{facts}</dl></div>"
    )


def _findings(report: QualityReport, words: QualityWords) -> str:
    found = [(rule, n) for rule, _, n in report.rules() if n]
    order = list(GROUPS)
    found.sort(key=lambda pair: (order.index(pair[0].group), -pair[0].penalty, -pair[1]))
    rows = [
        [
            words.of(GROUPS[rule.group]), rule.text(words.lang),
            _Raw(f'<span class="tag {rule.severity}">{words.severity(rule.severity)}</span>'),
            shown(n), shown_share(n, report.total.cases),
        ]
        for rule, n in found
    ]  # fmt: skip
    head = [words["group"], words["rule"], words["severity"], words["cases"], words["share"]]
    html = _title(words["findings"])
    html += _table(head, rows, {3, 4}) if rows else ""
    quiet = sum(checked and not n for _, checked, n in report.rules())
    html += f'<p class="quiet">{escape(words["nothing"].format(n=quiet))}</p>'
    unchecked = [rule.text(words.lang) for rule, checked, _ in report.rules() if not checked]
    if unchecked:
        listed = words.of(("；", "; ")).join(unchecked)
        html += f'<p class="quiet"><b>{escape(words["not_checked"])}</b><br>{escape(listed)}</p>'
    return html


def _hospitals(report: QualityReport, words: QualityWords) -> str:
    lines = in_order(line for line in report.hospitals if line.cases)
    if len(lines) < 2 and not any(line.key for line in lines):
        return ""
    html = _title(words["by_hospital"]) + _ranked(lines, words)
    head = [words["hospital_id"], words["hospital"], words["cases"], words["flagged"],
            words["share"], words["score"], words["compared"], words["worst"]]  # fmt: skip
    most = _most(lines)
    rows = [
        [_id(line, words), _Raw(f'<span class="name">{escape(line.name)}</span>'),
         *_measures(line), _bar(line, most), _worst(line, words)]
        for line in lines[:_MOST_HOSPITALS]
    ]  # fmt: skip
    if not any(line.name for line in lines):
        head.pop(1)
        for row in rows:
            row.pop(1)
    first = len(head) - 6
    html += _table(head, rows, set(range(first, first + 4)))
    if len(lines) > _MOST_HOSPITALS:
        more = words["more_hospitals"].format(n=len(lines) - _MOST_HOSPITALS)
        html += f'<p class="quiet">{escape(more)}</p>'
    return html


def _ranked(lines: Sequence[Line], words: QualityWords) -> str:
    """The lowest and the highest scores among hospitals whose score may be shown."""
    able = [
        line for line in lines
        if line.cases >= _LEAST_RANKED and line.key and not small(line.flagged)
    ]  # fmt: skip
    if len(able) < 2 * _RANKED:
        return ""
    able.sort(key=lambda line: (line.score, line.cases, str(line.key)))
    html = '<div class="two">'
    for title, some in (
        ("lowest", [n for n in able if n.flagged][:_RANKED]),
        ("best", able[: -_RANKED - 1 : -1]),
    ):
        rows = [[words.hospital(line), shown(line.cases), shown_score(line)] for line in some]
        head = [words["hospital"], words["cases"], words["score"]]
        html += f"<div><h3>{escape(words[title])}</h3>{_table(head, rows, {1, 2})}</div>"
    return html + "</div><br>"


def _id(line: Line, words: QualityWords) -> str:
    text = str(line.key) or words["unnamed"]
    return _Raw(f'<span class="id">{escape(text)}</span>') if len(text) <= _SHORT_ID else text


def _most(lines: Sequence[Line]) -> float:
    """The largest share of cases with findings that may be shown."""
    shares = [n.flagged / n.cases for n in lines if not small(n.cases) and not small(n.flagged)]
    return max(shares, default=0.0)


def _months(report: QualityReport, words: QualityWords) -> str:
    if not report.months:
        return ""
    head = [words["month"], words["cases"], words["flagged"], words["share"], words["score"],
            words["compared"], words["worst"]]  # fmt: skip
    most = _most(report.months)
    rows = [
        [words.month(line), *_measures(line), _bar(line, most), _worst(line, words)]
        for line in report.months
    ]
    return _title(words["by_month"]) + _table(head, rows, {1, 2, 3, 4})


def _measures(line: Line) -> list[str]:
    return [
        shown(line.cases), shown(line.flagged) if not small(line.cases) else "—",
        shown_share(line.flagged, line.cases), shown_score(line),
    ]  # fmt: skip


def _worst(line: Line, words: QualityWords) -> str:
    if small(line.cases):
        return ""
    return words.of(("；", "; ")).join(
        f"{rule.text(words.lang)} {shown(n)}" for rule, n in line.worst()
    )


def _bar(line: Line, most: float) -> str:
    if not most or small(line.cases) or small(line.flagged):
        return ""
    width = 100 * line.flagged / line.cases / most
    return _Raw(f'<span class="bar"><i style="width:{width:.0f}%"></i></span>')


def _completeness(report: QualityReport, words: QualityWords) -> str:
    head = [words["part"], words["column"], words["filled"], words["missing"], words["share"]]
    rows = [
        [words.part(f), ", ".join(f.columns[:3]) + (" …" if len(f.columns) > 3 else ""),
         *((shown(f.filled), shown(f.missing), shown_share(f.filled, report.total.cases))
           if not small(f.missing) else ("—", shown(f.missing), "—"))]
        if f.columns
        else [words.part(f), words["absent"], "—", "—", "—"]
        for f in report.completeness
    ]  # fmt: skip
    return _title(words["completeness"]) + _table(head, rows, {2, 3, 4})


def _codes(report: QualityReport, words: QualityWords) -> str:
    html = _title(words["grey"])
    rows = [[_Code(code), name, shown(n)] for code, name, n in report.grey]
    head = [words["code"], words["name"], words["cases"]]
    html += _table(head, rows, {2}) if rows else f'<p class="quiet">{words["none"]}</p>'
    html += _title(words["unmapped"])
    if not report.unmapped:
        return html + f'<p class="quiet">{words["none"]}</p>'
    clinical = sum(bool(u.clinical) for u in report.unmapped)
    if clinical and report.codes != "clinical":
        html += f'<p class="call">{escape(words["try_clinical"].format(n=clinical))}</p>'
    head = [words["code"], words["name"], words["uses"], words["clinical"], words["by_code"],
            words["by_name"]]  # fmt: skip
    rows = [
        [_Code(u.code), u.name, shown(u.uses), u.clinical, _Lines(u.by_code), _Lines(u.by_name)]
        for u in report.unmapped
    ]
    for place in (5, 3, 1):  # columns in which nothing stands
        if not any(row[place] for row in rows):
            head.pop(place)
            for row in rows:
                row.pop(place)
    html += _table(head, rows, {head.index(words["uses"])})
    if report.unmapped_codes > len(report.unmapped):
        more = words["more"].format(n=f"{report.unmapped_codes - len(report.unmapped):,}")
        html += f'<p class="quiet">{escape(more)}</p>'
    return html


def _notes(words: QualityWords) -> str:
    listed = "".join(f"<li>{escape(note)}</li>" for note in words.notes())
    return f"{_title(words['notes'])}<ul>{listed}</ul>"


class _Raw(str):
    """HTML that is not escaped again."""


def _Code(code: str) -> _Raw:  # noqa: N802 (reads as a kind of cell)
    return _Raw(f"<code>{escape(code)}</code>")


def _Lines(texts: Iterable[str]) -> _Raw:  # noqa: N802
    return _Raw("<br>".join(escape(text) for text in texts))


def _title(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], right: set[int]) -> str:
    def line(tag: str, cells: Sequence[str]) -> str:
        shown_cells = (
            f"<{tag}{' class=n' if i in right else ''}>"
            f"{cell if isinstance(cell, _Raw) else escape(cell)}</{tag}>"
            for i, cell in enumerate(cells)
        )
        return "<tr>" + "".join(shown_cells) + "</tr>"

    body = "\n".join(line("td", row) for row in rows)
    return f"<table><thead>{line('th', head)}</thead>\n<tbody>{body}</tbody></table>\n"
