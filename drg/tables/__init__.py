"""Tables in and out: CSV, Excel and Parquet, in batches, in order, whole or not at all."""

from __future__ import annotations

from drg.tables.atomic import atomic_path, check_outputs, check_target
from drg.tables.batches import Batch, Block, Malformed, TableSink, TableSource
from drg.tables.files.opening import READABLE, WRITABLE, open_sink, open_table
from drg.tables.files.pipeline import batches, default_workers, in_order, run
from drg.tables.files.whole import read_table, write_table
from drg.tables.rejects import RejectFile, neutralise
from drg.tables.together import family, whole_folder

__all__ = [
    "READABLE",
    "WRITABLE",
    "Batch",
    "Block",
    "Malformed",
    "RejectFile",
    "TableSink",
    "TableSource",
    "atomic_path",
    "batches",
    "check_outputs",
    "check_target",
    "default_workers",
    "family",
    "in_order",
    "neutralise",
    "open_sink",
    "open_table",
    "read_table",
    "run",
    "whole_folder",
    "write_table",
]
