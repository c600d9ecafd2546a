"""Votes get the plausibility that proposals have; a decision against what was asked is told."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from typer.testing import CliRunner

from drg.cli import app
from drg.errors import DrgError
from drg.negotiate.round.act import Round
from drg.page.words import Words
from drg.report.minutes.data import collect
from drg.report.minutes.panels import result, vote_section
from tests.negotiate.small import AT, REHEARSAL, WHO, begin, drawn
from weights.negotiation.experts.plausible import AGAINST, FAR, doubts, opposed
from weights.negotiation.experts.votes import Vote


@pytest.fixture
def held(tmp_path):
    """A round with panels drawn and no vote cast."""
    held = begin(tmp_path / "round")
    held.propose_file(REHEARSAL / "proposals.csv", WHO, AT)
    drawn(held)
    return held


def ballot(held, proposal, weights, choice="赞成"):
    """Votes of a panel's members with these weights, as a sheet."""
    panel = held.state.panel_of(proposal)
    rows = [(panel.id, proposal, expert, choice, "" if one is None else f"{one:.4f}", "")
            for expert, one in zip(panel.members, weights, strict=False)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["panel", "proposal", "expert", "choice", "weight", "note"])
    path = held.folder.parent / "votes.csv"
    frame.to_csv(path, index=False)
    return path


def falling(held):
    """A proposal that asks for less."""
    one = next(p for p in held.state.open.values() if p.asked < held.drafts[p.drg])
    return one, held.drafts[one.drg]


def drg(*words):
    done = CliRunner().invoke(app, ["negotiate", *map(str, words)])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_a_slipped_decimal_is_no_vote_and_nothing_is_counted_before_it_is_mended(held):
    one, draft = falling(held)
    right = [one.asked, one.asked * 1.01, one.asked * 0.99, None, None]
    slipped = [10 * w if w else w for w in right]
    said = drg("vote", held.folder, ballot(held, one.id, slipped), "--at", AT)
    assert len(re.findall("not accepted: .*weight: " + ", ".join((FAR[1], AGAINST[1])), said)) == 3
    assert f"draft {draft:.4g}, asked {one.asked:.4g}" in said
    assert f"{one.id} not counted yet" in said
    after = Round(held.folder)
    assert one.id not in after.state.decisions
    assert len(after.state.votes) == 2
    said = drg("vote", held.folder, ballot(held, one.id, right), "--at", AT)
    decision = Round(held.folder).state.decisions[one.id]
    assert decision.accepted
    assert decision.weight < draft
    assert AGAINST[1] not in said


def test_a_vote_by_hand_is_judged_too(held):
    one, draft = falling(held)
    panel = held.state.panel_of(one.id)
    vote = Vote(panel.id, one.id, panel.members[0], "for", 6 * draft)
    with pytest.raises(DrgError, match=r"weight.*far from draft and request"):
        held.vote(vote, WHO, AT)


def test_a_decision_against_the_direction_asked_is_told_everywhere(held):
    one, draft = falling(held)
    odd = [draft * 1.1, draft * 1.12, draft * 1.9, None, None]
    said = drg("vote", held.folder, ballot(held, one.id, odd), "--at", AT)
    assert said.count("in doubt: ") == 3
    assert FAR[1] in said
    assert re.search(rf"{one.id} .*{AGAINST[1]}", said)
    assert re.search(rf"{one.id} .*accepted .*, {AGAINST[1]}", drg("status", held.folder))
    data = collect(Round(held.folder))
    decision = data.state.decisions[one.id]
    assert decision.weight > draft
    assert result(decision, draft, data.state.rules, Words("en")) == f"accepted, but {AGAINST[1]}"
    assert result(decision, draft, data.state.rules, Words("zh")) == f"通过，但{AGAINST[0]}"
    texts = [block.text for block in vote_section(data, Words("zh")).blocks
             if hasattr(block, "text")]  # fmt: skip
    assert any("存疑的表决票" in text and FAR[0] in text for text in texts)


def test_what_is_odd_about_a_vote(held):
    one, draft = falling(held)
    panel, rules = held.state.panel_of(one.id), held.rules

    def odd(weight, choice="for"):
        return doubts(Vote(panel.id, one.id, panel.members[0], choice, weight), one, draft, rules)

    low, high = rules.corridor(draft)
    assert odd(None) == odd(one.asked) == odd(low) == odd(draft) == []
    assert odd(high) == [AGAINST]
    assert odd(high, "against") == []
    assert odd(high * 1.01) == [FAR, AGAINST]
    assert odd(min(low, one.asked) * 0.9) == [FAR]
    assert odd(high * 1.01, "abstain") == []
    assert not opposed(draft, one.asked, draft)


def test_the_comparison_shows_the_figures_of_the_offers(held):
    held.vote_file(REHEARSAL / "votes.csv", WHO, AT)
    held.tally(WHO, AT)
    held.withdraw("P014", "轻重倒挂", WHO, AT)
    said = drg("solve", held.folder, "--objective", "all", "--at", AT)
    offers = re.findall(r"(O0\d) (\w+): (\d+) weights, moved ([\d,]+) yuan, disagreement ([\d,]+)",
                        said)  # fmt: skip
    exact = re.findall(r"settled anew: payable ([-+\d.,]+) yuan; largest loss (.+)", said)
    assert len(offers) == len(exact) == 4
    lines = said[said.rindex("\noffer ") :].splitlines()[3:7]
    for (name, aim, count, moved, apart), (payable, loss), line in zip(
        offers, exact, lines, strict=True
    ):
        cells = re.split(r"\s{2,}", line.strip())
        assert cells[:3] == [name, aim, count]
        assert cells[-4:] == [apart, moved, payable, loss]
    assert not re.search(r"\d\.\d{6}", said), "no raw floats"
    assert not re.search(r"-\d+%", said), "a satisfaction below 0 is no percentage"
