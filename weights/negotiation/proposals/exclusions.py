"""Conditions on cases that a proposal wants left out (剔除病例条件), such as cost>200000."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drg.language import say
from weights.cases.observations import Bools
from weights.negotiation.proposals.context import GroupCases, hospital_of
from weights.negotiation.proposals.faults import UnfitError
from weights.negotiation.proposals.words import plain

# what a condition is about -> words for it
SUBJECTS: dict[str, tuple[str, ...]] = {
    "cost": ("cost", "total_cost", "住院总费用", "医疗总费用", "总费用", "费用"),
    "length_of_stay": (
        "length_of_stay",
        "los",
        "stay",
        "实际住院天数",
        "住院天数",
        "住院日",
        "天数",
    ),
    "hospital_id": ("hospital_id", "hospital", "医疗机构代码", "医疗机构编码", "医疗机构", "医院"),
    "case_id": ("case_id", "case", "病例号", "住院流水号", "结算流水号", "病案号", "病例"),
    "insurance": ("insurance", "险种类型", "险种"),
}
_NUMBERS = ("cost", "length_of_stay")
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
_SIGNS = {
    ">=": ">=", "<=": "<=", "≥": ">=", "≤": "<=", "==": "=", ">": ">", "<": "<", "=": "=",
    "大于等于": ">=", "小于等于": "<=", "不低于": ">=", "不少于": ">=", "不超过": "<=",
    "不高于": "<=", "大于": ">", "高于": ">", "超过": ">", "小于": "<", "低于": "<", "少于": "<",
    "不足": "<", "等于": "=", "为": "=", "属于": "in", "in ": "in",
}  # fmt: skip
_INSURANCE = {"employee": "employee", "职工": "employee", "城镇职工": "employee",
              "resident": "resident", "居民": "resident", "城乡居民": "resident"}  # fmt: skip
_JOIN = re.compile(r"\s+and\s+|并且|且|&&", re.IGNORECASE)
_WORDS = sorted((word for words in SUBJECTS.values() for word in words), key=len, reverse=True)
_CONDITION = re.compile(
    rf"({'|'.join(_WORDS)})\s*({'|'.join(_SIGNS)})\s*(.+)", re.IGNORECASE | re.DOTALL
)
_AMOUNT = re.compile(
    r"([0-9][0-9,]{0,14}(?:\.[0-9]{0,6})?)\s*(万)?\s*(元|天|日|yuan|days?)?", re.IGNORECASE
)
_LIST = re.compile(r"[|,;、，；\s]+")
_MOST = 20
_EXAMPLE = (
    "cost>200000、length_of_stay>60、hospital_id=H01 或 case_id in A1|A2，用“且”或 and 连接",
    "cost>200000, length_of_stay>60, hospital_id=H01 or case_id in A1|A2, joined by 且 or and",
)


@dataclass(frozen=True)
class Condition:
    """One condition on a case.

    Attributes:
        subject: a key of :data:`SUBJECTS`.
        sign: ``>, >=, <, <=, =, in``.
        number: what a cost in yuan or a stay in days is held against; None for texts.
        texts: ids that are meant; empty for numbers.
    """

    subject: str
    sign: str
    number: float | None
    texts: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.number is None:
            return f"{self.subject} in {'|'.join(self.texts)}"
        return f"{self.subject} {self.sign} {self.number:.12g}"

    def holds(self, cases: GroupCases) -> Bools:
        """Which cases meet it; an unknown stay meets nothing. Shape (N,).

        Raises:
            UnfitError: the cases have no such column, or a case that is named is not among them.
        """
        if self.number is not None:
            values = cases.cost if self.subject == "cost" else cases.stay
            if values is None:
                raise self._unfit(say("病例无住院天数", "the cases have no length of stay"))
            return np.asarray(_COMPARE[self.sign](values, self.number), np.bool_)
        held = cases.texts.get(self.subject)
        if held is None:
            raise self._unfit(say(f"病例没有 {self.subject} 一项",
                                  f"the cases have no {self.subject}"))  # fmt: skip
        if self.subject == "case_id" and (missing := sorted({*self.texts} - {*held.tolist()})):
            raise UnfitError("value", say("病组中没有此病例", "no such case in the group"),
                             missing[0],
                             say("该病组的病例号", "case numbers of the group"))  # fmt: skip
        return np.isin(held, np.array(self.texts, object))

    def _unfit(self, what: str) -> UnfitError:
        return UnfitError("value", what, str(self), say(*_EXAMPLE))


def read_conditions(text: str, hospitals: Mapping[str, str]) -> tuple[Condition, ...]:
    """Conditions as people write them, all of which a case must meet.

    Args:
        text: such as ``cost>200000 and hospital_id=H01`` or ``费用＞20万元且住院天数≥60天``.
        hospitals: id -> name; hospitals may be named either way.

    Raises:
        UnfitError: a part is no condition, or names a hospital that is not known.
    """
    parts = [part.strip() for part in _JOIN.split(plain(text))]
    if len(parts) > _MOST:
        raise UnfitError("value", say("条件过多", "too many conditions"), len(parts),
                         say(f"不超过 {_MOST} 个", f"at most {_MOST}"))  # fmt: skip
    return tuple(_condition(part, hospitals) for part in parts)


def shown(conditions: Sequence[Condition]) -> str:
    """Conditions in one spelling, which :func:`read_conditions` reads back."""
    return " and ".join(map(str, conditions))


def _condition(part: str, hospitals: Mapping[str, str]) -> Condition:
    found = _CONDITION.fullmatch(part)
    if found is None:
        raise UnfitError("value", say("剔除条件无法识别", "not a condition on cases"), part,
                         say(*_EXAMPLE))  # fmt: skip
    word = found[1].lower()
    subject = next(name for name, words in SUBJECTS.items() if word in words)
    sign, rest = _SIGNS[found[2].lower()], found[3].strip()
    if subject in _NUMBERS:
        number = _AMOUNT.fullmatch(rest)
        if number is None or sign == "in":
            raise UnfitError("value", say("比较值无法识别", "not a number to compare with"), part,
                             say(*_EXAMPLE))  # fmt: skip
        amount = float(number[1].replace(",", "")) * (10_000 if number[2] else 1)
        return Condition(subject, sign, amount)
    if sign not in ("=", "in"):
        raise UnfitError(
            "value", say("此项不能比较大小", "cannot be compared so"), part, say(*_EXAMPLE)
        )
    texts = tuple(dict.fromkeys(text for text in _LIST.split(rest) if text))
    if subject == "insurance":
        texts = tuple(_insurance(text) for text in texts)
    if subject == "hospital_id":
        texts = tuple(_hospital(text, hospitals) for text in texts)
    if not texts:
        raise UnfitError("value", say("未写明", "names nothing"), part, say(*_EXAMPLE))
    return Condition(subject, "in", None, texts)


def _insurance(text: str) -> str:
    found = _INSURANCE.get(text.lower())
    if found is None:
        raise UnfitError("value", say("险种无法识别", "not an insurance"), text,
                         say("employee（职工）或 resident（居民）",
                             "employee 职工 or resident 居民"))  # fmt: skip
    return found


def _hospital(text: str, hospitals: Mapping[str, str]) -> str:
    found = hospital_of(text, hospitals)
    if found is None:
        raise UnfitError("value", say("医疗机构不存在", "no such hospital"), text,
                         say("医疗机构代码", "the id of a hospital"))  # fmt: skip
    return found
