"""Everything that two schemes have and have not in common (方案比对), counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from grouper.compare.codes import Moved, moved_codes
from grouper.compare.complications import (
    Complications,
    Exclusions,
    compare_complications,
    compare_exclusions,
)
from grouper.compare.groups import GroupComparison, compare_groups
from grouper.scheme.model import Scheme


@dataclass(frozen=True)
class Numbers:
    """How much a scheme has; ``None`` for what a list of groups without codes does not say."""

    mdcs: int
    adrgs: int
    drgs: int
    mcc: int | None
    cc: int | None
    tables: int | None
    operations: int | None


@dataclass(frozen=True)
class Comparison:
    """Two schemes side by side.

    Attributes:
        old: the scheme before.
        new: the scheme after.
        groups: what became of the groups.
        complications: complications by level.
        exclusions: exclusion tables by members.
        codes: codes that lead elsewhere.
        operations: operations that count now and did not, and those that count no more.
    """

    old: Scheme = field(repr=False)
    new: Scheme = field(repr=False)
    groups: GroupComparison
    complications: Complications
    exclusions: Exclusions
    codes: tuple[Moved, ...] = field(repr=False)
    operations: tuple[tuple[str, ...], tuple[str, ...]] = field(repr=False)

    @property
    def numbers(self) -> tuple[Numbers, Numbers]:
        """How much either has."""
        return numbers(self.old), numbers(self.new)


def compare(old: Scheme, new: Scheme) -> Comparison:
    """Compare two schemes: groups, complications, exclusion tables and codes."""
    groups = compare_groups(old, new)
    before, after = old.grouping_procedures, new.grouping_procedures
    if not groups.by_content:
        before = after = frozenset()
    return Comparison(
        old, new, groups, compare_complications(old, new), compare_exclusions(old, new),
        moved_codes(old, new, groups),
        (tuple(sorted(after - before)), tuple(sorted(before - after))),
    )  # fmt: skip


def numbers(scheme: Scheme) -> Numbers:
    """How much a scheme has; ambiguous groups and rows for no group are not counted."""
    known = bool(scheme.lists)
    return Numbers(
        len(scheme.mdcs),
        len({drg.adrg for drg in scheme.counted_drgs}),
        len(scheme.counted_drgs),
        len(scheme.mcc) if known else None,
        len(scheme.cc) if known else None,
        len(set(scheme.exclusion.values())) if known else None,
        len(scheme.grouping_procedures) if known else None,
    )
