"""Small numbers (小样本抑制): which figures of a report are not told, by one system of all of them.

A count from 1 to 4 could point to a person and is not told, nor is the money beside it. What is
left out could be found from what is told: by subtraction from totals, by the cut that is the same
share of all that a pool owes, by the same cases parted in another way. So a report hands over all
of its figures as cubes (:class:`Cube`), and :func:`untold` holds them together as one linear
system. It leaves out more until every told total misses at least two parts with 5 cases or more,
and linear programming bounds no hidden figure within 1%.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from drg.cases.privacy import FEWEST

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Key = tuple[tuple[str, ...], tuple[str, ...]]
NEAR = 0.01  # of a hidden figure: nearer than this nobody may come
_TOGETHER = 12  # programs that move many sums at once
_TRIED = 12  # sums that are tried out for one that follows
_SAME = 1e-6  # of a total: two cubes that differ by less hold the same cases


@dataclass(frozen=True, eq=False)
class Cube:
    """Figures that add up, and by which keys their sums are told.

    Attributes:
        cells: the finest sums, one row each: columns of keys, of counts and of amounts. Columns
            of one name in several cubes are the same figure of the same cases.
        told: keys by which sums are told, such as ``("hospital", "pool")``; ``()`` is the total.
        counts: columns of cases; every cell that has any has a whole one.
        amounts: columns of money, at least 0.
        rates: column of an amount -> column of the share that a cut takes of it.
    """

    cells: pd.DataFrame
    told: Sequence[tuple[str, ...]]
    counts: Sequence[str] = ("cases",)
    amounts: Sequence[str] = ()
    rates: Mapping[str, str] = field(default_factory=dict)


class Untold:
    """Sums that are not told, by their keys."""

    def __init__(self, lines: Iterable[Key]) -> None:
        self._lines = frozenset(lines)

    def rows(self, keys: Sequence[str], *values: Iterable[object]) -> Mask:
        """Which rows of a table are not told.

        Args:
            keys: what the rows are sums by.
            values: of each key, one a row.
        """
        names, order = _sorted(keys)
        found = zip(*([_text(one) for one in values[place]] for place in order), strict=True)
        return np.array([(names, one) in self._lines for one in found], np.bool_)

    def of(self, key: str) -> frozenset[str]:
        """Values of a key whose sums are not told."""
        return frozenset(values[0] for names, values in self._lines if names == (key,))


class _Lines(NamedTuple):
    """Sums of a cube by some keys: the place of each among all, and that of each cell's sum."""

    keys: tuple[str, ...]
    at: Places
    of: Places


def few(count: float) -> bool:
    """Whether a number of cases could point to a person."""
    return 0 < count < FEWEST


def untold(cubes: Sequence[Cube]) -> Untold:
    """Which sums are not told, so that no figure of theirs follows from those that are.

    Args:
        cubes: all that is told of the same cases, or of what becomes of them.
    """
    system = _System(cubes)
    hidden = system.small.copy()
    while True:
        system.cover(hidden)
        more = system.loosen(hidden)
        if not len(more):
            return Untold(key for key, off in zip(system.keys, hidden, strict=True) if off)
        hidden[more] = True


def told_first(
    frame: pd.DataFrame, by: str, key: str, *, ascending: bool = True, within: Sequence[str] = ()
) -> pd.DataFrame:
    """Rows in the order of a figure, those that are not told (``hidden``) last, by their key.

    Between its neighbours a row would tell its figure nearly as well as in words.

    Args:
        frame: the rows.
        by: the figure.
        key: of a row; it decides between equal ones.
        ascending: the smallest first.
        within: what comes before all that, such as the pool.
    """
    shown = frame.assign(**{by: frame[by].where(~frame["hidden"].astype(bool))})
    names = [*within, "hidden", by, key]
    shown = shown.reset_index(drop=True).sort_values(
        names, ascending=[ascending if one == by else True for one in names]
    )
    return frame.iloc[shown.index].reset_index(drop=True)


def _sorted(keys: Sequence[str]) -> tuple[tuple[str, ...], list[int]]:
    order = sorted(range(len(keys)), key=lambda place: keys[place])
    return tuple(keys[place] for place in order), order


def _text(value: object) -> str:
    """A value of a key, the same whether it came as a number or as a text."""
    if isinstance(value, float | np.floating):
        return str(int(value)) if value == value and float(value).is_integer() else str(value)
    return str(value)


class _System:
    """Cubes as one linear system.

    Attributes:
        keys: of every sum that is told or not, each once.
        cases: of each, the most of all its counts.
        small: those of few cases.
    """

    def __init__(self, cubes: Sequence[Cube]) -> None:
        places: dict[Key, int] = {}
        self.cubes = cubes
        self.lines = [self._placed(cube, places) for cube in cubes]
        self.keys = list(places)
        self.cases = np.zeros(len(places))
        self.small: Mask = np.zeros(len(places), np.bool_)
        for cube, groups in zip(cubes, self.lines, strict=True):
            for group in groups:
                for name in cube.counts:
                    sums = np.zeros(len(places))
                    np.add.at(sums, group.of, cube.cells[name].to_numpy(np.float64))
                    self.cases = np.maximum(self.cases, sums)
                    self.small |= (sums > 1e-9) & (sums < FEWEST)
        self.last = places.get(((), ()), -1)
        self.pairs = [pair for cube, groups in zip(cubes, self.lines, strict=True)
                      for pair in self._pairs(groups) if len(cube.cells)]  # fmt: skip
        self.figures = [
            _Figure(self, name)
            for name in dict.fromkeys(n for c in cubes for n in (*c.counts, *c.amounts))
        ]

    @staticmethod
    def _placed(cube: Cube, places: dict[Key, int]) -> list[_Lines]:
        found = []
        for keys in cube.told:
            names, _ = _sorted(keys)
            texts = [[_text(one) for one in cube.cells[name]] for name in names]
            values = list(zip(*texts, strict=True)) if names else [()] * len(cube.cells)
            of = np.array([places.setdefault((names, one), len(places)) for one in values],
                          np.int64)  # fmt: skip
            found.append(_Lines(names, np.unique(of), of))
        return found

    @staticmethod
    def _pairs(groups: Sequence[_Lines]) -> list[tuple[Places, Places, bool]]:
        """Sums and the larger sums that they are parts of, and whether these name them too."""
        found = []
        for fine, coarse in permutations(groups, 2):
            both = np.unique(np.stack([fine.of, coarse.of]), axis=1)
            named = set(coarse.keys) < set(fine.keys)
            if both.shape[1] == len(fine.at) and (named or len(fine.at) > len(coarse.at)):
                found.append((both[0], both[1], named and bool(coarse.keys)))
        return found

    def cover(self, hidden: Mask) -> None:
        """Hide the next smallest part of every told sum from which a hidden one is subtracted."""
        before = -1
        while int(hidden.sum()) != before:
            before = int(hidden.sum())
            for part, whole, named in self.pairs:
                if named:
                    hidden[part[hidden[whole]]] = True
                able, n = self.cases[part] > 0, len(hidden)
                off = hidden[part] & able
                count = np.bincount(whole[off], minlength=n)
                cases = np.bincount(whole[off], self.cases[part[off]], minlength=n)
                bare = (count > 0) & ~hidden & ((count < 2) | (cases < FEWEST))
                free = np.flatnonzero(able & ~off & bare[whole])
                order = free[np.lexsort((part[free], self.cases[part[free]]))]
                found, first = np.unique(whole[order], return_index=True)
                hidden[part[order[first]]] = True
                bare[found] = False
                bare[self.last] &= self.last < 0
                hidden |= bare

    def loosen(self, hidden: Mask) -> list[int]:
        """Sums to hide too, as a hidden one follows from them: the smallest of those it needs."""
        found: set[int] = set()
        for figure in self.figures:
            found |= figure.needed(hidden)
        return sorted(found)


class _Figure:
    """One figure of all cubes that have it: what is told of it, and what follows.

    Its unknowns are the cells of these cubes. Every told sum is a row, as is that two cubes have
    the same sums by the keys that both have.
    """

    def __init__(self, system: _System, name: str) -> None:
        from scipy import sparse

        held = [(cube, groups) for cube, groups in zip(system.cubes, system.lines, strict=True)
                if name in (*cube.counts, *cube.amounts)]  # fmt: skip
        starts = np.cumsum([0, *(len(cube.cells) for cube, _ in held)])
        n = int(starts[-1])
        self.system = system
        self.truth = np.concatenate([cube.cells[name].to_numpy(np.float64) for cube, _ in held])
        self.truth = np.maximum(np.nan_to_num(self.truth), 0.0)
        is_count = any(name in cube.counts for cube, _ in held)
        self.least = np.where((self.truth >= 1) & is_count, 1.0, 0.0)
        rate = np.concatenate([
            cube.cells[cube.rates[name]].to_numpy(np.float64) if name in cube.rates
            else np.zeros(len(cube.cells)) for cube, _ in held
        ])  # fmt: skip
        self.kinds = [np.ones(n)] if not rate.any() else [np.ones(n), rate, 1 - rate]
        rows: list[tuple[Places, Floats]] = []
        owner: list[int] = []
        for (_, groups), start in zip(held, starts, strict=False):
            for group in groups:
                order = np.argsort(group.of, kind="stable")
                for cells in np.split(order, np.flatnonzero(np.diff(group.of[order])) + 1):
                    if len(cells):
                        rows.append((cells + start, np.ones(len(cells))))
                        owner.append(int(group.of[cells[0]]))
        for (one, start), (other, begin) in combinations(
            [(cube, int(start)) for (cube, _), start in zip(held, starts, strict=False)], 2
        ):
            for left, right in self._shared(one, other):
                cells = np.concatenate([left + start, right + begin])
                signs = np.concatenate([np.ones(len(left)), -np.ones(len(right))])
                whole = max(float(self.truth[left + start].sum()), 1.0)
                if abs(float(signs @ self.truth[cells])) <= _SAME * whole + 0.05:
                    rows.append((cells, signs))
                    owner.append(-1)
        at = np.concatenate([cells for cells, _ in rows]) if rows else np.zeros(0, np.int64)
        signs = np.concatenate([signs for _, signs in rows]) if rows else np.zeros(0)
        ends = np.cumsum([0, *(len(cells) for cells, _ in rows)])
        self.rows = sparse.csr_matrix((signs, at, ends), shape=(len(rows), n))
        self.owner = np.array(owner, np.int64)
        self.moves = np.zeros((0, n))  # from the truth to others that tell the same, as shares

    @staticmethod
    def _shared(one: Cube, other: Cube) -> list[tuple[Places, Places]]:
        """Cells of two cubes that have the same keys, as far as both know them."""
        names = sorted({k for keys in one.told for k in keys}
                       & {k for keys in other.told for k in keys})  # fmt: skip
        sides: list[dict[tuple[str, ...], list[int]]] = []
        for cube in (one, other):
            found: dict[tuple[str, ...], list[int]] = {}
            texts = [[_text(value) for value in cube.cells[name]] for name in names]
            values = zip(*texts, strict=True) if names else [()] * len(cube.cells)
            for place, key in enumerate(values):
                found.setdefault(key, []).append(place)
            sides.append(found)
        return [(np.array(cells), np.array(sides[1][key])) for key, cells in sides[0].items()
                if key in sides[1]]  # fmt: skip

    def needed(self, hidden: Mask) -> set[int]:
        """Of every hidden sum that follows, the smallest told one from which it does."""
        from scipy import sparse
        from scipy.sparse.csgraph import connected_components

        is_told = (self.owner < 0) | ~hidden[self.owner]
        is_told &= np.asarray(abs(self.rows) @ self.truth).ravel() > 0
        targets = np.flatnonzero((self.owner >= 0) & hidden[self.owner])
        if not len(targets):
            return set()
        known = self._known(is_told)
        open_ = np.flatnonzero(~known)
        told, wanted = self.rows[is_told][:, open_], self.rows[targets][:, open_]
        joined = abs(sparse.vstack([told, wanted])).tocsr()
        _, island = connected_components(joined.T @ joined, directed=False)
        able = np.diff(wanted.indptr) > 0
        of = island[wanted.indices[wanted.indptr[:-1][able]]]
        found: set[int] = set()
        for one in np.unique(of):
            found |= self._follow(open_[island == one], is_told, targets[able][of == one], hidden)
        for sure in self.rows[targets[~able]]:  # all of its cells are known
            cells = sure.indices
            if not self.truth[cells].any():
                continue

            def helps(line: int, own: Places = cells) -> bool:
                return not self._known(is_told & (self.owner != line))[own].all()

            touching = np.diff(self.rows[:, cells].indptr) > 0
            found |= self._chosen(np.flatnonzero(is_told & touching), hidden, helps)
        return found

    def _known(self, is_told: Mask) -> Mask:
        """Cells that subtraction tells: a sum of which one cell is not known tells it."""
        from scipy import sparse

        told, known, before = self.rows[is_told], self.truth <= 0, -1
        while int(known.sum()) != before:
            before = int(known.sum())
            left = told @ sparse.diags(np.where(known, 0.0, 1.0))
            left.eliminate_zeros()
            alone = np.flatnonzero(np.diff(left.indptr) == 1)
            known[left.indices[left.indptr[alone]]] = True
        return known

    def _chosen(self, rows: Places, hidden: Mask, helps: Callable[[int], bool]) -> set[int]:
        """Of the told sums behind some rows the smallest without which a hidden one is free."""
        lines = np.unique(self.owner[rows])
        lines = lines[(lines >= 0) & (lines != self.system.last)]
        lines = lines[~hidden[lines]]
        order = lines[np.argsort(self.system.cases[lines], kind="stable")].tolist()
        return {next((one for one in order[:_TRIED] if helps(one)), order[0])} if order else set()

    def _follow(self, cells: Places, is_told: Mask, targets: Places, hidden: Mask) -> set[int]:
        """Which targets follow within 1%, by linear programming, as sums they follow from.

        Where a program ends is another region that tells the same; a sum that differs in one of
        them by more than 1% needs no program of its own.
        """
        from scipy import sparse

        rows = np.flatnonzero(is_told)
        plain = self.rows[rows][:, cells]
        some = np.diff(plain.indptr) > 0
        rows, plain = rows[some], plain[some]
        held, kinds = self.truth[cells], [kind[cells] for kind in self.kinds]
        told = sparse.vstack([plain.multiply(kind * held) for kind in kinds[:2]]).tocsr()
        large = np.maximum(abs(told).max(axis=1).toarray().ravel(), 1e-12)
        told, whose = sparse.diags(1 / large) @ told, np.tile(rows, len(kinds[:2]))
        least = self.least[cells] / held
        wanted = sparse.vstack([self.rows[targets][:, cells].multiply(kind * held)
                                for kind in kinds]).tocsr()  # fmt: skip
        limit = NEAR * np.concatenate([self.rows[targets] @ (self.truth * k) for k in self.kinds])
        limit[limit <= 0] = np.inf
        moves = self.moves[:, cells]

        def left(among: Places) -> Places:
            far = np.abs(wanted[among] @ moves.T).max(axis=1, initial=0.0)
            return among[far <= limit[among]] if len(among) else among

        open_ = left(np.flatnonzero(np.isfinite(limit)))
        toss = np.random.default_rng(0)
        for _ in range(_TOGETHER):
            if len(open_) < 2 * _TOGETHER:
                break
            sign = toss.choice((-1.0, 1.0), len(open_)) / limit[open_]
            moves = np.concatenate([moves, _end(wanted[open_].T @ sign, told, least, most=3.0)[0]])
            open_ = left(open_)
        found: set[int] = set()
        for one in open_:
            if not len(left(np.array([one]))):
                continue
            row = wanted[one].toarray()[0]
            ends = [_end(sign * row / limit[one], told, least) for sign in (1.0, -1.0)]
            moves = np.concatenate([moves, *(end for end, _ in ends)])
            if all(len(end) and np.abs(end @ row) <= limit[one] for end, _ in ends):
                used = np.flatnonzero(ends[0][1] | ends[1][1])

                def helps(line: int, row: Floats = row, most: float = limit[one]) -> bool:
                    rest = told[self.owner[whose] != line]
                    free = [_end(sign * row / most, rest, least)[0] for sign in (1.0, -1.0)]
                    return any(not len(end) or np.abs(end @ row) > most for end in free)

                found |= self._chosen(whose[used], hidden, helps)
        more = np.zeros((len(moves) - len(self.moves), len(self.truth)))
        more[:, cells] = moves[len(self.moves) :]
        self.moves = np.concatenate([self.moves, more])
        return found


def _end(wanted: Floats, told: Any, least: Floats, most: float = np.inf) -> tuple[Floats, Mask]:
    """The least that a sum may be, as a move from the truth, none without one; rows that bound it.

    Cells are shares of their truth; ``most`` is the largest that they may be.
    """
    from scipy.optimize import linprog

    truth = np.ones_like(least)
    equal = (told, told @ truth) if told.shape[0] else (None, None)
    end = linprog(wanted, A_eq=equal[0], b_eq=equal[1],
                  bounds=np.column_stack([least, np.full_like(least, most)]),
                  options={"primal_feasibility_tolerance": 1e-9})  # fmt: skip
    if not end.success:
        return np.zeros((0, len(truth))), np.zeros(told.shape[0], np.bool_)
    return (np.asarray(end.x) - truth)[None], np.abs(end.eqlin.marginals) > 1e-9
