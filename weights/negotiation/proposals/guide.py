"""Texts of the form of proposals (填写说明) in Chinese and English, with examples that are read."""

from __future__ import annotations

from weights.fit.adjust import KINDS

# lang -> texts of the sheets
LABELS: dict[str, dict[str, str]] = {
    "zh": {
        "form": "申请表", "guide": "填写说明", "groups": "病组查询", "hospitals": "医疗机构",
        "title": "病组权重调整申请表",
        "advice": "每行一项申请。黄色列必填；提出方、医疗机构代码、病组编码、调整事项可从列表选择。"
        "调整值写法见“填写说明”，病组现状见“病组查询”。请勿填写患者姓名、身份证号、手机号等个人信息。",
        "form_name": "病组名称（自动）", "form_weight": "草案权重（自动）",
        "not_listed": "不在列表中，请从下拉列表选择。",
        "groups_drg": "病组编码", "groups_name": "病组名称", "groups_weight": "草案权重",
        "groups_cases": "病例数", "groups_mean_cost": "次均费用（元）", "groups_cv": "变异系数",
        "groups_ci_low": "权重置信下限", "groups_ci_high": "权重置信上限",
        "hospital_id": "医疗机构代码", "hospital_name": "医疗机构名称",
    },
    "en": {
        "form": "Proposals", "guide": "How to fill in", "groups": "Groups",
        "hospitals": "Hospitals", "title": "Proposals to change weights of groups",
        "advice": "One proposal a row. Yellow columns are needed; proposer, hospital, group and "
        "change are chosen from lists. How to write a value is on the sheet 'How to fill in', the "
        "groups are on 'Groups'. Give no names, identity numbers or telephone numbers.",
        "form_name": "Name (automatic)", "form_weight": "Draft weight (automatic)",
        "not_listed": "Not in the list; please choose from it.",
        "groups_drg": "Group", "groups_name": "Name", "groups_weight": "Draft weight",
        "groups_cases": "Cases", "groups_mean_cost": "Mean cost (yuan)", "groups_cv": "CV",
        "groups_ci_low": "Interval low", "groups_ci_high": "Interval high",
        "hospital_id": "Hospital id", "hospital_name": "Hospital",
    },
}  # fmt: skip

# lang -> column -> what a cell of the form says when it is chosen (at most 255 characters)
NOTES: dict[str, dict[str, str]] = {
    "zh": {
        "party": "医疗机构、专家组或医保局。",
        "hospital_id": "医疗机构提出时必填；专家组、医保局提出时留空。",
        "drg": "从列表选择，或按“病组查询”填写编码。",
        "what": "权重、类别、裁剪、剔除病例之一。",
        "value": "权重：1.25、+10%、-5%、×1.1。类别：疑难重症 1.05。裁剪：ratio、iqr。"
        "剔除病例：费用>200000 且 住院天数>60。",
        "least": "可留空。可接受的最低权重，如 1.15 或 +5%，不高于申请权重。",
        "most": "可留空。可接受的最高权重，如 1.40 或 +20%，不低于申请权重。",
        "reason": "必填，简要说明为什么调整。请勿填写患者个人信息。",
        "evidence": "可留空。数据、文献、附件名称等。请勿填写患者个人信息。",
    },
    "en": {
        "party": "hospital, panel or bureau.",
        "hospital_id": "Needed when a hospital asks; blank for a panel or the bureau.",
        "drg": "Choose from the list, or take the code from the sheet 'Groups'.",
        "what": "weight, class, trim or exclude.",
        "value": "weight: 1.25, +10%, -5%, ×1.1. class: severe 1.05. trim: ratio, iqr. "
        "exclude: cost>200000 and length_of_stay>60.",
        "least": "May be blank. The lowest weight that is acceptable, such as 1.15 or +5%.",
        "most": "May be blank. The highest weight that is acceptable, such as 1.40 or +20%.",
        "reason": "Needed: why, in short. Nothing that tells who a patient is.",
        "evidence": "May be blank: data, literature, names of annexes. Nothing of patients.",
    },
}

# lang -> what is to change, value, meaning; every value can be read as it stands
EXAMPLES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "zh": (
        ("权重", "1.25", "权重改为 1.25"),
        ("权重", "+10%", "在草案权重上提高 10%；降低写 -10%。也可写 上调10%、下调10%"),
        ("权重", "×1.1", "草案权重乘以 1.1；也可写 x1.1、1.1倍"),
        ("类别", "疑难重症 1.05", "列入疑难重症，权重乘以 1.05（系数范围见下）"),
        ("类别", "基础病组", "列入基础病组，可不写系数"),
        ("裁剪", "ratio", "按均值倍率法（0.3至3倍）裁剪后重新测算"),
        ("裁剪", "iqr k=2", "按四分位距法裁剪，倍数取 2"),
        ("裁剪", "winsor", "缩尾处理；其他方法：log3sd、percentile、l3h3、l15h15、inek、none"),
        ("剔除病例", "费用>200000", "剔除费用高于 20 万元的病例后重新测算；也可写 cost>20万元"),
        ("剔除病例", "住院天数>60 且 费用>200000", "同时满足两个条件的病例"),
        ("剔除病例", "医疗机构=H01", "剔除一家医疗机构的病例（写医疗机构代码）"),
        ("剔除病例", "病例号 属于 A1|A2", "剔除列出的病例（写病例号，不写患者信息）"),
    ),
    "en": (
        ("weight", "1.25", "the weight becomes 1.25"),
        ("weight", "+10%", "10% more than the draft; -10% for less"),
        ("weight", "×1.1", "the draft times 1.1; x1.1 will do"),
        ("class", "severe 1.05", "a difficult and severe group, its weight times 1.05"),
        ("class", "basic", "a basic group; needs no factor"),
        ("trim", "ratio", "estimated anew from cases within 0.3 to 3 times the mean"),
        ("trim", "iqr k=2", "estimated anew within the quartiles and 2 interquartile ranges"),
        ("trim", "winsor", "winsorised; others: log3sd, percentile, l3h3, l15h15, inek, none"),
        ("exclude", "cost>200000", "estimated anew without cases of more than 200,000 yuan"),
        ("exclude", "length_of_stay>60 and cost>200000", "cases that meet both"),
        ("exclude", "hospital_id=H01", "without the cases of one hospital"),
        ("exclude", "case_id in A1|A2", "without these cases; case numbers, nothing of patients"),
    ),
}

_CLASSES = tuple((kind, chinese, f"{low:g}-{high:g}") for kind, (chinese, (low, high))
                 in KINDS.items())  # fmt: skip

# lang -> lines of the sheet that explains: a title alone, headings after "#", else three cells
GUIDE: dict[str, tuple[tuple[str, ...], ...]] = {
    "zh": (
        ("怎样填写",),
        ("1", "在“申请表”中每行填一项申请", "黄色列必填；多家医疗机构可共用一份，也可各填一份"),
        ("2", "同一提出方对同一病组只提一次", "重复的行退回并注明首次所在行"),
        ("3", "理由必填，不写个人信息", "出现身份证号或手机号的行一律退回"),
        ("4", "可接受最低 ≤ 申请权重 ≤ 可接受最高", "两列均可留空，可写权重或 +5% 这样的幅度"),
        ("5", "申请权重须在草案权重的 0.2 至 5 倍之间",
         "超出谈判幅度（通常 ±20%）可以提出，会注明"),
        ("6", "百分数请带正负号", "Excel 中输入 +10% 会变成 10%，按提高 10% 读取；"
         "不带正号且达到 50% 的（如 110%）含义不明，退回。请改写 ×1.1"),
        ("调整值写法举例",),
        ("#", "调整事项", "调整值", "含义"),
        *EXAMPLES["zh"],
        ("病组类别",),
        ("#", "代码", "类别", "系数范围"),
        *_CLASSES,
    ),
    "en": (
        ("How to fill in",),
        ("1", "One proposal a row on the sheet 'Proposals'", "Yellow columns are needed"),
        ("2", "Nobody asks twice for one group", "The second row is turned back"),
        ("3", "A reason is needed, without personal data",
         "A row with an identity or mobile number is turned back"),
        ("4", "least ≤ asked ≤ most", "Both may be blank, a weight, or a change such as +5%"),
        ("5", "The weight is 0.2 to 5 times the draft",
         "Beyond the corridor (mostly ±20%) it may be asked for; it is marked"),
        ("6", "Write percentages with a sign", "Excel turns +10% into 10%, read as +10%; "
         "without a sign and from 50% on (110%) it may mean two things and is turned back"),
        ("How to write a value",),
        ("#", "Change", "Value", "Meaning"),
        *EXAMPLES["en"],
        ("Classes of groups",),
        ("#", "Class", "Chinese", "Factors"),
        *_CLASSES,
    ),
}  # fmt: skip
