"""Words of the minutes (会议纪要): columns, parties, rules, times, and what others wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from drg.page.blocks import Column
from drg.page.words import Words, clean
from weights.negotiation.experts.votes import CHOICES
from weights.negotiation.proposals.words import PARTY_WORDS, TRIM_WORDS, WHAT_WORDS
from weights.negotiation.rules import Rules, about

PARTIES = {name: (zh, en) for name, (zh, en, _) in PARTY_WORDS.items()}
VOTES = {name: (zh, name) for name, zh in CHOICES.items()}
WHATS = {name: (zh, en) for name, (zh, en, _) in WHAT_WORDS.items()}
TRIMS = {name: (zh, name) for zh, name in reversed(TRIM_WORDS.items())}
STATES = {  # of a proposal; the first that a group has counts for the group
    "accepted": ("通过", "accepted"), "open": ("未决定", "not decided"),
    "refused": ("未通过", "turned down"), "withdrawn": ("撤回", "withdrawn"),
}  # fmt: skip
OBJECTIVES = {
    "closest": ("最接近申请与费用数据", "closest to asks and cost data"),
    "satisfaction": ("总满意度最大", "largest total satisfaction"),
    "fairest": ("最公平", "fairest"), "least_change": ("变动最小", "least change"),
}  # fmt: skip
KINDS = {
    "init": ("立项", "start"), "proposal": ("申请", "proposal"), "withdraw": ("撤回", "withdrawal"),
    "panel": ("抽取专家组", "panel drawn"), "vote": ("表决", "vote"),
    "offer": ("折中方案", "offer"), "impact": ("影响测算", "impact"),
    "decision": ("决定", "decision"), "close": ("定案", "close"),
    "accept": ("采纳方案", "offer accepted"), "lot": ("开签", "lot opened"),
    "reveal": ("揭晓数字", "number told"), "objection": ("异议", "objection"),
    "receipt": ("回执", "receipt"),
}  # fmt: skip
NEUTRAL = {
    "yuan": ("基金应付总额不变", "what the funds owe stays the same"),
    "weights": ("总权重不变", "the sum of weights over cases stays the same"),
    "none": ("不要求", "nothing has to stay the same"),
}
COUNTED = {
    "votes": ("计入", "counted"), "replaced": ("已由后一票取代", "replaced by a later vote"),
    "idle": ("候补，无空席", "substitute without a seat"), "": ("不计入", "not counted"),
}  # fmt: skip
_VALUES = NEUTRAL | {
    "equal": ("一人一票", "one expert, one vote"), "weighted": ("按表决权重", "by vote weights"),
    "median": ("专家所提权重的中位数", "median of the weights that experts name"),
    "mean": ("专家所提权重的均值", "mean of the weights that experts name"),
    "asked": ("申请的权重", "the weight that is asked"),
    "all": ("由其他专业递补", "other specialties follow"),
}  # fmt: skip
_SOURCES = {
    "default of this program; the region decides": "本程序默认值，由统筹区决定",
    "procedure of weight negotiation (权重论证谈判)": "权重论证谈判办法",
    "common practice in China: 5 cases a year": "国内通行做法：每年 5 例", "not stated": "未注明",
}  # fmt: skip
_SHARES = ("corridor_fall", "corridor_rise", "interest_share", "quorum", "majority", "largest_loss")
_SUBJECTS = {
    "cost": ("费用", "cost"), "length_of_stay": ("住院天数", "length of stay"), "case_id": ("", ""),
    "hospital_id": ("医疗机构", "hospital"), "insurance": ("险种", "insurance"),
}  # fmt: skip
_CONDITION = re.compile(rf"({'|'.join(_SUBJECTS)})\s*(<=|>=|=|<|>|in )\s*(.+)", re.DOTALL)
_BEIJING = timezone(timedelta(hours=8))
_CODES = {
    "state": STATES, "aim": OBJECTIVES, "entry": KINDS, "counted": COUNTED, "vote": VOTES,
    "kind": {"hospital": ("医疗机构", "hospital"), "pool": ("基金池", "pool")},
}  # fmt: skip
_FIELDS = {
    "text": """
        id 申请 Proposal | drg 病组 Group | state 状态 State | why 原因 Why | panel 专家组 Panel
        mdc MDC MDC | seat 身份 Seat | expert 编号 No. | county 区县 County | vote 意见 Vote
        specialty 专业 Specialty | result 结果 Result | corridor 浮动区间 Corridor
        counted 计票 Counted | offer 方案 Offer | aim 目标 Aim | step 放宽一步 One step
        kind 类别 Kind | measure 指标 Measure | unit 单位 Unit | what 内容 What
        at 时间（北京时间） Beijing time | entry 事项 Kind | about 涉及 About | role 身份 As
        signed 姓名 Name | signature 签字 Signature | date 日期 Date | rule 规则 Rule
        largest_loss 支付减少占比最大 Largest fall of what is paid""",
    "name": """
        by 提出方 By | name 名称 Name | group 病组 Group | person 姓名 Name | who 谁 Who
        hospital 医疗机构 Hospital | actor 记录人 By | program 程序 Program""",
    "long": """
        said 内容 Text | value 申请内容 What is asked | basis 申请权重的由来 How it was found
        reason 理由 Reason | evidence 依据 Evidence | gone 撤回理由 Why withdrawn
        number 揭晓数字 Number told
        set 取值 Value | source 出处 Source | asks 审议申请 Before it | strata 构成 Strata
        recused 回避事由 Why recused | note 说明 Note | demand 约束 Demand""",
    "code": "sha256 SHA-256 SHA-256 | digest 摘要值 Digest",
    "tier": "tier 级别 Tier", "insurance": "insurance 险种 Insurance | pool 基金池 Pool",
    "cases": "cases 病例 Cases", "year": "seq 序号 No. | seed 种子 Seed",
    "ratio": "ballot 表决权重 Vote weight",
    "count": """
        entries 条数 Entries
        groups 变动病组 Groups that change | up 上调 Up | down 下调 Down | members 应到 Seats
        experts 专家 Members | present 实到 Voted | votes_for 赞成 For | against 反对 Against
        abstain 弃权 Abstained | spare 候补 Substitutes | out 回避 Recused
        weights_changed 变动病组 Groups that change | inversions_after 权重倒挂 Pairs out of order
        hospitals_gaining 收入增加的医疗机构 Hospitals that gain
        hospitals_losing 收入减少的医疗机构 Hospitals that lose""",
    "weight": """
        weight_before 草案 Draft | weight_asked 申请 Asked | weight_decided 决定 Decided
        weight_after 最终 Final | weight_least 可接受最低 Least | weight_most 可接受最高 Most
        weight_named 专家所提 Named | price_share 影子价格 Shadow price | gain_share 可增满意度 Adds
        case_mix_index_before 原CMI CMI before | case_mix_index_after 现CMI CMI after""",
    "money": """
        payable_before 原应付 Payable before | payable_after 现应付 Payable after
        final_before 原支付 Paid before | final_after 现支付 Paid after | moved 转移资金 Moved
        cut_before 原扣减 Cut before | cut_after 现扣减 Cut after | apart 分歧 Disagreement
        amount 可分配额 To distribute""",
    "gain": "payable_change 应付变化 Payable | final_change 支付变化 Change | yuan 金额 Money",
    "change": """
        weight_change_share 变化 Change | final_change_share 支付变化 Change | low 最低变化 Least
        payable_change_share 应付变化 Payable | point_value_change 变化 Change
        high 最高变化 Largest""",
    "share": """
        mean 平均满意度 Mean satisfaction | least 最低满意度 Least satisfaction
        loss 最大损失 Largest loss | share 占全部转移 Of all moved""",
    "fen": """
        average_cost 次均费用 Mean cost | payment_per_case_after 现次均支付 Paid a case
        price_yuan 影子价格 Shadow price | gain_yuan 可减少分歧 Saves""",
    "value": "point_value_before 原点值 Before | point_value_after 现点值 After",
    "plain": "slack 余量 Slack",
}  # fmt: skip
_OPEN = ("weight_", "point_value_")  # told also of groups and pools of which no money is
_DIGITS = {"share": 2, "change": 2}
COLUMNS = {
    field: Column(field, zh, en, kind, _CODES.get(field), _DIGITS.get(kind),
                  open=field.startswith(_OPEN))
    for kind, text in _FIELDS.items() for one in text.strip().replace("\n", "|").split("|")
    for field, zh, en in [one.strip().split(" ", 2)]
}  # fmt: skip


def columns(fields: str) -> list[Column]:
    """Columns by their fields, with spaces between."""
    return [COLUMNS[field] for field in fields.split()]


def safe(text: object) -> str:
    """A text that somebody wrote, as it may be shown, whole."""
    return clean(text, 2_000)


def moment(at: str, *, day: bool = False) -> str:
    """A time of the record in Beijing time."""
    form = "%Y-%m-%d" if day else "%Y-%m-%d %H:%M:%S"
    return datetime.fromisoformat(at).astimezone(_BEIJING).strftime(form)


def percent(value: float) -> str:
    """A share as a percentage without zeros at its end."""
    return f"{100 * value:.2f}".rstrip("0").rstrip(".") + "%"


def rule(rules: Rules, name: str, words: Words, named: Callable[[str], str]) -> tuple[str, ...]:
    """A rule, its value, and where it comes from; ``named`` names groups."""
    value, said, what = getattr(rules, name), rules.source(name), about()[name]
    if value is None or value in ((), "none"):
        told = words("不设", "none")
    elif isinstance(value, bool):
        told = words("是", "yes") if value else words("否", "no")
    elif name in _SHARES:
        told = percent(value)
    elif name in ("frozen", "equal"):
        told = words.joined(" = ".join(map(named, (one,) if isinstance(one, str) else one))
                            for one in value)  # fmt: skip
    else:
        told = words.of(_VALUES[value]) if value in _VALUES else str(value)
    source = _SOURCES.get(said, said) if words.zh else said
    return words(what.zh, what.en), told, clean(source, 300)


def conditions(text: str, words: Words, hospital: Callable[[str], str]) -> str:
    """Conditions on cases in words, without the cases' own numbers."""
    parts = []
    for part in text.split(" and "):
        found = _CONDITION.fullmatch(part.strip())
        if found is None or found[1] == "case_id":
            parts.append(words("所列病例", "the cases listed") if found else "…")
            continue
        what, sign, value = found[1], found[2].strip(), found[3].strip()
        if what in ("hospital_id", "insurance"):
            say = hospital if what == "hospital_id" else words.insurance
            value = words.joined(say(one.strip()) for one in value.split("|"))
            sign = words("为", "is") if sign in ("=", "in") else sign
        parts.append(f"{words.of(_SUBJECTS[what])} {sign} {value}")
    return words("，且", ", and ").join(parts)
