"""Budget (预算): prices cases by a policy, settles a year, projects the next ones.

Usage::

    import budget

    policy = budget.load_policy("national-default")
    settled = budget.settle(grouped, weights, policy, hospitals, 2025)
    cells = budget.Cells.of(settled)
    budget.project(cells, budget.load_scenario("scenario.toml"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from budget.cases.hospitals import Hospitals, read_hospitals
    from budget.fit.response import fit_response
    from budget.forecast.files import project_file
    from budget.impact.weights import Impacts
    from budget.policy.document import Policy
    from budget.policy.load import load_policy, policies
    from budget.projection.cells import Cells
    from budget.projection.scenario import Scenario, load_scenario
    from budget.projection.years import Projection, project
    from budget.settlement.files import settle, settle_file
    from budget.settlement.settled import Settlement

__all__ = [
    "Cells",
    "Hospitals",
    "Impacts",
    "Policy",
    "Projection",
    "Scenario",
    "Settlement",
    "fit_response",
    "load_policy",
    "load_scenario",
    "policies",
    "project",
    "project_file",
    "read_hospitals",
    "settle",
    "settle_file",
]

__getattr__ = imported_on_use(
    __name__,
    {
        "Cells": "budget.projection.cells",
        "Hospitals": "budget.cases.hospitals",
        "Impacts": "budget.impact.weights",
        "Policy": "budget.policy.document",
        "Projection": "budget.projection.years",
        "Scenario": "budget.projection.scenario",
        "Settlement": "budget.settlement.settled",
        "fit_response": "budget.fit.response",
        "load_policy": "budget.policy.load",
        "load_scenario": "budget.projection.scenario",
        "policies": "budget.policy.load",
        "project": "budget.projection.years",
        "project_file": "budget.forecast.files",
        "read_hospitals": "budget.cases.hospitals",
        "settle": "budget.settlement.files",
        "settle_file": "budget.settlement.files",
    },
)
