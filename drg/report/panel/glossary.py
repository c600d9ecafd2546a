"""Terms of the panel report in both languages (术语)."""

from __future__ import annotations

GLOSSARY: tuple[tuple[str, str, tuple[str, str]], ...] = (
    (
        "病组（DRG）",
        "DRG",
        ("诊断和治疗相近、费用相近的一组病例", "cases alike in diagnosis, treatment and cost"),
    ),
    (
        "权重（RW）",
        "relative weight",
        ("病组费用与全部病例平均费用之比", "cost of a group in relation to the mean of all cases"),
    ),
    (
        "病例组合指数（CMI）",
        "case-mix index",
        ("平均权重，反映收治病例的难度", "mean weight: how difficult the cases are"),
    ),
    ("费率", "rate", ("每 1 个权重支付的金额", "yuan for a weight of 1")),
    (
        "点数、点值",
        "points, point value",
        ("病例折算的分值，及每一点的金额", "score of a case, and yuan for a point"),
    ),
    (
        "支付标准",
        "payment standard",
        ("一个病例按政策应得的金额", "what a case is worth by the policy"),
    ),
    ("倍率", "ratio of cost", ("病例费用与支付标准之比", "cost of a case over its standard")),
    (
        "高倍率、低倍率",
        "high, low outlier",
        ("费用远高于、低于支付标准的病例", "a case that costs far more or less than its standard"),
    ),
    (
        "特病单议",
        "special review",
        ("费用特高病例经专家评议后另行支付", "very dear cases paid after review by experts"),
    ),
    (
        "基金池",
        "pool",
        ("一个险种一年可支付的基金总额", "what the fund can pay in a year for an insurance"),
    ),
    ("调剂金", "reserve", ("从预算中预留的部分", "part of the budget that is kept back")),
    (
        "DRG 应付",
        "payable by DRG",
        (
            "年终调整前基金按 DRG 应支付的金额",
            "what the fund owes by DRG before the year-end clearing",
        ),
    ),
    (
        "清算支付",
        "paid at clearing",
        ("年终清算后基金实际支付的金额", "what the fund pays after the year-end clearing"),
    ),
    (
        "盈亏",
        "gain or loss",
        (
            "清算支付与个人、其他支付之和减去病例总费用",
            "payments of fund, patients and others less the cost of the cases",
        ),
    ),
    (
        "质量保证金",
        "quality money",
        ("预拨时扣留、考核后返还的部分", "held back from advances and released at the assessment"),
    ),
    ("次均费用", "average cost", ("每个病例的平均总费用", "mean total cost of a case")),
    (
        "费用消耗指数",
        "cost index",
        (
            "与全区同病组平均费用相比的费用水平，1 为相同",
            "cost against the region's mean in the same groups; 1 is the same",
        ),
    ),
    ("入组率", "grouping rate", ("能够进入病组的病例占比", "share of cases that have a group")),
    (
        "组间变异解释度（RIV）",
        "variance explained (RIV)",
        (
            "费用差异中由病组解释的比重，0 至 1；越高，同组病例的费用越接近",
            "share of the variance of cost that groups explain, 0 to 1; the higher, the more alike "
            "the cases of a group",
        ),
    ),
    (
        "变异系数（CV），CV<1",
        "coefficient of variation (CV), CV < 1",
        (
            "组内费用的标准差与均值之比；小于 1 的病组费用较集中，适合按组支付",
            "standard deviation over mean of cost in a group; below 1 its costs lie close enough "
            "together to be paid by group",
        ),
    ),
    (
        "总额控制扣减",
        "budget cut",
        (
            "应支付的金额超过基金池时，按比例扣减到基金池的金额；扣减由医疗机构承担",
            "what is taken off all payments alike when they exceed the pool; the hospitals bear it",
        ),
    ),
    (
        "扣减前结余、扣减后结余",
        "balance before and after the cut",
        (
            "基金池减去扣减前、扣减后的支付；扣减前为负表示医疗服务超过了基金的承受能力",
            "the pool less payments before and after the cut; below 0 before it, care costs more "
            "than the pool holds",
        ),
    ),
    (
        "亏损概率",
        "probability of loss",
        (
            "随机抽取中医疗机构亏损超过其费用 5% 的比例；不到 5% 的亏损不计入",
            "share of the draws in which a hospital loses more than 5% of its cost; smaller losses "
            "do not count",
        ),
    ),
    (
        "基准方案",
        "baseline",
        (
            "维持现行政策、没有其他假设变动的测算；基金池按上年支付增长，扣除不支付的调剂金",
            "the policy as it is and nothing else assumed; a pool grows on last year's payments "
            "less the reserve, which is not paid out",
        ),
    ),
    (
        "Sobol 指数",
        "Sobol index",
        (
            "一个假设占结果不确定性的比重",
            "share of an outcome's uncertainty that an assumption brings",
        ),
    ),
    (
        "病例组合、服务强度",
        "case mix, intensity",
        (
            "次均费用变化中由病种构成、由同病种用量带来的部分",
            "parts of a change: by which cases, and by how much is done for each",
        ),
    ),
    (
        "95% 区间",
        "95% interval",
        (
            "随机抽取中居中 95% 的结果所在的范围：低于和高于它的各占 2.5%",
            "where the middle 95 of 100 random draws lie; 2.5 lie below it and 2.5 above",
        ),
    ),
)
