"""Costs that are the sum of components: a cell of one that cannot be read is told as it stands."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weights import Calibrator, Costs, fit_file

PARTS = ("medical", "nursing", "technology", "drug_material", "management")


@pytest.mark.parametrize(("ending", "row"), [("csv", "5"), ("parquet", "4")])
def test_a_component_that_cannot_be_read(tmp_path, ending, row):
    cases = pd.DataFrame({
        "case_id": [f"C{i}" for i in range(40)], "drg": ["FR11", "FR13"] * 20,
        "hospital_id": "H1", "total_cost": "500", **{f"cost_{name}": "100" for name in PARTS},
    })  # fmt: skip
    cases.loc[3, "cost_nursing"] = "约100"
    source = tmp_path / f"cases.{ending}"
    if ending == "csv":
        cases.to_csv(source, index=False)
    else:
        pq.write_table(pa.Table.from_pandas(cases), source)
    chain = Calibrator(costs=Costs("components"))
    fit_file(source, tmp_path / "w.csv", chain, accept_unreadable=True)
    listed = pd.read_csv(tmp_path / "w.csv.rejects.csv", dtype=str)
    assert listed[["row", "column", "value"]].to_numpy().tolist() == [
        [row, "cost_nursing", "约100"]
    ]


def test_costs_that_arrow_cannot_take_from(tmp_path):
    cost = pa.array(["500"] * 39 + ["约500"], pa.string_view())
    pq.write_table(pa.table({"drg": ["FR11", "FR13"] * 20, "hospital_id": ["H1"] * 40,
                             "total_cost": cost}), tmp_path / "cases.parquet")  # fmt: skip
    fit_file(tmp_path / "cases.parquet", tmp_path / "w.csv", Calibrator(), accept_unreadable=True)
    assert list(pd.read_csv(tmp_path / "w.csv.rejects.csv")["value"]) == ["约500"]
