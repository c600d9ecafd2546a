"""Findings: what was planted is found, order decides nothing, and no report shows a person."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from budget.audit import columns, facts
from budget.audit.document import STANDING, read_rules
from budget.audit.files import PAGES, RESULTS, audit_file, write_tables
from drg.sample.options import Options
from drg.sample.region import Region, make_region
from drg.tables import arrays
from grouper.explain.hanging import HangingFinder
from tests.audit.planted import NOTHING, PLANTED, audited, counted
from tests.fuzz.run import call

SMALL = {"cases": 12_000, "hospitals": 24}
COLUMNS = ["finding", "rule", "family", "hospital_id", "case_id", "drg", "amount", "strength"]


@pytest.fixture(scope="module")
def finder() -> HangingFinder:
    return HangingFinder()


@pytest.fixture(scope="module")
def region() -> Region:
    return make_region(Options(seed=221, **SMALL))


def write(region: Region, folder: Path, cases: pd.DataFrame | None = None) -> Path:
    folder.mkdir()
    (region.cases if cases is None else cases).to_csv(folder / "cases.csv", index=False)
    region.hospitals.to_csv(folder / "hospitals.csv", index=False)
    return folder / "cases.csv"


def audit(file: Path, finder: HangingFinder | None, *rules: str, **more):
    return audit_file(file, read_rules(rules or ["national"]), finder,
                      hospitals=file.parent / "hospitals.csv", **more)  # fmt: skip


def test_what_was_planted_is_found(tmp_path: Path) -> None:
    """A seed that no rule was tuned on, in a small size."""
    one = counted(*audited(tmp_path / "region", seed=222, **SMALL))
    assert one.right["all"] >= 0.85 * one.planted["all"]
    assert one.right["all"] >= 0.6 * one.found["all"]
    for family in ("split_admission", "overlapping_stay", "low_standard"):
        assert one.right[family] >= 0.9 * one.planted[family], family


def test_where_nothing_was_planted_hardly_anything_is_found(tmp_path: Path) -> None:
    found, _ = audited(tmp_path / "region", seed=223, **SMALL, **NOTHING)
    assert len(found.findings.table) <= 0.01 * found.cases


def test_the_order_of_rows_and_the_size_of_blocks_decide_nothing(
    region: Region, finder: HangingFinder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {}
    mixed = region.cases.sample(frac=1, random_state=np.random.RandomState(5))
    for name, cases in (("one", region.cases), ("two", region.cases), ("mixed", mixed)):
        if name == "two":
            for module in (arrays, columns):
                monkeypatch.setattr(module, "BLOCK", 700)
            monkeypatch.setattr(facts, "_BATCH_ROWS", 900)
        found = audit(write(region, tmp_path / name, cases), finder)
        (tmp_path / name / "out").mkdir()
        write_tables(found, tmp_path / name / "out")
        held[name] = {path.name: path.read_bytes()
                      for path in (tmp_path / name / "out").iterdir()}  # fmt: skip
    assert held["one"] == held["two"]
    del held["one"]["audit.json"], held["mixed"]["audit.json"]  # they name digests of the inputs
    assert held["one"] == held["mixed"]


def test_one_row_a_case_and_ids_that_hang_on_it_alone(
    region: Region, finder: HangingFinder, tmp_path: Path
) -> None:
    table = audit(write(region, tmp_path / "whole"), finder).findings.table
    assert table["finding"].is_unique
    assert table["case_id"].is_unique
    assert set(table["family"]) <= {*PLANTED, "contradiction", "clearing"}
    assert ((table["strength"] >= 0) & (table["strength"] <= 1)).all()
    assert (table["amount"] >= 0).all()
    # a case is known by the same id whatever else is in the file
    two, person = table[table["rule"] == "overlap"], region.cases.set_index("case_id")["patient_id"]
    pairs, others = two["case_id"], two["other_case_id"]  # of a pair both are told
    assert (person[pairs].to_numpy() == person[others].to_numpy()).all()
    assert set(zip(pairs, others, strict=True)) == set(zip(others, pairs, strict=True))
    assert (table.loc[~table["rule"].isin(["overlap", "split"]), "other_case_id"] == "").all()
    part = region.cases[region.cases["case_id"].isin(set(pairs))]
    again = audit(write(region, tmp_path / "part", part), finder).findings.table
    both = table.merge(again, on=["rule", "case_id"])
    assert len(both)
    assert (both["finding_x"] == both["finding_y"]).all()


def test_grouped_files_and_files_without_diagnoses(
    region: Region, finder: HangingFinder, tmp_path: Path
) -> None:
    grouped = finder.grouper.group(region.cases)
    one = audit(write(region, tmp_path / "grouped", grouped), finder)
    raw = audit(write(region, tmp_path / "raw"), finder)
    pd.testing.assert_frame_equal(one.findings.table, raw.findings.table)
    bare = audit(write(region, tmp_path / "bare", grouped.drop(columns=["diagnoses"])), finder)
    skipped = {ran.rule.id: ran.skipped for ran in bare.ran if ran.skipped}
    assert {"upcoding", "contradiction", "split"} <= set(skipped)


def test_items_tell_empty_beds_and_outpatient_bills(
    region: Region, finder: HangingFinder, tmp_path: Path
) -> None:
    cases = region.cases[region.cases["length_of_stay"] == 4].head(40)
    file = write(region, tmp_path / "in", cases)
    start = pd.to_datetime(cases["admission_date"])
    rows = [
        (case, "bed", "bed", (day + pd.Timedelta(days=i)).date(), 1, 30.0)
        for place, (case, day) in enumerate(zip(cases["case_id"], start, strict=True))
        for i in range(4) if place != 0 or i != 2
    ]  # fmt: skip
    second, cost = cases["case_id"].iloc[1], cases["total_cost"].iloc[1]
    before = (start.iloc[1] - pd.Timedelta(days=2)).date()
    rows += [(second, "CT", "outpatient", before, 1, round(0.06 * cost, 2))] * 2
    rows += [("nobody", "CT", "test", before, 1, 1.0)]
    items = tmp_path / "items.csv"
    header = ["case_id", "item", "category", "date", "quantity", "amount"]
    pd.DataFrame(rows, columns=header).to_csv(items, index=False)
    found = audit(file, finder, items=items)
    by_rule = found.findings.table.set_index("rule")["case_id"]
    assert by_rule[["empty_bed"]].tolist() == [cases["case_id"].iloc[0]]
    assert by_rule[["outpatient"]].tolist() == [second]
    amount = found.findings.table.set_index("rule")["amount"]["outpatient"]
    assert amount == 2 * round(6 * cost)  # fen, the sum of its items
    assert found.document["items_without_case"] == 1


def test_a_hospital_that_sends_severe_cases_away(
    region: Region, finder: HangingFinder, tmp_path: Path
) -> None:
    before = write(region, tmp_path / "before")
    hospital = region.cases["hospital_id"].value_counts().index[0]
    mine = region.cases["hospital_id"] == hospital
    severe = finder.grouper.group(region.cases)["drg"].str[3] == "1"
    now = region.cases[~(mine & severe)].copy()
    mine = now["hospital_id"] == hospital
    now.loc[now[mine].index[: int(mine.sum() / 5)], "discharge_mode"] = 2
    found = audit(write(region, tmp_path / "now", now), finder, before=before)
    told = found.findings.table[found.findings.table["family"] == "refusing_severe"]
    assert told["hospital_id"].tolist() == [hospital]
    assert told["case_id"].tolist() == [""]


def test_a_citys_bills_are_verified(region: Region, finder: HangingFinder, tmp_path: Path) -> None:
    found = audit(write(region, tmp_path / "in"), finder, "huoqiu")
    cost = region.cases.set_index("case_id")["total_cost"]
    table = found.findings.table
    assert len(table) == (cost > 10_000).sum()
    assert set(table[table["rule"] == "bill_visit"]["case_id"]) == set(cost[cost > 50_000].index)


def test_hospitals_and_indicators_agree_with_the_cases(
    region: Region, finder: HangingFinder, tmp_path: Path
) -> None:
    found = audit(write(region, tmp_path / "in"), finder)
    ran = {one.rule.family for one in found.ran}
    assert tuple(one for one in found.hospitals.columns if one not in ran) == STANDING
    hospitals = found.hospitals.set_index("hospital_id")
    count = region.cases["hospital_id"].value_counts()
    assert (hospitals["cases"] == count.reindex(hospitals.index)).all()
    table = found.findings.table
    mine = table["hospital_id"].value_counts().reindex(hospitals.index).fillna(0)
    assert (hospitals["findings"] == mine).all()
    assert round(hospitals["amount"].sum() * 100) == table["amount"].sum()
    families = [name for name in table["family"].unique() if name in hospitals]
    assert (hospitals[families].sum(axis=1) == hospitals["findings"]).all()
    assert not any(name in peers.split("|") for name, peers in hospitals["peers"].items())
    assert (hospitals["ratio_low"] <= hospitals["ratio"] + 1e-6).all()
    assert (hospitals["ratio"] <= hospitals["ratio_high"] + 1e-6).all()
    wide = found.indicators[found.indicators["month"] == ""]
    mean = wide[(wide["level"] == "region") & (wide["indicator"] == "mean_cost")]
    assert mean["value"].iloc[0] == pytest.approx(region.cases["total_cost"].mean(), abs=0.01)
    few = found.indicators[found.indicators["cases"].isna()]
    assert len(few)
    assert few[["value", "low", "high", "shrunk"]].isna().all().all()
    known = found.indicators.dropna(subset=["low", "high", "value"])
    assert (
        (known["low"] <= known["value"] + 1e-5) & (known["value"] <= known["high"] + 1e-5)
    ).all()


def test_the_command_writes_it_all_and_its_pages_name_no_case(
    region: Region, tmp_path: Path
) -> None:
    file = write(region, tmp_path / "in")
    out = tmp_path / "out"
    status, _, err = call(["audit", str(file), "--out", str(out), "--lang", "en"])
    assert status == 0, err
    assert {path.name for path in out.iterdir()} == set(RESULTS) - {"rejects.csv"}
    written = pd.read_csv(out / "findings.csv", encoding="utf-8-sig", dtype=str)
    assert list(written)[:8] == COLUMNS
    record = json.loads((out / "audit.json").read_text("utf-8"))
    assert record["alerts"] == len(written)
    assert record["hashes"].keys() == {"findings.csv", "hospitals.csv", "indicators.csv",
                                       "tests.csv"}  # fmt: skip
    persons = [*region.cases["patient_id"].head(3000), *written["case_id"], *written["finding"]]
    for name in PAGES:
        data = (out / name).read_bytes()
        if data[:2] == b"PK":
            with zipfile.ZipFile(out / name) as book:
                data = b"\n".join(book.read(one) for one in book.namelist())
        text = data.decode("utf-8", "replace")
        assert not [one for one in persons if one in text], name


def test_hospitals_that_no_table_knows(region: Region, tmp_path: Path) -> None:
    file = write(region, tmp_path / "in", region.cases.head(2000))
    region.hospitals.head(9).to_csv(file.parent / "hospitals.csv", index=False)
    for name in ("some", "none"):
        status, _, err = call(["audit", str(file), "--out", str(tmp_path / name), "--lang", "zh"])
        assert status == 0, err
        (file.parent / "hospitals.csv").unlink(missing_ok=True)


RULE = """
id = "{id}"
family = "bill"
title = "甲"
title_en = "The {id}"
text = "甲"
text_en = "a"
unknown = "无"
unknown_en = "nothing"
source = "here"
severity = "low"
over = "{over}"
where = "{where}"
amount = "{amount}"
"""


def test_amounts_that_are_not_known_are_counted_and_told(
    region: Region, finder: HangingFinder, tmp_path: Path
) -> None:
    cases = region.cases.head(1500)
    file = write(region, tmp_path / "in", cases)
    days = cases["length_of_stay"]
    rules = {
        "nobody": ("cases", "cost / 0 > 1", "0"),
        "zero": ("cases", "los > 1", "cost / (los - los)"),
        "guarded": ("cases", "los > 1", "max(cost / (los - 2), 0)"),
        "vast": ("cases", "los > 1", "cost * 1e14"),
        "large": ("cases", "los > 1", "1000000000.0 + 0.01 * los"),
        "below": ("cases", "los > 1", "0 - cost"),
        "right": ("cases", "los > 1", "cost"),
        "every": ("hospitals", "cases > 0", "cost_index / 0"),
        "pair": ("pairs", "gap_days >= 0", "cost / 0"),
    }
    folder = tmp_path / "rules"
    folder.mkdir()
    for name, (over, where, amount) in rules.items():
        text = RULE.format(id=name, over=over, where=where, amount=amount)
        (folder / f"{name}.toml").write_text(text, "utf-8")
    ran = {one.rule.id: one for one in audit(file, finder, str(folder)).ran}
    long, two, homes = int((days > 1).sum()), int((days == 2).sum()), cases["hospital_id"].nunique()
    pairs = len(ran["pair"].rows)
    assert min(long, two, homes, pairs) >= 5
    assert {name: (len(one.amount), one.unknown) for name, one in ran.items()} == {
        "nobody": (0, 0), "zero": (long, long), "guarded": (long, two), "vast": (long, long),
        "large": (long, long),
        "below": (long, 0), "right": (long, 0), "every": (homes, homes), "pair": (pairs, pairs),
    }  # fmt: skip
    for name in ("zero", "vast", "large", "below", "every", "pair"):
        assert not ran[name].amount.any(), name
    cost = (cases["total_cost"] * 100).round().astype(int)
    assert ran["right"].amount.sum() == cost[days > 1].sum()
    assert (ran["guarded"].amount == 0).sum() == two

    status, _, err = call(["audit", str(file), "--out", str(tmp_path / "out"), "--rules",
                           str(folder), "--lang", "en"])  # fmt: skip
    assert status == 0, err
    record = json.loads((tmp_path / "out" / "audit.json").read_text("utf-8"))
    lost = {name: one for name, one in ran.items() if one.unknown}
    told = "cannot be worked out and counts as 0"
    assert record["warnings"] == {
        f"amount_unknown.{name}":
            f"rule {name}: the amount of {one.unknown} of {len(one.amount)} found {told}"
        for name, one in lost.items()
    }  # fmt: skip
    said = {one["id"]: one.get("amount_unknown", 0) for one in record["rules"]}
    assert said == {name: one.unknown for name, one in ran.items()}
    for name, one in lost.items():
        assert f"warning: rule {name}: the amount of {one.unknown:,} found {told}" in err
    assert err.count(told) == len(lost)
    page = (tmp_path / "out" / "audit.html").read_text("utf-8")
    assert all(f"The {name}" in page.split(told)[1].split("</li>")[0] for name in lost)


def test_a_wrong_rule_writes_nothing(region: Region, tmp_path: Path) -> None:
    file = write(region, tmp_path / "in", region.cases.head(50))
    rule = tmp_path / "rule.toml"
    rule.write_text('id = "split"\nextends = "split"\nwhere = "no_such_fact > 1"\n', "utf-8")
    out = tmp_path / "out"
    status, _, err = call(["audit", str(file), "--out", str(out), "--rules", "national",
                           "--rules", str(rule), "--lang", "en"])  # fmt: skip
    assert status == 1
    assert "rule.toml: where: no fact or parameter 'no_such_fact', at character 1" in err
    assert not out.exists()


def test_cells_that_cannot_be_read_are_listed_counted_and_told(
    region: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "_BATCH_ROWS", 900)
    cases = region.cases.astype(object)
    for row, name, value in ((3, "total_cost", "1.2.3"), (2000, "discharge_date", "昨天"),
                             (5000, "total_cost", "-5"), (5001, "total_cost", "很多")):  # fmt: skip
        cases.loc[row, name] = value
    file = write(region, tmp_path / "in", cases)
    out = tmp_path / "out"
    words = ["audit", str(file), "--out", str(out), "--rules", "huoqiu", "--lang", "en"]
    status, _, told = call(words)
    assert status == 0
    listed = pd.read_csv(out / "rejects.csv", dtype=str)
    assert listed[["row", "column", "value"]].to_numpy().tolist() == [
        ["5", "total_cost", "1.2.3"], ["2002", "discharge_date", "昨天"],
        ["5002", "total_cost", "'-5"], ["5003", "total_cost", "很多"],
    ]  # fmt: skip
    assert json.loads((out / "audit.json").read_text("utf-8"))["warnings"] == {
        "unreadable.total_cost": "2 cells of total_cost cannot be read (0.02%)",
        "unreadable.discharge_date": "1 cells of discharge_date cannot be read (0.01%)",
    }
    assert "warning: 2 cells of total_cost cannot be read" in told
    page = (out / "audit.html").read_text("utf-8")
    assert "cannot be read" in page
    assert "很多" not in page
