"""A settled year as text tables (清算摘要), as commands print it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drg.language import say
from drg.terminal import REPLACEMENT, fit, plain, table

if TYPE_CHECKING:
    import pandas as pd

    from budget.settlement.settled import SettledYear

_MOST_HOSPITALS = 30
_MOST_WARNINGS = 12


def summary(settled: SettledYear) -> str:
    """Pools, branches and hospitals as text tables."""
    from budget.settlement.tables import branch_frame, hospital_frame, pool_frame

    header = settled.policy.header
    title = say(header.title, header.title_en or header.title)
    parts = [f"{settled.policy.id} {title}  {settled.year}", ""]
    pools = pool_frame(settled)
    shown = ["pool", "cases", "amount", "payable", "final", "balance", "point_value"]
    rows = _rows(pools, shown)
    head = (say("基金池", "pool"), say("病例", "cases"), say("可分配", "amount"),
            say("DRG应付", "payable"), say("清算", "final"), say("结余", "balance"),
            say("点值", "point value"))  # fmt: skip
    parts += [table(head, rows, range(1, 7)), ""]
    keys = ["branch", "branch_zh"]
    sums = branch_frame(settled).groupby(keys, sort=False)[["cases", "cost", "fund"]].sum()
    titles = (say("结算类型", "branch"), say("病例", "cases"), say("费用", "cost"),
              say("基金", "fund"))  # fmt: skip
    shown = [say("branch_zh", "branch"), "cases", "cost", "fund"]
    parts += [table(titles, _rows(sums.reset_index(), shown), range(1, 4)), ""]
    keys = ["hospital_id", "hospital_name"]
    money = ["cases", "cost", "payable", "final", "gain"]
    by_hospital = hospital_frame(settled).groupby(keys, sort=False)[money].sum().reset_index()
    head = (say("编号", "hospital"), say("医疗机构", "name"), say("病例", "cases"),
            say("费用", "cost"), say("应付", "payable"), say("清算", "final"),
            say("盈亏", "gain"))  # fmt: skip
    rows = _rows(by_hospital.head(_MOST_HOSPITALS), [*keys, *money])
    parts.append(table(head, [[row[0], fit(row[1], 28), *row[2:]] for row in rows], range(2, 7)))
    if len(by_hospital) > _MOST_HOSPITALS:
        more = len(by_hospital) - _MOST_HOSPITALS
        parts.append(say(f"... 另有 {more} 家，见 hospitals.csv",
                         f"... {more} more in hospitals.csv"))  # fmt: skip
    texts = _warned(settled)
    parts += texts[:_MOST_WARNINGS]
    if len(texts) > _MOST_WARNINGS:
        more = len(texts) - _MOST_WARNINGS
        parts.append(say(f"... 另有 {more} 条，见 settlement.json",
                         f"... {more} more in settlement.json"))  # fmt: skip
    parts += [
        say(f"未清算 {code}：{cases:,} 例，{fen / 100:,.2f} 元",
            f"not settled {code}: {cases:,} cases, {fen / 100:,.2f} yuan")
        for code, (cases, fen) in settled.unsettled.items()
    ]  # fmt: skip
    return "\n".join(parts)


def unsettled(settled: SettledYear) -> list[str]:
    """Cases of the settled year that are not settled, and what its settlement warns of."""
    held = settled.unsettled.values()
    cases, cost = sum(n for n, _ in held), sum(fen for _, fen in held) / 100
    lines = [say(f"未清算病例 {cases:,} 例，费用 {cost:,.2f} 元，见 rejects.csv",
                 f"not settled: {cases:,} cases, cost {cost:,.2f} yuan, see rejects.csv")
             ] if cases else []  # fmt: skip
    return lines + _warned(settled)[:_MOST_WARNINGS]


def _warned(settled: SettledYear) -> list[str]:
    from budget.settlement.warned import chinese

    return [f"{say('警告', 'warning')} {name}: {say(chinese(text), text)}"
            for name, text in settled.warnings.items()]  # fmt: skip


def _rows(frame: pd.DataFrame, columns: list[str]) -> list[list[str]]:
    """Cells as text: cases whole, money with two decimals, point values with four."""

    def cell(name: str, value: Any) -> str:
        if not isinstance(value, int | float):
            return plain(str(value), REPLACEMENT)
        if value != value:
            return "-"
        return f"{value:,.0f}" if name == "cases" else f"{value:,.{4 if 'value' in name else 2}f}"

    held = [[cell(name, value) for value in frame[name].tolist()] for name in columns]
    return [list(row) for row in zip(*held, strict=True)]
