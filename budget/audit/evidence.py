"""Tests over hospitals and groups (统计检验), with the share of false discoveries held down.

Nothing here is asked of a person: counts of hospitals are held against those of their peers, and
a hospital's cases are findings only where the difference is large as well as sure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

from budget.audit.expression import Coded
from budget.audit.peers import Peers

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_SIDE = 12  # bins before a threshold; as many from it on, and those of the window
_WINDOW = 3  # bins that make up the width past it
_ROUNDS = 4  # in which hospitals that stand out are taken from the peers of the others
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
    side = (1 - level) / 2
    with np.errstate(all="ignore"):
        low = np.where(cases > 0, stats.chi2.ppf(side, 2 * cases) / 2, 0.0) / expected
        high = stats.chi2.ppf(1 - side, 2 * cases + 2) / 2 / expected
    return np.nan_to_num(low), np.where(np.isnan(high), np.inf, high)


def excess(
    hospital: Coded, where: Mask, of: Mask, within: Coded | None, mix: Coded, peers: Peers,
    *, fdr: float, least: int, ratio: float,
) -> tuple[Cells, npt.NDArray[np.int64]]:  # fmt: skip
    """Hospitals, or codes of hospitals, that have more of the found cases than their peers.

    Expected are the cases that a hospital would have with the rates of its peers in each category
    of its own case mix. Where a peer stands out itself, its cells are left out and the others are
    judged again, so that two that do the same do not hide each other.

    Args:
        hospital: of each row.
        where: rows that are counted. Shape (N,).
        of: rows among which they are counted. Shape (N,).
        within: told apart by it; None for hospitals as such.
        mix: category of each row, by which rates are standardised.
        peers: who is compared with whom.
        fdr: accepted share of false discoveries.
        least: fewest cases of a cell.
        ratio: how many times the expected its own must surely be.

    Returns:
        The cells, and the cell of each row, -1 for rows that are not counted.
    """
    size, strata = len(hospital.texts), len(mix.texts)
    rows = np.flatnonzero(where & of)
    key = np.zeros(len(rows), np.int64) if within is None else within.codes[rows].astype(np.int64)
    kinds, key = np.unique(key, return_inverse=True)
    names = [""] if within is None else [within.texts[one] for one in kinds]
    home = hospital.codes[rows].astype(np.int64)
    place, cell_of, count = np.unique(home * max(len(kinds), 1) + key, return_inverse=True,
                                      return_counts=True)  # fmt: skip
    at, kind = place // max(len(kinds), 1), place % max(len(kinds), 1)
    base = np.bincount(hospital.codes[of].astype(np.int64) * strata + mix.codes[of],
                       minlength=size * strata).reshape(size, strata).astype(np.float64)  # fmt: skip
    column = mix.codes[rows].astype(np.int64) * max(len(kinds), 1) + key
    tests = int((base.sum(axis=1) > 0).sum()) * max(len(kinds), 1)
    found = np.zeros(len(place), np.bool_)
    for _ in range(_ROUNDS):
        before = found
        expected, theirs = _as_peers(home, column, before[cell_of], base, len(kinds), peers)
        mean, shape = expected[at, kind], theirs[at, kind] + 0.5
        p = stats.nbinom.sf(count - 1, shape, shape / (shape + mean))
        q = controlled(p, tests)
        low, high = ratio_interval(count.astype(np.float64), mean)
        found = (q <= fdr) & (count >= least) & (low >= ratio)
        if (found <= before).all():
            break
        found |= before
    cell = np.full(len(where), -1, np.int64)
    cell[rows] = cell_of
    told = tuple(names[one] for one in kind)
    return Cells(at, told, count, mean, low, high, p, q, found), cell


def _as_peers(
    home: npt.NDArray[np.int64], column: npt.NDArray[np.int64], out: Mask, base: Floats,
    kinds: int, peers: Peers,
) -> tuple[Floats, Floats]:  # fmt: skip
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
    expected = np.bincount(flat, beside.data * rate, length).reshape(size, -1)
    theirs = np.bincount(flat, beside.data, length).reshape(size, -1)
    half = 0.5 * base.sum(axis=1) / np.maximum(among.sum(axis=1), 1.0)
    return expected + half[:, None], theirs


def bunching(
    hospital: Coded, where: Mask, value: Floats, error: Floats, thresholds: tuple[float, ...],
    *, width: float, blur: float, fdr: float, least: int, ratio: float,
) -> tuple[Cells, npt.NDArray[np.int64]]:  # fmt: skip
    """Hospitals with too many cases just past a threshold, against a smooth density.

    The density near a threshold is fitted over all cases (a Poisson regression of counts on a
    parabola of the logarithm), without the window itself, so that it shows even where every
    hospital bunches. It is moved by how dear each hospital is, and the hospital's cases in the
    window are held against its cases nearby.

    Args:
        hospital: of each case.
        where: cases that count. Shape (N,).
        value: what bunches. Shape (N,).
        error: its relative standard error. Shape (N,).
        thresholds: where it is looked for.
        width: of the window, as a part of the threshold.
        blur: how many errors a found case may lie outside of it.
        fdr: accepted share of false discoveries.
        least: fewest cases of a cell.
        ratio: how many times the expected its cases must surely be.

    Returns:
        The cells, and the cell of each case near a threshold, -1 for others.
    """
    size = len(hospital.texts)
    step = np.log1p(width) / _WINDOW
    parts: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats, Floats]] = []
    cell = np.full(len(where), -1, np.int64)
    names: list[str] = []
    level = _levels(hospital, where, value)
    for threshold in sorted(thresholds):
        with np.errstate(all="ignore"):
            away = np.log(value / threshold)
        bin_ = np.floor(away / step)
        near = where & (bin_ >= -_SIDE) & (bin_ < _SIDE + _WINDOW)
        # a group whose mean is not sure blurs the threshold by a bin
        window = near & (bin_ >= -1) & (bin_ < _WINDOW)
        counts = np.bincount((bin_[near] + _SIDE).astype(np.int64), minlength=2 * _SIDE + _WINDOW)
        share = _smooth_share(counts, level / step)
        base = np.bincount(hospital.codes[near], minlength=size)
        count = np.bincount(hospital.codes[window], minlength=size)
        some = np.flatnonzero(base > 0)
        share = share[some]
        wide = where & (away >= -blur * error) & (away < np.log1p(width) + blur * error)
        place = np.full(size, -1, np.int64)
        place[some] = len(names) + np.arange(len(some))
        cell[wide] = place[hospital.codes[wide]]
        names += [f"{threshold:g}"] * len(some)
        chance = stats.binom.sf(count[some] - 1, base[some], share)
        parts.append((some, count[some], base[some] * share, chance))
    at, count, expected, p = (np.concatenate(one) for one in zip(*parts, strict=True))
    q = controlled(p)
    low, high = ratio_interval(count.astype(np.float64), expected)
    found = (q <= fdr) & (count >= least) & (low >= ratio)
    return Cells(at, tuple(names), count, expected, low, high, p, q, found), cell


def _levels(hospital: Coded, where: Mask, value: Floats) -> Floats:
    """How dear each hospital is: mean logarithm of the value beside that of all. Shape (H,)."""
    size, code = len(hospital.texts), hospital.codes[where]
    with np.errstate(all="ignore"):
        logs = np.log(value[where])
    logs = np.where(np.isfinite(logs), np.clip(logs, -1, 1), 0.0)
    count = np.bincount(code, minlength=size)
    mean = float(logs.mean()) if len(logs) else 0.0
    found: Floats = np.bincount(code, logs - mean, size) / (count + _DRAWN)
    return found


def _smooth_share(counts: npt.NDArray[np.int64], moved: Floats) -> Floats:
    """Share of the cases near a threshold that a smooth density puts into its window.

    Args:
        counts: cases by bin.
        moved: by how many bins each hospital's density lies higher. Shape (H,).

    Returns:
        The share of each hospital. Shape (H,).
    """
    import statsmodels.api as sm

    bins = np.arange(len(counts)) - _SIDE + 0.5
    inside = (bins > -1) & (bins < _WINDOW)
    even = float(inside.sum() / len(bins))
    if counts[~inside].sum() < _FEW:
        return np.full(len(moved), even)

    def design(at: Floats) -> Floats:
        scaled = at.ravel() / _SIDE
        return np.column_stack([np.ones(len(scaled)), scaled, scaled**2])

    fitted = sm.GLM(counts[~inside], design(bins)[~inside], family=sm.families.Poisson()).fit()
    at = bins[None, :] - np.clip(moved, -_SIDE, _SIDE)[:, None]
    density = np.asarray(fitted.predict(design(at))).reshape(at.shape)
    share: Floats = density[:, inside].sum(axis=1) / density.sum(axis=1)
    return np.where((share > 0) & (share < 1), share, even)


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
