"""Notes, versions and terms (提示、版本、术语): what to know of the data, and how to repeat it."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from importlib import resources
from typing import Any

import drg
from budget.projection.warnings import chinese as ahead
from budget.settlement.warned import chinese
from drg.page.blocks import Block, Column, Points, Section, Text, table
from drg.page.words import Words, clean, without_few
from drg.report.panel.assumptions import assumptions, policy_figures
from drg.report.panel.data import PanelData
from drg.report.panel.story import Story

_GRAVE = ("groups_without_weight", "hospitals_without_rate", "last_year_unknown", "no_money",
          "columns_missing")  # fmt: skip
_AMOUNTS = re.compile(r"(?:[：:] ?(?:[^\s：:]+ [\d,.-]+,? ?)+| ?[（(][\d,.]+ ?)(?:元|yuan)[)）]?")
_ALIKE = 3  # warnings of a kind that are told one by one


def source_section(data: PanelData, held: Story | None, words: Words, annex: str) -> Section:
    """What the result rests on, in the report itself."""
    blocks: list[Block] = [] if held is None else assumptions(data, held, words)
    notes = warned(data, words)
    if notes:
        blocks += [Text(words("需要注意：", "To be noted:")), Points(notes)]
    more = words(f"附件（{annex}）", f"the annex ({annex})") if annex else ""
    where = words("和", " and ").join(
        part for part in (more, words("工作簿", "the workbook")) if part
    )
    blocks.append(Text(words(
        f"医疗机构分表、敏感性明细、政策数值及来源、版本与校验值、术语见{where}。"
        "本报告只用汇总数，不读取参保人和病例的编号；“<5”为 1 至 4 例，“*”为与之相关、"
        "或可据以推算出小数目的数值，不予公布。",
        "Sheets of hospitals, sensitivity, the figures of the policy with their sources, versions "
        f"and terms are in {where}. The report holds sums only and reads no id of a person or a "
        "case; <5 is 1 to 4 cases, * goes with such a number or would give it away.",
    ), "quiet"))  # fmt: skip
    title = words("依据与说明", "What it rests on") if held is None else words(
        "假设与来源", "Assumptions and sources")  # fmt: skip
    return Section("sources", title, blocks)


def warned(data: PanelData, words: Words, *, grave: bool = False) -> list[str]:
    """What the engines warned of, one line a kind; only what makes the result doubtful.

    Args:
        data: the records.
        words: the language.
        grave: those that make the result doubtful; else the others.
    """
    found: dict[str, tuple[str, Callable[[str], str]]] = {}
    sources: tuple[tuple[dict[str, Any], Callable[[str], str]], ...] = (
        (data.settlement, chinese), (data.projection or {}, ahead))  # fmt: skip
    for document, translate in sources:
        said = document.get("warnings")
        if isinstance(said, dict):
            found |= {str(k): (str(v), translate) for k, v in said.items()}
        elif isinstance(said, list):
            found |= {f"#{n}": (str(v), translate) for n, v in enumerate(said, 1)}
    kinds: dict[str, list[str]] = {}
    for key, (text, translate) in found.items():
        kind, _, hospital = key.partition(".")
        if grave == key.startswith(_GRAVE) and hospital not in data.hidden:
            about = "" if translate is chinese else _assumed(data, key, words)
            told = without_few(text)
            line = _named(data, about + (translate(told) if words.zh else told), words)
            if hospital in set(data.by_hospital["hospital_id"]) or data.hidden_pools:
                line = _AMOUNTS.sub("", line)  # of one pool of a hospital, or of a hidden pool
            if data.hidden_pools and re.search(r"\d (?:元|yuan)", line):
                continue
            if data.untold.of("month") and re.search(r"\d{4}-\d{2}", line):
                continue  # balances of two months tell the one between
            kinds.setdefault(kind, []).append(clean(line, 400))
    lines = []
    for some in kinds.values():
        lines += some[:_ALIKE]
        if len(some) > _ALIKE:
            left = len(some) - _ALIKE
            lines.append(
                words(
                    f"另有 {left} 项同类提示，见清算记录。",
                    f"{left} more of the kind are in the settlement's record.",
                )
            )
    return lines


def _assumed(data: PanelData, key: str, words: Words) -> str:
    """The assumption that a warning of a projection is about."""
    for one in (data.projection or {}).get("assumptions") or ():
        if isinstance(one, dict) and str(one.get("key", "")).startswith(key.partition(":")[0]):
            return clean(one.get("zh" if words.zh else "en"), 90) + words("：", ": ")
    return ""


def _named(data: PanelData, text: str, words: Words) -> str:
    """A warning with hospitals by name and pools in words."""
    for code, name in zip(data.by_hospital["hospital_id"], data.by_hospital["hospital"],
                          strict=True):  # fmt: skip
        text = text.replace(f"hospital {code}:", f"{name}:").replace(
            f"医疗机构 {code}：", f"{name}："
        )
    for pool in data.pools["pool"]:
        text = re.sub(rf"\b{re.escape(str(pool))}\b", words.insurance(str(pool)), text)
    return text


def policy_section(data: PanelData, words: Words) -> Section:
    """Every figure of the policy, for the annex."""
    return Section("policy", words("政策数值与来源", "Figures of the policy"),
                   policy_figures(data, words))  # fmt: skip


def version_section(data: PanelData, words: Words) -> Section:
    """Program, documents and files by their hashes, so that the result can be made again."""
    settlement, projection = data.settlement, data.projection or {}
    rows: list[tuple[str, str, str]] = [
        (words("程序", "Program"), f"drg-toolkit {drg.__version__}", ""),
        (
            words("结算所用程序", "Settled by"),
            f"drg-toolkit {clean(settlement.get('version'), 40)}",
            "",
        ),
    ]
    for label, document in (
        (words("支付政策", "Policy"), settlement.get("policy")),
        (words("权重表", "Weights"), settlement.get("weights")),
        (words("病例文件", "Cases"), settlement.get("input")),
    ):
        if isinstance(document, dict):
            rows.append((label, clean(document.get("id") or document.get("file"), 80),
                         clean(document.get("sha256"), 80)))  # fmt: skip
    for key, label in (("seed", words("随机种子", "Seed")), ("draws", words("抽取次数", "Draws"))):
        if key in projection:
            rows.append((label, clean(projection[key], 40), ""))
    named = len(rows)
    for label, held in ((words("输入", "Input"), settlement.get("files")),
                        (words("测算", "Projection"), projection.get("hashes")),
                        (words("本报告读取", "Read for this"), data.hashes)):  # fmt: skip
        if isinstance(held, dict):
            rows += [(label, clean(k, 80), clean(v, 80)) for k, v in held.items()]
    columns = [Column("what", "内容", "What"), Column("name", "名称", "Name", "name"),
               Column("sha", "SHA-256", "SHA-256", "code")]  # fmt: skip
    title = words("版本与校验值", "Versions and hashes")
    return Section("versions", title, [
        table("versions-named", title, columns, rows[:named], where="page"),
        table("versions", title, columns, rows, where="book"),
        Text(words("全部表格作为一个方程组核对：每一合计中至少隐去两项、共不少于 5 例；任何隐去的"
                   "数值，由所公布的全部数值（含总额控制扣减）用线性规划推算，都不能落入其 1% "
                   "以内。",
                   "All tables are held together as one system: every total misses at least two "
                   "parts with 5 cases or more, and by linear programming nothing that is told, "
                   "budget cuts included, bounds a hidden figure within 1%."), "quiet"),
    ])  # fmt: skip


def glossary_section(words: Words) -> Section:
    """Terms in both languages."""
    english = [] if words.zh else [Column("en", "英文", "English")]
    columns = [Column("zh", "术语", "中文"), *english,
               Column("said", "含义", "Meaning", "long")]  # fmt: skip
    terms = resources.files("drg.report.panel").joinpath("terms.csv").read_text(encoding="utf-8")
    rows = [(zh, a) if words.zh else (zh, en, b) for zh, en, a, b in list(
        csv.reader(terms.splitlines()))[1:]]  # fmt: skip
    title = words("术语", "Terms")
    return Section("glossary", title, [table("glossary", title, columns, rows)])
