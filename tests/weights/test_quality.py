"""Quality measures against plain computations on the cases, and what is never shown."""

from __future__ import annotations

import csv
import re

import numpy as np
import pandas as pd
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from typer.testing import CliRunner

from drg.cli.weights.quality import quality
from drg.errors import DrgError
from weights.cases.intake import observe
from weights.cases.statistics import reduce
from weights.fit.calibrator import Calibrator
from weights.quality.groups import rows
from weights.quality.measures import influence, leave_one_out, spread_of
from weights.quality.report import assess
from weights.table import WeightTable
from weights.trim import method

CODES = ("ES11", "ES13", "ES15", "FR19", "=cmd|'/c'!A1")
rows_of_cases = st.lists(
    st.tuples(st.sampled_from(CODES), st.sampled_from("ABC"), st.integers(100, 10**7)),
    min_size=2, max_size=50,
)  # fmt: skip


def frame(cases):
    drg, hospital, fen = zip(*cases, strict=True)
    return pd.DataFrame({"drg": drg, "hospital_id": hospital, "total_cost": np.array(fen) / 100})


def drawn(cases=600, seed=3):
    """Cases of three hospitals and five groups; one group is one hospital's."""
    rng = np.random.default_rng(seed)
    drg = rng.choice(5, cases, p=[0.1, 0.2, 0.4, 0.25, 0.05])
    hospital = np.where(drg == 4, 0, rng.choice(3, cases))
    level = np.array([20_000, 12_000, 8_000, 5_000, 60_000])[drg] * (1 + 0.2 * (hospital == 1))
    cost = np.round(level * rng.lognormal(0, 0.6, cases), 2)
    names = np.array(CODES, object)
    return pd.DataFrame({"drg": names[drg], "hospital_id": np.array(list("ABC"))[hospital],
                         "total_cost": cost})  # fmt: skip


def weights(values, **columns):
    return WeightTable("w", pd.DataFrame({"drg": list(values), "weight": list(values.values()),
                                          **columns}))  # fmt: skip


TRUE = dict(zip(CODES, (2.0, 1.2, 0.8, 0.5, 6.0), strict=True))


# Explained spread


@given(rows_of_cases)
def test_r2_from_sums_is_that_from_cases(cases):
    table = frame(cases)
    sums = reduce(observe(table), logs=False)
    found = spread_of(sums, np.full(table["drg"].nunique(), np.nan), 2)
    cost = table["total_cost"].to_numpy()
    total = ((cost - cost.mean()) ** 2).sum()
    inside = ((cost - table.groupby("drg")["total_cost"].transform("mean")) ** 2).sum()
    if found.r2 is None:
        assert total <= 1e-9 * (cost**2).sum()
    else:
        assert found.r2 == pytest.approx(1 - inside / total, abs=1e-6)
        assert -1e-9 <= found.r2 <= 1 + 1e-9
    cv = table.groupby("drg")["total_cost"].agg(lambda c: c.std() / c.mean()).to_numpy()
    np.testing.assert_allclose(sums.cv, cv, rtol=1e-5, atol=1e-5)


@given(rows_of_cases, st.sets(st.sampled_from(CODES)))
def test_r2_of_weights_is_that_of_a_regression_through_the_origin(cases, missing):
    table = frame(cases)
    held = {code: TRUE[code] for code in CODES if code not in missing}
    seen = table[table["drg"].isin(list(held))]
    if not len(seen):
        return
    found = assess(observe(table), weights(held), trim="none").untrimmed
    w, cost = seen["drg"].map(held).to_numpy(), seen["total_cost"].to_numpy()
    rate = float(np.linalg.lstsq(w[:, None], cost, rcond=None)[0][0])
    assert found.rate == pytest.approx(rate)
    total = ((cost - cost.mean()) ** 2).sum()
    if found.r2_weights is not None:
        wanted = 1 - ((cost - rate * w) ** 2).sum() / total
        assert found.r2_weights == pytest.approx(wanted, abs=1e-6, rel=1e-5)


def test_mean_weights_explain_what_groups_explain():
    cases = drawn()
    found = assess(observe(cases), Calibrator().fit(cases).table_, trim="none")
    assert found.untrimmed.r2_weights == pytest.approx(found.untrimmed.r2, abs=1e-12)
    assert found.untrimmed.rate == pytest.approx(cases["total_cost"].mean())


@pytest.mark.parametrize("name", ["ratio", "log3sd", "percentile", "winsor"])
def test_trimmed_is_that_of_the_cases_left(name):
    cases = drawn()
    observed = observe(cases)
    found = assess(observed, weights(TRUE), trim=name)
    how = method(name)(observed.drg, observed.cost, observed.stay, len(observed.groups))
    left = cases.assign(total_cost=how.cost)[how.keep]
    alone = assess(observe(left), weights(TRUE), trim="none")
    assert found.trimmed is not None
    assert found.trimmed.r2 == pytest.approx(alone.untrimmed.r2)
    assert found.trimmed.r2_weights == pytest.approx(alone.untrimmed.r2_weights)
    assert found.untrimmed.r2 == pytest.approx(assess(observed, trim="none").untrimmed.r2)


def test_cv_of_groups_and_cases():
    cases = pd.DataFrame({"drg": ["A"] * 6 + ["B"] * 10 + ["C"] * 4,
                          "total_cost": [1, 1, 1, 1, 1, 50.0, *range(10, 20), 1, 9, 99, 9]}
                         )  # fmt: skip
    found = assess(observe(cases), trim="none")
    assert (found.untrimmed.judged, found.untrimmed.below_one) == (2, 1)
    assert found.untrimmed.share_groups == 0.5
    assert found.untrimmed.share_cases == 10 / 16
    assert [worst[0] for worst in found.untrimmed.worst] == ["A", "B"]
    assert found.below_minimum.groups == ("C",)
    assert found.untrimmed.median_cv == pytest.approx(found.by_group["cv"][:2].median())


def test_equal_costs_have_no_r2():
    found = assess(observe(pd.DataFrame({"drg": ["A"] * 3 + ["B"] * 3, "total_cost": [0.1] * 6})))
    assert found.untrimmed.r2 is None
    assert found.missing["r2"] == ("所有病例费用相同", "all cases cost the same")


def test_totals_never_give_a_made_up_number():
    cases = drawn()
    totals = cases.groupby(["drg", "hospital_id"], as_index=False).agg(
        total_cost=("total_cost", "mean"), cases=("total_cost", "size")
    )
    found = assess(observe(totals), weights(TRUE), trim="log3sd")
    single = assess(observe(cases), weights(TRUE), trim="none")
    assert found.trimmed is None
    spread = found.untrimmed
    assert (spread.r2, spread.r2_weights, spread.median_cv, spread.worst) == (
        None, None, None, ())  # fmt: skip
    assert {"r2", "r2_weights", "cv", "trimmed"} <= set(found.missing)
    assert all("totals" in found.missing[key][1] for key in ("r2", "r2_weights", "cv", "trimmed"))
    assert spread.rate == pytest.approx(single.untrimmed.rate)
    assert found.raw_order == single.raw_order
    np.testing.assert_allclose(found.influence.mean_change, single.influence.mean_change)


# One hospital less


@given(rows_of_cases)
def test_leave_one_out_is_a_fit_without_the_hospital(cases):
    table = frame(cases)
    sums = reduce(observe(table), logs=False)
    found = leave_one_out(sums)
    full = Calibrator().fit(table).weights_
    count = table.groupby("drg").size()
    for h, hospital in enumerate(sums.hospitals):
        rest = table[table["hospital_id"] != hospital]
        if not len(rest):
            assert np.isnan(found[h]).all()
            continue
        again = Calibrator().fit(rest).weights_
        left = again.index
        again = again * (full[left] * count[left]).sum() / (again * count[left]).sum()
        wanted = (again / full - 1).reindex(list(sums.groups)).to_numpy()
        np.testing.assert_allclose(found[h], wanted, rtol=1e-9, atol=1e-9)


def test_influence_by_hospital_and_group():
    sums = reduce(observe(drawn()), logs=False)
    change, found = leave_one_out(sums), influence(sums, 5)
    n = sums.group_cases
    for h in range(3):
        there = np.isfinite(change[h])
        assert found.alone[h] == ((sums.cases[h] > 0) & ~there).sum() == (h == 0)
        assert found.mean_change[h] == pytest.approx(
            np.average(np.abs(change[h][there]), weights=n[there])
        )
        g = found.largest_group[h]
        own = np.where(sums.cases[h] > 0, np.abs(change[h]), np.nan)
        assert abs(found.largest_change[h]) == np.nanmax(own)
        assert found.largest_change[h] == change[h, g]
    alone = sums.groups.index(CODES[4])
    assert np.isnan(found.change[alone])
    assert np.isnan(found.change_cases[alone])
    assert (found.share[alone], alone in found.dominated) == (1.0, True)
    for g in set(range(5)) - {alone}:
        assert abs(found.change[g]) == np.nanmax(np.abs(change[:, g]))
        assert found.change[g] in change[:, g]
    assert set(found.moved) == {g for g in range(5) if np.nanmax(np.abs([*change[:, g], 0])) > 0.1}


def test_many_hospitals_go_in_blocks():
    rng = np.random.default_rng(1)
    cases = pd.DataFrame({"drg": rng.choice(list(CODES), 4000), "hospital_id":
                          rng.integers(0, 600, 4000).astype(str),
                          "total_cost": rng.lognormal(9, 1, 4000).round(2)})  # fmt: skip
    sums = reduce(observe(cases), logs=False)
    change, found = leave_one_out(sums), influence(sums, 5)
    seen = np.where(sums.cases > 0, np.abs(change), 0)
    at = seen.argmax(axis=0)
    np.testing.assert_array_equal(found.change_cases, sums.cases[at, range(len(at))])
    np.testing.assert_array_equal(np.abs(found.change), seen.max(axis=0))


def test_without_hospitals_or_with_one():
    cases = drawn()
    assert assess(observe(cases.drop(columns="hospital_id"))).missing["influence"][1].startswith(
        "the data have no column")  # fmt: skip
    assert assess(observe(cases.assign(hospital_id="A"))).missing["influence"][1] == (
        "there is only one hospital")  # fmt: skip


# Weights


def test_order_stability_and_compression():
    cases = drawn()
    now = weights({**TRUE, "ES11": 1.0})
    found = assess(observe(cases), now, previous=weights(TRUE), trim="none")
    assert [(p.graver, p.lighter) for p in found.order.inversions] == [("ES11", "ES13")]
    assert (found.order.pairs, found.raw_order.pairs) == (3, 3)
    assert found.raw_order.inversions == ()
    assert found.stability.sd_log == pytest.approx(np.log(2) / np.sqrt(5))
    assert found.stability.moves[0].falls == 1
    assert found.reference == "previous"
    known = cases["drg"].map(lambda code: code).value_counts().reindex(list(CODES)).to_numpy()
    y, x = np.log([*now.weights]), np.log([*TRUE.values()])
    assert found.compression.slope == pytest.approx(np.polyfit(x, y, 1)[0])
    assert found.compression_weighted.slope == pytest.approx(
        np.polyfit(x, y, 1, w=np.sqrt(known))[0]
    )


def test_half_the_logs_are_compression():
    cases = drawn()
    raw = Calibrator().fit(cases).weights_
    found = assess(observe(cases), weights(dict(np.sqrt(raw))), trim="none")
    assert found.reference == "raw means"
    assert found.compression.slope == pytest.approx(0.5)
    assert found.compression.se == pytest.approx(0, abs=1e-9)


def test_coverage_is_counted():
    cases = drawn()
    table = weights({"ES11": 2.0, "ES13": 1.2, "ES15": 0.8, "FR19": 0.5, "ZZ19": 3.0})
    found = assess(observe(cases), table, trim="none")
    own = cases[cases["drg"] == CODES[4]]
    assert found.without_weight.groups == (CODES[4],)
    assert found.without_weight.cases == len(own)
    assert found.without_weight.cost == pytest.approx(own["total_cost"].sum())
    assert found.weights_without_cases.groups == found.without_cases.groups == ("ZZ19",)
    zh, en = found.warnings["groups_without_weight"]
    assert f"{len(own):,} 例" in zh
    assert f"{own['total_cost'].sum():,.2f} yuan" in en


def test_wrong_inputs_are_one_line():
    observed = observe(drawn())
    for wrong in (
        lambda: assess(observed, weights({"470": 1.0})),
        lambda: assess(observed, weights(TRUE), trim="l3h3"),
        lambda: assess(observed, weights(TRUE), trim="no"),
        lambda: assess(observed, weights(TRUE), minimum=0),
        lambda: assess(observed, weights(TRUE), previous=weights({"470": 1.0})),
        lambda: assess(observed.select(np.zeros(len(observed), np.bool_))),
    ):
        with pytest.raises(DrgError) as raised:
            wrong()
        assert "\n" not in str(raised.value)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8))
def test_any_text_is_a_group(code):
    cases = drawn(60)
    cases["drg"] = cases["drg"].where(cases["drg"] != "FR19", code)
    observed = observe(cases)
    table = Calibrator().fit(observed).table_
    found = assess(observed, table, trim="none")
    assert not found.without_weight.groups
    assert found.untrimmed.r2_weights == pytest.approx(found.untrimmed.r2, abs=1e-9)


# What is shown


def shown(cases, **columns):
    return rows(assess(observe(cases), trim="none", **columns).by_group)


def test_small_groups_are_not_shown():
    cases = pd.DataFrame({"drg": ["A"] * 4 + ["B"] * 20, "hospital_id": ["X"] * 4 + ["X", "Y"] * 10,
                          "total_cost": [1.0, 2, 3, 4000, *range(100, 120)]})  # fmt: skip
    a, b = (row for _, row in shown(cases).iterrows())
    assert (a["cases"], b["cases"]) == ("<5", 20)
    assert all(a[c] is None or pd.isna(a[c]) for c in ("mean_cost", "cv", "raw_weight"))
    assert (a["largest_share"], a["without_hospital"]) == ("<5", "<5")
    assert "cv_not" not in a["flags"]
    assert b["largest_share"] == 0.5


def test_a_hospital_of_few_cases_is_not_shown():
    cases = pd.DataFrame({"drg": ["B"] * 20, "hospital_id": ["X"] * 18 + ["Y"] * 2,
                          "total_cost": [*range(100, 118), 9999.0, 9999]})  # fmt: skip
    row = shown(cases).iloc[0]
    assert row["largest_share"] == "<5"  # it would tell of the other two
    assert row["without_hospital"] == "<5"
    assert "one_hospital_half" in row["flags"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cases = pd.concat([drawn(), pd.DataFrame({"drg": ["ZB19"] * 3, "hospital_id": ["A"] * 3,
                                              "total_cost": [777.77] * 3})])  # fmt: skip
    cases.to_csv("cases.csv", index=False)
    weights(TRUE).write("w.csv")
    weights({k: v * 1.05 for k, v in TRUE.items()}).write("w0.csv")
    return tmp_path


def run(*arguments):
    app = typer.Typer()
    app.command()(quality)
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_command(place, lang):
    done = run("cases.csv", "--weights", "w.csv", "--previous", "w0.csv", "--lang", lang,
               "--out", "q.csv")  # fmt: skip
    assert done.exit_code == 0, done.output
    for word in ("0.41", "0.52", "SwissDRG", "groups_without_weight", "0.04", "<5"):
        assert word in done.output
    assert "777.7" not in done.output
    with (place / "q.csv").open(encoding="utf-8-sig", newline="") as stream:
        held = {row["drg"]: row for row in csv.DictReader(stream)}
    assert held["ZB19"]["cases"] == "<5"
    assert held["ZB19"]["mean_cost"] == held["ZB19"]["cv"] == ""
    assert "'" + CODES[4] in held
    assert "777.7" not in (place / "q.csv").read_text(encoding="utf-8-sig")


def test_the_command_writes_a_workbook(place):
    for name in ("q.xlsx", "again.xlsx"):
        assert run("cases.csv", "--weights", "w.csv", "--out", name).exit_code == 0
    assert (place / "q.xlsx").read_bytes() == (place / "again.xlsx").read_bytes()
    book = load_workbook(place / "q.xlsx")
    assert book.sheetnames == ["概况", "权重倒挂与变异系数", "单家医疗机构影响", "病组"]
    shown = {row[0]: row[1:] for row in book["概况"].iter_rows(values_only=True)}
    found = assess(observe(pd.read_csv("cases.csv")), weights(TRUE))
    assert shown["组间变异解释度 R2（RIV）"] == tuple(
        f"{one.r2:.3f}" for one in (found.untrimmed, found.trimmed)
    )
    assert shown["SwissDRG 2012"] == (0.6, 0.75)
    assert shown["变异系数小于 1 的病组的病例占比"][0].endswith("%")
    assert "1：ZB19（<5 例）" in shown["有病例而无权重的病组"][0]
    influence = list(book["单家医疗机构影响"].iter_rows(min_row=3, values_only=True))
    assert sorted(row[0] for row in influence) == ["A", "B", "C"]
    heads, *rest = book["病组"].iter_rows(min_row=2, values_only=True)
    held = {row[0]: dict(zip(heads, row, strict=True)) for row in rest}
    assert held["ZB19"]["病例数（例）"] == "<5"
    assert held["ZB19"]["次均费用（元/例）"] is None
    assert held["ES11"]["权重"] == TRUE["ES11"]
    assert held["'" + CODES[4]]["提示"] == "单家占比过半"
    for sheet in book:
        assert (sheet.page_setup.paperSize, sheet.page_setup.fitToWidth or 1) == (9, 1)
        assert sheet.print_title_rows == "$2:$2"
        cells = [cell for row in sheet.iter_rows() for cell in row]
        assert all(cell.data_type != "f" and "777.7" not in str(cell.value) for cell in cells)


def test_the_command_without_weights_and_with_totals(place):
    totals = (
        drawn()
        .groupby(["drg", "hospital_id"], as_index=False)
        .agg(total_cost=("total_cost", "mean"), cases=("total_cost", "size"))
    )
    totals.to_csv("totals.csv", index=False)
    done = run("totals.csv", "--lang", "en")
    assert done.exit_code == 0, done.output
    assert re.search("not to be had: R2 of cost by groups +the data are totals", done.output)
    assert run("cases.csv").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--weights", "none.csv"), ("--weights", "nowhere"), ("--trim", "no"), ("--out", "q.txt"),
        ("--weights", "qingdao", "--out", "cases.csv"), ("--out", "no/q.csv"), ("--lang", "fr"),
        ("--weights", "cases.csv"), ("--families", "w.csv"),
    ],
)  # fmt: skip
def test_wrong_arguments(place, arguments):
    done = run("cases.csv", *arguments)
    assert done.exit_code != 0
    if isinstance(done.exception, DrgError):
        assert "\n" not in str(done.exception)
    else:
        assert done.exit_code == 2
