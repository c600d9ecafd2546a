"""Searching a policy (政策搜索): its figures as parameters, a settled year as the outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.hospitals import Hospitals
from budget.policy.document import Held, Leaf, Policy, build
from budget.policy.tree import parse, put
from budget.pools.money import LastYear, PoolMoney
from budget.projection.year import Year
from budget.search.solve import Parameter
from budget.settlement.settled import Settlement, settle
from drg.errors import problem
from drg.language import say
from weights.table import WeightTable

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Outcomes = dict[str, "float | Floats"]
Evaluate = Callable[[Mapping[str, float]], Outcomes]
SOURCE = "政策搜索 | searched"


def figure_of(policy: Policy, key: str) -> Leaf:
    """A number of a policy that a search may change.

    Raises:
        DrgError: there is no such figure, or it is not a number that can be anything in between.
    """
    for leaf in policy.leaves():
        if leaf.key == key:
            if leaf.about.kind == "number" and not leaf.about.many:
                return leaf
            raise problem(say("不是可以逐步调整的参数", "not a figure that can change bit by bit"),
                          file=policy.id, key=key, found=leaf.value,
                          expected=say("费率、比例、金额或系数",
                                       "a rate, share, amount or factor"))  # fmt: skip
    raise problem(say("没有此参数", "no such figure"), file=policy.id, key=key,
                  expected=say("drg policy show 列出的参数",
                               "one that drg policy show lists"))  # fmt: skip


def parameter(policy: Policy, key: str, low: float, high: float, weight: float = 1.0) -> Parameter:
    """A figure of a policy as something that may change, with its value in force and its terms.

    Args:
        policy: the policy.
        key: its path, such as ``standard.rates.base.yuan`` or ``pools.employee.growth``.
        low: least value to consider.
        high: greatest value to consider.
        weight: how much its change counts.

    Raises:
        DrgError: there is no such figure.
    """
    leaf = figure_of(policy, key)
    return Parameter(key, float(leaf.value), low, high, weight=weight, zh=leaf.about.zh,
                     en=leaf.about.en)  # fmt: skip


def changed(policy: Policy, values: Mapping[str, float], source: str = SOURCE) -> Policy:
    """The policy with other figures, all at once, so that bands may move together.

    Args:
        policy: the policy.
        values: figures by key path.
        source: of the figures.

    Raises:
        DrgError: the policy would be wrong.
    """
    tree = policy.tree
    for key, value in values.items():
        tree = put(tree, parse(key), Held(float(value), source, policy.id), key)
    return build(policy.header, tree)


def evaluator(
    claims: Claims,
    weights: WeightTable,
    policy: Policy,
    hospitals: Hospitals,
    year: int,
    *,
    last_year: LastYear | None = None,
) -> Evaluate:
    """What a year comes to under other figures of a policy, for :func:`budget.search.solve.search`.

    Every call settles the year's cases anew, so thresholds, caps and sharing are exact. The cases
    are read once, by whoever calls this, and the same figures are settled once.

    Args:
        claims: the year's cases.
        weights: relative weights.
        policy: the policy in force.
        hospitals: the hospitals.
        year: settlement year.
        last_year: last year's fund spend in yuan by pool, or by pool and hospital.
    """
    known: dict[tuple[tuple[str, float], ...], Outcomes] = {}

    def evaluate(values: Mapping[str, float]) -> Outcomes:
        key = tuple(sorted(values.items()))
        if key not in known:
            rules = changed(policy, values)
            known[key] = outcomes(
                settle(claims, weights, rules, hospitals, year, last_year=last_year)
            )
        return known[key]

    return evaluate


def outcomes(settled: Settlement) -> Outcomes:
    """What targets are set for. Money is in yuan, shares are shares of the billed cost.

    Returns:
        ``fund``: what the fund pays; ``budget_cut``: what the global budget takes off;
        ``balance_before_cut`` and ``balance``: the pools' money less what they pay before and
        after that cut, of all pools and, as ``balance.NAME``, of each; ``largest_loss``: the loss
        of each hospital that has cases, negative for a gain, so that a target holds for the
        largest (:func:`losses`); ``average_payment``: what a hospital gets for a case from all
        payers; ``patient_share``: what patients bear.
    """
    sums, final = settled.sums.yearly(), settled.cash.final
    outside = np.array([one.outside for one in settled.paid.pools], np.int64)
    fen = {"final": final, "cut": settled.cut, "cost": sums.cost, "patient": sums.patient,
           "other": sums.other}  # fmt: skip
    return _outcomes(settled.money, outside, fen, float(sums.cases.sum()))


def outcomes_ahead(year: Year) -> Outcomes:
    """The same of a projected year."""
    fen = {name: year.by_pool(name) for name in ("cost", "patient", "other")}
    fen |= {"final": year.final, "cut": year.cut}
    outside = year.by_pool("outside").sum(axis=0)
    return _outcomes(year.money, outside, fen, float(year.cells.cases.sum()))


def _outcomes(
    money: Sequence[PoolMoney], outside: Fen, fen: Mapping[str, Fen], cases: float
) -> Outcomes:
    """Outcomes from sums in fen by hospital and pool (H, P), and what is paid beside pools (P,)."""
    total = {name: held.sum(axis=0) for name, held in fen.items()}
    whole = {name: float(held.sum()) for name, held in total.items()}
    found: Outcomes = {
        "fund": whole["final"] / 100.0,
        "budget_cut": whole["cut"] / 100.0,
        "average_payment": (whole["final"] + whole["patient"] + whole["other"]) / cases / 100.0,
        "patient_share": whole["patient"] / whole["cost"],
    }
    loss = _losses(**fen)
    found["largest_loss"] = loss[np.isfinite(loss)]
    after = np.array([one.amount for one in money], np.int64) - (total["final"] - outside)
    for name, held in (("balance", after), ("balance_before_cut", after - total["cut"])):
        found[name] = float(held.sum()) / 100.0
        found |= {f"{name}.{one.name}": float(own) / 100.0
                  for one, own in zip(money, held, strict=True)}  # fmt: skip
    return found


def losses(settled: Settlement) -> Floats:
    """What each hospital loses, as a share of its cost; NaN without cases. Shape (H,)."""
    sums = settled.sums.yearly()
    return _losses(settled.cash.final, sums.patient, sums.other, sums.cost)


def _losses(final: Fen, patient: Fen, other: Fen, cost: Fen, **_: Fen) -> Floats:
    spent = cost.sum(axis=1).astype(np.float64)
    gain = (final + patient + other - cost).sum(axis=1)
    empty = np.full(len(spent), np.nan)
    return np.asarray(-np.divide(gain, spent, out=empty, where=spent > 0))
