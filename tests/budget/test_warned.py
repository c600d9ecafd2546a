"""Warnings stay English in records, whatever the reader's language, and each has its Chinese."""

import ast
import re
from pathlib import Path

import pytest

from budget import load_policy
from budget.projection.warnings import _CHINESE as AHEAD
from budget.projection.warnings import chinese as chinese_ahead
from budget.settlement.warned import _CHINESE as SETTLED
from budget.settlement.warned import chinese
from drg.errors import DrgError
from tests.budget.region import HOSPITALS, cases_of, many, settled

ROOT = Path(__file__).parents[2]


def said() -> str:
    """Every text of the engine's code, but those of the two tables of translations."""
    found = []
    for path in sorted([*(ROOT / "budget").rglob("*.py"), *(ROOT / "drg/cases").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict) and any(
                isinstance(key, ast.Constant) and key.value in SETTLED | AHEAD for key in node.keys
            ):
                for one in ast.walk(node):
                    one.value = None  # type: ignore[attr-defined]
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


@pytest.fixture(scope="module")
def texts() -> str:
    return said()


@pytest.mark.parametrize("english", [*SETTLED, *AHEAD])
def test_every_translation_is_of_a_text_that_is_said(english, texts):
    parts = re.split(r"^\{n\} cases: |: \{sums\}|\{\w+\}|medical|surgical|procedure", english)
    for part in filter(None, map(str.strip, parts)):
        assert part.strip(": (") in texts
    zh = {**SETTLED, **AHEAD}[english]
    assert set(re.findall(r"\{\w+\}", zh)) == set(re.findall(r"\{\w+\}", english))


@pytest.mark.parametrize(
    ("english", "zh"),
    [
        (
            "hospital H1: payable is negative: employee -1.00, resident -2.50 yuan",
            "医疗机构 H1：应付为负：职工医保 -1.00, 居民医保 -2.50 元",
        ),
        (
            "groups without a weight (NN19 and 3 more, others that are not in the weight table): "
            "12 cases, 150.00 yuan",
            "病组没有权重（NN19 等另 3 个, 及不在权重表中的病组）：12 例，150.00 元",
        ),
        ("fewer than 5 cases: the person is unknown", "fewer than 5 cases: the person is unknown"),
        (
            "groups without a weight (NN19): fewer than 5 cases",
            "病组没有权重（NN19）：不足 5 例",
        ),
    ],
)
def test_figures_and_names_stay(english, zh):
    assert chinese(english) == zh


def test_a_settlement_warns_in_english_and_can_be_told_in_chinese(monkeypatch):
    policy = load_policy("changzhi")
    hospitals = HOSPITALS.assign(tier=[3, None, 2, 2, 0], level=["city", "", "", "county", "town"])
    herbs = {"groups": "BB19", "factor": 1.1, "least_share": 0.6, "otherwise": "medical_group",
             "medical_group": "ZZ99"}  # fmt: skip
    frames = [
        (cases_of({"drg": "NN19", "total_cost": 100.0}, {"hospital_id": "B"}), policy, hospitals),
        (many(20).drop(columns=["tcm_share", "age"]),
         load_policy().replace("groups.tcm.herbs", herbs), HOSPITALS),
    ]  # fmt: skip
    english = [settled(*given).warnings for given in frames]
    monkeypatch.setenv("DRG_LANG", "zh")
    for given, before in zip(frames, english, strict=True):
        told = settled(*given).warnings
        assert told == before
        assert before
        for text in told.values():
            assert re.search("[一-鿿]", chinese(text)), text


def test_a_scenario_is_told_in_chinese():
    assert chinese_ahead("no case at a hospital of tier 3, so nobody moves") == (
        "级别为 3 的医疗机构没有病例，没有人流动"
    )


def test_an_error_is_in_the_readers_language(monkeypatch):
    monkeypatch.setenv("DRG_LANG", "zh")
    with pytest.raises(DrgError, match="没有此政策：实际为 'nowhere'，应为 以下之一：") as told:
        load_policy("nowhere")
    assert "或 TOML 文件" in str(told.value)
    with pytest.raises(DrgError, match=r"cash\.advance: 取值不允许：实际为 '7'，应为 数，0 至 1"):
        load_policy("changzhi").replace("cash.advance", 7)
