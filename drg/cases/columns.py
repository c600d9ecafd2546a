"""Columns of the case table and the headers by which files name them.

Three dialects are known by their headers one by one: the canonical names; the Chinese names of
the inpatient front page (住院病案首页, National Health Commission 2011/2016 edition); the field
codes of the settlement list (医疗保障基金结算清单, National Healthcare Security Administration).
Layouts whose headers mean something only together are in :mod:`drg.cases.dialects`. A mapping file
covers the rest, and says what local words in the cells mean.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

from drg.cases.choices import VALUED, check_meanings
from drg.cases.dialects import dialect_of, numbered
from drg.cases.values import folded
from drg.documents import fit, read_document
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
    "insurance": (
        "险种", "险种类型", "险种名称", "险种代码", "险种编码", "参保险种", "参保类型", "医保类型",
        "医保险种", "insutype", "hi_type",
    ),
    "admission_date": ("入院时间", "入院日期", "入院日期时间", "adm_time", "adm_date", "begntime",
                       "begndate"),
    "discharge_date": ("出院时间", "出院日期", "出院日期时间", "dscg_time", "dscg_date", "endtime",
                       "enddate"),
    "birth_date": ("出生日期", "出生年月日", "brdy", "birthday"),
    "sex": ("性别", "性别代码", "gend", "gender"),
    "age": ("年龄", "年龄岁", "年龄周岁"),
    "age_days": (
        "年龄不足1周岁天数", "年龄不足1周岁的天数", "年龄不足1周岁的年龄天", "年龄不足1周岁年龄天",
        "年龄不足一周岁天数", "年龄不足一周岁的年龄天", "不足1周岁年龄天", "不足一周岁年龄天",
        "不足1周岁天数", "不足一周岁天数", "年龄天", "天龄", "日龄", "nwb_age",
    ),
    "age_months": (
        "年龄不足1周岁的年龄月", "年龄不足1周岁年龄月", "年龄不足一周岁的年龄月",
        "不足1周岁年龄月", "不足一周岁年龄月", "年龄月", "月龄",
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
        "act_ipt_days", "act_ipt_days_cnt", "ipt_days", "los",
    ),
    "discharge_mode": ("离院方式", "离院方式代码", "离院方式名称", "dscg_way", "dscg_way_name"),
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
    # the pooled fund's own column comes before the sum of all payers
    "fund_paid": ("统筹基金支付", "统筹基金支出", "统筹支付", "基金支付", "基金支付总额",
                  "hifp_pay", "fund_pay_sumamt"),
    "cases": ("病例数", "例数"),
    # of a file that is grouped already, or of totals by hospital and group
    "drg": ("drg编码", "drg代码", "drg组", "drg组编码", "病组编码", "病组代码", "病组", "drg_code"),
    "adrg": ("adrg编码", "adrg代码", "adrg组", "adrg_code"),
    "status": (),
    # of a case to be paid
    "other_paid": ("其他支付", "其他基金支付"),
    "patient_out_of_scope": ("范围外费用", "自费金额", "全自费金额", "目录外自费金额",
                             "fulamt_ownpay_amt"),
    "patient_deductible": ("起付线", "起付标准", "起付金额", "起付线金额", "实际支付起付线",
                           "act_pay_dedc"),
    "patient_copay": ("自付金额", "个人自付", "自付比例金额", "个人按比例自付金额"),
    "patient_total": ("个人负担总金额", "个人负担金额", "psn_part_amt", "psn_part_am"),
    "population": ("人员类别", "人员身份", "救助对象类别", "psn_type"),
    "special_review": ("特病单议", "特例单议"),
    "review_amount": ("特例单议核定金额", "特病单议核定金额", "单议核定金额"),
    "fixed_price": ("单病种定额", "单病种付费标准", "定额支付标准"),
    "new_technology": ("新技术除外支付", "新技术"),
    "day_surgery": ("日间手术", "daysrg_flag"),
    "day_bed": ("日间病床",),
    "tcm_share": ("中医治疗占比", "中医药服务占比"),
}  # fmt: skip

CANONICAL: tuple[str, ...] = (
    "case_id", "patient_id", "hospital_id", "insurance", "admission_date", "discharge_date",
    "birth_date", "sex", "age", "age_days", "age_months", "birth_weight", "admission_weight",
    "length_of_stay", "discharge_mode", "department", "icu_hours", "diagnoses", "procedures",
    "total_cost", "cost_medical", "cost_nursing", "cost_technology", "cost_drug_material",
    "cost_management",
    "fund_paid", "cases", "drg", "adrg", "status", "other_paid", "patient_out_of_scope",
    "patient_deductible", "patient_copay", "patient_total", "population", "special_review",
    "review_amount", "fixed_price", "new_technology", "day_surgery", "day_bed", "tcm_share",
)  # fmt: skip

FUND_TOTALS = ("基金支付总额", "fund_pay_sumamt")
FUND_OTHERS = (  # beside the pooled fund: civil servants, large cost, serious illness, aid, ...
    "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "hifdm_pay", "maf_pay", "othfund_pay",
)  # fmt: skip
# beside what is wholly the patient's: above a price limit, and what is paid before the fund shares
OUT_OF_SCOPE = ("自费金额", "全自费金额", "fulamt_ownpay_amt")
OUT_OF_SCOPE_OTHERS = (
    "超限价自费费用", "超限价金额", "overlmt_selfpay", "overlmt_amt", "先行自付金额", "先行自付",
    "preselfpay_amt",
)  # fmt: skip
_NUMBER = r"[_\-]?(?P<number>[0-9]{1,6})"
_LEAST_ALIKE = 4  # characters of a known header inside of one that is not known
_SIGNS = {"diagnoses": "诊|疾病|diag", "procedures": "手术|操作|oprn|proc"}
_NO_CODE = re.compile(
    "名称|描述|日期|时间|类型|类别|级别|病情|标志|医师|医生|术者|助|麻醉|切口|愈合|门诊|门急诊|入院|"
    "病理|损伤|外部|中医|科|次数|name|date|time|type|flag|_lv|way|tcm|otp|adm_|anst|sn$"
)


_BEHIND = re.compile(r"(\((?![天日月]\))[^()]*\)|\[[^\]]*\]|【[^】]*】)+$")
_MARKS = re.compile(r"[\s:*()\[\]【】]+")


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
_OF_LISTS = re.compile("诊|疾病|手术|diag|oprn|proc|icd")  # in every header of a list
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
        values: canonical name -> word of a cell, in plain form -> what it means.
        dialect: name of the layout whose headers mean something together, "" for none.
        resembling: columns that are not read but look like a part -> that part.
    """

    sources: Mapping[str, tuple[str, ...]]
    header: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dialect: str = ""
    resembling: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.sources

    def column(self, name: str) -> str | None:
        """The table's column for a single-column part, or None."""
        found = self.sources.get(name)
        return found[0] if found else None

    def columns(self, name: str) -> tuple[str, ...]:
        """The table's columns for a part, principal first; empty when it is absent."""
        return self.sources.get(name, ())

    def told(self) -> str:
        """What a reader must know of columns that look like ours and are not read; or ""."""
        if not self.resembling:
            return ""
        listed = ", ".join(f"{name} ({part}?)" for name, part in self.resembling.items())
        return say(f"以下列未读取，但与已知的列相似，如需读取请在映射文件中指明：{listed}",
                   "these columns are not read but look like known ones; name them in a mapping "
                   f"file if they are meant: {listed}")  # fmt: skip

    def need(self, *names: str, file: str | PathLike[str] | None = None) -> None:
        """Raise a :class:`~drg.errors.DrgError` unless every named part was recognised."""
        missing = [name for name in names if name not in self.sources]
        if missing:
            known = ", ".join(self.sources) or say("无", "none")
            wanted = ", ".join(f"'{n}' ({'/'.join(_examples(n))})" for n in missing)
            if "drg" in missing and "diagnoses" in self.sources:
                raise problem(
                    say("尚未分组：先运行 drg group FILE --out GROUPED，再用分组后的文件",
                        "is not grouped: first drg group FILE --out GROUPED, then give that"),
                    file=file, found=", ".join(self.header),
                )  # fmt: skip
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
    return _MARKS.sub("", _BEHIND.sub("", folded))


def recognise(names: Sequence[str], mapping: Mapping[str, Any] | None = None) -> CaseColumns:
    """Find the parts of a case among a table's column names.

    Args:
        names: the table's columns.
        mapping: canonical name -> column or columns; it wins over the dialects. Under ``values``:
            canonical name -> word -> what it means.

    Raises:
        DrgError: the mapping names a part, a column or a meaning that does not exist.
    """
    if mapping is not None and not isinstance(mapping, Mapping):
        raise problem(
            say("列的映射须为字典", "a mapping of columns is a dictionary"), found=mapping
        )
    found = _recognised(names, dict(mapping or {}))
    return found if found.dialect else replace(found, resembling=_resembling(found))


def known_headers(names: Sequence[str]) -> set[str]:
    """Those of some names that are headers of a part of a case."""
    sources = _recognised(names, {}).sources
    return {column for columns in sources.values() for column in columns}


def _recognised(names: Sequence[str], entries: dict[str, Any]) -> CaseColumns:
    said = entries.pop("values", {})
    given = _checked(names, entries)
    plain = {name: plain_header(name) for name in names}
    by_header = {plain[name]: name for name in reversed(names)}
    dialect = dialect_of(by_header)
    words: dict[str, Mapping[str, str]] = {}
    if dialect is not None:
        words |= dialect.values
        given = dialect.columns(by_header) | given
    words |= _meanings(said, given, names)
    taken = {column for columns in given.values() for column in columns}
    free = [(plain[name], name) for name in names if name not in taken]
    firsts = dict(reversed(free))
    of_lists = [one for one in free if _OF_LISTS.search(one[0])]
    sources: dict[str, tuple[str, ...]] = {}
    for canonical in CANONICAL:
        found = given.get(canonical) or (
            _find_list(canonical, of_lists) if canonical in LIST_COLUMNS
            else _find_one(canonical, firsts)
        )  # fmt: skip
        if found:
            sources[canonical] = found
    _payers(sources, by_header, given)
    _out_of_scope(sources, by_header, given)
    return CaseColumns(sources, tuple(names), words, "" if dialect is None else dialect.name)


def _payers(
    sources: dict[str, tuple[str, ...]], by_header: Mapping[str, str],
    given: Mapping[str, tuple[str, ...]],
) -> None:  # fmt: skip
    """Where the payers beside the pooled fund stand: in a sum less the pool's part, or in parts.

    ``other_paid`` gets the parts to be added, or the sum and, after it, the pooled fund's column.
    """
    pooled = sources.get("fund_paid", ())
    if not pooled or "other_paid" in sources or "fund_paid" in given:
        return
    plain = plain_header(pooled[0])
    if plain in FUND_TOTALS or plain not in SYNONYMS["fund_paid"]:
        return
    total = next((by_header[name] for name in FUND_TOTALS if name in by_header), None)
    if total is not None:
        sources["other_paid"] = total, pooled[0]
    elif parts := tuple(by_header[name] for name in FUND_OTHERS if name in by_header):
        sources["other_paid"] = parts


def _out_of_scope(
    sources: dict[str, tuple[str, ...]], by_header: Mapping[str, str],
    given: Mapping[str, tuple[str, ...]],
) -> None:  # fmt: skip
    """All that is outside the policy's scope, where it stands in several columns to be added."""
    held = sources.get("patient_out_of_scope", ())
    if "patient_out_of_scope" in given or (held and plain_header(held[0]) not in OUT_OF_SCOPE):
        return
    taken = {name for part, names in sources.items() if part != "patient_out_of_scope"
             for name in names}  # fmt: skip
    others = [by_header[name] for name in OUT_OF_SCOPE_OTHERS if name in by_header]
    if others := [name for name in others if name not in taken]:
        sources["patient_out_of_scope"] = (*held, *others)


def _resembling(columns: CaseColumns) -> dict[str, str]:
    """Columns that no part took and that look like one: a code of a list, or a missing part."""
    sources = columns.sources
    taken = {name for names in sources.values() for name in names}
    found: dict[str, str] = {}
    for name in columns.header:
        plain = plain_header(name)
        if name in taken or not plain or _NO_CODE.search(plain):
            continue
        if re.search("编码|代码|code|icd", plain):
            for part, sign in _SIGNS.items():
                if re.search(sign, plain):
                    found[name] = part
            continue
        for part in CANONICAL:
            if part not in sources and any(
                len(known) >= _LEAST_ALIKE and (known in plain or (
                    len(plain) >= _LEAST_ALIKE and plain in known
                )) for known in (part, *SYNONYMS.get(part, ()))
            ):  # fmt: skip
                found[name] = part
                break
    return found


def _meanings(
    said: Any, given: Mapping[str, tuple[str, ...]], names: Sequence[str]
) -> dict[str, Mapping[str, str]]:
    """Words of cells by part: the key may be a part or the column that holds it."""
    if not isinstance(said, Mapping):
        raise problem(say("须为表", "must be a table"), key="values", found=said)
    plain = _recognised(names, {}).sources if any(k not in VALUED for k in said) else {}
    at = {column: part for source in (plain, given) for part, held in source.items()
          for column in held}  # fmt: skip
    found: dict[str, Mapping[str, str]] = {}
    for key, words in said.items():
        part = key if key in VALUED else at.get(key, "")
        if part not in VALUED:
            raise problem(say("不是可以指明取值的列", "not a column whose values can be told"),
                          key=f"values.{key}",
                          expected=say("下列之一：", "one of ") + ", ".join(VALUED))  # fmt: skip
        if not isinstance(words, Mapping) or not all(
            isinstance(word, str | int | float) for word in words.values()
        ):
            raise problem(say("须为“取值 = 含义”的表", "must be a table value = meaning"),
                          key=f"values.{key}", found=words)  # fmt: skip
        found[part] = {folded(str(k)).removesuffix(".0"): str(v) for k, v in words.items()}
        check_meanings(part, found[part], f"values.{key}")
    return found


def _checked(names: Sequence[str], mapping: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    checked = {}
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


def _find_one(canonical: str, free: Mapping[str, str]) -> tuple[str, ...]:
    known = (canonical, *SYNONYMS.get(canonical, ()))
    return next(((free[wanted],) for wanted in known if wanted in free), ())


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
    """Columns of one numbered family, in the order of their numbers, wherever these stand."""
    found: list[tuple[int, int, str]] = []
    for position, (plain, name) in enumerate(free):
        if not plain or name in taken:
            continue
        base, number = numbered(name)
        match = re.fullmatch(rf"(?:{pattern})(?:{_NUMBER})?", plain)
        if match and (match["number"] or number is None):
            found.append((int(match["number"] or 0), position, name))
        elif number is not None and re.fullmatch(rf"(?:{pattern})", plain_header(base)):
            found.append((number, position, name))
        elif match:
            found.append((0, position, name))
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


def read_mapping(path: str | PathLike[str], names: Sequence[str]) -> dict[str, Any]:
    """Read a mapping file: canonical name -> the table's columns, ``values`` -> words of cells.

    TOML (``total_cost = "总金额"``, ``diagnoses = ["主诊", "次诊*"]``, and under
    ``[values.insurance]`` lines such as ``"01" = "employee"``) or a CSV of two columns (canonical
    name, header; a list has one line a column), of four for a word: canonical name, header or
    blank, word, meaning. ``*`` stands for a running number.

    Raises:
        DrgError: the file cannot be read, a name is not canonical, a header is not in the table, a
            meaning is none.
    """
    entries, words = _mapping_entries(Path(path))
    mapping: dict[str, Any] = {}
    try:
        for canonical, headers in entries.items():
            columns = tuple(c for header in headers for c in _expand(header, names) or [header])
            mapping |= _checked(names, {canonical: columns})
        _meanings(words, mapping, names)
    except DrgError as error:
        raise DrgError(f"{path}: {error}") from None
    return mapping | ({"values": words} if words else {})


def told_tiers(path: str | PathLike[str] | None) -> dict[str, str]:
    """What the mapping file says of words for tiers, which stand in the table of hospitals.

    Raises:
        DrgError: the file cannot be read, or a meaning is none.
    """
    if path is None:
        return {}
    words = _mapping_entries(Path(path))[1].get("tier", {})
    held = _meanings({"tier": words}, {}, ()) if words else {}
    return dict(held.get("tier", {}))


def mapped_headers(path: str | PathLike[str]) -> list[str]:
    """The headers that a mapping file names, a running number left out.

    Raises:
        DrgError: the file cannot be read.
    """
    entries, _ = _mapping_entries(Path(path))
    return [header.replace("*", "") for headers in entries.values() for header in headers]


def _mapping_entries(path: Path) -> tuple[dict[str, list[str]], dict[str, Any]]:
    entries: dict[str, list[str]] = {}
    words: dict[str, dict[str, str]] = {}
    pair = say("规范列名和列名，以逗号分隔", "a canonical name and a header, a comma between")
    if path.suffix.lower() != ".csv":
        document = read_document(path)
        fit(document, {"values": {"*": {"*": (str, float)}}, "*": (str, [str])}, path)
        words = document.pop("values", {})
        for key, value in document.items():
            entries[key] = value if isinstance(value, list) else [value]
        return entries, words
    try:
        text = _text(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise problem(say(f"无法读取映射文件（{error}）",
                          f"cannot read the mapping file ({error})"),
                      file=path) from None  # fmt: skip
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines())]
    except csv.Error as error:
        raise problem(say(f"不是 CSV（{error}）", f"is not CSV ({error})"), file=path) from None
    titled = bool(rows and rows[0][:1]) and rows[0][0] not in (*CANONICAL, *VALUED)
    for number, row in enumerate(rows[titled:], 1 + titled):
        if any(row) and not (len(row) >= 2 and row[0]):
            raise problem(say("不是对应关系", "maps nothing"), file=path, row=number,
                          found=", ".join(row),
                          expected=pair)  # fmt: skip
        if len(row) >= 2 and row[0] and row[1]:
            held = entries.setdefault(row[0], [])
            held += [row[1]] if row[1] not in held else []
        if len(row) >= 4 and row[0] and row[2]:
            words.setdefault(row[0], {})[row[2]] = row[3]
    if not (entries or words):
        raise problem(say("没有对应关系", "holds no mapping"), file=path,
                      found=",".join(rows[0]) if rows else "",
                      expected=pair)  # fmt: skip
    return entries, words


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
