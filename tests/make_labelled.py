"""Make ``tests/data/labelled*.csv``: cases of every DRG, labelled by the reference evaluator.

Run ``python -m tests.make_labelled`` after a change of the scheme pack, and read the difference.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

from grouper.scheme.pack import load_scheme
from tests.reference import Case, Reference
from tests.schemes import grouping_schemes

OUT = Path(__file__).parent / "data" / "labelled.csv"
EACH = 2
HEADER = ("case_id", "sex", "age", "age_days", "birth_weight", "diagnoses", "procedures", "drg")


def candidate(draw: random.Random, scheme, adrg) -> Case:
    """A case that stands a chance to fall in an ADRG."""

    def some(*owners: tuple[str, str]) -> list[str]:
        return [draw.choice(scheme.lists[owner]) for owner in owners if owner in scheme.lists]

    names = sorted({name for owner, name in scheme.lists if owner == adrg.code})
    principal = some((adrg.code, "D1")) or some((adrg.mdc, "MDC"))
    if not principal or draw.random() < 0.3:
        principal = some((adrg.mdc, "MDC")) or [draw.choice(sorted(scheme.mcc))]
    procedures = [c for name in names if name[0] == "P" for c in some((adrg.code, name))]
    draw.shuffle(procedures)
    if not procedures and "_valid" in adrg.rule and "not" not in adrg.rule:
        procedures = [draw.choice(sorted(scheme.grouping_procedures))]
    secondary = draw.choice([[], [draw.choice(sorted(scheme.mcc))],
                             [draw.choice(sorted(scheme.cc))]])  # fmt: skip
    if adrg.mdc == "MDCZ":
        secondary = secondary + some(("MDCZ", "MDC")) + some(("MDCZ", "MDC"))
    if "any_diagnosis" in adrg.rule:
        secondary = some((adrg.code, "D1")) + secondary
    if "secondary_diagnosis" in adrg.rule:
        secondary = some((adrg.code, "D2")) + secondary
    case = Case([*principal, *secondary], procedures, float(draw.choice([1, 2])),
                float(draw.choice([0, 1, 12, 17, 45, 78])))  # fmt: skip
    if case.age == 0:
        case.age_days = float(draw.choice([0, 3, 28, 29, 200]))
        case.birth_weight = float(draw.choice([900, 1499, 1500, 1999, 2000, 2499, 2500, 3300]))
    return case


def main() -> None:
    for name in grouping_schemes():
        make(name, OUT if name == "chs-drg-1.1" else OUT.with_name(f"labelled-{name}.csv"),
             EACH if name == "chs-drg-1.1" else 1)  # fmt: skip


def make(name: str, out: Path, each: int) -> None:
    """Find cases for every DRG that can be reached, and write them."""
    scheme = load_scheme(name)
    reference = Reference.of_scheme(scheme)
    draw = random.Random(20261121)
    found: dict[str, list[Case]] = {drg.code: [] for drg in scheme.drgs}
    for adrg in scheme.adrgs:
        wanted = [drg.code for drg in scheme.drgs if drg.adrg == adrg.code]
        for _ in range(5_000):
            case = candidate(draw, scheme, adrg)
            drg = reference.group(case)[2]
            if drg in wanted and len(found[drg]) < each:
                found[drg].append(case)
            if all(len(found[drg]) >= each for drg in wanted):
                break
    missing = [drg for drg, cases in found.items() if not cases]
    with out.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        rows = [(drg, case) for drg, cases in found.items() for case in cases]
        for i, (drg, case) in enumerate(rows, 1):
            numbers = [f"{v:g}" if v == v else ""
                       for v in (case.sex, case.age, case.age_days, case.birth_weight)]  # fmt: skip
            writer.writerow([f"L{i:04d}", *numbers, "|".join(case.diagnoses),
                             "|".join(case.procedures), drg])  # fmt: skip
    print(f"{name}: {len(rows)} cases, {len(found) - len(missing)} DRGs, missing: {missing}")  # noqa: T201


if __name__ == "__main__":
    main()
