"""``drg negotiate status|impact|solve|accept|minutes``: what a round comes to, and offers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import BUREAU, Actor, RecordTime, RoundFolder
from drg.terminal import fit, table

if TYPE_CHECKING:
    from budget.impact.weights import Impact
    from drg.negotiate.round.act import Round

_MOST = 12


def status(round: RoundFolder) -> None:  # noqa: A002
    """Where the round stands: proposals, panels, decisions, offers, end."""
    from drg.negotiate.round.act import Round

    held = Round(round)
    state = held.state
    init = state.init
    typer.echo(f"{init['title'] or init['round']}  {init['year']}  {init['policy']['id']}  "
               f"{len(state.entries)} entries 条记录, digest 摘要 {state.digest[:16]}")  # fmt: skip
    rows = []
    for one in state.proposals.values():
        panel, decision = state.panel_of(one.id), state.decisions.get(one.id)
        word = "withdrawn 已撤回" if one.id in state.withdrawn else ""
        if decision is not None:
            word = word or (
                f"{'accepted 通过' if decision.accepted else 'not accepted 未通过'} "
                f"{decision.weight:.4f}"
            )
        rows.append([one.id, one.hospital_id or one.party, one.drg,
                     fit(held.names.get(one.drg, ""), 28), f"{held.drafts[one.drg]:.4f}",
                     f"{one.asked:.4f}", panel.id if panel else "", word])  # fmt: skip
    head = ("proposal 申请", "by 提出方", "drg", "name 名称", "draft 草案", "asked 申请权重",
            "panel 专家组", "decision 决定")  # fmt: skip
    typer.echo(table(head, rows, (4, 5)))
    for name, body in state.offers.items():
        mark = " accepted 已接受" if name == state.accepted else ""
        typer.echo(f"{name} {body['objective']}: {len(body['changes'])} weights, moved "
                   f"{body['moved_yuan']:,.0f} yuan{mark}")  # fmt: skip
    if state.closed is not None:
        typer.echo(f"closed 已结束: {state.closed['file']}")


def impact(
    round: RoundFolder,  # noqa: A002
    of: Annotated[
        str,
        typer.Option(
            "--of", help="asked (by default), decided, accepted, an offer (O01), or ids: P001,P002."
        ),
    ] = "",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="DRG=WEIGHT besides, or alone; repeats.")
    ] = None,
    neutral: Annotated[
        str | None, typer.Option("--neutral", help="yuan, weights or none; as the rules say.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="All tables: a workbook (.xlsx) or a folder.")
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Put on record what is shown.")] = False,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:
    """What weights would do to every hospital, tier, insurance, pool and group, to the fen."""
    from drg.negotiate.round.act import Round
    from drg.negotiate.round.impact_files import write_impact

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
        raise problem(f"no proposal is open; drg negotiate propose {held.folder} FORM.xlsx",
                      file=held.folder)  # fmt: skip
    if of == "decided" and not state.decisions:
        raise problem("no panel has decided yet; drg negotiate panel, then drg negotiate vote "
                      f"{held.folder} VOTES.xlsx", file=held.folder)  # fmt: skip
    if of in ("asked", "decided", "accepted"):
        return held.weights_of(of)
    names = [name.strip().upper() for name in of.replace("，", ",").split(",")]
    if len(names) == 1 and names[0] in state.offers:
        return held.weights_of(names[0])
    for name in names:
        if name not in state.proposals:
            known = ", ".join(state.offers) or "an offer after drg negotiate solve"
            raise problem("there is no such proposal or offer", key="--of", found=name,
                          expected=f"asked, decided, accepted, {known}, or ids of proposals: "
                          f"{', '.join(state.proposals) or 'none yet'}")  # fmt: skip
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
        rows = [*rows[:_MOST], ["...", f"{len(rows) - 2 * _MOST} more", "", "", "", ""],
                *rows[-_MOST:]]  # fmt: skip
    head = ("hospital", "name 医疗机构", "tier 级别", "final 清算金额", "change 变动", "share")
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
    lost = [told[name] for name in ("largest_loss", "largest_loss_payable")]
    worst, owed = (
        "none 无" if one is None else
        f"{one['hospital_name']} {one['yuan']:,.2f} ({one['share']:+.3%})" for one in lost
    )  # fmt: skip
    new = ", ".join(told["inversions_new"][:3])
    return "\n".join([
        f"weights changed 调整权重: {told['weights_changed']:,}, others multiplied by 其余乘以 "
        f"{told['scale']:.6f}",
        f"CMI {told['case_mix_index_before']:.4f} -> {told['case_mix_index_after']:.4f}; "
        f"payable DRG应付 {told['payable_before']:,.2f} -> {told['payable_after']:,.2f}; "
        f"final 清算 {told['final_change']:+,.2f}",
        f"paid per case 次均支付 {told['payment_per_case_before']:,.2f} -> "
        f"{told['payment_per_case_after']:,.2f}; billed per case 次均费用 "
        f"{told['average_cost']:,.2f}",
        f"hospitals gaining 受益 {told['hospitals_gaining']}, losing 受损 "
        f"{told['hospitals_losing']}; largest loss 最大损失: {worst}; of payable 按DRG应付: {owed}",
        f"severity out of order 权重倒挂: {told['inversions_before']} -> "
        f"{told['inversions_after']}" + (f"; new 新增: {new}" if new else ""),
        "", table(head, rows, (3, 4, 5)), "",
        table(("pool 基金池", "payable 应付", "change 变动", "final 清算变动"), pools, (1, 2, 3)),
        "", table(("who gains, who pays 谁受益、谁承担", "yuan 元", "share"), shown, (1, 2)),
    ])  # fmt: skip


def solve(
    round: RoundFolder,  # noqa: A002
    objective: Annotated[
        str,
        typer.Option("--objective", help="closest, satisfaction, fairest, least_change, or all."),
    ] = "closest",
    frontier: Annotated[
        bool, typer.Option("--frontier", help="Also satisfaction against the largest loss.")
    ] = False,
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:
    """Let the solver make an offer; or say which demands cannot hold together."""
    from drg.errors import problem
    from drg.negotiate.round.act import Round
    from weights.negotiation.compromise.offer import OBJECTIVES

    held = Round(round)
    wanted = OBJECTIVES if objective == "all" else (objective,)
    if found := held.conflict():
        typer.echo(found.text("zh") + "\n\n" + found.text("en"), err=True)
        raise problem("no weights satisfy all demands; withdraw one of the proposals that conflict "
                      f"(drg negotiate propose {round} --withdraw ID --reason TEXT)", file=round,
                      found=found.line("en"))  # fmt: skip
    given = held.problem()
    for one in wanted:
        name, offer = held.solve(one, actor=actor, at=at)
        body = held.state.offers[name]
        exact = body["exact"]
        typer.echo(f"{name} {one}: {len(body['changes'])} weights, moved 转移 "
                   f"{offer.moved_yuan:,.0f} yuan, disagreement 分歧 "
                   f"{offer.disagreement_yuan:,.0f} yuan, gap {offer.gap:.1e}")  # fmt: skip
        loss = exact["largest_loss_payable"]
        most = "none 无" if loss is None else (
            f"{loss['hospital_name']} {loss['yuan']:,.2f} ({loss['share']:+.3%})"
        )  # fmt: skip
        typer.echo(f"   settled anew 精确清算: payable DRG应付 "
                   f"{exact['payable_after'] - exact['payable_before']:+,.2f} yuan; "
                   f"largest loss 最大损失 {most}")  # fmt: skip
        rows = [
            [ask.proposal, ask.party, given.groups[ask.group], f"{given.draft[ask.group]:.4f}",
             f"{ask.weight:.4f}", f"{offer.weight[ask.group]:.4f}", f"{s:.0%}"]
            for ask, s in zip(given.asks, offer.satisfaction, strict=True)
        ]  # fmt: skip
        head = ("proposal 申请", "by 提出方", "drg", "draft 草案", "asked 申请权重", "offer 方案",
                "met 满足")  # fmt: skip
        typer.echo(table(head, rows, (3, 4, 5, 6)))
        priced = [row for row in body["constraints"] if row["gain"] > 0][:_MOST]
        lines = [[fit(row["text_zh"], 56), f"{row['gain']:,.2f}", fit(row["relax_zh"], 40)]
                 for row in priced]  # fmt: skip
        if lines:
            unit = priced[0]["unit"]
            typer.echo(table(("constraint 约束", f"saves 可减少 ({unit})", "relaxed by 放宽"),
                             lines, (1,)))  # fmt: skip
        typer.echo("")
    if len(wanted) > 1:
        typer.echo(held.side_by_side().to_string(index=False))
    if frontier:
        typer.echo(held.frontier().to_string(index=False))
    typer.echo(f"next 下一步: drg negotiate accept {round} {name} --reason TEXT", err=True)


def accept(
    round: RoundFolder,  # noqa: A002
    offer: Annotated[str, typer.Argument(help="Id of the offer, such as O01.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it is accepted.")],
    actor: Actor = BUREAU,
    at: RecordTime = None,
) -> None:
    """Accept an offer of the solver."""
    from drg.negotiate.round.act import Round

    Round(round).accept(offer.upper(), reason, actor, at)
    typer.echo(f"{offer.upper()} accepted 已接受")
    typer.echo(f"next 下一步: drg negotiate close {round}", err=True)


def minutes(
    round: RoundFolder,  # noqa: A002
    out: Annotated[Path, typer.Option("--out", help="Page (.html); a workbook comes beside it.")],
    lang: Annotated[str, typer.Option("--lang", help="zh or en.")] = "zh",
) -> None:
    """Write the minutes (会议纪要) as a page and a workbook."""
    from drg.negotiate.round.act import Round
    from drg.report.minutes.write import write_minutes

    if lang not in ("zh", "en"):
        raise typer.BadParameter("expected zh or en", param_hint="--lang")
    written = write_minutes(Round(round), out, lang)
    typer.echo(f"{written.page}\n{written.book}")


def _set(text: str) -> tuple[str, float]:
    name, _, weight = text.partition("=")
    try:
        return name.strip(), float(weight)
    except ValueError:
        raise typer.BadParameter(f"{text}: DRG=WEIGHT", param_hint="--set") from None
