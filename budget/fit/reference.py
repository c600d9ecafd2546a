"""Published pairs of means as reference scenarios (参照情景), under the region's rates and weights.

Which pairs there are is data, in ``responses.toml``; rates come from the policy and weights from
the published table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from budget.behaviour.responses import references
from budget.fit.rate import RateModel, Tier
from budget.fit.response import Fit, Unreachable, fit_response
from budget.policy.load import load_policy
from budget.price.standards import standards
from drg.errors import problem
from drg.language import say
from weights.table import WeightTable, open_weights

Floats = npt.NDArray[np.float64]
_ABOUT = ("zh", "en", "policy", "weights", "rounding", "source")
_YEAR = 2025  # of the convergence of coefficients, which these policies do not have
READINGS: Mapping[str, tuple[str, ...]] = {
    "level": ("intensity.level",),
    "case_mix": ("case_mix.change",),
    "loss": ("intensity.loss",),
    "mixture": ("intensity.level", "intensity.loss", "case_mix.change", "price.change"),
}


@dataclass(frozen=True)
class Pull:
    """What the payment rule does to a tier before anybody reacts.

    Attributes:
        before: published mean cost per case before in yuan.
        after: published mean cost per case after in yuan.
        index: assumed case-mix index.
        rate: mean rate of a unit of weight in yuan, by the mix of groups and classes.
        payment: mean payment per case in yuan.
        index_before: case-mix index at which the payment is the cost before.
        index_after: case-mix index at which the payment is the cost after.
    """

    before: float
    after: float
    index: float
    rate: float
    payment: float
    index_before: float
    index_after: float

    @property
    def rule_share(self) -> float:
        """Share of the change of the billed cost that the rule explains alone: none."""
        return 0.0

    @property
    def pull_share(self) -> float:
        """Change from cost to payment as a share of the published change.

        It is what hospitals would bring about if they met the payment exactly and did nothing
        else; above 1 the payment is below the cost after, below 0 they gained all along.
        """
        return (self.payment - self.before) / (self.after - self.before)


@dataclass(frozen=True)
class Reference:
    """A published pair of means and what it takes to reproduce it.

    Attributes:
        name: name of the pair.
        pulls: what the rule does to each tier.
        model: the model with its tiers.
        readings: reading and tier -> the smallest response of this kind alone, or why there is
            none. ``level``: hospitals spend less everywhere; ``case_mix``: lighter cases;
            ``loss``: hospitals save a part of their loss; ``mixture``: all of them and prices.
        together: the mixture for all tiers at once: one response and one price change for all,
            case mix by tier; or why there is none.
        source: who published the means.
    """

    name: str
    pulls: dict[str, Pull]
    model: RateModel
    readings: dict[tuple[str, str], Fit | Unreachable]
    together: Fit | Unreachable
    source: str


def changzhi_reference(
    case_mix: Mapping[str, Mapping[str, float]] | None = None,
    *,
    indices: Mapping[str, float] | None = None,
    class_shares: Mapping[str, float] | None = None,
    cap: float = 1.0,
) -> Reference:
    """The Changzhi reference scenario; see :func:`reference`."""
    return reference("changzhi", case_mix, indices=indices, class_shares=class_shares, cap=cap)


def reference(
    name: str,
    case_mix: Mapping[str, Mapping[str, float]] | None = None,
    *,
    indices: Mapping[str, float] | None = None,
    class_shares: Mapping[str, float] | None = None,
    cap: float = 1.0,
) -> Reference:
    """A published pair of means under the region's rates and weights.

    Args:
        name: the pair, one of :func:`budget.behaviour.responses.references`.
        case_mix: tier -> group -> cases, where known. Without it a mix is made that has the given
            index and is otherwise as even as can be (:func:`even_mix`).
        indices: tier -> case-mix index of such a mix, 1 where not given.
        class_shares: share of the tier's cases by class of hospital, where a tier has several;
            equal where not given.
        cap: share of the priced amount that the global budget lets through.

    Raises:
        DrgError: there is no such pair, tier, class or group, or no mix has this index.
    """
    if name not in references():
        raise problem(say("没有此对均值", "no such pair of means"), key="reference", found=name,
                      expected=", ".join(references()))  # fmt: skip
    if not (np.isfinite(cap) and cap > 0):
        raise problem(say("须大于 0", "must be above 0"), key="cap", found=cap)
    held = references()[name]
    tiers = {key: value for key, value in held.items() if key not in _ABOUT}
    for key, given in (("case_mix", case_mix), ("indices", indices)):
        if wrong := set(given or {}) - set(tiers):
            raise problem(say("没有此级别", "no such tier"), key=key, found=min(wrong),
                          expected=", ".join(tiers))  # fmt: skip
    weights = open_weights(held["weights"])
    prices = _Prices(weights, held["policy"], class_shares or {},
                     {one for tier in tiers.values() for one in tier["classes"]})  # fmt: skip
    pulls, made = {}, {}
    for tier, facts in tiers.items():
        index, rate = prices.of(
            facts["classes"], (case_mix or {}).get(tier), (indices or {}).get(tier, 1.0)
        )
        made[tier] = Tier(facts["before"], index, rate)
        at_one = cap * rate
        pulls[tier] = Pull(facts["before"], facts["after"], index, rate, at_one * index,
                           facts["before"] / at_one, facts["after"] / at_one)  # fmt: skip
    model = RateModel(made, cap)
    readings = {
        (reading, tier): _fit(model, [tier], [f"{key}@{tier}" for key in keys], tiers, held)
        for reading, keys in READINGS.items()
        for tier in tiers
    }
    common = [key for key in READINGS["mixture"] if key != "case_mix.change"]
    own = [f"case_mix.change@{tier}" for tier in tiers]
    together = _fit(model, list(tiers), common + own, tiers, held)
    return Reference(name, pulls, model, readings, together, held["source"])


def _fit(
    model: RateModel, names: list[str], keys: list[str], tiers: Mapping[str, Any],
    held: Mapping[str, Any],
) -> Fit | Unreachable:  # fmt: skip
    before = {tier: tiers[tier]["before"] for tier in names}
    after = {tier: tiers[tier]["after"] for tier in names}
    try:
        return fit_response(model, before, after, keys, uncertainty=held["rounding"])
    except Unreachable as none:
        return none


class _Prices:
    """Index and mean rate of a mix of groups under the region's standards."""

    def __init__(
        self, weights: WeightTable, policy: str, shares: Mapping[str, float], classes: set[str]
    ) -> None:
        if wrong := set(shares) - classes:
            raise problem(say("没有此类医疗机构", "no such class of hospitals"), key="class_shares",
                          found=min(wrong), expected=", ".join(sorted(classes)))  # fmt: skip
        self.weights = weights.weights
        self.shares = shares
        rows = standards(load_policy(policy), weights, _YEAR)
        rows = rows[(rows["insurance"] == "employee") & rows["standard"].notna()]
        self.standard = {
            str(kind): part.set_index("drg")["standard"].reindex(self.weights.index).to_numpy()
            for kind, part in rows.groupby("hospital_class")
        }

    def of(
        self, classes: list[str], mix: Mapping[str, float] | None, index: float
    ) -> tuple[float, float]:
        weight = np.asarray(self.weights, np.float64)
        cases = even_mix(weight, index) if mix is None else self._cases(mix)
        share = np.array([self.shares.get(one, 1.0) for one in classes])
        if not ((share >= 0).all() and share.sum() > 0):
            raise problem(say("占比不得小于 0，且不能全部为 0",
                              "shares must not be below 0, and not all be 0"), key="class_shares",
                          found=dict(self.shares))  # fmt: skip
        paid = np.array([float(cases @ self.standard[one]) for one in classes])
        total = float(cases @ weight)
        return total / float(cases.sum()), float(paid @ share / share.sum()) / total

    def _cases(self, mix: Mapping[str, float]) -> Floats:
        places = {str(group): at for at, group in enumerate(self.weights.index)}
        cases = np.zeros(len(places))
        for group, count in mix.items():
            if group not in places:
                raise problem(say("该病组没有权重", "the group has no weight"), key="case_mix",
                              found=group)  # fmt: skip
            cases[places[group]] = count
        if not ((cases >= 0).all() and cases.sum() > 0):
            raise problem(say("病例数不得小于 0，且不能全部为 0",
                              "cases must not be below 0, and not all be 0"),
                          key="case_mix")  # fmt: skip
        return cases


def even_mix(weight: Floats, index: float) -> Floats:
    """Shares of cases by group with a given case-mix index and otherwise as even as can be.

    They are ``exp(-t * weight)``, the mix of the largest entropy at this mean: light groups are
    common and heavy ones rare, and nothing else is assumed. Shape (G,), adding up to 1.

    Raises:
        DrgError: the index is not between the smallest and the largest weight.
    """
    low, high = float(weight.min()), float(weight.max())
    if not low < index < high:
        raise problem(say("这些病组没有达到该病例组合指数的构成",
                          "no mix of these groups has this case-mix index"), key="indices",
                      found=index,
                      expected=say(f"{low:g} 与 {high:g} 之间",
                                   f"between {low:g} and {high:g}"))  # fmt: skip

    def mix(tilt: float) -> Floats:
        power = -tilt * weight
        share = np.exp(power - power.max())
        return np.asarray(share / share.sum())

    def off(tilt: float) -> float:
        return float(mix(tilt) @ weight) - index

    edge = 1.0
    while off(edge) > 0 or off(-edge) < 0:
        edge *= 2
    return mix(float(brentq(off, -edge, edge, xtol=1e-14)))
