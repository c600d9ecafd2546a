"""Finished tables of a block: the cases as a bureau receives them, and the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drg.sample.arrays import Bools, Ints
from drg.sample.batch import MARKS, Batch
from drg.sample.block import World
from drg.sample.cost import COMPONENTS, HIGH, LOW, pay, split_components
from drg.sample.groups import INSURANCES
from drg.sample.options import SCHEME
from drg.sample.outcome import discharge_modes, icu_hours

if TYPE_CHECKING:
    from grouper import Grouper

_PEDIATRIC = "儿科"
_CHILD_BELOW = 15
_LEVELS = ("none", "cc", "mcc")
_LOW_STANDARD = MARKS.index("low_standard")


@dataclass(frozen=True)
class Tables:
    """The three tables of a block as Arrow tables."""

    cases: pa.Table
    truth: pa.Table
    irregularities: pa.Table


def finish(world: World, batch: Batch, number: int, first: int) -> Tables:
    """Turn a block into tables.

    Args:
        world: the region.
        batch: the block.
        number: position of the block.
        first: how many cases the blocks before it have.
    """
    rng = np.random.default_rng(np.random.SeedSequence([world.options.seed, 2, number]))
    case_id = _ids("C", first + np.arange(len(batch)) + 1, world.options.cases)
    cases = pa.table(
        {
            "case_id": case_id,
            "patient_id": _patients(rng, batch.person, first, world.options.cases),
            **_stay_columns(world, rng, batch),
            **_money_columns(world, rng, batch),
        }
    )
    grouped = _grouper().group(cases)
    return Tables(
        cases=cases,
        truth=_truth(world, batch, grouped, cases["total_cost"]),
        irregularities=_irregularities(world, batch, case_id),
    )


@lru_cache(maxsize=1)
def _grouper() -> Grouper:
    from grouper import Grouper

    return Grouper(SCHEME)


def _ids(letter: str, numbers: Ints, most: int) -> pa.Array:
    """Ids of one width, so that they sort as text."""
    width = max(7, len(str(most)))
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(letter, digits, "")


def _patients(rng: np.random.Generator, person: Ints, first: int, most: int) -> pa.Array:
    """Patient ids in an order that says nothing about how the block was made."""
    _, place = np.unique(person, return_inverse=True)
    return _ids("P", first + rng.permutation(len(person))[place] + 1, most)


def _stay_columns(world: World, rng: np.random.Generator, batch: Batch) -> dict[str, pa.Array]:
    hospitals, profiles = world.hospitals, world.profiles
    tier = hospitals.tier[batch.hospital]
    start = np.datetime64(world.calendar.start, "D")
    department = np.where(
        (batch.age < _CHILD_BELOW)
        & (world.groups.kind[batch.group] == 0)
        & ~profiles.newborn[batch.group],
        _PEDIATRIC,
        profiles.department[batch.group],
    )
    return {
        "hospital_id": pa.array(hospitals.codes).take(pa.array(batch.hospital)),
        "insurance": pa.array(INSURANCES).take(pa.array(batch.insurance)),
        "admission_date": pa.array(start + batch.admission, pa.date32()),
        "discharge_date": pa.array(start + batch.discharge, pa.date32()),
        "sex": pa.array(batch.sex, pa.int8()),
        "age": pa.array(batch.age, pa.int16()),
        "age_days": _known(batch.age_days, batch.age_days >= 0),
        "birth_weight": _known(batch.birth_weight, batch.birth_weight >= 0),
        "length_of_stay": pa.array(batch.length, pa.int16()),
        "discharge_mode": pa.array(discharge_modes(rng, batch, tier), pa.int8()),
        "department": pa.array(department, pa.string()),
        "icu_hours": pa.array(icu_hours(rng, batch, world.groups), pa.int16()),
        "diagnoses": pa.array(batch.diagnoses, pa.string()),
        "procedures": pa.array(batch.procedures, pa.string()),
    }


def _known(values: Ints, known: Bools) -> pa.Array:
    return pa.array(values, pa.int16(), mask=~known)


def _money_columns(world: World, rng: np.random.Generator, batch: Batch) -> dict[str, pa.Array]:
    total = np.maximum(100, np.round(batch.cost * 100)).astype(np.int64)
    kind = world.groups.kind[batch.cost_group]
    parts = split_components(rng, total, kind, batch.mark == _LOW_STANDARD)
    tier = world.hospitals.tier[batch.hospital]
    columns = {"total_cost": total}
    columns |= {f"cost_{name}": parts[:, i] for i, name in enumerate(COMPONENTS)}
    columns |= pay(rng, total, tier, batch.insurance)
    return {name: pa.array(fen / 100) for name, fen in columns.items()}


def _truth(world: World, batch: Batch, grouped: pa.Table, total: pa.ChunkedArray) -> pa.Table:
    groups, prices = world.groups, world.prices
    ratio = total.to_numpy() / batch.expected
    outlier = np.where(ratio > HIGH, "high", np.where(ratio < LOW, "low", ""))
    codes = pa.array(groups.codes)
    return pa.table(
        {
            "case_id": grouped["case_id"],
            "drg": grouped["drg"],
            "status": grouped["status"],
            "intended_drg": codes.take(pa.array(batch.group)),
            "cost_drg": codes.take(pa.array(batch.cost_group)),
            "complication": pa.array(_LEVELS).take(pa.array(batch.level)),
            "weight": pa.array(np.round(prices.weight[batch.cost_group], 6)),
            "expected_cost": pa.array(np.round(batch.expected, 2)),
            "ratio": pa.array(np.round(ratio, 4)),
            "outlier": pa.array(outlier.astype(object), pa.string()),
            "flaw": pa.array(batch.flaw, pa.string()),
            "irregularity": pa.array(MARKS).take(pa.array(batch.mark)),
        }
    )


def _irregularities(world: World, batch: Batch, case_id: pa.Array) -> pa.Table:
    rows = np.flatnonzero(batch.mark)
    partner = pa.array(batch.partner[rows], mask=batch.partner[rows] < 0)
    return pa.table(
        {
            "case_id": case_id.take(pa.array(rows)),
            "kind": pa.array(MARKS).take(pa.array(batch.mark[rows])),
            "hospital_id": pa.array(world.hospitals.codes).take(pa.array(batch.hospital[rows])),
            "linked_case_id": case_id.take(partner),
            "detail": pa.array(batch.detail[rows], pa.string()),
        }
    )


def weight_table(world: World) -> pa.Table:
    """True weight and expected mean cost of every group."""
    groups, prices = world.groups, world.prices
    return pa.table(
        {
            "drg": pa.array(groups.codes, pa.string()),
            "weight": pa.array(np.round(prices.weight, 6)),
            "published_weight": pa.array(groups.weight),
            "mean_cost": pa.array(np.round(prices.mean, 2)),
            "sigma": pa.array(groups.sigma),
            "mean_stay": pa.array(groups.stay),
            "expected_cases": pa.array(np.round(groups.share * world.options.cases, 3)),
        }
    )


def hidden_hospitals(world: World) -> pa.Table:
    """Hidden cost level and role of every hospital."""
    hospitals = world.hospitals
    return pa.table(
        {
            "hospital_id": pa.array(hospitals.codes, pa.string()),
            "cost_level": pa.array(np.round(hospitals.cost_level, 6)),
            "role": pa.array(["honest", "upcoding", "bunching"]).take(pa.array(hospitals.role)),
        }
    )
