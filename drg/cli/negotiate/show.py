"""``drg negotiate status|impact|solve|accept|minutes``: what a round comes to, and offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drg.cli.common.options import BUREAU, Actor, Lang, RecordTime, RoundFolder, wrong
from drg.cli.common.outputs import BOOK, REPORTS, book_of, look_first
from drg.language import say, spoken
from drg.terminal import fit, table

if TYPE_CHECKING:
    from budget.impact.weights import Impact
    from drg.negotiate.round.act import Round

_MOST, _NOTHING = 12, 1e-6


def status(round: RoundFolder) -> None:  # noqa: A002
    """Where the round stands: proposals, panels, decisions, offers, end."""
    from drg.negotiate.round.act import Round
    from weights.negotiation.experts.plausible import AGAINST, decided_against

    held = Round(round)
    state = held.state
    init = state.init
    typer.echo(f"{init['title'] or init['round']}  {init['year']}  {init['policy']['id']}  "
               + say(f"{len(state.entries)} 条记录，摘要 {state.digest[:16]}",
                     f"{len(state.entries)} entries, digest {state.digest[:16]}"))  # fmt: skip
    rows = []
    for one in state.proposals.values():
        panel, decision = state.panel_of(one.id), state.decisions.get(one.id)
        word = say("已撤回", "withdrawn") if one.id in state.withdrawn else ""
        if decision is not None and not word:
            said = ("通过", "accepted") if decision.accepted else ("未通过", "not accepted")
            word = f"{say(*said)} {decision.weight:.4f}"
            if decided_against(decision, held.drafts[one.drg]):
                word += say("，", ", ") + say(*AGAINST)
        rows.append([one.id, one.hospital_id or one.party, one.drg,
                     fit(held.names.get(one.drg, ""), 28), f"{held.drafts[one.drg]:.4f}",
                     f"{one.asked:.4f}", panel.id if panel else "", word])  # fmt: skip
    head = (say("申请", "proposal"), say("提出方", "by"), say("病组", "drg"), say("名称", "name"),
            say("草案", "draft"), say("申请权重", "asked"), say("专家组", "panel"),
            say("决定", "decision"))  # fmt: skip
    typer.echo(table(head, rows, (4, 5)))
    for name, body in state.offers.items():
        mark = say("，已接受", " accepted") if name == state.accepted else ""
        count, moved = len(body["changes"]), body["moved_yuan"]
        typer.echo(say(f"{name} {body['objective']}：权重 {count} 个，转移 {moved:,.0f} 元{mark}",
                       f"{name} {body['objective']}: {count} weights, moved "
                       f"{moved:,.0f} yuan{mark}"))  # fmt: skip
    if state.closed is not None:
        typer.echo(f"{say('已结束', 'closed')}: {state.closed['file']}")


def impact(
    round: RoundFolder,  # noqa: A002
    of: Annotated[
        str,
        typer.Option("--of", help=say(
            "测算对象：asked（申请，默认）、decided（决定）、accepted（已接受）、方案（O01）"
            "或申请编号：P001,P002。",
            "asked (by default), decided, accepted, an offer (O01), or ids: P001,P002.")),
    ] = "",
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help=say("另加或单独测算的权重，写作 DRG=WEIGHT，可给出多个。",
                                       "DRG=WEIGHT besides, or alone; repeats.")),
    ] = None,
    neutral: Annotated[
        str | None,
        typer.Option("--neutral", help=say(
            "预算中性口径：yuan（金额）、weights（权重）或 none（不要求）；默认按规则。",
            "yuan, weights or none; as the rules say.")),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help=say("写出全部表：工作簿（.xlsx）或文件夹。",
                                       "All tables: a workbook (.xlsx) or a folder.")),
    ] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help=say("把所示结果记入谈判记录。",
                                          "Put on record what is shown.")),
    ] = False,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """What weights would do to every hospital, tier, insurance, pool and group, to the fen."""
    from drg.negotiate.round.act import Round
    from drg.negotiate.round.impact_files import write_impact

    if out is not None and not out.is_dir() and out.suffix:
        look_first((round,), (out, BOOK))
    else:
        look_first((round,), folder=out)
    held = Round(round)
    if record:
        held.must_go_on(held.state)
    changes, basis = dict(_set(text) for text in change or []), held.rules.neutral
    if of or not changes:
        named, basis = chosen(held, of or "asked")
        changes = named | changes
    found = held.impact(changes, neutral or basis)
    typer.echo(impact_text(found))
    if out is not None:
        about = [("轮次", held.state.init["title"] or held.state.init["round"]),
                 ("调整", "、".join(f"{d}={w:.4f}" for d, w in changes.items())),
                 ("记录摘要", held.state.digest), ("金额单位", "元")]  # fmt: skip
        for path in write_impact(out, found, about):
            typer.echo(str(path))
    if record:
        ids = [name for name in held.state.open if held.state.open[name].drg in changes]
        held.record_impact(found, ids, actor, at)


def chosen(held: Round, of: str) -> tuple[dict[str, float], str]:
    """Weights that a word on the command line stands for, and how the others are made neutral.

    Raises:
        DrgError: nothing of the kind is on record yet.
    """
    from drg.errors import problem

    state = held.state
    if of == "asked" and not state.open:
        raise problem(
            say(f"没有待议申请；先运行 drg negotiate propose {held.folder} FORM.xlsx",
                f"no proposal is open; drg negotiate propose {held.folder} FORM.xlsx"),
            file=held.folder,
        )  # fmt: skip
    if of == "decided" and not state.decisions:
        raise problem(
            say("尚无专家组决定；先运行 drg negotiate panel，再运行 drg negotiate vote "
                f"{held.folder} VOTES.xlsx",
                "no panel has decided yet; drg negotiate panel, then drg negotiate vote "
                f"{held.folder} VOTES.xlsx"),
            file=held.folder,
        )  # fmt: skip
    if of in ("asked", "decided", "accepted"):
        return held.weights_of(of)
    names = [name.strip().upper() for name in of.replace("，", ",").split(",")]
    if len(names) == 1 and names[0] in state.offers:
        return held.weights_of(names[0])
    for name in names:
        if name not in state.proposals:
            offers, ids = ", ".join(state.offers), ", ".join(state.proposals)
            raise problem(
                say("没有该申请或方案", "there is no such proposal or offer"), key="--of",
                found=name,
                expected=say(
                    f"asked、decided、accepted、{offers or 'drg negotiate solve 提出的方案'}，"
                    f"或申请编号：{ids or '尚无'}",
                    "asked, decided, accepted, "
                    f"{offers or 'an offer after drg negotiate solve'}, or ids of proposals: "
                    f"{ids or 'none yet'}"),
            )  # fmt: skip
    return held.weights_of(names)


def impact_text(found: Impact) -> str:
    """An impact for a terminal: the figures that are told first, hospitals, who pays."""
    from budget.impact.tables import hospital_table, pool_table, summary, who_pays

    told = summary(found)
    by = hospital_table(found).sort_values("final_change", ascending=False)
    rows = [
        [str(one["hospital_id"]), fit(str(one["hospital_name"]), 28), str(one["tier"]),
         f"{one['final_before']:,.2f}", f"{one['final_change']:+,.2f}",
         f"{one['final_change_share']:+.3%}"]
        for one in by.to_dict("records")
    ]  # fmt: skip
    if len(rows) > 2 * _MOST:
        more = len(rows) - 2 * _MOST
        middle = ["...", say(f"另有 {more} 家", f"{more} more"), "", "", "", ""]
        rows = [*rows[:_MOST], middle, *rows[-_MOST:]]
    change = say("变动", "change")
    head = (say("编号", "hospital"), say("医疗机构", "name"), say("级别", "tier"),
            say("清算金额", "final"), change, say("占比", "share"))  # fmt: skip
    pools = [
        [str(one["pool"]), f"{one['payable_before']:,.2f}", f"{one['payable_change']:+,.2f}",
         f"{one['final_change']:+,.2f}"] for one in pool_table(found).to_dict("records")
    ]  # fmt: skip
    payers = who_pays(found)
    shown = [
        [fit(str(one["name"]), 30), f"{one['yuan']:+,.2f}", f"{one['share']:.1%}"]
        for part in (payers[payers["yuan"] > 0].head(5), payers[payers["yuan"] < 0].tail(5))
        for one in part.to_dict("records")
    ]
    if len(payers) > len(shown):
        left = len(payers) - len(shown)
        shown.append([say(f"... 另有 {left} 行，见 --out", f"... {left} more, see --out"), "", ""])
    lost = [told[name] for name in ("largest_loss", "largest_loss_payable")]
    worst, owed = (
        say("无", "none") if one is None else
        f"{one['hospital_name']} {one['yuan']:,.2f} ({one['share']:+.3%})" for one in lost
    )  # fmt: skip
    new = ", ".join(told["inversions_new"][:3])
    payable, final = say("DRG应付", "payable"), say("清算", "final")
    pool_head = (say("基金池", "pool"), payable, change, say("清算变动", "final"))
    payer_head = (say("谁受益、谁承担", "who gains, who pays"), say("元", "yuan"), head[-1])
    return "\n".join([
        say(f"调整权重 {told['weights_changed']:,} 个，其余乘以 {told['scale']:.6f}",
            f"weights changed: {told['weights_changed']:,}, others multiplied by "
            f"{told['scale']:.6f}"),
        f"CMI {told['case_mix_index_before']:.4f} -> {told['case_mix_index_after']:.4f}; "
        f"{payable} {told['payable_before']:,.2f} -> {told['payable_after']:,.2f}; "
        f"{final} {told['final_change']:+,.2f}",
        f"{say('次均支付', 'paid per case')} {told['payment_per_case_before']:,.2f} -> "
        f"{told['payment_per_case_after']:,.2f}; {say('次均费用', 'billed per case')} "
        f"{told['average_cost']:,.2f}",
        say(f"医疗机构受益 {told['hospitals_gaining']} 家，受损 {told['hospitals_losing']} 家；"
            f"最大损失：{worst}；按DRG应付：{owed}",
            f"hospitals gaining {told['hospitals_gaining']}, losing {told['hospitals_losing']}; "
            f"largest loss: {worst}; of payable: {owed}"),
        f"{say('权重倒挂', 'severity out of order')}: {told['inversions_before']} -> "
        f"{told['inversions_after']}" + (f"; {say('新增', 'new')}: {new}" if new else ""),
        "", table(head, rows, (3, 4, 5)), "", table(pool_head, pools, (1, 2, 3)),
        "", table(payer_head, shown, (1, 2)),
    ])  # fmt: skip


def solve(
    round: RoundFolder,  # noqa: A002
    objective: Annotated[
        str,
        typer.Option("--objective", help=say(
            "目标：closest（最接近）、satisfaction（满足度最高）、fairest（最公平）、"
            "least_change（调整最少）或 all（全部）。",
            "closest, satisfaction, fairest, least_change, or all.")),
    ] = "closest",
    frontier: Annotated[
        bool,
        typer.Option("--frontier", help=say("另列满足度与最大损失的权衡。",
                                            "Also satisfaction against the largest loss.")),
    ] = False,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Let the solver make an offer; or say which demands cannot hold together."""
    from drg.errors import problem
    from drg.negotiate.round.act import Round
    from weights.negotiation.compromise.offer import OBJECTIVES

    held = Round(round)
    wanted = OBJECTIVES if objective == "all" else (objective,)
    if found := held.conflict():
        typer.echo(found.text(spoken()), err=True)
        command = f"drg negotiate propose {round} --withdraw ID --reason TEXT"
        raise problem(
            say(f"没有满足全部诉求的权重；请撤回一项互相冲突的申请（{command}）",
                "no weights satisfy all demands; withdraw one of the proposals that conflict "
                f"({command})"),
            file=round, found=found.line(spoken()),
        )  # fmt: skip
    given, made = held.problem(), []
    for one in wanted:
        name, offer = held.solve(one, actor=actor, at=at)
        body = held.state.offers[name]
        made.append(body)
        exact = body["exact"]
        count, moved, apart = len(body["changes"]), offer.moved_yuan, offer.disagreement_yuan
        typer.echo(say(f"{name} {one}：权重 {count} 个，转移 {moved:,.0f} 元，"
                       f"分歧 {apart:,.0f} 元，最优性间隙 {offer.gap:.1e}",
                       f"{name} {one}: {count} weights, moved {moved:,.0f} yuan, disagreement "
                       f"{apart:,.0f} yuan, gap {offer.gap:.1e}"))  # fmt: skip
        loss = exact["largest_loss_payable"]
        most = say("无", "none") if loss is None else (
            f"{loss['hospital_name']} {loss['yuan']:,.2f} ({loss['share']:+.3%})"
        )  # fmt: skip
        payable = exact["payable_after"] - exact["payable_before"]
        typer.echo(say(f"   精确清算：DRG应付 {payable:+,.2f} 元；最大损失 {most}",
                       f"   settled anew: payable {payable:+,.2f} yuan; "
                       f"largest loss {most}"))  # fmt: skip
        rows = [
            [ask.proposal, ask.party, given.groups[ask.group], f"{given.draft[ask.group]:.4f}",
             f"{ask.weight:.4f}", f"{offer.weight[ask.group]:.4f}", _met(s)]
            for ask, s in zip(given.asks, offer.satisfaction, strict=True)
        ]  # fmt: skip
        head = (say("申请", "proposal"), say("提出方", "by"), say("病组", "drg"),
                say("草案", "draft"), say("申请权重", "asked"), say("方案", "offer"),
                say("满足", "met"))  # fmt: skip
        typer.echo(table(head, rows, (3, 4, 5, 6)))
        priced = [row for row in body["constraints"] if row["gain"] > 0][:_MOST]
        lines = [[fit(row[f"text_{spoken()}"], 56), f"{row['gain']:,.2f}",
                  fit(row[f"relax_{spoken()}"], 40)] for row in priced]  # fmt: skip
        if lines:
            unit = priced[0]["unit"]
            saves = say(f"可减少（{'元' if unit == 'yuan' else '满足度'}）", f"saves ({unit})")
            constraint, relaxed = say("约束", "constraint"), say("放宽", "relaxed by")
            typer.echo(table((constraint, saves, relaxed), lines, (1,)))
        typer.echo("")
    if len(wanted) > 1:
        typer.echo(compared(made))
    if frontier:
        typer.echo(held.frontier().to_string(index=False))
    command = f"drg negotiate accept {round} {name} --reason TEXT"
    typer.echo(f"{say('下一步', 'next')}: {command}", err=True)


def _met(satisfaction: float) -> str:
    """How far an ask is met; what is below 0 is worse than the draft, not a share."""
    if satisfaction < -_NOTHING:
        return say("不如草案", "worse than draft")
    return f"{max(satisfaction, 0.0):.0%}"


def compared(made: Sequence[Mapping[str, Any]]) -> str:
    """Offers beside each other, in the figures that stand on record of each."""
    rows = []
    for body in made:
        reached, exact = body["satisfaction"].values(), body["exact"]
        loss = exact["largest_loss_payable"]
        rows.append([
            body["id"], body["objective"], f"{len(body['changes'])}",
            f"{sum(one > 1 - _NOTHING for one in reached)}",
            f"{sum(one < -_NOTHING for one in reached)}", _met(min(reached, default=0.0)),
            f"{body['disagreement_yuan']:,.0f}", f"{body['moved_yuan']:,.0f}",
            f"{exact['payable_after'] - exact['payable_before']:+,.2f}",
            say("无", "none") if loss is None
            else f"{loss['hospital_name']} {loss['yuan']:,.2f} ({loss['share']:+.3%})",
        ])  # fmt: skip
    head = (say("方案", "offer"), say("目标", "objective"), say("权重", "weights"),
            say("满足", "met"), say("不如草案", "worse"), say("最低满足", "least met"),
            say("分歧（元）", "disagreement"), say("转移（元）", "moved"),
            say("DRG应付", "payable"), say("最大损失", "largest loss"))  # fmt: skip
    return table(head, rows, range(2, 9))


def accept(
    round: RoundFolder,  # noqa: A002
    offer: Annotated[str, typer.Argument(help=say("方案编号，如 O01。",
                                                  "Id of the offer, such as O01."))],
    reason: Annotated[
        str, typer.Option("--reason", help=say("接受的理由。", "Why it is accepted."))
    ],
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:  # fmt: skip
    """Accept an offer of the solver."""
    from drg.negotiate.round.act import Round

    Round(round).accept(offer.upper(), reason, actor, at)
    typer.echo(f"{offer.upper()} {say('已接受', 'accepted')}")
    typer.echo(f"{say('下一步', 'next')}: drg negotiate close {round}", err=True)


def minutes(
    round: RoundFolder,  # noqa: A002
    out: Annotated[
        Path,
        typer.Option("--out", help=say("网页（.html）或 Word 文件（.docx），同目录另有工作簿。",
                                       "Page (.html) or Word (.docx); a workbook comes beside "
                                       "it.")),
    ],
    lang: Lang = None,
) -> None:  # fmt: skip
    """Write the minutes (会议纪要), with a workbook."""
    from drg.negotiate.round.act import Round
    from drg.report.minutes.write import write_minutes

    look_first((round,), (out, REPORTS), beside=book_of(out))
    written = write_minutes(Round(round), out, lang or "zh")
    typer.echo(f"{written.page}\n{written.book}")
    for line in written.told:
        typer.echo(line, err=True)


def _set(text: str) -> tuple[str, float]:
    name, _, weight = text.partition("=")
    try:
        return name.strip(), float(weight)
    except ValueError:
        raise wrong(f"{text}：应写作 DRG=WEIGHT", f"{text}: DRG=WEIGHT", "--set") from None
