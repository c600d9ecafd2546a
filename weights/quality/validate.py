"""Validation (样本外检验): which recipe serves a region, judged on cases that it has not seen.

Weights are fitted on one part of the hospitals (or years) and held against the plain means of
the other. All recipes see the same splits, so that their differences are paired; as splits share
cases, the interval of a mean difference is widened after Nadeau and Bengio, Machine Learning
52:239 (2003).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from drg.cases.privacy import FEWEST
from drg.errors import one_of, problem
from drg.language import say
from weights.cases.observations import Bools, Floats, Observations
from weights.cases.statistics import Statistics, reduce
from weights.fit.calibrator import Calibrator, calibrator
from weights.fit.recipe import RECOMMENDED

WAYS = ("halves", "hospitals", "years")
RAW, CHOSEN = "raw", "recommended"
RECIPES: dict[str, dict[str, Any]] = {
    RAW: {},
    CHOSEN: RECOMMENDED,
    "ratio": {"trim": "ratio"},
    "ratio, shrink, order": {"trim": "ratio", "shrink": True, "order": True},
    "log3sd, hsrv": {"trim": "log3sd", "estimate": "hsrv"},
    "winsor, hsrv, shrink": {"trim": "winsor", "estimate": "hsrv", "shrink": True},
    "winsor_median, mean, shrink, order": {**RECOMMENDED, "estimate": "mean"},
    "winsor_median, hsrv, shrink, order": {**RECOMMENDED, "estimate": "hsrv"},
    "winsor_median, mixed, shrink, order": {**RECOMMENDED, "estimate": "mixed"},
}
_FOLDS = 10
_GROUPS, _CASES = 20, 20  # groups whose cases are looked at, and cases that are told


@dataclass(frozen=True)
class Validation:
    """Errors of recipes on cases that they have not seen.

    Attributes:
        errors: error of each recipe (columns) in each split (rows) of each way, index ``way,
            split``: root of the case-weighted mean squared relative error of weights against the
            means of the cases not seen, less what the chance of single cases makes of it.
        groups: ``drg, cases, raw, weight, trimmed, gain``: of each group, what the recommended
            recipe (or the first after the plain means) gains over the plain means, as a share of
            the whole, and how many of its cases the trimming takes out or changes.
        cases: ``row, drg, hospital_id, times, share``: the single cases of those groups of five or
            more that plain means owe most of their error to. ``row`` is its place in the input
            from 0, NaN where that was not kept; ``times`` its cost over the group's median;
            ``share`` what of the plain means' squared error would go without it.
        recipe: the recipe whose gain that is.
        shares: for each way the cases judged over those fitted on.
    """

    errors: pd.DataFrame
    groups: pd.DataFrame
    cases: pd.DataFrame
    recipe: str
    shares: Mapping[str, float]

    def table(self) -> pd.DataFrame:
        """``way, recipe, error, against_raw, low, high, better, splits``, the best first.

        ``against_raw`` is the mean of error over that of the plain means, less 1; ``low`` and
        ``high`` its interval of 95%; ``better`` the splits in which the recipe does better.
        """
        rows = []
        of_way: dict[Any, pd.DataFrame] = dict(iter(self.errors.groupby(level="way")))
        for way in filter(of_way.__contains__, WAYS):
            held, judged = of_way[way], []
            raw = held[RAW].to_numpy()
            for recipe in held:
                own = held[recipe].to_numpy()
                apart, count = own / raw - 1.0, len(own)
                spread = apart.std(ddof=1) if count > 1 else np.nan
                reach = float(stdtrit(max(count - 1, 1), 0.975)) * spread * np.sqrt(
                    1.0 / count + self.shares[way]
                )  # fmt: skip
                same = recipe == RAW
                judged.append((way, recipe, own.mean(), apart.mean(),
                               np.nan if same else apart.mean() - reach,
                               np.nan if same else apart.mean() + reach,
                               int((own < raw).sum()), count))  # fmt: skip
            rows += sorted(judged, key=itemgetter(2))
        names = ["way", "recipe", "error", "against_raw", "low", "high", "better", "splits"]
        return pd.DataFrame(rows, columns=names)


def validate(
    observed: Observations,
    recipes: Mapping[str, Mapping[str, Any] | Calibrator] | None = None,
    *,
    ways: tuple[str, ...] = ("halves",),
    splits: int = 20,
    seed: int = 0,
    progress: Callable[[int, int | None], None] | None = None,
) -> Validation:
    """Compare recipes on cases that they have not seen.

    Args:
        observed: grouped cases with hospitals.
        recipes: recipes by name; the plain means are judged beside them. :data:`RECIPES` if None.
        ways: ``halves`` of the hospitals drawn at random, each fitted and judged by the other;
            ``hospitals``, a tenth of them left out at a time; ``years``, each judged by the next.
        splits: number of random halves.
        seed: of the draws.
        progress: called with fits done and their number.

    Raises:
        DrgError: there are too few hospitals or years, or a recipe cannot be done with this data.
    """
    how: dict[str, Calibrator] = {RAW: Calibrator()}
    for name, recipe in (RECIPES if recipes is None else recipes).items():
        one = recipe if isinstance(recipe, Calibrator) else calibrator(recipe)
        how[name] = Calibrator(**{**one.get_params(), "bootstrap": None})
    ways = tuple(dict.fromkeys(ways))
    for way in ways:
        if way not in WAYS:
            raise problem(say("不是可用的取值", "not known"), key="way", found=way,
                          expected=one_of(WAYS))  # fmt: skip
    if not 2 <= splits <= 1000:
        raise problem(say("超出范围", "out of range"), key="splits", found=splits,
                      expected=say("2 至 1,000", "2 to 1,000"))  # fmt: skip
    everything = reduce(observed, logs=False)
    unit = everything.mean_cost / (everything.cost.sum() / everything.cases.sum())
    chosen = CHOSEN if CHOSEN in how else next(iter([*how][1:]), RAW)
    cut = [(way, split, parts) for way in ways
           for split, parts in enumerate(_splits(observed, way, splits, seed))]  # fmt: skip
    whole, done = sum(len(parts) for _, _, parts in cut) * len(how), 0
    errors, index = [], []
    gain, shares = np.zeros(len(unit)), dict.fromkeys(ways, 0.0)
    plain = np.zeros(len(unit))
    for way, split, parts in cut:
        squares = np.zeros((len(parts), len(how)))
        for place, (fit, judge) in enumerate(parts):
            seen, unseen = observed.select(fit), reduce(observed.select(judge), logs=False)
            weights = np.full((len(how), len(unit)), np.nan)
            for i, one in enumerate(how.values()):
                fitted = Calibrator(**one.get_params()).fit(seen)
                weights[i] = fitted.weights_.reindex(list(observed.groups))
                done += 1
                if progress is not None:
                    progress(done, whole)
            squares[place], each = _judged(weights, unseen, unit)
            plain += each[0]
            gain += each[0] - each[list(how).index(chosen)]
            shares[way] += judge.sum() / fit.sum() / len(parts)
        errors.append(np.sqrt(squares.mean(axis=0)))
        index.append((way, split))
    shares = {way: total / sum(one == way for one, _ in index) for way, total in shares.items()}
    frame = pd.DataFrame(errors, pd.MultiIndex.from_tuples(index, names=["way", "split"]), [*how])
    deciding = _cases(observed, [part for _, _, parts in cut for part in parts], plain, unit)
    groups = _groups(observed, everything.group_cases, unit, how[chosen], gain)
    return Validation(frame, groups, deciding, chosen, shares)


def _splits(
    observed: Observations, way: str, splits: int, seed: int
) -> Iterator[list[tuple[Bools, Bools]]]:
    """Splits of a way: parts to fit on and to judge by, each of shape (N,)."""
    if way == "years":
        known = [] if observed.year is None else sorted(set(observed.year.tolist()) - {-1})
        if observed.year is None or len(known) < 2:
            raise problem(say("至少需要两个出院年份", "needs two years of discharge"),
                          key="years", found=", ".join(map(str, known)))  # fmt: skip
        for before, after in pairwise(known):
            yield [(observed.year == before, observed.year == after)]
        return
    count = len(observed.hospitals)
    treating = np.flatnonzero(np.bincount(observed.hospital, minlength=count))
    if not observed.hospitals or len(treating) < 4:
        raise problem(say("至少需要四家医疗机构", "needs four hospitals"), key=way,
                      found=len(observed.hospitals))  # fmt: skip
    rng = np.random.default_rng(seed)
    if way == "hospitals":
        for part in np.array_split(rng.permutation(treating), min(_FOLDS, len(treating))):
            out = np.isin(observed.hospital, part)
            yield [(~out, out)]
        return
    for _ in range(splits):
        half = np.isin(observed.hospital, rng.permutation(treating)[: len(treating) // 2])
        yield [(half, ~half), (~half, half)]


def _judged(weights: Floats, unseen: Statistics, unit: Floats) -> tuple[Floats, Floats]:
    """Mean squared relative error of each recipe, and of which groups it is made. (K,), (K, G)."""
    n, mean = unseen.group_cases, unseen.mean_cost
    both = np.isfinite(weights).all(axis=0) & (n > 0)
    if not both.any():
        raise problem(say("没有病组两边都有病例", "no group has cases on both sides"), key="splits")
    scale = float((n * mean)[both].sum() / n[both].sum())
    found = np.where(both, weights, 0.0)
    found = found * (n[both].sum() / (found * n).sum(axis=1))[:, None]
    apart = np.where(both, (found - np.where(both, mean, 0.0) / scale) / unit, 0.0)
    each = n * apart**2 / n[both].sum()
    variance = unseen.variance
    chance = 0.0
    if variance is not None:
        of_mean = np.where(both & (n > 1), variance / scale**2 / unit**2, 0.0)
        chance = float(np.nansum(of_mean) / n[both].sum())
    return np.maximum(each.sum(axis=1) - chance, 1e-8), each


def _cases(
    observed: Observations, parts: list[tuple[Bools, Bools]], plain: Floats, unit: Floats
) -> pd.DataFrame:
    """Cases without which plain means would do better, most first; none of totals.

    Args:
        observed: the cases.
        parts: what is fitted on and judged by, shapes (N,).
        plain: squared error of plain means by group, summed over the parts. Shape (G,).
        unit: plain weights of all cases. Shape (G,).
    """
    number = np.bincount(observed.drg, minlength=len(plain))
    most = np.argsort(np.where(number >= FEWEST, -plain, 0.0), kind="stable")[:_GROUPS]
    looked = np.zeros(len(plain), np.bool_)
    looked[most] = (plain[most] > 0) & (number[most] >= FEWEST) & (not observed.aggregated)
    at = np.flatnonzero(looked[observed.drg])
    drg, cost = observed.drg[at], observed.cost[at]
    owed = np.zeros(len(at))
    for fit, judge in parts:
        seen, unseen = (reduce(observed.select(one), logs=False) for one in (fit, judge))
        n, mean, m = seen.group_cases, seen.mean_cost, unseen.mean_cost
        both = np.isfinite(mean) & np.isfinite(m)
        judged = unseen.group_cases[both]
        scale = (judged @ m[both]) / (judged @ mean[both])
        rest = np.maximum(n[drg] - 1.0, 1.0)
        without = np.where(n[drg] > 1, (n[drg] * mean[drg] - cost) / rest, mean[drg])
        of_case = (mean[drg] * scale - m[drg]) ** 2 - (without * scale - m[drg]) ** 2
        share = (unseen.group_cases / unit**2)[drg] * of_case
        middle = (judged @ m[both]) / judged.sum()
        owed += np.where(fit[at] & both[drg], share, 0.0) / (middle**2 * judged.sum())
    first = np.lexsort((observed.hospital[at], drg, cost, -owed))[:_CASES]
    first = first[owed[first] > 0]
    medians = pd.Series(cost).groupby(drg).median()
    rows = np.full(len(first), np.nan) if observed.row is None else observed.row[at[first]] * 1.0
    return pd.DataFrame({
        "row": rows, "drg": [observed.groups[g] for g in drg[first]],
        "hospital_id": [observed.hospitals[h] for h in observed.hospital[at[first]]],
        "times": cost[first] / medians.reindex(drg[first]).to_numpy(),
        "share": owed[first] / plain.sum(),
    })  # fmt: skip


def _groups(
    observed: Observations, cases: Floats, unit: Floats, how: Calibrator, gain: Floats
) -> pd.DataFrame:
    fitted = Calibrator(**how.get_params()).fit(observed)
    frame = fitted.table_.frame.set_index("drg").reindex(list(observed.groups))
    touched = np.zeros(len(observed.groups))
    if fitted.trimmed_ is not None:
        trimmed = ~fitted.trimmed_.keep | (fitted.trimmed_.cost != observed.cost)
        touched += np.bincount(observed.drg[trimmed], minlength=len(touched))
    found = pd.DataFrame({
        "drg": list(observed.groups), "cases": cases, "raw": unit,
        "weight": frame["weight"].to_numpy(), "trimmed": touched,
        "gain": gain / np.abs(gain.sum()) if gain.sum() else gain,
    })  # fmt: skip
    return found.sort_values(["gain", "drg"], ascending=[False, True], ignore_index=True)
