"""What the rules of a scheme say of one case, with a trace of everything that was tried.

This is a second evaluation of the rule trees, plain and case by case, beside the vectorised one
of the engine: it knows which code matched which list and why a condition failed.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from drg.cases.codes import CodeIndex
from drg.tables.arrays import strings
from grouper.explain.codes import OneCase
from grouper.scheme import rules
from grouper.scheme.model import MDC_LIST, Adrg, Drg, Mdc, Scheme, resolve

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
MCC, CC = "MCC", "CC"


@dataclass(frozen=True)
class Code:
    """A code of the case.

    Attributes:
        given: as the record writes it, ``""`` for a missing principal code.
        code: as the scheme spells it, ``""`` when it is not a code of the edition.
        name: Chinese name.
    """

    given: str
    code: str
    name: str


@dataclass(frozen=True)
class Complication:
    """A secondary diagnosis that is a complication (并发症或合并症).

    Attributes:
        code: as the scheme spells it.
        name: Chinese name.
        level: ``MCC`` or ``CC``.
        table: the exclusion table (排除表) it belongs to.
        counts: the principal diagnosis does not exclude that table.
    """

    code: str
    name: str
    level: str
    table: str
    counts: bool


@dataclass(frozen=True)
class Tested:
    """A rule, or a part of one, tested on the case.

    Attributes:
        rule: the tree.
        holds: whether it is true of the case.
        items: the parts of ``and``, ``or`` and ``not``.
        codes: the codes that a list or flag was asked for and that made it true.
        place: the list asked for, as ``OWNER:LIST``.
        value: the number or text that was compared; None where the case has none.
    """

    rule: rules.Rule
    holds: bool
    items: tuple[Tested, ...] = ()
    codes: tuple[str, ...] = ()
    place: str = ""
    value: float | str | None = None

    def leaves(self) -> list[Tested]:
        """The facts that decide: of a true ``and`` all, of a false one those that fail; and so on.

        Each leaf says for itself whether it holds, so ``not`` needs no word of its own.
        """
        if isinstance(self.rule, rules.And | rules.Or):
            return [leaf for item in self.items if item.holds == self.holds
                    for leaf in item.leaves()]  # fmt: skip
        if isinstance(self.rule, rules.Not):
            return self.items[0].leaves()
        return [self]

    def atoms(self) -> list[Tested]:
        """All facts asked for, from left to right."""
        if self.items:
            return [atom for item in self.items for atom in item.atoms()]
        return [self]


@dataclass(frozen=True)
class Tried:
    """A group whose rule was tried.

    Attributes:
        level: ``mdc``, ``adrg`` or ``drg``.
        code: of the group.
        name: Chinese name.
        rule: its rule.
        test: how the rule came out.
        inside: the groups in it that were tried, in order.
        size: how many groups there are in it, tried or not.
    """

    level: str
    code: str
    name: str
    rule: str
    test: Tested
    inside: tuple[Tried, ...] = ()
    size: int = 0

    @property
    def near(self) -> bool:
        """The case has a code in one of the group's own lists, or entered the group."""
        return self.test.holds or any(
            atom.holds and isinstance(atom.rule, rules.Member)
            and (atom.rule.name != MDC_LIST or self.level == "mdc")
            for atom in self.test.atoms()
        )  # fmt: skip


@dataclass(frozen=True)
class Trace:
    """What was tried on a case, and where it led.

    Attributes:
        diagnoses: the case's diagnoses, the principal first.
        procedures: its procedures.
        complications: the complications among its secondary diagnoses.
        exclusion_table: the table that the principal diagnosis excludes, ``""`` for none.
        tried: the MDCs in the order in which they were tried.
        path: MDC, ADRG and DRG of the case; empty when the rules lead nowhere.
        mdcs: how many MDCs the scheme has.
    """

    diagnoses: tuple[Code, ...]
    procedures: tuple[Code, ...]
    complications: tuple[Complication, ...]
    exclusion_table: str
    tried: tuple[Tried, ...]
    path: tuple[Tried, ...]
    mdcs: int

    @property
    def severity(self) -> str:
        """``mcc``, ``cc`` or ``none``: the highest complication that counts."""
        levels = {c.level for c in self.complications if c.counts}
        return "mcc" if MCC in levels else "cc" if CC in levels else "none"


@dataclass(frozen=True)
class _Facts:
    """What atoms are asked of."""

    codes: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, float]
    department: str
    complications: tuple[Complication, ...]


@dataclass
class Tracer:
    """Traces cases through one scheme.

    Args:
        scheme: the scheme.
        aliases: diagnosis and procedure codes of another edition -> code of the scheme's; they win
            over codes that are spelled the same.
    """

    scheme: Scheme
    aliases: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
    _lists: Mapping[tuple[str, str], frozenset[str]] = field(init=False, repr=False)
    _index: tuple[CodeIndex, CodeIndex] = field(init=False, repr=False)
    _adrgs: dict[str, list[Adrg]] = field(init=False, repr=False)
    _drgs: dict[str, list[Drg]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        scheme = self.scheme
        self._lists = {key: frozenset(codes) for key, codes in scheme.lists.items()}
        self._index = (
            CodeIndex(list(scheme.diagnosis_names), self.aliases[0]),
            CodeIndex(list(scheme.procedure_names), self.aliases[1]),
        )
        self._adrgs = {mdc.code: [] for mdc in scheme.mdcs}
        self._drgs = {adrg.code: [] for adrg in scheme.adrgs}
        for adrg in scheme.adrgs:
            self._adrgs[adrg.mdc].append(adrg)
        for drg in scheme.drgs:
            self._drgs[drg.adrg].append(drg)

    def diagnosis(self, given: str) -> Code:
        """A diagnosis as the scheme knows it."""
        return self._known(given, self._index[0], self.scheme.diagnosis_names)

    def procedure(self, given: str) -> Code:
        """A procedure as the scheme knows it."""
        return self._known(given, self._index[1], self.scheme.procedure_names)

    @staticmethod
    def _known(given: str, index: CodeIndex, names: Mapping[str, str]) -> Code:
        found = int(index.ids(strings([given]))[0])
        code = index.codes[found - 1].as_py() if 0 < found < index.unknown else ""
        return Code(given, code, names.get(code, ""))

    def _paired(self, given: Sequence[str], index: CodeIndex) -> Iterator[str]:
        """Codes as written, a dagger code and the asterisk code behind it as one."""
        held = list(given)
        while held:
            first = held.pop(0)
            if held and (found := index.joined(first, held[0])):
                held.pop(0)
                first = index.codes[found - 1].as_py()
            yield first

    def trace(self, case: OneCase) -> Trace:
        """Try the scheme's rules on a case, in their order, until a DRG is found."""
        diagnoses = tuple(
            self.diagnosis(given) for given in self._paired(case.diagnoses, self._index[0])
        )
        procedures = tuple(self.procedure(given) for given in case.procedures)
        principal = diagnoses[0].code if diagnoses else ""
        excluded = self.scheme.exclusion.get(principal, "")
        complications = self._complications(diagnoses[1:], excluded)
        facts = self._facts(case, diagnoses, procedures, complications)
        tried: list[Tried] = []
        path: tuple[Tried, ...] = ()
        for mdc in self.scheme.mdcs:
            step, path = self._mdc(mdc, facts)
            tried.append(step)
            if path:
                break
        return Trace(diagnoses, procedures, complications, excluded, tuple(tried), path,
                     len(self.scheme.mdcs))  # fmt: skip

    def _complications(self, secondary: Sequence[Code], excluded: str) -> tuple[Complication, ...]:
        found = []
        for level, held in ((MCC, self.scheme.mcc), (CC, self.scheme.cc)):
            for code in secondary:
                if code.code in held:
                    table = held[code.code]
                    found.append(Complication(code.code, code.name, level, table,
                                              table != excluded))  # fmt: skip
        return tuple(found)

    def _facts(
        self,
        case: OneCase,
        diagnoses: Sequence[Code],
        procedures: Sequence[Code],
        complications: tuple[Complication, ...],
    ) -> _Facts:
        codes: dict[str, tuple[str, ...]] = {}
        for subject, held in (("diagnosis", diagnoses), ("procedure", procedures)):
            for place, part in (("principal", held[:1]), ("any", held), ("secondary", held[1:])):
                codes[f"{place}_{subject}"] = tuple(c.code for c in part if c.code)
        sites = self.scheme.trauma_sites
        injured = {sites[code] for code in codes["any_diagnosis"] if code in sites}
        first = next((sites[code] for code in codes["principal_diagnosis"] if code in sites), "")
        elsewhere = (c for c in codes["secondary_diagnosis"] if sites.get(c, first) != first)
        codes["other_trauma_site"] = tuple(elsewhere) if first else ()
        numbers = {**case.numbers, "trauma_sites": float(len(injured))}
        return _Facts(codes, numbers, case.department, complications)

    def _mdc(self, mdc: Mdc, facts: _Facts) -> tuple[Tried, tuple[Tried, ...]]:
        adrgs = self._adrgs[mdc.code]
        test = self._test(mdc, rules.parse(mdc.rule), facts)
        tried: list[Tried] = []
        below: tuple[Tried, ...] = ()
        for adrg in adrgs if test.holds else ():
            step, below = self._adrg(adrg, facts)
            tried.append(step)
            if below:
                break
        here = Tried("mdc", mdc.code, mdc.name, mdc.rule, test, tuple(tried), len(adrgs))
        return here, (here, *below) if below else ()

    def _adrg(self, adrg: Adrg, facts: _Facts) -> tuple[Tried, tuple[Tried, ...]]:
        drgs = self._drgs[adrg.code]
        test = self._test(adrg, rules.parse(adrg.rule), facts)
        tried: list[Tried] = []
        found = False
        for drg in drgs if test.holds else ():
            holds = self._test(drg, rules.parse(drg.rule), facts)
            tried.append(Tried("drg", drg.code, drg.name, drg.rule, holds))
            if found := holds.holds:
                break
        here = Tried("adrg", adrg.code, adrg.name, adrg.rule, test, tuple(tried), len(drgs))
        return here, (here, tried[-1]) if found else ()

    def _test(self, group: Mdc | Adrg | Drg, rule: rules.Rule, facts: _Facts) -> Tested:
        if isinstance(rule, rules.And | rules.Or):
            items = tuple(self._test(group, item, facts) for item in rule.items)
            joined = all if isinstance(rule, rules.And) else any
            return Tested(rule, joined(item.holds for item in items), items)
        if isinstance(rule, rules.Not):
            inner = self._test(group, rule.item, facts)
            return Tested(rule, not inner.holds, (inner,))
        if isinstance(rule, rules.Const):
            return Tested(rule, rule.value)
        if isinstance(rule, rules.Member):
            owner, name = resolve(group, rule)
            matched = _among(facts.codes[rule.subject], self._lists[owner, name])
            place = f"{owner}:{name}" if owner else name
            return Tested(rule, bool(matched), codes=matched, place=place)
        if isinstance(rule, rules.Count):
            inner = self._test(group, rule.item, facts)
            count = float(len(inner.codes))
            return Tested(rule, _COMPARE[rule.op](count, rule.value), codes=inner.codes,
                          place=inner.place, value=count)  # fmt: skip
        if isinstance(rule, rules.Flag):
            return self._flag(rule, facts)
        return _compared(rule, facts)

    def _flag(self, rule: rules.Flag, facts: _Facts) -> Tested:
        if rule.name in ("mcc", "cc"):
            level = rule.name.upper()
            matched = tuple(c.code for c in facts.complications if c.counts and c.level == level)
        elif rule.name in facts.codes:
            matched = facts.codes[rule.name]
        else:
            asked = facts.codes[rule.name.removesuffix("_valid")]
            matched = _among(asked, self.scheme.grouping_procedures)
        return Tested(rule, bool(matched), codes=matched)


def _among(codes: Sequence[str], held: frozenset[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for code in codes if code in held))


def _compared(rule: rules.Compare | rules.OneOf, facts: _Facts) -> Tested:
    """A missing value satisfies no comparison and is in no list."""
    if rule.feature in rules.TEXTS:
        assert isinstance(rule, rules.OneOf)
        text = facts.department
        return Tested(rule, text in rule.values, value=text or None)
    number = facts.numbers[rule.feature]
    if math.isnan(number):
        return Tested(rule, False)
    if isinstance(rule, rules.OneOf):
        return Tested(rule, number in rule.values, value=number)
    return Tested(rule, _COMPARE[rule.op](number, rule.value), value=number)
