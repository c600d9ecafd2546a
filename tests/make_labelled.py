"""Make ``tests/data/labelled*.csv``: cases of every DRG, labelled by the reference evaluator.

Run ``python -m tests.make_labelled`` after a change of the scheme pack, and read the difference.
The default scheme's cases are in ``labelled.csv``, those of another in ``labelled-ID.csv``.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from drg.sample.candidates import diagnoses_of, ways_to
from grouper.scheme.model import Adrg, resolve
from grouper.scheme.name import DEFAULT
from grouper.scheme.pack import load_scheme
from grouper.scheme.rules import Flag, parse
from tests.reference import Case, Reference
from tests.schemes import labelled_of, labelled_schemes

if TYPE_CHECKING:
    from grouper import Scheme

EACH = {DEFAULT: 2, "chs-drg-1.1": 2}  # cases of a group; of other schemes one
TRIES = 5_000
HEADER = ("case_id", "sex", "age", "age_days", "birth_weight", "diagnoses", "procedures", "drg")
AGES = (0, 1, 12, 17, 45, 78)
DAYS = (0, 3, 28, 29, 200)
GRAMS = (900, 1499, 1500, 1999, 2000, 2499, 2500, 3300)


class Candidates:
    """Cases that stand a chance to fall in an ADRG, read off its rule.

    They only propose: what group a case has is said by the reference evaluator.
    """

    def __init__(self, draw: random.Random, scheme: Scheme) -> None:
        self.draw, self.scheme = draw, scheme
        self.valid = sorted(scheme.grouping_procedures)
        self.sites = sorted(scheme.trauma_sites)
        self.mcc, self.cc = sorted(scheme.mcc), sorted(scheme.cc)
        self.any_diagnosis = sorted({*scheme.exclusion, *scheme.mcc})
        self.of_mdc = {
            mdc.code: sorted(scheme.lists.get((mdc.code, "MDC"), ())
                             or diagnoses_of(scheme, mdc.code)) for mdc in scheme.mdcs
        }  # fmt: skip

    def of(self, adrg: Adrg) -> Iterator[Case]:
        """Ever more candidates of an ADRG."""
        ways = ways_to(parse(adrg.rule))
        while True:
            yield self.one(adrg, self.draw.choice(ways))

    def one(self, adrg: Adrg, way: Iterable) -> Case:
        """A candidate by one way: of every list that it asks for a code."""
        pick = self.draw.choice
        principal: set[str] = set()
        anywhere, secondary, first, procedures = [], [], [], []
        for atom in way:
            if isinstance(atom, Flag):
                (first if atom.name.startswith("principal") else procedures).append(
                    pick(self.valid))  # fmt: skip
                continue
            codes = self.scheme.lists[resolve(adrg, atom)]
            if atom.subject == "principal_diagnosis":
                principal = principal & set(codes) if principal else set(codes)
            else:
                {"any_diagnosis": anywhere, "secondary_diagnosis": secondary,
                 "principal_procedure": first}.get(atom.subject, procedures).append(
                     pick(codes))  # fmt: skip
        if not first:
            self.draw.shuffle(procedures)
        diagnoses = [pick(sorted(principal) or self._at_home(adrg)), *secondary]
        if anywhere and not principal and pick([True, False]):
            diagnoses = [*anywhere, *secondary]
        else:
            diagnoses += anywhere
        if adrg.mdc == "MDCZ":
            diagnoses += [pick(self.sites), pick(self.sites)]
        if self.scheme.lists.get((adrg.mdc, "MDC")) and "any_diagnosis" in self._entry(adrg):
            diagnoses.append(pick(self.of_mdc[adrg.mdc]))
        diagnoses += pick([[], [pick(self.mcc)], [pick(self.cc)]])
        case = Case(diagnoses, first + procedures, float(pick([1, 2])), float(pick(AGES)))
        if case.age == 0:
            case.age_days, case.birth_weight = float(pick(DAYS)), float(pick(GRAMS))
        return case

    def _at_home(self, adrg: Adrg) -> list[str]:
        return self.of_mdc[adrg.mdc] or self.any_diagnosis

    def _entry(self, adrg: Adrg) -> str:
        return next(mdc.rule for mdc in self.scheme.mdcs if mdc.code == adrg.mdc)


def main() -> None:
    for name in labelled_schemes():
        make(name, labelled_of(name), EACH.get(name, 1))


def make(name: str, out: Path, each: int) -> None:
    """Find cases for every DRG that can be reached, and write them."""
    scheme = load_scheme(name)
    reference = Reference.of_scheme(scheme)
    candidates = Candidates(random.Random(20261121), scheme)
    found: dict[str, list[Case]] = {drg.code: [] for drg in scheme.drgs}
    for adrg in scheme.adrgs:
        wanted = [drg.code for drg in scheme.drgs if drg.adrg == adrg.code]
        for _, case in zip(range(TRIES), candidates.of(adrg), strict=False):
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
