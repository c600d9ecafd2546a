"""Writing a synthetic region: a folder that appears whole or not at all."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from os import PathLike
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drg.errors import problem
from drg.language import say
from drg.progress import Progress
from drg.provenance import document_at, record, to_json
from drg.sample.block import World, make_world
from drg.sample.front_page import as_front_page
from drg.sample.options import SCHEME, Options
from drg.sample.region import stream_blocks
from drg.sample.tables import hidden_hospitals, weight_table
from drg.tables import TableSink, open_sink, whole_folder
from drg.tables.atomic import writing

FORMATS = ("csv", "parquet")
DIALECTS = ("canonical", "front-page")
KIND = "synthetic region"
RECORD = "region.json"
FILES = {
    RECORD,
    "cases.csv",
    "cases.parquet",
    "hospitals.csv",
    "truth/cases.csv",
    "truth/cases.parquet",
    "truth/irregularities.csv",
    "truth/weights.csv",
    "truth/hospitals.csv",
}


def write_region(
    out: str | PathLike[str],
    options: Options | None = None,
    *,
    format: str = "csv",  # noqa: A002 - the name of the command's option
    dialect: str = "canonical",
    **chosen: int | float,
) -> Path:
    """Write a region, block by block, so that memory does not grow with its size.

    The same options give the same bytes with the same versions of numpy and pyarrow.

    Args:
        out: folder to make; an empty one, or one that holds nothing but an earlier region, is
            replaced.
        options: size, year and shares.
        format: ``csv`` (UTF-8) or ``parquet``, for the cases and their truth.
        dialect: ``canonical``, or ``front-page`` for the Chinese headers of the inpatient front
            page in GB18030 (CSV only).
        **chosen: fields of :class:`Options`, instead of ``options``: ``cases``, ``hospitals``,
            ``seed`` and so on.

    Returns:
        The folder.

    Raises:
        DrgError: an argument is out of its range, the folder holds something else, or the disk
            cannot be written.
    """
    _one_of("format", format, FORMATS)
    _one_of("dialect", dialect, DIALECTS)
    if dialect == "front-page" and format != "csv":
        raise problem(say("只能与 csv 同用", "goes with csv only"), key="dialect", found=dialect,
                      expected=say("format 为 csv", "format csv"))  # fmt: skip
    options = options or Options(**chosen)  # type: ignore[arg-type]
    target = Path(out)
    _check_target(target)
    world = make_world(options)
    with whole_folder(target, FILES) as folder, writing(target):
        (folder / "truth").mkdir()
        _write_tables(folder, world, format, dialect)
        small = {
            "hospitals.csv": pa.Table.from_pandas(world.hospitals.table(), preserve_index=False),
            "truth/weights.csv": weight_table(world),
            "truth/hospitals.csv": hidden_hospitals(world),
        }
        for name, table in small.items():
            with open_sink(folder / name, table.schema, encoding="utf-8") as sink:
                _append(sink, table)
        (folder / RECORD).write_text(_record(options, format, dialect), encoding="utf-8")
    return target


def _one_of(key: str, found: str, known: tuple[str, ...]) -> None:
    if found not in known:
        raise problem(say("没有这个选项", "unknown choice"), key=key, found=found,
                      expected=say(" 或 ", " or ").join(known))  # fmt: skip


def _write_tables(folder: Path, world: World, file_format: str, dialect: str) -> None:
    """Write the tables that grow with the region."""
    total = world.options.cases
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(Progress(say("生成模拟统筹区", "sample"), total))
        sinks: list[TableSink] = []
        for block in stream_blocks(world):
            tables = [
                _dressed(block.cases, file_format, dialect),
                block.truth,
                block.irregularities,
            ]
            if not sinks:
                names = [f"cases.{file_format}", f"truth/cases.{file_format}"]
                names.append("truth/irregularities.csv")
                encodings = ["gb18030" if dialect == "front-page" else "utf-8", "utf-8", "utf-8"]
                sinks = [
                    stack.enter_context(open_sink(folder / name, table.schema, encoding=encoding))
                    for name, table, encoding in zip(names, tables, encodings, strict=True)
                ]
            for sink, table in zip(sinks, tables, strict=True):
                _append(sink, table)
            progress.advance(len(block.cases))


def _dressed(cases: pa.Table, file_format: str, dialect: str) -> pa.Table:
    """The cases as their file wants them: true lists in Parquet, numbered columns in Chinese."""
    if dialect == "front-page":
        return as_front_page(cases)
    if file_format == "parquet":
        for name in ("diagnoses", "procedures"):
            place = cases.column_names.index(name)
            cases = cases.set_column(place, name, _lists(cases[name]))
    return cases


def _lists(joined: pa.ChunkedArray) -> pa.ChunkedArray:
    """Codes joined by ``|`` as lists; an empty text becomes an empty list."""
    lists = pc.split_pattern(joined, "|")
    empty = pa.scalar([], pa.list_(pa.string()))
    return pc.if_else(pc.equal(joined, ""), empty, lists)


def _append(sink: TableSink, table: pa.Table) -> None:
    for batch in table.combine_chunks().to_batches():
        sink.write(batch)


def _record(options: Options, file_format: str, dialect: str) -> str:
    """What the region was made from; no time and no place, so that it repeats."""
    from grouper import load_scheme

    return to_json(
        record(
            kind=KIND,
            options=asdict(options),
            format=file_format,
            dialect=dialect,
            scheme={"id": SCHEME, "sha256": load_scheme(SCHEME).content_hash},
            libraries={"numpy": np.__version__, "pyarrow": pa.__version__},
        )
    )


def _check_target(target: Path) -> None:
    """Refuse a place that holds anything but an earlier region.

    Raises:
        DrgError: it does, or it cannot be made there.
    """
    if not target.exists():
        if not target.absolute().parent.is_dir():
            raise problem(
                say("上级文件夹不存在", "the folder above it does not exist"), file=target
            )
        return
    if not target.is_dir():
        raise problem(say("不是文件夹", "is not a folder"), file=target)
    found = {p.relative_to(target).as_posix() for p in target.rglob("*") if not p.is_dir()}
    if found and document_at(target / RECORD).get("kind") != KIND:
        raise problem(say("文件夹不为空，且不是本程序生成的模拟统筹区",
                          "is not empty and holds no region made by this program"),
                      file=target)  # fmt: skip
    foreign = sorted(found - FILES)
    if foreign:
        raise problem(
            say("含有不属于模拟统筹区的文件", "holds files that are not part of a region"),
            file=target, found=", ".join(foreign[:3]),
        )  # fmt: skip
