"""``drg year status|clear|sheet|package``: what a year comes to, and what is signed and sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from drg.cli.common.options import BUREAU, Actor, Lang, RecordTime, TablesFolder, wrong
from drg.cli.common.outputs import BOOK, PAGES, WORD, look_first
from drg.cli.common.settled import summary
from drg.cli.common.told import lines_of, rejected, warned
from drg.language import say, spoken
from drg.terminal import table

if TYPE_CHECKING:
    import pandas as pd

    from drg.year.book import Book
    from drg.year.month import Figures

YearFolder: TypeAlias = Annotated[
    Path, typer.Argument(metavar="YEAR", help=say("年度账册的文件夹。", "Folder of the book."))
]
_FORMATS = ("xlsx", "html", "docx")


def status(folder: YearFolder) -> None:
    """Where the year stands."""
    from drg.cases.choices import pools_said
    from drg.year.book import Book
    from drg.year.month import read_month

    book = Book(folder)
    state = book.state
    init = state.init
    typer.echo(f"{init['title'] or init['book']}  {state.year}  {init['policy']['id']}  "
               + say(f"{len(state.entries)} 条记录，摘要 {state.digest[:16]}",
                     f"{len(state.entries)} entries, digest {state.digest[:16]}"))  # fmt: skip
    rows = []
    for place, one in enumerate(state.closed):
        frame = read_month(folder / one.file)
        sums = frame[["cases", "late", "corrected", "payable", "advance", "deduction",
                      "advance_money", "paid"]].sum()  # fmt: skip
        values = ", ".join(
            f"{pools_said([name])} {value:.4f}"
            for name, value in one.point_values.items()
            if value is not None
        )
        rows.append([str(place + 1), *(f"{int(sums[name]):,}" for name in sums.index[:3]),
                     *(f"{sums[name]:,.2f}" for name in sums.index[3:]), values])  # fmt: skip
    head = (say("月", "month"), say("病例", "cases"), say("补报", "late"),
            say("更正", "corrected"), say("应付", "payable"), say("预拨", "advance"),
            say("扣款", "deducted"), say("预付金", "advance money"), say("本次实拨", "paid"),
            say("点值", "point values"))  # fmt: skip
    typer.echo(table(head, rows, range(1, 9)))
    if state.open_month > 12:
        typer.echo(say("十二个月均已结账，待年终清算", "all months are closed: clear it")
                   if state.cleared is None else stale() if state.is_stale
                   else say("已清算", "cleared"))  # fmt: skip
    else:
        waiting = sum(one.rows for one in state.cases if one.month == state.open_month)
        typer.echo(say(f"当前月份 {state.open_month}，已加入 {waiting:,} 行",
                       f"month {state.open_month} is open, with {waiting:,} rows"))  # fmt: skip


def stale() -> str:
    """What is said once cases or lists came after the clearing."""
    return say("清算之后又有病例或清单：须重新 drg year clear",
               "cases or lists came after the clearing: clear it anew")  # fmt: skip


def listed(file: Path, folder: Path, rejects: pd.DataFrame) -> None:
    """List rows of a form that were not taken beside the book, and name the first."""
    from drg.tables import RejectFile
    from drg.year.book import REJECTS

    if len(rejects):
        target = folder / REJECTS / f"{file.stem}.csv"
        target.parent.mkdir(exist_ok=True)
        with RejectFile(target) as lost:
            lost.add_many(rejects["row"], rejects["column"], rejects["value"], rejects["reason"])
        rejected(lines_of(file, rejects), target)


def unsettled(found: Figures) -> Iterator[str]:
    """Cases so far that are not settled, by why."""
    from budget.price.branches import BRANCHES

    names = {one.code: one.zh for one in BRANCHES}
    for code, (cases, fen) in (found.month.settled.unsettled if found.month else {}).items():
        yield say(
            f"未结算：{names[code]} {cases:,} 例，{fen / 100:,.2f} 元",
            f"not settled: {code} {cases:,} cases, {fen / 100:,.2f} yuan",
        )


def month_line(book: Book, number: int, found: Figures) -> Iterator[str]:
    """What a month came to, by pool."""
    from drg.cases.choices import pools_said

    for place, pool in enumerate(book.files.policy.pools):
        part = {name: held[:, place].sum() for name, held in found.parts.items()}
        value = found.point_values[pool.name]
        priced = "" if value is None else say(f"，点值 {value:.4f}", f", a point {value:.4f} yuan")
        yield say(
            f"{number} 月 {pools_said([pool.name])}：病例 {part['cases']:,}，"
            f"应付 {part['payable'] / 100:,.2f}，本次实拨 {part['paid'] / 100:,.2f} 元{priced}",
            f"month {number}, {pool.name}: {part['cases']:,} cases, payable "
            f"{part['payable'] / 100:,.2f}, paid {part['paid'] / 100:,.2f} yuan{priced}",
        )  # fmt: skip


def clear(
    folder: YearFolder,
    out: TablesFolder,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help=say("表单格式：xlsx、html 或 docx，可给出多个；默认 xlsx。",
                                          "Of the sheets: xlsx, html or docx; repeats; xlsx by "
                                          "default.")),
    ] = None,
    early: Annotated[
        bool,
        typer.Option("--early", help=say("未满十二个月，只试算。",
                                         "Months are open: only look.")),
    ] = False,
    lang: Lang = None,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Clear the year."""
    from budget.settlement.files import RESULTS
    from drg.year.book import Book
    from drg.year.clear import clear as clear_year
    from drg.year.sheets import SHEETS, needless

    kinds = tuple(formats or ["xlsx"])
    for kind in kinds:
        if kind not in _FORMATS:
            raise wrong("应为 xlsx、html 或 docx", "expected xlsx, html or docx", "--format")
    look_first((folder,), folder=out, results=(*RESULTS, *SHEETS))
    found = clear_year(Book(folder), out, early=early, kinds=kinds, lang=lang or spoken(),
                       actor=actor, at=at)  # fmt: skip
    typer.echo(summary(found.settled))
    if count := needless(found):
        warned([say(f"{count:,} 例单议已通过但不是高倍率病例，未按单议支付",
                    f"{count:,} approved reviews are of cases that are no high outliers; nothing "
                    "is paid by them")])  # fmt: skip
    typer.echo(str(out))


def sheet_of(
    folder: YearFolder,
    month: Annotated[
        int, typer.Option("--month", min=1, max=12, help=say("月份。", "The month."))
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help=say("拨付表：.xlsx、.html 或 .docx。",
                                       "The sheet: .xlsx, .html or .docx.")),
    ],
    lang: Lang = None,
) -> None:  # fmt: skip
    """Write the payment sheet of a closed month."""
    from drg.year.book import Book
    from drg.year.sheets import write_month_sheet

    look_first((folder,), (out, (*BOOK, *PAGES, *WORD)))
    write_month_sheet(Book(folder), month, out, lang or spoken())
    typer.echo(str(out))


def package(folder: YearFolder, out: TablesFolder, lang: Lang = None) -> None:
    """Write the data group's package."""
    from drg.year.book import Book
    from drg.year.package import RESULTS, write_package

    look_first((folder,), folder=out, results=RESULTS)
    count = write_package(Book(folder), out, lang or spoken())
    typer.echo(say(f"{out}：{count} 家医疗机构", f"{out}: {count} hospitals"))
