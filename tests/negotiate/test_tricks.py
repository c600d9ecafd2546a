"""Tricks of a round: a panel or a result that somebody would like better is refused, or found."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest

from drg.errors import DrgError
from drg.negotiate.rehearsal.proposals import NUMBERS, _resolve, drawn
from drg.negotiate.round.act import FINAL, Round
from drg.negotiate.round.folder import LEDGER
from drg.negotiate.round.procedure import breaches_of
from drg.negotiate.round.verify import verify
from drg.record import clock
from drg.record.check import head_line
from drg.record.entry import seal
from drg.record.ledger import Ledger
from drg.record.receipt import read
from drg.report.minutes.write import write_minutes
from tests.fonts import without_font
from tests.negotiate.small import WHO, begin
from weights.negotiation.experts.lot import sealed
from weights.negotiation.experts.votes import Vote

SEALS = {party: sealed(party, number) for party, number in NUMBERS.items()}
DAYS = [f"2026-03-{day:02d}T09:00:00+08:00" for day in range(1, 32)]


def asked(folder, *, days=0):
    """A round in which a hospital and the bureau ask."""
    rules = folder.with_suffix(".toml")
    rules.write_text(f'objection_days = {days}\nlargest_loss = "none"\n', encoding="utf-8")
    held = begin(folder, rules=rules, at=None)
    held.propose(actor="H0001", party="hospital", hospital_id="H0001", drg="RN13", what="weight",
                 value="+5%", reason="耗材")  # fmt: skip
    held.propose(actor=WHO, party="bureau", drg="FR49", what="weight", value="-5%", reason="结余")
    return held


def voted(held, choice="for", panels=None):
    for panel in panels or list(held.state.panels.values()):
        for name in panel.members:
            for proposal in panel.proposals:
                held.vote(Vote(panel.id, proposal, name, choice), WHO)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A round with proposals; copied for each trick."""
    with clock.given(DAYS[0]):
        return asked(tmp_path_factory.mktemp("tricks") / "round").folder


@pytest.fixture(scope="module")
def decided(begun, tmp_path_factory):
    """The same with panels, votes and decisions."""
    folder = shutil.copytree(begun, tmp_path_factory.mktemp("decided") / "round")
    with clock.given(DAYS[1]):
        held = Round(folder)
        drawn(held)
        voted(held)
        held.tally(WHO)
    return folder


@pytest.fixture(scope="module")
def closed(decided, tmp_path_factory):
    """The same closed, with minutes and receipts."""
    folder = shutil.copytree(decided, tmp_path_factory.mktemp("closed") / "round")
    with clock.given(DAYS[2]), without_font():
        held = Round(folder)
        held.receipt(WHO).write(folder.parent / "before.toml")
        held.close(WHO, despite="演练")
        write_minutes(held, folder / "minutes.html")
        held.receipt(WHO).write(folder.parent / "after.toml")
    return folder


@pytest.fixture
def copy(request, tmp_path):
    def of(folder):
        return Round(shutil.copytree(folder, tmp_path / "round"))

    with clock.given(DAYS[10]):
        yield of


def refused(held, words, do, *args, **named):
    """A line, and nothing more on record."""
    before = held.state.digest
    with pytest.raises(DrgError, match=words) as caught:
        do(*args, **named)
    assert "\n" not in str(caught.value)
    assert held.state.digest == before


def forged(folder, change, *, at=None):
    """The record written anew, each entry as ``change`` has it or left out where that is None."""
    new, lines = None, []
    for entry in Ledger(folder / LEDGER).entries():
        held = change(replace(entry, body=json.loads(json.dumps(entry.body))))
        for one in [] if held is None else held if isinstance(held, list) else [held]:
            new = seal(len(lines), at or one.at, one.actor, one.kind, one.body,
                       new.digest if new else "", one.stated)  # fmt: skip
            lines.append(new.line)
    (folder / LEDGER).write_bytes(b"".join(lines))
    (folder / "ledger.head").write_bytes(head_line(new.seq, new.digest))


def found(folder, words, *receipts):
    with clock.given(DAYS[20]):
        said = verify(folder, receipts=receipts)
    assert not said.ok
    assert words in said.text(), said.text()


def test_a_round_played_by_the_rules_is_verified_against_every_receipt(closed):
    with clock.given(DAYS[20]):
        said = verify(closed, receipts=[closed.parent / "before.toml", closed.parent / "after.toml",
                                        read(closed.parent / "before.toml").digest],
                      minutes=[closed / "minutes.html"])  # fmt: skip
    assert said.ok, said.text()
    assert "a rehearsal: its times were given" in said.text()


def test_a_second_panel_is_refused_without_an_objection(copy, decided):
    held = copy(decided)
    refused(held, "no open proposal is without a panel", held.lot, SEALS, actor=WHO)
    refused(held, "another only after an objection", held.lot, SEALS, actor=WHO,
            proposals=["P001"])  # fmt: skip
    refused(held, "no lot was opened", held.draw, WHO)
    first = next(iter(held.state.panels.values()))
    again = replace(first, id="Z09", seed=first.seed + 1).to_body()
    refused(held, "no lot was opened", held.add, "panel", again, WHO, None, seen=held.state)


def test_a_second_panel_written_into_a_record_is_found(copy, decided):
    held = copy(decided)
    body = replace(next(iter(held.state.panels.values())), id="Z09").to_body()
    with clock.given(DAYS[10]):
        Ledger(held.folder / LEDGER).append("panel", body, actor=WHO)
    found(held.folder, "no lot was opened")


def test_an_objection_gives_one_more_panel_and_both_results_stand(copy, begun):
    held = copy(begun)
    with clock.given(DAYS[1]) as now:
        drawn(held)
        voted(held, "against")
        held.tally(WHO)
        refused(held, "say why", held.object, "P001", " ", party="H0001", actor=WHO)
        held.object("P001", "未考虑新耗材", party="H0001", actor=WHO)
        refused(held, "an objection waits", held.close, WHO)
        (second,) = drawn(held)
        assert second.proposals == ("P001",)
        voted(held, "for", [second])
        held.tally(WHO)
        assert [one.accepted for one in held.state.history] == [False, False, True]
        assert held.state.changes("decided")["RN13"] > held.drafts["RN13"]
        refused(held, "second panel's decision stands", held.object, "P001", "再议", party="H0001",
                actor=WHO)  # fmt: skip
        refused(held, "another only after", held.lot, SEALS, actor=WHO, proposals=["P001"])
        now[0] = DAYS[2]
        with without_font():
            held.close(WHO, despite="演练")
            page = write_minutes(held, held.folder / "minutes.html").page.read_text("utf-8")
    assert verify(held.folder).ok
    assert page.count("P001") > 4
    assert "未考虑新耗材" in page
    assert "Z03" in page


def test_nobody_chooses_the_seed(copy, begun):
    held = copy(begun)
    refused(held, "numbers of several parties", held.lot, {"医保局": SEALS["医保局"]}, actor=WHO)
    refused(held, "not to come", held.lot, actor=WHO, time=DAYS[3])
    held.lot(SEALS, actor=WHO)
    refused(held, "a number is not told yet", held.draw, WHO)
    refused(held, "not the one that was sealed", held.reveal, "H0001", "another number", "H0001")
    held.reveal("医保局", NUMBERS["医保局"], WHO)
    refused(held, "already|has told", held.reveal, "医保局", NUMBERS["医保局"], WHO)
    # the seed may be known to who kept his number back: nothing that would change the draw
    refused(held, "the panel comes first", held.withdraw, "P002", "改主意", WHO)
    refused(held, "the panel comes first", held.propose, actor=WHO, party="bureau", drg="FM29",
            what="weight", value="+1%", reason="x")  # fmt: skip
    refused(held, "say why it is opened again", held.lot, SEALS, actor=WHO)
    refused(held, "without who kept silent", held.lot, SEALS, actor=WHO, reason="换一次")
    held.reveal("H0001", NUMBERS["H0001"], "H0001")
    refused(held, "numbers were told", held.lot, SEALS, actor=WHO, reason="换一次")
    panels = held.draw(WHO)
    assert len({one.seed for one in panels}) == 1


def test_a_lot_by_the_records_digest_waits_for_its_time(copy, begun):
    held = copy(begun)
    with clock.given(DAYS[10]) as now:
        held.lot(actor=WHO, time=DAYS[12])
        refused(held, "time announced has not come", held.draw, WHO)
        digest = held.state.digest
        now[0] = DAYS[12]
        panels = held.draw(WHO)
    assert panels[0].seed == int(digest[:12], 16)
    assert list(breaches_of(held.state.entries, held.files.hospital_names)) == []


def test_a_panel_of_another_seed_or_without_a_recusal_of_the_lot_is_found(copy, decided):
    held = copy(decided)

    def other(entry):
        if entry.kind == "panel":
            entry.body["seed"] += 1
        return entry

    forged(held.folder, other)
    found(held.folder, "the panel is not the one of the lot")


def test_a_second_vote_and_a_vote_after_the_count_are_refused(copy, begun):
    held = copy(begun)
    panels = drawn(held)
    name, *others = panels[0].members
    held.vote(Vote("Z01", panels[0].proposals[0], name, "for"), name)
    refused(held, "has voted on it", held.vote,
            Vote("Z01", panels[0].proposals[0], name, "against"), name)  # fmt: skip
    refused(held, "votes for nobody else", held.vote,
            Vote("Z01", panels[0].proposals[0], others[0], "against"), name)  # fmt: skip
    for other in others[:3]:
        held.vote(Vote("Z01", panels[0].proposals[0], other, "against"), other)
    held.tally(WHO)
    refused(held, "counted and closed", held.vote,
            Vote("Z01", panels[0].proposals[0], others[3], "for"), others[3])  # fmt: skip
    sheet = held.folder / "late.csv"
    sheet.write_text(f"专家组,申请编号,病组编码,专家编号,意见\n"
                     f"Z01,{panels[0].proposals[0]},,{others[3]},赞成\n"
                     f"{panels[1].id},{panels[1].proposals[0]},ZZ99,{panels[1].members[0]},赞成\n",
                     encoding="utf-8")  # fmt: skip
    cast, rejects = held.vote_file(sheet, WHO)
    assert not cast
    assert "counted and closed" in rejects["reason"][0]
    assert "a row of another sheet" in rejects["reason"][1]


def test_a_vote_after_the_count_and_a_second_count_in_a_record_are_found(copy, decided):
    held = copy(decided)
    vote = next(one for one in held.state.entries if one.kind == "vote")
    decision = next(one for one in held.state.entries if one.kind == "decision")
    ledger = Ledger(held.folder / LEDGER)
    ledger.append("vote", vote.body, actor=WHO)
    ledger.append("decision", decision.body, actor=WHO)
    found(held.folder, "the votes on it are counted and closed")
    found(held.folder, "the votes are counted already")


def test_backdating_is_refused_and_found(copy, decided):
    held = copy(decided)
    with clock.given(DAYS[0]):
        refused(held, "clock is before the last entry", held.object, "P001", "x", party="H0001",
                actor=WHO)  # fmt: skip
    with clock.given(DAYS[10]):
        held.withdraw("P002", "晚", WHO, DAYS[0])
    last = held.state.entries[-1]
    assert (last.at, last.stated) == (DAYS[10], DAYS[0])


def test_an_objection_after_its_days_and_a_close_before_them_are_refused(tmp_path):
    with clock.given(DAYS[0]) as now:
        held = asked(tmp_path / "round", days=15)
        refused(held, "no decision yet", held.object, "P001", "x", party="H0001", actor=WHO)
        drawn(held)
        voted(held)
        held.tally(WHO)
        now[0] = DAYS[14]
        refused(held, "period for objections still runs", held.close, WHO, despite="x")
        now[0] = "2026-03-16T09:00:01+08:00"
        refused(held, "period for objections is over", held.object, "P001", "x", party="H0001",
                actor=WHO)  # fmt: skip
        held.close(WHO, despite="演练")
    assert verify(held.folder).ok


def test_a_quorum_comes_before_the_close(copy, begun):
    held = copy(begun)
    (first, *_) = drawn(held)
    for name in first.members[:2]:
        for proposal in first.proposals:
            held.vote(Vote(first.id, proposal, name, "for"), WHO)
    held.tally(WHO)
    refused(held, "has not voted with its quorum", held.close, WHO, despite="x")
    offer, _ = held.solve(actor=WHO)
    held.accept(offer, "同意", WHO)
    refused(held, "has not voted with its quorum", held.close, WHO, despite="x")


def test_an_offer_made_before_a_decision_ends_no_round(copy, decided):
    held = copy(decided)
    offer, _ = held.solve(actor=WHO)
    held.accept(offer, "同意", WHO)
    held.withdraw("P002", "不再申请", WHO)
    refused(held, "came after the offer", held.close, WHO, despite="x")
    refused(held, "came after the offer", held.accept, offer, "同意", WHO)


def test_only_who_proposed_withdraws(copy, decided):
    held = copy(decided)
    refused(held, "only who proposed may withdraw", held.withdraw, "P001", "x", WHO)
    refused(held, "only who proposed may withdraw", held.withdraw, "P002", "x", "H0001")
    refused(held, "say why", held.withdraw, "P001", "", "H0001")
    held.withdraw("P001", "不再申请", "H0001")
    Ledger(held.folder / LEDGER).append("withdraw", {"proposal": "P002", "reason": "x"},
                                        actor="H0002")  # fmt: skip
    found(held.folder, "only who proposed may withdraw")


def test_rows_of_a_form_in_the_name_of_another_are_refused(copy, begun, tmp_path):
    held = copy(begun)
    form = tmp_path / "form.csv"
    form.write_text(
        "提出方,医疗机构代码,病组编码,调整事项,调整值,理由\n医院,H0002,FM29,权重,+5%,a\n"
        "医院,H0003,FM29,权重,-9%,b\n医保局,,FM29,权重,-5%,c\n", encoding="utf-8")  # fmt: skip
    mine, rejects = held.propose_file(form, "H0002")
    assert [one.hospital_id for one in mine] == ["H0002"]
    assert rejects["reason"].str.contains("H0002 proposes for nobody else").sum() == 2
    refused(held, "proposes for nobody else", held.propose, actor="H0002", party="hospital",
            hospital_id="H0003", drg="FM29", what="weight", value="-5%", reason="x")  # fmt: skip
    body = {**mine[0].body(), "id": "P009", "hospital_id": "H0003"}
    Ledger(held.folder / LEDGER).append("proposal", body, actor="H0002")
    found(held.folder, "proposes for nobody else")


@pytest.mark.parametrize("receipt", ["before.toml", "after.toml"])
def test_a_rebuilt_record_fails_against_every_earlier_receipt(closed, tmp_path, receipt):
    folder = shutil.copytree(closed, tmp_path / "round")

    def milder(entry):
        if entry.kind == "proposal" and entry.body["id"] == "P002":
            entry.body["reason"] = "另一个理由"
        return entry

    forged(folder, milder)
    with clock.given(DAYS[20]):
        assert "the record up to there was rebuilt" in verify(
            folder, receipts=[closed.parent / receipt]).text()  # fmt: skip
        printed = read(closed.parent / receipt).digest
        assert "it was rebuilt" in verify(folder, receipts=[printed.upper()]).text()


def test_a_record_cut_back_is_found_by_a_receipt(closed, tmp_path):
    folder = shutil.copytree(closed, tmp_path / "round")
    forged(folder, lambda entry: None if entry.kind in ("close", "minutes", "receipt") else entry)
    for name in (FINAL, "minutes.html", "minutes.xlsx"):
        (folder / name).unlink()
    found(folder, "it was rebuilt or cut", closed.parent / "after.toml")


def test_a_receipt_of_another_round_or_of_nothing_is_told(closed, tmp_path):
    one = read(closed.parent / "after.toml")
    replace(one, round="other").write(tmp_path / "other.toml")
    found(closed, "a receipt of another round: other", tmp_path / "other.toml")
    (tmp_path / "none.toml").write_text("a = 1\n")
    with pytest.raises(DrgError, match="a: no such key, expected one of round, book, entries"):
        verify(closed, receipts=[tmp_path / "none.toml"])
    with pytest.raises(DrgError, match="cannot be read"):
        verify(closed, receipts=[tmp_path / "nowhere.toml"])


@pytest.mark.parametrize("name", ["minutes.html", "minutes.xlsx"])
def test_edited_minutes_are_found(closed, tmp_path, name):
    folder = shutil.copytree(closed, tmp_path / "round")
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-30] + b" " + data[-30:])
    found(folder, f"{name}: is not the one on record")
    shutil.move(folder / name, folder / f"minutes-2{name[-5:]}")
    found(folder, "is not on record")
    with clock.given(DAYS[20]):
        said = verify(closed, minutes=[folder / f"minutes-2{name[-5:]}"])
    assert "is not among the minutes on record" in said.text()


def test_minutes_on_record_are_not_put_on_record_again(closed, tmp_path):
    held = Round(shutil.copytree(closed, tmp_path / "round"))
    with clock.given(DAYS[10]):
        with without_font():
            write_minutes(held, held.folder / "minutes.html")  # the same bytes
            assert [one.kind for one in held.state.entries].count("minutes") == 1
            before = (held.folder / "minutes.html").read_bytes()
            refused(held, "other minutes of this name are on record", write_minutes, held,
                    held.folder / "minutes.html", "en")  # fmt: skip
        assert (held.folder / "minutes.html").read_bytes() == before
        with pytest.raises(DrgError, match="the round is closed"):
            held.record_impact(held.impact({}), [], WHO)


def test_a_timestamp_goes_into_a_receipt_and_only_over_its_digest(closed, tmp_path):
    one = read(closed.parent / "after.toml")
    request = one.request()
    assert (request[0], request[1], len(request)) == (0x30, len(request) - 2, 59)
    assert bytes.fromhex(one.digest) in request
    imprint = request[5:-3]
    token = b"\x30\x82" + imprint + b"\x02\x01\x07\x18\x0f20260319060000Z" + b"\x00" * 9
    stamped = one.attach(token, "t.tsr")
    stamped.write(tmp_path / "stamped.toml")
    assert read(tmp_path / "stamped.toml") == stamped
    assert stamped.stamped == "2026-03-19T06:00:00Z"
    with clock.given(DAYS[20]):
        said = verify(closed, receipts=[tmp_path / "stamped.toml"])
    assert said.ok
    assert "timestamp 2026-03-19T06:00:00Z" in said.text()
    with pytest.raises(DrgError, match="not a timestamp over this digest"):
        one.attach(token.replace(bytes.fromhex(one.digest), b"\x00" * 32), "t.tsr")


def test_nobody_asks_anew_once_a_panel_has_the_group(copy, begun, decided, tmp_path):
    mine = {"party": "hospital", "hospital_id": "H0001", "drg": "RN13", "what": "weight",
            "value": "+6%", "reason": "再来"}  # fmt: skip
    held = copy(begun)
    drawn(held)
    held.withdraw("P001", "换专家组", "H0001")
    refused(held, "a panel has P001 on this group", held.propose, actor="H0001", **mine)
    other = held.propose(actor="H0002", **mine | {"hospital_id": "H0002"})  # nothing is decided
    assert other.id == "P003"
    held = Round(shutil.copytree(decided, tmp_path / "other"))
    refused(held, "a panel has P001 on this group", held.propose, actor="H0002",
            **mine | {"hospital_id": "H0002"})  # fmt: skip
    body = {**other.body(), "id": "P003"}
    Ledger(held.folder / LEDGER).append("proposal", body, actor="H0002")
    found(held.folder, "a panel has P001 on this group")


@pytest.mark.parametrize("actor", ["h0002", "Ｈ０００２", " H0002 ", "云河市第二人民医院"])
def test_a_hospital_is_itself_in_any_spelling(copy, decided, actor):
    held = copy(decided)
    refused(held, "proposes for nobody else", held.propose, actor=actor, party="hospital",
            hospital_id="H0003", drg="FM29", what="weight", value="-5%", reason="x")  # fmt: skip
    refused(held, "only who proposed may withdraw", held.withdraw, "P001", "x", actor)
    body = {"proposal": "P001", "party": "H0003", "reason": "x"}
    refused(held, "objects for nobody else", held.add, "objection", body, actor, None,
            seen=held.state)  # fmt: skip
    one = held.propose(actor=actor, party="hospital", hospital_id=actor, drg="FM29", what="weight",
                       value="-5%", reason="x")  # fmt: skip
    assert (one.hospital_id, held.state.entries[-1].actor) == ("H0002", "H0002")


def test_one_party_is_not_two_parties_of_a_lot(copy, begun):
    held = copy(begun)
    for other in ("h0001", "Ｈ０００１", "云河市人民医院"):
        refused(held, "numbers of several parties", held.lot,
                {"H0001": "a" * 64, other: "b" * 64}, actor=WHO)  # fmt: skip
    seals = {name: sealed(name, f"{name} 2026-0319-14") for name in ("H0001", "H0002", "H0003")}
    held.lot({name: seals[name] for name in ("H0001", "H0002")}, actor=WHO)
    held.reveal("H0001", "H0001 2026-0319-14", WHO)
    held.lot({name: seals[name] for name in ("H0001", "H0003")}, actor=WHO, reason="H0002 缄默")
    refused(held, "opened again without who kept silent", held.lot,
            {"H0001": seals["H0001"], "h0002": "c" * 64}, actor=WHO, reason="再开")  # fmt: skip


def _prop(**parts):
    def change(entry):
        if entry.kind == "proposal" and entry.body["id"] == "P001":
            entry.body.update(parts)
        return entry

    return change


def _two_panels(entry):
    if entry.kind == "lot":
        entry.body["panels"]["Z09"] = list(entry.body["panels"]["Z01"])
    return entry


def _other_mdc(entry):
    if entry.kind == "panel" and entry.body["id"] == "Z01":
        entry.body["mdcs"] = ["A", *entry.body["mdcs"]]
    return entry


@pytest.mark.parametrize(("change", "words"), [
    (_prop(asked=0.67), "asked: worked out again it is"),
    (_prop(hospital_id="H9999"), "no such hospital"),
    (_prop(value="50", asked=50.0), "too far from the draft weight"),
    (_prop(id="P007"), "id: worked out again it is 'P001'"),
    (_prop(basis={}), "basis.draft"),
    (_prop(reason=""), "reason: is missing"),
    (_two_panels, "a proposal is before one panel"),
    (_other_mdc, "the panel is not the one of the lot"),
])  # fmt: skip
def test_what_a_rebuilt_record_says_is_worked_out_again(begun, decided, tmp_path, change, words):
    late = change in (_two_panels, _other_mdc)
    folder = shutil.copytree(decided if late else begun, tmp_path / "round")
    forged(folder, change)
    found(folder, words)


def test_votes_of_strangers_and_slips_in_a_record_are_found(copy, begun):
    held = copy(begun)
    panel = drawn(held)[0]
    vote = Vote(panel.id, panel.proposals[0], panel.members[0], "for", 99.0).to_body()
    refused(held, "check the decimal point", held.add, "vote", vote, WHO, None, seen=held.state)
    ledger = Ledger(held.folder / LEDGER)
    ledger.append("vote", vote, actor=WHO)
    ledger.append("vote", {**vote, "expert": "E0001", "weight": None}, actor=WHO)
    found(held.folder, "check the decimal point")
    found(held.folder, "not a member of panel")


def test_an_impact_or_offer_on_record_is_settled_again(copy, decided):
    held = copy(decided)
    held.record_impact(held.impact(held.changes("decided")), ["P001"], WHO)
    held.solve(actor=WHO)
    forged(held.folder, lambda entry: entry)
    with clock.given(DAYS[20]):
        assert verify(held.folder).ok

    def better(entry):
        if entry.kind == "impact":
            entry.body["summary"]["hospitals_losing"] = 0
        if entry.kind == "offer":
            entry.body["satisfaction"] = dict.fromkeys(entry.body["satisfaction"], 0.5)
        return entry

    forged(held.folder, better)
    found(held.folder, "impact: hospitals_losing: worked out again")
    found(held.folder, "O01: satisfaction.P001: worked out again")


def test_a_record_without_its_end_beside_a_final_table_is_found(closed, tmp_path):
    folder = shutil.copytree(closed, tmp_path / "round")
    forged(folder, lambda entry: None if entry.kind in ("close", "minutes") else entry)
    found(folder, f"{FINAL}: the record has no end")
    (folder / FINAL).unlink()
    with clock.given(DAYS[20]):
        said = verify(folder, closed / FINAL, minutes=[closed / "minutes.html"]).text()
    assert "minutes.html: the record has no end" in said


def test_the_end_and_the_record_beside_the_final_table_are_worked_out_again(closed, tmp_path):
    folder = shutil.copytree(closed, tmp_path / "round")
    path = folder / f"{FINAL}.run.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"decimals"', '"digits"'),
                    encoding="utf-8")  # fmt: skip
    found(folder, f"{FINAL}.run.json: is not what the round wrote")

    def quiet(entry):
        if entry.kind == "close":
            entry.body["breaches"] = [{"zh": "无", "en": "none"}]
        return None if entry.kind in ("minutes", "receipt") else entry

    forged(folder, quiet)
    for name in (FINAL, "minutes.html", "minutes.xlsx"):
        (folder / name).unlink()
    found(folder, "close: breaches")


def test_a_record_cut_back_to_a_receipt_and_a_receipt_changed_are_found(closed, tmp_path):
    folder, after = shutil.copytree(closed, tmp_path / "round"), closed.parent / "after.toml"
    entries = len(Ledger(folder / LEDGER).entries())
    forged(folder, lambda entry: None if entry.seq == entries - 1 else entry)
    found(folder, "it was given out is not on record", after)
    text = after.read_text(encoding="utf-8").replace(f'at = "{read(after).at}"',
                                                     f'at = "{DAYS[0]}"')  # fmt: skip
    (tmp_path / "earlier.toml").write_text(text, encoding="utf-8")
    found(closed, "the receipt was changed", tmp_path / "earlier.toml")


def test_a_rehearsal_withdraws_as_who_proposed(copy, decided, monkeypatch):
    held, told = copy(decided), []
    one = SimpleNamespace(kind="decided", en="panel decision (Z01 P001): weight of RN13")
    answers = iter([SimpleNamespace(demands=[one], text=str), None])
    monkeypatch.setattr(Round, "conflict", lambda _: next(answers))
    _resolve(held, told.append)
    assert list(held.state.withdrawn) == ["P001"]
    assert held.state.entries[-1].actor == "H0001"


# What nothing follows from: a text of people, the year of the cases, the mark of a rehearsal.
FREE = ("reason", "note", "time", "title", "round", "year", "last_year", "evidence", "clock",
        "declared", "fallback", "least", "most")  # fmt: skip


@pytest.mark.parametrize("kind", ["init", "proposal", "lot", "panel", "vote", "decision"])
def test_a_record_of_other_parts_is_one_line(decided, tmp_path, kind):
    entries = Ledger(decided / LEDGER).entries()
    body = next(one for one in entries if one.kind == kind).body
    for number, (key, value) in enumerate((key, value) for key in body for value in (7, ["x"])):
        if key in FREE:
            continue
        folder = shutil.copytree(decided, tmp_path / f"{number}")

        def other(entry, key=key, value=value):
            if entry.kind == kind and entry.body.get(key) not in (value, None):
                entry.body[key] = value
            return entry

        forged(folder, other)
        with clock.given(DAYS[20]):
            try:
                said = verify(folder)
            except DrgError as error:
                assert "\n" not in str(error)
            else:
                assert not said.ok or body[key] in ("", None), (key, value)


def test_an_entry_of_a_time_to_come_is_found(copy, decided):
    held = copy(decided)
    forged(held.folder, lambda entry: entry, at="2027-01-01T00:00:00+08:00")
    found(held.folder, "which is to come")
