"""The closed list of what a quality check can find (质控规则), in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITY_TEXT = {ERROR: ("错误", "error"), WARNING: ("警告", "warning"), NOTE: ("提示", "note")}
PENALTY = {ERROR: 100, WARNING: 40, NOTE: 10}  # hundredths that a case loses of its worth
GROUPS = {
    "completeness": ("完整性", "completeness"),
    "codes": ("编码", "codes"),
    "patient": ("性别年龄体重", "sex, age, weight"),
    "dates": ("日期与住院日", "dates and stay"),
    "cost": ("费用", "cost"),
    "records": ("记录", "records"),
}
COMPONENTS = (
    "cost_medical", "cost_nursing", "cost_technology", "cost_drug_material", "cost_management",
)  # fmt: skip
MOST_YEARS, MOST_INFANT_DAYS = 120, 365
LEAST_WEIGHT, MOST_WEIGHT = 300, 8_000  # grams
MOST_STAY = 365  # days
LEAST_COST, MOST_COST = 10_000, 200_000_000  # fen: 100 yuan and 2 million yuan
OBSTETRIC_YEARS = 10, 60
MAIN_YEAR_SHARE = 0.05  # of the dated discharges: a year with fewer is not what the file is about


GREY_LIST, OPERATION_DATES = "grey_list", "operation_dates"


@dataclass(frozen=True)
class Rule:
    """One thing that can be wrong with a case.

    Attributes:
        code: stable identifier.
        group: key of :data:`GROUPS`.
        severity: ``error``, ``warning`` or ``note``.
        zh: Chinese text.
        en: English text.
        needs: parts of the case table without which the rule is not checked; :data:`GREY_LIST`
            and :data:`OPERATION_DATES` stand for what is no part of it.
    """

    code: str
    group: str
    severity: str
    zh: str
    en: str
    needs: tuple[str, ...] = ()

    @property
    def penalty(self) -> int:
        """Hundredths of a case's worth that it loses by this finding."""
        return PENALTY[self.severity]

    def text(self, lang: str) -> str:
        """The text in ``zh`` or ``en``."""
        return self.zh if lang == "zh" else self.en


def _missing(part: str, severity: str, zh: str, en: str) -> Rule:
    return Rule(f"missing_{part}", "completeness", severity, f"缺少{zh}", f"no {en}", (part,))


_DATES = ("admission_date", "discharge_date")

RULES = (
    Rule("malformed_row", "records", ERROR, "行格式错误，无法读取", "the row could not be read"),
    _missing("case_id", WARNING, "病例号", "case id"),
    _missing("patient_id", WARNING, "人员编号", "patient id"),
    _missing("hospital_id", WARNING, "医疗机构代码", "hospital id"),
    _missing("insurance", NOTE, "险种", "kind of insurance"),
    _missing("admission_date", WARNING, "入院时间", "admission date"),
    _missing("discharge_date", WARNING, "出院时间", "discharge date"),
    _missing("sex", WARNING, "性别（或性别未知）", "sex, or unknown"),
    _missing("age", WARNING, "年龄", "age"),
    _missing("length_of_stay", NOTE, "实际住院天数", "length of stay"),
    _missing("discharge_mode", NOTE, "离院方式", "way of discharge"),
    _missing("department", NOTE, "出院科别", "department"),
    _missing("total_cost", ERROR, "住院总费用", "total cost"),
    Rule("missing_principal_diagnosis", "codes", ERROR, "缺少主要诊断", "no principal diagnosis"),
    Rule("unknown_principal_diagnosis", "codes", ERROR, "主要诊断编码不在编码库中",
         "the principal diagnosis is not a code of the edition"),
    Rule("principal_in_no_mdc", "codes", ERROR, "主要诊断不属于任何MDC",
         "the principal diagnosis is in no MDC"),
    Rule("grey_principal_diagnosis", "codes", ERROR, "主要诊断为灰码",
         "the principal diagnosis is a grey code", (GREY_LIST,)),
    Rule("grey_secondary_diagnosis", "codes", WARNING, "其他诊断为灰码",
         "a secondary diagnosis is a grey code", (GREY_LIST,)),
    Rule("grey_procedure", "codes", WARNING, "手术操作为灰码",
         "a procedure is a grey code", (GREY_LIST, "procedures")),
    Rule("repeated_diagnosis", "codes", NOTE, "同一诊断编码重复填写",
         "a diagnosis stands twice in the case"),
    Rule("unknown_secondary_diagnosis", "codes", WARNING, "其他诊断编码不在编码库中",
         "a secondary diagnosis is not a code of the edition"),
    Rule("unknown_procedure", "codes", WARNING, "手术操作编码不在编码库中",
         "a procedure is not a code of the edition", ("procedures",)),
    Rule("sex_conflict", "patient", ERROR, "诊断或手术操作与性别不符",
         "a diagnosis or procedure does not fit the sex", ("sex",)),
    Rule("age_conflict", "patient", ERROR, "新生儿诊断与年龄不符",
         "a diagnosis of the first year of life at another age", ("age",)),
    Rule("unreadable_patient_value", "patient", ERROR, "性别、年龄、天数或体重无法识别或超出范围",
         "sex, age, days or weight cannot be read or is out of its range"),
    Rule("age_over_120", "patient", ERROR, f"年龄大于{MOST_YEARS}岁",
         f"age above {MOST_YEARS} years", ("age",)),
    Rule("age_days_missing", "patient", ERROR, "年龄为0岁但缺少天数",
         "age 0 without the age in days", ("age",)),
    Rule("age_days_conflict", "patient", WARNING, f"年龄为0岁但天数大于{MOST_INFANT_DAYS}天",
         f"age 0 with more than {MOST_INFANT_DAYS} days", ("age", "age_days")),
    Rule("birth_weight_missing", "patient", ERROR, "新生儿缺少出生体重",
         "a newborn without birth weight", ("age", "age_days")),
    Rule("birth_weight_range", "patient", WARNING,
         f"出生体重小于{LEAST_WEIGHT}克或大于{MOST_WEIGHT}克",
         f"birth weight below {LEAST_WEIGHT} g or above {MOST_WEIGHT:,} g", ("birth_weight",)),
    Rule("admission_weight_missing", "patient", WARNING, "新生儿缺少入院体重",
         "a newborn without weight on admission", ("age", "age_days", "admission_weight")),
    Rule("mother_without_birth_weight", "patient", WARNING,
         "产妇病案（活产）缺少新生儿出生体重",
         "a live birth without birth weight in the record of the mother",
         ("birth_weight",)),
    Rule("delivery_without_outcome", "patient", WARNING, "分娩病例（O80-O84）缺少分娩结局（Z37）",
         "a delivery (O80-O84) without its outcome (Z37)"),
    Rule("obstetric_age", "patient", WARNING,
         f"产科诊断而年龄小于{OBSTETRIC_YEARS[0]}岁或大于{OBSTETRIC_YEARS[1]}岁",
         f"an obstetric diagnosis below {OBSTETRIC_YEARS[0]} or above {OBSTETRIC_YEARS[1]} years",
         ("age",)),
    Rule("birth_disagrees", "patient", WARNING, "年龄与出生日期、入院时间不符，或入院早于出生",
         "age does not follow from birth and admission, or admitted before born",
         ("birth_date", "admission_date")),
    Rule("unreadable_date", "dates", ERROR, "入院或出院时间无法识别",
         "the admission or discharge date cannot be read"),
    Rule("discharge_before_admission", "dates", ERROR, "出院早于入院",
         "discharged before admitted", _DATES),
    Rule("outside_main_years", "dates", NOTE, "出院时间不在本文件的主要年度",
         "discharged outside the file's main years", ("discharge_date",)),
    Rule("unreadable_stay", "dates", WARNING, "住院天数无法识别",
         "the length of stay cannot be read", ("length_of_stay",)),
    Rule("stay_disagrees", "dates", WARNING,
         "住院天数与入出院时间不符（不足一天按一天，或首尾都计）",
         "length of stay does not follow from its dates (at least a day, or both ends counted)",
         ("length_of_stay", *_DATES)),
    Rule("stay_zero", "dates", NOTE, "住院天数为0", "length of stay 0", ("length_of_stay",)),
    Rule("stay_over_year", "dates", WARNING, f"住院超过{MOST_STAY}天",
         f"stay of more than {MOST_STAY} days"),
    Rule("icu_exceeds_stay", "dates", WARNING, "重症监护时长超过住院时长",
         "more hours in intensive care than the stay has", ("icu_hours", *_DATES)),
    Rule("operation_outside_stay", "dates", ERROR, "手术操作日期不在住院期间",
         "an operation is dated outside the stay", (OPERATION_DATES, *_DATES)),
    Rule("discharge_mode_unknown", "records", NOTE, "离院方式不在1、2、3、4、5、9之内",
         "way of discharge is none of 1, 2, 3, 4, 5, 9", ("discharge_mode",)),
    Rule("unreadable_amount", "cost", ERROR, "费用无法识别", "an amount cannot be read"),
    Rule("cost_not_positive", "cost", ERROR, "住院总费用为0或负数",
         "total cost is zero or negative", ("total_cost",)),
    Rule("cost_extreme", "cost", WARNING,
         f"住院总费用低于{LEAST_COST // 100}元或高于{MOST_COST // 1_000_000}万元",
         f"total cost below {LEAST_COST // 100} or above {MOST_COST // 100:,} yuan",
         ("total_cost",)),
    Rule("components_differ", "cost", ERROR, "各项费用之和与总费用不符",
         "the components do not add up to the total", ("total_cost", *COMPONENTS)),
    Rule("negative_component", "cost", ERROR, "分项费用为负数", "a component is negative"),
    Rule("fund_out_of_range", "cost", WARNING, "基金支付为负数或高于总费用",
         "the fund's payment is negative or above the total", ("total_cost", "fund_paid")),
    Rule("payers_exceed_total", "cost", WARNING, "基金、其他支付与个人负担之和高于总费用",
         "fund, other payers and patient together pay more than the total",
         ("total_cost", "fund_paid")),
    Rule("duplicate_case_id", "records", ERROR, "病例号重复", "a case id stands again",
         ("case_id",)),
    Rule("duplicate_record", "records", ERROR, "同一患者、医院、入出院日期和主要诊断重复",
         "same patient, hospital, dates and principal diagnosis again",
         ("patient_id", "discharge_date")),
    Rule("overlapping_stays", "records", WARNING, "同一患者住院时间重叠",
         "stays of one person overlap", ("patient_id", *_DATES)),
    Rule("stay_after_death", "records", ERROR, "离院方式为死亡的患者之后又入院",
         "a person who died is admitted later", ("patient_id", "discharge_mode", *_DATES)),
)  # fmt: skip

PLACE = {rule.code: i for i, rule in enumerate(RULES)}
