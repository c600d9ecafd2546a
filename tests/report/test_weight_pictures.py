from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from drg.errors import DrgError
from drg.plots import NoChineseFont, fonts, save
from drg.plots.weights.cost import bars_of, cost_distribution
from drg.plots.weights.ladder import ladder
from drg.plots.weights.previous import against_previous
from tests.amount import FULL

ROOT = Path(__file__).parents[2]
LANGUAGES = ("zh", "en")
needs_chinese = pytest.mark.skipif(
    fonts.chinese_font() is None, reason="no Chinese font: install fonts-noto-cjk"
)
pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore::drg.plots.NoChineseFont"),
]


@dataclass(frozen=True)
class Table:
    frame: pd.DataFrame
    id: str = ""

    @property
    def weights(self) -> pd.Series:
        return self.frame.set_index("drg")["weight"].dropna()


def tables(n: int = 60, spread: float = 0.09, seed: int = 1) -> tuple[Table, Table]:
    rng = np.random.default_rng(seed)
    codes = [f"{'ABCDEFGH'[i % 8]}{'RST'[i % 3]}{i // 24}{(1, 3, 5)[i % 3]}" for i in range(n)]
    codes = sorted(dict.fromkeys(codes))
    before = np.round(rng.lognormal(0, 0.8, len(codes)), 4)
    frame = pd.DataFrame({"drg": codes, "name": [f"病组{i}，伴并发症" for i in range(len(codes))]})
    now = frame.assign(
        weight=np.round(before * rng.lognormal(0, spread, len(codes)), 4),
        cases=rng.integers(1, 4000, len(codes)),
    )
    return Table(now, "2025"), Table(frame.assign(weight=before), "2024")


def costs(n: int = 900, seed: int = 2) -> np.ndarray:
    drawn = np.random.default_rng(seed).lognormal(9.2, 0.5, n)
    drawn[:7] *= 20
    return drawn


def rungs() -> Table:
    return Table(pd.DataFrame({
        "drg": ["BR21", "BR23", "BR25", "BR39"],
        "name": ["脑缺血，伴严重并发症", "脑缺血，伴并发症", "脑缺血，不伴并发症", "其他"],
        "weight": [1.4, 1.6, 0.7, 0.5], "raw_weight": [1.2, 1.6, 0.9, 0.5],
        "ci_low": [1.2, 1.5, np.nan, 0.4], "ci_high": [1.6, 1.7, np.nan, 0.6],
        "cases": [1200, 31000, 4, 90],
    }))  # fmt: skip


def every(lang: str) -> list[Figure]:
    now, before = tables()
    return [
        against_previous(now, before, (0.9, 1.1), lang=lang),
        against_previous(now, before, lang=lang),
        cost_distribution(costs(), 3000.0, 60000.0, "BR21", "脑缺血", lang=lang),
        ladder(rungs(), "BR2", lang=lang),
    ]


def words(figure: Figure, folder: Path) -> str:
    """The texts of the picture's SVG, in one string."""
    save(figure, folder / "words.svg")
    root = ET.parse(folder / "words.svg").getroot()
    return "\n".join("".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_same_input_same_bytes_whatever_the_user_s_settings(lang, tmp_path):
    endings = (".svg", ".png", ".pdf") if lang == "zh" else (".svg",)
    first = every(lang)
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 30, "text.parse_math": True}):
        second = every(lang)
        kept = dict(mpl.rcParams)
        for i, (one, two) in enumerate(zip(first, second, strict=True)):
            for ending in endings[: None if FULL or not i else 2]:  # a PDF takes seconds
                save(one, tmp_path / f"one{ending}")
                save(two, tmp_path / f"two{ending}")
                found = (tmp_path / f"one{ending}").read_bytes()
                assert found == (tmp_path / f"two{ending}").read_bytes(), (i, ending)
                assert not re.search(rb"<dc:date|CreationDate|ModDate|20\d\d-\d\d-\d\d", found)
        assert dict(mpl.rcParams) == kept
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        f"{n}{e}" for n in ("one", "two") for e in endings
    )


@needs_chinese
def test_bytes_are_the_same_in_another_process(tmp_path):
    code = (
        "import sys; from tests.report.test_weight_pictures import *\n"
        "[save(f, f'{sys.argv[1]}/{i}.svg') for i, f in enumerate(every('zh'))]\n"
        "save(ladder(rungs(), 'BR2'), f'{sys.argv[1]}/x.pdf')"
    )
    found = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed, "SOURCE_DATE_EPOCH": seed * 9}
        subprocess.run([sys.executable, "-c", code, folder], cwd=ROOT, check=True, env=environment)
        found.append({p.name: p.read_bytes() for p in folder.iterdir()})
    assert len(found[0]) == 5
    assert found[0] == found[1]


@needs_chinese
def test_words_are_there_in_both_languages(tmp_path):
    zh = ["".join(words(figure, tmp_path)) for figure in every("zh")]
    en = ["".join(words(figure, tmp_path)) for figure in every("en")]
    for text, parts in zip(
        zh,
        (("本期权重（对数刻度）", "上期权重", "浮动区间"), ("变动最大的 10 个病组", "上升"),
         ("元", "修剪前均值", "下限 3,000 元", "高于上限"),
         ("倒挂：BR21 权重 1.4000 低于 BR23 权重 1.6000（-12.5%）", "31,000 例", "<5 例")),
        strict=True,
    ):  # fmt: skip
        assert all(part in text for part in parts), (text, parts)
    for text, parts in zip(
        en,
        (("Previous relative weight (log scale)", "Corridor 0.9 to 1.1"), ("Higher:",),
         ("yuan", "Lower bound 3,000 yuan", "Mean after trimming"),
         ("Inversion: BR21 weighs 1.4000, less than BR23 with 1.6000", "with MCC", "<5 cases")),
        strict=True,
    ):  # fmt: skip
        assert all(part in text for part in parts), (text, parts)
    assert not any(re.search(r"\b(nan|inf|None|NaT)\b", text) for text in zh + en)
    text = (tmp_path / "words.svg").read_text(encoding="utf-8")
    assert "'Microsoft YaHei'" in text
    assert not re.search(r"[=\" ]nan", text)


def test_the_key_figures_are_right(tmp_path):
    now = Table(pd.DataFrame({"drg": ["A", "B", "C", "D", "N"], "weight": [1.0, 2.2, 0.9, 4.0, 1]}))
    old = Table(pd.DataFrame({"drg": ["A", "B", "C", "D", "O"], "weight": [1.0, 2, 1, 2, np.nan]}))
    text = words(against_previous(now, old, (0.9, 1.1), lang="en"), tmp_path)
    assert "Groups in both tables\n4\n" in text
    assert "1 (25.0%)" in text  # B and C are on the edges, so inside
    assert "1 now, 0 before" in text
    assert "30.0%" in text  # (0 + .1 + .1 + 1) / 4
    expected = np.corrcoef([1.0, 2.2, 0.9, 4.0], [1, 2, 1, 2])[0, 1]
    assert f"{expected:.3f}" in text
    assert "▲ +100.0%" in text


@pytest.mark.parametrize("n", [1, 2, 5, 170])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_few_and_many_groups(n, lang, tmp_path):
    now, before = tables(n)
    for corridor in (None, (0.9, 1.1), (0.01, 100.0)):
        save(against_previous(now, before, corridor, lang=lang), tmp_path / "x.png")
    same = words(against_previous(before, before, lang=lang), tmp_path)
    assert "0.0%" in same


def test_every_group_outside_is_named_somewhere(tmp_path):
    now, before = tables(170, 0.2)
    text = words(against_previous(now, before, (0.9, 1.1), lang="en"), tmp_path)
    ratio = now.weights / before.weights
    outside = ratio[(ratio > 1.1006) | (ratio < 0.8995)].index
    assert len(outside) > 60
    assert all(code in text for code in outside)


@pytest.mark.parametrize("n", [60, 170])
def test_labels_cover_neither_each_other_nor_marks_outside(n):
    figure = against_previous(*tables(n), (0.9, 1.1), lang="en")
    axes = figure.axes[0]
    figure.canvas.draw()
    boxes = [t.get_window_extent() for t in axes.texts if t.get_text()]
    assert len(boxes) >= 10
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_texts_stay_inside_the_picture_and_apart():
    for lang in LANGUAGES:
        for figure in every(lang):
            figure.canvas.draw()
            boxes = [t.get_window_extent() for t in figure.texts if t.get_text()]
            for i, box in enumerate(boxes):
                assert box.x0 >= 0
                assert box.x1 <= figure.bbox.x1 + 1
                for j, other in enumerate(boxes[:i]):
                    inner = (min(box.x1, other.x1) - max(box.x0, other.x0),
                             min(box.y1, other.y1) - max(box.y0, other.y0))  # fmt: skip
                    assert min(inner) < 3, (figure.texts[i], figure.texts[j])


def test_no_group_in_common():
    one = Table(pd.DataFrame({"drg": ["A"], "weight": [1.0]}))
    other = Table(pd.DataFrame({"drg": ["B", "A"], "weight": [1.0, np.nan]}))
    with pytest.raises(DrgError, match="no group in common"):
        against_previous(one, other)
    with pytest.raises(DrgError, match="no group in common"):
        against_previous(one, Table(pd.DataFrame({"drg": ["A"], "weight": [0.0]})))


@pytest.mark.parametrize(
    "corridor", [(1.1, 0.9), (0.0, 1.1), (1.05, 1.1), (0.9, np.inf), (np.nan, 2)]
)
def test_no_corridor(corridor):
    now, before = tables(5)
    with pytest.raises(DrgError, match="corridor"):
        against_previous(now, before, corridor)


def test_groups_with_two_rows_and_unknown_languages_are_refused():
    twice = Table(pd.DataFrame({"drg": ["A", "A"], "weight": [1.0, 2.0]}))
    with pytest.raises(DrgError, match="two"):
        against_previous(twice, twice)
    with pytest.raises(DrgError, match="expected zh or en"):
        ladder(rungs(), "BR2", lang="fr")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_texts_are_shown_as_they_are(lang, tmp_path):
    hostile = ["<script>", "$x$1", "$\\frac{", "A\x00\u202eB", "&amp;", "X" * 400, "\u0301"]
    frame = pd.DataFrame({"drg": hostile, "name": ["$y$ </text>", "a\nb", "", None, "\U000f0000",
                          "W" * 900, "&"], "weight": np.arange(1.0, 8.0)})  # fmt: skip
    now, before = Table(frame, "$a_b$"), Table(frame.assign(weight=np.arange(7.0, 0, -1)), "<b>")
    text = words(against_previous(now, before, (0.9, 1.1), lang=lang), tmp_path)
    assert "<script>" in text
    assert "$x$1" in text
    assert "$y$ </text>" in text
    assert "$a_b$" in text
    for ending in (".png", ".pdf"):
        save(against_previous(now, before, (0.9, 1.1), lang=lang), tmp_path / f"x{ending}")
    text = words(ladder(now, "$x$", members=hostile, lang=lang), tmp_path)
    assert "$x$1" in text
    assert "$x$ <i>" in words(cost_distribution(costs(), 1, 2, "$x$", "<i>", lang=lang), tmp_path)


def test_few_cases_make_no_picture():
    with pytest.raises(DrgError, match="fewer than 5") as caught:
        cost_distribution([123.45, 2.0, 3.0, 4.0], 1, 2, "BR21")
    assert "123" not in str(caught.value)
    cost_distribution([1.0, 2.0, 3.0, 4.0, 5.0], 1, 2, "BR21")
    for bad in ([1, 2, 3, 4, -1], [1, 2, 3, 4, np.nan], [0, 1, 2, 3, 4]):
        with pytest.raises(DrgError, match="a cost that is none"):
            cost_distribution(bad, 1, 2, "BR21")
    with pytest.raises(DrgError, match="above the upper"):
        cost_distribution(costs(), 3, 2, "BR21")


@pytest.mark.parametrize("seed", range(40))
def test_no_bar_of_few_cases_and_none_lost(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 400))
    cost = rng.lognormal(9, rng.uniform(0, 2), n)
    if seed % 3 == 0:
        cost[: n // 4] *= 1000
    if seed % 5 == 0:
        cost[:] = 1000.0
    bars = bars_of(cost)
    assert bars.cases.min() >= 5
    assert bars.cases.sum() == n
    assert (np.diff(bars.edges) > 0).all()
    counted = np.histogram(np.log10(cost), bars.edges - 1e-9)[0]
    assert (counted == bars.cases).all()
    area = bars.heights * np.diff(bars.edges) / bars.interval
    assert np.allclose(area, bars.cases)


def test_an_outermost_bar_does_not_give_away_the_dearest_case():
    cost = costs()
    cost[0] = 4_321_987.0
    edge = 10 ** bars_of(cost).edges[-1]
    assert edge == pytest.approx(5_000_000)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_few_trimmed_cases_are_not_counted_and_means_are_rounded(lang, tmp_path):
    cost = np.concatenate([np.linspace(8000, 12000, 30), [765_432.0]])
    text = words(cost_distribution(cost, 100.0, 50_000.0, "BR21", lang=lang), tmp_path)
    assert "<5" in text
    assert "34,369" not in text  # the mean
    assert "34,000" in text
    text = words(cost_distribution(cost, 100.0, 900_000.0, "BR21", lang=lang), tmp_path)
    assert "34,369" in text


@pytest.mark.parametrize(
    ("lower", "upper"), [(None, None), (np.nan, np.inf), (0, 1e12), (1e-9, 20.0), (9000, 9000)]
)
def test_bounds_of_all_kinds(lower, upper, tmp_path):
    for lang in LANGUAGES:
        text = words(cost_distribution(costs(), lower, upper, "BR21", lang=lang), tmp_path)
        assert "nan" not in text
    if lower is None:
        assert "bound" not in text


def test_trimmed_mean_of_the_caller(tmp_path):
    figure = cost_distribution(costs(), 3000, 60000, "X", trimmed_mean=9876.4, lang="en")
    assert "Mean after trimming 9,876 yuan" in words(figure, tmp_path)


def test_a_ladder_in_order_and_mended(tmp_path):
    table = rungs()
    mended = Table(table.frame.assign(weight=[1.6, 1.6, 0.7, 0.5])[::-1])
    text = words(ladder(mended, "BR2", lang="en"), tmp_path)
    assert text.index("BR21") < text.index("BR23") < text.index("BR25")
    assert "BR39" not in text
    assert "Inversion of raw weights, none in the final ones: BR21 1.2000 under BR23 1.6000" in text
    assert "Inversion:" not in text
    plain = Table(mended.frame[["drg", "weight"]])
    assert "No inversion" in words(ladder(plain, "BR2", lang="en"), tmp_path)
    assert "nothing to compare" in words(ladder(plain, "BR3", lang="en"), tmp_path)
    members = ["BR39", "BR21"]
    assert "BR39" in words(ladder(plain, "BR", members=members, lang="en"), tmp_path)


def test_ladders_that_cannot_be_drawn():
    table = rungs()
    with pytest.raises(DrgError, match="ZZ9: no group"):
        ladder(table, "ZZ9")
    with pytest.raises(DrgError, match="ZZ91: is not in the table"):
        ladder(table, "ZZ9", members=["ZZ91"])
    with pytest.raises(DrgError, match="no group of it has a weight"):
        ladder(Table(table.frame.assign(weight=np.nan)), "BR2")
    gap = Table(table.frame.assign(weight=[1.0, np.nan, 2.0, np.nan]))
    assert ladder(gap, "BR2")


def test_without_a_chinese_font_words_are_english_but_not_in_svg(tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "chinese_font", lambda: None)
    now, before = tables(9)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figures = [against_previous(now, before, (0.9, 1.1)), ladder(rungs(), "BR2"),
                   cost_distribution(costs(), 3000, 60000, "BR21", "脑缺血")]  # fmt: skip
        for figure in figures:
            save(figure, tmp_path / "x.png")
            save(figure, tmp_path / "x.pdf")
            assert not any(
                re.search("[一-龥]", t.get_text()) for t in figure.findobj(mpl.text.Text)
            )
            assert re.search("[一-龥]{4}", words(figure, tmp_path))
    # what matplotlib itself does not like about its parser is not ours
    caught = [w for w in caught if not issubclass(w.category, DeprecationWarning)]
    assert {w.category for w in caught} == {NoChineseFont}
    assert {w.filename for w in caught} == {__file__}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ladder(rungs(), "BR2", lang="en")


def test_a_notebook_shows_it():
    from IPython.core.formatters import DisplayFormatter

    figure = ladder(rungs(), "BR2")
    found, _ = DisplayFormatter().format(figure)
    assert found["image/png"]
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert "pyplot" not in " ".join(name for name in sys.modules if name.startswith("drg"))


def test_files_are_whole_or_not_there(tmp_path):
    figure = ladder(rungs(), "BR2")
    with pytest.raises(DrgError, match=r"expected \.svg, \.png or \.pdf"):
        save(figure, tmp_path / "x.gif")
    with pytest.raises(DrgError, match="does not exist"):
        save(figure, tmp_path / "no" / "x.png")
    assert not list(tmp_path.iterdir())
    save(Figure(), tmp_path / "plain.SVG")
    assert (tmp_path / "plain.SVG").read_bytes().startswith(b"<?xml")


def test_no_home_and_no_pyplot(tmp_path):
    code = (
        "import sys; from tests.report.test_weight_pictures import rungs, ladder, save\n"
        "save(ladder(rungs(), 'BR2', lang='en'), sys.argv[1])\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    environment = {**os.environ, "HOME": "/nowhere/at/all", "XDG_CACHE_HOME": "/nowhere/at/all",
                   "XDG_CONFIG_HOME": "/nowhere/at/all"}  # fmt: skip
    environment.pop("MPLCONFIGDIR", None)
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "x.png"], cwd=ROOT, text=True,
                          env=environment, check=False, capture_output=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
