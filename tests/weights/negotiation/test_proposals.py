"""What a proposal comes to, what is refused, and that no person is named on record."""

from __future__ import annotations

import dataclasses
import json
from unicodedata import category

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from proposals_city import HOSPITALS, cases, city

from drg.errors import DrgError
from drg.persons import masked
from weights.fit.adjust import KINDS
from weights.negotiation.proposals.exclusions import read_conditions, shown
from weights.negotiation.proposals.judge import propose
from weights.negotiation.proposals.proposal import Proposal
from weights.trim import METHODS, method

IDENTITY = "11010519491231002X"


def ask(context=None, **parts):
    base = {"party": "bureau", "drg": "ES23", "what": "weight", "value": "1.25", "reason": "因"}
    return propose(context or city(), **{**base, **parts})


def refused(**parts) -> str:
    with pytest.raises(DrgError) as caught:
        ask(**parts)
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("1.25", 1.25), (1.25, 1.25), (1, 1.0), ("１．２５", 1.25), ("+10%", 1.32),
        ("＋１０％", 1.32), ("－5％", 1.14), ("−5%", 1.14), ("10%", 1.32), ("10 %", 1.32),
        ("上调10%", 1.32), ("下调 12.5%", 1.05), ("×1.1", 1.32), ("x1.1", 1.32), ("X 1.1", 1.32),
        ("*1.1", 1.32), ("1.1倍", 1.32), ("+60%", 1.92), ("+20%", 1.44), ("-20%", 0.96),
    ],
)  # fmt: skip
def test_weights(value, asked):
    found = ask(value=value)
    assert found.asked == asked
    assert found.basis["draft"] == 1.2
    assert found.basis["outside_corridor"] is (asked > 1.44 or asked < 0.96)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("110%", "×1.1 for 110% of the draft"), ("50%", "could be a change"),
        ("+0.1", "needs a percent sign"), ("-0.1", "needs a percent sign"), ("0.1", "+10%"),
        ("12", "too far"), ("0", "too far"), ("-100%", "no weight"), ("", "missing"),
        ("-", "cannot"),
        ("much", "cannot be read"), ("1.2 1.3", "cannot"), ("1e400", "cannot"),
        ("nan", "cannot"),
        (float("inf"), "cannot be read"), ("1,2", "cannot be read"), ("٣", "cannot be read"),
    ],
)  # fmt: skip
def test_weights_that_are_refused(value, said):
    line = refused(value=value)
    assert line.startswith("调整值 value: ")
    assert said in line


def test_corridor_is_the_contexts():
    context = city(corridor_fall=0.05, corridor_rise=0.3)
    assert not ask(context, value="+30%").basis["outside_corridor"]
    assert ask(context, value="-6%").basis["outside_corridor"]


@given(st.sampled_from(["ES23", "ES25", "GD13"]), st.integers(-79, 400))
def test_a_change_and_its_factor_are_the_same(drg, percent):
    change = ask(drg=drg, value=f"{percent:+}%")
    assert change.asked == ask(drg=drg, value=f"×{(100 + percent) / 100:.2f}").asked
    assert change.asked == pytest.approx(city().draft[drg] * (1 + percent / 100), rel=1e-15)


@pytest.mark.parametrize(
    ("value", "factor", "kind"),
    [("severe 1.05", 1.05, "severe"), ("疑难重症1.05", 1.05, "severe"), ("基础病组", 1, "basic"),
     ("basic 0.9", 0.9, "basic"), ("疑难重症 +5%", 1.05, "severe"),
     ("watched ×0.8", 0.8, "watched"),
     ("重点监控 下调20%", 0.8, "watched"), ("TCM（1.1）", 1.1, "tcm")],
)  # fmt: skip
def test_classes(value, factor, kind):
    found = ask(what="class", value=value)
    assert found.asked == pytest.approx(1.2 * factor, rel=1e-15)
    assert found.basis["class"] == kind
    assert found.basis["class_factor"] == factor


@pytest.mark.parametrize("value", ["severe", "severe 0.9", "tcm 1.2", "rare 1.1", "severe lots"])
def test_classes_that_are_refused(value):
    assert "class" in refused(what="class", value=value)


def test_classes_are_those_of_adjustment():
    for kind, (chinese, (low, high)) in KINDS.items():
        for word, factor in ((kind, low), (chinese, high)):
            assert ask(what="class", value=f"{word} {factor}").basis["class"] == kind


def costs(drg="ES23"):
    return cases()[cases()["drg"] == drg]


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"none"}))
def test_trims_are_those_of_the_calibration(name):
    mine = costs()
    cost, stay = mine["total_cost"].to_numpy(), mine["length_of_stay"].to_numpy()
    done = method(name)(np.zeros(len(mine), np.int64), cost, stay, 1)
    after = done.cost[done.keep].mean()
    if after == cost.mean():
        assert "changes nothing" in refused(what="trim", value=name)
        return
    found = ask(what="trim", value=name)
    assert found.asked == pytest.approx(1.2 * after / cost.mean(), rel=1e-12)
    basis = found.basis
    assert (basis["cases_before"], basis["cases_after"]) == (100, int(done.keep.sum()))
    assert (basis["mean_before"], basis["mean_after"]) == (cost.mean(), after)
    assert json.loads(json.dumps(basis, allow_nan=False)) == basis


def test_a_trim_is_held_against_the_drafts_own():
    found = ask(city(trim=method("ratio")), what="trim", value="iqr k=2")
    alone = ask(what="trim", value="四分位距法 k=2")
    assert found.basis["mean_before"] == ask(what="trim", value="ratio").basis["mean_after"]
    assert found.basis["mean_after"] == alone.basis["mean_after"]


@pytest.mark.parametrize(
    ("value", "said"),
    [("iqr k=99", "out of range"), ("median", "no such method"), ("iqr 2", "name=number"),
     ("ratio k=2", "no such parameter"), ("none", "changes nothing")],
)  # fmt: skip
def test_trims_that_are_refused(value, said):
    assert said in refused(what="trim", value=value)


@pytest.mark.parametrize(
    ("value", "out"),
    [
        ("cost>20000", lambda c: c["total_cost"] > 20_000),
        ("费用＞2万元", lambda c: c["total_cost"] > 20_000),
        ("住院总费用 大于 20,000元", lambda c: c["total_cost"] > 20_000),
        ("length_of_stay≥60天", lambda c: c["length_of_stay"] >= 60),
        ("住院天数不足 3 天", lambda c: c["length_of_stay"] < 3),
        ("los<=5 and cost<5000", lambda c: (c["length_of_stay"] <= 5) & (c["total_cost"] < 5000)),
        ("hospital_id=H01", lambda c: c["hospital_id"] == "H01"),
        ("医院 属于 H01|市中医院", lambda c: c["hospital_id"].isin(["H01", "H02"])),
        ("case_id in A1|A2、A3", lambda c: c["case_id"].isin(["A1", "A2", "A3"])),
        ("险种为职工且费用超过1万",
         lambda c: (c["insurance"] == "employee") & (c["total_cost"] > 1e4)),
    ],
)  # fmt: skip
def test_exclusions(value, out):
    mine = costs()
    left = mine[~out(mine)]["total_cost"]
    found = ask(what="exclude", value=value)
    assert found.asked == pytest.approx(1.2 * left.mean() / mine["total_cost"].mean(), rel=1e-12)
    assert found.basis["cases_excluded"] == 100 - len(left) > 0
    assert found.basis["cases_after"] == len(left)
    assert ask(what="exclude", value=found.basis["read_as"]).asked == found.asked


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("cost>99999999", "no case"), ("cost>0", "leaves 0 of 100"), ("cost", "not a condition"),
        ("cost>many", "not a number"), ("sex=1", "not a condition"), ("case_id>A1", "cannot be"),
        ("case_id in A1|B7", "B7"), ("hospital_id=H99", "no such hospital"), ("los in 3", "number"),
        ("cost>1 and cost", "not a condition"), ("险种=商业", "insurance"), ("cost!=3", "not a"),
        (" and ".join(["cost>1"] * 30), "too many"), (f"case_id in {IDENTITY}", "identity"),
    ],
)  # fmt: skip
def test_exclusions_that_are_refused(value, said):
    assert said in refused(what="exclude", value=value)


def test_conditions_read_back():
    found = read_conditions("费用＞2.5万 且 住院天数≤3 并且 病例号=A1|A2 && 险种=居民", HOSPITALS)
    assert read_conditions(shown(found), HOSPITALS) == found


def test_estimates_need_cases():
    assert "no cases to estimate" in refused(context=city(cases=None), what="trim", value="iqr")
    assert "3 cases, too few" in refused(drg="ZZ11", what="trim", value="iqr")
    bare = city(cases=pa.Table.from_pandas(cases()[["drg", "total_cost"]]))
    assert "no length of stay" in refused(context=bare, what="exclude", value="los>3")
    assert "needs length_of_stay" in refused(context=bare, what="trim", value="l3h3")
    assert "no hospital_id" in refused(context=bare, what="exclude", value="hospital=H01")
    coded = pa.Table.from_pandas(cases())
    coded = coded.set_column(0, "drg", coded.column("drg").dictionary_encode())
    assert ask(city(cases=coded), what="trim", value="iqr") == ask(what="trim", value="iqr")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"drg": "XX11"}, "no such group"), ({"drg": "RW10"}, "no draft weight"),
        ({"drg": ""}, "is missing"), ({"party": "press"}, "not known who asks"),
        ({"party": "hospital"}, "hospital_id: is missing"), ({"what": "price"}, "not known what"),
        ({"party": "医院", "hospital_id": "H77"}, "no such hospital"),
        ({"hospital_id": "H01"}, "only a hospital"), ({"reason": "  "}, "reason: is missing"),
        ({"reason": "无"}, "reason: is missing"), ({"reason": "长" * 2001}, "too long"),
        ({"least": 1.3}, "least: above"), ({"most": "-5%"}, "most: below"),
        ({"least": "0.01"}, "least: too far"), ({"most": "oft"}, "most: cannot"),
        ({"party": "市中医院", "hospital_id": "H01"}, "hospital_id"),
        ({"value": True}, "not a text"),
    ],
)  # fmt: skip
def test_parts_that_are_refused(parts, said):
    assert said in refused(**parts)


def test_spellings_of_who_and_which():
    for party, hospital in (("医疗机构", "h01"), ("HOSPITAL", "市第一人民医院"),
                            ("市第一人民医院", ""), ("", "H01")):  # fmt: skip
        assert ask(party=party, hospital_id=hospital).proposer == ("hospital", "H01")
    assert ask(party="医院", hospital_id="7").hospital_id == "007"
    assert ask(drg="39", value="1.5").drg == "039"
    assert ask(drg=" ｅｓ２３ ").drg == "ES23"


def test_bounds_are_read_like_weights():
    found = ask(value="+10%", least="+5%", most=1.4)
    assert (found.least, found.most) == (1.26, 1.4)
    assert ask(value="+10%", least="1.32", most="+10%").least == 1.32


@pytest.mark.parametrize("column", ["reason", "evidence"])
@pytest.mark.parametrize(
    "text",
    [
        IDENTITY, f"患者{IDENTITY}，重症", "110105 19491231 002x",
        "１１０１０５１９４９１２３１００２Ｘ",
        "1101 0519 4912 3100 2X", "1101—0519—4912—3100—2X", "1381 2345 678",
        "110105\u200b19491231002X", "电话13812345678", "138-1234-5678", "+86 138 1234 5678",
        "1381234\u200d5678",
    ],
)  # fmt: skip
def test_no_person_is_named(column, text, monkeypatch):
    line = refused(**{column: text})
    assert "no person may be named" in line
    monkeypatch.setenv("DRG_LANG", "zh")
    assert "不得出现个人信息" in refused(**{column: text})
    monkeypatch.delenv("DRG_LANG")
    assert "19491231" not in line
    assert "5678" not in line
    with pytest.raises(DrgError, match="no person may be named"):
        dataclasses.replace(ask(), **{column: text})


@pytest.mark.parametrize(
    "text",
    ["费用 13812345678.90 元", "信用代码12110000400688888X", "2024年12345例", "DOI 10.1000/182",
     "病案号 0123456789012345678"],
)  # fmt: skip
def test_other_numbers_are_no_persons(text):
    assert ask(reason=text).reason == text
    assert masked(text) == text


@given(st.text(max_size=60))
def test_any_reason_is_one_visible_line_or_refused(text):
    try:
        found = ask(reason=text, evidence=text)
    except DrgError as error:
        assert "\n" not in str(error)
        return
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & set(map(category, found.reason))
    assert Proposal.from_body(json.loads(json.dumps(found.body(), ensure_ascii=False))) == found


@given(st.text(max_size=40), st.sampled_from(["weight", "class", "trim", "exclude"]))
def test_any_value_is_read_or_refused(value, what):
    try:
        found = ask(what=what, value=value)
    except DrgError as error:
        assert "\n" not in str(error)
        return
    assert 0.24 <= found.asked <= 6


def test_nobody_asks_twice():
    first = ask()
    assert first.id == "P001"
    later = city(earlier=(first,))
    assert "already in P001" in refused(context=later, value="+1%")
    other = ask(later, party="医院", hospital_id="H01")
    assert other.id == "P002"
    assert ask(city(earlier=(first,), first=9), drg="GD13", value="1").id == "P009"


def test_a_proposal_by_itself_is_checked():
    good = ask(value="+10%", least=1.2)
    for parts, said in (
        ({"party": "press"}, "party"), ({"what": "price"}, "what"), ({"asked": -1.0}, "asked"),
        ({"asked": float("nan")}, "asked"), ({"least": 1.4}, "least"), ({"reason": ""}, "reason"),
        ({"hospital_id": "H01"}, "hospital_id"), ({"id": ""}, "id"), ({"drg": 39}, "drg"),
    ):  # fmt: skip
        with pytest.raises(DrgError, match=said):
            dataclasses.replace(good, **parts)
    assert Proposal.from_body(good.body()) == good
    with pytest.raises(DrgError, match="parts of a proposal"):
        Proposal.from_body({"id": "P001"})
    assert len({good, dataclasses.replace(good)}) == 1
