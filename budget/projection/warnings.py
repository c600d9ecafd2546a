"""Assumptions that do nothing (未生效的假设): drivers, flows and responses that meet no case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from budget.behaviour.moves import MEDICAL, PROCEDURE, SURGICAL, group_kinds
from budget.behaviour.responses import Responses, on
from budget.policy.tree import spell
from budget.projection.cells import Cells
from budget.projection.equilibrium import near_thresholds, per_case
from budget.projection.policy import new_rows
from budget.projection.scenario import Drivers, Scenario, members
from budget.projection.year import Year
from budget.settlement.warned import in_chinese
from weights.table.families import families

_KINDS = {"medical": MEDICAL, "surgical": SURGICAL, "procedure": PROCEDURE}
_NO_MONEY = "hospitals join and no pool gets money for them that year: the others share theirs"
# what a warning says -> the same in Chinese; names in braces stand for what differs
_CHINESE = {
    "a row that the policy does not have; it has {rows}": "政策中没有此行；已有：{rows}",
    _NO_MONEY: "医疗机构加入，但当年没有基金池为此增加资金：由原有医疗机构与其分摊",
    "chooses no case, so it does nothing": "没有选中任何病例，不起作用",
    "no group with cases has another severity, so it does nothing":
        "有病例的病组没有其他严重程度，不起作用",
    "no case at a hospital of tier {tier}, so nobody moves":
        "级别为 {tier} 的医疗机构没有病例，没有人流动",
    "no case in a medical group, so nothing reacts": "内科组没有病例，不产生反应",
    "no case in a surgical group, so nothing reacts": "外科手术组没有病例，不产生反应",
    "no case in a procedure group, so nothing reacts": "非手术室操作组没有病例，不产生反应",
    "no group with cases has another severity": "有病例的病组没有其他严重程度",
    "does nothing without the response that it is a part of": "所属的行为反应未设定，不起作用",
    "no case in a group below that weight": "低于该权重的病组没有病例",
    "no group loses that much in any year": "任何一年都没有病组亏损到该程度",
    "no case is just below the threshold": "没有病例紧邻界限以下",
}  # fmt: skip


def unmatched(scenario: Scenario, years: Sequence[Year]) -> dict[str, str]:
    """What a scenario assumes of cases that there are not, by key; never a reason to stop."""
    held = [year.cells for year in years]
    found = {} if scenario.drivers is None else dict(_drivers(scenario.drivers, held))
    for number, change in scenario.change.items():
        if change.hospitals is not None and "pools" not in change.policy:
            found[f"change.{number}.hospitals"] = _NO_MONEY
        if not change.policy or int(number) >= len(held):
            continue
        before, after = (held[int(number) + shift].policy.tree for shift in (-1, 0))
        for path, rows in new_rows(before, after):
            found[f"change.{number}.policy.{spell(path)}"] = (
                f"a row that the policy does not have; it has {', '.join(rows)}"
            )
    if scenario.behaviour:
        found |= dict(_behaviour(Responses.of(scenario.behaviour), years))
    return found


def chinese(text: str) -> str:
    """A warning of a projection in Chinese; one that is not known stays as it is."""
    return in_chinese(text, _CHINESE)


def _drivers(drivers: Drivers, held: Sequence[Cells]) -> Iterator[tuple[str, str]]:
    for row in drivers.groups:
        if not any((cells.cases[members(cells, row)] > 0).any() for cells in held):
            yield f"drivers.groups.{row.name}", "chooses no case, so it does nothing"
    if drivers.case_mix and not any(_ladder_cases(cells) for cells in held):
        yield "drivers.case_mix", "no group with cases has another severity, so it does nothing"
    for place, flow in enumerate(drivers.flows):
        for name in ("from_tier", "to_tier"):
            tier = getattr(flow, name)
            seen = any(cells.cases[cells.tier == tier].any() for cells in held)
            if tier is not None and not seen:
                yield (f"drivers.flows[{place}].{name}",
                       f"no case at a hospital of tier {tier}, so nobody moves")  # fmt: skip


def _behaviour(responses: Responses, years: Sequence[Year]) -> Iterator[tuple[str, str]]:
    """Responses that are on and meet nothing in the settled year or, for losses, in any year."""
    cells = years[0].cells
    cases = cells.cases.sum(axis=(0, 2)) > 0
    kinds = group_kinds(cells.groups)
    for name, kind in _KINDS.items():
        if on(getattr(responses.volume, name)) and not (cases & (kinds == kind)).any():
            yield f"behaviour.volume.{name}", f"no case in a {name} group, so nothing reacts"
    for name in ("step", "creep"):
        if on(getattr(responses.coding, name)) and not _ladder_cases(cells):
            yield f"behaviour.coding.{name}", "no group with cases has another severity"
    alone: Mapping[str, Any] = {
        "coding.true_share": (responses.coding.true_share, responses.coding.creep),
        "intensity.follow": (responses.intensity.follow, responses.intensity.loss
                             if on(responses.intensity.loss) else responses.intensity.gain),
        "refusal.up": (responses.refusal.up, responses.refusal.share),
    }  # fmt: skip
    for key, (value, needed) in alone.items():
        if on(value) and not on(needed):
            yield f"behaviour.{key}", "does nothing without the response that it is a part of"
    light = cells.weight < responses.substitution.weight_below
    if on(responses.substitution.share) and not (cases & light).any():
        yield "behaviour.substitution", "no case in a group below that weight"
    if on(responses.refusal.share) and not any(_refused(year, responses) for year in years):
        yield "behaviour.refusal", "no group loses that much in any year"
    for name, near in zip(("low", "high"), near_thresholds(cells), strict=True):
        if on(getattr(responses.bunching, name)) and not near.any():
            yield f"behaviour.bunching.{name}", "no case is just below the threshold"


def _ladder_cases(cells: Cells) -> bool:
    """Whether two severities of an ADRG have cases in one hospital and insurance."""
    there = cells.cases > 0
    return any((there[:, list(ladder)].sum(axis=1) > 1).any()
               for ladder in families(cells.groups).ladders)  # fmt: skip


def _refused(year: Year, responses: Responses) -> bool:
    """Whether a group loses more than what makes hospitals turn cases away."""
    cells, held = year.cells, responses.refusal
    cases = cells.cases.sum(axis=2)
    cost = np.divide(cells.cost.sum(axis=2), cases, out=np.ones(cases.shape), where=cases > 0)
    gain = np.where(cases > 0, np.nan_to_num(per_case(year, cells)) / cost - 1.0, 0.0)
    heavy = ~(cells.weight <= held.weight_above)
    return bool(((gain < -held.loss_above) & heavy).any())
