"""What the page of a backtest tells: the verdict, the scores, tiers, pools, hospitals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from budget.forecast.backtest import LOSS, Backtest
from drg.page.blocks import Block, Column, Points, Report, Section, Table, Text, table
from drg.page.small_cells import Cube, Untold, untold
from drg.page.words import Words

_ENDS = (("projected", "预测", "Projected"), ("low", "区间下限", "Low"),
         ("high", "区间上限", "High"), ("came", "实际", "Came"),
         ("last_year", "去年", "Last year"))  # fmt: skip


def backtest_report(found: Backtest, words: Words) -> Report:
    """The page of a backtest."""
    tiers = found.tables["tiers"]
    tiers = tiers.assign(hidden=_dark(found).rows(("tier",), tiers["tier"]))
    made = (
        Section("summary", words("结论", "Summary"), _summary(found, words)),
        Section("tiers", words("级别", "Tiers"), [
            _table("tiers_final", words("清算额", "Payments"), [Column("tier", "级别", "Tier",
                   "tier")], tiers, "final", "money"),
            _table("tiers_cost", words("次均费用", "Average cost"), [Column("tier", "级别", "Tier",
                   "tier")], tiers, "average_cost", "yuan"),
        ]),
        Section("pools", words("基金池", "Pools"), _pools(found, words)),
        Section("hospitals", words("医疗机构", "Hospitals"), _hospitals(found, words)),
    )  # fmt: skip
    title = words(f"{found.year} 年支付预测回溯检验", f"The projection of {found.year}, held "
                  "against what came")  # fmt: skip
    scenario = found.scenario
    return Report(title, words(scenario.title, scenario.title_en or scenario.title), list(made))


def _summary(found: Backtest, words: Words) -> list[Block]:
    pay = found.told[0][1]  # of hospitals
    inside, error = f"{pay['inside']:.1%}", f"{pay['error']:.1%}"
    if found.moved:
        better = pay["error"] < pay["error_as_last_year"]
        lead = words(
            f"医院清算额平均偏差 {error}，按去年不变为 {pay['error_as_last_year']:.1%}："
            + ("预测优于“按去年不变”。" if better else "预测不优于“按去年不变”。")
            + f"{inside} 的医院落入 95% 区间。",
            f"Payments of hospitals were off by {error} on average; as last year they would "
            f"have been off by {pay['error_as_last_year']:.1%}: the projection "
            + ("was better." if better else "was no better.")
            + f" {inside} of the hospitals were inside their 95% intervals.",
        )  # fmt: skip
    else:
        lead = words(
            "情景没有假设任何变动，预测就是“按去年不变”，这里检验的是区间："
            f"医院清算额平均偏差 {error}，{inside} 的医院落入 95% 区间。",
            "The scenario assumed nothing, so the projection is \"as last year\", and it is the "
            f"intervals that are tested: payments of hospitals were off by {error} on average, "
            f"{inside} of the hospitals were inside their 95% intervals.",
        )  # fmt: skip
    rows = [(words.of(title), row["count"], row["error"], row["error_as_last_year"], row["inside"])
            for title, row in found.told]  # fmt: skip
    columns = (
        Column("measure", "指标", "Measure"), Column("count", "个数", "Number", "count"),
        Column("error", "预测平均偏差", "Error", "share", digits=2),
        Column("as_last_year", "按去年不变的偏差", "As last year", "share", digits=2),
        Column("inside", "落入95%区间", "Inside 95%", "share", digits=1),
    )  # fmt: skip
    one, other = (f"{value:.3f}" for value in found.brier)
    without = [
        words(f"{year} 年有 {words.few(cases)} 例病例没有清算，不在以上数字中。",
              f"Not settled in {year}, and in none of these figures: {words.few(cases)} cases.")
        for year, (cases, _) in zip((found.year - 1, found.year), found.unsettled, strict=True)
        if cases
    ]  # fmt: skip
    return [
        Text(lead, "lead"),
        table("scores", words("预测与实际", "Projection and what came"), columns, rows),
        Points([
            words("偏差为与实际之差占实际的比例；清算额按实际金额加权，其余各占同等权重；"
                  "病例不足 5 例的医院和病组不计。",
                  "An error is the difference over what came; payments count by their size, the "
                  "rest alike; hospitals and groups below 5 cases do not count."),
            words("95% 区间应有约 95% 的实际值落入其中；明显更少，说明有未计入的变动。",
                  "About 95% of what came should be inside the 95% intervals; where it is much "
                  "less, something moved that no draw knows of."),
            words(f"亏损超过费用 {LOSS:.0%} 的概率，Brier 得分 {one}，按去年不变 {other}"
                  "（越小越好）。",
                  f"Probabilities of a loss above {LOSS:.0%} of cost: Brier score {one}, as last "
                  f"year {other} (less is better)."),
            *without,
        ]),
    ]  # fmt: skip


def _table(
    key: str, caption: str, first: Sequence[Column], frame: pd.DataFrame, measure: str, kind: str
) -> Table:
    columns = [*first, *(Column(f"{measure}_{end}", zh, en, kind) for end, zh, en in _ENDS)]
    return Table(key, caption, columns, frame)


def _pools(found: Backtest, words: Words) -> list[Block]:
    frame = found.tables["pools"].assign(
        pool=[words.insurance(name) for name in found.tables["pools"]["pool"]]
    )
    first = [Column("pool", "基金池", "Pool", "name")]
    made: list[Block] = []
    if frame["point_value_came"].notna().any():
        made.append(_table("pools_value", words("点值", "Point values"), first, frame,
                           "point_value", "value"))  # fmt: skip
    made.append(_table("pools_balance", words("扣减前结余", "Balance before the cut"), first, frame,
                       "balance_before_cut", "gain"))  # fmt: skip
    return made


def _dark(found: Backtest) -> Untold:
    """Hospitals whose cases are few in a year are not told, nor what would give them away."""
    frame = found.tables["hospitals"].rename(columns={"hospital_id": "hospital"})
    years = ("last_year", "came")
    costs = {f"cost_{one}": frame[f"average_cost_{one}"] * frame[f"cases_{one}"] for one in years}
    amounts = (*costs, *(f"final_{one}" for one in (*years, "projected")))
    return untold([Cube(frame.assign(**costs), (("hospital",), ("tier",), ()),
                        [f"cases_{one}" for one in years], amounts)])  # fmt: skip


def _hospitals(found: Backtest, words: Words) -> list[Block]:
    """What every hospital was paid, and its average cost."""
    frame = found.tables["hospitals"]
    shown = frame.assign(hidden=_dark(found).rows(("hospital",), frame["hospital_id"]))
    first = [Column("hospital_name", "医疗机构", "Hospital", "name"),
             Column("tier", "级别", "Tier", "tier")]  # fmt: skip
    return [
        _table("hospitals_final", words("清算额", "Payments"), first, shown, "final", "money"),
        _table("hospitals_cost", words("次均费用", "Average cost"), first, shown, "average_cost",
               "yuan"),
    ]  # fmt: skip
