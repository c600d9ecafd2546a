"""Published payment standards (支付标准), to the cent: Qingdao's 682 x 4, Tongchuan's 596 x 2."""

from __future__ import annotations

import csv
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import weights
from budget import load_policy
from budget.price.standards import standards
from drg.cli.policy.show import app
from weights.table import open_weights

FOLDER = Path(weights.__file__).parent / "published"
QINGDAO = {"tier1": "standard_tier1", "tier2": "standard_tier2", "tier3": "standard_tier3",
           "tier3_a_plus": "standard_tier3_a_plus"}  # fmt: skip
RATE = {"employee": Decimal("7126.63"), "resident": Decimal("6956.38")}
TONGCHUAN = """
id = "tongchuan-2022"
title = "铜川市DRG支付政策（2022年）"
valid_from = 2022-01-01
extends = "national-default"
source = "铜川市医疗保障局, DRG payment standards 2022"
weights = "tongchuan-2022"
remove = ["standard.rates", "coefficients"]

[standard.rates]
source = "铜川 2022"
employee = { insurance = "employee", yuan = 7126.63 }
resident = { insurance = "resident", yuan = 6956.38 }
"""


def published(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def cents(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_UP)


def to_the_cent(ours: float, given: str, exact: Decimal) -> bool:
    """Ours is the exact product to the cent, and the printed one is that product.

    Tongchuan prints ten significant digits: 14414.314998 stands as 14414.315, from which alone
    one would round to the wrong cent.
    """
    printed = Decimal(given)
    digits = Decimal(1).scaleb(exact.adjusted() - 9)
    assert abs(exact - printed) <= digits / 2, (given, exact)
    assert abs(as_cents(ours) - printed) <= Decimal("0.005") + digits / 2
    return as_cents(ours) == exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def as_cents(yuan: float) -> Decimal:
    """A standard of ours, which must be a whole number of cents as it stands."""
    held = Decimal(repr(float(yuan)))
    assert held == held.quantize(Decimal("0.01")), yuan
    return held


def read_csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, encoding="utf-8-sig", dtype={"drg": str})


def from_command(tmp_path: Path, policy: str) -> pd.DataFrame:
    out = tmp_path / "standards.csv"
    done = CliRunner().invoke(app, ["standards", "--policy", policy, "--out", str(out)])
    assert done.exit_code == 0, done.output
    return read_csv(out)


def in_memory(policy: str) -> pd.DataFrame:
    held = load_policy(policy)
    return standards(held, open_weights(held.header.weights), 2023)


@pytest.mark.parametrize("way", ["api", "command"])
def test_qingdao(way, tmp_path):
    frame = in_memory("qingdao-2023") if way == "api" else from_command(tmp_path, "qingdao-2023")
    assert {"drg", "hospital_class", "insurance", "standard"} <= set(frame.columns)
    employee = frame[frame["insurance"] == "employee"].set_index(["drg", "hospital_class"])
    held = employee["standard"].to_dict()
    assert len(held) == len(employee) == 682 * 4
    compared = 0
    for row in published("qingdao-2023"):
        for name, column in QINGDAO.items():
            assert as_cents(held[row["drg"], name]) == cents(row[column]), (row["drg"], name)
            compared += 1
    assert compared == 682 * 4
    assert len(frame) == 682 * 4 * 2


@pytest.mark.parametrize("way", ["api", "command"])
def test_tongchuan_is_a_document_and_no_code(way, tmp_path):
    document = tmp_path / "tongchuan.toml"
    document.write_text(TONGCHUAN, encoding="utf-8")
    source = str(document)
    frame = in_memory(source) if way == "api" else from_command(tmp_path, source)
    assert set(frame["hospital_class"]) == {"all"}
    held = frame.set_index(["drg", "insurance"])["standard"].to_dict()
    compared = 0
    for row in published("tongchuan-2022"):
        for insurance in ("employee", "resident"):
            given, ours = row[f"standard_{insurance}"], held[row["drg"], insurance]
            if not given:
                assert pd.isna(ours)
                continue
            exact = Decimal(row["weight"]) * RATE[insurance]
            assert to_the_cent(ours, given, exact), (row["drg"], insurance)
            compared += 1
    assert compared == 596 * 2


def test_a_group_set_by_a_column_of_the_weights_prices_residents_of_qingdao():
    table = open_weights("qingdao-2023")
    frame = table.frame.assign(resident_class="severe")
    frame.loc[frame.index[1], "resident_class"] = "other"
    ours = standards(load_policy("qingdao-2023"), type(table)("qd", frame), 2023)
    held = ours[ours["hospital_class"] == "tier3"].set_index(["drg", "insurance"])["standard"]
    for place, factor in ((0, "0.8"), (1, "0.6")):
        group = frame["drg"].iloc[place]
        weight = Decimal(repr(float(frame["weight"].iloc[place])))
        assert as_cents(held[group, "resident"]) == cents(str(weight * 12000 * Decimal(factor)))
