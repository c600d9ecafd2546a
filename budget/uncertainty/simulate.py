"""Uncertainty (不确定性分析): thousands of possible next years, from sums by hospital and group.

Payment is linear in what moves a group: ``sum over groups of by_standard x cases x price +
by_cost x cases x cost``. So a draw costs a few matrix products, not a settlement. Deviations
from the path go through them in single precision and are added to the path in double: without
uncertainty every draw is the path itself, bit for bit. Money is in yuan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.uncertainty.draws import Draws
from budget.uncertainty.linear import Linear, pay
from budget.uncertainty.priors import DRIVERS, Numbers, Priors, stream
from budget.uncertainty.sampling import Sampling
from drg.errors import problem
from drg.language import say

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]
_CHUNK = 250  # draws at once; part of the seed


def simulate(
    model: Linear,
    priors: Priors,
    draws: int = 1000,
    years: int | None = None,
    seed: int = 0,
    *,
    unit: dict[str, Floats] | None = None,
    groups: bool = False,
    numbers: Numbers | None = None,
) -> Draws:
    """Draw possible years.

    Args:
        model: the projected path.
        priors: what is uncertain.
        draws: number of draws D.
        years: years of the path to draw, all when left out.
        seed: the same seed gives the same bytes.
        unit: where given, numbers between 0 and 1 by name in place of random ones, shape (D,):
            the quantile of a driver; for what varies by group the place of its draw.
        groups: keep the cost of a case of each group.
        numbers: where several paths are drawn with one seed, what they have in common.

    Raises:
        DrgError: the path has not so many years, or the replicates not its groups.
    """
    count = len(model.cases) if years is None else years
    if not 1 <= count <= len(model.cases):
        raise problem(say("超出范围", "out of range"), key="years", found=count,
                      expected=say(f"1 至 {len(model.cases)}，即路径的年数",
                                   f"1 to {len(model.cases)}, the years of the path"))  # fmt: skip
    if draws < 1:
        raise problem(say("超出范围", "out of range"), key="draws", found=draws,
                      expected=say("不小于 1", "1 or more"))  # fmt: skip
    given = unit or {}
    drawn = _drivers(priors, draws, seed, given)
    tiers = np.unique(model.tier)
    by_tier = _tiers(priors, draws, len(tiers), seed, given)
    shape = draws, count, *model.pool.shape[-2:]
    names = ("payment", "fund", "cost", "beside", "cases")
    found = {name: np.empty(shape) for name in names}
    found |= {name: np.empty((draws, count, len(model.pools)))
              for name in ("amount", "due", "cut", "value")}  # fmt: skip
    by_group = np.empty((draws, count, len(model.weight)), np.float32) if groups else None
    matrices = [_Matrices.of(model, number) for number in range(1, count + 1)]
    usual = _spent(model, matrices)
    shared, tables = Numbers(0) if numbers is None else numbers, Numbers()
    for chunk, start in enumerate(range(0, draws, _CHUNK)):
        rows = slice(start, min(start + _CHUNK, draws))
        moves = {name: held[rows] for name, held in drawn.items()}
        chance = _Chance(model, priors, rows, seed, chunk, given, shared, tables)
        spent: Floats | None = None
        for place, held in enumerate(matrices):
            number = place + 1
            sums, keep, shock = held.moved(model, priors, chance.shocks(number), moves)
            scale = (1.0 + moves["volume"])[:, None] ** number
            scale = scale * (1.0 + by_tier[rows]) ** number
            lift = (scale * keep)[:, np.searchsorted(tiers, model.tier)][..., None]
            dearer = (1.0 + moves["input_cost"]) ** number * (
                1.0 + moves["cost_response"] * min(number / priors.cost_years, 1.0)
            )
            if by_group is not None:
                costs = held.group_cost(scale * keep, dearer, shock)
                by_group[rows, place] = costs if chance.off else costs * chance.cost(number)
            money = lift * dearer[:, None, None]
            rate = ((1.0 + moves["rate"]) * (1.0 + moves["coding"])) ** number
            standards = lift * rate[:, None, None]
            factors = {"by_standard": standards, "cases": lift}
            sums = {name: v * factors.get(name, money) for name, v in sums.items()}
            if not chance.off:
                sums = chance.moved(sums, number)
            growth = 1.0 + moves["pool_growth"][:, None]
            amount = model.amount[place] * growth**number
            if spent is not None and model.follows is not None:
                follows = model.follows[place]  # what was paid has the growth until then in it
                moved = (model.amount[place] + follows * (spent - usual[place - 1])) * growth
                amount = np.where(follows > 0, moved, amount)
            paid, spent = pay(model, number, sums, amount)
            for name, v in paid.items():
                found[name][rows, place] = v
    if priors.volume_tier is not None:
        drawn |= {f"volume_tier_{one}": by_tier[:, i] for i, one in enumerate(tiers)}
    kept = {name: v for name, v in drawn.items() if name in priors.drivers or "tier" in name}
    return Draws(
        model.hospitals, model.tier, model.insurances, model.pools, model.pool, seed, kept,
        **found, group_cost=by_group,
    )  # fmt: skip


def _spent(model: Linear, matrices: list[_Matrices]) -> list[Floats]:
    """What is paid from the pools on the path, by year (1, P); nothing where no money follows."""
    if model.follows is None:
        return []
    return [pay(model, held.number, {name: v[None] for name, v in held.path.items()},
                 model.amount[held.number - 1][None])[1] for held in matrices]  # fmt: skip


def _drivers(priors: Priors, draws: int, seed: int, unit: dict[str, Floats]) -> dict[str, Floats]:
    found = {}
    for name in DRIVERS:
        prior = priors.drivers.get(name)
        if prior is None:
            found[name] = np.zeros(draws)
        else:
            held = unit.get(name)
            found[name] = prior.at(stream(seed, name).random(draws) if held is None else held)
    return found


def _tiers(priors: Priors, draws: int, tiers: int, seed: int, unit: dict[str, Floats]) -> Floats:
    """Growth of cases by tier. Shape (D, T)."""
    if priors.volume_tier is None:
        return np.zeros((draws, tiers))
    numbers = stream(seed, "volume_tier").random((draws, tiers))
    if "volume_tier" in unit:
        numbers = numbers[_places(unit["volume_tier"], draws)]
    return priors.volume_tier.at(numbers)


def _places(unit: Floats, count: int) -> Ints:
    return np.minimum((unit * count).astype(np.intp), count - 1)


@dataclass
class _Chance:
    """What varies by group and by case in one chunk of draws; asked year by year, in order."""

    model: Linear
    priors: Priors
    rows: slice
    seed: int
    chunk: int
    unit: dict[str, Floats]
    numbers: Numbers
    tables: Numbers  # of draws, where their places are given; of this model alone
    walked: dict[str, Singles] = field(default_factory=dict)

    @cached_property
    def weights(self) -> Singles | None:
        """Logarithmic deviations of weights, the same in all years. (d, G)."""
        held = self.priors.weights
        if held is None:
            return None
        if isinstance(held, np.ndarray) and held.ndim == 2:
            return self._replicates(held)
        return _spread(self._normal("weights"), np.sqrt(np.log1p(np.square(held))))

    @property
    def size(self) -> int:
        return int(self.rows.stop - self.rows.start)

    @property
    def off(self) -> bool:
        """Whether who falls ill is not drawn."""
        return not self.priors.sampling or self.model.sampling is None

    def shocks(self, number: int) -> dict[str, Singles]:
        """Logarithmic deviations of groups: weights, group_volume, group_cost. (d, G)."""
        found = {} if self.weights is None else {"weights": self.weights}
        for name in ("group_volume", "group_cost"):
            held = getattr(self.priors, name)
            if held is not None:
                found[name] = self._walk(name, number, np.asarray(held, np.float64))
        return found

    def moved(self, sums: dict[str, Floats], number: int) -> dict[str, Floats]:
        """Sums with the chance of who falls ill in a year. (d, H, I) each."""
        sampling = self._sampling(number)
        noise = self._table(("sampling", number), lambda seed, chunk, size: sampling.noise(
            seed, chunk, size, number, self.numbers))  # fmt: skip
        return sampling.moved(sums, noise)

    def cost(self, number: int) -> Singles:
        """The same as factors on the mean cost of a case of each group. (d, G)."""
        sampling = self._sampling(number)
        found = self._table(("sampling", number, "cost"), lambda seed, chunk, size: sampling.cost(
            seed, chunk, size, number))  # fmt: skip
        return np.asarray(found, np.float32)

    def _sampling(self, number: int) -> Sampling:
        assert self.model.sampling is not None
        return self.model.sampling[number - 1]

    def _table(
        self, key: tuple[object, ...], made: Callable[[int, int, int], npt.NDArray[Any]]
    ) -> npt.NDArray[Any]:
        """Draws of this chunk; where places are given, those rows of a table of draws."""
        if (given := self.unit.get(str(key[0]))) is not None:
            table = self.tables(key, lambda: made(self.seed, 0, _CHUNK))
            return table[_places(given[self.rows], _CHUNK)]
        return made(self.seed, self.chunk, self.size)

    def _normal(self, name: str, *year: int) -> Singles:
        groups = len(self.model.weight)
        return np.asarray(self._table((name, *year), lambda seed, chunk, size: self.numbers(
            (name, seed, chunk, size, groups, *year),
            lambda: stream(seed, name, chunk, *year).standard_normal((size, groups), np.float32),
        )))  # fmt: skip

    def _walk(self, name: str, number: int, sd: Floats) -> Singles:
        """What a group's years up to this one add up to, as logarithms of factors with mean 1."""
        kept, steps = self.priors.persistence, self._normal(name, number)
        self.walked[name] = self.walked[name] + steps if name in self.walked else steps
        total = self.walked[name]
        if kept:
            total = np.float32(np.sqrt(1.0 - kept)) * total
            total += np.float32(np.sqrt(kept) * number) * self._normal(name)
        return _spread(total, sd, kept * number**2 + (1.0 - kept) * number)

    def _replicates(self, held: Floats) -> Singles:
        """Weights of a bootstrap, of which each draw takes one."""
        groups = len(self.model.weight)
        if np.shape(held)[1] != groups:
            raise problem(say("形状不符", "wrong shape"), key="weights", found=np.shape(held),
                          expected=f"(replicates, {groups})")  # fmt: skip
        place = (stream(self.seed, "weights", self.chunk).integers(len(held), size=self.size)
                 if "weights" not in self.unit
                 else _places(self.unit["weights"][self.rows], len(held)))  # fmt: skip
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(held[place] / self.model.weight)
        return np.where(np.isfinite(ratio), ratio, 0.0).astype(np.float32)


def _spread(normal: Singles, sd: Floats | float, variance: float = 1.0) -> Singles:
    """Normal numbers of a variance as logarithms of factors with mean 1. A new array."""
    single = np.asarray(sd, np.float32)
    found = normal * single
    found -= single**2 * np.float32(variance / 2.0)
    return np.asarray(found)


@dataclass(frozen=True)
class _Matrices:
    """One year of the path: its sums, and the cells as columns of matrices (G, H x I)."""

    number: int
    path: dict[str, Floats]
    by_cost: tuple[str, ...]
    standard: Singles
    spent: Singles
    cases: Singles
    tier_cases: Floats
    tier_cost: Floats

    @classmethod
    def of(cls, model: Linear, number: int) -> _Matrices:
        def flat(name: str) -> Singles:
            cells = getattr(model, name)[number - 1]
            return np.asarray(cells.transpose(1, 0, 2).reshape(cells.shape[1], -1), np.float32)

        path = {name: getattr(model, name)[number - 1].sum(axis=1) for name in model.sums}
        tiers = np.unique(model.tier)
        tier_cases, tier_cost = (
            np.stack([held[model.tier == one].sum(axis=0) for one in tiers], 1)
            for held in (getattr(model, name)[number - 1].sum(axis=2) for name in ("cases", "cost"))
        )
        by_cost = tuple(name for name in model.sums if name not in ("by_standard", "cases"))
        spent = np.concatenate([flat(name) for name in by_cost], axis=1)
        return cls(number, path, by_cost, flat("by_standard"), spent, flat("cases"), tier_cases,
                   tier_cost)  # fmt: skip

    def moved(
        self, model: Linear, priors: Priors, shocks: dict[str, Singles], numbers: dict[str, Floats]
    ) -> tuple[dict[str, Floats], Floats | float, Singles | None]:
        """Sums (d, H, I) after all that varies by group, what keeps a tier's cases (d, T).

        And the logarithm of what moves the cost of a case of each group (d, G).
        """
        size = len(numbers["volume"])
        sums = {name: np.broadcast_to(v, (size, *v.shape)) for name, v in self.path.items()}
        volume, keep = self._volume(model, priors, shocks, numbers)
        price = shocks.get("weights")
        cost = shocks.get("group_cost")
        shape = size, *self.path["cases"].shape

        def add(factor: Singles | None, matrix: Singles) -> Floats | None:
            if factor is None:
                return None
            np.exp(factor, out=factor)
            factor -= np.float32(1.0)
            return np.asarray(factor @ matrix, np.float64)

        both = _plus(volume, price), _plus(volume, cost)
        moved = add(both[0], self.standard), add(both[1], self.spent), add(volume, self.cases)
        if moved[0] is not None:
            sums["by_standard"] = sums["by_standard"] + moved[0].reshape(shape)
        if moved[1] is not None:
            width = self.cases.shape[1]
            for i, name in enumerate(self.by_cost):
                part = moved[1][:, i * width : (i + 1) * width]
                sums[name] = sums[name] + part.reshape(shape)
        if moved[2] is not None:
            sums["cases"] = sums["cases"] + moved[2].reshape(shape)
        return sums, keep, cost

    def group_cost(self, scale: Floats, dearer: Floats, shock: Singles | None) -> Singles:
        """Cost of a case of each group in the region (d, G), NaN where there are no cases.

        What moves the cases of a group alike at all hospitals leaves its average cost; what moves
        those of tiers does not.

        Args:
            scale: factor on the cases of each tier. Shape (d, T).
            dearer: factor on the cost of a case. Shape (d,).
            shock: logarithm of what moves the cost of each group; changed in place. Shape (d, G).
        """
        part = scale / scale.sum(axis=1, keepdims=True)
        cost, cases = (part.astype(np.float32) @ held.T.astype(np.float32)
                       for held in (self.tier_cost, self.tier_cases))  # fmt: skip
        with np.errstate(divide="ignore", invalid="ignore"):
            cost /= cases
        cost *= dearer[:, None].astype(np.float32)
        if shock is not None:
            cost *= np.exp(shock, out=shock)
        return np.asarray(cost)

    def _volume(
        self, model: Linear, priors: Priors, shocks: dict[str, Singles], numbers: dict[str, Floats]
    ) -> tuple[Singles | None, Floats | float]:
        """Logarithm of what moves cases (d, G), and what keeps a tier's cases (d, T)."""
        volume = shocks.get("group_volume")
        response, rate = numbers["volume_response"], np.log1p(numbers["rate"]) * self.number
        if response.any() and (rate.any() or "weights" in shocks):
            groups = np.broadcast_to(np.asarray(priors.responds, np.float64), model.weight.shape)
            volume = _plus(volume, _outer(rate * response, groups))
            if "weights" in shocks:
                volume = _plus(volume, _outer(response, groups) * shocks["weights"])
        if not numbers["case_mix"].any():
            return volume, 1.0
        known = np.isfinite(model.weight) & (model.weight > 0)
        log = np.log(np.where(known, model.weight, 1.0))
        share = self.tier_cases.sum(axis=1) * known
        if not share.any():  # no case has a weight
            return volume, 1.0
        share = share / share.sum()
        middle = share @ np.where(known, model.weight, 0.0)
        pull = share @ (np.where(known, model.weight, 0.0) * (log - share @ log)) / middle
        if not pull > 0:  # all cases weigh alike, so no index can grow
            return volume, 1.0
        tilt = _outer(numbers["case_mix"] * self.number / pull, log)
        kept = np.asarray(np.exp(tilt) @ self.tier_cases.astype(np.float32), np.float64)
        cases = self.tier_cases.sum(axis=0)
        keep = np.divide(cases, kept, out=np.ones_like(kept), where=kept > 0)
        return _plus(volume, tilt), keep


def _outer(rows: Floats, columns: Floats) -> Singles:
    return np.multiply.outer(rows.astype(np.float32), columns.astype(np.float32))


def _plus(one: Singles | None, other: Singles | None) -> Singles | None:
    if one is None or other is None:
        return None if one is other else (one if other is None else other).copy()  # type: ignore[union-attr]
    return one + other
