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

from drg.errors import DrgError, problem
from drg.language import say

_LONGEST_HEADER = 100
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
        "hospital",
    ),
    "insurance": ("险种", "险种类型", "参保类型", "医保类型", "insutype", "hi_type"),
    "admission_date": ("入院时间", "入院日期", "adm_time", "adm_date", "begntime", "begndate"),
    "discharge_date": ("出院时间", "出院日期", "dscg_time", "dscg_date", "endtime", "enddate"),
    "sex": ("性别", "性别代码", "gend", "gender"),
    "age": ("年龄", "年龄岁", "年龄周岁"),
    # without a unit it may be months: those headers need a mapping file
    "age_days": (
        "年龄不足1周岁天数", "年龄不足1周岁的天数", "年龄不足1周岁的年龄天", "年龄不足1周岁年龄天",
        "年龄不足一周岁天数", "年龄不足一周岁的年龄天", "不足1周岁年龄天", "不足一周岁年龄天",
        "年龄天", "天龄", "日龄", "nwb_age",
    ),
    "birth_weight": (
        "新生儿出生体重",
        "出生体重",
        "新生儿体重",
        "nwb_bir_wt",
    ),
    "admission_weight": ("新生儿入院体重", "入院体重", "nwb_adm_wt"),
    "length_of_stay": (
        "实际住院天数", "实际住院天", "实际住院日", "住院天数", "住院天数天", "住院日",
        "act_ipt_days", "act_ipt_days_cnt", "ipt_days",
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
    "total_cost": ("住院总费用", "总费用", "医疗总费用", "医疗费总额", "次均费用", "medfee_sumamt"),
    "cost_medical": ("医疗服务费", "综合医疗服务类费用", "医疗费用"),
    "cost_nursing": ("护理费", "护理费用"),
    "cost_technology": ("医技费", "医技费用", "检查检验费"),
    "cost_drug_material": ("药耗费", "药品耗材费", "药耗费用"),
    "cost_management": ("管理费", "管理费用"),
    "fund_paid": ("基金支付总额", "基金支付", "统筹基金支付", "fund_pay_sumamt", "hifp_pay"),
    "cases": ("病例数", "例数"),
    # of a file that is grouped already, or of totals by hospital and group
    "drg": ("drg编码", "drg代码", "drg组", "drg组编码", "病组编码", "病组代码", "病组", "drg_code"),
    "adrg": ("adrg编码", "adrg代码", "adrg组", "adrg_code"),
    "status": (),
    # of a case to be paid
    "other_paid": ("其他支付", "其他基金支付"),
    "patient_out_of_scope": ("自费金额", "全自费金额", "范围外费用", "fulamt_ownpay_amt"),
    "patient_deductible": ("起付线", "起付标准", "起付金额", "act_pay_dedc"),
    "patient_copay": ("自付金额", "个人自付", "自付比例金额"),
    "population": ("人员类别", "人员身份", "救助对象类别", "psn_type"),
    "special_review": ("特病单议", "特例单议"),
    "day_surgery": ("日间手术", "daysrg_flag"),
    "day_bed": ("日间病床",),
    "tcm_share": ("中医治疗占比", "中医药服务占比"),
}  # fmt: skip

CANONICAL: tuple[str, ...] = (
    "case_id", "patient_id", "hospital_id", "insurance", "admission_date", "discharge_date",
    "sex", "age", "age_days", "birth_weight", "admission_weight", "length_of_stay",
    "discharge_mode", "department", "icu_hours", "diagnoses", "procedures", "total_cost",
    "cost_medical", "cost_nursing", "cost_technology", "cost_drug_material", "cost_management",
    "fund_paid", "cases", "drg", "adrg", "status", "other_paid", "patient_out_of_scope",
    "patient_deductible", "patient_copay", "population", "special_review", "day_surgery",
    "day_bed", "tcm_share",
)  # fmt: skip

_NUMBER = r"[_\-]?(?P<number>[0-9]{1,6})"


@dataclass(frozen=True)
class _Family:
    """Headers under which one dialect writes a list.

    Attributes:
        principal: the column of the principal code.
        others: the columns of the other codes, numbered or not.
        numbered: a running number alone tells the codes apart; the lowest is the principal one.
    """

    principal: str
    others: str
    numbered: str


_WHOLE = {"diagnoses": r"diagnoses", "procedures": r"procedures"}
_CODE = r"(编码|代码)"
_OPERATION = r"手术(及|和)?(操作)?"
# Headers that say "code" come before bare ones, because beside them the bare header is a name.
_FAMILIES: dict[str, tuple[_Family, ...]] = {
    "diagnoses": (
        _Family(
            r"(principal|main)_diagnosis(_code)?",
            r"(secondary|other)_diagnos[ei]s(_codes?)?",
            r"diagnosis(_codes?)?",
        ),
        _Family(
            rf"(出院)?(主要|主)诊断(疾病)?{_CODE}|主诊编码",
            rf"(出院)?(其他|其它|次要)诊断(疾病)?{_CODE}",
            rf"(出院)?诊断{_CODE}|疾病(诊断)?编码",
        ),
        _Family(r"(dscg_)?main_?diag_code", r"oth(er)?_?diag_code", r"diag_code"),
        _Family(r"icd-?10", r"", r"icd-?10"),
        _Family(r"(出院)?(主要|主)诊断", rf"(出院)?(其他|其它|次要)诊断((疾病)?{_CODE})?", r"诊断"),
    ),
    "procedures": (
        _Family(
            r"(principal|main)_procedure(_code)?",
            r"(secondary|other)_procedures?(_codes?)?",
            r"procedure(_codes?)?",
        ),
        _Family(
            rf"(主要|主){_OPERATION}{_CODE}",
            rf"(其他|其它|次要){_OPERATION}{_CODE}",
            rf"{_OPERATION}{_CODE}",
        ),
        _Family(r"main_?oprn_oprt_code", r"oth(er)?_?oprn_oprt_code", r"oprn_(oprt_)?code"),
        _Family(r"icd-?9(-?cm-?3)?", r"", r"icd-?9(-?cm-?3)?"),
        _Family(
            rf"(主要|主){_OPERATION}", rf"(其他|其它|次要){_OPERATION}{_CODE}?", rf"{_OPERATION}"
        ),
    ),
}


@dataclass(frozen=True)
class CaseColumns:
    """Which columns of a table hold which part of a case.

    Attributes:
        sources: canonical name -> the table's columns; one, or several for a list whose codes
            stand in numbered columns (principal first).
        header: all columns of the table.
    """

    sources: Mapping[str, tuple[str, ...]]
    header: tuple[str, ...] = ()

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
            known = ", ".join(self.sources) or say("无", "none")
            wanted = ", ".join(f"'{n}' ({'/'.join(_examples(n))})" for n in missing)
            raise problem(
                say(f"表头中没有 {wanted} 列（已识别：{known}）；"
                    "请在映射文件中指明，或把表头移到第一行",
                    f"no column for {wanted} in the header (recognised: {known}); "
                    "name it in a mapping file, or move the header to the first row"),
                file=file, found=", ".join(self.header),
            )  # fmt: skip


def _examples(name: str) -> tuple[str, ...]:
    lists = {
        "diagnoses": ("主要诊断编码, 其他诊断编码1..", "diag_code"),
        "procedures": ("手术操作编码1..", "oprn_oprt_code"),
    }
    return lists.get(name) or SYNONYMS.get(name, ())[:1] or (name,)


def plain_header(text: str) -> str:
    """A header as it is compared: half-width, lower case, without spaces, brackets and marks.

    What stands in brackets at the end (a unit, a list of values) is dropped, except days
    and months: ``年龄（天）`` is not ``年龄``.
    """
    folded = unicodedata.normalize("NFKC", text[:_LONGEST_HEADER]).strip().strip("\ufeff").lower()
    folded = re.sub(r"(\((?![天日月]\))[^()]*\)|\[[^\]]*\]|【[^】]*】)+$", "", folded)
    return re.sub(r"[\s:*()\[\]【】]+", "", folded)


def recognise(
    names: Sequence[str], mapping: Mapping[str, str | Sequence[str]] | None = None
) -> CaseColumns:
    """Find the parts of a case among a table's column names.

    Args:
        names: the table's columns.
        mapping: canonical name -> column or columns; it wins over the dialects.

    Raises:
        DrgError: the mapping names a part or a column that does not exist.
    """
    given = _checked(names, mapping or {})
    taken = {column for columns in given.values() for column in columns}
    free = [(plain_header(name), name) for name in names if name not in taken]
    sources: dict[str, tuple[str, ...]] = {}
    for canonical in CANONICAL:
        find = _find_list if canonical in LIST_COLUMNS else _find_one
        found = given.get(canonical) or find(canonical, free)
        if found:
            sources[canonical] = found
    return CaseColumns(sources, tuple(names))


def _checked(
    names: Sequence[str], mapping: Mapping[str, str | Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    checked = {}
    if not isinstance(mapping, Mapping):
        raise problem(
            say("列的映射须为字典", "a mapping of columns is a dictionary"), found=mapping
        )
    for canonical, given in mapping.items():
        try:
            columns = (given,) if isinstance(given, str) else tuple(given)
        except TypeError:
            raise problem(say("须为一列或若干列的列表", "must be a column or a list of columns"),
                          key=canonical, found=given) from None  # fmt: skip
        if canonical not in CANONICAL:
            raise problem(say("病例表没有这一列", "not a column of the case table"), key=canonical,
                          expected=say("下列之一：", "one of ") + ", ".join(CANONICAL))  # fmt: skip
        for column in columns:
            if column not in names:
                raise problem(say("表中没有这一列", "no such column in the table"), key=canonical,
                              found=column,
                              expected=say("下列之一：", "one of ") + ", ".join(names))  # fmt: skip
        if canonical not in LIST_COLUMNS and len(columns) != 1:
            raise problem(say("只能对应一列", "takes one column"), key=canonical,
                          found=", ".join(columns))  # fmt: skip
        checked[canonical] = columns
    return checked


def _find_one(canonical: str, free: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    for wanted in (canonical, *SYNONYMS.get(canonical, ())):
        for plain, name in free:
            if plain == wanted:
                return (name,)
    return ()


def _find_list(canonical: str, free: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    for plain, name in free:
        if re.fullmatch(_WHOLE[canonical], plain):
            return (name,)
    for family in _FAMILIES[canonical]:
        first = [name for plain, name in free if re.fullmatch(family.principal, plain)][:1]
        if first:
            return (*first, *_numbered(f"{family.others}|{family.numbered}", free, first))
        if found := _numbered(family.numbered, free, []):
            return found
    return ()


def _numbered(
    pattern: str, free: Sequence[tuple[str, str]], taken: Sequence[str]
) -> tuple[str, ...]:
    """Columns of one numbered family, in the order of their numbers."""
    found: list[tuple[int, int, str]] = []
    for position, (plain, name) in enumerate(free):
        match = re.fullmatch(rf"(?:{pattern})(?:{_NUMBER})?", plain)
        if match and plain and name not in taken:
            found.append((int(match["number"] or 0), position, name))
    return tuple(name for _, _, name in sorted(found))


def columns_of(
    names: Sequence[str],
    mapping: str | PathLike[str] | None,
    file: str | PathLike[str],
    *needed: str,
) -> CaseColumns:
    """Find the parts of a case in a file's header, with its mapping file when there is one.

    Args:
        names: the file's columns.
        mapping: mapping file, or None.
        file: the file, for messages.
        *needed: parts that must be there.

    Raises:
        DrgError: the mapping file cannot be used, or a needed part has no column.
    """
    found = recognise(names, None if mapping is None else read_mapping(mapping, names))
    found.need(*needed, file=file)
    return found


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
        try:
            columns = tuple(c for header in headers for c in _expand(header, names) or [header])
            mapping |= _checked(names, {canonical: columns})
        except DrgError as error:
            raise DrgError(f"{path}: {error}") from None
    return mapping


def _mapping_entries(path: Path) -> dict[str, list[str]]:
    try:
        text = _text(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise problem(say(f"无法读取映射文件（{error}）",
                          f"cannot read the mapping file ({error})"),
                      file=path) from None  # fmt: skip
    entries: dict[str, list[str]] = {}
    if path.suffix.lower() == ".csv":
        try:
            rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines())]
        except csv.Error as error:
            raise problem(say(f"不是 CSV（{error}）", f"is not CSV ({error})"), file=path) from None
        if rows and rows[0][:1] and rows[0][0] not in CANONICAL:
            rows = rows[1:]  # titles
        for row in rows:
            if len(row) >= 2 and row[0]:
                entries.setdefault(row[0], []).append(row[1])
        return entries
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise problem(say(f"不是 TOML（{error}）", f"is not TOML ({error})"), file=path) from None
    for key, value in document.items():
        headers = value if isinstance(value, list) else [value]
        if not all(isinstance(header, str) for header in headers):
            raise problem(say("须为一个或若干个列名", "must be a header or a list of headers"),
                          file=path, key=key, found=value)  # fmt: skip
        entries[key] = headers
    return entries


def _text(content: bytes) -> str:
    """Text as Chinese Excel or an editor saves it."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030")


def _expand(header: str, names: Iterable[str]) -> list[str]:
    if header.count("*") > 1:
        raise DrgError(say(f"列名中只能有一个 '*'：{header[:80]}",
                           f"a header may hold one '*', not several: {header[:80]}"))  # fmt: skip
    if "*" not in header:
        return [name for name in names if name == header][:1]
    pattern = re.compile(r"([0-9]{1,6})".join(re.escape(part) for part in header.split("*")))
    found = [(tuple(map(int, m.groups())), n) for n in names if (m := pattern.fullmatch(n))]
    return [name for _, name in sorted(found)]
