"""The picture of a migration (方案切换图): bands from groups before to groups after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from drg.cases.privacy import FEWEST
from drg.plots.charts import SERIES
from drg.plots.picture import INK, WIDTH, Picture, picture
from grouper.engine.migration import Migration

LARGEST = 18
_BAND, _LINE, _TOP, _BAR, _ENDS = 80.0, 5.0, 20.0, 2.0, (72.0, 108.0)  # mm
_SHAPE = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
_TITLE = "{old} → {new} 分组迁移", "Groups from {old} to {new}"
_BELOW = (
    "{moved:,} / {total:,} 例换组；图示最多的 {n} 条去向（{shown:,} 例），每条不少于 {few} 例",
    "{moved:,} of {total:,} cases move; shown: {n} moves ({shown:,} cases) of {few} or more",
)
Names = tuple[Mapping[str, str], Mapping[str, str]]
Bar = tuple[str, float, float, int]  # group, top and height in mm, cases


def draw(found: Migration, names: Names, lang: str = "zh") -> Picture:
    """The largest moves between groups as bands of the width of their cases.

    Args:
        found: what moves.
        names: of the groups before and after.
        lang: ``zh`` or ``en``.
    """
    pairs = sorted((p for p, n in found.cases.items() if p[0] != p[1] and n >= FEWEST),
                   key=lambda pair: (-found.cases[pair], pair))[:LARGEST]  # fmt: skip
    shown = sum(found.cases[pair] for pair in pairs)
    sides = [_bars([(pair[side], found.cases[pair]) for pair in pairs], shown) for side in (0, 1)]

    def paint(page: Picture) -> None:
        title = page.say(_TITLE, old=page.name(found.old), new=page.name(found.new))
        page.heading(title, page.say(_BELOW, moved=found.moved, total=found.total, n=len(pairs),
                                     shown=shown, few=FEWEST))  # fmt: skip
        axes = page.axes_at(0, 0, WIDTH, page.height)
        axes.set(xlim=(0, WIDTH), ylim=(page.height, 0))
        axes.axis("off")
        (a, b), at = _ENDS, [{group: top for group, top, *_ in bars} for bars in sides]
        for place, (old, new) in enumerate(sorted(pairs)):
            wide, m = found.cases[old, new] * _BAND / shown, (a + b) / 2
            y, z = at[0][old], at[1][new]
            at[0][old], at[1][new] = y + wide, z + wide
            edge = [(a, y), (m, y), (m, z), (b, z), (b, z + wide), (m, z + wide), (m, y + wide),
                    (a, y + wide), (a, y)]  # fmt: skip
            axes.add_patch(PathPatch(Path(edge, _SHAPE), alpha=0.6, linewidth=0,
                                     facecolor=SERIES[place % len(SERIES)][0]))  # fmt: skip
        for side, bars in enumerate(sides):
            for group, top, height, cases in bars:
                left = (a - _BAR, b)[side]
                axes.add_patch(Rectangle((left, top), _BAR, height, color=INK, linewidth=0))
                code = f"{page.name(group)}  {page.say(('{n:,} 例', '{n:,} cases'), n=cases)}"
                room = a - _BAR - 6 - page.width_of(code, 7.5)
                name = page.fitted(page.name(names[side].get(group, "")), 7.5, room)
                page.write((a - _BAR - 2, b + _BAR + 2)[side], page.height - top - height / 2 - 1,
                           " ".join((name, code)[:: 1 - 2 * side]).strip(), 7.5,
                           ha=("right", "left")[side])  # fmt: skip

    ends = [top + max(height, _LINE) for bars in sides for _, top, height, _ in bars]
    return picture(paint, max(ends, default=_TOP) + 5, lang)


def _bars(moves: Sequence[tuple[str, int]], shown: int) -> list[Bar]:
    """Where the bar of each group stands, the largest first."""
    whole: dict[str, int] = {}
    for group, cases in moves:
        whole[group] = whole.get(group, 0) + cases
    top, bars = _TOP, []
    for group in sorted(whole, key=lambda one: (-whole[one], one)):
        height = whole[group] * _BAND / shown
        bars.append((group, top, height, whole[group]))
        top += max(height + 1.5, _LINE)
    return bars
