"""What one code does, in words: a short table, the greatest effect first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grouper.engine.reasons import INVALID, UNGROUPED_DRG, reason_text
from grouper.explain.text import Writer, columns

if TYPE_CHECKING:
    from grouper.explain.what_if import Variant, WhatIf

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


def render(found: WhatIf, lang: str, *, everything: bool = False) -> str:
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
