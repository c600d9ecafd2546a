"""``drg year``: the book of a year, paid month by month and cleared at its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.fits import policy_fits
from drg.cli.common.options import (
    BUREAU,
    AcceptUnreadable,
    Actor,
    LastYear,
    MappingFile,
    PolicyName,
    RecordTime,
    Sheet,
    WeightsName,
)
from drg.cli.common.outputs import look_first
from drg.cli.common.schemes import AcrossSchemes, same_scheme
from drg.cli.common.told import going_on, warned
from drg.cli.common.year import fund_of, last_year_of, values_of
from drg.cli.year.findings import app as findings
from drg.cli.year.show import YearFolder, clear, listed, package, sheet_of, status
from drg.language import say

if TYPE_CHECKING:
    from drg.year.book import Added, Book

app = typer.Typer(no_args_is_help=True)
app.command(
    "status",
    help=say("查看账册：各月病例、应付、已拨、点值，以及当前月份。",
             "Where the year stands: cases, payable, paid and point values by month."),
)(status)  # fmt: skip
app.command(
    "clear",
    help=say(
        "年终清算：写出与 drg settle 相同的各表、months.csv 和各表单。\n\n"
        "清算结果与全部最终病例一次清算完全一致，已拨资金逐月扣回。十二个月结清后方可清算；"
        "--early 只试算，不入记录。",
        "Clear the year: the tables of drg settle, months.csv, and the sheets.\n\nIt is the same "
        "to the fen as one settlement of the final cases; what the months were paid is taken off. "
        "All months must be closed; --early only looks, and nothing goes on record.",
    ),
)(clear)
app.command(
    "sheet",
    help=say("写出一个已结账月份的拨付表。", "Write the payment sheet (拨付表) of a closed month."),
)(sheet_of)
app.command(
    "package",
    help=say("写出数据工作组资料包：每家医疗机构一份，以及各级别汇总，小于 5 例的不显示。",
             "Write the data group's package: a file for each hospital, and the tiers; numbers "
             "below 5 cases are not shown."),
)(package)  # fmt: skip
app.add_typer(findings, name="findings")

ListName = Annotated[
    str,
    typer.Argument(help=say(
        "清单：review 特例单议、deduction 违规扣款、fixed 单病种与中医定额、technology 新技术、"
        "payer 其他支付方、assessment 年度考核、objection 意见反馈、advance 预付金申请。",
        "Which list: review, deduction, fixed, technology, payer, assessment, objection, "
        "advance.")),
]  # fmt: skip
Month = Annotated[
    int | None,
    typer.Option("--month", min=1, max=12,
                 help=say("月份，用于核对；只能是当前月份。",
                          "The month, to be sure; only the open one can be meant.")),
]  # fmt: skip


@app.command(
    "open",
    help=say("建立年度账册：文件夹内有权重、政策、医疗机构表和记录。",
             "Open the book of a year: a folder with weights, policy, hospitals and the record."),
)  # fmt: skip
def open_(
    folder: YearFolder,
    year: Annotated[int, typer.Option("--year", help=say("清算年度。", "Settlement year."))],
    weights: WeightsName,
    hospitals: Annotated[
        Path, typer.Option("--hospitals", help=say("医疗机构表。", "Table of hospitals."))
    ],
    policy: PolicyName = "national-default",
    last_year: LastYear = None,
    fund: Annotated[
        Path | None,
        typer.Option("--fund", help=say(
            "基金表：pool、opening（期初余额）、surplus（历年累计结余）、spend（上年支出），元。",
            "The fund: a table pool, opening balance, accumulated surplus, last year's spend "
            "(yuan).")),
    ] = None,
    title: Annotated[
        str, typer.Option("--title", help=say("账册名称。", "Title of the book."))
    ] = "",
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Open the book of a year."""
    from budget.policy import load_policy
    from drg.year.book import Book
    from weights.table import open_weights

    look_first((weights, policy, hospitals, last_year, fund), folder=folder)
    rules = load_policy(policy)
    pools = [pool.name for pool in rules.pools]
    book = Book.create(
        folder, weights=open_weights(weights), policy=policy, hospitals=hospitals, year=year,
        title=title, actor=actor, at=at,
        last_year=None if last_year is None else last_year_of(last_year, pools),
        last_values=None if last_year is None else values_of(last_year, pools),
        fund=None if fund is None else fund_of(fund, pools),
    )  # fmt: skip
    count = len(book.files.hospitals)
    typer.echo(say(f"{year} 年账册：医疗机构 {count} 家，政策 {rules.id}",
                   f"book of {year}: {count} hospitals, policy {rules.id}"))  # fmt: skip
    going_on(f"drg year add-month {folder} FILE")


@app.command(
    "add-month",
    help=say("把当前月份的病例加入账册；往月出院的作为补报，在本月结算。",
             "Add the open month's cases; those of earlier months are late and settle in this "
             "one."),
)  # fmt: skip
def add_month(
    folder: YearFolder,
    file: Annotated[
        Path,
        typer.Argument(help=say("已分组病例，须有病例号。", "Grouped cases, with case ids.")),
    ],
    month: Month = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    across_schemes: AcrossSchemes = False,
    accept_unreadable: AcceptUnreadable = False,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Add the open month's cases."""
    from drg.year.book import Book

    look_first((file, mapping))
    book = Book(folder)
    _fits(book, file, mapping, sheet, across_schemes)
    found = book.add_month(file, month=month, mapping=mapping, sheet=sheet,
                           accept_unreadable=accept_unreadable, actor=actor, at=at)  # fmt: skip
    _added(found)
    going_on(f"drg year close-month {folder}")


@app.command(
    "correct",
    help=say("更正病例（整例替换）或补报病例；加 --withdraw 为撤销病例。均在当前月份按差额结算。",
             "Correct cases (each whole) or bring late ones; with --withdraw take cases out. They "
             "settle in the open month, as differences."),
)  # fmt: skip
def correct(
    folder: YearFolder,
    file: Annotated[
        Path,
        typer.Argument(help=say("更正后的已分组病例；撤销时只需病例号。",
                                "Corrected grouped cases; to withdraw, ids are enough.")),
    ],
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help=say("撤销这些病例。", "Take these cases out."))
    ] = False,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    across_schemes: AcrossSchemes = False,
    accept_unreadable: AcceptUnreadable = False,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Correct cases, bring late ones, or withdraw some."""
    from drg.year.book import Book

    look_first((file, mapping))
    book = Book(folder)
    if withdraw:
        found = book.withdraw(file, mapping=mapping, sheet=sheet, actor=actor, at=at)
        typer.echo(say(f"撤销 {found.rows:,} 例", f"{found.rows:,} cases withdrawn"))
        _fallen(book)
        _stale(book)
        return
    _fits(book, file, mapping, sheet, across_schemes)
    _added(book.correct(file, mapping=mapping, sheet=sheet, accept_unreadable=accept_unreadable,
                        actor=actor, at=at))  # fmt: skip
    _fallen(book)
    _stale(book)


@app.command(
    "close-month",
    help=say("结清当前月份：写出本月表，此后不再改动。",
             "Close the open month: its table is written and never changes again."),
)  # fmt: skip
def close_month(
    folder: YearFolder,
    month: Month = None,
    empty: Annotated[
        bool, typer.Option("--empty", help=say("本月确无病例。", "The month has no case."))
    ] = False,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Close the open month."""
    from drg.cli.year.show import month_line, unsettled
    from drg.year.book import Book

    book = Book(folder)
    number = book.state.open_month
    found = book.close_month(month=month, empty=empty, actor=actor, at=at)
    for line in month_line(book, number, found):
        typer.echo(line)
    warned(list(unsettled(found)))
    going_on(f"drg year sheet {folder} --month {number} --out FILE.xlsx",
             f"drg year add-month {folder} FILE" if number < 12
             else f"drg year clear {folder} --out DIR")  # fmt: skip


@app.command(
    "form",
    help=say("写出清单的填报表（Excel），已在账册中的行一并带出。",
             "Write the form of a list (Excel), with the rows that stand in the book."),
)  # fmt: skip
def form(
    folder: YearFolder,
    name: ListName,
    out: Annotated[Path, typer.Option("--out", help=say("填报表。", "The form."))],
    hospital: Annotated[
        str | None,
        typer.Option("--hospital", help=say("只带出这家医疗机构的行。",
                                            "Only rows of this hospital.")),
    ] = None,
) -> None:  # fmt: skip
    """Write the form of a list."""
    from drg.year.book import Book
    from drg.year.forms import known_list, standing_rows, write_form

    kind = known_list(name)
    look_first((folder,), (out, (".xlsx",)))
    book = Book(folder)
    write_form(out, kind, book.files, rows=standing_rows(book.files, book.state, kind, hospital))
    typer.echo(str(out))
    going_on(f"drg year list {folder} {kind.code} {out}" if kind.code != "advance"
             else f"drg year advance {folder} {out} --history FILE")  # fmt: skip


@app.command(
    "list",
    help=say("把填好的清单加入当前月份，逐行核对；同一项再次填报的，以后一次为准。",
             "Put a filled list into the open month, judged row by row; a row that comes again "
             "takes the place of the one before."),
)  # fmt: skip
def list_(
    folder: YearFolder,
    name: ListName,
    file: Annotated[Path, typer.Argument(help=say("填好的填报表。", "The filled form."))],
    hospital: Annotated[
        str | None,
        typer.Option("--hospital", help=say(
            "由这家医疗机构填报：涉及其他医疗机构或其病例的行不接受。",
            "It is of this hospital: rows on others, or on their cases, are refused.")),
    ] = None,
    sheet: Sheet = None,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Put a filled list into the open month."""
    from drg.errors import problem
    from drg.year.book import Book
    from weights.negotiation.forms.hidden import hidden_lines

    look_first((file,))
    book = Book(folder)
    found = book.hand_in(name, file, sheet=sheet, hospital=hospital, actor=actor, at=at)
    warned(hidden_lines(file))
    _told(file, folder, len(found.rows), found.rejects, found.told)
    if found.corrections is not None:
        count = found.corrections.num_rows
        typer.echo(say(f"更正病例 {count:,} 例，在当前月份结算",
                       f"{count:,} cases corrected, which settle in the open month"))  # fmt: skip
    if not found.rows:
        raise problem(say("没有可接受的行", "no row can be taken"), file=file)
    _stale(book)


@app.command(
    "advance",
    help=say("办理预付金：按前几年平均支出和基金累计结余审核申请，随当前月份拨付，年终清算时收回。",
             "Advance money: applications judged by the mean spend of the last years and the "
             "fund's surplus; paid with the open month, recovered at the clearing."),
)  # fmt: skip
def advance(
    folder: YearFolder,
    file: Annotated[Path, typer.Argument(help=say("填好的申请表。", "The filled applications."))],
    history: Annotated[
        Path,
        typer.Option("--history", help=say(
            "前几年基金支出表，列为 pool、hospital_id、year、amount（元）。",
            "Fund spend of the last years: a table pool, hospital_id, year, amount (yuan).")),
    ],
    fund: Annotated[
        Path | None,
        typer.Option("--fund", help=say("基金表，默认按建账时的。",
                                        "The fund's table; by default that of the opening.")),
    ] = None,
    sheet: Sheet = None,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Judge applications for advance money, and grant them."""
    from drg.cases.choices import pools_said
    from drg.errors import problem
    from drg.year.book import Book
    from drg.year.lending import lend

    look_first((file, history, fund))
    book = Book(folder)
    pools = [pool.name for pool in book.files.policy.pools]
    rows, rejects = lend(book, file, history, sheet=sheet, actor=actor, at=at,
                         fund=None if fund is None else fund_of(fund, pools))  # fmt: skip
    _told(file, folder, len(rows), rejects, [])
    for row in rows:
        typer.echo(say(f"{row['hospital_id']} {pools_said([row['pool']])}：预付 {row['amount']} 元"
                       f"（申请 {row['applied']}，上限 {row['most']}）",
                       f"{row['hospital_id']} {row['pool']}: {row['amount']} yuan (applied for "
                       f"{row['applied']}, at most {row['most']})"))  # fmt: skip
    if not rows:
        raise problem(say("没有可预付的申请", "no application can be granted"), file=file)


@app.command(
    "receipt",
    help=say("写出记录回执，供抄送或申请时间戳；verify --receipt 据以核对。",
             "Write a receipt of the record; verify --receipt holds the record against it."),
)  # fmt: skip
def receipt(
    folder: YearFolder,
    out: Annotated[Path, typer.Option("--out", help=say("回执文件。", "File of the receipt."))],
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Write a receipt of the record."""
    from drg.year.book import Book

    look_first((folder,), (out, (".toml",)))
    found = Book(folder).receipt(actor, at)
    found.write(out)
    typer.echo(say(f"第 {found.entries} 条，{found.at}，摘要 {found.digest}",
                   f"entry {found.entries}, {found.at}, digest {found.digest}"))  # fmt: skip


@app.command(
    "verify",
    help=say("核验账册：记录、文件，并重新结算每个已结账月份；有问题时退出状态为 1。",
             "Check the book: record, files, and every closed month settled anew; exit status 1 on "
             "a fault."),
)  # fmt: skip
def verify(
    folder: YearFolder,
    receipt: Annotated[
        list[str] | None,
        typer.Option("--receipt", help=say("以前发出的回执文件或摘要值，可给出多个。",
                                           "A receipt given out before, or its digest; "
                                           "repeats.")),
    ] = None,
) -> None:  # fmt: skip
    """Check the book."""
    from drg.year.verify import verify as check

    found = check(folder, receipts=receipt or ())
    typer.echo(found.text())
    if found.digest:
        typer.echo(f"{say('记录摘要', 'digest')} {found.digest}")
    if not found.ok:
        raise typer.Exit(1)


def _fits(
    book: Book, file: Path, mapping: Path | None, sheet: str | None, across: bool
) -> None:  # fmt: skip
    weights = book.files.weights
    policy_fits(book.files.policy, same_scheme(file, weights, across, mapping, sheet), file,
                weights, across)  # fmt: skip


def _fallen(book: Book) -> None:
    """Tell what of the findings and deductions hangs on cases that are not there any more."""
    from drg.year.decisions import deducted, fallen, rows_of
    from drg.year.findings import docket, worth

    files, state, lines = book.files, book.state, []
    held = docket(files, state)
    if lost := [one for one in held.findings.values() if held.fell(one)]:
        kept = replace(held, fallen=frozenset())
        fen = sum(worth(files.policy, one) for one in lost if kept.confirmed(one))
        lines.append(say(
            f"{len(lost):,} 条疑点的病例已撤销或更正到其他医疗机构，不再办理；已认定的 "
            f"{fen / 100:,.2f} 元不再扣款",
            f"{len(lost):,} findings are of cases that were withdrawn, or corrected to another "
            f"hospital: nothing follows, and {fen / 100:,.2f} yuan confirmed are not deducted any "
            "more"))  # fmt: skip
    own = [row for row in rows_of(book.folder, state)["deduction"].values()
           if not row.get("finding")]  # fmt: skip
    cases = fallen(book.folder, state, own)
    stands = sum(bool(deducted(files.policy, row)) for row in own if row["case_id"] in cases)
    if stands:
        lines.append(say(
            f"违规扣款清单中有 {stands:,} 项的病例已撤销或更正到其他医疗机构，仍在扣款；"
            "不应再扣的，在清单中再报一次，申诉结果填“病例已撤销”",
            f"{stands:,} rows of the list of deductions are of such cases and are deducted still; "
            "hand in again those that are not to be, their appeal being 'case withdrawn'",
        ))  # fmt: skip
    warned(lines)


def _stale(book: Book) -> None:
    from drg.cli.year.show import stale

    if book.state.is_stale:
        warned([stale()])


def _added(found: Added) -> None:
    from budget.settlement.warned import chinese

    typer.echo(say(f"病例 {found.rows:,} 例：新增 {found.new:,}，更正 {found.replaced:,}；"
                   f"其中往月出院 {found.late:,}",
                   f"{found.rows:,} cases: {found.new:,} new, {found.replaced:,} corrected; "
                   f"{found.late:,} discharged in earlier months"))  # fmt: skip
    if found.listed is not None:
        told = [say(chinese(one), one) for one in found.told]
        warned(
            [
                *told,
                say(
                    f"有问题的单元格 {found.unread:,} 处，列于 {found.listed}",
                    f"{found.unread:,} cells with faults, listed in {found.listed}",
                ),
            ]
        )


def _told(file: Path, folder: Path, taken: int, rejects: object, told: list[str]) -> None:
    import pandas as pd

    assert isinstance(rejects, pd.DataFrame)
    lost = rejects["row"].nunique()
    typer.echo(say(f"共 {taken + lost:,} 行：接受 {taken:,}，未接受 {lost:,}",
                   f"{taken + lost:,} rows: {taken:,} taken, {lost:,} not"))  # fmt: skip
    warned(told)
    listed(file, folder, rejects)
