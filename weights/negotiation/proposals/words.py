"""Words of proposals (权重调整申请): columns and choices in two languages, and other spellings."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from drg.cases.columns import plain_header

PARTIES = ("hospital", "panel", "bureau")
WHATS = ("weight", "class", "trim", "exclude")
KEYS = ("drg", "what", "value")  # a row of a form that has none of them is no proposal

# column -> its heading in Chinese and English, and other headings in plain form
COLUMNS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "party": ("提出方", "Proposer", ("申请方", "申请单位", "提出单位", "proposedby")),
    "hospital_id": (
        "医疗机构代码", "Hospital id",
        ("医疗机构编码", "定点医药机构编号", "医院编码", "医院代码", "hospital", "fixmedins_code"),
    ),
    "drg": (
        "病组编码", "Group",
        ("病组代码", "drg编码", "drg代码", "drg组", "病组", "分组编码", "drg_code", "groupcode",
         "code"),
    ),
    "what": ("调整事项", "Change", ("申请事项", "调整类型", "事项", "kind", "whattochange")),
    "value": ("调整值", "Value", ("申请值", "调整内容", "newvalue")),
    "least": ("可接受最低", "Least acceptable", ("最低可接受", "可接受最低权重", "最低权重")),
    "most": ("可接受最高", "Most acceptable", ("最高可接受", "可接受最高权重", "最高权重")),
    "reason": ("理由", "Reason", ("申请理由", "调整理由", "原因")),
    "evidence": ("依据", "Evidence", ("申请依据", "证明材料", "佐证材料", "依据材料", "source")),
}  # fmt: skip
NEEDED = (*KEYS, "reason")

# choice -> what the drop-down lists say in Chinese and English, and other words for it
PARTY_WORDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "hospital": ("医疗机构", "hospital", ("医院", "定点医疗机构", "定点医药机构")),
    "panel": ("专家组", "panel", ("专家", "评审组", "专家评审组", "专家委员会")),
    "bureau": ("医保局", "bureau", ("医保部门", "医疗保障局", "医保中心", "经办机构", "医保")),
}
WHAT_WORDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "weight": ("权重", "weight", ("权重调整", "调整权重", "相对权重", "rw")),
    "class": ("类别", "class", ("病组类别", "类别调整", "调整类别", "分类", "类型")),
    "trim": ("裁剪", "trim", ("修剪", "剪裁", "裁剪方法", "修剪方法", "截尾")),
    "exclude": ("剔除病例", "exclude", ("剔除", "病例剔除", "排除", "排除病例", "exclusion")),
}
TRIM_WORDS = {
    "不修剪": "none", "不裁剪": "none", "对数均值±3倍标准差": "log3sd", "对数均值法": "log3sd",
    "四分位距法": "iqr", "四分位距": "iqr", "四分位法": "iqr", "百分位数法": "percentile",
    "百分位数": "percentile", "均值倍率法": "ratio", "均值倍率": "ratio", "缩尾处理": "winsor",
    "缩尾": "winsor",
}  # fmt: skip
# What remarks below the rows of a form begin with.
REMARKS = ("合计", "总计", "小计", "备注", "附注", "注:", "注1", "说明", "填表", "填报", "制表",
           "审核", "审批", "负责人", "联系人", "联系电话", "单位盖章", "盖章", "日期", "签字",
           "total", "subtotal", "note", "remark", "signature")  # fmt: skip
_SIGNS = str.maketrans({"−": "-", "–": "-", "—": "-", "﹣": "-", "✕": "×", "✖": "×", "∗": "*",
                        "≥": "≥", "⩾": "≥", "≧": "≥", "⩽": "≤", "≦": "≤"})  # fmt: skip


def heading(name: str, lang: str = "zh") -> str:
    """The heading of a column."""
    chinese, english, _ = COLUMNS[name]
    return chinese if lang == "zh" else english


def seen(text: str) -> str:
    """A text without characters that do not show, behind which digits could hide."""
    if text.isprintable():
        return text
    return "".join(c for c in text if unicodedata.category(c) != "Cf")


def plain(text: str) -> str:
    """A cell as it is compared: half-width, common signs, nothing unseen, trimmed."""
    folded = unicodedata.normalize("NFKC", seen(text)).translate(_SIGNS)
    return " ".join(folded.split())


def columns_of(cells: Sequence[str]) -> dict[str, int]:
    """Which cells of a row are headings: column -> place, the first where there are several."""
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        if (name := heading_of(cell)) is not None:
            found.setdefault(name, place)
    return found


def heading_of(cell: str) -> str | None:
    """The column that a cell is the heading of, or None."""
    return _BY_HEADING.get(plain_header(cell)) if cell else None


def choice(words: Mapping[str, tuple[str, str, tuple[str, ...]]], text: str) -> str | None:
    """The choice that a cell means, or None."""
    wanted = plain(text).lower().replace(" ", "")
    for name, (chinese, english, others) in words.items():
        if wanted in (name, chinese, english, *others):
            return name
    return None


def is_remark(text: str) -> bool:
    """Whether a cell begins as a remark below a table does."""
    return plain(text).lower().replace(" ", "").startswith(REMARKS)


_BY_HEADING = {
    word: name
    for name, (chinese, english, others) in COLUMNS.items()
    for word in (name, plain_header(chinese), plain_header(english), *others)
}
