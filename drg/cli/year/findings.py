"""``drg year findings``: alerts of an audit, followed to their end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from drg.cli.common.options import BUREAU, Actor, CreditFile, Lang, RecordTime, Sheet
from drg.cli.common.outputs import BOOK, PAGES, WORD, look_first
from drg.cli.common.told import going_on, warned
from drg.cli.year.show import YearFolder, listed, stale
from drg.language import say, spoken
from drg.terminal import plain, table

if TYPE_CHECKING:
    import datetime as dt

    from drg.year.book import Book
    from drg.year.findings import Docket
    from drg.year.hearing import Taken

app = typer.Typer(
    help=say("基金监管疑点：初审、申诉、复审、合议、终审，直至扣款，全程留痕。",
             "Findings of an audit: first review, appeal, second review, panel, final decision and "
             "deduction, all on record."),
    no_args_is_help=True,
)  # fmt: skip
StepName: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="STEP", help=say(
        "步骤，如 first_review 初审、appeal 申诉、second_review 复审、panel 合议、final 终审。",
        "The step, such as first_review, appeal, second_review, panel, final.")),
]  # fmt: skip


_MOST_TOLD = 20  # warnings of a form


@app.command(
    "add",
    help=say("把一次审核的疑点加入账册；已有的疑点不变。",
             "Take the findings of an audit into the book; those that it has stay as they stand."),
)  # fmt: skip
def add(
    folder: YearFolder,
    audit: Annotated[
        Path, typer.Argument(metavar="AUDIT", help=say("drg audit 写出的文件夹。",
                                                       "The folder that drg audit wrote."))
    ],
    procedure: Annotated[
        Path | None,
        typer.Option("--procedure", help=say("处理程序文档（步骤、角色、期限），默认为内置。",
                                             "Document of the procedure: steps, roles, days; the "
                                             "shipped one by default.")),
    ] = None,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Take the findings of an audit into the book."""
    from drg.errors import problem
    from drg.year.book import Book
    from drg.year.hearing import add as take

    look_first((audit, procedure))
    found = take(Book(folder), audit, procedure=procedure, actor=actor, at=at)
    _told(found, audit / "findings.csv", folder,
          say(f"已有 {found.waiting:,}", f"{found.waiting:,} known already"))  # fmt: skip
    if not found.rows and not found.waiting and len(found.rejects):
        raise problem(say("没有可接受的疑点", "no finding can be taken"), file=audit)
    going_on(f"drg year findings form {folder} first_review --out FORM.xlsx")


@app.command(
    "form",
    help=say("写出一个步骤的填报表（Excel），列出待办的疑点。",
             "Write the form of a step with the findings that wait for it."),
)  # fmt: skip
def form(
    folder: YearFolder,
    step: StepName,
    out: Annotated[Path, typer.Option("--out", help=say("填报表。", "The form."))],
    hospital: Annotated[
        str | None,
        typer.Option("--hospital", help=say("只列出这家医疗机构的疑点。",
                                            "Only findings of this hospital.")),
    ] = None,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Write the form of a step."""
    from drg.year.book import Book
    from drg.year.hearing import write_step_form

    look_first((folder,), (out, BOOK))
    count = write_step_form(Book(folder), step, out, hospital=hospital, at=at)
    typer.echo(say(f"{out}：{count:,} 条", f"{out}: {count:,} findings"))
    going_on(f"drg year findings act {folder} {step} {out} --actor NAME")


@app.command(
    "act",
    help=say("把填好的表作为一条记录加入：逐行核对，程序不允许的逐条列出；未填决定的暂不办理。",
             "Take a filled form in as one entry, judged row by row; rows without a decision "
             "wait."),
)  # fmt: skip
def act(
    folder: YearFolder,
    step: StepName,
    file: Annotated[Path, typer.Argument(help=say("填好的填报表。", "The filled form."))],
    evidence: Annotated[
        Path | None,
        typer.Option("--evidence", help=say("证据文件所在的文件夹；文件存入账册，以哈希核对。",
                                            "Folder of the evidence that the form names; it is "
                                            "kept in the book, by hash.")),
    ] = None,
    members: Annotated[
        str,
        typer.Option("--members", help=say("合议成员，以逗号分隔。",
                                           "Members of the panel, parted by commas.")),
    ] = "",
    sheet: Sheet = None,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Take in a filled form."""
    from drg.errors import problem
    from drg.year.book import Book
    from drg.year.hearing import act as take
    from drg.year.procedure import DECISIONS
    from weights.negotiation.forms.hidden import hidden_lines

    look_first((file, evidence))
    book = Book(folder)
    found = take(book, step, file, evidence=evidence, sheet=sheet, actor=actor, at=at,
                 members=members.replace("，", ",").replace("、", ",").split(","))  # fmt: skip
    warned(hidden_lines(file))
    _told(found, file, folder, say(f"未填决定 {found.waiting:,}",
                                   f"{found.waiting:,} without a decision"))  # fmt: skip
    if not found.rows:
        raise problem(say("没有可接受的决定", "no decision can be taken"), file=file)
    typer.echo(", ".join(f"{say(*DECISIONS[name][:2])} {count:,}"
                         for name, count in sorted((found.decided or {}).items())))  # fmt: skip
    warned([*found.told[:_MOST_TOLD], *(
        [say(f"... 另有 {more:,} 条", f"... {more:,} more")]
        if (more := len(found.told) - _MOST_TOLD) > 0 else [])])  # fmt: skip
    if found.late:
        warned([say(f"{found.late:,} 条办理时已超过期限", f"{found.late:,} were overdue")])
    if found.fen:
        typer.echo(say(f"认定扣款 {found.fen / 100:,.2f} 元，列入违规扣款清单",
                       f"{found.fen / 100:,.2f} yuan confirmed, which join the list of "
                       "deductions"))  # fmt: skip
    if book.state.is_stale:
        warned([stale()])


@app.command(
    "status",
    help=say("查看疑点所处步骤、期限和超期；--finding 查看一条疑点的全部经过。",
             "Where findings stand, and what is overdue; --finding tells the history of one."),
)  # fmt: skip
def status(
    folder: YearFolder,
    finding: Annotated[
        str | None, typer.Option("--finding", help=say("疑点编号。", "Number of a finding."))
    ] = None,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Where findings stand."""
    from drg.errors import problem
    from drg.record import clock
    from drg.record.entry import checked_time
    from drg.year.book import Book
    from drg.year.findings import day_of, docket

    book = Book(folder)
    held = docket(book.files, book.state)
    if finding is not None:
        if finding not in held.findings:
            raise problem(say("没有此疑点", "there is no such finding"), key="--finding",
                          found=finding)  # fmt: skip
        typer.echo(_history(held, finding))
        return
    typer.echo(_standings(book, held, day_of(checked_time(at) or clock.now())))


@app.command(
    "report",
    help=say("写出疑点处理情况：筛查、疑点、认定、金额，按类型和医疗机构，不含个人信息。",
             "Write the funnel: screened, alerts, confirmed, amount, by family and hospital, and "
             "no person."),
)  # fmt: skip
def report(
    folder: YearFolder,
    out: Annotated[
        Path,
        typer.Option("--out", help=say("文件：.html、.docx 或 .xlsx。",
                                       "The file: .html, .docx or .xlsx.")),
    ],
    weights: CreditFile = None,
    lang: Lang = None,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Write the funnel."""
    from budget.audit.credit import read_credit
    from drg.page.words import Words
    from drg.page.write import write_report
    from drg.record import clock
    from drg.record.entry import checked_time
    from drg.year.book import Book
    from drg.year.findings import day_of
    from drg.year.funnel import funnel_report

    look_first((folder, weights), (out, (*BOOK, *PAGES, *WORD)))
    words = lang or spoken()
    found = funnel_report(Book(folder), words, day_of(checked_time(at) or clock.now()),
                          read_credit(weights))  # fmt: skip
    for line in dict.fromkeys(write_report(out, found, Words(words))):
        typer.echo(line, err=True)
    typer.echo(str(out))


@app.command(
    "credit",
    help=say("按终审认定的疑点给出信用评分、等级、年检查次数和保证金返还比例；"
             "--out 写成年度考核清单，核对后用 drg year list 提交。",
             "Credit by the findings that were confirmed: score, grade, inspections a year, share "
             "of the deposit paid back; --out writes the list assessment, to be checked and handed "
             "in by drg year list."),
)  # fmt: skip
def credit(
    folder: YearFolder,
    weights: CreditFile = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help=say("年度考核清单（Excel），指标为信用评分。",
                                       "The list assessment as a workbook, indicator credit.")),
    ] = None,
) -> None:  # fmt: skip
    """Credit by the findings that were confirmed."""
    from budget.audit.credit import read_credit
    from drg.year.book import Book
    from drg.year.findings import docket
    from drg.year.forms import write_form
    from drg.year.funnel import credit_table
    from drg.year.lists import CREDIT, LISTS

    look_first((folder, weights), (out, BOOK))
    rule, book = read_credit(weights), Book(folder)
    held = docket(book.files, book.state)
    found = credit_table(held, rule)
    rows = [(str(one["hospital_id"]), f"{one['cases']:,}", f"{one['findings']:,}",
             f"{one['score']:.2f}", str(one["grade"]), str(one["inspections"]),
             f"{one['assessment']:.0%}") for one in found.to_dict("records")]  # fmt: skip
    head = (say("医疗机构", "hospital"), say("筛查", "screened"), say("认定", "confirmed"),
            say("信用评分", "credit"), say("等级", "grade"), say("年检查次数", "inspections"),
            say("保证金返还", "deposit back"))  # fmt: skip
    typer.echo(table(head, rows, (1, 2, 3, 5, 6)))
    if waiting := sum(not held.ended(one) for one in held.findings.values()):
        warned([say(f"{waiting:,} 条疑点尚未办结，未计入",
                    f"{waiting:,} findings are open, and do not count yet")])  # fmt: skip
    if out is not None:
        write_form(out, LISTS["assessment"], book.files, rows=[
            {"hospital_id": row[0], "indicator": CREDIT, "score": row[3], "note": row[4]}
            for row in rows])  # fmt: skip
        typer.echo(str(out))
        going_on(f"drg year list {folder} assessment {out} --actor NAME")


def _told(found: Taken, file: Path, folder: Path, beside: str) -> None:
    lost = found.rejects["row"].nunique()
    taken = len(found.rows)
    typer.echo(say(f"接受 {taken:,}，未接受 {lost:,}，{beside}",
                   f"{taken:,} taken, {lost:,} not, {beside}"))  # fmt: skip
    listed(file, folder, found.rejects)


def _standings(book: Book, held: Docket, day: dt.date) -> str:
    from drg.year.findings import worth

    counts: dict[str, list[int]] = {}
    policy, fen = book.files.policy, 0
    for one in held.findings.values():
        own = counts.setdefault(held.standing(one), [0, 0])
        own[0] += 1
        if held.confirmed(one):
            fen += worth(policy, one)
        elif not held.ended(one) and (step := held.next(one, day)) is not None:
            own[1] += day > held.due(one, step)
    rows = [(held.procedure.title(name), f"{many:,}", f"{late:,}")
            for name, (many, late) in sorted(counts.items())]  # fmt: skip
    head = say("目前", "standing"), say("条数", "findings"), say("超期", "overdue")
    taken = say(f"已认定扣款 {fen / 100:,.2f} 元", f"deducted {fen / 100:,.2f} yuan")
    return "\n".join([table(head, rows, (1, 2)), taken])


def _history(held: Docket, finding: str) -> str:
    one = held.findings[finding]
    about = (one.id, one.hospital, one.case, one.other, one.rule, held.title(one.rule))
    lines = ["  ".join(filter(None, about))]
    for done in one.history:
        name = done.step if not done.decision else f"{done.step}:{done.decision}"
        parts = [
            f"seq {done.seq}",
            str(done.day),
            held.procedure.title(name),
            ", ".join(done.people),
            done.amount,
            done.reason,
            " ".join(done.evidence),
        ]
        lines.append("  ".join(part for part in parts if part))
    return "\n".join(map(plain, lines))
