"""Candidate cases for every ADRG, read off its rule: which diagnosis with which operations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, product
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from drg.sample.groups import read_data
from grouper.scheme.model import MDC_LIST, holds_procedures, resolve
from grouper.scheme.rules import And, Flag, Member, Or, Rule, parse

if TYPE_CHECKING:
    from grouper import Scheme
    from grouper.scheme.model import Adrg

DIAGNOSES_EACH = 14
PROCEDURES_EACH = 8
DRAWS_EACH = 80
PREFERRED_EACH = 3
# Codes beyond the wished ones that any list keeps.
TAIL = 2
# Zipf exponents: how steeply the later choices of a list fall behind the first.
DIAGNOSIS_FALL = 1.0
PROCEDURE_FALL = 0.9

_NEWBORN = "age_days <="
_WEIGHT_BAND = re.compile(r"birth_weight (>=|<) (\d+)")
_PLAIN = re.compile(r"[A-Z]\d\d\.(\d00|x00)")
_SHORT = re.compile(r"[A-Z]\d\d\.[0-9x]\d\d")


@dataclass(frozen=True)
class Candidate:
    """One way a case of an ADRG may look.

    Attributes:
        adrg: the ADRG it is meant for.
        diagnosis: principal diagnosis.
        extra: a further diagnosis that the group needs, or empty.
        procedures: operations, joined by ``|``.
        newborn: the patient is at most 28 days old.
        infant: the patient is 29 days to a year old.
        weight_low: least birth weight in grams (0 when not a newborn).
        weight_high: birth weight below this, in grams.
    """

    adrg: str
    diagnosis: str
    extra: str
    procedures: str
    newborn: bool
    infant: bool
    weight_low: int
    weight_high: int


def make_candidates(
    scheme: Scheme, rng: np.random.Generator, adrgs: Container[str] | None = None, width: int = 1
) -> list[Candidate]:
    """Candidates of ADRGs, most usual first within each.

    Args:
        scheme: the grouping scheme.
        rng: source of chance.
        adrgs: for these only, else for all.
        width: how many times more codes and draws than usual, for rules that are hard to meet.
    """
    preferences = {row["adrg"]: row for row in read_data("preferences.csv")}
    every: list[Candidate] = []
    for adrg in scheme.adrgs:
        if adrgs is not None and adrg.code not in adrgs:
            continue
        wish = preferences.get(adrg.code, {"diagnoses": "", "procedures": ""})
        maker = _Maker(scheme, adrg, rng, width)
        every += maker.make(wish["diagnoses"].split(), wish["procedures"].split())
    return every


Way: TypeAlias = "tuple[Member | Flag, ...]"


def ways_to(rule: Rule) -> list[Way]:
    """The ways to meet a rule by codes: of each, the lists and flags that all ask for a code."""
    if isinstance(rule, Or):
        return [way for item in rule.items for way in ways_to(item)]
    if isinstance(rule, And):
        return [tuple(dict.fromkeys(chain.from_iterable(ways)))
                for ways in product(*map(ways_to, rule.items))]  # fmt: skip
    if isinstance(rule, Member) or (isinstance(rule, Flag) and rule.name.endswith("_valid")):
        return [(rule,)]
    return [()]  # a number, or a code that must not be there


def diagnoses_of(scheme: Scheme, mdc: str) -> set[str]:
    """The diagnoses of a category: its own list, or those of its groups."""
    owners = {mdc, *(adrg.code for adrg in scheme.adrgs if adrg.mdc == mdc)}
    return {code for (owner, name), codes in scheme.lists.items()
            if owner in owners and not holds_procedures(name) for code in codes}  # fmt: skip


@dataclass(frozen=True)
class _Choice:
    """Ranked codes to draw from: principal diagnosis, further diagnoses, operations."""

    principal: list[str]
    extra: list[list[str]]
    procedures: list[list[str]]


class _Maker:
    """Candidates of one ADRG."""

    def __init__(self, scheme: Scheme, adrg: Adrg, rng: np.random.Generator, width: int) -> None:
        self.scheme, self.adrg, self.rng, self.width = scheme, adrg, rng, width
        self.ways = ways_to(parse(adrg.rule))

    def make(self, diagnoses: Sequence[str], procedures: Sequence[str]) -> list[Candidate]:
        choices = [self._choice(way, diagnoses, procedures) for way in self.ways]
        low, high = self._weights()
        newborn = self.adrg.mdc == "MDCP" and _NEWBORN in self.adrg.rule
        infant = self.adrg.mdc == "MDCP" and not newborn
        count = DRAWS_EACH * self.width
        drawn: Counter[Candidate] = Counter()
        picks = [
            (self._fallen(choice.principal, DIAGNOSIS_FALL, count),
             [self._fallen(pool, DIAGNOSIS_FALL, count) for pool in choice.extra],
             [self._fallen(pool, PROCEDURE_FALL, count) for pool in choice.procedures])
            for choice in choices
        ]  # fmt: skip
        for i, turn in enumerate(self.rng.integers(len(choices), size=count)):
            principal, needed, done = picks[turn]
            diagnosis = principal[i]
            extra = "|".join(pick[i] for pick in needed)
            if self.adrg.mdc == "MDCZ":
                extra = self._second_site(choices[turn].principal, diagnosis)
            drawn[Candidate(
                self.adrg.code, diagnosis, extra, "|".join(pick[i] for pick in done),
                newborn, infant, low, high,
            )] += 1  # fmt: skip
        return [candidate for candidate, _ in drawn.most_common()]

    def _choice(self, way: Way, diagnoses: Sequence[str], procedures: Sequence[str]) -> _Choice:
        """What the codes of one way to the ADRG are drawn from, the most usual first."""
        pools: dict[str, list[Iterable[str]]] = {"principal": [], "extra": [], "procedures": []}
        for atom in way:
            codes = self.scheme.grouping_procedures if isinstance(atom, Flag) else (
                self.scheme.lists[resolve(self.adrg, atom)])  # fmt: skip
            asks = atom.name if isinstance(atom, Flag) else atom.subject
            kind = ("procedures" if "procedure" in asks else
                    "extra" if asks == "secondary_diagnosis" or pools["principal"] else
                    "principal")  # fmt: skip
            pools[kind].append(codes)
        # An operation's ADRG admits every diagnosis of its category, most of them odd with it.
        most = DIAGNOSES_EACH if pools["principal"] or not diagnoses else 0
        most = DIAGNOSES_EACH * 4 if self.adrg.mdc == "MDCZ" else most
        principal = pools["principal"][0] if pools["principal"] else self._category(diagnoses)
        return _Choice(
            self._ranked(principal, diagnoses, most * self.width),
            [self._ranked(pool, diagnoses, DIAGNOSES_EACH * self.width)
             for pool in pools["extra"]],
            [self._ranked(pool, procedures, PROCEDURES_EACH * self.width)
             for pool in pools["procedures"]],
        )  # fmt: skip

    def _category(self, wishes: Sequence[str]) -> Iterable[str]:
        if (self.adrg.mdc, MDC_LIST) in self.scheme.lists:
            return self.scheme.lists[self.adrg.mdc, MDC_LIST]
        # MDCA takes any diagnosis, so only the table of wishes makes its cases plausible.
        return (
            diagnoses_of(self.scheme, self.adrg.mdc)
            if not wishes
            else [c for c in self.scheme.diagnosis_names if c.startswith(tuple(wishes))]
        )

    def _weights(self) -> tuple[int, int]:
        low, high = 0, 0
        for sign, grams in _WEIGHT_BAND.findall(self.adrg.rule):
            low, high = (int(grams), high) if sign == ">=" else (low, int(grams))
        return low, high

    def _ranked(self, pool: Iterable[str], wishes: Sequence[str], most: int) -> list[str]:
        """Codes of the pool, wished ones first, then plain codes in a random order."""
        codes = sorted(pool)
        chance = self.rng.random(len(codes))
        oddity = np.array([_oddity(code) for code in codes])
        ordered = [codes[i] for i in np.lexsort((chance, oddity))]
        first = [
            code
            for wish in wishes
            for code in [c for c in ordered if c.startswith(wish)][:PREFERRED_EACH]
        ]
        return list(dict.fromkeys(first + ordered))[: max(most, len(set(first)) + TAIL)]

    def _fallen(self, ranked: Sequence[str], fall: float, count: int) -> list[str]:
        """Draws from a ranked list, each place rarer than the one before (Zipf)."""
        shares = (np.arange(len(ranked)) + 1.0) ** -fall
        return [ranked[i] for i in self.rng.choice(len(ranked), count, p=shares / shares.sum())]

    def _second_site(self, ranked: Sequence[str], first: str) -> str:
        """A diagnosis of another body site, for multiple trauma, that is no complication."""
        scheme, sites = self.scheme, self.scheme.trauma_sites
        site = sites.get(first)
        others = [
            code
            for code in ranked
            if sites.get(code, site) != site and code not in scheme.mcc and code not in scheme.cc
        ]
        return others[int(self.rng.integers(len(others)))] if others else ""


@cache
def _oddity(code: str) -> int:
    """0 for plain four-character codes, more for extensions and dagger-asterisk pairs."""
    if "+" in code or "*" in code:
        return 3
    if _PLAIN.fullmatch(code) or re.fullmatch(r"\d\d\.\d\d00", code):
        return 0
    return 1 if _SHORT.fullmatch(code) or re.fullmatch(r"\d\d\.\d\d\d\d", code) else 2
