"""A proposal (权重调整申请): who asks for what change of a group's weight, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from drg.errors import problem
from drg.language import say
from weights.negotiation.proposals.faults import UnfitError, refuse_personal
from weights.negotiation.proposals.words import PARTIES, WHATS

_LONGEST = {"value": 4_000, "reason": 2_000, "evidence": 2_000}
_SLACK = 1e-9  # relative; a bound typed with all its digits is not above the weight it equals


@dataclass(frozen=True)
class Proposal:
    """One proposal.

    Attributes:
        id: such as ``P001``.
        party: who asks (提出方): ``hospital``, ``panel`` or ``bureau``.
        hospital_id: the hospital that asks, "" for the others.
        drg: the group (病组).
        what: what is to change (调整事项): ``weight, class, trim, exclude``.
        value: what is asked (调整值), as it was written.
        asked: the relative weight that it comes to.
        least: the lowest weight that the proposer accepts, or None.
        most: the highest, or None.
        reason: why (理由).
        evidence: what supports it (依据).
        basis: how ``asked`` was found; fit for JSON.

    Raises:
        DrgError: a part is missing or of the wrong kind, the weights are not in order, or a text
            holds an identity or mobile number.
    """

    id: str
    party: str
    hospital_id: str
    drg: str
    what: str
    value: str
    asked: float
    least: float | None
    most: float | None
    reason: str
    evidence: str = ""
    basis: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name in ("id", "party", "hospital_id", "drg", "what", "value", "reason", "evidence"):
            if not isinstance(getattr(self, name), str):
                raise problem(say("不是文本", "not a text"), key=name, found=getattr(self, name))
        for name, known in (("party", PARTIES), ("what", WHATS)):
            if getattr(self, name) not in known:
                raise problem(say("不是可用的取值", "not known"), key=name,
                              found=getattr(self, name), expected=", ".join(known))  # fmt: skip
        for name in ("id", "drg", "value"):
            if not getattr(self, name):
                raise problem(say("缺失", "is missing"), key=name)
        for name in ("asked", "least", "most"):
            _check_number(name, getattr(self, name))
        check_party(self.party, self.hospital_id)
        _check_texts(vars(self))
        check_order(self.asked, self.least, self.most)

    @property
    def proposer(self) -> tuple[str, str]:
        """Who asks: party and hospital."""
        return self.party, self.hospital_id

    def body(self) -> dict[str, Any]:
        """The proposal as it stands on record."""
        return {one.name: getattr(self, one.name) for one in fields(self)} | {
            "basis": dict(self.basis)
        }

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Proposal:
        """A proposal from the record.

        Raises:
            DrgError: a part is missing, not known, or not allowed.
        """
        names = [one.name for one in fields(cls)]
        if sorted(body) != sorted(names):
            raise problem(say("不是申请的组成部分", "not the parts of a proposal"),
                          found=", ".join(map(str, sorted(body))),
                          expected=", ".join(names))  # fmt: skip
        return cls(**body)


def check_text(name: str, text: str) -> None:
    """Refuse a text that is missing, too long, or points to a person.

    Raises:
        UnfitError: it is one of these.
    """
    if name != "evidence" and not text:
        raise UnfitError(name, say("未填写", "is missing"), expected=say("文本", "a text"))
    if len(text) > _LONGEST[name]:
        raise UnfitError(name, say("内容过长", "is too long"),
                         say(f"{len(text)} 个字符", f"{len(text)} characters"),
                         say(f"不超过 {_LONGEST[name]} 个字符",
                             f"at most {_LONGEST[name]}"))  # fmt: skip
    refuse_personal(name, text, mobiles=name != "value")


def _check_texts(cells: Mapping[str, str]) -> None:
    for name in ("value", "reason", "evidence"):
        check_text(name, cells[name].strip())


def check_party(party: str, hospital: str) -> None:
    """Refuse a hospital without id, and an id that is no hospital's.

    Raises:
        UnfitError: it is so.
    """
    if party == "hospital" and not hospital:
        raise UnfitError("hospital_id", say("医疗机构须填写代码", "is missing"),
                         expected=say("医疗机构代码", "the hospital's id"))  # fmt: skip
    if party != "hospital" and hospital:
        raise UnfitError("hospital_id", say("非医疗机构提出时应为空", "only a hospital has one"),
                         hospital, say("空", "nothing"))  # fmt: skip


def _check_number(name: str, number: object) -> None:
    if number is None and name != "asked":
        return
    known = isinstance(number, int | float) and not isinstance(number, bool)
    if not known or not 0 < number < math.inf:  # type: ignore[operator]
        raise problem(say("不是权重", "not a weight"), key=name, found=number,
                      expected=say("大于 0 的数", "a number above 0"))  # fmt: skip


def check_order(asked: float, least: float | None, most: float | None) -> None:
    """Refuse bounds that the weight that is asked lies outside of.

    Raises:
        UnfitError: it does.
    """
    if least is not None and least > asked * (1 + _SLACK):
        raise UnfitError("least", say("可接受最低高于申请权重", "above the weight that is asked"),
                         f"{least:.6g}",
                         say(f"不大于 {asked:.6g}", f"at most {asked:.6g}"))  # fmt: skip
    if most is not None and most < asked * (1 - _SLACK):
        raise UnfitError("most", say("可接受最高低于申请权重", "below the weight that is asked"),
                         f"{most:.6g}",
                         say(f"不小于 {asked:.6g}", f"at least {asked:.6g}"))  # fmt: skip
