"""Seats of a panel (专家组席位): how many each tier gets, and who is drawn for them by lot."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from weights.negotiation.experts.roster import Expert


def fair_shares(counts: Mapping[int, int], seats: int) -> dict[int, Fraction]:
    """What part of the seats each tier should have.

    Proportional to its experts; a tier whose part would be below one seat has one, and the rest is
    shared by the others in the same way. With fewer seats than tiers it is proportional only.

    Args:
        counts: tier -> experts, 0 for none.
        seats: at most as many as there are experts.
    """
    shares = {tier: Fraction(0) for tier in counts}
    free = {tier: count for tier, count in counts.items() if count}
    least = seats >= len(free)
    while free:
        total, left = sum(free.values()), seats - sum(shares.values())
        parts = {tier: left * Fraction(count, total) for tier, count in free.items()}
        small = [tier for tier, part in parts.items() if least and part < 1]
        if not small:
            return shares | parts
        for tier in small:
            shares[tier] = Fraction(1)
            del free[tier]
    return shares


def allot(counts: Mapping[int, int], seats: int) -> dict[int, int]:
    """Whole seats by tier: fair shares by largest remainder (最大余额法).

    Equal remainders go to the tier with more experts, then to the higher tier.
    """
    shares = fair_shares(counts, seats)
    given = {tier: math.floor(share) for tier, share in shares.items()}
    order = sorted(shares, key=lambda t: (shares[t] - given[t], counts[t], t), reverse=True)
    for tier in order[: seats - sum(given.values())]:
        given[tier] += 1
    return given


def draw_seats(
    pool: Sequence[Expert],
    seats: int,
    rng: np.random.Generator,
    taken: Mapping[str, int],
) -> list[Expert]:
    """Draw experts of one tier by lot.

    Systematic sampling: hospitals stand in random order, those of a county together, each as wide
    as the seats it may expect; seats are one unit apart from a random start. Every expert has the
    same chance, except that a hospital gets no second seat while others have none, so experts of a
    large one share one seat. Counties get their expected seats rounded down or up.

    Args:
        pool: the experts, in order of their ids.
        seats: how many to draw, at most ``len(pool)``.
        rng: where chance comes from.
        taken: seats that hospitals have already.
    """
    by_hospital: dict[str, list[tuple[float, Expert]]] = defaultdict(list)
    for key, expert in zip(rng.random(len(pool)).tolist(), pool, strict=True):
        by_hospital[expert.hospital_id].append((key, expert))
    sizes = {h: len(by_hospital[h]) for h in sorted(by_hospital)}
    expected = _expected(sizes, seats, taken)
    county = {h: by_hospital[h][0][1].county for h in sizes}
    counties = sorted(set(county.values()))
    county_key = dict(zip(counties, rng.random(len(counties)).tolist(), strict=True))
    hospital_key = dict(zip(sizes, rng.random(len(sizes)).tolist(), strict=True))
    order = sorted(sizes, key=lambda h: (county_key[county[h]], hospital_key[h], h))
    start = Fraction(float(rng.random()))
    drawn: list[Expert] = []
    end = Fraction(0)
    for hospital in order:
        begin, end = end, end + expected[hospital]
        count = math.ceil(end - start) - math.ceil(begin - start)
        chosen = sorted(by_hospital[hospital], key=lambda item: (item[0], item[1].expert_id))
        drawn += [expert for _, expert in chosen[:count]]
    return drawn


def _expected(
    sizes: Mapping[str, int], seats: int, taken: Mapping[str, int]
) -> dict[str, Fraction]:
    """Seats that hospitals may expect: in proportion to their experts, at most their cap."""
    caps = _caps(sizes, seats, taken)
    expected = {h: Fraction(0) for h in sizes}
    free = {h for h, cap in caps.items() if cap}
    while free:
        left = seats - sum(expected.values())
        total = sum(sizes[h] for h in free)
        full = {h for h in free if left * sizes[h] >= caps[h] * total}
        if not full:
            return expected | {h: left * Fraction(sizes[h], total) for h in free}
        expected |= {h: Fraction(caps[h]) for h in full}
        free -= full
    return expected


def _caps(sizes: Mapping[str, int], seats: int, taken: Mapping[str, int]) -> dict[str, int]:
    """Most seats of each hospital: the same for all, as few as the seats allow."""
    most = 1
    while True:
        caps = {h: min(n, max(0, most - taken.get(h, 0))) for h, n in sizes.items()}
        if sum(caps.values()) >= seats:
            return caps
        most += 1


def hospitals_of(experts: Sequence[Expert]) -> Counter[str]:
    """How many of the experts each hospital has."""
    return Counter(expert.hospital_id for expert in experts)
