"""Assumptions and sources (假设与来源) as a section, versions and hashes, and a glossary."""

from __future__ import annotations

import drg
from drg.page.blocks import Block, Cell, Column, Points, Section, Table, Text
from drg.page.fonts import Font
from drg.page.words import Words, clean, without_few
from drg.report.panel.assumptions import assumptions, policy_figures
from drg.report.panel.data import PanelData
from drg.report.panel.glossary import GLOSSARY

_WARNINGS = {
    "groups_without_weight": "部分病组没有权重",
    "hospitals_without_rate": "部分医疗机构没有费率",
    "fund_paid_zero": "部分病例的基金支付为 0 或空",
    "last_year_unknown": "上年基金支出未知，以本年按项目基金支出代替",
    "persons_unknown": "部分病例的参保人未知",
    "no_persons": "没有参保人标识，无法识别再次住院",
    "review_beyond_quota": "特病单议申报超过限额",
    "columns_missing": "权重表缺少病组集合所需的列",
    "no_money": "基金池没有病例，上年支出也未知",
}


def source_section(data: PanelData, words: Words) -> Section:
    """Every figure that the result rests on, with where it comes from."""
    blocks = [*assumptions(data, words), *policy_figures(data, words), *_notes(data, words)]
    return Section("sources", words("假设与来源", "Assumptions and sources"), blocks)


def _notes(data: PanelData, words: Words) -> list[Block]:
    """What the engines warned of."""
    found: dict[str, str] = {}
    for document in (data.settlement, data.projection or {}):
        said = document.get("warnings")
        if isinstance(said, dict):
            found |= {str(k): str(v) for k, v in said.items()}
        elif isinstance(said, list):
            found |= {f"#{n}": str(v) for n, v in enumerate(said, 1)}
    if not found:
        return []
    lines = []
    for key, text in found.items():
        title = next((zh for name, zh in _WARNINGS.items() if key.startswith(name)), "")
        text = clean(without_few(text), 400)
        lines.append(f"{title}：{text}" if title and words.zh else text)
    return [Text(words("需要注意：", "To be noted:")), Points(lines)]


def version_section(data: PanelData, words: Words, font: Font | None) -> Section:
    """Program, documents and files by their hashes, so that the result can be made again."""
    settlement, projection = data.settlement, data.projection or {}
    rows: list[list[Cell]] = [[words("程序", "Program"), f"drg-toolkit {drg.__version__}", ""]]
    made = clean(settlement.get("version"), 40)
    if made and made != drg.__version__:
        rows.append([words("结算所用程序", "Settled by"), f"drg-toolkit {made}", ""])
    for label, document in (
        (words("支付政策", "Policy"), settlement.get("policy")),
        (words("权重表", "Weights"), settlement.get("weights")),
        (words("病例文件", "Cases"), settlement.get("input")),
    ):
        if isinstance(document, dict):
            rows.append(
                [
                    label,
                    clean(document.get("id") or document.get("file"), 80),
                    clean(document.get("sha256"), 80),
                ]
            )
    files = settlement.get("files")
    if isinstance(files, dict):
        rows += [[words("输入", "Input"), clean(k, 80), clean(v, 80)] for k, v in files.items()]
    for key in ("seed", "draws"):
        if key in projection:
            label = words("随机种子", "Seed") if key == "seed" else words("抽取次数", "Draws")
            rows.append([label, clean(projection[key], 40), ""])
    named = len(rows)
    hashes = projection.get("hashes")
    if isinstance(hashes, dict):
        rows += [
            [words("测算", "Projection"), clean(k, 80), clean(v, 80)] for k, v in hashes.items()
        ]
    rows += [
        [words("本报告读取", "Read for this"), name, digest] for name, digest in data.hashes.items()
    ]
    columns = [
        Column(words("内容", "What")),
        Column(words("名称", "Name"), "name"),
        Column("SHA-256", "code"),
    ]
    caption = words("版本与校验值", "Versions and hashes")
    every = words("版本与校验值，含全部文件", "Versions and hashes, with every file")
    more = words(
        "读取和写出的每个文件的校验值见工作簿。", "The workbook has the hash of every file."
    )
    return Section(
        "versions",
        caption,
        [
            Table("versions-named", caption, columns, rows[:named], 0, more, in_book=False),
            Table("versions", every, columns, rows, on_page=False),
            *_privacy(words),
            _colophon(words, font),
        ],
    )


def _privacy(words: Words) -> list[Block]:
    return [
        Text(
            words(
                "个人信息：本报告只用汇总数，不读取参保人和病例的编号。"
                "1 至 4 例的数目写作“<5”，与之相关的金额和比例写作“*”；"
                "若由合计可以推算出被隐去的数目，则同一行列中再隐去最小的一个，"
                "使每一合计中至少隐去两项、共不少于 5 例。",
                "Persons: the report holds sums only and reads no id of a person or a case. "
                "Counts from 1 to 4 stand as <5, and money and shares beside them as *. Where a "
                "total would give such a count away, the next smallest in the same row or column "
                "is left out too, until every total misses at least two parts with 5 cases or "
                "more.",
            ),
            "quiet",
        )
    ]


def _colophon(words: Words, font: Font | None) -> Text:
    if font is None:
        return Text(
            words(
                "字体：本机没有可嵌入的开源中文字体，页面使用阅读者的字体。",
                "Font: no open font with Chinese was installed; the reader's are used.",
            ),
            "quiet",
        )
    said = f"{font.name}, {font.version}"
    return Text(
        words(
            f"字体：{said}（SIL Open Font License 1.1），仅嵌入本页用到的字符。",
            f"Font: {said} (SIL Open Font License 1.1); only the characters of this page "
            "are embedded.",
        ),
        "quiet",
    )


def glossary_section(words: Words) -> Section:
    """Terms in both languages."""
    columns = [Column("中文"), Column("English"), Column(words("含义", "Meaning"))]
    rows: list[list[Cell]] = [[zh, en, words.of(meaning)] for zh, en, meaning in GLOSSARY]
    title = words("术语", "Glossary")
    return Section("glossary", title, [Table("glossary", title, columns, rows)])
