"""Words of the minutes (会议纪要): parties, changes, rules, reasons, and texts of others."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from drg.page.blocks import Cell
from drg.page.words import Words, clean, fixed
from weights.negotiation.experts.votes import CHOICES
from weights.negotiation.proposals.faults import masked
from weights.negotiation.proposals.words import PARTY_WORDS, TRIM_WORDS, WHAT_WORDS
from weights.negotiation.rules import Rules, about

PARTIES = {name: (zh, en) for name, (zh, en, _) in PARTY_WORDS.items()}
WHATS = {name: (zh, en) for name, (zh, en, _) in WHAT_WORDS.items()}
VOTES = {name: (zh, name) for name, zh in CHOICES.items()}
TRIMS = {name: (zh, name) for zh, name in reversed(TRIM_WORDS.items())}
OBJECTIVES = {
    "closest": ("最接近申请与费用数据", "closest to asks and cost data"),
    "satisfaction": ("总满意度最大", "largest total satisfaction"),
    "fairest": ("最公平", "fairest"),
    "least_change": ("变动最小", "least change"),
}
KINDS = {
    "init": ("立项", "start"), "proposal": ("申请", "proposal"),
    "withdraw": ("撤回", "withdrawal"), "panel": ("抽取专家组", "panel drawn"),
    "vote": ("表决", "vote"), "decision": ("决定", "decision"),
    "impact": ("影响测算", "impact"), "offer": ("折中方案", "offer"),
    "accept": ("采纳方案", "offer accepted"), "close": ("定案", "close"),
}  # fmt: skip
NEUTRAL = {
    "yuan": ("基金应付总额不变", "what the funds owe stays the same"),
    "weights": ("总权重不变", "the sum of weights over cases stays the same"),
    "none": ("不要求", "nothing has to stay the same"),
}
_VALUES = {
    "equal": ("一人一票", "one expert, one vote"),
    "weighted": ("按表决权重计票", "by vote weights"),
    "median": ("专家所提权重的中位数", "median of the weights that experts name"),
    "mean": ("专家所提权重的均值", "mean of the weights that experts name"),
    "asked": ("申请的权重", "the weight that is asked"),
    "all": ("由其他专业递补", "other specialties follow"),
}
_SOURCES = {
    "default of this program; the region decides": "本程序默认值，由统筹区决定",
    "procedure of weight negotiation (权重论证谈判)": "权重论证谈判办法",
    "common practice in China: 5 cases a year": "国内通行做法：每年 5 例",
    "not stated": "未注明",
}
_SHARES = ("corridor_fall", "corridor_rise", "interest_share", "quorum", "majority", "largest_loss")
_SUBJECTS = {
    "cost": ("费用", "cost"), "length_of_stay": ("住院天数", "length of stay"),
    "hospital_id": ("医疗机构", "hospital"), "case_id": ("病例", "case"),
    "insurance": ("险种", "insurance"),
}  # fmt: skip
_AMOUNTS = ("cost", "length_of_stay")
_CONDITION = re.compile(rf"({'|'.join(_SUBJECTS)})\s*(<=|>=|=|<|>|in )\s*(.+)", re.DOTALL)
_UNREAD = "…"
_PROPOSES = re.compile(r"works at (.+), which proposes (.+)")
_SHARE = re.compile(r"works at (.+), which has [\d.]+% of the cases of (.+)")
PAGE_TEXT, BOOK_TEXT = 500, 2_000


@dataclass(frozen=True)
class MinutesWords(Words):
    """The language of minutes: weights have four decimals, shares of change have two."""

    def units(self, kind: str) -> str:
        """Unit of a kind of column; ``value`` and ``points`` are plain numbers here."""
        return "" if kind in ("value", "points") else super().units(kind)

    def number(self, value: Cell, kind: str) -> str:
        """A cell of a column of numbers."""
        if kind in ("share", "change") and isinstance(value, float | int):
            return self.percent(value, signed=kind == "change")
        return super().number(value, kind)

    def percent(self, value: float, *, signed: bool = False) -> str:
        """A share with two decimals."""
        return fixed(100 * value, 2, signed=signed) + "%" if value == value else "—"

    def joined(self, texts: list[str]) -> str:
        """A list in running text."""
        return self("、", ", ").join(texts)

    def text(self, text: object, longest: int = PAGE_TEXT) -> str:
        """A text that somebody wrote, as it may be shown: no numbers of persons, nothing unseen."""
        return masked(clean(text, longest))

    def rule(self, rules: Rules, name: str) -> str:
        """The value of a rule."""
        value = getattr(rules, name)
        if value is None or value in ((), "none"):
            return self("不设", "none")
        if isinstance(value, bool):
            return self("是", "yes") if value else self("否", "no")
        if name in _SHARES:
            return short_percent(value)
        if name == "neutral":
            return self.of(NEUTRAL[value])
        if name == "frozen":
            return self.joined([clean(one) for one in value])
        if name == "equal":
            return self.joined([f"{clean(a)} = {clean(b)}" for a, b in value])
        return self.of(_VALUES[value]) if value in _VALUES else str(value)

    def rule_name(self, name: str) -> str:
        """What a rule is."""
        what = about()[name]
        return what.zh if self.zh else what.en

    def source(self, rules: Rules, name: str) -> str:
        """Where a rule comes from."""
        said = rules.source(name)
        return _SOURCES.get(said, clean(said, 300)) if self.zh else clean(said, 300)

    def recused(self, reason: str, hospital_of: Callable[[str], str]) -> str:
        """Why an expert may not sit; a hospital's share of a group is not told."""
        if found := _PROPOSES.fullmatch(reason):
            hospital, proposal = hospital_of(found[1]), clean(found[2])
            return self(f"所在的{hospital}提出申请 {proposal}",
                        f"works at {hospital}, which proposes {proposal}")  # fmt: skip
        if found := _SHARE.fullmatch(reason):
            hospital, group = hospital_of(found[1]), clean(found[2])
            return self(f"所在的{hospital}收治 {group} 的比重超过限值",
                        f"works at {hospital}, whose share of {group} is too large")  # fmt: skip
        if reason.startswith("declared: "):
            said = self.text(reason.removeprefix("declared: "))
            return self(f"本人申请回避：{said}", f"asked to be recused: {said}")
        return self.text(reason)


def short_percent(value: float) -> str:
    """A share as a percentage without zeros at its end."""
    return f"{100 * value:.2f}".rstrip("0").rstrip(".") + "%"


def time_text(at: str) -> str:
    """A time of the record, for reading."""
    return clean(at.replace("T", " ", 1), 40)


def conditions(text: str, words: MinutesWords, hospital_of: Callable[[str], str]) -> str:
    """Conditions on cases in words, without the cases' own numbers."""
    parts = []
    for part in text.split(" and "):
        found = _CONDITION.fullmatch(part.strip())
        if found is None or found[1] == "case_id":
            parts.append(words("所列病例", "the cases listed") if found else _UNREAD)
            continue
        what, sign, value = found[1], found[2].strip(), found[3].strip()
        if what == "hospital_id":
            value = words.joined([hospital_of(one.strip()) for one in value.split("|")])
        elif what == "insurance":
            value = words.joined([words.insurance(one.strip()) for one in value.split("|")])
        sign = words("为", "is") if sign in ("=", "in") and what not in _AMOUNTS else sign
        parts.append(f"{words.of(_SUBJECTS[what])} {sign} {value}")
    return words("，且", ", and ").join(parts)
