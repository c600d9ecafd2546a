"""The rule language of the official workbook (规则), read into trees of the pack's own language.

Fields are ZYZD, QTZD, ZYSS, QTSS, NL, XB, XSRTL and XSRTZ; sets bear the workbook's own names::

    (ZYSS in OP1_AC1 and {ZYSS, QTSS} in OP2_AC1) or (ZYSS in OP2_AC1 and {ZYSS, QTSS} in OP1_AC1)
    QTZD in {MCC, CC} and NL>=70
    length(OP_IC2 ∩ {ZYSS, QTSS})>=2 and ZYSS in OP_IC2
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from grouper.scheme.rules import (
    DEEPEST,
    And,
    Compare,
    Const,
    Count,
    Cursor,
    Flag,
    Member,
    Not,
    Or,
    Rule,
    RuleError,
    Token,
    tokens,
)

DIAGNOSES = {"ZYZD": "principal_diagnosis", "QTZD": "secondary_diagnosis"}
PROCEDURES = {"ZYSS": "principal_procedure", "QTSS": "secondary_procedure"}
NUMBERS = {"NL": "age", "XB": "sex", "XSRTL": "age_days", "XSRTZ": "admission_weight"}
LEVELS = {"MCC": "mcc", "CC": "cc"}
SET = re.compile(r"(DI|OP)([0-9]*)_([A-Z0-9]+)")
_FIELDS = {**DIAGNOSES, **PROCEDURES}
_OPS = {"=": "==", "==": "==", ">=": ">=", "<=": "<=", ">": ">", "<": "<", "≥": ">=", "≤": "<="}
_WORDS = ("AND", "OR", "NOT", "IN", "LENGTH")
_RETURN = re.compile(r"_x000[ad]_", re.IGNORECASE)
_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Z][A-Z0-9_]*)|(?P<number>[0-9]{1,9}(?:\.[0-9]{1,9})?(?![A-Z0-9_.]))"
    r"|(?P<op>>=|<=|==|=|>|<|≥|≤)|(?P<mark>[(){},、∩]))"
)


def _tokens(text: str) -> list[Token]:
    plain = _RETURN.sub(lambda found: " " * len(found[0]), text)
    plain = "".join(c if len(c) == 1 else "?" for c in map(_half_width, plain))
    plain = "".join(c.upper() if c.isascii() else c for c in plain)  # of one length with the cell
    found = list(tokens(_TOKEN, text, plain))
    if found[0].text == "AND":  # a line that went on from one that is not there
        found.pop(0)
    return found


def _half_width(character: str) -> str:
    """A full-width sign or a space of any width in its plain form; other signs as they are."""
    plain = unicodedata.normalize("NFKC", character)
    wide = unicodedata.east_asian_width(character) in ("F", "W") or plain.isspace()
    return plain if wide or not plain.isalnum() else character


class _Parser(Cursor):
    """Recursive descent over the tokens of one rule."""

    def wrong(self, zh: str, en: str, token: Token) -> RuleError:
        return RuleError(zh, en, self.text, token.position)

    def need(self, *texts: str) -> None:
        if not self.take(*texts):
            raise self.fail(f"'{texts[0]}'")

    def disjunction(self) -> Rule:
        return any_of(self.chain("OR", self.conjunction))

    def conjunction(self) -> Rule:
        return all_of(self.chain("AND", self.negation))

    def negation(self) -> Rule:
        turned = False
        while self.take("NOT"):
            turned = not turned
        found = self.primary()
        return Not(found) if turned else found

    def primary(self) -> Rule:
        here = self.here
        if self.take("("):
            self.depth += 1
            if self.depth > DEEPEST:
                raise self.wrong(f"嵌套超过 {DEEPEST} 层", f"nesting deeper than {DEEPEST}", here)
            found = self.disjunction()
            self.need(")")
            self.depth -= 1
            return found
        if here.kind == "number" and here.text == "1":
            self.at += 1
            return Const(True)
        if self.take("LENGTH"):
            return self.count()
        if here.text in NUMBERS:
            self.at += 1
            return Compare(NUMBERS[here.text], *self.compared())
        if here.text == "{" or here.text in _FIELDS:
            return self.membership()
        raise self.fail("条件", "a condition")

    def compared(self) -> tuple[str, float]:
        if self.here.kind != "op":
            raise self.fail("比较符", "a comparison")
        self.at += 1
        op = _OPS[self.tokens[self.at - 1].text]
        if self.here.kind != "number":
            raise self.fail("数字", "a number")
        self.at += 1
        return op, float(self.tokens[self.at - 1].text)

    def names(self, known: Callable[[str], bool], zh: str, en: str) -> list[Token]:
        """One name, or several in braces."""
        braces = self.take("{")
        found: list[Token] = []
        while True:
            if self.here.kind != "word" or self.here.text in _WORDS or not known(self.here.text):
                raise self.fail(zh, en)
            found.append(self.here)
            self.at += 1
            if not braces:
                return found
            if not self.take(",", "、"):
                self.need("}")
                return found

    def subject(self) -> str:
        first = self.here
        fields = {token.text for token in self.names(_FIELDS.__contains__, "字段，如 ZYZD、QTSS",
                                                     "a field such as ZYZD or QTSS")}  # fmt: skip
        for kind, both in ((DIAGNOSES, "any_diagnosis"), (PROCEDURES, "any_procedure")):
            if fields <= set(kind):
                return both if len(fields) > 1 else kind[fields.pop()]
        raise self.wrong("诊断和手术操作不能合在一起", "diagnoses and operations in one brace",
                         first)  # fmt: skip

    def sets(self) -> list[Token]:
        return self.names(lambda text: text in LEVELS or bool(SET.fullmatch(text)),
                          "集合，如 OP_AA1、DI1_HR1",
                          "a set such as OP_AA1 or DI1_HR1")  # fmt: skip

    def membership(self) -> Rule:
        subject = self.subject()
        turned = self.take("NOT")
        self.need("IN")
        found = any_of([self.member(subject, token) for token in self.sets()])
        return Not(found) if turned else found

    def member(self, subject: str, token: Token) -> Rule:
        if token.text in LEVELS:
            if subject != "secondary_diagnosis":
                raise self.wrong(f"{token.text} 只能用于 QTZD",
                                 f"{token.text} can be asked of QTZD only", token)  # fmt: skip
            return Flag(LEVELS[token.text])
        if (token.text[:2] == "OP") != subject.endswith("procedure"):
            raise self.wrong(f"{token.text} 与字段不符：诊断用 DI 集合，手术操作用 OP 集合",
                             f"{token.text} does not fit the field: diagnoses have DI sets, "
                             "operations OP sets", token)  # fmt: skip
        return Member(subject, token.text)

    def count(self) -> Rule:
        """``length(SET ∩ {FIELDS}) >= 2``, the two in either order."""
        self.need("(")
        if self.here.text == "{" or self.here.text in _FIELDS:
            subject = self.subject()
            self.need("∩")
            token = self.one_set()
        else:
            token = self.one_set()
            self.need("∩")
            subject = self.subject()
        item = self.member(subject, token)
        self.need(")")
        if not isinstance(item, Member):
            raise self.wrong("MCC、CC 不能计数", "MCC and CC cannot be counted", token)
        return Count(item, *self.compared())

    def one_set(self) -> Token:
        found = self.sets()
        if len(found) > 1:
            raise self.wrong("计数只能用一个集合", "only one set can be counted", found[1])
        return found[0]


def any_of(items: list[Rule]) -> Rule:
    """At least one of the items; an alternative among them is taken apart."""
    flat = [part for item in items for part in (item.items if isinstance(item, Or) else (item,))]
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def all_of(items: list[Rule]) -> Rule:
    """All of the items; a conjunction among them is taken apart."""
    flat = [part for item in items for part in (item.items if isinstance(item, And) else (item,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


@lru_cache(maxsize=4096)
def read_rule(text: str) -> Rule:
    """Read a rule cell; an empty one holds always. Lists of the tree are sets of the workbook.

    Raises:
        RuleError: the cell is no rule; the error says what was expected and where.
    """
    if not text.strip():
        return Const(True)
    parser = _Parser(text, _tokens(text))
    return parser.whole(parser.disjunction)
