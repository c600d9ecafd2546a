"""Weights from a file: grouped cases in, weight table out, with its record and the rejects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from drg.cases.opening import digest_of
from drg.provenance import file_name, grouped_by, hash_file
from drg.tables import RejectFile, check_outputs, write_table
from drg.tables.atomic import write_record
from drg.tables.derived import without_formulas
from drg.tables.together import at_once
from weights.cases.costs import Costs
from weights.cases.intake import observe_file
from weights.cases.observations import Observations
from weights.fit.calibrator import Calibrator
from weights.fit.recipe import describe
from weights.table import WeightTable

TRIMMED_COLUMNS = ("row", "drg", "hospital_id", "cost", "lower", "upper", "quantity")


def fit_file(
    source: str | PathLike[str],
    out: str | PathLike[str],
    calibrator: Calibrator,
    *,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    inputs: Mapping[str, str | PathLike[str] | None] | None = None,
    names: Mapping[str, str] | None = None,
    totals: str | None = None,
    trimmed: str | PathLike[str] | None = None,
    accept_unreadable: bool = True,
    progress: Callable[[int, int | None], None] | None = None,
    pictures: Path | None = None,
    draw: Callable[[Path, Calibrator, Observations], object] | None = None,
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
        totals: with the column ``cases``, whether costs are the ``sum`` or the ``mean``.
        trimmed: table to write of the cases that trimming removed or changed, by row of the file.
        accept_unreadable: as in ``observe_file``.
        progress: called with units done and their total, when it is known.
        pictures: folder for what ``draw`` makes; it appears with the table.
        draw: called with a folder to write into, the fitted calibrator and the cases.

    Returns:
        The fitted calibrator and the cases used.

    Raises:
        DrgError: a file cannot be used, or a step cannot be done with this data.
    """
    source, out = Path(source), Path(out)
    rejects_path, run_path = (out.parent / f"{out.name}{e}" for e in (".rejects.csv", ".run.json"))
    others = {name: Path(path) for name, path in (inputs or {}).items() if path is not None}
    if mapping is not None:
        others["mapping"] = Path(mapping)
    if isinstance(calibrator.previous, WeightTable) and calibrator.previous.path is not None:
        others["previous"] = calibrator.previous.path
    listing = None if trimmed is None else Path(trimmed)
    check_outputs((out, rejects_path, run_path, listing), (source, *others.values()))
    beside = [rejects_path, run_path]
    if one_home := listing is None or listing.parent == out.parent:
        beside += [listing] if listing is not None else []
    with at_once(out, *beside, folder=pictures) as (new, *_, filled):
        assert new is not None
        costs = calibrator.costs or Costs()
        with RejectFile(new.with_name(rejects_path.name)) as rejects:
            observed = observe_file(
                source, mapping=mapping, sheet=sheet, rejects=rejects, progress=progress,
                components=costs.components, years=costs.years, totals=totals,
                rows=trimmed is not None, hospitals=calibrator.needs_hospitals,
                accept_unreadable=accept_unreadable,
            )  # fmt: skip
            calibrator.fit(observed)
            about: dict[str, Any] = {
                "input": {"file": file_name(source), **digest_of(source)},
                "files": {name: hash_file(path) for name, path in others.items() if path.is_file()},
                "recipe": describe(calibrator),
            }
            scheme, digest = grouped_by(source)
            if scheme:
                about |= {"scheme": scheme, "scheme_sha256": digest}
            calibrator.table_ = _finished(calibrator.table_, out, about, names or {})
            calibrator.table_.write(new)
        if listing is not None:
            listed = trimmed_cases(calibrator, observed)
            place = new.with_name(listing.name) if one_home else listing
            write_table(place, without_formulas(listed))
        if pictures is not None and filled is not None and draw is not None:
            draw(filled, calibrator, observed)
        write_record(new.with_name(run_path.name), dict(calibrator.table_.record))
    return calibrator, observed


def trimmed_cases(calibrator: Calibrator, observed: Observations) -> pa.Table:
    """The cases that trimming took out or set to a bound (修剪病例清单).

    Args:
        calibrator: fitted.
        observed: the cases, with the places of their rows.

    Returns:
        ``row, drg, hospital_id, cost, lower, upper, quantity``; bounds are those of the group.
    """
    found = calibrator.trimmed_
    if found is None or observed.row is None:
        return pa.table({name: pa.array([], pa.string()) for name in TRIMMED_COLUMNS})
    rows = np.flatnonzero(~found.keep | (found.cost != observed.cost))
    drg = observed.drg[rows]
    hospitals = observed.hospitals or ("",)
    return pa.table({
        "row": observed.row[rows] + observed.intake.first,
        "drg": [observed.groups[i] for i in drg],
        "hospital_id": [hospitals[i] for i in observed.hospital[rows]],
        "cost": observed.cost[rows],
        "lower": found.lower[drg],
        "upper": found.upper[drg],
        "quantity": [found.quantity] * len(rows),
    })  # fmt: skip


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
