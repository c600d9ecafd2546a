"""Every hospital (各医疗机构): what it is paid and loses, ranked, and a sheet for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from drg.page.blocks import Block, Card, Chart, Column, Section, Table, Text
from drg.page.small_cells import told_first
from drg.page.words import Words, clean, fixed
from drg.plots.charts import bars
from drg.report.panel.columns import (
    AVERAGE,
    CASES,
    COST,
    CUT,
    GAIN,
    GAIN_SHARE,
    HOSPITAL,
    ID,
    MIX,
    PAID,
    PATIENT,
    PAYABLE,
    POOL,
    TIER,
)
from drg.report.panel.data import PanelData
from drg.report.panel.story import Story, scenario_name

_BARS = 24  # in a chart; the ends when there are more hospitals
_ROWS = (90, 60)  # of a table on paper, when there are very many
_SUMS = ("cases", "cost", "patient", "item", "payable", "final", "gain")


def hospital_section(held: Story, words: Words) -> Section:
    """What every hospital is paid under the scenario told, those that lose most first."""
    name, over = scenario_name(held.data, held.code, words), 0.05
    over = float((held.data.projection or {}).get("loss_above") or over)
    frame = held.hospitals
    columns = [
        HOSPITAL, TIER, Column("final_baseline", "清算·基准", "Paid, baseline", "money"),
        Column("final", "清算·方案", "Paid, scenario", "money"),
        Column("final_difference", "差", "Change", "gain"),
        Column("change_share", "差", "Change", "change"),
        Column("low", "95% 下限", "95% low", "money"),
        Column("high", "95% 上限", "95% high", "money"), GAIN, GAIN_SHARE,
        Column("loss_probability", "亏损概率", "Loss chance", "share", digits=0),
    ]  # fmt: skip
    note = words(
        f"按盈亏占费用排列，亏损最重的在前。95% 区间是清算支付的；亏损概率是亏损超过费用 "
        f"{100 * over:.0f}% 的可能。",
        "Those that lose most by cost first. The 95% interval is that of what is paid; the loss "
        f"chance is that of losing more than {100 * over:.0f}% of the cost.",
    ) if frame["low"].notna().any() else ""  # fmt: skip
    caption = words("各医疗机构清算支付与盈亏", "What every hospital is paid, gains and loses")
    blocks: list[Block] = _chart(held, words)
    blocks.append(Table("hospitals-ahead", caption, columns, frame, 0, note, _ROWS))
    blocks.append(_parts(frame, words))
    title = words(f"各医疗机构：{name}，{held.year} 年", f"Hospitals: {name}, {held.year}")
    return Section("hospitals-ahead", title, blocks)


def _parts(frame: pd.DataFrame, words: Words) -> Table:
    """Where the change of each hospital comes from, for the workbook."""
    columns = [HOSPITAL, TIER]
    for measure, zh, en, kind in (
        ("final", "清算支付", "Paid", "gain"),
        ("gain", "盈亏", "Gain", "gain"),
        ("average_cost", "次均费用", "Average cost", "yuan_change"),
    ):
        columns += [Column(f"{measure}_{part}", f"{zh}·{said}", f"{en}, {word}", kind)
                    for part, said, word in (("difference", "差", "change"),
                                             ("by_drivers", "驱动因素", "drivers"),
                                             ("by_policy", "政策", "policy"))]  # fmt: skip
    caption = words("各医疗机构变化的来源", "Where the change of each hospital comes from")
    return Table("hospital-parts", caption, columns, frame, where="book")


def _chart(held: Story, words: Words) -> list[Block]:
    """Hospitals by what the scenario changes in their payment, or by their gain."""
    alone = held.alone or not held.hospitals["final_difference"].notna().any()
    value, share = ("gain", "gain_share") if alone else ("final_difference", "change_share")
    able = held.hospitals[~held.hospitals["hidden"] & held.hospitals[value].notna()]
    able = able.sort_values([value, "hospital_id"], ascending=[False, True])
    if alone:
        title = words("各医疗机构的盈亏", "What every hospital gains or loses")
        legend = (words("盈", "gain"), words("亏", "loss"))
    else:
        title = words("各医疗机构清算支付的变化：方案减基准",
                      "Change of what every hospital is paid: scenario less baseline")  # fmt: skip
        legend = (words("多得", "gets more"), words("少得", "gets less"))
    return ranked("hospitals", title, legend, able, value, share, words)


def ranked(
    key: str, title: str, legend: Sequence[str], frame: pd.DataFrame, value: str, share: str,
    words: Words,
) -> list[Block]:  # fmt: skip
    """A chart of hospitals in the order of a frame; both ends when there are many."""
    if frame.empty:
        return []
    if len(frame) > _BARS:
        frame = pd.concat([frame.head(_BARS // 2), frame.tail(_BARS // 2)])
        title += words(f"（两端各 {_BARS // 2} 家）", f" ({_BARS // 2} at each end)")
    items = []
    for name, money, part in zip(frame["hospital"], frame[value], frame[share], strict=True):
        said = f" ({words.share(float(part), signed=True)})" if math.isfinite(part) else ""
        items.append((str(name), [words.scaled(float(money))],
                      [words.number(float(money), "gain") + said]))  # fmt: skip
    about = words("；", "; ").join(f"{name} {said[0]}" for name, _, said in items)
    return [Chart(key, title, about, bars(items, legend, words.unit, words.lang, sides=True))]


def settled_section(data: PanelData, words: Words) -> Section:
    """What each hospital was paid in the settled year, ranked by its gain or loss."""
    frame = told_first(data.by_hospital, "gain_share", "hospital_id", ascending=False)
    total: dict[str, Any] = {name: float(frame[name].sum()) for name in _SUMS}
    cost = total["cost"]
    able = frame[frame["case_mix_index"].notna() & (frame["weighed"] > 0)]
    total |= {"hospital": words("合计", "Total"), "hidden": False,
              "gain_share": total["gain"] / cost if cost > 0 else math.nan,
              "case_mix_index": float(np.average(able["case_mix_index"], weights=able["weighed"]))
              if len(able) else math.nan}  # fmt: skip
    told = frame[~frame["hidden"]]
    intro = words(
        "盈亏 = 清算支付 + 个人负担 + 其他支付 − 病例总费用；按盈亏占费用的比重排列。",
        "Gain: paid at clearing, plus patients' and other payers' money, less the cost of the "
        "cases; ranked by gain in relation to cost.",
    )
    blocks: list[Block] = [Text(intro)]
    if data.projection is None:
        blocks += ranked("gain", words("各医疗机构的盈亏", "What every hospital gains or loses"),
                         (words("盈", "gain"), words("亏", "loss")),
                         told[told["gain_share"].notna()], "gain", "gain_share", words)  # fmt: skip
    columns = [HOSPITAL, TIER, CASES, MIX, COST, PATIENT, PAYABLE, PAID, GAIN, GAIN_SHARE]
    with_total = pd.concat([frame, pd.DataFrame([total | {"tier": ""}])], ignore_index=True)
    title = words(f"{data.year} 年各医疗机构清算与盈亏", f"Hospitals settled, {data.year}")
    blocks.append(Table("hospitals", title, columns, with_total, 1, "", _ROWS))
    return Section("hospitals", title, blocks)


def sheet_section(data: PanelData, held: Story | None, words: Words) -> Section:
    """A card for every hospital; the workbook has them as tables."""
    settled = _by_pool(data)
    columns = [POOL, CASES, MIX, COST, PATIENT, Column("item", "按项目应付", "By item", "money"),
               PAYABLE, Column("clearing", "年终调整", "Year-end", "gain"), PAID, GAIN]  # fmt: skip
    ahead = None if held is None else _ahead(held, words)
    line = Column("line", "年度与方案", "Year and scenario", "name")
    lines = [line, CASES, AVERAGE, COST, PATIENT, PAYABLE, CUT, PAID, GAIN, GAIN_SHARE]
    said, cards = _priced(data, words), []
    for _, h in data.by_hospital.iterrows():
        own, code = h["hospital"], h["hospital_id"]
        parts = (clean(code, 40), words.tier(h["tier"]), clean(h["class"], 20))
        aside = words("　", "  ").join(part for part in parts if part and part != own)
        if h["hidden"]:
            told = words("病例数少，为保护个人信息不公布。", "Too few cases to be told.")
            cards.append(Card(own, aside, [Text(told)]))
            continue
        frame, used = (settled, columns) if ahead is None else (ahead, lines)
        mine = frame[frame["hospital_id"] == code]
        shown = Table(f"sheet-{code}", own, used, mine, where="page")
        cards.append(Card(own, aside, [shown, Text(said.get(str(code), ""), "quiet")]))
    by_pool = words("各医疗机构分基金池清算", "Hospitals by pool")
    books: list[Block] = [Table("sheets", by_pool, [HOSPITAL, ID, *columns], settled, where="book")]
    if ahead is not None:
        name = words("各医疗机构结算与测算", "Hospitals settled and projected")
        books.insert(0, Table("sheets-ahead", name, [HOSPITAL, ID, *lines], ahead, where="book"))
    return Section("sheets", words("医疗机构分表", "Hospital by hospital"), [*cards, *books])


def _by_pool(data: PanelData) -> pd.DataFrame:
    """Hospitals and pools of the settled year, ``hidden`` as both have totals elsewhere."""
    frame = data.hospitals
    hidden = data.untold.rows(("hospital", "pool"), frame["hospital_id"], frame["pool"])
    names = dict(zip(data.by_hospital["hospital_id"], data.by_hospital["hospital"], strict=True))
    return frame.assign(hidden=hidden, clearing=frame["final"] - frame["payable"],
                        hospital=frame["hospital_id"].map(names))  # fmt: skip


def _ahead(held: Story, words: Words) -> pd.DataFrame:
    """Lines of every hospital: settled year, baseline, scenario, and their difference."""
    data, year = held.data, held.year
    names = ["cases", "average_cost", "cost", "patient", "payable", "budget_cut", "final", "gain"]
    home = data.by_hospital.set_index("hospital_id")
    now = home.assign(average_cost=home["cost"] / home["cases"].where(home["cases"] > 0))
    parts = [now[names].assign(line=words(f"{data.year} 年结算", f"{data.year} settled"))]
    for code in dict.fromkeys((held.baseline, held.code)):
        own = data.at("projection_hospitals", code, year).set_index("hospital_id")
        said = scenario_name(data, code, words)
        parts.append(own[names].assign(line=words(f"{year} 年 {said}", f"{year} {said}")))
    if not held.alone:
        change = (parts[2][names] - parts[1][names]).loc[~parts[2].index.isin(data.hidden)]
        last = words("方案减基准", "scenario less baseline")
        parts.append(change.assign(line=last, cases=np.nan))
    frame = pd.concat([part.assign(_place=n) for n, part in enumerate(parts)])
    frame["gain_share"] = frame["gain"] / frame["cost"].where(frame["cost"] > 0)
    frame.loc[frame["_place"] == 3, "gain_share"] = np.nan
    order = {code: n for n, code in enumerate(home.index)}
    frame = frame.assign(hospital=home["hospital"].reindex(frame.index), hospital_id=frame.index,
                         hidden=frame.index.isin(data.hidden),
                         _order=frame.index.map(order))  # fmt: skip
    return frame.sort_values(["_order", "_place"], ignore_index=True)


def _priced(data: PanelData, words: Words) -> dict[str, str]:
    """Indicators of the settled year and how its cases were priced, in a line a hospital."""
    found: dict[str, str] = {}
    index = None if data.cases is None else data.cases.hospitals["cost_index"]
    for _, h in data.by_hospital.iterrows():
        code = h["hospital_id"]
        cost = math.nan if index is None else float(index.get(code, math.nan))
        share = float(h["patient"]) / float(h["cost"]) if h["cost"] > 0 else math.nan
        mix = words.number(float(h["case_mix_index"]), "ratio")
        found[str(code)] = words(
            f"结算年：CMI {mix}，费用消耗指数 {words.number(cost, 'index')}，个人负担占比 "
            f"{words.share(share)}。",
            f"Settled year: CMI {mix}, cost index {words.number(cost, 'index')}, patients' share "
            f"{words.share(share)}. ")  # fmt: skip
    frame = data.branches
    if frame is None:
        return found
    grid = frame.pivot_table(index="hospital_id", columns="branch", values="cases", aggfunc="sum",
                             fill_value=0)  # fmt: skip
    mask = np.stack([data.untold.rows(("hospital", "branch"), [one] * grid.shape[1], grid.columns)
                     for one in grid.index])  # fmt: skip
    zh = dict(zip(frame["branch"], frame["branch_zh"], strict=True))
    for place, (hospital, counts) in enumerate(grid.iterrows()):
        able = [(float(n), str(b)) for b, n, hide in zip(grid.columns, counts, mask[place],
                strict=True) if n > 0 and not hide]  # fmt: skip
        shown = [f"{words.branch(b, str(zh[b]))} {n:,.0f} ({fixed(100 * n / counts.sum(), 1)}%)"
                 for n, b in sorted(able, key=lambda one: (-one[0], one[1]))]  # fmt: skip
        rest = float(counts.to_numpy(float)[mask[place]].sum())
        if rest > 0:
            shown.append(words(f"其他类型 {rest:,.0f}", f"others {rest:,.0f}"))
        text = words("，", ", ").join(shown)
        found[str(hospital)] = found.get(str(hospital), "") + words(
            f"结算类型（例）：{text}。", f"Priced as (cases): {text}.")  # fmt: skip
    return found
