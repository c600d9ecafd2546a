"""``drg negotiate``: a round of weight negotiation, from draft weights to a final table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drg.cli.common.fits import policy_fits
from drg.cli.common.options import (
    BUREAU,
    AcceptUnreadable,
    Actor,
    HospitalTable,
    LastYear,
    MappingFile,
    PolicyName,
    RecordTime,
    RoundFolder,
    Sheet,
    Strict,
    WeightsName,
    wrong,
)
from drg.cli.common.outputs import TABLES, look_first
from drg.cli.common.schemes import AcrossSchemes, same_scheme
from drg.cli.common.told import going_on, lines_of, rejected, warned
from drg.cli.common.year import last_year_of, table_of_hospitals, year_of
from drg.cli.negotiate.show import accept, impact, minutes, solve, status
from drg.language import say, spoken, wished
from drg.terminal import fit, table

if TYPE_CHECKING:
    from weights.negotiation.experts.tally import Decision
    from weights.negotiation.rules import Rules

app = typer.Typer(no_args_is_help=True)
_MOST_LINES = 10

app.command(
    "status",
    help=say(
        "查看本轮进展：申请、专家组、决定、方案、结束。",
        "Where the round stands: proposals, panels, decisions, offers, end.",
    ),
)(status)
app.command(
    "impact",
    help=say(
        "测算权重对各医疗机构、级别、险种、基金池和病组的影响，精确到分。",
        "What weights would do to every hospital, tier, insurance, pool and group, to the fen.",
    ),
)(impact)
app.command(
    "solve",
    help=say(
        "由求解器提出折中方案，或指出哪些诉求不能同时满足。",
        "Let the solver make an offer; or say which demands cannot hold together.",
    ),
)(solve)
app.command("accept", help=say("接受求解器的方案。", "Accept an offer of the solver."))(accept)
app.command(
    "minutes",
    help=say(
        "写出会议纪要：网页或 Word 文档，附工作簿。",
        "Write the minutes (会议纪要) as a page or a Word document, and a workbook.",
    ),
)(minutes)


@app.command(
    "init",
    help=say(
        "开始一轮谈判：建立文件夹，内有权重草案、病例、申请表和谈判记录。",
        "Begin a round: a folder with the draft, the cases, the form for proposals and the record.",
    ),
)
def init(
    round: RoundFolder,  # noqa: A002
    cases: Annotated[
        Path,
        typer.Option("--cases", help=say("本年度已分组病例。", "Grouped cases of the year.")),
    ],
    weights: WeightsName,
    policy: PolicyName = "national-default",
    hospitals: HospitalTable = None,
    roster: Annotated[
        Path | None,
        typer.Option("--roster", help=say("专家库。", "Roster of experts (专家库).")),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", help=say("谈判规则文件（TOML），未给出时用默认规则。",
                                         "Rules of the round (TOML); defaults otherwise.")),
    ] = None,
    year: Annotated[
        int | None,
        typer.Option("--year", help=say("病例的年度，默认按病例。",
                                        "Year of the cases; by default as they say.")),
    ] = None,
    title: Annotated[
        str, typer.Option("--title", help=say("本轮谈判的名称。", "Title of the round."))
    ] = "",
    last_year: LastYear = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    across_schemes: AcrossSchemes = False,
    accept_unreadable: AcceptUnreadable = False,
    strict: Strict = False,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Begin a round: a folder with the draft, the cases, the form for proposals and the record."""
    from budget.policy import load_policy
    from drg.negotiate.round.act import Round
    from drg.negotiate.round.folder import FORMS
    from weights.table import open_weights

    table = table_of_hospitals(cases, hospitals)
    look_first((cases, weights, policy, table, roster, rules, last_year, mapping), folder=round)
    place = load_policy(policy)
    pools = [pool.name for pool in place.pools]
    draft = open_weights(weights)
    policy_fits(place, same_scheme(cases, draft, across_schemes, mapping, sheet), cases, draft,
                across_schemes)  # fmt: skip
    held = Round.create(
        round, weights=draft, cases=cases, policy=policy,
        hospitals=table, roster=roster, rules=rules, title=title,
        year=year if year is not None else year_of(cases, mapping, sheet), actor=actor, at=at,
        last_year=None if last_year is None else last_year_of(last_year, pools), mapping=mapping,
        sheet=sheet, accept_unreadable=accept_unreadable, form=True,
    )  # fmt: skip
    known, people = held.files.hospital_names, held.files.roster
    away = sorted({one.hospital_id for one in people.experts} - known.keys()) if people else []
    if away:
        named = ", ".join(away[:_MOST_LINES])
        warned([say(f"专家库中有医疗机构不在本轮：{named}；其专家不会因利害关系回避",
                    f"the roster has hospitals that are not of the round: {named}; their experts "
                    "are never recused for an interest")])  # fmt: skip
    form = round / FORMS[0]
    groups, hospitals_, rows = (
        len(held.drafts), len(held.files.hospitals), held.state.init["cases"]["rows"]
    )  # fmt: skip
    typer.echo(say(f"病组 {groups:,} 个，医疗机构 {hospitals_} 家，病例 {rows:,} 例",
                   f"{groups:,} groups, {hospitals_} hospitals, {rows:,} cases"))  # fmt: skip
    typer.echo(f"{say('申请表', 'form for proposals')}: {form}")
    going_on(f"drg negotiate propose {round} FILLED_FORM.xlsx")
    if strict and (round / "rejects.csv").is_file():
        raise typer.Exit(1)


@app.command(
    "propose",
    help=say(
        "把填好的申请表中的申请记入谈判记录，或撤回一项申请。",
        "Put proposals on record from a filled form, or withdraw one.",
    ),
)
def propose(
    round: RoundFolder,  # noqa: A002
    form: Annotated[
        Path | None,
        typer.Argument(help=say("填好的申请表：Excel 或 CSV。",
                                "Filled form of proposals: Excel or CSV.")),
    ] = None,
    withdraw: Annotated[
        str | None,
        typer.Option("--withdraw", help=say("要撤回的申请编号。", "Id of a proposal to withdraw.")),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help=say("撤回理由。", "Why it is withdrawn."))
    ] = "",
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Put proposals on record from a filled form, or withdraw one."""
    from drg.errors import problem
    from drg.negotiate.round.act import Round
    from weights.negotiation.forms.hidden import hidden_lines
    from weights.negotiation.proposals.file import reject_lines, write_rejects

    target = None if form is None else form.parent / f"{form.stem}-rejects.csv"
    look_first((round, form), (target, ()))
    held = Round(round)
    if withdraw is not None:
        held.withdraw(withdraw, reason, actor, at)
        typer.echo(f"{withdraw} {say('已撤回', 'withdrawn')}")
        return
    if form is None:
        raise problem(say("请给出申请表，或 --withdraw ID",
                          "a form of proposals, or --withdraw ID"), key="FORM")  # fmt: skip
    found, rejects = held.propose_file(form, actor, at)
    warned(hidden_lines(form))
    _proposals(held, [one.id for one in found])
    if len(rejects):
        assert target is not None
        write_rejects(target, rejects)
        rejected(reject_lines(str(form), rejects), target)
    if not found:
        raise problem(say("没有可接受的申请", "no row can be accepted as a proposal"), file=form)
    going_on(f"drg negotiate impact {round}", f"drg negotiate lot {round} --commit PARTY=SEAL")


@app.command(
    "lot",
    help=say(
        "抽签：各方先交承诺值，再揭晓数字，种子由此产生；或公告一个时间，以届时的记录摘要为种子。",
        "The lot: parties give sealed numbers, then tell them, which makes the seed; or a time is "
        "announced and the record's digest then is the seed.",
    ),
)
def lot(
    round: RoundFolder,  # noqa: A002
    seal: Annotated[
        list[str] | None,
        typer.Option("--seal", help=say("只算承诺值，不写记录：PARTY=NUMBER。",
                                        "Only say what a number is sealed to: PARTY=NUMBER.")),
    ] = None,
    commit: Annotated[
        list[str] | None,
        typer.Option("--commit", help=say("开签：PARTY=承诺值，至少两方。",
                                          "Open the lot: PARTY=SEAL, of two parties or more.")),
    ] = None,
    draw_at: Annotated[
        str,
        typer.Option("--draw-at", help=say("开签：公告的抽签时间，如 2026-03-19T14:00:00+08:00。",
                                           "Open the lot: the time announced for the draw.")),
    ] = "",
    reveal: Annotated[
        list[str] | None,
        typer.Option("--reveal", help=say("揭晓：PARTY=NUMBER。", "Tell a number: PARTY=NUMBER.")),
    ] = None,
    proposals: Annotated[
        str | None,
        typer.Option("--proposals", help=say("只抽一个专家组审议这些申请：P001,P002。",
                                             "Only these ids, before one panel: P001,P002.")),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option("--size", help=say("专家组人数，单数；默认按规则。",
                                        "Members of a panel, odd; as the rules say.")),
    ] = None,
    recuse: Annotated[
        list[str] | None,
        typer.Option("--recuse", help=say(
            "申请回避的专家及理由，写作 EXPERT=理由，可给出多个。",
            "EXPERT=reason of an expert who recuses himself; repeats.")),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help=say("重开未抽之签的理由。",
                                               "Why a lot is opened again."))
    ] = "",
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """The lot: sealed numbers of several parties, or a time announced; then numbers told."""
    from drg.negotiate.round.act import Round
    from weights.negotiation.experts.lot import sealed

    if seal:
        for party, number in (_pair(text, "--seal") for text in seal):
            typer.echo(f"{party}={sealed(party, number)}")
        return
    held = Round(round)
    if reveal:
        for party, number in (_pair(text, "--reveal") for text in reveal):
            held.reveal(party, number, actor, at)
        left = [one for one in held.state.lots[-1]["seals"]
                if one not in held.state.lots[-1]["numbers"]]  # fmt: skip
        typer.echo(say(f"尚待揭晓：{'、'.join(left)}", f"still to be told: {', '.join(left)}")
                   if left else say("数字已全部揭晓", "all numbers are told"))  # fmt: skip
        going_on(*[f"drg negotiate panel {round}"][: not left])
        return
    seals = dict(_pair(text, "--commit") for text in commit or [])
    body = held.lot(
        seals, actor=actor, at=at, time=draw_at, size=size, reason=reason,
        declared=dict(_pair(text, "--recuse") for text in recuse or []),
        proposals=None if proposals is None else _ids(proposals),
    )  # fmt: skip
    for name, ids in body["panels"].items():
        typer.echo(f"{name}: {', '.join(ids)}")
    going_on(f"drg negotiate lot {round} --reveal PARTY=NUMBER" if seals
          else f"drg negotiate panel {round}")  # fmt: skip


@app.command(
    "panel",
    help=say(
        "按已开的签抽取专家组，并生成表决表。",
        "Draw the panels of the lot that was opened, and write the vote sheet.",
    ),
)
def panel(
    round: RoundFolder,  # noqa: A002
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:
    """Draw the panels of the lot that was opened, and write the vote sheet."""
    from drg.negotiate.round.act import Round
    from drg.negotiate.round.folder import FORMS
    from weights.negotiation.experts.votes_file import write_votes_template

    sheet = round / FORMS[1]
    look_first((), (sheet, ()))
    held = Round(round)
    again = held.state.lot is None and held.state.panels and not sheet.is_file()
    drawn = tuple(held.state.panels.values()) if again else held.draw(actor, at)
    roster = held.files.roster
    assert roster is not None
    rows = [
        [one.id, "、".join(one.proposals), name, roster[name].name, roster[name].hospital_id,
         str(roster[name].tier), roster[name].specialty]
        for one in drawn for name in one.members
    ]  # fmt: skip
    head = (say("专家组", "panel"), say("申请", "proposals"), say("专家", "expert"),
            say("姓名", "name"), say("医疗机构", "hospital"), say("级别", "tier"),
            say("专业", "specialty"))  # fmt: skip
    typer.echo(table(head, rows))
    state = held.state
    write_votes_template(sheet, list(state.panels.values()), state.open.values(), held.drafts,
                         held.rules, roster)  # fmt: skip
    typer.echo(f"{say('表决表', 'vote sheet')}: {sheet}")
    going_on(f"drg negotiate vote {round} FILLED_VOTES.xlsx")


@app.command(
    "vote",
    help=say(
        "把表决票记入谈判记录，计票，并公布专家组的决定。",
        "Put votes on record, count them, and say what the panels decided.",
    ),
)
def vote(
    round: RoundFolder,  # noqa: A002
    votes: Annotated[
        Path,
        typer.Argument(help=say("填好的表决表：Excel 或 CSV。",
                                "Filled vote sheet: Excel or CSV.")),
    ],
    count: Annotated[
        bool,
        typer.Option("--count/--no-count", help=say("登记后即计票并截止；分批登记时先不计票。",
                                                    "Count and close the votes; not yet, while "
                                                    "sheets still come in.")),
    ] = True,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Put votes on record, count them, and say what the panels decided."""
    from drg.errors import problem
    from drg.negotiate.round.act import Round
    from weights.negotiation.forms.hidden import hidden_lines

    held = Round(round)
    cast, rejects = held.vote_file(votes, actor, at)
    warned(hidden_lines(votes))
    if len(rejects):
        rejected(lines_of(votes, rejects), None)
    if not cast:
        raise problem(say("表中没有表决票", "no vote in the sheet"), file=votes)
    for one, what in held.doubts(cast):
        typer.echo(f"{say('存疑', 'in doubt')}: {one.panel} {one.proposal} {one.expert} "
                   f"{one.weight:.4f} {what}", err=True)  # fmt: skip
    if held.waiting:
        names = ", ".join(sorted(held.waiting))
        typer.echo(say(f"{names} 暂不计票：请更正上列表决票后再次提交",
                       f"{names} not counted yet: mend the votes above, hand the sheet in again"),
                   err=True)  # fmt: skip
    if not count:
        typer.echo(say(f"表决票 {len(cast)} 张，尚未计票", f"{len(cast)} votes, not counted yet"))
        return
    decisions = held.tally(actor, at)
    rows = [
        [one.panel, one.proposal, one.drg, f"{held.drafts[one.drg]:.4f}", f"{one.asked:.4f}",
         f"{one.votes_for:g}:{one.against:g}:{one.abstain:g}",
         say("通过", "accepted") if one.accepted else say("未通过", "turned down") if one.decided
         else say("未达法定人数", "no quorum"), f"{one.weight:.4f}",
         _remark(one, held.drafts[one.drg], held.state.rules)]
        for one in decisions
    ]  # fmt: skip
    head = (say("专家组", "panel"), say("申请", "proposal"), say("病组", "drg"),
            say("草案", "draft"), say("申请权重", "asked"),
            say("赞成:反对:弃权", "for:against:abstain"), say("决定", "decision"),
            say("权重", "weight"), say("说明", "note"))  # fmt: skip
    said = say(f"表决票 {len(cast)} 张", f"{len(cast)} votes")
    typer.echo(f"{said}\n{table(head, rows, (3, 4, 7))}")
    going_on(f"drg negotiate solve {round} --objective closest", f"drg negotiate close {round}")


@app.command(
    "object",
    help=say("把对一项决定的异议记入谈判记录；可另抽一次专家组复议。",
             "Put an objection to a decision on record; a second panel may then be drawn."),
)  # fmt: skip
def object_(
    round: RoundFolder,  # noqa: A002
    proposal: Annotated[str, typer.Argument(help=say("申请编号，如 P003。",
                                                     "Id of the proposal, such as P003."))],
    party: Annotated[str, typer.Option("--party", help=say("异议提出方。", "Who objects."))],
    reason: Annotated[str, typer.Option("--reason", help=say("异议理由。", "Why."))],
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Put an objection to a decision on record; a second panel may then be drawn."""
    from drg.negotiate.round.act import Round

    Round(round).object(proposal.upper(), reason, party=party, actor=actor, at=at)
    typer.echo(f"{proposal.upper()}: {say('异议在案', 'objection on record')}")
    going_on(f"drg negotiate lot {round} --commit PARTY=SEAL")


@app.command(
    "receipt",
    help=say(
        "写出记录回执，供登报、抄送医疗机构或申请时间戳；verify --receipt 据以核对。",
        "Write a receipt of the record, to be printed, mailed or timestamped; verify --receipt "
        "holds the round against it.",
    ),
)
def receipt(
    round: RoundFolder,  # noqa: A002
    out: Annotated[Path, typer.Option("--out", help=say("回执文件。", "File of the receipt."))],
    token: Annotated[
        Path | None,
        typer.Option("--token", help=say("把时间戳（RFC 3161）附在已有的回执上。",
                                         "Put a timestamp (RFC 3161) into the receipt that is "
                                         "there.")),
    ] = None,
    request: Annotated[
        Path | None,
        typer.Option("--request", help=say("另写时间戳请求（.tsq），由单位自行送交。",
                                           "Also a request for a timestamp (.tsq), to be sent by "
                                           "the office.")),
    ] = None,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Write a receipt of the record, to be printed, mailed or timestamped."""
    from drg.errors import problem
    from drg.negotiate.round.act import Round
    from drg.record.receipt import read
    from drg.tables.atomic import write_bytes
    from drg.tables.together import at_once

    look_first((round, token), (out, (".toml",)), (request, (".tsq",)))
    # another file than a receipt is not replaced
    there = read(out) if token is not None or out.is_file() else None
    if token is not None:
        assert there is not None
        try:
            found = there.attach(token.read_bytes(), token)
        except OSError as error:
            raise problem(say(f"无法读取：{error.strerror}", f"cannot be read: {error.strerror}"),
                          file=token) from None  # fmt: skip
    else:
        found = Round(round).receipt(actor, at)
    with at_once(out, request) as (given, asked):
        found.write(given or out)
        if asked is not None:
            write_bytes(asked, found.request())
    typer.echo(
        say(
            f"{found.round}：第 {found.entries} 条，{found.at}，摘要 {found.digest}",
            f"{found.round}: entry {found.entries}, {found.at}, digest {found.digest}",
        )
    )
    going_on(f"drg negotiate verify {round} --receipt {out}")


@app.command(
    "close",
    help=say(
        "结束本轮谈判：以已接受的方案为最终权重，没有时以专家组的决定为准。",
        "Close the round: the accepted offer, or else the panels' decisions, become final.",
    ),
)
def close(
    round: RoundFolder,  # noqa: A002
    out: Annotated[
        Path | None,
        typer.Option("--out", help=say("最终权重表，默认为本轮文件夹中的 weights-final.csv。",
                                       "Final table; weights-final.csv in the round.")),
    ] = None,
    decimals: Annotated[
        int | None,
        typer.Option("--decimals", help=say("变动的权重保留的小数位，如 4。",
                                            "Round the weights that change, such as 4.")),
    ] = None,
    despite: Annotated[
        str,
        typer.Option("--despite", help=say("虽违反规则仍如此结束的理由。",
                                           "Why it ends so although a rule is broken.")),
    ] = "",
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Close the round: the accepted offer, or else the panels' decisions, become final."""
    from drg.negotiate.round.act import FINAL, Round
    from drg.provenance import record_of
    from drg.report.minutes.write import write_minutes
    from weights.table import open_weights

    page, target = round / "minutes.html", out or round / FINAL
    look_first((round,), (target, TABLES), (page, ()),
               beside=[record_of(target), page.with_suffix(".xlsx")]
               )  # fmt: skip
    if target.is_file():
        open_weights(target)  # another file than a weight table is not replaced
    held = Round(round)
    if held.state.closed is None:
        table = held.close(actor, at, out=out, decimals=decimals, despite=despite)
    else:
        table = held.write_final(out, decimals)
        typer.echo(say("本轮谈判已结束，重新写出最终权重表和会议纪要",
                       "the round is closed; its table and minutes are written again"),
                   err=True)  # fmt: skip
    changed = len((held.state.closed or {}).get("changes", ()))
    typer.echo(say(f"{len(table):,} 个权重中调整 {changed:,} 个",
                   f"{changed:,} of {len(table):,} weights changed"))  # fmt: skip
    typer.echo(f"{say('最终权重表', 'final table')}: {target}")
    typer.echo(f"{say('记录摘要', 'digest of the record')}: {held.state.digest}")
    written = write_minutes(held, page, wished() or "zh")
    typer.echo(f"{say('会议纪要', 'minutes')}: {written.page}, {written.book}")
    going_on(f"drg negotiate verify {round}")


@app.command(
    "verify",
    help=say(
        "核验谈判记录，重新抽取专家、计票和求解；有问题时退出状态为 1。",
        "Check the record, draw the panels again, count and solve again; exit status 1 on a fault.",
    ),
)
def verify(
    round: RoundFolder,  # noqa: A002
    weights: Annotated[
        Path | None,
        typer.Option("--weights", help=say("据称为最终权重表的文件。",
                                           "A table said to be the final one.")),
    ] = None,
    receipt: Annotated[
        list[str] | None,
        typer.Option("--receipt", help=say("以前发出的回执文件或摘要值，可给出多个。",
                                           "A receipt given out before, or its digest; "
                                           "repeats.")),
    ] = None,
    minutes: Annotated[
        list[Path] | None,
        typer.Option("--minutes", help=say("据称为会议纪要的文件，可给出多个。",
                                           "A file said to be the minutes; repeats.")),
    ] = None,
) -> None:  # fmt: skip
    """Check the record, draw the panels again, count and solve again; exit status 1 on a fault."""
    from drg.negotiate.round.verify import verify as check

    found = check(round, weights, receipts=receipt or (), minutes=minutes or ())
    typer.echo(found.text())
    if found.digest:
        typer.echo(f"{say('记录摘要', 'digest')} {found.digest}")
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
                     say("超出浮动区间", "outside the corridor")
                     if one.basis.get("outside_corridor") else ""])  # fmt: skip
    head = (say("申请", "proposal"), say("提出方", "by"), say("病组", "drg"), say("名称", "name"),
            say("草案", "draft"), say("申请权重", "asked"), say("变动", "change"),
            say("说明", "note"))  # fmt: skip
    typer.echo(table(head, rows, (4, 5, 6)))


def _remark(one: Decision, draft: float, rules: Rules) -> str:
    """What is to be told of a decision: what it came to as the minutes say it, and any cut."""
    from drg.page.words import Words
    from drg.report.minutes.panels import result

    return "; ".join(filter(None, (result(one, draft, rules, Words(spoken())), one.cut)))


def _ids(text: str) -> list[str]:
    return [name.strip() for name in text.replace("，", ",").split(",") if name.strip()]


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not value.strip():
        raise wrong("应写作 NAME=VALUE", "NAME=VALUE", option)
    return name.strip(), value.strip()
