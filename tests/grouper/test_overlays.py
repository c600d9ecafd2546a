from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest

from drg.errors import DrgError
from grouper import Grouper, find_scheme, load_scheme, shipped_schemes
from grouper.engine.migration import migrate_file
from grouper.scheme.changes import COLUMNS, Change, difference, read_changes, write_changes
from grouper.scheme.overlay import apply_changes
from tests.conftest import DATA

LOCAL = ["lanzhou-2023", "linfen-2022", "qingdao-2023"]


def test_the_local_schemes_are_shipped():
    assert set(LOCAL) < set(shipped_schemes())


@pytest.mark.parametrize("name", LOCAL)
def test_shared_local_labels_agree(shared, name):
    rows = pd.read_csv(shared / f"cases/{name}.csv.gz", dtype=str, keep_default_na=False)
    found = Grouper(name).group(rows)
    wrong = found[found["drg"] != found["drg_input"]]
    assert wrong.empty, wrong.head().to_string()
    assert len(found) == 3000


@pytest.mark.parametrize("name", LOCAL)
def test_overlays_are_small_and_in_one_file(name):
    folder = find_scheme(name)
    assert sorted(path.name for path in folder.iterdir()) == ["changes.csv", "scheme.toml"]
    assert sum(path.stat().st_size for path in folder.iterdir()) < 250_000


@pytest.mark.parametrize("old", ["chs-drg-1.1", *LOCAL])
@pytest.mark.parametrize("new", ["chs-drg-1.1", *LOCAL])
def test_a_difference_applied_is_the_other_scheme(tmp_path, old, new):
    before, after = load_scheme(old), load_scheme(new)
    changes = difference(before, after)
    write_changes(tmp_path / "changes.csv", changes)
    assert read_changes(tmp_path / "changes.csv") == changes
    made = apply_changes(before, changes, tmp_path / "changes.csv")
    assert difference(made, after) == []
    for part in ("mdcs", "adrgs", "drgs", "mcc", "cc", "exclusion", "trauma_sites",
                 "grouping_procedures"):  # fmt: skip
        assert getattr(made, part) == getattr(after, part), part
    assert {k: sorted(v) for k, v in made.lists.items()} == {
        k: sorted(v) for k, v in after.lists.items()
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("add", "drg", "BR23", "n", "BR2", "true", "first"), "row 2: drg BR23 is there already"),
        (("remove", "drg", "BR99"), "row 2: drg BR99 is not there"),
        (("add", "drg", "BR29", "n", "BR2", "true", "XX1"), "cannot stand behind a group"),
        (("change", "adrg", "BR2", "", "", "mcc and"), "rule of BR2: expected a condition"),
        (("change", "adrg", "BR2", "", "", "any_procedure in P7"), "list P7 of BR2 has no codes"),
        (("add", "diagnosis", "Z99.999x", "n", "MDCB"), "is not in the edition"),
        (("remove", "diagnosis", "I10.x00x002", "n", "MDCB"), "is not in MDCB"),
        (("change", "diagnosis", "I10.x00x002", "n", "MDCB"), "is added to or removed from"),
        (
            ("add", "diagnosis", "J96.000", "n", "CC:7"),
            "J96.000 is in MCC:109; remove it first: found 'CC:7'",
        ),
        (("move", "drg", "BR23"), "row 2: unknown word: found 'move'"),
        (("add", "drgs", "BR23"), "row 2: unknown word: found 'drgs'"),
        (("add", "drg", ""), "row 2: the code is empty"),
    ],
)
def test_faults_of_an_overlay(tmp_path, row, message):
    pack = tmp_path / "local"
    pack.mkdir()
    (pack / "scheme.toml").write_text(
        'id = "l"\ntitle = "t"\nversion = "1"\nsource = "s"\nextends = "chs-drg-1.1"\n'
    )
    write_changes(pack / "changes.csv", [Change(*row)])
    with pytest.raises(DrgError) as caught:
        load_scheme(pack)
    assert message in str(caught.value)
    assert "changes.csv" in str(caught.value)


def test_an_overlay_on_an_overlay_and_what_it_needs(tmp_path):
    pack = tmp_path / "street"
    pack.mkdir()
    header = 'id = "street"\ntitle = "t"\nversion = "1"\nsource = "s"\nextends = "{}"\n'
    (pack / "scheme.toml").write_text(header.format("qingdao-2023"))
    with pytest.raises(DrgError, match=r"lacks changes\.csv"):
        load_scheme(pack)
    (pack / "changes.csv").write_text("change,table\n")
    with pytest.raises(DrgError, match="has another header"):
        load_scheme(pack)
    write_changes(pack / "changes.csv", [Change("change", "drg", "BR23", "新名")])
    scheme = load_scheme(pack)
    assert next(drg.name for drg in scheme.drgs if drg.code == "BR23") == "新名"
    assert difference(load_scheme("qingdao-2023"), scheme) == [
        Change("change", "drg", "BR23", "新名", was="name: " + next(
            drg.name for drg in load_scheme("qingdao-2023").drgs if drg.code == "BR23"))
    ]  # fmt: skip
    (pack / "scheme.toml").write_text(header.format("nowhere"))
    with pytest.raises(DrgError, match="no such grouping scheme"):
        load_scheme(pack)


def test_migration_counts_every_case_and_every_fen(tmp_path):
    rows = pd.read_csv(DATA / "labelled-chs-drg-1.1.csv", dtype=str, keep_default_na=False)
    rows["total_cost"] = [f"{100 + i / 100:.2f}" for i in range(len(rows))]
    rows.to_csv(tmp_path / "cases.csv", index=False)
    found = migrate_file(tmp_path / "cases.csv", "chs-drg-1.1", "linfen-2022")
    old = Grouper("chs-drg-1.1").group(rows)["drg"]
    new = Grouper("linfen-2022").group(rows)["drg"]
    assert found.cases == Counter(zip(old, new, strict=True))
    assert found.total == len(rows)
    assert found.moved == (old.to_numpy() != new.to_numpy()).sum()
    assert sum(found.cost.values()) == sum(10_000 + i for i in range(len(rows)))
    table = found.table().to_pandas()
    assert table["cases"].sum() == len(rows)
    assert table.groupby("drg_old")["share_of_old"].sum().between(0.99, 1.01).all()


def test_columns_of_a_change_are_what_the_file_says():
    assert COLUMNS == ("action", "table", "code", "name", "place", "rule", "after", "was")
