"""What a projection rests on (假设与来源): every figure assumed, its basis, range and source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from budget.behaviour.responses import Responses
from budget.behaviour.responses import assumptions as of_responses
from budget.policy.describe import field_at, step_zh
from budget.policy.document import Leaf, Policy
from budget.policy.fields import Part
from budget.policy.rules import Rules
from budget.policy.tree import parse, spell
from budget.projection.policy import changed_policy
from budget.projection.scenario import Scenario
from budget.projection.years import Projection
from drg.provenance import hash_file, hash_text, record, to_json
from weights.table import WeightTable

_BLANK: dict[str, Any] = dict.fromkeys((
    "scenario", "key", "zh", "en", "year", "value", "before", "unit", "basis", "low", "high",
    "source",
))  # fmt: skip


def record_of(
    policy: Policy, weights: WeightTable, found: Sequence[Projection], year: int
) -> dict[str, Any]:
    """The record of a projection, but for the hashes of what was read and written."""
    scenarios = [one.scenario for one in found]
    return record(
        kind="projection",
        policy={"id": policy.id, "sha256": policy.digest},
        weights={"id": weights.id, "title": str(weights.record.get("title", "")),
                 "sha256": weights.digest},
        scenarios=[_document(one) for one in scenarios],
        assumptions=[row for one in scenarios for row in assumptions(one, policy, year, weights)],
        warnings={f"{one.scenario.id}.{name}": text for one in found
                  for name, text in one.warnings.items()},
    )  # fmt: skip


def _document(scenario: Scenario) -> dict[str, Any]:
    """A scenario as it stands in the record, with its hash; tables without their folder."""
    held = scenario.model_dump(exclude_none=True, mode="json")
    for change in held["change"].values():
        for name in ("weights", "hospitals"):
            if name in change:
                change[name] = Path(change[name]).name
    return {**held, "sha256": hash_text(to_json(held))}


def inputs_of(scenarios: Sequence[Scenario]) -> dict[str, str | None]:
    """The files of scenarios and of the tables that they name, by what they are."""
    found = {f"scenario {one.id}": one.file for one in scenarios}
    for one in scenarios:
        for number, change in one.change.items():
            found[f"scenario {one.id}, change.{number}.weights"] = change.weights
            found[f"scenario {one.id}, change.{number}.hospitals"] = change.hospitals
    return found


def hashes(
    inputs: Mapping[str, str | PathLike[str] | None], tables: Sequence[Path]
) -> dict[str, str]:
    """SHA-256 by name: of what was read, as ``what: file``, and of the tables, by their file."""
    read = {f"{what}: {Path(path).name}": Path(path) for what, path in inputs.items() if path}
    written = {path.name: path for path in tables}
    return {name: hash_file(path) for name, path in (read | written).items() if path.is_file()}


def assumptions(
    scenario: Scenario, policy: Policy, year: int, weights: WeightTable
) -> list[dict[str, Any]]:
    """What a scenario assumes, one row a figure.

    Args:
        scenario: the scenario.
        policy: the policy that it is laid over.
        year: the settled year.
        weights: the weight table that it starts from.

    Returns:
        Rows with ``key``, its Chinese and English term, ``value``, ``unit``, ``basis`` and
        ``source``; ``year`` and ``before`` for what changes in a year, ``low`` and ``high`` for
        what has a range.
    """
    rows = [*_drivers(scenario), *_changes(scenario, policy, year, weights.id)]
    if scenario.behaviour:
        rows += of_responses(Responses.of(scenario.behaviour))
    return [_BLANK | {"scenario": scenario.id, "source": scenario.source} | row for row in rows]


def _drivers(scenario: Scenario) -> Iterator[dict[str, Any]]:
    drivers = scenario.drivers
    if drivers is None:
        return
    yield from _figures(drivers, "drivers")
    for row in drivers.groups:
        yield from _figures(row, f"drivers.groups.{row.name}")
    for place, flow in enumerate(drivers.flows):
        to = "区外" if flow.to_tier is None else f"{flow.to_tier}级"
        there = "out of the area" if flow.to_tier is None else f"to tier {flow.to_tier}"
        yield {
            "key": f"drivers.flows[{place}].share",
            "zh": f"{flow.from_tier}级医院病例流向{to}的比例",
            "en": f"share of the cases of tier {flow.from_tier} that go {there}",
            "value": flow.share, "unit": "share a year", "basis": "scenario",
        }  # fmt: skip


def _figures(part: Part, place: str) -> Iterator[dict[str, Any]]:
    """The numbers of a table of drivers that move something."""
    for name, about in type(part).model_fields.items():
        value = getattr(part, name)
        if isinstance(value, float) and value:
            yield {"key": f"{place}.{name}", "zh": about.title, "en": about.description,
                   "value": value, "unit": "share a year", "basis": "scenario"}  # fmt: skip


def _changes(
    scenario: Scenario, policy: Policy, year: int, weights: str
) -> Iterator[dict[str, Any]]:
    """What changes from a year on, with what it was before."""
    before = policy
    for number in sorted(map(int, scenario.change)):
        after = changed_policy(policy, scenario, number)
        for row in _difference(before, after):
            yield row | {"year": year + number, "basis": "policy"}
        before, table = after, scenario.change[str(number)].weights
        if table is not None:
            name = Path(table).name
            yield {"key": f"change.{number}.weights", "zh": "权重表", "en": "weight table",
                   "year": year + number, "value": name, "before": weights, "unit": "",
                   "basis": "policy"}  # fmt: skip
            weights = name
        joining = scenario.change[str(number)].hospitals
        if joining is not None:
            yield {"key": f"change.{number}.hospitals", "zh": "新纳入医疗机构",
                   "en": "hospitals that join", "year": year + number,
                   "value": Path(joining).name, "before": "", "unit": "",
                   "basis": "policy"}  # fmt: skip


def _difference(before: Policy, after: Policy) -> Iterator[dict[str, Any]]:
    """Figures that differ between two policies; a branch that goes is one row."""
    was, now = ({one.key: one for one in held.leaves()} for held in (before, after))
    for key, leaf in now.items():
        if key not in was or was[key].value != leaf.value:
            old = was[key].value if key in was else None
            yield _row(leaf, key) | {"value": leaf.value, "before": old, "source": leaf.source}
    kept = {path[:n] for path in map(parse, now) for n in range(len(path) + 1)}
    gone: dict[str, list[Leaf]] = {}
    for key, leaf in was.items():
        path = parse(key)
        if path not in kept:
            length = next(n for n in range(len(path) + 1) if path[:n] not in kept)
            gone.setdefault(spell(path[:length]), []).append(leaf)
    for key, leaves in gone.items():
        count = len(leaves)
        held = leaves[0].value if leaves[0].key == key else f"{count}项 | {count} values"
        yield _row(leaves[0], key) | {"value": "无 | none", "before": held}


def _row(leaf: Leaf, key: str) -> dict[str, Any]:
    """A figure or branch with its terms from the section on, and the names of its rows."""
    path = parse(key)
    steps = [field_at(Rules, path[:n]) for n in range(1, len(path) + 1)]
    zh = [step_zh(name) if at is None else at.zh for name, at in zip(path, steps, strict=True)]
    last = leaf.about if leaf.key == key else steps[-1]
    en = key if last is None else f"{key}: {last.en}"
    return {"key": key, "zh": "·".join(zh), "en": en, "unit": "" if last is None else last.unit}
