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
from budget.projection.cells import Cells
from budget.projection.year import settled, spent
from budget.search.document import OUTCOMES, SearchDocument, check
from budget.search.overlay import extended, policy_document, scenario_document, terms
from budget.search.policy import Evaluate, Outcomes, changed, evaluator, losses
from budget.search.solve import Found, Parameter, Reached, Target, search
from budget.settlement.files import read_claims
from budget.settlement.settled import Settlement, settle
from drg import language
from drg.errors import problem
from drg.language import both
from drg.provenance import hash_file, hash_text, record, to_json
from drg.tables import RejectFile, atomic_path, check_outputs, write_table
from drg.tables.derived import without_formulas
from weights.table import WeightTable

Said = Callable[[str], None]
STEP, TOLERANCE, STARTS, CURVE_STARTS = 1e-2, 1e-9, 2, 1
CURVE, RECORD, POLICY, SCENARIO = (
    "policy_search.csv", "policy_search.json", "policy-found.toml", "scenario-found.toml",
)  # fmt: skip


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
        leaves: the figure in force by the name of each row of ``figures``.
        before: outcomes of the policy in force.
        points: what was asked, then the curve.
        ahead: outcomes of what was found in the next year, the same cases settled with the money
            that the pools then have by their own rule.
        worst: id and name of the hospital that loses most, in force and as found.
        still: targets whose outcome no figure of the search moves.
        settlements: how often the year was settled.
        written: files.
    """

    document: SearchDocument
    leaves: Mapping[str, Leaf]
    before: Outcomes
    points: tuple[Point, ...]
    ahead: Outcomes
    worst: tuple[tuple[str, str], tuple[str, str]]
    still: tuple[str, ...]
    settlements: int
    written: tuple[Path, ...]

    @property
    def found(self) -> Found:
        """What was asked for."""
        return self.points[0].found


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
    table = read_hospitals(hospitals)
    others = {name: Path(path) for name, path in (inputs or {}).items() if path is not None}
    files = {"hospitals": Path(hospitals), **others}
    paths = [out / name for name in (CURVE, RECORD, POLICY, SCENARIO, "rejects.csv")]
    _folder(out)
    check_outputs(paths, (source, mapping, *(one for one in files.values() if one.is_file())))
    tell(language.say(f"读取 {source.name}", f"read {source.name}"))
    with RejectFile(out / "rejects.csv") as rejects:
        claims = read_claims(source, weights, policy, table, year, mapping=mapping, sheet=sheet,
                             rejects=rejects, accept_unreadable=accept_unreadable)  # fmt: skip
    given = evaluator(claims, weights, policy, table, year, last_year=last_year)
    seen: dict[tuple[float, ...], Outcomes] = {}
    evaluate = _by_name(given, document, seen)
    before = evaluate({row.name: float(held[row.name].value) for row in document.figures})
    points = _points(evaluate, document, held, before, tell)
    best = _found(document, policy, points[0].found)
    ends = [settle(claims, weights, one, table, year, last_year=last_year)
            for one in (policy, best)]  # fmt: skip
    worst = (_worst(ends[0]), _worst(ends[1]))
    still = tuple(
        goal.name for goal in document.targets
        if len({np.asarray(one[goal.key]).tobytes() for one in seen.values()}) == 1
    )  # fmt: skip
    spend = {**(last_year or {}), **spent(settled(Cells.of(ends[0])))}
    following = evaluator(claims, weights, policy, table, year, last_year=spend)
    ahead = _by_name(following, document, {})(points[0].found.parameters)
    feasible = points[0].found.feasible
    searched = Searched(document, held, before, points, ahead, worst, still, len(seen) + 3,
                        tuple(paths if feasible else paths[:2]))  # fmt: skip
    write_table(paths[0], _curve(searched))
    for path, text in (
        (paths[2], policy_document(document, policy, best, extended(extends, out), year)),
        (paths[3], scenario_document(document, policy, best, year)),
    ):
        if feasible:
            with atomic_path(path) as new:
                new.write_text(text, encoding="utf-8")
        else:
            path.unlink(missing_ok=True)  # of an earlier run, which this one does not bear out
    about = {
        "year": year, "input": {"file": source.name, "sha256": hash_file(source)},
        "files": {name: hash_file(path) for name, path in files.items() if path.is_file()},
        "policy": {"id": policy.id, "sha256": policy.digest, "chain": list(policy.header.chain)},
        "weights": {"id": weights.id, "sha256": weights.digest},
        "cases": len(claims),
        "found": {"sha256": best.digest if feasible else None},
        "warnings": ends[1].warnings,
    }  # fmt: skip
    with atomic_path(paths[1]) as new:
        new.write_text(to_json(_record(searched, about, table)), encoding="utf-8")
    return searched


def _by_name(
    given: Evaluate, document: SearchDocument, seen: dict[tuple[float, ...], Outcomes]
) -> Evaluate:
    """Outcomes by the names of the document's figures, each of which may have several keys."""

    def evaluate(values: Mapping[str, float]) -> Outcomes:
        found = given({key: values[row.name] for row in document.figures for key in row.keys})
        seen[tuple(values.values())] = found
        return found

    return evaluate


def _points(
    evaluate: Evaluate,
    document: SearchDocument,
    held: Mapping[str, Leaf],
    before: Outcomes,
    tell: Said,
) -> tuple[Point, ...]:
    """What was asked, then the curve, each from where the one before ended."""
    parameters = [
        Parameter(row.name, float(held[row.name].value), row.low, row.high, row.scale or 0.0,
                  row.weight or 1.0, held[row.name].about.zh, held[row.name].about.en, row.step)
        for row in document.figures
    ]  # fmt: skip
    targets = [_target(one.key, one.low, one.high, before) for one in document.targets]
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


def _target(key: str, low: float | None, high: float | None, before: Outcomes) -> Target:
    """A target whose miss counts in hundredths: of the fund's money, of the mean, or of a share."""
    outcome, _, pool = key.partition(".")
    zh, _, unit = OUTCOMES[outcome]
    size = before["average_payment" if outcome == "average_payment" else "fund"]
    scale = 0.01 * (max(abs(float(size)), 1.0) if unit == "yuan" else 1.0)
    return Target(key, low, high, scale, step_zh(pool) + zh, f"{outcome} {pool}".strip())


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


def told(outcomes: Mapping[str, Any], key: str) -> float:
    """An outcome as one number: yuan to the fen, shares to six decimals; losses the largest."""
    unit = OUTCOMES[key.partition(".")[0]][2]
    value = float(np.max(outcomes[key]))
    return round(value, 2 if unit == "yuan" else 6) + 0.0


def _curve(searched: Searched) -> pa.Table:
    """A row a search: what was asked first, then the curve; figures, outcomes, what is short."""
    document, rows = searched.document, []
    named = document.curve.target if document.curve is not None else None
    goal = next((one for one in document.targets if one.name == named), None)
    asked = None if goal is None else goal.low if goal.low is not None else goal.high
    for point in searched.points:
        found = point.found
        bound = asked if point.bound is None else point.bound
        rows.append({
            "point": "asked" if point.bound is None else "curve", "target": named or "",
            "outcome": "" if goal is None else goal.key, "bound": bound,
            "feasible": found.feasible, "change": round(found.change, 6) + 0.0,
            **{f"figure_{name}": value for name, value in found.parameters.items()},
            **{key.replace(".", "_"): told(found.outcomes, key) for key in found.outcomes},
            "message": found.message, "message_zh": found.message_zh,
        })  # fmt: skip
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return without_formulas(pa.table(columns))


def _record(searched: Searched, about: Mapping[str, Any], hospitals: Hospitals) -> dict[str, Any]:
    document, found = searched.document, searched.found
    asked = document.model_dump(exclude_none=True, mode="json")
    return record(
        kind="policy_search", **about,
        asked={**asked, "sha256": hash_text(document.model_dump_json())},
        solver={"method": "outward from today's values, else SLSQP, then multiples of the steps",
                "proven": found.proven, "random": False, "seed": None, "starts": STARTS,
                "settlements": searched.settlements},
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
        outcomes={key: {"now": told(searched.before, key), "found": told(found.outcomes, key)}
                  for key in found.outcomes},
        largest_loss=[{"policy": which, "hospital_id": one[0], "hospital_name": one[1]}
                      for which, one in zip(("now", "found"), searched.worst, strict=True)],
        hospitals=len(hospitals),
    )  # fmt: skip


def _stands(searched: Searched, goal: Any, reached: Reached) -> dict[str, Any]:
    """How a target stands."""
    zh, en, unit = OUTCOMES[goal.outcome]
    ahead = told(searched.ahead, goal.key)
    return {
        "name": goal.name, "outcome": goal.key, "zh": zh, "en": en, "unit": unit,
        "low": goal.low, "high": goal.high, "now": told(searched.before, goal.key),
        "found": told(searched.found.outcomes, goal.key), "met": reached.met,
        "binding": reached.binding, "short": reached.gap, "alone": reached.alone,
        "moved": goal.name not in searched.still,
        "next_year": ahead, "met_next_year": holds(ahead, goal.low, goal.high),
    }  # fmt: skip


def holds(value: float, low: float | None, high: float | None) -> bool:
    """Whether an outcome as told lies within the bounds of a target."""
    return (low is None or value >= low) and (high is None or value <= high)


def _folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise problem(language.say("无法建立文件夹", "cannot be made a folder"), file=out,
                      found=error.strerror) from None  # fmt: skip
