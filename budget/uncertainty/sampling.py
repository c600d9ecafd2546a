"""Who falls ill (病例抽样波动): chance in the cases of the year seen and of those to come.

The cases of a year are one outcome of many: next year other people fall ill, and the year that was
seen, from which everything is projected, was such an outcome too. A drawn year is the bootstrap
taken twice: the cases seen are drawn again (Poisson with mean 1 each), and the year to come is
drawn from those (Poisson with that number). The first is common to all years of a draw. Hospitals
with many cases get the normal distribution of the same variance, from the sums of squares of their
cases. Nothing is assumed of how costs are distributed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from budget.projection.cells import Cells, by_case
from budget.uncertainty.priors import Numbers, stream

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
# What a case brings to its hospital, and by which of these a sum moves.
SUMS = ("by_standard", "by_cost", "cost", "beside", "borne", "outside", "cases")
_FEW = 300  # hospitals up to so many cases are drawn case by case
_NUMBERS = 1 << 16
_POOLED = 5.0  # cases of the usual spread that stand beside those of a group


@dataclass(frozen=True)
class Sampling:
    """The cases of a settled year, as far as chance in them goes. H hospitals, G groups.

    Attributes:
        total: sums of the cases by ``SUMS``. Shape (H, 2, S).
        root: with standard normal numbers (S,) before it, noise of such a sum. Shape (H, 2, S, S).
        few: hospitals of few cases -> their cases, each a row. Shapes (n, 2 x S).
        group: relative standard deviation of the mean cost of a case. Shape (G,).
    """

    total: Floats
    root: Singles
    few: dict[int, Singles]
    group: Floats

    @classmethod
    def of(cls, cells: Cells) -> Sampling:
        """The cases of the settlement that cells come from."""
        settled = cells.settlement
        rows, brought = by_case(settled)
        brought = _in_linear(brought)
        hospital, insurance = (held[rows].astype(np.intp) for held in
                               (settled.claims.hospital, settled.claims.insurance))  # fmt: skip
        shape = len(cells.hospitals), 2, len(SUMS)
        unit, units = hospital * 2 + insurance, shape[0] * 2
        values = [brought[name] for name in SUMS]

        def summed(held: Floats) -> Floats:
            return np.bincount(unit, held, units).astype(np.float64)

        total = np.stack([summed(one) for one in values], axis=1).reshape(shape)
        square = np.empty((units, len(SUMS), len(SUMS)))
        for i, one in enumerate(values):
            for j, other in enumerate(values[: i + 1]):
                square[:, i, j] = square[:, j, i] = summed(one * other)
        power, axes = np.linalg.eigh(square)
        root = np.sqrt(np.maximum(power, 0.0))[:, :, None] * axes.transpose(0, 2, 1)
        counted = np.bincount(hospital, minlength=shape[0])
        claims = settled.claims  # the order of the file says nothing
        order = np.lexsort((claims.group[rows], insurance, claims.cost[rows], hospital))
        ends = np.cumsum(counted)
        few = {}
        for place in np.flatnonzero((counted > 0) & (counted <= _FEW)):
            mine = order[ends[place] - counted[place] : ends[place]]
            held = np.zeros((len(mine), 2, len(SUMS)), np.float32)
            at = np.arange(len(mine)), insurance[mine]
            held[at] = np.stack([one[mine] for one in values], axis=1)
            few[int(place)] = held.reshape(len(mine), -1)
        return cls(total, root.reshape(*shape, len(SUMS)).astype(np.float32), few,
                   _of_groups(cells, rows, brought["cost"]))  # fmt: skip

    def noise(self, seed: int, chunk: int, size: int, number: int,
              numbers: Numbers | None = None) -> Floats:  # fmt: skip
        """What a year's sums are more or less than expected. Shape (size, H, 2, S).

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
        for place, cases in self.few.items():
            key = seed, chunk, number, place, size, len(cases)
            counted = kept(("counted", *key), partial(_counted, *key)).astype(np.float32)
            counted -= np.float32(1.0)
            found[:, place] = (counted @ cases).reshape(size, 2, -1)
        return np.asarray(found, np.float64)

    def moved(self, sums: dict[str, Floats], noise: Floats) -> dict[str, Floats]:
        """Sums of draws (d, H, 2) with noise of such a year; it grows with what they grew by."""
        found = {}
        for name, held in sums.items():
            by = "beside" if name == "borne" else name  # a difference, which may be near nothing
            whole = self.total[:, :, SUMS.index(by)]
            share = np.divide(sums[by], whole, out=np.zeros_like(held), where=whole > 0)
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


def _counted(
    seed: int, chunk: int, number: int, place: int, size: int, cases: int
) -> npt.NDArray[np.uint8]:
    """How often each case of a hospital is there in a year's draws. Shape (size, cases)."""
    again, ahead = _counts()
    seen, to_come = (
        stream(seed, "sampling", chunk, year, place).integers(
            _NUMBERS, size=(size, cases), dtype=np.uint16
        )
        for year in (0, number)
    )
    return np.asarray(ahead[again[seen], to_come])


@cache
def _counts() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """How often a case is there by a number below 2^16: drawn once, and then drawn from those.

    Shapes (2^16,) and (most + 1, 2^16).
    """
    from scipy.stats import poisson

    numbers = (np.arange(_NUMBERS) + 0.5) / _NUMBERS
    once = poisson.ppf(numbers, 1.0).astype(np.uint8)
    most = int(once.max())
    twice = [np.zeros(_NUMBERS), *(poisson.ppf(numbers, held) for held in range(1, most + 1))]
    return once, np.array(twice).astype(np.uint8)
