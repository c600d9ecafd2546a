"""``drg check``: the quality of a discharge file, before anything else is done with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import (
    DischargeFile,
    Edition,
    Lang,
    MappingFile,
    SchemeName,
    Sheet,
    wrong,
)
from drg.cli.common.outputs import BOOK, PAGES, WORD, look_first
from drg.language import say
from drg.terminal import fit, plain, table
from grouper.scheme.name import DEFAULT

if TYPE_CHECKING:
    from drg.report.quality.words import QualityWords
    from grouper.quality.report import QualityReport
    from grouper.quality.rules import Rule

_UNREAD = ("malformed_row", "unreadable_", "discharge_mode_unknown")
_MOST_LINES = 15


def check(
    file: DischargeFile,
    scheme: SchemeName = DEFAULT,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    codes: Edition = "insurance",
    hospitals: Annotated[
        Path | None,
        typer.Option("--hospitals", help=say("医疗机构编号和名称表。",
                                             "Table with ids and names of hospitals.")),
    ] = None,
    grey: Annotated[
        Path | None,
        typer.Option("--grey", help=say("灰码清单（含编码列的表，诊断和手术操作编码）。",
                                        "List of grey codes (灰码): a table with a column of "
                                        "codes, diagnoses and procedures.")),
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option("--for", help=say(
            "预检：文件能否用于 settle（结算）、weights（权重测算）或 group（分组），逐列列出。",
            "Preflight: is the file ready for settle, weights or group, column by column.")),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option("--policy", help=say("预检结算时的支付政策：编号或文件。",
                                          "Policy of --for settle: an id or a file.")),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help=say("把报告写成可打印的网页。",
                                        "Write the report as a page for print.")),
    ] = None,
    docx: Annotated[
        Path | None,
        typer.Option("--docx", help=say("把报告写成 Word 文件。",
                                        "Write the report as a Word file.")),
    ] = None,
    xlsx: Annotated[
        Path | None,
        typer.Option("--xlsx", help=say("把报告写成 Excel 工作簿。",
                                        "Write the report as an Excel workbook.")),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help=say("有行或单元格无法识别时，退出状态为 1。",
                                          "Exit with 1 when a row or cell cannot be read.")),
    ] = False,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Check the quality of a discharge file by hospital and month, and score it."""
    from drg.progress import Progress
    from drg.report.quality.words import QualityWords
    from grouper.quality.run import check_file

    lang = lang or "zh"
    targets = (html, docx, xlsx)
    look_first((file, mapping, hospitals, grey, policy, scheme), (html, PAGES), (docx, WORD),
               (xlsx, BOOK))  # fmt: skip
    if policy is not None and stage != "settle":
        raise wrong("只与 --for settle 同用", "goes with --for settle", "--policy")
    if stage is not None:
        _preflight(file, stage, policy, hospitals, scheme, codes, mapping, sheet, targets, lang)
        return
    with Progress(say(f"检查 {file.name}", f"checking {file.name}")) as shown:
        found = check_file(
            file, scheme=scheme, mapping=mapping, sheet=sheet, codes=codes, hospitals=hospitals,
            grey=grey, progress=shown.advance,
        )  # fmt: skip
    words = QualityWords(lang)
    typer.echo(summary(found, words))
    if any(targets):
        from drg.page.write import write_as
        from drg.report.quality.sections import quality_report

        for line in write_as(targets, quality_report(found, words), words):
            typer.echo(line, err=True)
    if strict and any(n for rule, _, n in found.rules() if rule.code.startswith(_UNREAD)):
        raise typer.Exit(1)


def _preflight(
    file: Path, stage: str, policy: str | None, hospitals: Path | None, scheme: str, codes: str,
    mapping: Path | None, sheet: str | None, targets: Sequence[Path | None], lang: str,
) -> None:  # fmt: skip
    """Whether a stage can use the file, and what it will lose."""
    from budget.cases.hospitals import read_hospitals
    from budget.policy import load_policy
    from drg.page.write import write_as
    from drg.progress import Progress
    from drg.report.quality.words import QualityWords
    from drg.report.ready.look import STAGES, look
    from drg.report.ready.sections import ready_report, text

    if stage not in STAGES:
        raise wrong("应为 settle、weights 或 group", "expected settle, weights or group", "--for")
    rules = known = None
    if stage == "settle":
        rules = load_policy("national-default" if policy is None else policy)
        known = None if hospitals is None else read_hospitals(hospitals).ids
    with Progress(say(f"预检 {file.name}", f"looking at {file.name}")) as shown:
        found = look(file, stage, policy=rules, hospitals=known, scheme=scheme, codes=codes,
                     mapping=mapping, sheet=sheet, progress=shown.advance)  # fmt: skip
    words = QualityWords(lang)
    typer.echo(text(found, words))
    if any(targets):
        for line in write_as(targets, ready_report(found, words), words):
            typer.echo(line, err=True)


def summary(report: QualityReport, words: QualityWords) -> str:
    """The report as text tables for a terminal."""
    from grouper.quality.rules import GROUPS

    total = report.total
    lines = [
        f"{words['title']}  {plain(report.input_name)}",
        f"{words['score']} {total.score:.1f}   {words['cases']} {total.cases:,}   "
        f"{words['flagged']} {total.flagged:,} ({_share(total.flagged, total.cases)})"
        if total.cases
        else words("文件中没有病例，没有得分。", "The file holds no case: there is no score."),
        "",
    ]
    found = [
        (words.of(GROUPS[rule.group]), rule.text(words.lang), words.severity(rule.severity),
         f"{n:,}", _share(n, total.cases))
        for rule, _, n in sorted(report.rules(), key=lambda r: -r[2] * r[0].penalty) if n
    ]  # fmt: skip
    head = (words["group"], words["rule"], words["severity"], words["cases"], words["share"])
    if found:
        lines += [table(head, found, right=(3, 4)), ""]
    skipped = [rule.text(words.lang) for rule, checked, _ in report.rules() if not checked]
    if skipped:
        lines += [f"{words['not_checked']}: {'; '.join(skipped)}", ""]
    hospitals = [
        (fit(plain(words.hospital(line)), 30), f"{line.cases:,}", f"{line.flagged:,}",
         f"{line.score:.1f}", _worst(line.worst(1), words))
        for line in report.hospitals[: _MOST_LINES * bool(total.cases)]
    ]  # fmt: skip
    head = (words["hospital"], words["cases"], words["flagged"], words["score"], words["worst"])
    if len(report.hospitals) > 1 or any(line.key for line in report.hospitals):
        lines += [table(head, hospitals, right=(1, 2, 3))]
        more = len(report.hospitals) - _MOST_LINES
        lines += [f"... +{more:,}", ""] if more > 0 else [""]
    months = [
        (words.month(line), f"{line.cases:,}", f"{line.flagged:,}", f"{line.score:.1f}",
         _worst(line.worst(1), words))
        for line in report.months
    ]  # fmt: skip
    if months:
        lines += [table((words["month"], *head[1:]), months, right=(1, 2, 3)), ""]
    clinical = sum(bool(u.clinical) for u in report.unmapped)
    if clinical and report.codes != "clinical":
        lines.append(words["try_clinical"].format(n=clinical, how=" (--codes clinical)"))
    return "\n".join(lines).rstrip()


def _worst(rules: list[tuple[Rule, int]], words: QualityWords) -> str:
    return "; ".join(f"{rule.text(words.lang)} {n:,}" for rule, n in rules)


def _share(count: int, cases: int) -> str:
    return f"{count / cases:.2%}" if cases else "-"
