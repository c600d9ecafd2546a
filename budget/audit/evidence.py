"""Tests over hospitals and groups (统计检验), with the share of false discoveries held down.

Nothing here is asked of a person: counts of hospitals are held against those of their peers, and
a hospital's cases are findings only where the difference is large as well as sure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

from budget.audit.expression import Coded
from budget.audit.peers import Peers

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
_SIDE = 12  # bins before a threshold; as many from it on, and those of the window
_WINDOW = 3  # bins that make up the width past it
_ROUNDS = 4  # in which hospitals that stand out are taken from the peers of the others
_USUAL = 3.0  # times the median rate of peers that one of them may count with
_REACHED = 8  # counts above the least up to which chance is worked out
_STEPS = 60  # of expectation and maximisation
_EACH = 0.1  # chance above which a threshold of a hospital that bunches is no finding
_DRAWN = 50.0  # cases of the common level that a hospital's own is drawn towards
_FEW = 50  # cases near a threshold below which no density is fitted


@dataclass(frozen=True)
class Cells:
    """What a test says of each of its cells: a hospital, or one of its codes or thresholds.

    Attributes:
        hospital: place of the hospital. Shape (C,).
        key: name of what is told apart within it.
        cases: cases found in the cell. Shape (C,).
        expected: how many there would be as among peers. Shape (C,).
        low: lower end of the 95% interval of cases over expected. Shape (C,).
        high: upper end. Shape (C,).
        p: chance of so many or more as among peers. Shape (C,).
        q: the same with false discoveries controlled (Benjamini-Hochberg). Shape (C,).
        found: whether the cell stands out. Shape (C,).
    """

    hospital: npt.NDArray[np.int64]
    key: tuple[str, ...]
    cases: npt.NDArray[np.int64]
    expected: Floats
    low: Floats
    high: Floats
    p: Floats
    q: Floats
    found: Mask

    @property
    def excess(self) -> Floats:
        """Share of the cell's cases beyond those expected, from 0 to 1. Shape (C,)."""
        found: Floats = np.clip(1 - self.expected / np.maximum(self.cases, 1), 0, 1)
        return found


def controlled(p: Floats, tests: int | None = None) -> Floats:
    """False-discovery rates (Benjamini-Hochberg) of p-values.

    Args:
        p: the p-values.
        tests: how many were made, should some have been left out as hopeless.
    """
    from statsmodels.stats.multitest import multipletests

    if not len(p):
        return p
    more = max((tests or len(p)) - len(p), 0)
    found: Floats = multipletests(np.append(p, np.ones(more)), method="fdr_bh")[1][: len(p)]
    return found


def ratio_interval(cases: Floats, expected: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Exact Poisson interval of cases over expected."""
    side, expected = (1 - level) / 2, np.maximum(expected, 1e-9)
    with np.errstate(all="ignore"):
        low = np.where(cases > 0, stats.chi2.ppf(side, 2 * cases) / 2, 0.0) / expected
        high = stats.chi2.ppf(1 - side, 2 * cases + 2) / 2 / expected
    return np.nan_to_num(low), np.where(np.isnan(high), np.inf, high)


def excess(
    home: Array, within: Coded | None, mix: Array, base: Floats, peers: Peers,
    *, fdr: float, least: int, ratio: float,
) -> tuple[Cells, npt.NDArray[np.int64]]:  # fmt: skip
    """Hospitals, or codes of hospitals, that have more of the found cases than their peers.

    Expected are the cases that a hospital would have with the rates of its peers in each category
    of its own case mix. A peer counts with at most three times what is usual among them, and one
    that stands out itself is left out when the others are judged again, so that hospitals that do
    the same do not hide each other.

    Args:
        home: hospital of each found case. Shape (F,).
        within: told apart by it; None for hospitals as such.
        mix: category of each, by which rates are standardised. Shape (F,).
        base: cases among which they were found, by hospital and category. Shape (H, M).
        peers: who is compared with whom.
        fdr: accepted share of false discoveries.
        least: fewest cases of a cell.
        ratio: how many times the expected its own must surely be.

    Returns:
        The cells, and the cell of each found case.
    """
    key = np.zeros(len(home), np.int64) if within is None else within.codes.astype(np.int64)
    kinds, key = np.unique(key, return_inverse=True)
    names = [""] if within is None else [within.texts[one] for one in kinds]
    home = home.astype(np.int64)
    place, cell_of, count = np.unique(home * max(len(kinds), 1) + key, return_inverse=True,
                                      return_counts=True)  # fmt: skip
    at, kind = place // max(len(kinds), 1), place % max(len(kinds), 1)
    column = mix.astype(np.int64) * max(len(kinds), 1) + key
    found = np.zeros(len(place), np.bool_)
    for _ in range(_ROUNDS):
        before = found
        expected, theirs = _as_peers(home, column, before[cell_of], base, len(kinds), peers)
        mean, shape = expected[at, kind], theirs[at, kind] + 0.5
        p = stats.nbinom.sf(count - 1, shape, shape / (shape + mean))
        q = _of_counts(p, count, expected, theirs + 0.5, least)
        low, high = ratio_interval(count.astype(np.float64), mean)
        found = (q <= fdr) & (count >= least) & (low >= ratio)
        if (found <= before).all():
            break
        found |= before
    told = tuple(names[one] for one in kind)
    return Cells(at, told, count, mean, low, high, p, q, found), cell_of


def _as_peers(
    home: npt.NDArray[np.int64], column: npt.NDArray[np.int64], out: Mask, base: Floats,
    kinds: int, peers: Peers,
) -> tuple[Array, Array]:  # fmt: skip
    """Cases expected of each hospital and kind, and those of its peers. Shapes (H, K).

    Half a case, spread over all peers, is added to each, as none among few is not never.
    """
    size, strata = base.shape
    kept = ~out
    shape = (size, strata * max(kinds, 1))
    table = sparse.csr_matrix((np.ones(int(kept.sum())), (home[kept], column[kept])), shape=shape)
    beside = (sparse.csr_matrix(peers.of.astype(np.float64)) @ table).tocoo()
    among = peers.total(base)
    stratum, kind = beside.col // max(kinds, 1), beside.col % max(kinds, 1)
    rate = base[beside.row, stratum] / np.maximum(among[beside.row, stratum], 1.0)
    flat = beside.row.astype(np.int64) * max(kinds, 1) + kind
    length = size * max(kinds, 1)
    expected: Array = np.bincount(flat, beside.data * rate, length).reshape(size, -1)
    theirs: Array = np.bincount(flat, beside.data, length).reshape(size, -1)
    own = np.bincount(home[kept] * max(kinds, 1) + column[kept] % max(kinds, 1), minlength=length)
    capped = _capped(own.reshape(size, -1).astype(np.float64), base.sum(axis=1), peers)
    with np.errstate(all="ignore"):
        expected = np.where(theirs > 0, expected * capped / theirs, 0.0)
    theirs = capped
    half = 0.5 * base.sum(axis=1) / np.maximum(among.sum(axis=1), 1.0)
    return expected + half[:, None], theirs


def _of_counts(
    p: Floats, count: npt.NDArray[np.int64], mean: Array, shape: Array, least: int
) -> Floats:
    """False-discovery rates of cells that are counts, 1 below the least count.

    A cell in which hardly a case is expected can hardly come out by chance at all, so that many
    such cells hide nothing: for each p-value the false discoveries expected below it are added up
    over all cells from what each can reach, and divided by the cells that were found below it.

    Args:
        p: p-values of the cells that have a case. Shape (C,).
        count: their cases. Shape (C,).
        mean: expected cases of all cells. Shape (H, K).
        shape: how sure these are: shape of the negative binomial. Shape (H, K).
        least: fewest cases of a cell that is found.
    """
    steps = least + np.arange(_REACHED)
    flat, sure = mean.ravel()[:, None], shape.ravel()[:, None]
    reached = stats.nbinom.sf(steps[None, :] - 1, sure, sure / (sure + flat))
    gained = reached - np.append(reached[:, 1:], np.zeros((len(reached), 1)), axis=1)
    order = np.argsort(reached.ravel(), kind="stable")
    levels, by_chance = reached.ravel()[order], np.cumsum(gained.ravel()[order])
    q = np.ones(len(p))
    some = np.flatnonzero(count >= least)
    some = some[np.argsort(p[some], kind="stable")]
    if not len(some):
        return q
    at = np.searchsorted(levels, p[some] * (1 + 1e-9), side="right")
    false = np.maximum(np.append(0.0, by_chance)[at], p[some])
    found = np.searchsorted(p[some], p[some], side="right")
    q[some] = np.minimum(np.minimum.accumulate((false / found)[::-1])[::-1], 1.0)
    return q


def _capped(own: Array, base: Floats, peers: Peers) -> Floats:
    """Cases of each hospital's peers by kind, none with more than three times what is usual.

    What is usual is the median of the peers' rates; one case is always usual.
    """
    rate = own / np.maximum(base, 1.0)[:, None]
    found = np.zeros(own.shape)
    for place, mine in enumerate(peers.of):
        if mine.any():
            usual = np.median(rate[mine], axis=0)
            most = np.maximum(_USUAL * usual[None, :] * base[mine][:, None], 1.0)
            found[place] = np.minimum(own[mine], most).sum(axis=0)
    return found


def bunching(
    hospital: Coded, value: Floats, error: Floats, thresholds: tuple[float, ...],
    *, width: float, likely: float, fdr: float, least: int,
) -> tuple[Cells, Places, Places, Floats]:  # fmt: skip
    """Hospitals with too many cases just past a threshold, against a smooth density.

    Near a threshold the logarithm of the value has a smooth density, fitted over all cases without
    the window itself (a Poisson regression of counts on a parabola), so that it shows even where
    every hospital bunches, and moved by how dear each hospital is. Cases that were moved lie just
    past the threshold, as far as the group's mean is sure. Of each hospital the share of such
    cases is estimated (a mixture, by expectation and maximisation) and tested against none
    (likelihood ratio, the thresholds of a hospital together).

    Args:
        hospital: of each case.
        value: what bunches. Shape (N,).
        error: its relative standard error. Shape (N,).
        thresholds: where it is looked for.
        width: how far past a threshold cases are moved, as a part of it.
        likely: least probability that a found case was moved.
        fdr: accepted share of false discoveries among hospitals.
        least: fewest cases that were moved, as estimated.

    Returns:
        The cells, the cases that were likely moved, the cell of each, and how likely it is.
    """
    size, step = len(hospital.texts), float(np.log1p(width) / _WINDOW)
    near: list[tuple[Places, Places, Floats]] = []
    level = _levels(hospital, value)
    names: list[str] = []
    parts: list[tuple[Array, ...]] = []
    together = np.zeros(size)
    for threshold in sorted(thresholds):
        with np.errstate(all="ignore"):
            away = np.log(value / threshold)
        bin_ = np.floor(away / step)
        rows = np.flatnonzero((bin_ >= -_SIDE) & (bin_ < _SIDE + _WINDOW))
        away, bin_ = away[rows], bin_[rows]
        counts = np.bincount((bin_ + _SIDE).astype(np.int64), minlength=2 * _SIDE + _WINDOW)
        home = hospital.codes[rows]
        smooth = _density(counts, level / step)(home, away / step) / step
        spread = np.sqrt(error[rows] ** 2 + step**2)
        moved = stats.norm.pdf(away, step, spread)
        share, gain = _mixture(home, moved / smooth, size)
        chance = share[home] * moved / (share[home] * moved + (1 - share[home]) * smooth)
        together += gain
        seen = np.bincount(home, minlength=size)
        some = np.flatnonzero(seen > 0)
        found = chance >= likely
        count = np.bincount(home[found], minlength=size)[some]
        by_chance = np.bincount(home[found], 1 - chance[found], size)[some]
        place = np.full(size, -1, np.int64)
        place[some] = len(names) + np.arange(len(some))
        near.append((rows[found], place[home[found]], chance[found]))
        names += [f"{threshold:g}"] * len(some)
        p = _chance_of(gain[some], 1)
        parts.append((some, count, by_chance, p, (share * seen)[some]))
    at, count, expected, p, many = (np.concatenate(one) for one in zip(*parts, strict=True))
    q = np.ones(size)
    there = np.unique(at)
    q[there] = controlled(_chance_of(together[there], len(thresholds)))
    low, high = ratio_interval(count.astype(np.float64), expected)
    found = (q[at] <= fdr) & (many >= least) & (p <= _EACH)
    cells = Cells(at, tuple(names), count, expected, low, high, p, q[at], found)
    moved, cell, odds = (np.concatenate(one) for one in zip(*near, strict=True))
    moved, last = np.unique(moved[::-1], return_index=True)  # near two thresholds: the higher one
    last = len(cell) - 1 - last
    return cells, moved, cell[last], odds[last]


def _mixture(home: npt.NDArray[np.int32], times: Floats, size: int) -> tuple[Floats, Floats]:
    """Share of moved cases of each hospital, and twice the log-likelihood that it gains.

    Args:
        home: hospital of each case.
        times: how much likelier the case is if it was moved.
        size: number of hospitals.
    """
    count = np.maximum(np.bincount(home, minlength=size), 1)
    share = np.full(size, 0.1)
    for _ in range(_STEPS):
        mine = share[home]
        share = np.bincount(home, mine * times / (mine * times + 1 - mine), size) / count
    mine = share[home]
    gain = 2 * np.bincount(home, np.log(np.maximum(mine * times + 1 - mine, 1e-300)), size)
    return share, np.maximum(gain, 0.0)


def _chance_of(gain: Floats, shares: int) -> Floats:
    """Chance of such a gain though no case was moved: shares lie at their bound half the time."""
    found = np.zeros_like(gain)
    for free in range(shares + 1):
        part = comb(shares, free) / 2**shares
        found += part * (stats.chi2.sf(gain, free) if free else (gain <= 0))
    return np.minimum(found, 1.0)


def _levels(hospital: Coded, value: Floats) -> Floats:
    """How dear each hospital is: mean logarithm of the value beside that of all. Shape (H,)."""
    size, code = len(hospital.texts), hospital.codes
    with np.errstate(all="ignore"):
        logs = np.log(value)
    logs[~np.isfinite(logs)] = 0.0
    np.clip(logs, -1, 1, out=logs)
    logs -= float(logs.mean()) if len(logs) else 0.0
    found: Floats = np.bincount(code, logs, size) / (np.bincount(code, minlength=size) + _DRAWN)
    return found


def _density(
    counts: npt.NDArray[np.int64], moved: Floats
) -> Callable[[npt.NDArray[np.int32], Floats], Floats]:
    """A smooth density near a threshold, per bin, of each hospital.

    Args:
        counts: cases by bin.
        moved: by how many bins each hospital's density lies higher. Shape (H,).

    Returns:
        What gives the density for hospitals and places, in bins from the threshold.
    """
    import statsmodels.api as sm

    bins = np.arange(len(counts)) - _SIDE + 0.5
    inside = (bins > -1) & (bins < _WINDOW)
    if counts[~inside].sum() < _FEW:
        return lambda home, at: np.full(len(at), 1 / len(bins))  # noqa: ARG005

    def design(at: Array) -> Floats:
        scaled = at.ravel() / _SIDE
        return np.column_stack([np.ones(len(scaled)), scaled, scaled**2])

    fitted = sm.GLM(counts[~inside], design(bins)[~inside], family=sm.families.Poisson()).fit()
    higher = np.clip(moved, -_SIDE / 2, _SIDE / 2)
    shape = (len(moved), len(bins))
    whole = np.asarray(fitted.predict(design(bins[None, :] - higher[:, None]))).reshape(shape)
    total = whole.sum(axis=1)

    def density(home: npt.NDArray[np.int32], at: Floats) -> Floats:
        found: Floats = np.asarray(fitted.predict(design(at - higher[home]))) / total[home]
        return np.maximum(found, 1e-6)

    return density


def fell(now: Floats, cases: Floats, before: Floats, cases_before: Floats) -> Floats:
    """Chance that a share fell as much as it did though nothing changed. Shape (H,)."""
    from statsmodels.stats.proportion import proportions_ztest

    found = np.ones(len(now))
    known = ~np.isnan(now) & ~np.isnan(before) & (cases > 0) & (cases_before > 0)
    for place in np.flatnonzero(known):
        counts = np.array([now[place] * cases[place], before[place] * cases_before[place]])
        sizes = np.array([cases[place], cases_before[place]])
        if 0 < counts.sum() < sizes.sum():
            found[place] = proportions_ztest(counts, sizes, alternative="smaller")[1]
    return found
