"""Methods of weights against figures that the US Centers for Medicare & Medicaid published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from weights.estimate.rounds import Estimator
from weights.fit.calibrator import Calibrator
from weights.fit.limits import Corridor

DATA = Path(__file__).parent / "data"
# the groups that CMS capped otherwise than max(before, 0.9 * previous) says, by more than 0.05%
OTHERWISE = ["22", "461", "724", "817", "818", "927"]


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / f"{name}.csv", dtype={"drg": str, "hospital_id": str})


@pytest.fixture(scope="module")
def minnesota() -> pd.DataFrame:
    return read("minnesota-fy2011")


def against_fy2013(fitted: Calibrator) -> tuple[float, float]:
    """Pearson's correlation and mean absolute relative error, at the same case-weighted mean."""
    table = fitted.table_.frame.set_index("drg")
    weight, cases = table["weight"], table["cases"]
    official = read("ms-drg-fy2013").set_index("drg")["weight"].reindex(weight.index)
    official *= (cases * weight).sum() / (cases * official).sum()
    return np.corrcoef(weight, official)[0, 1], float((weight / official - 1).abs().mean())


def test_minnesota_is_whole(minnesota: pd.DataFrame) -> None:
    assert len(minnesota) == 2252
    assert (minnesota["hospital_id"].nunique(), minnesota["drg"].nunique()) == (50, 100)
    assert not minnesota.duplicated(["drg", "hospital_id"]).any()
    assert set(minnesota["drg"]) == set(read("ms-drg-fy2013")["drg"])


def test_pooled_means(minnesota: pd.DataFrame) -> None:
    pearson, error = against_fy2013(Calibrator().fit(minnesota))
    assert f"{pearson:.4f}" == "0.9757"
    assert f"{error:.3f}" == "0.112"


def test_hospital_specific_relative_values(minnesota: pd.DataFrame) -> None:
    fitted = Calibrator(estimate="hsrv").fit(minnesota)
    pearson, error = against_fy2013(fitted)
    assert f"{pearson:.3f}" == "0.985"
    assert f"{error:.3f}" == "0.080"
    assert fitted.fit_.iterations < 25
    assert "not_converged" not in fitted.trail_.warnings
    once_more = Estimator("hsrv", most=1).fit(fitted.statistics_, start=fitted.fit_)
    assert np.abs(once_more.level / fitted.fit_.level - 1).max() < 1e-10
    assert np.abs(once_more.factor / fitted.fit_.factor - 1).max() < 1e-10


def test_the_fixed_point_by_hand(minnesota: pd.DataFrame) -> None:
    """The published iteration, written out: relative charge times CMI, group means, CMI anew."""
    n = minnesota.pivot_table(index="hospital_id", columns="drg", values="cases").fillna(0)
    mean = minnesota.pivot_table(index="hospital_id", columns="drg", values="total_cost").fillna(0)
    n, mean = n.to_numpy(), mean.to_numpy()
    of_hospital = (n * mean).sum(axis=1) / n.sum(axis=1)
    cmi = np.ones(len(n))
    for _ in range(60):
        weight = (n * mean * (cmi / of_hospital)[:, None]).sum(axis=0) / n.sum(axis=0)
        weight /= (n.sum(axis=0) * weight).sum() / n.sum()
        cmi = (n @ weight) / n.sum(axis=1)
    fitted = Calibrator(estimate="hsrv").fit(minnesota).weights_
    np.testing.assert_allclose(fitted.to_numpy(), weight, rtol=1e-10)


def test_the_cap_of_fy2026() -> None:
    """770 groups: 5 new, 735 published as they were fitted, 30 capped."""
    table = read("ms-drg-fy2026-cap")
    before, after, previous = (
        table[c].to_numpy() for c in ("before_cap", "weight", "previous_weight")
    )
    new, capped = np.isnan(previous), before != after
    assert [len(table), new.sum(), (capped & new).sum(), capped.sum()] == [770, 5, 0, 30]
    held = np.clip(before, *Corridor(fall=0.1).bounds(previous))
    uncapped = ~new & ~capped
    assert uncapped.sum() == 735
    assert (held[uncapped] == after[uncapped]).all()  # to the last bit, and none is raised
    assert (held[new] == after[new]).all()
    near = capped & (np.abs(held / after - 1) <= 0.0005)
    assert near.sum() == 24
    assert (held[near] > before[near]).all()
    assert sorted(table["drg"][capped & ~near], key=int) == OTHERWISE
