"""The path of a case as a small picture (SVG): MDC, ADRG and DRG, taken and not taken."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from grouper.engine.reasons import STATUS_TEXT, reason_text
from grouper.explain.answer import Answer
from grouper.explain.text import Writer
from grouper.explain.trace import Tried

BOX_WIDTH, BOX_HEIGHT = 216, 40
GAP_X, GAP_Y = 44, 10
MARGIN, TITLE = 12, 52
MOST_NEAR = 5
_TEXT_UNITS = 30  # half-width characters that fit into a box
_LINE_UNITS = 118
_TAKEN, _LEFT = ("#0b6e4f", "#e3f4ed", "#10231c"), ("#b8bfc6", "#ffffff", "#6a737b")
_FONT = "'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif"


@dataclass(frozen=True)
class _Box:
    """A box of the picture; ``why`` shows when the pointer rests on it."""

    head: str
    text: str
    why: str
    taken: bool


def picture(found: Answer, lang: str) -> str:
    """The explanation as SVG: the way of the case in colour, what it came near beside it.

    Args:
        found: the explanation.
        lang: ``zh`` or ``en``.
    """
    writer = Writer(lang, found.names(), found.trace)
    columns = [column for column in _columns(found, writer) if column]
    tallest = max((len(column) for column in columns), default=0)
    body = tallest * (BOX_HEIGHT + GAP_Y) - GAP_Y if tallest else 0
    lines = list(_footer(found, writer))
    width = 2 * MARGIN + 3 * BOX_WIDTH + 2 * GAP_X
    height = TITLE + body + 2 * MARGIN + 18 * len(lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="{_FONT}" font-size="12" role="img">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *_title(found, writer),
        *_tree(columns, body),
    ]
    for i, line in enumerate(lines):
        y = TITLE + body + MARGIN + 18 * (i + 1)
        parts.append(_text(MARGIN, y, _fit(line, _LINE_UNITS), "#3c454d"))
    return "\n".join([*parts, "</svg>"])


def _title(found: Answer, writer: Writer) -> Iterator[str]:
    status = writer.say(STATUS_TEXT[found.status][0], found.status)
    name = f"{found.case.case_id}  {found.drg} {found.name or status}".strip()
    yield _text(MARGIN, 22, _fit(name, 90), "#10231c", size=15, bold=True)
    said = reason_text(found.reason, writer.lang)
    under = "  ".join(part for part in (found.machinery.scheme.id, status, said) if part)
    yield _text(MARGIN, 41, _fit(under, _LINE_UNITS), "#6a737b")


def _columns(found: Answer, writer: Writer) -> list[list[_Box]]:
    """Boxes of MDCs, ADRGs and DRGs, from top to bottom."""
    taken = {step.code for step in found.path}
    near = [mdc for mdc in found.tried if mdc.near or mdc.code in taken]
    chosen = near[-1:] if found.path else near
    adrgs = [adrg for mdc in chosen for adrg in mdc.inside]
    close = [adrg for adrg in adrgs if adrg.near and adrg.code not in taken]
    shown = [*close[-MOST_NEAR:], *(adrg for adrg in adrgs if adrg.code in taken)]
    drgs = [drg for adrg in shown for drg in adrg.inside]
    boxes = [[_box(step, writer, taken) for step in steps] for steps in (near, shown, drgs)]
    if others := len(adrgs) - len(shown):
        boxes[1].insert(0, _Box(
            writer.say(f"另 {others} 个 ADRG", f"{others} other ADRGs"),
            writer.say("试过，不符合", "tried, do not fit"), "", taken=False,
        ))  # fmt: skip
    if found.path and (left := found.path[1].size - len(found.path[1].inside)):
        boxes[2].append(_Box(
            writer.say(f"另 {left} 个 DRG", f"{left} other DRGs"),
            writer.say("不再尝试", "not tried"), "", taken=False,
        ))  # fmt: skip
    return boxes


def _box(step: Tried, writer: Writer, taken: set[str]) -> _Box:
    return _Box(step.code, step.name, writer.facts(step.test), step.code in taken)


def _tree(columns: Sequence[Sequence[_Box]], body: int) -> Iterator[str]:
    """Boxes in columns, with lines from the box taken to all of the next column."""
    source: tuple[float, float] | None = None
    for i, boxes in enumerate(columns):
        x = MARGIN + i * (BOX_WIDTH + GAP_X)
        top = TITLE + (body - len(boxes) * (BOX_HEIGHT + GAP_Y) + GAP_Y) / 2
        places = [top + j * (BOX_HEIGHT + GAP_Y) for j in range(len(boxes))]
        if source is not None:
            for box, y in zip(boxes, places, strict=True):
                yield _line(source, (x, y + BOX_HEIGHT / 2), box.taken)
        source = None
        for box, y in zip(boxes, places, strict=True):
            yield from _drawn(box, x, y)
            if box.taken:
                source = (x + BOX_WIDTH, y + BOX_HEIGHT / 2)


def _drawn(box: _Box, x: float, y: float) -> Iterator[str]:
    stroke, fill, ink = _TAKEN if box.taken else _LEFT
    yield f"<g><title>{escape(f'{box.head} {box.text}: {box.why}')}</title>"
    yield (
        f'<rect x="{x}" y="{y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="5" '
        f'fill="{fill}" stroke="{stroke}" stroke-width="{2 if box.taken else 1}"/>'
    )
    yield _text(x + 8, y + 16, box.head, ink, bold=True)
    yield _text(x + 8, y + 32, _fit(box.text, _TEXT_UNITS), ink) + "</g>"


def _line(start: tuple[float, float], end: tuple[float, float], taken: bool) -> str:
    middle = (start[0] + end[0]) / 2
    stroke = _TAKEN[0] if taken else _LEFT[0]
    return (
        f'<path d="M{start[0]:g} {start[1]:g} C{middle:g} {start[1]:g} {middle:g} {end[1]:g} '
        f'{end[0]:g} {end[1]:g}" fill="none" stroke="{stroke}" stroke-width="{2 if taken else 1}"/>'
    )


def _footer(found: Answer, writer: Writer) -> Iterator[str]:
    """Why each step was taken, and what became of the complications; else what was missing."""
    if not found.path:
        near = [step for mdc in found.tried if mdc.near for step in (mdc, *mdc.inside) if step.near]
        for step in near[:MOST_NEAR]:
            yield f"{step.code}{writer.say('：', ': ')}{writer.facts(step.test)}"
    for step in found.path:
        yield f"{step.code}{writer.say('：', ': ')}{writer.facts(step.test)}"
    for item in dict.fromkeys(found.trace.complications) if found.path else ():
        said = writer.say("：", ": ") + writer.why_counts(item)
        yield f"{item.level} {item.code} {item.name}{said}"


def _text(x: float, y: float, text: str, ink: str, *, size: int = 12, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{ink}" font-size="{size}"{weight}>{escape(text)}</text>'
    )


def _fit(text: str, units: int) -> str:
    """The text, cut with an ellipsis where a Chinese character takes two units."""
    used = 0
    for i, character in enumerate(text):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > units:
            return text[: max(0, i - 1)] + "…"
    return text
