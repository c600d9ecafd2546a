"""The policy of a projected year (年度政策): what a scenario changes, laid over the policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from budget.policy.describe import field_at
from budget.policy.document import Policy, build
from budget.policy.rules import Rules
from budget.policy.tree import Path, Tree, grow, overlay, parse, spell, without
from budget.projection.scenario import Scenario
from drg.errors import DrgError, problem
from drg.language import say

_KEY = re.compile(r"[\w.\[\]-]+: ")


def changed_policy(policy: Policy, scenario: Scenario, year: int) -> Policy:
    """The policy of a year, counted from 1: what changes in it and before, in order.

    Raises:
        DrgError: the policy would be wrong; the scenario, year and key are named.
    """
    rules = policy
    for number in sorted(map(int, scenario.change)):
        if number <= year and scenario.change[str(number)].policy:
            rules = _changed(rules, scenario, number)
    return rules


def _changed(policy: Policy, scenario: Scenario, number: int) -> Policy:
    """One year's change: what it removes goes first, as in a document of a policy."""
    key = f"change.{number}.policy"
    place = f"{scenario.place}: {key}"
    table: dict[str, Any] = dict(scenario.change[str(number)].policy)
    gone = table.pop("remove", ())
    named = replace(policy.header, files={policy.header.chain[0]: place})
    tree = policy.tree
    over: Tree = {}
    try:
        for branch in _texts(gone, place):
            tree = without(tree, parse(branch), branch, place)
        over = grow({"source": scenario.source, **table}, f"scenario {scenario.id}", place)
        built = build(named, overlay(tree, over, place))
    except DrgError as error:
        text = str(error) + _hint(str(error), tree, over)
        if not text.startswith(f"{place}: "):
            raise DrgError(f"{place}: {text}") from None
        text = text.removeprefix(f"{place}: ")
        raise DrgError(f"{place}{'.' if _KEY.match(text) else ': '}{text}") from None
    return replace(built, header=policy.header)


def _hint(text: str, tree: Tree, over: Tree) -> str:
    """The rows that a policy has, where a fault is of a row that it has not: a slip of the pen."""
    for path, rows in new_rows(tree, over):
        if re.search(rf"\b{re.escape(spell(path))}\b", text):
            return say("；政策中有：", "; the policy has: ") + ", ".join(rows)
    return ""


def new_rows(tree: Tree, over: Tree, path: Path = ()) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Named rows that a change brings where there are some already, each with those."""
    for name, node in over.items():
        if not isinstance(node, dict):
            continue
        here, held = (*path, name), tree.get(name)
        below = held if isinstance(held, dict) else {}
        about = field_at(Rules, here)
        if below and about is not None and about.kind == "rows":
            yield from (((*here, row), tuple(below)) for row in node if row not in below)
        yield from new_rows(below, node, here)


def _texts(gone: Any, place: str) -> tuple[str, ...]:
    if not isinstance(gone, tuple | list) or not all(isinstance(one, str) for one in gone):
        raise problem(say("须为文本数组", "must be an array of texts"), file=place, key="remove",
                      found=gone,
                      expected=say('例如 ["outliers.high"]',
                                   'such as ["outliers.high"]'))  # fmt: skip
    return tuple(gone)
