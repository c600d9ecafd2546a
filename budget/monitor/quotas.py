"""Day-bed quotas (日间病床定额复核) and procurement retention (集采结余留用) of a policy."""

from __future__ import annotations

import numpy as np
import pandas as pd

from budget.fund.retention import Retention, retention
from budget.fund.tables import ProcurementItems
from budget.monitor.levels import Level
from budget.price.branches import PLACE
from budget.settlement.settled import Settlement
from drg.errors import problem
from drg.language import say
from drg.money import to_fen, to_yuan


def day_beds(done: Settlement, level: Level) -> pd.DataFrame | None:
    """What courses cost beside their quota, by disease; None where the policy has no quotas.

    Returns:
        ``disease, title, kind, cases, quota, paid_quota, cost, surplus, overrun, ratio, review``:
        yuan; surplus (kept) and overrun (borne) of the hospitals, course by course; ratio is the
        mean cost over the quota; review is ``amber`` or ``red`` with ``above`` or ``below``.
    """
    rule = done.policy.special.day_bed
    if rule is None or not rule.diseases:
        return None
    rows = np.flatnonzero(done.priced.branch == PLACE["day_bed"])
    disease = done.claims.disease[rows]
    found = []
    for place, one in enumerate(rule.diseases):
        cost = done.claims.cost[rows[disease == place]]
        quota = int(to_fen(one.quota))
        left = quota - cost
        ratio = float(cost.sum()) / (quota * len(cost)) if len(cost) else float("nan")
        found.append({
            "disease": one.name, "title": one.title, "kind": one.kind, "cases": len(cost),
            "quota": one.quota, "paid_quota": float(to_yuan(quota * len(cost))),
            "cost": float(to_yuan(cost.sum())),
            "surplus": float(to_yuan(left[left > 0].sum())),
            "overrun": float(to_yuan(-left[left < 0].sum())), "ratio": round(ratio, 4),
            "review": _review(ratio, level),
        })  # fmt: skip
    return pd.DataFrame(found)


def _review(ratio: float, level: Level) -> str:
    if not ratio > 0:
        return ""
    for value, side in ((ratio, "above"), (1 / ratio, "below")):
        if name := level.of(value):
            return f"{name}_{side}"
    return ""


def retained(done: Settlement, items: ProcurementItems) -> Retention:
    """What hospitals keep of procurement savings, by the assessment of this year.

    Raises:
        DrgError: the policy has no such rule, or a hospital is not in its table.
    """
    rule = done.policy.procurement
    if rule is None:
        raise problem(say("政策没有集采结余留用", "the policy has no retention of procurement"),
                      key="procurement", found=done.policy.id)  # fmt: skip
    known = set(done.hospitals.ids)
    if unknown := [i for i, one in enumerate(items.hospital) if one not in known]:
        raise problem(say("不在医疗机构表中", "is not in the table of hospitals"), file=items.file,
                      row=unknown[0] + items.first, key="hospital",
                      found=items.hospital[unknown[0]])  # fmt: skip
    factors = dict(zip(done.hospitals.ids, done.closing.factor.tolist(), strict=True))
    return retention(items, rule, factors)


def retention_frame(found: Retention) -> pd.DataFrame:
    """A row a hospital: saving and what is retained, in yuan."""
    saving = np.zeros(len(found.hospitals), np.int64)
    place = {name: i for i, name in enumerate(found.hospitals)}
    np.add.at(saving, [place[name] for name in found.items.hospital], found.saving)
    return pd.DataFrame({"hospital_id": list(found.hospitals), "saving": to_yuan(saving),
                         "retained": to_yuan(found.by_hospital)})  # fmt: skip
