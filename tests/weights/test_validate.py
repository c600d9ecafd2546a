"""Recipes judged on cases that they have not seen."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from benchmarks.intervals import region as by_formula
from drg.cli import app
from drg.errors import DrgError
from tests.weights.region import drawn_region
from weights.cases.intake import observe
from weights.cases.statistics import reduce
from weights.estimate.rounds import Estimator
from weights.fit.calibrator import Calibrator
from weights.fit.recipe import RECOMMENDED
from weights.quality.validate import CHOSEN, RAW, validate

SHORT = {CHOSEN: RECOMMENDED, "ratio": {"trim": "ratio"},
         "hsrv": {**RECOMMENDED, "estimate": "hsrv"}}  # fmt: skip


def small(rows: int = 600, hospitals: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    drg = rng.integers(0, 12, rows)
    return pd.DataFrame({
        "drg": np.array([f"FR{i}{s}" for i in "1234" for s in "135"])[drg],
        "hospital_id": rng.integers(0, hospitals, rows).astype(str),
        "total_cost": np.exp(8 + drg / 10 + rng.normal(0, 0.6, rows)).round(2),
        "discharge_date": rng.choice(["2023-05-01", "2024-05-01", "2025-05-01"], rows),
    })  # fmt: skip


def test_the_recommended_chain_beats_plain_means_where_truth_is_known() -> None:
    """In twenty halvings of the synthetic region, whose costs have tails, at least nineteen times.

    And it is within a fiftieth of the best choice that is offered.
    """
    found = validate(observe(drawn_region().some(20_000, 3))).table().set_index("recipe")
    assert found["splits"].eq(20).all()
    assert found.loc[CHOSEN, "better"] >= 19
    assert found.loc[CHOSEN, "error"] <= 1.02 * found["error"].min()
    assert found.loc[CHOSEN, "high"] < 0


@pytest.mark.parametrize("heavy", [False, True])
def test_it_does_where_hospitals_have_levels_of_their_own(heavy) -> None:
    found = validate(observe(by_formula(5, heavy=heavy)[0]), splits=10).table().set_index("recipe")
    assert found.loc[CHOSEN, "better"] == 10
    assert found.loc[CHOSEN, "error"] <= 1.02 * found["error"].min()


def test_the_error_by_hand() -> None:
    """Two hospitals fit what the two others are held against, without chance to take away."""
    cases = pd.DataFrame({
        "hospital_id": list("ABCD") * 2, "drg": ["a"] * 4 + ["b"] * 4,
        "total_cost": [100.0, 100, 300, 300, 200, 200, 200, 200],
    })  # fmt: skip
    errors = validate(observe(cases), {}, splits=12, seed=1).errors[RAW]
    # halves are AB, CD: weights 2/3, 4/3 against 6/5, 4/5 and the other way; or mixed: the same
    apart = np.array([2 / 3 - 6 / 5, 4 / 3 - 4 / 5])
    unlike = np.sqrt(np.mean(apart**2))
    chance = np.maximum(errors, 1e-4)
    assert set(chance.round(4)) <= {round(unlike, 4), 1e-4}
    assert errors.max() == pytest.approx(unlike)


def test_ways_and_what_they_need() -> None:
    observed = observe(small(), years=True)
    found = validate(observed, SHORT, ways=("halves", "hospitals", "years"), splits=3)
    table = found.table()
    assert table.groupby("way")["splits"].first().to_dict() == {
        "halves": 3, "hospitals": 6, "years": 2,
    }  # fmt: skip
    assert sorted(set(table["recipe"])) == sorted([RAW, *SHORT])
    assert found.groups["gain"].sum() == pytest.approx(1, abs=1e-9) or found.groups[
        "gain"].sum() == pytest.approx(-1)  # fmt: skip
    assert found.groups["cases"].sum() == 600
    with pytest.raises(DrgError, match="four hospitals"):
        validate(observe(small(hospitals=3)), SHORT)
    with pytest.raises(DrgError, match="two years"):
        validate(observe(small()), SHORT, ways=("years",))
    with pytest.raises(DrgError, match="one of halves, hospitals, years"):
        validate(observed, SHORT, ways=("thirds",))


def test_the_cases_that_decide() -> None:
    """One cost a hundred times too high is named first, by its row; the share is that by hand."""
    cases = small()
    cases.loc[123, "total_cost"] *= 100
    observed = observe(cases)
    found = validate(observed, SHORT, splits=6).cases
    first = found.iloc[0]
    assert (first["drg"], first["hospital_id"]) == (
        cases.loc[123, "drg"], cases.loc[123, "hospital_id"],
    )  # fmt: skip
    assert first["times"] > 20
    assert 0.3 < first["share"] <= 1.01
    assert found["share"].is_monotonic_decreasing
    assert validate(observe(cases), {}, splits=2).cases["row"].isna().all()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_row_is_a_place_in_the_file_and_no_number_of_cases(tmp_path, lang) -> None:
    """Row 3, which is told although below five, and without a unit."""
    cases = small()
    cases.loc[1, "total_cost"] *= 100
    cases.to_csv(tmp_path / "cases.csv", index=False)
    done = CliRunner().invoke(app, ["weights", "validate", str(tmp_path / "cases.csv"),
                                    "--splits", "3", "--lang", lang])  # fmt: skip
    lines = done.output.splitlines()
    at = next(i for i, line in enumerate(lines) if line.split()[0:1] == [
        "数据行" if lang == "zh" else "Row"])  # fmt: skip
    assert lines[at].split()[1] == ("病组编码" if lang == "zh" else "Group")
    assert lines[at + 2].split()[:2] == ["3", cases.loc[1, "drg"]]


def test_names_and_the_order_of_rows_do_not_matter() -> None:
    """The choice of an estimator is drawn by what hospitals have, not by their names."""
    cases = by_formula(2, heavy=False, cases=4_000)[0]
    renamed = cases.assign(hospital_id=cases["hospital_id"].map(lambda name: name[::-1]))
    sums, other = (reduce(observe(one)) for one in (cases, renamed.sample(frac=1, random_state=1)))
    how, errors = Estimator("judged").settled(sums)
    again, likewise = Estimator("judged").settled(other)
    assert how == again
    assert errors == pytest.approx(likewise)
    fitted = Calibrator(**RECOMMENDED).fit(cases)
    assert fitted.estimator_.method == "hsrv"
    assert "hospitals not seen" in fitted.trail_.steps[3].note


def test_few_hospitals_are_not_judged() -> None:
    cases = small(hospitals=3)
    assert Calibrator(**RECOMMENDED).fit(cases).estimator_.method == "mean"
    assert Calibrator(estimate="judged").fit(
        cases.drop(columns="hospital_id")
    ).estimator_.method == "mean"  # fmt: skip


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_command(tmp_path, lang) -> None:
    file, recipe = tmp_path / "cases.csv", tmp_path / "mine.toml"
    small().to_csv(file, index=False)
    recipe.write_text('trim = "iqr"\n', encoding="utf-8")
    out, picture = tmp_path / "v.csv", tmp_path / "v.svg"
    done = CliRunner().invoke(app, [
        "weights", "validate", str(file), "--recipe", str(recipe), "--by", "halves,years",
        "--splits", "3", "--lang", lang, "--out", str(out), "--picture", str(picture),
    ])  # fmt: skip
    assert done.exit_code == 0, (done.output, done.exception)
    for word in ("mine", "推荐方案" if lang == "zh" else "recommended"):
        assert word in done.output
    with out.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["way"] for row in rows] == ["halves"] * 3 + ["years"] * 3
    assert picture.read_text(encoding="utf-8").startswith("<?xml")
    book = tmp_path / "v.xlsx"
    again = CliRunner().invoke(app, ["weights", "validate", str(file), "--splits", "2", "--out",
                                     str(book)])  # fmt: skip
    assert again.exit_code == 0, again.exception
    assert book.is_file()


def test_the_recommended_chain_from_the_command_line(tmp_path) -> None:
    file = tmp_path / "cases.csv"
    small().to_csv(file, index=False)
    done = CliRunner().invoke(app, ["weights", "fit", str(file), "--out", str(tmp_path / "w.csv"),
                                    "--recommended", "--no-order"])  # fmt: skip
    assert done.exit_code == 0, done.exception
    wanted = Calibrator(**{**RECOMMENDED, "order": False}).fit(small()).weights_
    found = pd.read_csv(tmp_path / "w.csv").set_index("drg")["weight"]
    assert found.to_dict() == pytest.approx(wanted.to_dict())
