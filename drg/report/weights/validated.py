"""Validation of recipes (样本外检验), as text for a terminal, as a workbook and as a picture."""

from __future__ import annotations

import numpy as np
import pandas as pd

from drg.page.blocks import Column, Report, Section, Table, table
from drg.page.words import Words
from drg.plots.charts import bars
from drg.plots.picture import Picture
from drg.report.weights.compared import CASES, DRG
from weights.quality.groups import HIDDEN, hidden
from weights.quality.validate import CHOSEN, RAW, Validation

_WAYS = {"halves": ("医院对半", "halves of hospitals"),
         "hospitals": ("逐批留出医院", "hospitals left out"),
         "years": ("下一年度", "the next year")}  # fmt: skip
_NAMES = {RAW: ("原始均值", "plain means"), CHOSEN: ("推荐方案", "recommended")}
_MOST = 15


def validation_report(found: Validation, file: str, words: Words) -> Report:
    """What each recipe does on cases that it has not seen, and the groups that decide it."""
    title = words(f"权重方案样本外检验：{file}", f"Recipes on cases not seen: {file}")
    frame = found.table()
    best = [_best(frame[frame["way"] == way], str(way), words) for way in frame["way"].unique()]
    shown = frame.assign(
        way=[words(*_WAYS[way]) for way in frame["way"]],
        recipe=[_named(name, words) for name in frame["recipe"]],
        better=[f"{b:,} / {s:,}" for b, s in zip(frame["better"], frame["splits"], strict=True)],
    )  # fmt: skip
    columns = [
        Column("way", "检验方式", "Judged by"), Column("recipe", "方案", "Recipe", "name"),
        Column("error", "误差", "Error", "share"),
        Column("against_raw", "相对原始均值", "Against plain means", "change"),
        Column("low", "95%下限", "95% from", "change"), Column("high", "95%上限", "to", "change"),
        Column("better", "优于原始均值的次数", "Better in splits"),
    ]  # fmt: skip
    return Report(title, "", [
        Section("summary", words("概况", "Summary"), [
            table("best", title, (Column("way", "检验方式", "Judged by"),
                                  Column("text", "最佳方案", "Best recipe", "long")), best),
            Table("recipes", words("各方案的误差", "Errors of recipes"), columns, shown,
                  note=words("误差为权重与未见病例均值之差的相对均方根（按病例加权，已扣除单个病例的"
                             "偶然差异）。",
                             "Error: root mean square of the relative distance between weights and "
                             "the means of cases not seen, by cases, less the chance of single "
                             "cases."))]),
        Section("groups", words("起决定作用的病组", "Groups that decide it"),
                [_groups(found, words)]),
        Section("cases", words("起决定作用的病例", "Cases that decide it"),
                [_cases(found, words)]),
    ], contents=False)  # fmt: skip


def _best(frame: pd.DataFrame, way: str, words: Words) -> tuple[str, str]:
    first = frame.iloc[0]
    text = words(f"{_named(first['recipe'], words)}：误差 {first['error']:.1%}",
                 f"{_named(first['recipe'], words)}: error {first['error']:.1%}")  # fmt: skip
    if first["recipe"] != RAW:
        text += words(f"，比原始均值低 {-first['against_raw']:.1%}（{first['splits']} 次中 "
                      f"{first['better']} 次更好）",
                      f", {-first['against_raw']:.1%} below plain means (better in "
                      f"{first['better']} of {first['splits']})")  # fmt: skip
    chosen = frame[frame["recipe"] == CHOSEN]
    if len(chosen) and first["recipe"] != CHOSEN:
        behind = float(chosen["error"].iloc[0] / first["error"] - 1)
        text += words(f"；推荐方案高 {behind:.1%}", f"; the recommended one {behind:.1%} above it")
    return words(*_WAYS[way]), text


def _named(name: str, words: Words) -> str:
    return words(*_NAMES[name]) if name in _NAMES else name


def _groups(found: Validation, words: Words) -> Table:
    """Groups by what they add to the gain, those of few cases without figures."""
    frame = found.groups
    few, some = (hidden(frame[one].to_numpy(np.float64)) for one in ("cases", "trimmed"))
    shown = pd.DataFrame({
        "drg": frame["drg"],
        "cases": [HIDDEN if f else n for f, n in zip(few, frame["cases"], strict=True)],
        "raw": frame["raw"].mask(few), "weight": frame["weight"],
        "trimmed": [HIDDEN if f or s else n
                    for f, s, n in zip(few, some, frame["trimmed"], strict=True)],
        "gain": frame["gain"].mask(few),
    }, dtype=object)  # fmt: skip
    name = _named(found.recipe, words)
    columns = [
        DRG, CASES, Column("raw", "原始均值权重", "Weight of plain means", "weight"),
        Column("weight", f"权重（{name}）", f"Weight ({name})", "weight"),
        Column("trimmed", "修剪或缩尾病例", "Cases trimmed or drawn in", "cases"),
        Column("gain", "占总改进", "Share of the gain", "share"),
    ]  # fmt: skip
    return Table("groups", words("各病组对改进的贡献", "What each group adds to the gain"),
                 columns, shown, ends=(_MOST, 5),
                 note=words(f"{HIDDEN} 为保护个人信息而不公布。",
                            f"{HIDDEN} protects persons."))  # fmt: skip


def _cases(found: Validation, words: Words) -> Table:
    """Single cases that plain means owe most of their error to, for who holds the file."""
    columns = [
        Column("row", "数据行", "Row", "year"), DRG,
        Column("share", "占原始均值误差", "Share of the error of plain means", "share"),
    ]  # fmt: skip
    return Table("cases", words("去掉后原始均值误差减少最多的病例",
                                "Cases without which plain means would err least"),
                 columns, found.cases,
                 note=words("只列不少于 5 例的病组。宜先核对这些费用。",
                            "Of groups of five cases or more. Look at these costs "
                            "first."))  # fmt: skip


def validation_picture(found: Validation, lang: str) -> Picture:
    """Error of each recipe, one bar a way of judging."""
    words = Words(lang)
    frame = found.errors.groupby(level="way").mean().T
    ways = [way for way in _WAYS if way in frame]
    frame = frame.sort_values(ways[0], kind="stable")
    items = [(_named(str(name), words), [100 * one for one in row], [f"{one:.1%}" for one in row])
             for name, row in frame[ways].iterrows()]  # fmt: skip
    return bars(items, [words(*_WAYS[way]) for way in ways] if len(ways) > 1 else [],
                words("样本外误差（%）", "Error on cases not seen (%)"), lang)  # fmt: skip
