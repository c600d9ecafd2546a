"""A round from its folder to the final table: everything follows from the record."""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow.parquet as pq
import pytest

from budget.impact.tables import summary, who_pays
from drg.errors import DrgError
from drg.negotiate.rehearsal.proposals import drawn
from drg.negotiate.round.act import FINAL, Round
from drg.negotiate.round.folder import CASES, LEDGER, WEIGHTS
from drg.negotiate.round.state import replay
from drg.negotiate.round.verify import verify
from drg.record import clock
from drg.record.ledger import Ledger
from tests.negotiate.small import AT, REHEARSAL, WHO, begin, files, played
from weights.negotiation.experts.votes import Vote
from weights.table import open_weights


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """A closed round."""
    with clock.given(AT):
        return ended(tmp_path_factory.mktemp("rounds") / "round")


def ended(folder):
    held = played(folder)
    held.record_impact(held.impact(held.changes("asked")), list(held.state.open), WHO, AT)
    name, _ = held.solve("closest", actor=WHO, at=AT)
    held.accept(name, "各方同意", WHO, AT)
    held.close(WHO, AT)
    return held


@pytest.fixture
def copied(rehearsed, tmp_path):
    """The same in a folder of its own, to be harmed."""
    shutil.copytree(rehearsed.folder, tmp_path / "round")
    return tmp_path / "round"


def test_the_round_ends_in_a_table_that_carries_the_digest_of_its_record(rehearsed):
    table = open_weights(rehearsed.folder / FINAL)
    assert table.record["ledger_digest"] == Ledger(rehearsed.folder / LEDGER).digest
    assert table.digest == rehearsed.state.closed["weights_sha256"]
    changed = rehearsed.state.offers["O01"]["changes"]
    assert {d: w for d, w in table.by_group().items() if w != rehearsed.drafts[d]} == changed
    assert verify(rehearsed.folder).ok


def test_the_record_replays_to_the_same_state_and_table(rehearsed, tmp_path):
    again = Round(rehearsed.folder)
    assert again.state == rehearsed.state
    assert replay(Ledger(rehearsed.folder / LEDGER).entries()) == rehearsed.state
    with clock.given(AT):
        other = ended(tmp_path / "round")
    for file in (LEDGER, FINAL, WEIGHTS, CASES):
        assert (other.folder / file).read_bytes() == (rehearsed.folder / file).read_bytes(), file


def test_no_patient_is_in_the_folder(rehearsed, tmp_path):
    held = pq.read_table(rehearsed.folder / CASES)
    ids = set(held.column("patient_id").to_pylist())
    assert all(one == "" or one.isdecimal() for one in ids)
    grouped, _ = files()
    text = grouped.read_text(encoding="utf-8-sig")
    assert "P0000001" in text
    for path in rehearsed.folder.rglob("*"):
        if path.is_file():
            assert b"P0000001" not in path.read_bytes(), path
    head, *lines = text.splitlines()
    named = [f"{head},姓名,身份证号", *(f"{line},张三,110101199003071234" for line in lines)]
    source = tmp_path / "named.csv"
    source.write_text("\n".join(named), encoding="utf-8")
    other = begin(tmp_path / "other", cases=source)
    assert b"110101199003071234" not in (other.folder / CASES).read_bytes()
    assert other.impacts.draft.payable.sum() == rehearsed.impacts.draft.payable.sum()


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (
            lambda f: (f / "roster.csv").write_bytes((f / "roster.csv").read_bytes() + b"x"),
            "roster",
        ),
        (lambda f: (f / "hospitals.csv").unlink(), "hospitals.csv"),
        (lambda f: next((f / "policy").iterdir()).unlink(), "policy/"),
        (lambda f: _flip(f / LEDGER, 500), "line"),
        (lambda f: _flip(f / FINAL, -40), FINAL),
    ],
)
def test_any_later_change_is_found(copied, harm, words):
    harm(copied)
    found = verify(copied)
    assert not found.ok
    assert words in found.text()


def _flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 0x01
    path.write_bytes(bytes(data))


def test_a_forged_decision_is_found_even_in_a_whole_chain(copied):
    """Someone writes the record anew with another weight: the chain holds, the count does not."""
    entries = Ledger(copied / LEDGER).entries()
    bodies = [(e.kind, json.loads(json.dumps(e.body)), e.actor, e.at) for e in entries]
    place = next(i for i, (kind, body, *_) in enumerate(bodies)
                 if kind == "decision" and body["accepted"])  # fmt: skip
    bodies[place][1]["weight"] *= 1.05
    (copied / LEDGER).unlink()
    (copied / "ledger.head").unlink()
    new = Ledger.create(copied / LEDGER, bodies[0][2], bodies[0][1], bodies[0][3])
    for kind, body, actor, at in bodies[1:]:
        new.append(kind, body, actor=actor, at=at)
    found = verify(copied)
    assert "counted again" in found.text()
    assert "names another record" in found.text()


def test_without_an_offer_the_decisions_stand_and_the_rest_is_neutral(tmp_path):
    held = played(tmp_path / "round")
    before = held.impacts.draft.payable.sum()
    with pytest.raises(DrgError, match=r"severity out of order: .*--despite|--despite.*severity"):
        held.close(WHO, AT, decimals=4)
    table = held.close(WHO, AT, decimals=4, despite="专家组意见优先")
    assert held.state.closed["breaches"]
    assert held.state.closed["despite"] == "专家组意见优先"
    decided = held.changes("decided")
    weights = table.by_group()
    for drg, weight in decided.items():
        assert weights[drg] == pytest.approx(weight, abs=5.1e-5)
    refused = [one.drg for one in held.state.standing.values() if not one.accepted]
    assert refused
    assert all(weights[drg] == held.drafts[drg] for drg in refused)  # not accepted: the draft stays
    new = {w for drg, w in weights.items() if drg not in refused}
    assert {round(w, 4) for w in new} == new
    after = held.impact({d: w for d, w in weights.items() if w != held.drafts[d]}, "none").after
    assert abs(after.payable.sum() - before) < 2e-4 * before
    assert held.state.closed["scale"] != 1.0
    assert verify(held.folder).ok
    with pytest.raises(DrgError, match="closed"):
        held.withdraw("P001", "late", WHO, AT)
    with pytest.raises(DrgError, match="closed"):
        held.propose(actor=WHO, party="bureau", drg="FM29", what="weight", value="+1%", reason="x")


def test_impact_is_what_the_rules_say_and_who_pays_adds_up(tmp_path):
    held = begin(tmp_path / "round")
    found = held.impact({"RN13": held.drafts["RN13"] * 1.1})
    assert abs(summary(found)["payable_after"] - summary(found)["payable_before"]) < 1.0
    assert round(float(who_pays(found)["yuan"].sum()), 2) == 0.0
    assert held.impact({}).scale == 1.0
    alone = held.impact({"RN13": held.drafts["RN13"] * 1.1}, "none")
    changed = alone.after.weight != alone.before.weight
    assert (changed & np.isfinite(alone.before.weight)).sum() == 1


def test_a_round_in_steps(tmp_path):
    held = begin(tmp_path / "round")
    with pytest.raises(DrgError, match="no open proposal is without a panel"):
        drawn(held)
    with pytest.raises(DrgError, match="no offer was accepted"):
        held.changes("accepted")
    one = held.propose(actor="H0001", at=AT, party="hospital", hospital_id="H0001", drg="RN13",
                       what="weight", value="+10%", reason="耗材")  # fmt: skip
    assert one.id == "P001"
    with pytest.raises(DrgError, match="not decided yet"):
        held.close(WHO, AT)
    (panel,) = drawn(held)
    roster = held.files.roster
    assert all(roster[name].hospital_id != "H0001" for name in panel.members)
    with pytest.raises(DrgError):
        held.vote(Vote("Z01", "P001", "nobody", "for"), WHO, AT)
    for name in panel.members:
        held.vote(Vote("Z01", "P001", name, "against"), name, AT)
    (decision,) = held.tally(WHO, AT)
    assert not decision.accepted
    assert held.tally(WHO, AT) == ()  # it stands
    assert held.problem().asks == ()  # what was turned down asks no more
    other = Round(held.folder)
    other.propose(actor="H0002", at=AT, party="hospital", hospital_id="H0002", drg="FR49",
                  what="weight", value="-5%", reason="降价")  # fmt: skip
    assert list(held.state.proposals) == ["P001", "P002"]  # seen by the first one too
    held.withdraw("P002", "撤回", "H0002", AT)
    assert list(held.state.open) == ["P001"]
    third = held.propose(actor="H0002", at=AT, party="hospital", hospital_id="H0002", drg="FR49",
                         what="weight", value="-4%", reason="降价")  # fmt: skip
    assert third.id == "P003"


def test_decisions_on_one_group_are_a_band_for_the_solver(tmp_path):
    held = begin(tmp_path / "round")
    for hospital, value in (("H0001", "+10%"), ("H0002", "+6%")):
        held.propose(actor=hospital, at=AT, party="hospital", hospital_id=hospital, drg="RN13",
                     what="weight", value=value, reason="x")  # fmt: skip
    for panel in drawn(held):
        for proposal in panel.proposals:
            for name in panel.members:
                held.vote(Vote(panel.id, proposal, name, "for"), name, AT)
    held.tally(WHO, AT)
    (bound,) = held.problem().decided
    draft = held.drafts["RN13"]
    assert (bound.low, bound.high) == pytest.approx((draft * 1.06, draft * 1.1))
    _, found = held.solve("closest", actor=WHO, at=AT)
    place = held.impacts.groups.index("RN13")
    assert bound.low - 1e-9 <= found.weight[place] <= bound.high + 1e-9


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"weights": "nowhere"}, "no such weight table"),
        ({"policy": "nowhere"}, "no such policy"),
        ({"cases": REHEARSAL / "roster.csv"}, "no column for"),
        ({"roster": REHEARSAL / "votes.csv"}, "roster|column"),
        ({"hospitals": REHEARSAL / "votes.csv"}, "hospital"),
        ({"at": "yesterday"}, "yesterday"),
        ({"actor": ""}, "actor"),
    ],
)
def test_a_wrong_beginning_leaves_nothing(tmp_path, parts, words):
    with pytest.raises(DrgError, match=words) as error:
        begin(tmp_path / "round", **parts)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "round").exists()


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "round").mkdir()
    (tmp_path / "round" / "mine.txt").write_text("mine")
    with pytest.raises(DrgError, match="is there already"):
        begin(tmp_path / "round")
    assert (tmp_path / "round" / "mine.txt").read_text() == "mine"


def test_a_policy_of_ones_own_is_copied_with_what_it_extends(tmp_path):
    home = tmp_path / "rules"
    home.mkdir()
    for name, above in (("city", "national-default"), ("reform", "city")):
        (home / f"{name}.toml").write_text(
            f'id = "{name}"\ntitle = "{name}"\nextends = "{above}"\nsource = "test"\n'
            "[unknown]\nvalid_from = \"not in force\"\n", encoding="utf-8")  # fmt: skip
    held = begin(tmp_path / "round", policy=home / "reform.toml")
    shutil.rmtree(home)
    assert Round(held.folder).files.policy.id == "reform"
    assert verify(held.folder).ok


def test_two_people_propose_at_once(tmp_path):
    """Whoever comes second gets the next id; the record stays one that can be read."""
    first = begin(tmp_path / "round")
    other = Round(first.folder)
    start = threading.Barrier(2)
    groups = list(first.drafts)[:60]

    def work(held, hospital, mine):
        start.wait()
        for drg in mine:
            held.propose(actor=hospital, at=AT, party="hospital", hospital_id=hospital, drg=drg,
                         what="weight", value="+2%", reason="x")  # fmt: skip

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(work, first, "H0001", groups[:30]),
                pool.submit(work, other, "H0002", groups[20:50])]  # fmt: skip
        for one in done:
            one.result()
    state = Round(first.folder).state
    assert list(state.proposals) == [f"P{i:03d}" for i in range(1, 61)]
    asked = [(one.hospital_id, one.drg) for one in state.proposals.values()]
    assert len(set(asked)) == 60
    assert verify(first.folder).ok


def test_two_forms_at_once_do_not_ask_twice(tmp_path):
    held = begin(tmp_path / "round")
    other = Round(held.folder)
    context = other.context
    assert len(held.propose_file(REHEARSAL / "proposals.csv", WHO, AT)[0]) == 14
    one = next(iter(held.state.proposals.values()))
    assert context.number == 1  # read before the other form came in
    with pytest.raises(DrgError, match="asks for the group already in P001"):
        other._propose_as(one, WHO, AT)
    assert len(Round(held.folder).state.proposals) == 14


def test_frozen_groups_are_not_asked_about_and_stay(tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text('frozen = ["RN13"]\n', encoding="utf-8")
    held = begin(tmp_path / "round", rules=rules)
    with pytest.raises(DrgError, match="frozen"):
        held.propose(actor=WHO, party="bureau", drg="RN13", what="weight", value="+2%", reason="x")
    found, rejects = held.propose_file(REHEARSAL / "proposals.csv", WHO, AT)
    assert "RN13" not in {one.drg for one in found}
    assert rejects["reason"].str.contains("frozen").sum() == 2
    held.solve("closest", actor=WHO, at=AT)
    assert "RN13" not in held.state.offers["O01"]["changes"]


def test_rounding_stays_inside_the_corridor_and_small_groups_say_nothing(rehearsed, tmp_path):
    weights, _ = rehearsed.final(2)
    changed = rehearsed.state.offers["O01"]["changes"]
    for drg in changed:
        low, high = rehearsed.rules.corridor(rehearsed.drafts[drg])
        if high - low > 0.02:
            assert low - 1e-9 <= weights[drg] <= high + 1e-9, drg
    frame = open_weights(rehearsed.folder / FINAL).frame
    few = rehearsed.files.weights.frame["cases"] < 5
    assert few.any()
    assert frame.loc[few.to_numpy(), ["cases", "mean_cost"]].isna().all(axis=None)
    assert frame.loc[~few.to_numpy(), "cases"].notna().all()


@pytest.mark.parametrize(
    ("new", "words"),
    [("13812345678", "holds a mobile number"), ("=E001", "looks like a formula")],
)
def test_a_roster_with_numbers_of_persons_or_formulas_is_refused(tmp_path, new, words):
    roster = tmp_path / "roster.csv"
    text = (REHEARSAL / "roster.csv").read_text(encoding="utf-8-sig")
    first = text.splitlines()[1].split(",")[0]
    roster.write_text(text.replace(first, new, 1), encoding="utf-8")
    with pytest.raises(DrgError, match=words) as error:
        begin(tmp_path / "round", roster=roster)
    assert "12345678" not in str(error.value)
    assert not (tmp_path / "round").exists()
    with pytest.raises(DrgError, match=r"body\.title: holds"):
        begin(tmp_path / "round", title="论证 1381 2345 678")
    assert not (tmp_path / "round").exists()
