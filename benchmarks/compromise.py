"""Offers of random problems held against a model of their own, and how long they take.

The problems are made like rounds: groups that few hospitals treat, weights of four digits, several
parties that ask for one group, panels that decided, drafts out of order, what thresholds bend. The
model is stated anew from the documentation as linear programmes over moves from the draft, solved
by scipy. It says for every aim how far an offer is from the best: for linear aims by their best
value, for the closest weights, and for those nearest to the draft among the best, by how much a
step towards any other weights could still gain (Frank and Wolfe 1956), which no offer that is the
best leaves above 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

from drg.errors import DrgError
from weights.negotiation.compromise.offer import OBJECTIVES, SHARE, solve
from weights.negotiation.compromise.problem import Ask, Decided, Problem, spread_of
from weights.table.families import families

Floats = npt.NDArray[np.float64]
MOST = (800, 300, 1000)  # groups, hospitals, asks and decisions
_LEVELS = 3  # of the fairest weights, whose asks are tried to be raised
_SAME = 1e-7  # satisfaction within which asks are on one level
_SLACKS = (1e-8, 1e-7)  # by which an answer may be missed in a programme around it
_ENOUGH = 1e-8  # what is not looked into
_SHARP = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}


def random_problem(seed: int, most: tuple[int, int, int] = MOST) -> Problem:
    """A problem that has an answer; every twentieth of the largest size."""
    rng = np.random.default_rng(seed)
    share = np.ones(3) if seed % 20 == 4 else rng.uniform(0.15, 1.0, 3) ** 2
    groups, hospitals, asked = (max(3, round(n * s)) for n, s in zip(most, share, strict=True))
    codes, draft = _draft(rng, groups)
    volume, effect = _hospitals(rng, hospitals, draft)
    weighed = np.isfinite(draft)
    fall, rise = rng.choice([0.1, 0.2, 0.3], 2)
    decided = int(asked * rng.choice([0.0, 0.02, 0.1]))
    asks = tuple(_asks(rng, draft, asked - decided, hospitals, float(rise)))
    found = Problem(
        groups=codes, draft=draft,
        spread=np.where(rng.random(groups) < 0.05, np.nan,
                        draft * np.exp(rng.uniform(np.log(0.002), np.log(0.3), groups))),
        volume=volume.sum(axis=0), value=effect.sum(axis=0), asks=asks,
        low=draft * (1 - fall), high=draft * (1 + rise),
        frozen=weighed & (rng.random(groups) < 0.05), families=families(codes), effect=effect,
        revenue=effect @ np.where(weighed, draft, 0.0),
        hospitals=tuple(f"H{h:03d}" for h in range(hospitals)),
        largest_loss=rng.choice([0.0, 0.001, 0.005, 0.02, 0.05, None],
                                p=[0.05, 0.1, 0.2, 0.4, 0.2, 0.05]),
        neutral=str(rng.choice(["yuan", "weights", "none"], p=[0.6, 0.25, 0.15])),
    )  # fmt: skip
    further = _further(rng, found, decided)
    for left in (1.0, 0.5, 0.25, 0.1, 0.0):  # fewer of what the draft does not keep
        held = _with(found, further, left)
        if Model(held).least() is not None:
            return held
    return _with(replace(found, asks=_settle_order(found)), further, 0.0)


def _draft(rng: np.random.Generator, groups: int) -> tuple[tuple[str, ...], Floats]:
    """Codes and weights of four digits; some out of order, some missing."""
    codes: list[str] = []
    draft: list[float] = []
    number = 0
    while len(codes) < groups:
        adrg = f"{chr(65 + number // 234 % 26)}{chr(65 + number // 9 % 26)}{1 + number % 9}"
        base, number = float(rng.lognormal(0, 0.8)), number + 1
        ladder = ("9", "15", "135")[int(rng.integers(3))]
        for i, suffix in enumerate(ladder):
            codes.append(adrg + suffix)
            draft.append(base * 0.75**i * float(rng.uniform(0.9, 1.1)))
            if i and rng.random() < 0.02:
                draft[-1] = draft[-2] * 1.02
    level = np.maximum(np.round(draft[:groups], 4), 0.05)
    return tuple(codes[:groups]), np.where(rng.random(groups) < 0.02, np.nan, level)


def _hospitals(rng: np.random.Generator, hospitals: int, draft: Floats) -> tuple[Floats, Floats]:
    """Cases of each hospital and group, and yuan per unit of weight: most treat few groups."""
    size = np.sort(rng.pareto(1.2, hospitals) + 0.1)[::-1]
    common = rng.lognormal(0, 1.6, len(draft))
    mean = size[:, None] * common * rng.lognormal(0, 1.0, (hospitals, len(draft)))
    year = 300 * len(draft) * hospitals**0.5
    volume = rng.poisson(mean * year / mean.sum()).astype(np.float64)
    high, middle = (size > np.quantile(size, part) for part in (0.9, 0.6))
    tier = np.select([high, middle], [1.1, 1.0], 0.8)
    rate = 9_000.0 * tier * rng.uniform(0.97, 1.03, hospitals)
    paid = rng.uniform(0.9, 1.0, volume.shape)  # outliers and short stays are not paid by weight
    return volume, np.where(np.isfinite(draft), volume * paid * rate[:, None], 0.0)


def _asks(rng: np.random.Generator, draft: Floats, number: int, hospitals: int, rise: float
          ) -> Iterator[Ask]:  # fmt: skip
    """Asks for more and for less, to keep the draft and nearly so, some outside the corridor."""
    known = rng.permutation(np.flatnonzero(np.isfinite(draft)))
    often = 1.0 / np.arange(1, len(known) + 1) ** 0.5
    for k, group in enumerate(rng.choice(known, number, p=often / often.sum())):
        part = rng.choice([rng.uniform(0, rise), -rng.uniform(0, 0.25), 1.5 * rise, 0.002, 0.0],
                          p=[0.6, 0.2, 0.1, 0.05, 0.05])  # fmt: skip
        weight = max(0.01, round(float(draft[group] * (1 + part)), 4))
        half = round(float(rng.uniform(0.005, 0.2)) * weight, 4)
        near = spread_of(weight, weight - half, weight + half) if k % 2 else spread_of(weight)
        yield Ask(f"P{k:04d}", f"H{k % hospitals:03d}", int(group), weight, near,
                  float(rng.choice([1.0, 1.0, 2.0, 0.5])))  # fmt: skip


def _further(rng: np.random.Generator, found: Problem, decided: int) -> dict[str, Any]:
    """What the draft does not keep: decisions of panels, groups of one weight, bends."""
    free = rng.permutation(np.flatnonzero(found.free))
    bounds = []
    for i, group in enumerate(free[:decided]):
        draft = found.draft[group]
        low, high = found.low[group], found.high[group]
        at = round(float(draft * (1 + rng.normal(0.02, 0.06))), 4)
        at = float(np.clip(at, low, high))
        wide = float(rng.choice([0.0, 0.0, 0.01])) * draft
        bounds.append(Decided(int(group), at - wide, at + wide, f"Z{i:03d}"))
    left = free[decided:]
    left = left[np.argsort(found.draft[left])]
    pairs = [tuple(map(int, left[i : i + 2])) for i in rng.permutation(len(left) - 1)[:6]
             ] if len(left) > 20 and rng.random() < 0.5 else []  # fmt: skip
    bent = rng.random() < 0.3
    bend = found.revenue * rng.normal(0, 0.0005, len(found.revenue)) * bent
    return {"decided": bounds, "equal": pairs, "bend": bend}


def _with(found: Problem, further: dict[str, Any], left: float) -> Problem:
    """The problem with a part of what its draft does not keep."""
    decided, equal = (further[name][: round(left * len(further[name]))]
                      for name in ("decided", "equal"))  # fmt: skip
    bend = left * further["bend"]
    return replace(found, decided=tuple(decided), equal=tuple(equal), bend=bend,
                   bend_total=float(bend.sum()))  # fmt: skip


def _settle_order(found: Problem) -> tuple[Ask, ...]:
    """The asks about ladders that the draft keeps in order."""
    wrong = {int(place) for ladder in found.families.ladders
             if (np.diff(found.draft[ladder][np.isfinite(found.draft[ladder])]) > 0).any()
             for place in ladder}  # fmt: skip
    return tuple(ask for ask in found.asks if ask.group not in wrong)


@dataclass(frozen=True)
class Programme:
    """A linear aim over moves and further variables: ``cost`` of these is to be small.

    Attributes:
        cost: of the further variables. Shape (f,).
        rows: ``rows @ (move, further) <= ends``. Shape (m, n + f).
        ends: see ``rows``. Shape (m,).
        most: the largest further variables; None for no limit. Shape (f,).
        slack: by which the rules themselves may be missed, in weight units.
    """

    cost: Floats
    rows: sparse.sparray
    ends: Floats
    most: Floats | None = None
    slack: float = 0.0

    def wider(self, slack: float) -> Programme:
        """The same with some slack in its limits and in the rules."""
        most = None if self.most is None else self.most + slack
        ends = self.ends + (slack if most is None else 0.0)
        return replace(self, ends=ends, most=most, slack=slack)


class Model:
    """What the documentation says of a problem, over moves from the draft."""

    def __init__(self, given: Problem) -> None:
        self.given = given
        self.known = np.flatnonzero(np.isfinite(given.draft))
        self.place = np.full(len(given.groups), -1)
        self.place[self.known] = np.arange(len(self.known))
        self.draft = given.draft[self.known]
        self.low, self.high = self._bounds()
        self._above: list[tuple[list[int] | Floats, Any, float]] = []  # columns, values, least
        self._same: list[tuple[list[int] | Floats, Any, float]] = []
        self._rules()
        self.above, self.floor = self._rows(self._above)
        self.same, self.end = self._rows(self._same)
        cases, value = given.volume.sum(), given.value.sum()
        rate = value / cases if cases > 0 and value > 0 else 1.0
        self.worth = np.maximum(given.value[self.known], rate)
        said = given.spread[self.known]
        relative = said / self.draft
        good = np.isfinite(relative) & (relative > 0)
        widest = relative[good].max() if good.any() else 0.05
        self.doubt = np.maximum(np.where(good, relative, widest), 0.001) * self.draft
        self.group = np.array([self.place[ask.group] for ask in given.asks], int)
        self.counts = np.array([ask.importance for ask in given.asks], float)
        self.wanted = np.array([ask.weight for ask in given.asks], float) - self.draft[self.group]
        own = np.array([ask.spread for ask in given.asks], float)
        self.own = np.maximum(own, 0.001 * self.draft[self.group])
        keeps = np.abs(self.wanted) <= 0.001 * self.draft[self.group]
        self.reach = np.where(keeps, 1.96 * self.own, np.abs(self.wanted))

    def _bounds(self) -> tuple[Floats, Floats]:
        given = self.given
        least, most = (end[self.known] - self.draft for end in (given.low, given.high))
        frozen = given.frozen[self.known]
        least, most = np.where(frozen, 0.0, least), np.where(frozen, 0.0, most)
        for group, low, high, _ in given.decided:
            j = self.place[group]
            least[j] = max(least[j], low - self.draft[j])
            most[j] = min(most[j], high - self.draft[j])
        return least, most

    def _rules(self) -> None:
        given, draft = self.given, self.draft
        for group in given.equal:
            first, *others = (self.place[one] for one in group if self.place[one] >= 0)
            for other in others:
                self._same.append(([first, other], [1.0, -1.0], draft[other] - draft[first]))
        if given.neutral != "none":
            by = (given.value if given.neutral == "yuan" else given.volume)[self.known]
            bent = given.bend_total if given.neutral == "yuan" else 0.0
            self._same.append((np.flatnonzero(by), by[by > 0], -bent))
        for h, revenue in enumerate(given.revenue) if given.largest_loss is not None else ():
            per, bend = given.effect[h, self.known], 0.0 if given.bend is None else given.bend[h]
            if per.any():
                self._above.append((np.flatnonzero(per), per[per != 0],
                                    -given.largest_loss * revenue - bend))  # fmt: skip
        kept = {one for one in given.decided if one.low == one.high == given.draft[one.group]}
        spoken = {one.group for one in (*given.asks, *(set(given.decided) - kept))}
        for ladder in given.families.ladders:
            steps = [int(self.place[one]) for one in ladder if self.place[one] >= 0]
            quiet = not spoken & set(map(int, ladder))
            disordered = any(draft[a] < draft[b] for a, b in pairwise(steps))
            for i, a in enumerate(steps):
                for b in steps[i + 1 :]:
                    ahead = draft[a] - draft[b]
                    allowed = min(0.0, ahead) if quiet and disordered else 0.0
                    self._above.append(([a, b], [1.0, -1.0], allowed - ahead))

    def _rows(self, found: list[tuple[Any, Any, float]]) -> tuple[sparse.csr_array, Floats]:
        """Rows, each divided by its largest coefficient."""
        matrix = sparse.lil_array((len(found), len(self.known)))
        end = np.zeros(len(found))
        for i, (columns, values, least) in enumerate(found):
            unit = float(np.abs(values).max())
            matrix[i, columns] = np.asarray(values) / unit
            end[i] = least / unit
        return matrix.tocsr(), end

    def excess(self, move: Floats) -> float:
        """The largest violation, in weight units."""
        return max(float(part.max(initial=0.0)) for part in (
            self.low - move, move - self.high, self.floor - self.above @ move,
            np.abs(self.same @ move - self.end)))  # fmt: skip

    def least(self, cost: Floats | None = None, programme: Programme | None = None) -> float | None:
        """The least of a cost of moves, or of a programme's own; None where nothing is found."""
        n = len(self.draft)
        free = np.zeros(n) if cost is None else cost
        given = programme or Programme(np.zeros(0), sparse.csr_array((0, n)), np.zeros(0))
        k = len(given.cost)
        rules, limits = [-self.above], [-self.floor]
        same: tuple[Any, Any] = None, None
        if given.slack:
            rules, limits = [*rules, self.same, -self.same], [*limits, self.end, -self.end]
        elif len(self.end):
            same = sparse.hstack([self.same, sparse.csr_array((len(self.end), k))]), self.end
        above = sparse.vstack(rules)
        rows = sparse.vstack([
            sparse.hstack([above, sparse.csr_array((above.shape[0], k))]), given.rows
        ])  # fmt: skip
        ends = np.concatenate([np.concatenate(limits) + given.slack, given.ends])
        whole = np.concatenate([free, given.cost if cost is None else np.zeros(k)])
        unit = float(np.abs(whole).max(initial=0.0)) or 1.0
        most = np.full(k, np.inf) if given.most is None else given.most
        bounds = np.concatenate([np.c_[self.low, self.high], np.c_[np.full(k, -np.inf), most]])
        for method in ("highs-ds", "highs-ipm"):
            found = linprog(whole / unit, rows, ends, *same, bounds, method=method,
                            options=_SHARP)  # fmt: skip
            if found.status == 0:
                return unit * float(found.fun)
        return None

    def gain(self, move: Floats, stiff: Floats, centre: Floats, face: Programme | None = None
             ) -> float:  # fmt: skip
        """What a step from a move could gain of ``sum(stiff * (move - centre)^2) / 2``, at most."""
        slope = stiff * (move - centre)
        least = self.least(slope, face)
        return float("inf") if least is None else float(slope @ move) - least

    def unmet(self, further: sparse.sparray) -> tuple[sparse.csr_array, Floats]:
        """Rows by which an ask is unmet, 0 in full and 1 as in the draft, by further variables."""
        k, n = len(self.group), len(self.draft)
        pick = sparse.csr_array((1 / self.reach, (np.arange(k), self.group)), shape=(k, n))
        at = self.wanted / self.reach
        rows = [sparse.hstack([pick, -further]), sparse.hstack([-pick, -further])]
        return sparse.vstack(rows).tocsr(), np.concatenate([at, -at])

    def met(self, move: Floats) -> Floats:
        """Satisfaction of each ask."""
        return 1 - np.abs(move[self.group] - self.wanted) / self.reach

    def programme(self, objective: str) -> Programme:
        """A linear aim, as what is to be small."""
        k, n = len(self.group), len(self.draft)
        if objective == "fairest":
            return Programme(np.ones(1), *self.unmet(sparse.csr_array(np.ones((k, 1)))))
        total = Programme(self.counts, *self.unmet(sparse.eye_array(k)))
        if objective == "satisfaction":
            return total
        best = self.counts.sum() - _known(self.least(programme=total))
        enough = self.counts.sum() - best + (1 - SHARE) * abs(best)
        eye, blank = sparse.eye_array(n), sparse.csr_array((n, k))
        rows = sparse.vstack([
            sparse.hstack([total.rows, sparse.csr_array((2 * k, n))]),
            sparse.hstack([eye, blank, -eye]), sparse.hstack([-eye, blank, -eye]),
            sparse.csr_array(np.concatenate([np.zeros(n), self.counts, np.zeros(n)])[None, :]),
        ])  # fmt: skip
        cost = np.concatenate([np.zeros(k), self.worth / self.worth.min()])
        ends = np.concatenate([total.ends, np.zeros(2 * n), [enough]])
        return Programme(cost, rows.tocsr(), ends)

    def further(self, objective: str, move: Floats) -> Floats:
        """The further variables of an aim's programme at a move."""
        unmet = 1 - self.met(move)
        if objective == "fairest":
            return np.array([unmet.max(initial=0.0)])
        return unmet if objective == "satisfaction" else np.concatenate([unmet, np.abs(move)])


def _known(found: float | None) -> float:
    if found is None:
        raise RuntimeError("the model finds nothing that keeps all rules")
    return found


@dataclass(frozen=True)
class Found:
    """An offer against the model.

    Attributes:
        off: by what share of it the aim misses its best value, or what it must keep.
        away: the same of the distance to the draft, among the weights that are the best.
        excess: the largest violation of a rule, in weight units.
        seconds: time of the offer.
        plain: time of one programme of the aim, stated and solved by scipy.
    """

    off: float
    away: float
    excess: float
    seconds: float
    plain: float


def held_against(model: Model, objective: str, seed: int = 0) -> Found:
    """An offer of the solver, and how far it is from the best that the model finds."""
    began = time.perf_counter()
    offer = solve(model.given, objective)
    seconds, began = time.perf_counter() - began, time.perf_counter()
    move = offer.weight[model.known] - model.draft
    excess, least = model.excess(move), 1e-4 * float(model.worth.max())
    stiff, centre = model.worth / model.doubt, np.zeros(len(move))
    if objective == "closest":
        pull = model.counts * model.worth[model.group] / model.own
        value = (stiff @ move**2 + pull @ (move[model.group] - model.wanted) ** 2) / 2
        np.add.at(centre, model.group, pull * model.wanted)
        np.add.at(stiff, model.group, pull)
        off = model.gain(move, stiff, centre / stiff) / max(least, float(value))
        return Found(off, 0.0, excess, seconds, time.perf_counter() - began)
    aim, at = model.programme(objective), model.further(objective, move)
    began = time.perf_counter()
    best = _known(model.least(programme=aim))
    plain, value = time.perf_counter() - began, float(aim.cost @ at)
    off = abs(value - best) / max(least / model.worth.min() if objective == "least_change" else 1.0,
                                  abs(best))  # fmt: skip
    unmet = 1 - model.met(move)
    if objective == "fairest":
        each = model.unmet(sparse.eye_array(len(unmet)))
        off = max(off, _raised(model, each, unmet, seed))
        face = Programme(np.zeros(len(unmet)), *each, unmet)
    else:
        if objective == "least_change":
            off = max(off, float(model.counts @ unmet - aim.ends[-1]) / max(1.0, aim.ends[-1]))
        row = sparse.csr_array(np.concatenate([np.zeros(len(move)), aim.cost])[None, :])
        face = Programme(aim.cost, sparse.vstack([aim.rows, row]), np.append(aim.ends, value))
    away = _unseen(lambda slack: model.gain(move, stiff, centre, face.wider(slack)),
                   max(least, float(stiff @ move**2) / 2))  # fmt: skip
    return Found(off, away, excess, seconds, plain)


def _raised(model: Model, each: tuple[Any, Floats], unmet: Floats, seed: int) -> float:
    """How much nearer asks of one level can come while none that has less loses; of a few levels.

    Those that have more may fall to the level. In yuan, as a share of those of all that must not
    lose: an ask about a few cases can gain much of its own by what no other notices.
    """
    rng, most = np.random.default_rng(seed), 0.0
    yuan = model.worth[model.group] * model.reach
    for one in rng.choice(unmet, min(_LEVELS, len(unmet)), replace=False):
        level, kept = np.abs(unmet - one) <= _SAME, unmet >= one - _SAME
        held = Programme(np.where(level, yuan, 0.0), *each, np.where(kept, unmet, one))
        now = float(held.cost @ unmet)

        def gain(slack: float, held: Programme = held, now: float = now) -> float:
            found = model.least(programme=held.wider(slack))
            return np.inf if found is None else now - found

        most = max(most, _unseen(gain, float(yuan[kept].sum())))
    return most


def _unseen(gain: Callable[[float], float], unit: float) -> float:
    """What could be gained without any slack, as a share of a unit, at most.

    Around an answer that is the only one, rounding may leave a solver nothing without slack. The
    best value of a linear programme is a concave function of what its rows allow, so at 0 it is
    no more than on the line through two points beyond. Where that line is steep, because what is
    worth little to some is worth much to others, the gain counts as what others would lose by it.
    """
    share = gain(0.0) / unit
    for slack in _SLACKS:
        if share <= _ENOUGH:
            break
        near, far = gain(slack) / unit, gain(2 * slack) / unit
        if np.isfinite(near) and np.isfinite(far):
            share = min(share, (2 * near - far) / max(1.0, (far - near) / slack))
    return float(max(0.0, share))


def run(problems: range, most: tuple[int, int, int] = MOST) -> pd.DataFrame:
    """A row an aim of each problem; ``off`` is infinite where there is no answer."""
    rows = []
    for seed in problems:
        given = random_problem(seed, most)
        model = Model(given)
        size = {"seed": seed, "groups": len(given.groups), "hospitals": len(given.hospitals),
                "asks": len(given.asks) + len(given.decided)}  # fmt: skip
        for objective in OBJECTIVES:
            try:
                found = held_against(model, objective, seed)
            except (DrgError, RuntimeError) as error:
                print(f"  problem {seed}, {objective}: {error}")
                found = Found(np.inf, np.inf, np.inf, np.nan, np.nan)
            rows.append({**size, "objective": objective, **asdict(found)})
    return pd.DataFrame(rows)


def show(rows: pd.DataFrame, line: Callable[[str, float, str], None]) -> None:
    """Every aim of the problems against the model, printed."""
    problems = rows["seed"].nunique()
    sizes = (f"{rows[name].min():,} to {rows[name].max():,} {name}"
             for name in ("groups", "hospitals", "asks"))  # fmt: skip
    print(f"compromise: {problems} problems of {', '.join(sizes)}")
    for objective, one in rows.groupby("objective", sort=False):
        times = one["seconds"] / one["plain"]
        line(f"  {objective}: answers", float(np.isfinite(one["off"]).sum()), f"{problems}")
        line("    off the best value, in 1e-7", 1e7 * one["off"].max(), "<= 10")
        line("    a rule exceeded, in 1e-7 of a weight", 1e7 * one["excess"].max(), "<= 1")
        line("    farther from the draft than need be, in 1e-7", 1e7 * one["away"].max(), "<= 10")
        line("    time over that of one plain programme, median", times.median(), "-")
        line("    the same, the longest", times.max(), "-")


def measure(rows: int, line: Callable[[str, float, str], None]) -> None:
    """200 problems of up to the largest size with a million rows, and so many of small ones."""
    most = MOST if rows >= 100_000 else (60, 20, 80)
    show(run(range(max(rows // 5000, 10)), most), line)
