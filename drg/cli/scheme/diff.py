"""``drg scheme diff``: what differs between two schemes, as text, page, workbook and in cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import Edition, Lang, MappingFile
from drg.cli.common.outputs import CSV, PICTURES, look_first
from drg.language import say
from drg.terminal import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grouper.engine.migration import Migration
    from grouper.scheme.changes import Change
    from grouper.scheme.model import Scheme

_ACTIONS = {"add": ("新增", "added"), "remove": ("删除", "removed"), "change": ("修改", "changed")}
_TABLES = {
    "mdc": ("MDC", "MDC"),
    "adrg": ("ADRG", "ADRG"),
    "drg": ("DRG", "DRG"),
    "diagnosis": ("诊断编码", "diagnosis"),
    "procedure": ("手术编码", "procedure"),
}
LONGEST = 20


def diff(
    old: Annotated[str, typer.Argument(help=say("原方案：编号或文件夹。",
                                                "Scheme before: an id or a folder."))],
    new: Annotated[str, typer.Argument(help=say("新方案：编号或文件夹。",
                                                "Scheme after: an id or a folder."))],
    out: Annotated[
        Path | None,
        typer.Option("--out", help=say(
            "写成文件：.html（网页）、.xlsx（工作簿）或 .csv（全部变化，即地方方案的格式）。",
            "Write a page (.html), a workbook (.xlsx) or all changes, as an overlay has them "
            "(.csv).")),
    ] = None,
    cases: Annotated[
        Path | None,
        typer.Option("--cases", help=say("出院病例文件：统计病例在病组间的变动。",
                                         "Discharge file: count what moves between groups.")),
    ] = None,
    moves: Annotated[
        Path | None,
        typer.Option("--moves", help=say("写出变动表（.csv、.xlsx）。",
                                         "Write the migration table (.csv, .xlsx).")),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help=say("画出变动图（.svg、.png、.pdf）。",
                                           "Draw the migration (.svg, .png, .pdf).")),
    ] = None,
    mapping: MappingFile = None,
    codes: Edition = "insurance",
    all_changes: Annotated[
        bool,
        typer.Option("--all", help=say("再逐一列出病组和编码的变化。",
                                       "List every group and code that changes as well.")),
    ] = False,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Show what differs between two schemes, and with --cases what moves from group to group."""
    from drg.errors import DrgError
    from grouper.scheme.pack import load_groups, load_scheme

    if (moves or picture) and cases is None:
        raise DrgError(say("--moves 和 --picture 需要 --cases FILE",
                           "--moves and --picture need --cases FILE"))  # fmt: skip
    look_first((old, new, cases, mapping), (out, (".html", ".htm", ".xlsx", ".csv")),
               (moves, (*CSV, ".xlsx", ".parquet")), (picture, PICTURES))  # fmt: skip
    overlay = out is not None and out.suffix.lower() == ".csv"
    load = load_scheme if cases is not None or overlay else load_groups
    schemes = load(old), load(new)
    _compare(schemes, (old, new), out, lang or "zh", whole=all_changes)
    if cases is not None:
        _migrate(cases, (load_scheme(old), load_scheme(new)), (old, new), mapping, codes, moves,
                 picture)  # fmt: skip


def _compare(
    schemes: tuple[Scheme, Scheme], given: tuple[str, str], out: Path | None, lang: str, *,
    whole: bool,
) -> None:  # fmt: skip
    """Say what differs: the summary first, then groups, then codes; and write it."""
    from drg.report.migration.summary import groups_text, summary_text
    from drg.report.migration.words import Compared
    from drg.tables import atomic_path
    from grouper.compare.summary import compare
    from grouper.scheme.changes import difference, write_changes

    told = Compared(compare(*schemes), *given)
    by_content = told.found.groups.by_content
    changes = difference(*schemes) if by_content else []
    if by_content and not changes:
        typer.echo(say("{} 与 {} 相同", "{} and {} are the same scheme").format(*given))
    else:
        typer.echo(summary_text(told))
        if whole:
            typer.echo(f"\n{groups_text(told)}")
        if changes and (whole or len(changes) <= LONGEST):
            typer.echo(f"\n{in_words(changes)}")
        elif changes:
            typer.echo(say(f"\n共 {len(changes):,} 处变化，逐一列出用 --all 或 --out",
                           f"\n{len(changes):,} changes in all; --all or --out lists "
                           "them"))  # fmt: skip
    if out is None:
        return
    if out.suffix.lower() == ".csv":
        with atomic_path(out) as path:
            write_changes(path, changes)
    else:
        from drg.page.words import Words
        from drg.page.write import write_report
        from drg.report.migration.sections import comparison_report

        words = Words(lang)
        for line in write_report(out, comparison_report(told, words), words):
            typer.echo(line, err=True)
    typer.echo(str(out), err=True)


def in_words(changes: Sequence[Change]) -> str:
    """The changes as sentences, counted first."""
    lines = [say(f"{len(changes):,} 处变化", f"{len(changes):,} changes")]
    for file, title in _TABLES.items():
        counts = {
            say(*words): sum(c.table == file and c.action == action for c in changes)
            for action, words in _ACTIONS.items()
        }
        if any(counts.values()):
            told = ", ".join(f"{word} {count:,}" for word, count in counts.items() if count)
            lines.append(f"  {say(*title)}: {told}")
    lines += [f"  {sentence(one)}" for file in _TABLES for one in changes if one.table == file]
    return "\n".join(lines)


def sentence(change: Change) -> str:
    """One change in words."""
    head = f"{say(*_ACTIONS[change.action])} {say(*_TABLES[change.table])} {change.code}"
    if change.table in ("diagnosis", "procedure"):
        towards = say("移出", "from") if change.action == "remove" else say("加入", "to")
        return f"{head} {change.name}: {towards} {change.place}"
    parts = [change.name] if change.name else []
    if change.place and change.action != "remove":
        parts.append(f"{say('属于', 'in')} {change.place}")
    if change.rule:
        parts.append(f"{say('规则', 'rule')} {change.rule}")
    if change.after and change.action == "change":
        parts.append(say(f"排在 {change.after} 之后", f"after {change.after}")
                     if change.after != "first" else say("排在最前", "first"))  # fmt: skip
    if change.was:
        parts.append(say(f"（原 {change.was}）", f"(was {change.was})"))
    return f"{head} {'; '.join(parts)}".rstrip()


def _migrate(
    cases: Path, schemes: tuple[Scheme, Scheme], given: tuple[str, str], mapping: Path | None,
    codes: str, moves: Path | None, picture: Path | None,
) -> None:  # fmt: skip
    from drg.cases.outcomes import UNGROUPED_DRG
    from drg.progress import Progress
    from drg.tables import write_table
    from drg.tables.derived import without_formulas
    from drg.tables.together import at_once
    from grouper.engine.migration import migrate_file

    title = say(f"按两方案分组 {cases.name}", f"grouping {cases.name} twice")
    with Progress(title) as shown:
        found = migrate_file(cases, *given, mapping=mapping, codes=codes, progress=shown.advance)
    typer.echo(_summary(found))
    ungrouped = {UNGROUPED_DRG: "未入组"}
    old, new = (ungrouped | {drg.code: drg.name for drg in one.drgs} for one in schemes)
    with at_once(moves, picture) as (table, drawn):
        if table is not None and table.suffix.lower() == ".xlsx":
            from drg.report.migration.moves import write_moves

            write_moves(table, found, (old, new))
        elif table is not None:
            write_table(table, without_formulas(found.table()))
        if drawn is not None:
            from drg.plots import save
            from drg.report.migration.picture import draw

            save(draw(found, (old, new)), drawn)
    for written in (moves, picture):
        if written is not None:
            typer.echo(str(written), err=True)


def _summary(found: Migration) -> str:
    share = found.moved / found.total if found.total else 0.0
    pairs = [pair for pair in found.cases if pair[0] != pair[1]]
    pairs.sort(key=lambda pair: (-found.cases[pair], pair))
    rows = [
        (old, new, f"{found.cases[old, new]:,}",
         f"{found.cost[old, new] / 100:,.2f}" if found.has_cost else "")
        for old, new in pairs[:LONGEST]
    ]  # fmt: skip
    header = (found.old, found.new, say("例数", "cases"), say("费用（元）", "cost (yuan)"))
    first = say(f"\n病例 {found.total:,} 例，组变化 {found.moved:,} 例（{share:.1%}）",
                f"\ncases {found.total:,}; another group {found.moved:,} "
                f"({share:.1%})")  # fmt: skip
    return f"{first}\n{table(header, rows, right=(2, 3))}"
