"""What weight a proposal comes to (申请折算权重): a weight, a class, a trimming, cases left out."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from drg.errors import DrgError, one_of
from drg.language import say
from weights.cases.observations import Floats
from weights.fit.adjust import KINDS
from weights.negotiation.proposals.context import Context, GroupCases
from weights.negotiation.proposals.exclusions import read_conditions, shown
from weights.negotiation.proposals.faults import UnfitError
from weights.negotiation.proposals.words import TRIM_WORDS, plain
from weights.trim import METHODS, method

SANE = (0.2, 5.0)  # a weight outside of this multiple of the draft is a slip of the pen
_UNSURE = Decimal(50)  # from here on "110%" may mean 110% of the draft as well as +110%
_NUMBER = r"([0-9]{1,6}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})"
_CHANGE = re.compile(rf"([+-]?){_NUMBER}%")
_WORD_CHANGE = re.compile(
    rf"(上调|提高|增加|上浮|上涨|调高|下调|降低|减少|下浮|下降|调低|up|down){_NUMBER}%"
)
_FALLS = ("下调", "降低", "减少", "下浮", "下降", "调低", "down")
_FACTOR = re.compile(rf"[x×*乘]{_NUMBER}|{_NUMBER}倍")
_PLAIN = re.compile(rf"{_NUMBER}(?:e([+-]?[0-9]{{1,2}}))?")
_EXPECTED = (
    "权重（如 1.25）、调整幅度（如 +10% 或 -5%）或倍数（如 ×1.1）",
    "a weight such as 1.25, a change such as +10% or -5%, or a factor such as ×1.1",
)


@dataclass(frozen=True)
class Asked:
    """What a proposal comes to.

    Attributes:
        weight: the relative weight (相对权重).
        basis: how it was found, fit for JSON: ``draft``, ``factor``, ``outside_corridor``,
            ``read_as``, and of re-estimates cases and means in yuan before and after.
    """

    weight: float
    basis: dict[str, Any]


def asked_weight(what: str, value: str, drg: str, context: Context) -> Asked:
    """The weight that a proposal comes to.

    Args:
        what: ``weight, class, trim, exclude``.
        value: what is asked, as it was written.
        drg: a group of the draft.
        context: draft, cases, corridor.

    Raises:
        UnfitError: the value cannot be read, its cases cannot be found, or the weight is beyond
            0.2 to 5 times the draft.
    """
    draft = context.draft[drg]
    weight, basis = _KINDS[what](value, drg, context)
    check_sane(weight, draft, "value")
    low, high = draft * (1 - context.corridor_fall), draft * (1 + context.corridor_rise)
    outside = not low * (1 - 1e-12) <= weight <= high * (1 + 1e-12)
    return Asked(weight, {"draft": draft, "factor": weight / draft,
                          "outside_corridor": outside, **basis})  # fmt: skip


def check_sane(weight: float, draft: float, column: str) -> None:
    """Refuse a weight that must be a slip of the pen.

    Raises:
        UnfitError: it is beyond 0.2 to 5 times the draft.
    """
    low, high = (bound * draft for bound in SANE)
    if not low <= weight <= high:
        raise UnfitError(column,
                         say(f"与草案权重 {draft:g} 相差过大",
                             f"too far from the draft weight {draft:g}"), f"{weight:.6g}",
                         say(f"{low:.4g} 至 {high:.4g}；百分比调整须带正负号，例如 +10%",
                             f"{low:.4g} to {high:.4g}; a change in percent is written with its "
                             "sign, such as +10%"))  # fmt: skip


def read_weight(text: str, draft: float, column: str = "value") -> tuple[float, str]:
    """A weight, or a change of the draft, as people write it.

    Args:
        text: ``1.25``, ``+10%``, ``10%`` (a rise), ``上调10%``, ``×1.1``, ``1.1倍``.
        draft: the weight that a change or factor applies to.
        column: the part of the proposal, for messages.

    Returns:
        The weight, and the text in one spelling.

    Raises:
        UnfitError: it is none of these, or could be two of them.
    """
    short = plain(text).lower().replace(" ", "")
    if found := _WORD_CHANGE.fullmatch(short):
        return _changed(draft, "-" if found[1] in _FALLS else "+", Decimal(found[2]), column, text)
    if found := _CHANGE.fullmatch(short):
        share = Decimal(found[2])
        if not found[1] and share >= _UNSURE:
            factor = f"{(share / 100).normalize():f}"
            raise UnfitError(
                column, say("百分数含义不明", "could be a change or a share of the draft"), text,
                say(f"×{factor}（草案的 {found[0]}）或 +{found[0]}（上调该幅度）",
                    f"×{factor} for {found[0]} of the draft, or +{found[0]} for a rise by so much"),
            )  # fmt: skip
        return _changed(draft, found[1] or "+", share, column, text)
    if found := _FACTOR.fullmatch(short):
        factor = found[1] or found[2]
        return float(_exact(draft) * Decimal(factor)), f"×{factor}"
    if found := _PLAIN.fullmatch(short):
        return float(found[0]), found[0]
    if re.fullmatch(rf"[+-]{_NUMBER}", short):
        raise UnfitError(column, say("调整幅度须带百分号", "a change needs a percent sign"), text,
                         say(*_EXPECTED))  # fmt: skip
    raise UnfitError(column, say("无法识别", "cannot be read"), text, say(*_EXPECTED))


def _changed(draft: float, sign: str, share: Decimal, column: str, text: str) -> tuple[float, str]:
    signed = -share if sign == "-" else share
    if signed <= -100:
        raise UnfitError(column, say("下调后权重不大于零", "leaves no weight"), text,
                         say("降幅小于 100%", "a fall below 100%"))  # fmt: skip
    return float(_exact(draft) * (1 + signed / 100)), f"{sign}{share.normalize():f}%"


def _exact(number: float) -> Decimal:
    """A number as it is printed, so that +10% of 1.2 is 1.32 and not 1.3200000000000003."""
    return Decimal(repr(number))


def _weight(value: str, drg: str, context: Context) -> tuple[float, dict[str, Any]]:
    weight, spelled = read_weight(value, context.draft[drg])
    return weight, {"read_as": spelled}


def _class(value: str, drg: str, context: Context) -> tuple[float, dict[str, Any]]:
    """A class with its factor; only basic groups may have none, as one price is their point."""
    short = plain(value).lower().replace(" ", "")
    names = {word: kind for kind, (chinese, _) in KINDS.items() for word in (kind, chinese)}
    word = next((word for word in names if short.startswith(word)), None)
    known = ", ".join(f"{kind} {chinese}" for kind, (chinese, _) in KINDS.items())
    if word is None:
        raise UnfitError("value", say("病组类别不存在", "not a kind of class"), value, known)
    kind, rest = names[word], short[len(word) :].strip(",;:()")
    (low, high), draft = KINDS[kind][1], context.draft[drg]
    example = f"{kind} {(low + high) / 2:g}"
    bounds = say(f"{low:g} 至 {high:g} 之间的系数，例如 {example}",
                 f"a factor from {low:g} to {high:g}, such as {example}")  # fmt: skip
    if not rest and kind != "basic":
        raise UnfitError("value", say("缺少类别系数", "the class needs a factor"), value, bounds)
    factor, weight = Decimal(1), draft
    if rest:
        found = re.fullmatch(rf"[x×*]?{_NUMBER}倍?", rest)
        if found:
            factor, weight = Decimal(found[1]), float(_exact(draft) * Decimal(found[1]))
        elif _CHANGE.fullmatch(rest) or _WORD_CHANGE.fullmatch(rest):
            weight, spelled = read_weight(rest, draft)
            share = Decimal(spelled.rstrip("%"))
            factor = 1 + share / 100
        else:
            raise UnfitError("value", say("类别系数无法识别", "not a factor of a class"), value,
                             bounds)  # fmt: skip
    if not low <= factor <= high:
        raise UnfitError("value",
                         say("类别系数超出范围", "the factor of the class is out of range"), value,
                         bounds)  # fmt: skip
    return weight, {"class": kind, "class_factor": float(factor),
                    "read_as": f"{kind} {factor.normalize():f}"}  # fmt: skip


def _trim(value: str, drg: str, context: Context) -> tuple[float, dict[str, Any]]:
    name, parameters = _method(value)
    try:
        chosen = method(name, **parameters)
    except (DrgError, TypeError) as error:
        raise UnfitError("value", say(f"裁剪方法无效（{error}）", f"not a way to trim ({error})"),
                         value) from None  # fmt: skip
    cases = _some_cases(drg, context, value)
    before, _, _ = _mean(cases, context.trim, value)
    after, kept, changed = _mean(cases, chosen, value)
    if kept == len(cases) and not changed and after == before:
        raise UnfitError("value",
                         say("该裁剪方法未裁剪任何病例",
                             "changes nothing: it keeps every case of the group"),
                         value)  # fmt: skip
    return _estimated(drg, context, before, after, {
        "trim": name, "parameters": parameters, "read_as": _spelled(name, parameters),
        "cases_before": _kept(cases, context, value), "cases_after": kept, "cases_changed": changed,
    })  # fmt: skip


def _method(value: str) -> tuple[str, dict[str, Any]]:
    words = [word for word in re.split(r"[\s,;，；()]+", plain(value).lower()) if word]
    name = TRIM_WORDS.get(words[0], words[0]) if words else ""
    if name not in METHODS:
        raise UnfitError("value", say("裁剪方法不存在", "no such method of trimming"), value,
                         one_of(METHODS))  # fmt: skip
    parameters: dict[str, Any] = {}
    for word in words[1:]:
        key, equals, number = word.partition("=")
        if not equals:
            raise UnfitError("value", say("裁剪参数无法识别", "not a parameter of a trimming"),
                             value,
                             say("名称=数值，例如 iqr k=2",
                                 "name=number, such as iqr k=2"))  # fmt: skip
        parameters[key] = _parameter(number)
    return name, parameters


def _parameter(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text


def _spelled(name: str, parameters: dict[str, Any]) -> str:
    return " ".join([name, *(f"{key}={held}" for key, held in parameters.items())])


def _exclude(value: str, drg: str, context: Context) -> tuple[float, dict[str, Any]]:
    conditions = read_conditions(value, context.hospital_names)
    cases = _some_cases(drg, context, value)
    out = np.ones(len(cases), np.bool_)
    for condition in conditions:
        out &= condition.holds(cases)
    if not out.any():
        raise UnfitError("value",
                         say(f"{drg} 没有符合条件的病例", f"no case of {drg} meets the conditions"),
                         value)  # fmt: skip
    left = GroupCases(
        cases.cost[~out], None if cases.stay is None else cases.stay[~out],
        {name: held[~out] for name, held in cases.texts.items()},
    )  # fmt: skip
    if len(left) < context.least_cases:
        raise UnfitError("value",
                         say(f"剔除后病例数过少（{len(cases)} 例余 {len(left)} 例）",
                             f"leaves {len(left)} of {len(cases)} cases"), value,
                         say(f"至少保留 {context.least_cases} 例",
                             f"at least {context.least_cases} cases left"))  # fmt: skip
    before, _, _ = _mean(cases, context.trim, value)
    after, kept, _ = _mean(left, context.trim, value)
    return _estimated(drg, context, before, after, {
        "read_as": shown(conditions), "cases_excluded": int(out.sum()),
        "cases_before": _kept(cases, context, value), "cases_after": kept,
    })  # fmt: skip


def _some_cases(drg: str, context: Context, value: str) -> GroupCases:
    cases = context.group_cases(drg)
    if cases is None:
        raise UnfitError("value",
                         say("没有可供重新测算的病例", "there are no cases to estimate from"),
                         value,
                         say("权重、调整幅度或类别", "a weight, a change or a class"))  # fmt: skip
    if len(cases) < context.least_cases:
        raise UnfitError("value",
                         say(f"{drg} 只有 {len(cases)} 例，不足以重新测算",
                             f"{drg} has {len(cases)} cases, too few to estimate from"), value,
                         say(f"不少于 {context.least_cases} 例",
                             f"at least {context.least_cases}"))  # fmt: skip
    return cases


def _kept(cases: GroupCases, context: Context, value: str) -> int:
    return _mean(cases, context.trim, value)[1]


def _mean(cases: GroupCases, trim: Any, value: str) -> tuple[float, int, int]:
    """Mean cost in yuan, cases kept and cases drawn to a bound, of one group after trimming."""
    try:
        done = trim(np.zeros(len(cases), np.int64), cases.cost, cases.stay, 1)
    except DrgError as error:
        raise UnfitError("value",
                         say(f"无法按此裁剪（{error}）", f"cannot be trimmed so ({error})"),
                         value) from None  # fmt: skip
    cost: Floats = done.cost[done.keep]
    return float(cost.mean()), len(cost), int(done.changed)


def _estimated(
    drg: str, context: Context, before: float, after: float, basis: dict[str, Any]
) -> tuple[float, dict[str, Any]]:
    weight = context.draft[drg] * after / before
    return weight, {**basis, "mean_before": before, "mean_after": after}


_KINDS: dict[str, Callable[[str, str, Context], tuple[float, dict[str, Any]]]] = {
    "weight": _weight, "class": _class, "trim": _trim, "exclude": _exclude,
}  # fmt: skip
