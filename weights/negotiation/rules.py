"""Rules of a round (谈判规则): how far weights may move, who votes, what is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from fractions import Fraction
from os import PathLike
from typing import Any

from drg.documents import fit, read_document
from drg.errors import DrgError, one_of, problem
from drg.language import say

_OWN = "default of this program; the region decides"
_PROCEDURE = "procedure of weight negotiation (权重论证谈判)"


@dataclass(frozen=True)
class About:
    """What a rule is.

    Attributes:
        zh: its Chinese term.
        en: what it means.
        source: where its default comes from.
        low: least value of a number.
        high: greatest value of a number.
        words: the values of a rule that is a word.
        whole: whether the number is whole.
        optional: whether it may be None; a document then says ``"none"``.
    """

    zh: str
    en: str
    source: str = _OWN
    low: float = 0.0
    high: float = 1.0
    words: tuple[str, ...] = ()
    whole: bool = False
    optional: bool = False


def _rule(default: Any, zh: str, en: str, source: str = _OWN, **limits: Any) -> Any:
    return field(default=default, metadata={"about": About(zh, en, source, **limits)})


@dataclass(frozen=True)
class Rules:
    """Rules of a round; shares are 0 to 1. What each means is in :func:`about`.

    Raises:
        DrgError: a value is not allowed.
    """

    corridor_fall: float = _rule(
        0.2, "最大下调幅度", "largest fall of a weight against the draft, a share", _PROCEDURE,
        high=0.99)  # fmt: skip
    corridor_rise: float = _rule(
        0.2, "最大上调幅度", "largest rise of a weight against the draft, a share", _PROCEDURE,
        high=10.0)  # fmt: skip
    panel_size: int = _rule(5, "专家组人数", "members of a panel, odd, at least 5", _PROCEDURE,
                            low=5, high=99, whole=True)  # fmt: skip
    substitutes: int = _rule(2, "候补专家人数", "substitutes drawn after the members", low=0,
                             high=99, whole=True)  # fmt: skip
    fallback: str = _rule(
        "none", "专业专家不足时", "who is drawn when too few experts cover the panel's MDC: none, "
        "so that no panel is drawn, or all, other specialties after those that cover it",
        words=("none", "all"))  # fmt: skip
    interest_share: float | None = _rule(
        None, "利害关系占比", "a hospital with more than this share of the group's cases is "
        "interested, beside the one that proposes", optional=True)  # fmt: skip
    quorum: float = _rule(2 / 3, "法定人数", "share of a panel's members that must vote, "
                          "abstentions counted")  # fmt: skip
    majority: float = _rule(0.5, "通过比例", "accepted when votes for are more than this share of "
                            "votes for and against", high=0.99)  # fmt: skip
    voting: str = _rule("equal", "表决方式", "one expert one vote, or weighted by vote_weight",
                        words=("equal", "weighted"))  # fmt: skip
    decision: str = _rule("median", "权重确定方式", "what an accepted change comes to: median or "
                          "mean of the weights that experts name, or the weight that is asked",
                          words=("median", "mean", "asked"))  # fmt: skip
    largest_loss: float | None = _rule(
        0.02, "医疗机构最大损失", "largest loss of a hospital, a share of its DRG revenue",
        optional=True)  # fmt: skip
    neutral: str = _rule("yuan", "预算中性", "what stays the same: payments in yuan, the sum of "
                         "weights over cases, or nothing", _PROCEDURE,
                         words=("yuan", "weights", "none"))  # fmt: skip
    order: bool = _rule(True, "严重程度有序", "weights inside an ADRG fall from MCC to CC to none")
    frozen: tuple[str, ...] = _rule((), "冻结病组", "groups whose weight may not change")
    equal: tuple[tuple[str, str], ...] = _rule(
        (), "同权病组", "pairs of groups that have the same weight, as basic groups (基础病组) do"
    )
    objection_days: int = _rule(15, "异议期（天）", "days in which objections are taken",
                                _PROCEDURE, low=0, high=365, whole=True)  # fmt: skip
    least_cases: int = _rule(5, "最少病例数", "least cases from which a mean is taken",
                             "common practice in China: 5 cases a year", low=1, high=10_000,
                             whole=True)  # fmt: skip
    sources: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name, what in about().items():
            object.__setattr__(self, name, _checked(name, getattr(self, name), what))
        if self.panel_size % 2 == 0:
            raise problem(say("专家组人数须为奇数，以免票数相等",
                              "a panel is odd, so that a vote is seldom a tie"), key="panel_size",
                          found=self.panel_size, expected="5, 7, 9 ...")  # fmt: skip
        known = set(about())
        for key, text in self.sources.items():
            if key not in known or not isinstance(text, str):
                raise problem(
                    say("不是规则的来源", "not the source of a rule"), key=f"sources.{key}",
                    found=text, expected=say("文本，键为", "a text for ") + one_of(known),
                )  # fmt: skip
        object.__setattr__(self, "sources", dict(sorted(self.sources.items())))

    def source(self, name: str) -> str:
        """Where a rule comes from: as the document says, else the source of the default."""
        if name in self.sources:
            return self.sources[name]
        default = getattr(Rules, name, None)
        return about()[name].source if getattr(self, name) == default else "not stated"

    def corridor(self, draft: float) -> tuple[float, float]:
        """Least and greatest weight that a group with this draft weight may get."""
        exact = _exact(draft)
        return (
            float(exact * (1 - _exact(self.corridor_fall))),
            float(exact * (1 + _exact(self.corridor_rise))),
        )

    def to_body(self) -> dict[str, Any]:
        """The rules as plain data for the ledger."""
        body = {name: getattr(self, name) for name in about()}
        body["frozen"] = list(self.frozen)
        body["equal"] = [list(pair) for pair in self.equal]
        return {**body, "sources": dict(self.sources)}

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Rules:
        """The rules from plain data; what is not there has its default.

        Raises:
            DrgError: a key is not known or a value is not allowed.
        """
        known = {f.name for f in fields(cls)}
        for key in body:
            if key not in known:
                raise problem(say("未知的键", "unknown key"), key=key,
                              expected=one_of(sorted(known)))  # fmt: skip
        return cls(**body)


def about() -> dict[str, About]:
    """Every rule by name, in order."""
    return {f.name: f.metadata["about"] for f in fields(Rules) if "about" in f.metadata}


def read_rules(path: str | PathLike[str]) -> Rules:
    """Read the rules of a round from a TOML document; what it leaves out has its default.

    Keys are the names of :class:`Rules`; shares may be fractions such as ``"2/3"``, and ``"none"``
    stands for no limit. A table ``[sources]`` says for each key where it comes from.

    Raises:
        DrgError: the file cannot be read, or a key or value is not allowed.
    """
    document = read_document(path)
    fit(document, {"sources": {"*": str}, "*": object}, path)
    try:
        return Rules.from_body(document)
    except DrgError as error:
        raise DrgError(f"{path}: {error}") from None


def rules_text(rules: Rules | None = None) -> str:
    """The rules as a TOML document with a comment for every key; reads back the same."""
    rules = rules or Rules()
    lines = ["# Rules of a round of weight negotiation (权重论证谈判规则).", ""]
    for name, what in about().items():
        lines.append(f"# {what.zh}: {what.en}")
        lines.append("# source: " + "".join(map(_escaped, rules.source(name))))
        lines.append(f"{name} = {_toml(getattr(rules, name))}")
    if rules.sources:
        lines += ["", "[sources]"]
        lines += [f"{name} = {_toml(text)}" for name, text in rules.sources.items()]
    return "\n".join(lines) + "\n"


def _exact(value: float) -> Fraction:
    """A float as the decimal that it is written as."""
    return Fraction(repr(float(value)))


def _toml(value: Any) -> str:
    if value is None:
        return '"none"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(_escaped(c) for c in value) + '"'
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08X}"


def _checked(name: str, value: Any, what: About) -> Any:
    """A value in its type, or an error that names the key and what is allowed."""
    default = next(f.default for f in fields(Rules) if f.name == name)
    assert default is not MISSING
    if name == "frozen":
        return _groups(name, value)
    if name == "equal":
        return _pairs(value)
    if isinstance(default, bool):
        return _bool(name, value)
    if what.words:
        if value not in what.words:
            raise problem(say("取值不允许", "not allowed"), key=name, found=value,
                          expected=one_of(what.words))  # fmt: skip
        return value
    if what.optional and value in (None, "none"):
        return None
    return _number(name, value, what)


def _number(name: str, value: Any, what: About) -> float | int:
    number = _fraction(value)
    inside = number is not None and what.low <= number <= what.high
    if number is None or not inside or (what.whole and not number.is_integer()):
        kind = say("整数", "a whole number") if what.whole else say("数", "a number")
        none = say('，或 "none"', ' or "none"') if what.optional else ""
        raise problem(say("取值不允许", "not allowed"), key=name, found=value,
                      expected=say(f"{what.low:g} 至 {what.high:g} 之间的{kind}{none}",
                                   f"{kind} from {what.low:g} to {what.high:g}{none}"))  # fmt: skip
    return int(number) if what.whole else number


def _fraction(value: Any) -> float | None:
    """A number, or a text such as 2/3 as one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and "/" not in value:
        return None
    try:
        return float(Fraction(value)) if isinstance(value, str) else float(value)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


def _bool(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise problem(say("取值不允许", "not allowed"), key=name, found=value,
                      expected=say("true 或 false", "true or false"))  # fmt: skip
    return value


def _groups(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) and v for v in value):
        raise problem(say("取值不允许", "not allowed"), key=name, found=value,
                      expected=say('病组列表，例如 ["FR11"]',
                                   'groups such as ["FR11"]'))  # fmt: skip
    if len(set(value)) < len(value):
        raise problem(say("病组重复出现", "a group stands twice"), key=name, found=", ".join(value))
    return tuple(value)


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    expected = say('成对的病组，例如 [["FR11", "FR13"]]',
                   'pairs of groups such as [["FR11", "FR13"]]')  # fmt: skip
    if not isinstance(value, list | tuple):
        raise problem(say("取值不允许", "not allowed"), key="equal", found=value, expected=expected)
    pairs = []
    for pair in value:
        groups = _groups("equal", pair)
        if len(groups) != 2:
            raise problem(say("不是一对病组", "not a pair"), key="equal", found=pair,
                          expected=expected)  # fmt: skip
        pairs.append((groups[0], groups[1]))
    return tuple(pairs)
