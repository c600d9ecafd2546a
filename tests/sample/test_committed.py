"""The committed small region is what its page and its record say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from drg.sample import write_region
from grouper import Grouper

FOLDER = Path(__file__).parents[2] / "data_samples" / "region-small"
PAGE = FOLDER.parent / "README.md"


def test_its_truth_is_the_engines_answer() -> None:
    cases = pd.read_csv(FOLDER / "cases.csv", dtype={"diagnoses": str, "procedures": str})
    truth = pd.read_csv(FOLDER / "truth" / "cases.csv", keep_default_na=False)
    assert len(cases) == 5000
    assert (Grouper().group(cases)["drg"] == truth["drg"]).all()


def test_the_page_names_every_column() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for path in sorted(FOLDER.rglob("*.csv")):
        assert f"`{path.relative_to(FOLDER).as_posix()}`" in page
        for column in pd.read_csv(path, nrows=1).columns:
            assert f"`{column}`" in page, f"{path.name}: {column}"


def test_it_can_be_made_again(tmp_path: Path) -> None:
    record = json.loads((FOLDER / "region.json").read_text(encoding="utf-8"))
    if record["libraries"] != {"numpy": np.__version__, "pyarrow": pa.__version__}:
        pytest.skip("made with other versions of numpy and pyarrow")
    made = write_region(tmp_path / "r", **record["options"])
    for path in FOLDER.rglob("*.csv"):
        assert (made / path.relative_to(FOLDER)).read_bytes() == path.read_bytes(), path.name
