"""A region with small hospitals, groups, months and branches planted in it, settled and projected.

Hospital E has 3 cases; F has 1 of residents and G 9 of employees only; February has 3 cases; group
DD19 has 2.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from budget.forecast.files import project_file
from budget.policy import load_policy
from budget.projection.scenario import BASELINE, Scenario, load_scenario
from tests.budget.region import HOSPITALS, YEAR, many, weight_table

MORE = pd.DataFrame(
    [
        ("F", "江边卫生院", 1, "", "东县", "town", 90.0, 80.0, 0.0),
        ("G", "山口卫生院", 1, "", "东县", "town", 90.0, 80.0, 0.0),
        ("H", "市第四医院", 2, "甲等", "市区", "city", 80.0, 90.0, 0.0),
        ("I", "市第五医院", 3, "甲等", "市区", "city", 90.0, 90.0, 0.0),
    ],
    columns=HOSPITALS.columns,
)
NAMES = pd.concat([HOSPITALS, MORE], ignore_index=True)


def cases(size: int = 900, seed: int = 4) -> pd.DataFrame:
    """The planted cases."""
    frame = many(size, seed)
    rng = np.random.default_rng(seed)
    frame["hospital_id"] = rng.choice(NAMES["hospital_id"], size)
    month = frame["discharge_date"].str[5:7]
    few: list[tuple[pd.Series[bool], int]] = [
        (frame["hospital_id"] == "E", 3),
        ((frame["hospital_id"] == "F") & (frame["insurance"] == "resident"), 1),
        ((frame["hospital_id"] == "G") & (frame["insurance"] == "resident"), 0),
        ((frame["hospital_id"] == "G") & (frame["insurance"] == "employee"), 9),
        (month == "02", 3),
        (frame["drg"] == "DD19", 2),
    ]
    kept = frame
    for which, count in few:
        own = kept.index[which[kept.index]]
        kept = kept.drop(own[count:])
    return kept.reset_index(drop=True)


def make(folder: Path, *, projected: bool = True, seed: int = 4) -> Path:
    """Its settlement and projection: results in the folder ``out``."""
    folder.mkdir(parents=True, exist_ok=True)
    cases(seed=seed).to_csv(folder / "cases.csv", index=False)
    NAMES.to_csv(folder / "hospitals.csv", index=False)
    (folder / "more.toml").write_text(
        'id = "more"\ntitle = "费用上涨"\nyears = 2\nsource = "默认"\n'
        "[drivers]\ninput_cost = 0.05\n",
        encoding="utf-8",
    )
    scenarios: list[Scenario] = [BASELINE]
    if projected:
        scenarios.append(load_scenario(folder / "more.toml"))
    project_file(
        folder / "cases.csv", folder / "out", weight_table(), load_policy("national-default"),
        folder / "hospitals.csv", YEAR, scenarios,
        last_year={"employee": 1.6e6, "resident": 1.2e6},
    )  # fmt: skip
    return folder / "out"
