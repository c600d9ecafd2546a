"""Why a case has its branch (结算类型的判定): what was looked at in order, and the formula."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from budget.cases.claims import AMBIGUOUS, UNGROUPED
from budget.explain.case import CaseMoney
from budget.explain.standard import Scribe, band_of, band_text
from budget.policy.outliers import HIGH_RULES
from budget.price.branches import BRANCHES, CODES

_UNSETTLED = {
    "bad_cost": ("费用缺失或不大于 0", "the cost is missing or not above 0"),
    "outside_year": ("出院日期不在结算年度", "discharged outside of the settlement year"),
    "no_hospital": ("医疗机构不在目录中", "the hospital is not in the table of hospitals"),
    "no_insurance": ("险种不明", "the insurance is not known"),
    "no_pool": ("没有适用的基金池", "no pool of the policy applies"),
}


def money(yuan: float) -> str:
    """An amount in yuan with two decimals."""
    return f"{yuan:,.2f}"


def ratio_of(case: CaseMoney, scribe: Scribe) -> dict[str, Any]:
    """R with its denominator, and the thresholds with their bands."""
    outliers = case.policy.outliers
    r = float(case.priced.ratio[0])
    regional = outliers.ratio == "regional"
    base = case.grid.mean_cost * float(case.priced.weight[0]) if regional else case.reference
    scribe.use("outliers.ratio")
    if regional and case.policy.standard.mean_cost is not None:
        scribe.use("standard.mean_cost")
    found: dict[str, Any] = {
        "value": r if math.isfinite(r) else None,
        "base": base if math.isfinite(base) else None,
        "base_name": "M x RW" if regional else "S",
    }
    for side, values in (("low", case.grid.low), ("high", case.grid.high)):
        rule = getattr(outliers, side)
        value = float(values[case.at])
        if rule is None or case.claim.group[0] < 0 or not math.isfinite(value):
            found[side] = None
            continue
        weight = float(case.grid.weight[case.at[1]])
        number = weight if math.isfinite(weight) else 1.0
        place = band_of(case, rule.thresholds, number)
        key = scribe.use(f"outliers.{side}.thresholds[{place}].value")
        found[side] = {
            "value": value, "key": key, "band": band_text(rule.thresholds[place], "RW"),
            "selectors": {name: list(held) for name, held in
                          rule.thresholds[place].selectors.items()},
        }  # fmt: skip
    return found


def looked_at(case: CaseMoney, scribe: Scribe) -> list[dict[str, Any]]:
    """The branches of the policy in order up to the one that applied, each with its reason."""
    code = case.branch.code
    if code in _UNSETTLED:
        return [_looked(scribe, code, True, *_UNSETTLED[code])]
    found = []
    for one, zh, en in _reasons(case, scribe):
        found.append(_looked(scribe, one, one == code, zh, en))
        if one == code:
            break
    return found


def _looked(scribe: Scribe, code: str, applied: bool, zh: str, en: str) -> dict[str, Any]:
    return {"branch": code, "zh": BRANCHES[CODES.index(code)].zh, "applies": applied,
            "why": scribe.say(zh, en)}  # fmt: skip


def _reasons(case: CaseMoney, scribe: Scribe) -> Iterator[tuple[str, str, str]]:
    """Branches that the policy has, in order, each with how the case stands to it."""
    claim, special = case.claim, case.policy.special
    if special.day_bed is not None:
        marked = claim.flags.get("day_bed")
        scribe.asked["special.day_bed.diseases"] = None
        if not special.day_bed.diseases:
            yield "day_bed", "政策未列病种", "the policy lists no disease"
        elif marked is None or not marked[0]:
            yield "day_bed", "未标记为日间病床", "not marked as a day bed"
        else:
            yield "day_bed", "按主要诊断判断病种", "by its principal diagnosis"
    if special.review is not None:
        if case.branch.code == "review":
            scribe.use("special.review.unreasonable")
            yield "review", "申报获批且在比例内", "approved and inside the quota"
        else:
            yield "review", "未申报、不符合范围或超出比例", "not put forward, or not admitted"
    technology, since = special.new_technology, case.technology_year
    if technology is not None and technology.pay == "by_item":
        zh, en = "未使用目录内新技术", "no listed technology"
        if since:
            zh, en = (
                f"第 {since} 年，共 {technology.years} 年",
                f"year {since} of {technology.years}",
            )
        yield "new_technology", zh, en
    kind = int(claim.kind[0])
    none = kind == UNGROUPED
    yield "ungrouped", "无病组" if none else "已入组", f"it has {'no' if none else 'a'} group"
    mixed = kind == AMBIGUOUS
    yield "ambiguous", "是歧义组" if mixed else "不是歧义组", _is(mixed, "an ambiguous group")
    yield "unpriced", *_priced(case)
    if case.policy.groups is not None and case.policy.groups.unstable:
        there = bool(case.grid.unstable[case.at]) and bool(case.group)
        yield "unstable", "属不稳定病组" if there else "不属不稳定病组", _is(there, "unstable")
    yield from _by_stay(case, scribe)
    yield from _by_ratio(case)


def _is(there: bool, what: str) -> str:
    return what if there else f"not {what}"


def _priced(case: CaseMoney) -> tuple[str, str]:
    if math.isfinite(case.reference):
        return "有支付标准", "it has a standard"
    if not case.group:
        return "权重表中没有该病组", "the weight table does not list the group"
    if not math.isfinite(float(case.grid.weight[case.at[1]])):
        return "该病组没有权重", "the group has no weight"
    return "没有适用的费率或均值", "no rate or mean applies to the hospital"


def _by_stay(case: CaseMoney, scribe: Scribe) -> Iterator[tuple[str, str, str]]:
    special, days = case.policy.special, float(case.claim.stay[0])
    zh, en = (f"住院 {days:g} 天", f"{days:g} days") if math.isfinite(days) else (
        "住院天数缺失", "the length of stay is missing")  # fmt: skip
    for code, rule, zh_limit, en_limit in (
        ("short_stay", special.short_stay, "不超过", "at most"),
        ("long_stay", special.long_stay, "不少于", "at least"),
    ):
        if rule is not None:
            scribe.use(f"special.{code}.days")
            yield (code, f"{zh}，界限为{zh_limit} {rule.days} 天", f"{en}, the limit is {en_limit} "
                   f"{rule.days}")  # fmt: skip
    transfer = special.transfer
    if transfer is None:
        return
    scribe.use("special.transfer.modes")
    modes, mode = ", ".join(map(str, transfer.modes)), int(case.claim.mode[0])
    within = "" if transfer.within_days is None else f", <= {transfer.within_days} d"
    shown = str(mode) if mode else scribe.say("缺失", "missing")
    yield "transfer", f"离院方式 {shown}，规则适用于 {modes}{within}", (
        f"discharge mode {shown}, the rule is for {modes}{within}")  # fmt: skip


def _by_ratio(case: CaseMoney) -> Iterator[tuple[str, str, str]]:
    r, outliers = float(case.priced.ratio[0]), case.policy.outliers
    low, high = float(case.grid.low[case.at]), float(case.grid.high[case.at])
    if outliers.low is not None:
        yield "low", *_compared(r, "<", ">=", "L", low)
    if outliers.high is not None:
        yield "high", *_compared(r, ">", "<=", "T", high)
    yield "normal", "以上均不适用", "none of the above"


def _compared(r: float, holds: str, fails: str, name: str, limit: float) -> tuple[str, str]:
    there = r < limit if holds == "<" else r > limit
    text = f"r {r:.6g} {holds if there else fails} {name} {limit:g}"
    return text, text


def formula(case: CaseMoney, scribe: Scribe) -> tuple[str, str]:
    """What the branch pays: in symbols, and the same with the case's numbers.

    Numbers are in reference yuan; ``c`` is the cost, ``S`` the standard, ``x`` stands for times.
    """
    code, special = case.branch.code, case.policy.special
    c, s = money(case.cost), money(case.reference)
    if code == "day_bed":
        assert special.day_bed is not None
        row = special.day_bed.diseases[int(case.claim.disease[0])]
        scribe.use(f"special.day_bed.diseases.{row.name}.quota")
        return scribe.say("定额", "quota"), money(row.quota)
    if code == "review":
        assert special.review is not None
        return "c x (1 - unreasonable)", f"{c} x (1 - {special.review.unreasonable:g})"
    if code in ("ungrouped", "ambiguous", "unpriced"):
        return _without_group(case, scribe)
    if code in ("new_technology", "unstable"):
        return "c", c
    if code in ("short_stay", "long_stay"):
        return _stay(case, scribe)
    if code == "transfer":
        return _transfer(case, scribe)
    if code == "low":
        scribe.use("outliers.low.share")
        assert case.policy.outliers.low is not None
        return "share x c", f"{case.policy.outliers.low.share:g} x {c}"
    symbols, numbers = _high(case, scribe) if code == "high" else _normal(case, scribe)
    extra = _extra(case, scribe)
    return (f"{symbols} + extra", f"{numbers} + {extra}") if extra else (symbols, numbers or s)


def _without_group(case: CaseMoney, scribe: Scribe) -> tuple[str, str]:
    key = f"special.{case.branch.code}"
    rule = getattr(case.policy.special, case.branch.code)
    scribe.use(f"{key}.pay")
    if rule.pay == "share_of_cost":
        scribe.use(f"{key}.share")
        return "share x c", f"{rule.share:g} x {money(case.cost)}"
    if rule.pay == "by_item" or not math.isfinite(case.reference):
        return "c", money(case.cost)
    return "S", money(case.reference)


def _stay(case: CaseMoney, scribe: Scribe) -> tuple[str, str]:
    code, special = case.branch.code, case.policy.special
    rule = getattr(special, code)
    scribe.use(f"special.{code}.pay")
    if rule.pay == "by_item":
        return "c", money(case.cost)
    assert special.bed_day is not None
    days, parts = float(case.claim.stay[0]), []
    for i, band in enumerate(special.bed_day.rates):
        inside = min(days, band.upto or math.inf) - (band.above or 0)
        if inside > 0 and bool(band.applies(**case.attributes)):
            scribe.use(f"special.bed_day.rates[{i}].value")
            parts.append(f"{inside:g} x {band.value:,.10g}")
    numbers = " + ".join(parts) or "0"
    if special.bed_day.unit == "points":
        numbers = f"({numbers}) / {case.grid.per_yuan:.10g}"
    return scribe.say("天数 x 床日标准", "days x price of a day"), numbers


def _transfer(case: CaseMoney, scribe: Scribe) -> tuple[str, str]:
    rule = case.policy.special.transfer
    assert rule is not None
    scribe.use("special.transfer.pay")
    c, s = money(case.cost), money(case.reference)
    if rule.pay == "by_item":
        return "c", c
    if rule.pay == "share_of_standard":
        scribe.use("special.transfer.share")
        return "share x S", f"{rule.share or 0:g} x {s}"
    scribe.use("special.transfer.cap")
    mean = float(case.grid.group_mean[case.at[1]])
    if not (math.isfinite(mean) and mean > 0):
        unknown = scribe.say("病组均费未知，按 S", "the group's mean is not known: S")
        return f"S x min(c / mean, cap) ({unknown})", s
    share = case.cost / mean
    cap = "" if rule.cap is None else f", {rule.cap:g}"
    shown = f"{c} / {money(mean)}"
    if rule.cap is not None and share > rule.cap:
        return f"S x min(c / mean{cap}); {shown} > {rule.cap:g}", f"{s} x {rule.cap:g}"
    return f"S x min(c / mean{cap})", f"{s} x {shown}"


def _normal(case: CaseMoney, scribe: Scribe) -> tuple[str, str]:
    low, r = case.policy.outliers.low, float(case.priced.ratio[0])
    s = money(case.reference)
    if low is not None and low.band is not None and r < low.band.upto:
        key = "outliers.low.band"
        scribe.use(f"{key}.upto", f"{key}.cost", f"{key}.standard")
        band = low.band
        return (f"{band.cost:g} c + {band.standard:g} S (r < {band.upto:g})",
                f"{band.cost:g} x {money(case.cost)} + {band.standard:g} x {s}")  # fmt: skip
    return "S", s


def _high(case: CaseMoney, scribe: Scribe) -> tuple[str, str]:
    rule = case.policy.outliers.high
    assert rule is not None
    letter, symbols, parameters = HIGH_RULES[rule.rule]
    scribe.use("outliers.high.rule", *(f"outliers.high.{key}" for key in parameters))
    c, s = money(case.cost), money(case.reference)
    r, t = float(case.priced.ratio[0]), float(case.grid.high[case.at])
    base = case.cost / r
    over = f"({r:.6f} - {t:g})"
    numbers = {
        "standard": s,
        "cost": c,
        "excess_points": f"{s} + {money(base)} x {over}",
        "cost_minus": f"{c} - ({t:g} - 1) x {s}",
        "cost_minus_standard": f"{c} - {s}",
        "excess_share": f"{s} x (1 + {rule.share or 0:g} x {over})",
        "step_share": f"{s} x ({rule.step or 0:g} + {rule.share or 0:g} x {over})",
        "cost_minus_part": f"{c} - {rule.part or 0:g} x {s}",
    }  # fmt: skip
    symbols = "S + base*(r - T)" if rule.rule == "excess_points" else symbols
    if rule.bands is None:
        return f"{letter} {rule.rule}: {symbols}", numbers[rule.rule]
    place = int(np.searchsorted([b.upto for b in rule.bands if b.upto is not None], r))
    band = rule.bands[place]
    scribe.use(f"outliers.high.bands[{place}].cost", f"outliers.high.bands[{place}].standard")
    return (f"{letter} {rule.rule}: {symbols} ({band_text(band, 'r')})",
            f"{band.cost:g} x {c} + {band.standard:g} x {s}")  # fmt: skip


def _extra(case: CaseMoney, scribe: Scribe) -> str:
    """Extra points of a new technology in reference yuan, "" without any."""
    rule, since = case.policy.special.new_technology, case.technology_year
    if rule is None or rule.pay != "extra_points" or not 0 < since <= len(rule.taper):
        return ""
    row = rule.technologies[int(case.claim.technology[0])]
    key = f"special.new_technology.technologies.{row.name}.extra_points"
    scribe.use(key, f"special.new_technology.taper[{since - 1}].share")
    share = rule.taper[since - 1].share
    return f"{row.extra_points or 0:g} x {share:g} / {case.grid.per_yuan:.10g}"
