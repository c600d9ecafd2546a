"""Hospitals of three tiers: names, sizes, specialties, and the hidden side of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from drg.sample.arrays import Floats, Ints, Texts
from drg.sample.groups import TIERS

# Shares of hospitals by tier 3, 2, 1, mean relative size, and its spread (assumptions).
_TIER_SHARE = np.array([0.17, 0.38, 0.45])
_TIER_SIZE = np.array([9.0, 3.2, 0.8])
_SIZE_SPREAD = np.array([0.40, 0.45, 0.50])
# Sizes are cut here, in standard deviations: no township has the hospital of a city.
_WIDEST = 1.4
_BEDS_PER_SIZE = 170.0
_COST_SPREAD = 0.09
# From this many hospitals on, a region has specialty hospitals.
_SPECIALTIES_FROM = 15
SPECIALTIES = ("general", "maternity_child", "tcm", "orthopaedic", "psychiatric")
_WORDS = {
    "general": "人民医院",
    "maternity_child": "妇幼保健院",
    "tcm": "中医院",
    "orthopaedic": "骨科医院",
    "psychiatric": "精神卫生中心",
}
# Invented counties of an invented city.
CITY = "云河市"
COUNTIES = ("云河市区", "青石县", "白沙县", "柳溪县", "东岭县", "南浦县", "北渡县")
_TOWNS = (
    "清泉",
    "石桥",
    "新塘",
    "枫林",
    "望山",
    "双河",
    "龙井",
    "平湖",
    "松岗",
    "竹溪",
    "月湾",
    "金坡",
)
_NUMERALS = "零一二三四五六七八九十"
_UPCODERS, _BUNCHERS = 0.08, 0.08
HONEST, UPCODING, BUNCHING = 0, 1, 2


@dataclass(frozen=True)
class Hospitals:
    """One entry a hospital.

    Attributes:
        codes: hospital ids.
        names: invented Chinese names.
        tier: 0, 1, 2 for tier 3, 2, 1 (as in ``TIERS``).
        grade: class within the tier: 甲等, 乙等 or 未定级.
        county: index into ``COUNTIES``.
        beds: number of beds.
        specialty: index into ``SPECIALTIES``.
        size: relative number of cases.
        cost_level: hidden cost level, case-weighted mean about 1 within a tier.
        role: hidden role: honest, up-coding or bunching.
    """

    codes: Texts
    names: Texts
    tier: Ints
    grade: Texts
    county: Ints
    beds: Ints
    specialty: Ints
    size: Floats
    cost_level: Floats
    role: Ints

    def __len__(self) -> int:
        return len(self.codes)

    def table(self) -> pd.DataFrame:
        """What a bureau knows of its hospitals; nothing of the hidden side."""
        return pd.DataFrame(
            {
                "hospital_id": self.codes,
                "hospital_name": self.names,
                "tier": np.array(TIERS)[self.tier],
                "class": self.grade,
                "county": np.array(COUNTIES, dtype=object)[self.county],
                "beds": self.beds,
                "specialty": np.array(SPECIALTIES, dtype=object)[self.specialty],
            }
        )


def make_hospitals(count: int, rng: np.random.Generator) -> Hospitals:
    """Make the hospitals of a region, the big ones first."""
    tier = np.repeat(np.arange(3), _tier_counts(count))
    specialty = _specialties(tier)
    score = np.clip(rng.standard_normal(count), -_WIDEST, _WIDEST)
    size = _TIER_SIZE[tier] * np.exp(_SIZE_SPREAD[tier] * score)
    size *= np.where(specialty == 0, 1.0, 0.6)
    county = _counties(tier, rng)
    level = np.exp(_COST_SPREAD * rng.standard_normal(count))
    for t in range(3):
        here = tier == t
        level[here] /= np.average(level[here], weights=size[here])
    role = _roles(tier, specialty, size)
    # Bunching is a matter of the group's own mean, so these hospitals cost what others cost.
    level[role == BUNCHING] = 1.0
    return Hospitals(
        codes=np.array([f"H{i + 1:04d}" for i in range(count)], dtype=object),
        names=_names(tier, specialty, county),
        tier=tier,
        grade=_grades(tier, rng),
        county=county,
        beds=np.maximum(20, 10 * np.round(size * _BEDS_PER_SIZE / 10)).astype(np.int64),
        specialty=specialty,
        size=size,
        cost_level=level,
        role=role,
    )


def _tier_counts(count: int) -> Ints:
    counts: Ints = np.maximum(1, np.floor(_TIER_SHARE * count)).astype(np.int64)
    counts[2] = max(1, count - counts[0] - counts[1])
    return counts


def _specialties(tier: Ints) -> Ints:
    """In a larger region the last tier-2 hospitals, and one of tier 3, are specialised."""
    specialty = np.zeros(len(tier), dtype=np.int64)
    if len(tier) < _SPECIALTIES_FROM:
        return specialty
    second = np.flatnonzero(tier == 1)
    for place, kind in zip(second[::-1], (4, 3, 2, 1), strict=False):
        specialty[place] = kind
    third = np.flatnonzero(tier == 0)
    if len(third) > 2:
        specialty[third[-1]] = 1
    return specialty


def _counties(tier: Ints, rng: np.random.Generator) -> Ints:
    """City hospitals stand in the city; the others are spread over the counties in turn."""
    spread = np.arange(len(tier)) % (len(COUNTIES) - 1) + 1
    in_town = rng.random(len(tier)) < 0.15
    return np.where((tier == 0) | in_town, 0, spread)


def _grades(tier: Ints, rng: np.random.Generator) -> Texts:
    first = rng.random(len(tier)) < np.array([0.75, 0.6, 0.4])[tier]
    second = np.where(tier == 2, "未定级", "乙等")
    return np.where(first, "甲等", second).astype(object)


def _names(tier: Ints, specialty: Ints, county: Ints) -> Texts:
    """Invented names, numbered where a place has several of a kind."""
    seen: dict[str, int] = {}
    names = []
    for i, (t, s, c) in enumerate(zip(tier, specialty, county, strict=True)):
        place = CITY if t == 0 or c == 0 else COUNTIES[c]
        kind = _WORDS[SPECIALTIES[s]]
        if t == 2:
            place = COUNTIES[c] if c else CITY
            kind = _TOWNS[i % len(_TOWNS)] + "镇卫生院"
        base = place + kind
        seen[base] = seen.get(base, 0) + 1
        names.append(base if seen[base] == 1 else f"{place}{_ordinal(seen[base])}{kind}")
    return np.array(names, dtype=object)


def _ordinal(number: int) -> str:
    """第二, 第三 and so on."""
    return f"第{_NUMERALS[number]}" if number < len(_NUMERALS) else f"第{number}"


def _roles(tier: Ints, specialty: Ints, size: Floats) -> Ints:
    """Give hidden roles to hospitals of middling size, tier 2 first."""
    count = len(tier)
    role = np.full(count, HONEST)
    order = np.lexsort((-size, tier != 1, (specialty != 0) | (tier == 2)))
    upcoders = max(1, round(_UPCODERS * count))
    bunchers = max(1, round(_BUNCHERS * count))
    # The first of the order is left out, so that the largest county hospital stays honest.
    start = 1 if count > upcoders + bunchers + 2 else 0
    role[order[start : start + upcoders]] = UPCODING
    role[order[start + upcoders : start + upcoders + bunchers]] = BUNCHING
    return role
