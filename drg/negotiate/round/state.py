"""State of a round (谈判轮次状态), replayed from its record: same entries, same state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from drg.errors import DrgError, problem
from drg.language import say
from drg.negotiate.round.entries import check
from drg.record.ledger import Entry
from weights.negotiation.experts.panels import Panel
from weights.negotiation.experts.tally import Decision
from weights.negotiation.experts.votes import Vote
from weights.negotiation.proposals.proposal import Proposal
from weights.negotiation.rules import Rules

# What a body raises that no program of this house wrote.
MALFORMED = AttributeError, IndexError, KeyError, TypeError, ValueError


@dataclass(frozen=True)
class State:
    """What stands at the end of the record.

    Attributes:
        init: what was laid down at the start.
        rules: rules of the round.
        entries: the record.
        proposals: proposals by id, in their order, those withdrawn included.
        withdrawn: proposal -> why.
        panels: panels by id.
        votes: votes in the order in which they were cast.
        decisions: proposal -> what its panel decided; the last decision stands.
        history: every decision that was made, in order.
        lots: lots in order: what each is to draw, where its seed comes from, the numbers told.
        objections: objections to decisions, in order, each with ``at``.
        decided_at: proposal -> when its decision that stands was made.
        changed: number of the last entry that changes what an offer rests on.
        offered: offer -> number of its entry.
        receipts: receipts that were given out, in order.
        minutes: file -> SHA-256 of minutes that were written of the closed round.
        impacts: impacts that were put on record.
        offers: offers of the solver by id.
        accepted: the offer that was accepted, or None.
        accept_reason: why.
        closed: how the round was closed, or None.
    """

    init: Mapping[str, Any]
    rules: Rules
    entries: tuple[Entry, ...] = ()
    proposals: Mapping[str, Proposal] = field(default_factory=dict)
    withdrawn: Mapping[str, str] = field(default_factory=dict)
    panels: Mapping[str, Panel] = field(default_factory=dict)
    votes: tuple[Vote, ...] = ()
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    impacts: tuple[Mapping[str, Any], ...] = ()
    offers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    accepted: str | None = None
    accept_reason: str = ""
    closed: Mapping[str, Any] | None = None
    history: tuple[Decision, ...] = ()
    lots: tuple[Mapping[str, Any], ...] = ()
    objections: tuple[Mapping[str, Any], ...] = ()
    decided_at: Mapping[str, str] = field(default_factory=dict)
    changed: int = 0
    offered: Mapping[str, int] = field(default_factory=dict)
    receipts: tuple[Mapping[str, Any], ...] = ()
    minutes: Mapping[str, str] = field(default_factory=dict)

    @property
    def open(self) -> dict[str, Proposal]:
        """Proposals that were not withdrawn."""
        return {name: one for name, one in self.proposals.items() if name not in self.withdrawn}

    @property
    def digest(self) -> str:
        """Digest of the last entry; it stands for the whole record."""
        return self.entries[-1].digest if self.entries else ""

    @property
    def until_close(self) -> tuple[Entry, ...]:
        """The record up to its close: what minutes and the final table are made of."""
        ends = [place for place, one in enumerate(self.entries) if one.kind == "close"]
        return self.entries[: ends[0] + 1] if ends else self.entries

    def panels_of(self, proposal: str) -> list[Panel]:
        """The panels before which a proposal was, in order."""
        return [panel for panel in self.panels.values() if proposal in panel.proposals]

    def panel_of(self, proposal: str) -> Panel | None:
        """The panel before which a proposal is; the last one drawn for it."""
        return next(iter(reversed(self.panels_of(proposal))), None)

    @property
    def taken(self) -> dict[tuple[str, ...], str]:
        """What nobody asks anew, and the proposal that a panel has for it.

        A group on which a panel has decided, as ``(group,)``, and a group for which its proposer
        has had a panel drawn, as ``(party, hospital, group)``; whether it was withdrawn or not.
        """
        found: dict[tuple[str, ...], str] = {}
        for panel in self.panels.values():
            for one in (self.proposals[name] for name in panel.proposals):
                found[*one.proposer, one.drg] = one.id
                if one.id in self.decisions and self.decisions[one.id].decided:
                    found[one.drg,] = one.id
        return found

    @property
    def standing(self) -> dict[str, Decision]:
        """Decisions by which a group's weight is fixed: accepted, else that the draft stays."""
        held = {name: one for name, one in self.decisions.items()
                if one.decided and name in self.open}  # fmt: skip
        up = {one.drg for one in held.values() if one.accepted}
        return {name: one for name, one in held.items() if one.accepted or one.drg not in up}

    @property
    def lot(self) -> Mapping[str, Any] | None:
        """The lot that is still to be drawn, or None."""
        if not self.lots or all(name in self.panels for name in self.lots[-1]["panels"]):
            return None
        return self.lots[-1]

    def objected(self, proposal: str) -> bool:
        """Whether an objection to the decision that stands on a proposal waits for a panel."""
        asked = sum(one["proposal"] == proposal for one in self.objections)
        return bool(asked) and len(self.panels_of(proposal)) == 1

    def changes(self, which: str | Collection[str]) -> dict[str, float]:
        """Weights by group that proposals or decisions come to; of several for one, their mean.

        Args:
            which: ``asked`` by open proposals, ``decided`` by panels, or ids of proposals.

        Raises:
            DrgError: there is no such proposal.
        """
        if which == "decided":
            pairs = [(one.drg, one.weight) for one in self.standing.values()]
        elif which == "asked":
            pairs = [(one.drg, one.asked) for one in self.open.values()]
        else:
            for name in which:
                known(say("申请", "proposal"), name, self.proposals)
            pairs = [(self.proposals[name].drg, self.proposals[name].asked) for name in which]
        groups: dict[str, list[float]] = {}
        for drg, weight in pairs:
            groups.setdefault(drg, []).append(weight)
        return {drg: sum(held) / len(held) for drg, held in groups.items()}


def replay(entries: Iterable[Entry], place: str = "ledger") -> State:
    """The state that a record leads to.

    Raises:
        DrgError: the record does not begin with ``init``, goes on after its end, or an entry is
            about what is not there.
    """
    entries = tuple(entries)
    if not entries or entries[0].kind != "init":
        raise problem(say("记录不以 init 开始", "the record does not begin with init"), file=place)
    init = entries[0].body
    try:
        check(entries[0])
    except DrgError as error:
        raise DrgError(say(f"{place}：init：{error}", f"{place}: init: {error}")) from None
    state = State(init, Rules.from_body(init.get("rules", {})))
    for entry in entries[1:]:
        state = advance(state, entry, place)
    return replace(state, entries=entries)


def advance(state: State, entry: Entry, place: str = "ledger") -> State:
    """The state after one more entry, without the entry itself.

    Raises:
        DrgError: the entry is of no known kind, comes after the end, or is about what is not there.
    """
    step = _STEPS.get(entry.kind)
    if step is None:
        raise problem(say("没有这一类记录", "not a kind of entry"), file=place,
                      row=entry.seq + 1, found=entry.kind)  # fmt: skip
    if state.closed is not None and entry.kind not in AFTER_CLOSE:
        raise problem(say("谈判结束后又有记录", "an entry after the round was closed"),
                      file=place, row=entry.seq + 1, found=entry.kind)  # fmt: skip
    try:
        check(entry)
        return step(state, entry)
    except MALFORMED as error:
        raise _unlike(place, entry, str(error)) from None
    except DrgError as error:
        raise DrgError(say(f"{place}，第 {entry.seq + 1} 行：{error}",
                           f"{place}, row {entry.seq + 1}: {error}")) from None  # fmt: skip


def _unlike(place: str, entry: Entry, found: str) -> DrgError:
    return problem(say("不是这类记录的内容", "not the parts of such an entry"), file=place,
                   row=entry.seq + 1, key=entry.kind, found=found)  # fmt: skip


def known(what: str, name: str, held: Collection[str], otherwise: str = "") -> None:
    """Refuse a name that is not there; ``otherwise`` says what to do where there is none at all.

    ``what`` and ``otherwise`` are in the reader's language.

    Raises:
        DrgError: there is no such thing.
    """
    if name not in held:
        raise problem(say(f"没有这个{what}", f"there is no such {what}"), found=name,
                      expected=", ".join(held) or otherwise or say("无", "none"))  # fmt: skip


def _new(what: str, name: str, held: Mapping[str, Any]) -> None:
    if name in held:
        raise problem(say(f"已有这个{what}", f"there is such a {what} already"), found=name)


def _proposal(state: State, entry: Entry) -> State:
    one = Proposal.from_body(entry.body)
    _new(say("申请", "proposal"), one.id, state.proposals)
    return replace(state, proposals={**state.proposals, one.id: one}, changed=entry.seq)


def _withdraw(state: State, entry: Entry) -> State:
    body = entry.body
    known(say("申请", "proposal"), body["proposal"], state.open)
    return replace(state, withdrawn={**state.withdrawn, body["proposal"]: body["reason"]},
                   changed=entry.seq)  # fmt: skip


def _lot(state: State, entry: Entry) -> State:
    held = {"reason": "", "seals": {}, "time": "", "declared": {}, **entry.body}
    return replace(state, lots=(*state.lots, {**held, "numbers": {}, "at": entry.at}))


def _reveal(state: State, entry: Entry) -> State:
    lot = state.lot
    if lot is None:
        raise problem(say("没有待抽的签", "there is no lot to be drawn"), found=entry.kind)
    numbers = {**lot["numbers"], entry.body["party"]: entry.body["number"]}
    return replace(state, lots=(*state.lots[:-1], {**lot, "numbers": numbers}))


def _panel(state: State, entry: Entry) -> State:
    one = Panel.from_body(entry.body)
    _new(say("专家组", "panel"), one.id, state.panels)
    for name in one.proposals:
        known(say("申请", "proposal"), name, state.proposals)
    return replace(state, panels={**state.panels, one.id: one})


def _vote(state: State, entry: Entry) -> State:
    one = Vote.from_body(entry.body)
    known(say("专家组", "panel"), one.panel, state.panels)
    return replace(state, votes=(*state.votes, one))


def _decision(state: State, entry: Entry) -> State:
    one = Decision.from_body(entry.body)
    known(say("专家组", "panel"), one.panel, state.panels)
    known(say("申请", "proposal"), one.proposal, state.proposals)
    return replace(state, decisions={**state.decisions, one.proposal: one},
                   history=(*state.history, one), changed=entry.seq,
                   decided_at={**state.decided_at, one.proposal: entry.at})  # fmt: skip


def _objection(state: State, entry: Entry) -> State:
    known(say("申请", "proposal"), entry.body["proposal"], state.proposals)
    return replace(state, objections=(*state.objections, {**entry.body, "at": entry.at}))


def _impact(state: State, entry: Entry) -> State:
    return replace(state, impacts=(*state.impacts, entry.body))


def _offer(state: State, entry: Entry) -> State:
    name = entry.body["id"]
    _new(say("折中方案", "offer"), name, state.offers)
    return replace(state, offers={**state.offers, name: entry.body},
                   offered={**state.offered, name: entry.seq})  # fmt: skip


def _accept(state: State, entry: Entry) -> State:
    body = entry.body
    known(say("折中方案", "offer"), body["offer"], state.offers)
    return replace(state, accepted=body["offer"], accept_reason=body["reason"])


def _close(state: State, entry: Entry) -> State:
    return replace(state, closed=entry.body)


def _receipt(state: State, entry: Entry) -> State:
    return replace(state, receipts=(*state.receipts, {**entry.body, "at": entry.at}))


def _minutes(state: State, entry: Entry) -> State:
    return replace(state, minutes={**state.minutes, **entry.body["files"]})


AFTER_CLOSE = ("minutes", "receipt")
_STEPS = {
    "proposal": _proposal, "withdraw": _withdraw, "lot": _lot, "reveal": _reveal, "panel": _panel,
    "vote": _vote, "decision": _decision, "objection": _objection, "impact": _impact,
    "offer": _offer, "accept": _accept, "close": _close, "receipt": _receipt, "minutes": _minutes,
}  # fmt: skip
