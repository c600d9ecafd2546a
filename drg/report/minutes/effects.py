"""Effects (影响): on hospitals, tiers, insurances and pools, who pays, and against simulations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from drg.page.blocks import Cell, Column, Kept, Section, Table, Text, table
from drg.page.words import DASH, Words
from drg.report.minutes.data import Minutes
from drg.report.minutes.weights import ranked
from drg.report.minutes.words import COLUMNS, columns, moment

_BARS, _ENDS = 24, 10
_PAID = "final_before final_after final_change"
_MIX = "case_mix_index_before case_mix_index_after"
_HOSPITALS = columns(f"hospital tier cases {_MIX} {_PAID} final_change_share payable_change_share")
_TIERS = columns(f"tier cases average_cost {_MIX} {_PAID} final_change_share")
_PAYERS = columns("who kind yuan share")
_INSURANCES = columns("insurance cases payable_before payable_after payable_change")
_POOLS = columns(f"pool amount payable_before payable_after cut_before cut_after {_PAID}")
_POINTS = columns("pool point_value_before point_value_after point_value_change")
_MEASURES = columns("weights_changed payable_after final_after final_change moved "
                    "hospitals_gaining hospitals_losing case_mix_index_after average_cost "
                    "payment_per_case_after inversions_after largest_loss")  # fmt: skip


def effect_section(data: Minutes, words: Words) -> Section:
    """What the weights do to hospitals, tiers, insurances and pools."""
    year, pools = data.state.init["year"], data.pools
    values = pools[pools["point_value_before"].notna()]
    able = data.told[data.told["final_change_share"].notna()]
    items = [
        (name, float(share), f"{words.share(share, 2, signed=True)} ({words.number(yuan, 'gain')})")
        for name, share, yuan in zip(able["hospital"], able["final_change_share"],
                                     able["final_change"], strict=True)
    ]  # fmt: skip
    paid = data.payers.assign(who=[
        data.hospital(key) if kind == "hospital" else words.insurance(str(key))
        for kind, key in zip(data.payers["kind"], data.payers["key"], strict=True)
    ])  # fmt: skip
    return Section("effects", words("影响", "Effects"), [
        Text(words(f"{year} 年病例按草案权重和最终权重各清算一次，两次之差即为影响，精确到分。",
                   f"Effects: {year} settled at the final weights less at the draft, to the fen.")),
        *ranked("effects", words("医疗机构清算支付的变化", "Change of what hospitals are paid"),
                items, _BARS, (("增加", "gain"), ("减少", "loss")),
                words("%（括号内为万元）", "% (thousand yuan)"), words),
        _hospitals(data, words),
        Table("payers", words("谁受益，谁承担", "Who gains and who pays"), _PAYERS, paid,
              ends=(_ENDS, _ENDS), note=words("正数为受益，负数为承担；合计为零。",
                                              "Above 0 gains, below 0 pays; the sum is 0.")),
        Table("tiers", words("按医疗机构级别", "By tier of hospitals"), _TIERS, data.tiers),
        Table("insurances", words("按险种（清算前）", "By insurance (before clearing)"),
              _INSURANCES, data.insurances),
        Table("pools", words("按基金池", "By pool"), _POOLS, pools),
        Table("points", words("点值", "Point values"), _POINTS, values.assign(
            point_value_change=values["point_value_after"] / values["point_value_before"] - 1)),
        Text(words("“<5”为 1 至 4 例；“*”为与之相关、或可据以推算出小数目的数值，不予公布。",
                   "<5 is 1 to 4 cases; * goes with such a number or would give it away."),
             "quiet"),
    ])  # fmt: skip


def _hospitals(data: Minutes, words: Words) -> Table:
    held, fields = data.figures, [one.field for one in _HOSPITALS]
    total: dict[str, Any] = {field: held.get(field) for field in fields} | {
        "hospital": words("合计", "Total"), "tier": "", "hidden": False,
        "cases": int(data.hospitals["cases"].sum()),
    }  # fmt: skip
    for part in ("final", "payable"):
        before, after = float(held[f"{part}_before"]), float(held[f"{part}_after"])
        total[f"{part}_change_share"] = (after - before) / before if before else None
    frame = data.hospitals[[*fields, "hidden"]].astype(object)
    frame.loc[len(frame)] = pd.Series(total, dtype=object)
    caption = words("各医疗机构清算支付的变化，按变化比重排列",
                    "What each hospital is paid, ranked by the share of its change")  # fmt: skip
    note = words(
        "应付变化为清算、考核和总额控制之前 DRG 应付的变化，规则的最大损失以此为准。",
        "Payable: what is owed before clearing and cut, which the rules limit.",
    )
    return Table("hospitals", caption, _HOSPITALS, frame, totals=1, note=note)


def simulation_section(data: Minutes, words: Words) -> Section | None:
    """What changed since the first and the latest simulation on record; None without one."""
    found = data.state.impacts
    if not found:
        return None
    times = [moment(entry.at, day=True) for entry in data.state.entries if entry.kind == "impact"]
    held = {0: ("首次模拟", "First simulation"), len(found) - 1: ("最近模拟", "Latest simulation")}
    if len(found) == 1:
        held = {0: ("模拟", "Simulation")}
    heads = [Column(f"at{place}", f"{zh} {times[place]}", f"{en} {times[place]}", "long")
             for place, (zh, en) in held.items()]  # fmt: skip
    sums = [*(found[place]["summary"] for place in held), data.figures]
    rows: list[list[Cell]] = [
        [words(one.zh, one.en), words.units(one.kind),
         *(_said(data, told, one, words) for told in sums)] for one in _MEASURES
    ]  # fmt: skip
    caption = words("与模拟测算的比较", "Against the simulation")
    return Section("simulation", words("与模拟测算的差异", "What changed since the simulation"), [
        table("simulation", caption, [COLUMNS["measure"], COLUMNS["unit"], *heads,
                                      Column("final", "最终", "Final", "long")], rows),
    ])  # fmt: skip


def _said(data: Minutes, held: Mapping[str, Any], one: Column, words: Words) -> str | Kept:
    """A measure of a simulation, or of the result."""
    told = held.get(one.field)
    if one.field != "largest_loss":
        return words.number(told, one.kind) if isinstance(told, int | float) else DASH
    if not told or str(told["hospital_id"]) in data.hidden:
        return Kept.BACK if told else words("无", "none")
    share = words.share(float(told["share"]), 2, signed=True)
    return f"{data.hospital(told['hospital_id'])} {share}"
