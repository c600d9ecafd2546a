"""Tabs of the workbench (申请、得失、折中、比较、纪要): what is filled in, and what comes of it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from drg.negotiate.workbench import blocks
from drg.negotiate.workbench.controls import Guarded, toolkit
from drg.negotiate.workbench.desk import OBJECTIVES, Desk
from drg.page.html import rendered
from drg.page.words import clean

_WIDE = {"width": "auto", "min_width": "0"}


class Form:
    """What is on a tab: rows of widgets, and below them what there is to tell."""

    title: ClassVar[tuple[str, str]]

    def __init__(self, desk: Desk, guarded: Guarded) -> None:
        self._w, self._desk, self._say, self._guarded = toolkit(), desk, desk.words, guarded
        self.told = self._w.HTML()
        rows = [self._w.HBox(row, layout={"flex_flow": "row wrap"}) for row in self._rows()]
        self.box = self._w.VBox([*rows, self.told])

    def _rows(self) -> list[list[Any]]:
        """Its widgets."""
        return []

    def show(self) -> None:
        """Show what the desk has now."""

    def _button(self, zh: str, en: str, act: Callable[[], str | None], look: str = "") -> Any:
        made = self._w.Button(description=self._say(zh, en), button_style=look,
                              layout={"width": "auto"})  # fmt: skip
        made.on_click(lambda _: self._guarded(act))
        return made

    def _text(self, zh: str, en: str, flex: str = "1 1 220px") -> Any:
        return self._w.Text(placeholder=self._say(zh, en), layout=_WIDE | {"flex": flex})

    def _choice(self, options: Sequence[tuple[str, str]], flex: str) -> Any:
        return self._w.Dropdown(options=options, layout=_WIDE | {"flex": flex})

    def _sources(self) -> list[tuple[str, str]]:
        return [(called, key) for key, called in self._desk.standing().items()]

    def _offer(self, choice: Any) -> None:
        """Offer what can be loaded now; what was chosen stays, if it is still there."""
        options = self._sources()
        if list(choice.options) != options:
            before, keys = choice.value, [key for _, key in options]
            choice.options = options
            choice.value = before if before in keys else keys[-1]


class ProposalForm(Form):
    """Save the weights on trial as proposals (保存为申请)."""

    title = ("申请", "Proposals")

    def _rows(self) -> list[list[Any]]:
        say, names = self._say, self._desk.round.context.hospital_names
        parties = [(say.of(pair), key) for key, pair in blocks.PARTIES.items()]
        self.party = self._choice(parties, "0 0 130px")
        self.hospital = self._choice([
            (say("（选择医疗机构）", "(choose a hospital)"), ""),
            *((f"{clean(name) or key} {key}", key) for key, name in names.items()),
        ], "0 1 280px")  # fmt: skip
        self.reason = self._text("理由（必填）", "reason (needed)")
        self.evidence = self._text("依据，如附件编号", "evidence")
        self.save = self._button("保存为申请", "Save as proposal", self._save, "success")
        self.party.observe(lambda _: self.show(), "value")
        return [[self.party, self.hospital, self.reason, self.evidence, self.save]]

    def _save(self) -> str:
        ids = self._say.joined(self._desk.propose(
            self.reason.value, party=self.party.value, hospital_id=self.hospital.value,
            evidence=self.evidence.value))  # fmt: skip
        self.reason.value = self.evidence.value = ""
        return self._say(f"已保存 {ids}，并记录了影响测算", f"Saved {ids} and the impact seen")

    def show(self) -> None:  # noqa: D102
        self.hospital.layout.display = None if self.party.value == "hospital" else "none"
        self.told.value = blocks.proposals(self._desk.round.state, self._desk)


class PayersTab(Form):
    """Who gains and who pays (谁受益，谁承担)."""

    title = ("谁得谁付", "Who pays")

    def show(self) -> None:  # noqa: D102
        self.told.value = blocks.payers(self._desk.seen, self._say)


class HospitalsTab(Form):
    """All hospitals (各医疗机构)."""

    title = ("各医院", "Hospitals")

    def show(self) -> None:  # noqa: D102
        self.told.value = blocks.hospitals(self._desk.seen, self._say)


class OfferForm(Form):
    """Ask the solver, look at its offer, load it, accept it (折中方案)."""

    title = ("折中方案", "Offers")

    def _rows(self) -> list[list[Any]]:
        aims = [(self._say.of(pair), key) for key, pair in OBJECTIVES.items()]
        self.objective = self._choice(aims, "0 1 260px")
        self.solve = self._button("求折中方案", "Solve", self._solve, "primary")
        self.source = self._choice(self._sources(), "0 1 330px")
        self.load = self._button("载入", "Load", self._load)
        self.reason = self._text("接受的理由（必填）", "why it is accepted (needed)")
        self.accept = self._button("接受此方案", "Accept", self._accept, "success")
        self.source.observe(lambda _: self._tell(), "value")
        return [[self.objective, self.solve, self.source, self.load], [self.reason, self.accept]]

    def _solve(self) -> str:
        name = self._desk.solve(self.objective.value)
        self.show()
        self.source.value = name
        return self._say(f"求得折中方案 {name}，可载入查看", f"Offer {name} can be loaded now")

    def _load(self) -> str:
        self._desk.load(self.source.value)
        return self._say("已载入：", "Loaded: ") + self._desk.standing()[self.source.value]

    def _accept(self) -> str:
        name = self.source.value
        self._desk.accept(name, self.reason.value)
        self.reason.value = ""
        return self._say(f"已接受 {name}", f"Accepted {name}")

    def _tell(self) -> None:
        body = self._desk.round.state.offers.get(self.source.value or "")
        self.told.value = blocks.offer(body, self._desk) if body else ""

    def show(self) -> None:  # noqa: D102
        self._offer(self.source)
        self._tell()


class CompareForm(Form):
    """Scenarios and rounds side by side (方案比较)."""

    title = ("比较", "Compare")

    def _rows(self) -> list[list[Any]]:
        self.name = self._text("名称，如 第一轮", "name, such as round 1", "0 1 200px")
        self.what = self._choice(self._sources(), "0 1 300px")
        self.keep = self._button("记入比较", "Keep", self._keep, "primary")
        self.other = self._text("另一轮次的文件夹", "folder of another round", "0 1 240px")
        self.add = self._button("加入该轮次", "Add round", self._add)
        self.clear = self._button("清空", "Clear", self._desk.forget)
        return [[self.name, self.what, self.keep, self.other, self.add, self.clear]]

    def _sources(self) -> list[tuple[str, str]]:
        return [(self._say("当前权重", "weights on trial"), ""), *super()._sources()]

    def _keep(self) -> str:
        called = self._desk.keep(self.name.value, self.what.value)
        self.name.value = ""
        return self._say(f"已记入比较：{called}", f"Kept: {called}")

    def _add(self) -> str:
        called = self._desk.keep_round(self.other.value.strip())
        self.other.value = ""
        return self._say(f"已加入：{called}", f"Added: {called}")

    def show(self) -> None:  # noqa: D102
        desk = self._desk
        self._offer(self.what)
        self.told.value = blocks.comparison(desk.comparison(), desk.hospitals_compared(), self._say)


class MinutesForm(Form):
    """Export the minutes (导出会议纪要)."""

    title = ("会议纪要", "Minutes")

    def _rows(self) -> list[list[Any]]:
        self.export = self._button("导出网页和 Excel", "Export page and Excel", self._export,
                                   "primary")  # fmt: skip
        self.word = self._button("导出 Word 和 Excel", "Export Word and Excel",
                                 lambda: self._export(word=True))  # fmt: skip
        return [[self.export, self.word]]

    def _export(self, *, word: bool = False) -> str:
        files = self._desk.export(word=word)
        # the links carry the files themselves, so that a browser elsewhere can save them
        carried = [(path.name, b64encode(path.read_bytes()).decode()) for path in files]
        self.told.value = rendered("bench.html.j2", self._say, part="files", files=carried)
        names = self._say.joined(path.name for path in files)
        return self._say(f"已写入轮次文件夹：{names}", f"Written to the round's folder: {names}")
