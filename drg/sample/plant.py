"""Irregularities planted in a block: what an audit is meant to find."""

from __future__ import annotations

import numpy as np

from drg.sample.arrays import Bools, Floats, Ints, pick_some
from drg.sample.batch import (
    BUNCHING,
    LOW_STANDARD,
    OVERLAP,
    SPLIT,
    Batch,
)
from drg.sample.groups import Groups
from drg.sample.hospitals import BUNCHING as BUNCHING_ROLE
from drg.sample.hospitals import Hospitals
from drg.sample.mix import Mix
from drg.sample.profiles import Profiles
from drg.sample.stays import stays_of_person

SPLIT_GAP = 15
_SPLIT_STAY, _SPLIT_EXTRA = 6, 1.12
_OVERLAP_STAY = 5
_LOW_STANDARD_STAY, _LOW_STANDARD_WEIGHT = 2, 0.65


def medical_alone(batch: Batch, groups: Groups, profiles: Profiles) -> Bools:
    """Honest medical cases of patients with no other stay, whose stays may be moved freely."""
    free: Bools = (
        batch.honest()
        & (groups.kind[batch.group] == 0)
        & (batch.age > 0)
        & ~profiles.course[batch.group]
        & ~profiles.mother[batch.group]
        & (stays_of_person(batch.person) == 1)
    )
    return free


def plant_splits(
    rng: np.random.Generator, batch: Batch, count: int, year_days: int, free: Bools
) -> Batch:
    """Cut stays in two: discharged, and back in the same hospital within 15 days (分解住院)."""
    room = year_days - 1 - batch.discharge
    rows = pick_some(rng, free & (batch.length >= _SPLIT_STAY) & (room >= 1), count)
    whole = batch.length[rows]
    first = np.maximum(2, np.floor(whole * rng.uniform(0.4, 0.6, len(rows)))).astype(np.int64)
    gap = np.minimum(rng.integers(1, SPLIT_GAP - 2, len(rows)), room[rows])
    second = batch.take(rows)
    cost = batch.noise[rows] * _SPLIT_EXTRA
    share = first / whole
    start = batch.admission[rows]
    batch.length[rows], batch.discharge[rows] = first, start + first
    batch.noise[rows] = cost * share
    second.length = whole - first
    second.admission = start + first + gap
    second.discharge = second.admission + second.length
    second.noise = cost * (1 - share)
    second.detail = np.array([f"gap_days={g}" for g in gap], dtype=object)
    batch.detail[rows] = second.detail
    return _linked(batch, second, rows, SPLIT)


def plant_overlaps(
    rng: np.random.Generator,
    batch: Batch,
    count: int,
    free: Bools,
    mix: Mix,
    noise: Floats,
    year_days: int,
) -> Batch:
    """Let a patient lie in two hospitals at once (叠床).

    Args:
        rng: source of chance.
        batch: the block.
        count: number of pairs.
        free: cases that may be used.
        mix: which hospital treats which group.
        noise: cost over expected cost for the second stays, at least ``count`` of them.
        year_days: days of the year.
    """
    rows = pick_some(rng, free & (batch.length >= _OVERLAP_STAY), count)
    second = batch.take(rows)
    start = batch.admission[rows] + 1 + rng.integers(0, batch.length[rows] - 2)
    length = np.minimum(rng.integers(3, 11, len(rows)), year_days - 1 - start)
    second.hospital = _other_hospital(rng, batch.group[rows], batch.hospital[rows], mix)
    second.admission, second.length = start, np.maximum(1, length)
    second.discharge = start + second.length
    second.noise = noise[: len(rows)]
    shared = np.minimum(second.discharge, batch.discharge[rows]) - start
    second.detail = np.array([f"shared_days={d}" for d in shared], dtype=object)
    batch.detail[rows] = second.detail
    return _linked(batch, second, rows, OVERLAP)


def _other_hospital(rng: np.random.Generator, group: Ints, hospital: Ints, mix: Mix) -> Ints:
    """Another hospital that treats the group, as often as it does."""
    weights = mix.by_group[group].copy()
    weights[np.arange(len(group)), hospital] = 0.0
    total = weights.sum(axis=1, keepdims=True)
    weights = np.where(total > 0, weights, 1.0)
    weights[np.arange(len(group)), hospital] = 0.0
    running = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    found = (running < rng.random(len(group))[:, None]).sum(axis=1)
    result: Ints = np.minimum(found, weights.shape[1] - 1)
    return result


def _linked(batch: Batch, second: Batch, rows: Ints, mark: int) -> Batch:
    """Append the second stays and link both ways."""
    new = len(batch) + np.arange(len(rows))
    batch.mark[rows], batch.partner[rows] = mark, new
    second.mark = np.full(len(rows), mark)
    second.partner = rows
    return batch.extended(second)


def plant_low_standard(
    rng: np.random.Generator, batch: Batch, count: int, free: Bools, groups: Groups
) -> None:
    """Admit the healthy: a day or two, no procedure, little but drugs and tests (低标准入院)."""
    light = groups.weight[batch.group] < _LOW_STANDARD_WEIGHT
    rows = pick_some(rng, free & (batch.mark == 0) & light & (batch.level == 0), count)
    batch.length[rows] = rng.integers(1, _LOW_STANDARD_STAY + 1, len(rows))
    batch.discharge[rows] = np.minimum(
        batch.admission[rows] + batch.length[rows], batch.discharge[rows]
    )
    batch.length[rows] = np.maximum(1, batch.discharge[rows] - batch.admission[rows])
    batch.procedures[rows] = ""
    batch.noise[rows] = np.exp(rng.normal(-0.45, 0.18, len(rows)))
    batch.mark[rows] = LOW_STANDARD
    batch.detail[rows] = "drugs_and_tests_over_80%"


def plant_bunching(
    rng: np.random.Generator,
    batch: Batch,
    count: int,
    hospitals: Hospitals,
    group_mean: Floats,
) -> None:
    """Move costs just past 0.4 and 3 times the group's mean, where payment jumps (倍率卡线)."""
    ratio = batch.cost / group_mean[batch.group]
    here = batch.honest() & (hospitals.role[batch.hospital] == BUNCHING_ROLE)
    high = pick_some(rng, here & (ratio >= 1.9) & (ratio < 3.0), round(0.3 * count))
    low = pick_some(rng, here & (ratio >= 0.2) & (ratio < 0.62), count - len(high))
    target = {0.4: (low, 0.012), 3.0: (high, 0.06)}
    for threshold, (rows, spread) in target.items():
        past = np.minimum(rng.exponential(spread, len(rows)), 4 * spread)
        batch.cost[rows] = group_mean[batch.group[rows]] * (threshold + 0.001 + past)
        batch.mark[rows] = BUNCHING
        batch.detail[rows] = np.array(
            [f"threshold={threshold};before={r:.3f}" for r in ratio[rows]], dtype=object
        )
