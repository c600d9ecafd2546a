"""State of a round (谈判轮次状态), replayed from its record: same entries, same state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from drg.errors import DrgError, problem
from drg.language import say
from weights.negotiation.experts.panels import Panel
from weights.negotiation.experts.tally import Decision
from weights.negotiation.experts.votes import Vote
from weights.negotiation.proposals.proposal import Proposal
from weights.negotiation.record.ledger import Entry
from weights.negotiation.rules import Rules


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

    @property
    def open(self) -> dict[str, Proposal]:
        """Proposals that were not withdrawn."""
        return {name: one for name, one in self.proposals.items() if name not in self.withdrawn}

    @property
    def digest(self) -> str:
        """Digest of the last entry; it stands for the whole record."""
        return self.entries[-1].digest if self.entries else ""

    def panel_of(self, proposal: str) -> Panel | None:
        """The panel before which a proposal is; the last one drawn for it."""
        found = [panel for panel in self.panels.values() if proposal in panel.proposals]
        return found[-1] if found else None

    def changes(self, which: str | Collection[str]) -> dict[str, float]:
        """Weights by group that proposals or decisions come to; of several for one, their mean.

        Args:
            which: ``asked`` by open proposals, ``decided`` by panels, or ids of proposals.

        Raises:
            DrgError: there is no such proposal.
        """
        if which == "decided":
            pairs = [(one.drg, one.weight) for name, one in self.decisions.items()
                     if one.accepted and name in self.open]  # fmt: skip
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
    state = State(init, Rules.from_body(init.get("rules", {})))
    for entry in entries[1:]:
        step = _STEPS.get(entry.kind)
        if step is None:
            raise problem(say("没有这一类记录", "not a kind of entry"), file=place,
                          row=entry.seq + 1, found=entry.kind)  # fmt: skip
        if state.closed is not None:
            raise problem(say("谈判结束后又有记录", "an entry after the round was closed"),
                          file=place, row=entry.seq + 1, found=entry.kind)  # fmt: skip
        try:
            state = step(state, entry.body)
        except (KeyError, TypeError) as error:
            raise problem(say("不是这类记录的内容", "not the parts of such an entry"),
                          file=place, row=entry.seq + 1, key=entry.kind,
                          found=str(error)) from None  # fmt: skip
        except DrgError as error:
            raise DrgError(say(f"{place}，第 {entry.seq + 1} 行：{error}",
                               f"{place}, row {entry.seq + 1}: {error}")) from None  # fmt: skip
    return replace(state, entries=entries)


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


def _proposal(state: State, body: Mapping[str, Any]) -> State:
    one = Proposal.from_body(body)
    _new(say("申请", "proposal"), one.id, state.proposals)
    return replace(state, proposals={**state.proposals, one.id: one})


def _withdraw(state: State, body: Mapping[str, Any]) -> State:
    known(say("申请", "proposal"), body["proposal"], state.open)
    return replace(state, withdrawn={**state.withdrawn, body["proposal"]: body["reason"]})


def _panel(state: State, body: Mapping[str, Any]) -> State:
    one = Panel.from_body(body)
    _new(say("专家组", "panel"), one.id, state.panels)
    for name in one.proposals:
        known(say("申请", "proposal"), name, state.proposals)
    return replace(state, panels={**state.panels, one.id: one})


def _vote(state: State, body: Mapping[str, Any]) -> State:
    one = Vote.from_body(body)
    known(say("专家组", "panel"), one.panel, state.panels)
    return replace(state, votes=(*state.votes, one))


def _decision(state: State, body: Mapping[str, Any]) -> State:
    one = Decision.from_body(body)
    known(say("专家组", "panel"), one.panel, state.panels)
    known(say("申请", "proposal"), one.proposal, state.proposals)
    return replace(state, decisions={**state.decisions, one.proposal: one})


def _impact(state: State, body: Mapping[str, Any]) -> State:
    return replace(state, impacts=(*state.impacts, body))


def _offer(state: State, body: Mapping[str, Any]) -> State:
    _new(say("折中方案", "offer"), body["id"], state.offers)
    return replace(state, offers={**state.offers, body["id"]: body})


def _accept(state: State, body: Mapping[str, Any]) -> State:
    known(say("折中方案", "offer"), body["offer"], state.offers)
    return replace(state, accepted=body["offer"], accept_reason=body["reason"])


def _close(state: State, body: Mapping[str, Any]) -> State:
    return replace(state, closed=body)


_STEPS = {
    "proposal": _proposal, "withdraw": _withdraw, "panel": _panel, "vote": _vote,
    "decision": _decision, "impact": _impact, "offer": _offer, "accept": _accept, "close": _close,
}  # fmt: skip
