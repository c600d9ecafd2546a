"""The curves of docs/payment are those that the engine draws now, and say what the rules say."""

from __future__ import annotations

import re
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from drg.errors import DrgError
from drg.plots import NoChineseFont
from tests.report.outlier_curves import CURVES, _points, curve, save, write

FOLDER = Path(__file__).parents[2] / "docs" / "payment" / "curves"
pytestmark = pytest.mark.filterwarnings("ignore::drg.plots.NoChineseFont")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("curves")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoChineseFont)
        write(folder)
    return folder


def content(path: Path) -> tuple[list[str], list[np.ndarray]]:
    """Texts and the points of all lines and areas; fonts differ from machine to machine."""
    text = path.read_text(encoding="utf-8")
    words = ["".join(e.itertext()) for e in ET.fromstring(text).iter() if e.tag.endswith("}text")]
    paths = re.findall(r' d="([^"]+)"', text)
    return words, [np.array(re.findall(r"-?\d+\.?\d*", d), float) for d in paths]


@pytest.mark.parametrize("letter", CURVES)
def test_the_pictures_of_the_pages_are_drawn_by_the_engine(drawn, letter):
    name = f"rule-{letter.lower()}.svg"
    words, lines = content(FOLDER / name)
    words_now, lines_now = content(drawn / name)
    again = "run python -m tests.report.outlier_curves docs/payment/curves"
    assert words == words_now, again
    assert len(lines) == len(lines_now), again
    for before, now in zip(lines, lines_now, strict=True):
        assert before.shape == now.shape, again
        assert np.allclose(before, now, atol=0.01), again


def test_no_other_pictures_stand_there(drawn):
    assert {p.name for p in FOLDER.iterdir()} == {p.name for p in drawn.iterdir()}


def test_the_same_bytes_each_time(drawn, tmp_path):
    write(tmp_path)
    for path in drawn.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


# rules/payment.md, section 2, in multiples of S at weight 1: cost -> payment
BY_HAND = {
    "A": {0.29: 0.29, 0.3: 1, 3: 1, 4: 1},
    "B": {0.49: 0.49, 0.5: 1, 2: 1, 2.01: 2.01, 4: 4},
    "C": {0.39: 0.39, 0.5: 0.7, 0.8: 1, 3: 1, 3.5: 1.5},
    "D": {0.39: 0.39, 0.4: 1, 3: 1, 3.5: 1.5},
    "E": {0.49: 0.49, 0.5: 1, 3: 1, 3.5: 2.5},
    "F": {0.39: 0.39, 0.4: 1, 3: 1, 4: 1.7},
    "G": {0.39: 0.39, 2: 1, 3: 2.2, 4: 2.7},
    "H": {0.69: 0.69, 0.7: 1, 1.4: 1, 2: 1.6},
    "I": {0.4: 0.4, 0.79: 0.79, 0.8: 1, 1.4: 1, 2: 1.6, 2.5: 2.1, 4: 2.1},
}


@pytest.mark.parametrize("letter", CURVES)
def test_curves_by_hand(letter):
    found = _points(CURVES[letter])
    for cost, paid in BY_HAND[letter].items():
        at = np.flatnonzero(np.isclose(found.breaks, cost))
        if len(at):
            assert found.paid[at[0]] == pytest.approx(paid, abs=1e-3), cost
            continue
        piece = next(p for p in found.pieces if p[0][0] <= cost <= p[0][-1])
        assert np.interp(cost, *piece) == pytest.approx(paid, abs=1e-3), cost


def test_english_and_png(tmp_path):
    save(curve("E", "en"), tmp_path / "e.svg")
    assert "Rule E: a high case is paid c − S" in content(tmp_path / "e.svg")[0]
    save(curve("E", "en"), tmp_path / "e.png")
    assert (tmp_path / "e.png").stat().st_size > 10_000


def test_wrong_letters_and_languages():
    with pytest.raises(DrgError, match="letter: no such rule: found 'K', expected A to I"):
        curve("K")
    with pytest.raises(DrgError, match="no such language"):
        curve("A", "fr")
