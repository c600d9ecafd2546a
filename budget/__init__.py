"""Budget (预算): prices cases, settles a year, projects the next. So far: the payment policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from budget.policy.load import load_policy, policies
    from budget.policy.policy import Policy

__all__ = ["Policy", "load_policy", "policies"]

__getattr__ = imported_on_use(
    __name__,
    {
        "Policy": "budget.policy.policy",
        "load_policy": "budget.policy.load",
        "policies": "budget.policy.load",
    },
)
