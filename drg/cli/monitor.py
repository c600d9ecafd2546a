"""``drg monitor``: the fund's year so far against its budget, where it will end, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drg.cli.common.fits import policy_fits
from drg.cli.common.options import HospitalTable, Lang, LastYear, MappingFile, Sheet
from drg.cli.common.outputs import look_first
from drg.cli.common.schemes import AcrossSchemes, same_scheme
from drg.cli.common.settled import unsettled
from drg.cli.common.year import last_year_of, table_of_hospitals, year_of
from drg.errors import problem
from drg.language import say
from drg.terminal import table

if TYPE_CHECKING:
    from contextlib import ExitStack

    from budget.monitor.files import Monitored

_TABLES = (".csv", ".csv.gz", ".parquet", ".xlsx")
_MOST_WARNINGS = 12


def monitor(
    source: Annotated[
        Path,
        typer.Argument(help=say("本年度至今的已分组病例、存放各月文件的文件夹，或年度账册。",
                                "Grouped cases of the year so far, a folder of what there is "
                                "month by month, or the book of the year.")),
    ],
    weights: Annotated[
        str | None,
        typer.Option("--weights", help=say("权重表：文件，或已公布权重表的编号；默认为文件夹中的 "
                                           "weights.csv。",
                                           "Weight table: a file or a published id; weights.csv "
                                           "of the folder by default.")),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option("--policy", help=say(
            "支付政策：编号（见 drg policy list）或文件；默认为文件夹中的 policy.toml，没有时为"
            "全国通用默认政策。",
            "Policy: an id (drg policy list) or a file; policy.toml of the folder by default, "
            "else national-default.")),
    ] = None,
    hospitals: HospitalTable = None,
    history: Annotated[
        Path | None,
        typer.Option("--history", help=say("历年月度支出表：month、pool、spend（元）。",
                                           "Monthly spend of earlier years: a table month, pool, "
                                           "spend (yuan).")),
    ] = None,
    before: Annotated[
        Path | None,
        typer.Option("--before", help=say("上年的已分组病例，用于分解变动原因和参考预算。",
                                          "Grouped cases of the year before: what drives spend, "
                                          "and indicative budgets.")),
    ] = None,
    last_year: LastYear = None,
    levels: Annotated[
        Path | None,
        typer.Option("--levels", help=say("监测口径文件（TOML）：预警界限、累计结余、绩效指标。",
                                          "The monitor's document (TOML): levels of warnings, "
                                          "balances, indicators.")),
    ] = None,
    items: Annotated[
        Path | None,
        typer.Option("--items", help=say("集采品种表，用于结余留用。",
                                         "Items of centralised procurement, for retention.")),
    ] = None,
    month: Annotated[
        int | None,
        typer.Option("--month", min=1, max=12, help=say(
            "只计到该月；默认到最后一个有病例的月份。",
            "Count the months up to this one; by default to the last one with a case.")),
    ] = None,
    year: Annotated[
        int | None,
        typer.Option("--year", help=say("监测年度，默认按病例的出院年份。",
                                        "Year to watch; by default that of the cases.")),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help=say("存放结果的文件夹；默认为 SOURCE 旁的 monitor。",
                                       "Folder for the results; monitor beside SOURCE by "
                                       "default.")),
    ] = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    across_schemes: AcrossSchemes = False,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Watch the fund (基金运行监测)."""
    from contextlib import ExitStack

    from budget.monitor.files import PAGES, RESULTS, monitor_files
    from budget.policy import load_policy
    from drg.page.words import Words
    from drg.page.write import write_report
    from drg.report.monitor.sections import monitor_report
    from weights.table import open_weights

    with ExitStack() as stack:
        held = _Folder.of(source, stack)
        weights = weights or held.need("weights", "--weights")
        policy = policy or held.rules or held.named("policy") or "national-default"
        homes = hospitals or held.table("hospitals") or table_of_hospitals(held.cases[0], None)
        history, before = history or held.table("history"), before or held.table("before")
        last_year = last_year or held.table("last_year")
        items, levels = items or held.table("items"), levels or held.document("monitor")
        folder_out = out or source.parent / "monitor"
        look_first(
            (source, *held.cases, weights, policy, homes, history, before, last_year, levels,
             items, mapping),
            folder=folder_out, results=RESULTS,
        )  # fmt: skip
        rules, table_of_weights = load_policy(policy), open_weights(weights)
        for one in (*held.cases, *([before] if before else [])):
            scheme = same_scheme(one, table_of_weights, across_schemes, mapping, sheet)
            policy_fits(rules, scheme, one, table_of_weights, across_schemes)
        watched = year or held.year or year_of(held.cases[0], mapping, sheet)
        spent = (held.last_year if last_year is None
                 else last_year_of(last_year, [p.name for p in rules.pools]))  # fmt: skip
        words = Words(lang or "zh")

        def pages(folder: Path, found: Monitored) -> None:
            report = monitor_report(found, words)
            page, word, book = (folder / name for name in PAGES)
            for path in (page, word, book):
                for line in write_report(path, report, words):
                    typer.echo(line, err=True)

        found = monitor_files(
            held.cases, folder_out, table_of_weights, rules, homes, watched,
            months=month or held.months, history=history, before=before, last_year=spent,
            levels=levels, balances=held.balances, items=items, mapping=mapping,
            sheet=sheet, pages=pages,
            inputs={"weights": Path(weights), "policy": Path(policy), "last_year": last_year,
                    "book": held.ledger},
        )  # fmt: skip
        typer.echo(summary(found))
        for text in unsettled(found.watch.spend.done):
            typer.echo(text, err=True)
        typer.echo(str(folder_out))


@dataclass(frozen=True)
class _Folder:
    """What a folder of months holds, by names; of a single file only itself.

    Attributes:
        place: the folder or file.
        cases: files of grouped cases.
        rules: the policy of a book, by id or file.
        ledger: the record of a book.
        year: of a book.
        months: how many are closed in a book.
        last_year: last year's spend as a book has it.
        balances: pool -> balance at the start of the year, as a book has it.
    """

    place: Path
    cases: tuple[Path, ...]
    rules: str | None = None
    ledger: Path | None = None
    year: int | None = None
    months: int | None = None
    last_year: Any = None
    balances: Any = None

    @classmethod
    def of(cls, source: Path, stack: ExitStack) -> _Folder:
        """Look into a folder or book, or take a file as it is.

        Raises:
            DrgError: the folder has no grouped cases, or the book no closed month.
        """
        if (source / "ledger.jsonl").is_file():
            return cls._of_book(source, stack)
        if not source.is_dir():
            return cls(source, (source,))
        found = sorted(one for one in source.iterdir() if one.name.lower().startswith("grouped")
                       and one.name.lower().endswith(_TABLES)
                       and not one.name.endswith((".rejects.csv", ".unmapped.csv",
                                                  ".codes.csv")))  # fmt: skip
        if not found:
            raise problem(say("文件夹中没有已分组病例", "the folder has no grouped cases"),
                          file=source, expected=say("grouped.csv，或按月的 grouped-01.csv 等",
                                                    "grouped.csv, or by month grouped-01.csv and "
                                                    "so on"))  # fmt: skip
        return cls(source, tuple(found))

    @classmethod
    def _of_book(cls, source: Path, stack: ExitStack) -> _Folder:
        """The closed months of a book: its cases as they stand, corrected and decided."""
        import shutil

        from drg.tables import write_table
        from drg.tables.held import scratch
        from drg.year.book import Book
        from drg.year.cases import decided
        from drg.year.decisions import rows_of
        from drg.year.folder import HOSPITALS, LEDGER, POLICY, WEIGHTS

        book = Book(source)
        state = book.state
        if not state.closed:
            raise problem(say("账册尚无已结账的月份", "no month of the book is closed"),
                          file=source)  # fmt: skip
        place = stack.enter_context(scratch())
        cases = place / "grouped.parquet"
        write_table(cases, decided(book.standing(state), rows_of(source, state)))
        for name in (WEIGHTS, HOSPITALS, *(one.name for one in source.glob(f"{WEIGHTS}.*"))):
            shutil.copyfile(source / name, place / name)
        said, fund = state.init["policy"], state.init["fund"]
        rules = str(source / POLICY / said["file"]) if said["file"] else said["id"]
        balances = {pool: one["surplus"] for pool, one in fund.items() if "surplus" in one}
        return cls(place, (cases,), rules, source / LEDGER, state.year, len(state.closed),
                   state.init["last_year"] or None, balances)  # fmt: skip

    def table(self, name: str) -> Path | None:
        """A table of the folder."""
        if not self.place.is_dir():
            return None
        paths = (self.place / f"{name}{ending}" for ending in _TABLES)
        return next((path for path in paths if path.is_file()), None)

    def document(self, name: str) -> Path | None:
        """A document of the folder."""
        path = self.place / f"{name}.toml"
        return path if self.place.is_dir() and path.is_file() else None

    def named(self, name: str) -> str | None:
        """The same as a text."""
        path = self.document(name)
        return None if path is None else str(path)

    def need(self, name: str, option: str) -> str:
        """A table that must be there.

        Raises:
            DrgError: it is not.
        """
        path = self.table(name)
        if path is None:
            raise problem(say("缺少权重表", "no weight table"), key=option,
                          expected=say(f"文件或编号，或文件夹中的 {name}.csv",
                                       f"a file or an id, or {name}.csv in the "
                                       "folder"))  # fmt: skip
        return str(path)


def summary(found: Monitored) -> str:
    """Pools, warnings and notes as text."""
    from drg.cases.choices import pools_said
    from drg.page.small_cells import untold
    from drg.page.words import Words
    from drg.report.monitor.words import records, warned

    own = found.watch
    rows = []
    for pool in own.pools:
        ahead = pool.ahead
        amount = "-" if pool.amount is None else f"{pool.amount / 100:,.2f}"
        low, high = ("-", "-") if ahead is None or not len(ahead.ends) else (
            f"{ahead.ends[-1, 2]:,.2f}", f"{ahead.ends[-1, 3]:,.2f}")  # fmt: skip
        rows.append([
            pools_said([pool.name]), f"{pool.spent.sum() / 100:,.2f}",
            "-" if ahead is None else f"{ahead.year:,.2f}", low, high, amount,
            "-" if pool.projected != pool.projected else f"{pool.projected:,.4f}",
        ])  # fmt: skip
    head = (say("基金池", "pool"), say("累计支出", "spent"), say("预计全年", "expected"),
            say("95%下限", "95% low"), say("95%上限", "95% high"), say("可分配额", "amount"),
            say("预计点值", "point value"))  # fmt: skip
    year, months = own.spend.done.year, own.spend.months
    parts = [say(f"{year} 年 1 至 {months} 月", f"{year}, months 1 to {months}"), "",
             table(head, rows, range(1, 7)), ""]  # fmt: skip
    words = Words(say("zh", "en"))
    nothing = untold([])  # the bureau's own terminal
    lines = [warned(row, found, words, nothing) for row in records(own.warned)]
    parts += lines[:_MOST_WARNINGS]
    if len(lines) > _MOST_WARNINGS:
        more = len(lines) - _MOST_WARNINGS
        parts.append(say(f"... 另有 {more} 条，见 warnings.csv",
                         f"... {more} more in warnings.csv"))  # fmt: skip
    parts += [say(*text) for text in own.notes.values()]
    return "\n".join(parts)
