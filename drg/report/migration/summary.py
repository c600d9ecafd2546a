"""What differs between two schemes (方案比对) on about a page of a terminal, and group by group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from drg.language import say
from drg.report.migration.words import (
    KINDS,
    LEVELS,
    NOT_TO_BE_USED,
    ONLY_NAMES,
    Compared,
    aside,
    changed,
)
from drg.terminal import fit, table, width
from grouper.compare.groups import Match, counts

ACROSS, _NAME = 100, 20  # columns of a terminal; of a name


def summary_text(told: Compared) -> str:
    """The comparison on about a page."""
    found = told.found
    lines = [f"{told.old} -> {told.new}"]
    if not found.groups.by_content:
        lines.append(say(*ONLY_NAMES))
    lines += ["", _numbers(told), "", _kinds(told)]
    come, gone = aside(found.groups.adrgs)
    if come or gone:
        lines.append(say(f"另有歧义组（QY）和不入组行：新增 {come}，取消 {gone}",
                         f"besides, ambiguous groups (QY) and rows for no group: {come} new, "
                         f"{gone} gone"))  # fmt: skip
    if found.groups.by_content:
        lines += ["", *_complications(told)]
    lines += _reused(found.groups.reused_adrgs, found.groups.reused_drgs)
    adrgs = found.groups.adrgs
    lines += _listed("renumbered", _arrows(changed(adrgs, "renumbered")))
    for kind in ("split", "merged", "regrouped"):
        lines += _listed(kind, _arrows(changed(adrgs, kind)))
    reused = found.groups.reused_adrgs
    for kind in ("new", "gone"):  # a code that is told above is not named again
        lines += _listed(kind, [
            code if code in reused else f"{code} {_short(name)}"
            for match in changed(adrgs, kind)
            for code, name in zip(match.old or match.new, match.old_names or match.new_names,
                                  strict=True)
        ])  # fmt: skip
    return "\n".join(lines)


def groups_text(told: Compared) -> str:
    """Every ADRG and DRG that is not simply kept, one a line."""
    parts = []
    for title, matches in (("ADRG", told.found.groups.adrgs), ("DRG", told.found.groups.drgs)):
        rows = [
            (say(*KINDS[m.kind]), _side(m.old, m.old_names), _side(m.new, m.new_names), _share(m))
            for m in matches if m.kind != "kept" or m.renamed
        ]  # fmt: skip
        if rows:
            heads = (title, told.old, told.new, say("相同编码", "same codes"))
            parts.append(table(heads, rows, right=(3,)))
    return "\n\n".join(parts)


def _numbers(told: Compared) -> str:
    rows = [
        (say(*name), *("—" if n is None else f"{n:,}" for n in (old, new)),
         "" if old is None or new is None or old == new else f"{new - old:+,}")
        for name, old, new in told.numbers()
    ]  # fmt: skip
    heads = ("", told.old, told.new, say("变化", "change"))
    return table(heads, rows, right=(1, 2, 3))


def _kinds(told: Compared) -> str:
    groups = told.found.groups
    rows = [
        (title, *(f"{n:,}" for n in counts(matches).values()), f"{len(reused):,}")
        for title, matches, reused in (("ADRG", groups.adrgs, groups.reused_adrgs),
                                       ("DRG", groups.drgs, groups.reused_drgs))
    ]  # fmt: skip
    heads = ("", *(say(*pair) for pair in KINDS.values()), say("同码异义", "code reused"))
    return table(heads, rows, right=range(1, 9))


def _complications(told: Compared) -> list[str]:
    found = told.found.complications
    parts = [
        say(f"{say(*LEVELS[was])}→{say(*LEVELS[now])} {len(codes):,}",
            f"{LEVELS[was][1]} -> {LEVELS[now][1]} {len(codes):,}")
        for (was, now), codes in found.moves.items()
    ]  # fmt: skip
    told_levels = say("；", "; ").join(parts) or say("无变化", "no change")
    held = told.found.exclusions
    moves = [sum(1 for pair in side.values() if all(pair))
             for side in (held.principals, held.complications)]  # fmt: skip
    tables = say(
        f"相同 {held.same:,} 个（其中仅改编号 {len(held.renumbered):,} 个），"
        f"取消 {len(held.gone):,}，新增 {len(held.new):,}；"
        f"改换排除表：主要诊断 {moves[0]:,}，并发症 {moves[1]:,}",
        f"{held.same:,} the same ({len(held.renumbered):,} only renumbered), "
        f"{len(held.gone):,} gone, {len(held.new):,} new; in another table: "
        f"{moves[0]:,} principal diagnoses, {moves[1]:,} complications",
    )
    come, gone = map(len, told.found.operations)
    operations = sum(one.procedure for one in told.found.codes)
    diagnoses = len(told.found.codes) - operations
    return [
        *_filled(say("并发症：", "Complications: ") + told_levels),
        *_filled(say("排除表：", "Exclusion tables: ") + tables),
        *_filled(say(f"编码：改入其他病组的诊断 {diagnoses:,}、手术操作 {operations:,}；"
                     f"手术操作新计入分组 {come:,}、不再计入 {gone:,}",
                     f"Codes: {diagnoses:,} diagnoses and {operations:,} operations lead to other "
                     f"groups; {come:,} operations count now, {gone:,} no more")),
    ]  # fmt: skip


def _reused(adrgs: Mapping[str, tuple[str, str]], drgs: Mapping[str, tuple[str, str]]) -> list[str]:
    if not (adrgs or drgs):
        return []
    lines = ["", *_filled("! " + say(*NOT_TO_BE_USED))]
    cells = [f"{code} {_short(old)} -> {_short(new)}" for code, (old, new) in sorted(adrgs.items())]
    lines += _columns(cells)
    own = [code for code in drgs if not any(code.startswith(adrg) for adrg in adrgs)]
    if own:
        lines += _filled(say("另有 DRG：", "and DRGs: ") + say("、", ", ").join(own))
    return lines


def _listed(kind: str, items: Sequence[str]) -> list[str]:
    if not items:
        return []
    head = f"{say(*KINDS[kind])} ADRG ({len(items):,})"
    return ["", *_filled(f"{head}{say('：', ': ')}" + say("；", "; ").join(items))]


def _arrows(matches: Iterable[Match]) -> list[str]:
    part = say("（部分）", " (in part)")
    return [f"{'+'.join(match.old)}→{'+'.join(match.new)}{part if match.partial else ''}"
            for match in matches]  # fmt: skip


def _side(codes: Sequence[str], names: Sequence[str]) -> str:
    if not codes:
        return "—"
    if len(codes) == 1:
        return f"{codes[0]} {fit(names[0], 2 * _NAME)}"
    return say("、", ", ").join(codes)


def _short(name: str) -> str:
    """A name cut in its middle: what tells groups apart stands at its ends."""
    if width(name) <= _NAME:
        return name
    tail = name
    while width(tail) > _NAME // 2:
        tail = tail[1:]
    return fit(name, _NAME - width(tail)) + tail


def _share(match: Match) -> str:
    return "" if match.likeness is None else f"{match.likeness:.0%}"


def _columns(cells: Sequence[str]) -> list[str]:
    """Cells in two columns, down the first and then down the second."""
    half = (len(cells) + 1) // 2
    left = max((width(cell) for cell in cells[:half]), default=0)
    lines = []
    for place in range(half):
        other = cells[half + place] if half + place < len(cells) else ""
        space = " " * (left - width(cells[place]) + 2)
        lines.append(f"  {cells[place]}{space}{other}".rstrip())
    return lines


def _filled(text: str) -> list[str]:
    """A list in lines of the terminal's width that break behind its items."""
    mark = say("；", "; ")
    lines = [""]
    for item in text.split(mark):
        more = (mark if lines[-1] else "") + item
        if lines[-1] and width(lines[-1] + more) > ACROSS:
            lines[-1] += mark.rstrip()
            lines.append("  " + item)
        else:
            lines[-1] += more
    return lines
