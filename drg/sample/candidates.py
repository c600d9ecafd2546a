"""Candidate cases for every ADRG, read off its rule: which diagnosis with which operations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from drg.sample.groups import read_data

if TYPE_CHECKING:
    from grouper import Scheme

DIAGNOSES_EACH = 14
PROCEDURES_EACH = 8
DRAWS_EACH = 80
PREFERRED_EACH = 3
# Codes beyond the wished ones that any list keeps.
TAIL = 2
# Zipf exponents: how steeply the later choices of a list fall behind the first.
DIAGNOSIS_FALL = 1.0
PROCEDURE_FALL = 0.9

_PROCEDURE_LIST = re.compile(r"procedure in (P[^\s)]*)")
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
        maker = _Maker(scheme, adrg.code, adrg.mdc, adrg.rule, rng, width)
        every += maker.make(wish["diagnoses"].split(), wish["procedures"].split())
    return every


class _Maker:
    """Candidates of one ADRG."""

    def __init__(
        self,
        scheme: Scheme,
        adrg: str,
        mdc: str,
        rule: str,
        rng: np.random.Generator,
        width: int,
    ) -> None:
        self.scheme, self.adrg, self.mdc, self.rule = scheme, adrg, mdc, rule
        self.rng, self.width = rng, width

    def make(self, diagnoses: Sequence[str], procedures: Sequence[str]) -> list[Candidate]:
        # An operation's ADRG admits every diagnosis of its category, most of them odd with it.
        most = DIAGNOSES_EACH if "D1" in self.rule or not diagnoses else 0
        most = DIAGNOSES_EACH * 4 if self.mdc == "MDCZ" else most
        principal = self._ranked(self._diagnosis_pool(diagnoses), diagnoses, most * self.width)
        choices = [
            [self._ranked(pool, procedures, PROCEDURES_EACH * self.width) for pool in pools]
            for pools in self._procedure_pools()
        ]
        low, high = self._weights()
        newborn = self.mdc == "MDCP" and "age_days" in self.rule
        count = DRAWS_EACH * self.width
        drawn: Counter[Candidate] = Counter()
        picks = [
            [self._fallen(pool, PROCEDURE_FALL, count) for pool in alternative]
            for alternative in choices
        ]
        turns = self.rng.integers(len(choices), size=count)
        for i, diagnosis in enumerate(self._fallen(principal, DIAGNOSIS_FALL, count)):
            done = "|".join(pick[i] for pick in picks[turns[i]])
            extra = self._second_site(principal, diagnosis) if self.mdc == "MDCZ" else ""
            infant = self.mdc == "MDCP" and not newborn
            drawn[Candidate(self.adrg, diagnosis, extra, done, newborn, infant, low, high)] += 1
        return [candidate for candidate, _ in drawn.most_common()]

    def _diagnosis_pool(self, wishes: Sequence[str]) -> Iterable[str]:
        if "_diagnosis in D1" in self.rule:
            return self.scheme.lists[self.adrg, "D1"]
        if (self.mdc, "MDC") in self.scheme.lists:
            return self.scheme.lists[self.mdc, "MDC"]
        # MDCA takes any diagnosis, so only the table of wishes makes its cases plausible.
        return [c for c in self.scheme.diagnosis_names if c.startswith(tuple(wishes))]

    def _procedure_pools(self) -> list[list[Iterable[str]]]:
        """For each alternative of the rule, the lists that each give one procedure."""
        if "not (any_procedure_valid)" in self.rule:
            return [[]]
        if "procedure_valid" in self.rule:
            return [[self.scheme.grouping_procedures]]
        pools: list[list[Iterable[str]]] = [
            [self.scheme.lists[self.adrg, name] for name in _PROCEDURE_LIST.findall(part)]
            for part in self.rule.split(" or ")
        ]
        return [pool for pool in pools if pool] or [[]]

    def _weights(self) -> tuple[int, int]:
        low, high = 0, 0
        for sign, grams in _WEIGHT_BAND.findall(self.rule):
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
