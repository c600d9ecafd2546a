"""Projecting a file: the settled year, the years ahead under scenarios, and their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from budget.cells import Cells
from budget.hospitals import Hospitals, read_hospitals
from budget.policy.policy import Policy
from budget.project_tables import frames, write
from budget.projection import Projection, Reprice, project
from budget.reactions import reactions
from budget.responses import Responses
from budget.responses import assumptions as of_responses
from budget.scenario import Scenario, key_paths
from budget.settle_files import read_claims, settle_file
from budget.settlement import settle
from drg.errors import DrgError, problem
from drg.provenance import hash_text, record, to_json
from drg.tables import atomic_path
from weights.table import WeightTable, open_weights

Said = Callable[[str], None]


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
    last_year: Mapping[str, float] | None = None,
    draws: int = 0,
    seed: int = 0,
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
        last_year: last year's fund spend in yuan by pool.
        draws: draws for intervals; 0 for none.
        seed: seed of the draws.
        say: called with what is being done.

    Raises:
        DrgError: a file or document cannot be used, or a scenario cannot be settled.
    """
    tell = say or (lambda _: None)
    source, out = Path(source), Path(out)
    check(policy, scenarios)
    table = read_hospitals(hospitals)
    tell(f"settle {policy.id} {year}")
    settled = settle_file(
        source, out, weights, policy, hospitals, year, mapping=mapping, sheet=sheet,
        last_year=last_year, inputs={"hospitals": hospitals},
    )  # fmt: skip
    base = Cells.of(settled)
    found = []
    for scenario in scenarios:
        tell(f"project {scenario.id}")
        again = repricing(source, weights, policy, table, year, scenario, mapping=mapping,
                          sheet=sheet, last_year=last_year)  # fmt: skip
        found.append(project(base, scenario, reprice=again, react=reactions(scenario.behaviour)))
    tables = frames(found)
    document = _record(policy, weights, scenarios, found)
    if draws:
        from budget.project_draws import with_draws

        tell(f"draw {draws} x {max(one.years for one in scenarios)} years, seed {seed}")
        extra = with_draws(tables, found, draws, seed)
        document |= extra
    write(out, tables)
    with atomic_path(out / "projection.json") as path:
        path.write_text(to_json(document), encoding="utf-8")
    return tuple(found)


def repricing(
    source: Path,
    weights: WeightTable,
    policy: Policy,
    hospitals: Hospitals,
    year: int,
    scenario: Scenario,
    **reading: Any,
) -> Reprice:
    """What settles the year's cases anew under a scenario's policy and weights of a year."""
    last_year = reading.pop("last_year", None)

    def again(number: int, spent: Mapping[str, float]) -> Cells:
        overlays, name = scenario.changed(number)
        table = weights if name is None else open_weights(name)
        rules = changed_policy(policy, overlays, scenario)
        claims = read_claims(source, table, rules, hospitals, year, **reading)
        return Cells.of(settle(claims, table, rules, hospitals, year,
                               last_year={**(last_year or {}), **spent}))  # fmt: skip

    return again


def changed_policy(
    policy: Policy, overlays: Sequence[Mapping[str, Any]], scenario: Scenario
) -> Policy:
    """The policy with tables laid over it.

    Raises:
        DrgError: the policy would be wrong; the scenario is named.
    """
    rules = policy
    for table in overlays:
        try:
            rules = rules.laid_over(table, scenario.source)
        except DrgError as error:
            raise DrgError(f"{scenario.place}: {error}") from None
    return rules


def check(policy: Policy, scenarios: Sequence[Scenario]) -> None:
    """Look at the documents before anything is settled.

    Raises:
        DrgError: two scenarios have one id, or an overlay or weight table cannot be used.
    """
    seen: set[str] = set()
    for one in scenarios:
        if one.id in seen:
            raise problem("two scenarios have this id", file=one.place, key="id", found=one.id,
                          expected="another; the policy as it is is called baseline")  # fmt: skip
        seen.add(one.id)
        reactions(one.behaviour)
        for number in sorted(one.change, key=int):
            overlays, name = one.changed(int(number))
            changed_policy(policy, overlays, one)
            if name is not None:
                try:
                    open_weights(name)
                except DrgError as error:
                    where = f"{one.place}: change.{number}.weights"
                    raise DrgError(f"{where}: {error}") from None


def _record(
    policy: Policy,
    weights: WeightTable,
    scenarios: Sequence[Scenario],
    found: Sequence[Projection],
) -> dict[str, Any]:
    warnings = {f"{one.scenario.id}.{name}": text for one in found
                for name, text in one.warnings.items()}  # fmt: skip
    return record(
        kind="projection",
        policy={"id": policy.id, "sha256": policy.digest},
        weights={"id": weights.id, "sha256": weights.digest},
        scenarios=[
            {**one.model_dump(exclude_none=True, mode="json"),
             "sha256": hash_text(one.model_dump_json())}
            for one in scenarios
        ],
        assumptions=[row for one in scenarios for row in assumptions(one)],
        warnings=warnings,
    )  # fmt: skip


def assumptions(scenario: Scenario) -> list[dict[str, Any]]:
    """What a scenario assumes, one row a figure, with its Chinese term and source."""
    rows: list[dict[str, Any]] = []
    if scenario.drivers is not None:
        kinds = type(scenario.drivers).model_fields
        for name, value in scenario.drivers.model_dump(exclude_none=True).items():
            if value:
                about = kinds[name]
                rows.append({"scenario": scenario.id, "key": f"drivers.{name}", "zh": about.title,
                             "en": about.description, "value": value, "unit": "share a year",
                             "source": scenario.source})  # fmt: skip
    for year in sorted(scenario.change, key=int):
        for key, value in key_paths(scenario.change[year].policy).items():
            rows.append({"scenario": scenario.id, "key": key, "zh": f"第{year}年政策调整",
                         "en": f"policy from year {year}", "value": value, "unit": "",
                         "source": scenario.source})  # fmt: skip
    if scenario.behaviour:
        held = of_responses(Responses.of(scenario.behaviour))
        rows += [{"scenario": scenario.id, **row} for row in held]
    return rows
