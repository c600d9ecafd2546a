"""The panel report tells the scenario: its figures are the projection's tables', to the fen."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from drg.errors import DrgError
from drg.page.blocks import Table
from drg.page.words import Words
from drg.report.panel.data import read_panel
from drg.report.panel.story import scenario_name, story
from drg.report.panel.write import build, write_report
from tests.report import panel_folder
from tests.report.test_panel import Page, sheet_rows

pytestmark = pytest.mark.usefixtures("plain")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def shown(path: Path) -> str:
    return "".join(Page(path.read_text(encoding="utf-8")).shown)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return panel_folder.make(tmp_path_factory.mktemp("scenario") / "made")


def test_the_summary_has_the_tables_figures(folder: Path) -> None:
    words, data = Words("zh"), read_panel(folder)
    region = next(r for r in table(folder / "projection_difference.csv")
                  if (r["year"], r["level"]) == ("2028", "region"))  # fmt: skip
    tier = next(r for r in table(folder / "projection_tiers.csv")
                if (r["scenario"], r["year"], r["tier"]) == ("low", "2028", "all"))  # fmt: skip
    held = story(data)
    assert held is not None
    assert (held.code, held.baseline, held.year) == ("low", "baseline", 2028)
    for name, compared in held.region.items():
        for part in ("baseline", "scenario", "difference"):
            assert getattr(compared, part) == float(region[f"{name}_{part}"])
    assert held.average == float(tier["average_cost"])
    report, _ = build(data, words)
    text = str(report.sections[0].blocks)
    assert "低增长" in report.title
    assert "2028" in report.title
    assert f"{float(tier['average_cost']):,.0f} 元" in text
    assert words.money(float(region["budget_cut_scenario"])) in text
    assert words.money(abs(float(region["final_difference"]))) in text


def test_a_policy_that_a_cap_hides_in_the_total_is_told_by_its_changes(tmp_path: Path) -> None:
    """Totals as in the baseline, tier 3 loses by policy what tier 2 gains."""
    folder = panel_folder.make(tmp_path / "d")

    def told(lang: str) -> str:
        data = read_panel(folder)
        frame = data.projected["projection_difference"]
        frame[[name for name in frame if name.endswith(("_by_policy", "_by_drivers"))]] = 0.0
        tiers = frame["level"] == "tier"
        assert {"2", "3"} <= set(frame.loc[tiers, "key"])
        frame.loc[tiers & frame["key"].eq("3"), "final_by_policy"] = -1_380_000.0
        frame.loc[tiers & frame["key"].eq("2"), "final_by_policy"] = 1_380_000.0
        return str(build(data, Words(lang))[0].sections[0].blocks)

    said_in = {"zh": ("政策调整带来", "减少最多的是三级，−138"),
               "en": ("the policy brings", "tier 3 loses most: −1.38 million")}  # fmt: skip
    for lang, said in said_in.items():
        text = told(lang)
        assert all(one in text for one in said), text
    record = json.loads((folder / "projection.json").read_text(encoding="utf-8"))
    record["assumptions"] = [one for one in record["assumptions"] if one.get("year") is None]
    (folder / "projection.json").write_text(json.dumps(record), encoding="utf-8")
    assert "方案没有调整政策" in told("zh")


def test_differences_stand_by_pool_tier_and_hospital(folder: Path, tmp_path: Path) -> None:
    made = write_report(folder, tmp_path / "r.html", "en")
    head, *rows = sheet_rows(made.book, "Scenarios less baseline")
    wanted = table(folder / "projection_difference.csv")
    assert len(rows) == len(wanted)
    place = head.index("Paid, change (yuan)")
    assert [r[place] for r in rows] == pytest.approx([float(r["final_difference"]) for r in wanted])
    text = shown(made.page)
    assert "less the baseline" in text
    assert "Balance before cut" in text
    assert "Budget cut" in text


def test_an_english_page_names_what_has_no_english_title(folder: Path) -> None:
    data = read_panel(folder)
    assert scenario_name(data, "low", Words("en")) == "low (低增长)"
    assert scenario_name(data, "low", Words("zh")) == "低增长"
    report, annex = build(data, Words("en"))
    assert "(本地权重)" in str(report.sections[0].blocks)
    assert "efefefef" not in str(report.sections[0].blocks)
    assert any("ef" * 32 in str(block.frame.to_numpy()) for block in annex.blocks()
               if isinstance(block, Table))  # fmt: skip


def test_a_baseline_alone_says_so(tmp_path: Path) -> None:
    folder = panel_folder.make(tmp_path / "d")
    only(folder, "baseline")
    text = shown(write_report(folder, tmp_path / "r.html").page)
    assert "只测算了基准方案" in text
    assert "DRG 付费测算报告：基准方案，2028 年" in text
    assert "没有敏感性分析" in text


def only(folder: Path, code: str) -> None:
    """Keep one scenario of a folder."""
    for path in [*folder.glob("projection_*.csv"), folder / "decomposition.csv",
                 folder / "sensitivity.csv"]:  # fmt: skip
        rows = [r for r in table(path) if r["scenario"] == code]
        if not rows:
            path.unlink()
            continue
        panel_folder.write(path, list(rows[0]), [list(r.values()) for r in rows])
    path = folder / "projection.json"
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    record["scenarios"] = [s for s in record["scenarios"] if s["id"] == code]
    record["assumptions"] = []
    path.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")


@pytest.mark.parametrize("key", ["policy", "weights"])
def test_results_of_two_runs_are_refused(tmp_path: Path, key: str) -> None:
    folder = panel_folder.make(tmp_path / "d")
    path = folder / "projection.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record[key] = {"id": "another", "sha256": "0123456789" * 6 + "abcd"}
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(DrgError, match=f"differ in their {key}") as caught:
        write_report(folder, tmp_path / "r.html")
    line = str(caught.value)
    assert "another (01234567)" in line
    assert ("some-other (cdcdcdcd)" if key == "policy" else "weights<b> (efefefef)") in line
    assert "\n" not in line
    assert not (tmp_path / "r.html").exists()


def test_assumptions_have_their_basis_and_old_value(folder: Path) -> None:
    report, _ = build(read_panel(folder), Words("zh"))
    told = next(b for b in report.blocks() if isinstance(b, Table) and b.key == "assumptions")
    row = told.frame.iloc[0].to_dict()
    assert (row["year"], row["value"], row["before"], row["basis"]) == (
        "2026",
        "2%",
        "5%",
        "政策调整",
    )
    assert "基金池·增长率（职工医保） 2%（5% → 2026 年起 2%）" in str(report.sections[0].blocks)


def test_few_cases_are_not_told_in_differences(tmp_path: Path) -> None:
    folder = panel_folder.make(tmp_path / "d", few={(2, 0): 3, (2, 1): 0})
    made = write_report(folder, tmp_path / "r.html", "en")
    captions = ("Scenarios less baseline", "What every hospital is paid, gains and loses")
    for caption in captions:
        rows = sheet_rows(made.book, caption)[1:]
        mine = [r for r in rows if "测试市第3医院" in r]
        assert mine
        for row in mine:
            assert not any(isinstance(v, float) or (isinstance(v, int) and v != 2028 and v > 2030)
                           for v in row)  # fmt: skip
            assert "*" in row
    cover = [r for r in rows if r[2] == "*"]
    assert 2 <= len(cover) <= 4, "others hide it in the totals, by pool too"


def test_noisy_indices_are_marked(folder: Path) -> None:
    _, annex = build(read_panel(folder), Words("zh"))
    told = next(b for b in annex.blocks() if isinstance(b, Table) and b.key == "sensitivity-1")
    assert told.frame["noise"].tolist() == ["", "≈0"]


def search_record(folder: Path, policy: str = "cd" * 32) -> None:
    """The record of the search of the test below."""
    (folder / "policy_search.json").write_text(json.dumps({
        "policy": {"id": "some-other", "sha256": policy},
        "weights": {"id": "weights<b>", "sha256": "ef" * 32}, "input": {"sha256": "ab" * 32},
        "figures": [{"name": "rate", "zh": "费率", "en": "price of weight 1", "unit": "yuan",
                     "keys": ["standard.rates.base.yuan"], "now": 9500.0, "found": 9500.0}],
        "targets": [{"outcome": "balance", "zh": "基金结余", "low": -100000.0, "high": None}],
        "outcomes": {"balance": {"now": -50000.0, "found": -50000.0}},
    }, ensure_ascii=False), encoding="utf-8")  # fmt: skip


def test_a_policy_search_is_shown_as_the_trade_off(tmp_path: Path) -> None:
    folder = panel_folder.make(tmp_path / "d")
    panel_folder.write(
        folder / "policy_search.csv",
        ["point", "target", "outcome", "bound", "feasible", "change", "figure_rate", "balance",
         "patient_share", "message", "message_zh"],
        [["asked", "t", "balance", -100000, "true", 0.0, 9500, -50000, 0.35, "met", "全部目标可达"],
         ["curve", "t", "balance", -100000, "true", 0.0, 9500, -50000, 0.35, "met", "全部目标可达"],
         ["curve", "t", "balance", 600000, "false", 0.4, 9000, 200000, 0.35, "cannot be met",
          "在允许范围内无法达到"]],
    )  # fmt: skip
    search_record(folder)
    text = shown(write_report(folder, tmp_path / "r.html").page)
    assert "政策寻优" in text
    assert "60.00 万元: 在允许范围内无法达到" in text


def test_targets_of_years_ahead_stand_with_their_draws(tmp_path: Path) -> None:
    folder = panel_folder.make(tmp_path / "d")
    panel_folder.write(
        folder / "policy_search.csv",
        ["point", "target", "outcome", "bound", "feasible", "change", "figure_rate", "target_risk"],
        [["asked", "", "", "", "true", 1.0, 9500, 1200.5]],
    )  # fmt: skip
    search_record(folder)
    path = folder / "policy_search.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    years = [{"year": 2026 + i, "now": -500000.0 * i, "found": 400000.0 * i, "missed_now": 0.3,
              "missed_found": 0.08 - 0.01 * i} for i in range(2)]  # fmt: skip
    record |= {
        "message": "all targets are met", "message_zh": "全部目标可达",
        "scenario": {"title": "费用上涨", "title_en": "Dearer"},
        "solver": {"draws": 500, "seed": 7},
        "targets": [{
            "name": "risk", "outcome": "balance_before_cut.employee", "low": 0.0, "high": None,
            "at_most_share": 0.1, "quantile": None, "draws": 500, "now": -700000.0,
            "found": 1200.5, "met": True, "over": "each", "missed_now": 0.42,
            "missed_found": 0.095, "error_now": 0.022, "error_found": 0.013, "years": years,
        }],
    }  # fmt: skip
    path.write_text(json.dumps(record), encoding="utf-8")
    zh = shown(write_report(folder, tmp_path / "r.html").page)
    assert "未来年度的目标" in zh
    assert "费用上涨" in zh
    assert "种子 7" in zh
    en = shown(write_report(folder, tmp_path / "en.html", lang="en").page)
    assert "in all but 10.0% of draws" in en
    for told in ("9.5", "42.0", "1.3", "8.0", "7.0"):
        assert told in en, told
