"""Tests over hospitals: right where the answer is known, quiet where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from budget.audit import evidence
from budget.audit.expression import Coded
from budget.audit.peers import Peers
from budget.audit.standing import funnel, shrunk

HOSPITALS = tuple(f"H{i:02d}" for i in range(20))


def draw(seed: int, each: int = 400) -> tuple[np.random.Generator, Coded, Peers, Coded]:
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(20, dtype=np.int32), each)
    peers = Peers.by(HOSPITALS, np.full(20, 2.0), np.full((20, 3), 100.0))
    mix = Coded((np.arange(len(code)) % 3).astype(np.int32), ("A", "B", "C"))
    return rng, Coded(code, HOSPITALS), peers, mix


def codes(rng: np.random.Generator, size: int) -> Coded:
    return Coded(rng.integers(0, 8, size).astype(np.int32), tuple("ABCDEFGH"))


def excess(hospital: Coded, where, within: Coded, mix: Coded, peers: Peers):
    base = np.bincount(hospital.codes * 3 + mix.codes, minlength=60).reshape(20, 3)
    return evidence.excess(hospital.codes[where], within.take(where), mix.codes[where],
                           base.astype(float), peers, fdr=0.05, least=3, ratio=2.0)[0]  # fmt: skip


def test_hospitals_that_do_the_same_are_all_found() -> None:
    rng, hospital, peers, mix = draw(1)
    within = codes(rng, 8000)
    where = rng.random(8000) < 0.02
    for guilty in range(6):  # six of twenty, with the same code
        rows = np.flatnonzero(hospital.codes == guilty)[:30]
        where[rows] = True
        within.codes[rows] = 7
    cells = excess(hospital, where, within, mix, peers)
    found = {(int(h), k) for h, k in zip(cells.hospital[cells.found],
             np.array(cells.key)[cells.found], strict=True)}  # fmt: skip
    assert {(i, "H") for i in range(6)} <= found
    assert len(found) <= 8


def test_quiet_where_hospitals_are_alike() -> None:
    false = 0
    for seed in range(10):
        rng, hospital, peers, mix = draw(100 + seed)
        cells = excess(hospital, rng.random(8000) < 0.05, codes(rng, 8000), mix, peers)
        false += bool(cells.found.any())
    assert false <= 2


def test_bunching_is_found_and_said_how_likely() -> None:
    rng, hospital, _, _ = draw(2)
    value = np.exp(0.5 * rng.standard_normal(8000) - 0.4)
    moved = np.flatnonzero((hospital.codes == 4) & (value > 0.2) & (value < 0.39))[:30]
    value[moved] = 0.4 * (1 + rng.exponential(0.03, len(moved)))
    cells, rows, cell, odds = evidence.bunching(
        hospital,
        value,
        np.full(8000, 0.01),
        (0.4, 3.0),
        width=0.09,
        likely=0.4,
        fdr=0.05,
        least=2,
    )
    assert set(cells.hospital[cells.found].tolist()) == {4}
    kept = cells.found[cell]
    right = np.isin(rows[kept], moved)
    assert right.sum() >= 0.6 * len(moved)
    assert odds[kept].mean() == pytest.approx(right.mean(), abs=0.2)


def test_quiet_where_nobody_bunches() -> None:
    false = 0
    for seed in range(10):
        rng, hospital, _, _ = draw(200 + seed)
        value = np.exp(0.5 * rng.standard_normal(8000) - 0.4)
        cells, *_ = evidence.bunching(
            hospital, value, np.full(8000, 0.01), (0.4, 3.0), width=0.09, likely=0.4, fdr=0.05,
            least=2,
        )  # fmt: skip
        false += bool(cells.found.any())
    assert false <= 2


def test_intervals_cover() -> None:
    rng = np.random.default_rng(7)
    true = np.linspace(0.3, 3, 4000)
    expected = np.full(4000, 8.0)
    low, high = evidence.ratio_interval(rng.poisson(true * expected).astype(float), expected)
    assert ((low <= true) & (true <= high)).mean() >= 0.945  # exact intervals are wide


def test_small_hospitals_are_drawn_further() -> None:
    expected = np.array([1.0, 1.0, 100.0, 100.0, 50.0])
    found = np.array([3, 0, 300, 20, 50])
    drawn = shrunk(found, expected)
    assert abs(drawn[0] - 3) > abs(drawn[2] - 3)
    assert (drawn > 0).all()


def test_the_funnel_holds_chance() -> None:
    rng = np.random.default_rng(9)
    expected = rng.uniform(2, 200, 3000)
    found = rng.poisson(expected)
    low, high = funnel(found, expected)
    ratio = found / expected
    assert ((ratio >= low) & (ratio <= high)).mean() > 0.99


def test_false_discoveries_count_tests_that_were_left_out() -> None:
    p = np.array([0.001, 0.04])
    assert evidence.controlled(p, 100)[0] == pytest.approx(0.1)
    assert evidence.controlled(np.zeros(0)).shape == (0,)


def test_a_share_that_fell() -> None:
    p = evidence.fell(np.array([0.05, 0.10, np.nan]), np.full(3, 1000.0),
                      np.array([0.10, 0.10, 0.10]), np.full(3, 1000.0))  # fmt: skip
    assert p[0] < 0.001 < 0.4 < p[1]
    assert p[2] == 1
    assert p[1] == pytest.approx(0.5)
