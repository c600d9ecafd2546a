"""``drg negotiate`` from the command line: a rehearsal as its README has it."""

from __future__ import annotations

import shutil

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from drg.cli import app
from drg.errors import DrgError
from drg.negotiate.rehearsal.proposals import NUMBERS, RULES, drawn, proposals, votes
from drg.negotiate.round.act import Round
from tests.fonts import without_font
from tests.negotiate.small import AGAINST_ORDER, AT, REGION, REHEARSAL, files
from weights.negotiation.experts.votes import Vote


def drg(*words):
    """The output of a command that does well."""
    done = CliRunner().invoke(app, ["negotiate", *map(str, words)], catch_exceptions=True)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def fails(*words):
    """The line of a command that does not."""
    done = CliRunner().invoke(app, ["negotiate", *map(str, words)])
    assert isinstance(done.exception, DrgError), (done.output, done.exception)
    line = str(done.exception)
    assert "\n" not in line
    return line


def begin(folder):
    grouped, weights = files()
    return drg(
        "init", folder, "--cases", grouped, "--weights", weights, "--hospitals",
        REGION / "hospitals.csv", "--roster", REHEARSAL / "roster.csv", "--rules",
        REHEARSAL / "rules.toml", "--title", "2026年权重论证谈判", "--at", AT,
    )  # fmt: skip


def lot(folder):
    """Steps of the lot: seals of the parties' numbers, then the numbers."""
    told = [word for one in NUMBERS.items() for word in ("--reveal", "=".join(one))]
    said = [drg("lot", folder, "--seal", "=".join(one)).strip() for one in NUMBERS.items()]
    seals = [word for one in said for word in ("--commit", one)]
    return [("lot", folder, *seals), ("lot", folder, *told)]


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What each command of the rehearsal said, and the round."""
    folder = tmp_path_factory.mktemp("rehearsal") / "round"
    found = {"init": begin(folder)}
    found["propose"] = drg("propose", folder, REHEARSAL / "proposals.csv", "--at", AT)
    found["impact"] = drg("impact", folder, "--out", folder / "impact.xlsx", "--record", "--at", AT)
    found["lot"] = "".join(drg(*step, "--at", AT) for step in lot(folder))
    found["panel"] = drg("panel", folder, "--at", AT)
    found["vote"] = drg("vote", folder, REHEARSAL / "votes.csv", "--at", AT)
    found["withdraw"] = drg("propose", folder, "--withdraw", AGAINST_ORDER, "--reason", "轻重倒挂",
                            "--at", AT)  # fmt: skip
    found["solve"] = drg("solve", folder, "--objective", "all", "--frontier", "--at", AT)
    found["accept"] = drg("accept", folder, "o01", "--reason", "同意", "--at", AT)
    found["status"] = drg("status", folder)
    with without_font():
        found["close"] = drg("close", folder, "--decimals", "4", "--at", AT)
        found["verify"] = drg("verify", folder)
        found["minutes"] = drg("minutes", folder, "--out", folder / "en.html", "--lang", "en")
    return folder, found


def test_the_rehearsal_goes_through(said):
    folder, found = said
    for step, words in {
        "init": ("proposals.xlsx", "next: drg negotiate propose"),
        "propose": ("P014", "outside the corridor"),
        "impact": ("who gains, who pays", "severity out of order", "impact.xlsx", "pool"),
        "panel": ("Z01", "votes.xlsx", "E0"), "vote": ("accepted", "turned down"),
        "solve": ("O01 closest", "O04 least_change", "settled anew", "constraint"),
        "accept": ("O01 accepted",), "status": ("yuan accepted", "P013"),
        "close": ("weights-final.csv", "minutes.html", "digest"),
        "verify": ("ok  record", "digest"),
        "minutes": ("en.html",),
    }.items():  # fmt: skip
        for word in words:
            assert word in found[step], (step, word, found[step])
    table = pd.read_csv(folder / "weights-final.csv", encoding="utf-8-sig")
    changed = table[table["weight"] != table["draft_weight"]]["weight"]
    assert (changed.round(4) == changed).all()
    assert (folder / "minutes.xlsx").is_file()


def test_the_forms_are_those_of_the_rehearsal(said):
    """What lies in data_samples is what the maker makes from the small region."""
    folder, _ = said
    held = Round(folder)
    state = held.state
    pd.testing.assert_frame_equal(
        proposals(held.files.weights, held.files.hospitals).astype(str),
        pd.read_csv(REHEARSAL / "proposals.csv", dtype=str, keep_default_na=False,
                    encoding="utf-8-sig"),
    )  # fmt: skip
    pd.testing.assert_frame_equal(
        votes(list(state.panels.values()), state.proposals, held.drafts).astype(str),
        pd.read_csv(REHEARSAL / "votes.csv", dtype=str, keep_default_na=False,
                    encoding="utf-8-sig"),
    )  # fmt: skip
    assert (REHEARSAL / "rules.toml").read_text(encoding="utf-8") == RULES


def test_the_workbook_of_an_impact(said):
    folder, _ = said
    book = openpyxl.load_workbook(folder / "impact.xlsx")
    assert book.sheetnames == ["说明", "谁受益谁承担", "医疗机构", "级别", "险种", "基金池", "病组"]
    groups = pd.read_excel(folder / "impact.xlsx", sheet_name="病组", engine="openpyxl")
    few = groups["病例数"].isna()
    assert few.any()
    assert groups.loc[few, ["DRG应付（调整前）", "DRG应付（变动）"]].isna().all(axis=None)
    assert (groups.loc[~few, "病例数"] >= 5).sum() + (groups["病例数"] == 0).sum() == (~few).sum()


def test_impact_of_anything(said, tmp_path):
    folder, _ = said
    first = drg("impact", folder, "--set", "RN13=0.7", "--neutral", "none").splitlines()[0]
    assert "weights changed: 1," in first
    for of in ("decided", "accepted", "O02", "P001,P003", "P001，P003"):
        assert "who gains" in drg("impact", folder, "--of", of)
    drg("impact", folder, "--of", "O01", "--out", tmp_path / "tables")
    assert {path.name for path in (tmp_path / "tables").iterdir()} == {
        f"impact_{name}.csv"
        for name in ("who_pays", "hospitals", "tiers", "insurances", "pools", "groups")
    }


ANY_ORDER = (
    ("impact", "--of", "asked"), ("impact", "--of", "decided"), ("impact", "--of", "accepted"),
    ("impact", "--of", "O02"), ("impact", "--of", "P001", "--set", "RN13=0.7"), ("solve",),
    ("accept", "O01", "--reason", "x"), ("close", "--decimals", "4"), ("verify",), ("status",),
)  # fmt: skip


@pytest.mark.parametrize("stage", ["begun", "proposed", "voted", "offered", "accepted", "closed"])
def test_every_command_in_any_order_is_answered_or_told_what_to_do(said, tmp_path, stage):
    folder = tmp_path / "round"
    if stage == "closed":
        shutil.copytree(said[0], folder)
    else:
        begin(folder)
    steps = {
        "proposed": [("propose", folder, REHEARSAL / "proposals.csv")],
        "voted": [*lot(folder), ("panel", folder), ("vote", folder, REHEARSAL / "votes.csv")],
        "offered": [
            ("propose", folder, "--withdraw", AGAINST_ORDER, "--reason", "轻重倒挂"),
            ("solve", folder, "--objective", "all"),
        ],
        "accepted": [("accept", folder, "O02", "--reason", "同意")],
    }
    if stage in steps:
        for name in list(steps)[: list(steps).index(stage) + 1]:
            for step in steps[name]:
                drg(*step, "--at", AT)
    fine = {
        "begun": {"P001"}, "proposed": {"asked", "P001"}, "voted": {"asked", "decided", "P001"},
        "offered": {"asked", "decided", "O02", "P001"},
        "accepted": {"asked", "decided", "accepted", "O02", "P001"},
        "closed": {"asked", "decided", "accepted", "O02", "P001"},
    }[stage] - ({"P001"} if stage == "begun" else set())  # fmt: skip
    for number, (command, *rest) in enumerate(ANY_ORDER):
        once = shutil.copytree(folder, tmp_path / f"copy{number}")
        done = CliRunner().invoke(app, ["negotiate", command, str(once), *rest])
        if done.exit_code:
            assert isinstance(done.exception, DrgError), (command, rest, done.output)
            assert "\n" not in str(done.exception)
        if command == "impact":
            assert (done.exit_code == 0) == (rest[1] in fine), (rest, done.exception)


def test_an_offer_is_a_whole_table(said):
    """Nothing else is multiplied for it; where every group is set, it is told what can be done."""
    folder, _ = said
    held = Round(folder)
    drafts = held.drafts
    for body in held.state.offers.values():
        assert all(abs(w / drafts[drg] - 1) > 1e-9 for drg, w in body["changes"].items())
        first = drg("impact", folder, "--of", body["id"]).splitlines()[0]
        assert f"{len(body['changes'])}, others multiplied by 1.000000" in first
    assert drg("impact", folder, "--of", "accepted") == drg("impact", folder, "--of", "O01")
    every = [word for one, w in drafts.items() for word in ("--set", f"{one}={w * 1.01:.6f}")]
    assert "no group is left" in fails("impact", folder, *every)
    drg("impact", folder, *every, "--neutral", "none")


def test_wrong_words_are_one_line(said, tmp_path):
    folder, _ = said
    assert "P099" in fails("impact", folder, "--of", "P099")
    assert "XX99" in fails("impact", folder, "--set", "XX99=1")
    assert "RN13" in fails("impact", folder, "--set", "RN13=-1")
    assert "asked, decided" in fails("impact", folder, "--of", "nonsense")
    assert "closed" in fails("solve", folder)
    assert "closed" in fails("close", folder, "--decimals", "1")
    assert "closed" in fails("impact", folder, "--record")
    assert "closed" in fails("propose", folder, "--withdraw", "P001", "--reason", "x")
    assert "no ledger" in fails("status", tmp_path)
    (tmp_path / "empty.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    other = tmp_path / "round"
    begin(other)
    assert "headings" in fails("propose", other, tmp_path / "empty.csv")
    assert "column" in fails("vote", other, tmp_path / "empty.csv")
    assert "--withdraw" in fails("propose", other)
    assert "no open proposal" in fails(*lot(other)[0])
    assert "no lot was opened" in fails("panel", other)
    assert "drg negotiate solve" in fails("impact", other, "--of", "O02")
    assert "drg negotiate solve" in fails("accept", other, "O02", "--reason", "x")
    assert "is there already" in str(fails(
        "init", other, "--cases", files()[0], "--weights", "changzhi", "--hospitals",
        REGION / "hospitals.csv", "--year", "2025"))  # fmt: skip


def test_a_round_begins_on_a_front_page_with_blanks_and_costs_that_cannot_be_read(tmp_path):
    """Codes in several columns, a case without any, and a cost that is no number."""
    grouped, weights = files()
    frame = pd.read_csv(grouped, dtype=str, keep_default_na=False, encoding="utf-8-sig").head(300)
    for name, head in (("diagnoses", "出院其他诊断编码"), ("procedures", "手术操作编码")):
        codes = frame.pop(name).str.split("|", expand=True).fillna("")
        for i in codes:
            frame["主要诊断编码" if name == "diagnoses" and i == 0 else f"{head}{i + 1}"] = codes[i]
    frame.loc[3, [c for c in frame if "编码" in c]] = ""
    frame.loc[[5, 6], "total_cost"] = ["", "待定"]
    frame.to_csv(tmp_path / "g.csv", index=False, encoding="gb18030")
    said = drg("init", tmp_path / "round", "--cases", tmp_path / "g.csv", "--weights", weights,
               "--hospitals", REGION / "hospitals.csv", "--year", "2025", "--at", AT)  # fmt: skip
    assert "proposals.xlsx" in said
    assert (tmp_path / "round" / "proposals.xlsx").is_file()
    assert Round(tmp_path / "round").files.cases.num_rows == 300


def test_rows_that_cannot_be_accepted_are_listed_and_the_others_go_on(tmp_path):
    folder = tmp_path / "round"
    begin(folder)
    form = tmp_path / "form.csv"
    form.write_text(
        "提出方,医疗机构代码,病组编码,调整事项,调整值,理由\n"
        "医院,H0001,RN13,权重,+5%,耗材\n医院,H0001,ZZ99,权重,+5%,耗材\n"
        "医院,H0001,FR49,权重,+5%,患者110101199003071234\n", encoding="gb18030")  # fmt: skip
    done = CliRunner().invoke(app, ["negotiate", "propose", str(folder), str(form)])
    assert done.exit_code == 0
    assert "P001" in done.output
    assert "ZZ99" in done.output
    assert (tmp_path / "form-rejects.csv").is_file()
    ledger = (folder / "ledger.jsonl").read_text(encoding="utf-8")
    rejects = (tmp_path / "form-rejects.csv").read_text(encoding="utf-8-sig")
    for text in (done.output, ledger, rejects):
        assert "110101199003071234" not in text


def test_conflicting_decisions_are_named(tmp_path):
    folder = tmp_path / "round"
    begin(folder)
    held = Round(folder)
    for group, value in (("BR13", "-15%"), ("BR15", "+15%")):  # the graver one below the other
        held.propose(actor="x", at=AT, party="bureau", drg=group, what="weight", value=value,
                     reason="x")  # fmt: skip
    for panel in drawn(held):
        for name in panel.members:
            for proposal in panel.proposals:
                held.vote(Vote(panel.id, proposal, name, "for"), name, AT)
    held.tally("x", AT)
    line = fails("solve", folder)
    assert "withdraw" in line
    assert "BR13 weighs no less than BR15" in line
    assert "only who proposed" in fails("propose", folder, "--withdraw", "P001", "--reason", "倒挂")
    drg("propose", folder, "--withdraw", "P001", "--reason", "倒挂", "--actor", "x")
    assert "O01 closest" in drg("solve", folder)


def test_a_fault_gives_exit_status_1(said, tmp_path):
    folder = shutil.copytree(said[0], tmp_path / "round")
    data = bytearray((folder / "ledger.jsonl").read_bytes())
    data[1000] ^= 4
    (folder / "ledger.jsonl").write_bytes(bytes(data))
    done = CliRunner().invoke(app, ["negotiate", "verify", str(folder)])
    assert done.exit_code == 1
    assert "FAULT  " in done.output
