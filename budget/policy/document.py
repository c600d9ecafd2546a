"""A policy (支付政策) ready for use: its sections, every figure with its source, its digest."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from budget.policy.benefit import Benefit
from budget.policy.describe import Key, field_at
from budget.policy.faults import one_line
from budget.policy.groups import Groups
from budget.policy.outliers import Outliers
from budget.policy.pools import AdvanceMoney, Cash, OutOfArea, Pool, Procurement
from budget.policy.rules import Rules
from budget.policy.special import Special
from budget.policy.standard import Coefficients, Standard
from budget.policy.tree import (
    Held,
    Path,
    Tree,
    grow,
    leaves,
    overlay,
    parse,
    plain,
    put,
    spell,
    without,
)
from budget.policy.year_end import Assessment, Sharing
from drg.errors import problem
from drg.language import is_default, say
from drg.provenance import hash_text


@dataclass(frozen=True)
class Header:
    """Who a policy is.

    Attributes:
        id: its id; ``a+b`` where b was laid over a.
        title: in Chinese.
        title_en: in English.
        region: the place, in Chinese.
        valid_from: first day; None when it is not known.
        valid_to: last day; None when it has none.
        source: the official document.
        weights: id of the weight table that goes with it (``weights/published``); may be empty.
        scheme: id of the grouping scheme that goes with it; may be empty.
        unknown: key or subject -> what is not known of it.
        chain: ids of the documents, the topmost first.
        files: id of a document -> its file.
    """

    id: str
    title: str
    title_en: str
    region: str
    valid_from: datetime.date | None
    valid_to: datetime.date | None
    source: str
    weights: str
    scheme: str
    unknown: Mapping[str, str]
    chain: tuple[str, ...]
    files: Mapping[str, str]


@dataclass(frozen=True)
class Leaf:
    """One value of a policy.

    Attributes:
        key: its path, for :meth:`Policy.replace`.
        value: number, truth value, text, date, or a tuple of such.
        source: where it comes from.
        origin: id of the document that says it.
        about: term, unit and range.
    """

    key: str
    value: Any
    source: str
    origin: str
    about: Key

    @property
    def is_default(self) -> bool:
        """Whether it is a typical value without a published source (默认)."""
        return is_default(self.source)


@dataclass(frozen=True, eq=False, repr=False)
class Policy:
    """A payment policy (支付政策): what a place pays, as data. Frozen; tuples throughout.

    Made by :func:`budget.load_policy`.

    Attributes:
        header: who it is.
        tree: its values with their sources.
        standard: payment standard (支付标准).
        coefficients: coefficients of hospitals (机构系数); None for 1 everywhere.
        groups: group sets (病组集合); None without any.
        outliers: low and high outliers (极端病例).
        special: cases paid otherwise (特殊病例).
        pools: pools (基金池).
        cash: cash flow (拨付).
        assessment: yearly assessment (年度考核).
        sharing: sharing of surplus and overrun (结余与超支).
        benefit: the patient's share (个人负担).
        out_of_area: out-of-area prepayment (异地就医预付).
        advance_money: money lent to hospitals for the year (预付金).
        procurement: retention of procurement savings (集采结余留用).
    """

    header: Header
    tree: Tree
    standard: Standard
    coefficients: Coefficients | None
    groups: Groups | None
    outliers: Outliers
    special: Special
    pools: tuple[Pool, ...]
    cash: Cash
    assessment: Assessment
    sharing: Sharing
    benefit: Benefit
    out_of_area: OutOfArea | None
    advance_money: AdvanceMoney | None
    procurement: Procurement | None

    def __repr__(self) -> str:
        return f"Policy({self.id}: {self.header.title}, {self.standard.kind})"

    @property
    def id(self) -> str:
        """Its id."""
        return self.header.id

    @property
    def digest(self) -> str:
        """SHA-256 over the id's chain, dates, weights, scheme and every value, not over sources.

        Keys count, their order does not.
        """
        h = self.header
        about = (h.id, str(h.valid_from), str(h.valid_to), h.weights, h.scheme)
        lines = sorted(
            f"{spell(path)}\t{_canonical(held.value)}" for path, held in leaves(self.tree)
        )
        return hash_text(*about, *lines)

    def on(self, date: datetime.date) -> Policy:
        """The policy itself, if it holds on a date.

        Raises:
            DrgError: it does not.
        """
        first, last = self.header.valid_from, self.header.valid_to
        if (first is not None and date < first) or (last is not None and date > last):
            raise problem(say(f"政策 {self.id} 在该日不适用",
                              f"the policy {self.id} does not hold on this day"),
                          key="valid_from" if first is not None and date < first else "valid_to",
                          found=date,
                          expected=say(f"{first or '...'} 至 {last or '...'}",
                                       f"{first or '...'} to {last or '...'}"))  # fmt: skip
        return self

    def leaves(self) -> Iterator[Leaf]:
        """Every value with its source, in the order of the document."""
        for path, held in leaves(self.tree):
            about = field_at(Rules, path)
            assert about is not None, path
            yield Leaf(spell(path), held.value, held.source, held.origin, about)

    def replace(self, key: str, value: Any, source: str = "手工替换 | replaced by hand") -> Policy:
        """Another policy with one value, or one table, different.

        Args:
            key: a path, such as ``outliers.high.share`` or ``standard.rates.tier3.yuan``.
            value: the new value, a mapping, a list, or None to take the key away.
            source: of the new value.

        Raises:
            DrgError: the path leads nowhere, or the policy would be wrong.
        """
        path = parse(key)
        if value is None:
            return build(self.header, without(self.tree, path, key, self.id))
        grown = grow({"new": value, "source": source}, "replace", self.id)["new"]
        return build(self.header, put(self.tree, path, grown, key))

    def laid_over(self, table: Mapping[str, Any], source: str) -> Policy:
        """Another policy: a table of keys laid over this one, all at once.

        Args:
            table: nested tables as in a document; ``"none"`` deletes.
            source: of its values.

        Raises:
            DrgError: the policy would be wrong.
        """
        grown = grow({**table, "source": source}, "overlay", self.id)
        return build(self.header, overlay(self.tree, grown, self.id))


def _canonical(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value))
    return f"{type(value).__name__}:{value}"


def build(header: Header, tree: Tree) -> Policy:
    """A policy from its values.

    Raises:
        DrgError: they are not complete, or a value is wrong; the first fault is named.
    """
    document = plain(tree)

    def file_of(path: Path) -> str:
        node: Any = tree
        for part in path:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                break
        origins = {held.origin for _, held in leaves(node)} if node is not tree else set()
        origin = origins.pop() if len(origins) == 1 else header.chain[0]
        top = header.files[header.chain[0]]
        below = header.files.get(origin, top)
        return top if below == top else f"{top} over {below}"

    try:
        rules = Rules.model_validate(document)
    except ValidationError as error:
        raise one_line(error, Rules, document, file_of) from None
    return Policy(header, tree, **{name: getattr(rules, name) for name in Rules.model_fields})


__all__ = ["Header", "Held", "Leaf", "Policy", "build"]
