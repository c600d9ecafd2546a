"""The language of audit rules: what it can say, what it refuses, and where it says so."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget.audit.document import read_rules, shipped
from budget.audit.expression import Coded, RuleError, read_expression
from drg.errors import DrgError
from drg.tables import arrays

FACTS = {"cost": "number", "los": "number", "drg": "text", "died": "flag", "other.drg": "text"}


class Held:
    """Three cases of two hospitals."""

    rows = 3
    facts: ClassVar[dict] = {
        "cost": np.array([1.0, 2.0, np.nan]), "los": np.array([1.0, 5.0, 9.0]),
        "died": np.array([False, True, False]),
        "drg": Coded(np.array([0, 1, 2], np.int32), ("", "AB11", "AB15")),
        "other.drg": Coded(np.array([0, 1, 1], np.int32), ("", "AB11", "AB15")),
    }  # fmt: skip

    def fact(self, name: str, rows):
        column = self.facts[name]
        return column.take(rows) if isinstance(column, Coded) else column[rows]

    def group(self, name: str, rows):
        return np.array([0, 0, 1])[rows]

    def groups(self, name: str):
        return 2

    def peer_quantile(self, means, q: float):
        return np.full(2, float(np.nanquantile(means, q)))


def value(text: str, wanted: str = "flag", **parameters):
    return read_expression(text, FACTS, parameters, wanted)(Held()).tolist()


def test_blocks_and_some_rows_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "los + mean(los, hospital) * count(sum(cost, hospital) > 2 or drg in codes, hospital)"
    whole = read_expression(text, FACTS, {"codes": ["AB15"]}, "number")(Held())
    assert whole.tolist() == [7.0, 11.0, 18.0]
    monkeypatch.setattr(arrays, "BLOCK", 1)
    again = read_expression(text, FACTS, {"codes": ["AB15"]}, "number")
    assert again(Held()).tolist() == whole.tolist()
    assert again(Held(), np.array([2, 0])).tolist() == [18.0, 7.0]


def test_a_list_as_long_as_a_document_may_be() -> None:
    many = [f"AB{i}" for i in range(150_000)]
    assert value('starts(drg, many) and not drg in some', many=many, some=many[:15]) == [
        False, False, True]  # fmt: skip


@pytest.mark.parametrize(("text", "right"), [
    ("cost > 1", [False, True, False]),
    ("cost != 1", [False, True, False]),  # what is not known satisfies no comparison
    ("not cost > 1", [True, False, True]),
    ("1 < los <= 5 or died", [False, True, False]),
    ("drg in codes", [False, False, True]),
    ("drg not in codes", [True, True, False]),
    ('starts(drg, ["AB"])', [False, True, True]),
    ("drg == other.drg", [False, True, False]),  # two blanks are not the same
    ('drg == ""', [True, False, False]),
    ("count(died, hospital) == 1", [True, True, False]),
    ("share(los > 2, hospital) >= 0.5", [True, True, True]),
    ("sum_if(cost, los < 3, hospital) == 1", [True, True, False]),
    ("mean(cost, hospital) == 1.5", [True, True, False]),
    ("los > peer_quantile(los, 0.5)", [False, False, True]),
    ("known(cost)", [True, True, False]),
    ("True", [True, True, True]),
    # by zero, or too large to be held: not known
    ("cost / 0 > 1", [False, False, False]),
    ("-cost / 0 < 1 or 0 / 0 == 0 or cost / 0 != 1", [False, False, False]),
    ("los / (los - 1) > 1", [False, True, True]),
    ("cost / 0 not in [1]", [False, False, False]),
    ("cost not in [1]", [False, True, False]),
    ("max(los / (los - 1), 5) >= 5", [False, True, True]),
    ("min(cost, 5) <= 5", [True, True, False]),
    ("known(los / (los - 1))", [False, True, True]),
    ("los * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 * "
     "1e14 * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 * 1e14 > 0", [False] * 3),
    ("sum(los / (los - 1), hospital) == 1.25", [True, True, False]),  # the first row is passed over
    ("not cost / 0 > 1", [True, True, True]),  # as of every value that is not known
    # a sum in a sum counts once a row
    ("sum(sum(los, hospital), hospital) == 12", [True, True, False]),
    ("sum(sum(los, hospital), hospital) == 9", [False, False, True]),
    ("mean(sum(los, hospital), hospital) == 6", [True, True, False]),
    ("peer_quantile(los, 0) == 3 and peer_quantile(los, 1) == 9", [True, True, True]),
])  # fmt: skip
def test_it_says(text: str, right: list[bool]) -> None:
    assert value(text, codes=["AB15"]) == right


def test_numbers() -> None:
    assert value("max(los - 2, 0) * 2 / 4 + -1", "number") == [-1.0, 0.5, 2.5]


@pytest.mark.parametrize("text", [
    "", "cost >", "cost > drg", "unknown > 1", "cost", "__import__('os')", "cost.real > 1",
    "(lambda: 1)()", "[x for x in drg]", "cost ** 9 > 1", "drg[0] == 'A'", "starts(drg, 'A')",
    "starts(drg, [1])", "drg in [1]", "cost in ['a']", "drg == insurance", "min(1) > 0",
    "count(died, cost) > 1", "share(died, hospital, 1) > 1", "f'{cost}' == 'a'", "cost is None",
    "died if died else died", "cost > 1e400", "peer_quantile(cost, los) > 1", "cost := 3",
    "(" * 300 + "died" + ")" * 300, "not " * 90 + "died", "died and " * 320 + "died",
    "cost > 1" + " or cost > 1" * 400, " or ".join(["count(died, hospital) > 1"] * 13),
    '"a" in ["a"]', 'starts("abc", ["a"])', "text in ['a']", "cost > 1e308 * 10", "cost > 1e15",
    "drg in []", "starts(drg, [])", 'starts(drg, ["AB", ""])', 'starts(drg, [" "])',
    "peer_quantile(los, 99) > 1", "peer_quantile(los, -0.1) > 1", "peer_quantile(los, 1.01) > 1",
])  # fmt: skip
def test_it_refuses(text: str) -> None:
    with pytest.raises(RuleError):
        value(text)


@given(st.text(alphabet="costdrgandnt()[]<>=.,'\"0123 +-*/:", max_size=60))
def test_any_text_is_an_expression_or_an_error(text: str) -> None:
    try:
        found = read_expression(text, FACTS, {}, "flag")
    except RuleError as error:
        assert error.position >= 1
        return
    assert len(found(Held())) == 3


def test_shipped_rules_are_read_and_say_all_in_both_languages() -> None:
    rules = read_rules(shipped())
    assert len({one.id for one in rules}) == len(rules) > 12
    for one in rules:
        for key in ("title", "text", "unknown"):
            zh, en = one.said(key, zh=True), one.said(key, zh=False)
            assert zh, (one.id, key)
            assert en not in ("", zh), (one.id, key)
        assert one.texts["source"]


RULE = """
id = "here"
family = "bill"
title = "贵"
title_en = "Dear"
text = "贵"
text_en = "dear"
unknown = "无"
unknown_en = "nothing"
source = "here"
severity = "low"
over = "cases"
where = "cost > above"
[parameters]
above = 5
"""


def test_a_city_adds_its_own_and_changes_a_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(RULE, "utf-8")
    less = tmp_path / "less.toml"
    less.write_text('id = "split"\nextends = "split"\n[parameters]\ndays = 7\n', "utf-8")
    rules = {one.id: one for one in read_rules(["national", str(own), str(less)])}
    assert rules["here"].family == "bill"
    assert rules["split"].family == "split_admission"
    assert dict(rules["split"].where._parameters)["days"] == 7


@pytest.mark.parametrize(("old", "new", "told"), [
    ("cost > above", "cost > abov", "where: no fact or parameter 'abov', at character 8"),
    ("cost > above", "cost > peer_quantile(cost, above)",
     "where: a quantile of 5, expected 0 to 1, at character 28: found 'cost > "),
    ("cost > above", "cost > peer_quantile(cost, 99)",
     "where: a quantile of 99, expected 0 to 1, at character 28"),
    ("cost > above", "starts(principal, [''])",
     "where: an empty text in the list, with which every text starts, at character 19"),
    ('cost > above"\n[parameters]', 'starts(principal, some)"\n[parameters]\nsome = []',
     "where: an empty list, at character 19"),
    ('cost > above"\n[parameters]', 'not drg in some"\n[parameters]\nsome = []',
     "where: an empty list, at character 12"),
    ("cost > above", "gap_days > above", "where: no fact or parameter 'gap_days'"),
    ('over = "cases"', 'over = "stays"', "over: unknown choice: found 'stays'"),
    ('severity = "low"', 'severity = "bad"', "severity: unknown choice"),
    ("above = 5", 'above = "x"', "where: a text where a number is expected, at character 8"),
    ("above = 5", "cost = 5", "parameters.cost: is the name of a fact"),
    ('family = "bill"', 'family = "cases"',
     "family: is the name of a column of hospitals.csv: found 'cases'"),
    ('source = "here"', "", "source: is missing"),
    ('id = "here"', 'id = "here"\nextra = 1', "extra: no such key"),
    ("[parameters]", '[test]\nkind = "excess"\nwithin = "department"\n[parameters]',
     "test.within: unknown choice"),
    ("[parameters]", '[test]\nkind = "excess"\nfdr = 2.0\n[parameters]',
     "test.fdr: out of range: found '2.0'"),
    ("[parameters]", '[test]\nkind = "change"\nof = "cost"\n[parameters]',
     "test.kind: no such test"),
    ('id = "here"', 'id = "here"\nextends = "nobody"', "extends: no such rule: found 'nobody'"),
    ('title = "贵"', 'title = "13812345678"', "title: holds a mobile number; take it out"),
    ('title_en = "Dear"', 'title_en = "of 138 1234 5678"', "title_en: holds a mobile number"),
    ('source = "here"', 'source = "110101199003070011"', "source: holds an identity number"),
    ('text = "贵"', 'text = "见张某 11010119900307001X"', "text: holds an identity number"),
    ("cost > above", "department in ['1 13812345678']", "where: holds a mobile number"),
    ('id = "here"', f'id = "{"a" * 61}"', "id: more than 60 characters: found '61'"),
    ('text = "贵"', f'text = "{"贵" * 2001}"', "text: more than 2000 characters: found '2001'"),
    ("cost > above", "cost > 1e308 * 10",
     "where: too large a number, expected less than 1e+15, at character 8"),
    ("cost > above", "'a' in ['a']", "where: a fixed text where a fact is expected"),
    ("[parameters]", f'[test]\nkind = "bunching"\nof = "cost"\nthresholds = {[1.0] * 11}\n'
     "[parameters]", "test.thresholds: expected numbers above 0, 1 to 10 of them"),
    ("[parameters]", '[test]\nkind = "bunching"\nof = "cost"\nthresholds = [1.0]\nwidth = 0.0\n'
     "[parameters]", "test.width: out of range: found '0.0'"),
])  # fmt: skip
def test_an_error_names_key_and_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(RULE.replace(old, new), "utf-8")
    with pytest.raises(DrgError) as error:
        read_rules([str(own)])
    assert str(error.value).startswith(f"{own}: {told}")
    assert "\n" not in str(error.value)
