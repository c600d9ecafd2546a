"""``drg audit``: rules over the cases of a file, findings, hospitals against their peers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import (
    CreditFile,
    DischargeFile,
    Edition,
    EngineName,
    Lang,
    MappingFile,
    Master,
    SchemeName,
    Sheet,
    TablesFolder,
    engine_of,
    is_spark,
)
from drg.cli.common.outputs import look_first
from drg.language import Words, say
from drg.terminal import table
from grouper.scheme.name import DEFAULT

if TYPE_CHECKING:
    from budget.audit.files import Audit


def audit(
    file: DischargeFile,
    out: TablesFolder,
    rules: Annotated[
        list[str] | None,
        typer.Option("--rules", help=say(
            "规则集（national、huoqiu）、规则文档或其文件夹，可重复给出；默认 national。"
            "同一编号以后面的为准。",
            "A set of rules (national, huoqiu), a document or a folder of them; may be given "
            "again; national by default. Of one id the later counts.")),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option("--weights", help=say("权重表：文件或编号；默认由本文件的费用估计各组费用。",
                                           "Weight table: a file or an id; by default what groups "
                                           "cost is estimated from the file.")),
    ] = None,
    hospitals: Annotated[
        Path | None,
        typer.Option("--hospitals", help=say(
            "医疗机构表（级别、名称），默认为 FILE 同目录的 hospitals.csv，可以没有。",
            "Table of hospitals (tier, name); hospitals.csv beside FILE by default, if it is "
            "there.")),
    ] = None,
    before: Annotated[
        Path | None,
        typer.Option("--before", help=say("上年病例，用于同比规则。",
                                          "Cases of the year before, for rules about change.")),
    ] = None,
    items: Annotated[
        Path | None,
        typer.Option("--items", help=say("费用明细表，用于项目规则和挂床。",
                                         "Billed items, for rules about items and empty beds.")),
    ] = None,
    credit: CreditFile = None,
    scheme: SchemeName = DEFAULT,
    codes: Edition = "insurance",
    mapping: MappingFile = None,
    sheet: Sheet = None,
    lang: Lang = None,
    engine: EngineName = "local",
    master: Master = None,
) -> None:  # fmt: skip
    """Audit a discharge file by rules that are documents (基金监管审核)."""
    from budget.audit.credit import read_credit
    from budget.audit.document import read_rules
    from budget.audit.files import PAGES, REJECTS, RESULTS, audit_file, write_tables
    from drg.page.words import Words as PageWords
    from drg.page.write import write_report
    from drg.progress import Progress
    from drg.report.audit.sections import audit_report
    from drg.tables import RejectFile, whole_folder
    from grouper.engine.grouper import workers
    from grouper.explain.hanging import HangingFinder
    from weights.table import open_weights

    chosen = rules or ["national"]
    beside = hospitals or next(
        (one for name in ("hospitals.csv", "hospitals.xlsx", "hospitals.parquet")
         if (one := file.parent / name).is_file()), None
    )  # fmt: skip
    given: tuple[Path | str | None, ...] = (
        beside, items, credit, mapping, weights, scheme, *chosen,
    )  # fmt: skip
    if not is_spark(engine, master, sheet=sheet):
        given = (file, before, *given)
    look_first(given, folder=out, results=RESULTS)
    held = read_rules(chosen)
    score = read_credit(credit)
    by_group = None if weights is None else open_weights(weights).by_group()
    words = PageWords(lang or "zh")
    inputs = {"credit": credit, "mapping": mapping, "weights": weights,
              **{f"rules_{i}": one for i, one in enumerate(chosen, 1)}}  # fmt: skip
    documents = [one for one in (Path(name) for name in chosen) if one.exists()]
    with (
        whole_folder(out, RESULTS, (file, beside, before, items, credit, *documents)) as folder,
        engine_of(engine, master),
        Progress(Words(words.lang)(f"审核 {file.name}", f"audit {file.name}")) as shown,
    ):
        with RejectFile(folder / REJECTS) as rejects:
            found = audit_file(
                file, held, HangingFinder(scheme, codes), weights=by_group, hospitals=beside,
                before=before, items=items, credit=score, mapping=mapping, sheet=sheet,
                workers=workers(), inputs=inputs, rejects=rejects, progress=shown.advance,
            )  # fmt: skip
        report = audit_report(found, words)
        told = [line for name in PAGES for line in write_report(folder / name, report, words)]
        write_tables(found, folder)
    for line in dict.fromkeys(told):
        typer.echo(line, err=True)
    typer.echo(summary(found, words.lang), err=True)
    typer.echo(str(out))


def summary(found: Audit, lang: str) -> str:
    """What the audit came to, by family; rules that could not run."""
    from drg.page.small_cells import few
    from drg.page.words import Words as PageWords
    from drg.report.audit.sections import family, missing

    words = PageWords(lang)
    held = found.findings.table.assign(one=(found.findings.rows >= 0).astype(int))
    sums = held.groupby("family", sort=True)["one"].sum()
    rows = [(family(str(name), words), words.few(int(count)),
             "*" if few(int(count)) else words.share(count / found.cases, 2))
            for name, count in sums.items()]  # fmt: skip
    head = (words("类型", "family"), words("疑点病例", "alerts"), words("占比", "share"))
    lines = [table(head, rows, right=(1, 2))] if rows else [words("没有疑点", "nothing was found")]
    if found.malformed:
        lost = words.few(found.malformed)
        lines.append(words(f"无法读取的行：{lost}", f"rows that could not be read: {lost}"))
    for (_, column), count in found.unread.items():
        lines.append(words(
            f"警告：列“{column}”有 {count:,} 个单元格无法识别，规则按未知处理；见 rejects.csv",
            f"warning: {count:,} cells of {column} cannot be read and are unknown to the rules; "
            "they are listed in rejects.csv"))  # fmt: skip
    for one in found.ran:
        if one.unknown:
            lost = words.few(one.unknown)
            lines.append(words(
                f"警告：规则 {one.rule.id} 有 {lost} 例疑点的涉及金额无法计算，按 0 计",
                f"warning: rule {one.rule.id}: the amount of {lost} found cannot be worked out and "
                "counts as 0"))  # fmt: skip
    skipped = [one for one in found.ran if one.skipped]
    if skipped:
        listed = words.joined(
            words(f"{one.rule.said('title', zh=True)}（缺{missing(one.skipped, words)}）",
                  f"{one.rule.id} ({missing(one.skipped, words)})") for one in skipped)  # fmt: skip
        lines.append(words(f"因缺少数据未运行的规则：{listed}",
                           f"rules that did not run, for want of data: {listed}"))  # fmt: skip
    return "\n".join(lines)
