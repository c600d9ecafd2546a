"""Severity order against scipy's isotonic regression and a slow pooling by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from drg.errors import DrgError
from weights.fit.calibrator import Calibrator
from weights.fit.severity import inversions, ordered
from weights.table.families import families, read_families

value = st.one_of(st.sampled_from([0.5, 1.0, 2.0]), st.floats(0.01, 50))
count = st.one_of(st.integers(1, 10**7).map(float), st.floats(0.001, 5), st.just(0.0))
ladder = st.lists(st.tuples(value, count, st.booleans()), min_size=1, max_size=6)
regions = st.lists(ladder, min_size=1, max_size=5)


def laid_out(ladders):
    """Ladders as a table of groups, in a mixed order; the third of a rung says "no weight"."""
    names = [(a, s) for a, rungs in enumerate(ladders) for s in range(len(rungs))]
    names = sorted(names, key=lambda pair: (pair[1] % 2, -pair[0], pair[1]))
    table = {f"g{a}-{s}": (f"a{a}", -float(s)) for a, s in names}
    level = np.array([np.nan if ladders[a][s][2] and s else ladders[a][s][0] for a, s in names])
    cases = np.array([ladders[a][s][1] for a, s in names])
    return families(tuple(table), table=table), level, cases, names


def pooled(values, weights):
    """Pool adjacent violators, one block after the other; the gravest first."""
    blocks = []
    for v, w in zip(values, weights, strict=True):
        blocks.append([v * w, w, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] < blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [x + y for x, y in zip(blocks[-1], last, strict=True)]
    return [total / weight for total, weight, size in blocks for _ in range(size)]


@given(regions)
@example([[(2.0, 1e6, False), (2.5, 1e5, False), (1.0, 0.0, False)]])
@example([[(1.0, 0.0, False), (2.0, 10.0, False)]])
@example([[(1.0, 0.0, False), (2.0, 0.0, False)]])
def test_it_is_the_isotonic_regression(ladders) -> None:
    family, level, cases, names = laid_out(ladders)
    found = ordered(level, cases, family)
    assert not inversions(found, family)[0]
    assert (np.isnan(found) == np.isnan(level)).all()
    for a, rungs in enumerate(ladders):
        places = [i for s in range(len(rungs)) for i in [names.index((a, s))]]
        places = [i for i in places if np.isfinite(level[i])]
        x, n = level[places], np.maximum(cases[places], 1e-30)
        wanted = isotonic_regression(x, weights=n, increasing=False).x
        np.testing.assert_allclose(found[places], wanted, rtol=1e-9)
        np.testing.assert_allclose(found[places], pooled(x, n), rtol=1e-9)
        kept = (cases[places] * found[places]).sum()
        assert kept == pytest.approx((cases[places] * x).sum(), rel=1e-12)
        if (np.diff(x) <= 0).all():  # in order already: the same bits
            assert (found[places] == x).all()


@given(regions)
def test_pairs_in_the_wrong_order(ladders) -> None:
    family, level, _, names = laid_out(ladders)
    wrong, compared = inversions(level, family)
    at = {pair: level[i] for i, pair in enumerate(names) if np.isfinite(level[i])}
    pairs = [(a, s, t) for a, s in at for b, t in at if a == b and s < t]
    assert compared == len(pairs)
    expected = {(f"g{a}-{s}", f"g{a}-{t}") for a, s, t in pairs if at[a, s] < at[a, t]}
    assert {(w.graver, w.lighter) for w in wrong} == expected


@given(st.lists(st.tuples(st.sampled_from(["AA11", "AA13", "AA15", "AB11", "AB13", "AB19"]),
                          st.sampled_from("xyz"), st.integers(100, 10**6)), min_size=2,
                max_size=40))  # fmt: skip
def test_in_a_calibration(rows) -> None:
    cases = pd.DataFrame(rows, columns=["drg", "hospital_id", "total_cost"])
    plain, fitted = Calibrator().fit(cases), Calibrator(order=True).fit(cases)
    weight = fitted.table_.frame["weight"].to_numpy()
    assert not inversions(weight, fitted.families_)[0]
    before, after = (f.table_.frame.assign(all=lambda t: t["cases"] * t["weight"])
                     .groupby("adrg")["all"].sum() for f in (plain, fitted))  # fmt: skip
    np.testing.assert_allclose(after, before, rtol=1e-12)
    if not inversions(plain.table_.frame["weight"].to_numpy(), plain.families_)[0]:
        np.testing.assert_allclose(weight, plain.table_.frame["weight"], rtol=1e-15)


def test_families_by_code_by_column_and_by_table() -> None:
    by_code = families(("FR11", "FR13", "FR15", "FR19", "XX"))
    assert [by_code.names[i] for i in by_code.family] == ["FR1"] * 4 + ["=XX"]
    assert by_code.rank[:3].tolist() == [3, 2, 1]
    assert np.isnan(by_code.rank[3:]).all()
    assert [list(ladder) for ladder in by_code.ladders] == [[0, 1, 2]]
    odd = families(("1", "2", "3"))
    assert (odd.known, odd.ladders, odd.names) == (False, (), ("",))
    by_column = families(("1", "2", "3"), ["A", "A", ""])
    assert by_column.known
    assert [by_column.names[i] for i in by_column.family] == ["A", "A", "=3"]
    by_table = families(("1", "2"), None, {"1": ("A", 1), "2": ("A", 5)})
    assert [list(ladder) for ladder in by_table.ladders] == [[1, 0]]


@pytest.mark.parametrize(("text", "message"), [
    ("drg,adrg\n1,A\n", "no column 'severity'"),
    ("drg,adrg,severity\n1,A,x\n", "row 2.*no severity"),
    ("drg,adrg,severity\n1,A,1\n1,A,2\n", "group stands twice"),
    ("drg,adrg,severity\n,A,1\n", "no group"),
    ("drg,adrg,severity\n1,A,1\n2,A,1\n", "severity stands twice"),
])  # fmt: skip
def test_a_table_of_families_that_cannot_be(tmp_path, text, message) -> None:
    path = tmp_path / "families.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DrgError, match=message):
        read_families(path)


def test_a_table_of_families(tmp_path) -> None:
    path = tmp_path / "families.csv"
    path.write_text("drg,adrg,severity\n039,A,3\n40,A,1\n41,B,\n", encoding="utf-8")
    found = read_families(path)
    assert list(found) == ["039", "40", "41"]
    assert found["039"] == ("A", 3.0)
    assert np.isnan(found["41"][1])
