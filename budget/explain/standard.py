"""Why a standard is what it is (支付标准的由来): its factors, each with its place in the policy.

The factors are found by reading the policy's rows once more; their product must be the engine's
standard, or there is no explanation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from budget.explain.case import CaseMoney
from budget.policy.groups import Groups, GroupSet, Multiplier, Tcm
from budget.policy.ladder import Band, Ladder
from budget.policy.select import Selector, choose


@dataclass(frozen=True)
class Term:
    """A factor of a standard.

    Attributes:
        symbol: how formulas write it.
        zh: Chinese term.
        en: English term.
        value: the number.
        key: where the policy says it; a name of the weight table or the cases otherwise.
    """

    symbol: str
    zh: str
    en: str
    value: float
    key: str


@dataclass
class Scribe:
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


def chosen(case: CaseMoney, rows: Sequence[Selector], key: str) -> tuple[Any, str]:
    """The row of a list that applies to the case, and its key; None and "" without one."""
    if not rows:
        return None, ""
    place = int(choose(rows, **case.attributes))
    if place < 0:
        return None, ""
    row: Any = rows[place]
    return row, f"{key}.{row.name}"


def band_of(case: CaseMoney, ladder: Ladder[Any], number: float) -> int:
    """Index of the band of a ladder that holds the number for the case, -1 for none."""
    found = -1
    for held in ladder.ladders:
        if not bool(ladder[held[0]].applies(**case.attributes)):
            continue
        ends = [ladder[i].upto for i in held[:-1]]
        found = held[int(np.searchsorted(np.array(ends, np.float64), number, side="left"))]
    return found


def band_text(band: Band, what: str) -> str:
    """The reach of a band: ``1 < RW <= 2``."""
    low = f"{band.above:g} < " if band.above else ""
    high = f" <= {band.upto:g}" if band.upto is not None else ""
    return f"{low}{what}{high}" if low or high else ""


def members(case: CaseMoney, row: GroupSet) -> bool:
    """Whether the case's group is in a set."""
    place = int(case.claim.group[0])
    if place < 0:
        return False
    frame = case.weights.frame
    names = [row.column] if row.column in frame.columns else []
    columns = {str(name): frame[name].to_numpy()[place : place + 1] for name in names}
    return bool(row.members(np.array([case.group]), columns)[0])


def applies(case: CaseMoney, row: GroupSet) -> bool:
    """Whether a set's selectors and conditions hold for the case."""
    if not bool(row.applies(**case.attributes)):
        return False
    young = isinstance(row, Multiplier) and row.age_below is not None
    return not young or bool(case.claim.age[0] < row.age_below)  # type: ignore[attr-defined]


def sets_of(case: CaseMoney, scribe: Scribe) -> list[dict[str, Any]]:
    """The sets that the group is in, with what each does to the case."""
    found = []
    held = case.policy.groups
    for kind, row in held.sets() if held is not None else ():
        scribe.asked[f"groups.{kind}"] = None
        if not members(case, row):
            continue
        title = Groups.model_fields[kind].title or kind
        effect = {name: getattr(row, name) for name in ("k", "rate_of", "factor", "pay")
                  if getattr(row, name, None) is not None}  # fmt: skip
        key = f"groups.{kind}.{row.name}"
        scribe.use(*(f"{key}.{name}" for name in effect))
        found.append({"kind": kind, "term": title, "key": key, "applies": applies(case, row),
                      **effect})  # fmt: skip
    return found


def terms(case: CaseMoney) -> list[Term]:
    """The factors of the standard in order; none when the case has no standard.

    Raises:
        RuntimeError: their product is not the engine's standard; please report it.
    """
    if not np.isfinite(case.reference):
        return []
    found = list(_of_fixed_weight(case)) or [*_base(case), *_factors(case)]
    product = float(np.prod([term.value for term in found]))
    whole = case.reference * (case.grid.per_yuan if case.policy.standard.kind == "points" else 1.0)
    rounded = 0.0
    if case.policy.standard.kind != "points":
        rounded = 1.01 * 10.0**-case.policy.standard.decimals * max(1.0, _personal(found))
    if abs(product - whole) > rounded + 1e-9 * abs(whole):
        raise RuntimeError(f"explained as {product}, priced as {whole}")
    return found


def _personal(found: Sequence[Term]) -> float:
    return float(np.prod([max(term.value, 1.0) for term in found if term.symbol == "x"]))


def _of_fixed_weight(case: CaseMoney) -> Iterator[Term]:
    """A case without a group that is paid by a weight of the policy."""
    if case.branch.code not in ("ungrouped", "ambiguous", "unpriced"):
        return
    rule = getattr(case.policy.special, case.branch.code)
    if rule.pay != "weight":
        return
    h, _, i = case.at
    unit, standard = float(case.grid.unit[h, i]), case.policy.standard
    if standard.points is not None:
        per_weight = standard.points.per_weight
        yield Term(
            "100", "基准点数", "points of weight 1", per_weight, "standard.points.per_weight"
        )
        unit *= case.grid.per_yuan / per_weight
    yield Term("RW", "权重", "weight", rule.weight, f"special.{case.branch.code}.weight")
    yield Term("unit", "本院单位权重标准（各病组中位数）",
               "the hospital's standard of weight 1 (median of its groups)", unit, "")  # fmt: skip


def _base(case: CaseMoney) -> Iterator[Term]:
    """Weight, rate and coefficient; or points of weight 1; or the hospital's own mean."""
    standard = case.policy.standard
    if standard.kind == "own_mean":
        assert standard.own_mean is not None
        mean, size = case.own
        if size >= standard.own_mean.least_cases:
            yield Term("mean", f"本院该病组次均费用（{size} 例）",
                       f"the hospital's mean cost of the group ({size} cases)", mean,
                       "standard.own_mean.least_cases")  # fmt: skip
        else:
            mean = float(case.grid.group_mean[case.at[1]])
            yield Term("mean", f"全地区该病组次均费用（本院仅 {size} 例）",
                       f"the region's mean cost of the group (the hospital has {size} cases)",
                       mean, "standard.own_mean.otherwise")  # fmt: skip
        return
    weight = float(case.grid.weight[case.at[1]])
    if standard.points is not None:
        yield Term("100", "基准点数", "points of weight 1", standard.points.per_weight,
                   "standard.points.per_weight")  # fmt: skip
    yield Term("RW", "权重", "weight", weight, "")
    if standard.kind == "rate":
        yield _rate(case)
    k = _coefficient(case)
    if k is not None:
        yield k


def _rate(case: CaseMoney) -> Term:
    standard = case.policy.standard
    row, key = chosen(case, standard.rates, "standard.rates")
    for basic in case.policy.groups.basic if case.policy.groups is not None else ():
        if basic.rate_of is not None and members(case, basic) and applies(case, basic):
            row = next(one for one in standard.rates if one.name == basic.rate_of)
            key = f"standard.rates.{row.name}"
    return Term("rate", "费率", "rate", row.yuan, f"{key}.yuan")


def _coefficient(case: CaseMoney) -> Term | None:
    """K with the row that gives it; None where the policy has none."""
    held = case.policy.coefficients
    key = ""
    if held is not None:
        row, key = chosen(case, held.table, "coefficients.table")
        key = f"{key}.k" if row is not None else ""
        if row is None and held.computed is not None:
            key = "coefficients.computed"
    for basic in case.policy.groups.basic if case.policy.groups is not None else ():
        if basic.k is not None and members(case, basic) and applies(case, basic):
            key = f"groups.basic.{basic.name}.k"
    k = float(case.grid.coefficient[case.at])
    return Term("k", "机构系数", "coefficient", k, key) if key or k != 1.0 else None


def convergence(case: CaseMoney) -> str:
    """Key of the year's convergence of coefficients, "" without one."""
    held = case.policy.coefficients
    years = [i for i, one in enumerate(held.convergence if held is not None else ())
             if one.year <= case.year]  # fmt: skip
    return f"coefficients.convergence[{years[-1]}].share" if years else ""


def _factors(case: CaseMoney) -> Iterator[Term]:
    """Multipliers of group sets and of day surgery."""
    held = case.policy.groups
    personal = [one.row for one in case.grid.personal]
    rows = [(kind, row) for kind, row in (held.sets() if held is not None else ())
            if kind in ("tcm", "incentive", "watched", "multiplier") and members(case, row)
            and applies(case, row)]  # fmt: skip
    for kind, row in rows:
        by_share = isinstance(row, Tcm) and row.least_share is not None
        key = f"groups.{kind}.{row.name}"
        if by_share and not case.claim.tcm_share[0] >= row.least_share:  # type: ignore[attr-defined]
            yield from _without_tcm(case, row, key)
            continue
        symbol = "x" if any(row is one for one in personal) else kind
        title = Groups.model_fields[kind].title or kind
        factor: float = row.factor  # type: ignore[attr-defined]
        yield Term(symbol, title, f"{kind} groups", factor, f"{key}.factor")
    surgery, marks = case.policy.special.day_surgery, case.claim.flags.get("day_surgery")
    if surgery is not None and marks is not None and bool(marks[0]):
        yield Term("x", "日间手术系数", "day surgery", surgery.factor, "special.day_surgery.factor")


def cuts(case: CaseMoney) -> list[Term]:
    """What other cases of the person or the group take off."""
    return [Term("x", *_OTHER_CASES[key][:2], factor, f"{key}.{_OTHER_CASES[key][2]}")
            for key, factor in case.factors.items()]  # fmt: skip


_OTHER_CASES = {
    "special.readmission": ("再入院折算（其后再次入院）", "a readmission followed", "factor"),
    "special.caseload": ("超过年度例数", "beyond the yearly cases of the group", "beyond"),
}


def _without_tcm(case: CaseMoney, row: Any, key: str) -> Iterator[Term]:
    """Too little Chinese medicine: the standard of the medical group takes the place."""
    if row.otherwise != "medical_group" or row.medical_group not in case.grid.groups:
        return
    h, g, i = case.at
    other = case.grid.standard[h, case.grid.groups.index(row.medical_group), i]
    yield Term("x", f"改按内科组 {row.medical_group}", f"priced as {row.medical_group}",
               float(other / case.grid.standard[h, g, i]), f"{key}.medical_group")  # fmt: skip
