"""Panels: who is drawn, who never is, and that a draw can be checked."""

import json
import random
from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from drg.errors import DrgError
from tests.amount import tries
from weights.negotiation.experts.panels import Panel, draw_panel, interested, verify_panel
from weights.negotiation.experts.roster import Expert, Roster, read_roster
from weights.negotiation.experts.seats import allot, fair_shares
from weights.negotiation.rules import Rules

REHEARSAL = Path(__file__).parents[3] / "data_samples" / "negotiation" / "roster.csv"


@dataclass(frozen=True)
class Asked:
    id: str
    drg: str
    hospital_id: str = ""


def expert(number: int, hospital: int, tier: int, mdcs: str = "F", county: str = "") -> Expert:
    name = f"E{number:03d}"
    return Expert(name, name, f"H{hospital}", tier, county or f"C{hospital % 3}", "", tuple(mdcs))


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """Experts of hospitals, each in one tier; some inactive, some of another MDC."""
    tiers = draw(st.lists(st.integers(0, 3), min_size=1, max_size=9))
    seats = draw(
        st.lists(
            st.tuples(
                st.integers(0, len(tiers) - 1), st.sampled_from(["F", "FG", "G", "*"]),
                st.booleans() | st.just(True),
            ),
            max_size=40,
        )
    )  # fmt: skip
    return Roster(
        tuple(
            replace(expert(i, h, tiers[h], mdcs), active=active)
            for i, (h, mdcs, active) in enumerate(seats)
        )
    )


PROPOSALS = st.lists(st.integers(0, 9), min_size=1, max_size=3).map(
    lambda hospitals: [Asked(f"P{i}", "FR11", f"H{h}") for i, h in enumerate(hospitals)]
)
SIZES = st.sampled_from([5, 7, 9])


@settings(max_examples=tries(300), deadline=None)
@given(rosters(), PROPOSALS, SIZES, st.integers(0, 10**9), st.randoms())
def test_any_panel_keeps_the_rules(
    roster: Roster, proposals: list[Asked], size: int, seed: int, shuffler: random.Random
) -> None:
    rules = Rules(panel_size=size)
    own = {p.hospital_id for p in proposals}
    eligible = [
        e for e in roster.experts if e.active and e.covers("F") and e.hospital_id not in own
    ]
    if len(eligible) < size:
        with pytest.raises(DrgError) as error:
            draw_panel(roster, proposals, rules, seed)
        covering = sum(e.covers("F") for e in roster.experts)
        off = sum(e.covers("F") and not e.active for e in roster.experts)
        for said in (f"found '{len(eligible)} eligible'", f"roster {covering} cover it",
                     f"{off} are not active", f"{covering - off - len(eligible)} work at",
                     f"at least {size}"):  # fmt: skip
            assert said in str(error.value)
        return
    panel = draw_panel(roster, proposals, rules, seed)
    members = [roster[name] for name in panel.members]
    assert len(set(panel.members)) == len(members) == size
    assert set(panel.members) <= {e.expert_id for e in eligible}
    assert set(panel.substitutes) <= {e.expert_id for e in eligible} - set(panel.members)
    assert len(panel.substitutes) == min(2, len(eligible) - size)
    counts = Counter(e.tier for e in eligible)
    fair = fair_shares(counts, size)
    seated = Counter(e.tier for e in members)
    assert all(abs(seated[tier] - fair[tier]) < 1 and seated[tier] >= 1 for tier in counts)
    _one_seat_a_hospital(eligible, members)
    shuffled = list(roster.experts)
    shuffler.shuffle(shuffled)
    assert draw_panel(Roster(tuple(shuffled)), proposals, rules, seed) == panel
    assert verify_panel(panel, roster, proposals, rules).ok


def _one_seat_a_hospital(eligible: list[Expert], members: list[Expert]) -> None:
    """No hospital of a tier has more seats than the fewest that fill the tier's seats."""
    for tier, seats in Counter(e.tier for e in members).items():
        sizes = Counter(e.hospital_id for e in eligible if e.tier == tier)
        most = next(k for k in range(1, 99) if sum(min(n, k) for n in sizes.values()) >= seats)
        held = Counter(e.hospital_id for e in members if e.tier == tier)
        assert max(held.values()) <= most


@given(st.dictionaries(st.integers(0, 3), st.integers(0, 50), min_size=1), st.integers(0, 99))
def test_seats_add_up_and_are_there(counts: dict[int, int], seats: int) -> None:
    seats = min(seats, sum(counts.values()))
    given_, fair = allot(counts, seats), fair_shares(counts, seats)
    assert sum(given_.values()) == sum(fair.values()) == seats
    assert all(0 <= given_[t] <= counts[t] and abs(given_[t] - fair[t]) < 1 for t in counts)


def test_fair_shares_by_hand() -> None:
    assert allot({3: 50, 2: 49, 1: 1}, 5) == {3: 2, 2: 2, 1: 1}
    assert fair_shares({3: 96, 2: 2, 1: 2}, 5) == {3: 3, 2: 1, 1: 1}
    assert fair_shares({3: 2, 2: 1, 1: 1}, 2) == {3: 1, 2: Fraction(1, 2), 1: Fraction(1, 2)}


def test_seeds_and_panels_differ() -> None:
    roster, _ = read_roster(REHEARSAL)
    asked = [Asked("P001", "FR11", "H0001")]
    drawn = {draw_panel(roster, asked, Rules(), seed).members for seed in range(50)}
    assert len(drawn) > 45
    one, other = (draw_panel(roster, asked, Rules(), 1, panel=name) for name in ("Z01", "Z02"))
    assert one.members != other.members


def test_experts_of_a_tier_have_the_same_chance() -> None:
    """12 experts of tier 3 in hospitals of 1 to 3, 8 of tier 2; none is big enough for a cap."""
    homes = [0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5]
    high = [expert(i, h, 3) for i, h in enumerate(homes)]
    low = [expert(50 + i, 20 + i // 2, 2) for i in range(8)]
    roster = Roster((*high, *low))
    seen: Counter[str] = Counter()
    for seed in range(3000):
        seen.update(draw_panel(roster, [Asked("P", "FR11")], Rules(), seed).members)
    for part in (high, low):
        assert chisquare([seen[e.expert_id] for e in part]).pvalue > 1e-4


def test_experts_of_a_large_hospital_share_its_seat() -> None:
    big = [expert(i, 0, 3) for i in range(30)]
    small = [expert(50 + i, 1 + i, 3) for i in range(10)]
    roster = Roster((*big, *small))
    seen: Counter[str] = Counter()
    for seed in range(2000):
        members = draw_panel(roster, [Asked("P", "FR11")], Rules(), seed).members
        assert sum(roster[name].hospital_id == "H0" for name in members) == 1
        seen.update(members)
    assert chisquare([seen[e.expert_id] for e in big]).pvalue > 1e-4
    assert chisquare([seen[e.expert_id] for e in small]).pvalue > 1e-4


def test_counties_are_spread() -> None:
    roster = Roster(tuple(expert(i, i, 3, county=f"C{i % 5}") for i in range(50)))
    for seed in range(50):
        panel = draw_panel(roster, [Asked("P", "FR11")], Rules(), seed)
        assert panel.strata["counties"] == {f"C{i}": 1 for i in range(5)}


def test_several_mdcs_are_all_covered() -> None:
    experts = [expert(i, i, 3, "F") for i in range(40)]
    experts += [expert(50 + i, 50 + i, 3, "W") for i in range(3)]
    asked = [Asked("P1", "FR11"), Asked("P2", "WB11")]
    for seed in range(30):
        panel = draw_panel(Roster(tuple(experts)), asked, Rules(), seed)
        assert panel.mdcs == ("F", "W")
        assert min(panel.strata["mdcs"].values()) >= 1


def test_interested_hospitals_by_share_of_cases() -> None:
    cases = pd.DataFrame({"drg": ["FR11"] * 3 + ["FR13"], "hospital_id": ["H1", "H2", "H3", "H4"],
                          "cases": [70, 20, 10, 5]})  # fmt: skip
    asked = [Asked("P1", "FR11", "H3")]
    rules = Rules(interest_share=0.5)
    assert interested(asked, rules, cases) == {
        "H3": "proposes P1",
        "H1": "70.0% of the cases of FR11",
    }
    assert interested(asked, Rules()) == {"H3": "proposes P1"}
    with pytest.raises(DrgError, match="need the cases"):
        interested(asked, rules)
    roster = Roster(tuple(expert(i, i % 9, 3) for i in range(40)))
    panel = draw_panel(roster, asked, rules, 4, cases=cases)
    assert {roster[name].hospital_id for name in panel.recused} == {"H1", "H3"}
    assert verify_panel(panel, roster, asked, rules, cases=cases).ok
    assert not verify_panel(panel, roster, asked, rules).ok


def test_declared_recusals() -> None:
    roster = Roster(tuple(expert(i, i, 3) for i in range(8)))
    asked = [Asked("P1", "FR11")]
    panel = draw_panel(roster, asked, Rules(), 1, declared={"E003": "a relative"})
    assert panel.recused == {"E003": "declared: a relative"}
    assert "E003" not in (*panel.members, *panel.substitutes)
    assert verify_panel(panel, roster, asked, Rules()).ok
    with pytest.raises(DrgError, match="not on the roster"):
        draw_panel(roster, asked, Rules(), 1, declared={"X": ""})


def test_too_few_of_a_specialty() -> None:
    experts = [expert(i, i, 3, "F") for i in range(20)]
    experts += [expert(50 + i, 50 + i, 3, "W") for i in range(3)]
    roster, asked = Roster(tuple(experts)), [Asked("P1", "WB11")]
    with pytest.raises(DrgError, match=r"too few experts for a panel on MDC W.*'3 eligible'"):
        draw_panel(roster, asked, Rules(), 1)
    panel = draw_panel(roster, asked, Rules(fallback="all"), 1)
    assert panel.strata["mdcs"] == {"W": 3}
    assert "only 3 eligible experts cover MDC W" in panel.strata["fallback"]
    assert verify_panel(panel, roster, asked, Rules(fallback="all")).ok


def test_verification_says_what_differs() -> None:
    roster, _ = read_roster(REHEARSAL)
    asked = [Asked("P001", "FR11", "H0001")]
    panel = draw_panel(roster, asked, Rules(), 7)
    outsider = next(e.expert_id for e in roster.experts if e.expert_id not in panel.members)
    forged = replace(panel, members=(outsider, *panel.members[1:]))
    (said,) = verify_panel(forged, roster, asked, Rules()).faults
    assert f"not drawn: {outsider}" in said
    assert f"drawn but not on record: {panel.members[0]}" in said
    weighed = {**panel.vote_weights, panel.members[0]: 9.0}
    (said,) = verify_panel(replace(panel, vote_weights=weighed), roster, asked, Rules()).faults
    assert said.startswith(f"vote_weights of {panel.members[0]} differs: on record 9.0")
    changed = Roster(tuple(replace(e, active=e.expert_id != panel.members[0])
                           for e in roster.experts))  # fmt: skip
    faults = verify_panel(panel, changed, asked, Rules()).faults
    assert "the roster has changed since the draw" in faults[0]
    assert panel.roster_sha256 in faults[0]
    assert any(fault.startswith("members differ") for fault in faults)
    (said,) = verify_panel(panel, roster, [], Rules()).faults
    assert "no such proposal: P001" in said
    assert "cannot be drawn again" in verify_panel(
        replace(panel, size=4), roster, asked, Rules()).faults[0]  # fmt: skip


@pytest.mark.parametrize("seed", [-1, 1.5, True, "7"])
def test_a_seed_is_a_whole_number(seed: object) -> None:
    with pytest.raises(DrgError, match="not a seed"):
        draw_panel(Roster(()), [Asked("P", "F")], Rules(), seed)  # type: ignore[arg-type]


def test_a_panel_has_proposals_once() -> None:
    for asked in ([], [Asked("P", "F"), Asked("P", "F")]):
        with pytest.raises(DrgError, match="at least one proposal, each once"):
            draw_panel(Roster(()), asked, Rules(), 1)


def test_ledger_body_round_trips() -> None:
    roster, _ = read_roster(REHEARSAL)
    panel = draw_panel(roster, [Asked("P001", "FR11", "H0001")], Rules(), 0, size=7)
    assert (panel.seed, panel.size) == (0, 7)
    assert Panel.from_body(json.loads(json.dumps(panel.to_body()))) == panel


def test_the_draw_stays_the_same_over_versions() -> None:
    """Records of past rounds are verified by drawing again, so the draw may never change."""
    roster, _ = read_roster(REHEARSAL)
    panel = draw_panel(roster, [Asked("P001", "FR11", "H0001")], Rules(), 3)
    assert panel.members == ("E0005", "E0266", "E0188", "E0084", "E0240")
    assert panel.substitutes == ("E0161", "E0162")
