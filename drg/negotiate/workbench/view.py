"""The widgets of the workbench put together, and kept in step with the desk."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from drg.errors import DrgError
from drg.negotiate.workbench import blocks
from drg.negotiate.workbench.chart import chart
from drg.negotiate.workbench.controls import Picker, Rows, toolkit
from drg.negotiate.workbench.desk import Desk
from drg.negotiate.workbench.forms import (
    CompareForm,
    Form,
    MinutesForm,
    OfferForm,
    ProposalForm,
)
from drg.negotiate.workbench.style import STYLE
from drg.page.words import clean


class View:
    """All widgets.

    Attributes:
        box: the widget that holds the others.
        said: what was done last, or what went wrong, in one line.
    """

    def __init__(self, desk: Desk) -> None:
        w, say = toolkit(), desk.words
        self._desk, self._busy, self._stale = desk, False, False
        self.title, self.said = w.HTML(), w.HTML()
        self.neutral = w.Dropdown(options=[
            (say("总金额不变", "money stays"), "yuan"),
            (say("总权重不变", "weights stay"), "weights"),
            (say("其余不动", "others stay"), "none"),
        ], description=say("预算中性", "neutral"), style={"description_width": "76px"},
            layout=w.Layout(width="220px"))  # fmt: skip
        self.beyond = w.Checkbox(description=say("允许超出区间", "beyond the corridor"),
                                 indent=False, layout=w.Layout(width="150px"))  # fmt: skip
        self.reset = w.Button(description=say("恢复草案", "Back to draft"),
                              layout=w.Layout(width="auto"))  # fmt: skip
        self.picker, self.rows = Picker(desk, self.guarded), Rows(desk, self.guarded)
        self.tiles, self.chart = w.HTML(), w.HTML()
        self.payers, self.hospitals = w.HTML(), w.HTML()
        self.forms: dict[str, Form] = {
            "propose": ProposalForm(desk, self.guarded), "offer": OfferForm(desk, self.guarded),
            "compare": CompareForm(desk, self.guarded), "minutes": MinutesForm(desk, self.guarded),
        }  # fmt: skip
        self.tabs = w.Tab(
            children=[self.forms["propose"].box, self.payers, self.hospitals,
                      *(self.forms[name].box for name in ("offer", "compare", "minutes"))],
            titles=[say("申请", "Proposals"), say("谁得谁付", "Who pays"),
                    say("各医院", "Hospitals"), say("折中方案", "Offers"), say("比较", "Compare"),
                    say("会议纪要", "Minutes")], selected_index=0,
        )  # fmt: skip
        self.box = self._laid_out(w)
        self.neutral.observe(lambda c: self._chosen(c["new"]), "value")
        self.beyond.observe(lambda c: self.guarded(lambda: self._allow(c["new"])), "value")
        self.reset.on_click(lambda _: self.guarded(desk.reset))
        self.tabs.observe(lambda _: self.show_tab(), "selected_index")
        self.show()

    def _laid_out(self, w: Any) -> Any:
        left = w.VBox([
            self.picker.box, self.rows.box,
            w.HBox([self.neutral, self.beyond, self.reset], layout=w.Layout(flex_flow="row wrap")),
        ], layout=w.Layout(flex="1 1 340px", min_width="300px", max_width="560px"))  # fmt: skip
        right = w.VBox([self.tiles, self.chart],
                       layout=w.Layout(flex="2 1 430px", min_width="380px"))  # fmt: skip
        box = w.VBox([
            w.HTML(STYLE, layout=w.Layout(display="none")), self.title, self.said,
            w.HBox([left, right], layout=w.Layout(flex_flow="row wrap", align_items="flex-start",
                                                  overflow="visible")),
            self.tabs,
        ])  # fmt: skip
        box.add_class("drg-bench")
        self.chart.add_class("drg-bench-chart")
        return box

    def guarded(self, act: Callable[[], str | None]) -> None:
        """Do what a person asked for; what went wrong is one red line."""
        self._busy, text, kind = True, "", "good"
        try:
            text = act() or ""
        except (DrgError, OSError) as error:
            text, kind = str(error), "bad"
        finally:
            self._busy = False
        self.say(text, kind)
        self.show()

    def say(self, text: str, kind: str = "good") -> None:
        """Say something in the line under the title."""
        self.said.value = f"<div class='say {kind}' role='status'>{escape(clean(text, 600))}</div>"

    def _chosen(self, neutral: str) -> None:
        if neutral != self._desk.neutral:
            self.guarded(lambda: self._desk.set_neutral(neutral))

    def _allow(self, beyond: bool) -> None:
        self._desk.beyond = beyond

    def show(self) -> None:
        """Show what the desk has now."""
        if self._busy:
            return
        desk, seen = self._desk, self._desk.seen
        limit = desk.round.rules.largest_loss
        self.chart.value = chart(seen.hospitals, desk.words, limit=limit)
        self.tiles.value = blocks.tiles(seen, desk.words, limit)
        self.rows.show()
        self.neutral.value, self.beyond.value = desk.neutral, desk.beyond
        self.title.value = self._title()
        self.show_tab()

    def show_tab(self) -> None:
        """Show what is on the tab that is open; the others wait until they are opened."""
        desk, place = self._desk, self.tabs.selected_index
        if place == 1:
            self.payers.value = blocks.payers(desk.seen, desk.words)
        elif place == 2:
            self.hospitals.value = blocks.hospitals(desk.seen, desk.words)
        elif place is not None:
            name = {0: "propose", 3: "offer", 4: "compare", 5: "minutes"}[place]
            self.forms[name].show()

    def _title(self) -> str:
        state, say = self._desk.round.state, self._desk.words
        name = clean(state.init["title"] or state.init["round"])
        closed = say(" · 已结束", " · closed") if state.closed is not None else ""
        year, asked, entries = state.init["year"], len(state.open), len(state.entries)
        note = say(f"{year} 年数据 · 申请 {asked} 项 · 记录 {entries} 条",
                   f"data of {year} · {asked} proposals · {entries} entries")  # fmt: skip
        note += f"{closed} · {state.digest[:8]}"
        return f"<h3>{escape(name)} <small>{escape(note)}</small></h3>"
