"""Projecting a file: the settled year, the years ahead under scenarios, and their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path

from budget.cases.hospitals import read_hospitals
from budget.policy.document import Policy
from budget.pools.money import LastYear
from budget.projection.assumptions import hashes, inputs_of, record_of
from budget.projection.cells import Cells
from budget.projection.equilibrium import reactions
from budget.projection.joining import Everybody
from budget.projection.policy import changed_policy
from budget.projection.repricing import reading, repricing
from budget.projection.scenario import Scenario
from budget.projection.stack import stack_table, stacked
from budget.projection.tables import TABLES, frames, write
from budget.projection.years import Projection, Reprice, project
from budget.settlement.files import RESULTS as SETTLED
from budget.settlement.files import read_claims, settle_file
from budget.settlement.settled import Settlement, settle
from budget.uncertainty.intervals import with_draws, with_ranges
from drg import language
from drg.errors import DrgError, problem
from drg.tables import whole_folder
from drg.tables.atomic import write_record
from weights.table import WeightTable, open_weights

Said = Callable[[str], None]
RECORD = "projection.json"
RESULTS = (*SETTLED, *(f"{name}.csv" for name in TABLES), RECORD)


def project_file(
    source: str | PathLike[str],
    out: str | PathLike[str],
    weights: WeightTable,
    policy: Policy,
    hospitals: str | PathLike[str],
    year: int,
    scenarios: Sequence[Scenario],
    *,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    last_year: LastYear | None = None,
    names: Mapping[str, str] | None = None,
    draws: int = 0,
    seed: int = 0,
    stack: bool = False,
    accept_unreadable: bool = True,
    say: Said | None = None,
) -> tuple[Projection, ...]:
    """Settle a year of grouped cases, look ahead under scenarios, and write all tables.

    Args:
        source: grouped cases.
        out: folder; it gets the tables of the settlement and of the projection.
        weights: relative weights.
        policy: the policy.
        hospitals: table of hospitals.
        year: the year to settle.
        scenarios: what is assumed; each is compared with the first.
        mapping: mapping file for headers that are not recognised.
        sheet: sheet of a workbook.
        last_year: last year's fund spend in yuan by pool, or by pool and hospital.
        names: names of groups, for those that the weight table does not name.
        draws: draws for intervals; 0 for none.
        seed: seed of the draws.
        stack: the scenarios after the first are measures, each laid on those before it.
        accept_unreadable: as in ``settle_file``.
        say: called with what is being done.

    Raises:
        DrgError: a file or document cannot be used, or a scenario cannot be settled.
    """
    tell = say or (lambda _: None)
    source, out = Path(source), Path(out)
    check(policy, scenarios)
    measures = [one.id for one in scenarios[1:]]
    if stack:
        scenarios = [scenarios[0], *stacked(scenarios[1:])]
        check(policy, scenarios)
    inputs = {"cases": source, "hospitals": hospitals, "weights": weights.path, "mapping": mapping}
    table = read_hospitals(hospitals)
    given = {**inputs, **inputs_of(scenarios)}.values()
    with whole_folder(out, RESULTS, given) as folder:
        tell(language.say(f"清算 {policy.id} {year}", f"settle {policy.id} {year}"))
        settled = settle_file(
            source, folder, weights, policy, hospitals, year, mapping=mapping, sheet=sheet,
            last_year=last_year, inputs={"hospitals": hospitals}, rows=True,
            accept_unreadable=accept_unreadable,
        )  # fmt: skip
        assert isinstance(settled, Settlement)
        everybody = Everybody.of(table, scenarios)
        if everybody.tables:  # the same year, with room for those who join
            claims = read_claims(source, weights, policy, everybody.hospitals, year,
                                 mapping=mapping, sheet=sheet)  # fmt: skip
            claims = everybody.claims(claims, scenarios[0], 0)
            settled = settle(
                claims, weights, policy, everybody.hospitals, year, last_year=last_year
            )
        base = Cells.of(settled).named(names)
        known = dict(names or {}) | {
            k: v for k, v in zip(base.groups, base.names, strict=True) if v
        }
        found, unchanged = [], {}
        for scenario in scenarios:
            tell(language.say(f"预测 {scenario.id}", f"project {scenario.id}"))
            react = reactions(scenario.behaviour)

            def again(of: Scenario) -> Reprice:
                cases = reading(source, everybody, year, of, mapping=mapping, sheet=sheet)
                return repricing(cases, weights, policy, everybody.hospitals, year, of, known,
                                 last_year=last_year)  # fmt: skip

            found.append(project(base, scenario, reprice=again(scenario), react=react))
            if scenario.change and len(found) > 1:  # compared with the first, in two steps
                alone = scenario.model_copy(update={"change": {}})
                unchanged[scenario.id] = project(base, alone, reprice=again(alone), react=react)
        tables = frames(found, unchanged)
        if stack and measures:
            tables["projection_stack"] = stack_table(found, measures)
        document = record_of(policy, weights, found, year)
        if draws:
            most = max(one.years for one in scenarios)
            tell(language.say(f"抽样 {draws} 次，{most} 年，种子 {seed}",
                              f"draw {draws} x {most} years, seed {seed}"))  # fmt: skip
            document |= with_draws(tables, found, draws, seed)
            document["assumptions"] = with_ranges(document["assumptions"], document["doubts"])
        document["hashes"] = hashes(inputs | inputs_of(scenarios), write(folder, tables))
        write_record(folder / RECORD, document)
        return tuple(found)


def check(policy: Policy, scenarios: Sequence[Scenario]) -> None:
    """Look at the documents before anything is settled.

    Raises:
        DrgError: two scenarios have one id, or an overlay or weight table cannot be used.
    """
    seen: set[str] = set()
    for one in scenarios:
        if one.id in seen:
            raise problem(
                language.say("两个情景的编号相同", "two scenarios have this id"), file=one.place,
                key="id", found=one.id,
                expected=language.say("其他编号；现行政策称为 baseline",
                                      "another; the policy as it is is called baseline"),
            )  # fmt: skip
        seen.add(one.id)
        reactions(one.behaviour)
        for number in sorted(map(int, one.change)):
            changed_policy(policy, one, number)
            name = one.change[str(number)].weights
            if name is not None:
                try:
                    open_weights(name)
                except DrgError as error:
                    where = f"{one.place}: change.{number}.weights"
                    raise DrgError(f"{where}: {error}") from None
