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
    from budget.cells import Cells
    from budget.fit import fit_response
    from budget.fit_reference import changzhi_reference
    from budget.hospitals import Hospitals, read_hospitals
    from budget.impact import Impacts
    from budget.policy.load import load_policy, policies
    from budget.policy.policy import Policy
    from budget.project_files import project_file
    from budget.projection import Projection, project
    from budget.scenario import Scenario, load_scenario
    from budget.settle_files import settle, settle_file
    from budget.settlement import Settlement

__all__ = [
    "Cells",
    "Hospitals",
    "Impacts",
    "Policy",
    "Projection",
    "Scenario",
    "Settlement",
    "changzhi_reference",
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
        "Cells": "budget.cells",
        "Hospitals": "budget.hospitals",
        "Impacts": "budget.impact",
        "Policy": "budget.policy.policy",
        "Projection": "budget.projection",
        "Scenario": "budget.scenario",
        "Settlement": "budget.settlement",
        "changzhi_reference": "budget.fit_reference",
        "fit_response": "budget.fit",
        "load_policy": "budget.policy.load",
        "load_scenario": "budget.scenario",
        "policies": "budget.policy.load",
        "project": "budget.projection",
        "project_file": "budget.project_files",
        "read_hospitals": "budget.hospitals",
        "settle": "budget.settle_files",
        "settle_file": "budget.settle_files",
    },
)
