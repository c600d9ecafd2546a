"""What a policy search found (政策寻优): the least change at each bound of a target."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from drg.page.blocks import Block, Cell, Column, Section, Text, table
from drg.page.words import DASH, Words, clean, fixed
from drg.report.panel.data import PanelData
from drg.report.panel.scope import figure

# by the beginning of their column: Chinese, English, kind of column
_OUTCOMES = {
    "balance_before_cut": ("扣减前结余", "balance before cut", "gain"),
    "balance": ("扣减后结余", "balance after cut", "gain"),
    "budget_cut": ("总额控制扣减", "budget cut", "money"),
    "fund": ("基金支付", "payment of the funds", "money"),
    "largest_loss": ("最大亏损率", "largest loss of a hospital", "share"),
    "average_payment": ("次均结算额", "average payment", "yuan"),
    "patient_share": ("个人负担占比", "patients' share", "share"),
}
_UNITS = {"yuan": ("元", "yuan"), "share": ("", ""), "factor": ("", ""), "times": ("倍", "times")}
_REST = ("budget_cut", "fund", "average_payment", "patient_share", "largest_loss")


def search_section(data: PanelData, words: Words) -> Section | None:
    """The trade-off curve: how far the policy has to change for each bound; None without one."""
    frame = data.projected.get("policy_search")
    if frame is None or not {"target", "bound"} <= set(frame.columns):
        return None
    ahead = _targets(data, words)
    name = words("政策寻优", "Policy search")
    if not frame["target"].fillna("").astype(str).str.strip().any():  # no curve was asked for
        blocks = [*_found(data, words), *ahead]
        return Section("trade-off", name, blocks) if blocks else None
    blocks = [Text(words(
        "每一行是达到该目标所需的最小政策变动：变动量为各数值相对现行值的加权平方和，0 为现行"
        "政策即可达到。做不到的目标也列出，并写明最近可达的数值。",
        "Each row is the least change of the policy that meets the target: the weighted sum of "
        "squares against what is in force. Targets that cannot be met stand here too, with the "
        "nearest value in reach."))]  # fmt: skip
    outcomes = frame["outcome"] if "outcome" in frame else frame["target"]
    told = [one for one in frame.groupby(outcomes, sort=False) if not _dark(one[0], data)]
    for number, (target, own) in enumerate(told, 1):
        blocks += _curve(f"trade-off-{number}", str(target), own, data, words)
    return Section("trade-off", name, [*blocks, *ahead])


def _dark(outcome: object, data: PanelData) -> bool:
    """Whether an outcome is a figure of a hidden pool."""
    return str(outcome).endswith(tuple(f"{s}{pool}" for pool in data.hidden_pools for s in "._"))


def _found(data: PanelData, words: Words) -> list[Block]:
    """Figures in force and as found, where there is no curve that has them."""
    record = data.search or {}
    held = [(_figure(row, data, words), row) for row in record.get("figures") or ()]
    if not held:
        return []
    rows: list[list[Cell]] = [
        [words("现行政策", "in force"), *(_number(row.get("now")) for _, row in held)],
        [words("寻得政策", "as found"), *(_number(row.get("found")) for _, row in held)],
    ]
    said = clean(record.get("message_zh" if words.zh else "message"), 300)
    columns = [Column("policy", "政策", "Policy"), *(column for column, _ in held)]
    title = words("达到目标的最小变动", "The least change that meets the targets")
    return [table("figures-found", title, columns, rows), Text(said, "quiet")]


def _targets(data: PanelData, words: Words) -> list[Block]:
    """Targets of years ahead: in force and as found, year by year, and in what share of draws."""
    record = data.search or {}
    rows: list[list[Cell]] = []
    for goal in record.get("targets") or ():
        if _dark(goal.get("outcome"), data):
            continue
        said, kind = _outcome(str(goal.get("outcome", "")), words)
        base = [clean(goal.get("name"), 40), said]
        bounds = [
            f"{sign} {_text(goal[end], kind, words)}"
            for sign, end in (("≥", "low"), ("≤", "high"))
            if goal.get(end) is not None
        ]
        share, quantile = goal.get("at_most_share"), goal.get("quantile")
        if share is not None:
            bounds.append(words(f"至多 {words.share(share)} 的抽样除外",
                                f"in all but {words.share(share)} of draws"))  # fmt: skip
        if quantile is not None:
            bounds.append(words(f"抽样 {words.share(quantile)} 分位数",
                                f"{words.share(quantile)} quantile of draws"))  # fmt: skip
        bound = words("，", ", ").join(bounds)
        rows += [
            [*base, str(row.get("year")), bound,
             *(_text(row.get(end), kind, words) for end in ("now", "found")),
             *(_number(row.get(f"missed_{end}")) for end in ("now", "found")), None, ""]
            for row in goal.get("years") or () if len(goal["years"]) > 1
        ]  # fmt: skip
        if goal.get("years"):
            whole = words("合计", "in sum") if goal.get("over") == "sum" else words("全部", "all")
            if len(goal["years"]) == 1:
                whole = str(goal["years"][0].get("year"))
            ends = [_text(goal.get(end), kind, words) + (
                        "" if quantile is None else
                        f" ± {_text(goal.get(f'error_{end}'), kind, words)}")
                    for end in ("now", "found")]  # fmt: skip
            rows.append([
                *base, whole, bound, *ends,
                *(_number(goal.get(f"missed_{end}")) for end in ("now", "found")),
                None if share is None else _number(goal.get("error_found")),
                words("能", "yes") if goal.get("met") else words("不能", "no"),
            ])  # fmt: skip
    if not rows:
        return []
    columns = [
        Column("target", "目标", "Target"), Column("outcome", "指标", "Outcome"),
        Column("year", "年度", "Year"), Column("bound", "界限", "Bound"),
        Column("now", "现行政策", "In force"), Column("found", "寻得政策", "As found"),
        Column("missed_now", "现行：未达到的抽样", "In force: draws that miss", "share"),
        Column("missed_found", "寻得：未达到的抽样", "As found: draws that miss", "share"),
        Column("error", "标准误", "Standard error", "share"), Column("met", "能否达到", "Met"),
    ]  # fmt: skip
    solver, scenario = record.get("solver") or {}, record.get("scenario") or {}
    title = scenario.get("title") if words.zh else scenario.get("title_en") or scenario.get("title")
    title = clean(title, 60)
    note = words(f"未来年度按情景“{title}”。", f"Years ahead by the scenario “{title}”.")
    if solver.get("draws"):
        count, seed = solver["draws"], solver.get("seed")
        note += words(f"每次试算抽样 {count} 次，种子 {seed}，各试算用同一组随机数。",
                      f" {count} draws a trial, seed {seed}, the same random numbers in all "
                      "trials.")  # fmt: skip
    name = words("未来年度的目标", "Targets of years ahead")
    return [table("targets-ahead", name, columns, rows), Text(note, "quiet")]


def _named(name: str, data: PanelData, words: Words) -> tuple[str, str]:
    """Title and kind of a column of outcomes; a target of years ahead has its own."""
    for goal in (data.search or {}).get("targets") or ():
        if name == f"target_{goal.get('name')}":
            said, kind = _outcome(str(goal.get("outcome", "")), words)
            return words(f"{goal['name']}：{said}", f"{goal['name']}: {said}"), kind
    return _outcome(name, words)


def _curve(key: str, target: str, own: pd.DataFrame, data: PanelData, words: Words) -> list[Block]:
    """The curve of a target: what is in force, then a row a bound, none twice."""
    record = data.search or {}
    figures = [row for row in record.get("figures") or () if f"figure_{row.get('name')}" in own]
    asked = [f"target_{one.get('name')}" if one.get("years") else str(one.get("outcome"))
             for one in record.get("targets") or ()
             if not _dark(one.get("outcome"), data)]  # fmt: skip
    shown = [one for one in _outcomes([target, *asked], own) if not _dark(one, data)]
    own = own.drop_duplicates(["bound", *(f"figure_{row['name']}" for row in figures)])
    said, kind = _named(target, data, words)
    columns = [
        Column("bound", f"目标：{said}", f"Target: {said}", kind), Column("met", "能否达到", "Met"),
        Column("change", "变动量", "Change", "plain"),
        *(_figure(row, data, words) for row in figures),
        *(Column(name, said, said, kind)
          for name in shown for said, kind in [_named(name, data, words)]),
    ]  # fmt: skip
    before = {**(record.get("outcomes") or {}), **{
        f"target_{one.get('name')}": one for one in record.get("targets") or ()}}  # fmt: skip
    rows: list[list[Cell]] = [[
        None, words("现行政策", "in force"), 0.0, *(_number(row.get("now")) for row in figures),
        *(_number((before.get(_dotted(one, before)) or {}).get("now")) for one in shown),
    ]] if figures else []  # fmt: skip
    for _, r in own.iterrows():
        rows.append([
            _number(r["bound"]), words("能", "yes") if _met(r) else words("不能", "no"),
            _number(r.get("change")), *(_number(r[f"figure_{row['name']}"]) for row in figures),
            *(_number(r[one]) for one in shown),
        ])  # fmt: skip
    title = words(f"达到各{said}目标的最小变动", f"Least change for each target of the {said}")
    message = "message_zh" if words.zh and "message_zh" in own else "message"
    told = [] if message not in own else [
        f"{_text(r['bound'], kind, words)}: {clean(r[message], 300)}"
        for _, r in own.iterrows() if not _met(r)
    ]  # fmt: skip
    return [table(key, title, columns, rows), *(Text(line, "quiet") for line in told)]


def _met(r: pd.Series[Any]) -> bool:
    return str(r.get("feasible", "")).strip().lower() in ("true", "1", "1.0")


def _outcomes(wanted: list[str], own: pd.DataFrame) -> list[str]:
    """Columns of outcomes: those of the targets first; sums of what stands there are left out."""
    first = [name.replace(".", "_") for name in wanted if name.replace(".", "_") in own]
    parts = [name for name in own.columns if name.startswith("balance_before_cut_")]
    return list(dict.fromkeys((*first, *parts, *(name for name in _REST if name in own))))


def _outcome(name: str, words: Words) -> tuple[str, str]:
    """Title and kind of an outcome, with its pool."""
    name = name.replace(".", "_")
    for begin, (zh, en, kind) in _OUTCOMES.items():
        if name == begin or name.startswith(f"{begin}_"):
            pool = words.insurance(name[len(begin) + 1 :]) if name != begin else ""
            return words(pool + zh, f"{en}, {pool}" if pool else en), kind
    return clean(name, 60), "plain"


def _dotted(name: str, held: dict[str, Any]) -> str:
    """The outcome's key in the record, which parts the pool by a dot."""
    return next((key for key in held if key.replace(".", "_") == name), name)


def _figure(row: dict[str, Any], data: PanelData, words: Words) -> Column:
    """A figure of the policy with what it applies to and its unit."""
    keys = [str(key) for key in row.get("keys") or ()]
    term = clean(row.get("zh" if words.zh else "en"), 60)
    found = figure(data, keys[0], words, term) if keys else None
    title = clean(row.get("name"), 40) if found is None else found.title
    unit = str(row.get("unit") or "")
    said = words.of(_UNITS[unit]) if unit in _UNITS else clean(unit, 20)
    about = words("，", ", ").join(p for p in ("" if found is None else found.applies, said) if p)
    title += words(f"（{about}）", f" ({about})") if about else ""
    return Column(f"figure_{row['name']}", title, title, "share" if unit == "share" else "plain")


def _number(value: Any) -> Cell:
    known = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if known else None


def _text(value: Any, kind: str, words: Words) -> str:
    if not isinstance(value, int | float) or not math.isfinite(value):
        return clean(value, 60) or DASH
    if kind in ("money", "gain"):
        return words.money(float(value))
    return words.share(float(value)) if kind == "share" else fixed(float(value), 2)
