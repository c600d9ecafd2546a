"""The tally: quorum, majority, ties, weights named, and the corridor."""

import json
import statistics
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.errors import DrgError
from weights.negotiation.experts.panels import Panel
from weights.negotiation.experts.tally import Decision, tally, weighted_mean, weighted_median
from weights.negotiation.experts.votes import Vote
from weights.negotiation.rules import Rules

MEMBERS = ("E1", "E2", "E3", "E4", "E5")
PANEL = Panel("Z01", ("P001",), ("F",), 1, 5, "", MEMBERS, ("E8",),
              vote_weights={"E1": 3.0, "E2": 0.1, "E3": 0.2, "E4": 1.0, "E5": 1.0})  # fmt: skip


@dataclass(frozen=True)
class Proposed:
    id: str = "P001"
    drg: str = "FR11"
    asked: float = 1.1
    hospital_id: str = "H1"


def decide(cast: str, weights: tuple[float | None, ...] = (), **rules: object) -> Decision:
    """Decide on votes given as letters: f, a, - for an abstention, blank for none."""
    names = {"f": "for", "a": "against", "-": "abstain"}
    named = (*weights, *[None] * 5)
    votes = [Vote("Z01", "P001", MEMBERS[i], names[c], named[i])
             for i, c in enumerate(cast) if c != " "]  # fmt: skip
    return tally(PANEL, votes, Rules(**rules), Proposed(), 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cast", "decided", "accepted", "said"),
    [
        ("fffaa", True, True, ""),
        ("ffaaa", True, False, "no majority: 2 for, 3 against"),
        ("ffaa-", True, False, "a tie: 2 for, 2 against"),
        ("f----", True, True, ""),
        ("-----", True, False, "nobody voted for or against"),
        ("ffff ", True, True, ""),
        ("fff  ", False, False, "no quorum: 3 of 5 voted, 0.6667 of them must"),
        ("f-- a", True, False, "a tie"),
        ("     ", False, False, "no quorum"),
    ],
)
def test_quorum_majority_and_ties(cast: str, decided: bool, accepted: bool, said: str) -> None:
    found = decide(cast)
    assert (found.decided, found.accepted) == (decided, accepted)
    assert found.reason.startswith(said)
    assert bool(found.reason) != accepted
    assert found.weight == (1.1 if accepted else 1.0)
    assert (found.present, found.members) == (len(cast.replace(" ", "")), 5)


def test_other_quorum_and_majority() -> None:
    assert decide("fff  ", quorum=0.6).decided
    assert not decide("     ", quorum=0.0).decided
    assert not decide("fffaa", majority=0.6).accepted
    assert decide("ffffa", majority=0.6).accepted


def test_weighted_votes() -> None:
    found = decide("faaaa", voting="weighted")
    assert found.accepted
    assert (found.votes_for, found.against) == (3.0, 2.3)
    assert not decide("faaaa").accepted


@pytest.mark.parametrize(
    ("decision", "weight"), [("median", 1.1), ("mean", 1.0825), ("asked", 1.1)]
)
def test_weights_named(decision: str, weight: float) -> None:
    """Named: 1.18, asked 1.1, 1.1 by one against; one against and an abstention name nothing."""
    found = decide("ffa-f", (1.18, None, 0.95, 1.2, 1.1), decision=decision)
    assert found.weight == weight
    assert found.cut == ""


@pytest.mark.parametrize(
    ("named", "weight", "cut"),
    [
        (1.5, 1.2, "1.5 cut to 1.2, draft 1 +0.2"),
        (0.5, 0.8, "0.5 raised to 0.8, draft 1 -0.2"),
        (1.2, 1.2, ""),
        (0.8, 0.8, ""),
    ],
)
def test_the_corridor_binds_and_says_so(named: float, weight: float, cut: str) -> None:
    found = decide("fffff", (named,) * 5)
    assert (found.weight, found.named, found.cut) == (weight, named, cut)
    assert decide("fffff", (named,) * 5, corridor_rise=0.6, corridor_fall=0.6).weight == named


def test_late_votes_strangers_and_substitutes(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = [Vote("Z01", "P001", name, "for") for name in ("E1", "E2", "E3", "E8", "E7")]
    found = tally(PANEL, votes, Rules(), Proposed(), 1.0)
    assert (found.accepted, found.present) == (True, 4)
    assert found.rejected == ("vote of E7 on P001: not a member of panel Z01",)
    monkeypatch.setenv("DRG_LANG", "zh")  # the record is the same in every language
    assert tally(PANEL, votes, Rules(), Proposed(), 1.0) == found
    votes += [Vote("Z01", "P001", name, "against") for name in ("E1", "E2")]
    assert tally(PANEL, votes, Rules(), Proposed(), 1.0).reason.startswith("a tie")


def test_what_cannot_be_tallied() -> None:
    with pytest.raises(DrgError, match="not before this panel"):
        tally(PANEL, [], Rules(), Proposed("P002"), 1.0)
    with pytest.raises(DrgError, match=r"P001\.draft: not a weight"):
        tally(PANEL, [], Rules(), Proposed(), 0.0)
    with pytest.raises(DrgError, match=r"P001\.asked: not a weight"):
        tally(PANEL, [], Rules(), Proposed(asked=float("nan")), 1.0)


def test_ledger_body_round_trips() -> None:
    body = json.loads(json.dumps(decide("fffaa", (1.5, 1.5, 1.5)).to_body()))
    assert (body["for"], body["against"], body["accepted"], body["weight"]) == (3, 2, True, 1.2)
    assert Decision.from_body(body) == decide("fffaa", (1.5, 1.5, 1.5))


def test_weighted_median_by_hand() -> None:
    assert weighted_median([3, 1, 2], [1, 1, 1]) == 2
    assert weighted_median([1, 2], [1, 1]) == 1.5
    assert weighted_median([1, 2, 3], [0.1, 0.2, 0.3]) == 2.5  # 0.1 + 0.2 is exactly half
    assert weighted_median([1, 2, 3], [5, 1, 1]) == 1
    assert weighted_median([7], [0.5]) == 7
    assert weighted_mean([1.1, 1.2], [1, 1]) == 1.15


WEIGHTS = st.integers(1, 400).map(lambda n: n / 100)


@given(st.lists(st.tuples(WEIGHTS, st.integers(1, 6)), min_size=1, max_size=9), st.randoms())
def test_weighted_median_is_that_of_repeated_values(
    pairs: list[tuple[float, int]], shuffler: object
) -> None:
    values, counts = [v for v, _ in pairs], [n for _, n in pairs]
    repeated = [v for v, n in pairs for _ in range(n)]
    assert weighted_median(values, counts) == pytest.approx(statistics.median(repeated), abs=1e-12)
    shuffled = list(pairs)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    assert weighted_median(*zip(*shuffled, strict=True)) == weighted_median(values, counts)


@given(
    st.text("fa- ", min_size=5, max_size=5),
    st.tuples(*[st.none() | WEIGHTS] * 5),
    st.sampled_from(["equal", "weighted"]),
    st.sampled_from(["median", "mean", "asked"]),
)
def test_every_decision_stays_in_the_corridor(
    cast: str, weights: tuple[float | None, ...], voting: str, decision: str
) -> None:
    found = decide(cast, weights, voting=voting, decision=decision)
    assert 0.8 <= found.weight <= 1.2
    assert found.accepted <= found.decided
    assert found.accepted <= (found.votes_for > found.against)
    assert found.accepted or found.weight == 1.0
    assert bool(found.cut) == (found.named is not None and not 0.8 <= found.named <= 1.2)
    assert decide(cast, weights, voting=voting, decision=decision) == found
