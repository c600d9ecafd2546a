"""Why no weights satisfy all demands (冲突): the smallest set of demands that conflict.

Implicit hitting sets (Ignatiev et al. 2015, "Smallest MUS extraction with minimal hitting set
dualization"): every set of demands whose removal leaves weights must be hit by every conflict, so
a smallest set that hits all of them found so far is the smallest conflict as soon as it is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from weights.cases.observations import Bools, Floats, Ints
from weights.negotiation.compromise.demands import Demand, Demands, demands
from weights.negotiation.compromise.linear import Linear
from weights.negotiation.compromise.problem import Problem
from weights.negotiation.compromise.region import largest, scaled

_BROKEN = 1e-8  # weight units by which a demand is broken
_MOST = 150  # programmes solved before the search settles for a set that is only minimal
_SHRUNK = 30  # broken demands that are looked at one by one
_SHOWN = 6
_KINDS = ("neutral", "loss", "order", "equal", "frozen", "decided", "corridor")


@dataclass(frozen=True)
class Conflict:
    """Demands that no weights satisfy together (冲突约束).

    Attributes:
        demands: the demands; none when all can hold.
        smallest: whether no smaller set conflicts. Otherwise the search was cut short, and it is
            only certain that no demand of the set can be spared.
    """

    demands: tuple[Demand, ...]
    smallest: bool = True

    def __bool__(self) -> bool:
        return bool(self.demands)

    def text(self, lang: str = "zh") -> str:
        """All demands, one a line, under a sentence that says what they are."""
        count = len(self.demands)
        if lang == "zh":
            if not count:
                return "所有约束可以同时满足。"
            word = "最小的一组" if self.smallest else "一组（去掉任何一项即可满足，未证明最小）"
            head = (
                f"以下 {count} 项约束不能同时满足，是互相冲突的{word}；放宽其中任何一项即可化解："
            )
            return "\n".join([head, *(f"{i}. {d.zh}" for i, d in enumerate(self.demands, 1))])
        if not count:
            return "All demands can hold together."
        word = "the smallest set" if self.smallest else "a set (not proven the smallest)"
        head = (f"These {count} demands cannot hold together; they are {word} that conflicts, "
                "and relaxing any of them resolves it:")  # fmt: skip
        return "\n".join([head, *(f"{i}. {d.en}" for i, d in enumerate(self.demands, 1))])

    def line(self, lang: str = "zh") -> str:
        """The same in one line; of many demands the first few and how many more."""
        texts = [d.zh if lang == "zh" else d.en for d in self.demands]
        more = len(texts) - _SHOWN
        if more > 0:
            texts = [*texts[:_SHOWN], f"另有 {more} 项" if lang == "zh" else f"{more} more"]
        return ("；" if lang == "zh" else "; ").join(texts)


def conflict(problem: Problem) -> Conflict:
    """The smallest set of demands that no weights satisfy; empty when all can hold."""
    rules = demands(problem)
    found, smallest = smallest_conflict(rules)
    items = sorted((rules.items[place] for place in found), key=lambda d: _KINDS.index(d.kind))
    return Conflict(tuple(items), smallest)


def smallest_conflict(rules: Demands) -> tuple[tuple[int, ...], bool]:
    """Places of the demands that conflict, in order, and whether no smaller set does."""
    count = len(rules.items)
    elastic = _Elastic(rules)
    if elastic.broken(np.ones(count, bool)) is not None:
        return (), True
    hit = np.zeros(count, bool)
    corrections: list[Ints] = []
    while elastic.solved < _MOST:
        broken = elastic.broken(hit)
        if broken is None:
            return tuple(int(place) for place in np.flatnonzero(hit)), True
        corrections.append(elastic.shrunk(broken))
        hit = _hitting_set(corrections, count)
    return elastic.minimal(), False


class _Elastic:
    """Demands that may be broken: a linear programme that breaks as little as it must."""

    def __init__(self, rules: Demands) -> None:
        self.rules, self.solved = rules, 0
        unit = largest(rules.matrix)
        matrix = scaled(rules.matrix, unit)
        rows, columns = matrix.shape
        eye = sparse.eye_array(rows)
        self._columns, self._rows = columns, rows
        most = np.full(columns, np.inf)
        self._linear = Linear(
            np.concatenate([np.zeros(columns), np.ones(2 * rows)]),
            sparse.csr_array(sparse.hstack([matrix, eye, -eye])),
            rules.low / unit, rules.high / unit,
            np.zeros(columns + 2 * rows), np.concatenate([most, np.full(2 * rows, np.inf)]),
        )  # fmt: skip
        self._held = np.zeros(len(rules.items), bool)

    def broken(self, held: Bools) -> Ints | None:
        """Demands that are broken when some must hold; None when those alone conflict."""
        self._hold(held)
        self.solved += 1
        found = self._linear.solve()
        if found is None:
            return None
        more = found.x[self._columns :]
        amount = np.maximum(more[: self._rows], more[self._rows :])
        return np.unique(self.rules.demand[amount > _BROKEN])

    def _hold(self, held: Bools) -> None:
        changed = np.flatnonzero((held != self._held)[self.rules.demand])
        if len(changed):
            end = np.where(held[self.rules.demand[changed]], 0.0, np.inf)
            places = np.concatenate([changed, changed + self._rows]) + self._columns
            self._linear.columns(places.astype(np.int32), np.zeros(len(places)),
                                 np.concatenate([end, end]))  # fmt: skip
        self._held = held.copy()

    def shrunk(self, broken: Ints) -> Ints:
        """As few of the broken demands as leave weights for all others."""
        held = np.ones(len(self.rules.items), bool)
        held[broken] = False
        for place in broken if len(broken) <= _SHRUNK else ():
            if held[place] or held.sum() == len(held) - 1:
                continue
            held[place] = True
            left = self.broken(held)
            if left is None:
                held[place] = False
            else:
                held[:] = True
                held[left] = False
        return np.flatnonzero(~held).astype(np.int32)

    def minimal(self) -> tuple[int, ...]:
        """Demands that conflict and of which none can be spared.

        Where as little as can be is broken, the demands with a price conflict by themselves
        (Farkas); they are left out one after the other, those that weigh least first.
        """
        count = len(self.rules.items)
        self._hold(np.zeros(count, bool))
        found = self._linear.solve()
        assert found is not None  # with nothing held there are always weights
        push = np.zeros(count)
        np.maximum.at(push, self.rules.demand, np.abs(found.price))
        held = push > 0
        for place in np.argsort(push, kind="stable"):
            if held[place]:
                held[place] = False
                if self.broken(held) is not None:
                    held[place] = True
        return tuple(int(place) for place in np.flatnonzero(held))


def _hitting_set(sets: list[Ints], count: int) -> Bools:
    """A smallest choice of places that has one of every set."""
    chosen = np.zeros(count, bool)
    for one in sets:
        if len(one) == 1:
            chosen[one] = True
    left = [one for one in sets if not chosen[one].any()]
    if not left:
        return chosen
    places = np.unique(np.concatenate(left))
    rows = np.concatenate([np.full(len(one), i) for i, one in enumerate(left)])
    columns = np.searchsorted(places, np.concatenate(left))
    matrix = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(left), len(places)))
    cost: Floats = np.ones(len(places))
    found = milp(cost, constraints=LinearConstraint(matrix, lb=1), integrality=np.ones(len(places)),
                 bounds=Bounds(0, 1))  # fmt: skip
    if found.x is None:
        raise RuntimeError(f"hitting set: {found.message}")
    chosen[places[found.x > 0.5]] = True
    return chosen
