"""Blocks of the workbench as HTML: figures, who gains and pays, proposals, offers, comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from budget.impact.tables import who_pays
from drg.negotiate.round.state import State
from drg.negotiate.workbench.desk import FIGURES, OBJECTIVES, Desk, Seen
from drg.page.blocks import Block, Column, Figures, Table, Text, table
from drg.page.html import rendered
from drg.page.words import Words, clean, fixed

_SHOWN = 12  # binding demands of an offer, and rows of proposals
PARTIES = {"bureau": ("医保局", "bureau"), "hospital": ("医疗机构", "hospital"),
           "panel": ("专家组", "panel")}  # fmt: skip
_NAME, _FIGURE = Column("hospital_name", "医疗机构", "hospital", "name"), Column("figure", "", "")
_GROUP, _ASKED = Column("drg", "病组", "group"), Column("asked", "申请", "asked", "weight")
_HOSPITALS = (
    _NAME, Column("tier", "级别", "tier", "tier"), Column("cases", "病例", "cases", "count"),
    Column("final_before", "原清算", "paid before", "money"),
    Column("final_after", "现清算", "paid after", "money"),
    Column("final_change", "变化", "change", "fen_change"),
    Column("final_change_share", "变幅", "change", "change"),
    Column("case_mix_index_before", "原CMI", "CMI before", "index"),
    Column("case_mix_index_after", "现CMI", "CMI after", "index"),
)  # fmt: skip
_PROPOSALS = (
    Column("id", "编号", "id"), Column("by", "提出方", "by", "name"), _GROUP,
    Column("reason", "理由", "reason", "long"), Column("draft", "草案", "draft", "weight"), _ASKED,
)  # fmt: skip
_MET = (Column("id", "申请", "proposal"), _GROUP, _ASKED,
        Column("offer", "折中", "offer", "weight"),
        Column("share", "满意度", "met", "share"))  # fmt: skip
_BOUND = (Column("text", "起作用的约束", "binding demand", "long"),
          Column("relax", "若放宽", "if relaxed", "long"),
          Column("gain", "影子价格", "worth", "plain"))  # fmt: skip


def html(words: Words, *blocks: Block, look: str = "") -> str:
    """Blocks as HTML; with the look ``pair`` side by side."""
    return rendered("bench.html.j2", words, part="blocks", items=blocks, look=look)


def figures(seen: Seen, words: Words, limit: float | None, *, unbalanced: bool) -> Figures:
    """The figures that are told first; ▲ marks what should not be."""
    held, loss = seen.summary, seen.summary["largest_loss"]
    owed = held["payable_after"] - held["payable_before"]
    mix = held["case_mix_index_after"] - held["case_mix_index_before"]
    new, more = held["inversions_new"], len(held["inversions_new"]) - 2
    turned = words("▲ 新增 ", "▲ new ") if new else words("无新增", "none new")
    turned += words.joined(new[:2])
    turned += words(f" 等 {len(new)} 对", f" and {more} more") if more > 0 else ""
    worst = words("没有医院受损", "no hospital loses")
    if loss:
        over = limit is not None and -loss["share"] > limit
        worst = words("▲ 超过规则上限 ", "▲ above the limit ") if over else ""
        worst += f"{clean(loss['hospital_name'])} {words.money(loss['yuan'], signed=True)}"
    paid = words(" · 清算 ", " · paid ") + words.money(held["final_change"], signed=True)
    if unbalanced:
        paid += words(" ▲ 预算中性已关闭，其余病组不再调整",
                      " ▲ neutrality is off, no other group adjusts")  # fmt: skip
    return Figures([
        (words("DRG应付", "Payable"), words.money(held["payable_after"]),
         words.money(owed, signed=True) + paid),
        ("CMI", fixed(held["case_mix_index_after"], 4), fixed(mix, 4, signed=True)
         + words("；其余病组 ×", "; others ×") + fixed(held["scale"], 4)),
        (words("医院得/失", "Gain/lose"),
         f"{held['hospitals_gaining']}/{held['hospitals_losing']}",
         words("转移 ", "moved ") + words.money(held["moved"])),
        (words("单家最大损失", "Largest loss"),
         words.share(loss["share"], signed=True) if loss else "0", worst),
        (words("严重程度倒挂", "Inversions"), str(held["inversions_after"]), turned),
    ])  # fmt: skip


def payers(seen: Seen, words: Words) -> str:
    """Who gains and who pays (谁受益，谁承担): two lists side by side that add up to the same."""
    held = who_pays(seen.impact)
    if held.empty:
        none = words("权重没有改动，各方金额不变。", "No weight is moved, nobody gains or pays.")
        return html(words, Text(none, "quiet"))
    sides = []
    for key, zh, en, mine in (
        ("gain", "谁受益", "Who gains", held[held["yuan"] > 0]),
        ("pay", "谁承担", "Who pays", held[held["yuan"] < 0].iloc[::-1]),
    ):
        rows = [
            [words("基金池：", "pool: ") + words.insurance(one["key"]) if one["kind"] == "pool"
             else clean(one["name"]) or one["key"], abs(one["yuan"]), one["share"]]
            for one in mine.to_dict("records")
        ]  # fmt: skip
        rows.append([words("合计", "sum"), *mine[["yuan", "share"]].abs().sum()])
        columns = (Column("name", zh, en, "name"), Column("yuan", "金额", "amount", "fen"),
                   Column("share", "占比", "share", "share"))  # fmt: skip
        sides.append(table(key, words(zh, en), columns, rows, totals=1, look="bare"))
    return html(words, *sides, look="pair")


def hospitals(seen: Seen, words: Words) -> str:
    """All hospitals: before, after, change, CMI."""
    held = seen.hospitals.sort_values(["final_change", "hospital_id"], ascending=[False, True])
    names = held["hospital_name"].map(clean)
    held["hospital_name"] = names.where(names != "", held["hospital_id"])
    title = words("各医疗机构清算变化", "Change of what hospitals are paid")
    return html(words, Table("hospitals", title, _HOSPITALS, held, look="bare"))


def proposals(state: State, desk: Desk) -> str:
    """What would be saved as proposals, then the open ones, the last first."""
    words, held = desk.words, list(state.open.values())[::-1]
    names, more = desk.round.context.hospital_names, len(held) - _SHOWN
    found = [f"{group} {desk.drafts[group]:.4f} → {desk.weight(group):.4f}" for group in desk.own]
    saved = words("将保存：", "To be saved: ") + words("，", ", ").join(found)
    rows = [
        [one.id, clean(names.get(one.hospital_id, "")) or words.of(PARTIES[one.party]),
         desk.called(one.drg), one.reason, desk.drafts[one.drg], one.asked]
        for one in held[:_SHOWN]
    ]  # fmt: skip
    none = words("还没有申请。", "No proposal yet.")
    tail = words(f"另有 {more} 项较早的申请", f"{more} earlier ones") if more > 0 else ""
    return html(
        words, Text(saved if found else "", "quiet"), Text("" if held else none, "quiet"),
        table("proposals", words("申请", "Proposals"), _PROPOSALS, rows, note=tail, look="bare"),
    )  # fmt: skip


def offer(body: Mapping[str, Any], desk: Desk) -> str:
    """An offer: what it comes to, how far each proposal is met, what binds it."""
    words, asked = desk.words, desk.round.state.proposals
    names = desk.round.context.hospital_names
    loss = [f"{clean(names.get(key, '')) or key} {words.share(share)}"
            for key, share in body["largest_loss"].items() if share > 0]  # fmt: skip
    line = words("；", "; ").join([
        words.of(OBJECTIVES.get(body["objective"], (body["objective"],) * 2)),
        words(f"改动 {len(body['changes'])} 个病组", f"{len(body['changes'])} groups move"),
        words("病组间转移 ", "moved between groups ") + words.money(body["moved_yuan"]),
        words("最大损失 ", "largest loss ") + (loss or ["0"])[0],
        words("对偶间隙 ", "gap ") + f"{body['gap']:.1e}",
        *(clean(one[words.lang]) for one in body.get("remarks", ())),
    ])  # fmt: skip
    weights = {**desk.drafts, **body["changes"]}
    met = [[name, desk.called(asked[name].drg), asked[name].asked, weights[asked[name].drg], share]
           for name, share in body["satisfaction"].items()]  # fmt: skip
    bound = [
        [one.get(f"text_{words.lang}", one.get(words.lang)), one.get(f"relax_{words.lang}", ""),
         _gain(one, words)]
        for one in body["constraints"] if one["shadow_price"] > 0
    ][:_SHOWN]  # fmt: skip
    return html(
        words, Text(line, "quiet"),
        table("met", words("各项申请的满意度", "How far each is met"), _MET, met, look="bare"),
        table("bound", words("起作用的约束", "Binding demands"), _BOUND, bound, look="bare"),
        look="pair",
    )  # fmt: skip


def _gain(one: Mapping[str, Any], words: Words) -> str:
    gain = float(one.get("gain", 0.0))
    if one.get("unit", "yuan") == "yuan":
        return fixed(gain, 2) + words(" 元", " yuan")
    return fixed(gain, 4) + words(" 满意度", " satisfaction")


def comparison(figures: pd.DataFrame, changes: pd.DataFrame, words: Words) -> str:
    """Scenarios side by side: figures, then the change of each hospital in yuan."""
    rows = []
    for key, (_, zh, en, kind) in FIGURES.items():
        unit = words.units(kind) if kind in ("money", "gain", "share") else ""
        name = words(zh, en) + (words(f"（{unit}）", f" ({unit})") if unit else "")
        held = figures.T[key].tolist()
        rows.append([name, *(words.number(value, kind).removesuffix("%") for value in held)])
    by = changes.loc[changes.abs().max(axis=1).sort_values(ascending=False, kind="stable").index]
    names = [clean(name) for name in figures.columns]
    lines = [[name, *row] for name, row in zip(by.index, by.to_numpy(float), strict=True)]

    def columns(first: Column, kind: str) -> list[Column]:
        return [first, *(Column(f"s{i}", n, n, kind, digits=0) for i, n in enumerate(names))]

    return html(
        words, table("figures", words("方案比较", "Scenarios"), columns(_FIGURE, "plain"), rows,
                     look="bare"),
        table("changes", words("各医疗机构清算变化", "Change of each hospital's payment"),
              columns(_NAME, "fen_change"), lines, look="narrow"),
    )  # fmt: skip
