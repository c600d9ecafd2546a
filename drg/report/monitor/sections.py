"""What the page of the fund monitor tells: where the year ends, what warns, what drives it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from budget.monitor.files import Monitored
from budget.monitor.forecast import METHODS
from budget.monitor.levels import KINDS, STAGES
from budget.monitor.watch import PoolWatch
from drg.language import half
from drg.page.blocks import (
    Block,
    Chart,
    Column,
    Figures,
    Points,
    Report,
    Section,
    Table,
    Text,
    table,
)
from drg.page.small_cells import Cube, Untold, told_first, untold
from drg.page.words import DASH, Words, clean, fixed
from drg.plots.charts import lines
from drg.report.monitor.words import (
    AGAINST,
    LEVELS,
    PARTS,
    WHAT,
    group_said,
    hidden_rows,
    names_of,
    records,
    warned,
)

_MOST = 20  # groups in a table of the page, and warnings in its list
_POOL = Column("pool", "基金池", "Pool", "insurance")
_CASES = Column("cases", "病例", "Cases", "cases")
_SPEND = Column("spend", "支出", "Spend", "money")
_TO_DATE = Column("to_date", "累计支出", "To date", "money")
_DUE = Column("budget_to_date", "累计预算", "Budget to date", "money")
_RATIO = Column("ratio", "支出/预算", "Over budget", "share")
_METHODS = {"model": ("本预测", "this forecast"), "naive": ("按最近一月", "as the last month"),
            "mean": ("按月均", "as the mean"),
            "seasonal_naive": ("按上年同月", "as last year's months")}  # fmt: skip


def monitor_report(found: Monitored, words: Words) -> Report:
    """The page of the monitor."""
    spend = found.watch.spend
    dark, moved = _dark(found), _dark(found, change=True)
    sections = [
        Section("summary", words("结论", "Summary"), _summary(found, moved, words)),
        Section("months", words("逐月支出与预测", "Months and forecast"), _months(found, words)),
        Section("warnings", words("预警", "Warnings"), _warnings(found, dark, moved, words)),
        Section("drivers", words("变动原因", "What drives it"), _drivers(found, moved, words)),
        Section("hospitals", words("医疗机构", "Hospitals"), _by(found, "hospital", dark, words)),
        Section("groups", words("病组", "Groups"), _by(found, "group", dark, words)),
        Section("performance", words("绩效评价", "Performance"), _performance(found, words)),
        Section("quotas", words("定额复核与结余留用", "Quotas and retention"),
                _quotas(found, words)),
        Section("basis", words("依据", "What it rests on"), _basis(found, words)),
    ]  # fmt: skip
    year = spend.done.year
    title = words(f"{year} 年医保基金运行监测（1 至 {spend.months} 月）",
                  f"The fund in {year}, months 1 to {spend.months}")  # fmt: skip
    header = spend.done.policy.header
    subtitle = words(header.title, header.title_en or header.title)
    return Report(title, subtitle, [one for one in sections if one.blocks])


def _summary(found: Monitored, dark: Untold, words: Words) -> list[Block]:
    own = found.watch
    said, items = [], []
    for pool in own.pools:
        name = words.insurance(pool.name)
        if pool.ahead is None:
            continue
        expected = words.money(pool.ahead.year)
        items.append((words(f"{name}：预计全年支出", f"{name}: expected for the year"), expected,
                      _range(pool, words)))  # fmt: skip
        if pool.by_points and not math.isnan(pool.projected):
            said.append(words(
                f"{name}预计点值 {pool.projected:.4f} 元，固定点值 {pool.value:.4f} 元。",
                f"{name}: projected point value {pool.projected:.4f} yuan, fixed one "
                f"{pool.value:.4f}."))  # fmt: skip
        elif pool.amount is None:
            said.append(words(f"{name}预计全年支出 {expected}，预算未知。",
                              f"{name}: {expected} expected for the year, the budget is not "
                              "known."))  # fmt: skip
        else:
            over, chance = pool.over, pool.ahead.above(pool.amount / 100)
            size = words.money(abs(over))
            zh, en = ("超出", "above") if over > 0 else ("低于", "below")
            said.append(words(
                f"{name}预计全年支出 {expected}，{zh}可分配额 {size}，超支概率 {chance:.0%}。",
                f"{name}: {expected} expected for the year, {size} {en} the pool's money; chance "
                f"of an overrun {chance:.0%}."))  # fmt: skip
    red, amber = (int((own.warned["level"] == one).sum()) for one in ("red", "amber"))
    said.append(words(f"红色预警 {red} 条，黄色预警 {amber} 条。",
                      f"{red} red and {amber} amber warnings."))  # fmt: skip
    blocks: list[Block] = [Text(words("", " ").join(said), "lead"), Figures(items)]
    rows = own.warned[own.warned["hospital_id"].eq("") & own.warned["drg"].eq("")]
    blocks.append(Points([warned(row, found, words, dark) for row in records(rows)]))
    if not math.isnan(found.score):
        blocks.append(Text(words(f"绩效评价得分 {found.score:.0f} 分（百分制，只计可评价的指标）。",
                                 f"Performance: {found.score:.0f} of 100, of the indicators that "
                                 "can be told.")))  # fmt: skip
    return blocks


def _range(pool: PoolWatch, words: Words) -> str:
    if pool.ahead is None or not len(pool.ahead.ends):
        return words("全年已知", "the whole year is known")
    low, high = (words.money(float(one)) for one in pool.ahead.ends[-1, 2:])
    return words(f"95% 区间 {low} 至 {high}", f"95% interval {low} to {high}")


def _months(found: Monitored, words: Words) -> list[Block]:
    own = found.watch
    blocks: list[Block] = []
    at = [words(f"{month} 月", f"{month}") for month in range(1, 13)]
    for number, pool in enumerate(own.pools, 1):
        frame = own.ahead[own.ahead["pool"] == pool.name]
        if frame.empty:
            continue
        expected = [words.scaled(value) for value in frame["expected"]]
        ends = [(words.scaled(a), words.scaled(b)) if month > own.spend.months else
                (math.nan, math.nan) for month, a, b in zip(
                    frame["month"], frame["low95"], frame["high95"], strict=True)]  # fmt: skip
        series: list[tuple[str, list[float], list[tuple[float, float]]]] = [
            (words("累计支出及预测", "Spend to date and forecast"), expected, ends)]  # fmt: skip
        if pool.budget is not None:
            due = [words.scaled(value / 100) for value in np.cumsum(pool.budget)]
            series.append((words("累计预算", "Budget to date"), due, []))
        name = words.insurance(clean(pool.name, 40))
        title = words(f"{name}：累计支出、预测与预算", f"{name}: spend, forecast and budget")
        about = words(f"{own.spend.months} 月以后为预测，预计全年 {words.money(pool.ahead.year)}",
                      f"forecast after month {own.spend.months}, "
                      f"{words.money(pool.ahead.year)} expected for the year"
                      ) if pool.ahead is not None else ""  # fmt: skip
        blocks.append(Chart(f"pool-{number}", title, about, lines(
            at, series, words.unit, words.lang, band=words("95% 区间", "95% interval"), height=60,
        )))  # fmt: skip
    whole = own.months[own.months["level"] == "pool"]
    dark = untold([Cube(whole, (("pool", "month"), ("pool",)), amounts=("cost", "spend"))])
    whole = whole.assign(hidden=dark.rows(("pool", "month"), whole["pool"], whole["month"]))
    month = Column("month", "月份", "Month", "year", open=True)
    budget = Column("budget", "预算", "Budget", "money")
    blocks.append(Table("months", words("各月支出与预算", "Spend and budget by month"),
                        [_POOL, month, _CASES, Column("case_mix", "CMI", "CMI", "ratio"),
                         _SPEND, Column("outside", "池外支出", "Beside the pool", "money"), budget,
                         _TO_DATE, _DUE, _RATIO], whole))  # fmt: skip
    ahead = own.ahead[own.ahead["month"] > own.spend.months] if len(own.ahead) else own.ahead
    if len(ahead):
        sides = [Column(f"{side}{size}", f"{size}% {zh}", f"{size}% {side}", "money")
                 for size in (80, 95)
                 for side, zh in (("low", "下限"), ("high", "上限"))]  # fmt: skip
        note = words("均为年初至该月底的累计支出；12 月一行即全年。",
                     "Spend of the year to the end of the month; December is the "
                     "year.")  # fmt: skip
        blocks.append(Table("forecast", words("累计支出预测", "Forecast of spend to date"),
                            [_POOL, month, Column("expected", "预计", "Expected", "money"),
                             *sides], ahead, note=note))  # fmt: skip
    return blocks


def _dark(found: Monitored, *, change: bool = False) -> Untold:
    """Hospitals and groups whose figures are not told: those to date, or the change of spend.

    Where the base are the year's earlier months, a change and the figure to date give both the last
    month and those before it away; so a change has its own counts.
    """
    own, made = found.watch, []
    parts = {"": own.spend.cells}
    if change and own.base is not None:
        parts = {"_now": own.base.now, "_before": own.base.cells}
    for key in ("hospital", "group"):
        sums = [cells.groupby(["pool", key])[["cases", "spend"]].sum().add_suffix(name)
                for name, cells in parts.items()]  # fmt: skip
        frame = pd.concat(sums, axis=1).fillna(0).reset_index()
        made.append(Cube(frame, (("pool", key), ("pool",)), [f"cases{name}" for name in parts],
                         [f"spend{name}" for name in parts]))  # fmt: skip
    return untold(made)


def _warnings(found: Monitored, dark: Untold, moved: Untold, words: Words) -> list[Block]:
    own = found.watch
    frame = own.warned
    if frame.empty:
        return [Text(words("没有达到预警界限。", "No level was reached."))]
    off = (hidden_rows(found, frame, one) for one in (dark, moved))
    hidden = [one or other for one, other in zip(*off, strict=True)]
    hospitals, groups = names_of(found)
    shown = frame.assign(
        hidden=hidden,
        level=[words.of(LEVELS[one]) for one in frame["level"]],
        kind=[words.of(WHAT[one]) for one in frame["kind"]],
        who=[clean(hospitals.get(one, one)) or (group_said(drg, groups, words) if drg else "")
             for one, drg in zip(frame["hospital_id"], frame["drg"], strict=True)],
    )  # fmt: skip
    columns = [
        Column("level", "级别", "Level"), Column("kind", "预警", "Warning", "long"), _POOL,
        Column("who", "医疗机构或病组", "Hospital or group", "name"),
        Column("value", "数值", "Value", "ratio"), Column("threshold", "界限", "Level at", "ratio"),
        Column("amount", "超出", "Above", "gain"), Column("change", "变动", "Change", "gain"),
        *(Column(part, f"其中{zh}", f"of which {en}", "gain") for part, (zh, en) in PARTS.items()),
    ]  # fmt: skip
    kept = frame[frame["hospital_id"].ne("") | frame["drg"].ne("")].head(_MOST)
    said = [warned(row, found, words, moved, hidden=bool(hidden[place]))
            for place, row in zip(kept.index, records(kept), strict=True)]  # fmt: skip
    note = words("界限及其来源见“依据”。", "The levels and their sources stand at the end.")
    return [Table("warnings", words("达到界限的项目", "What reached a level"), columns, shown,
                  note=note, ends=(_MOST, 0)), *([Points(said)] if said else [])]  # fmt: skip


def _drivers(found: Monitored, dark: Untold, words: Words) -> list[Block]:
    own = found.watch
    if own.base is None:
        return [Text(words("只有一个月且没有上年病例，无法分解。",
                           "One month and no cases of last year: nothing to compare "
                           "with."))]  # fmt: skip
    rows = []
    for pool in own.pools:
        held = pool.drivers
        if held is not None:
            rows.append((pool.name, held.before / 100, held.after / 100, held.change / 100,
                         held.cases / 100, held.mix / 100, held.price / 100))  # fmt: skip
    columns = [
        _POOL, Column("before", "基期", "Base", "money"), Column("after", "本期", "Now", "money"),
        Column("change", "变动", "Change", "gain"),
        *(Column(part, zh, en.capitalize(), "gain") for part, (zh, en) in PARTS.items()),
    ]  # fmt: skip
    note = words(
        "例数：病例增减乘以基期例均支出；病例组合：平均权重的变化；单价：每单位权重支出的变化。三项合计"
        "精确等于变动。",
        "Cases: more or fewer cases at the base's spend a case; mix: their mean weight; price: "
        "what a unit of weight costs. The three add up to the change, to the fen.",
    )
    caption = words(f"支出变动分解（{words.of(AGAINST[own.base.kind])}）",
                    f"The change of spend, {words.of(AGAINST[own.base.kind])}")  # fmt: skip
    blocks: list[Block] = [table("drivers", caption, columns, rows, note=note)]
    hospitals, groups = names_of(found)
    parts = found.tables["drivers"]
    for key, title in (("hospital", words("变动最大的医疗机构", "Hospitals that move it most")),
                       ("group", words("变动最大的病组", "Groups that move it most"))):  # fmt: skip
        frame = parts[parts["part"] == key]
        as_warned = frame.assign(hospital_id=frame["key"] if key == "hospital" else "",
                                 drg=frame["key"] if key == "group" else "")  # fmt: skip
        frame = frame.assign(
            hidden=hidden_rows(found, as_warned, dark),
            name=[clean(hospitals.get(one, one)) if key == "hospital" else
                  group_said(one, groups, words) for one in frame["key"]],
            size=frame["change"].abs(),
        )  # fmt: skip
        frame = told_first(frame, "size", "key", ascending=False, within=["pool"])
        most = frame[~frame["hidden"]].groupby("pool", sort=False).head(_MOST // 2)
        who = Column("name", "医疗机构" if key == "hospital" else "病组",
                     "Hospital" if key == "hospital" else "Group", "name")  # fmt: skip
        columns = [_POOL, who, Column("change", "变动", "Change", "gain")]
        blocks.append(Table(f"drivers-{key}", title, columns, most, where="page"))
        blocks.append(Table(f"drivers-{key}-all", title, columns, frame, where="book"))
    return blocks


def _by(found: Monitored, key: str, dark: Untold, words: Words) -> list[Block]:
    own = found.watch
    whole = own.months[(own.months["level"] == key) & (own.months["month"] == own.spend.months)]
    if whole.empty:
        return []
    id_of = "hospital_id" if key == "hospital" else "drg"
    sums = own.months[own.months["level"] == key].groupby(["pool", id_of])["cases"].sum()
    hospitals, groups = names_of(found)
    as_warned = whole.assign(**{"drg" if key == "hospital" else "hospital_id": ""})
    frame = whole.assign(
        hidden=hidden_rows(found, as_warned, dark),
        cases=sums.reindex(pd.MultiIndex.from_frame(whole[["pool", id_of]])).to_numpy(),
        name=[clean(hospitals.get(one, one)) if key == "hospital" else
              group_said(one, groups, words) for one in whole[id_of]],
    )  # fmt: skip
    frame = told_first(frame, "to_date", id_of, ascending=False, within=["pool"])
    who = Column("name", "医疗机构" if key == "hospital" else "病组",
                 "Hospital" if key == "hospital" else "Group", "name")  # fmt: skip
    title = words(f"各{'医疗机构' if key == 'hospital' else '病组'}累计支出与参考预算",
                  f"Spend to date and indicative budget by {key}")  # fmt: skip
    note = words("参考预算按上年支出把基金池可分配额分到各家，不是政策规定；没有上年数据时为空。",
                 "Indicative budgets share the pool by last year's spend; no policy gives them. "
                 "Empty without last year's figures.")  # fmt: skip
    columns = [_POOL, who, _CASES, _TO_DATE, _DUE, _RATIO]
    most = frame[~frame["hidden"] & (frame["cases"] > 0)].groupby("pool", sort=False).head(_MOST)
    return [Table(f"{key}s", title, columns, most, note=note, where="page"),
            Table(f"{key}s-all", title, columns, frame, note=note, where="book")]  # fmt: skip


def _performance(found: Monitored, words: Words) -> list[Block]:
    frame = found.tables["performance"]
    met = {"yes": ("达到", "met"), "no": ("未达到", "not met"), "": ("尚不能评价", "not yet told")}
    shown = frame.assign(
        stage=[words.of(STAGES[one]) for one in frame["stage"]],
        kind=[words.of(KINDS[one]) for one in frame["kind"]],
        name=[clean(words(zh, en)) for zh, en in zip(frame["zh"], frame["en"], strict=True)],
        value=[DASH if one != one else fixed(one, 3) for one in frame["value"]],
        target=[("≤ " if rule == "at_most" else "≥ ") + f"{one:g}"
                for one, rule in zip(frame["target"], frame["rule"], strict=True)],
        met=[words.of(met[one]) for one in frame["met"]],
        source=[clean(half(one, words.lang)) for one in frame["source"]],
    )  # fmt: skip
    columns = [
        Column("stage", "阶段", "Stage"), Column("kind", "类别", "Kind"),
        Column("name", "指标", "Indicator", "long"), Column("value", "数值", "Value"),
        Column("target", "目标", "Target"), Column("met", "结果", "Result"),
        Column("weight", "权重", "Weight", "plain"), Column("source", "来源", "Source", "long"),
    ]  # fmt: skip
    return [Table("performance", words("年前、年中、年后的四类指标",
                                       "Four kinds of indicators before, during and after the "
                                       "year"), columns, shown)]  # fmt: skip


def _quotas(found: Monitored, words: Words) -> list[Block]:
    blocks: list[Block] = []
    beds = found.tables.get("day_beds")
    if beds is not None:
        dark = untold([Cube(beds, (("disease",), ()), amounts=("cost", "paid_quota"))])
        shown = beds.assign(
            hidden=dark.rows(("disease",), beds["disease"]),
            title=[clean(one) for one in beds["title"]],
            review=[_verdict(one, words) for one in beds["review"]],
        )
        blocks.append(Table("day-beds", words("日间病床定额复核", "Review of day-bed quotas"), [
            Column("title", "病种", "Disease", "name"), _CASES,
            Column("quota", "定额", "Quota", "yuan"), Column("cost", "费用", "Cost", "money"),
            Column("surplus", "结余", "Surplus", "money"),
            Column("overrun", "超支", "Overrun", "money"),
            Column("ratio", "次均/定额", "Mean over quota", "share"),
            Column("review", "复核", "Review"),
        ], shown))  # fmt: skip
    kept = found.tables.get("retention")
    if kept is not None:
        hospitals, _ = names_of(found)
        shown = kept.assign(name=[clean(hospitals.get(one, one)) for one in kept["hospital_id"]])
        blocks.append(Table("retention", words("集采结余留用", "Retention of procurement"), [
            Column("name", "医疗机构", "Hospital", "name"),
            Column("saving", "节约额", "Saving", "money"),
            Column("retained", "留用额", "Retained", "money"),
        ], shown))  # fmt: skip
    return blocks


def _verdict(review: str, words: Words) -> str:
    level, _, side = review.partition("_")
    if not level:
        return ""
    about = ("高于定额", "above") if side == "above" else ("低于定额", "below")
    return f"{words.of(LEVELS[level])} {words.of(about)}"


def _basis(found: Monitored, words: Words) -> list[Block]:
    own = found.watch
    blocks: list[Block] = [Points([
        words("预测：对数支出为漂移的水平、趋势、十二个月的季节和噪声之和（状态空间模型），各部分的大小不作"
              "点估计，而按数据加权；月份越少，区间越宽。",
              "Forecast: the logarithm of spend is a drifting level, a trend, a season and noise "
              "(a state-space model); how large each is is weighed by the data, so few months "
              "give wide intervals."),
        *(clean(words.of(text), 400) for text in own.notes.values()),
    ])]  # fmt: skip
    trials = found.tables["trials"]
    if len(trials):
        best = {name: float(trials[f"error_{name}"].mean()) for name in METHODS}
        known = {name: value for name, value in best.items() if not math.isnan(value)}
        beaten = known["model"] > min(known.values())
        said = words.joined(f"{words.of(_METHODS[name])} {value:.1%}"
                            for name, value in known.items())  # fmt: skip
        blocks.append(Text(words(
            f"以往年同月为起点回测 {len(trials)} 次，全年支出平均偏差：{said}。"
            + ("本预测不优于简单方法，请谨慎使用。" if beaten else ""),
            f"Forecasts of {len(trials)} earlier years from the same month were off by: {said}."
            + (" The forecast is no better than a simple way here." if beaten else "")),
            "call" if beaten else "plain"))  # fmt: skip
    rows = [(words(*_level_name(name)), one.amber, one.red, clean(half(one.source, words.lang)))
            for name, one in found.levels.levels.items()]  # fmt: skip
    blocks.append(table("levels", words("预警界限", "Levels of warnings"), [
        Column("what", "项目", "What", "long"), Column("amber", "黄色", "Amber", "ratio"),
        Column("red", "红色", "Red", "ratio"), Column("source", "来源", "Source", "long"),
    ], rows))  # fmt: skip
    return blocks


def _level_name(name: str) -> tuple[str, str]:
    return WHAT.get(name, ("日间病床次均费用与定额之比", "mean cost over a day-bed quota"))
