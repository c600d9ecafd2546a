"""``drg scheme``: the grouping schemes, shown and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from drg.terminal import fit, table

if TYPE_CHECKING:
    from grouper.scheme.model import Scheme

from drg.cli.scheme.diff import diff
from drg.cli.scheme.exchange import export_scheme, import_scheme

app = typer.Typer(
    help="Grouping schemes (分组方案): list, show, compare, import.", no_args_is_help=True
)
_MOST_CODES = 12


@app.command("list")
def list_schemes() -> None:
    """List the shipped schemes."""
    from grouper.scheme.pack import find_scheme, read_header, shipped_schemes

    rows = []
    for name in shipped_schemes():
        header = read_header(find_scheme(name))
        rows.append((name, header.version, header.title))
    typer.echo(table(("scheme", "version", "title"), rows))


@app.command("show")
def show(
    scheme: Annotated[str, typer.Argument(help="Id of a shipped scheme or folder of a pack.")],
    group: Annotated[
        str | None, typer.Argument(help="An MDC, ADRG or DRG, or a diagnosis or procedure code.")
    ] = None,
    codes: Annotated[bool, typer.Option("--codes", help="Show all codes of the lists.")] = False,
) -> None:
    """Show a scheme, or one of its groups or codes."""
    from grouper.scheme.pack import load_scheme

    loaded = load_scheme(scheme)
    typer.echo(_whole(loaded) if group is None else _one(loaded, group, codes))


@app.command("validate")
def validate(
    scheme: Annotated[str, typer.Argument(help="Id of a shipped scheme or folder of a pack.")],
) -> None:
    """Check a scheme pack; every fault is listed with file and row, errors give exit status 1."""
    from grouper.scheme.pack import find_scheme, read_header, require_tables
    from grouper.scheme.tables import read_tables

    folder = find_scheme(scheme)
    require_tables(folder)
    _, findings = read_tables(folder, read_header(folder))
    for finding in findings:
        typer.echo(f"{finding.level}: {finding}")
    errors = sum(finding.level == "error" for finding in findings)
    typer.echo(f"{errors} errors, {len(findings) - errors} warnings", err=True)
    if errors:
        raise typer.Exit(1)


app.command("diff")(diff)
app.command("import")(import_scheme)
app.command("export")(export_scheme)


def _whole(scheme: Scheme) -> str:
    header = scheme.header
    adrgs = {mdc.code: [a.code for a in scheme.adrgs if a.mdc == mdc.code] for mdc in scheme.mdcs}
    rows = [
        (mdc.code, fit(mdc.name, 44), str(len(adrgs[mdc.code])),
         str(sum(drg.adrg in adrgs[mdc.code] for drg in scheme.drgs)), mdc.rule)
        for mdc in scheme.mdcs
    ]  # fmt: skip
    return "\n".join(
        [
            f"{scheme.id}  {header.title}",
            f"{header.title_en}".rstrip(),
            f"issuer 发布单位: {header.issuer}",
            f"source 来源: {header.source}",
            f"{len(scheme.mdcs)} MDC, {len(scheme.adrgs)} ADRG, {len(scheme.drgs)} DRG; "
            f"MCC {len(scheme.mcc):,}, CC {len(scheme.cc):,}, "
            f"exclusion tables 排除表 {len(set(scheme.exclusion.values())):,}, "
            f"grouping procedures {len(scheme.grouping_procedures):,}",
            f"sha256 {scheme.content_hash}",
            "",
            table(("MDC", "name", "ADRG", "DRG", "rule"), rows, right=(2, 3)),
        ]
    )


def _one(scheme: Scheme, wanted: str, all_codes: bool) -> str:
    from drg.cases.codes import plain_code
    from drg.errors import problem

    groups = {*(g.code for g in scheme.mdcs), *(g.code for g in scheme.adrgs),
              *(g.code for g in scheme.drgs)}  # fmt: skip
    if wanted.upper() in groups:
        return _group(scheme, wanted.upper(), all_codes)
    spelled = plain_code(wanted)
    for names in (scheme.diagnosis_names, scheme.procedure_names):
        for code in names:
            if plain_code(code) == spelled:
                return _code(scheme, code)
    raise problem("no such group or code in the scheme", key=scheme.id, found=wanted)


def _group(scheme: Scheme, code: str, all_codes: bool) -> str:
    lines: list[str] = []
    for mdc in scheme.mdcs:
        adrgs = [a for a in scheme.adrgs if a.mdc == mdc.code]
        inside = [d for d in scheme.drgs if d.adrg in {a.code for a in adrgs}]
        if code not in {mdc.code, *(a.code for a in adrgs), *(d.code for d in inside)}:
            continue
        lines.append(f"{mdc.code}  {mdc.name}    {mdc.rule}")
        for adrg in adrgs:
            drgs = [d for d in inside if d.adrg == adrg.code]
            if code not in {mdc.code, adrg.code, *(d.code for d in drgs)}:
                continue
            lines.append(f"  {adrg.code}  {adrg.name}    {adrg.rule}")
            if code != mdc.code:
                lines += [f"    {d.code}  {d.name}    {d.rule}" for d in drgs]
                lines += _lists(scheme, adrg.code, all_codes)
    return "\n".join(lines)


def _lists(scheme: Scheme, owner: str, all_codes: bool) -> list[str]:
    lines = []
    names = {**scheme.diagnosis_names, **scheme.procedure_names}
    for (group, name), codes in scheme.lists.items():
        if group != owner:
            continue
        lines.append(f"    list {name}: {len(codes):,} codes")
        shown = codes if all_codes else codes[:_MOST_CODES]
        lines += [f"      {code}  {names.get(code, '')}" for code in shown]
        if len(shown) < len(codes):
            lines.append(f"      ... {len(codes) - len(shown):,} more (--codes shows all)")
    return lines


def _code(scheme: Scheme, code: str) -> str:
    diagnosis = code in scheme.diagnosis_names
    names = scheme.diagnosis_names if diagnosis else scheme.procedure_names
    lines = [f"{code}  {names[code]}  ({'diagnosis 诊断' if diagnosis else 'procedure 手术操作'})"]
    places = [f"{owner}:{name}" for (owner, name), codes in scheme.lists.items() if code in codes]
    lines.append(f"  lists: {', '.join(places) or 'none'}")
    for level, held in (("MCC", scheme.mcc), ("CC", scheme.cc)):
        if code in held:
            lines.append(f"  complication: {level}, excluded by table {held[code]}")
    if code in scheme.exclusion:
        lines.append(f"  as principal diagnosis excludes table {scheme.exclusion[code]}")
    if not diagnosis:
        valid = code in scheme.grouping_procedures
        lines.append(f"  counts as an operation for grouping: {'yes' if valid else 'no'}")
    return "\n".join(lines)
