"""The quality report (数据质量报告): what it means first, then findings, places, months, codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import drg
from drg.cases.privacy import FEWEST
from drg.page import blocks as b
from drg.page.blocks import Block, Column, Section, Text, table
from drg.page.small_cells import few
from drg.plots.charts import bars
from drg.report.quality import words as told
from drg.report.quality.words import PARTS, TEXTS, QualityWords, share_of
from grouper.codes.editions import EDITIONS
from grouper.quality.report import Line, QualityReport
from grouper.quality.rules import GROUPS, PENALTY, PLACE, RULES

VERDICTS = (  # from which score; the limits are ours, no policy says how good data must be
    (95, "可以用于{}", "is fit for {}"),
    (80, "基本可用，{}前应改正主要问题", "is fit for {} once its main findings are mended"),
    (0, "改正前不宜用于{}", "is not fit for {} until it is mended"),
)
_SETTLED = ("hospital_id", "insurance", "total_cost")  # parts without which nobody is paid
_ON_PAGE, _DRAWN, _RANKED, _LEAST = 200, 15, 10, 30  # hospitals; cases of one that is ranked
_CASES = Column("cases", *TEXTS["cases"], "cases")
_SHARE = Column("share", *TEXTS["share"], "share", digits=2)
_LINE = (_CASES, Column("flagged", *TEXTS["flagged"], "cases"), _SHARE,
         Column("score", *TEXTS["score"], "index", digits=1),
         Column("worst", *TEXTS["worst"], "long"))  # fmt: skip
_ID, _MONTH = Column("id", "代码", "Id"), Column("month", *TEXTS["month"])
_CHECK = (Column("group", *TEXTS["group"]), Column("rule", *TEXTS["rule"], "long"),
          Column("severity", *TEXTS["severity"]), _CASES, _SHARE)  # fmt: skip
_PART = (Column("part", "字段", "Part"), Column("filled", "有值", "Filled", "cases"),
         Column("missing", "缺失", "Missing", "cases"), replace(_SHARE, zh="缺失占比"),
         Column("columns", "文件中的列", "Columns", "long"))  # fmt: skip
_CODE = (Column("code", "编码", "Code", "code"), Column("title", "名称", "Name", "name"))
_GREY = (Column("kind", "类别", "Kind"), *_CODE, _CASES)
_KINDS = ("诊断", "diagnosis"), ("手术操作", "procedure")
_UNKNOWN = (
    *_CODE, Column("uses", "使用次数", "Uses", "count"),
    Column("principal", "其中主要", "As principal", "count"),
    Column("clinical", "国临版编码，对应医保版", "Clinical edition, in the insurance edition"),
    Column("by_code", "编码相近", "Near by code", "long"),
    Column("by_name", "名称相近", "Near by name", "long"),
)  # fmt: skip


def quality_report(found: QualityReport, words: QualityWords) -> b.Report:
    """The report of what a check found."""
    parts = [
        [words.of(PARTS[f.part]), b.Kept.BACK if few(f.missing) else f.filled, f.missing,
         share_of(f.missing, found.total.cases), ", ".join(f.columns) or words("无此列", "none")]
        for f in found.completeness
    ]  # fmt: skip
    made = (
        ("summary", "概况", "Summary", _summary(found, words)),
        ("findings", "检查结果", "Findings", _findings(found, words)),
        ("hospitals", "按医疗机构", "By hospital", _hospitals(found, words)),
        ("months", "按出院月份", "By month of discharge", _lines(
            found, words, found.months, "month", words.month, {_MONTH: words.month})),
        ("completeness", "字段完整性", "Completeness", [
            table("parts", words("各字段的病例", "Cases by part"), _PART, parts)]),
        ("codes", "编码问题", "Codes", _codes(found, words)),
        ("notes", "说明", "Notes", _notes(words)),
    )  # fmt: skip
    below = words("分组前质控", "checked before grouping")
    return b.Report(words["title"], below, [
        Section(key, words(zh, en), blocks) for key, zh, en, blocks in made if blocks])  # fmt: skip


def _summary(found: QualityReport, words: QualityWords) -> list[Block]:
    total, checks, skipped = found.total, len(found.checked), found.checked.count(False)
    broken = str(sum(n > 0 for *_, n in found.rules()))
    score = words.number(told.score_of(total), "index", 1)
    share = words.number(share_of(total.flagged, total.cases), "share", 2)
    flagged, cases, unit = words.few(total.flagged), words.few(total.cases), words(" 例", "")
    hospitals = f"{sum(bool(line.key) for line in found.hospitals):,}"
    clinical = sum(bool(one.clinical) for one in found.unmapped) * (found.codes != "clinical")
    facts = [
        (words["score"], score), (words["flagged"], flagged), (words["share"], share),
        (words("数据文件", "File"), found.input_name),
        (words("文件校验值", "SHA-256"), found.input_hash), (words["cases"], cases),
        (words("医疗机构数", "Hospitals"), hospitals),
        (words("主要年度", "Main years"), words.joined(map(str, found.main_years)) or "—"),
        (words("分组方案", "Grouping scheme"), f"{found.scheme} ({found.scheme_hash[:12]})"),
        (words("编码版本", "Edition of codes"), words.of(EDITIONS[found.codes])),
        (words("程序版本", "Program"), f"drg-toolkit {drg.__version__}"),
    ]  # fmt: skip
    columns = Column("key", "项目", "Item"), Column("text", "内容", "Content", "long")
    return [
        Text(words["try_clinical"].format(n=clinical, how="") if clinical else "", "call"),
        Text(_meaning(found, words), "lead"),
        b.Figures([
            (words["score"], score, words("满分 100", "of 100")),
            (words["flagged"], flagged + unit, f"{words['share']} {share}"),
            (words["cases"], cases + unit, f"{hospitals}{words(' 家医疗机构', ' hospitals')}"),
            (words("发现问题的检查项目", "Checks with findings"), broken,
             words(f"共 {checks} 项，未检查 {skipped} 项", f"of {checks}; {skipped} not checked")),
        ]),
        table("facts", words("数据与版本", "Data and versions"), columns, facts),
    ]  # fmt: skip


def _meaning(found: QualityReport, words: QualityWords) -> str:
    """Whether the file is fit, how much is wrong, and where, in a few words."""
    total, least = found.total, told.least_score(found.total)
    if not total.cases:
        return words("文件中没有病例。", "The file holds no case.")
    lacks = words.joined(words.of(PARTS[f.part]) for f in found.completeness
                         if f.part in _SETTLED and not f.columns)  # fmt: skip
    use = words("分组", "grouping") if lacks else words("分组和结算", "grouping and settlement")
    verdict = next(words(zh, en) for limit, zh, en in VERDICTS if least >= limit)
    said = [words("本文件", "The file ") + verdict.format(use)]
    if lacks:
        said.append(words(f"缺少{lacks}，不能用于结算", f"without {lacks} it cannot be settled"))
    if total.flagged:
        (rule, count), of_100 = total.worst(1)[0], f"{100 * total.flagged / total.cases:.1f}"
        often = (
            words(f"不足 {FEWEST} 例", f"fewer than {FEWEST} cases")
            if few(total.flagged)
            else words(f"每 100 例中 {of_100} 例", f"{of_100} of 100 cases")
        )
        said += [often + words("有问题", " have findings"),
                 words(f"最主要的是“{rule.zh}”（{words.few(count)} 例）",
                       f"above all: {rule.en} ({words.few(count)})")]  # fmt: skip
    for lines, name, text in (
        (
            found.hospitals,
            words.hospital,
            words(
                f"有问题病例不少于 {FEWEST} 例的医疗机构中得分最低的是",
                f"lowest score of those with {FEWEST} findings or more: ",
            ),
        ),
        (found.months, words.month, words("得分最低的月份是 ", "worst month: ")),
    ):
        if len(worst := [line for line in _ranking(lines) if line.flagged]) > 1:
            score = f"{worst[0].score:.1f}"
            said.append(text + name(worst[0]) + words(f"（{score}）", f" ({score})"))
    return words("；", "; ").join(said) + words("。", ".")


def _findings(found: QualityReport, words: QualityWords) -> list[Block]:
    order, lacking = list(GROUPS), words("未检查", "not checked")
    rules = sorted(found.rules(), key=lambda r: (order.index(r[0].group), -r[0].penalty, -r[2]))
    checks = table("checks", words("检查结果", "Findings"), _CHECK, [
        [words.of(GROUPS[rule.group]), rule.text(words.lang), words.severity(rule.severity),
         *((n, share_of(n, found.total.cases)) if checked else (lacking, None))]
        for rule, checked, n in rules
    ], where="book")  # fmt: skip
    some = checks.frame[[n > 0 for *_, n in rules]]
    groups = [replace(checks, key=key, caption=words.of(GROUPS[key]), columns=_CHECK[1:],
                      frame=some[some["group"] == words.of(GROUPS[key])], where="page")
              for key in order]  # fmt: skip
    n = found.checked.count(True) - len(some)
    quiet = words(f"其余 {n} 项检查未发现问题。", f"The other {n} checks found nothing.")
    skipped = words("；", "; ").join(r.text(words.lang) for r, checked, _ in rules if not checked)
    lacks = f"{words['not_checked']}{words('：', ': ')}{skipped}" if skipped else ""
    return [*groups, checks, Text(quiet, "quiet"), Text(lacks, "quiet")]


def _hospitals(found: QualityReport, words: QualityWords) -> list[Block]:
    lines = told.in_order(line for line in found.hospitals if line.cases)
    if len(lines) < 2 and not any(line.key for line in lines):
        return []
    able = _ranking(lines)
    least = words(f"得分最低（问题不少于 {FEWEST} 例）", f"Lowest ({FEWEST} findings or more)")
    ranked = b.Facts([
        (title, words("；", "; ").join(f"{words.hospital(n)} {n.score:.1f}" for n in some[:5]))
        for title, some in ((least, [line for line in able if line.flagged]),
                            (words("得分最高", "Highest"), able[::-1]))
    ])  # fmt: skip
    heads = {Column("name", *TEXTS["hospital"], "name"): lambda line: line.name, _ID: words.id}
    blocks = _lines(found, words, lines, "hospital", words.hospital, heads)
    return [ranked, *blocks] if len(able) >= _RANKED else blocks


def _ranking(lines: Sequence[Line]) -> list[Line]:
    """Those of enough cases whose score may be told, lowest first."""
    able = [n for n in lines if n.cases >= _LEAST and n.key not in ("", -1, -2)]
    return sorted((line for line in able if not few(line.flagged)),
                  key=lambda line: (line.score, line.cases, str(line.key)))  # fmt: skip


def _lines(
    found: QualityReport, words: QualityWords, lines: Sequence[Line], key: str,
    name: Callable[[Line], str], heads: Mapping[Column, Callable[[Line], str]],
) -> list[Block]:  # fmt: skip
    """Lines with their main findings on the page and every finding in the workbook, and bars."""
    used = [place for place, n in enumerate(found.total.counts.tolist()) if n]
    rules = [Column(RULES[i].code, RULES[i].zh, RULES[i].en, "cases") for i in used]
    rows = [[*(say(line) for say in heads.values()), *words.measures(line, used)] for line in lines]
    caption = words[key] + words("检查结果", ": findings")
    whole = table(f"{key}-all", caption, [*heads, *_LINE, *rules], rows, where="book")
    short = replace(whole, key=key, where="page", ends=(_ON_PAGE, 0),
                    columns=whole.columns[: len(heads) + len(_LINE)])  # fmt: skip
    items = [(name(line), (100 * share,), (words.share(share, 2),)) for line in lines[:_DRAWN]
             if isinstance(share := share_of(line.flagged, line.cases), float)]  # fmt: skip
    title = words("有问题病例占比", "Share of cases with findings")
    about = words.joined(f"{one} {text}" for one, _, (text,) in items)
    drawn = len(items) > 1 and any(value for _, (value,), _ in items)
    chart = [b.Chart(key, title, about, bars(items, [title], "%", words.lang))] if drawn else []
    return [short, whole, *chart] if lines else []


def _codes(found: QualityReport, words: QualityWords) -> list[Block]:
    without = words("不属于任何 MDC 的主要诊断", "Principal diagnoses in no MDC")
    grey = words("灰码", "Grey codes")
    unknown = words("未对照编码与候选编码", "Unknown codes and candidates")
    rows = [
        [one.code, one.name,
         *(b.Kept.FEW if few(n) else n for n in (one.uses, one.principal)), one.clinical,
         *(words("；", "; ").join(near) for near in (one.by_code, one.by_name))]
        for one in found.unmapped
    ]  # fmt: skip
    left = found.unmapped_codes - len(rows)
    more = words(f"另有 {left:,} 个编码未列出；分组时列出全部清单。",
                 f"{left:,} more are not listed; drg group lists them all.")  # fmt: skip
    listed = found.checked[PLACE["grey_principal_diagnosis"]]
    told = (without, found.no_mdc), (grey, found.grey or not listed), (unknown, rows)
    none = [text for text, some in told if not some]
    return [
        table("no-mdc", without, (*_CODE, _CASES), found.no_mdc),
        table("grey", grey, _GREY, [(words.of(_KINDS[kind]), *one) for kind, *one in found.grey]),
        Text(
            ""
            if listed
            else words(
                "灰码未检查：本程序没有官方灰码清单，检查时也未另行给出清单。",
                "Grey codes were not looked for: the official list is not part of this program, "
                "and none was given.",
            ),
            "quiet",
        ),
        table("unknown", unknown, _UNKNOWN, rows, note=more if left else ""),
        Text(words("；", "; ").join(none) + words("：未发现。", ": none.") * bool(none), "quiet"),
    ]


def _notes(words: QualityWords) -> list[Block]:
    error, warning, note = (PENALTY[s] / 100 for s in ("error", "warning", "note"))
    (fit, *_), (usable, *_), few_ = *VERDICTS[:2], b.Kept.FEW.value
    notes = [
        words("质量得分 = 100 ×（1 − 平均扣分）。每份病例按其最严重的问题扣分一次："
              f"错误 {error:g}，警告 {warning:g}，提示 {note:g}，无问题不扣分；缺列不扣分。{fit} 分"
              f"及以上可以使用，{usable} 至 {fit} 分基本可用：分界是本程序的惯例，不是政策规定。",
              "Score = 100 x (1 - mean penalty). A case is charged once, for its gravest finding: "
              f"error {error:g}, warning {warning:g}, note {note:g}, none 0, nothing for missing "
              f"columns. Fit from {fit}, to be mended from {usable}: our custom, no policy's."),
        words(f"为保护个人信息，不足 {FEWEST} 例显示为“{few_}”，其占比显示为“*”，得分只给下限；"
              "报告不含患者标识。",
              f"Numbers below {FEWEST} are shown as {few_}, their shares as *, their scores as a "
              "lower bound; the report names no patient."),
        words("一份病例可有多个问题。重复：第二份及以后的病例计为重复，第一份不计。主要年度：出院病例"
              "占比不低于 5% 的年度。",
              "A case may have several findings. Duplicates: all but the first. Main years: those "
              "with at least 5% of the dated discharges."),
    ]  # fmt: skip
    column = Column("note", "说明", "Notes", "long")
    return [b.Points(notes), table("notes", words("说明", "Notes"), [column],
                                 [[one] for one in notes], where="book")]  # fmt: skip
