"""Tables of an impact (影响测算表): by hospital, tier, insurance, pool and group, and who pays.

Money is in yuan. A hospital's figures at the year end and after the global budget's cut are
``final``; before both they are ``payable``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from budget.cases.claims import INSURANCES
from budget.impact.weights import Impact, Outcome
from drg.money import to_yuan
from weights.fit.severity import inversions
from weights.table.families import families
from weights.table.moved import moved

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
_NOISE = 1e-9  # of two weights that were meant to be equal


def hospital_table(held: Impact) -> pd.DataFrame:
    """What every hospital gains or loses (各医疗机构影响); one row a hospital that has cases."""
    cells, hospitals = held.cells, held.cells.hospitals
    cases = cells.cases.sum(axis=(1, 2))
    seen = np.flatnonzero(cases > 0)
    borne = np.round((cells.patient + cells.other - cells.cost).sum(axis=(1, 2)) * 100)
    money = _change(held, "final", axis=1)
    owed = _change(held, "payable", axis=1)
    frame = pd.DataFrame({
        "hospital_id": hospitals.ids, "hospital_name": hospitals.names, "tier": hospitals.tier,
        "cases": cases.astype(np.int64),
        "case_mix_index_before": np.round(_mix(held, held.before), 4),
        "case_mix_index_after": np.round(_mix(held, held.after), 4),
    })  # fmt: skip
    for name, parts in (("payable", owed), ("final", money)):
        for part, fen in parts.items():
            frame[f"{name}_{part}"] = to_yuan(fen)
        frame[f"{name}_change_share"] = np.round(_ratio(parts["change"], parts["before"]), 6)
    for part in ("before", "after"):
        frame[f"gain_{part}"] = to_yuan(money[part] + borne.astype(np.int64))
    frame["payment_per_case_before"] = np.round(_ratio(money["before"] / 100, cases), 2)
    frame["payment_per_case_after"] = np.round(_ratio(money["after"] / 100, cases), 2)
    return frame.iloc[seen].reset_index(drop=True)


def tier_table(held: Impact) -> pd.DataFrame:
    """The same by tier (级别), with the mean billed cost, which no weight moves."""
    by = hospital_table(held)
    seen = held.cells.cases.sum(axis=(1, 2)) > 0
    known = np.flatnonzero(np.isfinite(held.before.weight))
    weighed = held.cells.cases[:, known].sum(axis=2)
    by["cost"], by["weighed"] = held.cells.cost.sum(axis=(1, 2))[seen], weighed.sum(axis=1)[seen]
    for part in ("before", "after"):
        by[f"weights_{part}"] = (weighed @ getattr(held, part).weight[known])[seen]
    sums = by.groupby("tier", sort=True)[
        ["cases", "cost", "weighed", "weights_before", "weights_after", "payable_before",
         "payable_after", "payable_change", "final_before", "final_after", "final_change"]
    ].sum()  # fmt: skip
    found = sums[["cases"]].copy()
    found["average_cost"] = np.round(_ratio(sums["cost"], sums["cases"]), 2)
    for part in ("before", "after"):
        found[f"case_mix_index_{part}"] = np.round(
            _ratio(sums[f"weights_{part}"], sums["weighed"]), 4
        )
        found[f"payment_per_case_{part}"] = np.round(
            _ratio(sums[f"final_{part}"], sums["cases"]), 2
        )
    money = sums[[name for name in sums.columns if name.startswith(("payable", "final"))]].round(2)
    found = found.join(money)
    found["final_change_share"] = np.round(_ratio(sums["final_change"], sums["final_before"]), 6)
    return found.reset_index().sort_values("tier", ascending=False, ignore_index=True)


def insurance_table(held: Impact) -> pd.DataFrame:
    """What the fund owes by insurance (险种), before the year end."""
    before, after = (one.fund.sum(axis=(0, 1)) for one in (held.before, held.after))
    return pd.DataFrame({
        "insurance": INSURANCES,
        "cases": held.cells.cases.sum(axis=(0, 1)).astype(np.int64),
        "payable_before": to_yuan(before), "payable_after": to_yuan(after),
        "payable_change": to_yuan(after - before),
    })  # fmt: skip


def pool_table(held: Impact) -> pd.DataFrame:
    """What becomes of each pool (基金池): what it owes and pays, its cut, its point value."""
    settled = held.cells.settlement
    frame = pd.DataFrame({
        "pool": [one.name for one in settled.money],
        "amount": to_yuan(np.array([one.amount for one in settled.money], np.int64)),
    })  # fmt: skip
    for name in ("payable", "cut", "final"):
        for part, fen in _change(held, name, axis=0).items():
            frame[f"{name}_{part}"] = to_yuan(fen)
    for part in ("before", "after"):
        values = getattr(held, part).point_value
        frame[f"point_value_{part}"] = [values.get(i, np.nan) for i in range(len(frame))]
    return frame


def group_table(held: Impact) -> pd.DataFrame:
    """Weights and what groups are paid (各病组影响); one row a group that has a weight."""
    cells = held.cells
    before, after = (one.fund[:, :-1].sum(axis=(0, 2)) for one in (held.before, held.after))
    old, new = held.before.weight, held.after.weight
    known = np.flatnonzero(np.isfinite(old))
    frame = pd.DataFrame({
        "drg": cells.groups[:-1], "name": cells.names[:-1],
        "cases": cells.cases[:, :-1].sum(axis=(0, 2)).astype(np.int64),
        "weight_before": old, "weight_after": new,
        "weight_change_share": np.round(_ratio(new - old, old), 6),
        "payable_before": to_yuan(before), "payable_after": to_yuan(after),
        "payable_change": to_yuan(after - before),
    })  # fmt: skip
    return frame.iloc[known].reset_index(drop=True)


def who_pays(held: Impact) -> pd.DataFrame:
    """Who gains and who pays (谁受益, 谁承担), by name: hospitals, and the pools behind them.

    What hospitals gain, others lose, or the pools pay; so the column ``yuan`` adds up to 0.

    Returns:
        ``kind`` (hospital or pool), ``key``, ``name``, ``yuan`` (gained; negative: paid), and
        ``share`` of all that is gained or paid; the largest gain first.
    """
    hospitals = held.cells.hospitals
    rows: list[dict[str, Any]] = []
    for kind, keys, names, fen in (
        ("hospital", hospitals.ids, hospitals.names, _change(held, "final", axis=1)["change"]),
        ("pool", [one.name for one in held.cells.settlement.money], None,
         -_change(held, "final", axis=0)["change"]),
    ):  # fmt: skip
        rows += [
            {"kind": kind, "key": keys[i], "name": keys[i] if names is None else names[i],
             "yuan": float(to_yuan(fen[i]))}
            for i in np.flatnonzero(fen)
        ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["kind", "key", "name", "yuan"])
    gained = float(frame["yuan"].clip(lower=0).sum())
    frame["share"] = np.round(frame["yuan"].abs() / gained, 6) if gained else 0.0
    return frame.sort_values(["yuan", "key"], ascending=[False, True], ignore_index=True)


def summary(held: Impact) -> dict[str, Any]:
    """The figures that are told first: money, CMI, order of severity, who loses most."""
    by = hospital_table(held)
    change = by["final_change"].to_numpy(np.float64)
    by_hospital = _change(held, "final", axis=1)
    cases = held.cells.cases[:, :-1].sum(axis=(0, 2))
    order = families(held.cells.groups[:-1])
    wrong = {
        part: [one for one in inversions(getattr(held, part).weight, order)[0]
               if one.lighter_weight - one.graver_weight > _NOISE * one.lighter_weight]
        for part in ("before", "after")
    }  # fmt: skip
    fixed = {(one.graver, one.lighter) for one in wrong["before"]}
    return {
        "weights_changed": int(moved(held.after.weight, held.before.weight).sum()),
        "scale": held.scale,
        "payable_before": _yuan(held.before.payable), "payable_after": _yuan(held.after.payable),
        "final_before": _yuan(held.before.final), "final_after": _yuan(held.after.final),
        "final_change": float(to_yuan(by_hospital["change"].sum())),
        "cut_before": _yuan(held.before.cut), "cut_after": _yuan(held.after.cut),
        "case_mix_index_before": _mean_weight(held.before, cases),
        "case_mix_index_after": _mean_weight(held.after, cases),
        "payment_per_case_before": _per_case(held, held.before),
        "payment_per_case_after": _per_case(held, held.after),
        "average_cost": round(float(held.cells.cost.sum() / held.cells.cases.sum()), 2),
        "hospitals_gaining": int((change > 0).sum()), "hospitals_losing": int((change < 0).sum()),
        "moved": float(to_yuan(np.maximum(by_hospital["change"], 0).sum())),
        "largest_loss": _largest_loss(by, "final"),
        "largest_loss_payable": _largest_loss(by, "payable"),
        "inversions_before": len(wrong["before"]), "inversions_after": len(wrong["after"]),
        "inversions_new": [f"{one.graver} < {one.lighter}" for one in wrong["after"]
                           if (one.graver, one.lighter) not in fixed],
    }  # fmt: skip


def _largest_loss(by: pd.DataFrame, name: str) -> dict[str, Any] | None:
    """The hospital that loses the largest share of what it had, or None."""
    worst = int(np.argmin(by[f"{name}_change_share"].fillna(0.0))) if len(by) else 0
    if not len(by) or by[f"{name}_change"].iloc[worst] >= 0:
        return None
    row = by.iloc[worst]
    return {"hospital_id": str(row["hospital_id"]), "hospital_name": str(row["hospital_name"]),
            "yuan": float(row[f"{name}_change"]),
            "share": float(row[f"{name}_change_share"])}  # fmt: skip


def _change(held: Impact, name: str, axis: int) -> dict[str, Fen]:
    before, after = (getattr(one, name).sum(axis=axis) for one in (held.before, held.after))
    return {"before": before, "after": after, "change": after - before}


def _yuan(fen: Fen) -> float:
    return float(to_yuan(fen.sum()))


def _per_case(held: Impact, one: Outcome) -> float:
    return round(_yuan(one.final) / float(held.cells.cases.sum()), 2)


def _mean_weight(one: Outcome, cases: Floats) -> float:
    known = np.isfinite(one.weight)
    return round(float((one.weight * cases)[known].sum() / max(cases[known].sum(), 1.0)), 6)


def _mix(held: Impact, one: Outcome) -> Floats:
    """Mean weight of the cases that have one (CMI) by hospital. (H,)."""
    known = np.flatnonzero(np.isfinite(one.weight))
    cases = held.cells.cases[:, known].sum(axis=2)
    return _ratio(cases @ one.weight[known], cases.sum(axis=1))


def _ratio(above: npt.ArrayLike, below: npt.ArrayLike) -> Floats:
    up, down = np.asarray(above, np.float64), np.asarray(below, np.float64)
    return np.asarray(np.divide(up, down, out=np.full(up.shape, np.nan), where=down != 0))
