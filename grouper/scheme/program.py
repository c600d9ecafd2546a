"""Rules bound to columns of integers, so that many cases are tested at once.

A *profile* is all that the rules can see of a case: the lists its principal codes stand in, the
lists any of its codes stand in (bits), and the interval each number falls in (cells). Columns of
profiles are small integers; a rule becomes table look-ups and bit tests over them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from grouper.scheme import rules
from grouper.scheme.model import MDC_LIST, Adrg, Drg, Mdc, Scheme, resolve

Column: TypeAlias = npt.NDArray[np.integer[Any]]
Mask: TypeAlias = npt.NDArray[np.bool_]
Test: TypeAlias = Callable[[Sequence[Column]], Mask]

BITS_PER_WORD = 36  # leaves room for a profile number in a 62-bit key
MCC_BIT, CC_BIT = ("mcc", "", ""), ("cc", "", "")
_COMPARE = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
Key: TypeAlias = tuple[str, str, str]  # subject, owner, list


@dataclass
class Layout:
    """What the columns of a profile mean, collected from all rules of a scheme.

    Columns: 0 the principal diagnosis' signature, 1 the principal procedure's, then one word of
    bits for every 36 keys of ``bits``, then one column of cells for each number of ``cuts`` and
    each text of ``texts``.

    Attributes:
        principal_lists: lists asked of the principal diagnosis (0) and procedure (1).
        bits: facts that any code can make true; mcc and cc come first.
        cuts: number -> the sorted constants it is compared with; a count of codes is a number.
        counts: the counts among them, by name -> subject, owner and list that are counted.
        texts: text feature -> the sorted values it is compared with.
    """

    principal_lists: tuple[list[Key], list[Key]] = field(default_factory=lambda: ([], []))
    bits: list[Key] = field(default_factory=lambda: [MCC_BIT, CC_BIT])
    cuts: dict[str, list[float]] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, Key] = field(default_factory=dict)

    @property
    def words(self) -> int:
        """Number of bit columns."""
        return -(-len(self.bits) // BITS_PER_WORD)

    @property
    def features(self) -> list[str]:
        """Numbers, then texts, in column order."""
        return [*self.cuts, *self.texts]

    def column(self, feature: str) -> int:
        """The column of a number's or text's cells."""
        return 2 + self.words + self.features.index(feature)

    def radix(self, feature: str) -> int:
        """How many cells a feature has."""
        if feature in self.texts:
            return len(self.texts[feature]) + 1
        return 2 * len(self.cuts[feature]) + 2


def collect(scheme: Scheme) -> Layout:
    """The layout that a scheme's rules need."""
    layout = Layout()
    cuts: dict[str, set[float]] = {}
    texts: dict[str, set[str]] = {}
    seen: set[Key] = set(layout.bits)
    groups: tuple[Mdc | Adrg | Drg, ...] = (*scheme.mdcs, *scheme.adrgs, *scheme.drgs)
    for group in groups:
        for atom in rules.atoms(rules.parse(group.rule)):
            if isinstance(atom, rules.Compare):
                cuts.setdefault(atom.feature, set()).add(atom.value)
            elif isinstance(atom, rules.Count):
                counted = key_of(group, atom.item)
                layout.counts[count_name(counted)] = counted
                cuts.setdefault(count_name(counted), set()).add(atom.value)
            elif isinstance(atom, rules.OneOf):
                for value in atom.values:
                    if isinstance(value, str):
                        texts.setdefault(atom.feature, set()).add(value)
                    else:
                        cuts.setdefault(atom.feature, set()).add(value)
            elif (key := key_of(group, atom)) not in seen:
                seen.add(key)
                place = principal_place(key)
                (layout.bits if place is None else layout.principal_lists[place]).append(key)
    # so that codes of a category are told from codes of none
    placed = [(mdc.code, MDC_LIST) for mdc in scheme.mdcs if (mdc.code, MDC_LIST) in scheme.lists]
    placed += [key[1:] for key in layout.bits if key[0] == "any_diagnosis"]
    keys = [("principal_diagnosis", *place) for place in placed]
    layout.principal_lists[0].extend(dict.fromkeys(key for key in keys if key not in seen))
    layout.cuts = {name: sorted(cuts[name]) for name in sorted(cuts)}
    layout.texts = {name: sorted(texts[name]) for name in sorted(texts)}
    return layout


def count_name(key: Key) -> str:
    """The name of the number that counts the codes of a list."""
    return f"count({key[0]} in {key[1]}:{key[2]})"


def key_of(group: Mdc | Adrg | Drg, atom: rules.Member | rules.Flag) -> Key:
    """The fact a rule's atom asks for: subject, owner and list."""
    if isinstance(atom, rules.Flag):
        subject = atom.name.removesuffix("_valid")
        return (subject, "", "valid" if atom.name.endswith("_valid") else "")
    return (atom.subject, *resolve(group, atom))


def principal_place(key: Key) -> int | None:
    """0 or 1 for facts of the principal diagnosis or procedure, None for the others."""
    return {"principal_diagnosis": 0, "principal_procedure": 1}.get(key[0])


def cell_of(values: npt.NDArray[np.float64], cuts: Sequence[float]) -> npt.NDArray[np.int16]:
    """The cell of each number: 2k + 1 intervals and points around k cuts, the last for NaN."""
    cells = np.zeros(len(values), np.int16)
    for cut in cuts:
        cells += values >= cut
        cells += values > cut
    cells[np.isnan(values)] = 2 * len(cuts) + 1
    return cells


def _representatives(cuts: Sequence[float]) -> npt.NDArray[np.float64]:
    """One number in each cell of :func:`cell_of`, NaN in the last."""
    inner = [value for cut in cuts for value in (np.nextafter(cut, -np.inf), cut)]
    return np.array([*inner, np.nextafter(cuts[-1], np.inf), np.nan])


@dataclass(frozen=True)
class Binder:
    """Binds rules to the columns of a layout.

    Attributes:
        layout: what the columns mean.
        truth: for the two principal columns, (list, signature) -> whether the list holds it.
    """

    layout: Layout
    truth: tuple[Mask, Mask]

    def bind(self, group: Mdc | Adrg | Drg) -> Test | None:
        """The test of a group's rule; None for a rule that is always true."""
        tree = rules.parse(group.rule)
        return None if tree == rules.Const(True) else self._bind(group, tree)

    def _bind(self, group: Mdc | Adrg | Drg, rule: rules.Rule) -> Test:
        if isinstance(rule, rules.And | rules.Or):
            tests = [self._bind(group, item) for item in rule.items]
            joined = np.logical_and if isinstance(rule, rules.And) else np.logical_or
            return lambda columns: joined.reduce([test(columns) for test in tests])
        if isinstance(rule, rules.Not):
            test = self._bind(group, rule.item)
            return lambda columns: ~test(columns)
        if isinstance(rule, rules.Const):
            value = rule.value
            return lambda columns: np.full(len(columns[0]), value)
        if isinstance(rule, rules.Count):
            rule = rules.Compare(count_name(key_of(group, rule.item)), rule.op, rule.value)
        if isinstance(rule, rules.Compare | rules.OneOf):
            return _lookup(self.layout.column(rule.feature), self._cells(rule))
        key = key_of(group, rule)
        place = principal_place(key)
        if place is None:
            word, bit = divmod(self.layout.bits.index(key), BITS_PER_WORD)
            return _bit(2 + word, 1 << bit)
        return _lookup(place, self.truth[place][self.layout.principal_lists[place].index(key)])

    def _cells(self, rule: rules.Compare | rules.OneOf) -> Mask:
        if rule.feature in self.layout.texts:
            assert isinstance(rule, rules.OneOf)
            return np.array([False, *(t in rule.values for t in self.layout.texts[rule.feature])])
        numbers = _representatives(self.layout.cuts[rule.feature])
        if isinstance(rule, rules.OneOf):
            return np.isin(numbers, [float(v) for v in rule.values])
        known = ~np.isnan(numbers)  # "!=" would hold for NaN, but a missing value satisfies nothing
        return np.asarray(_COMPARE[rule.op](numbers, rule.value)) & known


def _lookup(column: int, table: Mask) -> Test:
    return lambda columns: table[columns[column]]


def _bit(column: int, mask: int) -> Test:
    return lambda columns: (columns[column] & mask) != 0


@dataclass(frozen=True)
class Answer:
    """Groups of profiles as positions in the scheme's tuples, -1 for none. Shapes (K,)."""

    mdc: npt.NDArray[np.int16]
    adrg: npt.NDArray[np.int16]
    drg: npt.NDArray[np.int16]


class Program:
    """All rules of a scheme, in the order in which they are tried."""

    def __init__(
        self, mdcs: Sequence[Mdc], adrgs: Sequence[Adrg], drgs: Sequence[Drg], binder: Binder
    ) -> None:
        inside: Mapping[str, list[tuple[int, Test | None]]] = {a.code: [] for a in adrgs}
        for i, drg in enumerate(drgs):
            inside[drg.adrg].append((i, binder.bind(drg)))
        within: Mapping[str, list[tuple[int, Test | None, list[tuple[int, Test | None]]]]]
        within = {m.code: [] for m in mdcs}
        for i, adrg in enumerate(adrgs):
            within[adrg.mdc].append((i, binder.bind(adrg), inside[adrg.code]))
        self._mdcs = [(i, binder.bind(mdc), within[mdc.code]) for i, mdc in enumerate(mdcs)]

    def run(self, columns: Sequence[Column]) -> Answer:
        """Group profiles: the first MDC, ADRG and DRG whose rules hold, going on where none does.

        Args:
            columns: profile columns as the layout says, each of shape (K,).
        """
        rows = len(columns[0])
        answer = Answer(*(np.full(rows, -1, np.int16) for _ in range(3)))
        open_rows = np.arange(rows)
        for mdc, enters, adrgs in self._mdcs:
            if not open_rows.size:
                break
            here = (
                open_rows
                if enters is None
                else open_rows[enters([column[open_rows] for column in columns])]
            )
            if here.size:
                self._within(mdc, adrgs, here, columns, answer)
                open_rows = open_rows[answer.drg[open_rows] < 0]
        return answer

    @staticmethod
    def _within(
        mdc: int,
        adrgs: Sequence[tuple[int, Test | None, list[tuple[int, Test | None]]]],
        rows: npt.NDArray[np.int64],
        columns: Sequence[Column],
        answer: Answer,
    ) -> None:
        """Try the ADRGs of one MDC on the rows that entered it."""
        local = [column[rows] for column in columns]
        undecided = np.ones(len(rows), np.bool_)
        for adrg, enters, drgs in adrgs:
            matched = undecided if enters is None else undecided & enters(local)
            hits = np.flatnonzero(matched)
            if not hits.size:
                continue
            hit_columns = [column[hits] for column in local]
            left = np.ones(len(hits), np.bool_)
            for drg, holds in drgs:
                taken = left if holds is None else left & holds(hit_columns)
                where = rows[hits[taken]]
                answer.mdc[where], answer.adrg[where], answer.drg[where] = mdc, adrg, drg
                left = left & ~taken
                if not left.any():
                    break
            undecided[hits[~left]] = False
            if not undecided.any():
                break
