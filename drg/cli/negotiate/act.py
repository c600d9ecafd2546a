"""``drg negotiate``: a round of weight negotiation, from draft weights to a final table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drg.cli.common.options import (
    BUREAU,
    Actor,
    HospitalTable,
    LastYear,
    MappingFile,
    PolicyName,
    RecordTime,
    RoundFolder,
    Sheet,
    WeightsName,
)
from drg.cli.common.year import last_year_of, table_of_hospitals, year_of
from drg.cli.negotiate.show import accept, impact, minutes, solve, status
from drg.terminal import fit, table

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    help="Weight negotiation (权重论证谈判): proposals, impact, panels, votes, compromise, record.",
    no_args_is_help=True,
)
_MOST_LINES = 10

app.command("status")(status)
app.command("impact")(impact)
app.command("solve")(solve)
app.command("accept")(accept)
app.command("minutes")(minutes)


@app.command("init")
def init(
    round: RoundFolder,  # noqa: A002
    cases: Annotated[Path, typer.Option("--cases", help="Grouped cases of the year.")],
    weights: WeightsName,
    policy: PolicyName = "national-default",
    hospitals: HospitalTable = None,
    roster: Annotated[
        Path | None, typer.Option("--roster", help="Roster of experts (专家库).")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", help="Rules of the round (TOML); defaults otherwise.")
    ] = None,
    year: Annotated[
        int | None, typer.Option("--year", help="Year of the cases; by default as they say.")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Title of the round.")] = "",
    last_year: LastYear = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:
    """Begin a round: a folder with the draft, the cases, the form for proposals and the record."""
    from budget.policy import load_policy
    from drg.negotiate.round.act import Round
    from weights.negotiation.proposals.template import write_template

    pools = [pool.name for pool in load_policy(policy).pools]
    held = Round.create(
        round, weights=weights, cases=cases, policy=policy,
        hospitals=table_of_hospitals(cases, hospitals), roster=roster, rules=rules, title=title,
        year=year if year is not None else year_of(cases, mapping, sheet), actor=actor, at=at,
        last_year=None if last_year is None else last_year_of(last_year, pools), mapping=mapping,
        sheet=sheet,
    )  # fmt: skip
    form = round / "proposals.xlsx"
    write_template(form, held.context, title=title)
    typer.echo(f"{len(held.drafts):,} groups 病组, {len(held.files.hospitals)} hospitals 医疗机构, "
               f"{held.state.init['cases']['rows']:,} cases 病例")  # fmt: skip
    typer.echo(f"form for proposals 申请表: {form}")
    _next(f"drg negotiate propose {round} FILLED_FORM.xlsx")


@app.command("propose")
def propose(
    round: RoundFolder,  # noqa: A002
    form: Annotated[
        Path | None, typer.Argument(help="Filled form of proposals: Excel or CSV.")
    ] = None,
    withdraw: Annotated[
        str | None, typer.Option("--withdraw", help="Id of a proposal to withdraw.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why it is withdrawn.")] = "",
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:
    """Put proposals on record from a filled form, or withdraw one."""
    from drg.errors import problem
    from drg.negotiate.round.act import Round
    from weights.negotiation.proposals.file import reject_lines, write_rejects

    held = Round(round)
    if withdraw is not None:
        held.withdraw(withdraw, reason, actor, at)
        typer.echo(f"{withdraw} withdrawn 已撤回")
        return
    if form is None:
        raise problem("a form of proposals, or --withdraw ID", key="FORM")
    found, rejects = held.propose_file(form, actor, at)
    _proposals(held, [one.id for one in found])
    if len(rejects):
        target = form.with_name(f"{form.stem}-rejects.csv")
        write_rejects(target, rejects)
        _rejected(reject_lines(str(form), rejects), target)
    if not found:
        raise problem("no row can be accepted as a proposal", file=form)
    _next(f"drg negotiate impact {round}", f"drg negotiate panel {round} --seed NUMBER")


@app.command("panel")
def panel(
    round: RoundFolder,  # noqa: A002
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the draw, said beforehand.")],
    proposals: Annotated[
        str | None, typer.Option("--proposals", help="Only these ids, before one panel: P001,P002.")
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", help="Members of a panel, odd; as the rules say.")
    ] = None,
    recuse: Annotated[
        list[str] | None,
        typer.Option("--recuse", help="EXPERT=reason of an expert who recuses himself; repeats."),
    ] = None,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:
    """Draw panels of experts for the open proposals, one for each MDC, and write the vote sheet."""
    from drg.negotiate.round.act import Round
    from weights.negotiation.experts.votes_file import write_votes_template

    held = Round(round)
    declared = dict(_pair(text) for text in recuse or [])
    drawn = held.draw(seed, actor, at, size=size, declared=declared or None,
                      proposals=None if proposals is None else _ids(proposals))  # fmt: skip
    roster = held.files.roster
    assert roster is not None
    rows = [
        [one.id, "、".join(one.proposals), name, roster[name].name, roster[name].hospital_id,
         str(roster[name].tier), roster[name].specialty]
        for one in drawn for name in one.members
    ]  # fmt: skip
    head = ("panel 专家组", "proposals 申请", "expert 专家", "name 姓名", "hospital 医疗机构",
            "tier 级别", "specialty 专业")  # fmt: skip
    typer.echo(table(head, rows))
    sheet = round / "votes.xlsx"
    state = held.state
    write_votes_template(sheet, list(state.panels.values()), state.open.values(), held.drafts,
                         held.rules, roster)  # fmt: skip
    typer.echo(f"vote sheet 表决表: {sheet}")
    _next(f"drg negotiate vote {round} FILLED_VOTES.xlsx")


@app.command("vote")
def vote(
    round: RoundFolder,  # noqa: A002
    votes: Annotated[Path, typer.Argument(help="Filled vote sheet: Excel or CSV.")],
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:
    """Put votes on record, count them, and say what the panels decided."""
    from drg.errors import problem
    from drg.negotiate.round.act import Round

    held = Round(round)
    cast, rejects = held.vote_file(votes, actor, at)
    if len(rejects):
        _rejected(_lines(votes, rejects), None)
    if not cast:
        raise problem("no vote in the sheet", file=votes)
    decisions = held.tally(actor, at)
    rows = [
        [one.panel, one.proposal, one.drg, f"{held.drafts[one.drg]:.4f}", f"{one.asked:.4f}",
         f"{one.votes_for:g}:{one.against:g}:{one.abstain:g}",
         "accepted 通过" if one.accepted else "turned down 未通过" if one.decided
         else "no quorum 未达法定人数", f"{one.weight:.4f}", one.cut or one.reason]
        for one in decisions
    ]  # fmt: skip
    head = ("panel 专家组", "proposal 申请", "drg", "draft 草案", "asked 申请权重",
            "for:against:abstain", "decision 决定", "weight 权重", "note 说明")  # fmt: skip
    typer.echo(f"{len(cast)} votes 表决票\n{table(head, rows, (3, 4, 7))}")
    _next(f"drg negotiate solve {round} --objective closest", f"drg negotiate close {round}")


@app.command("close")
def close(
    round: RoundFolder,  # noqa: A002
    out: Annotated[
        Path | None, typer.Option("--out", help="Final table; weights-final.csv in the round.")
    ] = None,
    decimals: Annotated[
        int | None, typer.Option("--decimals", help="Round the weights that change, such as 4.")
    ] = None,
    despite: Annotated[
        str, typer.Option("--despite", help="Why it ends so although a rule is broken.")
    ] = "",
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:
    """Close the round: the accepted offer, or else the panels' decisions, become final."""
    from drg.negotiate.round.act import FINAL, Round
    from drg.report.minutes.write import write_minutes

    held = Round(round)
    table = held.close(actor, at, out=out, decimals=decimals, despite=despite)
    changed = len((held.state.closed or {}).get("changes", ()))
    typer.echo(f"{changed:,} of {len(table):,} weights changed 权重调整\n"
               f"final table 最终权重表: {out or round / FINAL}\n"
               f"digest of the record 记录摘要: {held.state.digest}")  # fmt: skip
    written = write_minutes(held, round / "minutes.html")
    typer.echo(f"minutes 会议纪要: {written.page}, {written.book}")
    _next(f"drg negotiate verify {round}")


@app.command("verify")
def verify(
    round: RoundFolder,  # noqa: A002
    weights: Annotated[
        Path | None, typer.Option("--weights", help="A table said to be the final one.")
    ] = None,
) -> None:
    """Check the record, draw the panels again, count and solve again; exit status 1 on a fault."""
    from drg.negotiate.round.verify import verify as check

    found = check(round, weights)
    typer.echo(found.text())
    if found.digest:
        typer.echo(f"digest 记录摘要 {found.digest}")
    if not found.ok:
        raise typer.Exit(1)


def _proposals(held: Any, ids: list[str]) -> None:
    rows = []
    for name in ids:
        one = held.state.proposals[name]
        draft = held.drafts[one.drg]
        rows.append([one.id, one.hospital_id or one.party, one.drg,
                     fit(held.names.get(one.drg, ""), 30), f"{draft:.4f}", f"{one.asked:.4f}",
                     f"{one.asked / draft - 1:+.1%}",
                     "outside the corridor 超出区间" if one.basis.get("outside_corridor") else "",
                     ])  # fmt: skip
    head = ("proposal 申请", "by 提出方", "drg", "name 名称", "draft 草案", "asked 申请权重",
            "change", "note")  # fmt: skip
    typer.echo(table(head, rows, (4, 5, 6)))


def _rejected(lines: list[str], target: Path | None) -> None:
    for line in lines[:_MOST_LINES]:
        typer.echo(f"not accepted 未接受: {line}", err=True)
    if len(lines) > _MOST_LINES:
        typer.echo(f"... {len(lines) - _MOST_LINES} more", err=True)
    if target is not None:
        typer.echo(f"listed in 列于 {target}", err=True)


def _lines(path: Path, rejects: pd.DataFrame) -> list[str]:
    from drg.errors import problem

    return [
        str(problem(str(one["reason"]), file=path, row=int(one["row"]), key=str(one["column"]),
                    found=one["value"] or None))
        for one in rejects.to_dict("records")
    ]  # fmt: skip


def _ids(text: str) -> list[str]:
    return [name.strip() for name in text.replace("，", ",").split(",") if name.strip()]


def _pair(text: str) -> tuple[str, str]:
    name, equals, reason = text.partition("=")
    if not equals or not reason.strip():
        raise typer.BadParameter("EXPERT=reason", param_hint="--recuse")
    return name.strip(), reason.strip()


def _next(*commands: str) -> None:
    for command in commands:
        typer.echo(f"next 下一步: {command}", err=True)
