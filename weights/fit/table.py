"""The weight table that a calibration comes to, with the record of how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from drg.provenance import record
from weights.cases.observations import Floats, Observations
from weights.cases.statistics import Statistics, ratio
from weights.fit.bootstrap import Bootstrap, Interval
from weights.fit.limits import LowVolume
from weights.fit.noise import Doubt, Noise
from weights.fit.shrink import Prior
from weights.fit.trail import Trail
from weights.table import WeightTable
from weights.table.families import Families
from weights.trim import Trimmed

NO_CASES = "no_cases"
TRIMMED_AWAY = "all_trimmed"
CARRIED = "carried"
REVIEW = "special_review"
LOW_VOLUME = "low_volume"


def status(
    weight: Floats, cases: Floats, used: Floats, rule: LowVolume | None, previous: Floats
) -> list[str]:
    """What is particular about each group, "" for nothing.

    ``no_cases`` no case and no weight; ``all_trimmed`` no case that counts after trimming and
    year weights; ``carried`` last year's weight times the mean change; ``special_review`` to be
    reviewed case by case, no weight; ``low_volume`` its own weight although below the minimum,
    which is that of :class:`LowVolume` where the calibration has no such step.
    """
    found = np.full(len(weight), "", object)
    given = np.isfinite(weight)
    found[(cases > 0) & (used == 0) & ~given] = TRIMMED_AWAY
    found[(cases == 0) & ~given] = NO_CASES
    if rule is not None:
        few = rule.few(cases)
        if rule.action == "keep":
            found[few & given] = LOW_VOLUME
        elif rule.action == "carry":
            found[few & given & np.isfinite(previous)] = CARRIED
        found[few & ~given & (cases > 0)] = REVIEW
    else:
        found[LowVolume().few(cases) & given & (cases > 0)] = LOW_VOLUME
    return [str(state) for state in found]


def frame_of(
    groups: Sequence[str],
    sums: Statistics,
    families: Families,
    *,
    weight: Floats,
    raw: Floats,
    cases: Floats,
    states: list[str],
    interval: Interval | None,
    doubt: Doubt | None,
    trimmed: Trimmed | None,
    previous: Floats | None,
) -> pd.DataFrame:
    """The frame of a fitted weight table, in the order of the codes.

    Args:
        groups: codes of the groups, G of them.
        sums: sums by hospital and group after trimming.
        families: ADRG of the groups.
        weight: weights. Shape (G,).
        raw: weights straight from the estimate, on the same scale. Shape (G,).
        cases: cases to be paid. Shape (G,).
        states: what is particular about each group.
        interval: of the weights, or None.
        doubt: how uncertain levels are, or None.
        trimmed: bounds of the trimming, or None.
        previous: last year's weights, NaN where there is none, or None. Shape (G,).
    """
    used = sums.group_cases
    cv = sums.cv
    low = high = np.full(len(weight), np.nan)
    if interval is not None:
        low, high = interval.weights()
    columns: dict[str, Any] = {
        "drg": list(groups),
        "weight": weight,
        "cases": _whole(cases),
        "mean_cost": ratio(sums.cost.sum(axis=0), used),
        "cv": np.full(len(weight), np.nan) if cv is None else cv,
        "ci_low": low,
        "ci_high": high,
        "status": states,
        "raw_weight": raw,
        "cases_used": _whole(used),
    }
    if doubt is not None:
        columns["hospitals"] = doubt.hospitals.astype(np.int64)
    if trimmed is not None:
        known = np.isfinite(trimmed.lower) | np.isfinite(trimmed.upper)
        columns["trim_low"] = np.where(known, trimmed.lower, np.nan)
        columns["trim_high"] = np.where(known, trimmed.upper, np.nan)
    if previous is not None:
        columns["previous_weight"] = previous
    if families.known:
        names = [families.names[i] for i in families.family]
        columns["adrg"] = ["" if name.startswith("=") else name for name in names]
    return pd.DataFrame(columns).sort_values("drg", ignore_index=True)


def _whole(cases: Floats) -> Any:
    """Cases as whole numbers when they are, but for rounding."""
    whole = np.rint(cases)
    near = np.abs(cases - whole) <= 1e-9 * np.maximum(whole, 1.0)
    return whole.astype(np.int64) if bool(near.all()) else cases


def record_of(
    observed: Observations,
    trail: Trail,
    *,
    previous: WeightTable | None,
    noise: Noise | None,
    prior: Prior | None,
    bootstrap: Bootstrap | None,
) -> dict[str, Any]:
    """How a weight table was fitted: hospitals, groups, steps, warnings, and what they rest on."""
    found = record(
        kind="weight table",
        hospitals=sum(map(bool, observed.hospitals)),
        groups=len(observed.groups),
        steps=[step.document() for step in trail.steps],
        warnings=dict(trail.warnings),
    )
    if trail.groups:
        found["groups_named"] = dict(trail.groups)
    if previous is not None:
        found["previous"] = {"id": previous.id, "sha256": previous.digest}
    if prior is not None and noise is not None:
        found["shrinkage"] = {
            "spread": prior.spread,
            "steps": {f"{rank:g}": step for rank, step in prior.steps.items()},
            "within_cv2": noise.within,
            "between_cv2": noise.between,
            **({} if prior.before is None else {"to_previous": float(np.sqrt(prior.moved))}),
        }
    if bootstrap is not None:
        found["bootstrap"] = {
            "replicates": bootstrap.replicates, "seed": bootstrap.seed,
            "interval": bootstrap.method, "level": bootstrap.level,
        }  # fmt: skip
    return found
