"""The money of a case as plain data (病例支付解释): standard, branch, payers, sources."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from budget.cases.record import Term
from budget.explain.case import CaseMoney
from budget.explain.words import band_text, formula, set_name, term_name, why
from budget.policy.document import Leaf, Policy
from budget.price.branches import BRANCHES, PLACE
from budget.price.multipliers import holds
from budget.settlement.warned import chinese
from drg.errors import problem
from drg.language import half, say
from weights.table import WeightTable

LANGUAGES = ("zh", "en")
_ALWAYS = ("weights", "scheme")  # subjects that every case hangs on


@dataclass
class _Scribe:
    """Says things in one language and keeps which keys of the policy were needed.

    Attributes:
        lang: ``zh`` or ``en``.
        used: keys of figures that were used.
        asked: keys of sections that were looked at, whether or not they applied.
    """

    lang: str
    used: dict[str, None] = field(default_factory=dict)
    asked: dict[str, None] = field(default_factory=dict)

    def say(self, chinese: str, english: str) -> str:
        """The text in the scribe's language."""
        return chinese if self.lang == "zh" else english

    def use(self, *keys: str) -> str:
        """Note keys as used; the first comes back."""
        self.used.update(dict.fromkeys(key for key in keys if key))
        return keys[0] if keys else ""


def document(case: CaseMoney, lang: str = "zh") -> dict[str, Any]:
    """The explanation as plain data, amounts in yuan.

    Args:
        case: the case.
        lang: ``zh`` or ``en``.

    Raises:
        DrgError: there is no such language.
    """
    if lang not in LANGUAGES:
        raise problem(say("没有此语言", "no such language"), key="lang", found=lang,
                      expected=say("zh 或 en", "zh or en"))  # fmt: skip
    scribe = _Scribe(lang, {**case.record.used})
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
        "weight": _weight(case),
        "sets": _sets(case, scribe),
        "standard": _standard(case, scribe),
        "ratio": _ratio(case, scribe),
        "branch": _branch(case, scribe),
        "payers": _payers(case, scribe),
        "money": {name: fen / 100.0 for name, fen in case.money.items()},
        "notes": _notes(case, scribe),
    }  # fmt: skip
    parts["figures"] = _figures(policy, scribe)
    parts["unknown"] = _unknown(policy, scribe)
    return parts


def _weight(case: CaseMoney) -> dict[str, Any]:
    """The weight of the case's group and the table that it is from."""
    place = int(case.claim.group[0])
    weight = float(case.grid.weight[place]) if place >= 0 else math.nan
    return {"table": case.weights.id, "sha256": _digest(case.weights), "drg": case.group,
            "weight": weight if math.isfinite(weight) else None}  # fmt: skip


def _sets(case: CaseMoney, scribe: _Scribe) -> list[dict[str, Any]]:
    """The sets that the group is in, with what each does to the case."""
    found = []
    for one in case.grid.sets:
        scribe.asked[f"groups.{one.kind}"] = None
        if not (case.group and one.members[case.at[1]]):
            continue
        effect = {name: getattr(one.row, name) for name in ("k", "rate_of", "factor", "pay")
                  if getattr(one.row, name, None) is not None}  # fmt: skip
        scribe.use(*(f"{one.key}.{name}" for name in effect))
        h, g, i = (np.array([place]) for place in case.at)
        found.append({"kind": one.kind, "term": set_name(one.kind), "key": one.key,
                      "applies": bool(holds(case.claim, (h, g, i), one)[0]), **effect})  # fmt: skip
    return found


def _standard(case: CaseMoney, scribe: _Scribe) -> dict[str, Any]:
    """The standard as a formula: factors with their keys, and the value of a point."""
    standard, reference = case.policy.standard, case.record.standard
    found = case.record.terms if math.isfinite(reference) else []
    if any(term.symbol == "k" for term in found):
        scribe.asked["coefficients"] = None
    if standard.kind != "points":
        scribe.use("standard.decimals")
    if standard.kind == "points" and standard.mean_cost is not None:
        scribe.use("standard.mean_cost")
    value_key = ""
    if case.decided_by in ("given", "floor", "ceiling"):
        h, _, i = case.at
        row = standard.point_values[case.grid.value_from[h, i]]
        value_key = scribe.use(f"standard.point_values.{row.name}.{case.decided_by}")
    points = standard.kind == "points" and math.isfinite(reference)
    cuts = [Term("x", key, factor, f"{key}.{_CUTS[key]}")
            for key, factor in case.record.factors.items()]  # fmt: skip
    return {
        "kind": standard.kind,
        "terms": [_term(term, scribe) for term in found],
        "points": reference * case.grid.per_yuan if points else None,
        "mean_cost": case.grid.mean_cost if standard.kind == "points" else None,
        "per_yuan": case.grid.per_yuan,
        "cuts": [_term(term, scribe) for term in cuts],
        "reference": reference if math.isfinite(reference) else None,
        "point_value": case.point_value if math.isfinite(case.point_value) else None,
        "decided_by": case.decided_by,
        "value_key": value_key,
        "value": case.standard,
    }


_CUTS = {"special.readmission": "factor", "special.caseload": "beyond"}


def _term(term: Term, scribe: _Scribe) -> dict[str, Any]:
    scribe.use(term.key, *term.also)
    return {"symbol": term.symbol, "name": scribe.say(*term_name(term)), "value": term.value,
            "key": term.key}  # fmt: skip


def _ratio(case: CaseMoney, scribe: _Scribe) -> dict[str, Any]:
    """R with its denominator, and the thresholds with their bands."""
    outliers = case.policy.outliers
    r = float(case.priced.ratio[0])
    regional = outliers.ratio == "regional"
    base = case.grid.mean_cost * float(case.priced.weight[0]) if regional else case.record.standard
    scribe.use("outliers.ratio")
    if regional and case.policy.standard.mean_cost is not None:
        scribe.use("standard.mean_cost")
    found: dict[str, Any] = {
        "value": r if math.isfinite(r) else None,
        "base": base if math.isfinite(base) else None,
        "base_name": "M x RW" if regional else "S",
    }
    for side, rule, values in (
        ("low", outliers.low, case.grid.low),
        ("high", outliers.high, case.grid.high),
    ):
        value = float(values[case.at])
        if rule is None or not case.group or not math.isfinite(value):
            found[side] = None
            continue
        place = case.grid.band(rule, case.at)
        band = rule.thresholds[place]
        key = scribe.use(f"outliers.{side}.thresholds[{place}].value")
        found[side] = {
            "value": value, "key": key, "band": band_text(band, "RW"),
            "selectors": {name: list(held) for name, held in band.selectors.items()},
        }  # fmt: skip
    return found


def _branch(case: CaseMoney, scribe: _Scribe) -> dict[str, Any]:
    branch = case.branch
    found: dict[str, Any] = {
        "code": branch.code, "zh": branch.zh, "settled": branch.settled,
        "looked_at": _looked_at(case, scribe), "formula": None, "numbers": None, "amount": None,
        "inside_pool": case.inside, "pool": None, "points": None,
    }  # fmt: skip
    if branch.settled:
        symbols, found["numbers"] = formula(
            case.record, case.cost, float(case.priced.ratio[0]), case.grid.per_yuan
        )
        found["formula"] = scribe.say(*symbols)
        found["whole_amount"] = case.record.amount
        found["amount"] = float(case.priced.amount[0])
        found["pool"] = pool = case.policy.pools[int(case.paid.pool[0])].name
        found["points"] = float(case.paid.points[0]) / 10_000.0 if case.inside else 0.0
        if not case.inside:
            scribe.use(f"pools.{pool}.outside")
    return found


def _looked_at(case: CaseMoney, scribe: _Scribe) -> list[dict[str, Any]]:
    """The branches that were looked for, each with its reason; not that it is settled."""
    found = []
    for look in case.record.looks:
        branch = BRANCHES[PLACE[look.branch]]
        if look.branch == "day_bed":
            scribe.asked["special.day_bed.diseases"] = None
        if look.applies or branch.settled:
            found.append({"branch": branch.code, "zh": branch.zh, "applies": look.applies,
                          "why": scribe.say(*why(look, float(case.priced.ratio[0])))})  # fmt: skip
    return found


def _payers(case: CaseMoney, scribe: _Scribe) -> dict[str, Any]:
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
        keys = case.record.steps.get(name, ()) if by_policy else ()
        if not fen and name not in always:
            continue
        found["steps"].append({"step": name, "name": scribe.say(zh, en), "amount": fen / 100.0,
                               "keys": [scribe.use(key) for key in keys]})  # fmt: skip
    scribe.use("benefit.fund_floor")
    if case.terms.ratio is not None and case.terms.aside is not None:
        scribe.use("benefit.fund_formula")
        ratio = max(int(case.terms.ratio[0]), 0) / 1e9
        found["by_ratio"] = {"aside": int(case.terms.aside[0]) / 100.0, "ratio": ratio}
    return found


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


def _notes(case: CaseMoney, scribe: _Scribe) -> list[str]:
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
        text = case.grid.warnings["columns_missing"]
        notes.append(scribe.say(chinese(text), text))
    return notes


def _figures(policy: Policy, scribe: _Scribe) -> list[dict[str, Any]]:
    """Every figure that was used, in the order of the policy, with its source."""
    return [
        {"key": leaf.key, "term": scribe.say(leaf.about.zh, leaf.about.en),
         "value": list(leaf.value) if isinstance(leaf.value, tuple) else leaf.value,
         "unit": leaf.about.unit, "default": leaf.is_default, "mark": scribe.say("默认", "default"),
         "source": half(leaf.source, scribe.lang),
         "document": leaf.origin}
        for leaf in _leaves(policy) if _is_used(leaf, scribe)
    ]  # fmt: skip


@lru_cache(maxsize=4)
def _digest(of: Policy | WeightTable) -> str:
    return of.digest


@lru_cache(maxsize=4)
def _leaves(policy: Policy) -> tuple[Leaf, ...]:
    return tuple(policy.leaves())


def _is_used(leaf: Leaf, scribe: _Scribe) -> bool:
    """Whether a figure was used, itself or with the whole table that it is in."""
    return any(leaf.key == key or leaf.key.startswith((f"{key}.", f"{key}["))
               for key in scribe.used)  # fmt: skip


def _unknown(policy: Policy, scribe: _Scribe) -> dict[str, str]:
    """What the policy says it does not know of what was used."""
    keys = [*scribe.used, *scribe.asked, *_ALWAYS]
    return {key: half(text, scribe.lang) for key, text in policy.header.unknown.items()
            if any(_related(key, used) for used in keys)}  # fmt: skip


def _related(unknown: str, used: str) -> bool:
    inside = used == unknown or used.startswith((f"{unknown}.", f"{unknown}["))
    row, other = unknown.rpartition(".")[0], used.rpartition(".")[0]
    return inside or (row == other and row.count(".") >= 2)
