"""Defects of a discharge file: what keeps real cases from being grouped."""

from __future__ import annotations

import numpy as np

from drg.sample.arrays import Bools, Ints, pick_some
from drg.sample.batch import Batch
from drg.sample.recipes import FEMALE, MALE
from drg.sample.stays import stays_of_person

# Codes of the national clinical edition that the insurance edition does not know.
CLINICAL_CODES = (
    "E11.500x050",
    "E11.500x062",
    "H25.003",
    "I10.x00x021",
    "I10.x00x025",
    "I10.x00x029",
    "I25.101",
    "E11.600x016+M14.2*",
)
_SHARES = {
    "unknown_code": 0.40,
    "no_principal_diagnosis": 0.25,
    "sex_conflict": 0.15,
    "infant_without_days": 0.12,
    "newborn_without_weight": 0.08,
}


def plant_flaws(rng: np.random.Generator, batch: Batch, count: int, one_sex: Bools) -> Ints:
    """Spoil some honest cases in five ways.

    Args:
        rng: source of chance.
        batch: the block.
        count: number of cases to spoil.
        one_sex: cases whose group belongs to one sex.

    Returns:
        The rows that were touched.
    """
    alone = stays_of_person(batch.person) == 1
    possible = {
        "sex_conflict": one_sex & alone,
        "infant_without_days": batch.age == 0,
        "newborn_without_weight": batch.birth_weight > 0,
        "no_principal_diagnosis": np.ones(len(batch), dtype=np.bool_),
        "unknown_code": np.ones(len(batch), dtype=np.bool_),
    }
    touched = []
    for kind, where in possible.items():
        share = _SHARES[kind] * count
        number = int(share) + int(rng.random() < share - int(share))
        rows = pick_some(rng, where & batch.honest(), number)
        batch.flaw[rows] = kind
        _spoil(rng, batch, kind, rows)
        touched.append(rows)
    return np.sort(np.concatenate(touched))


def _spoil(rng: np.random.Generator, batch: Batch, kind: str, rows: Ints) -> None:
    if kind == "sex_conflict":
        batch.sex[rows] = np.where(batch.sex[rows] == MALE, FEMALE, MALE)
    elif kind == "infant_without_days":
        batch.age_days[rows] = -1
    elif kind == "newborn_without_weight":
        batch.birth_weight[rows] = -1
    elif kind == "no_principal_diagnosis":
        batch.diagnoses[rows] = ""
    else:
        codes = np.array(CLINICAL_CODES, dtype=object)[
            rng.integers(0, len(CLINICAL_CODES), len(rows))
        ]
        rest = [text.partition("|")[2] for text in batch.diagnoses[rows]]
        batch.diagnoses[rows] = np.array(
            [f"{code}|{more}" if more else code for code, more in zip(codes, rest, strict=True)],
            dtype=object,
        )
