"""The picture of a migration: bands from groups before to groups after, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from grouper.engine.migration import Migration

LARGEST = 18
FEWEST = 5  # smaller bands are not shown: they could point at persons
_WIDTH, _BAND, _LEFT, _RIGHT = 900, 640, 230, 670
_FONT = "'Noto Sans SC','Source Han Sans SC','Microsoft YaHei','PingFang SC',sans-serif"
# Colours that colour-blind readers tell apart (Okabe and Ito 2008).
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
Pair = tuple[str, str]


def draw(found: Migration) -> str:
    """An SVG of the largest moves between groups; its width is the number of cases."""
    pairs = sorted(
        (p for p in found.cases if p[0] != p[1] and found.cases[p] >= FEWEST),
        key=lambda pair: (-found.cases[pair], pair),
    )[:LARGEST]
    shown = sum(found.cases[pair] for pair in pairs)
    height = _BAND + 110
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="{_FONT}" font-size="13" role="img">'
        f"<title>{escape(found.old)} → {escape(found.new)}</title>"
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
    )
    title = (
        f"{found.moved:,} / {found.total:,} 例换组；图示人数最多的 {len(pairs)} 条去向"
        f"（{shown:,} 例，少于 {FEWEST} 例的不显示）"
    )
    parts = [
        head,
        _text(_WIDTH / 2, 26, f"{found.old} → {found.new} 分组迁移", "middle", size=18),
        _text(_WIDTH / 2, 50, title, "middle"),
    ]
    if not pairs:
        parts.append(_text(_WIDTH / 2, 120, "没有达到显示人数的换组", "middle"))
    else:
        parts += _bands(found, pairs, _BAND / (shown + 0.25 * shown))
    return "".join([*parts, "</svg>\n"])


def _bands(found: Migration, pairs: Sequence[Pair], scale: float) -> list[str]:
    left = _stack([(old, found.cases[old, new]) for old, new in pairs], scale)
    right = _stack([(new, found.cases[old, new]) for old, new in pairs], scale)
    at = {**{("l", g): top for g, (top, _) in left.items()},
          **{("r", g): top for g, (top, _) in right.items()}}  # fmt: skip
    parts = []
    for i, (old, new) in enumerate(sorted(pairs)):
        size = found.cases[old, new] * scale
        y0, y1 = at["l", old], at["r", new]
        at["l", old], at["r", new] = y0 + size, y1 + size
        middle = (_LEFT + _RIGHT) / 2
        path = (
            f"M{_LEFT + 10},{y0:.1f}C{middle},{y0:.1f} {middle},{y1:.1f} {_RIGHT - 10},{y1:.1f}"
            f"v{size:.1f}C{middle},{y1 + size:.1f} {middle},{y0 + size:.1f} "
            f"{_LEFT + 10},{y0 + size:.1f}z"
        )
        label = f"{old} → {new}: {found.cases[old, new]:,}"
        parts.append(
            f'<path d="{path}" fill="{_COLOURS[i % len(_COLOURS)]}" fill-opacity=".6">'
            f"<title>{escape(label)}</title></path>"
        )
    for stack, x, anchor, shift in ((left, _LEFT, "end", -8), (right, _RIGHT - 10, "start", 18)):
        for group, (top, size) in stack.items():
            parts.append(f'<rect x="{x}" y="{top:.1f}" width="10" height="{size:.1f}"/>')
            count = round(size / scale)
            parts.append(_text(x + shift, top + size / 2 + 5, f"{group}  {count:,} 例", anchor))
    return parts


def _stack(sizes: Sequence[tuple[str, int]], scale: float) -> dict[str, tuple[float, float]]:
    """Top and height of each group's bar, the largest first."""
    whole: dict[str, int] = {}
    for group, size in sizes:
        whole[group] = whole.get(group, 0) + size
    order = sorted(whole, key=lambda group: (-whole[group], group))
    gap = 0.2 * _BAND / max(1, len(order))
    top, stack = 80.0, {}
    for group in order:
        stack[group] = (top, whole[group] * scale)
        top += max(whole[group] * scale + gap, 17)
    return stack


def _text(x: float, y: float, text: str, anchor: str, size: int = 13) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">'
        f"{escape(text)}</text>"
    )
