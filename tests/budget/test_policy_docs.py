"""The policies that the documentation shows are right."""

from __future__ import annotations

import re
from pathlib import Path

from budget import load_policy
from budget.policy.describe import every_key
from budget.policy.outliers import HIGH_RULES
from budget.policy.rules import Rules
from budget.policy.select import SELECTORS

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")


def test_the_code_of_every_rule_is_where_the_page_says():
    root = Path(__file__).parents[2]
    pages = [page.read_text(encoding="utf-8") for page in (root / "docs" / "payment").glob("*.md")]
    named = set(re.findall(r"`(budget/\S+\.py)`", "\n".join(pages)))
    assert "budget/price/transfer.py" in named
    assert [path for path in sorted(named) if not (root / path).is_file()] == []


def test_the_examples(tmp_path):
    city, reform = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "city.toml").write_text(city, encoding="utf-8")
    (tmp_path / "reform.toml").write_text(reform, encoding="utf-8")
    policy = load_policy(tmp_path / "city.toml")
    assert list(policy.outliers.high.thresholds.at([1, 3, 1], tier=[3, 3, 1])) == [3, 2, 2]
    assert policy.special.day_surgery is None
    found = {leaf.key: leaf.source for leaf in policy.leaves()}
    assert found["groups.multiplier.children.factor"] == "notice 15, article 1"
    assert found["groups.multiplier.children.age_below"] == "notice 12, article 9"
    after = load_policy(tmp_path / "city.toml", tmp_path / "reform.toml")
    assert (after.id, after.cash.advance) == ("newtown-2025+advance-90", 0.9)


def test_rules_and_selectors_are_those_of_the_code():
    table = re.findall(r"^\| `(\w+)` \| ([A-J]) \| [^|]+ \| ([^|]*) ?\|$", PAGE, re.MULTILINE)
    told = {name: (letter, tuple(re.findall(r"`(\w+)`", last))) for name, letter, last in table}
    assert told == {name: (letter, last) for name, (letter, _, last) in HIGH_RULES.items()}
    part = PAGE.split("**Named rows and selectors.**")[1]
    places = [part.index(f"`{name}`") for name in SELECTORS]
    assert places == sorted(places)
    assert sum(1 for _ in every_key(Rules)) > 300
