"""Columns of a weight table (权重表): their names and titles, and how headers name them."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

from drg.cases.columns import plain_header
from drg.errors import problem
from drg.language import say

TEXTS = ("name", "status", "source")
NUMBERS = ("weight", "cases", "mean_cost", "cv", "ci_low", "ci_high")
ORDER = ("drg", "name", "weight", "cases", "mean_cost", "cv", "ci_low", "ci_high", "status",
         "source")  # fmt: skip

# What stands before the column's name in the header of a workbook. Beyond the columns that every
# table may have, which are looked for first, those of fitted and of published tables.
TITLES = {
    "drg": "病组",
    "name": "名称",
    "weight": "权重",
    "cases": "病例数",
    "mean_cost": "次均费用",
    "cv": "变异系数",
    "ci_low": "置信下限",
    "ci_high": "置信上限",
    "status": "状态",
    "source": "来源",
    "raw_weight": "原始权重",
    "previous_weight": "上期权重",
    "cases_used": "测算病例数",
    "hospitals": "医疗机构数",
    "trim_low": "修剪下限",
    "trim_high": "修剪上限",
    "group_type": "病组类型",
    "standard_tier1": "一级支付标准",
    "standard_tier2": "二级支付标准",
    "standard_tier3": "三级支付标准",
    "standard_tier3_a_plus": "三级上档支付标准",
    "standard_employee": "职工支付标准",
    "standard_resident": "居民支付标准",
    "mean_cost_hospital_a": "甲医院次均费用",
    "mean_cost_hospital_b": "乙医院次均费用",
    "mean_cost_hospital_c": "丙医院次均费用",
}

# Other headers, in plain form and in order of preference: beside a header that says "code" a
# bare one is a name.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "drg": (
        "drg_code", "drgcode", "ms_drg", "msdrg", "ms-drg", "drg编码", "drg代码", "drg组编码",
        "drg组代码", "drg分组编码", "drg分组代码", "drg病组编码", "drg病组代码", "drgs编码",
        "病组编码", "病组代码", "细分组编码", "细分组代码", "分组编码", "分组代码", "组编码",
        "组代码", "group_code", "code", "编码", "代码", "drg组", "drg分组", "drg病组", "drgs",
        "病组", "细分组", "分组", "group",
    ),
    "weight": (
        "relative_weight", "relativeweight", "drg_weight", "rw", "权重", "相对权重", "基准权重",
        "基础权重", "病组权重", "drg权重", "drg组权重", "drg相对权重", "组权重", "权重值",
        "支付权重",
    ),
    "name": (
        "drg_name", "title", "drg_title", "drg名称", "drg组名称", "drg分组名称", "drg病组名称",
        "drgs名称", "病组名称", "细分组名称", "分组名称", "组名称", "组名", "名称",
    ),
    "cases": ("n_cases", "discharges", "例数", "病例数", "病例", "出院人次", "人次"),
    "mean_cost": (
        "average_cost", "mean_charge", "次均费用", "例均费用", "平均费用", "均次费用",
        "次均住院费用", "例均住院费用",
    ),
    "cv": ("变异系数", "变异系数cv", "cv值"),
    "ci_low": ("ci_lower", "置信下限", "置信区间下限"),
    "ci_high": ("ci_upper", "置信上限", "置信区间上限"),
    "status": ("状态",),
    "source": ("来源", "权重来源"),
}  # fmt: skip

_SHOWN = {
    "drg": "drg, DRG编码, 病组编码, 病组",
    "weight": "weight, 权重, 相对权重, 支付权重",
}


def heading(name: str) -> str:
    """The header of a column in a workbook: Chinese title and name, or the name alone."""
    return f"{TITLES[name]} {name}" if name in TITLES else name


def canonical_names(headers: Sequence[str], file: str | PathLike[str] | None) -> dict[str, str]:
    """Which headers are which columns.

    Args:
        headers: the table's headers.
        file: the file, for messages.

    Returns:
        header -> canonical name, of those that are recognised.

    Raises:
        DrgError: there is no column of groups or none of weights, or several could be weights.
    """
    free = list(headers)
    found: dict[str, str] = {}
    for name in TITLES:
        candidates = _candidates(name, free)
        if len(candidates) > 1 and name == "weight":
            raise problem(say("有多列可能是权重，请将其中一列改名为 weight",
                              "several columns could be the weights; rename one to weight"),
                          file=file, found=", ".join(candidates))  # fmt: skip
        if candidates:
            found[candidates[0]] = name
            free.remove(candidates[0])
        elif name in _SHOWN:
            raise problem(say(f"没有列 {name}（{TITLES[name]}）",
                              f"no column '{name}' ({TITLES[name]})"), file=file,
                          found=", ".join(headers),
                          expected=say(f"以下之一：{_SHOWN[name]}",
                                       f"one of {_SHOWN[name]}"))  # fmt: skip
    return found


def _candidates(name: str, headers: Sequence[str]) -> list[str]:
    """The headers that may name a column: the best kind only, the preferred first.

    Best is the name itself or our own heading, then another word for it, then two words one of
    which is either.
    """
    exact = [header for header in headers if header == name]
    if exact:
        return exact
    plain = {header: plain_header(header) for header in headers}
    own = [h for h in headers if plain[h] in (name, plain_header(heading(name)))]
    if own:
        return own
    words = SYNONYMS.get(name, ())
    whole = [header for word in words for header in headers if plain[header] == word]
    if whole or not words:
        return whole
    known = {name, *words}
    return [
        header
        for header in headers
        if len(header.split()) == 2 and known & {plain_header(part) for part in header.split()}
        if not _is_other(header, name)
    ]


def _is_other(header: str, name: str) -> bool:
    """Whether the header as a whole names another column: ``DRG 名称`` is no group code."""
    plain = plain_header(header)
    return any(plain in words or plain == other
               for other, words in SYNONYMS.items() if other != name)  # fmt: skip
