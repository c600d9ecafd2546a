"""Pools (基金池): what they have, owe and pay, settled and in the years ahead."""

from __future__ import annotations

import math

import pandas as pd

from drg.page.blocks import Block, Chart, Column, Kept, Section, Table, Text, table
from drg.page.words import DECIDED, Words, clean
from drg.plots.charts import lines
from drg.report.panel.columns import CASES, CUT, PAID, PAYABLE, POOL, SCENARIO, YEAR
from drg.report.panel.data import PanelData
from drg.report.panel.story import MOST_OTHERS, Story, others_note, scenario_name

_AMOUNT = Column("amount", "可分配额", "To distribute", "money")
_OWED = Column("final_before_cut", "清算应付", "Owed at clearing", "money")
_BEFORE = Column("balance_before_cut", "扣减前结余", "Balance before cut", "gain")
_AFTER = Column("balance", "扣减后结余", "Balance after cut", "gain")
_STEPS = (
    ("payable", 1, ("DRG 应付", "Payable by DRG")),
    ("surplus_returned", -1, ("结余收回", "Surplus returned")),
    ("overrun_borne", 1, ("超支由基金分担", "Overrun borne by the fund")),
    ("capped", -1, ("封顶扣减", "Cut at the cap")),
    ("assessment_withheld", -1, ("考核扣减", "Withheld at the assessment")),
    ("penalty", -1, ("违规扣款", "Penalties")),
    ("budget_cut", -1, ("总额控制扣减", "Cut to hold the budget")),
    ("final", 1, ("清算支付", "Paid at clearing")),
)  # fmt: skip


def ahead_section(held: Story, words: Words) -> Section | None:
    """Balance of each pool before the budget cut, by year, then the figures of the pools."""
    data = held.data
    frame = data.projected.get("projection_pools")
    if frame is None:
        return None
    frame = frame[frame["year"].notna()].assign(hidden=frame["pool"].isin(data.hidden_pools))
    told = dict.fromkeys(frame.loc[~frame["hidden"], "pool"])
    blocks: list[Block] = [_balances(held, frame, str(pool), number, words)
                           for number, pool in enumerate(told, 1)]  # fmt: skip
    by_rate = set(data.pools.loc[data.pools["decided_by"] == "rate", "pool"])
    frame = frame.assign(point_value=frame["point_value"].where(~frame["pool"].isin(by_rate)))
    columns = [
        YEAR, POOL, _AMOUNT, PAYABLE, _OWED, _BEFORE,
        Column("balance_before_cut_low", "扣减前 95% 下限", "before cut, 95% low", "gain"),
        Column("balance_before_cut_high", "扣减前 95% 上限", "before cut, 95% high", "gain"),
        Column("overrun_probability", "超支概率", "Overrun chance", "share", digits=0), CUT, PAID,
        _AFTER, Column("point_value", "点值", "Point value", "value"),
    ]  # fmt: skip
    note = words(
        "清算应付 = DRG 应付经结余收回、超支分担、考核等以后的金额，超过可分配额的部分按比例扣减；"
        "95% 区间与超支概率属于扣减前结余。",
        "Owed at clearing: payable by DRG after sharing, caps and assessment; what exceeds the "
        "pool is cut. The interval and the overrun chance are those of the balance before it.",
    )
    own = frame[frame["scenario"] == held.code]
    name = scenario_name(data, held.code, words)
    blocks.append(Table("pools-ahead", words(f"各年度基金池：{name}", f"Pools by year: {name}"),
                        columns, own, 0, note, where="page"))  # fmt: skip
    every = frame.assign(scenario=[scenario_name(data, code, words) for code in frame["scenario"]])
    blocks.append(Table("pools-every", words("各年度基金池，全部方案", "Pools, every scenario"),
                        [SCENARIO, *columns], every, 0, note, where="book"))  # fmt: skip
    blocks += [Text(line, "quiet") for line in _shrinking(data, words)]
    return Section("pools-ahead", words("基金池", "The pools"), blocks)


def _balances(held: Story, frame: pd.DataFrame, pool: str, number: int, words: Words) -> Chart:
    data = held.data
    years = sorted({int(y) for y in frame["year"] if math.isfinite(y)})
    series: list[tuple[str, list[float], list[tuple[float, float]]]] = []
    for code in dict.fromkeys((held.baseline, held.code, *held.others[:MOST_OTHERS])):
        own = frame[(frame["pool"] == pool) & (frame["scenario"] == code)]
        some = own.drop_duplicates("year").set_index("year").reindex(years)
        values = [words.scaled(float(v)) for v in some["balance_before_cut"]]
        ends = [] if code in held.others else [
            (words.scaled(float(a)), words.scaled(float(b))) for a, b in zip(
                some["balance_before_cut_low"], some["balance_before_cut_high"], strict=True)
        ]  # fmt: skip
        series.append((scenario_name(data, code, words), values, ends))
    ranged = any(math.isfinite(a + b) for _, _, ends in series for a, b in ends)
    band = words("95% 区间", "95% interval") if ranged else ""
    name = words.insurance(clean(pool, 40))
    title = words(f"{name}基金池扣减前结余：0 以下为付不起",
                  f"Balance of the pool {name} before the cut: below 0 it cannot pay")  # fmt: skip
    about = words("；", "; ").join(
        f"{label}: " + ", ".join(words.number(v / words.scaled(1.0), "gain") for v in vs)
        for label, vs, _ in series
    )
    picture = lines([str(y) for y in years], series, words.unit, words.lang, zero=True, band=band,
                    height=50)  # fmt: skip
    return Chart(f"balance-{number}", title, about, picture, others_note(held, words))


def _shrinking(data: PanelData, words: Words) -> list[str]:
    """Why pools that grow on last year's payments shrink: the reserve is not paid out."""
    found = []
    for pool in data.policy.pools if data.policy is not None else ():
        if pool.basis != "growth" or pool.growth is None or not pool.reserve:
            continue
        growth, reserve = float(pool.growth), float(pool.reserve)
        factor = (1 + growth) * (1 - reserve)
        if factor < 1:
            name = words.insurance(pool.name)
            found.append(words(
                f"基准方案下{name}基金池逐年缩小，是因为上年支付增长 {words.share(growth)} 后预留 "
                f"{words.share(reserve)} 调剂金，可分配额为上年支付的 {factor:.4f} 倍。",
                f"In the baseline the pool {name} shrinks, as last year's payments grow by "
                f"{words.share(growth)} and {words.share(reserve)} are kept back: {factor:.4f} of "
                "last year's payments can be paid."))  # fmt: skip
    return found


def pool_section(data: PanelData, words: Words) -> Section:
    """Pools of the settled year: budget, what was paid, what is left, the value of a point."""
    pools = data.pools.assign(
        balance_before_cut=data.pools["balance"] - data.pools["budget_cut"],
        hidden=data.pools["pool"].isin(data.hidden_pools),
    )
    money = [Column("budget", "预算总额", "Budget", "money"),
             Column("carve_outs", "预留剔除", "Carve-outs", "money"),
             Column("reserve", "调剂金", "Reserve", "money"), _AMOUNT, PAYABLE, _BEFORE,
             CUT, PAID, _AFTER]  # fmt: skip
    totals = int(len(pools) > 1)
    if totals:
        sums = {c.field: float(pools[c.field].sum()) for c in (*money, CASES)}
        total = pd.DataFrame([sums | {"pool": words("合计", "Total"), "hidden": False}])
        pools = pd.concat([pools, total], ignore_index=True)
    money = [c for c in money if c.field != "carve_outs" or pools["carve_outs"].any()]
    title = words(f"{data.year} 年基金池", f"The pools, {data.year}")
    caption = words("各基金池的预算、支付与结余", "Budget, payment and balance of the pools")
    blocks: list[Block] = [Table("pools", caption, [POOL, CASES, *money], pools, totals)]
    return Section(
        "pools",
        title,
        [*blocks, *_points(pools.head(len(data.pools)), words), _bridge(data, words)],
    )


def _points(pools: pd.DataFrame, words: Words) -> list[Block]:
    """Value of a point by pool; one line when every pool is paid by rates."""
    if (pools["decided_by"] == "rate").all():
        return [Text(words("各基金池按费率支付，不设点值。", "All pools pay by rates."),
                     "quiet")]  # fmt: skip
    pools = pools.assign(
        points=pools["points"].where(pools["points"] > 0),
        point_value=pools["point_value"].where(pools["decided_by"] != "rate"),
    )
    columns = [POOL, Column("points", "总点数", "Points", "points"),
               Column("point_value", "点值", "Point value", "value"),
               Column("decided_by", "由什么决定", "Decided by", codes=DECIDED)]  # fmt: skip
    return [Table("point-values", words("点值", "Point values"), columns, pools)]


def _bridge(data: PanelData, words: Words) -> Table:
    """From what is payable to what is paid at the clearing, step by step."""
    pools, names = data.pools, [clean(p) for p in data.pools["pool"]]
    columns = [Column("step", "步骤", "Step"),
               *(Column(f"p{i}", words.insurance(n), words.insurance(n), "money")
                 for i, n in enumerate(names))]  # fmt: skip
    rows = [(said, [sign * float(v) for v in pools[name]]) for name, sign, said in _STEPS]
    kept = [
        (words.of(said), *(Kept.BACK if pool in data.hidden_pools else v
                           for pool, v in zip(pools["pool"], values, strict=True)))
        for n, (said, values) in enumerate(rows) if n in (0, len(rows) - 1) or any(values)
    ]  # fmt: skip
    return table("bridge", words("从 DRG 应付到清算支付", "From payable to paid"), columns, kept,
                 totals=1)  # fmt: skip
