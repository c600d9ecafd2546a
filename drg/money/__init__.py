"""Exact money (精确金额): whole fen, exact ratios, one way of rounding and one of sharing out."""

from drg.money.amounts import to_fen, to_yuan, whole, yuan
from drg.money.exact import (
    Exact,
    Fen,
    approximate,
    blend,
    decimal,
    doubles,
    either,
    printed,
    ratio,
    rounded,
    sign,
    times,
    to_decimals,
)
from drg.money.shares import adding_up, allocate, divided, edge

__all__ = [
    "Exact",
    "Fen",
    "adding_up",
    "allocate",
    "approximate",
    "blend",
    "decimal",
    "divided",
    "doubles",
    "edge",
    "either",
    "printed",
    "ratio",
    "rounded",
    "sign",
    "times",
    "to_decimals",
    "to_fen",
    "to_yuan",
    "whole",
    "yuan",
]
