"""What people decided of a year (人工决定): its lists, and what hospitals and money are by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from budget.cases.hospitals import Hospitals
from budget.policy.document import Policy
from drg.money import Fen, to_fen
from drg.tables import read_table
from drg.year.cases import Rows, gone
from drg.year.lists import CREDIT, FALLEN, LISTS
from drg.year.state import State
from weights.table.text import unguarded

OFF = ("cancelled", FALLEN)  # outcomes of an appeal after which nothing is deducted


def rows_of(folder: Path, state: State) -> dict[str, Rows]:
    """The rows of every list as they stand: the last one of each key.

    Rows of payers are of a month, which is a part of their key. A finding's deduction falls away
    with its case: what was paid for it is taken back already.

    Raises:
        DrgError: a file cannot be read.
    """
    found: dict[str, Rows] = {name: {} for name in LISTS}
    for one in state.lists:
        kind = LISTS[one.kind]
        for row in read_rows(folder / one.file):
            key = tuple(row[name] for name in kind.key)
            month = str(one.month)
            whole = (*key, month) if kind.code == "payer" else key
            found[kind.code][whole] = {**row, "month": month}
    held = found["deduction"]
    lost = fallen(folder, state, [row for row in held.values() if row.get("finding")])
    for key, row in held.items():
        if row.get("finding") and row["case_id"] in lost:
            held[key] = {**row, "appeal": FALLEN}
    return found


def fallen(folder: Path, state: State, rows: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """Cases of some rows (``case_id, hospital_id``) that are not the hospital's any more."""
    homes = {row["case_id"]: row["hospital_id"] for row in rows if row["case_id"]}
    return gone(folder, state.cases, homes) if homes else frozenset()


@lru_cache(maxsize=512)  # a file's name carries its digest, so what was read stays
def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a list's file, as they were handed in: without what keeps Excel off them."""
    table, _ = read_table(path)
    return [{name: unguarded(value or "") for name, value in row.items()}
            for row in table.to_pylist()]  # fmt: skip


def times_of(policy: Policy, row: Mapping[str, str]) -> Decimal:
    """The multiple of a deduction: its own, the policy's for its rule, else 1."""
    if row["times"]:
        return Decimal(row["times"])
    rules = {one.name: one.times for one in policy.assessment.penalties}
    return Decimal(str(rules.get(row["rule"], 1)))


def deducted(policy: Policy, row: Mapping[str, str]) -> Decimal:
    """What a deduction takes, in yuan to the fen; nothing when it was cancelled or fell away."""
    if row["appeal"] in OFF:
        return Decimal(0)
    return (Decimal(row["amount"]) * times_of(policy, row)).quantize(Decimal("0.01"),
                                                                     "ROUND_HALF_UP")  # fmt: skip


def deductions(policy: Policy, ids: tuple[str, ...], rows: Rows) -> Fen:
    """What each hospital is deducted, in fen. Shape (H,)."""
    sums = dict.fromkeys(ids, Decimal(0))
    for row in rows.values():
        sums[row["hospital_id"]] += deducted(policy, row)
    return np.array([int(sums[name] * 100) for name in ids], np.int64)


def scores(
    policy: Policy, ids: tuple[str, ...], rows: Rows
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Assessment and credit scores by indicator, summed by the policy's weights. Shapes (H,).

    A hospital without one of the policy's indicators has no score: NaN.
    """
    weights = {one.name: Decimal(str(one.weight)) for one in policy.assessment.indicators}
    held: dict[str, dict[str, Decimal]] = {}
    for row in rows.values():
        held.setdefault(row["hospital_id"], {})[row["indicator"]] = Decimal(row["score"])
    score, credit = np.full(len(ids), np.nan), np.full(len(ids), np.nan)
    for place, name in enumerate(ids):
        own = held.get(name, {})
        if weights and weights.keys() <= own.keys():
            score[place] = float(sum(weights[one] * own[one] for one in weights))
        if CREDIT in own:
            credit[place] = float(own[CREDIT])
    return score, credit


def judged(hospitals: Hospitals, policy: Policy, lists: Mapping[str, Rows]) -> Hospitals:
    """The hospitals with the scores and deductions that lists give them.

    Deductions come to those of the table of hospitals; scores take the place of its scores.
    """
    score, credit = scores(policy, hospitals.ids, lists["assessment"])
    taken = deductions(policy, hospitals.ids, lists["deduction"])
    return replace(
        hospitals,
        score=np.where(np.isnan(score), hospitals.score, score),
        credit=np.where(np.isnan(credit), hospitals.credit, credit),
        penalty=(to_fen(hospitals.penalty) + taken) / 100,
    )


def payer_sums(ids: tuple[str, ...], rows: Rows, month: int | None = None) -> dict[str, Fen]:
    """What payers of their own pay, by payer, in fen; of a month, or of all. Shapes (H,)."""
    found: dict[str, Fen] = {}
    place = {name: i for i, name in enumerate(ids)}
    for row in rows.values():
        if month is None or row["month"] == str(month):
            held = found.setdefault(row["payer"], np.zeros(len(ids), np.int64))
            held[place[row["hospital_id"]]] += int(to_fen(float(row["amount"])))
    return dict(sorted(found.items()))
