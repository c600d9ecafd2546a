"""Files that a record holds to (记录所附文件): each by its SHA-256, compared with what is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from drg.documents import inside
from drg.language import say
from drg.provenance import hash_file


def changed_files(folder: Path, files: Mapping[str, str], ledger: Path) -> list[str]:
    """What is not as the record says; nothing when all is well.

    Args:
        folder: where the files are.
        files: name inside the folder -> SHA-256 on record.
        ledger: the record, for errors.

    Raises:
        DrgError: a name leads out of the folder.
    """
    faults = []
    for name, wanted in files.items():
        path = inside(folder, name, ledger, "files")
        if not path.is_file():
            faults.append(say(f"{name}: 文件缺失", f"{name}: is missing"))
        elif (found := hash_file(path)) != wanted:
            faults.append(say(
                f"{name}: 已改动：sha256 为 {found}，记录为 {wanted}",
                f"{name}: has changed: sha256 {found}, on record {wanted}",
            ))  # fmt: skip
    return faults
