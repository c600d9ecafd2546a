"""Datasets (分区数据集): a folder of Parquet files that together are one table.

The files are taken in the order of their places in the folder. What begins with ``_`` or ``.`` is
no part of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from drg.errors import problem
from drg.language import say

ENDINGS = (".parquet", ".pq")


def parts_of(folder: Path) -> list[Path]:
    """The files of a dataset, by their places in it.

    Raises:
        DrgError: it holds none, or what is no Parquet file.
    """
    found: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=_unread):
        folders[:] = sorted(name for name in folders if name[0] not in "_.")
        for name in sorted(names):
            path = Path(place, name)
            if name[0] in "_.":
                continue
            if path.suffix.lower() not in ENDINGS:  # told at once: the folder may be a large one
                raise problem(
                    say(
                        "是文件夹，其中有不是 Parquet 的文件",
                        "is a folder of other files than Parquet",
                    ),
                    file=folder,
                    found=path.relative_to(folder).as_posix(),
                    expected=say(
                        "一个文件，或 Parquet 文件的文件夹", "a file, or a folder of Parquet files"
                    ),
                )
            found.append(path)
    found.sort(key=lambda path: path.relative_to(folder).as_posix())
    if not found:
        raise problem(
            say("文件夹中没有 Parquet 文件", "is a folder without a Parquet file"), file=folder
        )
    return found


def _unread(error: OSError) -> NoReturn:
    raise error
