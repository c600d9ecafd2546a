"""Who falls ill (病例抽样波动): chance in the cases of the year seen and of those to come.

The cases of a year are one outcome of many: next year other people fall ill, and the year that was
seen, from which everything is projected, was such an outcome too. A drawn year is a year that may
come, given the cases seen. How many are expected follows a gamma distribution (Jeffreys' prior),
how many come a Poisson distribution around it: together a negative binomial one. What they are is
drawn from the hospital's own cases, each with a weight of its own (Bayesian bootstrap, Rubin 1981)
that is common to all years of a draw. A few cases do not show the dear ones that may come, and part
of what sets a small hospital apart was luck, so others stand in for them
(:mod:`budget.uncertainty.credibility`). Hospitals with many cases get the normal distribution of
the same mean and variance. Nothing is assumed of how costs are distributed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from budget.projection.cells import Cells, by_case
from budget.uncertainty.credibility import Likely, stand_by
from budget.uncertainty.priors import Numbers, stream

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]
# What a case brings to its hospital, and by which of these a sum moves.
SUMS = ("by_standard", "by_cost", "cost", "beside", "borne", "outside", "cases")
_FEW = 300  # hospitals up to so many cases are drawn case by case
_HALF = 0.5  # of a case: what Jeffreys' prior adds to a number of cases
_LIKE, _TIER = 256, 4096  # cases that stand for those of a group in a tier, and of a tier
_POOLED = 5.0  # cases of the usual spread that stand beside those of a group


@dataclass(frozen=True)
class _Few:
    """A hospital of few cases. n cases, S sums by insurance.

    Attributes:
        cases: its cases. Shape (n, 2 x S).
        kind: tier and group of each, as a place. Shape (n,).
        tier: its tier, as a place.
        shape: of the gamma distribution of the cases expected.
        ahead: its mean.
        alike: chance that a case of its tier and group stands in for one of its own.
        beside: cases of its tier that stand beside its own.
    """

    cases: Singles
    kind: Ints
    tier: int
    shape: float
    ahead: float
    alike: float
    beside: int


@dataclass(frozen=True)
class Sampling:
    """The cases of a settled year, as far as chance in them goes. H hospitals, G groups.

    Attributes:
        total: sums of the cases by ``SUMS``. Shape (H, 2, S).
        shift: what is expected less those sums. Shape (H, 2, S).
        root: with standard normal numbers (S,) before it, noise of such a sum. Shape (H, 2, S, S).
        few: hospitals of few cases by their place.
        alike: cases of each tier and group.
        tiers: cases of each tier.
        group: relative standard deviation of the mean cost of a case. Shape (G,).
    """

    total: Floats
    shift: Floats
    root: Singles
    few: dict[int, _Few]
    alike: Likely
    tiers: Likely
    group: Floats

    @classmethod
    def of(cls, cells: Cells) -> Sampling:
        """The cases of the settlement that cells come from."""
        settled = cells.settlement
        rows, brought = by_case(settled)
        brought = _in_linear(brought)
        claims, count, groups = settled.claims, len(cells.hospitals), len(cells.groups)
        # the order of the file says nothing
        order = np.lexsort([held[rows] for held in (
            claims.hospital, claims.insurance, claims.group, claims.cost)])  # fmt: skip
        rows = rows[order]
        values = np.stack([brought[name][order] for name in SUMS], axis=1)
        hospital, insurance, group = (held[rows].astype(np.intp) for held in (
            claims.hospital, claims.insurance, claims.group))  # fmt: skip
        kinds, tiers = np.unique(cells.tier, return_inverse=True)
        tier = tiers[hospital]
        kind = tier * groups + np.where(group >= 0, group, groups - 1)
        cases = np.bincount(hospital, minlength=count).astype(np.float64)

        cost = values[:, SUMS.index("cost")]
        worth = values[:, SUMS.index("by_standard")] + values[:, SUMS.index("by_cost")]
        both = np.stack([worth, cost], axis=1) / _mean(cost, tier)[tier, None]
        usual = np.stack([_mean(one, kind)[kind] for one in both.T], axis=1)
        gain = (both - usual) @ np.array([1.0, -1.0])
        alike = stand_by([(both - usual)[:, 1], gain], hospital, tiers)
        beside = np.rint(stand_by([*usual.T], hospital, tiers))
        # of a case: what is left to its like, and to any of its tier
        like, any_other = alike / (cases + alike), beside / (cases + beside)

        def stand_in(place: Ints, share: Floats, most: int) -> list[Floats]:
            """Sums and products of what stands in for the cases of each place, for one case."""
            weight = share[hospital]
            whole = np.bincount(place, weight, most).astype(np.float64)
            held = _moments(values, place * 2 + insurance, most * 2, weight)
            scale = np.divide(1.0, whole, out=np.zeros_like(whole), where=whole > 0)
            shaped = (one.reshape(most, 2, *one.shape[1:]) for one in held)
            return [one * _along(scale, one) for one in shaped]

        found = []
        own = _moments(values, hospital * 2 + insurance, count * 2, np.ones(len(rows)))
        of_kind = stand_in(kind, like, len(kinds) * groups)
        of_tier = stand_in(tier, any_other, len(kinds))  # some of which may have no case
        met = csr_array((np.ones(len(rows)), (hospital, kind)), (count, len(of_kind[0])))
        for flat, usual_kind, usual_tier in zip(own, of_kind, of_tier, strict=True):
            held = flat.reshape(count, 2, *flat.shape[1:])
            likely = (met @ usual_kind.reshape(len(usual_kind), -1)).reshape(held.shape)
            mine = held + _along(like, held) * (likely - held)
            others = _along(cases, held) * usual_tier[tiers]
            found += [held, mine + _along(any_other, held) * (others - mine)]
        total, expected, _, square = found
        shape, ahead = _sizes(cases, tiers)
        more = np.divide(ahead, cases, out=np.ones(count), where=cases > 0)
        power, axes = np.linalg.eigh(square)
        root = np.sqrt(np.maximum(power, 0.0))[..., None] * axes.swapaxes(-1, -2)

        apart = np.zeros((len(rows), 2, len(SUMS)), np.float32)
        apart[np.arange(len(rows)), insurance] = values
        wide = apart.reshape(len(rows), 2 * len(SUMS))
        few = {}
        for place in np.flatnonzero((cases > 0) & (cases <= _FEW)).tolist():
            its = hospital == place
            few[place] = _Few(
                wide[its],
                kind[its],
                int(tiers[place]),
                shape=float(shape[place]),
                ahead=float(ahead[place]),
                alike=float(like[place]),
                beside=int(beside[place]),
            )
        return cls(
            total, expected * _along(more, expected) - total, root.astype(np.float32), few,
            Likely.of(wide, kind, like[hospital], _LIKE), Likely.of(wide, tier, any_other[hospital],
            _TIER), _of_groups(cells, rows, brought["cost"][order]),
        )  # fmt: skip

    def noise(self, seed: int, chunk: int, size: int, number: int,
              numbers: Numbers | None = None) -> Floats:  # fmt: skip
        """What a year's sums are more or less than those seen. Shape (size, H, 2, S).

        Args:
            seed: of the draws.
            chunk: which of the chunks of draws.
            size: draws.
            number: year, from 1; what the year seen brings is the same in all of them.
            numbers: those of other simulations of the same seed.
        """
        shape, kept = (size, *self.total.shape), numbers or Numbers(0)
        normal = np.zeros(shape, np.float32)
        if len(self.few) < len(self.total):
            for year in (0, number):
                made = partial(_normal, seed, chunk, year, shape)
                normal += kept(("sampling", seed, chunk, year, shape), made)
        found = np.einsum("dhis,hist->dhit", normal, self.root, optimize=True).astype(np.float64)
        found += self.shift
        for place, held in self.few.items():
            seen, to_come = (stream(seed, "sampling", chunk, year, place) for year in (0, number))
            sums = self._drawn(held, size, seen, to_come)
            found[:, place] = sums.reshape(size, 2, -1) - self.total[place]
        return np.asarray(found, np.float64)

    def _drawn(
        self, held: _Few, size: int, seen: np.random.Generator, to_come: np.random.Generator
    ) -> Floats:
        """Sums of the years that may come of a hospital. Shape (size, 2 x S)."""
        own = len(held.cases)
        weight = seen.standard_exponential((size, own + held.beside), np.float32)
        every = seen.standard_gamma(held.shape, size) * (held.ahead / held.shape)
        replaced = seen.random((size, own), np.float32) < held.alike
        like = self.alike.draw(seen, np.broadcast_to(held.kind, (size, own)))
        others = self.tiers.draw(seen, np.full((size, held.beside), held.tier))
        counted = to_come.poisson(weight * (every / weight.sum(axis=1))[:, None])
        mine, beside = counted[:, :own], counted[:, own:]
        sums = (mine * ~replaced).astype(np.float32) @ held.cases
        sums += self.alike.total(like, mine * replaced) + self.tiers.total(others, beside)
        return np.asarray(sums, np.float64)

    def moved(self, sums: dict[str, Floats], noise: Floats) -> dict[str, Floats]:
        """Sums of draws (d, H, 2) with noise of such a year; it grows with what they grew by.

        What a hospital had none of grows as its cases do.
        """
        found, cases = {}, self.total[:, :, SUMS.index("cases")].sum(axis=1)
        many = sums["cases"].sum(axis=2)
        grown = np.divide(many, cases, out=np.zeros_like(many), where=cases > 0)
        for name, held in sums.items():
            by = "beside" if name == "borne" else name  # a difference, which may be near nothing
            whole = self.total[:, :, SUMS.index(by)]
            share = np.repeat(grown[..., None], held.shape[2], axis=2)
            np.divide(sums[by], whole, out=share, where=whole > 0)
            found[name] = held + noise[..., SUMS.index(name)] * share
        return found

    def cost(self, seed: int, chunk: int, size: int, number: int) -> Singles:
        """Factors on the mean cost of a case of each group, with mean 1. Shape (size, G)."""
        spread = np.sqrt(np.log1p(self.group**2)).astype(np.float32)
        shape = size, len(spread)
        drawn = sum(stream(seed, "sampling_groups", chunk, year).standard_normal(shape, np.float32)
                    for year in (0, number))  # fmt: skip
        return np.asarray(np.exp(drawn * spread - spread**2))


def _in_linear(brought: dict[str, Floats]) -> dict[str, Floats]:
    """What cases bring to the sums of :class:`budget.uncertainty.linear.Linear`."""
    beside, outside_beside = brought["patient"] + brought["other"], brought["outside_beside"]
    return {
        "by_standard": brought["by_standard"],
        "by_cost": brought["by_cost"] - brought["outside"] - outside_beside,
        "cost": brought["cost"], "beside": beside,
        "borne": beside - outside_beside - brought["lift"], "outside": brought["outside"],
        "cases": np.ones(len(beside)),
    }  # fmt: skip


def _of_groups(cells: Cells, rows: npt.NDArray[np.intp], cost: Floats) -> Floats:
    """Relative standard deviation of the mean cost of each group's cases. (G,).

    The spread of a few cases says little, so some of the usual spread stand beside them.
    """
    place = {code: i for i, code in enumerate(cells.groups)}
    at = np.array([*(place[code] for code in cells.settlement.grid.groups), place[""]], np.intp)
    group, count = at[cells.settlement.claims.group[rows]], len(cells.groups)
    cases = np.bincount(group, minlength=count).astype(np.float64)
    several = np.maximum(cases, 1.0)
    mean = np.bincount(group, cost, count) / several
    square = np.bincount(group, (cost / mean[group] - 1.0) ** 2, count)
    usual = square.sum() / max(cases.sum() - (cases > 0).sum(), 1.0)
    spread = (square + _POOLED * usual) / (np.maximum(cases - 1.0, 0.0) + _POOLED)
    return np.asarray(np.sqrt(spread / several), np.float64)


def _normal(seed: int, chunk: int, year: int, shape: tuple[int, ...]) -> Singles:
    return stream(seed, "sampling", chunk, year).standard_normal(shape, np.float32)


def _along(values: Floats, like: Floats) -> Floats:
    """Values of the first axis, shaped to go with an array."""
    return values.reshape(-1, *[1] * (like.ndim - 1))


def _mean(held: Floats, place: Ints) -> Floats:
    """Mean by place; 1 where it is nothing, so that it may be divided by."""
    found = np.bincount(place, held) / np.maximum(np.bincount(place), 1)
    return np.where(found > 0, found, 1.0)


def _sizes(cases: Floats, tier: Ints) -> tuple[Floats, Floats]:
    """Shape and mean of the gamma distribution of the cases expected of each hospital. (H,) each.

    Around the sizes of its tier, by their moments (Robbins 1956), so that as many are expected in
    a tier as were seen; where these differ widely, or are few, around the hospital's own, with
    Jeffreys' half beside it.
    """
    shape, mean = np.where(cases > 0, cases + _HALF, 0.0), cases.copy()
    for one in np.unique(tier[cases > 0]):
        here = (tier == one) & (cases > 0)
        usual = float(cases[here].mean())
        beyond = float(cases[here].var()) - usual  # of the sizes, beyond what chance makes
        most = (int(here.sum()) - 1) / 2.0
        prior = min(usual**2 / beyond, most) if beyond > 0 else most
        if prior > _HALF:
            shape[here] = cases[here] + prior
            mean[here] = shape[here] * (usual / (usual + prior))
    return shape, mean


def _moments(values: Floats, unit: Ints, units: int, weight: Floats) -> tuple[Floats, Floats]:
    """Weighted sums of rows (N, S) by unit (units, S), and of their products (units, S, S)."""
    size = values.shape[1]
    total, square = np.empty((units, size)), np.empty((units, size, size))
    for i in range(size):
        held = values[:, i] * weight
        total[:, i] = np.bincount(unit, held, units)
        for j in range(i + 1):
            square[:, i, j] = square[:, j, i] = np.bincount(unit, held * values[:, j], units)
    return total, square
