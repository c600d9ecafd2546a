"""The preflight as text and as a report: the verdict first, then part by part."""

from __future__ import annotations

from drg.page import blocks as b
from drg.page.blocks import Block, Column, Section, Text, table
from drg.page.small_cells import few
from drg.page.words import Words
from drg.report.quality.words import PARTS
from drg.report.ready.look import BESIDE, NEEDED, USED, Look
from drg.terminal import plain
from drg.terminal import table as typed
from grouper.engine.reasons import STATUS_TEXT

STAGES = {"settle": ("结算", "settlement"), "weights": ("权重测算", "weights"),
          "group": ("分组", "grouping")}  # fmt: skip
_NEEDS = {NEEDED: ("必需", "needed"), USED: ("规则使用", "asked for"),
          BESIDE: ("有则使用", "used if there")}  # fmt: skip
_NAMES = {
    **PARTS, "diagnoses": ("诊断编码", "diagnoses"), "procedures": ("手术操作编码", "procedures"),
    "drg": ("病组编码", "group"), "age_days": ("不足一周岁天数", "age in days"),
    "birth_weight": ("出生体重", "birth weight"), "cases": ("病例数", "cases of a row"),
    "admission_weight": ("入院体重", "weight on admission"), "fund_paid": ("基金支付", "fund"),
    "other_paid": ("其他支付", "other payers"), "patient_out_of_scope": ("自费", "out of scope"),
    "patient_deductible": ("起付线", "deductible"), "patient_copay": ("自付", "copayment"),
    "patient_total": ("个人负担合计", "patient in all"),
    "tcm_share": ("中医治疗占比", "TCM share"), "population": ("人员类别", "category of person"),
    "special_review": ("特病单议", "special review"), "day_surgery": ("日间手术", "day surgery"),
    "review_amount": ("单议核定金额", "approved amount"), "fixed_price": ("定额", "fixed price"),
    "new_technology": ("新技术", "new technology"),
    "day_bed": ("日间病床", "day bed"), "sex": ("性别", "sex"), "age": ("年龄", "age"),
}  # fmt: skip
_HEADS = (
    Column("part", "字段", "Part"), Column("need", "用途", "Use"),
    Column("columns", "文件中的列", "Columns", "long"),
    Column("filled", "有值", "Filled", "cases"), Column("blank", "空白", "Blank", "cases"),
    Column("unreadable", "无法识别", "Unreadable", "cases"),
    Column("lost", "将不计入的病例", "Cases lost", "cases"),
    Column("yuan", "其费用（元）", "Their cost (yuan)", "yuan"),
)  # fmt: skip


def verdict(found: Look, words: Words) -> str:
    """Whether the file is ready, in one line."""
    stage = words.of(STAGES[found.stage])
    lost = words(
        f"将有 {found.lost:,} 例（{found.lost_fen / 100:,.2f} 元）不计入",
        f"{found.lost:,} cases ({found.lost_fen / 100:,.2f} yuan) will be lost",
    )
    size = words(f"共 {found.cases:,} 例、{found.fen / 100:,.2f} 元",
                 f"of {found.cases:,} cases, {found.fen / 100:,.2f} yuan")  # fmt: skip
    if not found.cases:
        return words(f"未就绪（{stage}）：文件中没有病例",
                     f"not ready for {stage}: the file holds no case")  # fmt: skip
    stopped = [one.part for one in found.parts if one.need == NEEDED and not one.found]
    why = []
    if stopped:
        named = words.joined(_named(one, words) for one in stopped)
        why.append(words(f"缺少列：{named}", f"no column for {named}"))
    if found.refused:
        named = words.joined(_named(one, words) for one in found.refused)
        why.append(words(f"超过 1% 无法识别：{named}", f"more than 1% unreadable: {named}"))
    if found.lost or not why:
        why.append(words("；", "; ").join([lost, size]) if found.lost else size)
    said = words("；", "; ").join(why)
    if not found.ready:
        return words(f"未就绪（{stage}）：{said}", f"not ready for {stage}: {said}")
    if found.lost:
        return words(f"就绪（{stage}），但{said}", f"ready for {stage}, but {said}")
    return words(f"就绪（{stage}）：{said}", f"ready for {stage}: {said}")


def text(found: Look, words: Words) -> str:
    """The preflight for a terminal."""
    head = [words(one.zh, one.en) for one in _HEADS]
    rows = [
        [_named(one.part, words), words.of(_NEEDS[one.need]), plain(_columns(found, i, words)),
         *(f"{n:,}" for n in (one.filled, one.blank, one.unreadable, one.lost)),
         f"{one.lost_fen / 100:,.2f}"]
        for i, one in enumerate(found.parts)
        if one.need != BESIDE or one.found
    ]  # fmt: skip
    return "\n".join([verdict(found, words), "", typed(head, rows, (3, 4, 5, 6, 7)),
                      *(f"  {one}" for one in _notes(found, words))])  # fmt: skip


def ready_report(found: Look, words: Words) -> b.Report:
    """The preflight as a report."""
    rows = [
        [_named(one.part, words), words.of(_NEEDS[one.need]), _columns(found, i, words),
         one.filled, one.blank, one.unreadable, one.lost,
         b.Kept.BACK if few(one.lost) else one.lost_fen / 100]
        for i, one in enumerate(found.parts)
    ]  # fmt: skip
    stage, said = words.of(STAGES[found.stage]), verdict(found, words)
    if few(found.lost):
        zh, en = ("就绪", "ready") if found.ready else ("未就绪", "not ready")
        said = words(f"{zh}（{stage}）：不足 5 例将不计入",
                     f"{en} for {stage}: fewer than 5 cases will be lost")  # fmt: skip
    notes = [] if few(found.twice) else _notes(found, words)
    blocks: list[Block] = [Text(said, "lead"),
                           table("parts", words("逐列检查", "Column by column"), _HEADS, rows),
                           b.Points(notes)]  # fmt: skip
    title = words("数据预检", "Readiness of the data")
    return b.Report(title, found.file, [Section("ready", title, blocks)])


def _named(part: str, words: Words) -> str:
    zh, _ = _NAMES.get(part, (part, part))
    return words(f"{zh} {part}", part)


def _columns(found: Look, place: int, words: Words) -> str:
    one = found.parts[place]
    if one.columns:
        return ", ".join(one.columns if len(one.columns) < 4 else (*one.columns[:2], "..."))
    return words("由其他列得出", "from other columns") if one.found else words("无", "none")


def _notes(found: Look, words: Words) -> list[str]:
    notes = []
    if found.missing and (named := [one.part for one in found.parts
                                    if one.need == USED and not one.found]):  # fmt: skip
        listed = words.joined(_named(one, words) for one in named)
        notes.append(
            words(
                f"规则使用而文件没有的列，其规则不起作用：{listed}",
                f"rules ask for what the file does not have, and do nothing: {listed}",
            )
        )
    if found.year is not None:
        notes.append(
            words(
                f"结算年度 {found.year}，其他年度出院的病例不计入",
                f"the year is {found.year}; cases discharged in others are lost",
            )
        )
    if found.twice:
        notes.append(
            words(
                f"病例号重复 {found.twice:,} 例，将重复计入",
                f"{found.twice:,} cases have the id of another and count twice",
            )
        )
    if found.states:
        notes.append(words.joined(f"{words.of(STATUS_TEXT[name])} {count:,}"
                                  for name, count in found.states.items()))  # fmt: skip
    if found.resembling:
        listed = ", ".join(f"{plain(name)} ({part}?)" for name, part in found.resembling.items())
        notes.append(
            words(
                f"未读取但与已知列相似：{listed}",
                f"not read, though they look like known columns: {listed}",
            )
        )
    return notes
