"""The money of a case as plain data (病例支付解释): standard, branch, payers, sources."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from budget.explain.branch import formula, looked_at, money, ratio_of
from budget.explain.case import CaseMoney
from budget.explain.standard import Scribe, Term, chosen, convergence, cuts, sets_of, terms
from budget.policy.document import Leaf, Policy
from drg.errors import problem
from weights.table import WeightTable

LANGUAGES = ("zh", "en")
DIGEST = 12  # characters of a digest that are shown
_ALWAYS = ("weights", "scheme")  # subjects that every case hangs on


def document(case: CaseMoney, lang: str) -> dict[str, Any]:
    """The explanation as plain data, amounts in yuan.

    Args:
        case: the case.
        lang: ``zh`` or ``en``.

    Raises:
        DrgError: there is no such language.
    """
    if lang not in LANGUAGES:
        raise problem("no such language", key="lang", found=lang, expected="zh or en")
    scribe = Scribe(lang)
    policy = case.policy
    parts: dict[str, Any] = {
        "policy": {
            "id": policy.id,
            "title": scribe.say(policy.header.title, policy.header.title_en),
            "method": policy.standard.kind,
            "sha256": _digest(policy),
        },
        "year": case.year,
        "cases": case.cases,
        "weight": weight_of(case),
        "sets": sets_of(case, scribe),
        "standard": _standard(case, scribe),
        "ratio": ratio_of(case, scribe),
        "branch": _branch(case, scribe),
        "payers": _payers(case, scribe),
        "money": {name: fen / 100.0 for name, fen in case.money.items()},
        "notes": _notes(case, scribe),
    }  # fmt: skip
    parts["figures"] = _figures(policy, scribe)
    parts["unknown"] = _unknown(policy, scribe)
    return parts


def weight_of(case: CaseMoney) -> dict[str, Any]:
    """The weight of the case's group and the table that it is from."""
    place = int(case.claim.group[0])
    weight = float(case.grid.weight[place]) if place >= 0 else math.nan
    return {"table": case.weights.id, "sha256": _digest(case.weights), "drg": case.group,
            "weight": weight if math.isfinite(weight) else None}  # fmt: skip


def _standard(case: CaseMoney, scribe: Scribe) -> dict[str, Any]:
    """The standard as a formula: factors with their keys, and the value of a point."""
    standard = case.policy.standard
    found = terms(case)
    for term in (*found, *cuts(case)):
        scribe.use(term.key)
    if any(term.symbol == "k" for term in found):
        scribe.asked["coefficients"] = None
        scribe.use(convergence(case))
        held = case.policy.coefficients
        if held is not None and held.computed is not None:
            scribe.use("coefficients.computed.by", "coefficients.computed.least_cases")
    if standard.kind != "points":
        scribe.use("standard.decimals")
    if standard.kind == "points" and standard.mean_cost is not None:
        scribe.use("standard.mean_cost")
    value_key = ""
    if case.decided_by in ("given", "floor", "ceiling"):
        _, key = chosen(case, standard.point_values, "standard.point_values")
        value_key = scribe.use(f"{key}.{case.decided_by}")
    points = standard.kind == "points" and math.isfinite(case.reference)
    return {
        "kind": standard.kind,
        "terms": [_term(term, scribe) for term in found],
        "points": case.reference * case.grid.per_yuan if points else None,
        "mean_cost": case.grid.mean_cost if standard.kind == "points" else None,
        "per_yuan": case.grid.per_yuan,
        "cuts": [_term(term, scribe) for term in cuts(case)],
        "reference": case.reference if math.isfinite(case.reference) else None,
        "point_value": case.point_value if math.isfinite(case.point_value) else None,
        "decided_by": case.decided_by,
        "value_key": value_key,
        "value": case.standard,
    }


def _term(term: Term, scribe: Scribe) -> dict[str, Any]:
    return {"symbol": term.symbol, "name": scribe.say(term.zh, term.en), "value": term.value,
            "key": term.key}  # fmt: skip


def _branch(case: CaseMoney, scribe: Scribe) -> dict[str, Any]:
    branch = case.branch
    found: dict[str, Any] = {
        "code": branch.code, "zh": branch.zh, "settled": branch.settled,
        "looked_at": looked_at(case, scribe), "formula": None, "numbers": None, "amount": None,
        "inside_pool": case.inside, "pool": None, "points": None,
    }  # fmt: skip
    if branch.settled:
        found["formula"], found["numbers"] = formula(case, scribe)
        found["whole_amount"] = float(case.whole.amount[0])
        found["amount"] = float(case.priced.amount[0])
        found["pool"] = pool = case.policy.pools[int(case.paid.pool[0])].name
        found["points"] = float(case.paid.points[0]) / 10_000.0 if case.inside else 0.0
        if not case.inside:
            scribe.use(f"pools.{pool}.outside")
    return found


def _payers(case: CaseMoney, scribe: Scribe) -> dict[str, Any]:
    """What patient and others bear, step by step."""
    shares = case.shares
    found: dict[str, Any] = {"basis": shares.basis, "steps": []}
    if not case.branch.settled:
        return found
    by_policy = shares.basis == "policy"
    titles = {
        "out_of_scope": ("范围外费用", "outside the catalogue"),
        "deductible": ("起付线", "deductible"),
        "copay": ("按比例自付", "share not reimbursed"),
        "over_cap": ("超封顶线", "above the yearly cap"),
        "fund_by_item": ("按项目基金应付", "the fund would pay by item"),
        "major_illness": ("大病保险", "major illness insurance"),
        "medical_aid": ("医疗救助", "medical aid"),
        "catch_all": ("兜底保障", "local catch-alls"),
    }
    always = ("out_of_scope", "deductible", "copay", "fund_by_item")
    for name, (zh, en) in titles.items():
        fen = int(getattr(shares, name)[0])
        keys = _step_keys(case, name) if by_policy else ()
        if not fen and name not in always:
            continue
        found["steps"].append({"step": name, "name": scribe.say(zh, en), "amount": fen / 100.0,
                               "keys": [scribe.use(key) for key in keys]})  # fmt: skip
    scribe.use("benefit.fund_floor")
    return found


def _step_keys(case: CaseMoney, step: str) -> tuple[str, ...]:
    """Keys of the policy that a step of the ladder goes by."""
    benefit, bed = case.policy.benefit, case.policy.special.day_bed
    if case.branch.code == "day_bed" and bed is not None and step in ("deductible", "copay"):
        key = "special.day_bed."
        return (f"{key}reimbursed",) if step == "copay" else (f"{key}deductible",)
    lists: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
        "deductible": (("deductibles", ("first" if case.stay == 1 else "second",)),),
        "copay": (("ratios", ("ratio",)),),
        "over_cap": (("caps", ("amount",)),),
        "major_illness": (("major_illness", ("line", "ratios")),),
        "medical_aid": (("medical_aid", ("line", "ratio", "cap")),),
        "catch_all": (("self_pay_caps", ("amount",)), ("remainders", ("share",))),
    }
    found: list[str] = []
    for name, names in lists.get(step, ()):
        row, key = chosen(case, getattr(benefit, name), f"benefit.{name}")
        if row is not None:
            found += [f"{key}.{part}" for part in names]
    return tuple(found)


_NOTES = {
    "pool": ("点值由该文件的病例和基金池决定",
             "the value of a point comes from the file's cases and its pool"),
    "alone": ("单个病例：不考虑同一参保人的其他住院、申报比例和例数上限",
              "a case by itself: without other stays of the person, quotas and caseloads"),
    "reference": ("点值由基金池决定，此处未知，按参考点值 M/100 计；--settlement 可取清算点值",
                  "the pool decides the value of a point; the reference M/100 stands in, "
                  "--settlement gives the settled one"),
    "settlement": ("点值取自 --settlement 的清算结果",
                   "the value of a point is that of --settlement"),
}  # fmt: skip


def _notes(case: CaseMoney, scribe: Scribe) -> list[str]:
    """What a reader must know of how far the numbers go."""
    told = ["alone"] if not case.cases else []
    decided = "pool" if case.decided_by in ("floor", "ceiling") else case.decided_by
    if decided in ("pool", "reference", "settlement"):
        told.append(decided)
    notes = [scribe.say(*_NOTES[name]) for name in told]
    if case.cases:
        zh = f"按文件中全部 {case.cases:,} 例一并清算；为年终清算之前的病例支付"
        en = f"settled together with all {case.cases:,} cases of the file, before the year end"
        notes.insert(0, scribe.say(zh, en))
    if "columns_missing" in case.grid.warnings:
        notes.append(case.grid.warnings["columns_missing"])
    return notes


def _figures(policy: Policy, scribe: Scribe) -> list[dict[str, Any]]:
    """Every figure that was used, in the order of the policy, with its source."""
    return [
        {"key": leaf.key, "term": scribe.say(leaf.about.zh, leaf.about.en),
         "value": list(leaf.value) if isinstance(leaf.value, tuple) else leaf.value,
         "unit": leaf.about.unit, "default": leaf.is_default, "mark": scribe.say("默认", "default"),
         "source": leaf.source,
         "document": leaf.origin}
        for leaf in _leaves(policy) if _is_used(leaf, scribe)
    ]  # fmt: skip


@lru_cache(maxsize=4)
def _digest(of: Policy | WeightTable) -> str:
    return of.digest


@lru_cache(maxsize=4)
def _leaves(policy: Policy) -> tuple[Leaf, ...]:
    return tuple(policy.leaves())


def _is_used(leaf: Leaf, scribe: Scribe) -> bool:
    """Whether a figure was used, itself or with the whole table that it is in."""
    return any(leaf.key == key or leaf.key.startswith((f"{key}.", f"{key}["))
               for key in scribe.used)  # fmt: skip


def _unknown(policy: Policy, scribe: Scribe) -> dict[str, str]:
    """What the policy says it does not know of what was used."""
    keys = [*scribe.used, *scribe.asked, *_ALWAYS]
    return {key: text for key, text in policy.header.unknown.items()
            if any(_related(key, used) for used in keys)}  # fmt: skip


def _related(unknown: str, used: str) -> bool:
    inside = used == unknown or used.startswith((f"{unknown}.", f"{unknown}["))
    row, other = unknown.rpartition(".")[0], used.rpartition(".")[0]
    return inside or (row == other and row.count(".") >= 2)


__all__ = ["DIGEST", "document", "money", "weight_of"]
