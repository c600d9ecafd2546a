"""Codes that an unknown code may have meant: the nearest by its spelling and by its name."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from drg.cases.codes import plain_code

MOST = 3
_CATEGORY = 3  # characters: without them in common two codes speak of different things
_AROUND = 40  # neighbours in the order of codes that are looked at
_LEAST_ALIKE = 0.5  # of names, from 0 to 1
_NOISE = re.compile(r"[\s,，;；、()（）\[\]【】.。:：\-]+")


@dataclass(frozen=True)
class Candidate:
    """A code of the edition with its name."""

    code: str
    name: str

    def __str__(self) -> str:
        return f"{self.code} {self.name}".rstrip()


class Candidates:
    """Looks up the codes of an edition by nearness.

    Args:
        names: code -> name, all codes of the edition.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    @cached_property
    def _ordered(self) -> list[tuple[str, str]]:
        return sorted((plain_code(code), code) for code in self._names)

    @cached_property
    def _by_pair(self) -> dict[str, list[str]]:
        """Pair of characters -> codes whose name holds it."""
        found: dict[str, list[str]] = defaultdict(list)
        for code, name in self._names.items():
            for pair in _pairs(name):
                found[pair].append(code)
        return found

    def by_code(self, spelling: str) -> list[Candidate]:
        """Codes of the same category, those with the longest beginning in common first."""
        plain = plain_code(spelling)
        if len(plain) < _CATEGORY:
            return []
        at = bisect_left(self._ordered, (plain, ""))
        around = self._ordered[max(0, at - _AROUND) : at + _AROUND]
        near = []
        for other, code in around:
            shared = _shared(plain, other)
            if shared >= _CATEGORY:
                near.append((-shared, -_alike(plain, other), other, code))
        return [self._candidate(code) for *_, code in sorted(near)[:MOST]]

    def by_name(self, name: str) -> list[Candidate]:
        """Codes whose names have the most characters in common with a name."""
        plain = _plain_name(name)
        pairs = _pairs(name)
        if not pairs:
            return []
        # a pair that stands in very many names (疾病) tells nothing and costs most of the time
        lists = sorted((self._by_pair.get(pair, []) for pair in pairs), key=len)
        hits = Counter(code for codes in lists[:12] for code in codes)
        scored = []
        for code, _ in hits.most_common(_AROUND):
            alike = _alike(plain, _plain_name(self._names[code]))
            if alike >= _LEAST_ALIKE:
                scored.append((-alike, code))
        return [self._candidate(code) for _, code in sorted(scored)[:MOST]]

    def _candidate(self, code: str) -> Candidate:
        return Candidate(code, self._names[code])


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    same = (a == b for a, b in zip(one, other, strict=False))
    return next((i for i, equal in enumerate(same) if not equal), min(len(one), len(other)))


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _plain_name(name: str) -> str:
    return _NOISE.sub("", unicodedata.normalize("NFKC", name).lower())[:60]


def _pairs(name: str) -> set[str]:
    plain = _plain_name(name)
    return {plain[i : i + 2] for i in range(len(plain) - 1)} or ({plain} if plain else set())
