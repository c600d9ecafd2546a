"""Groups of two schemes matched (病组对应): by name and by what they hold, not by their code.

Adjacent groups are matched first, then the DRGs inside them by the severity they mean. What is
found in each MDC, in this order:

1. groups of one name are one group;
2. groups of which each holds most of the other's content are one group;
3. a group that is left came out of, or went into, those that hold most of its content.

Where one scheme has no codes, names alone decide: one name; a name with another clause behind it;
the name most like it among those that are left. Ambiguous groups and rows for what fits no group
are matched by code: their names say nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from drg.cases.outcomes import is_ambiguous, is_ungrouped
from grouper.compare import names, severity
from grouper.compare.content import Content, Shares, contents, shares
from grouper.scheme.model import Adrg, Drg, Scheme

Kind: TypeAlias = Literal["kept", "renumbered", "split", "merged", "regrouped", "new", "gone"]
KINDS: tuple[Kind, ...] = (
    "kept", "renumbered", "split", "merged", "regrouped", "new", "gone",
)  # fmt: skip

# At least half of what either group holds is in the other: no third group can be nearer to both.
MOST = 0.5
# A group of the same name must share some content; with less, another group took over the name.
SOME = 0.1
# A piece of a group that is divided: a fifth of it, so that at most five pieces are told, and the
# stray codes that every revision moves about are not.
PIECE = 0.2
# Names alone: between CHS-DRG 2.0 and 3.0, names of one subject share two fifths of their
# characters and pairs of characters, and names of different subjects seldom do.
ALIKE = 0.4
# A group of which neither name nor code changed much needs less.
ALIKE_UNDER_ONE_CODE = 0.2


@dataclass(frozen=True)
class Match:
    """Groups that correspond.

    Groups that stayed, of which pieces make up another one, stand in a match of their own and
    besides in that of the pieces.

    Attributes:
        kind: ``kept`` (code and meaning), ``renumbered`` (another code), ``split`` (one into
            several), ``merged`` (several into one), ``regrouped`` (several into several), ``new``,
            ``gone``.
        old: codes in the old scheme.
        new: codes in the new scheme.
        old_names: names of the old groups.
        new_names: names of the new groups.
        likeness: of the codes that led to these groups or lead to them now, the share that does
            both (of a group of pieces: the share of its own that the others hold); ``None`` when
            only names could be compared.
        came: codes that lead to the groups now and did not.
        went: codes that led to the groups and do not now.
        partial: whether only pieces of the groups of the longer side correspond; those groups stand
            in a match of their own besides.
    """

    kind: Kind
    old: tuple[str, ...]
    new: tuple[str, ...]
    old_names: tuple[str, ...] = ()
    new_names: tuple[str, ...] = ()
    likeness: float | None = None
    came: tuple[str, ...] = field(default=(), repr=False)
    went: tuple[str, ...] = field(default=(), repr=False)
    partial: bool = False

    @property
    def aside(self) -> bool:
        """Whether all its groups are ambiguous ones or rows for what fits no group."""
        return all(map(_uncounted, (*self.old, *self.new)))

    @property
    def renamed(self) -> bool:
        """Whether one group became one group of another name."""
        one = len(self.old) == len(self.new) == 1
        return one and not names.same(self.old_names[0], self.new_names[0])


@dataclass(frozen=True)
class GroupComparison:
    """The groups of two schemes side by side.

    Attributes:
        adrgs: what became of the adjacent groups, in the order of the schemes.
        drgs: what became of the DRGs.
        reused_adrgs: codes that both schemes have for different groups -> (old name, new name).
        reused_drgs: the same of DRGs.
        by_content: whether content was compared too, not names alone.
        links: (old group, new group) pairs, of ADRGs and DRGs.
    """

    adrgs: tuple[Match, ...]
    drgs: tuple[Match, ...]
    reused_adrgs: Mapping[str, tuple[str, str]]
    reused_drgs: Mapping[str, tuple[str, str]]
    by_content: bool
    links: frozenset[tuple[str, str]] = field(repr=False)

    def __post_init__(self) -> None:
        onward, back = defaultdict(list), defaultdict(list)
        for old, new in sorted(self.links):
            onward[old].append(new)
            back[new].append(old)
        object.__setattr__(self, "_onward", {code: tuple(found) for code, found in onward.items()})
        object.__setattr__(self, "_back", {code: tuple(found) for code, found in back.items()})

    def new_of(self, old: str) -> tuple[str, ...]:
        """The new groups that an old DRG (or ADRG) corresponds to."""
        return self._onward.get(old, ())  # type: ignore[attr-defined,no-any-return]

    def old_of(self, new: str) -> tuple[str, ...]:
        """The old groups that a new DRG (or ADRG) corresponds to."""
        return self._back.get(new, ())  # type: ignore[attr-defined,no-any-return]


def compare_groups(old: Scheme, new: Scheme) -> GroupComparison:
    """Match the groups of two schemes.

    Args:
        old: the scheme before.
        new: the scheme after; either may lack its lists (:func:`grouper.scheme.pack.load_groups`).
    """
    held = contents(old, new), contents(new, old)
    matching = _Matching(old, new, held)
    matching.run()
    whole, pieces = matching.whole, matching.pieces
    links = whole | {pair for pairs in pieces for pair in pairs}
    inside = _drgs_by_adrg(old), _drgs_by_adrg(new)
    drg_links = {pair for a, b in whole for pair in severity.pairs(inside[0][a], inside[1][b])}
    drg_pieces = [
        {pair for a, b in pairs for pair in severity.pairs(inside[0][a], inside[1][b])}
        for pairs in pieces
    ]
    every_drg_link = drg_links | {pair for pairs in drg_pieces for pair in pairs}
    return GroupComparison(
        adrgs=tuple(_matches(old.adrgs, new.adrgs, whole, pieces, held)),
        drgs=tuple(_matches(old.drgs, new.drgs, drg_links, _one_by_one(drg_pieces, drg_links))),
        reused_adrgs=_reused(old.adrgs, new.adrgs, links),
        reused_drgs=_reused(old.drgs, new.drgs, every_drg_link),
        by_content=bool(old.lists) and bool(new.lists),
        links=frozenset(links | every_drg_link),
    )


Pairs: TypeAlias = set[tuple[str, str]]


class _Matching:
    """Adjacent groups of two schemes, matched step by step.

    Attributes:
        whole: (old, new) pairs that are one group, or of which one lies mostly in the other.
        pieces: the pairs of each group that lies in several, mostly in none.
    """

    def __init__(
        self, old: Scheme, new: Scheme, held: tuple[dict[str, Content], dict[str, Content]]
    ) -> None:
        self.old = {adrg.code: adrg for adrg in old.adrgs}
        self.new = {adrg.code: adrg for adrg in new.adrgs}
        self.held = held
        self.by_content = bool(old.lists) and bool(new.lists)
        self.shares: Shares = {
            pair: both for pair, both in shares(*held).items()
            if not (_nameless(self.old[pair[0]]) or _nameless(self.new[pair[1]]))
        }  # fmt: skip
        self.onward: dict[str, str] = {}
        self.back: dict[str, str] = {}
        self.more: Pairs = set()
        self.pieces: list[Pairs] = []

    @property
    def whole(self) -> Pairs:
        return {*self.onward.items(), *self.more}

    def run(self) -> None:
        """Match, surest first."""
        self._one_code()
        self._one_name()
        self._one_content()
        if not self.by_content:
            self._clauses()
        self._alike()
        self._remains()

    def _join(self, old: str, new: str) -> None:
        if old not in self.onward and new not in self.back:
            self.onward[old] = new
            self.back[new] = old

    def _left(self) -> tuple[list[Adrg], list[Adrg]]:
        return ([one for code, one in self.old.items() if code not in self.onward],
                [one for code, one in self.new.items() if code not in self.back])  # fmt: skip

    def _bare(self, old: str, new: str) -> bool:
        """Whether there is no content to compare."""
        return old not in self.held[0] or new not in self.held[1]

    def _one_mdc(self, old: str, new: str) -> bool:
        return self.old[old].mdc == self.new[new].mdc

    def _one_code(self) -> None:
        """Groups without a name that says anything."""
        for code, adrg in self.old.items():
            if code in self.new and (_nameless(adrg) or _nameless(self.new[code])):
                self._join(code, code)

    def _one_name(self) -> None:
        """Groups that alone bear their name, in their MDC or, failing that, anywhere."""
        for everywhere in (False, True):
            named: list[dict[tuple[str, str], list[str]]] = [defaultdict(list), defaultdict(list)]
            for side, groups in enumerate(self._left()):
                for adrg in groups:
                    if not _nameless(adrg):
                        mdc = "" if everywhere else adrg.mdc
                        named[side][mdc, names.normal(adrg.name)].append(adrg.code)
            for key, codes in named[0].items():
                others = named[1].get(key, [])
                for old in codes:
                    if old in others:
                        self._join(old, old)
                    elif len(codes) == len(others) == 1 and self._may_be(old, others[0]):
                        self._join(old, others[0])

    def _may_be(self, old: str, new: str) -> bool:
        """Whether content does not speak against a common name."""
        return self._bare(old, new) or max(self.shares.get((old, new), (0.0,))) >= SOME

    def _one_content(self) -> None:
        near = [
            (sum(both), names.likeness(self.old[old].name, self.new[new].name), old, new)
            for (old, new), both in self.shares.items()
            if self._one_mdc(old, new) and min(both) >= MOST
        ]
        for _, _, old, new in sorted(near, key=lambda n: (-n[0], -n[1], n[2] != n[3], n[2:])):
            self._join(old, new)

    def _clauses(self) -> None:
        """A new group whose name is that of an old one with a clause behind it is a part of it."""
        for new in self._left()[1]:
            self.more |= {
                (old.code, new.code) for old in self.old.values()
                if old.mdc == new.mdc and names.qualifies(new.name, old.name)
            }  # fmt: skip

    def _alike(self) -> None:
        """Of those left over without content, each with the one that is named most alike.

        What is left even then is a piece of one that is matched, where it is of its series.
        """
        left = self._left()
        near = []
        for one in left[0]:
            for other in left[1]:
                pair = one.code, other.code
                if not self._one_mdc(*pair) or not self._bare(*pair):
                    continue
                if _nameless(one) or _nameless(other):
                    continue
                alike = names.likeness(one.name, other.name)
                if alike >= (ALIKE_UNDER_ONE_CODE if pair[0] == pair[1] else ALIKE):
                    near.append((alike, pair))
        near.sort(key=lambda n: (-n[0], n[1][0] != n[1][1], n[1]))
        for _, pair in near:
            self._join(*pair)
        told: set[tuple[int, str]] = {(s, pair[s]) for pair in self.more for s in (0, 1)}
        for _, pair in near:
            loose = [
                (side, code) for side, code in enumerate(pair)
                if code not in (self.onward, self.back)[side] and (side, code) not in told
            ]  # fmt: skip
            if loose and self._one_series(*pair):
                self.more.add(pair)
                told.update(loose)

    def _one_series(self, old: str, new: str) -> bool:
        """Whether codes begin alike: parts of a divided group are numbered one after another."""
        return new[:2] in (old[:2], self.onward.get(old, "")[:2])

    def _remains(self) -> None:
        """Where those left over came from or went to, by content."""
        beside: tuple[dict[str, list[_Near]], dict[str, list[_Near]]] = {}, {}
        for pair, both in self.shares.items():
            if self._one_mdc(*pair):
                alike = names.likeness(self.old[pair[0]].name, self.new[pair[1]].name)
                for side in (0, 1):
                    beside[side].setdefault(pair[side], []).append((both, alike, pair))
        for side, groups in enumerate(self._left()):
            for adrg in groups:
                near = beside[side].get(adrg.code, [])
                whole = [
                    one for one in near
                    if max(one[0]) >= MOST or (max(one[0]) >= PIECE and one[1] >= names.WITHIN)
                ]  # fmt: skip
                parts = [(both[side], pair) for both, _, pair in near if both[side] >= PIECE]
                if whole:
                    self.more.add(max(whole, key=_nearness)[2])
                elif sum(share for share, _ in parts) >= MOST:
                    self.pieces.append({pair for _, pair in parts})


_Near: TypeAlias = tuple[tuple[float, float], float, tuple[str, str]]


def _nearness(near: _Near) -> tuple[float, bool, tuple[str, str]]:
    """What both groups share, and half as much what their names do."""
    both, alike, pair = near
    return sum(both) + alike / 2, pair[0] == pair[1], pair


def _nameless(adrg: Adrg) -> bool:
    return not adrg.name or _uncounted(adrg.code)


def _uncounted(code: str) -> bool:
    return is_ambiguous(code) or is_ungrouped(code) or (len(code) == 3 and code.endswith("00"))


def _drgs_by_adrg(scheme: Scheme) -> Mapping[str, list[Drg]]:
    inside: dict[str, list[Drg]] = defaultdict(list)
    for drg in scheme.drgs:
        inside[drg.adrg].append(drg)
    return inside


def _one_by_one(pieces: Iterable[Pairs], whole: Pairs) -> list[Pairs]:
    """The pieces of ADRGs as pieces of their DRGs: those of one DRG together."""
    found: list[Pairs] = []
    for pairs in pieces:
        for side in (0, 1):
            # The group that is divided, or made up, is the one that all pairs of the ADRG share.
            if len({pair[side][:3] for pair in pairs}) == 1:
                codes = sorted({pair[side] for pair in pairs})
                found += [{p for p in pairs if p[side] == code} - whole for code in codes]
                break
    return [pairs for pairs in found if pairs]


Held: TypeAlias = tuple[Mapping[str, Content], Mapping[str, Content]]
Named: TypeAlias = tuple[Mapping[str, str], Mapping[str, str]]


def _matches(
    old: Sequence[Adrg | Drg], new: Sequence[Adrg | Drg], links: Pairs, pieces: Iterable[Pairs],
    held: Held = ({}, {}),
) -> list[Match]:  # fmt: skip
    """Groups that hang together through their links, each one match, and groups of pieces."""
    sides = {group.code: group.name for group in old}, {group.code: group.name for group in new}
    places = [{code: place for place, code in enumerate(side)} for side in sides]
    onward: dict[tuple[int, str], list[tuple[int, str]]] = defaultdict(list)
    for a, b in links:
        onward[0, a].append((1, b))
        onward[1, b].append((0, a))
    apart = {(side, pair[side]) for pairs in pieces for pair in pairs for side in (0, 1)}
    seen: set[tuple[int, str]] = set()
    found = []
    for start in [*((0, code) for code in sides[0]), *((1, code) for code in sides[1])]:
        if start in seen or (start in apart and start not in onward):
            continue
        reach, todo = {start}, [start]
        while todo:
            for node in onward[todo.pop()]:
                if node not in reach:
                    reach.add(node)
                    todo.append(node)
        seen |= reach
        codes = [
            tuple(sorted((code for side, code in reach if side == s), key=places[s].__getitem__))
            for s in (0, 1)
        ]
        found.append(_match(codes[0], codes[1], sides, held))
    for pairs in pieces:
        codes = [tuple(c for c in sides[s] if c in {pair[s] for pair in pairs}) for s in (0, 1)]
        found.append(_match(codes[0], codes[1], sides, held, whole=False))
    return found


def _match(
    old: tuple[str, ...], new: tuple[str, ...], named: Named, held: Held, *, whole: bool = True
) -> Match:
    before, after = (
        frozenset[str]().union(*(side[code].codes for code in codes if code in side))
        for side, codes in zip(held, (old, new), strict=True)
    )
    likeness: float | None = None
    came: frozenset[str] = frozenset()
    went: frozenset[str] = frozenset()
    if before and after and whole:
        likeness = len(before & after) / len(before | after)
        came, went = after - before, before - after
    elif before and after:
        likeness = len(before & after) / min(len(before), len(after))
    return Match(
        _kind(old, new), old, new,
        tuple(named[0][code] for code in old), tuple(named[1][code] for code in new),
        likeness, tuple(sorted(came)), tuple(sorted(went)), not whole,
    )  # fmt: skip


def _kind(old: tuple[str, ...], new: tuple[str, ...]) -> Kind:
    if not old or not new:
        return "new" if new else "gone"
    if len(old) == 1:
        return "split" if len(new) > 1 else "kept" if old == new else "renumbered"
    return "merged" if len(new) == 1 else "regrouped"


def _reused(
    old: Sequence[Adrg | Drg], new: Sequence[Adrg | Drg], links: Pairs
) -> dict[str, tuple[str, str]]:
    after = {group.code: group.name for group in new}
    return {
        group.code: (group.name, after[group.code])
        for group in old
        if group.code in after and (group.code, group.code) not in links
    }


def counts(matches: Iterable[Match]) -> dict[Kind, int]:
    """How many matches there are of each kind; ambiguous groups and rows for none do not count."""
    found = Counter(match.kind for match in matches if not match.aside)
    return {kind: found[kind] for kind in KINDS}
