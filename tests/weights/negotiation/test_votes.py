"""Votes: templates, files that come back, and which votes count."""

import json
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from drg.errors import DrgError
from weights.negotiation.experts.panels import Panel
from weights.negotiation.experts.votes import Vote, count_votes
from weights.negotiation.experts.votes_file import HEADERS, read_votes, write_votes_template
from weights.negotiation.rules import Rules

MEMBERS = ("E1", "E2", "E3", "E4", "E5")
PANEL = Panel("Z01", ("P001", "P002"), ("F",), 1, 5, "", MEMBERS, ("E8", "E9"))
CHINESE = [words[0] for words in HEADERS.values()]


@dataclass(frozen=True)
class Proposed:
    id: str
    drg: str
    asked: float
    hospital_id: str = ""


PROPOSALS = [Proposed("P001", "FR11", 1.2), Proposed("P002", "=FR13", 2.0)]
DRAFTS = {"FR11": 1.0, "=FR13": 1.5}


@pytest.mark.parametrize("headers", [CHINESE, list(HEADERS)])
@pytest.mark.parametrize("kind", ["utf-8", "gb18030", "xlsx"])
def test_every_form_reads_the_same(tmp_path: Path, headers: list[str], kind: str) -> None:
    rows = [("Z01", "P001", "E1", "赞成", "1.25", "复杂"), ("Z01", "P001", "E2", "against", "", ""),
            ("Z01", "P002", "E1", "弃权", "", "")]  # fmt: skip
    table = pd.DataFrame(rows, columns=headers)
    path = tmp_path / ("v.xlsx" if kind == "xlsx" else "v.csv")
    table.to_excel(path, index=False) if kind == "xlsx" else table.to_csv(
        path, index=False, encoding=kind)  # fmt: skip
    votes, rejects = read_votes(path, [PANEL])
    assert rejects.empty
    assert votes == (
        Vote("Z01", "P001", "E1", "for", 1.25, "复杂"),
        Vote("Z01", "P001", "E2", "against"),
        Vote("Z01", "P002", "E1", "abstain"),
    )


def test_bad_rows_are_listed_and_good_ones_go_on() -> None:
    rows = [
        ("Z01", "P001", "E1", "赞成", "１.２", ""),
        ("Z09", "P001", "E1", "赞成", "", ""),
        ("Z01", "P003", "E1", "赞成", "", ""),
        ("Z01", "P001", "E7", "赞成", "", ""),
        ("Z01", "P001", "E2", "也许", "", ""),
        ("Z01", "P001", "E2", "赞成", "-1", ""),
        ("Z01", "P001", "E2", "赞成", "nan", ""),
        ("Z01", "P001", "E2", "", "1.2", ""),
        ("Z01", "P001", "", "赞成", "", ""),
        ("Z01", "P001", "E3", "", "", ""),
    ]
    votes, rejects = read_votes(pd.DataFrame(rows, columns=list(HEADERS)), [PANEL])
    assert votes == (Vote("Z01", "P001", "E1", "for", 1.2),)
    assert list(zip(rejects["row"], rejects["column"], strict=True)) == [
        (2, "panel"), (3, "proposal"), (4, "expert"), (5, "choice"), (6, "weight"), (7, "weight"),
        (8, "choice"), (9, "expert"),
    ]  # fmt: skip
    assert rejects["reason"].iloc[2] == "not a member of panel Z01"
    assert len(read_votes(pd.DataFrame(rows, columns=list(HEADERS)))[0]) == 4


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("专家组,申请编号,专家编号\nZ01,P001,E1\n", "utf-8")
    with pytest.raises(DrgError, match=r"v\.csv: no column 'choice'.*意见"):
        read_votes(path)


@pytest.mark.parametrize("name", ["votes.xlsx", "votes.csv"])
def test_a_template_comes_back_filled_in(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_votes_template(path, [PANEL], PROPOSALS, DRAFTS, Rules())
    first = path.read_bytes()
    write_votes_template(path, [PANEL], PROPOSALS, DRAFTS, Rules())
    assert path.read_bytes() == first
    assert read_votes(path, [PANEL])[0] == ()
    if name.endswith("csv"):
        table = pd.read_csv(path, dtype=str)
        assert len(table) == 14
        assert table["病组编码"].iloc[-1] == "'=FR13"
        table.loc[0, ["意见", "建议权重"]] = ["赞成", "1.1"]
        table.to_csv(path, index=False)
    else:
        book = openpyxl.load_workbook(path)
        sheet = book["表决票"]
        assert sheet.max_row == 15
        assert (sheet["D2"].value, sheet["F2"].value, sheet["G2"].value) == (1.0, 0.8, 1.2)
        assert sheet["C15"].value == "=FR13"
        assert {str(v.sqref) for v in sheet.data_validations.dataValidation} == {"K2:K15", "L2:L15"}
        sheet["K2"], sheet["L2"] = "赞成", 1.1
        book.save(path)
    votes, rejects = read_votes(path, [PANEL])
    assert rejects.empty
    assert votes == (Vote("Z01", "P001", "E1", "for", 1.1),)


def test_a_template_needs_proposals_and_drafts(tmp_path: Path) -> None:
    with pytest.raises(DrgError, match="no such proposal"):
        write_votes_template(tmp_path / "v.xlsx", [PANEL], PROPOSALS[:1], DRAFTS, Rules())
    with pytest.raises(DrgError, match="no draft weight"):
        write_votes_template(tmp_path / "v.xlsx", [PANEL], PROPOSALS, {}, Rules())
    assert not list(tmp_path.iterdir())


def test_a_later_vote_replaces_the_earlier() -> None:
    votes = [Vote("Z01", "P001", "E1", "for"), Vote("Z01", "P001", "E1", "against"),
             Vote("Z01", "P002", "E1", "for"), Vote("Z02", "P001", "E2", "for")]  # fmt: skip
    counted = count_votes(PANEL, votes, "P001")
    assert counted.votes == (votes[1],)
    assert counted.replaced == (votes[0],)
    assert counted.rejected == ()


def test_votes_that_are_not_allowed_are_said() -> None:
    votes = [Vote("Z01", "P001", "E7", "for"), Vote("Z01", "P009", "E1", "for")]
    counted = count_votes(PANEL, votes, "P001")
    assert counted.votes == ()
    assert counted.rejected == (
        "vote of E7 on P001: not a member of panel Z01",
        "vote of E1 on P009: not before panel Z01, which votes on P001, P002",
    )


def test_substitutes_take_free_seats_in_their_order() -> None:
    late = [Vote("Z01", "P001", name, "for") for name in ("E9", "E8", "E1", "E2", "E3", "E4")]
    counted = count_votes(PANEL, late, "P001")
    assert [v.expert for v in counted.votes] == ["E1", "E2", "E3", "E4", "E8"]
    assert [v.expert for v in counted.idle] == ["E9"]
    assert len(count_votes(PANEL, [*late, Vote("Z01", "P001", "E5", "for")], "P001").votes) == 5


def test_a_vote_is_checked_and_round_trips() -> None:
    vote = Vote("Z01", "P001", "E1", "for", 1.1, "x")
    assert Vote.from_body(json.loads(json.dumps(vote.to_body()))) == vote
    for wrong in ({"choice": "maybe"}, {"weight": 0.0}, {"weight": float("nan")}):
        with pytest.raises(DrgError, match="not a"):
            Vote.from_body({**vote.to_body(), **wrong})
