"""The widgets of the workbench put together, and kept in step with the desk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from drg.errors import DrgError
from drg.language import speaking
from drg.negotiate.workbench import blocks, forms
from drg.negotiate.workbench.chart import chart
from drg.negotiate.workbench.controls import Picker, Rows, toolkit
from drg.negotiate.workbench.desk import Desk
from drg.page.html import rendered
from drg.page.words import clean

_LONGEST = 600
_EVERY = 3.0  # seconds
_TABS = {"propose": forms.ProposalForm, "payers": forms.PayersTab, "hospitals": forms.HospitalsTab,
         "offer": forms.OfferForm, "compare": forms.CompareForm,
         "minutes": forms.MinutesForm}  # fmt: skip


class View:
    """All widgets; ``box`` holds the others."""

    def __init__(self, desk: Desk) -> None:
        w, say = toolkit(), desk.words
        self._desk, self._busy = desk, False
        self.title, self.tiles, self.chart = w.HTML(), w.HTML(), w.HTML()
        self.said = w.HTML()  # what was done last, or what went wrong, in one line
        self.neutral = w.Dropdown(options=[
            (say("总金额不变", "money stays"), "yuan"),
            (say("总权重不变", "weights stay"), "weights"),
            (say("其余不动", "others stay"), "none"),
        ], description=say("预算中性", "neutral"), style={"description_width": "76px"},
            layout={"width": "220px"})  # fmt: skip
        self.beyond = w.Checkbox(description=say("允许超出区间", "beyond the corridor"),
                                 indent=False, layout={"width": "150px"})  # fmt: skip
        self.reset = w.Button(description=say("恢复草案", "Back to draft"),
                              layout={"width": "auto"})  # fmt: skip
        self.picker, self.rows = Picker(desk, self.guarded), Rows(desk, self.guarded)
        self.forms = {name: form(desk, self.guarded) for name, form in _TABS.items()}
        self.tabs = w.Tab(children=[form.box for form in self.forms.values()], selected_index=0,
                          titles=[say.of(form.title) for form in self.forms.values()])  # fmt: skip
        self.box = self._laid_out(w)
        self.neutral.observe(lambda c: self._chosen(c["new"]), "value")
        self.beyond.observe(lambda c: self.guarded(lambda: self._allow(c["new"])), "value")
        self.reset.on_click(lambda _: self.guarded(desk.reset))
        self.tabs.observe(lambda _: self.show_tab(), "selected_index")
        self.show()
        with suppress(RuntimeError):  # no loop: not in a notebook
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    def _laid_out(self, w: Any) -> Any:
        wrap = {"flex_flow": "row wrap"}
        left = w.VBox([
            self.picker.box, self.rows.box,
            w.HBox([self.neutral, self.beyond, self.reset], layout=wrap),
        ], layout={"flex": "1 1 340px", "min_width": "300px", "max_width": "560px"})  # fmt: skip
        right = w.VBox([self.tiles, self.chart],
                       layout={"flex": "2 1 430px", "min_width": "380px"})  # fmt: skip
        style = w.HTML(rendered("bench.html.j2", self._desk.words, part="style"),
                       layout={"display": "none"})  # fmt: skip
        both = w.HBox([left, right], layout={**wrap, "align_items": "flex-start",
                                             "overflow": "visible"})  # fmt: skip
        box = w.VBox([style, self.title, self.said, both, self.tabs])
        box.add_class("drg-bench")
        self.chart.add_class("drg-bench-chart")
        return box

    def guarded(self, act: Callable[[], str | None]) -> None:
        """Do what a person asked for; what went wrong is one red line."""
        self._busy, text, look = True, "", "good"
        try:
            with speaking(self._desk.words.lang):
                text = act() or ""
        except (DrgError, OSError) as error:
            text, look = str(error), "bad"
        finally:
            self._busy = False
        self.said.value = rendered("bench.html.j2", self._desk.words, part="said", look=look,
                                   text=clean(text, _LONGEST))  # fmt: skip
        self.show()

    def refresh(self) -> None:
        """Show what others put on record since, and that they did."""
        if news := self._desk.news():
            self.guarded(lambda: news)

    async def _watch(self) -> None:
        """Look every few seconds, as long as the kernel runs, whether others wrote."""
        while True:
            await asyncio.sleep(_EVERY)
            with suppress(DrgError, OSError):  # damaged or away: the next act says so
                self.refresh()

    def _chosen(self, neutral: str) -> None:
        if neutral != self._desk.neutral:
            self.guarded(lambda: self._desk.set_neutral(neutral))

    def _allow(self, beyond: bool) -> None:
        self._desk.beyond = beyond

    def show(self) -> None:
        """Show what the desk has now."""
        if self._busy:
            return
        desk, seen, limit = self._desk, self._desk.seen, self._desk.round.rules.largest_loss
        self.chart.value = chart(seen.hospitals, desk.words, limit=limit)
        self.tiles.value = blocks.html(desk.words, blocks.figures(
            seen, desk.words, limit, unbalanced=desk.unbalanced))  # fmt: skip
        self.rows.show()
        self.neutral.value, self.beyond.value = desk.neutral, desk.beyond
        self.title.value = self._title()
        self.show_tab()

    def show_tab(self) -> None:
        """Show what is on the tab that is open; the others wait until they are opened."""
        if self.tabs.selected_index is not None:
            list(self.forms.values())[self.tabs.selected_index].show()

    def _title(self) -> str:
        state, say = self._desk.round.state, self._desk.words
        closed = say(" · 已结束", " · closed") if state.closed is not None else ""
        year, asked, entries = state.init["year"], len(state.open), len(state.entries)
        note = say(f"{year} 年数据 · 申请 {asked} 项 · 记录 {entries} 条",
                   f"data of {year} · {asked} proposals · {entries} entries")  # fmt: skip
        return rendered("bench.html.j2", say, part="title",
                        name=clean(state.init["title"] or state.init["round"]),
                        note=f"{note}{closed} · {state.digest[:8]}")  # fmt: skip
