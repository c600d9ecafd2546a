"""Documents: how they extend one another, how they are changed, ladders, keys, the digest."""

from __future__ import annotations

import random
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import load_policy, policies
from budget.policy.describe import every_key, field_at
from budget.policy.rules import Rules
from budget.policy.tree import parse, spell
from drg.errors import DrgError
from tests.budget.conftest import HEAD

# Laying over


def test_tables_are_merged_and_all_else_is_replaced(write):
    policy = load_policy(
        write("""
[outliers.high]
thresholds = [{ value = 2.2 }]
source = "notice 2"
[cash]
advance = 0.9
source = "notice 3"
""")
    )
    below = load_policy()
    assert list(policy.outliers.high.thresholds.at([0.5, 5])) == [2.2, 2.2]
    assert policy.outliers.high.rule == below.outliers.high.rule
    assert policy.cash.advance == 0.9
    assert policy.cash.quality_money == below.cash.quality_money
    assert policy.special == below.special
    leaves = {leaf.key: leaf for leaf in policy.leaves()}
    assert (leaves["cash.advance"].source, leaves["cash.advance"].origin) == ("notice 3", "mine")
    held = leaves["cash.quality_money"]
    assert held.origin == "national-default"
    assert held.is_default


def test_a_source_is_never_inherited_from_the_document_below(write):
    with pytest.raises(DrgError, match=r"cash\.advance: figure without source: found '0\.9'"):
        load_policy(write("[cash]\nadvance = 0.9\n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[sharing]\nsource = ""', "sharing.source: must be a text"),
        ('[sharing.sources]\ncap = "s"', "sharing.sources.cap: names nothing in this table"),
        ("[sharing]\nsources = 3", "sharing.sources: must be a table"),
        ("[sharing.sources]\ncap = 3", "sharing.sources.cap: must be a text"),
    ],
)
def test_wrong_sources(write, text, words):
    with pytest.raises(DrgError) as caught:
        load_policy(write(text))
    assert words in str(caught.value)


def test_where_a_source_is_looked_for(write):
    policy = load_policy(
        write(
            """
[sources]
"cash.advance" = "far"
"outliers.low" = "far branch"
[cash]
advance = 0.9
[cash.sources]
quality_money = "near"
[outliers.low]
share = 0.9
thresholds = [{ value = 0.3, source = "nearest" }]
[outliers.high]
source = "table"
thresholds = [{ value = 2 }]
""".replace("advance = 0.9", "advance = 0.9\nquality_money = 0.1")
        )
    )
    found = {leaf.key: leaf.source for leaf in policy.leaves() if leaf.origin == "mine"}
    assert found == {
        "cash.advance": "far",
        "cash.quality_money": "near",
        "outliers.low.share": "far branch",
        "outliers.low.thresholds[0].value": "nearest",
        "outliers.high.thresholds[0].value": "table",
    }


def test_none_and_remove_delete(write):
    policy = load_policy(
        write(
            '[special]\nday_surgery = "none"\n[benefit.medical_aid]\npoor = "none"\n',
            head=HEAD + 'remove = ["special.review", "coefficients.table.tier1"]\n',
        )
    )
    assert policy.special.day_surgery is None
    assert policy.special.review is None
    assert policy.benefit.medical_aid == ()
    assert [row.name for row in policy.coefficients.table] == ["tier3", "tier2"]


def test_a_chain_of_three_and_what_headers_hand_down(write):
    write(
        '[cash]\nadvance = 0.8\nsource = "town"\n',
        "town.toml",
        HEAD.replace('"mine"', '"town"').replace("national-default", "changzhi"),
    )
    policy = load_policy(
        write(
            '[cash]\nquality_money = 0.2\nsource = "mine"\n',
            head=HEAD.replace("national-default", "town"),
        )
    )
    assert policy.header.chain == ("mine", "town", "changzhi", "national-default")
    assert (policy.header.weights, policy.header.region) == ("changzhi", "山西省长治市")
    assert (policy.cash.advance, policy.cash.quality_money) == (0.8, 0.2)
    assert str(policy.header.valid_from) == "2025-01-01"


def test_overlays_in_the_call(write):
    reform = {
        "id": "cut",
        "title": "降",
        "source": "idea",
        "cash": {"advance": 0.8, "source": "idea"},
    }
    policy = load_policy("qingdao-2023", reform)
    assert policy.id == "qingdao-2023+cut"
    assert policy.cash.advance == 0.8
    assert policy.header.title == "青岛市DRG支付政策（2023年） + 降"
    assert str(policy.header.valid_from) == "2023-01-01"
    assert policy.header.weights == "qingdao-2023"
    assert policy.digest != load_policy("qingdao-2023").digest
    more = load_policy("qingdao-2023", reform, write('[cash]\nadvance = 0.7\nsource = "x"\n'))
    assert more.cash.advance == 0.7
    with pytest.raises(DrgError, match="laid over"):
        load_policy("qingdao-2023", {**reform, "extends": "changzhi"})
    with pytest.raises(DrgError, match=r"overlay: cash\.speed: deletes what is not there"):
        load_policy(
            "qingdao-2023",
            {**reform, "cash": {"speed": "none"}, "id": "b"},
        )


# Replace and the digest


def test_replace():
    policy = load_policy("linfen-2022")
    other = policy.replace("outliers.high.share", 0.8)
    assert (policy.outliers.high.share, other.outliers.high.share) == (0.7, 0.8)
    assert other.digest != policy.digest
    assert other.replace("outliers.high.share", 0.7).digest == policy.digest
    assert other.replace("outliers.high.share", 0.8, "again").digest == other.digest
    leaf = next(leaf for leaf in other.leaves() if leaf.key == "outliers.high.share")
    assert (leaf.source, leaf.origin) == ("手工替换 | replaced by hand", "replace")
    assert (
        policy.replace("outliers.high.thresholds[1].value", 2.6).outliers.high.thresholds.at(1.5)
        == 2.6
    )
    assert policy.replace("special.review", None).special.review is None
    assert policy.replace("sharing.cap", 1.1).sharing.cap == 1.1


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("outliers.high.share", 1.8, "share: not allowed: found '1.8', expected a number 0 to 1"),
        ("outliers.high.shares", 0.8, "unknown key"),
        ("outliers.high.thresholds[7].value", 2, "no such element"),
        ("outliers.high.share.x", 2, "is no table"),
        ("outliers.high.share", None, "is missing"),
        ("outliers.high.nothing", None, "removes what is not there"),
        ("outliers.high.thresholds[0]", 2, "is a table"),
        ("outliers high", 2, "no key path"),
        ("[0]", 2, "no key path"),
    ],
)
def test_wrong_replacements(key, value, words):
    with pytest.raises(DrgError) as caught:
        load_policy("linfen-2022").replace(key, value)
    assert words in str(caught.value)


@given(name=st.sampled_from(policies()), seed=st.integers(0, 2**32))
def test_leaves_round_trip(name, seed):
    policy = load_policy(name)
    again = policy
    leaves = list(policy.leaves())
    random.Random(seed).shuffle(leaves)
    for leaf in leaves[:12]:
        again = again.replace(leaf.key, leaf.value, leaf.source)
    assert again.digest == policy.digest
    assert [leaf.key for leaf in again.leaves()] == [leaf.key for leaf in policy.leaves()]


@pytest.mark.parametrize("name", policies())
def test_every_figure_counts_in_the_digest(name):
    policy = load_policy(name)
    digests = {policy.digest}
    moved = 0
    for leaf in policy.leaves():
        if not leaf.about.is_figure:
            continue
        moved += 1
        for factor in (0.999, 1.001, 0.0):  # one of them stays inside the range and the order
            new = not leaf.value if leaf.about.kind == "flag" else leaf.value * factor
            if leaf.about.kind == "whole":
                new = leaf.value + (1 if factor > 1 else -1)
            try:
                digests.add(policy.replace(leaf.key, new).digest)
            except DrgError:
                continue
    assert len(digests) > moved * 0.6


@given(
    st.lists(st.text("abz_-9", min_size=1, max_size=4) | st.integers(0, 99), min_size=1, max_size=6)
)
def test_key_paths_round_trip(parts):
    path = ("top", *parts)
    assert parse(spell(path)) == path


def test_a_policy_is_frozen():
    policy = load_policy()
    with pytest.raises(AttributeError):
        policy.cash = None
    with pytest.raises(ValueError, match="frozen"):
        policy.cash.advance = 1
    assert isinstance(policy.pools, tuple)
    assert "national-default" in repr(policy)


# Ladders


@given(
    st.lists(st.floats(0.01, 50), min_size=1, max_size=6, unique=True),
    st.lists(st.floats(0, 60), min_size=1, max_size=20),
)
def test_a_ladder_against_a_slow_reading(edges, weights):
    edges.sort()
    ends = [None, *edges], [*edges, None]
    bands = [
        {k: v for k, v in (("above", low), ("upto", high), ("value", 2 + i)) if v is not None}
        for i, (low, high) in enumerate(zip(*ends, strict=True))
    ]
    ladder = load_policy().replace("outliers.high.thresholds", bands).outliers.high.thresholds
    found = ladder.at(weights)
    assert list(found) == [2 + sum(edge < weight for edge in edges) for weight in weights]
    parts = ladder.slices(weights)
    slow = [
        sum(
            (2 + i) * max(0, min(w, high if high is not None else w) - (low or 0))
            for i, (low, high) in enumerate(zip(*ends, strict=True))
        )
        for w in weights
    ]
    np.testing.assert_allclose(parts, slow, rtol=1e-12, atol=1e-9)


def test_a_ladder_by_tier():
    ladder = load_policy("luan-2025").outliers.high.thresholds
    assert list(ladder.at(np.array([1.0, np.nan, 1.0]), tier=np.array([3, 3, 2]))[[0, 2]]) == [3, 2]
    assert np.isnan(ladder.at([np.nan])).all()
    assert ladder.at(1.0) == 2  # no tier given: the row that asks for none
    assert (len(ladder), ladder[1].value, [b.value for b in ladder]) == (2, 3, [2, 3])


def test_scores_coefficients_and_convergence():
    policy = load_policy()
    held = policy.assessment.coefficient([100, 90, 89.9, 80, 0, np.nan])
    assert list(held) == [1, 1, 0.98, 0.98, 0.95, 1]
    assert list(policy.assessment.credit_coefficient([50, np.nan])) == [1, 1]
    credit = policy.replace(
        "assessment.credit",
        [{"at_least": 60, "coefficient": 1}, {"at_least": 0, "coefficient": 0.9}],
    )
    assert list(credit.assessment.credit_coefficient([50, 60, np.nan])) == [0.9, 1, 1]
    closer = policy.replace(
        "coefficients.convergence", [{"year": 2026, "share": 0.25}, {"year": 2027, "share": 1}]
    ).coefficients
    assert [list(closer.toward_one([1.2, 0.8], year)) for year in (2025, 2026, 2027, 2030)] == [
        [1.2, 0.8],
        pytest.approx([1.15, 0.85]),
        [1, 1],
        [1, 1],
    ]
    step = policy.replace("coefficients.convergence", [{"year": 2026, "share": 0.4}]).coefficients
    given = [k / 100 for k in range(105, 200)]
    assert step.toward_one(given, 2026).tolist() == [  # as decimals: 1.13 comes to 1.078
        float(Fraction(k, 100) + Fraction(2, 5) * (1 - Fraction(k, 100))) for k in range(105, 200)
    ]


def test_pools():
    pool = load_policy().pools[0]
    assert pool.amount(1000.0) == pytest.approx(1000 * 1.06 * 0.95)
    with pytest.raises(
        DrgError, match=r"pools\.employee\.last_year: last year's spend is not known"
    ):
        pool.amount()
    given_sum = load_policy().replace(
        "pools.employee",
        {
            "insurance": "employee",
            "basis": "given",
            "budget": 1000,
            "reserve": 0.1,
            "carve_outs": {
                "far": {"kind": "out_of_area", "share": 0.1},
                "buy": {"kind": "procurement", "amount": 50},
            },
        },
    )
    assert given_sum.pools[0].amount() == pytest.approx((1000 - 100 - 50) * 0.9)


# Keys


def test_every_key_has_term_meaning_and_range():
    for path, key in every_key(Rules):
        assert re.search(r"[\u4e00-\u9fff]", key.zh), path
        assert key.en, path
        if key.kind in ("number", "whole") and not key.many:
            assert key.low is not None or path.endswith((".cost", ".standard")), path
        assert (
            key.unit
            or key.kind not in ("number", "whole")
            or key.many
            or path.endswith(("above", "upto", "at_least", "below"))
        ), path


def test_keys_by_path():
    assert field_at(Rules, parse("outliers.high.thresholds[0].value")).zh == "倍率界限"
    assert field_at(Rules, parse("standard.rates.x.yuan")).unit == "yuan"
    assert field_at(Rules, parse("standard.rates.x")) is None
    assert field_at(Rules, parse("standard.colour")) is None
    assert field_at(Rules, parse("groups.basic.x.values")).many


def test_what_a_document_says_is_no_longer_unknown(write):
    """A place with its own first day and rates does not show that its parent knew neither."""
    text = """
        [unknown]
        "special.review" = "not known here"
        [standard.rates.base]
        yuan = 9000
        source = "notice 1"
    """
    held = load_policy(write(text)).header.unknown
    assert "valid_from" in load_policy().header.unknown
    assert set(held) == {"special.review"}
    child = write(
        "",
        name="child.toml",
        head="""
        id = "child"
        title = "下级"
        source = "notice 2"
        valid_from = 2026-01-01
        extends = "mine.toml"
    """,
    )
    assert set(load_policy(child).header.unknown) == {"special.review"}
