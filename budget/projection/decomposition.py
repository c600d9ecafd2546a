"""Decomposition (费用变动分解): a change of cost as price, case mix, intensity and volume, exactly.

``mean cost = sum over groups of share x price x intensity`` (次均费用), and the total is volume
times that. Price (价格) is that of the inputs a case uses, case mix (病例组合) the shares of
groups, intensity (资源消耗强度) the cost of a case of a group at constant prices.

``shapley`` averages over all orders in which the factors can change (Shapley 1953; for three
factors Sun 1998); ``lmdi`` is the logarithmic mean Divisia index I (Ang 2005). Both leave no
residual and turn their sign when the states are swapped. Money is in yuan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from drg.errors import one_of, problem
from drg.language import say
from drg.money import Fen, adding_up, to_fen

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
METHODS = ("shapley", "lmdi")
MEASURES = {"average": "次均费用", "total": "总费用"}
PARTS = {"price": "价格", "case_mix": "病例组合", "intensity": "资源消耗强度", "volume": "例数"}
_AXES: dict[str, int | tuple[int, ...]] = {
    "region": (0, 2),
    "tier": (0, 2),
    "hospital": 2,
    "insurance": 0,
    "group": 2,
}


@dataclass(frozen=True)
class State:
    """Sums of one period. Shape (U, K): a row for each key, a column for each group.

    Attributes:
        cases: number of cases.
        cost: their cost in yuan.
        price: price index of inputs, 1.0 in the base period; broadcast to the shape of ``cases``.
    """

    cases: Floats
    cost: Floats
    price: Floats

    @classmethod
    def of(cls, cases: npt.ArrayLike, cost: npt.ArrayLike, price: npt.ArrayLike = 1.0) -> State:
        """Check the sums.

        Raises:
            DrgError: shapes differ, a number is negative or not finite, there is cost without a
                case, or a price is not above 0.
        """
        counts, money = np.asarray(cases, np.float64), np.asarray(cost, np.float64)
        if counts.shape != money.shape:
            raise problem(say("形状不符", "wrong shape"), key="cost", found=money.shape,
                          expected=str(counts.shape))  # fmt: skip
        try:
            index = np.broadcast_to(np.asarray(price, np.float64), counts.shape)
        except ValueError:
            raise problem(say("形状不符", "wrong shape"), key="price", found=np.shape(price),
                          expected=say(f"一个数，或 {counts.shape}",
                                       f"a number or {counts.shape}")) from None  # fmt: skip
        for key, values in (("cases", counts), ("cost", money)):
            if not (np.isfinite(values) & (values >= 0)).all():
                raise problem(say("为负或不是有限的数", "negative or not finite"), key=key)
        if not (np.isfinite(index) & (index > 0)).all():
            raise problem(say("不大于 0", "not above 0"), key="price")
        # a library may have told the processor to take such numbers for 0, in some places only
        money = np.where(money < np.finfo(np.float64).tiny, 0.0, money)
        if (money[counts == 0] > 0).any():
            raise problem(say("有费用而没有病例", "there is cost without a case"), key="cost")
        return cls(counts, money, index)

    def summed(self, axis: int | tuple[int, ...]) -> State:
        """Cells added up; the price becomes cost over cost at constant prices."""
        cost, real = self.cost.sum(axis), (self.cost / self.price).sum(axis)
        plain = self.price.mean(axis)
        return State(self.cases.sum(axis), cost,
                     np.divide(cost, real, out=plain, where=real > 0))  # fmt: skip


@dataclass(frozen=True)
class Decomposition:
    """A change of cost and its parts; ``before + sum(parts) == after`` in floating point.

    Attributes:
        measure: ``average`` (yuan a case) or ``total`` (yuan).
        method: ``shapley`` or ``lmdi``.
        before: of the first state, NaN for the average of a key without cases. Shape (U,).
        after: of the second state. Shape (U,).
        parts: price, case_mix, intensity and, for totals, volume -> yuan. Shape (U,) each.
        cells: the same by group, before the last bit is settled; case mix against the mean, so
            that a dear group with a growing share adds. Shape (U, K) each.
        appeared: groups with cases in the second state only. Shape (U, K).
        vanished: groups with cases in the first state only. Shape (U, K).
    """

    measure: str
    method: str
    before: Floats
    after: Floats
    parts: dict[str, Floats]
    cells: dict[str, Floats]
    appeared: Bools
    vanished: Bools

    @property
    def total(self) -> Floats:
        """The whole change. Shape (U,)."""
        return np.asarray(self.after - self.before)

    @cached_property
    def fen(self) -> dict[str, Fen]:
        """``from``, the parts, ``total`` and ``to`` in fen, which add up; 0 where unknown.

        Each part is rounded and the fen that are missing go to the largest remainders.
        """
        known = np.isfinite(self.before) & np.isfinite(self.after)
        start, end = (to_fen(np.where(known, v, 0.0)) for v in (self.before, self.after))
        exact = np.stack([np.where(known, part, 0.0) for part in self.parts.values()], -1) * 100.0
        whole = adding_up(exact, end - start)
        named = {name: whole[:, i] for i, name in enumerate(self.parts)}
        return {"from": start, **named, "total": end - start, "to": end}

    def table(self, keys: npt.ArrayLike, level: str = "") -> pd.DataFrame:
        """One row a key: level, key, measure, from, to, the parts, total; yuan, two decimals.

        Keys without cases in one of the states have no average and are left out of it.
        """
        import pandas as pd

        known = np.isfinite(self.before) & np.isfinite(self.after)
        held = {name: values / 100.0 for name, values in self.fen.items()}
        zero = np.zeros(len(known))
        frame = pd.DataFrame({
            "level": level, "key": np.asarray(keys, object), "measure": self.measure,
            "from": held["from"], "to": held["to"],
            **{name: held.get(name, zero) for name in PARTS}, "total": held["total"],
            "appeared": self.appeared.sum(axis=1), "vanished": self.vanished.sum(axis=1),
        })  # fmt: skip
        return frame[known].reset_index(drop=True)


def decompose(
    before: State, after: State, *, measure: str = "average", method: str = "shapley"
) -> Decomposition:
    """Decompose the change between two states, every key by itself.

    A group without cases in one state takes that state's price and the other state's intensity:
    that it appears or vanishes is case mix. A key without cases in one state changes its total by
    volume alone. Under ``lmdi`` a factor that is zero on one side takes the limit for a small
    number (Ang, Zhang and Choi 1998): the whole change of the cell.

    Args:
        before: first state. Shape (U, K).
        after: second state, the same keys and groups.
        measure: ``average`` or ``total``.
        method: ``shapley`` or ``lmdi``.

    Raises:
        DrgError: the shapes differ, or the method or measure is not known.
    """
    for key, found, known in (("method", method, METHODS), ("measure", measure, (*MEASURES,))):
        if found not in known:
            raise problem(say("不是可用的取值", "not known"), key=key, found=found,
                          expected=one_of(known))  # fmt: skip
    if before.cases.ndim != 2 or before.cases.shape != after.cases.shape:
        raise problem(say("形状不符", "wrong shape"), key="after", found=after.cases.shape,
                      expected=say(f"{before.cases.shape}（键 × 病组）",
                                   f"{before.cases.shape}, keys by groups"))  # fmt: skip
    factors = _factors(before, after, measure)
    split = _shapley if method == "shapley" else _lmdi
    cells = dict(zip(factors, split(list(factors.values())), strict=True))
    start, end = (_mean(s) if measure == "average" else s.cost.sum(axis=1) for s in (before, after))
    parts = {name: cells[name].sum(axis=1) for name in PARTS if name in cells}
    share = factors["case_mix"]
    middle = (_mean(before) + _mean(after)) / 2.0
    if measure == "total":
        volume = factors["volume"]
        middle = middle * ((volume[0] + volume[1]) / 2.0)[:, 0]
    cells["case_mix"] = cells["case_mix"] - (share[1] - share[0]) * np.nan_to_num(middle)[:, None]
    start, end, parts = _exact(start, end, parts)
    had, has = before.cases > 0, after.cases > 0
    return Decomposition(measure, method, start, end, parts, cells, has & ~had, had & ~has)


def _mean(state: State) -> Floats:
    cases = state.cases.sum(axis=1)
    unknown = np.full(cases.shape, np.nan)
    return np.asarray(np.divide(state.cost.sum(axis=1), cases, out=unknown, where=cases > 0))


def _factors(before: State, after: State, measure: str) -> dict[str, tuple[Floats, Floats]]:
    """Factors of both states by name; what a state does not know it takes from the other."""
    shape = before.cases.shape
    volumes, shares, intensities = [], [], []
    for state in (before, after):
        volume = state.cases.sum(axis=1, keepdims=True)
        volumes.append(np.broadcast_to(volume, shape))
        shares.append(np.divide(state.cases, volume, out=np.zeros(shape), where=volume > 0))
        per_case = state.cases * state.price
        intensities.append(np.divide(state.cost, per_case, out=np.zeros(shape),
                                     where=state.cases > 0))  # fmt: skip
    for mine, other in ((0, 1), (1, 0)):
        shares[mine] = np.where(volumes[mine] > 0, shares[mine], shares[other])
    intensities = [np.where(before.cases > 0, intensities[0], intensities[1]),
                   np.where(after.cases > 0, intensities[1], intensities[0])]  # fmt: skip
    found = {"price": (before.price, after.price), "case_mix": (shares[0], shares[1]),
             "intensity": (intensities[0], intensities[1])}  # fmt: skip
    if measure == "total":
        found["volume"] = volumes[0], volumes[1]
    return found


def _shapley(factors: list[tuple[Floats, Floats]]) -> list[Floats]:
    """Change of the product by factor, averaged over all orders, cell by cell.

    A set of other factors that changed before stands beside its complement, so that the sum is the
    same, with the other sign, when the states are swapped.
    """
    count = len(factors)
    found = []
    for place, (old, new) in enumerate(factors):
        others = [factor for i, factor in enumerate(factors) if i != place]
        first, rest = others[0], others[1:]
        middle: Floats = np.zeros_like(old)
        for size in range(len(rest) + 1):
            for chosen in combinations(range(len(rest)), size):
                states = [int(i in chosen) for i in range(len(rest))]
                pair = [first[0], first[1]]
                for one, state in zip(rest, states, strict=True):
                    pair = [pair[0] * one[state], pair[1] * one[1 - state]]
                middle = middle + (pair[0] + pair[1]) / (count * comb(count - 1, size))
        found.append(np.asarray((new - old) * middle))
    return found


def _lmdi(factors: list[tuple[Floats, Floats]]) -> list[Floats]:
    """Change of the product by factor: the log mean of the products times the log ratio."""
    old, new = (np.prod([factor[i] for factor in factors], axis=0) for i in (0, 1))
    both = (old > 0) & (new > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = np.where(both, (np.log(new) - np.log(old)) / 2.0, 0.0)
        ratio = np.divide(np.sinh(half), half, out=np.ones_like(half), where=half != 0)
        mean = np.where(both, np.sqrt(old) * np.sqrt(new) * ratio, 0.0)
        found = [np.where(both, mean * (np.log(b) - np.log(a)), 0.0) for a, b in factors]
    zero = [(a == 0) != (b == 0) for a, b in factors]
    count = np.maximum(np.sum(zero, axis=0), 1)
    return [np.asarray(np.where(both, part, np.where(gone, (new - old) / count, 0.0)))
            for part, gone in zip(found, zero, strict=True)]  # fmt: skip


def _exact(
    start: Floats, end: Floats, parts: dict[str, Floats]
) -> tuple[Floats, Floats, dict[str, Floats]]:
    """All amounts on one binary grid by key, a few last bits coarse, where sums are exact.

    What the parts miss of the change, some units of the grid, goes to the largest of them.
    """
    names, held = list(parts), np.stack([*parts.values()], -1)
    known = np.isfinite(start) & np.isfinite(end)
    held = np.where(known[:, None], held, 0.0)
    first, last = (np.where(known, value, 0.0) for value in (start, end))
    size = np.maximum(np.abs(held).max(axis=1), np.maximum(np.abs(first), np.abs(last)))
    unit = np.spacing(np.maximum(size, 1e-300)) * 16.0
    first, last, held = (np.rint(v / u) for v, u in
                         ((first, unit), (last, unit), (held, unit[:, None])))  # fmt: skip
    rows = np.arange(len(held))
    held[rows, np.abs(held).argmax(axis=1)] += (last - first) - held.sum(axis=1)
    found = {name: np.where(known, held[:, i] * unit, np.nan) for i, name in enumerate(names)}
    return np.where(known, first * unit, start), np.where(known, last * unit, end), found


def levels(
    before: State,
    after: State,
    *,
    tier: npt.ArrayLike,
    hospitals: tuple[str, ...],
    insurances: tuple[str, ...],
    groups: tuple[str, ...],
    measure: str = "average",
    method: str = "shapley",
    only: tuple[str, ...] = ("region", "tier", "hospital", "insurance"),
) -> pd.DataFrame:
    """Decompose at every level from the sums by hospital, group and insurance.

    At level ``group`` the cells are hospitals, so case mix is the move of its cases between them.

    Args:
        before: first state. Shape (H, G, I).
        after: second state, the same shape.
        tier: tier of each hospital. Shape (H,).
        hospitals: ids. Length H.
        insurances: names. Length I.
        groups: codes. Length G.
        measure: ``average`` or ``total``.
        method: ``shapley`` or ``lmdi``.
        only: levels wanted, of region, tier, hospital, insurance, group.

    Returns:
        The rows of :meth:`Decomposition.table`, level after level.
    """
    import pandas as pd

    tiers = np.asarray(tier)
    names: dict[str, npt.ArrayLike] = {
        "region": ["all"], "tier": np.unique(tiers).astype(str), "hospital": list(hospitals),
        "insurance": list(insurances), "group": list(groups),
    }  # fmt: skip
    if unknown := [level for level in only if level not in _AXES]:
        raise problem(say("不是可用的取值", "not known"), key="only", found=unknown[0],
                      expected=one_of(_AXES))  # fmt: skip

    def at(level: str, state: State) -> State:
        rows = [tiers == one for one in np.unique(tiers)] if level == "tier" else [slice(None)]
        held = [State(state.cases[i], state.cost[i], state.price[i]) for i in rows]
        parts = [part.summed(_AXES[level]) for part in held]
        shown = [[part.cases, part.cost, part.price] for part in parts]
        sums = np.stack(shown, 1) if level in ("region", "tier") else np.array(shown[0])
        return State(*(sums if level in ("region", "tier", "hospital") else sums.swapaxes(1, 2)))

    return pd.concat(
        [decompose(at(level, before), at(level, after), measure=measure, method=method)
         .table(names[level], level) for level in only],
        ignore_index=True,
    )  # fmt: skip
