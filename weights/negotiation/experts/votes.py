"""Votes of experts (专家表决): what one says of one proposal, and which votes count."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from drg.errors import problem
from drg.language import say
from weights.negotiation.experts.panels import Panel
from weights.negotiation.forms.rows import RowError

CHOICES = {"for": "赞成", "against": "反对", "abstain": "弃权"}
HIGHEST_WEIGHT = 1e6


@dataclass(frozen=True)
class Vote:
    """One vote (表决票).

    Attributes:
        panel: id of the panel.
        proposal: id of the proposal.
        expert: id of the expert.
        choice: ``for, against`` or ``abstain``.
        weight: the weight that this expert would set, None when none is named.
        note: a remark.

    Raises:
        DrgError: the choice or the weight is none.
    """

    panel: str
    proposal: str
    expert: str
    choice: str
    weight: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.choice not in CHOICES:
            raise problem(say("不是表决意见", "not a choice"), key="choice", found=self.choice,
                          expected=say("for（赞成）、against（反对）或 abstain（弃权）",
                                       "for (赞成), against (反对) or abstain (弃权)"))  # fmt: skip
        if self.weight is not None and not is_weight(self.weight):
            raise problem(say("不是权重", "not a weight"), key="weight", found=self.weight,
                          expected=say("大于 0 的数，或留空",
                                       "a number above 0, or none"))  # fmt: skip

    def to_body(self) -> dict[str, Any]:
        """The vote as plain data for the ledger."""
        return asdict(self)

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Vote:
        """The vote from plain data."""
        return cls(**body)


def is_weight(value: float) -> bool:
    """Whether a number can be a weight."""
    return math.isfinite(value) and 0 < value <= HIGHEST_WEIGHT


def check_vote(vote: Vote, panels: Mapping[str, Panel]) -> None:
    """Make sure that a vote is one that the panel's record allows.

    Args:
        vote: the vote.
        panels: by id.

    Raises:
        RowError: no such panel, not one of its proposals, or neither member nor substitute.
    """
    panel = panels.get(vote.panel)
    if panel is None:
        raise RowError("panel", vote.panel, "没有此专家组", "no such panel")
    if vote.proposal not in panel.proposals:
        before = ", ".join(panel.proposals)
        raise RowError("proposal", vote.proposal, f"不在专家组 {panel.id} 的表决范围（{before}）内",
                       f"not before panel {panel.id}, which votes on {before}")  # fmt: skip
    if vote.expert not in (*panel.members, *panel.substitutes):
        raise RowError("expert", vote.expert, f"不是专家组 {panel.id} 的成员",
                       f"not a member of panel {panel.id}")  # fmt: skip


@dataclass(frozen=True)
class Counted:
    """The votes on one proposal that count.

    Attributes:
        votes: one a seat, in the order of members, then of substitutes.
        replaced: votes that a later one of the same expert replaced.
        idle: votes of substitutes for whom no seat was free.
        rejected: votes of this panel or proposal that are not allowed, in words.
    """

    votes: tuple[Vote, ...]
    replaced: tuple[Vote, ...] = ()
    idle: tuple[Vote, ...] = ()
    rejected: tuple[str, ...] = ()


def count_votes(panel: Panel, votes: Iterable[Vote], proposal: str) -> Counted:
    """Which votes on a proposal count.

    The last vote of an expert replaces earlier ones. Substitutes who voted take the seats of
    members who did not, in their order, so there is never more than one vote a seat.

    Args:
        panel: the panel.
        votes: in the order in which they were cast; those of other panels are passed over, as are
            those on other proposals of this panel.
        proposal: id of the proposal.
    """
    last: dict[str, Vote] = {}
    replaced, rejected = [], []
    for vote in votes:
        if vote.panel != panel.id:
            continue
        try:
            check_vote(vote, {panel.id: panel})
        except RowError as fault:
            rejected.append(f"vote of {vote.expert} on {vote.proposal}: {fault.en}")
            continue
        if vote.proposal != proposal:
            continue
        if vote.expert in last:
            replaced.append(last[vote.expert])
        last[vote.expert] = vote
    seated = [last[expert] for expert in panel.members if expert in last]
    waiting = [last[expert] for expert in panel.substitutes if expert in last]
    free = len(panel.members) - len(seated)
    return Counted(
        (*seated, *waiting[:free]), tuple(replaced), tuple(waiting[free:]), tuple(rejected)
    )
