"""The page of a year's findings (疑点处理情况): the funnel of an audit to its end, and no person.

Huaibei tells its own so: settlements screened, alerts, findings confirmed, money.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from drg.page.blocks import Block, Column, Figures, Kept, Points, Report, Section, Table, Text
from drg.page.small_cells import Cube, Untold, few, untold
from drg.page.words import Words
from drg.report.audit.sections import family

OUTCOMES = ("confirmed", "dismissed", "open", "fallen")
_TOLD = (("family",), ("hospital",), ("family", "outcome"), ("hospital", "outcome"),
         ("standing",), ("outcome",), ())  # fmt: skip
_COUNTS = (
    Column("alerts", "疑点", "Alerts", "count"),
    Column("confirmed", "认定", "Confirmed", "count"),
    Column("dismissed", "不成立", "Dismissed", "count"),
    Column("open", "办理中", "Open", "count"),
    Column("fallen", "病例已撤销", "Withdrawn", "count"),
    Column("share", "认定率", "Confirmed of ended", "share", digits=1),
    Column("amount", "扣款金额", "Deducted", "fen"),
)
_CREDIT = (
    Column("grade", "信用等级", "Credit grade"),
    Column("inspections", "年检查次数", "Inspections a year", "count"),
)


@dataclass(frozen=True)
class Funnel:
    """What the page tells.

    Attributes:
        year: the settlement year.
        findings: ``family, hospital, standing, outcome, cases, amount`` (fen).
        screened: hospital -> cases screened.
        names: hospital -> its name.
        title: what a standing is called.
        overdue: findings whose next step is overdue.
        digest: of the record.
        credit: hospital -> its credit grade by what was confirmed, and inspections a year.
    """

    year: int
    findings: pd.DataFrame
    screened: Mapping[str, int]
    names: Mapping[str, str]
    title: Callable[[str], str]
    overdue: int
    digest: str
    credit: Mapping[str, tuple[str, int]] = field(default_factory=dict)


def findings_page(found: Funnel, words: Words) -> Report:
    """The page."""
    cells = found.findings
    clear = pd.DataFrame({
        "hospital": list(found.screened),
        "clear": [max(count - int(cells.loc[cells["hospital"] == name, "cases"].sum()), 0)
                  for name, count in found.screened.items()],
    })  # fmt: skip
    dark = untold([
        Cube(cells, _TOLD, ("cases",), ("amount",)),
        Cube(clear, (("hospital",), ()), ("clear",)),
    ]) if len(cells) else Untold(())  # fmt: skip
    made: list[tuple[str, str, Sequence[Block]]] = [
        ("summary", words("结论", "Summary"), _summary(found, words)),
        ("families", words("按类型", "By family"), [
            _table("family", cells, dark, words, [
                Column("name", "类型", "Family")], lambda one: {"name": family(one, words)})]),
        ("hospitals", words("按医疗机构", "By hospital"), [
            _table("hospital", cells, dark, words, [
                Column("name", "医疗机构", "Hospital", "name"),
                Column("screened", "筛查病例", "Screened", "count")],
                lambda one: {"name": found.names.get(one, one),
                             "screened": found.screened.get(one), **dict(zip(
                                 ("grade", "inspections"), found.credit.get(one, ("", None)),
                                 strict=True))})]),
        ("standings", words("办理进度", "How they stand"), [_standings(found, dark, words)]),
    ]  # fmt: skip
    return Report(
        words(f"{found.year} 年度基金监管疑点处理情况", f"Findings of {found.year}, to their end"),
        words("“<5”“*”为保护个人信息而不公布", "<5 and * are not told, to protect persons"),
        [Section(key, title, blocks) for key, title, blocks in made if blocks and len(cells)]
        or [Section("summary", words("结论", "Summary"),
                    [Text(words("没有疑点。", "Nothing was found."))])],
        contents=False,
    )  # fmt: skip


def _summary(found: Funnel, words: Words) -> list[Block]:
    cells = found.findings
    screened, alerts = sum(found.screened.values()), int(cells["cases"].sum())
    sums = {one: int(cells.loc[cells["outcome"] == one, "cases"].sum()) for one in OUTCOMES}
    fen = int(cells["amount"].sum())
    told = {**sums, "alerts": alerts, "rest": screened - alerts}
    dark = any(few(count) for count in told.values())
    shown = {name: "*" if dark and not few(count) else words.few(count)
             for name, count in told.items()}  # fmt: skip
    money = "*" if dark else f"{fen / 100:,.2f} {words('元', 'yuan')}"

    def share(part: int, whole: int) -> str:
        return "*" if dark or not whole else words.share(part / whole, 1)

    lead = words(
        f"筛查结算单 {words.few(screened)} 份，疑点 {shown['alerts']} 条，认定 "
        f"{shown['confirmed']} 条，扣款 {money}。",
        f"{words.few(screened)} settlements were screened, {shown['alerts']} had an alert, "
        f"{shown['confirmed']} were confirmed, and {money} is deducted.",
    )
    late = words(f"{words.few(found.overdue)} 条疑点的下一步骤已超过期限。",
                 f"The next step of {words.few(found.overdue)} findings is overdue.")  # fmt: skip
    return [
        Text(lead, "lead"),
        Figures([
            (words("筛查", "Screened"), words.few(screened), ""),
            (words("疑点", "Alerts"), shown["alerts"],
             words(f"占筛查 {share(alerts, screened)}", f"{share(alerts, screened)} of these")),
            (words("认定", "Confirmed"), shown["confirmed"],
             words(f"占疑点 {share(sums['confirmed'], alerts)}",
                   f"{share(sums['confirmed'], alerts)} of these")),
            (words("扣款", "Deducted"), money, words("金额乘倍数", "amounts times multiples")),
        ]),
        Points([
            *([late] if found.overdue else []),
            words("认定金额按倍数从年度清算中扣除；申诉、复审、合议和终审均已入记录。",
                  "What is confirmed is deducted at the clearing, times its multiple; appeals, "
                  "second reviews, panels and final decisions are on record."),
            words(f"记录摘要 {found.digest}", f"Digest of the record {found.digest}"),
        ]),
    ]  # fmt: skip


def _table(
    key: str, cells: pd.DataFrame, dark: Untold, words: Words, first: Sequence[Column],
    named: Callable[[str], Mapping[str, Any]],
) -> Table:  # fmt: skip
    sums = cells.pivot_table("cases", key, "outcome", "sum", fill_value=0).reindex(
        columns=list(OUTCOMES), fill_value=0)  # fmt: skip
    money = cells.groupby(key)["amount"].sum()
    rows = []
    for one, counts in zip(map(str, sums.index), sums.to_dict("records"), strict=True):
        row: dict[str, Any] = dict(named(one))
        hidden = bool(dark.rows((key,), [one])[0])
        parts = {name: _count(int(counts[name]), bool(
            dark.rows((key, "outcome"), [one], [name])[0])) for name in OUTCOMES}  # fmt: skip
        row["alerts"] = _count(int(sum(counts.values())), hidden)
        if "screened" in row and (hidden or few(row["screened"] or 0)):
            row["screened"] = Kept.BACK
        row |= parts
        shut = isinstance(parts["confirmed"], Kept)
        row |= {name: Kept.BACK for name in ("grade", "inspections") if shut and name in row}
        ended = int(counts["confirmed"] + counts["dismissed"])
        row["amount"] = Kept.BACK if shut else float(money[one]) / 100
        row["share"] = (Kept.BACK if shut or isinstance(parts["dismissed"], Kept)
                        else int(counts["confirmed"]) / ended if ended else None)  # fmt: skip
        rows.append(row)
    some = set(OUTCOMES[:3]) | set(cells["outcome"])
    columns = (*first, *(one for one in _COUNTS if one.field not in OUTCOMES or one.field in some),
               *(_CREDIT if key == "hospital" else ()))  # fmt: skip
    frame = pd.DataFrame(rows, columns=[one.field for one in columns], dtype=object)
    title = (words("疑点处理情况，按类型", "Findings by family") if key == "family"
             else words("疑点处理情况，按医疗机构", "Findings by hospital"))  # fmt: skip
    return Table(key, title, columns, frame)


def _count(count: int, hidden: bool) -> int | Kept:
    return Kept.FEW if few(count) else Kept.BACK if hidden else count


def _standings(found: Funnel, dark: Untold, words: Words) -> Table:
    sums = found.findings.groupby("standing")["cases"].sum()
    rows = [(found.title(str(one)), _count(int(count), bool(dark.rows(("standing",), [one])[0])))
            for one, count in sums.items()]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["name", "cases"], dtype=object)
    columns = (Column("name", "目前", "Standing"), Column("cases", "疑点", "Findings", "count"))
    return Table("standings", words("疑点目前所处步骤", "Where findings stand"), columns, frame)
