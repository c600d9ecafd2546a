"""Offers against a model of their own, stated anew from the problem.

``python tests/weights/negotiation/independent.py 800 300 1000 3`` tries three problems of up to 800
groups, 300 hospitals and 1,000 asks; the tests try small ones.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import cvxpy
import numpy as np
from compromise_cases import make

from weights.negotiation.compromise.offer import OBJECTIVES, SHARE, Offer, solve
from weights.negotiation.compromise.problem import Problem

cp: Any = cvxpy  # its types are incomplete


def rules(problem: Problem, w: Any) -> list[Any]:
    """What must hold of a table of weights, all of which have a draft."""
    free = np.flatnonzero(~problem.frozen)
    fixed = np.flatnonzero(problem.frozen)
    found = [w[free] >= problem.low[free], w[free] <= problem.high[free]]
    if len(fixed):
        found.append(w[fixed] == problem.draft[fixed])
    if problem.neutral != "none":
        by = problem.value if problem.neutral == "yuan" else problem.volume
        found.append((by / by.max()) @ (w - problem.draft) == 0)
    if problem.largest_loss is not None and len(problem.hospitals):
        unit = np.abs(problem.effect).max(axis=1)
        there = unit > 0
        part = problem.effect[there] / unit[there, None]
        limit = problem.largest_loss * problem.revenue[there] / unit[there]
        found.append(part @ (w - problem.draft) >= -limit)
    asked = {ask.group for ask in problem.asks}
    for ladder in problem.families.ladders():
        draft = problem.draft[list(ladder)]
        soft = (np.diff(draft) > 0).any() and not asked & set(map(int, ladder))
        for i, graver in enumerate(ladder):
            for lighter in ladder[i + 1 :] if soft else ladder[i + 1 : i + 2]:
                least = min(0.0, problem.draft[graver] - problem.draft[lighter]) if soft else 0.0
                found.append(w[int(graver)] - w[int(lighter)] >= least)
    return found


def best(problem: Problem, objective: str) -> float:
    """The best value of an aim: yuan of disagreement or moved, total or least satisfaction."""
    w = cp.Variable(len(problem.groups))
    held = rules(problem, w)
    met = 1 - cp.abs(w[problem.place] - problem.asked) / problem.distance
    total = problem.importance @ met
    if objective == "closest":
        pull = problem.importance * problem.worth[problem.place] / problem.demand_doubt
        size = float(problem.worth.max())
        off = cp.sum_squares(cp.multiply(np.sqrt(problem.worth / problem.doubt / size),
                                         w - problem.draft))  # fmt: skip
        off += cp.sum_squares(cp.multiply(np.sqrt(pull / size),
                                          w[problem.place] - problem.asked))  # fmt: skip
        return size / 2 * float(cp.Problem(cp.Minimize(off), held).solve(solver=cp.CLARABEL))
    if objective == "fairest":
        return float(cp.Problem(cp.Maximize(cp.min(met)), held).solve(solver=cp.HIGHS))
    most = float(cp.Problem(cp.Maximize(total), held).solve(solver=cp.HIGHS))
    if objective == "satisfaction":
        return most
    enough = total >= most - (1 - SHARE) * abs(most)
    size = float(problem.worth.max())
    moved = (problem.worth / size) @ cp.abs(w - problem.draft)
    return size * float(cp.Problem(cp.Minimize(moved), [*held, enough]).solve(solver=cp.HIGHS))


def reached(problem: Problem, offer: Offer) -> float:
    """What an offer comes to by its own aim."""
    if offer.objective == "closest":
        return offer.disagreement_yuan
    if offer.objective == "fairest":
        return offer.least_satisfaction
    if offer.objective == "satisfaction":
        return float(problem.importance @ offer.satisfaction)
    return float(problem.worth @ np.abs(offer.weight - problem.draft))


def off(problem: Problem, objective: str) -> tuple[float, float]:
    """By what share of it an offer misses the best value, and its largest violation."""
    offer = solve(problem, objective)
    found, wanted = reached(problem, offer), best(problem, objective)
    unit = 1.0 if objective in ("fairest", "satisfaction") else float(problem.worth.max()) * 1e-4
    return abs(found - wanted) / max(unit, abs(wanted)), offer.excess


if __name__ == "__main__":
    most = list(map(int, sys.argv[1:4]))
    for seed in range(int(sys.argv[4])):
        sizes = np.random.default_rng(seed).uniform(0.3, 1.0, 3)
        groups, hospitals, asks = (int(n * part) for n, part in zip(most, sizes, strict=True))
        held = make(seed, groups=groups, hospitals=hospitals, asks=asks)
        for one in OBJECTIVES:
            began = time.perf_counter()
            miss, excess = off(held, one)
            sys.stdout.write(
                f"{seed}: {groups} x {hospitals} x {asks} {one}: off {miss:.1e}, "
                f"excess {excess:.1e}, {time.perf_counter() - began:.1f} s\n"
            )
