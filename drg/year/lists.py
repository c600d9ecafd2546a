"""Lists that people decide (人工决定清单): what each is, and the columns of its form.

A row that comes again under the same key takes the place of the one before: so an application
becomes a decision, and a deduction the outcome of its appeal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from budget.policy.document import Policy
from budget.policy.names import ROWS
from drg.cases.choices import INSURANCES_ZH
from drg.cases.columns import SYNONYMS

Words = tuple[str, str, tuple[str, ...]]


@dataclass(frozen=True)
class Column:
    """A column of a list.

    Attributes:
        name: as the book keeps it.
        zh: its heading.
        en: the same in English.
        kind: ``text``, ``money``, ``number``, ``whole``, ``day``, ``choice``; ``pool``,
            ``indicator``, ``field``, ``rule`` are choices that the policy knows, and a ``rule`` may
            be another one too.
        needed: whether a row must say it.
        also: other headings.
        choices: code -> what the form says in Chinese and English, and other words for it.
        zero: whether an amount may be 0.
    """

    name: str
    zh: str
    en: str
    kind: str = "text"
    needed: bool = False
    also: tuple[str, ...] = ()
    choices: Mapping[str, Words] | None = None
    zero: bool = False


@dataclass(frozen=True)
class ListKind:
    """A list.

    Attributes:
        code: its name on the command line.
        zh: what it is called.
        en: the same in English.
        columns: of its form.
        key: columns that say which row a row is.
        advice: what stands above the form, in Chinese and English.
    """

    code: str
    zh: str
    en: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    advice: tuple[str, str]

    def column(self, name: str) -> Column:
        """A column by its name."""
        return next(one for one in self.columns if one.name == name)


_CASE = Column(
    "case_id", "病例号", "Case", needed=True, also=("住院流水号", "结算流水号", "setl_id")
)
_HOSPITAL = Column("hospital_id", "医疗机构代码", "Hospital", needed=True,
                   also=("医疗机构编码", "医院编码", "医院代码", "fixmedins_code"))  # fmt: skip
_NOTE = Column("note", "备注", "Note", also=("说明",))
_DECISION: Mapping[str, Words] = {
    "approved": ("通过", "approved", ("同意", "已通过", "是")),
    "refused": ("不通过", "refused", ("不同意", "未通过", "否", "驳回")),
    "": ("待定", "pending", ("待评审", "待决定")),
}
REASONS: Mapping[str, Words] = {
    "long_stay": ("住院时间长", "long stay", ("住院天数过长", "长期住院")),
    "high_cost": ("医疗费用高", "high cost", ("费用高", "高费用")),
    "new_technology": (
        "新药耗新技术使用",
        "new drug or technology",
        ("新药新技术", "新技术", "新药"),
    ),
    "critical": ("复杂危重症", "critical", ("危重症", "危急重症")),
    "multidisciplinary": ("多学科联合诊疗", "multidisciplinary", ("多学科", "mdt")),
}
PAYERS: Mapping[str, Words] = {
    "retired_cadre": ("离休人员", "retired cadres", ("离休", "离休基金")),
    "civil_servant": ("公务员医疗补助", "civil servants", ("公务员补助", "公务员")),
    "maternity": ("生育保险", "maternity", ("生育", "生育基金")),
    "large_cost": ("大额医疗补助", "large cost", ("大额", "职工大额", "大额补助")),
    "out_of_area": ("异地就医", "out of area", ("异地", "跨省异地", "省内异地")),
    "other": ("其他", "other", ("其它",)),
}
FALLEN = "withdrawn"  # a deduction whose case is not the hospital's any more
_APPEAL: Mapping[str, Words] = {
    "": ("未申诉", "no appeal", ("无", "申诉中")),
    "maintained": ("维持", "maintained", ("维持原决定",)),
    "cancelled": ("撤销", "cancelled", ("取消",)),
    FALLEN: ("病例已撤销", "case withdrawn", ()),
}
_ABOUT: Mapping[str, Words] = {
    "regroup": ("重新分组", "regroup", ("分组有误", "编码更正", "入组有误")),
    "branch": ("结算类型有误", "wrong branch", ("倍率有误", "结算有误")),
    "deduction": ("扣款有误", "wrong deduction", ("违规扣款有误",)),
}
CORRECTABLE = ("discharge_mode", "length_of_stay", "total_cost", "fund_paid", "other_paid", "age",
               "day_surgery", "day_bed", "insurance", "admission_date", "discharge_date",
               "tcm_share")  # fmt: skip

CREDIT = "credit"


def choices_of(column: Column, policy: Policy) -> Mapping[str, Words] | None:
    """What a column may say: its own choices, or those that the policy knows; None for any text."""
    if column.kind == "pool":
        return {one.name: (INSURANCES_ZH.get(one.name, one.name), one.name, ())
                for one in policy.pools}  # fmt: skip
    if column.kind == "indicator":
        names = [one.name for one in policy.assessment.indicators]
        return {**{one: (ROWS.get(one, one), one, ()) for one in names},
                CREDIT: ("信用评分", CREDIT, ("信用得分",))}  # fmt: skip
    if column.kind == "rule":
        return {one.name: (ROWS.get(one.name, one.name), one.name, ())
                for one in policy.assessment.penalties}  # fmt: skip
    if column.kind == "field":
        return {one: (SYNONYMS[one][0], one, SYNONYMS[one][1:]) for one in CORRECTABLE}
    return column.choices


LISTS: dict[str, ListKind] = {
    one.code: one
    for one in (
        ListKind(
            "review", "特例单议", "special review",
            (_CASE,
             Column("reason", "申请理由", "Reason", "choice", True, ("理由", "单议理由"), REASONS),
             Column("decision", "评审结论", "Decision", "choice", also=("结论", "评审结果"),
                    choices=_DECISION),
             Column("pay", "支付方式", "Payment", "choice", also=("结算方式",), choices={
                 "": ("", "", ()), "item": ("按项目", "by item", ("按项目付费", "项目付费")),
                 "standard": ("调整支付标准", "adjusted standard", ("调整标准",)),
             }),
             Column("amount", "核定金额", "Approved amount", "money", also=("核定金额元", "金额")),
             _NOTE),
            ("case_id",),
            ("每行一例。评审前只填病例号和理由；评审后填结论。通过的病例填核定金额（基金、个人和其他各方合计）；"
             "按项目且不填金额的，按政策剔除不合理费用。",
             "A row a case. Before the review: case and reason; after it the decision. An approved "
             "case says its amount (fund, patient and others together); by item without an amount "
             "the policy's share is struck out."),
        ),
        ListKind(
            "deduction", "违规扣款", "deductions",
            (_HOSPITAL, Column("case_id", "病例号", "Case", also=_CASE.also),
             Column("rule", "违规规则", "Rule", "rule", True, ("规则", "违规类型", "违规项目")),
             Column("amount", "涉及基金金额", "Fund money concerned", "money", True,
                    ("违规金额", "金额", "涉及金额")),
             Column("times", "扣款倍数", "Multiple", "number", also=("倍数",)),
             Column("appeal", "申诉结果", "Appeal", "choice", also=("申诉结论",), choices=_APPEAL),
             _NOTE),
            ("hospital_id", "case_id", "rule"),
            ("每行一条违规。不填倍数的按政策的倍数，政策也没有的按 1 倍；申诉撤销的不再扣款。",
             "A row a violation. Without a multiple the policy's holds, else 1; what an appeal "
             "cancels is not deducted."),
        ),
        ListKind(
            "fixed", "单病种与中医优势病种定额", "fixed prices",
            (_CASE, Column("disease", "病种", "Disease", needed=True, also=("病种名称",)),
             Column("kind", "类别", "Kind", "choice", True, choices={
                 "western": ("单病种", "single disease", ("西医", "西医单病种")),
                 "tcm": ("中医优势病种", "TCM", ("中医", "中医病种")),
             }),
             Column("price", "定额标准", "Price", "money", True, ("定额", "支付标准")), _NOTE),
            ("case_id",),
            ("每行一例：该病例不按病组标准，而按定额支付。",
             "A row a case, which is paid its fixed price in place of its group's standard."),
        ),
        ListKind(
            "technology", "新技术按项目支付", "new technology",
            (_CASE, Column("technology", "新技术", "Technology", needed=True, also=("新技术名称",)),
             Column("first_day", "起始日期", "First day", "day", True, ("开始日期",)),
             Column("years", "年限", "Years", "whole", True), _NOTE),
            ("case_id",),
            ("每行一例：在年限之内出院的按项目支付。",
             "A row a case: discharged within the technology's years it is paid by item."),
        ),
        ListKind(
            "payer", "其他支付方", "payers of their own",
            (_HOSPITAL, Column("payer", "支付方", "Payer", "choice", True, choices=PAYERS),
             Column("cases", "病例数", "Cases", "whole"),
             Column("amount", "金额", "Amount", "money", True, ("支付金额", "应付金额")), _NOTE),
            ("hospital_id", "payer"),
            ("每行一家医疗机构的一个支付方，本月金额。这些资金不属于 DRG 基金池，"
             "单独列示、单独拨付。",
             "A row a hospital and payer, of this month. Such money is of no DRG pool; it stands "
             "and is paid by itself."),
        ),
        ListKind(
            "assessment", "年度考核", "assessment",
            (_HOSPITAL, Column("indicator", "考核指标", "Indicator", "indicator", True, ("指标",)),
             Column("score", "得分", "Score", "number", True, ("指标得分",)), _NOTE),
            ("hospital_id", "indicator"),
            ("每行一家医疗机构的一个指标，满分 100；总分按政策的指标权重合计。"
             "指标“信用评分”为信用得分。",
             "A row a hospital and indicator, out of 100; the score is their sum by the policy's "
             "weights. The indicator credit is the credit score."),
        ),
        ListKind(
            "advance", "预付金申请", "advance money",
            (_HOSPITAL, Column("pool", "基金池", "Pool", "pool", True, ("基金",)),
             Column("amount", "申请金额", "Amount applied for", "money", also=("金额",)), _NOTE),
            ("hospital_id", "pool"),
            ("每行一家医疗机构的一个基金池（职工医保、居民医保）。不填金额的按可预付的上限。",
             "A row a hospital and pool. Without an amount as much as may be."),
        ),
        ListKind(
            "objection", "意见反馈", "objections",
            (_CASE, Column("about", "意见类型", "About", "choice", True, ("类型",), _ABOUT),
             Column("diagnoses", "更正后诊断编码", "Corrected diagnoses", also=("诊断编码",)),
             Column("procedures", "更正后手术编码", "Corrected procedures", also=("手术编码",)),
             Column("drg", "更正后病组", "Corrected group", also=("病组",)),
             Column("field", "更正字段", "Field", "field", also=("字段",)),
             Column("value", "更正值", "Value", also=("更正后的值",)),
             Column("rule", "违规规则", "Rule", "rule", also=("规则",)),
             Column("reason", "理由", "Reason", needed=True, also=("意见", "反馈理由")),
             Column("decision", "处理结论", "Decision", "choice", also=("结论",),
                    choices=_DECISION), _NOTE),
            ("case_id", "about", "field", "rule"),
            ("每行一条意见。重新分组填更正后的编码或病组；结算类型有误填字段和更正值；扣款有误填规则。"
             "医保局填处理结论，通过的作为更正在当月结算。",
             "A row an objection. To regroup, give the corrected codes or the group; for a wrong "
             "branch the field and its value; for a deduction its rule. The bureau decides; what "
             "is approved settles as a correction of the month."),
        ),
    )
}  # fmt: skip
