"""What one code does (单一编码的影响): the groups a case would reach if one code were different.

For audit and for honest coding: it shows what hangs on each code, so that the code can be looked
up in the record. It is no list of codes to choose from; a code stands where the record supports it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from drg.money import to_fen, to_yuan
from drg.provenance import to_json
from grouper.engine.reasons import GROUPED, INVALID, UNGROUPED_DRG, reason_text
from grouper.explain.codes import NUMBER_NAMES
from grouper.explain.trace import Code

if TYPE_CHECKING:
    from grouper.explain.case import Explanation

DROPPED, PRINCIPAL, REPEATED, ADDED = "dropped", "made_principal", "repeated", "added"
_DIAGNOSIS, _PROCEDURE = "diagnosis", "procedure"


@dataclass(frozen=True)
class Variant:
    """The case with one code changed, and where that leads.

    Attributes:
        change: ``dropped``, ``made_principal``, ``repeated`` (the principal code once more as a
            secondary one) or ``added`` (a code from another column of the record).
        kind: ``diagnosis`` or ``procedure``.
        code: the code, as the scheme spells it.
        name: its Chinese name.
        column: where an added code stands in the record, else ``""``.
        mdc: MDC reached.
        adrg: ADRG reached.
        drg: DRG reached, ``0000`` for none.
        severity: severity reached.
        status: status reached.
        reason: reason codes, joined by ``|``.
        changes: the DRG is another.
        weight: weight of the DRG reached; None when it is not known.
        weight_change: against the case as it is; None when either is not known.
        yuan_change: the same in yuan; None without a rate.
    """

    change: str
    kind: str
    code: str
    name: str
    column: str
    mdc: str
    adrg: str
    drg: str
    severity: str
    status: str
    reason: str
    changes: bool
    weight: float | None = None
    weight_change: float | None = None
    yuan_change: float | None = None


@dataclass(frozen=True)
class WhatIf:
    """What every code of a case does.

    Attributes:
        explanation: the case as it is.
        variants: ordered by effect, the greatest first.
        weight: weight of the case's DRG; None when it is not known.
        rate: yuan for one unit of weight, if given.
    """

    explanation: Explanation
    variants: tuple[Variant, ...]
    weight: float | None
    rate: float | None
    names: Mapping[str, str] = field(repr=False)

    def text(self, lang: str | None = None, *, everything: bool = False) -> str:
        """The variants for a reader; those that change nothing are counted only.

        Args:
            lang: ``zh`` or ``en``; by default the explanation's own.
            everything: list the variants that change nothing as well.
        """
        from grouper.explain.what_if_text import render

        return render(self, lang or self.explanation.lang, everything=everything)

    def document(self, lang: str | None = None) -> dict[str, Any]:
        """The variants as plain data, all of them."""
        lang = lang or self.explanation.lang
        return {
            "drg": self.explanation.drg,
            "weight": self.weight,
            "rate": self.rate,
            "variants": [
                {**vars(variant), "drg_name": self.names.get(variant.drg, ""),
                 "reason_text": reason_text(variant.reason, lang)}
                for variant in self.variants
            ],
        }  # fmt: skip

    def json(self, lang: str | None = None) -> str:
        """:meth:`document` as JSON."""
        return to_json(self.document(lang))

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True)
class _Change:
    """A variant before it is grouped."""

    change: str
    kind: str
    code: Code
    diagnoses: tuple[Code, ...]
    procedures: tuple[Code, ...]
    column: str = ""


def what_if(
    found: Explanation, weights: Mapping[str, float] | None = None, rate: float | None = None
) -> WhatIf:
    """Group a case with each of its codes dropped, repeated or made principal.

    Dropping a secondary code drops it wherever it stands among the secondary ones. An invalid
    case has no variants, since it has no group to compare with.

    Args:
        found: the case, explained.
        weights: relative weight of each DRG.
        rate: yuan for one unit of weight.
    """
    names = {drg.code: drg.name for drg in found.explainer.scheme.drgs}
    own = None if weights is None else weights.get(found.drg)
    changes = [] if found.status == INVALID else list(_changes(found))
    variants = [
        _variant(change, row, found, weights, own, rate)
        for change, row in zip(changes, _group(found, changes), strict=True)
    ]
    variants.sort(key=lambda variant: _effect(variant, found, own), reverse=True)
    return WhatIf(found, tuple(variants), own, rate, names)


def _changes(found: Explanation) -> Iterator[_Change]:
    """All variants of a case, each once."""
    dx, px = found.trace.diagnoses, found.trace.procedures
    seen = {(_key(dx), _key(px))}
    candidates = [
        *_of_list(_DIAGNOSIS, dx, lambda codes: (codes, px)),
        *_of_list(_PROCEDURE, px, lambda codes: (dx, codes)),
        *_elsewhere(found),
    ]
    for change in candidates:
        key = (_key(change.diagnoses), _key(change.procedures))
        if key not in seen:
            seen.add(key)
            yield change


def _key(codes: Sequence[Code]) -> tuple[str, ...]:
    return tuple(code.code or code.given for code in codes)


def _of_list(kind: str, codes: tuple[Code, ...], whole: Any) -> Iterator[_Change]:
    """Variants of one list: each code dropped, each made principal, the principal repeated."""
    first, others = codes[:1], codes[1:]
    if first and first[0].given and (others or kind == _PROCEDURE):
        yield _Change(DROPPED, kind, first[0], *whole(others))
    for code in dict.fromkeys(others):
        if not code.code:
            continue
        left = tuple(c for c in others if c.code != code.code)
        yield _Change(DROPPED, kind, code, *whole((*first, *left)))
        yield _Change(PRINCIPAL, kind, code, *whole((code, *first, *left)))
    if first and first[0].code:
        yield _Change(REPEATED, kind, first[0], *whole((*codes, first[0])))


def _elsewhere(found: Explanation) -> Iterator[_Change]:
    """Codes of the record that stand in another column, added as secondary ones."""
    dx, px = found.trace.diagnoses, found.trace.procedures
    tracer = found.explainer.tracer
    for column, text in found.case.elsewhere:
        diagnosis, procedure = tracer.diagnosis(text), tracer.procedure(text)
        if diagnosis.code and diagnosis.code not in _key(dx):
            yield _Change(ADDED, _DIAGNOSIS, diagnosis, (*dx, diagnosis), px, column)
        elif procedure.code and procedure.code not in _key(px):
            yield _Change(ADDED, _PROCEDURE, procedure, dx, (*px, procedure), column)


def _group(found: Explanation, changes: Sequence[_Change]) -> list[dict[str, str]]:
    """Group all variants at once."""
    case, rows = found.case, len(changes)
    if not rows:
        return []
    columns: dict[str, pa.Array] = {
        name: pa.array([None if math.isnan(value) else value] * rows, pa.float64())
        for name in NUMBER_NAMES
        for value in (case.numbers[name],)
    }
    columns["department"] = pa.array([case.department] * rows, pa.string())
    for name in ("diagnoses", "procedures"):
        lists = [[code.given for code in getattr(change, name)] for change in changes]
        columns[name] = pa.array(lists, pa.list_(pa.string()))
    grouped = found.explainer.grouper.group(pa.table(columns))
    kept: list[dict[str, str]] = grouped.select(
        ["mdc", "adrg", "drg", "severity", "status", "reason"]
    ).to_pylist()
    return kept


def _variant(
    change: _Change,
    row: Mapping[str, str],
    found: Explanation,
    weights: Mapping[str, float] | None,
    own: float | None,
    rate: float | None,
) -> Variant:
    weight = None if weights is None else weights.get(row["drg"])
    step = None if weight is None or own is None else weight - own
    money = None
    if rate is not None and weight is not None and own is not None:
        # the difference of two exact amounts, not an amount of its own
        after, before = to_fen(np.array([weight * rate, own * rate]))
        money = float(to_yuan(after - before))
    return Variant(
        change.change, change.kind, change.code.code or change.code.given, change.code.name,
        change.column, **row, changes=row["drg"] != found.drg, weight=weight,
        weight_change=step, yuan_change=money,
    )  # fmt: skip


def _effect(variant: Variant, found: Explanation, own: float | None) -> tuple[float, ...]:
    """How much a variant matters: by weight where weights are known, else by how far it leads.

    Losing the group altogether counts as losing the case's whole weight; a group whose weight is
    not known stands behind those with an effect that is.
    """
    depth = (
        variant.drg == UNGROUPED_DRG,
        variant.mdc != found.mdc,
        variant.adrg != found.adrg,
        variant.changes,
        (variant.status == GROUPED) != (found.status == GROUPED),
        variant.severity != found.severity,
    )
    by_weight = 0.0
    if variant.weight_change is not None:
        by_weight = abs(variant.weight_change)
    elif own is not None and variant.drg == UNGROUPED_DRG:
        by_weight = own
    return (by_weight, *map(float, depth))
