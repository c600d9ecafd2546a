"""Up-coding hospitals: a rare complication lifts the group while the cost stays (高套分组)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from drg.sample.arrays import Bools, Floats, Ints, Texts, append_code, pick_some
from drg.sample.batch import UPCODING, Batch
from drg.sample.comorbidity import load_catalogue, table_numbers
from drg.sample.groups import Groups
from drg.sample.hospitals import UPCODING as UPCODING_ROLE
from drg.sample.hospitals import Hospitals
from drg.sample.options import SCHEME

# Cost over the mean of the dearer group stays below this.
LARGEST_RATIO = 0.7
_LEAST_GAIN = 1.1
_HABITS = 2
_MAJOR_SHARE = 0.75
# Codes that hardly anyone records, so that an up-coding hospital stands out.
_RARE_MCC = ("E43.x00", "J80.x00", "D61.900", "E27.400", "A41.500", "K75.000", "J86.000")
_RARE_CC = ("D69.600", "K65.800", "D70.x00", "K83.000", "L89.001", "I31.300", "I46.000")


@dataclass(frozen=True)
class _Rare:
    """Rare complications of one level and the numbers of their exclusion tables."""

    codes: Texts
    table: Ints


@lru_cache(maxsize=2)
def _rare(*, mcc: bool) -> _Rare:
    from grouper import load_scheme

    scheme = load_scheme(SCHEME)
    known = scheme.mcc if mcc else scheme.cc
    usual = set(load_catalogue().codes)
    codes = [c for c in (_RARE_MCC if mcc else _RARE_CC) if c in known and c not in usual]
    numbers = table_numbers(scheme.exclusion)
    return _Rare(
        np.array(codes, dtype=object),
        np.array([numbers.get(str(known[code]), -1) for code in codes]),
    )


def plant_upcoding(
    rng: np.random.Generator,
    batch: Batch,
    count: int,
    groups: Groups,
    hospitals: Hospitals,
    group_mean: Floats,
) -> None:
    """Move some cases of the up-coding hospitals into the dearer group of their ADRG.

    Args:
        rng: source of chance.
        batch: the block, costs filled in.
        count: number of cases wanted; fewer where not enough are possible.
        groups: the group table.
        hospitals: the region's hospitals.
        group_mean: expected cost of each group in yuan.
    """
    higher = groups.higher[batch.group]
    severe = np.array([code[3] == "1" for code in groups.codes])[higher]
    habit = _habits(rng, batch)
    fits = _counts(batch, habit, severe)
    possible = _possible(batch, groups, hospitals, group_mean, higher) & fits
    # Mostly major complications, so that the hospital's share of them stands out.
    major = pick_some(rng, possible & severe, round(_MAJOR_SHARE * count))
    minor = pick_some(rng, possible & ~severe, count - len(major))
    rows = np.sort(np.concatenate([major, minor]))
    for mcc in (True, False):
        part = rows[severe[rows] == mcc]
        rare = _rare(mcc=mcc)
        added = rare.codes[habit[part] % len(rare.codes)]
        batch.diagnoses[part] = append_code(batch.diagnoses[part], added)
        batch.detail[part] = [
            f"code={code};from={groups.codes[low]};to={groups.codes[high]}"
            for code, low, high in zip(added, batch.group[part], higher[part], strict=True)
        ]
    batch.group[rows] = higher[rows]
    batch.mark[rows] = UPCODING


def _possible(
    batch: Batch, groups: Groups, hospitals: Hospitals, group_mean: Floats, higher: Ints
) -> Bools:
    """Honest cases whose cost stays low even for the dearer group."""
    gain = groups.weight[higher] / groups.weight[batch.group]
    cheap = batch.cost < LARGEST_RATIO * group_mean[higher]
    here = hospitals.role[batch.hospital] == UPCODING_ROLE
    adult = batch.age > 0
    result: Bools = batch.honest() & here & adult & (higher >= 0) & (gain >= _LEAST_GAIN) & cheap
    return result


def _habits(rng: np.random.Generator, batch: Batch) -> Ints:
    """The code that each case's hospital would add: two a hospital, as a habit shows."""
    return _HABITS * batch.hospital + rng.integers(0, _HABITS, len(batch))


def _counts(batch: Batch, habit: Ints, severe: Bools) -> Bools:
    """Whether the added code counts, that is, whether the principal diagnosis spares it."""
    principal = load_catalogue().principal_table[batch.recipe]
    mcc, cc = _rare(mcc=True), _rare(mcc=False)
    table = np.where(severe, mcc.table[habit % len(mcc.table)], cc.table[habit % len(cc.table)])
    result: Bools = table != principal
    return result
