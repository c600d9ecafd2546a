"""What an official workbook says that can be read and may be meant otherwise."""

from __future__ import annotations

import re
from collections import defaultdict

from grouper.importer.checks import check_exclusions, check_groups
from grouper.importer.findings import Findings
from grouper.importer.official.book import DRG
from grouper.importer.official.scheme import Official
from grouper.importer.reach import check_reach
from grouper.importer.tables import Group

# What the last letter of a group says that its rule asks for.
_SAYS = {
    "1": {"mcc"}, "3": {"cc"}, "5": set(), "9": set(), "C": {"age"}, "D": {"age"},
    "E": {"mcc", "age"}, "F": {"cc", "age"}, "G": {"age"}, "H": {"age"},
}  # fmt: skip


def doubts(found: Official, findings: Findings) -> None:
    """List them; what the tables lack altogether is told once, as errors."""
    tables = found.tables
    for name, place in found.first.items():
        if name not in found.asked:
            findings.add("set_unused", place, name, f"{len(found.sets[name]):,}")
    if not tables.adrgs or not tables.drgs:
        return
    check_groups(tables, findings)
    if tables.complications and tables.exclusions:
        check_exclusions(tables, findings)
    _endings(found, findings)
    check_reach(tables, findings)


def _endings(found: Official, findings: Findings) -> None:
    by_adrg: dict[str, list[Group]] = defaultdict(list)
    for drg in found.tables.drgs.values():
        if (DRG, drg.code) in found.rules:
            by_adrg[drg.parent].append(drg)
        asked = set(re.findall(r"\b(mcc|cc|age)\b", drg.rule))
        says = _SAYS.get(drg.code[-1])
        if (
            len(drg.code) == 4
            and says is not None
            and not (says <= asked and (bool(says) == bool(asked)))
        ):
            _, place = found.rules.get((DRG, drg.code), (None, drg.place))
            findings.add("letter_rule", place, drg.code, drg.rule)
    for groups in by_adrg.values():
        if not any(drg.rule == "true" for drg in groups):
            findings.add("rest_uncovered", groups[-1].place, groups[-1].parent, groups[-1].code)
