"""Curves of the nine outlier rules (极端病例支付曲线): payment over cost, drawn from the engine.

``python -m drg.report.outlier_curves FOLDER`` writes them as SVG; those of the documentation
stand in ``docs/payment/curves``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from budget.cases.claims import Claims
from budget.cases.hospitals import hospitals_of
from budget.policy import Policy, load_policy
from budget.price.branches import CODES
from budget.price.case import price
from budget.price.grid import Grid, build_grid
from budget.price.history import History
from drg.errors import problem
from drg.plots import Picture, picture, save
from drg.plots.picture import BLUE, GREY, INK, ORANGE, PALE, SKY, VERMILION

Floats = npt.NDArray[np.float64]
_END = 4.5  # times the standard
_NEAR = 1e-4  # times the standard: more than a fen
_ALPHA = 0.3
_HATCH = (GREY, 0.4)
_LEFT, _BOTTOM, _WIDTH, _HEIGHT = 15.0, 26.0, 160.0, 88.0  # mm


@dataclass(frozen=True)
class Curve:
    """A rule as some place uses it.

    Attributes:
        letter: of the rule.
        policy: the shipped policy that has it.
        formula: what is paid above T.
        place: where, in Chinese and English.
        changes: what is laid over the policy, for places that have no policy here.
    """

    letter: str
    policy: str
    formula: str
    place: tuple[str, str]
    changes: dict[str, Any] | None = None


def _over(low: float, high: float, **rule: Any) -> dict[str, Any]:
    return {"outliers": {
        "source": "rules in use", "low": {"thresholds": [{"value": low}]},
        "high": {"thresholds": [{"value": high}], **rule},
    }}  # fmt: skip


_BANDS = [{"upto": 2.5, "cost": 1.0, "standard": -0.4}, {"above": 2.5, "cost": 0, "standard": 2.1}]
CURVES: dict[str, Curve] = {one.letter: one for one in (
    Curve("A", "changzhi", "S", ("长治", "Changzhi")),
    Curve("B", "luan-2025", "c", ("六安二级医院", "Lu'an, tier 2")),
    Curve("C", "hangzhou-type", "S + M×RW×(r − T)", ("杭州型，k = 1", "Hangzhou type, k = 1")),
    Curve("D", "huaibei-2025", "c − (T − 1)×S", ("淮北，界限为默认值", "Huaibei, default limits")),
    Curve("E", "qingdao-2023", "c − S", ("青岛，职工", "Qingdao, employees")),
    Curve("F", "linfen-2022", "S×[1 + 0.7×(r − T)]", ("临汾", "Linfen")),
    Curve("G", "national-default", "S×[1.7 + 0.5×(r − T)]",
          ("哈尔滨，L 为默认值", "Harbin, default L"),
          _over(0.4, 2.0, rule="step_share", step=1.7, share=0.5)),
    Curve("H", "national-default", "c − 0.4×S", ("成都", "Chengdu"),
          _over(0.7, 1.4, rule="cost_minus_part", part=0.4)),
    Curve("I", "national-default", "(r − 0.4)×S; r > 2.5: 2.1×S", ("银川", "Yinchuan"),
          _over(0.8, 1.4, rule="banded", bands=_BANDS)),
)}  # fmt: skip

_WORDS = {
    "title": ("规则 {letter}　高倍率病例支付 {formula}",
              "Rule {letter}: a high case is paid {formula}"),
    "below": ("{place}，权重 RW = 1；低于 L 按实际费用支付。c 病例费用，S 支付标准，r = c / S",
              "{place}, weight RW = 1; paid its cost below L. c cost, S standard, r = c / S"),
    "x": ("病例费用 c（支付标准 S 的倍数）", "Cost of the case c, in multiples of the standard S"),
    "y": ("支付额（S 的倍数）", "Payment, in multiples of S"),
    "paid": ("支付额", "Payment"),
    "cost": ("等于费用", "Equal to cost"),
    "gain": ("医院结余", "Hospital gains"),
    "loss": ("医院亏损", "Hospital loses"),
    "at": ("恰在界限时", "At the limit"),
    "low": ("低倍率", "low"), "normal": ("正常倍率", "normal"), "high": ("高倍率", "high"),
}  # fmt: skip


@dataclass(frozen=True)
class _Points:
    """A rule worked out by the engine; costs and payments in multiples of the standard."""

    low: float
    high: float
    breaks: Floats
    paid: Floats
    pieces: list[tuple[Floats, Floats]]


def curve(letter: str, lang: str = "zh") -> Picture:
    """Draw a rule: what a case is paid over what it cost.

    Args:
        letter: A to I.
        lang: ``zh`` or ``en``.

    Raises:
        DrgError: there is no such rule or language.
    """
    if letter not in CURVES:
        raise problem("no such rule", key="letter", found=letter, expected="A to I")
    found = _points(CURVES[letter])
    return picture(lambda page: _draw(page, CURVES[letter], found), _BOTTOM + _HEIGHT + 24, lang)


def write(folder: str | Path) -> list[Path]:
    """Write all curves as SVG, in Chinese, ``rule-a.svg`` to ``rule-i.svg``."""
    paths = []
    for letter in CURVES:
        path = Path(folder) / f"rule-{letter.lower()}.svg"
        save(curve(letter), path)
        paths.append(path)
    return paths


def _points(one: Curve) -> _Points:
    policy = load_policy(one.policy, *([one.changes] if one.changes else []))
    grid = _grid(policy)
    low, high = float(grid.low[0, 0, 0]), float(grid.high[0, 0, 0])
    held = policy.outliers.low
    more = [held.band.upto] if held is not None and held.band is not None else []
    rule = policy.outliers.high
    if rule is not None and rule.bands is not None:
        more += [band.upto for band in rule.bands if band.upto is not None]
    breaks = np.array(sorted({low, high, *more}))
    pieces = []
    for start, end in pairwise([0.0, *breaks, _END]):
        costs = np.linspace(start + _NEAR, end - _NEAR, 33)
        pieces.append((costs, _paid(grid, costs)))
    # A limit may lie between two fen: T includes the fen below it, L the one above.
    standard = float(grid.standard[0, 0, 0])
    fen = np.round(breaks * standard * 100, 4)
    paid = _paid(grid, np.where(breaks >= high, np.floor(fen), np.ceil(fen)) / standard / 100)
    return _Points(low, high, breaks, paid, pieces)


def _grid(policy: Policy) -> Grid:
    """One group of weight 1 in one tier-2 city hospital, at a mean cost of 10,000 yuan."""
    hospitals = hospitals_of(pd.DataFrame({
        "hospital_id": ["H"], "tier": ["2"], "level": ["city"],
    }))  # fmt: skip
    history = History(np.array([[100.0]]), np.array([[1_000_000.0]]))
    columns = {"group_type": np.array([""]), "resident_class": np.array([""])}
    return build_grid(policy, ("G",), np.array([1.0]), hospitals, 2025, history, columns)


def _paid(grid: Grid, costs: Floats) -> Floats:
    """What the engine pays employees' cases, in multiples of the standard."""
    standard = float(grid.standard[0, 0, 0])
    fen = np.round(costs * standard * 100).astype(np.int64)
    found = price(_claims(np.maximum(fen, 1)), grid)
    assert {CODES[place] for place in found.branch} <= {"low", "normal", "high"}
    return np.asarray(found.amount / standard)


def _claims(cost: npt.NDArray[np.int64]) -> Claims:
    size = len(cost)
    zero, unknown = np.zeros(size, np.int8), np.full(size, np.nan, np.float32)
    places = np.zeros(size, np.int32)
    return Claims(
        group=places, kind=zero, hospital=places, insurance=zero, month=zero, cost=cost,
        stay=unknown, age=unknown, mode=zero, tcm_share=unknown, disease=zero - 1,
        technology=zero - 1, amounts={}, flags={}, population=np.zeros(size, np.int16),
        populations=("",),
    )  # fmt: skip


def _draw(page: Picture, one: Curve, found: _Points) -> None:
    page.heading(
        page.say(_WORDS["title"], letter=one.letter, formula=one.formula),
        page.say(_WORDS["below"], place=page.say(one.place)),
    )
    axes = page.axes_at(_LEFT, _BOTTOM, _WIDTH, _HEIGHT)
    axes.set(xlim=(0, _END), ylim=(0, _END))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(0.5))
    axes.set_axisbelow(True)
    axes.grid(color=PALE, linewidth=0.5)
    axes.set_xlabel(page.say(_WORDS["x"]))
    axes.set_ylabel(page.say(_WORDS["y"]))
    _bands(page, axes, found)
    axes.plot([0, _END], [0, _END], color=GREY, linewidth=1.1, linestyle=(0, (5, 3)), zorder=2)
    for costs, paid in found.pieces:
        for above, colour, hatch in ((True, SKY, None), (False, ORANGE, "////")):
            where = paid > costs + 2 * _NEAR if above else paid < costs - 2 * _NEAR
            axes.fill_between(costs, costs, paid, where=list(where), facecolor=(colour, _ALPHA),
                              edgecolor=_HATCH, hatch=hatch, linewidth=0, zorder=1)  # fmt: skip
        axes.plot(costs, paid, color=BLUE, linewidth=2.4, zorder=4, solid_capstyle="butt")
    _breaks(axes, found)
    _legend(page)


def _bands(page: Picture, axes: Axes, found: _Points) -> None:
    """L and T as lines with their values, and what a case is called between them."""
    for name, value in (("L", found.low), ("T", found.high)):
        axes.axvline(value, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
        axes.annotate(f"{name} = {value:g}", (value, _END), xytext=(2, -2), ha="left", va="top",
                      textcoords="offset points", fontsize=8.5, color=INK, zorder=6)  # fmt: skip
    edges = (0.0, found.low, found.high, _END)
    for name, (start, end) in zip(("low", "normal", "high"), pairwise(edges), strict=True):
        axes.annotate(page.say(_WORDS[name]), ((start + end) / 2, _END), xytext=(0, 4),
                      textcoords="offset points", ha="center", va="baseline", fontsize=9,
                      color=GREY, annotation_clip=False)  # fmt: skip


def _breaks(axes: Axes, found: _Points) -> None:
    """Where the payment jumps: a full mark at what is paid, a hollow one where it is not."""
    for place, (at, (before, after)) in enumerate(
        zip(found.breaks, pairwise(found.pieces), strict=True)
    ):
        ends = (float(before[1][-1]), float(after[1][0]))
        if abs(ends[1] - ends[0]) < 0.01:
            continue
        paid = float(found.paid[place])
        axes.plot([at, at], ends, color=VERMILION, linewidth=1.0, linestyle=(0, (2, 2)), zorder=3)
        for end in ends:
            full = abs(end - paid) < 0.01
            axes.plot([at], [end], marker="o", markersize=6.5, zorder=5, color=BLUE,
                      markerfacecolor=BLUE if full else "white", markeredgewidth=1.4)  # fmt: skip


def _legend(page: Picture) -> None:
    key = page.axes_at(0, 2, 180, 10)
    key.set(xlim=(0, 180), ylim=(0, 10))
    key.axis("off")
    parts: Sequence[tuple[str, dict[str, Any]]] = (
        ("paid", {"color": BLUE, "linewidth": 2.4}),
        ("cost", {"color": GREY, "linewidth": 1.1, "linestyle": (0, (5, 3))}),
        ("gain", {"color": SKY}), ("loss", {"color": ORANGE}),
        ("at", {"color": BLUE, "marker": "o", "markersize": 6.5, "linestyle": "none"}),
    )  # fmt: skip
    for place, (words, style) in enumerate(parts):
        x = _LEFT + 33 * place
        if words in ("gain", "loss"):
            key.fill_between([x, x + 7], 3.4, 6.6, facecolor=(style["color"], _ALPHA),
                             edgecolor=_HATCH, linewidth=0,
                             hatch="////" if words == "loss" else None)  # fmt: skip
        elif "marker" in style:
            key.plot([x + 3.5], [5], **style)
        else:
            key.plot([x, x + 7], [5, 5], **style)
        page.write(x + 9, 5.9, page.say(_WORDS[words]), 8.5)


if __name__ == "__main__":
    write(sys.argv[1])
