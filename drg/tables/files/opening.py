"""Which reader or writer a file gets, by its name and its first bytes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from drg.errors import problem
from drg.language import say
from drg.tables.batches import DEFAULT_BATCH_ROWS, TableSink, TableSource, reading, unique_names
from drg.tables.headers import Known

_CSV = (".csv", ".tsv", ".txt")
_EXCEL = (".xlsx", ".xlsm", ".xls", ".xlsb")
_PARQUET = (".parquet", ".pq")
_MAGIC = {
    b"PAR1": ("parquet", "Parquet 文件", "a Parquet file"),
    b"PK\x03\x04": ("excel", "Excel 工作簿或其他 zip 压缩包",
                    "an Excel workbook or another zip archive"),
    b"\xd0\xcf\x11\xe0": ("excel", "旧版 Excel 工作簿（.xls）", "an old Excel workbook (.xls)"),
    b"%PDF": ("", "PDF 文档", "a PDF document"),
}  # fmt: skip
READABLE = ".csv, .tsv, .txt (each also .gz), .xlsx, .xlsm, .xls, .xlsb, .parquet, .pq"
WRITABLE = ".csv, .tsv, .txt (each also .gz), .xlsx, .parquet, .pq"


def open_table(
    path: str | os.PathLike[str],
    *,
    batch_rows: int = DEFAULT_BATCH_ROWS,
    sheet: str | None = None,
    dictionaries: bool = False,
    known: Known | None = None,
) -> TableSource:
    """Open a CSV, Excel or Parquet file, or a folder of Parquet files, to read it in batches.

    Args:
        path: The file or folder.
        batch_rows: About how many rows a batch has.
        sheet: An Excel sheet's name; by default the first one.
        dictionaries: Let batches of a Parquet file have dictionary arrays (also as list items)
            for text of few distinct values, which reads several times faster. The source's
            ``schema`` says plain text all the same, and every sink takes them as such.
        known: How many of some headers are known, where the header may stand below titles; without
            it the first row that is not empty is the header.

    Raises:
        DrgError: The file is missing, empty, damaged or not what its name says.
    """
    path = Path(path)
    with reading(path, ValueError):
        folder = path.is_dir()
    if folder and sheet is None:
        from drg.tables.files.dataset import Dataset

        return Dataset(path, batch_rows=batch_rows, dictionaries=dictionaries)
    kind = _kind(path, READABLE)
    # ValueError: a name that cannot be one, with a NUL or characters of no encoding.
    with reading(path, ValueError), path.open("rb") as file:
        start = file.read(8)
    _check_content(path, kind, start)
    if sheet is not None and kind != "excel":
        raise problem(say("没有工作表，只有 Excel 工作簿才有",
                          "has no sheets, only an Excel workbook has"),
                      file=path, found=sheet)  # fmt: skip
    if kind == "parquet":
        from drg.tables.parquet import ParquetSource

        return ParquetSource(path, batch_rows=batch_rows, dictionaries=dictionaries)
    if kind == "excel":
        from drg.tables.excel.read import ExcelSource

        return ExcelSource(path, batch_rows=batch_rows, sheet=sheet, known=known)
    from drg.tables.csv.read import CsvSource

    return CsvSource(path, batch_rows=batch_rows, known=known)


def open_sink(
    path: str | os.PathLike[str],
    schema: pa.Schema,
    *,
    like: TableSource | None = None,
    metadata: Mapping[str, str] | None = None,
    encoding: str | None = None,
) -> TableSink:
    """Make a writer for a table; nothing is on disk until it is entered with ``with``.

    Args:
        path: The file to make or replace; its ending tells the format.
        schema: Columns and types.
        like: The source the rows come from; a CSV output follows a CSV source's encoding and
            delimiter, and leaves headers blank that were blank in the source.
        metadata: Key-value metadata of a Parquet file; other formats have no place for it.
        encoding: Of a CSV file: ``utf-8``, ``utf-8-sig`` or ``gb18030``; from other sources
            UTF-8 with a byte order mark, which Excel opens right.

    Raises:
        DrgError: The format cannot be written, or a column name stands twice.
    """
    path = Path(path)
    kind = _kind(path, WRITABLE)
    unique_names(list(schema.names), path)
    if kind == "parquet":
        from drg.tables.parquet import ParquetSink

        return ParquetSink(path, schema, metadata=metadata)
    if kind == "excel":
        if path.suffix.lower() != ".xlsx":
            raise problem(say("不能写出这种 Excel 格式，请用 .xlsx",
                              "this Excel format cannot be written; use .xlsx"),
                          file=path)  # fmt: skip
        from drg.tables.excel.write import ExcelSink

        return ExcelSink(path, schema)
    return _csv_sink(path, schema, like, encoding)


def _csv_sink(
    path: Path, schema: pa.Schema, like: TableSource | None, encoding: str | None
) -> TableSink:
    from drg.tables.csv.write import CsvSink

    if encoding not in (None, "utf-8", "utf-8-sig", "gb18030"):
        raise problem(
            say("不能以这种编码写出", "cannot be written in this encoding"),
            file=path, found=encoding,
            expected=say("utf-8、utf-8-sig 或 gb18030", "utf-8, utf-8-sig or gb18030"),
        )  # fmt: skip
    from_csv = like is not None and like.kind == "csv"
    usual_delimiter = "\t" if _endings(path)[0] == ".tsv" else ","
    return CsvSink(
        path,
        schema,
        encoding=encoding or (like.encoding if like and from_csv else None) or "utf-8-sig",
        delimiter=(like.delimiter if like and from_csv else None) or usual_delimiter,
        blank_headers=like.blank_headers if like else None,
    )


def _endings(path: Path) -> tuple[str, bool]:
    """The ending that tells the format, and whether ``.gz`` follows it."""
    endings = [""] + [suffix.lower() for suffix in path.suffixes]
    if endings[-1] == ".gz":
        return endings[-2], True
    return endings[-1], False


def _kind(path: Path, accepted: str) -> str:
    ending, zipped = _endings(path)
    if ending in _CSV:
        return "csv"
    if ending in _EXCEL and not zipped:
        return "excel"
    if ending in _PARQUET and not zipped:
        return "parquet"
    raise problem(
        say("不是表格文件的扩展名", "the ending is not that of a table"), file=path,
        found=path.name, expected=say(accepted.replace("each also", "均可加"), accepted),
    )  # fmt: skip


def _check_content(path: Path, kind: str, start: bytes) -> None:
    """Say it plainly when the first bytes belong to another format than the name's.

    Raises:
        DrgError: They do, or the file is empty.
    """
    if not start:
        raise problem(say("文件为空，应有表头行", "is empty, expected a header line"), file=path)
    for magic, (true_kind, zh, en) in _MAGIC.items():
        if start.startswith(magic) and true_kind != kind:
            raise problem(say(f"内容像是：{zh}，请改用相应的扩展名",
                              f"looks like {en}; rename it to end so"),
                          file=path)  # fmt: skip
    if kind == "parquet" and not start.startswith(b"PAR1"):
        raise problem(say("不是 Parquet 文件", "is not a Parquet file"), file=path)
