"""What audit rules may ask (审核事实): names, kinds, and what each means."""

from __future__ import annotations

from budget.audit.expression import FLAG, NUMBER, TEXT

# name -> kind, Chinese, English
CASE: dict[str, tuple[str, str, str]] = {
    "cost": (NUMBER, "总费用，元", "total cost, yuan"),
    "expected": (NUMBER, "病组的预期费用，元", "what the group costs, yuan"),
    "ratio": (NUMBER, "费用倍率：总费用除以病组预期费用", "cost over what the group costs"),
    "ratio_error": (NUMBER, "病组预期费用的相对标准误", "relative standard error of the expected"),
    "group_cases": (NUMBER, "文件中该病组的病例数", "cases of the group in the file"),
    "hangs_on": (TEXT, "分组所依赖的单个编码", "the one code on which the group hangs"),
    "hanging": (FLAG, "去掉该编码后分组较低", "without that code the group would be a lower one"),
    "expected_without": (NUMBER, "去掉该编码后的预期费用，元", "what it would cost without, yuan"),
    "los": (NUMBER, "住院天数", "length of stay, days"),
    "admission": (NUMBER, "入院日", "day of admission"),
    "discharge": (NUMBER, "出院日", "day of discharge"),
    "age": (NUMBER, "年龄", "age, years"),
    "sex": (NUMBER, "性别", "sex, 1 or 2"),
    "mode": (NUMBER, "离院方式", "way of discharge"),
    "icu_hours": (NUMBER, "重症监护时长", "hours in intensive care"),
    "procedures": (NUMBER, "手术操作个数", "number of procedures"),
    "diagnoses": (NUMBER, "诊断个数", "number of diagnoses"),
    "drugs_tests": (NUMBER, "药耗和医技费用占比", "drugs, material and tests in the cost"),
    "fund": (NUMBER, "基金支付，元", "paid by the fund, yuan"),
    "self_pay": (NUMBER, "个人负担占比", "share borne by the patient"),
    "parts": (NUMBER, "各支付方合计，元", "sum over all payers, yuan"),
    "components": (NUMBER, "五项费用合计，元", "sum of the five components, yuan"),
    "idle_days": (NUMBER, "没有任何项目的住院日", "days of the stay without any item"),
    "grouped": (FLAG, "已入组", "has a group"),
    "basic": (FLAG, "不伴并发症的组或不区分的组", "a group without complication, or not divided"),
    "mcc": (FLAG, "伴严重并发症的组", "a group with major complications"),
    "cc": (FLAG, "伴并发症的组", "a group with complications"),
    "medical": (FLAG, "内科组", "a medical group"),
    "transfer": (FLAG, "转院", "transferred"),
    "died": (FLAG, "死亡", "died"),
    "drg": (TEXT, "DRG", "DRG"), "adrg": (TEXT, "ADRG", "ADRG"), "mdc": (TEXT, "MDC", "MDC"),
    "hospital": (TEXT, "医疗机构", "hospital"),
    "principal": (TEXT, "主要诊断编码", "principal diagnosis"),
    "principal3": (TEXT, "主要诊断类目（前三位）", "its category of three characters"),
    "insurance": (TEXT, "险种", "insurance"),
    "department": (TEXT, "科别", "department"),
    "contradiction": (TEXT, "质控规则", "rule of the quality check that it breaks"),
    "tier": (NUMBER, "医院级别", "tier of the hospital"),
}  # fmt: skip
PAIR: dict[str, tuple[str, str, str]] = {
    "gap_days": (NUMBER, "前次出院到本次入院的天数", "days from the discharge before"),
    "shared_days": (NUMBER, "两次住院重叠的天数", "days in both stays"),
    "same_hospital": (FLAG, "同一医疗机构", "the same hospital"),
}
ITEM: dict[str, tuple[str, str, str]] = {
    "item.name": (TEXT, "项目", "item"),
    "item.category": (TEXT, "类别", "category"),
    "item.day": (NUMBER, "日期", "day"),
    "item.quantity": (NUMBER, "数量", "quantity"),
    "item.amount": (NUMBER, "金额，元", "amount, yuan"),
}
HOSPITAL: dict[str, tuple[str, str, str]] = {
    "cases": (NUMBER, "病例数", "cases"),
    "cmi": (NUMBER, "病例组合指数", "case mix index"),
    "cost_index": (NUMBER, "费用消耗指数", "cost index"),
    "time_index": (NUMBER, "时间消耗指数", "time index"),
    "mcc_share": (NUMBER, "MCC 占比", "share of MCC groups"),
    "transfer_share": (NUMBER, "转院占比", "share transferred"),
    "self_pay_share": (NUMBER, "个人负担占比", "share borne by patients"),
    "drugs_tests_share": (NUMBER, "药耗和医技占比", "share of drugs, material and tests"),
    "mean_cost": (NUMBER, "次均费用", "mean cost"),
    "tier": (NUMBER, "级别", "tier"),
    "hospital": (TEXT, "医疗机构", "hospital"),
}
# what a fact is called in a sentence; where facts of two rows have one name, that of the case
MEANINGS: dict[str, tuple[str, str]] = {
    name: (zh, en) for held in (HOSPITAL, ITEM, PAIR, CASE) for name, (_, zh, en) in held.items()
}
_OF_CASE = {name: kind for name, (kind, *_) in CASE.items()}
FACTS: dict[str, dict[str, str]] = {
    "cases": _OF_CASE,
    "pairs": _OF_CASE | {name: kind for name, (kind, *_) in PAIR.items()}
    | {f"other.{name}": kind for name, kind in _OF_CASE.items()},
    "items": _OF_CASE | {name: kind for name, (kind, *_) in ITEM.items()},
    "hospitals": {f"{prefix}{name}": kind for prefix in ("", "before.", "peers.")
                  for name, (kind, *_) in HOSPITAL.items() if not prefix or kind == NUMBER},
}  # fmt: skip
