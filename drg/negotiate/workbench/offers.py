"""Offers and comparison at the desk (折中与比较): ask the solver, take its offer, compare."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from drg.errors import DrgError
from drg.negotiate.workbench.desk import DRAFT, Desk, Seen
from drg.page.words import clean

AT_HAND = 8  # groups of an offer that are taken at hand: those asked for, then the dearest
OBJECTIVES = {
    "closest": ("最接近诉求与成本数据", "closest to asks and cost data"),
    "satisfaction": ("总满意度最高", "largest total satisfaction"),
    "fairest": ("最公平（最低满意度最高）", "fairest: the least satisfied first"),
    "least_change": ("改动最少", "least change"),
}
_STANDING = {
    "asked": ("全部申请", "all proposals"),
    "decided": ("专家组决定", "decided by panels"),
    "accepted": ("已接受的方案", "accepted offer"),
}


class Bargain(Desk):
    """A desk with the solver's offers, and with scenarios side by side."""

    def solve(self, objective: str = "closest") -> str:
        """Let the solver make an offer, on record.

        Returns:
            The offer's id.

        Raises:
            DrgError: no weights satisfy all demands; the line names those that conflict.
        """
        try:
            return self.round.solve(objective, actor=self.actor)[0]
        except DrgError:
            found = self.round.conflict() if objective in OBJECTIVES else None
            if not found:
                raise
            line = found.line(self.words.lang)
            raise self.wrong(
                f"以下约束不能同时满足，放宽其一即可：{line}",
                f"these demands conflict, relax one of them: {line}",
            ) from None

    def offer(self, name: str) -> Mapping[str, Any]:
        """An offer as it stands on record.

        Raises:
            DrgError: there is no such offer.
        """
        offers = self.round.state.offers
        if name not in offers:
            raise self.wrong("没有这个折中方案，请先求解", "there is no such offer; solve first")
        return offers[name]

    def accept(self, offer: str, reason: str) -> None:
        """Accept an offer, on record.

        Raises:
            DrgError: there is no such offer, or no reason.
        """
        self.offer(offer)
        if not reason.strip():
            raise self.wrong("请填写接受的理由", "say why it is accepted")
        self.round.accept(offer, reason, self.actor)

    def standing(self) -> dict[str, str]:
        """What there is to be loaded or compared: key -> how it is called."""
        state, found = self.round.state, {DRAFT: self.words("草案", "draft")}
        there = {"asked": state.open, "accepted": state.accepted,
                 "decided": any(one.accepted for one in state.decisions.values())}  # fmt: skip
        found |= {key: self.words.of(pair) for key, pair in _STANDING.items() if there[key]}
        for name, body in state.offers.items():
            pair = OBJECTIVES.get(body["objective"], (body["objective"],) * 2)
            found[name] = (
                self.words(f"折中方案 {name}", f"offer {name}") + f"：{self.words.of(pair)}"
            )
        return found

    def weights_of(self, key: str) -> tuple[dict[str, float], str]:
        """Changed weights of what :meth:`standing` names, and how the others are made neutral."""
        if key == DRAFT:
            return {}, self.neutral
        if key in self.kept:
            return dict(self.kept[key].changes), self.kept[key].neutral
        if key not in _STANDING:
            self.offer(key)
        return self.round.weights_of(key)

    def load(self, key: str) -> None:
        """Put an offer, all proposals, the decisions or what was kept on the desk."""
        changes, neutral = self.weights_of(key)
        asked = [one.drg for one in self.round.state.open.values() if one.drg in changes]
        value = dict(zip(self.round.impacts.groups, self._value, strict=True))
        dear = sorted(changes, key=lambda g: (-abs(changes[g] - self.drafts[g]) * value[g], g))
        at_hand = list(dict.fromkeys([*asked, *dear]))[: max(AT_HAND, len(asked))]
        self.hold(changes, neutral, at_hand)

    @property
    def _value(self) -> Any:
        """Yuan of the region per unit of a group's weight. Shape (G,)."""
        return np.nan_to_num(self.round.impacts.slopes().sum(axis=0))

    # Comparison

    def keep(self, name: str = "", key: str = "") -> str:
        """Keep a set of weights for comparison.

        Args:
            name: how it is called; by default by what it is.
            key: what :meth:`standing` names; by default the weights on trial.

        Returns:
            The name.
        """
        if key:
            changes, neutral = self.weights_of(key)
            called = clean(name) or self.standing().get(key, key)
            seen = self.look(called, changes, neutral)
        else:
            called = clean(name) or self.words("方案", "scenario") + f" {len(self.kept) + 1}"
            seen = Seen(called, self.changes, self.neutral, self.seen.impact)
        self.kept[called] = seen
        return called

    def keep_round(self, folder: str | PathLike[str], name: str = "") -> str:
        """Keep what another round came to: its accepted offer, decisions, or proposals.

        Raises:
            DrgError: there is no round in the folder, or its groups are others.
        """
        from drg.negotiate.round.act import Round

        if not Path(folder).is_dir():
            raise self.wrong(f"没有这个文件夹：{clean(folder)}", f"no such folder: {clean(folder)}")
        other = Round(folder)
        state = other.state
        decided = any(one.accepted for one in state.decisions.values())
        key = "accepted" if state.accepted else "decided" if decided else "asked"
        held, basis = other.weights_of(key)
        changes = {self._known(group): w for group, w in held.items()}
        title = clean(state.init["title"] or state.init["round"])
        called = clean(name) or f"{title}：{self.words.of(_STANDING[key])}"
        self.kept[called] = self.look(called, changes, basis)
        return called

    def forget(self) -> None:
        """Nothing is kept any more."""
        self.kept.clear()

    def comparison(self) -> pd.DataFrame:
        """Figures of the draft, of all that was kept and of the weights on trial, side by side.

        Returns:
            One column a scenario, one row a figure; money in yuan.
        """
        rows = {one.name: _figures(one) for one in self.compared()}
        return pd.DataFrame(rows)

    def hospitals_compared(self) -> pd.DataFrame:
        """Change of every hospital's payment in yuan, one column a scenario, index by name."""
        return pd.DataFrame({
            one.name: one.hospitals.set_index("hospital_name")["final_change"]
            for one in self.compared()
        })  # fmt: skip

    def compared(self) -> list[Seen]:
        """The draft, what was kept, and the weights on trial unless they are kept too."""
        draft = self.look(self.words("草案", "draft"), {}, self.neutral)
        found = [draft, *(one for one in self.kept.values() if one.name != draft.name)]
        same = any(one.changes == self.changes and one.neutral == self.neutral for one in found)
        if self.changes and not same:
            now = self.words("当前", "now")
            found.append(Seen(now, self.changes, self.neutral, self.seen.impact))
        return found


def _figures(one: Seen) -> dict[str, float]:
    held, loss = one.summary, one.summary["largest_loss"]
    shares = one.impact.after.weight / one.impact.before.weight - 1
    return {
        "groups_changed": held["weights_changed"],
        "largest_change": float(np.nanmax(np.abs(shares))),
        "payable": held["payable_after"], "payable_change":
        held["payable_after"] - held["payable_before"],
        "final": held["final_after"], "final_change": held["final_change"],
        "case_mix_index": held["case_mix_index_after"],
        "moved": held["moved"],
        "hospitals_gaining": held["hospitals_gaining"],
        "hospitals_losing": held["hospitals_losing"],
        "largest_loss": -loss["share"] if loss else 0.0,
        "inversions": held["inversions_after"],
        "scale": held["scale"],
    }  # fmt: skip
