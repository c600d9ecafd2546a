"""Forms of the workbench (申请、折中、比较、纪要): what a person fills in, and what comes of it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Protocol

from drg.negotiate.workbench import blocks
from drg.negotiate.workbench.controls import Guarded, toolkit
from drg.negotiate.workbench.desk import OBJECTIVES, Desk
from drg.page.words import clean

_TYPES = {".html": "text/html",
          ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}  # fmt: skip


def _wide(**more: str) -> Any:
    return toolkit().Layout(**{"width": "auto", "flex": "1 1 220px", "min_width": "0", **more})


def _button(text: str, kind: str = "") -> Any:
    return toolkit().Button(description=text, button_style=kind, layout={"width": "auto"})


class Form(Protocol):
    """What is on a tab."""

    box: Any

    def show(self) -> None:
        """Show what the desk has now."""


class ProposalForm:
    """Save the weights on trial as proposals (保存为申请)."""

    def __init__(self, desk: Desk, guarded: Guarded) -> None:
        w, say = toolkit(), desk.words
        self._desk = desk
        self.party = w.Dropdown(options=[
            (say("医保局", "bureau"), "bureau"), (say("医疗机构", "hospital"), "hospital"),
            (say("专家组", "panel"), "panel"),
        ], layout=_wide(flex="0 0 130px"))  # fmt: skip
        names = desk.round.context.hospital_names
        self.hospital = w.Dropdown(
            options=[(say("（选择医疗机构）", "(choose a hospital)"), ""),
                     *((f"{clean(name) or key} {key}", key) for key, name in names.items())],
            layout=_wide(flex="0 1 280px", display="none"),
        )  # fmt: skip
        self.reason = w.Text(placeholder=say("理由（必填）", "reason (needed)"), layout=_wide())
        self.evidence = w.Text(placeholder=say("依据，如附件编号", "evidence"), layout=_wide())
        self.save = _button(say("保存为申请", "Save as proposal"), "success")
        self.list = w.HTML()
        self.box = w.VBox([
            w.HBox([self.party, self.hospital, self.reason, self.evidence, self.save],
                   layout=w.Layout(flex_flow="row wrap")), self.list,
        ])  # fmt: skip
        self.party.observe(self._shown, "value")
        self.save.on_click(lambda _: guarded(self._save))

    def _shown(self, change: Any) -> None:
        self.hospital.layout.display = None if change["new"] == "hospital" else "none"

    def _save(self) -> str:
        saved = self._desk.propose(
            self.reason.value, party=self.party.value, hospital_id=self.hospital.value,
            evidence=self.evidence.value,
        )  # fmt: skip
        self.reason.value = self.evidence.value = ""
        ids = self._desk.words("、", ", ").join(saved)
        return self._desk.words(
            f"已保存 {ids}，并记录了影响测算",
            f"Saved {ids}, with the impact that was seen",
        )

    def show(self) -> None:
        """Show what would be saved, and the proposals on record."""
        desk = self._desk
        self.list.value = blocks.moved(desk) + blocks.proposals(desk.round.state, desk)


class OfferForm:
    """Ask the solver, look at its offer, load it, accept it (折中方案)."""

    def __init__(self, desk: Desk, guarded: Guarded) -> None:
        w, say = toolkit(), desk.words
        self._desk = desk
        aims = [(say.of(pair), key) for key, pair in OBJECTIVES.items()]
        self.objective = w.Dropdown(options=aims, layout=_wide(flex="0 1 260px"))
        self.solve = _button(say("求折中方案", "Solve"), "primary")
        self.source = w.Dropdown(options=self._sources(), layout=_wide(flex="0 1 330px"))
        self.load = _button(say("载入", "Load"))
        self.reason = w.Text(placeholder=say("接受的理由（必填）", "why it is accepted (needed)"),
                             layout=_wide())  # fmt: skip
        self.accept = _button(say("接受此方案", "Accept"), "success")
        self.told = w.HTML()
        wrap = w.Layout(flex_flow="row wrap")
        self.box = w.VBox([
            w.HBox([self.objective, self.solve, self.source, self.load], layout=wrap),
            w.HBox([self.reason, self.accept], layout=wrap), self.told,
        ])  # fmt: skip
        self.solve.on_click(lambda _: guarded(self._solve))
        self.load.on_click(lambda _: guarded(self._load))
        self.accept.on_click(lambda _: guarded(self._accept))
        self.source.observe(lambda _: self._tell(), "value")

    def _sources(self) -> list[tuple[str, str]]:
        return [(called, key) for key, called in self._desk.standing().items()]

    def _solve(self) -> str:
        name = self._desk.solve(self.objective.value)
        self.show()
        self.source.value = name
        return self._desk.words(
            f"求得折中方案 {name}，可载入查看", f"Offer {name} is there; load it to see it"
        )

    def _load(self) -> str:
        self._desk.load(self.source.value)
        return self._desk.words("已载入：", "Loaded: ") + self._desk.standing()[self.source.value]

    def _accept(self) -> str:
        name = self.source.value
        self._desk.accept(name, self.reason.value)
        self.reason.value = ""
        return self._desk.words(f"已接受 {name}", f"Accepted {name}")

    def _tell(self) -> None:
        offers = self._desk.round.state.offers
        body = offers.get(self.source.value or "")
        self.told.value = blocks.offer(body, self._desk) if body else ""

    def show(self) -> None:
        """Show what can be loaded."""
        options = self._sources()
        if list(self.source.options) != options:
            before = self.source.value
            self.source.options = options
            keys = [key for _, key in options]
            self.source.value = before if before in keys else keys[-1]
        self._tell()


class CompareForm:
    """Scenarios and rounds side by side (方案比较)."""

    def __init__(self, desk: Desk, guarded: Guarded) -> None:
        w, say = toolkit(), desk.words
        self._desk = desk
        self.name = w.Text(placeholder=say("名称，如 第一轮", "name, such as round 1"),
                           layout=_wide(flex="0 1 200px"))  # fmt: skip
        self.what = w.Dropdown(options=self._sources(), layout=_wide(flex="0 1 300px"))
        self.keep = _button(say("记入比较", "Keep"), "primary")
        self.other = w.Text(placeholder=say("另一轮次的文件夹", "folder of another round"),
                            layout=_wide(flex="0 1 240px"))  # fmt: skip
        self.add = _button(say("加入该轮次", "Add round"))
        self.clear = _button(say("清空", "Clear"))
        self.table = w.HTML()
        self.box = w.VBox([w.HBox(
            [self.name, self.what, self.keep, self.other, self.add, self.clear],
            layout=w.Layout(flex_flow="row wrap")), self.table])  # fmt: skip
        self.keep.on_click(lambda _: guarded(self._keep))
        self.add.on_click(lambda _: guarded(self._add))
        self.clear.on_click(lambda _: guarded(desk.forget))

    def _sources(self) -> list[tuple[str, str]]:
        named = [(called, key) for key, called in self._desk.standing().items()]
        return [(self._desk.words("当前权重", "weights on trial"), ""), *named]

    def _keep(self) -> str:
        called = self._desk.keep(self.name.value, self.what.value)
        self.name.value = ""
        return self._desk.words(f"已记入比较：{called}", f"Kept: {called}")

    def _add(self) -> str:
        called = self._desk.keep_round(self.other.value.strip())
        self.other.value = ""
        return self._desk.words(f"已加入：{called}", f"Added: {called}")

    def show(self) -> None:
        """Show the comparison."""
        desk = self._desk
        options = self._sources()
        if list(self.what.options) != options:
            before = self.what.value
            self.what.options = options
            self.what.value = before
        self.table.value = blocks.comparison(desk.comparison(), desk.hospitals_compared(),
                                             desk.words)  # fmt: skip


class MinutesForm:
    """Export the minutes (导出会议纪要)."""

    def __init__(self, desk: Desk, guarded: Guarded) -> None:
        w, say = toolkit(), desk.words
        self._desk = desk
        self.export = _button(
            say("导出会议纪要（网页和 Excel）", "Export minutes (page and Excel)"), "primary"
        )
        self.files = w.HTML()
        self.box = w.VBox([w.HBox([self.export]), self.files])
        self.export.on_click(lambda _: guarded(self._export))

    def _export(self) -> str:
        files = self._desk.export()
        self.files.value = links(files)
        names = "、".join(path.name for path in files)
        return self._desk.words(
            f"已写入轮次文件夹：{names}", f"Written to the round's folder: {names}"
        )

    def show(self) -> None:
        """Nothing changes by itself."""


def links(files: Sequence[Path]) -> str:
    """Links that carry the files themselves, so that a browser elsewhere can save them."""
    return "<p>" + "".join(
        f"<a class='file' download='{escape(path.name)}' href='data:{_TYPES[path.suffix]};base64,"
        f"{base64.b64encode(path.read_bytes()).decode()}'>{escape(path.name)}</a>"
        for path in files if path.suffix in _TYPES
    ) + "</p>"  # fmt: skip
