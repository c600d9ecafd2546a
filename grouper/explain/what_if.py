"""What one code does (单一编码的影响): the groups a case would reach if one code were different.

For audit and for honest coding: it shows what hangs on each code, so that the code can be looked
up in the record. It is no list of codes to choose from; a code stands where the record supports it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from drg.cases.outcomes import UNGROUPED_DRG
from drg.money import to_fen, to_yuan
from drg.provenance import to_json
from grouper.engine.reasons import GROUPED, INVALID, reason_text
from grouper.explain.answer import Answer
from grouper.explain.codes import NUMBER_NAMES
from grouper.explain.text import Writer, columns
from grouper.explain.trace import Code

DROPPED, PRINCIPAL, REPEATED, ADDED = "dropped", "made_principal", "repeated", "added"
_DIAGNOSIS, _PROCEDURE = "diagnosis", "procedure"
_CHANGES = {
    ("dropped", "diagnosis"): ("去掉诊断", "without diagnosis"),
    ("dropped", "procedure"): ("去掉手术操作", "without procedure"),
    ("made_principal", "diagnosis"): ("作主要诊断", "as principal diagnosis"),
    ("made_principal", "procedure"): ("作主要手术操作", "as principal procedure"),
    ("repeated", "diagnosis"): ("主要诊断重复为其他诊断", "principal diagnosis also as secondary"),
    ("repeated", "procedure"): ("主要手术重复为其他手术", "principal procedure also as secondary"),
    ("added", "diagnosis"): ("加入病历中的诊断", "with the record's diagnosis"),
    ("added", "procedure"): ("加入病历中的手术操作", "with the record's procedure"),
}
_PURPOSE = (
    "用于审核和如实编码：编码应以病历为依据，不因分组而选择。",
    "For audit and honest coding: a code stands if the record supports it, never for the group.",
)


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

    explanation: Answer
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
        return _render(self, lang or self.explanation.lang, everything=everything)

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
    found: Answer, weights: Mapping[str, float] | None = None, rate: float | None = None
) -> WhatIf:
    """Group a case with each of its codes dropped, repeated or made principal.

    Dropping a secondary code drops it wherever it stands among the secondary ones. An invalid
    case has no variants, since it has no group to compare with.

    Args:
        found: the case, explained.
        weights: relative weight of each DRG.
        rate: yuan for one unit of weight.
    """
    names = {drg.code: drg.name for drg in found.machinery.scheme.drgs}
    own = None if weights is None else weights.get(found.drg)
    changes = [] if found.status == INVALID else list(_changes(found))
    variants = [
        _variant(change, row, found, weights, own, rate)
        for change, row in zip(changes, _group(found, changes), strict=True)
    ]
    variants.sort(key=lambda variant: _effect(variant, found, own), reverse=True)
    return WhatIf(found, tuple(variants), own, rate, names)


def _changes(found: Answer) -> Iterator[_Change]:
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


def _elsewhere(found: Answer) -> Iterator[_Change]:
    """Codes of the record that stand in another column, added as secondary ones."""
    dx, px = found.trace.diagnoses, found.trace.procedures
    tracer = found.machinery.tracer
    for column, text in found.case.elsewhere:
        diagnosis, procedure = tracer.diagnosis(text), tracer.procedure(text)
        if diagnosis.code and diagnosis.code not in _key(dx):
            yield _Change(ADDED, _DIAGNOSIS, diagnosis, (*dx, diagnosis), px, column)
        elif procedure.code and procedure.code not in _key(px):
            yield _Change(ADDED, _PROCEDURE, procedure, dx, (*px, procedure), column)


def _group(found: Answer, changes: Sequence[_Change]) -> list[dict[str, str]]:
    """Group all variants at once."""
    case, rows = found.case, len(changes)
    if not rows:
        return []
    table: dict[str, pa.Array] = {
        name: pa.array([None if math.isnan(value) else value] * rows, pa.float64())
        for name in NUMBER_NAMES
        for value in (case.numbers[name],)
    }
    table["department"] = pa.array([case.department] * rows, pa.string())
    for name in ("diagnoses", "procedures"):
        lists = [[code.given for code in getattr(change, name)] for change in changes]
        table[name] = pa.array(lists, pa.list_(pa.string()))
    grouped = found.machinery.grouper.group(pa.table(table))
    kept: list[dict[str, str]] = grouped.select(
        ["mdc", "adrg", "drg", "severity", "status", "reason"]
    ).to_pylist()
    return kept


def _variant(
    change: _Change,
    row: Mapping[str, str],
    found: Answer,
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


def _effect(variant: Variant, found: Answer, own: float | None) -> tuple[float, ...]:
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


def _render(found: WhatIf, lang: str, *, everything: bool) -> str:
    """The variants as text.

    Args:
        found: the variants.
        lang: ``zh`` or ``en``.
        everything: list those that change nothing as well.
    """
    case = found.explanation
    writer = Writer(lang, case.names(), case.trace)
    title = writer.say("如果一个编码不同", "If one code were different")
    if case.status == INVALID:
        return f"{title}\n  " + writer.say("无效病例，不作比较", "an invalid case is not compared")
    now = writer.say("现在", "now")
    head = f"  {now} {case.drg} {case.name}".rstrip()
    if found.weight is not None:
        head += writer.say(f"，权重 {found.weight:g}", f", weight {found.weight:g}")
    shown = [v for v in found.variants if v.changes or everything]
    lines = [title, head, *columns([_row(v, found, writer) for v in shown])]
    if quiet := len(found.variants) - len(shown):
        zh, en = f"另有 {quiet} 种改动不改变分组", f"{quiet} other changes leave the group as it is"
        lines.append(f"  {writer.say(zh, en)}")
    return "\n".join([*lines, "  " + writer.word(_PURPOSE)])


def _row(variant: Variant, found: WhatIf, writer: Writer) -> tuple[str, ...]:
    change = writer.word(_CHANGES[variant.change, variant.kind])
    what = f"{variant.code} {variant.name}".strip()
    if variant.column:
        what += f" [{variant.column}]"
    name = found.names.get(variant.drg, "")
    if variant.drg == UNGROUPED_DRG:
        name = reason_text(variant.reason, writer.lang)
    return (change, what, f"-> {variant.drg}", *_effects(variant, found, writer), name)


def _effects(variant: Variant, found: WhatIf, writer: Writer) -> tuple[str, ...]:
    if found.weight is None:
        return ()
    cells = ["?" if variant.weight_change is None else f"{variant.weight_change:+.4f}"]
    if found.rate is not None:
        yuan = variant.yuan_change
        cells.append("?" if yuan is None else f"{yuan:+,.2f} {writer.say('元', 'yuan')}")
    return tuple(cells)
