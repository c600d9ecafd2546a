"""The shipped policies: complete, sourced, and with the figures that were published."""

from __future__ import annotations

import csv
import datetime
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from budget import load_policy, policies
from budget.policy.describe import every_key
from budget.policy.rules import Rules
from budget.policy.select import choose, pick
from drg.errors import DrgError
from drg.language import half, is_default
from grouper.scheme.pack import shipped_schemes
from weights import load, published

IDS = (
    "changzhi",
    "hangzhou-type",
    "huaibei-2025",
    "lanzhou-2023",
    "linfen-2022",
    "luan-2025",
    "national-default",
    "qingdao-2023",
)


def rate(policy, **of):
    return float(pick(policy.standard.rates, "yuan", **of))


def k(policy, **of):
    return float(pick(policy.coefficients.table, "k", **of))


def test_the_packs_of_section_8_are_there():
    assert policies() == IDS


@pytest.mark.parametrize("name", IDS)
def test_a_pack_is_whole(name):
    policy = load_policy(name)
    assert policy.id == name
    assert policy.header.chain[-1] == "national-default"
    assert policy.header.weights in ("", *(table.id for table in published()))
    assert policy.header.scheme in ("", *shipped_schemes())
    assert policy.header.title
    assert policy.header.title != policy.header.title_en
    assert policy.header.unknown
    for leaf in policy.leaves():
        assert leaf.source, leaf.key
        assert leaf.origin in policy.header.chain
        assert leaf.about.zh, leaf.key
        assert leaf.about.en, leaf.key
        assert leaf.origin != "national-default" or leaf.is_default, leaf.key
    assert len({leaf.key for leaf in policy.leaves()}) == sum(1 for _ in policy.leaves())
    if name != "national-default":
        assert not all(leaf.is_default for leaf in policy.leaves())


@pytest.mark.parametrize("name", IDS)
def test_a_pack_says_its_sources_in_both_languages(name):
    policy = load_policy(name)
    texts = {policy.header.source, *policy.header.unknown.values(),
             *(leaf.source for leaf in policy.leaves())}  # fmt: skip
    for text in texts:
        zh, en = half(text, "zh"), half(text, "en")
        assert zh != en, text
        words = set(re.findall(r"[A-Za-z]{3,}", zh))
        assert words <= {"DRG", "DIP", "BQY", "ZQY"}, text
        assert not re.search(r"[\u4e00-\u9fff]", en), text
        assert is_default(zh) == is_default(en), text


@pytest.mark.parametrize("name", IDS)
def test_what_is_unknown_and_names_a_key_names_one_that_is_there(name):
    policy = load_policy(name)
    sections = set(Rules.model_fields)
    known = {path.replace(".NAME", "").replace("[]", "") for path, _ in every_key(Rules)}
    for key in policy.header.unknown:
        if key.split(".")[0] in sections:
            assert any(key.startswith(path) for path in known), key


def test_sets_name_columns_of_their_weight_tables():
    counts = {}
    for name in IDS:
        policy = load_policy(name)
        if policy.groups is None or not policy.header.weights:
            continue
        frame = load(policy.header.weights).frame
        columns = {column: frame[column].to_numpy() for column in frame}
        counts[name] = {
            f"{kind}.{one.name}": int(one.members(frame["drg"], columns).sum())
            for kind, one in policy.groups.sets()
        }
    assert counts["changzhi"] == {
        "basic.tiered_care": 18,
        "incentive.listed": 50,
        "watched.listed": 32,
    }
    assert counts["lanzhou-2023"] == {"basic.listed": 35, "unstable.listed": 182}
    assert counts["linfen-2022"] == {"basic.tiered_care": 11}
    assert set(counts["qingdao-2023"].values()) == {0}
    qingdao = load_policy("qingdao-2023").groups
    assert qingdao is not None
    assert qingdao.missing_columns(["drg", "weight"]) == ("resident_class",)


def test_changzhi():
    policy = load_policy("changzhi")
    assert rate(policy, tier=1, level="town") == 5136.37
    assert rate(policy, tier=2, level="county") == 6575.25
    assert rate(policy, tier=2, level="city") == 6920.72
    assert rate(policy, tier=3, level="city") == 8727.60
    assert policy.coefficients is None
    assert policy.outliers.low.thresholds.at(1.0) == 0.3
    assert list(policy.outliers.high.thresholds.at([0.5, 2, 9])) == [3, 3, 3]
    assert policy.outliers.high.rule == "standard"
    assert policy.groups.basic[0].rate_of == "tier1"
    # of the poor at least 85% is an outcome; in tier 1 it would be less than others get
    of = {"tier": 1, "insurance": "employee", "population": ["", "poor"]}
    assert list(pick(policy.benefit.ratios, "ratio", **of)) == [0.93, 0.93]


def test_qingdao_s_published_standards():
    policy = load_policy("qingdao-2023")
    frame = load("qingdao-2023").frame
    for column, of in (
        ("standard_tier1", {"tier": 1}),
        ("standard_tier2", {"tier": 2}),
        ("standard_tier3", {"tier": 3}),
        ("standard_tier3_a_plus", {"tier": 3, "hospital_class": "a_plus"}),
    ):
        found = frame["weight"] * rate(policy, insurance="employee") * k(policy, **of)
        assert np.abs(found - frame[column]).max() < 0.005
    low, high = policy.outliers.low.thresholds, policy.outliers.high.thresholds
    assert list(low.at(1.0, insurance=["employee", "resident"])) == [0.5, 0.55]
    assert list(high.at([0.3, 2.0, 2.01])) == [3, 3, 2]
    assert policy.outliers.high.rule == "cost_minus_standard"
    assert [one.factor for one in policy.groups.multiplier] == [0.8, 0.7, 0.6]


def test_luan():
    policy = load_policy("luan-2025")
    assert rate(policy, tier=2, insurance="resident") == 5136.70
    assert rate(policy, tier=2, insurance="employee") == 5629.35
    assert k(policy, tier=2) == 1
    assert list(policy.outliers.high.thresholds.at(1.0, tier=[1, 2, 3])) == [2, 2, 3]
    assert policy.outliers.low.thresholds.at(1.0) == 0.5
    assert policy.outliers.high.rule == "cost"
    assert (policy.special.ungrouped.pay, policy.special.ungrouped.weight) == ("weight", 0.2665)
    ratios = pick(
        policy.benefit.ratios, "ratio", tier=2, insurance="resident", population=["", "poor"]
    )
    # what came out in Huoqiu in 2018 is no ratio of a rule: those of the default hold
    assert list(ratios) == [0.75, 0.75]


def test_lanzhou():
    policy = load_policy("lanzhou-2023")
    assert rate(policy, insurance="resident") == 6706.98
    assert rate(policy, insurance="employee") == 7077.95
    held = [
        k(policy, tier=t, hospital_class=c)
        for t, c in ((1, ""), (2, "甲等"), (3, "乙等"), (3, "甲等"))
    ]
    assert held == [0.306, 0.722, 0.823, 1.10]
    assert list(policy.outliers.high.thresholds.at([1, 2, 2.5])) == [3, 2.5, 2]
    assert policy.outliers.low.thresholds.at(1.0) == 0.5
    ahead = policy.out_of_area
    assert (ahead.cross_province, ahead.in_province, ahead.working_days) == (4, 2, 7)


def test_huaibei():
    policy = load_policy("huaibei-2025")
    assert policy.standard.kind == "own_mean"
    held = pick(policy.standard.point_values, "given", insurance=["resident", "employee"])
    assert list(held) == [0.9356, 1.1174]
    assert policy.outliers.high.rule == "cost_minus"
    day = policy.special.day_bed
    assert (day.deductible, day.bed_and_nursing, day.reimbursed) == (False, 0.5, 0.8)


def test_hangzhou():
    policy = load_policy("hangzhou-type")
    assert (policy.standard.kind, policy.standard.mean_cost) == ("points", 9543.61)
    assert policy.standard.points.per_weight == 100
    assert policy.standard.point_values[0].given == 92
    assert policy.outliers.ratio == "regional"
    assert policy.outliers.low.thresholds.at(1.0) == 0.4
    band = policy.outliers.low.band
    assert (band.upto, band.cost, band.standard) == (0.8, 1, 0.2)
    assert list(policy.outliers.high.thresholds.at([1, 3, 3.1])) == [3, 2, 1.5]
    assert policy.outliers.high.rule == "excess_points"
    assert (policy.special.ungrouped.share, policy.special.ambiguous.share) == (0.7, 0.8)


def test_linfen():
    policy = load_policy("linfen-2022")
    assert [rate(policy, tier=t) for t in (1, 3)] == [5778, 8138]
    assert [
        leaf.key
        for leaf in policy.leaves()
        if leaf.key.startswith("standard.rates") and leaf.is_default and leaf.about.is_figure
    ] == ["standard.rates.tier2.yuan"]
    assert (policy.outliers.high.rule, policy.outliers.high.share) == ("excess_share", 0.7)
    assert policy.outliers.low.thresholds.at(1.0) == 0.4


def test_every_rule_of_the_table_can_be_said():
    base = load_policy("national-default")
    for rule, extra in (
        ("cost", {}),
        ("cost_minus", {}),
        ("cost_minus_standard", {}),
        ("excess_points", {}),
        ("excess_share", {"share": 0.7}),
        ("step_share", {"share": 0.5, "step": 1.7}),
        ("cost_minus_part", {"part": 0.4}),
    ):
        high = {"rule": rule, "thresholds": [{"value": 2}], **extra}
        assert base.replace("outliers.high", high).outliers.high.rule == rule
    yinchuan = base.replace("outliers.low.thresholds", [{"value": 0.8}]).replace(
        "outliers.high",
        {
            "rule": "banded",
            "thresholds": [{"value": 1.4}],
            "bands": [
                {"upto": 2.5, "cost": 1, "standard": -0.4},
                {"above": 2.5, "cost": 0, "standard": 2.1},
            ],
        },
    )
    assert list(yinchuan.outliers.high.bands.at([1.5, 2.5, 3], of="standard")) == [-0.4, -0.4, 2.1]


def test_yantai_s_caseload_caps(shared):
    table = shared / "facts" / "regions" / "yantai-2023_caseloads.tsv"
    with table.open(encoding="utf-8") as stream:
        caps = {
            row["drg"]: {"cases": int(row["yearly_cases"])}
            for row in csv.DictReader(stream, delimiter="\t")
            if row["kind"] == "caseload_cap"
        }
    policy = load_policy("national-default").replace(
        "special.caseload", {"per": "region", "beyond": 0, "caps": caps}
    )
    assert len(policy.special.caseload.caps) == 26


def test_dates():
    policy = load_policy("qingdao-2023")
    assert policy.on(datetime.date(2023, 1, 1)) is policy
    with pytest.raises(DrgError, match=r"qingdao-2023 does not hold.*'2022-12-31'.*2023-01-01"):
        policy.on(datetime.date(2022, 12, 31))
    assert load_policy("changzhi").on(datetime.date(1990, 1, 1))


def test_selectors_decide_by_their_order():
    rates = load_policy("changzhi").standard.rates
    found = choose(rates, tier=[1, 2, 2, 3, 0], level=["x", "county", "city", "x", "city"])
    assert list(found) == [0, 1, 2, 3, -1]
    assert list(choose(rates, tier=[2])) == [-1]


def test_the_package_is_cheap_and_help_needs_no_pydantic():
    code = (
        "import sys, budget, drg.cli, drg.cli.policy.show\n"
        "sys.exit(', '.join({'pydantic', 'numpy'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
