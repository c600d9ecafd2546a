"""Trials (试算) of other figures: the settled year, the years ahead, and draws of them.

What a target asks is worked out only when it is asked for: the settled year, then the years ahead
under a scenario, then draws of those. All trials have the same random numbers, so that two of them
differ by their figures alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.hospitals import Hospitals
from budget.forecast.files import check as check_scenarios
from budget.policy.document import Policy
from budget.pools.money import LastYear
from budget.projection.cells import Cells
from budget.projection.equilibrium import reactions
from budget.projection.joining import Everybody
from budget.projection.policy import changed_policy
from budget.projection.prices import Prices
from budget.projection.repricing import reading, repricing
from budget.projection.scenario import BASELINE, Change, Scenario
from budget.projection.years import Projection, project
from budget.search.document import OUTCOMES, Goal, SearchDocument
from budget.search.policy import Outcomes, changed, outcomes, outcomes_ahead
from budget.settlement.settled import settle
from budget.uncertainty.draws import Draws
from budget.uncertainty.intervals import doubts_of, linear, priors_of
from budget.uncertainty.priors import Numbers
from budget.uncertainty.simulate import simulate
from drg.errors import DrgError, problem
from drg.language import say
from weights.table import WeightTable

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stand:
    """How a target of years ahead stands in a trial; money in yuan to the fen, shares to 1e-6.

    Attributes:
        value: what is held against the bounds: the worst year or the sum; the quantile; or what is
            reached in all draws but the share that may miss it.
        year: the year ahead, from 1, that is worst; None for a sum.
        by_year: the outcome as projected, or its quantile, in each year.
        missed: share of draws that miss the bounds in each year; none without draws, or of a sum.
        share: share of draws that miss them in any of the years, or in sum; None without draws.
        error: Monte-Carlo standard error, of ``share`` or, for a quantile, of ``value``.
    """

    value: float
    year: int | None
    by_year: tuple[float, ...]
    missed: tuple[float, ...] = ()
    share: float | None = None
    error: float | None = None


class World:
    """The cases of a settled year, and what is assumed of the years ahead.

    Attributes:
        scenario: what is assumed, over the years that targets ask for.
        settlements: how often the cases were settled.
        simulations: how often years were drawn.
    """

    def __init__(
        self,
        source: Path,
        claims: Claims,
        weights: WeightTable,
        policy: Policy,
        hospitals: Hospitals,
        year: int,
        document: SearchDocument,
        scenario: Scenario | None = None,
        *,
        last_year: LastYear | None = None,
        **how: Any,
    ) -> None:
        """Prepare; ``source`` is read again only where the scenario asks for other cases.

        Raises:
            DrgError: a table of hospitals that join cannot be used.
        """
        count = document.years
        assumed = BASELINE if scenario is None else scenario
        change = {"1": Change(), **{k: v for k, v in assumed.change.items() if int(k) <= count}}
        self.scenario = assumed.model_copy(update={"years": count, "change": change})
        self.document, self.policy, self.weights = document, policy, weights
        self.claims, self.hospitals, self.year = claims, hospitals, year
        self.last_year = last_year
        self.settlements = self.simulations = 0
        self._everybody = Everybody.of(hospitals, [self.scenario])
        self._read = reading(source, self._everybody, year, self.scenario, **how)
        self._cases: dict[tuple[str, str, tuple[str, ...]], Claims] = {}
        self._react = reactions(self.scenario.behaviour)
        self._trials: dict[tuple[float, ...], Trial] = {}
        self._last: tuple[Trial, Projection] | None = None
        self._numbers = Numbers()
        self._drawn: tuple[Trial, int, dict[str, Floats]] | None = None

    def trial(self, values: Mapping[str, float]) -> Trial:
        """The trial of a value for each row of the document's figures."""
        key = tuple(values[row.name] for row in self.document.figures)
        if key not in self._trials:
            named = {k: values[row.name] for row in self.document.figures for k in row.keys}
            self._trials[key] = Trial(self, named)
        return self._trials[key]

    def trials(self) -> tuple[Trial, ...]:
        """All trials so far."""
        return tuple(self._trials.values())

    def settled(self, rules: Policy) -> Outcomes:
        """The settled year under a policy."""
        self.settlements += 1
        return outcomes(settle(self.claims, self.weights, rules, self.hospitals, self.year,
                               last_year=self.last_year))  # fmt: skip

    def projection(self, trial: Trial) -> Projection:
        """The years ahead of a trial; that of the last one asked for is kept."""
        if self._last is None or self._last[0] is not trial:
            rules = changed(self.policy, trial.figures)
            again = repricing(self._of_year, self.weights, rules, self._everybody.hospitals,
                              self.year, self.scenario, last_year=self.last_year)  # fmt: skip

            def counted(number: int, spent: Mapping[str, float], prices: Prices | None) -> Cells:
                self.settlements += 1
                return again(number, spent, prices)

            found = project(self._base, self.scenario, reprice=counted, react=self._react)
            self._last = trial, found
        return self._last[1]

    def drawn(self, trial: Trial, seed: int) -> dict[str, Floats]:
        """Draws of the years ahead by target (D, Y), as told; the last ones are kept."""
        last = self._drawn
        if last is None or last[0] is not trial or last[1] != seed:
            self.simulations += 1
            held = self.projection(trial)
            draws = simulate(linear(held), priors_of(held), self.sampled[0], seed=seed,
                             numbers=self._numbers)  # fmt: skip
            last = trial, seed, {
                goal.name: _rounded(_of_draws(goal, draws, held), goal)
                for goal in self.document.targets if goal.drawn
            }  # fmt: skip
            self._drawn = last
        return last[2]

    def doubts(self, trial: Trial) -> list[dict[str, Any]]:
        """What is drawn, each with its spread and source."""
        return doubts_of(self.projection(trial)) if self.document.sampled is not None else []

    @property
    def sampled(self) -> tuple[int, int]:
        """Draws and their seed."""
        return self.document.sampled or (0, 0)

    @cached_property
    def _base(self) -> Cells:
        """The settled year under the policy in force, with room for those who join."""
        self.settlements += 1
        claims = self.claims
        if self._everybody.tables:
            claims = self._read(self.policy, self.weights, 0)
        return Cells.of(settle(claims, self.weights, self.policy, self._everybody.hospitals,
                               self.year, last_year=self.last_year))  # fmt: skip

    def _of_year(self, _: Policy, table: WeightTable, number: int) -> Claims:
        """Cases by what the scenario changes alone: figures of a search ask for no other ones."""
        now = changed_policy(self.policy, self.scenario, number)
        key = now.digest, table.digest, self.scenario.joining(number)
        if key not in self._cases:
            same = key == (self.policy.digest, self.weights.digest, ())
            self._cases[key] = self.claims if same and not self._everybody.tables else (
                self._read(now, table, number))  # fmt: skip
        return self._cases[key]


@dataclass(eq=False)
class Trial(Mapping[str, "float | Floats"]):
    """Outcomes by name under some figures: of the settled year, and of targets of years ahead."""

    world: World
    figures: Mapping[str, float]
    known: dict[str, float | Floats] = field(default_factory=dict)

    def __getitem__(self, key: str) -> float | Floats:
        if key not in self.known:
            goal = self._goals.get(key)
            self.known[key] = self.settled[key] if goal is None else self._held(goal)
        return self.known[key]

    def __iter__(self) -> Iterator[str]:
        return iter((*self.settled, *self._goals))

    def __len__(self) -> int:
        return len(self.settled) + len(self._goals)

    def __contains__(self, key: object) -> bool:
        return key in self._goals or key in self.settled

    @cached_property
    def settled(self) -> Outcomes:
        """The settled year."""
        return self.world.settled(changed(self.world.policy, self.figures))

    @cached_property
    def path(self) -> tuple[Outcomes, ...]:
        """The years ahead as projected."""
        return tuple(map(outcomes_ahead, self.world.projection(self).years[1:]))

    def stand(self, goal: Goal, *, fresh: bool = False) -> Stand:
        """How a target of years ahead stands.

        Args:
            goal: the target.
            fresh: in draws of the next seed, which no trial was chosen by.
        """
        first = goal.ahead[0]
        path = self._years(goal)
        if not goal.drawn:
            if goal.over == "sum":
                return Stand(_told(path.sum(), goal), None, tuple(path.tolist()))
            place = int(np.argmin(_room(path, goal)))
            return Stand(float(path[place]), first + place, tuple(path.tolist()))
        held = self._draws(goal, 1 if fresh else 0)
        miss = _room(held, goal) < 0
        missed, share = miss.mean(axis=0), float(miss.any(axis=1).mean())
        single = goal.over == "sum"
        reached = self._held_of(goal, held)
        if goal.quantile is None:
            place, by_year = int(np.argmax(missed)), path
            value, error = float(reached[0]), float(np.sqrt(share * (1.0 - share) / len(held)))
        else:
            place, by_year = int(np.argmin(_room(reached, goal))), path if single else reached
            value, error = float(reached[place]), _quantile_error(held[:, place], goal.quantile)
        return Stand(
            value, None if single else first + place, tuple(by_year.tolist()),
            () if single else tuple(missed.round(6).tolist()), round(share, 6), round(error, 6),
        )  # fmt: skip

    def _held(self, goal: Goal) -> Floats:
        """What is held against the bounds of a target of years ahead."""
        if goal.drawn:
            return self._held_of(goal, self._draws(goal))
        path = self._years(goal)
        return np.array([_told(path.sum(), goal)]) if goal.over == "sum" else path

    @staticmethod
    def _held_of(goal: Goal, held: Floats) -> Floats:
        """The quantile of each year, or what is reached in all draws but the share."""
        if goal.quantile is not None:
            return np.array([_told(one, goal) for one in np.quantile(held, goal.quantile, axis=0)])
        spare = int(np.floor((goal.at_most_share or 0.0) * len(held) + 1e-9))
        if goal.low is not None:
            return np.sort(held.min(axis=1))[spare : spare + 1]
        return np.sort(held.max(axis=1))[::-1][spare : spare + 1]

    def _years(self, goal: Goal) -> Floats:
        """The outcome in each of a target's years; of losses the largest."""
        return np.array([_told(np.max(self.path[at - 1][goal.key]), goal) for at in goal.ahead])

    def _draws(self, goal: Goal, after: int = 0) -> Floats:
        """Draws of the outcome in a target's years, or of their sum. (D, years)."""
        drawn = self.world.drawn(self, self.world.sampled[1] + after)[goal.name]
        held = drawn[:, [at - 1 for at in goal.ahead]]
        return _rounded(held.sum(axis=1, keepdims=True), goal) if goal.over == "sum" else held

    @cached_property
    def _goals(self) -> dict[str, Goal]:
        return {goal.held: goal for goal in self.world.document.targets if goal.ahead}


def told(value: float | Floats, outcome: str) -> float:
    """An outcome as one number: yuan to the fen, shares to six decimals; losses the largest."""
    return round(float(np.max(value)), _decimals(outcome)) + 0.0


def _told(value: float, goal: Goal) -> float:
    return told(value, goal.outcome)


def _rounded(values: Floats, goal: Goal) -> Floats:
    return np.round(values, _decimals(goal.outcome)) + 0.0


def _decimals(outcome: str) -> int:
    return 2 if OUTCOMES[outcome][2] == "yuan" else 6


def _room(values: Floats, goal: Goal) -> Floats:
    """What is left to the nearer bound."""
    low = np.inf if goal.low is None else values - goal.low
    high = np.inf if goal.high is None else goal.high - values
    return np.asarray(np.minimum(low, high))


def _quantile_error(values: Floats, q: float) -> float:
    """Standard error of a quantile: half of what lies between those a standard error apart."""
    off = np.sqrt(q * (1.0 - q) / len(values))
    low, high = np.quantile(values, np.clip([q - off, q + off], 0.0, 1.0))
    return float(high - low) / 2.0


def _of_draws(goal: Goal, draws: Draws, held: Projection) -> Floats:
    """Draws of an outcome of the region, or of a pool. (D, Y)."""
    if goal.outcome in ("balance", "balance_before_cut"):
        left = draws.of("balance", "pool")
        left = left + draws.cut if goal.outcome == "balance" else left
        return np.asarray(left.sum(axis=2) if goal.pool is None else
                          left[..., draws.pools.index(goal.pool)])  # fmt: skip
    if goal.outcome == "budget_cut":
        return np.asarray(draws.cut.sum(axis=2))
    if goal.outcome == "largest_loss":
        loss = -draws.of("gain_share")
        return np.asarray(np.where(np.isfinite(loss), loss, -np.inf).max(axis=2))
    if goal.outcome == "patient_share":
        cells = [year.cells for year in held.years[1:]]
        beside, patient = (np.stack([getattr(one, name).sum(axis=1) for one in cells])
                           for name in ("beside", "patient"))  # fmt: skip
        part = np.divide(patient, beside, out=np.ones_like(beside), where=beside > 0)
        return np.asarray((draws.beside * part).sum(axis=(2, 3)) / draws.cost.sum(axis=(2, 3)))
    return np.asarray(draws.of(goal.outcome, "region")[..., 0])


def check_ahead(document: SearchDocument, policy: Policy, scenario: Scenario | None) -> None:
    """Hold a search against what is assumed of the years ahead.

    Raises:
        DrgError: the scenario cannot be laid over the policy, has too few years, decides a figure
            of the search itself, or leaves a year without the pool of a target.
    """
    if scenario is None:
        return
    check_scenarios(policy, [scenario])
    if scenario.id == document.id:
        raise problem(say("与情景的编号相同", "is the id of the scenario"), file=document.place,
                      key="id", found=document.id,
                      expected=say("寻优结果的编号", "an id for what is found"))  # fmt: skip
    for goal in document.targets:
        last = max(goal.ahead, default=1)
        if last > scenario.years:
            raise problem(say("超出情景的年数", "beyond the years of the scenario"),
                          file=document.place,
                          key=f"targets.{goal.name}.{'years' if goal.year is None else 'year'}",
                          found=last, expected=say(f"不大于 {scenario.years}（{scenario.place}）",
                                                   f"at most {scenario.years} "
                                                   f"({scenario.place})"))  # fmt: skip
    for end in ("low", "high"):
        ends = {key: float(getattr(row, end)) for row in document.figures for key in row.keys}
        tried = changed(policy, ends)
        for number in sorted(int(one) for one in scenario.change if int(one) <= document.years):
            try:
                rules = changed_policy(tried, scenario, number)
            except DrgError as error:
                at = say(f"参数取 {end} 时", f"figures at their {end}")
                raise DrgError(f"{document.place}: {at}: {error}") from None
            found = {leaf.key: leaf.value for leaf in rules.leaves()}
            for row in document.figures:
                for key in row.keys:
                    if found.get(key) != ends[key]:
                        raise problem(say(f"情景自行设定了 {key}", f"the scenario decides {key}"),
                                      file=document.place, key=f"figures.{row.name}.keys",
                                      found=f"{scenario.place}: change.{number}",
                                      expected=say("情景不改变的参数",
                                                   "a figure that the scenario leaves "
                                                   "alone"))  # fmt: skip
            pools = [pool.name for pool in rules.pools]
            for goal in document.targets:
                years = [at for at in goal.ahead if at >= number]
                if goal.pool is not None and goal.pool not in pools and years:
                    raise problem(say(f"第 {years[0]} 年没有此基金池",
                                      f"not a pool of year {years[0]}"), file=document.place,
                                  key=f"targets.{goal.name}.pool", found=goal.pool,
                                  expected=", ".join(pools))  # fmt: skip
