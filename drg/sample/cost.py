"""What a case costs, of what its cost is made, and who pays it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drg.money import allocate
from drg.sample.arrays import Bools, Floats, Ints
from drg.sample.batch import Batch
from drg.sample.groups import TIERS, Groups, normal_tail
from drg.sample.hospitals import Hospitals
from drg.sample.mix import Mix
from drg.sample.options import Options
from drg.sample.people import employee_share
from drg.sample.profiles import Profiles

COMPONENTS = ("medical", "nursing", "technology", "drug_material", "management")
HIGH, LOW = 3.0, 0.4
_HIGH_MEDIAN, _HIGH_SPREAD = 4.2, 0.28
_LOW_MEDIAN, _LOW_SPREAD = 0.27, 0.30
# Relative cost of a case without complication, with a CC, with an MCC, where the group does not
# tell them apart; it is scaled to mean 1 in each group (assumption).
_UNSPLIT = np.array([0.97, 1.03, 1.15])
# Shares of the five components by kind of group (assumptions in the order of COMPONENTS).
_SHARES = np.array(
    [
        [0.13, 0.05, 0.34, 0.40, 0.08],
        [0.16, 0.04, 0.22, 0.51, 0.07],
        [0.27, 0.04, 0.15, 0.48, 0.06],
    ]
)
_SHARE_SPREAD = 0.18
_LOW_STANDARD_SHARES = np.array([0.06, 0.03, 0.46, 0.41, 0.04])

# Benefit rule: out-of-scope share, deductible and ratio by tier 3, 2, 1 (assumptions in the range
# of published city rules).
_OUT_OF_SCOPE = np.array([0.11, 0.08, 0.05])
_DEDUCTIBLE = np.array([[900, 900], [500, 500], [200, 200]]) * 100
_RATIO = np.array([[0.85, 0.65], [0.90, 0.75], [0.93, 0.85]])


@dataclass(frozen=True)
class Prices:
    """Expected cost of the region's groups and how far single cases stray from it.

    Attributes:
        weight: relative weight of each group, case-weighted mean 1.
        mean: expected cost of each group in yuan.
        level: cost by group, tier and insurance over the group's mean; the mean over the group's
            own cases is 1.
        high, low: share of cases whose noise is drawn from the high and the low tail.
        centre: mean of the noise, which is divided out so that expected costs are means.
    """

    weight: Floats
    mean: Floats
    level: Floats
    high: float
    low: float
    centre: float


def make_prices(
    groups: Groups,
    profiles: Profiles,
    hospitals: Hospitals,
    mix: Mix,
    options: Options,
) -> Prices:
    """Scale the published weights to the region's mean cost and fix the tails."""
    weight = groups.weight / float(np.sum(groups.share * groups.weight))
    high, low, centre = _tails(groups, options.high_share, options.low_share)
    return Prices(
        weight=weight,
        mean=weight * options.base_cost,
        level=_levels(groups, profiles, hospitals, mix),
        high=high,
        low=low,
        centre=centre,
    )


def _levels(groups: Groups, profiles: Profiles, hospitals: Hospitals, mix: Mix) -> Floats:
    """Relative cost by tier and insurance, scaled to mean 1 over the group's expected cases."""
    by_tier = np.stack(
        [mix.by_group[:, hospitals.tier == t].sum(axis=1) for t in range(len(TIERS))], axis=1
    )
    employee = employee_share(profiles.child_share)
    by_cell = by_tier[:, :, None] * np.stack([employee, 1 - employee], axis=1)[:, None, :]
    mean = (by_cell * groups.relative_cost).sum(axis=(1, 2))
    result: Floats = groups.relative_cost / mean[:, None, None]
    return result


def _tails(groups: Groups, high_share: float, low_share: float) -> tuple[float, float, float]:
    """Shares of cases to draw from the tails so that the asked shares pass the limits.

    A log-normal body already passes them now and then, and a tail does not always.
    """
    high = low = 0.0
    centre = 1.0
    for _ in range(6):
        body_high = _natural(groups, np.log(HIGH * centre), above=True)
        body_low = _natural(groups, np.log(LOW * centre), above=False)
        hit_high = _above(HIGH * centre, _HIGH_MEDIAN, _HIGH_SPREAD)
        hit_low = 1 - _above(LOW * centre, _LOW_MEDIAN, _LOW_SPREAD)
        high = max(0.0, (high_share - body_high) / (hit_high - body_high))
        low = max(0.0, (low_share - body_low) / (hit_low - body_low))
        mean_high = _HIGH_MEDIAN * np.exp(_HIGH_SPREAD**2 / 2)
        mean_low = _LOW_MEDIAN * np.exp(_LOW_SPREAD**2 / 2)
        centre = 1 + high * (mean_high - 1) + low * (mean_low - 1)
    return high, low, float(centre)


def _natural(groups: Groups, log_limit: float, *, above: bool) -> float:
    tail = normal_tail((log_limit + groups.sigma**2 / 2) / groups.sigma)
    return float(np.sum(groups.share * (tail if above else 1 - tail)))


def _above(limit: float, median: float, spread: float) -> float:
    return float(normal_tail(np.array([np.log(limit / median) / spread]))[0])


def draw_noise(rng: np.random.Generator, group: Ints, groups: Groups, prices: Prices) -> Floats:
    """Cost over expected cost, mean 1: a log-normal body with a share of high and low cases."""
    n = len(group)
    sigma = groups.sigma[group]
    body = np.exp(sigma * rng.standard_normal(n) - sigma**2 / 2)
    tail = rng.standard_normal(n)
    chance = rng.random(n)
    noise = np.where(chance < prices.high, _HIGH_MEDIAN * np.exp(_HIGH_SPREAD * tail), body)
    low = chance > 1 - prices.low
    noise = np.where(low, _LOW_MEDIAN * np.exp(_LOW_SPREAD * tail), noise)
    return noise / prices.centre


def expected_cost(batch: Batch, groups: Groups, hospitals: Hospitals, prices: Prices) -> Floats:
    """Expected cost of each case in yuan: group, tier, insurance, hospital, complication."""
    group, tier = batch.group, hospitals.tier[batch.hospital]
    cost = prices.mean[group] * prices.level[group, tier, batch.insurance]
    # A group whose level is fixed by its definition carries the complication in its weight.
    fixed = groups.levels[group].max(axis=1) == 1.0
    usual = (groups.levels @ _UNSPLIT)[group]
    severity = np.where(fixed, 1.0, _UNSPLIT[batch.level] / usual)
    result: Floats = cost * hospitals.cost_level[batch.hospital] * severity
    return result


def split_components(
    rng: np.random.Generator, total: Ints, kind: Ints, low_standard: Bools
) -> Ints:
    """Divide totals in fen into the five components, which add up exactly.

    Shares vary about those of the kind of group.
    """
    shares = _SHARES[kind]
    shares[low_standard] = _LOW_STANDARD_SHARES
    spread = np.where(low_standard, 0.04, _SHARE_SPREAD)[:, None]
    shares *= np.exp(spread * rng.standard_normal(shares.shape))
    return allocate(total, shares)


def pay(rng: np.random.Generator, total: Ints, tier: Ints, insurance: Ints) -> dict[str, Ints]:
    """Apply the region's benefit rule: scope, deductible by tier, ratio by tier and insurance.

    Returns:
        Columns of the case table in fen, which add up to the total.
    """
    share = _OUT_OF_SCOPE[tier] * np.exp(0.4 * rng.standard_normal(len(total)))
    outside = np.floor(total * np.minimum(share, 0.6)).astype(np.int64)
    deductible = np.minimum(_DEDUCTIBLE[tier, insurance], total - outside)
    left = total - outside - deductible
    fund = np.round(left * _RATIO[tier, insurance]).astype(np.int64)
    return {
        "fund_paid": fund,
        "patient_out_of_scope": outside,
        "patient_deductible": deductible,
        "patient_copay": left - fund,
    }
