"""What sheets and columns can mean, and the words by which official tables name them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from grouper.importer.cells import folded


@dataclass(frozen=True)
class Role:
    """What a sheet can be.

    Attributes:
        title: its usual Chinese name, which the export writes.
        needed: columns without which the sheet says nothing.
    """

    title: str
    needed: tuple[str, ...] = ()


ROLES: dict[str, Role] = {
    "scheme": Role("方案信息", ("key", "value")),
    "mdc": Role("MDC列表", ("mdc",)),
    "mdc_diagnoses": Role("MDC主诊表", ("code",)),
    "adrg": Role("ADRG列表", ("adrg",)),
    "adrg_diagnoses": Role("ADRG主要诊断", ("code",)),
    "adrg_procedures": Role("ADRG手术操作", ("code",)),
    "adrg_lists": Role("ADRG诊断与手术操作", ("code",)),
    "drg": Role("DRG列表", ("drg",)),
    "mcc": Role("MCC列表", ("code", "table")),
    "cc": Role("CC列表", ("code", "table")),
    "complications": Role("并发症列表", ("code", "level", "table")),
    "exclusions": Role("排除表", ("table", "code")),
    "valid_procedures": Role("分组手术操作", ("code",)),
    "trauma_sites": Role("创伤部位", ("code", "site")),
    "diagnosis_codes": Role("诊断编码库", ("code",)),
    "procedure_codes": Role("手术操作编码库", ("code",)),
    "ignore": Role("说明"),
}
MEANINGS = (
    "mdc", "mdc_name", "adrg", "adrg_name", "drg", "name", "code", "code_name", "list", "part",
    "kind", "table", "level", "rule", "condition", "order", "valid", "site", "mark", "note",
    "key", "value", "ignore",
)  # fmt: skip

_ROLE_WORDS: tuple[tuple[str, str], ...] = (
    (r"方案信息|^SCHEME(\.|$)", "scheme"),
    (r"^说明|填表|目录|封面|README|^NOTES?$", "ignore"),
    (r"排除|EXCLU", "exclusions"),
    (r"诊断编码库|诊断编码表|^诊断编码$|诊断目录|DIAGNOSIS_?CODE", "diagnosis_codes"),
    (r"手术操?作?编码库|操作编码库|手术操?作?编码表|操作编码表|^手术(操作)?编码$|PROCEDURE_?CODE",
     "procedure_codes"),
    (r"有效手术|分组手术|手术室手术|GROUPING_?PROC|VALID", "valid_procedures"),
    (r"创伤部位|部位|TRAUMA", "trauma_sites"),
    (r"MCC.*(?<!M)CC|(?<!M)CC.*MCC|COMPLICATION", "complications"),
    (r"MCC|严重并发|严重合并|MAJOR", "mcc"),
    (r"(?<![A-Z])CC(?![A-Z])|并发症|合并症", "cc"),
    (r"ADRG.*(主诊|诊断).*(手术|操作)", "adrg_lists"),
    (r"ADRG.*(手术|操作|PROC)", "adrg_procedures"),
    (r"ADRG.*(主诊|诊断|DIAG)", "adrg_diagnoses"),
    (r"ADRG|核心疾病", "adrg"),
    (r"MDC.*(手术|操作|PROC)", "adrg_procedures"),
    (r"MDC.*(主诊|诊断表|诊断列表|诊断编码|诊断$|DIAG)", "mdc_diagnoses"),
    (r"MDC(?![A-Z0-9])|主要诊断大类", "mdc"),
    (r"(?<!A)DRG|细分组|病组", "drg"),
    (r"主诊|主要诊断", "mdc_diagnoses"),
)  # fmt: skip

_HEADER_WORDS: tuple[tuple[str, str], ...] = (
    (r"项目|键|KEY", "key"),
    (r"内容|值|VALUE", "value"),
    (r"(入组|分组|进入)?规则|RULE|ENTRYRULE", "rule"),
    (r".*(入组条件|分组条件)|条件|CONDITION", "condition"),
    (r"序号|编号|NO\.?|#", "ignore"),
    (r"(分组|入组)?顺序|次序|ORDER", "order"),
    (r".*(排除表|排除组|排除列表|EXCLUSIONTABLE).*|(表|组)号|TABLE", "table"),
    (r".*(子列表|分列表|二级列表|SUBLIST).*|PART", "part"),
    (r".*列表.*|LIST(NO|NUMBER)?", "list"),
    (r".*部位|.*SITE", "site"),
    (r".*(有效|是否参与分组).*|VALID", "valid"),
    (r".*(新技术|标记).*|MARK", "mark"),
    (r".*(备注|说明)|NOTES?|REMARKS?", "note"),
    (r"(MCC/?CC|CC/?MCC|(并发症)?(级别|等级|类别)|LEVEL)", "level"),
    (r"(编码)?类型|(诊断/?手术)|KIND|TYPE", "kind"),
    (r"(MDC|主要诊断大类|大类)(的)?(名称|NAME)", "mdc_name"),
    (r"(MDC|主要诊断大类|大类)(编码|代码|编号|CODE)?", "mdc"),
    (r"(ADRG|核心疾病(诊断相关)?组|核心组)(组)?(的)?(名称|NAME)", "adrg_name"),
    (r"(ADRG|核心疾病(诊断相关)?组|核心组)S?(组)?(编码|代码|编号|CODE)?", "adrg"),
    (r"(DRGS?|细分组|病组|疾病诊断相关组|分组)(组)?(的)?(名称|NAME)", "name"),
    (r"(DRGS?|细分组|病组|疾病诊断相关组|分组)(组)?(编码|代码|编号|CODE)?", "drg"),
    (r".*(诊断|手术|操作|疾病|ICD|医保).*(名称|名|NAME)|.*(DIAGNOSIS|PROCEDURE)NAME", "code_name"),
    (r".*(诊断|手术|操作|疾病|ICD|医保).*(编码|代码|编号|码|CODE)", "code"),
    (r"编码|代码|CODE|.*ICD-?(10|9).*|PRINCIPALCODE|DIAGNOSIS|PROCEDURE|主诊|主要诊断", "code"),
    (r"(中文)?名称|NAME", "name"),
)  # fmt: skip
_COMPILED = [(re.compile(pattern), meaning) for pattern, meaning in _HEADER_WORDS]
_SOLE_MDC = re.compile(r"MDC-?([A-Z])(?![A-Z])")
_OF_SHEET = {
    # In lists of codes a bare 名称 names the code.
    role: {"name": "code_name"}
    for role in (
        "mdc_diagnoses", "adrg_diagnoses", "adrg_procedures", "adrg_lists", "mcc", "cc",
        "complications", "exclusions", "valid_procedures", "trauma_sites", "diagnosis_codes",
        "procedure_codes",
    )
} | {
    "mdc": {"mdc_name": "name", "code": "mdc"},
    "adrg": {"adrg_name": "name", "code": "adrg", "code_name": "name", "drg": "adrg"},
    "drg": {"code": "drg", "code_name": "name"},
    "scheme": {"name": "key", "code": "key"},
}  # fmt: skip


def header_meaning(header: str) -> str:
    """What a column's header means, "" when nobody knows."""
    plain = re.sub(r"[_()（）【】\[\]*：:]", "", folded(header))
    if not plain or len(plain) > 24:
        return ""
    for pattern, meaning in _COMPILED:
        if pattern.fullmatch(plain):
            return meaning
    return ""


def in_role(role: str, meaning: str) -> str:
    """A meaning as a sheet of that role understands it."""
    return _OF_SHEET.get(role, {}).get(meaning, meaning)


def role_by_name(name: str) -> str:
    """The role that a sheet's or file's name tells, "" for none."""
    plain = re.sub(r"\.(CSV|TSV|TXT|XLSX|XLSM|XLS)(?=/|$)", "", folded(name))
    plain = re.sub(r"诊断相关分?组", "", plain)  # the 诊断 of a group's name tells nothing
    for pattern, role in _ROLE_WORDS:
        if re.search(pattern, plain):
            return role
    return ""


def role_by_headers(headers: list[str]) -> str:
    """The role that the headers of a sheet tell, "" for none."""
    text = [folded(header) for header in headers]
    found = {meaning for meaning in map(header_meaning, headers) if meaning}
    if {"level", "code"} <= found:
        return "complications"
    if {"adrg", "code"} <= found and "drg" not in found:
        joined = "".join(t for t, h in zip(text, headers, strict=True)
                         if header_meaning(h) == "code")  # fmt: skip
        if "手术" in joined or "操作" in joined:
            return "adrg_procedures"
        return "adrg_diagnoses" if "诊" in joined else "adrg_lists"
    if {"mdc", "code"} <= found and "drg" not in found:
        return "mdc_diagnoses"
    for role in ("drg", "adrg", "mdc"):
        if role in found:
            return role
    return ""


def mdc_of_sheet(name: str) -> str:
    """The MDC of a sheet that is about one, such as ``MDCB 主诊``; "" for none."""
    match = _SOLE_MDC.search(folded(name))
    return f"MDC{match[1]}" if match else ""
