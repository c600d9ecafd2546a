"""Blocks of the workbench as HTML: figures, who gains and pays, proposals, offers, comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import pandas as pd

from drg.negotiate.round.state import State
from drg.negotiate.workbench.desk import OBJECTIVES, Desk, Seen
from drg.page.words import Words, clean, fixed

_SHOWN = 12  # binding demands of an offer, and rows of proposals
_ROWS = {
    "groups_changed": ("权重变动的病组", "groups whose weight moves", "count"),
    "largest_change": ("最大权重变幅", "largest change of a weight", "share"),
    "payable": ("DRG应付", "payable by DRG", "money"),
    "payable_change": ("DRG应付变化", "change of payable", "gain"),
    "final": ("清算总额", "paid in all", "money"),
    "final_change": ("清算总额变化", "change of what is paid", "gain"),
    "case_mix_index": ("平均权重（CMI）", "mean weight (CMI)", "value"),
    "moved": ("医院间转移", "moved between hospitals", "money"),
    "hospitals_gaining": ("受益医院", "hospitals that gain", "count"),
    "hospitals_losing": ("受损医院", "hospitals that lose", "count"),
    "largest_loss": ("单家最大损失", "largest loss of a hospital", "share"),
    "inversions": ("严重程度倒挂", "severity inversions", "count"),
    "scale": ("其余病组乘数", "others multiplied by", "value"),
}
_PARTY = {"hospital": ("医疗机构", "hospital"), "panel": ("专家组", "panel"),
          "bureau": ("医保局", "bureau")}  # fmt: skip


class _Line(NamedTuple):
    """What is shown of a hospital; the names are those of the table of hospitals."""

    hospital_id: str
    hospital_name: str
    tier: int
    cases: int
    final_before: float
    final_after: float
    final_change: float
    final_change_share: float
    case_mix_index_before: float
    case_mix_index_after: float


def tiles(seen: Seen, words: Words, limit: float | None) -> str:
    """The figures that are told first, as tiles."""
    held, loss = seen.summary, seen.summary["largest_loss"]
    owed = held["payable_after"] - held["payable_before"]
    mix = held["case_mix_index_after"] - held["case_mix_index_before"]
    over = loss is not None and limit is not None and -loss["share"] > limit
    new = held["inversions_new"]
    budget = [words.money(held["payable_after"]), words.money(owed, signed=True)]
    paid = words("清算 ", "paid ") + words.money(held["final_change"], signed=True)
    return "<div class='tiles'>" + "".join([
        _tile(words("DRG应付", "Payable"), budget[0], f"{budget[1]} · {paid}"),
        _tile("CMI", fixed(held["case_mix_index_after"], 4), fixed(mix, 4, signed=True)
              + words("；其余病组 ×", "; others ×") + fixed(held["scale"], 4)),
        _tile(words("医院得 / 失", "Gain / lose"),
              f"{held['hospitals_gaining']} / {held['hospitals_losing']}",
              words("转移 ", "moved ") + words.money(held["moved"])),
        _tile(words("单家最大损失", "Largest loss"),
              words.share(loss["share"], signed=True) if loss else "0",
              f"{clean(loss['hospital_name'])} {words.money(loss['yuan'], signed=True)}"
              if loss else words("没有医院受损", "no hospital loses"),
              words("超过规则上限", "above the limit") if over else ""),
        _tile(words("严重程度倒挂", "Inversions"), str(held["inversions_after"]),
              _some(new, 2, words) if new else words("无新增", "none new"),
              words("新增", "new") if new else ""),
    ]) + "</div>"  # fmt: skip


def _tile(name: str, value: str, note: str, alarm: str = "") -> str:
    mark = f"<b class='alarm'>▲ {escape(alarm)}</b> " if alarm else ""
    kind = "tile bad" if alarm else "tile"
    return (f"<div class='{kind}'><span>{escape(name)}</span>"
            f"<strong>{escape(value)}</strong>"
            f"<small>{mark}{escape(note)}</small></div>")  # fmt: skip


def _some(texts: Sequence[str], most: int, words: Words) -> str:
    more = len(texts) - most
    shown = words("、", ", ").join(texts[:most])
    return shown + (words(f" 等 {len(texts)} 对", f" and {more} more") if more > 0 else "")


def payers(seen: Seen, words: Words) -> str:
    """Who gains and who pays (谁受益，谁承担): two lists side by side that add up to the same."""
    held = seen.payers
    if held.empty:
        return _note(
            words("权重没有改动，各方金额不变。", "No weight is moved, nobody gains or pays.")
        )
    parts = []
    for gains, title in (
        (True, words("谁受益", "Who gains")),
        (False, words("谁承担", "Who pays")),
    ):
        mine = held[held["yuan"] > 0] if gains else held[held["yuan"] < 0].iloc[::-1]
        rows = [
            [_name(kind, key, name, words), fixed(abs(yuan), 2), words.share(share)]
            for kind, key, name, yuan, share in zip(
                mine["kind"], mine["key"], mine["name"], mine["yuan"], mine["share"], strict=True)
        ]  # fmt: skip
        rows.append([words("合计", "sum"), fixed(float(mine["yuan"].abs().sum()), 2), ""])
        parts.append(table([title, words("元", "yuan"), words("占比", "share")], rows, total=True))
    return "<div class='pair'>" + "".join(parts) + "</div>"


def _name(kind: str, key: str, name: str, words: Words) -> str:
    if kind == "pool":
        return words("基金池：", "pool: ") + words.insurance(key)
    return clean(name) or key


def hospitals(seen: Seen, words: Words) -> str:
    """All hospitals: before, after, change, CMI."""
    held = seen.hospitals.sort_values(["final_change", "hospital_id"], ascending=[False, True])
    head = [words("医疗机构", "hospital"), words("级别", "tier"), words("病例", "cases"),
            words("原清算（万元）", "before, thousand yuan"), words("现清算（万元）", "after"),
            words("变化（元）", "change, yuan"), "%", "CMI"]  # fmt: skip
    rows = [
        [clean(one.hospital_name) or one.hospital_id, words.tier(one.tier), f"{one.cases:,}",
         words.number(one.final_before, "money"), words.number(one.final_after, "money"),
         fixed(one.final_change, 2, signed=True), words.number(one.final_change_share, "change"),
         f"{one.case_mix_index_before:.3f} → {one.case_mix_index_after:.3f}"]
        for one in map(_Line._make, held[list(_Line._fields)].itertuples(index=False))
    ]  # fmt: skip
    return table(head, rows, texts=2)


def moved(desk: Desk) -> str:
    """What would be saved as proposals."""
    found = [f"{group} {desk.drafts[group]:.4f} → {desk.weight(group):.4f}" for group in desk.own]
    words = desk.words
    return (
        _note(words("将保存：", "To be saved: ") + words("，", ", ").join(found)) if found else ""
    )


def proposals(state: State, desk: Desk) -> str:
    """Open proposals, the last ones first."""
    words, held = desk.words, list(state.open.values())[::-1]
    if not held:
        return _note(words("还没有申请。", "No proposal yet."))
    names = desk.round.context.hospital_names
    head = [words("编号", "id"), words("提出方", "by"), words("病组", "group"),
            words("理由", "reason"), words("草案", "draft"), words("申请", "asked")]  # fmt: skip
    rows = [
        [one.id, clean(names.get(one.hospital_id, "")) or words.of(_PARTY[one.party]),
         desk.say(one.drg), clean(one.reason), f"{desk.drafts[one.drg]:.4f}", f"{one.asked:.4f}"]
        for one in held[:_SHOWN]
    ]  # fmt: skip
    more = len(held) - _SHOWN
    tail = _note(words(f"另有 {more} 项较早的申请", f"{more} earlier ones")) if more > 0 else ""
    return table(head, rows, texts=4) + tail


def offer(body: Mapping[str, Any], desk: Desk) -> str:
    """An offer: what it comes to, how far each proposal is met, what binds it."""
    words, state = desk.words, desk.round.state
    names = desk.round.context.hospital_names
    worst = [f"{clean(names.get(key, '')) or key} {words.share(share)}"
             for key, share in body["largest_loss"].items() if share > 0]  # fmt: skip
    line = words("；", "; ").join([
        words.of(OBJECTIVES.get(body["objective"], (body["objective"],) * 2)),
        words(f"改动 {len(body['changes'])} 个病组", f"{len(body['changes'])} groups move"),
        words("病组间转移 ", "moved between groups ") + words.money(body["moved_yuan"]),
        words("最大损失 ", "largest loss ") + (worst[0] if worst else "0"),
        words("对偶间隙 ", "gap ") + f"{body['gap']:.1e}",
        *(clean(one[words.lang]) for one in body.get("remarks", ())),
    ])  # fmt: skip
    weights = {**desk.drafts, **body["changes"]}
    met = [
        [name, desk.say(one.drg), f"{one.asked:.4f}", f"{weights[one.drg]:.4f}",
         words.share(share)]
        for name, share in body["satisfaction"].items()
        for one in [state.proposals[name]]
    ]  # fmt: skip
    bound = [
        [clean(one[f"text_{words.lang}"] if f"text_{words.lang}" in one else one[words.lang]),
         clean(one.get(f"relax_{words.lang}", "")), _gain(one, words)]
        for one in [one for one in body["constraints"] if one["shadow_price"] > 0][:_SHOWN]
    ]  # fmt: skip
    return _note(line) + "<div class='pair'>" + "".join([
        table([words("申请", "proposal"), words("病组", "group"), words("申请", "asked"),
               words("折中", "offer"), words("满意度", "met")], met, texts=2),
        table([words("起作用的约束", "binding demand"), words("若放宽", "if relaxed"),
               words("影子价格", "worth")], bound, texts=2),
    ]) + "</div>"  # fmt: skip


def _gain(one: Mapping[str, Any], words: Words) -> str:
    gain = float(one.get("gain", 0.0))
    if one.get("unit", "yuan") == "yuan":
        return fixed(gain, 2) + words(" 元", " yuan")
    return fixed(gain, 4) + words(" 满意度", " satisfaction")


def comparison(figures: pd.DataFrame, changes: pd.DataFrame, words: Words) -> str:
    """Scenarios side by side: figures, then the change of each hospital in yuan."""
    head = ["", *map(clean, figures.columns)]
    rows = [
        [words(zh, en) + _unit(kind, words),
         *(words.number(float(v), kind) for v in figures.loc[key].to_numpy(float))]
        for key, (zh, en, kind) in _ROWS.items()
    ]  # fmt: skip
    by = changes.loc[changes.abs().max(axis=1).sort_values(ascending=False, kind="stable").index]
    lines = [
        [clean(name), *("" if math.isnan(v) else fixed(v, 0, signed=True) for v in row)]
        for name, row in zip(by.index, by.to_numpy(float), strict=True)
    ]  # fmt: skip
    title = words("各医疗机构清算变化（元）", "change of each hospital's payment, yuan")
    return (f"<div class='wide'>{table(head, rows)}</div>"
            f"<div class='wide'>{table([title, *head[1:]], lines)}</div>")  # fmt: skip


def _unit(kind: str, words: Words) -> str:
    return f"（{words.unit}）" if kind in ("money", "gain") and words.zh else (
        f", {words.unit}" if kind in ("money", "gain") else "")  # fmt: skip


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1, total: bool = False
) -> str:
    """A table; the first ``texts`` columns are texts, the others numbers."""
    kinds = ["" if i < texts else " class='n'" for i in range(len(head))]
    top = "".join(f"<th{k}>{escape(t)}</th>" for t, k in zip(head, kinds, strict=True))
    lines = []
    for place, row in enumerate(rows):
        last = total and place == len(rows) - 1
        cells = "".join(f"<td{_signed(t, k)}>{escape(t)}</td>"
                        for t, k in zip(row, kinds, strict=True))  # fmt: skip
        lines.append(f"<tr{' class=total' if last else ''}>{cells}</tr>")
    return f"<table><thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _signed(text: str, kind: str) -> str:
    if kind and text.startswith("+"):
        return " class='n up'"
    return " class='n down'" if kind and text.startswith("−") else kind


def _note(text: str) -> str:
    return f"<p class='note'>{escape(text)}</p>"
