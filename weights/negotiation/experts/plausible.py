"""Plausible votes (表决票合理性): slips of the pen are refused, odd votes and decisions are told.

Votes get what proposals have: a weight beyond 0.2 to 5 times the draft is a slip, such as 5.5 for
0.55. What is possible but odd is counted, and flagged for whoever reads the minutes.
"""

from __future__ import annotations

from weights.negotiation.experts.tally import Decision
from weights.negotiation.experts.votes import Vote
from weights.negotiation.forms.rows import RowError
from weights.negotiation.proposals.asked import SANE
from weights.negotiation.proposals.proposal import Proposal
from weights.negotiation.rules import Rules

AGAINST = "与申请方向相反", "against the direction asked"
FAR = "远离草案和申请权重", "far from draft and request"


def check_plausible(vote: Vote, asked: float, draft: float) -> None:
    """Refuse a vote whose weight must be a slip of the pen.

    Raises:
        RowError: it is beyond 0.2 to 5 times the draft.
    """
    low, high = (bound * draft for bound in SANE)
    if vote.weight is None or low <= vote.weight <= high:
        return
    what = [FAR] + [AGAINST] * opposed(vote.weight, asked, draft)
    zh, en = ("，".join(one[0] for one in what), ", ".join(one[1] for one in what))
    raise RowError("weight", f"{vote.weight:g}",
                   f"{zh}（草案 {draft:.4g}，申请 {asked:.4g}），应为 {low:.4g} 至 {high:.4g}，"
                   "请核对小数点后重新填报",
                   f"{en} (draft {draft:.4g}, asked {asked:.4g}); expected {low:.4g} to "
                   f"{high:.4g}: check the decimal point and vote again")  # fmt: skip


def doubts(vote: Vote, proposal: Proposal, draft: float, rules: Rules) -> list[tuple[str, str]]:
    """What is odd about a vote that counts: :data:`FAR`, :data:`AGAINST`, or nothing.

    Far is a weight outside the corridor and beyond all that the proposal asks or accepts; against
    is one for the proposal on the other side of the draft.
    """
    if vote.weight is None or vote.choice == "abstain":
        return []
    ends = [*rules.corridor(draft), proposal.asked]
    ends += [one for one in (proposal.least, proposal.most) if one is not None]
    far = not min(ends) * (1 - 1e-9) <= vote.weight <= max(ends) * (1 + 1e-9)
    against = vote.choice == "for" and opposed(vote.weight, proposal.asked, draft)
    return [FAR] * far + [AGAINST] * against


def opposed(weight: float, asked: float, draft: float) -> bool:
    """Whether a weight lies on the other side of the draft than what was asked."""
    return (weight - draft) * (asked - draft) < 0


def decided_against(decision: Decision, draft: float) -> bool:
    """Whether a proposal was accepted and its weight moves against the direction asked."""
    return decision.accepted and opposed(decision.weight, decision.asked, draft)
