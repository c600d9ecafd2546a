"""The tally of a panel (表决统计): quorum, majority, and the weight inside the corridor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Protocol

from drg.errors import one_of, problem
from drg.language import say
from weights.negotiation.experts.panels import Asked, Panel
from weights.negotiation.experts.votes import Counted, Vote, count_votes, is_weight
from weights.negotiation.rules import Rules

# A share such as two thirds is no decimal; below this a count is taken to reach it.
_TOLERANCE = Fraction(1, 10**9)


class Proposed(Asked, Protocol):
    """What a tally needs to know of a proposal."""

    @property
    def asked(self) -> float:
        """The weight that is asked."""


@dataclass(frozen=True)
class Decision:
    """What a panel decided on one proposal (专家组决定).

    Attributes:
        panel: id of the panel.
        proposal: id of the proposal.
        drg: the group.
        accepted: whether the weight changes.
        weight: the decided weight, inside the corridor; the draft when not accepted.
        asked: the weight that was asked.
        votes_for: votes for; in the ledger ``for``.
        against: votes against.
        abstain: abstentions. All three in vote weights when voting is weighted.
        present: how many voted, in persons.
        members: seats of the panel.
        rule: the rules applied, in words.
        decided: False when there is no decision because the quorum is missing.
        reason: why it is not accepted or not decided, "" when accepted.
        named: the weight before the corridor, None when not accepted.
        cut: how the corridor cut ``named``, "" when it did not.
        rejected: votes that did not count, in words.
    """

    panel: str
    proposal: str
    drg: str
    accepted: bool
    weight: float
    asked: float
    votes_for: float
    against: float
    abstain: float
    present: int
    members: int
    rule: str
    decided: bool = True
    reason: str = ""
    named: float | None = None
    cut: str = ""
    rejected: tuple[str, ...] = ()

    def to_body(self) -> dict[str, Any]:
        """The decision as plain data for the ledger."""
        body = {("for" if k == "votes_for" else k): v for k, v in asdict(self).items()}
        return {**body, "rejected": list(self.rejected)}

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Decision:
        """The decision from plain data."""
        parts = {("votes_for" if k == "for" else k): v for k, v in body.items()}
        return cls(**{**parts, "rejected": tuple(parts.get("rejected", ()))})


def tally(
    panel: Panel, votes: Iterable[Vote], rules: Rules, proposal: Proposed, draft: float
) -> Decision:
    """Count the votes on a proposal and decide.

    Accepted when the quorum is there and votes for are more than ``majority`` of those for and
    against; a tie is not accepted. The weight is then, as the rules say, the weighted median or
    mean of the weights named, or the one asked, bound to the corridor around the draft.

    Args:
        panel: the panel.
        votes: in the order in which they were cast, also those of other panels and proposals.
        rules: of the round.
        proposal: what is voted on.
        draft: the group's draft weight.

    Raises:
        DrgError: the proposal is not before this panel, or draft or asked are no weights.
    """
    if proposal.id not in panel.proposals:
        raise problem(say("该申请不在此专家组审议范围内", "the proposal is not before this panel"),
                      key=panel.id, found=proposal.id,
                      expected=one_of(panel.proposals))  # fmt: skip
    for key, value in (("draft", draft), ("asked", proposal.asked)):
        if not is_weight(value):
            raise problem(say("不是权重", "not a weight"), key=f"{proposal.id}.{key}", found=value,
                          expected=say("大于 0 的数", "a number above 0"))  # fmt: skip
    counted = count_votes(panel, votes, proposal.id)
    power = {v.expert: _power(panel, v.expert, rules) for v in counted.votes}
    sums = {choice: sum((power[v.expert] for v in counted.votes if v.choice == choice), Fraction(0))
            for choice in ("for", "against", "abstain")}  # fmt: skip
    reason, decided = _refused(panel, counted, sums, rules)
    named = None if reason else _named(counted.votes, power, rules, float(proposal.asked))
    weight, cut = (float(draft), "") if named is None else _bound(named, float(draft), rules)
    return Decision(
        panel.id, proposal.id, proposal.drg, not reason, weight, float(proposal.asked),
        float(sums["for"]), float(sums["against"]), float(sums["abstain"]),
        len(counted.votes), len(panel.members), _rule(rules), decided, reason, named, cut,
        counted.rejected,
    )  # fmt: skip


def weighted_median(values: Sequence[float], weights: Sequence[Fraction | float]) -> float:
    """The weighted median (加权中位数).

    With the values in order, the smallest one at which the weights add up to more than half of
    their sum; if they add up to exactly half at a value, the mean of it and the next larger one.
    Equal weights give the usual median. Decimals are exact.

    Args:
        values: at least one. Length N.
        weights: above 0. Length N.
    """
    pairs = sorted((_exact(v), _exact(w)) for v, w in zip(values, weights, strict=True))
    half = sum((w for _, w in pairs), Fraction(0)) / 2
    below = Fraction(0)
    low = None
    for value, weight in pairs:
        below += weight
        if low is None and below >= half:
            low = value
        if below > half:
            assert low is not None
            return float((low + value) / 2)
    raise ValueError("no values")


def weighted_mean(values: Sequence[float], weights: Sequence[Fraction | float]) -> float:
    """The weighted mean (加权均数), exact on decimals."""
    pairs = [(_exact(v), _exact(w)) for v, w in zip(values, weights, strict=True)]
    return float(sum(v * w for v, w in pairs) / sum(w for _, w in pairs))


def _exact(value: Fraction | float) -> Fraction:
    """A float as the decimal that it is written as, so that 0.1 + 0.2 is 0.3."""
    return value if isinstance(value, Fraction) else Fraction(repr(float(value)))


def _power(panel: Panel, expert: str, rules: Rules) -> Fraction:
    if rules.voting == "equal":
        return Fraction(1)
    return _exact(panel.vote_weights.get(expert, 1.0))


def _refused(
    panel: Panel, counted: Counted, sums: Mapping[str, Fraction], rules: Rules
) -> tuple[str, bool]:
    """Why a proposal is not accepted, "" when it is, and whether that is a decision."""
    present, members = len(counted.votes), len(panel.members)
    quorum, majority = Fraction(rules.quorum), _exact(rules.majority)
    if present < quorum * members - _TOLERANCE or not present:
        return f"no quorum: {present} of {members} voted, {rules.quorum:.4g} of them must", False
    cast = sums["for"] + sums["against"]
    if not cast:
        return "nobody voted for or against", True
    if sums["for"] - majority * cast > cast * _TOLERANCE:
        return "", True
    tie = "a tie" if sums["for"] == sums["against"] else "no majority"
    shown = f"{float(sums['for']):g} for, {float(sums['against']):g} against"
    return f"{tie}: {shown}, more than {rules.majority:.4g} must be for", True


def _named(
    votes: Sequence[Vote], power: Mapping[str, Fraction], rules: Rules, asked: float
) -> float:
    """The weight before the corridor.

    Weights named by votes for and against count; a vote for without one names what is asked.
    """
    if rules.decision == "asked":
        return asked
    naming = [v for v in votes if v.choice == "for" or (v.choice == "against" and v.weight)]
    values = [asked if v.weight is None else v.weight for v in naming]
    find = weighted_median if rules.decision == "median" else weighted_mean
    return find(values, [power[v.expert] for v in naming])


def _bound(weight: float, draft: float, rules: Rules) -> tuple[float, str]:
    low, high = rules.corridor(draft)
    if low <= weight <= high:
        return weight, ""
    if weight > high:
        return high, f"{weight:g} cut to {high:g}, draft {draft:g} +{rules.corridor_rise:.4g}"
    return low, f"{weight:g} raised to {low:g}, draft {draft:g} -{rules.corridor_fall:.4g}"


def _rule(rules: Rules) -> str:
    return (f"{rules.voting} votes; quorum {rules.quorum:.4g} of members; accepted above "
            f"{rules.majority:.4g} of votes for and against; {rules.decision} of weights; corridor "
            f"-{rules.corridor_fall:.4g} to +{rules.corridor_rise:.4g} of the draft")  # fmt: skip
