"""The weight table that a calibration comes to, with the record of how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from drg.provenance import record
from weights.cases.observations import Floats, Observations
from weights.cases.statistics import ratio
from weights.fit.limits import LowVolume
from weights.table import WeightTable

if TYPE_CHECKING:
    from weights.fit.calibrator import Calibrator

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
    reviewed case by case, no weight; ``low_volume`` its own weight although below the minimum.
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
    return [str(state) for state in found]


def table_of(
    calibrator: Calibrator,
    observed: Observations,
    weight: Floats,
    raw: Floats,
    cases: Floats,
    states: list[str],
) -> WeightTable:
    """The weight table of a fitted calibrator, in the order of the codes.

    Args:
        calibrator: the calibrator, fitted.
        observed: all cases that can be used, trimmed ones included.
        weight: weights. Shape (G,).
        raw: weights straight from the estimate, on the same scale. Shape (G,).
        cases: cases to be paid. Shape (G,).
        states: what is particular about each group.
    """
    sums, interval = calibrator.statistics_, calibrator.interval_
    used = sums.group_cases
    cv = sums.cv
    low = high = np.full(len(weight), np.nan)
    if interval is not None:
        low, high = interval.weights()
    previous = calibrator.previous_
    columns: dict[str, Any] = {
        "drg": list(observed.groups),
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
    trimmed = calibrator.trimmed_
    if trimmed is not None:
        known = np.isfinite(trimmed.lower) | np.isfinite(trimmed.upper)
        columns["trim_low"] = np.where(known, trimmed.lower, np.nan)
        columns["trim_high"] = np.where(known, trimmed.upper, np.nan)
    if previous is not None:
        columns["previous_weight"] = previous.weights.reindex(list(observed.groups)).to_numpy()
    if not calibrator.families_.known:
        adrgs = None
    else:
        names = [calibrator.families_.names[i] for i in calibrator.families_.family]
        adrgs = ["" if name.startswith("=") else name for name in names]
        columns["adrg"] = adrgs
    frame = pd.DataFrame(columns).sort_values("drg", ignore_index=True)
    return WeightTable("fitted", frame, _record(calibrator, observed))


def _whole(cases: Floats) -> Any:
    """Cases as whole numbers when they are, but for rounding."""
    whole = np.rint(cases)
    near = np.abs(cases - whole) <= 1e-9 * np.maximum(whole, 1.0)
    return whole.astype(np.int64) if bool(near.all()) else cases


def _record(calibrator: Calibrator, observed: Observations) -> dict[str, Any]:
    trail, bootstrap = calibrator.trail_, calibrator.bootstrap_
    found = record(
        kind="weight table",
        hospitals=len(observed.hospitals),
        groups=len(observed.groups),
        steps=[step.document() for step in trail.steps],
        warnings=dict(trail.warnings),
    )
    if calibrator.previous_ is not None:
        found["previous"] = {"id": calibrator.previous_.id, "sha256": calibrator.previous_.digest}
    if calibrator.prior_ is not None and calibrator.noise_ is not None:
        found["shrinkage"] = {
            "spread": calibrator.prior_.spread,
            "steps": {f"{rank:g}": step for rank, step in calibrator.prior_.steps.items()},
            "within_cv2": calibrator.noise_.within,
            "between_cv2": calibrator.noise_.between,
        }
    if bootstrap is not None:
        found["bootstrap"] = {
            "replicates": bootstrap.replicates, "seed": bootstrap.seed,
            "interval": bootstrap.method, "level": bootstrap.level,
        }  # fmt: skip
    return found
