"""The comparison of two schemes (方案比对) as a page and a workbook: summary, groups, codes."""

from __future__ import annotations

from collections.abc import Sequence

from drg.page.blocks import Block, Column, Figures, Points, Report, Section, Table, Text, table
from drg.page.words import Words
from drg.report.migration.words import (
    HOW,
    KINDS,
    LEVELS,
    NOT_TO_BE_USED,
    ONLY_NAMES,
    Compared,
    aside,
    changed,
)
from grouper.compare.groups import KINDS as ORDER
from grouper.compare.groups import Match, counts

_ON_PAGE = 20  # of a list of codes; the workbook has them all
_KIND = Column("kind", "变化", "Change")
_CODE, _NAME = Column("code", "编码", "Code", "code"), Column("name", "名称", "Name", "name")
_OLD_NAME, _NEW_NAME = (Column("was", "原名称", "Name before", "name"),
                        Column("now", "新名称", "Name now", "name"))  # fmt: skip
_MATCH = (
    _KIND, Column("old", "原编码", "Before"), _OLD_NAME,
    Column("new", "新编码", "Now"), _NEW_NAME,
    Column("likeness", "相同编码占比", "Same codes", "share", digits=0),
    Column("came", "编码增加", "Codes in", "count"),
    Column("went", "编码减少", "Codes out", "count"),
)  # fmt: skip


def comparison_report(told: Compared, words: Words) -> Report:
    """The page of a comparison; its workbook has the same tables, and whole."""
    groups = told.found.groups
    title = words(f"分组方案比对：{told.old} → {told.new}", f"{told.old} and {told.new} compared")
    names = [one.header.title if words.zh else one.header.title_en or one.header.title
             for one in (told.found.old, told.found.new)]  # fmt: skip
    sections = [
        Section("summary", words("概况", "Summary"), _summary(told, words)),
        Section("reused", words("同码异义", "Codes reused"), _reused(told, words)),
        Section("adrgs", words("ADRG 变化", "ADRGs"),
                _groups("adrgs", groups.adrgs, words("ADRG", "ADRG"), words)),
        Section("drgs", words("DRG 变化", "DRGs"),
                _groups("drgs", groups.drgs, words("DRG", "DRG"), words)),
    ]  # fmt: skip
    if groups.by_content:
        sections += [
            Section("complications", words("并发症", "Complications"), _complications(told, words)),
            Section("exclusions", words("排除表", "Exclusion tables"), _exclusions(told, words)),
            Section("codes", words("编码去向", "Codes"), _codes(told, words)),
        ]
    return Report(title, " → ".join(names), [one for one in sections if one.blocks])


def _summary(told: Compared, words: Words) -> list[Block]:
    groups = told.found.groups
    made: list[Block] = [Text(_lead(told, words), "lead")]
    if not groups.by_content:
        made.append(Text(words.of(ONLY_NAMES), "call"))
    adrgs, drgs = len(groups.reused_adrgs), len(groups.reused_drgs)
    if adrgs or drgs:
        made.append(Text(words(
            f"{adrgs} 个 ADRG 编码、{drgs} 个 DRG 编码在两方案中指不同的病组（见“同码异义”）："
            "原权重、费率和历史数据不得按编码沿用。",
            f"{adrgs} ADRG codes and {drgs} DRG codes mean another group now (see Codes reused): "
            "old weights, rates and series must not be joined on them."), "call"))  # fmt: skip
    held = {name[1]: (old, new) for name, old, new in told.numbers()}
    made.append(Figures([
        (kind, f"{new:,}", words(f"原 {old:,}", f"{old:,} before"))
        for kind in ("MDC", "ADRG", "DRG") for old, new in [held[kind]]
        if old is not None and new is not None
    ]))  # fmt: skip
    made.append(table("kinds", words("病组变化", "What became of the groups"), [
        Column("level", "层级", "Level"),
        *(Column(kind, *KINDS[kind], "count") for kind in ORDER),
        Column("reused", "同码异义", "Code reused", "count"),
    ], [(level, *counts(matches).values(), len(reused)) for level, matches, reused in (
        ("ADRG", groups.adrgs, groups.reused_adrgs), ("DRG", groups.drgs, groups.reused_drgs),
    )], note=_kinds_note(told, words)))  # fmt: skip
    made.append(table("numbers", words("数量", "Numbers"), [
        Column("what", "项目", "What"), Column("old", told.old, told.old, "count"),
        Column("new", told.new, told.new, "count"),
        Column("change", "变化", "Change", "plain"),
    ], [(words.of(name), old, new, None if old is None or new is None else new - old)
        for name, old, new in told.numbers()], look="narrow"))  # fmt: skip
    made.append(Points([*_points(told, words), words.of(HOW)]))
    return made


def _lead(told: Compared, words: Words) -> str:
    groups = told.found.groups
    found, reused = counts(groups.adrgs), len(groups.reused_adrgs)
    return words(
        f"ADRG 中保留 {found['kept']} 个、改编码 {found['renumbered']} 个、"
        f"拆分 {found['split']} 个、新增 {found['new']} 个、取消 {found['gone']} 个；"
        f"{reused} 个 ADRG 编码含义已变。",
        f"Of the ADRGs {found['kept']} are kept, {found['renumbered']} bear another code, "
        f"{found['split']} are split, {found['new']} new and {found['gone']} gone; {reused} ADRG "
        "codes mean something else.",
    )


def _kinds_note(told: Compared, words: Words) -> str:
    come, gone = aside(told.found.groups.adrgs)
    note = words(
        "改编码：同一病组换了编码。拆分、合并、重组：一变多、多变一、多变多，各计一次。"
        "同码异义：两方案都有此编码，但不是同一病组。",
        "Renumbered: the same group under another code. Split, merged, regrouped: one into "
        "several, several into one, several into several, each counted once. Code reused: both "
        "schemes have the code, for different groups.",
    )
    if come or gone:
        note += words(f"歧义组（QY）和不入组行未计：新增 {come}，取消 {gone}。",
                      f" Ambiguous groups (QY) and rows for no group do not count: {come} new, "
                      f"{gone} gone.")  # fmt: skip
    return note


def _points(told: Compared, words: Words) -> list[str]:
    if not told.found.groups.by_content:
        return []
    found, held = told.found.complications, told.found.exclusions
    principals, complications = (
        sum(1 for pair in side.values() if all(pair))
        for side in (held.principals, held.complications)
    )
    operations = sum(one.procedure for one in told.found.codes)
    diagnoses = len(told.found.codes) - operations
    came, went = map(len, told.found.operations)
    levels = [found.became(level) for level in LEVELS]
    return [
        words(f"并发症：升为或新列为 MCC {levels[0]:,} 个，成为 CC {levels[1]:,} 个，"
              f"不再是并发症 {levels[2]:,} 个。",
              f"Complications: {levels[0]:,} codes became MCC, {levels[1]:,} CC, "
              f"{levels[2]:,} none."),
        words(f"排除表：按内容对应，{held.same:,} 个相同"
              f"（其中 {len(held.renumbered):,} 个仅改编号），{len(held.gone):,} 个取消，"
              f"{len(held.new):,} 个新增；"
              f"改换排除表的主要诊断 {principals:,} 个、并发症 {complications:,} 个。",
              f"Exclusion tables, by members: {held.same:,} the same ({len(held.renumbered):,} "
              f"only renumbered), {len(held.gone):,} gone, {len(held.new):,} new; "
              f"{principals:,} principal diagnoses and {complications:,} complications stand in "
              "another table."),
        words(f"编码：{diagnoses:,} 个诊断、{operations:,} 个手术操作改入其他病组；"
              f"{came:,} 个手术操作新计入分组，{went:,} 个不再计入。",
              f"Codes: {diagnoses:,} diagnoses and {operations:,} operations lead to other "
              f"groups; {came:,} operations count now, {went:,} no more."),
    ]  # fmt: skip


def _reused(told: Compared, words: Words) -> list[Block]:
    groups = told.found.groups
    columns = [
        _CODE, _OLD_NAME, Column("went", "原病组现为", "The old group is now"),
        _NEW_NAME, Column("came", "新病组来自", "The new group was"),
    ]  # fmt: skip
    made: list[Block] = []
    for key, level, reused in (("adrg", "ADRG", groups.reused_adrgs),
                               ("drg", "DRG", groups.reused_drgs)):  # fmt: skip
        rows = [
            (code, was, words.joined(groups.new_of(code)) or words("取消", "gone"),
             now, words.joined(groups.old_of(code)) or words("新增", "new"))
            for code, (was, now) in sorted(reused.items())
        ]  # fmt: skip
        if rows:
            caption = words(f"含义已变的 {level} 编码", f"{level} codes that mean something else")
            made.append(table(f"reused-{key}", caption, columns, rows))
    return [Text(words.of(NOT_TO_BE_USED), "call"), *made] if made else []


def _groups(key: str, matches: Sequence[Match], level: str, words: Words) -> list[Block]:
    ranked = {kind: place for place, kind in enumerate(ORDER)}
    moved = sorted(changed(matches, *ORDER[1:]), key=lambda match: ranked[match.kind])
    renamed = [match for match in changed(matches, "kept") if match.renamed]
    made = [
        _matches(f"{key}-changed", words(f"变化的 {level}", f"{level}s that changed"),
                 moved, words),
        _matches(f"{key}-renamed", words(f"保留而改名的 {level}", f"{level}s kept and renamed"),
                 renamed, words),
        _matches(f"{key}-all", words(f"全部 {level} 对照", f"All {level}s"), matches, words,
                 where="book"),
    ]  # fmt: skip
    return [one for one in made if len(one.frame)]


def _matches(
    key: str, caption: str, matches: Sequence[Match], words: Words, where: str = "both"
) -> Table:
    rows = [
        (_kind(match, words), words.joined(match.old), words("；", "; ").join(match.old_names),
         words.joined(match.new), words("；", "; ").join(match.new_names), match.likeness,
         None if match.likeness is None else len(match.came),
         None if match.likeness is None else len(match.went))
        for match in matches
    ]  # fmt: skip
    return table(key, caption, _MATCH, rows, where=where)


def _kind(match: Match, words: Words) -> str:
    return words.of(KINDS[match.kind]) + (words("（部分）", " (in part)") if match.partial else "")


def _complications(told: Compared, words: Words) -> list[Block]:
    found, old, new = told.found.complications, told.found.old, told.found.new
    names = {**old.diagnosis_names, **new.diagnosis_names}
    level = [Column("was", "原级别", "Before", codes=LEVELS),
             Column("now", "新级别", "Now", codes=LEVELS)]  # fmt: skip
    sizes = [(was, now, len(codes)) for (was, now), codes in found.moves.items()]
    rows = [
        (code, names.get(code, ""), was, now)
        for (was, now), codes in found.moves.items() for code in codes
    ]  # fmt: skip
    kept = words(
        f"级别未变：MCC {found.kept['MCC']:,} 个，CC {found.kept['CC']:,} 个。",
        f"Same level: {found.kept['MCC']:,} MCC, {found.kept['CC']:,} CC.",
    )
    if not rows:
        return [Text(kept)]
    return [
        table("levels", words("并发症级别变化", "Complications by level"),
              [*level, Column("n", "编码数", "Codes", "count")], sizes, note=kept, look="narrow"),
        table("complications", words("改级的并发症编码", "Codes of another level"),
              [_CODE, _NAME, *level], rows, ends=(_ON_PAGE, 0)),
    ]  # fmt: skip


def _exclusions(told: Compared, words: Words) -> list[Block]:
    held, old, new = told.found.exclusions, told.found.old, told.found.new
    names = {**old.diagnosis_names, **new.diagnosis_names}
    said = _points(told, words)[1]
    made: list[Block] = [Text(said)]
    numbers = [(was, now) for was, now in held.renumbered.items()]
    numbers += [(was, "") for was in held.gone] + [("", now) for now in held.new]
    made.append(table("tables", words("排除表编号对照", "Numbers of exclusion tables"), [
        Column("was", "原编号", "Before", "code"), Column("now", "新编号", "Now", "code"),
    ], numbers, where="book"))  # fmt: skip
    columns = [_CODE, _NAME, Column("was", "原排除表", "Table before", "code"),
               Column("now", "新排除表", "Table now", "code")]  # fmt: skip
    for key, caption, moved in (
        ("principals", words("排除表有变的主要诊断", "Principal diagnoses of another table"),
         held.principals),
        ("excluded", words("改换排除表的并发症", "Complications of another table"),
         {code: pair for code, pair in held.complications.items() if all(pair)}),
    ):  # fmt: skip
        rows = [(code, names.get(code, ""), *pair) for code, pair in moved.items()]
        rows.sort(key=lambda row: (not (row[2] and row[3]), row[0]))
        note = words("编号为空：不在排除表中。", "No number: in no table.")
        if rows:
            made.append(table(key, caption, columns, rows, ends=(_ON_PAGE, 0), note=note))
    return made


def _codes(told: Compared, words: Words) -> list[Block]:
    columns = [_CODE, _NAME, Column("was", "原入组", "Groups before", "long"),
               Column("now", "现入组", "Groups now", "long")]  # fmt: skip
    made: list[Block] = []
    for procedure, key, caption in (
        (True, "operations", words("改入其他病组的手术操作", "Operations of other groups")),
        (False, "diagnoses", words("改入其他病组的诊断", "Diagnoses of other groups")),
    ):  # fmt: skip
        rows = [
            (one.code, one.name, words.joined(one.old), words.joined(one.new))
            for one in told.found.codes if one.procedure == procedure
        ]  # fmt: skip
        if rows:
            made.append(table(key, caption, columns, rows, ends=(_ON_PAGE, 0)))
    names = {**told.found.old.procedure_names, **told.found.new.procedure_names}
    counting = [
        (code, names.get(code, ""), words.of(said))
        for codes, said in zip(told.found.operations, (
            ("新计入", "counts now"), ("不再计入", "no more"),
        ), strict=True)
        for code in codes
    ]  # fmt: skip
    if counting:
        made.append(table("counting", words("是否计入分组有变的手术操作",
                                            "Operations that count now, or no more"),
                          [_CODE, _NAME, Column("how", "变化", "Change")], counting,
                          ends=(_ON_PAGE, 0)))  # fmt: skip
    return made
