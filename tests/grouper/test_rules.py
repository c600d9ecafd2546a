from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grouper.scheme import rules
from grouper.scheme.rules import (
    And,
    Compare,
    Const,
    Flag,
    Member,
    Not,
    OneOf,
    Or,
    RuleError,
    parse,
    to_text,
)

numbers = st.integers(-5, 5000).map(float) | st.sampled_from([0.5, 1.25])
diagnosis = st.sampled_from([s for s in rules.CODE_SUBJECTS if s.endswith("diagnosis")])
procedure = st.sampled_from([s for s in rules.CODE_SUBJECTS if s.endswith("procedure")])
leaves = st.one_of(
    st.booleans().map(Const),
    st.sampled_from(rules.FLAGS).map(Flag),
    st.builds(Member, diagnosis, st.sampled_from(["D1", "D2#3", "MDC"]), st.just("")),
    st.builds(Member, procedure, st.sampled_from(["P1", "P12#2"]), st.sampled_from(["", "BB1"])),
    st.builds(Compare, st.sampled_from(rules.NUMBERS), st.sampled_from(rules.COMPARISONS), numbers),
    st.builds(OneOf, st.sampled_from(rules.NUMBERS), st.lists(numbers, min_size=1).map(tuple)),
    st.builds(OneOf, st.just("department"), st.just(("产科", "ICU"))),
)


def several(kind, items):
    return st.lists(items, min_size=2, max_size=4).map(
        lambda found: kind(
            tuple(x for i in found for x in (i.items if isinstance(i, kind) else [i]))
        )
    )


trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        several(And, inner),
        several(Or, inner),
        inner.filter(lambda r: not isinstance(r, Not)).map(Not),
    ),
    max_leaves=12,
)


@given(trees)
def test_canonical_text_reads_back(tree):
    assert parse(to_text(tree)) == tree


@given(st.text(max_size=60) | st.lists(st.sampled_from(
    ["and", "or", "not", "(", ")", "mcc", "age", "<", "3", "in", "[", "]", "D1", "any_diagnosis"]
)).map(" ".join))  # fmt: skip
def test_any_text_is_a_rule_or_a_rule_error(text):
    try:
        parse(text)
    except RuleError as error:
        assert 1 <= error.position <= len(text) + 1


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("mcc and", 8, "a condition"),
        ("age <", 6, "a number"),
        ("principal_diagnosis in P1", 24, "a diagnosis list"),
        ("any_procedure in D1", 18, "a procedure list"),
        ("mcc)", 4, "'and', 'or' or the end"),
        ("(mcc", 5, "')'"),
        ("age in [1,", 11, "a number"),
        ("any_procedure P1", 15, "'in'"),
        ("department < 3", 12, "'==', '!=' or 'in'"),
        ("mcc $ cc", 5, "unexpected '$'"),
        ("heart_failure", 1, "a condition"),
        ("", 1, "a condition"),
        ("not " * 500 + "(" * 500 + "mcc" + ")" * 500, 2101, "nesting"),
    ],
)
def test_errors_say_where_and_what(text, position, expected):
    with pytest.raises(
        RuleError, match=expected.replace("(", r"\(").replace(")", r"\)").replace("$", r"\$")
    ) as caught:
        parse(text)
    assert caught.value.position == position


def test_precedence():
    assert parse("mcc or cc and not true") == Or((Flag("mcc"), And((Flag("cc"), Not(Const(True))))))
    assert parse("not not mcc") == Flag("mcc")
    assert parse("sex == male") == Compare("sex", "==", 1.0)
