"""``drg weights`` as its users call it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from drg.cli import app
from drg.errors import DrgError
from weights import Calibrator, Corridor, WeightTable

ROOT = Path(__file__).parents[2]


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=True)
    if isinstance(done.exception, DrgError):
        return f"error: {done.exception}"
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "grouped.csv"
    run("group", ROOT / "data_samples/region-small/cases.csv", "--out", path)
    return path


def test_totals_must_say_whether_they_are_sums_or_means(tmp_path):
    file, out = tmp_path / "totals.csv", tmp_path / "w.csv"
    text = "病组编码,医疗机构代码,例数,总费用\nES11,A,10,90000\nES13,A,20,80000\n合计,A,30,170000\n"
    file.write_bytes(text.encode("gb18030"))
    assert "sum or mean" in run("weights", "fit", file, "--out", out)
    assert not out.exists()
    assert "rejected 1," in run("weights", "fit", file, "--out", out, "--totals", "sum")
    found = pd.read_csv(out).set_index("drg")
    assert list(found.index) == ["ES11", "ES13"]  # 合计 is no group
    assert found["mean_cost"].tolist() == [9000, 4000]
    file.write_bytes(text.replace("总费用", "次均费用").encode("gb18030"))
    run("weights", "fit", file, "--out", out)
    assert pd.read_csv(out)["mean_cost"].tolist() == [90000, 80000]


def test_quality_takes_totals_too(tmp_path):
    file = tmp_path / "totals.csv"
    file.write_text("病组编码,例数,总费用\nES11,10,90000\nES13,20,80000\n", encoding="utf-8")
    assert "sum or mean" in run("weights", "quality", file)
    assert "30" in run("weights", "quality", file, "--totals", "sum")
    file.write_text("病组编码,数量,总费用\nES11,10,90000\n", encoding="utf-8")
    assert "no column for 'cases'" in run("weights", "quality", file, "--totals", "sum")


def test_last_years_table_is_not_written_over(cases, tmp_path):
    table = tmp_path / "last.csv"
    run("weights", "fit", cases, "--out", table)
    before = table.read_bytes()
    found = run("weights", "fit", cases, "--previous", table, "--normalise", "neutral",
                "--out", table)  # fmt: skip
    assert "would replace an input" in found
    assert table.read_bytes() == before


@pytest.mark.parametrize(("recipe", "words"), [
    ("[corridor]\nfal = 0.1\n", "corridor.fal: no such parameter"),
    ("[bootstrap]\nreplicates = 'many'\n", "expected a whole number"),
    ("trim = ['ratio']\n", "no such method of trimming"),
    ("shrink = 'yes'\n", "expected one of true, false, previous"),
    ("trim = true\n", "no such method of trimming"),
    ("costs = { ratios = [1, 1, 0.5, 1, 1] }\n", "ratios: are for component costs only"),
    ("[trim]\nmethod = 'ratio'\nlow = 'x'\n", "trim ratio.low"),
    ("colour = 1\n", "not known in a recipe"),
    ("a = \n", "not TOML"),
])  # fmt: skip
def test_a_wrong_recipe_is_named_with_its_key(cases, tmp_path, recipe, words):
    path = tmp_path / "recipe.toml"
    path.write_text(recipe, encoding="utf-8")
    found = run("weights", "fit", cases, "--recipe", path, "--out", tmp_path / "w.csv")
    assert found.startswith(f"error: {path}")
    assert words in found
    assert len(found.splitlines()) == 1


def test_a_run_can_be_repeated_from_its_record(cases, tmp_path):
    first, second = tmp_path / "w.csv", tmp_path / "v.csv"
    run("weights", "fit", cases, "--out", first, "--trim", "ratio", "--shrink", "--order",
        "--bootstrap", 30, "--seed", 4)  # fmt: skip
    run("weights", "fit", cases, "--out", second, "--recipe", f"{first}.run.json")
    assert first.read_bytes() == second.read_bytes()


def test_the_trimmed_cases_are_listed_by_their_rows(cases, tmp_path):
    listed = tmp_path / "trimmed.csv"
    run("weights", "fit", cases, "--out", tmp_path / "w.csv", "--trim", "ratio",
        "--trimmed", listed)  # fmt: skip
    found, all_cases = pd.read_csv(listed), pd.read_csv(cases, dtype=str)
    assert len(found)
    outside = (found["cost"] < found["lower"]) | (found["cost"] > found["upper"])
    assert outside.all()
    rows = all_cases.iloc[found["row"] - 2]  # the header is row 1
    assert rows["drg"].tolist() == found["drg"].tolist()
    assert rows["total_cost"].astype(float).tolist() == found["cost"].tolist()


def test_titles_above_the_header_count_as_rows(cases, tmp_path):
    titled, listed = tmp_path / "titled.csv", tmp_path / "trimmed.csv"
    titled.write_text("某市病例\n" + cases.read_text(encoding="utf-8-sig"), encoding="utf-8")
    run("weights", "fit", titled, "--out", tmp_path / "w.csv", "--trim", "ratio",
        "--trimmed", listed)  # fmt: skip
    found, all_cases = pd.read_csv(listed), pd.read_csv(titled, dtype=str, skiprows=1)
    rows = all_cases.iloc[found["row"] - 3]
    assert rows["total_cost"].astype(float).tolist() == found["cost"].tolist()


def test_characters_that_nobody_sees_make_no_other_group(tmp_path):
    file, out = tmp_path / "cases.csv", tmp_path / "w.csv"
    cells = ["FR11", "F\u200bR11", "\ufefffr11", "FR\u202811", "FR11\x01", "FR11\u00a0"]
    lines = "".join(f'"{cell}",100\n' for cell in cells)
    file.write_text("drg,total_cost\n" + lines, encoding="utf-8")
    run("weights", "fit", file, "--out", out)
    assert pd.read_csv(out)["cases"].tolist() == [6]


def test_groups_of_a_table_are_read_as_those_of_cases(cases, tmp_path):
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    run("weights", "fit", cases, "--out", one)
    table = pd.read_csv(one)
    table.assign(drg=table["drg"].str.lower()).to_csv(two, index=False)
    same = (run("weights", "quality", cases, "--weights", path) for path in (one, two))
    assert next(same) == next(same)
    assert "Pearson" in run("weights", "compare", one, two)


def test_validation_tells_the_rows_that_it_does_not_use(tmp_path):
    file, recipe = tmp_path / "cases.csv", tmp_path / "raw.toml"
    recipe.write_text('trim = "ratio"\nbootstrap = 20\n', encoding="utf-8")
    lines = [f"{'FR11' if i % 3 else 'FR15'},{i % 7},{1000 + i},{2024 + i % 2}-03-01\n"
             for i in range(210)]  # fmt: skip
    lines[3:5] = ["FR11,1,-5,2024-03-01\n", "FR11,1,900,\n"]
    file.write_text("drg,hospital_id,total_cost,discharge_date\n" + "".join(lines))
    said = run("weights", "validate", file, "--by", "halves,years,halves", "--splits", "2",
               "--recipe", recipe, "--lang", "en", "--out", tmp_path / "r.csv")  # fmt: skip
    assert "rows not used: 2 (negative_cost 1, missing_date 1)" in said
    found = pd.read_csv(tmp_path / "r.csv")
    assert set(found["recipe"]) == {"raw", "recommended", str(recipe)}  # its name is not ours
    assert found["splits"].tolist() == [2, 2, 2, 1, 1, 1]  # each way once
    assert "RuntimeWarning" not in said


def test_pictures_and_comparison(cases, tmp_path, monkeypatch):
    table, folder = tmp_path / "w.xlsx", tmp_path / "pictures"
    run("weights", "fit", cases, "--out", table, "--trim", "ratio", "--previous", "changzhi",
        "--corridor", "0.5", "--normalise", "neutral", "--pictures", folder)  # fmt: skip
    names = sorted(path.name for path in folder.iterdir())
    assert "against-previous.svg" in names
    assert any(name.startswith("ladder-") for name in names)
    monkeypatch.setenv("DRG_LANG", "en")
    run("weights", "fit", cases, "--out", table, "--pictures", folder)
    ladder = next(folder.glob("ladder-*")).read_text(encoding="utf-8")
    assert "Raw weight" in ladder
    assert "原始权重" not in ladder
    assert "Pearson" in run("weights", "compare", table, "changzhi")
    assert "R2" in run("weights", "quality", cases, "--weights", table)


def test_a_floor_holds_and_the_others_give_way():
    cases = pd.DataFrame({"drg": ["a", "b", "c"], "hospital_id": ["x", "x", "y"],
                          "total_cost": [3000.0, 12000.0, 15000.0]})  # fmt: skip
    last = WeightTable("last", pd.DataFrame({"drg": ["a", "b", "c"], "weight": [1.0, 1.0, 1.0]}))
    found = Calibrator(previous=last, corridor=Corridor(0.1, 0.1)).fit(cases).weights_
    assert found.round(12).to_dict() == {"a": 0.9, "b": 1.0, "c": 1.1}


@pytest.mark.parametrize("wrong", [
    {"trim": 3}, {"bootstrap": "x"}, {"costs": "total"}, {"shrink": "yes"}, {"estimate": 5},
    {"previous": 7},
])  # fmt: skip
def test_a_parameter_of_another_kind_is_refused(wrong):
    cases = pd.DataFrame({"drg": ["a"], "total_cost": [3000.0]})
    with pytest.raises(DrgError, match=next(iter(wrong))):
        Calibrator(**wrong).fit(cases)
