"""Grouping on Spark (分布式分组): the engine's batch functions on a cluster's executors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from drg.cases.columns import recognise
from drg.cases.opening import open_cases
from drg.provenance import hash_file
from drg.spark.dataset import Carried
from drg.spark.place import placed
from drg.tables import RejectFile
from grouper.codes.editions import INSURANCE
from grouper.engine.account import Account
from grouper.engine.files import Grouping, beside
from grouper.engine.grouper import Grouper, Headers
from grouper.engine.results import RESULT_COLUMNS, renamed
from grouper.scheme.name import DEFAULT, Named

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def group(
    cases: DataFrame,
    scheme: Named = DEFAULT,
    columns: Headers = None,
    codes: str = INSURANCE,
    *,
    ambiguous: bool = False,
) -> DataFrame:
    """Append ``mdc, adrg, drg, severity, status, reason`` to a table of cases on Spark.

    The groups are those of :func:`grouper.group`, row by row. The compiled scheme travels once to
    each process of an executor.

    Args:
        cases: one row a discharge, in any of the known dialects; code columns may be arrays.
        scheme: id of a shipped scheme or folder of a pack on the driver.
        columns: canonical name -> columns, for headers that are not known.
        codes: edition of the codes in the cases.
        ambiguous: with the scheme's optional ambiguous groups.

    Returns:
        The table, to be worked out when it is asked for. Columns of the input that bear a result's
        name are renamed (``drg`` becomes ``drg_input``).

    Raises:
        DrgError: there is no such scheme, or no column holds the diagnoses.
    """
    from pyspark.sql.types import StringType, StructField, StructType

    found = recognise(cases.columns, columns)
    found.need("diagnoses")
    changed = renamed(cases.columns)
    kept = [StructField(changed.get(one.name, one.name), one.dataType, one.nullable)
            for one in cases.schema.fields]  # fmt: skip
    schema = StructType([*kept, *(StructField(name, StringType()) for name in RESULT_COLUMNS)])
    carried = Carried(cases.sparkSession, Grouper(scheme, codes, ambiguous=ambiguous))
    names, size = schema.names, len(kept)
    given = cases.columns

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            batch = batch.rename_columns(given)
            result = carried.here().group_batch(batch, found)
            added = [column.cast(pa.string()) for column in result.columns]
            yield pa.RecordBatch.from_arrays([*batch.columns, *added], names=names)

    return cases.toDF(*(f"c{i}" for i in range(size))).mapInArrow(run, schema)


def group_dataset(
    source: str | PathLike[str],
    out: str | PathLike[str],
    *,
    scheme: Named = DEFAULT,
    mapping: str | PathLike[str] | None = None,
    codes: str = INSURANCE,
    names: bool = False,
) -> Account:
    """Group a dataset of Parquet files on the session at hand; as ``group_file`` groups a file.

    What stands beside the output of ``group_file`` stands beside the dataset too. Rows are counted
    from 1 in the order of the files' names.

    Args:
        source: a folder of Parquet files, or one.
        out: folder for the part files.
        scheme: as in ``group_file``, likewise the rest.
        mapping: mapping file.
        codes: edition.
        names: names of groups.

    Raises:
        DrgError: as ``group_file``, or Spark could not do it.
    """
    source, out = Path(source), Path(out)
    began = time.perf_counter()
    ours = [path.name for path in (out, *beside(out))]
    with (
        placed(out.parent, ours, (source,)) as results,
        open_cases(source, mapping=mapping, needed=("diagnoses",)) as table,
    ):
        dataset = table.dataset
        assert dataset is not None
        grouping = Grouping(table, out, scheme, codes, names=names)
        account, work = grouping.account, grouping.work
        account.mapping_hash = "" if mapping is None else hash_file(mapping)
        account.dataset = dataset.about()
        new = results.here / out.name
        with RejectFile(beside(new)[0]) as rejects:
            note, place = grouping.notes(rejects), results.dataset(out.name)
            for rows, outcome in dataset.write(work, work.schema, place):
                note(outcome, account.cases)
                account.cases += rows
        grouping.finish(new)
    account.seconds = time.perf_counter() - began
    return account
