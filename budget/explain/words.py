"""Words for what was decided (判定的说法): names of a record in Chinese and English."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from budget.cases.record import Look, Record, Term
from budget.policy.groups import Groups
from budget.policy.ladder import Band
from budget.policy.outliers import HIGH_RULES

Both: TypeAlias = tuple[str, str]  # Chinese, English

_TERMS: dict[str, Both] = {
    "points": ("基准点数", "points of weight 1"),
    "weight": ("权重", "weight"),
    "rate": ("费率", "rate"),
    "k": ("机构系数", "coefficient"),
    "standard.own_mean.least_cases": (
        "本院该病组次均费用（{0} 例）",
        "the hospital's mean cost of the group ({0} cases)",
    ),
    "standard.own_mean.otherwise": (
        "全地区该病组次均费用（本院仅 {0} 例）",
        "the region's mean cost of the group (the hospital has {0} cases)",
    ),
    "published": ("公布的本院该病组次均费用", "the published mean cost of the hospital's group"),
    "unit": (
        "本院单位权重标准（各病组中位数）",
        "the hospital's standard of weight 1 (median of its groups)",
    ),
    "medical_group": ("改按内科组 {0}", "priced as {0}"),
    "day_surgery": ("日间手术系数", "day surgery"),
    "special.readmission": ("再入院折算（其后再次入院）", "a readmission followed"),
    "special.caseload": ("超过年度例数", "beyond the yearly cases of the group"),
}
_NOT_SETTLED: dict[str, Both] = {
    "bad_cost": (
        "费用缺失或不大于 0，或与金额有关的单元格无法识别",
        "the cost is missing or not above 0, or a cell that money hangs on is unreadable",
    ),
    "outside_year": ("出院日期不在结算年度", "discharged outside of the settlement year"),
    "no_hospital": ("医疗机构不在目录中", "the hospital is not in the table of hospitals"),
    "no_insurance": ("险种不明", "the insurance is not known"),
    "no_pool": ("没有适用的基金池", "no pool of the policy applies"),
}
# Whether it applies -> what is said of it.
_YES_OR_NO: dict[str, dict[bool, Both]] = {
    "review": {
        True: ("申报获批且在比例内", "approved and inside the quota"),
        False: ("未申报、不符合范围或超出比例", "not put forward, or not admitted"),
    },
    "fixed_price": {
        True: ("有单病种定额", "it has a fixed price"),
        False: ("没有单病种定额", "no fixed price"),
    },
    "ungrouped": {True: ("无病组", "it has no group"), False: ("已入组", "it has a group")},
    "ambiguous": {
        True: ("是歧义组", "an ambiguous group"),
        False: ("不是歧义组", "not an ambiguous group"),
    },
    "unstable": {True: ("属不稳定病组", "unstable"), False: ("不属不稳定病组", "not unstable")},
    "normal": {True: ("以上均不适用", "none of the above")},
}
# Formulas in symbols and in numbers; c is the cost, S the standard, x stands for times.
_FORMULAS: dict[str, tuple[str, str]] = {
    "review": ("c x (1 - unreasonable)", "{c} x (1 - {unreasonable:g})"),
    "share_of_cost": ("share x c", "{share:g} x {c}"),
    "share_of_standard": ("share x S", "{share:g} x {s}"),
    "cost": ("c", "{c}"),
    "standard": ("S", "{s}"),
    "band": (
        "{band.cost:g} c + {band.standard:g} S (r < {band.upto:g})",
        "{band.cost:g} x {c} + {band.standard:g} x {s}",
    ),
    "excess_points": ("S + base*(r - T)", "{s} + {base} x {over}"),
    "cost_minus": ("", "{c} - ({t:g} - 1) x {s}"),
    "cost_minus_standard": ("", "{c} - {s}"),
    "excess_share": ("", "{s} x (1 + {rule.share:g} x {over})"),
    "step_share": ("", "{s} x ({rule.step:g} + {rule.share:g} x {over})"),
    "cost_minus_part": ("", "{c} - {rule.part:g} x {s}"),
    "banded": ("", "{band.cost:g} x {c} + {band.standard:g} x {s}"),
    "cap": ("", "{t:g} x {s}"),
    "beyond_quota": ("S (beyond the quota of high cases)", "{s}"),
}


def money(yuan: float) -> str:
    """An amount in yuan with two decimals."""
    return f"{yuan:,.2f}"


def set_name(kind: str) -> str:
    """What a kind of group sets is called in Chinese."""
    return Groups.model_fields[kind].title or kind


def term_name(term: Term) -> Both:
    """What a factor of a standard is called."""
    zh, en = _TERMS.get(term.name) or (set_name(term.name), f"{term.name} groups")
    return zh.format(term.about), en.format(term.about)


def band_text(band: Band, what: str) -> str:
    """The reach of a band: ``1 < RW <= 2``."""
    low = f"{band.start:g} {'<' if band.at_least is None else '<='} " if band.start else ""
    high = "" if band.end is None else f" {'<=' if band.below is None else '<'} {band.end:g}"
    return f"{low}{what}{high}" if low or high else ""


def why(look: Look, ratio: float) -> Both:
    """Why a branch applies or not; the ratio is that of cost over standard."""
    held, branch = look.figures, look.branch
    if branch in _NOT_SETTLED:
        return _NOT_SETTLED[branch]
    if branch in _YES_OR_NO:
        return _YES_OR_NO[branch][look.applies]
    if branch in ("low", "high"):
        name, holds, fails = ("L", "<", ">=") if branch == "low" else ("T", ">", "<=")
        if held["included"]:
            holds, fails = f"{holds}=", fails[0]
        text = f"r {ratio:.6g} {holds if look.applies else fails} {name} {held['limit']:g}"
        return text, text
    return {
        "day_bed": _day_bed, "new_technology": _new_technology, "unpriced": _unpriced,
        "short_stay": _stay, "long_stay": _stay, "transfer": _transfer,
    }[branch](look, held)  # fmt: skip


def _day_bed(_: Look, held: Mapping[str, Any]) -> Both:
    if not held["diseases"]:
        return "政策未列病种", "the policy lists no disease"
    if not held["marked"]:
        return "未标记为日间病床", "not marked as a day bed"
    return "按主要诊断判断病种", "by its principal diagnosis"


def _new_technology(_: Look, held: Mapping[str, Any]) -> Both:
    since, years = held["since"], held["years"]
    if held["marked"]:
        return "标记为新技术", "marked as a new technology"
    if not since:
        return "未使用目录内新技术", "no listed technology"
    return f"第 {since} 年，共 {years} 年", f"year {since} of {years}"


def _unpriced(look: Look, held: Mapping[str, Any]) -> Both:
    if not look.applies:
        return "有支付标准", "it has a standard"
    if held["group"] < 0:
        return "权重表中没有该病组", "the weight table does not list the group"
    if not math.isfinite(held["weight"]):
        return "该病组没有权重", "the group has no weight"
    return "没有适用的费率或均值", "no rate or mean applies to the hospital"


def _stay(look: Look, held: Mapping[str, Any]) -> Both:
    days, limit = held["days"], held["limit"]
    most = look.branch == "short_stay"
    zh, en = (f"住院 {days:g} 天", f"{days:g} days") if math.isfinite(days) else (
        "住院天数缺失", "the length of stay is missing")  # fmt: skip
    return (f"{zh}，界限为{'不超过' if most else '不少于'} {limit} 天",
            f"{en}, the limit is {'at most' if most else 'at least'} {limit}")  # fmt: skip


def _transfer(_: Look, held: Mapping[str, Any]) -> Both:
    modes = ", ".join(map(str, held["modes"]))
    modes += "" if held["within"] is None else f", <= {held['within']} d"
    return (f"离院方式 {held['mode'] or '缺失'}，规则适用于 {modes}",
            f"discharge mode {held['mode'] or 'missing'}, the rule is for {modes}")  # fmt: skip


def formula(record: Record, cost: float, ratio: float, per_yuan: float) -> tuple[Both, str]:
    """What the branch pays: in symbols, and the same with the case's numbers, in reference yuan.

    Args:
        record: what was decided.
        cost: the case's cost in yuan.
        ratio: cost over standard.
        per_yuan: points of a reference yuan.
    """
    held, name = record.figures, record.formula
    c, s = money(cost), money(record.standard)
    if name == "quota":
        return ("定额", "quota"), money(held["quota"])
    if name == "bed_day":
        numbers = " + ".join(f"{inside:g} x {price:,.10g}" for inside, price in held["days"]) or "0"
        numbers = f"({numbers}) / {per_yuan:.10g}" if held["points"] else numbers
        return ("天数 x 床日标准", "days x price of a day"), numbers
    if name == "proportional":
        return _proportional(held, c, s)
    figures = {"c": c, "s": s, **held}
    symbols, numbers = _FORMULAS[name]
    if "rule" in held:
        limit = held["limit"]
        figures |= {"t": limit, "over": f"({ratio:.6f} - {limit:g})", "base": money(cost / ratio)}
        letter, usual, _ = HIGH_RULES[name]
        symbols = f"{letter} {name}: {symbols or usual}"
        if "band" in held:
            symbols += f" ({band_text(held['band'], 'r')})"
    symbols, numbers = symbols.format(**figures), numbers.format(**figures)
    if "extra" in held:
        points, share = held["extra"]
        symbols += " + extra"
        numbers += f" + {points:g} x {share:g} / {per_yuan:.10g}"
    return (symbols, symbols), numbers


def _proportional(held: Mapping[str, Any], c: str, s: str) -> tuple[Both, str]:
    mean, cap = held["mean"], held["cap"]
    if not (math.isfinite(mean) and mean > 0):
        symbols = "S x min(c / mean, cap)"
        return (f"{symbols} (病组均费未知，按 S)",
                f"{symbols} (the group's mean is not known: S)"), s  # fmt: skip
    shown, limit = f"{c} / {money(mean)}", "" if cap is None else f", {cap:g}"
    symbols, numbers = f"S x min(c / mean{limit})", f"{s} x {shown}"
    if cap is not None and held["share"] > cap:
        symbols, numbers = f"{symbols}; {shown} > {cap:g}", f"{s} x {cap:g}"
    return (symbols, symbols), numbers
