"""Columns of the case table and the headers by which files name them.

Three dialects are known: the canonical names; the Chinese names of the inpatient front page
(住院病案首页, National Health Commission 2011/2016 edition); the field codes of the settlement
list (医疗保障基金结算清单, National Healthcare Security Administration). A mapping file covers
the rest.
"""

from __future__ import annotations

import csv
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from drg.errors import problem

LIST_COLUMNS = ("diagnoses", "procedures")

# canonical name -> the headers of the other two dialects, in order of preference
SYNONYMS: dict[str, tuple[str, ...]] = {
    "case_id": (
        "病例号",
        "住院流水号",
        "就诊流水号",
        "结算流水号",
        "结算id",
        "就诊id",
        "病案号",
        "setl_id",
        "mdtrt_id",
        "medcasno",
    ),
    "patient_id": ("患者id", "人员编号", "身份证号", "证件号码", "健康卡号", "psn_no", "certno"),
    "hospital_id": (
        "医疗机构代码",
        "医疗机构编码",
        "定点医药机构编号",
        "组织机构代码",
        "医院编码",
        "医院代码",
        "fixmedins_code",
    ),
    "insurance": ("险种", "险种类型", "参保类型", "医保类型", "insutype", "hi_type"),
    "admission_date": ("入院时间", "入院日期", "adm_time", "adm_date", "begntime", "begndate"),
    "discharge_date": ("出院时间", "出院日期", "dscg_time", "dscg_date", "endtime", "enddate"),
    "sex": ("性别", "性别代码", "gend", "gender"),
    "age": ("年龄", "年龄岁", "年龄周岁"),
    "age_days": (
        "年龄不足1周岁天数",
        "年龄不足1周岁的天数",
        "不足一周岁年龄天",
        "年龄不足一周岁天数",
        "年龄不足1周岁的年龄天",
        "年龄不足1周岁年龄天",
        "年龄天",
        "天龄",
        "nwb_age",
    ),
    "birth_weight": (
        "新生儿出生体重",
        "出生体重",
        "新生儿体重",
        "nwb_bir_wt",
    ),
    "length_of_stay": (
        "实际住院天数",
        "住院天数",
        "实际住院日",
        "act_ipt_days",
        "act_ipt_days_cnt",
        "ipt_days",
    ),
    "discharge_mode": ("离院方式", "离院方式代码", "dscg_way"),
    "department": (
        "出院科别",
        "出院科室",
        "科室",
        "出院科别名称",
        "dscg_caty",
        "dscg_dept_name",
        "dscg_caty_name",
    ),
    "icu_hours": ("重症监护小时数", "重症监护时长", "重症监护合计时长", "scs_cutd_sum_dura"),
    "total_cost": ("住院总费用", "总费用", "医疗总费用", "医疗费总额", "medfee_sumamt"),
    "cost_medical": ("医疗服务费", "综合医疗服务类费用", "医疗费用"),
    "cost_nursing": ("护理费", "护理费用"),
    "cost_technology": ("医技费", "医技费用", "检查检验费"),
    "cost_drug_material": ("药耗费", "药品耗材费", "药耗费用"),
    "cost_management": ("管理费", "管理费用"),
    "fund_paid": ("基金支付总额", "基金支付", "统筹基金支付", "fund_pay_sumamt", "hifp_pay"),
    "cases": ("病例数", "例数"),
}

CANONICAL: tuple[str, ...] = (
    "case_id", "patient_id", "hospital_id", "insurance", "admission_date", "discharge_date",
    "sex", "age", "age_days", "birth_weight", "length_of_stay", "discharge_mode", "department",
    "icu_hours", "diagnoses", "procedures", "total_cost", "cost_medical", "cost_nursing",
    "cost_technology", "cost_drug_material", "cost_management", "fund_paid", "cases",
)  # fmt: skip

# Of a list, the patterns that name the principal code and those that name the others. Headers
# that say "code" come first, because beside them the bare header is the column of names.
_NUMBER = r"[_\-]?(?P<number>\d+)"
_PATTERNS: dict[str, tuple[tuple[str, str], ...]] = {
    "diagnoses": (
        (r"diagnoses|diagnosis(_?codes?)?|principal_diagnosis(_code)?", ""),
        (
            r"(出院)?(主要|主)诊断(疾病)?(编码|代码)|主诊编码",
            r"(出院)?(其他|其它|次要)诊断(疾病)?(编码|代码)",
        ),
        (r"(出院)?诊断(编码|代码)|疾病(诊断)?编码", r"(出院)?诊断(编码|代码)|疾病(诊断)?编码"),
        (r"(main_?)?diag_code|maindiag_code|dscg_maindiag_code", r"(oth_?)?diag_code"),
        (r"(main_?)?diag_code|icd10", r"secondary_diagnos[ie]s|(secondary_)?diagnosis(_code)?"),
        (r"(出院)?(主要|主)诊断", r"(出院)?(其他|其它|次要)诊断"),
    ),
    "procedures": (
        (r"procedures|procedure(_?codes?)?|principal_procedure(_code)?", ""),
        (
            r"主要手术(及|和)?操作(编码|代码)|主要手术(编码|代码)|主手术(操作)?(编码|代码)",
            r"(其他|其它|次要)?手术(及|和)?操作?(编码|代码)",
        ),
        (r"手术(及|和)?操作?(编码|代码)", r"手术(及|和)?操作?(编码|代码)"),
        (r"(main_?)?oprn_oprt_code", r"(oth_?)?oprn_oprt_code"),
        (r"oprn_code|icd9", r"secondary_procedures?|(secondary_)?procedure(_code)?"),
        (r"主要手术(及|和)?操作|主要手术", r"(其他|其它)?手术(及|和)?操作"),
    ),
}


@dataclass(frozen=True)
class CaseColumns:
    """Which columns of a table hold which part of a case.

    Attributes:
        sources: canonical name -> the table's columns; one, or several for a list whose codes
            stand in numbered columns (principal first).
    """

    sources: Mapping[str, tuple[str, ...]]

    def __contains__(self, name: str) -> bool:
        return name in self.sources

    def column(self, name: str) -> str | None:
        """The table's column for a single-column part, or None."""
        found = self.sources.get(name)
        return found[0] if found else None

    def columns(self, name: str) -> tuple[str, ...]:
        """The table's columns for a part, principal first; empty when it is absent."""
        return self.sources.get(name, ())

    def need(self, *names: str, file: str | PathLike[str] | None = None) -> None:
        """Raise a :class:`~drg.errors.DrgError` unless every named part was recognised."""
        missing = [name for name in names if name not in self.sources]
        if missing:
            known = ", ".join(self.sources) or "none"
            wanted = ", ".join(f"'{n}' ({'/'.join(_examples(n))})" for n in missing)
            raise problem(
                f"no column for {wanted} in the header (recognised: {known}); "
                "name it in a mapping file",
                file=file,
            )


def _examples(name: str) -> tuple[str, ...]:
    lists = {
        "diagnoses": ("主要诊断编码, 其他诊断编码1..", "diag_code"),
        "procedures": ("手术操作编码1..", "oprn_oprt_code"),
    }
    return lists.get(name) or SYNONYMS.get(name, ())[:1] or (name,)


def plain_header(text: str) -> str:
    """A header as it is compared: half-width, lower case, without spaces, brackets and marks."""
    folded = unicodedata.normalize("NFKC", text).strip().strip("\ufeff").lower()
    folded = re.sub(r"\([^)]*\)|\[[^\]]*\]|【[^】]*】", "", folded)
    return re.sub(r"[\s:*]+", "", folded)


def recognise(
    names: Sequence[str], mapping: Mapping[str, Sequence[str]] | None = None
) -> CaseColumns:
    """Find the parts of a case among a table's column names.

    Args:
        names: the table's columns.
        mapping: canonical name -> columns, from :func:`read_mapping`; it wins over the dialects.
    """
    plain = [plain_header(name) for name in names]
    sources: dict[str, tuple[str, ...]] = {}
    mapping = mapping or {}
    taken = {column for columns in mapping.values() for column in columns}
    for canonical in CANONICAL:
        if canonical in mapping:
            sources[canonical] = tuple(mapping[canonical])
            continue
        free = [(p, n) for p, n in zip(plain, names, strict=True) if n not in taken]
        if canonical in LIST_COLUMNS:
            found = _find_list(canonical, free)
        else:
            found = _find_one(canonical, free)
        if found:
            sources[canonical] = found
    return CaseColumns(sources)


def _find_one(canonical: str, free: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    for wanted in (canonical, *SYNONYMS.get(canonical, ())):
        for plain, name in free:
            if plain == wanted:
                return (name,)
    return ()


def _find_list(canonical: str, free: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    for principal, others in _PATTERNS[canonical]:
        first = [name for plain, name in free if re.fullmatch(principal, plain)]
        rest = _numbered(others or principal, free, set(first))
        if first or rest:
            return (*first[:1], *rest)
    return ()


def _numbered(pattern: str, free: Sequence[tuple[str, str]], taken: set[str]) -> tuple[str, ...]:
    """Columns of one numbered family, in the order of their numbers."""
    found: list[tuple[int, int, str]] = []
    for position, (plain, name) in enumerate(free):
        match = re.fullmatch(rf"(?:{pattern})(?:{_NUMBER})?", plain)
        if match and name not in taken:
            found.append((int(match["number"] or 0), position, name))
    return tuple(name for _, _, name in sorted(found))


def read_mapping(path: str | PathLike[str], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read a mapping file: canonical name -> the table's columns.

    TOML (``total_cost = "总金额"``, ``diagnoses = ["主诊", "次诊*"]``) or a CSV of two columns
    (canonical name, header; a list has one line a column). ``*`` stands for a running number.

    Raises:
        DrgError: the file cannot be read, a name is not canonical, a header is not in the table.
    """
    entries = _mapping_entries(Path(path))
    mapping: dict[str, tuple[str, ...]] = {}
    for canonical, headers in entries.items():
        if canonical not in CANONICAL:
            raise problem(
                "not a column of the case table",
                file=path,
                key=canonical,
                expected="one of " + ", ".join(CANONICAL),
            )
        columns = tuple(c for header in headers for c in _expand(header, names))
        if not columns:
            raise problem(
                "no such column in the table",
                file=path,
                key=canonical,
                found=", ".join(headers),
                expected="one of " + ", ".join(names),
            )
        if canonical not in LIST_COLUMNS and len(columns) > 1:
            raise problem("takes one column", file=path, key=canonical, found=", ".join(columns))
        mapping[canonical] = columns
    return mapping


def _mapping_entries(path: Path) -> dict[str, list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise problem(f"cannot read the mapping file ({error})", file=path) from None
    entries: dict[str, list[str]] = {}
    if path.suffix.lower() == ".csv":
        for row in csv.reader(text.splitlines()):
            if len(row) >= 2 and row[0].strip() and row[0].strip().lower() != "canonical":
                entries.setdefault(row[0].strip(), []).append(row[1].strip())
        return entries
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise problem(f"is not TOML ({error})", file=path) from None
    for key, value in document.items():
        headers = value if isinstance(value, list) else [value]
        if not all(isinstance(header, str) for header in headers):
            raise problem("must be a header or a list of headers", file=path, key=key, found=value)
        entries[key] = headers
    return entries


def _expand(header: str, names: Iterable[str]) -> list[str]:
    if "*" not in header:
        return [name for name in names if name == header][:1]
    pattern = re.compile(r"(\d+)".join(re.escape(part) for part in header.split("*")))
    found = [(tuple(map(int, m.groups())), n) for n in names if (m := pattern.fullmatch(n))]
    return [name for _, name in sorted(found)]
