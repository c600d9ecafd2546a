"""Which scheme the groups of a table are of (病组所属方案), and whether two tables may be joined.

A code of one scheme may mean another group in the next: BC2 of CHS-DRG 1.1 is BC1 of 2.0. A table
says its scheme in its record; one without a record shows it by its codes, when it has enough of
them and one national scheme alone knows them all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from drg.cases.opening import open_cases
from drg.cases.outcomes import is_ambiguous, is_ungrouped
from drg.cases.values import read_text
from drg.errors import DrgError
from drg.provenance import grouped_by
from drg.tables import batches
from grouper.compare.groups import ALIKE_UNDER_ONE_CODE, compare_groups
from grouper.compare.names import likeness
from grouper.scheme.compile import kept_groups
from grouper.scheme.model import Scheme
from grouper.scheme.name import plain
from grouper.scheme.pack import load_groups, national_codes
from weights.table import WeightTable

ENOUGH = 20  # groups from which codes tell a scheme
KNOWN, OTHERS = 0.98, 0.9  # share of codes that the scheme must know, and that others may
MANY = 0.02  # share of the codes of a table whose names must be those of other groups
_BATCHES = 2  # of a file whose codes are looked at


@dataclass(frozen=True)
class Origin:
    """The scheme of a table's groups.

    Attributes:
        scheme: id, or the name under which it is loaded; "" when nothing says it.
        digest: SHA-256 of its pack as a record has it, else "".
    """

    scheme: str
    digest: str = ""

    def __bool__(self) -> bool:
        return bool(self.scheme)


@dataclass(frozen=True)
class Clash:
    """Codes of a table that mean another group in the scheme of the cases.

    Attributes:
        cases: scheme of the cases.
        weights: scheme of the weights, "" when their table only gives names.
        codes: code -> name under the weights' scheme, name under that of the cases; empty when a
            scheme is not at hand, so that nothing can be said of its codes.
    """

    cases: str
    weights: str
    codes: Mapping[str, tuple[str, str]]


def scheme_of_cases(path: Path, mapping: Path | None = None, sheet: str | None = None) -> Origin:
    """The scheme by which a file was grouped.

    Raises:
        DrgError: the file cannot be read.
    """
    said = Origin(*grouped_by(path))
    if said:
        return said
    with open_cases(path, mapping=mapping, sheet=sheet) as table:
        column = table.columns.column("drg")
        if column is None:
            return Origin("")
        table.only([column])
        codes: set[str] = set()
        for batch in islice(batches(table), _BATCHES):
            codes.update(map(str, read_text(batch.table.column(column)).dictionary.to_pylist()))
    return Origin(by_codes(codes))


def scheme_of_weights(table: WeightTable) -> Origin:
    """The scheme of a weight table."""
    if table.scheme:
        return Origin(table.scheme, str(table.record.get("scheme_sha256", "")))
    return Origin(by_codes({str(code) for code in table.frame["drg"]}))


def by_codes(codes: Collection[str]) -> str:
    """The national scheme that alone knows the codes, "" when that cannot be said."""
    own = {code for code in codes if not (is_ungrouped(code) or is_ambiguous(code))}
    if len(own) < ENOUGH:
        return ""
    known = sorted(
        ((len(own & held) / len(own), name) for name, held in national_codes().items()),
        reverse=True,
    )
    first, second = known[0], known[1]
    return first[1] if first[0] >= KNOWN and second[0] <= OTHERS else ""


def clash(cases: Origin, weights: Origin, named: Mapping[str, str]) -> Clash | None:
    """What speaks against joining weights to cases by code; None when nothing does.

    Args:
        cases: scheme of the cases.
        weights: scheme of the weights.
        named: groups that have a weight, with the names that their table gives them.
    """
    if cases and not weights:
        return _by_names(cases, named)
    if not cases or not weights or plain(cases.scheme)[0] == plain(weights.scheme)[0]:
        return None
    held = groups_of(weights), groups_of(cases)
    if held[0] is None or held[1] is None:
        return Clash(cases.scheme, weights.scheme, {})
    reused = compare_groups(held[0], held[1]).reused_drgs
    found = {code: names for code, names in reused.items() if code in named}
    return Clash(cases.scheme, weights.scheme, found) if found else None


def _by_names(cases: Origin, named: Mapping[str, str]) -> Clash | None:
    """A table of no known scheme whose names are those of other groups than the cases'."""
    own = names_of(cases)
    both = {code: (name, own[code]) for code, name in named.items() if name and own.get(code)}
    other = {code: pair for code, pair in both.items() if likeness(*pair) < ALIKE_UNDER_ONE_CODE}
    if len(both) < ENOUGH or len(other) < MANY * len(both):
        return None
    return Clash(cases.scheme, "", other)


def groups_of(origin: Origin) -> Scheme | None:
    """The groups of a scheme, as shipped, from its folder, or as it was used here before."""
    try:
        found = load_groups(origin.scheme)
        if not origin.digest or found.content_hash == origin.digest:
            return found
    except DrgError:
        found = None
    kept = kept_groups(origin.digest)
    if kept is None:
        return found
    return Scheme(kept.header, kept.mdcs, kept.adrgs, kept.drgs, {}, {}, {}, {}, {}, frozenset(),
                  {}, {}, kept.content_hash)  # fmt: skip


def names_of(origin: Origin) -> dict[str, str]:
    """Names of the groups of a scheme; empty when it is not at hand."""
    held = groups_of(origin) if origin else None
    return {} if held is None else {drg.code: drg.name for drg in held.drgs}
