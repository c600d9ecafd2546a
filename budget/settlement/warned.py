"""Warnings (提示): those by hospital, and what each says in Chinese.

A record keeps a warning in English whatever the reader's language, so that its bytes are the same
everywhere; :func:`chinese` gives the text beside it for people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import numpy as np
import numpy.typing as npt

from drg.money import Fen, yuan

# what a warning says -> the same in Chinese; names in braces stand for what differs
_CHINESE = {
    # of single cases
    "{n} cases: fund_paid and other_paid exceed the cost; cut to it, other_paid first":
        "{n} 例：基金支付与其他支付之和超过费用，先削减其他支付，直至与费用相等",
    "{n} cases: fund_paid is 0 or blank; the patient is taken to have paid everything":
        "{n} 例：基金支付为 0 或空，视为患者负担全部费用",
    "{n} cases: the patient's parts are more than fund_paid leaves; cut to it":
        "{n} 例：患者负担各项之和超过基金支付后的余额，按余额削减",
    "{n} cases: the patient's parts do not make up what the payers leave; "
    "the rest is counted as copay":
        "{n} 例：患者负担各项之和少于各方支付后的余额，差额计入自付",
    "{n} cases: what the file says that the patient paid is not what fund_paid and other_paid "
    "leave of the cost; these are taken":
        "{n} 例：文件所列个人负担与费用扣除基金支付和其他支付后的余额不符，以后者为准",
    "{n} cases: no ratio of the policy applies; the fund pays nothing by item":
        "{n} 例：政策中没有适用的报销比例，按项目计算基金不予支付",
    "{n} cases: the person is unknown; each is taken for a first stay of the year, and yearly "
    "caps and lines hold for it alone":
        "{n} 例：参保人未知，各视为当年首次住院，年度封顶线和起付线单独计算",
    "{n} cases: other_paid is more than the policy leaves to the patient; cut to it":
        "{n} 例：其他支付超过按政策由患者负担的金额，按该金额削减",
    "{n} cases have the case_id of another one; drg check lists them":
        "{n} 例的病例号与其他病例重复，数据质量检查可逐一列出",
    "{n} cells of {column} cannot be read ({share})":
        "{column} 列有 {n} 个单元格无法识别（{share}）",
    "{n} cells of {column} are not in the table of hospitals ({share})":
        "{column} 列有 {n} 个单元格不在医疗机构表中（{share}）",
    "{n} cells of {column} are above 1 and are taken for percentages":
        "{column} 列有 {n} 个单元格大于 1，按百分数处理",
    "{key}: no case has a discharge_mode, so none is a transfer":
        "{key}：没有病例有离院方式，因此没有转院病例",
    "{key}: no case has a length of stay or both dates":
        "{key}：没有病例有住院天数或出入院日期",
    "{n} cells are listed in {file}": "{n} 个单元格列于 {file}",
    "{n} special reviews of {m} hospitals are beyond their quota and priced by the ordinary rules":
        "{m} 家医疗机构有 {n} 例特病单议超出限额，按一般规则计价",
    "{n} high cases are beyond the quota of their hospital and are paid the standard":
        "{n} 例高倍率病例超出所在医疗机构的例数限额，按支付标准支付",
    # of what the policy asks for and is not there
    "the public holidays of {year} are not known, so working days are Monday to Friday: give them "
    "as {key} of the policy":
        "{year} 年的节假日安排未知，工作日按周一至周五计：请在政策中写明 {key}",
    "the policy goes by columns that the weight table has not, so they are empty: {list}":
        "政策所依据的列在权重表中没有，相应内容为空：{list}",
    "the policy has no rate for {list} (tier, class, level or county?): {size}":
        "政策没有以下医疗机构的费率（级别、等次、层级或县区是否有误？）：{list}：{size}",
    "the policy has no coefficient for {list} (tier, class, level or county?), 1 stands in: {size}":
        "政策没有以下医疗机构的系数（级别、等次、层级或县区是否有误？），按 1 计：{list}：{size}",
    "no mean cost stands for cases of {list}: {size}":
        "以下医疗机构的病例没有可依据的平均费用：{list}：{size}",
    "groups without a weight ({list}): {size}": "病组没有权重（{list}）：{size}",
    "without patient_id readmissions cannot be seen": "没有参保人编号，无法识别再次住院",
    "{key}: no case has a tcm_share, so none has its least share":
        "{key}：没有病例有中医治疗占比，因此都达不到最低占比",
    "{key}: the weight table has no group {group}": "{key}：权重表中没有病组 {group}",
    "{key}: no case has an age": "{key}：没有病例有年龄",
    "policy {id} holds from {first} to {last}, not in {year}":
        "政策 {id} 的适用期为 {first} 至 {last}，不含 {year} 年",
    # of pools and areas
    "pool {pool}: it has no case, and last year's spend is not known":
        "基金池 {pool}：没有病例，上年支出也未知",
    "pool {pool}: last year's spend is not known; this year's fund money by item ({sum} yuan) "
    "stands in for it":
        "基金池 {pool}：上年支出未知，以本年按项目计算的基金支出（{sum} 元）代替",
    "no case was discharged after month {m}; advances are those of {n} months":
        "{m} 月之后没有出院病例，按 {n} 个月预拨",
    "pool {pool}: its money of the whole year is shared out over the cases of {m} months; {n} "
    "twelfths of what they are worth are advanced":
        "{pool}基金池：全年可分配额由 {m} 个月的病例分配，按其应付的 {n}/12 预拨",
    "pool {pool}: last year's spend is given for the pool alone; advances share it out by this "
    "year's fund money by item":
        "基金池 {pool}：上年支出只有基金池合计，预拨按本年按项目计算的基金支出分到各医疗机构",
    "pool {pool}: the balance at the end of {month} is {sum} yuan":
        "基金池 {pool}：{month} 末余额为 {sum} 元",
    "{area}: no spend is given, nothing is prepaid": "{area}：没有给出支出，不预付",
    # of hospitals
    "hospital {id}: {item}: the price rose from {before} to {after} yuan, nothing is retained":
        "医疗机构 {id}：{item}：价格由 {before} 元升至 {after} 元，没有结余留用",
    "hospital {id}: payable is negative: {sums} yuan": "医疗机构 {id}：应付为负：{sums} 元",
    "hospital {id}: without the fund more is paid than the cap allows, by: {sums} yuan":
        "医疗机构 {id}：基金以外的支付已超过支付上限：{sums} 元",
    "hospital {id}: the final settlement is negative: {sums} yuan":
        "医疗机构 {id}：清算金额为负：{sums} 元",
    "hospital {id}: no money was left for a part of the penalty: {sums} yuan":
        "医疗机构 {id}：余额不足以扣除全部违规扣款：{sums} 元",
    "hospital {id}: was advanced more than the year is worth and returns: {sums} yuan":
        "医疗机构 {id}：预拨超过全年应付，应退回：{sums} 元",
    "hospital {id}: had no advance, all is paid at the clearing: {sums} yuan":
        "医疗机构 {id}：没有预拨，全部在清算时支付：{sums} 元",
}  # fmt: skip
_WITHIN = (  # what stands for braces in several of them
    (re.compile(r"\bemployee\b"), "职工医保"),
    (re.compile(r"\bresident\b"), "居民医保"),
    (re.compile(r"([\d,]+) cases, ([\d,.]+) yuan"), r"\1 例，\2 元"),
    (re.compile(r"\bfewer than (\d+) cases\b"), r"不足 \1 例"),
    (re.compile(r"\bfewer than (\d+)"), r"不足 \1"),
    (re.compile(r" and (\d+) more\b"), r" 等另 \1 个"),
    (re.compile(r"\bothers that are not in the weight table\b"), "及不在权重表中的病组"),
)


def warned(
    name: str,
    what: str,
    amounts: Fen,
    where: npt.NDArray[np.bool_],
    hospitals: tuple[str, ...],
    pools: tuple[str, ...],
) -> dict[str, str]:
    """Warnings ``name.hospital``, one line a hospital with its pools and their amounts.

    Args:
        name: of the warning.
        what: what a reader must know.
        amounts: in fen. Shape (H, P).
        where: the amounts meant. Shape (H, P).
        hospitals: ids.
        pools: names.
    """
    found: dict[str, str] = {}
    for h in np.flatnonzero(where.any(axis=1)):
        sums = ", ".join(
            f"{pools[p]} {yuan(amounts[h, p])}".strip() for p in np.flatnonzero(where[h])
        )
        found[f"{name}.{hospitals[h]}"] = f"hospital {hospitals[h]}: {what}: {sums} yuan"
    return found


def chinese(text: str) -> str:
    """A warning of a settlement in Chinese; one that is not known stays as it is."""
    return in_chinese(text, _CHINESE)


def in_chinese(text: str, texts: Mapping[str, str]) -> str:
    """A text in Chinese, its figures and names put in.

    Args:
        text: as a record keeps it.
        texts: English to Chinese, with names in braces for what differs.
    """
    for english, zh in texts.items():
        if found := _pattern(english).fullmatch(text):
            held = found.groupdict()
            for name in held:
                for pattern, by in _WITHIN:
                    held[name] = pattern.sub(by, held[name])
            return zh.format_map(held)
    return text


@cache
def _pattern(english: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", english)
    return re.compile("".join(
        f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)
    ), re.DOTALL)  # fmt: skip
