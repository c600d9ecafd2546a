"""Widgets of the workbench's left side (选病组，调权重): picker, and a slider for each group."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from math import ceil, floor
from typing import Any

from drg.errors import DrgError
from drg.language import say
from drg.negotiate.workbench.blocks import html
from drg.negotiate.workbench.desk import DIGITS, Desk
from drg.page.blocks import Text
from drg.page.html import rendered

_FAR = (-60, 150)  # percent, when weights may leave the corridor
Guarded = Callable[[Callable[[], str | None]], None]


def toolkit() -> Any:
    """The module ``ipywidgets``; an error says what to install when it is missing."""
    try:
        return import_module("ipywidgets")
    except ImportError:
        needed = "ipywidgets, JupyterLab: pip install 'drg-toolkit[notebooks]'"
        raise DrgError(say("工作台需要 ", "the workbench needs ") + needed) from None


class Picker:
    """Search for groups by code or name, and take some of them at hand."""

    def __init__(self, desk: Desk, guarded: Guarded) -> None:
        w, words, self._desk = toolkit(), desk.words, desk
        wide = {"width": "auto", "flex": "1 1 auto", "min_width": "0"}
        placeholder = words("搜索病组：编码或名称", "search groups: code or name")
        self.search = w.Text(placeholder=placeholder, layout=wide)
        self.add = w.Button(description=words("加入", "Pick"), button_style="primary",
                            layout={"width": "84px", "flex": "0 0 auto"})  # fmt: skip
        self.found = w.SelectMultiple(rows=4, layout={"width": "auto", "height": "104px"})
        self.box = w.VBox([w.HBox([self.search, self.add]), self.found])
        self._list()
        self.search.observe(lambda _: self._list(), "value")
        self.add.on_click(lambda _: guarded(self._pick))

    def _list(self) -> None:
        desk, unit = self._desk, self._desk.words("例", " cases")
        self.found.options = [
            (f"{desk.called(one)} · {desk.drafts[one]:.{DIGITS}f} · {desk.cases[one]:,}{unit}", one)
            for one in desk.search(self.search.value)
        ]

    def _pick(self) -> None:
        if not self.found.value:
            raise self._desk.wrong("请先在列表中选择病组（按住 Ctrl 可多选）",
                                   "choose groups in the list first")  # fmt: skip
        self._desk.pick(*self.found.value)
        self.found.value = ()


class Row:
    """One group at hand: its slider in percent of the draft, and its weight as a number."""

    def __init__(self, desk: Desk, group: str, guarded: Guarded) -> None:
        w = toolkit()
        self._desk, self.group, self._guarded, self._quiet = desk, group, guarded, False
        self.name = w.HTML(layout={"flex": "1 1 auto", "min_width": "0", "overflow": "hidden"})
        self.away = w.Button(description="×", tooltip=desk.words("移除", "remove"), layout={
            "width": "30px", "height": "26px", "padding": "0", "flex": "0 0 auto"})  # fmt: skip
        # whole percents: a browser sends other numbers back rounded, as if a person moved them
        self.slider = w.IntSlider(readout=False, layout={
            "flex": "1 1 auto", "width": "auto", "min_width": "0", "margin": "0 12px"})  # fmt: skip
        self.number = w.FloatText(step=10.0**-DIGITS,
                                  layout={"width": "112px", "flex": "0 0 auto"})  # fmt: skip
        self.box = w.VBox([w.HBox([self.name, self.away]), w.HBox([self.slider, self.number])],
                          layout={"flex": "0 0 auto", "overflow": "hidden"})  # fmt: skip
        self.box.add_class("row")
        self.show()
        self.slider.observe(lambda c: self._do(lambda: desk.set_share(group, c["new"] / 100)),
                            "value")  # fmt: skip
        self.number.observe(lambda c: self._do(lambda: desk.set(group, c["new"])), "value")
        self.away.on_click(lambda _: guarded(lambda: desk.drop(group)))

    def _do(self, act: Callable[[], None]) -> None:
        if not self._quiet:  # moved by a person, not by what is shown
            self._guarded(act)

    def show(self) -> None:
        """Show what the desk has."""
        desk, group, words, rules = self._desk, self.group, self._desk.words, self._desk.round.rules
        share, outside = desk.share(group), desk.outside(group)
        low, high = ceil(-100 * rules.corridor_fall), floor(100 * rules.corridor_rise)
        if desk.beyond or outside:
            low, high = min(low, _FAR[0]), max(high, _FAR[1])
        note = f" {desk.drafts[group]:.{DIGITS}f} · {desk.cases[group]:,}"
        self._quiet = True
        try:
            self.name.value = rendered(
                "bench.html.j2", words, part="row", name=desk.called(group), down=share < 0,
                share=words.share(share, signed=True), mark=words("超出区间", "beyond") if outside
                else "", note=words(f"草案{note}例", f"draft{note} cases"),
            )  # fmt: skip
            with self.slider.hold_sync():
                self.slider.min, self.slider.max = min(low, self.slider.min), high
                self.slider.value = min(max(round(100 * share), low), high)
                self.slider.min = low
                self.slider.disabled = self.number.disabled = group in rules.frozen
            self.number.value = round(desk.weight(group), DIGITS)
        finally:
            self._quiet = False


class Rows:
    """The groups at hand, one row each, in a box that scrolls."""

    def __init__(self, desk: Desk, guarded: Guarded) -> None:
        w, self._desk, self._guarded = toolkit(), desk, guarded
        self.rows: dict[str, Row] = {}
        self.rest = w.HTML()
        self.box = w.VBox(layout={"max_height": "272px", "overflow": "hidden auto",
                                  "display": "flex"})  # fmt: skip
        self.show()

    def show(self) -> None:
        """Show what the desk has."""
        desk, words, text = self._desk, self._desk.words, ""
        if list(self.rows) != desk.picked:
            self.rows = {group: self.rows.get(group) or Row(desk, group, self._guarded)
                         for group in desk.picked}  # fmt: skip
            self.box.children = [*(row.box for row in self.rows.values()), self.rest]
        for row in self.rows.values():
            row.show()
        if beside := len(desk.beside):
            text = words(f"另有 {beside} 个病组随方案调整",
                         f"{beside} other groups move with the offer")  # fmt: skip
        elif not self.rows:
            text = words("还没有选病组。", "No group is picked.")
        self.rest.value = html(words, Text(text, "quiet"))
