"""Rules of a round: defaults, documents, and errors that name the key."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.errors import DrgError
from weights.negotiation.rules import Rules, about, read_rules, rules_text


def document(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding=encoding)
    return path


def test_defaults() -> None:
    rules = Rules()
    assert (rules.corridor_fall, rules.corridor_rise, rules.panel_size) == (0.2, 0.2, 5)
    assert (rules.quorum, rules.majority, rules.voting) == (2 / 3, 0.5, "equal")
    assert (rules.largest_loss, rules.neutral, rules.objection_days) == (0.02, "yuan", 15)
    assert all(rules.source(name) not in ("", "not stated") for name in about())


def test_a_document_says_what_differs(tmp_path: Path) -> None:
    path = document(
        tmp_path,
        'quorum = "3/4"\nlargest_loss = "none"\nfrozen = ["FR11"]\nequal = [["A1", "A2"]]\n'
        '[sources]\nquorum = "市局1号文"\n',
        "utf-8-sig",
    )
    rules = read_rules(path)
    assert rules == Rules(quorum=0.75, largest_loss=None, frozen=("FR11",),
                          equal=(("A1", "A2"),), sources={"quorum": "市局1号文"})  # fmt: skip
    assert rules.source("quorum") == "市局1号文"
    assert rules.source("frozen") == "not stated"
    assert read_rules(document(tmp_path, rules_text(rules))) == rules


def test_ledger_body_round_trips() -> None:
    rules = Rules(panel_size=9, frozen=("A",), equal=(("B", "C"),), sources={"order": "x"})
    assert Rules.from_body(json.loads(json.dumps(rules.to_body()))) == rules


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("panel_size = 6", "panel_size: a panel is odd"),
        ("panel_size = 3", "panel_size: not allowed: found '3', expected a whole number from 5"),
        ("panel_size = 5.5", "panel_size: not allowed"),
        ("panel_size = true", "panel_size: not allowed"),
        (
            "corridor_fall = 1.5",
            "corridor_fall: not allowed: found '1.5', expected a number from 0",
        ),
        ("quorum = nan", "quorum: is not a finite number"),
        ('quorum = "2/0"', "quorum: not allowed"),
        ('quorum = "none"', "quorum: not allowed"),
        (
            'voting = "secret"',
            "voting: not allowed: found 'secret', expected one of equal, weighted",
        ),
        ("voting = [1]", "voting: not allowed"),
        ("order = 1", "order: not allowed: found '1', expected true or false"),
        ('frozen = "FR11"', "frozen: not allowed"),
        ('frozen = ["A", "A"]', "frozen: a group stands twice"),
        ('equal = [["A"]]', "equal: not a pair"),
        ("equal = [1]", "equal: not allowed"),
        ("quorom = 1", "quorom: unknown key"),
        ("sources = 1", "sources: wrong type"),
        ('[sources]\nother = "x"', "sources.other: not the source of a rule"),
        ("quorum = ", "is not TOML"),
    ],
)
def test_errors_are_one_line_with_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    path = document(tmp_path, text)
    with pytest.raises(DrgError) as error:
        read_rules(path)
    assert str(error.value).startswith(f"{path}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DrgError, match="cannot be read"):
        read_rules(tmp_path / "nothing.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DrgError, match="is not UTF-8"):
        read_rules(tmp_path / "x.toml")


def test_the_corridor_is_exact() -> None:
    assert Rules().corridor(1.1) == (0.88, 1.32)
    assert Rules(corridor_fall=0.1, corridor_rise=0.3).corridor(0.7) == (0.63, 0.91)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_source_text_survives(text: str) -> None:
    rules = Rules(sources={"order": text})
    assert tomllib.loads(rules_text(rules))["sources"]["order"] == text


def test_the_page_lists_every_rule() -> None:
    page = Path(__file__).parents[3] / "docs" / "negotiation" / "experts.md"
    listed = [line for line in page.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert [line for line in table() if line not in listed] == []


def table() -> list[str]:
    """Rows of the page's table of rules."""
    values = {"quorum": "2/3", "largest_loss": "0.02", "interest_share": "none"}
    return [
        f"| `{name}` | {what.zh} | {what.en} | "
        f"{values.get(name, json.dumps(Rules().to_body()[name]))} | {what.source} |"
        for name, what in about().items()
    ]
