"""``drg scheme``: the grouping schemes, shown and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import SchemeArgument
from drg.cli.scheme.diff import diff
from drg.cli.scheme.exchange import export_scheme, import_scheme
from drg.cli.scheme.switch import switch
from drg.language import say
from drg.terminal import fit, table

if TYPE_CHECKING:
    from grouper.scheme.model import Scheme

app = typer.Typer(no_args_is_help=True)
_MOST_CODES = 12
_LONGEST_RULE = 120


@app.command("list", help=say("列出内置的分组方案。", "List the shipped schemes."))
def list_schemes() -> None:
    """List the shipped schemes."""
    from grouper.scheme.pack import find_scheme, read_header, shipped_schemes

    rows = []
    for name in shipped_schemes():
        header = read_header(find_scheme(name))
        title = say(header.title, header.title_en or header.title)
        if header.lists:
            title += say("（仅病组目录，编码须导入）", " (groups only; import their codes)")
        rows.append((name, header.version, title))
    typer.echo(table((say("方案", "scheme"), say("版本", "version"), say("名称", "title")), rows))


@app.command(
    "show",
    help=say("查看分组方案，或其中一个病组、编码。",
             "Show a scheme, or one of its groups or codes."),
)  # fmt: skip
def show(
    scheme: SchemeArgument,
    group: Annotated[
        str | None,
        typer.Argument(help=say("MDC、ADRG 或 DRG，或诊断、手术操作编码。",
                                "An MDC, ADRG or DRG, or a diagnosis or procedure code.")),
    ] = None,
    codes: Annotated[
        bool,
        typer.Option("--codes", help=say("列出各列表的全部编码。", "Show all codes of the lists.")),
    ] = False,
) -> None:  # fmt: skip
    """Show a scheme, or one of its groups or codes."""
    from grouper.scheme.pack import load_groups

    loaded = load_groups(scheme)
    typer.echo(_whole(loaded) if group is None else _one(loaded, group, codes))


@app.command(
    "validate",
    help=say("检查方案包：逐条列出问题所在的文件和行，有错误时退出状态为 1。",
             "Check a scheme pack; every fault is listed with file and row, errors give exit "
             "status 1."),
)  # fmt: skip
def validate(scheme: SchemeArgument) -> None:
    """Check a scheme pack; every fault is listed with file and row, errors give exit status 1."""
    from grouper.scheme.pack import find_scheme, load_groups, read_header, require_tables
    from grouper.scheme.tables import read_tables

    folder = find_scheme(scheme)
    require_tables(folder)
    header = read_header(folder)
    if header.lists:
        loaded = load_groups(folder)
        typer.echo(f"{_groups_only(loaded)}\n{_counted(loaded)}")
    elif header.extends:
        load_groups(folder)  # an overlay is checked as it is laid over its base
    whole = header.lists or header.extends
    findings = [] if whole else read_tables(folder, header)[1]
    for finding in findings:
        typer.echo(f"{finding.level}: {finding}")
    errors = sum(finding.level == "error" for finding in findings)
    typer.echo(say(f"错误 {errors}，警告 {len(findings) - errors}",
                   f"{errors} errors, {len(findings) - errors} warnings"), err=True)  # fmt: skip
    if errors:
        raise typer.Exit(1)


app.command(
    "diff",
    help=say(
        "比较两个分组方案；加 --cases 时统计病例在病组间的变动。",
        "Show what differs between two schemes, and with --cases what moves from group to group.",
    ),
)(diff)
app.command(
    "switch",
    help=say(
        "测算从原方案切换到新方案：同一批病例按两方案分组，结转权重，清算前后各一次，"
        "给出每家医疗机构的增减及原因。\n\n"
        "OUT 中有 weights.csv（新权重）、moves.csv、hospitals.csv、switch.html 和 switch.xlsx。",
        "Work out the switch from one scheme to another: the same cases grouped by both, weights "
        "carried over, the year settled before and after, and what every hospital gains or loses "
        "by which groups.\n\nOUT gets weights.csv (the new weights), moves.csv, hospitals.csv, "
        "switch.html and switch.xlsx.",
    ),
)(switch)
app.command(
    "import",
    help=say(
        "把官方工作簿或一组表转换为方案包。\n\n"
        "全部问题列于 OUT/import-report.xlsx 和 .csv，注明工作表和行；有错误时不写出方案包，"
        "退出状态为 1。",
        "Turn an official workbook or a folder of tables into a scheme pack.\n\n"
        "All faults are listed in OUT/import-report.xlsx and .csv with sheet and row; with errors "
        "no pack is written and the exit status is 1.",
    ),
)(import_scheme)
app.command(
    "export",
    help=say(
        "把分组方案写成工作簿，可阅读、修改并重新导入。",
        "Write a scheme as a workbook that can be read, changed and imported again.",
    ),
)(export_scheme)


def _counted(scheme: Scheme) -> str:
    """The numbers of groups; rows for what fits none, ``HQY`` and ``H000``, are no group."""
    drgs = scheme.counted_drgs
    return f"{len(scheme.mdcs)} MDC, {len({drg.adrg for drg in drgs})} ADRG, {len(drgs)} DRG"


def _groups_only(scheme: Scheme) -> str:
    return say(f"{scheme.id} 只有病组目录，没有编码；请导入官方配置文件",
               f"{scheme.id} lists groups only, without codes; import the official "
               "workbook")  # fmt: skip


def _whole(scheme: Scheme) -> str:
    header = scheme.header
    adrgs = {mdc.code: [a.code for a in scheme.adrgs if a.mdc == mdc.code] for mdc in scheme.mdcs}
    drgs = {code: [d.adrg for d in scheme.counted_drgs if d.adrg in held]
            for code, held in adrgs.items()}  # fmt: skip
    rows = [
        (mdc.code, fit(mdc.name, 44), str(len({*drgs[mdc.code]})), str(len(drgs[mdc.code])),
         fit(mdc.rule, _LONGEST_RULE))
        for mdc in scheme.mdcs
    ]  # fmt: skip
    held = (
        _groups_only(scheme)
        if header.lists
        else f"MCC {len(scheme.mcc):,}, CC {len(scheme.cc):,}, "
        f"{say('排除表', 'exclusion tables')} {len(set(scheme.exclusion.values())):,}, "
        f"{say('可分组手术操作', 'grouping procedures')} {len(scheme.grouping_procedures):,}"
    )
    return "\n".join(
        [
            f"{scheme.id}  {say(header.title, header.title_en or header.title)}",
            f"{say('发布单位', 'issuer')}: {header.issuer}",
            f"{say('来源', 'source')}: {header.source}",
            f"{_counted(scheme)}; {held}",
            f"sha256 {scheme.content_hash}",
            "",
            table(
                ("MDC", say("名称", "name"), "ADRG", "DRG", say("规则", "rule")), rows, right=(2, 3)
            ),
        ]
    )


def _one(scheme: Scheme, wanted: str, all_codes: bool) -> str:
    from drg.cases.codes import plain_code
    from drg.errors import problem

    groups = {*(g.code for g in scheme.mdcs), *(g.code for g in scheme.adrgs),
              *(g.code for g in scheme.drgs)}  # fmt: skip
    if wanted.upper() in groups:
        return _group(scheme, wanted.upper(), all_codes)
    if ("", wanted.upper()) in scheme.lists:  # a list of no group
        return "\n".join(_list(scheme, "", wanted.upper(), all_codes))
    spelled = plain_code(wanted)
    for names in (scheme.diagnosis_names, scheme.procedure_names):
        for code in names:
            if plain_code(code) == spelled:
                return _code(scheme, code)
    raise problem(say("方案中没有该病组或编码", "no such group or code in the scheme"),
                  key=scheme.id, found=wanted)  # fmt: skip


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
    names = [name for group, name in scheme.lists if group == owner]
    return [line for name in names for line in _list(scheme, owner, name, all_codes)]


def _list(scheme: Scheme, owner: str, name: str, all_codes: bool) -> list[str]:
    names = scheme.diagnosis_names.get, scheme.procedure_names.get
    codes = scheme.lists[owner, name]
    lines = [say(f"    列表 {name}：{len(codes):,} 个编码",
                 f"    list {name}: {len(codes):,} codes")]  # fmt: skip
    shown = codes if all_codes else codes[:_MOST_CODES]
    lines += [f"      {code}  {names[0](code) or names[1](code, '')}" for code in shown]
    if len(shown) < len(codes):
        more = len(codes) - len(shown)
        lines.append(say(f"      ... 另有 {more:,} 个（--codes 列出全部）",
                         f"      ... {more:,} more (--codes shows all)"))  # fmt: skip
    return lines


def _code(scheme: Scheme, code: str) -> str:
    diagnosis = code in scheme.diagnosis_names
    names = scheme.diagnosis_names if diagnosis else scheme.procedure_names
    kind = say("诊断", "diagnosis") if diagnosis else say("手术操作", "procedure")
    lines = [f"{code}  {names[code]}  ({kind})"]
    places = [f"{owner}:{name}" if owner else name
              for (owner, name), codes in scheme.lists.items() if code in codes]  # fmt: skip
    lines.append(f"  {say('所在列表', 'lists')}: {', '.join(places) or say('无', 'none')}")
    for level, held in (("MCC", scheme.mcc), ("CC", scheme.cc)):
        if code in held:
            lines.append(say(f"  并发症：{level}，排除表 {held[code]}",
                             f"  complication: {level}, excluded by "
                             f"table {held[code]}"))  # fmt: skip
    if code in scheme.exclusion:
        lines.append(say(f"  作主要诊断时排除表 {scheme.exclusion[code]} 中的并发症不计入",
                         "  as principal diagnosis excludes table "
                         f"{scheme.exclusion[code]}"))  # fmt: skip
    if not diagnosis:
        valid = code in scheme.grouping_procedures
        lines.append(say(f"  可用于手术操作分组：{'是' if valid else '否'}",
                         "  counts as an operation for grouping: "
                         f"{'yes' if valid else 'no'}"))  # fmt: skip
    return "\n".join(lines)
