"""Retention of procurement savings (集采结余留用): a calculation and a fund of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from budget.fund.tables import ProcurementItems
from budget.policy.pools import Procurement
from drg.errors import problem
from drg.language import say
from drg.money import Fen, decimal, rounded


@dataclass(frozen=True)
class Retention:
    """Retention by item, hospital and batch, in fen.

    Attributes:
        items: the items.
        share: share of the savings that is kept.
        assessment: coefficient that each item was multiplied by. Shape (N,).
        saving: volume x price drop; 0 where the price rose. Shape (N,).
        retained: saving x share x assessment, rounded once. Shape (N,).
        hospitals: ids, in order of first mention. Length H.
        by_hospital: sums of ``retained``. Shape (H,).
        warnings: name -> what a reader must know.
    """

    items: ProcurementItems
    share: float
    assessment: npt.NDArray[np.float64]
    saving: Fen
    retained: Fen
    hospitals: tuple[str, ...]
    by_hospital: Fen
    warnings: dict[str, str]

    @property
    def total(self) -> int:
        """All hospitals together, in fen."""
        return int(self.by_hospital.sum())

    def by_batch(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        """Hospital and batch, in order of first mention -> items, saving and retained, in fen."""
        found: dict[tuple[str, str], tuple[int, int, int]] = {}
        for i, key in enumerate(zip(self.items.hospital, self.items.batch, strict=True)):
            count, saving, retained = found.get(key, (0, 0, 0))
            found[key] = count + 1, saving + int(self.saving[i]), retained + int(self.retained[i])
        return found


def retention(
    items: ProcurementItems, rule: Procurement, coefficient: Mapping[str, float] | None = None
) -> Retention:
    """``volume x price drop x share x assessment`` of every item.

    Args:
        items: with prices in yuan a unit, which need not be whole fen.
        rule: the policy's share, and whether the assessment applies.
        coefficient: assessment coefficient by hospital, for items that have none of their own.

    Raises:
        DrgError: the assessment applies and an item has no coefficient.
    """
    lower = np.minimum(items.after, items.before)  # a price that rose saves nothing
    saved = [decimal(items.volume) * decimal(items.before),
             -(decimal(items.volume) * decimal(lower))]  # fmt: skip
    assessment = _assessment(items, rule, coefficient)
    part = decimal(rule.share) * decimal(assessment)
    retained = rounded(*(one * part for one in saved), unit=100)
    warnings = {
        f"price_rose.{items.hospital[i]}.{items.item[i]}": (
            f"hospital {items.hospital[i]}: {items.item[i]}: the price rose from "
            f"{items.before[i]:g} to {items.after[i]:g} yuan, nothing is retained"
        )
        for i in np.flatnonzero(items.after > items.before)
    }
    hospitals = tuple(dict.fromkeys(items.hospital))
    place = {name: i for i, name in enumerate(hospitals)}
    sums = np.zeros(len(hospitals), np.int64)
    np.add.at(sums, [place[name] for name in items.hospital], retained)
    saving = rounded(*saved, unit=100)
    return Retention(
        items, rule.share, assessment, saving, retained, hospitals, sums, warnings
    )  # fmt: skip


def _assessment(
    items: ProcurementItems, rule: Procurement, coefficient: Mapping[str, float] | None
) -> npt.NDArray[np.float64]:
    if not rule.assessed:
        return np.ones(len(items.item))
    given = np.array([(coefficient or {}).get(name, np.nan) for name in items.hospital], np.float64)
    found = np.where(np.isnan(items.assessment), given, items.assessment)
    missing = np.flatnonzero(np.isnan(found))
    if missing.size:
        i = int(missing[0])
        raise problem(say("没有考核系数", "no assessment coefficient"), file=items.file,
                      row=i + items.first, key="assessment",
                      found=say(f"医疗机构 {items.hospital[i]}，品种 {items.item[i]}",
                                f"hospital {items.hospital[i]}, item {items.item[i]}"),
                      expected=say("表中或医疗机构的系数，或 procurement.assessed = false",
                                   "a coefficient in the table or of the hospital, or "
                                   "procurement.assessed = false"))  # fmt: skip
    return np.asarray(found)
