"""The rule language of scheme packs (分组规则): parser, tree and canonical text.

A rule is a condition on one case::

    principal_diagnosis in D1 and (any_procedure in P1#1 or not any_procedure_valid)
    age < 14 and (mcc or cc)
    sex == male and discharge_mode in [2, 4]

    principal_procedure in P1 and count(any_procedure in P1) >= 2

Lists (``MDC``, ``D1``, ``P1#2``) belong to the group that owns the rule; a list of another
group is written ``BB1:P1``, a list that belongs to no group by its own name, ``DI_OBD`` for
diagnoses and ``OP_ARB`` for procedures. The language has no side effects and is never passed to
``eval``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from drg.language import say

CODE_SUBJECTS = (
    "principal_diagnosis",
    "any_diagnosis",
    "secondary_diagnosis",
    "principal_procedure",
    "any_procedure",
    "secondary_procedure",
)
FLAGS = ("mcc", "cc", "principal_procedure_valid", "any_procedure_valid", "other_trauma_site")
NUMBERS = (
    "age",
    "age_days",
    "birth_weight",
    "admission_weight",
    "sex",
    "length_of_stay",
    "discharge_mode",
    "icu_hours",
    "trauma_sites",
)
TEXTS = ("department",)
COUNT = "count"
NAMED_VALUES = {"male": 1.0, "female": 2.0}
DEEPEST = 100
COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")  # the longer ones first


@dataclass(frozen=True)
class Const:
    """``true`` or ``false``."""

    value: bool


@dataclass(frozen=True)
class Flag:
    """A yes/no fact of the case, one of :data:`FLAGS`."""

    name: str


@dataclass(frozen=True)
class Member:
    """A code of the case stands in a list: ``subject in [owner:]name``."""

    subject: str
    name: str
    owner: str = ""


@dataclass(frozen=True)
class Compare:
    """``feature op value``; a missing value satisfies no comparison."""

    feature: str
    op: str
    value: float


@dataclass(frozen=True)
class Count:
    """``count(subject in list) op value``: how many different codes of a list the case has."""

    item: Member
    op: str
    value: float


@dataclass(frozen=True)
class OneOf:
    """``feature in [values]``; a missing value is in no list."""

    feature: str
    values: tuple[float | str, ...]


@dataclass(frozen=True)
class Not:
    """Negation."""

    item: Rule


@dataclass(frozen=True)
class And:
    """All of the items."""

    items: tuple[Rule, ...]


@dataclass(frozen=True)
class Or:
    """At least one of the items."""

    items: tuple[Rule, ...]


Rule: TypeAlias = Const | Flag | Member | Compare | Count | OneOf | Not | And | Or
Atom: TypeAlias = Flag | Member | Compare | Count | OneOf


class RuleError(ValueError):
    """A rule that cannot be read: what is wrong and where (``position``, from 1)."""

    def __init__(self, zh: str, en: str, text: str, position: int) -> None:
        self.zh = f'{zh}（"{text}" 第 {position} 个字符）'
        self.en = f'{en} at character {position} of "{text}"'
        self.position = position
        super().__init__(self.en)

    def __str__(self) -> str:
        return say(self.zh, self.en)


_TOKEN = re.compile(
    rf"""\s*(?:
        (?P<list>(?:DI|OP)[0-9]*_[A-Z0-9_]+|[A-Z][A-Z0-9]*:[A-Z]+[0-9]*(?:\#[0-9]+)?|MDC\b|[A-Z][0-9]+(?:\#[0-9]+)?(?![A-Za-z0-9_]))
      | (?P<word>[a-z][a-z_]*)
      | (?P<number>[+-]?[0-9]+(?:\.[0-9]+)?)
      | (?P<op>{"|".join(COMPARISONS)})
      | (?P<mark>[()\[\],])
      | (?P<text>'[^']*'|"[^"]*")
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """A word or sign of a rule: its kind, its text, where it begins (from 1)."""

    kind: str
    text: str
    position: int


def tokens(pattern: re.Pattern[str], text: str, plain: str) -> Iterator[Token]:
    """The tokens of a rule, and one for its end.

    Args:
        pattern: each token as a group of its own, that bears the name of its kind.
        text: the rule as it is written, for messages.
        plain: the same, of the same length, as the pattern takes it.

    Raises:
        RuleError: something in it is no token.
    """
    at = 0
    while plain[at:].strip():
        match = pattern.match(plain, at)
        if match is None:
            start = at + len(plain[at:]) - len(plain[at:].lstrip())
            raise RuleError(
                f"不应有 '{text[start]}'", f"unexpected '{text[start]}'", text, start + 1
            )
        kind = match.lastgroup or ""
        yield Token(kind, match[kind], match.start(kind) + 1)
        at = match.end()
    yield Token("end", "end of rule", len(text) + 1)


class Cursor:
    """A place among the tokens of a rule; what parsers of rules by recursive descent share."""

    def __init__(self, text: str, found: list[Token]) -> None:
        self.text = text
        self.tokens = found
        self.at = 0
        self.depth = 0

    @property
    def here(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.at]

    def fail(self, zh: str, en: str = "") -> RuleError:
        """What was expected here; where it is the same in both languages, once."""
        found = "规则结尾" if self.here.kind == "end" else f"'{self.here.text}'"
        return RuleError(f"应为{zh}，实际为{found}",
                         f"expected {en or zh}, found '{self.here.text}'",
                         self.text, self.here.position)  # fmt: skip

    def take(self, *texts: str) -> bool:
        """Go on if one of these comes next."""
        if self.here.text in texts and self.here.kind != "end":
            self.at += 1
            return True
        return False

    def chain(self, word: str, part: Callable[[], Rule]) -> list[Rule]:
        """Parts that a word joins."""
        items = [part()]
        while self.take(word):
            items.append(part())
        return items

    def whole(self, part: Callable[[], Rule]) -> Rule:
        """A part behind which the rule ends."""
        found = part()
        if self.here.kind != "end":
            raise self.fail("'and'、'or' 或规则结尾", "'and', 'or' or the end of the rule")
        return found


class _Parser(Cursor):
    """Recursive descent over the tokens of one rule."""

    def next(self, kind: str, zh: str, en: str) -> str:
        if self.here.kind != kind:
            raise self.fail(zh, en)
        self.at += 1
        return self.tokens[self.at - 1].text

    def disjunction(self) -> Rule:
        items = self.chain("or", self.conjunction)
        return items[0] if len(items) == 1 else Or(tuple(items))

    def conjunction(self) -> Rule:
        items = self.chain("and", self.negation)
        return items[0] if len(items) == 1 else And(tuple(items))

    def negation(self) -> Rule:
        depth = 0
        while self.take("not"):
            depth += 1
        found = self.primary()
        return Not(found) if depth % 2 else found

    def primary(self) -> Rule:
        if self.take("("):
            self.depth += 1
            if self.depth > DEEPEST:
                position = self.tokens[self.at - 1].position
                raise RuleError(f"嵌套超过 {DEEPEST} 层", f"nesting deeper than {DEEPEST}",
                                self.text, position)  # fmt: skip
            found = self.disjunction()
            if not self.take(")"):
                raise self.fail("')'")
            self.depth -= 1
            return found
        word = self.here.text
        if self.here.kind != "word":
            raise self.fail("条件", "a condition")
        if word in ("true", "false"):
            self.at += 1
            return Const(word == "true")
        if word in FLAGS:
            self.at += 1
            return Flag(word)
        if word in CODE_SUBJECTS:
            self.at += 1
            return self.membership(word)
        if word in NUMBERS or word in TEXTS:
            self.at += 1
            return self.comparison(word)
        if word == COUNT:
            self.at += 1
            return self.count()
        raise self.fail("条件", "a condition")

    def count(self) -> Rule:
        if not self.take("("):
            raise self.fail("'('")
        if self.here.text not in CODE_SUBJECTS:
            raise self.fail("诊断或手术操作", "a subject such as any_procedure")
        self.at += 1
        item = self.membership(self.tokens[self.at - 1].text)
        if not self.take(")"):
            raise self.fail("')'")
        op = self.next("op", "比较符", "a comparison")
        return Count(item, op, float(self.next("number", "数字", "a number")))

    def membership(self, subject: str) -> Member:
        if not self.take("in"):
            raise self.fail("'in'")
        owner, _, name = self.next(
            "list", "列表，如 D1 或 P1#2", "a list such as D1 or P1#2"
        ).rpartition(":")
        wanted = "PO" if subject.endswith("procedure") else "DM"
        if name[0] not in wanted:
            self.at -= 1
            raise (self.fail("手术操作列表", "a procedure list") if wanted == "PO"
                   else self.fail("诊断列表", "a diagnosis list"))  # fmt: skip
        return Member(subject, name, owner)

    def comparison(self, feature: str) -> Rule:
        if self.take("in"):
            if not self.take("["):
                raise self.fail("'['")
            values = [self.value(feature)]
            while self.take(","):
                values.append(self.value(feature))
            if not self.take("]"):
                raise self.fail("',' 或 ']'", "',' or ']'")
            return OneOf(feature, tuple(values))
        op = self.next("op", "比较符或 'in'", "a comparison or 'in'")
        if feature in TEXTS and op not in ("==", "!="):
            self.at -= 1
            raise self.fail("'=='、'!=' 或 'in'", "'==', '!=' or 'in'")
        value = self.value(feature)
        if isinstance(value, str):
            return OneOf(feature, (value,)) if op == "==" else Not(OneOf(feature, (value,)))
        return Compare(feature, op, value)

    def value(self, feature: str) -> float | str:
        if feature in TEXTS:
            return self.next("text", "带引号的文本", "a text in quotes")[1:-1]
        if feature == "sex" and self.here.text in NAMED_VALUES:
            self.at += 1
            return NAMED_VALUES[self.tokens[self.at - 1].text]
        return float(self.next("number", "数字", "a number"))


@lru_cache(maxsize=4096)
def parse(text: str) -> Rule:
    """Read a rule.

    Raises:
        RuleError: the text is not a rule; the error says what was expected and where.
    """
    parser = _Parser(text, list(tokens(_TOKEN, text, text)))
    return parser.whole(parser.disjunction)


def atoms(rule: Rule) -> Iterator[Atom]:
    """The facts a rule asks for, from left to right, repeats included."""
    if isinstance(rule, And | Or):
        for item in rule.items:
            yield from atoms(item)
    elif isinstance(rule, Not):
        yield from atoms(rule.item)
    elif not isinstance(rule, Const):
        yield rule


def members(rule: Rule) -> Iterator[Member]:
    """The lists a rule asks for, from left to right, repeats included."""
    for atom in atoms(rule):
        if isinstance(atom, Member):
            yield atom
        elif isinstance(atom, Count):
            yield atom.item


def _number(value: float | str, feature: str) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    if feature == "sex":
        return {1.0: "male", 2.0: "female"}.get(value, f"{value:g}")
    return str(int(value)) if value == int(value) else repr(value)


def to_text(rule: Rule) -> str:
    """The rule in canonical form; ``parse(to_text(r)) == r``."""
    if isinstance(rule, Const):
        return "true" if rule.value else "false"
    if isinstance(rule, Flag):
        return rule.name
    if isinstance(rule, Member):
        place = f"{rule.owner}:{rule.name}" if rule.owner else rule.name
        return f"{rule.subject} in {place}"
    if isinstance(rule, Compare):
        return f"{rule.feature} {rule.op} {_number(rule.value, rule.feature)}"
    if isinstance(rule, Count):
        return f"{COUNT}({to_text(rule.item)}) {rule.op} {_number(rule.value, '')}"
    if isinstance(rule, OneOf):
        return f"{rule.feature} in [{', '.join(_number(v, rule.feature) for v in rule.values)}]"
    if isinstance(rule, Not):
        return f"not {_inside(rule.item)}"
    word = " and " if isinstance(rule, And) else " or "
    return word.join(_inside(item) for item in rule.items)


def _inside(rule: Rule) -> str:
    text = to_text(rule)
    return f"({text})" if isinstance(rule, And | Or) else text
