"""Hospitals by their findings (医疗机构审核情况): against peers, small numbers shrunk, a funnel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from budget.audit.credit import Credit
from budget.audit.evidence import controlled, ratio_interval
from budget.audit.judge import Findings
from budget.audit.world import Cases
from drg.cases.privacy import FEWEST

Floats = npt.NDArray[np.float64]
FDR, CONTROL = 0.05, 0.998
_TRIM = 0.1  # of the funnel's scores at each end, before its overdispersion is measured


def standing(
    cases: Cases, findings: Findings, families: Sequence[str], names: Sequence[str], credit: Credit,
) -> pd.DataFrame:  # fmt: skip
    """One row a hospital.

    Args:
        cases: all cases.
        findings: what the rules found.
        families: families of all rules that ran.
        names: of the hospitals.
        credit: how findings come to a credit score.

    Returns:
        ``hospital_id, hospital_name, tier, peers, cases, findings, amount`` (yuan), ``expected``
        (findings as among the peers), ``ratio`` with its exact 95% interval, ``ratio_shrunk``
        (drawn towards 1, empirical Bayes), ``funnel_low, funnel_high`` (99.8% limits of the ratio,
        widened by overdispersion), ``p, q, outside`` (more findings than peers, false discoveries
        controlled), a count for each family, and of the alerts, provisional, ``provisional_score,
        provisional_grade, inspections`` a year.
    """
    size, count = len(cases.hospitals), cases.by_hospital
    table = findings.table
    of_case = findings.rows >= 0
    found = np.bincount(findings.hospital[of_case], minlength=size)
    # added in whole fen, which floats hold exactly up to 2^53
    fen = np.bincount(findings.hospital, table["amount"].to_numpy(), size)
    beside, among = (
        cases.peers.total(found.astype(np.float64)),
        cases.peers.total(count.astype(np.float64)),
    )
    rate = (beside + 0.5) / (among + 1)
    expected = count * rate
    low, high = ratio_interval(found.astype(np.float64), expected)
    p = stats.nbinom.sf(found - 1, np.maximum(beside + 0.5, 0.5),
                        (among + 1) / (among + 1 + count))  # fmt: skip
    q = controlled(p)
    funnel_low, funnel_high = funnel(found, expected)
    frame = pd.DataFrame({
        "hospital_id": cases.hospitals, "hospital_name": list(names),
        "tier": cases.tier, "peers": cases.peers.named(), "cases": count, "findings": found,
        "amount": fen / 100, "expected": expected, "ratio": found / expected,
        "ratio_low": low, "ratio_high": high, "ratio_shrunk": shrunk(found, expected),
        "funnel_low": funnel_low, "funnel_high": funnel_high, "p": p, "q": q,
        "outside": (q <= FDR) & (low > 1) & (found >= FEWEST),
    })  # fmt: skip
    for family in families:
        here = (table["family"] == family).to_numpy()
        frame[family] = np.bincount(findings.hospital[here], minlength=size)
    score = credit.provisional(frame)
    frame["provisional_score"] = score
    frame["provisional_grade"], frame["inspections"], _ = credit.graded(score)
    rounded = [name for name in frame.columns if frame[name].dtype == np.float64
               and name not in ("amount", "tier")]  # fmt: skip
    frame[rounded] = frame[rounded].round(6)
    frame["tier"] = frame["tier"].astype("Int64")
    return frame


def shrunk(found: npt.NDArray[np.int64], expected: Floats) -> Floats:
    """Ratios of found to expected drawn towards their mean by how little they tell.

    Counts are Poisson about ratios that are gamma distributed; the gamma's parameters come from
    the hospitals (method of moments).
    """
    total = max(float(expected.sum()), 1e-9)
    mean = max(float(found.sum()) / total, 1e-9)
    with np.errstate(all="ignore"):
        ratio = np.where(expected > 0, found / expected, mean)
    spread = float((expected * (ratio - mean) ** 2).sum()) / total
    between = max(spread - mean * np.count_nonzero(expected > 0) / total, 1e-6)
    prior = mean / between
    result: Floats = (found + prior * mean) / (expected + prior)
    return result


def funnel(found: npt.NDArray[np.int64], expected: Floats) -> tuple[Floats, Floats]:
    """Control limits of found over expected, widened where hospitals differ more than by chance.

    Scores are square roots, cut at their outer tenths; the limits grow by what they spread more
    than those of Poisson counts (Spiegelhalter's multiplicative overdispersion).
    """
    with np.errstate(all="ignore"):
        score = 2 * (np.sqrt(found) - np.sqrt(expected))
    if len(score) > 2:
        score = np.clip(score, *np.quantile(score, (_TRIM, 1 - _TRIM)))
    wider = float(np.sqrt(max(float((score**2).mean()), 1.0)))
    z = float(stats.norm.ppf(0.5 + CONTROL / 2)) * wider
    with np.errstate(all="ignore"):
        root = np.sqrt(expected)
        low = np.maximum(root - z / 2, 0) ** 2 / expected
        high = (root + z / 2) ** 2 / expected
    return low, high
