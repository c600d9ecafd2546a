"""Searching a file: cases read once, the least change found, the curve, and what to go on with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from budget.cases.hospitals import Hospitals, read_hospitals
from budget.policy.describe import step_zh
from budget.policy.document import Leaf, Policy
from budget.pools.money import LastYear
from budget.projection.assumptions import inputs_of
from budget.projection.scenario import Scenario
from budget.search.ahead import Trial, World, check_ahead, told
from budget.search.document import OUTCOMES, Goal, SearchDocument, check
from budget.search.overlay import extended, policy_document, scenario_document, terms
from budget.search.policy import Outcomes, changed, losses
from budget.search.solve import Found, Parameter, Reached, Target, search
from budget.settlement.files import read_claims
from budget.settlement.settled import Settlement, settle
from drg import language
from drg.errors import problem
from drg.language import both
from drg.provenance import hash_file, hash_text, record
from drg.tables import RejectFile, whole_folder, write_table
from drg.tables.atomic import write_record, write_text
from drg.tables.derived import without_formulas
from weights.table import WeightTable

Said = Callable[[str], None]
STEP, TOLERANCE, STARTS, CURVE_STARTS = 1e-2, 1e-9, 2, 1
CURVE, RECORD, POLICY, SCENARIO = (
    "policy_search.csv", "policy_search.json", "policy-found.toml", "scenario-found.toml",
)  # fmt: skip
RESULTS = (CURVE, RECORD, POLICY, SCENARIO, "rejects.csv")


@dataclass(frozen=True)
class Point:
    """One search.

    Attributes:
        bound: of the target that the curve moves; None for what was asked.
        found: what came out.
    """

    bound: float | None
    found: Found


@dataclass(frozen=True)
class Searched:
    """A searched policy.

    Attributes:
        document: what was looked for.
        world: the cases, and what is assumed of the years ahead.
        leaves: the figure in force by the name of each row of ``figures``.
        before: outcomes of the policy in force.
        points: what was asked, then the curve.
        ahead: outcomes of what was found in the next year: where no scenario says otherwise, the
            same cases settled with the money that the pools then have by their own rule.
        worst: id and name of the hospital that loses most, in force and as found.
        still: targets whose outcome no figure of the search moves.
        written: files.
    """

    document: SearchDocument
    world: World
    leaves: Mapping[str, Leaf]
    before: Trial
    points: tuple[Point, ...]
    ahead: Outcomes
    worst: tuple[tuple[str, str], tuple[str, str]]
    still: tuple[str, ...]
    written: tuple[Path, ...]

    @property
    def found(self) -> Found:
        """What was asked for."""
        return self.points[0].found

    def trial(self, point: Point) -> Trial:
        """What a search ended with."""
        return self.world.trial(point.found.parameters)


def search_file(
    source: str | PathLike[str],
    out: str | PathLike[str],
    weights: WeightTable,
    policy: Policy,
    hospitals: str | PathLike[str],
    year: int,
    document: SearchDocument,
    *,
    extends: str,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    last_year: LastYear | None = None,
    scenario: Scenario | None = None,
    inputs: Mapping[str, str | PathLike[str] | None] | None = None,
    accept_unreadable: bool = True,
    say: Said | None = None,
) -> Searched:
    """Search a policy on a year of grouped cases, and write what was found into a folder.

    The folder gets ``policy_search.csv``, ``policy_search.json`` and, when all targets can be met,
    ``policy-found.toml`` and ``scenario-found.toml``.

    Args:
        source: grouped cases.
        out: folder, made when it is not there.
        weights: relative weights.
        policy: the policy in force.
        hospitals: table of hospitals.
        year: the year to settle.
        document: what is looked for.
        extends: id or file of the policy, which the found one extends.
        mapping: mapping file for headers that are not recognised.
        sheet: sheet of a workbook.
        last_year: last year's fund spend in yuan by pool, or by pool and hospital.
        scenario: what is assumed of the years ahead, in place of the document's own.
        inputs: other files that were read, by what they are; hashed for the record.
        accept_unreadable: as in ``settle_file``; the cells are listed in ``rejects.csv``.
        say: called with what is being done.

    Raises:
        DrgError: a file or document cannot be used, or the policy asks for what is not there.
    """
    tell = say or (lambda _: None)
    source, out = Path(source), Path(out)
    held = check(document, policy)
    if document.id in policy.header.chain:
        raise problem(language.say("与政策本身的编号相同", "is the id of the policy itself"),
                      file=document.place, key="id", found=document.id,
                      expected=language.say("寻优结果的编号",
                                            "an id for what is found"))  # fmt: skip
    assumed = document.assumed() if scenario is None else scenario
    check_ahead(document, policy, assumed)
    table = read_hospitals(hospitals)
    others = {name: Path(path) for name, path in (inputs or {}).items() if path is not None}
    known = {} if assumed is None else inputs_of([assumed])
    files = {
        "hospitals": Path(hospitals),
        **others,
        **{name: Path(path) for name, path in known.items() if path is not None},
    }
    paths = [out / name for name in (CURVE, RECORD, POLICY, SCENARIO)]
    with whole_folder(out, RESULTS, (source, mapping, *files.values())) as folder:
        tell(language.say(f"读取 {source.name}", f"read {source.name}"))
        with RejectFile(folder / "rejects.csv") as rejects:
            claims = read_claims(source, weights, policy, table, year, mapping=mapping, sheet=sheet,
                                 rejects=rejects, accept_unreadable=accept_unreadable)  # fmt: skip
        world = World(source, claims, weights, policy, table, year, document, assumed,
                      last_year=last_year, mapping=mapping, sheet=sheet)  # fmt: skip
        before = world.trial({row.name: float(held[row.name].value) for row in document.figures})
        points = _points(world, held, before, tell)
        best = _found(document, policy, points[0].found)
        ends = [settle(claims, weights, one, table, year, last_year=last_year)
                for one in (policy, best)]  # fmt: skip
        world.settlements += len(ends)
        worst = (_worst(ends[0]), _worst(ends[1]))
        ahead = world.trial(points[0].found.parameters).path[0]
        feasible = points[0].found.feasible
        searched = Searched(document, world, held, before, points, ahead, worst, _still(world),
                            tuple(paths if feasible else paths[:2]))  # fmt: skip
        texts = {}
        if feasible:
            texts[POLICY] = policy_document(document, policy, best, extended(extends, out), year)
            texts[SCENARIO] = scenario_document(document, policy, best, year)
        write_table(folder / CURVE, _curve(searched))
        for name, text in texts.items():
            write_text(folder / name, text)
        about = {
            "year": year, "input": {"file": source.name, "sha256": hash_file(source)},
            "files": {name: hash_file(path) for name, path in files.items() if path.is_file()},
            "policy": {"id": policy.id, "sha256": policy.digest,
                       "chain": list(policy.header.chain)},
            "weights": {"id": weights.id, "sha256": weights.digest},
            "cases": len(claims),
            "found": {"sha256": best.digest if feasible else None},
            "hashes": {name: hash_file(folder / name) for name in (CURVE, *texts)},
            "warnings": ends[1].warnings,
        }  # fmt: skip
        write_record(folder / RECORD, _record(searched, about, table))
        return searched


def _still(world: World) -> tuple[str, ...]:
    """Targets whose outcome is the same in all trials, of which there are several."""
    found = []
    for goal in world.document.targets:
        values = [np.asarray(one.known[goal.held]).tobytes() for one in world.trials()
                  if goal.held in one.known]  # fmt: skip
        if len(values) > 1 and len(set(values)) == 1:
            found.append(goal.name)
    return tuple(found)


def _points(world: World, held: Mapping[str, Leaf], before: Trial, tell: Said) -> tuple[Point, ...]:
    """What was asked, then the curve, each from where the one before ended."""
    document, evaluate = world.document, world.trial
    parameters = [
        Parameter(row.name, float(held[row.name].value), row.low, row.high, row.scale or 0.0,
                  row.weight or 1.0, held[row.name].about.zh, held[row.name].about.en, row.step)
        for row in document.figures
    ]  # fmt: skip
    targets = [_target(one, before, world.year) for one in document.targets]
    options: dict[str, Any] = {"step": STEP, "tolerance": TOLERANCE}
    names = ", ".join(one.name for one in document.targets)
    tell(language.say(f"寻优 {names}", f"search {names}"))
    points = [Point(None, search(evaluate, parameters, targets, starts=STARTS, **options))]
    curve = document.curve
    if curve is None:
        return tuple(points)
    place = next(i for i, one in enumerate(document.targets) if one.name == curve.target)
    for bound in curve.bounds:
        tell(language.say(f"寻优 {curve.target} {bound:g}", f"search {curve.target} {bound:g}"))
        moved = list(targets)
        low = targets[place].low is not None
        goal = targets[place]
        moved[place] = replace(goal, low=bound) if low else replace(goal, high=bound)
        found = search(evaluate, parameters, moved, starts=CURVE_STARTS,
                       first=points[-1].found.parameters, **options)  # fmt: skip
        points.append(Point(bound, found))
    return tuple(points)


def _target(goal: Goal, before: Trial, year: int) -> Target:
    """A target whose miss counts in hundredths: of the fund's money, of the mean, or of a share."""
    zh, _, unit = OUTCOMES[goal.outcome]
    size = before["average_payment" if goal.outcome == "average_payment" else "fund"]
    scale = 0.01 * (max(abs(float(size)), 1.0) if unit == "yuan" else 1.0)
    said = step_zh(goal.pool or "") + zh, f"{goal.outcome} {goal.pool or ''}".strip()
    if goal.ahead:
        when = goal.when(year)
        said = f"{said[0]} {when[0]}", f"{said[1]} {when[1]}"
    more = drawn_words(goal)
    return Target(goal.held, goal.low, goal.high, scale, said[0] + more[0], said[1] + more[1],
                  bool(goal.ahead) + goal.drawn)  # fmt: skip


def drawn_words(goal: Goal) -> tuple[str, str]:
    """For which draws a target is set, as it follows its outcome."""
    if goal.quantile is not None:
        share = f"{goal.quantile * 100:.4g}%"
        return f"（抽样 {share} 分位数）", f", {share} quantile of draws"
    if goal.at_most_share is not None:
        share = f"{goal.at_most_share * 100:.4g}%"
        return f"（至多 {share} 的抽样除外）", f", in all but {share} of draws"
    return "", ""


def _found(document: SearchDocument, policy: Policy, found: Found) -> Policy:
    en = f"found by the search {document.id}: the least change that meets its targets"
    source = both(f"由政策搜索“{document.title}”得出：满足目标的最小调整", en)
    return changed(policy, {
        key: found.parameters[row.name] for row in document.figures for key in row.keys
        if found.parameters[row.name] != float(policy_value(policy, key))
    }, source)  # fmt: skip


def policy_value(policy: Policy, key: str) -> Any:
    """A value of a policy by its key path."""
    return next(leaf.value for leaf in policy.leaves() if leaf.key == key)


def _worst(settled: Settlement) -> tuple[str, str]:
    """The hospital that loses most."""
    place = int(np.nanargmax(losses(settled)))
    return settled.hospitals.ids[place], settled.hospitals.names[place]


def _curve(searched: Searched) -> pa.Table:
    """A row a search: what was asked first, then the curve; figures, outcomes, what is short."""
    document, rows = searched.document, []
    named = document.curve.target if document.curve is not None else None
    goal = next((one for one in document.targets if one.name == named), None)
    asked = None if goal is None else goal.low if goal.low is not None else goal.high
    for point in searched.points:
        found, trial = point.found, searched.trial(point)
        bound = asked if point.bound is None else point.bound
        rows.append({
            "point": "asked" if point.bound is None else "curve", "target": named or "",
            "outcome": "" if goal is None else goal.held if goal.ahead else goal.key,
            "bound": bound, "feasible": found.feasible, "change": round(found.change, 6) + 0.0,
            **{f"figure_{name}": value for name, value in found.parameters.items()},
            **{key.replace(".", "_"): told(held, key.partition(".")[0])
               for key, held in trial.settled.items()},
            **_years_of(document, trial, point.bound),
            "message": found.message, "message_zh": found.message_zh,
        })  # fmt: skip
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return without_formulas(pa.table(columns))


def moved_to(document: SearchDocument, goal: Goal, bound: float | None) -> Goal:
    """A target with the bound that the curve gives it; as it was asked, for None."""
    if bound is None or document.curve is None or document.curve.target != goal.name:
        return goal
    return goal.model_copy(update={"high" if goal.low is None else "low": bound})


def _years_of(document: SearchDocument, trial: Trial, bound: float | None) -> dict[str, Any]:
    """Columns of the targets of years ahead: what is reached, and in what share of draws not."""
    found: dict[str, Any] = {}
    for goal in document.targets:
        if goal.ahead:
            stand = trial.stand(moved_to(document, goal, bound))
            found[goal.held] = stand.value
            if goal.drawn:
                found |= {f"{goal.held}_missed": stand.share, f"{goal.held}_error": stand.error}
    return found


def _record(searched: Searched, about: Mapping[str, Any], hospitals: Hospitals) -> dict[str, Any]:
    document, found, world = searched.document, searched.found, searched.world
    trial = searched.trial(searched.points[0])
    asked = document.model_dump(exclude_none=True, mode="json")
    draws, seed = document.sampled or (None, None)
    return record(
        kind="policy_search", **about,
        asked={**asked, "sha256": hash_text(document.model_dump_json())},
        solver={"method": "outward from today's values, else SLSQP, then multiples of the steps",
                "proven": found.proven, "random": draws is not None, "draws": draws, "seed": seed,
                "starts": STARTS, "settlements": world.settlements,
                "simulations": world.simulations},
        scenario={"id": world.scenario.id, "title": world.scenario.title,
                  "title_en": world.scenario.title_en, "source": world.scenario.source,
                  "years": world.scenario.years},
        doubts=world.doubts(trial),
        feasible=found.feasible, message=found.message, message_zh=found.message_zh,
        change=found.change,
        figures=[
            {"name": row.name, "keys": list(row.keys), **terms(searched.leaves[row.name]),
             "now": searched.leaves[row.name].value, "found": found.parameters[row.name],
             "low": row.low, "high": row.high, "step": row.step}
            for row in document.figures
        ],
        targets=[_stands(searched, *pair) for pair in
                 zip(document.targets, found.reached, strict=True)],
        outcomes={key: {"now": told(searched.before.settled[key], key.partition(".")[0]),
                        "found": told(held, key.partition(".")[0])}
                  for key, held in trial.settled.items()},
        largest_loss=[{"policy": which, "hospital_id": one[0], "hospital_name": one[1]}
                      for which, one in zip(("now", "found"), searched.worst, strict=True)],
        hospitals=len(hospitals),
    )  # fmt: skip


def _stands(searched: Searched, goal: Goal, reached: Reached) -> dict[str, Any]:
    """How a target stands."""
    zh, en, unit = OUTCOMES[goal.outcome]
    row: dict[str, Any] = {
        "name": goal.name, "outcome": goal.key, "zh": zh, "en": en, "unit": unit,
        "low": goal.low, "high": goal.high, "met": reached.met, "binding": reached.binding,
        "short": reached.gap, "alone": reached.alone, "moved": goal.name not in searched.still,
    }  # fmt: skip
    if not goal.ahead:
        ahead = told(searched.ahead[goal.key], goal.outcome)
        return row | {
            "now": told(searched.before[goal.key], goal.outcome),
            "found": told(searched.found.outcomes[goal.key], goal.outcome),
            "next_year": ahead, "met_next_year": holds(ahead, goal.low, goal.high),
        }  # fmt: skip
    ends = searched.before.stand(goal), searched.trial(searched.points[0]).stand(goal)
    first = searched.world.year
    row |= {
        "now": ends[0].value, "found": ends[1].value, "over": goal.over or "each",
        "worst_year": [None if one.year is None else first + one.year for one in ends],
        "years": [
            {"year": first + at, "now": ends[0].by_year[i], "found": ends[1].by_year[i],
             **({"missed_now": ends[0].missed[i], "missed_found": ends[1].missed[i]}
                if ends[0].missed else {})}
            for i, at in enumerate(goal.ahead)
        ],
    }  # fmt: skip
    if goal.drawn:
        fresh = searched.trial(searched.points[0]).stand(goal, fresh=True)
        draws, seed = searched.document.sampled or (0, 0)
        row |= {
            "at_most_share": goal.at_most_share, "quantile": goal.quantile, "draws": draws,
            "missed_now": ends[0].share, "missed_found": ends[1].share,
            "error_now": ends[0].error, "error_found": ends[1].error,
            "fresh": {"seed": seed + 1, "found": fresh.value, "missed": fresh.share,
                      "error": fresh.error},
        }  # fmt: skip
    return row


def holds(value: float, low: float | None, high: float | None) -> bool:
    """Whether an outcome as told lies within the bounds of a target."""
    return (low is None or value >= low) and (high is None or value <= high)
