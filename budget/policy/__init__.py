"""The payment policy (支付政策) of a place as a typed document: read, checked, described."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from budget.policy.document import Leaf, Policy
    from budget.policy.load import find_policy, load_policy, policies

__all__ = ["Leaf", "Policy", "find_policy", "load_policy", "policies"]

__getattr__ = imported_on_use(
    __name__,
    {
        "Leaf": "budget.policy.document",
        "Policy": "budget.policy.document",
        "find_policy": "budget.policy.load",
        "load_policy": "budget.policy.load",
        "policies": "budget.policy.load",
    },
)
