"""Measures one after another (措施叠加): each scenario laid on those before it, each effect apart.

What a measure does depends on what was decided before it: a cap takes less off lower rates. So the
effects add up to that of all together only when each is held against the one before, in an order
that somebody chose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from budget.projection.difference import MEASURES, differences
from budget.projection.scenario import Change, Scenario
from budget.projection.years import Projection
from drg.errors import problem
from drg.language import say


def stacked(measures: Sequence[Scenario]) -> list[Scenario]:
    """The first, the first with the second, and so on; ids are joined by ``+``.

    Args:
        measures: scenarios in the order in which they are decided.

    Raises:
        DrgError: two of them have drivers, behaviour or hospitals that join in one year: those are
            one assumption, which belongs in one of them.
    """
    found = list(measures[:1])
    for one in measures[1:]:
        found.append(_on(found[-1], one))
    return found


def stack_table(projections: Sequence[Projection], names: Sequence[str]) -> pd.DataFrame:
    """What each measure does on top of those before it.

    Args:
        projections: the baseline, then the stack.
        names: ids of the measures, in their order.

    Returns:
        One row a measure, year, level and key, as in the table of differences: ``measure``, its
        place ``step``, ``scenario`` (the stack that ends with it), then each measured sum's effect.
        The effects of all steps add up to the last stack less the baseline, to the fen.
    """
    parts = []
    for step, (name, (before, after)) in enumerate(zip(names, pairwise(projections), strict=True)):
        held = differences(before, after, after)
        kept = held[["scenario", "year", "level", "key", "name"]].copy()
        kept.insert(0, "step", step + 1)
        kept.insert(1, "measure", name)
        for measure in MEASURES:
            kept[measure] = held[f"{measure}_difference"]
        parts.append(kept)
    return pd.concat(parts, ignore_index=True)


def _on(below: Scenario, one: Scenario) -> Scenario:
    """A scenario laid on another."""
    for name in ("drivers", "behaviour"):
        if getattr(below, name) and getattr(one, name):
            raise problem(say("叠加的情景中只能有一个设定此项", "only one of a stack may have it"),
                          file=one.place, key=name, found=below.id)  # fmt: skip
    change = dict(below.change)
    for number, own in one.change.items():
        change[number] = own if number not in change else _both(change[number], own, one, number)
    return one.model_copy(update={
        "id": f"{below.id}+{one.id}", "title": f"{below.title}＋{one.title}",
        "title_en": f"{below.title_en or below.title} + {one.title_en or one.title}",
        "source": below.source if below.source == one.source else f"{below.source}; {one.source}",
        "years": max(below.years, one.years), "drivers": below.drivers or one.drivers,
        "behaviour": below.behaviour or one.behaviour, "change": change,
    })  # fmt: skip


def _both(below: Change, own: Change, one: Scenario, number: str) -> Change:
    if below.hospitals and own.hospitals:
        raise problem(say("叠加的情景中只能有一个设定此项", "only one of a stack may have it"),
                      file=one.place, key=f"change.{number}.hospitals",
                      found=own.hospitals)  # fmt: skip
    return own.model_copy(update={
        "policy": _laid(below.policy, own.policy), "weights": own.weights or below.weights,
        "hospitals": own.hospitals or below.hospitals,
    })  # fmt: skip


def _laid(below: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """One table laid on another; what both remove goes, and the later value stands."""
    found = dict(below)
    for key, value in own.items():
        held = found.get(key)
        if key == "remove" and isinstance(held, tuple) and isinstance(value, tuple):
            found[key] = tuple(dict.fromkeys((*held, *value)))
        elif isinstance(held, Mapping) and isinstance(value, Mapping):
            found[key] = _laid(held, value)
        else:
            found[key] = value
    return found
