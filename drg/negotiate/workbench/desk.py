"""What a negotiator has before him (谈判桌): weights on trial, what they do, offers, comparison.

No widget is made here; :mod:`drg.negotiate.workbench.bench` shows it in a notebook. Whatever
cannot be done is a :class:`drg.errors.DrgError` in the language of the desk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from budget.impact.tables import hospital_table, summary, who_pays
from budget.impact.weights import NEUTRAL, Impact
from drg.errors import DrgError, problem
from drg.language import say, speaking
from drg.negotiate.round.act import Round
from drg.negotiate.round.state import State
from drg.page.words import Words, clean
from weights.negotiation.proposals.judge import propose
from weights.table.moved import SAME, moved

MOST_FOUND = 60
DIGITS = 4  # decimals of a weight that is set by its change
DRAFT = "draft"
T = TypeVar("T")
ENTRIES = {
    "proposal": ("申请", "proposal"), "withdraw": ("撤回", "withdrawal"),
    "lot": ("开签", "lot"), "reveal": ("揭晓数字", "number told"), "panel": ("专家组", "panel"),
    "vote": ("表决", "vote"), "decision": ("决定", "decision"),
    "objection": ("异议", "objection"), "impact": ("影响测算", "impact"),
    "offer": ("折中方案", "offer"), "accept": ("采纳方案", "offer accepted"),
    "close": ("定案", "close"), "minutes": ("会议纪要", "minutes"), "receipt": ("回执", "receipt"),
}  # fmt: skip
_DECIMALS = 9  # of a weight that is proposed
AT_HAND = 8  # groups of an offer that are taken at hand: those asked for, then the dearest
OBJECTIVES = {
    "closest": ("最接近诉求与成本数据", "closest to asks and cost data"),
    "satisfaction": ("总满意度最高", "largest total satisfaction"),
    "fairest": ("最公平（最低满意度最高）", "fairest: the least satisfied first"),
    "least_change": ("改动最少", "least change"),
}
FIGURES = {  # of a comparison: where in the summary, what it is, kind of number
    "groups_changed": ("weights_changed", "权重变动的病组", "groups whose weight moves", "count"),
    "largest_change": ("largest_change", "最大权重变幅", "largest change of a weight", "share"),
    "payable": ("payable_after", "DRG应付", "payable by DRG", "money"),
    "payable_change": ("payable_change", "DRG应付变化", "change of payable", "gain"),
    "final": ("final_after", "清算总额", "paid in all", "money"),
    "final_change": ("final_change", "清算总额变化", "change of what is paid", "gain"),
    "case_mix_index": ("case_mix_index_after", "平均权重（CMI）", "mean weight (CMI)", "value"),
    "moved": ("moved", "医院间转移", "moved between hospitals", "money"),
    "hospitals_gaining": ("hospitals_gaining", "受益医院", "hospitals that gain", "count"),
    "hospitals_losing": ("hospitals_losing", "受损医院", "hospitals that lose", "count"),
    "largest_loss": ("largest_loss", "单家最大损失", "largest loss of a hospital", "share"),
    "inversions": ("inversions_after", "严重程度倒挂", "severity inversions", "count"),
    "scale": ("scale", "其余病组乘数", "others multiplied by", "value"),
}
_STANDING = {
    "asked": ("全部申请", "all proposals"),
    "decided": ("专家组决定", "decided by panels"),
    "accepted": ("已接受的方案", "accepted offer"),
}


@dataclass(frozen=True)
class Seen:
    """A set of weights and what it does (方案)."""

    name: str  # as it is shown
    changes: Mapping[str, float]  # that differ from the draft, before others are made neutral
    neutral: str  # how the others are made neutral
    impact: Impact

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The figures that are told first."""
        return summary(self.impact)

    @cached_property
    def hospitals(self) -> pd.DataFrame:
        """One row a hospital."""
        return hospital_table(self.impact)

    def figures(self) -> dict[str, float]:
        """The figures by which it is compared with others; money in yuan."""
        held, loss = self.summary, self.summary["largest_loss"]
        shares = self.impact.after.weight / self.impact.before.weight - 1
        held = held | {
            "largest_change": np.nanmax(np.abs(shares)),
            "payable_change": held["payable_after"] - held["payable_before"],
            "largest_loss": -loss["share"] if loss else 0.0,
        }
        return {key: float(held[source]) for key, (source, _, _, _) in FIGURES.items()}


class Desk:
    """Weights on trial in a round; all that the workbench can do, without a widget."""

    def __init__(self, round_: Round, *, actor: str = "医保局", lang: str = "zh") -> None:
        if lang not in ("zh", "en"):
            raise problem(say("没有这种语言", "no such language"), key="lang", found=lang,
                          expected="zh, en")  # fmt: skip
        self.words, self.round, self.actor = Words(lang), round_, actor
        self.picked: list[str] = []  # groups at hand, in the order in which they were picked
        self.touched: set[str] = set()  # set one by one, not loaded as part of a whole
        self.changes: dict[str, float] = {}  # weights on trial; other groups have their draft's
        self.neutral = round_.rules.neutral  # how the others are made so: yuan, weights or none
        self.beyond = False  # whether weights may leave the corridor
        self.kept: dict[str, Seen] = {}  # for comparison, by name
        self._read = len(round_.state.entries)  # entries that were told
        self._own: set[str] = set()  # digests of entries that were made here
        self.seen = self.look("", {}, self.neutral)  # what the weights on trial do

    def wrong(self, zh: str, en: str) -> DrgError:
        """An error in the language of the desk."""
        return DrgError(self.words(zh, en))

    @cached_property
    def drafts(self) -> dict[str, float]:
        """Draft weights by group that has one."""
        found = zip(self.round.impacts.groups, self.round.impacts.draft.weight, strict=True)
        return {group: float(weight) for group, weight in found if np.isfinite(weight)}

    @cached_property
    def cases(self) -> dict[str, int]:
        """Cases of the year by group."""
        found = zip(self.round.impacts.groups, self.round.impacts.cases, strict=True)
        return {group: round(float(number)) for group, number in found}

    @cached_property
    def names(self) -> dict[str, str]:
        """Names of groups, as far as the draft or the cases have them."""
        cells = self.round.impacts.cells
        found = dict(zip(cells.groups[:-1], map(clean, cells.names[:-1]), strict=True))
        found |= {group: clean(name) for group, name in self.round.names.items() if name}
        return {group: "" if name == group else name for group, name in found.items()}

    def called(self, group: str) -> str:
        """A group by code and name."""
        return f"{group} {self.names.get(group, '')}".strip()

    def search(self, text: str = "", most: int = MOST_FOUND) -> list[str]:
        """Groups whose code or name has all the words of a text, those with most cases first."""
        wanted = text.casefold().split()
        found = [group for group in self.drafts
                 if all(word in self.called(group).casefold() for word in wanted)]  # fmt: skip
        return sorted(found, key=lambda group: (-self.cases[group], group))[:most]

    def pick(self, *groups: str) -> None:
        """Take groups at hand."""
        known = [self._known(group) for group in groups]
        self.picked += [group for group in dict.fromkeys(known) if group not in self.picked]
        self._changed()

    def drop(self, group: str) -> None:
        """Put a group back; it has its draft weight again."""
        group = self._known(group)
        self._try({name: w for name, w in self.changes.items() if name != group})
        self.picked = [name for name in self.picked if name != group]
        self._changed()

    def news(self) -> str:
        """What others put on record since this was asked last, in a sentence; "" for nothing."""
        state, words = self.round.state, self.words
        new, self._read = state.entries[self._read :], len(state.entries)
        told = words.joined(dict.fromkeys(
            f"{words.of(ENTRIES[one.kind])} {one.body.get('id', '')}".strip()
            + words(f"（{clean(one.actor, 40)}）", f" ({clean(one.actor, 40)})")
            for one in new if one.digest not in self._own))  # fmt: skip
        return words(f"他人新登记：{told}", f"put on record by others: {told}") if told else ""

    def _mine(self, act: Callable[[], T]) -> T:
        """Do something that goes on record, in the desk's language; it is no news."""
        before = len(self.round.state.entries)
        with speaking(self.words.lang):
            found = act()
        self._own |= {one.digest for one in self.round.state.entries[before:]
                      if one.actor == self.actor}  # fmt: skip
        return found

    def _changed(self) -> None:
        """Called after each change, for those who show it."""

    def _known(self, group: str) -> str:
        for name in (group.strip(), group.strip().upper()):
            if name in self.drafts:
                return name
        raise self.wrong(f"病组“{clean(group)}”不在草案中",
                         f"group '{clean(group)}' is not in the draft")  # fmt: skip

    def weight(self, group: str) -> float:
        """The weight that a group has on trial."""
        return self.changes.get(group, self.drafts[group])

    def share(self, group: str) -> float:
        """By what share of the draft a group is moved."""
        return self.weight(group) / self.drafts[group] - 1

    def corridor(self, group: str) -> tuple[float, float]:
        """Least and greatest weight that the rules allow."""
        return self.round.rules.corridor(self.drafts[group])

    def outside(self, group: str, weight: float | None = None) -> bool:
        """Whether a weight, by default the one on trial, is outside its group's corridor."""
        low, high = self.corridor(group)
        held = self.weight(group) if weight is None else weight
        return not low * (1 - SAME) <= held <= high * (1 + SAME)

    def set(self, group: str, weight: float, *, beyond: bool | None = None) -> None:
        """Try a weight for a group, picked if it was not; ``beyond`` its corridor if meant."""
        group = self._known(group)
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < 1e6:
            raise self.wrong(f"{group} 的权重应是大于 0 的数", f"{group}: not a weight above 0")
        if group in self.round.rules.frozen and moved(weight, self.drafts[group]):
            raise self.wrong(f"{group} 已冻结，权重不能改动", f"{group} is frozen by the rules")
        if not (self.beyond if beyond is None else beyond) and self.outside(group, weight):
            bounds = "–".join(f"{end:.{DIGITS}f}" for end in self.corridor(group))
            raise self.wrong(f"{group} 的权重 {weight:g} 超出浮动区间 {bounds}；"
                             "确需超出，请勾选“允许超出区间”",
                             f"{group}: weight {weight:g} is outside its corridor {bounds}; "
                             "allow it to go beyond if that is meant")  # fmt: skip
        if group not in self.picked:
            self.picked.append(group)
        self.touched.add(group)
        self._try({**self.changes, group: float(weight)})

    def set_share(self, group: str, share: float) -> None:
        """Move a group by a share of its draft weight; at the corridor's ends exactly to them."""
        group, rules = self._known(group), self.round.rules
        draft, (low, high) = self.drafts[group], self.corridor(group)
        ends = {0.0: draft, -rules.corridor_fall: low, rules.corridor_rise: high}
        exact = [weight for end, weight in ends.items() if abs(share - end) < SAME]
        self.set(group, exact[0] if exact else round(draft * (1 + share), DIGITS))

    def reset(self) -> None:
        """All groups back to the draft; those at hand stay at hand."""
        self._try({})

    def set_neutral(self, neutral: str) -> None:
        """Choose how the other groups are made neutral."""
        if neutral not in NEUTRAL:
            raise self.wrong(f"没有这种中性方式：{clean(neutral)}",
                             f"not a way to be neutral: {clean(neutral)}")  # fmt: skip
        self._try(self.changes, neutral)

    def hold(self, changes: Mapping[str, float], neutral: str, at_hand: Iterable[str]) -> None:
        """Take over weights as a whole, such as those of an offer."""
        self.touched = set()
        self._try({self._known(group): float(w) for group, w in changes.items()}, neutral)
        self.beyond = self.beyond or any(map(self.outside, self.changes))
        self.pick(*at_hand)

    def _try(self, changes: Mapping[str, float], neutral: str | None = None) -> None:
        """Take weights on trial, unless their impact cannot be worked out."""
        basis = self.neutral if neutral is None else neutral
        held = {group: w for group, w in changes.items() if moved(w, self.drafts[group])}
        self.seen = self.look("", held, basis)
        self.changes, self.neutral = held, basis
        self._changed()

    def look(self, name: str, changes: Mapping[str, float], neutral: str) -> Seen:
        """What weights do, under a name."""
        with speaking(self.words.lang):
            return Seen(name, dict(changes), neutral, self.round.impact(changes, neutral))

    def figures(self) -> dict[str, Any]:
        """The figures that are told first; see :func:`budget.impact.tables.summary`."""
        return self.seen.summary

    def hospitals(self) -> pd.DataFrame:
        """What every hospital gains or loses."""
        return self.seen.hospitals

    def payers(self) -> pd.DataFrame:
        """Who gains and who pays, by name."""
        return who_pays(self.seen.impact)

    @property
    def own(self) -> list[str]:
        """Groups at hand that were moved one by one; those that a proposal is about."""
        return [group for group in self.picked if group in self.touched and group in self.changes]

    @property
    def unbalanced(self) -> bool:
        """Whether weights were moved one by one on top of an offer, which kept the budget alone.

        Under such weights no other group is multiplied, so the rule that the budget is neutral is
        off until it is chosen again.
        """
        moved_since = self.touched & set(self.changes)
        return bool(moved_since) and self.neutral == "none" != self.round.rules.neutral

    @property
    def beside(self) -> list[str]:
        """Groups that are moved but not at hand, such as those that an offer moves too."""
        return [group for group in self.changes if group not in self.picked]

    def propose(
        self, reason: str, *, party: str = "bureau", hospital_id: str = "", evidence: str = "",
        groups: Iterable[str] | None = None, record: bool = True,
    ) -> list[str]:  # fmt: skip
        """Save the weights on trial as proposals, by default those of :attr:`own`; their ids.

        All or none is saved, and with ``record`` the impact that was seen.
        """
        wanted = [self._known(group) for group in groups] if groups is not None else self.own
        parts: list[dict[str, Any]] = [
            {"party": party, "drg": group, "what": "weight", "reason": reason,
             "value": repr(round(self.changes[group], _DECIMALS)), "evidence": evidence,
             "hospital_id": hospital_id if party == "hospital" else ""}
            for group in wanted if group in self.changes
        ]  # fmt: skip
        if not parts:
            raise self.wrong("没有改动的病组：请先选病组并移动权重",
                             "no group is moved: pick a group and move its weight")  # fmt: skip
        if not reason.strip():
            raise self.wrong("请填写理由", "say the reason")
        if party == "hospital" and not hospital_id:
            raise self.wrong("请选择提出申请的医疗机构", "say which hospital asks")
        context = self.round.context

        def save() -> list[str]:
            for part in parts:
                try:
                    propose(context, **part)
                except DrgError as error:
                    raise DrgError(f"{part['drg']}: {error}") from None
            saved = [self.round.propose(actor=self.actor, **part).id for part in parts]
            if record:
                self.round.record_impact(self.seen.impact, saved, self.actor)
            return saved

        return self._mine(save)

    def solve(self, objective: str = "closest") -> str:
        """Let the solver make an offer, on record; its id. Demands that conflict are named."""
        try:
            return self._mine(lambda: self.round.solve(objective, actor=self.actor)[0])
        except DrgError:
            found = self.round.conflict() if objective in OBJECTIVES else None
            if not found:
                raise
            line = found.line(self.words.lang)
            zh, en = "以下约束不能同时满足，放宽其一即可：", "these conflict, relax one of them: "
            raise self.wrong(zh + line, en + line) from None

    def offer(self, name: str) -> Mapping[str, Any]:
        """An offer as it stands on record."""
        offers = self.round.state.offers
        if name not in offers:
            raise self.wrong("没有这个折中方案，请先求解", "there is no such offer; solve first")
        return offers[name]

    def accept(self, offer: str, reason: str) -> None:
        """Accept an offer, on record."""
        self.offer(offer)
        if not reason.strip():
            raise self.wrong("请填写接受的理由", "say why it is accepted")
        self._mine(lambda: self.round.accept(offer, reason, self.actor))

    def standing(self) -> dict[str, str]:
        """What there is to be loaded or compared: key -> how it is called."""
        words, state = self.words, self.round.state
        found = {DRAFT: words("草案", "draft")}
        found |= {key: words.of(_STANDING[key]) for key in _there(state)}
        for name, body in state.offers.items():
            aim = words.of(OBJECTIVES.get(body["objective"], (body["objective"],) * 2))
            found[name] = words(f"折中方案 {name}：{aim}", f"offer {name}: {aim}")
        return found

    def weights_of(self, key: str) -> tuple[dict[str, float], str]:
        """Weights of what :meth:`standing` names, or on trial, and how others are made neutral."""
        if key in ("", DRAFT):
            return {} if key else self.changes, self.neutral
        if key in self.kept:
            return dict(self.kept[key].changes), self.kept[key].neutral
        if key not in _STANDING:
            self.offer(key)
        return self.round.weights_of(key)

    def load(self, key: str) -> None:
        """Put an offer, all proposals, the decisions or what was kept on the desk."""
        changes, neutral = self.weights_of(key)
        asked = [one.drg for one in self.round.state.open.values() if one.drg in changes]
        yuan = np.nan_to_num(self.round.impacts.slopes().sum(axis=0))  # a unit of weight, (G,)
        value = dict(zip(self.round.impacts.groups, yuan, strict=True))
        dear = sorted(changes, key=lambda g: (-abs(changes[g] - self.drafts[g]) * value[g], g))
        at_hand = list(dict.fromkeys([*asked, *dear]))[: max(AT_HAND, len(asked))]
        self.hold(changes, neutral, at_hand)

    def keep(self, name: str = "", key: str = "") -> str:
        """Keep the weights on trial, or what :meth:`standing` names, for comparison; its name."""
        number = self.words("方案", "scenario") + f" {len(self.kept) + 1}"
        called = clean(name) or (self.standing().get(key, key) if key else number)
        self.kept[called] = self.look(called, *self.weights_of(key))
        return called

    def keep_round(self, folder: str | PathLike[str], name: str = "") -> str:
        """Keep what another round came to: its accepted offer, decisions, or proposals."""
        if not Path(folder).is_dir():
            raise self.wrong(f"没有这个文件夹：{clean(folder)}", f"no such folder: {clean(folder)}")
        other = Round(folder)
        key = (_there(other.state) or ["asked"])[-1]
        held, basis = other.weights_of(key)
        title = clean(other.state.init["title"] or other.state.init["round"])
        called = clean(name) or f"{title}：{self.words.of(_STANDING[key])}"
        changes = {self._known(group): w for group, w in held.items()}
        self.kept[called] = self.look(called, changes, basis)
        return called

    def forget(self) -> None:
        """Nothing is kept any more."""
        self.kept.clear()

    def comparison(self) -> pd.DataFrame:
        """Figures of the draft, what was kept and the weights on trial, one column a scenario."""
        return pd.DataFrame({one.name: one.figures() for one in self.compared()})

    def hospitals_compared(self) -> pd.DataFrame:
        """Change of every hospital's payment in yuan, one column a scenario, index by name."""
        return pd.DataFrame({one.name: one.hospitals.set_index("hospital_name")["final_change"]
                             for one in self.compared()})  # fmt: skip

    def compared(self) -> list[Seen]:
        """The draft, what was kept, and the weights on trial unless they are kept too."""
        draft = self.look(self.words("草案", "draft"), {}, self.neutral)
        found = [draft, *(one for one in self.kept.values() if one.name != draft.name)]
        same = any(one.changes == self.changes and one.neutral == self.neutral for one in found)
        if self.changes and not same:
            found.append(replace(self.seen, name=self.words("当前", "now")))
        return found

    def export(self, folder: str | PathLike[str] = "", *, word: bool = False) -> list[Path]:
        """Write the minutes, by default to the round's folder: page or Word file, and workbook."""
        from drg.report.minutes.write import write_minutes

        target = Path(folder or self.round.folder)
        target.mkdir(parents=True, exist_ok=True)
        out = target / ("minutes.docx" if word else "minutes.html")
        found = self._mine(lambda: write_minutes(self.round, out, self.words.lang))
        return [found.page, found.book]


def _there(state: State) -> list[str]:
    """Which kinds of weights a round has, the most settled last."""
    decided = any(one.accepted for one in state.decisions.values())
    there = {"asked": state.open, "decided": decided, "accepted": state.accepted}
    return [key for key in _STANDING if there[key]]
