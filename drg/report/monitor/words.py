"""Words of the fund monitor (监测用词): what a warning says, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from budget.monitor.files import Monitored
from budget.monitor.watch import NO_GROUP
from drg.page.small_cells import Untold
from drg.page.words import Words, clean

LEVELS = {"red": ("红色", "red"), "amber": ("黄色", "amber")}
WHAT = {
    "year_end": ("预计全年支出与可分配额之比", "expected spend of the year over the pool's money"),
    "to_date": ("累计支出与累计预算之比", "spend to date over the budget to date"),
    "point_value": ("预计点值与固定点值之比", "projected point value over the fixed one"),
    "reserve": ("预计超支占调剂金", "expected overrun over the reserve"),
    "months_left": ("累计结余可支付月数", "months that the balance lasts"),
    "hospital": ("医疗机构累计支出与参考预算之比", "a hospital's spend over its indicative budget"),
    "group": ("病组累计支出与参考预算之比", "a group's spend over its indicative budget"),
}
AGAINST = {
    "last_year": ("与上年同期相比", "against the same months of last year"),
    "earlier_months": ("与此前月均相比", "against the mean of the earlier months"),
}
PARTS = {"cases": ("例数", "cases"), "mix": ("病例组合", "mix"), "price": ("单价", "price")}


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table, by the names of its columns."""
    names = [str(one) for one in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in frame.itertuples(index=False)]


def names_of(found: Monitored) -> tuple[dict[str, str], dict[str, str]]:
    """Names of hospitals and of groups by their ids."""
    done = found.watch.spend.done
    frame = done.weights.frame
    named = frame["name"].fillna("") if "name" in frame else [""] * len(frame)
    groups = {str(code): str(name) for code, name in zip(frame["drg"], named, strict=True)}
    return dict(zip(done.hospitals.ids, map(str, done.hospitals.names), strict=True)), groups


def group_said(drg: str, groups: Mapping[str, str], words: Words) -> str:
    """A group by its code and name, or that cases have none with a weight."""
    if drg == NO_GROUP:
        return words("未入组或无权重", "no group, or one without a weight")
    return clean(f"{drg} {groups.get(drg, '')}")


def hidden_rows(found: Monitored, frame: pd.DataFrame, dark: Untold) -> list[bool]:
    """Which rows are of hospitals (``hospital_id``) or groups (``drg``) that are not told."""
    spend = found.watch.spend
    pools = {name: place for place, name in enumerate(spend.pools)}
    homes = {name: place for place, name in enumerate(spend.done.hospitals.ids)}
    groups = {name or NO_GROUP: place for place, name in enumerate(spend.groups)}
    made = []
    for pool, home, drg in zip(frame["pool"], frame["hospital_id"], frame["drg"], strict=True):
        key, place = ("hospital", homes.get(home)) if home else ("group", groups.get(drg))
        made.append(bool((home or drg) and dark.rows(("pool", key), [pools[pool]], [place])[0]))
    return made


def warned(
    row: Mapping[str, Any], found: Monitored, words: Words, dark: Untold, *, hidden: bool = False
) -> str:
    """A warning as a sentence, with what drives it.

    Args:
        row: of the table of warnings.
        found: what the monitor found.
        words: the language.
        dark: changes of hospitals and groups that are not told.
        hidden: whether the warning's own amounts are not told.
    """
    hospitals, groups = names_of(found)
    who = [words.insurance(str(row["pool"]))]
    if row["hospital_id"]:
        who.append(clean(hospitals.get(str(row["hospital_id"]), row["hospital_id"])))
    if row["drg"]:
        who.append(group_said(str(row["drg"]), groups, words))
    kind = str(row["kind"])
    value, level = (f"{row[one]:.1f}" if kind == "months_left" else words.share(row[one])
                    for one in ("value", "threshold"))  # fmt: skip
    text = words("：", ": ").join([words(f"【{words.of(LEVELS[row['level']])}】", "")
                                  + " ".join(who), words.of(WHAT[kind])])  # fmt: skip
    if not words.zh:
        text = f"[{words.of(LEVELS[row['level']])}] {text}"
    if hidden:
        return text + words("（不公布数值）", " (figures not told)")
    text += words(f" {value}，界限 {level}", f" {value}, level {level}")
    amount = float(row["amount"])
    if not math.isnan(amount):
        text += words(f"，超出 {words.money(amount)}", f", {words.money(amount)} above")
    chance = float(row["chance"])
    if not math.isnan(chance):
        text += words(f"，超支概率 {chance:.0%}", f", chance of an overrun {chance:.0%}")
    if not isinstance(row["against"], str):
        return text + words("。", ".")
    parts = words.joined(f"{words.of(name)} {words.money(float(row[part]), signed=True)}"
                         for part, name in PARTS.items())  # fmt: skip
    change = words.money(float(row["change"]), signed=True)
    text += words(f"；{words.of(AGAINST[row['against']])}变动 {change}：{parts}",
                  f"; {change} {words.of(AGAINST[row['against']])}: {parts}")  # fmt: skip
    if not (row["hospital_id"] or row["drg"]):
        text += _most(row, found, words, dark)
    return text + words("。", ".")


def _most(row: Mapping[str, Any], found: Monitored, words: Words, dark: Untold) -> str:
    """The group and the hospital that move a pool's spend most, where they are told."""
    hospitals, groups = names_of(found)
    drg, home = str(row["top_drg"]), str(row["top_hospital"])
    frame = pd.DataFrame({"pool": row["pool"], "hospital_id": ["", home], "drg": [drg, ""]})
    names = group_said(drg, groups, words), clean(hospitals.get(home, home))
    amounts = row["top_drg_change"], row["top_hospital_change"]
    said = [
        f"{name.strip()} {words.money(float(amount), signed=True)}"
        for name, amount, off in zip(names, amounts, hidden_rows(found, frame, dark), strict=True)
        if name.strip() and not off
    ]
    return words("；影响最大：", "; most by ") + words.joined(said) if said else ""
