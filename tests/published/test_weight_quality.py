"""Quality measures recounted on what was published: severity order, stability, floors, MAPE."""

from __future__ import annotations

import csv
import re
from collections import defaultdict

import pandas as pd
import pytest

import weights
from weights.quality.compare import compare, order_of
from weights.table import WeightTable

YEARS = 2013, 2019, 2022, 2023
# What a title says of the severities that a group holds: MCC 3, CC 2, neither 1.
SEVERITY = {
    "MCC": 3.0, "CC": 2.0, "CC/MCC": 2.5, "/MCC": 1.5, "/CC/MCC": 1.0,
}  # fmt: skip
ENDING = re.compile(r" W(?:ITH)?(?:(/O|OUT))? (CC/MCC|MCC|CC)(?= OR |$).*")


@pytest.mark.parametrize(
    ("name", "inverted", "pairs"),
    [("changzhi", 10, 415), ("lanzhou", 83, 307), ("qingdao", 0, 401)],
)
def test_severity_order_of_regions(name, inverted, pairs):
    """Recounted on the weights of 长治, 兰州 2023 and 青岛 2023."""
    found = order_of(weights.load(name))
    assert (len(found.inversions), found.pairs) == (inverted, pairs)


@pytest.fixture(scope="module")
def msdrg(shared):
    """Weights and titles of MS-DRGs by year (CMS, IPPS final rules, Table 5)."""
    path = shared / "facts/validation/us_msdrg_weights_fy2013_2019_2022_2023.tsv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {year: [row for row in rows if row["fy"] == str(year)] for year in YEARS}


def table(rows, name):
    weight = [float(row["weight"]) for row in rows]
    frame = pd.DataFrame({"drg": [row["msdrg"] for row in rows], "weight": weight})
    return WeightTable(name, frame.assign(weight=frame["weight"].where(frame["weight"] > 0)))


def ladder(rows):
    """Base group and severity of each MS-DRG, as their titles say it."""
    found = {}
    held = defaultdict(list)
    for row in rows:
        if match := ENDING.search(row["title"]):
            base = row["mdc"], row["type"], row["title"][: match.start()]
            held[base].append((row["msdrg"], ("/" if match[1] else "") + match[2]))
    for number, members in enumerate(held.values()):
        for drg, said in members:
            found[drg] = (f"B{number}", SEVERITY[said])
    return found


@pytest.mark.parametrize(
    ("year", "pairs", "neighbours"),
    [(2013, 565, 413), (2019, 577, 420), (2022, 588, 428), (2023, 588, 428)],
)
def test_severity_order_of_ms_drgs(msdrg, year, pairs, neighbours):
    """No inversion in about 400 neighbours on a ladder, nor in all pairs of each ladder."""
    rows = msdrg[year]
    rungs = ladder(rows)
    found = order_of(table(rows, str(year)), rungs)
    assert (found.inversions, found.pairs) == ((), pairs)
    assert len(rungs) - len({base for base, _ in rungs.values()}) == neighbours


def test_the_floor_of_fy2023(msdrg):
    """CMS caps yearly falls at 10% from FY 2023 on (87 FR 48780)."""
    found = compare(table(msdrg[2023], "fy2023"), table(msdrg[2022], "fy2022"))
    assert found.both == 765
    assert found.moves[0].falls == 0
    assert len(found.on_floor) == 31
    assert round(found.lowest, 5) == 0.89997
    assert 0.04 <= found.sd_log <= 0.07


def test_minnesota_against_the_national_weights(shared, msdrg):
    """Pooled mean charges of 50 hospitals: Pearson .976, MAPE .112 at equal case-weighted mean."""
    path = shared / "facts/validation/us_minnesota_fy2011_hospital_drg.tsv"
    rows = pd.read_csv(path, sep="\t", dtype={"drg": str})
    charge = (rows["discharges"] * rows["mean_charge"]).groupby(rows["drg"]).sum()
    cases = rows.groupby("drg")["discharges"].sum()
    frame = pd.DataFrame({"drg": charge.index, "weight": (charge / cases).to_numpy(),
                          "cases": cases.to_numpy()})  # fmt: skip
    found = compare(WeightTable("minnesota", frame), table(msdrg[2013], "fy2013"))
    assert found.both == 100
    assert [round(found.pearson, 3), round(found.mape, 3)] == [0.976, 0.112]
    assert found.weighting == "cases of minnesota"
