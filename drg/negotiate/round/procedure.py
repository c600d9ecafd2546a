"""Procedure of a round (谈判程序): what may come next, and who may do it when; all else is refused.

The same function stands before every entry that is written and goes through a whole record when
it is verified, so that what a program refuses is found too in a record made by another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from drg.errors import DrgError, problem
from drg.language import say
from drg.negotiate.round.state import AFTER_CLOSE, MALFORMED, State, advance, known, replay
from drg.record.entry import Entry
from weights.negotiation.experts.lot import check_seals, party_of, sealed, seed_of, seed_of_digest
from weights.negotiation.experts.panels import DECLARED, mdcs_of
from weights.negotiation.experts.plausible import check_plausible
from weights.negotiation.experts.votes import Vote, check_vote
from weights.negotiation.forms.rows import RowError
from weights.negotiation.proposals.context import hospital_of
from weights.negotiation.proposals.judge import check_taken
from weights.negotiation.proposals.proposal import Proposal

_LOT_GOES_ON = ("reveal", "panel", "lot", "receipt")


@dataclass(frozen=True)
class Act:
    """What somebody is about to put on record.

    Attributes:
        state: what stands, with its entries.
        body: what it says.
        actor: who does it; a hospital by its id, whatever its spelling on record.
        at: when, by the machine's clock.
        hospitals: hospitals of the round, id -> name.
    """

    state: State
    body: Mapping[str, Any]
    actor: str
    at: str
    hospitals: Mapping[str, str]


def breach(
    state: State, kind: str, body: Mapping[str, Any], actor: str, at: str,
    hospitals: Mapping[str, str],
) -> None:  # fmt: skip
    """Refuse an entry that the procedure does not allow now.

    Args:
        state: what stands, with its entries.
        kind: what is to be put on record.
        body: what it says.
        actor: who does it.
        at: when, by the machine's clock.
        hospitals: hospitals of the round, id -> name.

    Raises:
        DrgError: it may not be; the line says why.
    """
    if state.closed is not None and kind not in AFTER_CLOSE:
        raise problem(say("本轮谈判已结束，不能再添加",
                          "the round is closed; nothing can be added"), key=kind)  # fmt: skip
    if state.entries and _time(at) < _time(state.entries[-1].at):
        raise problem(say("时间早于上一条记录", "a time before that of the last entry"),
                      key=kind, found=at, expected=state.entries[-1].at)  # fmt: skip
    if kind not in _LOT_GOES_ON and kind in _LAW and _is_known(state, at):
        raise problem(say("签已揭晓，须先抽出专家组", "a lot is being told; the panel comes first"),
                      key=kind)  # fmt: skip
    if kind in _LAW:
        _LAW[kind](Act(state, body, who(actor, hospitals), at, hospitals))


def who(actor: str, hospitals: Mapping[str, str]) -> str:
    """An actor: the hospital's id where it is one by any spelling of its id or by its name."""
    return hospital_of(actor, hospitals) or actor.strip()


def breaches_of(entries: tuple[Entry, ...], hospitals: Mapping[str, str]) -> Iterator[str]:
    """What of a whole record the procedure would not have allowed, a line an entry.

    Args:
        entries: the record.
        hospitals: hospitals of the round, id -> name.
    """
    state = replay(entries[:1])
    for place, entry in enumerate(entries[1:], 1):
        seen = replace(state, entries=entries[:place])
        try:
            breach(seen, entry.kind, entry.body, entry.actor, entry.at, hospitals)
        except (DrgError, *MALFORMED) as error:
            yield say(f"第 {entry.seq + 1} 行：{error}", f"row {entry.seq + 1}: {error}")
        state = advance(state, entry)


def seed(state: State, at: str) -> int:
    """The seed of the lot that is to be drawn.

    Raises:
        DrgError: there is no lot, a number was not told, or the time announced has not come.
    """
    lot = state.lot
    if lot is None:
        raise problem(say("尚未开签，请先用 drg negotiate lot", "no lot was opened; first "
                          "drg negotiate lot"), key="panel")  # fmt: skip
    if lot["seals"]:
        waiting = [party for party in lot["seals"] if party not in lot["numbers"]]
        if waiting:
            raise problem(say("尚有一方未揭晓数字", "a number is not told yet"), key="panel",
                          found=", ".join(waiting))  # fmt: skip
        return seed_of(lot["numbers"])
    if _time(at) < _time(lot["time"]):
        raise problem(say("未到公告的抽签时间", "the time announced has not come"), key="panel",
                      found=at, expected=lot["time"])  # fmt: skip
    return seed_of_digest([one.digest for one in state.entries
                           if _time(one.at) < _time(lot["time"])][-1])  # fmt: skip


def proposer(state: State, proposal: str) -> tuple[str, ...]:
    """Who may withdraw a proposal, by any of these names: the hospital, or who put it on record."""
    one = state.proposals[proposal]
    if one.hospital_id:
        return (one.hospital_id,)
    return tuple(entry.actor for entry in state.entries
                 if entry.kind == "proposal" and entry.body["id"] == proposal)  # fmt: skip


def earliest_close(state: State) -> str:
    """When the last period for objections ends (异议期满), as a time with offset."""
    days = timedelta(days=state.rules.objection_days)
    from_ = [state.entries[0].at]
    from_ += [at for name, at in state.decided_at.items()
              if name in state.open and len(state.panels_of(name)) == 1]  # fmt: skip
    return max((_time(at) + days).isoformat() for at in from_)


def _time(at: str) -> datetime:
    return datetime.fromisoformat(at)


def _is_known(state: State, at: str) -> bool:
    """Whether somebody may know the seed of an open lot."""
    lot = state.lot
    return lot is not None and bool(
        lot["numbers"] if lot["seals"] else _time(at) >= _time(lot["time"])
    )


def _proposal(act: Act) -> None:
    """Each for himself, once for a group, and no more once a panel was drawn for it."""
    state, one = act.state, Proposal.from_body(act.body)
    if act.actor in act.hospitals and one.hospital_id != act.actor:
        raise problem(say("医疗机构只能为自己提出申请", "a hospital proposes for nobody else"),
                      key=one.id, found=one.hospital_id or one.party,
                      expected=act.actor)  # fmt: skip
    for other in state.open.values():
        if (other.proposer, other.drg) == (one.proposer, one.drg):
            raise problem(say(f"该申请方已在 {other.id} 中就此病组提出申请",
                              f"this proposer asks for the group already in {other.id}"),
                          key="drg", found=one.drg)  # fmt: skip
    check_taken(one.proposer, one.drg, state.taken)


def _withdraw(act: Act) -> None:
    state, body, actor = act.state, act.body, act.actor
    name = body["proposal"]
    known(say("有效申请", "open proposal"), name, state.open)
    if not str(body["reason"]).strip():
        raise problem(say("请说明撤回理由", "say why it is withdrawn"), key="reason")
    names = proposer(state, name)
    if actor not in names:
        raise problem(say("只有提出者可以撤回申请", "only who proposed may withdraw"), key=name,
                      found=actor, expected=", ".join(names))  # fmt: skip
    lot = state.lot
    if lot is not None and any(name in held for held in lot["panels"].values()):
        raise problem(say("签已开，抽出专家组之后才能撤回",
                          "a lot is open for it; withdraw after the draw"), key=name)  # fmt: skip


def _lot(act: Act) -> None:
    state, body, at = act.state, act.body, act.at
    former = state.lot
    if former is not None and not str(body.get("reason", "")).strip():
        raise problem(say("上一签尚未抽完；重开须说明理由",
                          "the last lot is not drawn; say why it is opened again"),
                      key="lot")  # fmt: skip
    asked = [name for names in body["panels"].values() for name in names]
    if len(set(asked)) < len(asked) or set(body["panels"]) & set(state.panels):
        raise problem(say("一项申请只交一个专家组，专家组编号不重复",
                          "a proposal is before one panel, and a panel is drawn once"),
                      key="lot", found=", ".join(asked))  # fmt: skip
    for names in body["panels"].values():
        for name in names:
            known(say("有效申请", "open proposal"), name, state.open)
            held = state.panels_of(name)
            if held and not state.objected(name):
                raise problem(
                    say("该申请已有专家组；有异议在案方可另抽一次",
                        "it has had its panel; another only after an objection on record, and "
                        "once"), key=name, found=held[-1].id,
                )  # fmt: skip
    if not body.get("seals"):
        if _time(body["time"]) <= _time(at):
            raise problem(say("公告的抽签时间已过", "the time announced is not to come"),
                          key="lot", found=body["time"])  # fmt: skip
        if former is not None and _is_known(state, at):
            raise problem(say("种子已可知，不能重开", "its seed can be known; it is to be drawn"),
                          key="lot")  # fmt: skip
        return
    check_seals(body["seals"], act.hospitals)
    told = former is not None and _is_known(state, at)
    silent = {party_of(party, act.hospitals) for lot in state.lots if lot["numbers"]
              and not lot["panels"].keys() <= state.panels.keys()
              for party in lot["seals"] if party not in lot["numbers"]}  # fmt: skip
    back = [one for one in body["seals"] if party_of(one, act.hospitals) in silent]
    if back or (told and not silent):
        raise problem(
            say("数字已揭晓，不能重开；未揭晓的一方不得再参加",
                "numbers were told: the lot is to be drawn, or opened again without who kept "
                "silent"), key="lot", found=", ".join(back),
        )  # fmt: skip


def _reveal(act: Act) -> None:
    state, body = act.state, act.body
    lot, party = state.lot, body["party"]
    if lot is None:
        raise problem(say("没有待抽的签", "there is no lot to be drawn"), key="reveal")
    known(say("参加抽签的一方", "party to the lot"), party, lot["seals"])
    if party in lot["numbers"]:
        raise problem(say("该方已揭晓数字", "this party has told its number"), key=party)
    if sealed(party, body["number"]) != lot["seals"][party]:
        raise problem(say("数字与承诺值不符", "the number is not the one that was sealed"),
                      key=party)  # fmt: skip


def _panel(act: Act) -> None:
    state, body, at = act.state, act.body, act.at
    number, lot = seed(state, at), state.lot
    assert lot is not None
    declared = {name: why.removeprefix(DECLARED) for name, why in body["recused"].items()
                if why.startswith(DECLARED)}  # fmt: skip
    held = {**body, "proposals": list(body["proposals"]), "recused": declared}
    names = lot["panels"].get(body["id"], [])
    wanted = {"proposals": names, "seed": number, "size": lot["size"],
              "mdcs": list(mdcs_of(state.proposals[one] for one in names)),
              "recused": dict(lot["declared"])}  # fmt: skip
    for key, value in wanted.items():
        if (found := held[key]) != value:
            raise problem(say("专家组与所开的签不符", "the panel is not the one of the lot"),
                          key=f"{body['id']}.{key}", found=found, expected=value)  # fmt: skip


def _vote(act: Act) -> None:
    state, body, actor = act.state, act.body, act.actor
    one = Vote.from_body(body)
    if fault := vote_fault(state, one):
        raise problem(say(*fault), key=one.proposal, found=one.expert)
    try:
        sound(state, one)
    except RowError as unfit:
        raise problem(unfit.reason, key=unfit.column, found=unfit.value) from None
    experts = {name for held in state.panels.values() for name in (*held.members,
                                                                   *held.substitutes)}  # fmt: skip
    if actor in experts and actor != one.expert:
        raise problem(say("专家只能为自己投票", "an expert votes for nobody else"),
                      key=one.proposal, found=one.expert, expected=actor)  # fmt: skip


def sound(state: State, one: Vote) -> None:
    """Make sure that a vote is one of the panel's and no slip of the pen.

    Raises:
        RowError: no such panel, not one of its proposals, neither member nor substitute, or a
            weight that cannot be meant.
    """
    check_vote(one, state.panels)
    asked = state.proposals[one.proposal]
    check_plausible(one, asked.asked, float(asked.basis["draft"]))


def vote_fault(state: State, one: Vote) -> tuple[str, str] | None:
    """Why a vote cannot be cast any more, in Chinese and English; None when it can."""
    decided = state.decisions.get(one.proposal)
    panel = state.panel_of(one.proposal)
    if panel is not None and panel.id != one.panel:
        return "该申请已交另一专家组", "another panel has the proposal now"
    if decided is not None and decided.decided and decided.panel == one.panel:
        return "该申请已计票，表决截止", "the votes on it are counted and closed"
    if one.proposal in state.withdrawn:
        return "该申请已撤回", "the proposal was withdrawn"
    if cast(state, one) is not None:
        return "该专家已就此申请表决", "this expert has voted on it"
    return None


def cast(state: State, one: Vote) -> Vote | None:
    """The vote that the same expert has cast already, or None."""
    key = one.panel, one.proposal, one.expert
    return next((held for held in state.votes
                 if (held.panel, held.proposal, held.expert) == key), None)  # fmt: skip


def _decision(act: Act) -> None:
    state, body = act.state, act.body
    name, panel = body["proposal"], state.panel_of(body["proposal"])
    known(say("有效申请", "open proposal"), name, state.open)
    if panel is None or panel.id != body["panel"]:
        raise problem(say("该申请不在此专家组", "the proposal is not before this panel"),
                      key=name, found=body["panel"])  # fmt: skip
    before = state.decisions.get(name)
    if before is not None and before.decided and before.panel == panel.id:
        raise problem(say("已计票，不再重计", "the votes are counted already"), key=name)


def _objection(act: Act) -> None:
    state, body, at = act.state, act.body, act.at
    name, days = body["proposal"], state.rules.objection_days
    if act.actor in act.hospitals and who(body["party"], act.hospitals) != act.actor:
        raise problem(say("医疗机构只能为自己提出异议", "a hospital objects for nobody else"),
                      key=name, found=body["party"], expected=act.actor)  # fmt: skip
    known(say("有效申请", "open proposal"), name, state.open)
    decision = state.decisions.get(name)
    if decision is None or not decision.decided:
        raise problem(say("尚无决定，无从异议", "there is no decision yet to object to"), key=name)
    if not str(body["reason"]).strip():
        raise problem(say("请说明异议理由", "say why"), key="reason")
    if len(state.panels_of(name)) > 1:
        raise problem(say("复议决定为最终决定", "the second panel's decision stands"), key=name)
    end = _time(state.decided_at[name]) + timedelta(days=days)
    if _time(at) > end:
        raise problem(say("异议期已满", "the period for objections is over"), key=name, found=at,
                      expected=say(f"不晚于 {end.isoformat()}",
                                   f"by {end.isoformat()}"))  # fmt: skip


def _accept(act: Act) -> None:
    state, body = act.state, act.body
    known(say("折中方案", "offer"), body["offer"], state.offers)
    if not str(body["reason"]).strip():
        raise problem(say("请说明接受理由", "say why it is accepted"), key="reason")
    _fresh(state, body["offer"])


def _fresh(state: State, offer: str) -> None:
    if state.offered[offer] < state.changed:
        raise problem(say("方案求解之后又有申请、撤回或决定，请重新求解并接受",
                          "proposals, withdrawals or decisions came after the offer; solve and "
                          "accept again"), key=offer)  # fmt: skip


def _close(act: Act) -> None:
    state, body = act.state, act.body
    may_close(state, act.at)
    if (body["offer"], body["before_digest"]) != (state.accepted, state.digest):
        raise problem(say("定案与记录不符", "not the end of what is on record"), key="close",
                      found=body["offer"], expected=state.accepted)  # fmt: skip


def may_close(state: State, at: str) -> None:
    """Refuse to close a round too early.

    Raises:
        DrgError: a panel has not decided, an objection waits, the accepted offer is older than
            what it rests on, or the period for objections runs.
    """
    if state.lot is not None:
        raise problem(say("签已开而未抽", "a lot was opened and not drawn"), key="close")
    waiting = [name for name in state.open if state.panel_of(name) is not None
               and not _decided(state, name)]  # fmt: skip
    if waiting:
        raise problem(say("专家组尚未达到法定人数或尚未计票",
                          "a panel has not voted with its quorum"), key="close",
                      found=", ".join(waiting))  # fmt: skip
    objected = [name for name in state.open if state.objected(name)]
    if objected:
        raise problem(say("异议尚待复议，请另抽专家组", "an objection waits for its panel"),
                      key="close", found=", ".join(objected))  # fmt: skip
    if state.accepted is not None:
        _fresh(state, state.accepted)
    until = earliest_close(state)
    if _time(at) < _time(until):
        raise problem(say("异议期未满", "the period for objections still runs"), key="close",
                      found=at, expected=say(f"不早于 {until}", f"not before {until}"))  # fmt: skip


def _decided(state: State, name: str) -> bool:
    one, panel = state.decisions.get(name), state.panel_of(name)
    return one is not None and one.decided and panel is not None and one.panel == panel.id


def _receipt(act: Act) -> None:
    state, body = act.state, act.body
    if (len(state.entries), state.entries[-1].digest) != (body["entries"], body["digest"]):
        raise problem(say("回执不是当前记录的回执", "not a receipt of the record as it stands"),
                      key="receipt", found=body["digest"])  # fmt: skip


def _minutes(act: Act) -> None:
    state, body = act.state, act.body
    if state.closed is None:
        raise problem(say("谈判未结束，纪要仍是草稿", "minutes of a round that is not closed are "
                          "a draft"), key="minutes")  # fmt: skip
    for name, digest in body["files"].items():
        if state.minutes.get(name, digest) != digest:
            raise problem(say("纪要已在案，内容不同", "other minutes of this name are on record"),
                          key=name, found=digest, expected=state.minutes[name])  # fmt: skip


_LAW: dict[str, Callable[[Act], None]] = {
    "withdraw": _withdraw, "lot": _lot, "reveal": _reveal, "panel": _panel, "vote": _vote,
    "decision": _decision, "objection": _objection, "accept": _accept, "close": _close,
    "receipt": _receipt, "minutes": _minutes, "proposal": _proposal,
    "offer": lambda _: None, "impact": lambda _: None,
}  # fmt: skip
