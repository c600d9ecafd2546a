"""What a projection assumes (测算假设) and what the policy says, with basis, range and source."""

from __future__ import annotations

import math
from typing import Any

from drg.errors import DrgError
from drg.page.blocks import Block, Cell, Column, Points, Table, Text
from drg.page.words import DASH, Words, clean
from drg.report.panel.data import PanelData
from drg.report.panel.first_page import policy_name
from drg.report.panel.scope import driver_scope, figure
from drg.report.panel.story import scenario_name

BASIS = {
    "published": ("公布数据", "published figures"),
    "direction": ("方向性证据", "evidence of the direction only"),
    "assumed": ("假定", "assumed"),
    "logical": ("逻辑推出", "what a share can be"),
    "scenario": ("方案设定", "set by the scenario"),
    "policy": ("政策调整", "change of the policy"),
}
_UNITS = {"share": "", "share a year": "每年", "yuan": "元", "elasticity": "弹性", "days": "天",
          "share per unit": "每单位", "years": "年", "points": "点", "factor": "", "times": "倍",
          "digits": "位", "working days": "个工作日", "month": "月", "day": "日",
          "weight": "（权重）"}  # fmt: skip


def assumptions(data: PanelData, words: Words) -> list[Block]:
    """Assumptions of the scenarios, then what is uncertain."""
    projection = data.projection or {}
    columns = [
        Column(words("方案", "Scenario"), "name"),
        Column(words("假设", "Assumption"), "long"),
        Column(words("年度", "Year")),
        Column(words("数值", "Value")),
        Column(words("原值", "Before")),
        Column(words("公布或假定范围", "Published or assumed range")),
        Column(words("依据", "Basis")),
        Column(words("来源", "Source")),
    ]
    blocks: list[Block] = []
    for key, field, title in (
        ("assumptions", "assumptions", words("测算假设", "Assumptions of the projection")),
        (
            "doubts",
            "doubts",
            words("不确定性：随机抽取所用的分布", "What is uncertain: what is drawn"),
        ),
    ):
        listed = projection.get(field)
        some = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        if field == "doubts":  # those of the other scenarios are alike
            some = [one for one in some if one.get("scenario", data.told) == data.told]
        rows = [_row(data, one, words) for one in some]
        if rows:
            kept = [i for i, c in enumerate(columns)
                    if (i not in (2, 4) or any(row[i] != DASH for row in rows))
                    and (i or field != "doubts")]  # fmt: skip
            blocks.append(Table(key, title, [columns[i] for i in kept],
                                [[row[i] for i in kept] for row in rows]))  # fmt: skip
    return blocks


def _row(data: PanelData, one: dict[str, Any], words: Words) -> list[Cell]:
    unit, key = str(one.get("unit") or ""), clean(one.get("key"), 80)
    said, code, year = said_of(data, one, words), str(one.get("scenario") or ""), one.get("year")
    basis = str(one.get("basis") or "")
    return [
        scenario_name(data, code, words) if code else DASH,
        f"{said} ({key})" if said and said != key else key,
        str(year) if isinstance(year, int) else DASH,
        figure_of(one.get("value"), unit, words),
        figure_of(one.get("before"), unit, words),
        range_of(one.get("low"), one.get("high"), unit, words),
        words.of(BASIS[basis]) if basis in BASIS else clean(basis, 40) or _mark(one, words),
        source_of(one.get("source"), words),
    ]


def said_of(data: PanelData, one: dict[str, Any], words: Words) -> str:
    """What an assumption is, with the groups, hospitals or insurance that it is for."""
    key = clean(one.get("key"), 80)
    term = clean(one.get("zh" if words.zh else "en"), 90) or key
    if one.get("basis") == "policy" and one.get("year") is not None and _is_figure(key):
        found = figure(data, key, words, term)
        return _with(found.title, found.applies, words)
    return _with(term, driver_scope(data, str(one.get("scenario") or ""), key, words), words)


def _with(title: str, applies: str, words: Words) -> str:
    return title + (words(f"（{applies}）", f" ({applies})") if applies else "")


def _is_figure(key: str) -> bool:
    """Whether a key is one of a policy, and not of a change of weights."""
    from budget.policy.tree import parse

    try:
        parse(key)
    except DrgError:
        return False
    return not key.startswith("change.")


def range_of(low: Any, high: Any, unit: str, words: Words) -> str:
    """A range with sensible digits and its unit once, such as -2% to 6% a year."""
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in (low, high)):
        return DASH
    largest = max(abs(float(low)), abs(float(high)))
    digits = (2 if unit.startswith("share") else 4) - (
        math.ceil(math.log10(largest)) if largest else 0
    )
    ends = [round(float(v), digits) + 0.0 for v in (low, high)]
    first, last = (figure_of(v, unit, words) for v in ends)
    unit_said = first.partition(" ")[2]
    if unit_said and last.endswith(unit_said):
        first = first.removesuffix(unit_said).rstrip()
    return f"{first}{words(' 至 ', ' to ')}{last}"


def figure_of(value: Any, unit: str, words: Words) -> str:
    """A figure of a document with its unit, as a short text."""
    if value is None or value == "":
        return DASH
    if isinstance(value, bool):
        return words("是", "yes") if value else words("否", "no")
    named = "" if unit in ("factor", "month", "day") else unit.removeprefix("share").strip()
    said = clean(words(_UNITS.get(unit, unit), named), 40)
    if isinstance(value, int | float):
        share = unit.startswith("share")
        text = (
            f"{100 * value:.6g}%"
            if share
            else f"{value:,.6g}"
            if abs(value) < 1e6
            else f"{value:,.0f}"
        )
        return f"{text} {said}".strip().replace("-", "\N{MINUS SIGN}")
    if isinstance(value, list | tuple):
        return ", ".join(figure_of(v, unit, words) for v in value)
    return clean(value, 80)


def _mark(one: dict[str, Any], words: Words) -> str:
    default = str(one.get("source") or "default").startswith("default")
    return words("默认值", "default") if default else words("有出处", "published")


def source_of(source: Any, words: Words) -> str:
    """A source without the mark that says it is a default."""
    text = str(source or "")
    said = clean(text.removeprefix("default:").strip(), 300)
    if text.startswith("default"):
        return words("默认值：", "default: ") + said
    return said


def policy_figures(data: PanelData, words: Words) -> list[Block]:
    """Figures of the policy by their source; each with its key in the workbook."""
    policy = data.policy
    if policy is None:
        said = words(
            "结算所用政策不是本程序自带的文件，其数值与来源见该政策文件。",
            "The policy is not one that comes with the program; see its own document.",
        )
        return [Text(said, "call")]
    leaves = [leaf for leaf in policy.leaves() if leaf.about.is_figure]
    named = [(figure(data, leaf.key, words), figure_of(leaf.value, leaf.about.unit, words), leaf)
             for leaf in leaves]  # fmt: skip
    rows: list[list[Cell]] = [
        [found.title, found.applies or words("全部", "all"), leaf.key, value,
         _mark({"source": leaf.source}, words), source_of(leaf.source, words)]
        for found, value, leaf in named
    ]  # fmt: skip
    by_source: dict[str, dict[str, list[str]]] = {}
    for found, value, leaf in named:
        if not found.is_end:  # the ends of a band stand with its figure
            of_title = by_source.setdefault(leaf.source, {}).setdefault(found.title, [])
            of_title.append(_with(value, found.applies, words))
    colon, comma = words("：", ": "), words("、", ", ")
    grouped: list[list[Cell]] = [
        [words("；", "; ").join(f"{title}{colon}{comma.join(values)}"
                               for title, values in told.items()),
         _mark({"source": source}, words),
         clean(source.removeprefix("default:").strip(), 300)]
        for source, told in by_source.items()
    ]  # fmt: skip
    default = sum(leaf.is_default for leaf in leaves)
    text = words(
        f"{policy_name(data, words)}：共 {len(leaves)} 个数值，其中 {default} 个为默认值"
        "（典型做法，没有公开的本地出处），使用前应由本地确认。每个数值的键和来源见工作簿。",
        f"{policy_name(data, words)}: {len(leaves)} figures, {default} of them defaults (typical, "
        "without a published local source): to be confirmed locally before use. The workbook has "
        "each with its key and source.",
    )
    kind, source = Column(words("性质", "Kind")), Column(words("来源", "Source"))
    columns = [Column(words("项目", "Item")), Column(words("适用", "For")),
               Column(words("键", "Key"), "code"), Column(words("数值", "Value")),
               kind, source]  # fmt: skip
    title = words("政策数值与来源", "Figures of the policy and their sources")
    blocks: list[Block] = [
        Text(text, "call" if default else "plain"),
        Table("policy", title, columns, rows, on_page=False),
        Table("policy-sources", words("政策数值，按来源", "Figures of the policy by source"),
              [Column(words("项目与数值", "Items and values")), kind, source], grouped,
              in_book=False),
    ]  # fmt: skip
    unknown = [f"{clean(k, 60)}: {clean(v, 300)}" for k, v in policy.header.unknown.items()]
    if unknown:
        blocks += [
            Text(words("政策中尚不明确的内容：", "What is not known of the policy:")),
            Points(unknown),
        ]
    return blocks
