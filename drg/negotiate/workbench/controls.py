"""Widgets of the workbench's left side (选病组，调权重): picker, and a slider for each group."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor
from typing import Any

from drg.errors import DrgError
from drg.negotiate.workbench.desk import DIGITS, Desk
from drg.page.blocks import Text
from drg.page.html import rendered

_FAR = (-60, 150)  # percent, when weights may leave the corridor
Guarded = Callable[[Callable[[], str | None]], None]


def toolkit() -> Any:
    """The module ``ipywidgets``.

    Raises:
        DrgError: it is not installed.
    """
    from importlib import import_module

    try:
        return import_module("ipywidgets")
    except ImportError:
        raise DrgError("the workbench needs ipywidgets and JupyterLab: "
                       "pip install 'drg-toolkit[notebooks]'") from None  # fmt: skip


class Picker:
    """Search for groups by code or name, and take some of them at hand.

    Args:
        desk: the desk.
        guarded: runs what a person asked for, and shows what went wrong.
    """

    def __init__(self, desk: Desk, guarded: Guarded) -> None:
        w, say = toolkit(), desk.words
        self._desk, self._guarded = desk, guarded
        wide = w.Layout(width="auto", flex="1 1 auto", min_width="0")
        self.search = w.Text(placeholder=say("搜索病组：编码或名称", "search groups: code or name"),
                             continuous_update=True, layout=wide)  # fmt: skip
        self.add = w.Button(description=say("加入", "Pick"), button_style="primary",
                            layout=w.Layout(width="84px", flex="0 0 auto"))  # fmt: skip
        self.found = w.SelectMultiple(rows=4, layout=w.Layout(width="auto", height="104px"))
        self.box = w.VBox([w.HBox([self.search, self.add]), self.found])
        self._list()
        self.search.observe(lambda _: self._list(), "value")
        self.add.on_click(lambda _: guarded(self._pick))

    def _list(self) -> None:
        desk = self._desk
        self.found.options = [
            (f"{desk.say(group)} · {desk.drafts[group]:.{DIGITS}f} · {desk.cases[group]:,}"
             + desk.words("例", " cases"), group)
            for group in desk.search(self.search.value)
        ]  # fmt: skip

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
        self._desk, self.group, self._quiet = desk, group, False
        self.name = w.HTML(layout=w.Layout(flex="1 1 auto", min_width="0", overflow="hidden"))
        self.away = w.Button(description="×", tooltip=desk.words("移除", "remove"),
                             layout=w.Layout(width="30px", height="26px", padding="0",
                                              flex="0 0 auto"))  # fmt: skip
        # whole percents: a browser sends other numbers back rounded, as if a person moved them
        self.slider = w.IntSlider(readout=False, layout=w.Layout(
            flex="1 1 auto", width="auto", min_width="0", margin="0 12px"))  # fmt: skip
        self.number = w.FloatText(step=10.0**-DIGITS,
                                  layout=w.Layout(width="112px", flex="0 0 auto"))  # fmt: skip
        self.box = w.VBox([w.HBox([self.name, self.away]), w.HBox([self.slider, self.number])],
                          layout=w.Layout(flex="0 0 auto", overflow="hidden"))  # fmt: skip
        self.box.add_class("row")
        self.show()
        self.slider.observe(lambda change: self._moved(
            guarded, lambda: desk.set_share(group, change["new"] / 100)), "value")  # fmt: skip
        self.number.observe(lambda change: self._moved(guarded, lambda: desk.set(
            group, change["new"])), "value")  # fmt: skip
        self.away.on_click(lambda _: guarded(lambda: desk.drop(group)))

    def _moved(self, guarded: Guarded, act: Callable[[], None]) -> None:
        if not self._quiet:
            guarded(act)

    def show(self) -> None:
        """Show what the desk has."""
        desk, group, say = self._desk, self.group, self._desk.words
        share, rules = desk.share(group), desk.round.rules
        low, high = ceil(-100 * rules.corridor_fall), floor(100 * rules.corridor_rise)
        if desk.beyond or desk.outside(group):
            low, high = min(low, _FAR[0]), max(high, _FAR[1])
        mark = say("超出区间", "beyond") if desk.outside(group) else ""
        note = (f"{say('草案', 'draft')} {desk.drafts[group]:.{DIGITS}f} · "
                f"{desk.cases[group]:,}{say('例', ' cases')}")  # fmt: skip
        self._quiet = True
        try:
            self.name.value = rendered(
                "bench.html.j2", say, part="row", name=desk.say(group), note=note, mark=mark,
                share=say.share(share, signed=True), down=share < 0,
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
        w = toolkit()
        self._desk, self._guarded = desk, guarded
        self.rows: dict[str, Row] = {}
        self.rest = w.HTML()
        self.box = w.VBox(layout=w.Layout(max_height="272px", overflow="hidden auto",
                                          display="flex"))  # fmt: skip
        self.show()

    def show(self) -> None:
        """Show what the desk has."""
        desk, say = self._desk, self._desk.words
        if list(self.rows) != desk.picked:
            self.rows = {
                group: self.rows.get(group) or Row(desk, group, self._guarded)
                for group in desk.picked
            }
            self.box.children = [*(row.box for row in self.rows.values()), self.rest]
        for row in self.rows.values():
            row.show()
        beside, text = len(desk.beside), ""
        if beside:
            text = say(
                f"另有 {beside} 个病组随方案调整", f"{beside} other groups move with the offer"
            )
        elif not self.rows:
            text = say("还没有选病组。", "No group is picked.")
        self.rest.value = rendered("bench.html.j2", say, part="blocks", look="",
                                   items=[Text(text, "quiet")])  # fmt: skip
