"""Weights from a file: grouped cases in, weight table out, with its record and the rejects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from drg.provenance import hash_file, to_json
from drg.tables import RejectFile, atomic_path, check_outputs
from weights.calibrator import Calibrator
from weights.costs import Costs
from weights.intake import observe_file
from weights.observations import Observations
from weights.recipe import describe
from weights.table import WeightTable


def fit_file(
    source: str | PathLike[str],
    out: str | PathLike[str],
    calibrator: Calibrator,
    *,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    inputs: Mapping[str, str | PathLike[str] | None] | None = None,
    names: Mapping[str, str] | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> tuple[Calibrator, Observations]:
    """Fit weights from a file and write the weight table.

    Rows that cannot be used are listed in ``<out>.rejects.csv``; ``<out>.run.json`` records the
    steps, versions and hashes.

    Args:
        source: grouped cases, or totals by hospital and group, as CSV, Excel or Parquet.
        out: weight table to write (.csv, .xlsx, .parquet).
        calibrator: the steps.
        mapping: mapping file for headers that are not recognised.
        sheet: sheet of a workbook.
        inputs: other files that the steps were read from, by what they are; hashed for the record.
        names: names of groups for the table.
        progress: called with units done and their total, when it is known.

    Returns:
        The fitted calibrator and the cases used.

    Raises:
        DrgError: a file cannot be used, or a step cannot be done with this data.
    """
    source, out = Path(source), Path(out)
    rejects_path, run_path = (out.with_name(out.name + e) for e in (".rejects.csv", ".run.json"))
    others = {name: Path(path) for name, path in (inputs or {}).items() if path is not None}
    if mapping is not None:
        others["mapping"] = Path(mapping)
    check_outputs((out, rejects_path, run_path), (source, *others.values()))
    costs = calibrator.costs or Costs()
    with RejectFile(rejects_path) as rejects:
        observed = observe_file(
            source, mapping=mapping, sheet=sheet, rejects=rejects, progress=progress,
            components=costs.components, years=costs.years,
        )  # fmt: skip
        calibrator.fit(observed)
        about: dict[str, Any] = {
            "input": {"file": source.name, "sha256": hash_file(source)},
            "files": {name: hash_file(path) for name, path in others.items() if path.is_file()},
            "recipe": describe(calibrator),
        }
        calibrator.table_ = _finished(calibrator.table_, out, about, names or {})
        calibrator.table_.write(out)
    with atomic_path(run_path) as path:
        path.write_text(to_json(dict(calibrator.table_.record)), encoding="utf-8")
    return calibrator, observed


def _finished(
    table: WeightTable, out: Path, about: dict[str, Any], names: Mapping[str, str]
) -> WeightTable:
    """The table under the name of its file, with names, and what else its record should say."""
    frame = table.frame
    if names:
        given = frame["drg"].map(names)
        frame = frame.assign(name=given.fillna(frame["name"]) if "name" in frame else given)
    found = {**table.record, **about, "weights_sha256": table.digest}
    return replace(table, id=out.name.split(".")[0] or out.name, frame=frame, record=found)
