"""Fixed prices (单病种定额付费, 中医优势病种定额): what people decided that a case is worth."""

from __future__ import annotations

from budget.price.state import State
from drg.money import ratio


def decide(state: State) -> None:
    """Cases with a ``fixed_price``, whatever they cost."""
    price = state.claims.amounts.get("fixed_price")
    rows = state.look("fixed_price", None if price is None else price > 0)
    if price is None:
        return
    worth = ratio(price[rows], 100)
    state.pay(rows, "fixed_price", (worth,), "quota")
    if (record := state.recording(rows)) is not None:
        record.pays("quota", quota=float(price[rows[0]]) / 100)
