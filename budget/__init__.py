"""Budget (预算): prices cases by a policy, settles a year, projects the next ones.

Usage::

    import budget

    policy = budget.load_policy("national-default")
    settled = budget.settle(grouped, weights, policy, hospitals, 2025)
    cells = budget.Cells.of(settled)
    budget.project(cells, budget.load_scenario("scenario.toml"))
"""

# mypy: implicit-reexport
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
else:
    __getattr__, __dir__, __all__ = imported_on_use(
        __name__,
        {
            "budget.cases.hospitals": "Hospitals read_hospitals",
            "budget.fit.response": "fit_response",
            "budget.forecast.files": "project_file",
            "budget.impact.weights": "Impacts",
            "budget.policy.document": "Policy",
            "budget.policy.load": "load_policy policies",
            "budget.projection.cells": "Cells",
            "budget.projection.scenario": "Scenario load_scenario",
            "budget.projection.years": "Projection project",
            "budget.settlement.files": "settle settle_file",
            "budget.settlement.settled": "Settlement",
        },
    )
