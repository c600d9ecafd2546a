"""What a projection assumes (测算假设) and what the policy says, with basis, range and source."""

from __future__ import annotations

import math
from typing import Any

from drg.errors import DrgError
from drg.language import half, is_default
from drg.page.blocks import Block, Cell, Column, Points, Text, table
from drg.page.words import DASH, Words, clean
from drg.report.panel.columns import SCENARIO
from drg.report.panel.data import PanelData
from drg.report.panel.scope import driver_scope, figure
from drg.report.panel.story import Story, scenario_name

BASIS = {
    "published": ("公布数据", "published figures"), "assumed": ("假定", "assumed"),
    "direction": ("方向性证据", "evidence of the direction only"),
    "logical": ("逻辑推出", "what a share can be"), "data": ("由病例得出", "from the cases"),
    "scenario": ("方案设定", "set by the scenario"), "policy": ("政策调整", "change of the policy"),
}  # fmt: skip
_UNITS = {"share": "", "share a year": "每年", "yuan": "元", "elasticity": "弹性", "days": "天",
          "share per unit": "每单位", "years": "年", "points": "点", "factor": "", "times": "倍",
          "digits": "位", "working days": "个工作日", "month": "月", "day": "日",
          "weight": "（权重）"}  # fmt: skip
_COLUMNS = (
    SCENARIO, Column("said", "假设", "Assumption", "long"), Column("year", "年度", "Year"),
    Column("value", "数值", "Value"), Column("before", "原值", "Before"),
    Column("range", "公布或假定范围", "Published or assumed range"),
    Column("basis", "依据", "Basis"), Column("source", "来源", "Source"),
)  # fmt: skip


def assumptions(data: PanelData, held: Story, words: Words) -> list[Block]:
    """What the scenario told assumes and what is drawn at random; the others in the workbook."""
    blocks: list[Block] = []
    for key, title in (
        ("assumptions", words("测算假设", "Assumptions of the projection")),
        ("doubts", words("随机抽取的因素及其范围", "What is drawn at random")),
    ):
        every = _listed(data, key)
        own = [one for one in every if one.get("scenario", held.code) == held.code]
        columns = [
            c
            for c in _COLUMNS
            if c.field
            not in (("scenario",) if key == "assumptions" else ("scenario", "year", "before"))
        ]
        if own:
            blocks.append(table(key, title, columns, _rows(data, own, columns, words),
                                where="page" if len(every) > len(own) else "both"))  # fmt: skip
        if len(every) > len(own):
            blocks.append(table(f"{key}-all", title, _COLUMNS, _rows(data, every, _COLUMNS, words),
                                where="book"))  # fmt: skip
    return blocks


def _listed(data: PanelData, key: str) -> list[dict[str, Any]]:
    listed = (data.projection or {}).get(key)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _rows(data: PanelData, some: list[dict[str, Any]], columns: Any, words: Words
          ) -> list[list[Cell]]:  # fmt: skip
    return [[_row(data, one, words)[c.field] for c in columns] for one in some]


def _row(data: PanelData, one: dict[str, Any], words: Words) -> dict[str, Cell]:
    unit, code, year = str(one.get("unit") or ""), str(one.get("scenario") or ""), one.get("year")
    basis = str(one.get("basis") or "")
    said = half(str(one.get("value")), words.lang) if isinstance(one.get("value"), str) else None
    return {
        "scenario": scenario_name(data, code, words) if code else DASH,
        "said": said_of(data, one, words),
        "year": str(year) if isinstance(year, int) else None,
        "value": said or figure_of(one.get("value"), unit, words),
        "before": None if one.get("before") is None else figure_of(one["before"], unit, words),
        "range": range_of(one.get("low"), one.get("high"), unit, words),
        "basis": words.of(BASIS[basis]) if basis in BASIS else mark(one.get("source"), words),
        "source": source_of(one.get("source"), words),
    }


def said_of(data: PanelData, one: dict[str, Any], words: Words) -> str:
    """What an assumption is, with the groups, hospitals or insurance that it is for."""
    key = clean(one.get("key"), 80)
    term = clean(one.get("zh" if words.zh else "en"), 90) or key
    if one.get("basis") == "policy" and one.get("year") is not None and _is_figure(key):
        found = figure(data, key, words, term)
        return with_scope(found.title, found.applies, words)
    return with_scope(term, driver_scope(data, str(one.get("scenario") or ""), key, words), words)


def with_scope(title: str, applies: str, words: Words) -> str:
    """A figure with what it applies to in brackets."""
    return title + (words(f"（{applies}）", f" ({applies})") if applies else "")


def _is_figure(key: str) -> bool:
    """Whether a key is one of a policy, and not of a change of weights."""
    from budget.policy.tree import parse

    try:
        parse(key)
    except DrgError:
        return False
    return not key.startswith("change.")


def policy_changes(held: Story, words: Words) -> list[str]:
    """Each figure that changes: its value in the year told, and how it came to that."""
    by_key: dict[str, list[dict[str, Any]]] = {}
    for one in _listed(held.data, "assumptions"):
        year = one.get("year")
        if one.get("scenario") == held.code and isinstance(year, int) and year <= held.year:
            by_key.setdefault(str(one.get("key")), []).append(one)
    return [_path(held, sorted(steps, key=lambda one: int(one["year"])), words)
            for steps in by_key.values()]  # fmt: skip


def _path(held: Story, steps: list[dict[str, Any]], words: Words) -> str:
    """Such as: rate 8,000 yuan (8,600 → 8,200 from 2026 → 8,000 from 2028)."""
    unit = str(steps[0].get("unit") or "")
    before, values = steps[0].get("before"), [one.get("value") for one in steps]
    last = figure_of(values[-1], unit, words)
    path = [] if before is None else [_bare(before, unit, words)]
    path += [words(f"{one['year']} 年起 {_bare(value, unit, words)}",
                   f"{_bare(value, unit, words)} from {one['year']}")
             for one, value in zip(steps, values, strict=True)]  # fmt: skip
    how = " → ".join(path)
    return f"{said_of(held.data, steps[-1], words)} {last}" + words(f"（{how}）", f" ({how})")


def _bare(value: Any, unit: str, words: Words) -> str:
    """A figure without its unit."""
    text = figure_of(value, unit, words)
    return text.partition(" ")[0] if isinstance(value, int | float) else text


def drivers(held: Story, words: Words) -> list[str]:
    """What is assumed beside the policy, with the groups and hospitals it is for."""
    return [
        f"{said_of(held.data, one, words)} "
        f"{figure_of(one.get('value'), str(one.get('unit') or ''), words)}"
        for one in _listed(held.data, "assumptions")
        if one.get("scenario") == held.code and one.get("year") is None
    ]


def listed(told: list[str], most: int, words: Words) -> str:
    """A list in running text, cut."""
    rest = len(told) - most
    more = words(f"；另 {rest} 项见“假设与来源”", f"; {rest} more under Assumptions and sources")
    return words("；", "; ").join(told[:most]) + (more if rest > 0 else "")


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
    bare = "" if unit in ("factor", "month", "day") else unit.removeprefix("share").strip()
    said = clean(words(_UNITS.get(unit, unit), bare), 40)
    if isinstance(value, int | float):
        if unit.startswith("share"):
            text = f"{100 * value:.6g}%"
        else:
            text = f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
        return f"{text} {said}".strip().replace("-", "\N{MINUS SIGN}")
    if isinstance(value, list | tuple):
        return ", ".join(figure_of(v, unit, words) for v in value)
    return clean(half(str(value), words.lang), 80)


def mark(source: Any, words: Words) -> str:
    """Whether a figure is a default or was published."""
    default = is_default(str(source or "default"))
    return words("默认值", "default") if default else words("有出处", "published")


def source_of(source: Any, words: Words) -> str:
    """A source in the report's language."""
    return clean(half(str(source or ""), words.lang), 300)


def policy_figures(data: PanelData, words: Words) -> list[Block]:
    """Figures of the policy by their source; each with its key in the workbook."""
    policy = data.policy
    if policy is None:
        said = words(
            "结算所用政策不是本程序自带的文件，其数值与来源见该政策文件。",
            "The policy is not one that comes with the program; see its own document.",
        )
        return [Text(said)]
    leaves = [leaf for leaf in policy.leaves() if leaf.about.is_figure]
    told = [(figure(data, leaf.key, words), figure_of(leaf.value, leaf.about.unit, words), leaf)
            for leaf in leaves]  # fmt: skip
    by_source: dict[str, dict[str, list[str]]] = {}
    for found, value, leaf in told:
        if not found.is_end:  # the ends of a band stand with its figure
            of_title = by_source.setdefault(leaf.source, {}).setdefault(found.title, [])
            of_title.append(with_scope(value, found.applies, words))
    colon, stop = words("：", ": "), words("；", "; ")
    kind = Column("mark", "性质", "Kind")
    source = Column("source", "来源", "Source", "long")
    blocks: list[Block] = [
        table("policy", words("政策数值与来源", "Figures of the policy and their sources"),
              [Column("item", "项目", "Item"), Column("scope", "适用", "For"),
               Column("key", "键", "Key", "code"), Column("value", "数值", "Value"), kind, source],
              [(f.title, f.applies or words("全部", "all"), leaf.key, value,
                mark(leaf.source, words), source_of(leaf.source, words))
               for f, value, leaf in told], where="book"),
        table("policy-sources", words("政策数值，按来源", "Figures of the policy by source"),
              [Column("items", "项目与数值", "Items and values", "long"), kind, source],
              [(stop.join(f"{title}{colon}{words.joined(values)}" for title, values in own.items()),
                mark(text, words), source_of(text, words)) for text, own in by_source.items()],
              where="page"),
    ]  # fmt: skip
    unknown = [source_of(v, words) if words.zh else f"{clean(k, 60)}: {source_of(v, words)}"
               for k, v in policy.header.unknown.items()]  # fmt: skip
    if unknown:
        blocks += [Text(words("政策中尚不明确的内容：", "What is not known of the policy:")),
                   Points(unknown)]  # fmt: skip
    return blocks
