"""The record of one case (判定记录): what was decided of it, in the order of deciding.

Code that decides takes a record for a single case, and None on the way of a year. It leaves facts,
no words: names, figures, and the keys of the policy that say them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Look:
    """A branch that was looked for.

    Attributes:
        branch: its code.
        applies: whether it prices the case.
        figures: what was compared, by name.
    """

    branch: str
    applies: bool
    figures: dict[str, Any]


@dataclass(frozen=True)
class Term:
    """A factor of a standard.

    Attributes:
        symbol: how formulas write it; ``x`` for what hangs on the case itself.
        name: what it is.
        value: the number.
        key: where the policy says it, "" for a number of the weight table or the cases.
        about: what its name asks for: a number of cases, the code of a group.
        also: further keys of the policy that it goes by.
    """

    symbol: str
    name: str
    value: float
    key: str
    about: Any = None
    also: tuple[str, ...] = ()


@dataclass
class Record:
    """What was decided of a case.

    Attributes:
        row: its place where the cases of a year are looked at together; it is priced by itself.
        looks: branches in the order in which they were looked for, the one that applies last.
        terms: factors of its standard; none without a standard.
        factors: policy section -> what other cases of the person or group leave of the standard.
        standard: standard in reference yuan before such factors, NaN without one.
        amount: what it is worth in reference yuan before such factors.
        formula: name of what its branch pays.
        figures: figures of the formula, by name.
        steps: step of the benefit ladder -> keys of the figures that it goes by.
        used: keys of the policy whose figures were used.
    """

    row: int = 0
    looks: list[Look] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    factors: dict[str, float] = field(default_factory=dict)
    standard: float = np.nan
    amount: float = 0.0
    formula: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, tuple[str, ...]] = field(default_factory=dict)
    used: dict[str, None] = field(default_factory=dict)

    def use(self, *keys: str) -> None:
        """Note keys as used."""
        self.used.update(dict.fromkeys(key for key in keys if key))

    def look(
        self, branch: str, applies: bool, keys: Iterable[str], figures: dict[str, Any]
    ) -> None:
        """Note a branch that was looked for."""
        self.use(*keys)
        self.looks.append(Look(branch, applies, _plain(figures)))

    def pays(self, formula: str, *keys: str, **figures: Any) -> None:
        """Note what the branch pays; figures come to those that were noted before."""
        self.use(*keys)
        self.formula = formula
        self.figures.update(_plain(figures))

    def term(self, symbol: str, name: str, value: float, key: str, about: Any = None,
             also: tuple[str, ...] = ()) -> None:  # fmt: skip
        """Note a factor of the standard."""
        self.terms.append(Term(symbol, name, float(value), key, about, also))


def _plain(figures: dict[str, Any]) -> dict[str, Any]:
    """Figures in which the array of a single case is its entry."""
    return {name: one.item() if isinstance(one, np.ndarray) else one
            for name, one in figures.items()}  # fmt: skip
