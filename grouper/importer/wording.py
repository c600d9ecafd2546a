"""Chinese wording of conditions turned into rules: ages, birth weights, deaths, severities."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Severity = Literal["mcc", "cc", "none", ""]

_OP = {"<": "<", "≤": "<=", "<=": "<=", ">": ">", "≥": ">=", ">=": ">=", "小于": "<", "大于": ">",
       "不足": "<", "不满": "<", "低于": "<", "超过": ">", "高于": ">", "不超过": "<=",
       "不大于": "<=", "不小于": ">=", "不低于": ">=", "=": "=="}  # fmt: skip
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OPS = "<=|>=|<|>|≤|≥|=|不超过|不大于|不小于|不低于|小于|大于|不足|不满|低于|超过|高于"
_UNIT = {"天": "age_days", "日": "age_days", "日龄": "age_days", "岁": "age", "周岁": "age"}
_AGE = r"(?:出生)?(?:年龄|日龄)"
_UNITS = "天|日|周岁|岁"
_PATTERNS = (
    ("between", rf"(\d+)({_UNITS})?(<|≤|<=)(?:{_AGE})(<|≤|<=)(\d+)({_UNITS})"),
    ("weight_range", r"(?:出生)?体重(\d{3,4})(?:g|克)?[-~至—]+(\d{3,4})(?:g|克)?"),
    ("weight", rf"(?:出生)?体重({_OPS})(\d{{3,4}})(?:g|克)?"),
    ("age_range", rf"(?:{_AGE})?(\d+)({_UNITS})?[-~至—]+(\d+)({_UNITS})"),
    ("age", rf"{_AGE}({_OPS})(\d+)({_UNITS})"),
    ("age_side", r"(?:年龄)?(\d+)(天|日|周岁|岁)(及以上|及以下|以上|以下|以内)"),
    ("bare_age", rf"({_OPS})(\d+)(周岁|岁)"),
)  # fmt: skip
_COMPILED = [(kind, re.compile(pattern)) for kind, pattern in _PATTERNS]
_HINT = re.compile(r"年龄|日龄|体重\d|体重[<>≤≥]|\d+(?:周)?岁")
_DAYS = re.compile(rf"住院(?:天数|时间|日)?({_OPS})(\d+)(?:天|日)|(\d+)(?:天|日)(?:内|以内)")
_WITHOUT = re.compile(r"(不伴|无|未伴|除外)[^,，;；]*(并发症|合并症|MCC|(?<!M)CC)")
_MCC = re.compile(r"(严重|重要|重度)(的)?(或)?(并发症|合并症)|(?<![A-Z])MCC")
_CC = re.compile(r"伴[^,，;；不]*(并发症|合并症)|(?<![A-Z])CC(?![A-Z])")


@dataclass(frozen=True)
class Wording:
    """Conditions read from a text.

    Attributes:
        rules: conditions, all of which must hold.
        read: the words that were understood.
        unread: whether the text speaks of ages or weights that were not understood.
    """

    rules: tuple[str, ...]
    read: tuple[str, ...]
    unread: bool


def plain(text: str) -> str:
    """Half-width, without spaces."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def conditions(text: str) -> Wording:
    """Ages and birth weights that a group's name or condition asks for."""
    rest = plain(text)
    rules: list[str] = []
    read: list[str] = []
    for kind, pattern in _COMPILED:
        while match := pattern.search(rest):
            rules += _rules(kind, match)
            read.append(match[0])
            rest = rest[: match.start()] + "□" + rest[match.end() :]
    return Wording(tuple(rules), tuple(read), _HINT.search(rest) is not None)


def _rules(kind: str, match: re.Match[str]) -> list[str]:
    if kind == "between":
        low, unit, left, right, high, unit2 = match.groups()
        return [
            f"{_UNIT[unit or unit2]} {_TURNED[_OP[left]]} {low}",
            f"{_UNIT[unit2]} {_OP[right]} {high}",
        ]
    if kind == "weight_range":
        low, high = match.groups()
        # 1500-1999 g means up to 2000 g.
        upper = f"< {int(high) + 1}" if high.endswith("99") else f"<= {high}"
        return [f"birth_weight >= {low}", f"birth_weight {upper}"]
    if kind == "weight":
        op, grams = _OP[match[1]], match[2]
        if op == ">" and grams.endswith("99"):
            op, grams = ">=", str(int(grams) + 1)
        return [f"birth_weight {op} {grams}"]
    if kind == "age_range":
        low, unit, high, unit2 = match.groups()
        return [f"{_UNIT[unit or unit2]} >= {low}", f"{_UNIT[unit2]} <= {high}"]
    if kind == "age_side":
        number, unit, side = match.groups()
        op = {"及以上": ">=", "以上": ">=", "及以下": "<=", "以下": "<", "以内": "<="}[side]
        return [f"{_UNIT[unit]} {op} {number}"]
    return [f"{_UNIT[match[3]]} {_OP[match[1]]} {match[2]}"]


def severity(name: str) -> Severity:
    """Which complications a group's name speaks of; "" when it speaks of none."""
    text = plain(name).upper()
    if _WITHOUT.search(text):
        return "none"
    if _MCC.search(text):
        return "mcc"
    return "cc" if _CC.search(text) else ""


def outcome(name: str) -> str:
    """The condition of a group for deaths or transfers, "" when its name speaks of none."""
    text = plain(name)
    modes = [mode for word, mode in (("转院", "2"), ("死亡", "5")) if word in text]
    if not modes:
        return ""
    rule = f"discharge_mode == {modes[0]}" if len(modes) == 1 else "discharge_mode in [2, 5]"
    if match := _DAYS.search(text):
        op, days = (_OP[match[1]], match[2]) if match[1] else ("<=", match[3])
        rule += f" and length_of_stay {op} {days}"
    return rule


_TOKENS = (
    (r"\(|（", "("),
    (r"\)|）", ")"),
    (r"同时包含|同时具有|同时满足|同时伴|同时|并且|且|和|及|与|\+|、|AND|,|，|;|；", "and"),
    (r"或者|或|OR", "or"),
    (r"不包含|不含|非|无", "not"),
    (r"主要诊断(?:列表)?(?:D)?(\d*)", "principal_diagnosis in D"),
    (r"(?:其他|次要)诊断(?:列表)?(?:D)?(\d*)", "secondary_diagnosis in D"),
    (r"(?:任一|任意)?诊断(?:列表)?(?:D)?(\d*)|D(\d+)", "any_diagnosis in D"),
    (r"主要(?:手术操作|手术或操作|手术|操作)(?:列表)?(?:P)?(\d*)(?:[#-](\d+))?",
     "principal_procedure in P"),
    (r"(?:任一|任意)?(?:手术操作|手术或操作|手术|操作)?(?:列表)(\d+)(?:[#-](\d+))?"
     r"|(?:手术操作|手术或操作|手术|操作)(\d*)|P(\d+)(?:[#-](\d+))?", "any_procedure in P"),
    (r"包含|满足|符合|的|之一|以下|编码|中|在|属于", ""),
)  # fmt: skip
_SCANNER = [(re.compile(pattern), meaning) for pattern, meaning in _TOKENS]


def condition(text: str) -> str:
    """A condition in words, such as ``主要诊断且（列表1或列表2同时包含列表3）``, as a rule.

    Returns:
        The rule, or "" when some of the words are not understood.
    """
    rest = plain(text).upper().rstrip("。.").replace("G", "g")
    parts: list[str] = []
    while rest:
        found = _age_or_weight(rest)
        if found is None:
            found = _scan(rest)
        if found is None:
            return ""
        rule, length = found
        if rule:
            parts.append(rule)
        rest = rest[length:]
    return " ".join(parts)


def _age_or_weight(rest: str) -> tuple[str, int] | None:
    for kind, pattern in _COMPILED:
        if match := pattern.match(rest):
            rules = _rules(kind, match)
            return " and ".join(rules) if len(
                rules
            ) == 1 else f"({' and '.join(rules)})", match.end()
    return None


def _scan(rest: str) -> tuple[str, int] | None:
    for pattern, meaning in _SCANNER:
        match = pattern.match(rest)
        if not match:
            continue
        if meaning.endswith((" D", " P")):
            numbers = [number for number in match.groups() if number]
            list_name = (numbers[0] if numbers else "1") + (f"#{numbers[1]}" if numbers[1:] else "")
            return meaning + list_name, match.end()
        return meaning, match.end()
    return None
