"""What the page of an audit tells: the funnel, families, hospitals against peers, indicators."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from budget.audit.files import Audit, cells_table
from budget.audit.indicators import NAMES, SHARES
from budget.audit.vocabulary import MEANINGS
from drg.cases.privacy import FEWEST
from drg.language import half
from drg.page.blocks import (
    Block,
    Chart,
    Column,
    Figures,
    Kept,
    Points,
    Report,
    Section,
    Table,
    Text,
    table,
)
from drg.page.small_cells import Cube, few, told_first, untold
from drg.page.words import Words, clean
from drg.plots.charts import scatter

FAMILIES: dict[str, tuple[str, str]] = {
    "split_admission": ("分解住院", "split admission"),
    "overlapping_stay": ("叠床", "overlapping stays"), "upcoding": ("高套分组", "up-coding"),
    "low_standard": ("低标准入院", "low-standard admission"),
    "bunching": ("倍率卡线", "threshold bunching"),
    "refusing_severe": ("推诿重症", "refusing severe cases"),
    "cost_shifting": ("转嫁费用", "cost shifting"), "empty_bed": ("挂床", "empty bed"),
    "clearing": ("结算核对", "clearing"), "contradiction": ("数据矛盾", "contradictions"),
    "bill": ("票据核查", "bills to verify"),
}  # fmt: skip
_MISSING: dict[str, tuple[str, str]] = {
    "before": ("上年病例（--before）", "cases of the year before (--before)"),
    "items": ("费用明细（--items）", "billed items (--items)"),
    "idle_days": ("费用明细（--items）", "billed items (--items)"),
    "person": ("人员编号", "patient ids"),
}  # fmt: skip
_FAMILY = Column("family", "类型", "Family")
_AMOUNT = Column("amount", "涉及金额", "Amount", "money")
_ENDS = (
    Column("low", "95%下限", "95% from", "index"),
    Column("high", "95%上限", "95% to", "index"),
)
_SHOWN = 60  # hospitals on the page; the workbook has all


def audit_report(found: Audit, words: Words) -> Report:
    """The page of an audit; no case and no person stands on it."""
    made = (
        ("summary", "结论", "Summary", _summary(found, words)),
        ("families", "按类型", "By family", _families(found, words)),
        ("hospitals", "医疗机构", "Hospitals", _hospitals(found, words)),
        ("tests", "显著超出同类", "Beyond peers", _tests(found, words)),
        ("indicators", "评价指标", "Indicators", _indicators(found, words)),
        ("rules", "规则", "Rules", _rules(found, words)),
    )  # fmt: skip
    below = words("疑点不是结论，须经复核", "an alert is no verdict; it wants a review")
    return Report(words("基金监管审核报告", "Audit of discharges"), below, [
        Section(key, words(zh, en), blocks) for key, zh, en, blocks in made if blocks])  # fmt: skip


def family(code: str, words: Words) -> str:
    """The name of a family; a city's own by its id."""
    return words.of(FAMILIES[code]) if code in FAMILIES else clean(code)


def missing(facts: Iterable[str], words: Words) -> str:
    """What a rule lacks, in words: a file to be given, or what its fact means."""
    return words.joined(
        dict.fromkeys(words.of(_MISSING.get(one) or MEANINGS.get(one, (one, one))) for one in facts)
    )


def _summary(found: Audit, words: Words) -> list[Block]:
    alerts = int((found.findings.rows >= 0).sum())
    outside = int(found.hospitals["outside"].sum())
    dark = few(alerts) or _nearly_all(found)
    share = "*" if dark else words.share(alerts / found.cases, 2)
    count = "*" if dark and not few(alerts) else words.few(alerts)
    lead = words(
        f"审核 {words.few(found.cases)} 例，疑点 {count} 例（{share}）；"
        f"{outside} 家医疗机构的疑点显著多于同类。",
        f"{words.few(found.cases)} cases were screened, {count} ({share}) have an "
        f"alert; {outside} hospitals have surely more than their peers.",
    )
    amount = float(found.findings.table["amount"].sum()) / 100
    told = "*" if dark else words.money(amount)
    lost = words.joined(clean(one.rule.said("title", zh=words.zh))
                        for one in found.ran if one.unknown)  # fmt: skip
    short = [words(f"以下规则的部分疑点无法计算涉及金额，按 0 计：{lost}。",
                   f"The amount of some alerts cannot be worked out and counts as 0: {lost}.")
             ] if lost else []  # fmt: skip
    if found.unread:
        columns = words.joined(clean(column) for _, column in found.unread)
        short.append(words(f"以下列有无法识别的单元格，规则按未知处理：{columns}。",
                           "Cells of these columns cannot be read and are unknown to the rules: "
                           f"{columns}."))  # fmt: skip
    return [
        Text(lead, "lead"),
        Figures([
            (words("审核病例", "Screened"), words.few(found.cases), ""),
            (words("疑点病例", "Alerts"), count, share),
            (words("涉及金额", "Amount at stake"), told, words("未经复核", "not reviewed")),
        ]),
        Points([
            words("疑点是线索，不是结论：每条规则都说明它不能知道什么。",
                  "An alert is a lead, not a verdict: each rule says what it cannot know."),
            words("医疗机构只与同级、病例组合相近的同类比较；多重比较按错误发现率控制。",
                  "A hospital is compared with peers of its tier and case mix alone; false "
                  "discoveries are controlled over all comparisons."),
            words("逐例清单 findings.csv 含个人信息，仅供经办人员使用，不得对外提供。",
                  "The list of cases, findings.csv, is person-level: it is for the staff in "
                  "charge alone."),
            *short,
        ]),
    ]  # fmt: skip


def _family_sums(found: Audit) -> pd.DataFrame:
    held = found.findings.table.assign(one=(found.findings.rows >= 0).astype(int))
    sums = held.groupby("family", sort=True).agg(
        cases=("one", "sum"), amount=("amount", "sum")).reset_index()  # fmt: skip
    return sums[sums["cases"] > 0]


def _nearly_all(found: Audit) -> bool:
    """Whether alerts, of all or of a family, leave 1 to 4 screened cases without one."""
    sums = _family_sums(found)["cases"]
    return any(few(found.cases - int(one)) for one in (sums.sum(), *sums))


def _families(found: Audit, words: Words) -> list[Block]:
    sums = _family_sums(found)
    if not len(sums):
        return [Text(words("没有疑点。", "Nothing was found."))]
    cube = Cube(sums[["family", "cases", "amount"]], (("family",), ()), amounts=("amount",))
    dark = untold([cube])
    frame = pd.DataFrame({
        "family": [family(one, words) for one in sums["family"]], "cases": sums["cases"],
        "share": sums["cases"] / found.cases, "amount": sums["amount"] / 100,
        "hidden": dark.rows(("family",), sums["family"]) | _nearly_all(found),
    })  # fmt: skip
    columns = (_FAMILY, Column("cases", "疑点病例", "Alerts", "cases"),
               Column("share", "占审核病例", "Of all cases", "share", digits=2),
               _AMOUNT)  # fmt: skip
    return [Table("families", words("疑点病例按类型", "Alerts by family"), columns, frame)]


def _hospitals(found: Audit, words: Words) -> list[Block]:
    frame = found.hospitals
    cells = pd.DataFrame({"hospital": frame["hospital_id"], "cases": frame["findings"],
                          "rest": (frame["cases"] - frame["findings"]).clip(lower=0),
                          "amount": frame["amount"]})  # fmt: skip
    dark = untold([Cube(cells, (("hospital",), ()), ("cases", "rest"), ("amount",))])
    hidden = dark.rows(("hospital",), frame["hospital_id"]) | (frame["cases"] < FEWEST)
    frame = frame.assign(hidden=hidden, usual=hidden | ~frame["outside"])
    frame = told_first(frame, "ratio_shrunk", "hospital_id", ascending=False, within=["usual"])
    hidden = frame["hidden"].to_numpy(np.bool_)
    tiers = [None if pd.isna(one) else int(one) for one in frame["tier"]]
    shown = pd.DataFrame({
        "name": frame["hospital_name"], "tier": tiers,
        "screened": frame["cases"], "alerts": frame["findings"], "ratio": frame["ratio"],
        "low": frame["ratio_low"], "high": frame["ratio_high"], "shrunk": frame["ratio_shrunk"],
        "outside": [words("是", "yes") if one else "" for one in frame["outside"]],
        "amount": frame["amount"],
        "credit": frame["provisional_score"],
        "grade": frame["provisional_grade"].where(~hidden, Kept.BACK),
        "inspections": frame["inspections"], "hidden": hidden,
    })  # fmt: skip
    columns = (
        Column("name", "医疗机构", "Hospital", "name"), Column("tier", "级别", "Tier", "tier"),
        Column("screened", "审核病例", "Screened", "cases"),
        Column("alerts", "疑点病例", "Alerts", "cases"),
        Column("ratio", "与同类之比", "Over peers", "index", digits=2), *_ENDS,
        Column("shrunk", "收缩后", "Shrunk", "index", digits=2),
        Column("outside", "显著多于同类", "Surely more"), _AMOUNT,
        Column("credit", "信用评分（暂计）", "Credit (provisional)", "index", digits=1),
        Column("grade", "等级", "Grade"),
        Column("inspections", "年检查次数", "Inspections a year", "count"),
    )  # fmt: skip
    note = words(
        "之比：疑点病例除以按同类比率应有的病例；收缩后：病例少的医院向平均靠拢；"
        "各医院的同类见 hospitals.csv。信用评分按未经复核的疑点暂计，只用于安排检查；"
        "考核以终审认定的疑点为准（drg year findings credit）。",
        "Over peers: alerts over those expected with the peers' rate; shrunk: drawn towards the "
        "mean where a hospital has few cases. The peers of each are named in hospitals.csv. "
        "Credit is provisional, of alerts that nobody reviewed, and tells where to inspect; what "
        "counts is that of confirmed findings (drg year findings credit).",
    )  # fmt: skip
    half = _SHOWN // 2
    return [*_funnel(words, frame[~hidden]),
            Table("hospitals", words("医疗机构与同类比较", "Hospitals against their peers"),
                  columns, shown, note=note, ends=(half, half))]  # fmt: skip


def _funnel(words: Words, told: pd.DataFrame) -> list[Block]:
    if len(told) < 3:
        return []
    kind = np.where(told["outside"], 2, np.where(told["ratio"] > told["funnel_high"], 1, 0))
    points = [
        (float(np.log10(max(e, 1e-3))), float(r), int(k), clean(name, 20))
        for e, r, k, name in zip(told["expected"], told["ratio"], kind, told["hospital_name"],
                                 strict=True)
    ]  # fmt: skip
    titles = (words("应有疑点病例（以 10 为底的对数）", "Alerts expected (log 10)"),
              words("与同类之比", "Alerts over expected"))  # fmt: skip
    legend = (words("漏斗内", "inside the funnel"),
              words("超出 99.8% 界限", "beyond the 99.8% limit"),
              words("显著多于同类", "surely more than peers"))  # fmt: skip
    picture = scatter(points, titles, legend, (0.0, 1.0), words.lang)
    about = words("每点一家医疗机构：越靠右病例越多，越高疑点越多。",
                  "A point a hospital: to the right more is expected, higher up more was "
                  "found.")  # fmt: skip
    return [Chart("funnel", words("漏斗图：疑点与同类之比", "Funnel: alerts over expected"), about,
                  picture)]  # fmt: skip


def _tests(found: Audit, words: Words) -> list[Block]:
    held = cells_table(found)
    held = held[held["cases"] >= FEWEST]
    if not len(held):
        return []
    by_id = dict(zip(found.hospitals["hospital_id"], found.hospitals["hospital_name"], strict=True))
    titles = {one.rule.id: one.rule.said("title", zh=words.zh) for one in found.ran}
    # ratios only: counts of a code in a hospital could give away those that are not told
    frame = pd.DataFrame({
        "rule": [titles[one] for one in held["rule"]],
        "hospital": [by_id[one] for one in held["hospital_id"]], "within": held["within"],
        "ratio": held["ratio"].clip(upper=100.0), "q": held["q"],
    })  # fmt: skip
    columns = (
        Column("rule", "规则", "Rule", "text"), Column("hospital", "医疗机构", "Hospital", "name"),
        Column("within", "编码或界线", "Code or threshold", "code"),
        Column("ratio", "与应有之比（不超过100）", "Over expected (at most 100)", "index",
               digits=1),
        Column("q", "错误发现率", "False-discovery rate", "plain", digits=4),
    )  # fmt: skip
    return [Table("tests", words("检验显著的医疗机构", "Hospitals that stand out in a test"),
                  columns, frame, ends=(40, 0))]  # fmt: skip


def _indicators(found: Audit, words: Words) -> list[Block]:
    frame = found.indicators
    year = frame[(frame["month"] == "") & (frame["level"] != "hospital")]
    year = year[year["value"].notna()]
    where = [words("全统筹区", "region") if level == "region" else
             (words.tier(one) if one else words("未定级", "no tier"))
             for level, one in zip(year["level"], year["id"], strict=True)]  # fmt: skip
    shown = pd.DataFrame({
        "where": where, "indicator": [words.of(NAMES[one]) for one in year["indicator"]],
        "value": year["value"], "low": year["low"], "high": year["high"],
        "hidden": _of_few(year),
    })  # fmt: skip
    columns = (Column("where", "范围", "Of"), Column("indicator", "指标", "Indicator"),
               Column("value", "值", "Value", "ratio", digits=4),
               Column("low", "95%下限", "95% from", "ratio", digits=4),
               Column("high", "95%上限", "95% to", "ratio", digits=4))  # fmt: skip
    note = words("费用、时间消耗指数按病组校正；按医院和按月见 indicators.csv。",
                 "Cost and time index are adjusted for case mix; by hospital and month: "
                 "indicators.csv.")  # fmt: skip
    return [Table("indicators", words("统筹区与各级指标", "Indicators of region and tiers"),
                  columns, shown, note=note)]  # fmt: skip


def _of_few(year: pd.DataFrame) -> pd.Series:
    """Which shares of region and tiers tell of 1 to 4 cases, or could by what the others tell."""
    hidden = pd.Series(False, year.index)
    for name in SHARES:
        mine = year[year["indicator"] == name]
        count = (mine["value"] * mine["cases"].astype(float)).round()
        cells = pd.DataFrame({"tier": mine["id"], "cases": count,
                              "rest": mine["cases"].astype(float) - count})  # fmt: skip
        tiers = mine["level"] == "tier"
        if tiers.any():
            dark = untold([Cube(cells[tiers], (("tier",), ()), ("cases", "rest"))])
            hidden[mine.index[tiers]] = dark.rows(("tier",), cells["tier"][tiers])
        small = [few(one) or few(rest)
                 for one, rest in zip(cells["cases"], cells["rest"], strict=True)]  # fmt: skip
        hidden[mine.index] |= np.array(small, np.bool_)
    return hidden


def _rules(found: Audit, words: Words) -> list[Block]:
    ran = [one for one in found.ran if not one.skipped]
    skipped = [one for one in found.ran if one.skipped]
    columns = (Column("title", "规则", "Rule"), Column("text", "内容", "What it finds", "long"),
               Column("unknown", "不能知道的", "What it cannot know", "long"),
               Column("source", "依据", "Source", "long"))  # fmt: skip
    rows = [
        (clean(one.rule.said("title", zh=words.zh)), one.rule.said("text", zh=words.zh),
         one.rule.said("unknown", zh=words.zh), clean(half(one.rule.texts["source"], words.lang)))
        for one in ran
    ]  # fmt: skip
    made: list[Block] = [table("rules", words("已运行的规则", "Rules that ran"), columns, rows)]
    if skipped:
        lacks = [
            (clean(one.rule.said("title", zh=words.zh)),
             missing(one.skipped, words))
            for one in skipped
        ]  # fmt: skip
        lacking = (Column("title", "规则", "Rule"), Column("lacks", "缺少", "It lacks", "long"))
        title = words("因缺少数据未运行", "Not run, for want of data")
        made.append(table("skipped", title, lacking, lacks))
    return made
