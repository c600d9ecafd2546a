"""Wrong policies: each fault is told in one line, with file, key, value and what is allowed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget import load_policy, policies
from drg.errors import DrgError
from tests.amount import tries
from tests.budget.conftest import HEAD

WRONG = [
    # document, key, value found, words
    (
        "[outliers.high]\nthresholds=[{upto=1,value=3},{above=0.5,value=2}]",
        "outliers.high.thresholds[1].above",
        "0.5",
        "overlaps",
    ),
    (
        "[outliers.high]\nthresholds=[{upto=1,value=3},{above=2,value=2}]",
        "outliers.high.thresholds[1].above",
        "2.0",
        "gap",
    ),
    (
        "[outliers.high]\nthresholds=[{upto=1,value=3},{above=1,upto=1,value=2},{above=1,value=1}]",
        "outliers.high.thresholds[1].upto",
        "1.0",
        "ends before it begins",
    ),
    (
        "[outliers.high]\nthresholds=[{upto=1,value=3}]",
        "outliers.high.thresholds[0].upto",
        "1.0",
        "last band ends",
    ),
    ("[outliers.high]\nthresholds=[]", "outliers.high.thresholds", "", "has no band"),
    (
        "[outliers.high]\nthresholds=[{value=2},{tier=3,value=3},{tier=[3,2],value=4}]",
        "outliers.high.thresholds[2]",
        "",
        "same cases",
    ),
    (
        "[outliers.high]\nthresholds=[{value=0.3}]",
        "outliers.high.thresholds[0].value",
        "0.3",
        "not above the low threshold",
    ),
    (
        "[outliers.low]\nthresholds=[{upto=1,value=0.4},{above=1,value=2.6}]",
        "outliers.high.thresholds[1].value",
        "2.5",
        "above 2.6",
    ),
    (
        "[outliers.low]\nband={upto=0.4,cost=1,standard=0.2}",
        "outliers.low.band.upto",
        "0.4",
        "ends below L",
    ),
    ('[outliers.high]\nrule="excess_share"', "outliers.high.share", "", "is missing"),
    ("[outliers.high]\nshare=0.7", "outliers.high.share", "0.7", "no such parameter"),
    ('[outliers.high]\nrule="generous"', "outliers.high.rule", "generous", "one of standard, cost"),
    (
        '[outliers.high]\nrule="banded"\nbands=[{upto=2,cost=1,standard=0},{above=2,cost=0,standard=2}]',
        "outliers.high.bands[0].upto",
        "2.0",
        "above 3",
    ),
    ("[standard.rates.base]\nyuan=-5", "standard.rates.base.yuan", "-5", "above 0"),
    ('[standard.rates.base]\nyuan="8600"', "standard.rates.base.yuan", "8600", "a number"),
    ("[standard.rates.base]\nyuan=true", "standard.rates.base.yuan", "true", "a number"),
    ("[standard.rates.base]\nyuan=nan", "standard.rates.base.yuan", "nan", "a number"),
    ("[standard.rates.base]\ntier=7", "standard.rates.base.tier", "7", "0 to 3"),
    ("[standard.rates.base]\nyaun=1", "standard.rates.base.yaun", "", "unknown key"),
    ('[standard.rates.base]\nname="x"', "standard.rates.base.name", "", "unknown key"),
    ("[standard.rates.other]\nyuan=1", "standard.rates.other", "", "same cases as 'base'"),
    ("[[standard.rates]]\nyuan=1", "standard.rates", "", "named rows"),
    ('[standard]\nkind="points"', "standard.rates", "", "belongs to another method"),
    ("[standard]\ndecimals=1.5", "standard.decimals", "1.5", "a whole number 0 to 10"),
    ("[standard]\nrates=3", "standard.rates", "3", "named rows"),
    ('[standards]\nkind="rate"', "standards", "", "one of standard, coefficients"),
    ("[standard.point_values.a]\ngiven=1", "standard.point_values", "", "another method"),
    ("[benefit.ratios.other]\nratio=1.2", "benefit.ratios.other.ratio", "1.2", "0 to 1"),
    (
        "[benefit.major_illness.all]\nratios=[{upto=9,value=0.7},{above=9,value=0.6}]",
        "benefit.major_illness.all.ratios[1].value",
        "0.6",
        "ratio falls",
    ),
    ("[cash]\nadvance=0.99", "cash.quality_money", "0.05", "at most 0.01"),
    (
        "[assessment]\nscores=[{at_least=80,coefficient=1},{at_least=80,coefficient=0.9}]",
        "assessment.scores[1].at_least",
        "80.0",
        "below 80",
    ),
    (
        "[assessment]\nscores=[{at_least=80,coefficient=1}]",
        "assessment.scores[0].at_least",
        "80.0",
        "gap",
    ),
    ("[assessment.indicators.more]\nweight=0.5", "assessment.indicators", "1.5", "sum to 1"),
    (
        "[coefficients]\nconvergence=[{year=2026,share=0.5},{year=2027,share=0.2}]",
        "coefficients.convergence[1].share",
        "0.2",
        "out of order",
    ),
    (
        '[coefficients.computed]\nby="tier"\nnew_group=1\nleast_cases=5\nfloor=1.2\nceiling=1',
        "coefficients.computed.floor",
        "1.2",
        "at most 1",
    ),
    (
        '[groups.basic.a]\ngroups="BR23"\nrate_of="tier9"',
        "groups.basic.a.rate_of",
        "tier9",
        "one of base",
    ),
    ('[groups.basic.a]\ngroups="BR23"', "groups.basic.a.k", "", "either k or rate_of"),
    ("[groups.incentive.a]\nfactor=1.04", "groups.incentive.a", "", "names no groups"),
    (
        '[groups.incentive.a]\ncolumn="tag"\nfactor=1.04',
        "groups.incentive.a.values",
        "",
        "is missing",
    ),
    (
        '[groups.tcm.a]\ngroups="BR23"\nfactor=1.02\nleast_share=0.6',
        "groups.tcm.a.otherwise",
        "",
        "is missing",
    ),
    ("[special.transfer]\nmodes=[2,6]", "special.transfer.modes[1]", "6", "discharge mode"),
    (
        '[special.short_stay]\ndays=2\npay="bed_day"',
        "special.short_stay.pay",
        "bed_day",
        "special.bed_day",
    ),
    ('[special.short_stay]\ndays=70\npay="by_item"', "special.long_stay.days", "60", "above 70"),
    (
        '[special.bed_day]\nunit="points"\nrates=[{value=3}]',
        "special.bed_day.unit",
        "points",
        "method with points",
    ),
    ('[special.ungrouped]\npay="weight"', "special.ungrouped.share", "0.7", "no such parameter"),
    (
        '[special.new_technology]\npay="extra_points"\nyears=3',
        "special.new_technology.taper",
        "",
        "is missing",
    ),
    (
        '[special.caseload]\nper="region"\nbeyond=0\ncaps={BR23={cases=-1}}',
        "special.caseload.caps.BR23.cases",
        "-1",
        "0 to 1e+08",
    ),
    ("[pools.employee]\nbudget=1e9", "pools.employee.budget", "1000000000.0", "no such parameter"),
    ('[pools.employee]\nbasis="given"', "pools.employee.budget", "", "is missing"),
    (
        '[pools.employee.carve_outs.a]\nkind="other"',
        "pools.employee.carve_outs.a.share",
        "",
        "amount or share",
    ),
    ('[sharing]\ncap="none"', "sharing.cap", "none", "deletes what is not there"),
    ('[sharing]\n"a b"=1', "sharing", "a b", "other signs"),
    ("[sharing]\nsurplus=[1,{value=1}]", "sharing.surplus", "", "mixed"),
    (
        "[special.ungrouped]\nshare=2\n[special.ambiguous]\nshare=3",
        "special.ungrouped.share",
        "2",
        "(and 1 more)",
    ),
]


@pytest.mark.parametrize(("text", "key", "found", "words"), WRONG)
def test_wrong_documents_are_told_in_one_line(write, text, key, found, words):
    path = write(re.sub(r"^(\[.*)$", r'\1\nsource = "s"', text, flags=re.MULTILINE))
    with pytest.raises(DrgError) as caught:
        load_policy(path)
    line = str(caught.value)
    assert "\n" not in line
    assert f": {key}: " in line, line
    assert words in line, line
    assert not found or f"'{found}'" in line, line
    assert line.startswith((f"{path}: ", f"{path} over national-default.toml: "))


HEADS = [
    ('id = "mine"\ntitle = "t"\n', "source: is missing"),
    ('title = "t"\nsource = "s"\n', "id: is missing"),
    (
        HEAD.replace("2025-01-01", "2025-01-01\nvalid_to = 2024-12-31"),
        "valid_to: ends before it begins: found '2024-12-31'",
    ),
    (HEAD.replace("2025-01-01", '"2025"'), "valid_from: wrong type: found '2025', expected a date"),
    (HEAD.replace("valid_from = 2025-01-01\n", ""), "valid_from: is missing"),
    (HEAD.replace("national-default", "nowhere"), "extends: no such policy: found 'nowhere'"),
    (HEAD.replace("national-default", "mine"), "extends: documents extend each other in a circle"),
    (HEAD.replace('id = "mine"', 'id = "national-default"'), "id: the same id"),
    (
        HEAD + 'remove = ["standard.speed"]\n',
        "remove: removes what is not there: found 'standard.speed'",
    ),
    (HEAD + "remove = [1]\n", "remove: must hold texts"),
    (HEAD + 'remove = ["a..b"]\n', "a..b: no key path"),
    (HEAD + "colour = 1\n", "colour: figure without source"),
    (HEAD + "a = [", "is not TOML (Invalid value, line 7)"),
]


@pytest.mark.parametrize(("head", "words"), HEADS)
def test_wrong_headers(write, head, words):
    path = write("", head=head)
    with pytest.raises(DrgError) as caught:
        load_policy(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_circle_of_two(write):
    write("", "other.toml", HEAD.replace('"mine"', '"other"').replace("national-default", "mine"))
    path = write("", head=HEAD.replace("national-default", "other"))
    with pytest.raises(DrgError, match=r"other\.toml: extends: .* in a circle"):
        load_policy(path)


def test_a_document_without_parent_must_be_whole(write):
    with pytest.raises(DrgError, match=r"standard: is missing.*\(and \d+ more\)"):
        load_policy(write("", head=HEAD.replace('extends = "national-default"\n', "")))


def test_no_file():
    with pytest.raises(DrgError, match="no such policy: found 'nowhere', expected one of changzhi"):
        load_policy("nowhere")


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=5)
    | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "upto", "tier", "source", "x", "a b"]), inner)
    ),
    max_leaves=4,
)
KEYS = sorted({leaf.key for name in policies() for leaf in load_policy(name).leaves()})
BRANCHES = sorted(
    {key.rpartition(".")[0] for key in KEYS} | {key.partition(".")[0] for key in KEYS}
)


@given(st.sampled_from(policies()), st.sampled_from([*KEYS, *BRANCHES]), JUNK)
@settings(max_examples=tries(300))
def test_junk_is_an_error_in_one_line_or_a_policy(name, key, value):
    policy = load_policy(name)
    try:
        policy.replace(key, value)
    except DrgError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 900


@given(JUNK.filter(lambda value: isinstance(value, dict)))
def test_junk_as_overlay(table):
    try:
        load_policy("changzhi", {**table, "id": "o"})
    except DrgError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = 1\na = 2", b"id = [[[[", b"\x00", b""])
def test_no_toml(tmp_path, content):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(DrgError, match=r"bad\.toml: "):
        load_policy(path)
    with pytest.raises(DrgError):
        load_policy(tmp_path)
