"""The payment policy (支付政策) of a place as a typed document: read, checked, described."""

# mypy: implicit-reexport
from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from budget.policy.document import Leaf, Policy
    from budget.policy.load import find_policy, load_policy, policies
else:
    __getattr__, __dir__, __all__ = imported_on_use(
        __name__,
        {
            "budget.policy.document": "Leaf Policy",
            "budget.policy.load": "find_policy load_policy policies",
        },
    )
