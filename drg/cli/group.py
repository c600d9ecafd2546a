"""``drg group``: a discharge file comes back grouped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import (
    DischargeFile,
    Edition,
    EngineName,
    MappingFile,
    Master,
    SchemeName,
    Sheet,
    Strict,
    is_spark,
)
from drg.cli.common.outputs import TABLES, look_first
from drg.language import say
from drg.terminal import width
from grouper.scheme.name import DEFAULT, with_ambiguous

PARTS = (
    "diagnoses", "procedures", "sex", "age", "age_days", "age_months", "birth_date",
    "birth_weight", "admission_weight",
)  # fmt: skip

if TYPE_CHECKING:
    from grouper.engine.account import Account
    from grouper.engine.parts import Parts


def group(
    file: DischargeFile,
    out: Annotated[
        Path,
        typer.Option("--out", help=say(
            "结果文件，格式由扩展名（.csv、.csv.gz、.xlsx、.parquet）决定；FILE 为文件夹时"
            "可为文件夹，逐个文件分组。",
            "File to write; its ending (.csv, .csv.gz, .xlsx, .parquet) says the format. A folder, "
            "where FILE is one: file by file.")),
    ],
    scheme: SchemeName = DEFAULT,
    ambiguous: Annotated[
        bool,
        typer.Option("--ambiguous", help=say(
            "启用方案可选的歧义组（QY），同 --scheme 方案+qy。",
            "With the scheme's optional ambiguous groups (QY); the same as --scheme ID+qy.")),
    ] = False,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    codes: Edition = "insurance",
    names: Annotated[
        bool,
        typer.Option("--names", help=say("追加 drg_name 列：病组名称。",
                                         "Append drg_name, the name of the group.")),
    ] = False,
    strict: Strict = False,
    engine: EngineName = "local",
    master: Master = None,
) -> None:  # fmt: skip
    """Group a discharge file: every row comes back with its group, status and reason."""
    from drg.progress import Progress
    from drg.provenance import record_of
    from grouper.engine.files import beside, group_file

    named = with_ambiguous(scheme) if ambiguous else scheme
    if is_spark(engine, master, sheet=sheet):
        from drg.spark.session import on_spark
        from grouper.spark import group_dataset

        look_first((mapping, scheme))
        with on_spark(master):
            account = group_dataset(file, out, scheme=named, mapping=mapping, codes=codes,
                                    names=names)  # fmt: skip
        _said(account, out, strict)
        return
    if sheet is None and file.is_dir() and not out.name.lower().endswith(TABLES):
        from grouper.engine.parts import group_parts

        look_first((file, mapping, scheme), beside=(record_of(out),), folder=out)
        with Progress(say(f"分组 {file.name}", f"grouping {file.name}")) as shown:
            done = group_parts(file, out, scheme=named, mapping=mapping, codes=codes, names=names,
                               progress=shown.advance)  # fmt: skip
        typer.echo(_of_parts(done, out), err=True)
        if strict and done.rejects:
            raise typer.Exit(1)
        return
    look_first((file, mapping, scheme), (out, TABLES), beside=beside(out))
    with Progress(say(f"分组 {file.name}", f"grouping {file.name}")) as shown:
        account = group_file(
            file,
            out,
            scheme=named,
            mapping=mapping,
            sheet=sheet,
            codes=codes,
            names=names,
            progress=shown.advance,
        )
    _said(account, out, strict)


def _said(account: Account, out: Path, strict: bool) -> None:
    typer.echo(summary(account, out), err=True)
    if strict and account.rejects:
        raise typer.Exit(1)


def _of_parts(done: Parts, out: Path) -> str:
    """What grouping a dataset came to."""
    from grouper.engine.reasons import STATUS_TEXT, STATUSES

    lines = [f"{out}", _counted(say("文件", "files"), f"{done.parts:,}")]
    if done.kept:
        lines.append(_counted(say("沿用上次中断前已完成", "whole from the run before"),
                              f"{done.kept:,}"))  # fmt: skip
    lines.append(_counted(say("病例", "cases"), f"{done.cases:,}"))
    lines += [_counted(say(f"{STATUS_TEXT[status][0]} {status}", status),
                       f"{done.statuses[status]:,}") for status in STATUSES]  # fmt: skip
    if done.rejects:
        lines.append(say(f"  拒收记录 {done.rejects:,}，列于 {out}/_drg",
                         f"  rejected {done.rejects:,}, listed in {out}/_drg"))  # fmt: skip
    return "\n".join(lines)


def summary(account: Account, out: Path) -> str:
    """What grouping came to."""
    from grouper.engine.reasons import REASONS, STATUS_TEXT, STATUSES, UNGROUPED

    text = {reason.code: reason for reason in REASONS}
    rate = account.cases / account.seconds if account.seconds else 0.0
    lines = [
        f"{str(out).encode('utf-8', 'backslashreplace').decode()}  {say('方案', 'scheme')} "
        f"{account.scheme.id}",
        *_columns(account),
        _counted(say("病例", "cases"), f"{account.cases:,}"),
    ]  # fmt: skip
    for status in STATUSES:
        lines.append(_counted(say(f"{STATUS_TEXT[status][0]} {status}", status),
                              f"{account.statuses[status]:,}")
                     + _share(account.statuses[status], account))  # fmt: skip
        if status == UNGROUPED:
            lines += [
                f"      {code} {say(text[code].zh, text[code].en)}: {count:,}"
                for code, count in account.main_reasons.most_common()
                if not text[code].invalid
            ]
    lines += [
        f"      {code} {say(text[code].zh, text[code].en)}: {count:,}"
        for code, count in account.main_reasons.most_common()
        if text[code].invalid
    ]
    noted = [r for r in REASONS if account.reasons[r.code] and r.code not in account.main_reasons]
    lines += [f"  {say('提示', 'noted')}: {r.code} {say(r.zh, r.en)}: {account.reasons[r.code]:,}"
              for r in noted]  # fmt: skip
    lines.append(_counted(say("覆盖组数", "DRGs covered"),
                          _of(len(account.drg_cases), account.scheme_drgs)))  # fmt: skip
    if account.compared:
        agreeing = _of(account.agreeing, account.compared)
        lines.append(f"  {say('与原分组一致', 'drg_input agrees')} {agreeing}")
    lines += _codes(account)
    if account.rejects:
        lines.append(say(f"  拒收记录 {account.rejects:,}，列于 {account.reject_path}",
                         f"  rejected {account.rejects:,}, listed in "
                         f"{account.reject_path}"))  # fmt: skip
    lines.append(say(f"  {account.seconds:.1f} 秒，每秒 {rate:,.0f} 例",
                     f"  {account.seconds:.1f} s, {rate:,.0f} cases/s"))  # fmt: skip
    return "\n".join(lines)


def _counted(title: str, number: str) -> str:
    return f"  {title}{number:>{34 - width(title)}}"


def _of(count: int, total: int) -> str:
    return say(f"{count:,} / {total:,}", f"{count:,} of {total:,}")


def _codes(account: Account) -> list[str]:
    """What became of the codes: how many were converted, how many are unknown."""
    lines = []
    if account.converted:
        lines.append(say(f"  编码转换 {account.converted:,}，列于 {account.converted_path}",
                         f"  codes converted {account.converted:,}, "
                         f"listed in {account.converted_path}"))  # fmt: skip
    if account.unmapped:
        lines.append(say(f"  未对照编码 {account.unmapped_codes:,}（出现 {account.unmapped:,} 次）"
                         f"，与候选编码列于 {account.unmapped_path}",
                         f"  codes unmapped {account.unmapped_codes:,} "
                         f"(used {account.unmapped:,} times), "
                         f"listed with candidates in {account.unmapped_path}"))  # fmt: skip
    return lines


def _columns(account: Account) -> list[str]:
    """Which columns were read as what, and which were looked for in vain."""
    found = [_found(part, names) for part, names in account.columns.items() if part in PARTS]
    lines = [f"  {say('列', 'columns')}: {'; '.join(found)}"]
    if account.resembling:
        listed = ", ".join(f"{name} ({part}?)" for name, part in account.resembling.items())
        lines.append(say(f"  警告: 以下列未读取，但与已知的列相似: {listed}（见 --mapping）",
                         f"  warning: not read, but like known columns: {listed} "
                         "(see --mapping)"))  # fmt: skip
    if account.not_found:
        missing = ", ".join(account.not_found)
        lines.append(say(f"  警告: 未找到列: {missing}（见 --mapping）",
                         f"  warning: no column found: {missing} (see --mapping)"))  # fmt: skip
    return lines


def _found(part: str, names: tuple[str, ...]) -> str:
    if names == (part,):
        return part
    return f"{part} <- {', '.join(names if len(names) < 4 else (*names[:2], '...', names[-1]))}"


def _share(count: int, account: Account) -> str:
    return f"  {count / account.cases:7.2%}" if account.cases else ""
