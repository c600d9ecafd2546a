"""Words of the quality report in Chinese and English, and what it may show of small numbers."""

from __future__ import annotations

from collections.abc import Iterable

from drg.page.words import Words
from grouper.codes.editions import EDITIONS
from grouper.quality.report import OTHER_YEARS, Filled, Line, QualityReport
from grouper.quality.rules import PENALTY, SEVERITY_TEXT

SMALLEST = 5  # fewer cases than this could point to a person
PART_TEXT = {
    "case_id": "病例号", "patient_id": "人员编号", "hospital_id": "医疗机构代码",
    "insurance": "险种", "admission_date": "入院时间", "discharge_date": "出院时间",
    "sex": "性别", "age": "年龄", "length_of_stay": "实际住院天数", "discharge_mode": "离院方式",
    "department": "出院科别", "total_cost": "住院总费用", "diagnoses": "主要诊断",
}  # fmt: skip
_WORDS = {
    "title": ("病案数据质量报告", "Quality of the discharge data"),
    "subtitle": ("分组前质控", "checked before grouping"),
    "file": ("数据文件", "File"),
    "hash": ("SHA-256", "SHA-256"),
    "cases": ("病例数", "Cases"),
    "hospitals": ("医疗机构数", "Hospitals"),
    "years": ("主要年度", "Main years"),
    "scheme": ("分组方案", "Grouping scheme"),
    "edition": ("编码版本", "Edition of codes"),
    "version": ("程序版本", "Program"),
    "score": ("质量得分", "Score"),
    "flagged": ("有问题病例", "Cases with findings"),
    "share": ("占比", "Share"),
    "compared": ("问题占比对比", "Share compared"),
    "clean": ("无问题病例", "Cases without findings"),
    "findings": ("检查结果", "Findings"),
    "group": ("类别", "Group"),
    "rule": ("检查项目", "Check"),
    "severity": ("级别", "Severity"),
    "not_checked": ("未检查的项目（文件中没有所需的列）", "Not checked: no such columns"),
    "nothing": ("其余 {n} 项检查未发现问题。", "The other {n} checks found nothing."),
    "completeness": ("字段完整性", "Completeness of the columns"),
    "part": ("字段", "Part"),
    "column": ("文件中的列", "Column of the file"),
    "filled": ("有值病例", "Cases with a value"),
    "missing": ("缺失", "Missing"),
    "absent": ("无此列", "no such column"),
    "by_hospital": ("按医疗机构", "By hospital"),
    "hospital": ("医疗机构", "Hospital"),
    "hospital_id": ("代码", "Id"),
    "worst": ("主要问题（病例数）", "Main findings (cases)"),
    "best_worst": ("得分最高与最低的医疗机构", "Highest and lowest scores"),
    "best": ("得分最高", "Highest"),
    "lowest": ("得分最低（问题病例不少于5例的机构）", "Lowest (5 findings or more)"),
    "by_month": ("按出院月份", "By month of discharge"),
    "month": ("月份", "Month"),
    "other_years": ("其他年度", "other years"),
    "undated": ("无出院时间", "no date"),
    "unnamed": ("（无代码）", "(no id)"),
    "grey": ("灰码：不属于任何MDC的主要诊断", "Grey codes: principal diagnoses in no MDC"),
    "code": ("编码", "Code"),
    "name": ("名称", "Name"),
    "uses": ("使用次数", "Uses"),
    "principal": ("其中主要诊断/手术", "As principal"),
    "unmapped": ("未对照编码与候选编码", "Unknown codes and candidates"),
    "clinical": ("国临版编码，对应医保版", "Clinical edition, in the insurance edition"),
    "by_code": ("编码相近", "Near by code"),
    "by_name": ("名称相近", "Near by name"),
    "none": ("未发现。", "None."),
    "more": ("另有 {n} 个编码未列出；全部清单由 drg group 生成。",
             "{n} more are not listed; drg group lists them all."),
    "more_hospitals": ("另有 {n} 家医疗机构未列出，见 Excel 报告。",
                       "{n} more hospitals are in the workbook."),
    "try_clinical": ("未对照编码中有 {n} 个是国临版编码：请用 --codes clinical 重新检查。",
                     "{n} of the unknown codes are of the clinical edition: try --codes clinical."),
    "notes": ("说明", "Notes"),
    "summary": ("概况", "Summary"),
}  # fmt: skip


class QualityWords(Words):
    """The language of a report on quality."""

    def __getitem__(self, key: str) -> str:
        return self.of(_WORDS[key])

    def severity(self, severity: str) -> str:
        """The name of a severity."""
        return self.of(SEVERITY_TEXT[severity])

    def edition(self, report: QualityReport) -> str:
        """The edition of the codes."""
        return self.of(EDITIONS[report.codes])

    def part(self, filled: Filled) -> str:
        """The name of a part of the case table."""
        return PART_TEXT[filled.part] if self.lang == "zh" else filled.part

    def month(self, line: Line) -> str:
        """The name of a month's line."""
        key = int(line.key)
        if key < 0:
            return self["other_years" if key == OTHER_YEARS else "undated"]
        return f"{key // 12:04d}-{key % 12 + 1:02d}"

    def hospital(self, line: Line) -> str:
        """The name of a hospital, or its id."""
        return line.name or str(line.key) or self["unnamed"]

    def summary(self, report: QualityReport) -> list[tuple[str, str]]:
        """What the report is about: labels and values."""
        import drg

        years = self.of(("、", ", ")).join(map(str, report.main_years)) or "—"
        return [
            (self["file"], report.input_name),
            (self["hash"], report.input_hash),
            (self["cases"], f"{report.total.cases:,}"),
            (self["hospitals"], f"{sum(bool(h.key) for h in report.hospitals):,}"),
            (self["years"], years),
            (self["scheme"], f"{report.scheme} ({report.scheme_hash[:12]})"),
            (self["edition"], self.edition(report)),
            (self["version"], f"drg-toolkit {drg.__version__}"),
        ]

    def notes(self) -> list[str]:
        """How to read the report."""
        error, warning, note = (PENALTY[s] / 100 for s in ("error", "warning", "note"))
        return [
            self.of((
                "质量得分 = 100 ×（1 − 平均扣分）。每份病例按其最严重的问题扣分一次："
                f"错误 {error:g}，警告 {warning:g}，提示 {note:g}，无问题不扣分。",
                "Score = 100 x (1 - mean penalty). A case is charged once, for its gravest "
                f"finding: error {error:g}, warning {warning:g}, note {note:g}, none 0.",
            )),
            self.of((
                "一份病例可有多个问题，因此各项病例数之和可大于有问题病例数。",
                "A case may have several findings; they may add up to more than the cases.",
            )),
            self.of((
                f"为保护个人信息，1至{SMALLEST - 1}例显示为“<{SMALLEST}”，其占比和得分不精确显示；"
                "报告不含患者标识。",
                f"Numbers from 1 to {SMALLEST - 1} are shown as <{SMALLEST}, their shares and "
                "scores not exactly; the report names no patient.",
            )),
            self.of((
                "重复：第二份及以后的病例计为重复，第一份不计。"
                "主要年度：出院病例占比不低于5%的年度。",
                "Duplicates: the second and later ones count, the first does not. Main years: "
                "those with at least 5% of the dated discharges.",
            )),
            self.of((
                "文件中没有的列不计入得分；相应项目列为“未检查”。",
                "Columns that the file lacks do not lower the score; their checks are listed as "
                "not checked.",
            )),
        ]  # fmt: skip


def small(count: int) -> bool:
    """Whether a number of cases is too small to be shown."""
    return 0 < count < SMALLEST


def shown(count: int) -> str:
    """A number of cases as a report may show it."""
    return f"<{SMALLEST}" if small(count) else f"{count:,}"


def shown_share(count: int, cases: int) -> str:
    """A share of cases as a report may show it."""
    if not cases or small(cases) or small(count):
        return "—"
    return f"{count / cases:.2%}"


def in_order(lines: Iterable[Line]) -> list[Line]:
    """Hospitals, lowest score first, but in an order that does not give small numbers away.

    Those with at least 5 cases with findings come first, by score; then those with fewer, then
    those with none, then those of fewer than 5 cases, each by id.
    """

    def place(line: Line) -> tuple[int, float, str]:
        if small(line.cases):
            return 3, 0, str(line.key)
        if small(line.flagged):
            return 1, 0, str(line.key)
        return (0, line.score, str(line.key)) if line.flagged else (2, 0, str(line.key))

    return sorted(lines, key=place)


def shown_score(line: Line) -> str:
    """A score that does not tell how many cases are behind it when they are few."""
    if small(line.cases) or not line.cases:
        return "—"
    if small(line.flagged):
        return f"≥{max(0.0, 100 - 100 * (SMALLEST - 1) / line.cases):.1f}"
    return f"{line.score:.1f}"
