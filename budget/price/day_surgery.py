"""Day surgery (日间手术): a multiplier of the standard of marked cases."""

from __future__ import annotations

from budget.price.state import State


def multiply(state: State) -> None:
    """Multiply the standards of marked cases."""
    rule, marked = state.special.day_surgery, state.claims.flags.get("day_surgery")
    if rule is not None and marked is not None:
        state.multiply(marked, rule.factor, "day_surgery", "special.day_surgery.factor")
