"""Labels at points that cover neither each other nor the points: greedy, the first come first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from drg.plots.picture import GREY, INK, Picture

Floats = npt.NDArray[np.float64]
_SIZE = 6.5  # points
_ANGLES = np.radians([135, 180, 90, 158, 112])  # for points above the diagonal
_STEPS = (1.5, 7.0, 14.0, 22.0, 32.0, 44.0)  # points from the mark's edge
_NEAR = 6.5  # points; a label no further from its mark needs no line
_ALONG = np.linspace(0, 1, 14)[1:-1, None]  # places on a line where it must be free


def place_labels(
    page: Picture,
    axes: Axes,
    y: Floats,
    x: Floats,
    areas: Floats,
    wanted: Sequence[int],
    texts: Sequence[str],
) -> int:
    """Label points about a diagonal where there is space, with a fine line to distant labels.

    Points above the diagonal are labelled above it, others below it.

    Args:
        page: the picture.
        axes: with limits and place final.
        y: heights in data units, shape (G,).
        x: positions in data units, shape (G,).
        areas: of the marks in square points, shape (G,).
        wanted: points to label, the most important first.
        texts: one a point.

    Returns:
        How many of ``wanted`` found no space.
    """
    scale = 72 / page.dpi
    at = axes.transData.transform(np.column_stack([x, y])) * scale
    radius = np.sqrt(areas) / 2
    marks = np.column_stack([at - radius[:, None], at + radius[:, None]])
    window = axes.get_window_extent()
    inside = np.array([window.x0, window.y0, window.x1, window.y1]) * scale
    order = list(dict.fromkeys(wanted))
    taken = np.empty((0, 4))
    left_out = 0
    for i in order:
        size = np.array([page.width_of(texts[i], _SIZE) * 72 / 25.4 + 1, _SIZE * 1.15])
        way = 1.0 if y[i] > x[i] else -1.0
        box = _free_box(at[i], way * radius[i], size, marks, taken, inside)
        if box is None:
            box = _free_box(at[i], way * radius[i], size, marks[order], taken, inside)
        if box is None:
            left_out += 1
            continue
        line = _line(at[i], box, radius[i])
        taken = np.vstack([taken, box, np.hstack([line, line])])
        _write(axes, (float(x[i]), float(y[i])), texts[i], box - np.tile(at[i], 2), len(line) > 0)
    return left_out


def _free_box(
    point: Floats, radius: float, size: Floats, marks: Floats, taken: Floats, inside: Floats
) -> Floats | None:
    """The nearest box beside a point, (left, bottom, right, top) in points, that covers nothing.

    Nor does the line from the point to it cross another label or its line. The radius is negative
    when the box is wanted to the lower right instead of the upper left.
    """
    blocked = np.vstack([marks, taken])
    for step in _STEPS:
        for angle in _ANGLES:
            towards = np.array([np.cos(angle), np.sin(angle)]) * np.copysign(1.0, radius)
            middle = point + towards * (abs(radius) + step) + np.sign(towards.round(6)) * size / 2
            box = np.concatenate([middle - size / 2, middle + size / 2])
            if (box[:2] < inside[:2]).any() or (box[2:] > inside[2:]).any():
                continue
            if _meets(box[None], blocked):
                continue
            line = _line(point, box, abs(radius))
            if not _meets(np.hstack([line - 0.8, line + 0.8]), taken):
                return box
    return None


def _meets(boxes: Floats, others: Floats) -> bool:
    one, two = boxes[:, None], others[None]
    return bool(((one[..., :2] < two[..., 2:]) & (one[..., 2:] > two[..., :2])).all(axis=2).any())


def _line(point: Floats, box: Floats, radius: float) -> Floats:
    """Places on the line from a point to a box, in points, shape (12, 2) or none when near."""
    end = np.clip(point, box[:2], box[2:])
    if np.hypot(*(end - point)) < _NEAR + radius:
        return np.empty((0, 2))
    return point + (end - point) * _ALONG


def _write(axes: Axes, point: tuple[float, float], text: str, box: Floats, line: bool) -> None:
    """Write a label in a box given relative to its point."""
    middle, end = (box[:2] + box[2:]) / 2, np.clip(0.0, box[:2], box[2:])
    if line:
        axes.annotate(
            "", point, xytext=(float(end[0]), float(end[1])), textcoords="offset points", zorder=3,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.4, "shrinkA": 0,
                        "shrinkB": 1},
        )  # fmt: skip
    axes.annotate(
        text, point, xytext=(float(middle[0]), float(middle[1])), textcoords="offset points",
        ha="center", va="center", fontsize=_SIZE, color=INK, zorder=6, annotation_clip=False,
    )  # fmt: skip
