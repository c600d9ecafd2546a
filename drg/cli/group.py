"""``drg group``: a discharge file comes back grouped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import DischargeFile, Edition, MappingFile, SchemeName, Sheet

PARTS = ("diagnoses", "procedures", "sex", "age", "age_days", "birth_weight")

if TYPE_CHECKING:
    from grouper.engine.account import Account


def group(
    file: DischargeFile,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="File to write; its ending (.csv, .csv.gz, .xlsx, .parquet) says the format.",
        ),
    ],
    scheme: SchemeName = "chs-drg-1.1",
    mapping: MappingFile = None,
    sheet: Sheet = None,
    codes: Edition = "insurance",
    names: Annotated[
        bool, typer.Option("--names", help="Append drg_name, the name of the group.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 when any row or cell was rejected.")
    ] = False,
) -> None:
    """Group a discharge file: every row comes back with mdc, adrg, drg, severity, status, reason.

    Columns are recognised by canonical, front-page (病案首页) or settlement-list names. Rows and
    cells that cannot be read are listed in OUT.rejects.csv; OUT.run.json records versions, hashes
    and counts.
    """
    from drg.progress import Progress
    from grouper.engine.files import group_file

    with Progress(f"grouping {file.name}") as shown:
        account = group_file(
            file,
            out,
            scheme=scheme,
            mapping=mapping,
            sheet=sheet,
            codes=codes,
            names=names,
            progress=shown.advance,
        )
    typer.echo(summary(account, out), err=True)
    if strict and account.rejects:
        raise typer.Exit(1)


def summary(account: Account, out: Path) -> str:
    """What grouping came to, in English and Chinese."""
    from grouper.engine.reasons import REASONS, STATUS_TEXT, STATUSES, UNGROUPED

    text = {reason.code: reason for reason in REASONS}
    rate = account.cases / account.seconds if account.seconds else 0.0
    lines = [
        f"{str(out).encode('utf-8', 'backslashreplace').decode()}  scheme 方案 {account.scheme.id}",
        *_columns(account),
        f"  cases 病例          {account.cases:>12,}",
    ]
    for status in STATUSES:
        lines.append(
            f"  {f'{status} {STATUS_TEXT[status][0]}':<{20 - len(STATUS_TEXT[status][0])}}"
            f"{account.statuses[status]:>12,}{_share(account.statuses[status], account)}"
        )
        if status == UNGROUPED:
            lines += [
                f"      {code} {text[code].zh}: {count:,}"
                for code, count in account.main_reasons.most_common()
                if not text[code].invalid
            ]
    lines += [
        f"      {code} {text[code].zh}: {count:,}"
        for code, count in account.main_reasons.most_common()
        if text[code].invalid
    ]
    noted = [r for r in REASONS if account.reasons[r.code] and r.code not in account.main_reasons]
    lines += [f"  noted 提示: {r.code} {r.zh}: {account.reasons[r.code]:,}" for r in noted]
    covered = f"{len(account.drg_cases):,} of {account.scheme_drgs:,}"
    lines.append(f"  DRGs covered 覆盖组数 {covered:>11}")
    if account.compared:
        lines.append(
            f"  drg_input agrees 与原分组一致 {account.agreeing:,} of {account.compared:,}"
        )
    lines += _codes(account)
    if account.rejects:
        lines.append(f"  rejected 拒收记录 {account.rejects:,}, listed in {account.reject_path}")
    lines.append(f"  {account.seconds:.1f} s, {rate:,.0f} cases/s")
    return "\n".join(lines)


def _codes(account: Account) -> list[str]:
    """What became of the codes: how many were converted, how many are unknown."""
    lines = []
    if account.converted:
        lines.append(f"  codes converted 编码转换 {account.converted:,}, "
                     f"listed in {account.converted_path}")  # fmt: skip
    if account.unmapped:
        lines.append(f"  codes unmapped 未对照编码 {account.unmapped_codes:,} "
                     f"(used {account.unmapped:,} times), "
                     f"listed with candidates in {account.unmapped_path}")  # fmt: skip
    return lines


def _columns(account: Account) -> list[str]:
    """Which columns were read as what, and which were looked for in vain."""
    found = [_found(part, names) for part, names in account.columns.items() if part in PARTS]
    lines = [f"  columns 列: {'; '.join(found)}"]
    if account.not_found:
        missing = ", ".join(account.not_found)
        lines.append(f"  warning 警告: no column found 未找到列: {missing} (see --mapping)")
    return lines


def _found(part: str, names: tuple[str, ...]) -> str:
    if names == (part,):
        return part
    return f"{part} <- {', '.join(names if len(names) < 4 else (*names[:2], '...', names[-1]))}"


def _share(count: int, account: Account) -> str:
    return f"  {count / account.cases:7.2%}" if account.cases else ""
