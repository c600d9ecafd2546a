"""What comes in is either used or counted by the reason why not: rows, cases and yuan."""

from __future__ import annotations

import csv
import gzip
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drg.errors import DrgError
from drg.tables import RejectFile
from weights.cases.intake import observe, observe_file
from weights.cases.observations import FAULTS, UNGROUPED
from weights.fit.calibrator import Calibrator

GROUPS = ["AA11", "BB15", " AA11 ", "039", "", "  ", "null", None, "0000", "AAQY"]
COSTS = ["100", "1,234.5", "1,23.5", "99.5元", "0", "-5", "-0.00", "", None, "a lot", "NaN", "1e3",
         "1e99",
         "12.345", "٣"]  # fmt: skip
HOSPITALS = ["x", "y", "", None]
TIMES = ["1", "3", "0", "-2", "2.5", "", "many", None]
STATUS = ["grouped", "", "ungrouped", "ambiguous", None]

cells = st.tuples(*(st.sampled_from(x) for x in (GROUPS, COSTS, HOSPITALS, TIMES, STATUS)))
COLUMNS = ["drg", "total_cost", "hospital_id", "cases", "status"]


def blank(text) -> bool:
    return text is None or text.strip().lower() in ("", "null", "nan")


def number(text):
    """The cost as a reader would take it; None for blank, "bad" for what is no number."""
    if blank(text):
        return None
    plain = text.removesuffix("元")
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d*)?", plain):
        plain = plain.replace(",", "")
    try:
        value = float(plain)
    except ValueError:
        return "bad"
    return value if abs(value) <= 9e13 and text != "٣" else "bad"


def fate(row):
    """Why a row is left out, or "", and the money and cases it stands for."""
    drg, cost, hospital, times, status = row
    yuan, n = number(cost), number(times)
    n_ok = isinstance(n, float) and n > 0
    money = (yuan if isinstance(yuan, float) else 0.0) * (n if n_ok else 0.0)
    checks = [
        ("missing_group", blank(drg)), ("missing_hospital", blank(hospital)),
        ("unreadable_cost", yuan == "bad"), ("missing_cost", yuan is None),
        ("negative_cost", isinstance(yuan, float) and yuan < 0), ("zero_cost", yuan == 0),
        ("bad_cases", not n_ok),
        ("ungrouped", (drg or "").strip() in ("0000", "AAQY")
         or (status or "") not in ("", "grouped")),
    ]  # fmt: skip
    return next((name for name, hit in checks if hit), ""), money, n if n_ok else 0.0


def tally(rows):
    """Rows, cases and yuan by fate."""
    found = {}
    for row in rows:
        why, money, n = fate(row)
        old = found.get(why, (0, 0.0, 0.0))
        found[why] = (old[0] + 1, old[1] + money, old[2] + n)
    return found


def check(observed, rows) -> None:
    intake, wanted = observed.intake, tally(rows)
    used = wanted.pop("", (0, 0.0, 0.0))
    assert set(intake.excluded_rows) <= {*FAULTS, UNGROUPED}
    assert intake.excluded_rows == {why: n for why, (n, _, _) in wanted.items()}
    assert intake.excluded_cost == {why: pytest.approx(m) for why, (_, m, _) in wanted.items()}
    assert intake.rows == len(rows) == len(observed) + sum(intake.excluded_rows.values())
    assert len(observed) == used[0]
    assert observed.total_cost == pytest.approx(used[1])
    assert observed.total_cases == pytest.approx(used[2])
    assert intake.cost == pytest.approx(observed.total_cost + sum(intake.excluded_cost.values()))
    assert intake.cases == pytest.approx(sum(n for _, _, n in [used, *wanted.values()]))
    assert set(observed.groups) == {r[0].strip() for r in rows if not fate(r)[0]}
    assert list(observed.groups) == sorted(observed.groups)


@given(st.lists(cells, min_size=1, max_size=30), st.booleans())
@example([("AA11", "100", "x", "1", "grouped"), ("AA11", "-5", "x", "3", None)], False)
def test_every_row_is_accounted_for(rows, arrow) -> None:
    columns = {name: list(c) for name, c in zip(COLUMNS, zip(*rows, strict=True), strict=True)}
    table = pa.table({n: pa.array(c, pa.string()) for n, c in columns.items()})
    cases = table if arrow else pd.DataFrame(columns)
    if not any(fate(row)[0] == "" for row in rows):
        with pytest.raises(DrgError, match=f"no case can be used of {len(rows)} rows"):
            observe(cases)
        return
    check(observe(cases), rows)


@given(st.lists(cells, min_size=1, max_size=40))
def test_a_file_in_batches_and_its_rejects(tmp_path_factory, rows) -> None:
    folder = tmp_path_factory.mktemp("intake")
    path = folder / "cases.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    usable = any(fate(row)[0] == "" for row in rows)
    with RejectFile(folder / "rejects.csv") as rejects:
        try:
            observed = observe_file(path, rejects=rejects)
        except DrgError as error:
            assert "no case can be used" in str(error)
            assert str(path) in str(error)
            assert not usable
            return
        rejects.commit()
    check(observed, rows)
    faulty = [i for i, row in enumerate(rows, 2) if fate(row)[0] in FAULTS]
    assert (folder / "rejects.csv").exists() == bool(faulty)
    if faulty:
        listed = pd.read_csv(folder / "rejects.csv", dtype=str, keep_default_na=False)
        assert listed["row"].astype(int).tolist() == faulty


def test_rejects_say_what_was_expected(tmp_path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("drg,total_cost\nAA11,5\nAA11,x\n,7\nAA11,-1\nAA11\n", encoding="utf-8")
    with RejectFile(tmp_path / "rejects.csv") as rejects:
        observed = observe_file(path, rejects=rejects)
        rejects.commit()
    text = (tmp_path / "rejects.csv").read_text(encoding="utf-8")
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == ["3", "4", "5", "6"]
    assert "费用无法识别" in text
    assert "缺少病组" in text
    assert "费用为负" in text
    assert "found 1 fields, expected 2 " in text
    assert observed.intake.excluded_rows["malformed_row"] == 1


@pytest.mark.parametrize("cases", [
    pd.DataFrame({"drg": [], "total_cost": []}),
    pd.DataFrame({"drg": [], "total_cost": [], "cases": [], "hospital_id": []}),
    pa.table({"drg": pa.array([], pa.string()), "total_cost": pa.array([], pa.float64())}),
])  # fmt: skip
def test_an_empty_table(cases) -> None:
    with pytest.raises(DrgError, match=r"no case can be used of 0 rows.*empty"):
        Calibrator().fit(cases)


def test_a_file_without_rows(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("drg,total_cost\n", encoding="utf-8")
    with pytest.raises(DrgError, match="no case can be used of 0 rows"):
        observe_file(tmp_path / "a.csv")


@pytest.mark.parametrize(("columns", "message"), [
    ({"drg": ["a"]}, "total_cost"),
    ({"total_cost": [1.0]}, "drg"),
    ({}, "drg"),
])  # fmt: skip
def test_a_column_that_is_missing(columns, message, tmp_path) -> None:
    with pytest.raises(DrgError, match=message):
        Calibrator().fit(pd.DataFrame(columns))


def test_what_is_no_table() -> None:
    for wrong in ([1, 2], {"drg": ["a"]}, None, "cases.csv", np.zeros(3)):
        with pytest.raises(DrgError, match="must be a pandas DataFrame or a pyarrow Table"):
            Calibrator().fit(wrong)
    twice = pd.DataFrame([["a", 1.0, 2.0]], columns=["drg", "total_cost", "total_cost"])
    with pytest.raises(DrgError, match="stands twice"):
        Calibrator().fit(twice)


def test_all_kinds_of_faults_at_once_in_a_calibration() -> None:
    rows = [("AA11", "100", "x", "1", "grouped")] * 3 + [
        ("AA11", "-7", "x", "1", ""), ("AA11", "0", "x", "1", ""), ("AA11", "x", "x", "1", ""),
        ("", "9", "x", "1", ""), ("AA11", "11", "", "1", ""), ("AA11", "13", "x", "0", ""),
        ("0000", "17", "x", "1", ""), ("AA11", "19", "x", "1", "ungrouped"),
    ]  # fmt: skip
    fitted = Calibrator(estimate="hsrv").fit(pd.DataFrame(rows, columns=COLUMNS))
    step = fitted.trail_.steps[0]
    assert (step.cases_in, step.cases_out) == (10, 3)
    assert (step.cost_in, step.cost_out) == (349, 300)
    assert step.changed == 8
    for why in ("negative_cost 1", "zero_cost 1", "unreadable_cost 1", "missing_group 1",
                "missing_hospital 1", "bad_cases 1", "ungrouped 2"):  # fmt: skip
        assert why in step.note


def test_fractional_cases_and_cases_of_one() -> None:
    cases = pd.DataFrame({"drg": ["a", "a", "b"], "total_cost": [10.0, 40.0, 5.0],
                          "cases": [0.5, 0.25, 2.25]})  # fmt: skip
    frame = Calibrator(normalise="none").fit(cases).table_.frame
    assert frame["cases"].tolist() == [0.75, 2.25]
    assert frame["mean_cost"].tolist() == [pytest.approx(20), 5]
    one = observe(cases.assign(cases=1))
    assert not one.aggregated
    assert one.cases is None


@pytest.mark.parametrize("trim", ["ratio", "iqr", "log3sd", "winsor", "percentile"])
def test_totals_cannot_be_trimmed(trim) -> None:
    cases = pd.DataFrame({"drg": ["a"], "total_cost": [1.0], "cases": [2]})
    with pytest.raises(DrgError, match="trimming needs single cases"):
        Calibrator(trim=trim).fit(cases)


def test_a_group_all_of_which_would_be_trimmed_is_kept_and_said() -> None:
    cases = pd.DataFrame({"drg": ["a"] * 12 + ["b"] * 6,
                          "total_cost": [1.0] * 6 + [1e6] * 6 + [5.0] * 6})  # fmt: skip
    fitted = Calibrator(trim="ratio").fit(cases)
    frame = fitted.table_.frame
    assert frame["cases"].tolist() == [12, 6]
    steps = {s.step: s for s in fitted.trail_.steps}
    gone = frame["cases"].sum() - frame["cases_used"].sum()
    assert steps["trim"].changed == gone
    if frame["cases_used"].tolist()[0] == 12:
        assert "a" in fitted.trail_.warnings["groups_kept_whole"]
    assert frame["weight"].notna().all()


SHAPES = {
    "pandas": lambda d: d,
    "object": lambda d: d.astype(object),
    "categorical": lambda d: d.astype({"drg": "category", "hospital_id": "category"}),
    "string": lambda d: d.astype({"drg": "string", "hospital_id": "string"}),
    "arrow": lambda d: pa.Table.from_pandas(d, preserve_index=False),
    "dictionary": lambda d: pa.table({
        "drg": pa.array(d["drg"]).dictionary_encode(),
        "hospital_id": pa.array(d["hospital_id"]).dictionary_encode(),
        "total_cost": pa.array(d["total_cost"])}),
    "chunked": lambda d: pa.concat_tables([
        pa.Table.from_pandas(d[:50], preserve_index=False),
        pa.Table.from_pandas(d[50:], preserve_index=False)]),
    "texts": lambda d: d.assign(total_cost=d["total_cost"].map(repr)),
    "decimals": lambda d: pa.table({
        "drg": pa.array(d["drg"]), "hospital_id": pa.array(d["hospital_id"]),
        "total_cost": pa.array(d["total_cost"]).cast(pa.decimal128(18, 2))}),
    "large": lambda d: pa.table({
        "drg": pa.array(d["drg"], pa.large_string()), "total_cost": pa.array(d["total_cost"]),
        "hospital_id": pa.array(d["hospital_id"], pa.string_view())}),
    "odd index": lambda d: d.set_index(np.zeros(len(d), int)),
    "Chinese headers": lambda d: d.rename(columns={
        "drg": "DRG编码", "total_cost": "住院总费用", "hospital_id": "医疗机构编码"}),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_any_kind_of_table_gives_the_same_bits(shape) -> None:
    rng = np.random.default_rng(0)
    cases = pd.DataFrame({"drg": rng.choice(["AA11", "AA15", "BB19"], 100),
                          "hospital_id": rng.choice(["甲", "乙", "丙"], 100),
                          "total_cost": rng.integers(100, 10**7, 100) / 100})  # fmt: skip
    steps = Calibrator(estimate="hsrv", shrink=True, order=True)
    wanted = steps.fit(cases).table_
    assert steps.fit(SHAPES[shape](cases)).table_.digest == wanted.digest


def test_codes_that_are_numbers() -> None:
    cost = [3.0, 1.0, 2.0]
    by_text = Calibrator().fit(pd.DataFrame({"drg": ["39", "7", "470"], "total_cost": cost}))
    by_number = Calibrator().fit(pd.DataFrame({"drg": [39, 7, 470], "total_cost": cost}))
    assert by_text.weights_.to_dict() == by_number.weights_.to_dict()
    with_gap = pd.DataFrame({"drg": [39, 7, 470, None], "total_cost": [*cost, 5.0]})
    found = Calibrator().fit(with_gap)  # pandas made floats of them
    assert found.weights_.to_dict() == by_text.weights_.to_dict()
    assert found.trail_.steps[0].note == "missing_group 1"


@given(st.lists(st.tuples(st.text(max_size=6), st.integers(1, 10**6)), min_size=1, max_size=20))
def test_codes_of_any_text(rows) -> None:
    cases = pd.DataFrame(rows, columns=["drg", "total_cost"])
    try:
        fitted = Calibrator().fit(cases)
    except DrgError as error:
        assert "no case can be used" in str(error)
        return
    step = fitted.trail_.steps[0]
    assert step.cases_in == len(rows) == step.cases_out + step.changed
    assert fitted.table_.frame["cases"].sum() == step.cases_out
