"""What a scenario sets (方案的设定): the policy in force in the year told, and what is assumed."""

from __future__ import annotations

import math
from typing import Any

from drg.page.words import Words, clean
from drg.report.panel.assumptions import figure_of, said_of
from drg.report.panel.first_page import policy_name, weights_name
from drg.report.panel.story import Story, scenario_name, scenario_title

_MOST = 12  # of a kind that are named


def decided_ahead(held: Story, words: Words) -> list[tuple[str, str]]:
    """Policy, weights, what the scenario changes and assumes, and each pool with its interval."""
    data = held.data
    pairs = []
    title = scenario_title(data, held.code, words)
    if title != scenario_name(data, held.code, words):
        pairs.append(
            (words("方案", "Scenario"), f"{clean(held.code, 40)}{words('：', ': ')}{title}")
        )
    pairs += [(words("支付政策", "Policy"), policy_name(data, words)),
              (words("权重表", "Relative weights"), weights_name(data, words))]  # fmt: skip
    if not held.alone:
        none = words("无", "none")
        pairs += [
            (words(f"政策调整（{held.year} 年执行）", f"Policy in force in {held.year}"),
             _listed(policy_changes(held, words), words) or none),
            (words("假设的驱动因素", "Assumed drivers"),
             _listed(drivers(held, words), words) or none),
        ]  # fmt: skip
    return pairs + [_pool(r, words) for _, r in held.pools.iterrows()]


def _listed(told: list[str], words: Words) -> str:
    text = words("；", "; ").join(told[:_MOST])
    rest = len(told) - _MOST
    more = words(f"；另 {rest} 项见“假设与来源”", f"; {rest} more under Assumptions and sources")
    return text + more if rest > 0 else text


def _own(held: Story) -> list[dict[str, Any]]:
    listed = (held.data.projection or {}).get("assumptions")
    some = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [one for one in some if one.get("scenario") == held.code]


def policy_changes(held: Story, words: Words) -> list[str]:
    """Each figure that changes: its value in the year told, and how it came to that."""
    by_key: dict[str, list[dict[str, Any]]] = {}
    for one in _own(held):
        year = one.get("year")
        if isinstance(year, int) and year <= held.year:
            by_key.setdefault(str(one.get("key")), []).append(one)
    return [_path(held, sorted(steps, key=lambda one: int(one["year"])), words)
            for steps in by_key.values()]  # fmt: skip


def _path(held: Story, steps: list[dict[str, Any]], words: Words) -> str:
    """Such as: rate 8,000 yuan (8,600 → 8,200 from 2026 → 8,000 from 2028)."""
    unit = str(steps[0].get("unit") or "")
    first = steps[0].get("before")
    last = figure_of(steps[-1].get("value"), unit, words)
    short = [_bare(one.get("value"), unit, words) for one in steps]
    path = [] if first is None else [_bare(first, unit, words)]
    path += [words(f"{one['year']} 年起 {value}", f"{value} from {one['year']}")
             for one, value in zip(steps, short, strict=True)]  # fmt: skip
    how = " → ".join(path)
    return f"{said_of(held.data, steps[-1], words)} {last}" + words(f"（{how}）", f" ({how})")


def _bare(value: Any, unit: str, words: Words) -> str:
    """A figure without its unit."""
    text = figure_of(value, unit, words)
    return text.partition(" ")[0] if isinstance(value, int | float) else text


def drivers(held: Story, words: Words) -> list[str]:
    """What is assumed beside the policy, with the groups and hospitals it is for."""
    return [
        f"{said_of(held.data, one, words)} "
        f"{figure_of(one.get('value'), str(one.get('unit') or ''), words)}"
        for one in _own(held)
        if one.get("year") is None
    ]


def _pool(r: Any, words: Words) -> tuple[str, str]:
    low, high = float(r["balance_before_cut_low"]), float(r["balance_before_cut_high"])
    text = words(f"可分配 {words.money(r['amount'])}", f"{words.money(r['amount'])} to distribute")
    if math.isfinite(r["balance_before_cut"]):
        text += words("；扣减前", "; before the cut ") + state(r["balance_before_cut"], words)
    if math.isfinite(low + high):  # of the balance: below 0 is an overrun
        text += words(
            f"（结余 95% 区间 {words.money(low)} 至 {words.money(high)}）",
            f" (95% interval of the balance {words.money(low)} to {words.money(high)})",
        )
    if r["budget_cut"] > 0:
        text += words(
            f"；总额控制扣减 {words.money(r['budget_cut'])}",
            f"; budget cut {words.money(r['budget_cut'])}",
        )
    name = words.insurance(clean(r["pool"], 40))
    return words(f"{name}基金池", f"Pool: {name}"), text


def state(balance: float, words: Words) -> str:
    """A balance of the pools in words."""
    if balance >= 0.005:
        return words(f"结余 {words.money(balance)}", f"{words.money(balance)} in surplus")
    if balance <= -0.005:
        return words(f"超支 {words.money(-balance)}", f"overrun by {words.money(-balance)}")
    return words("收支持平", "balanced")
