"""Grouping a dataset (分区数据集) part by part: what was done before a run was broken off stays.

The parts are grouped into ``OUT.unfinished``, which becomes ``OUT`` when all are whole. A run that
finds it there goes on with the parts that are missing.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from drg import __version__
from drg.cases.opening import open_cases
from drg.datasets import parts_of
from drg.errors import DrgError, problem
from drg.language import say
from drg.provenance import document_at, hash_file, record, record_of
from drg.tables.atomic import write_record, writing
from drg.tables.files.dataset import keys_of
from drg.tables.together import exchanged
from grouper.codes.editions import INSURANCE
from grouper.engine.files import beside, group_file
from grouper.engine.grouper import Grouper
from grouper.engine.results import NAME_COLUMN
from grouper.scheme.name import DEFAULT, Named

LISTS = "_drg"  # in the output: what stands beside each part


@dataclass
class Parts:
    """What grouping a dataset came to.

    Attributes:
        parts: how many files it has.
        kept: how many were whole from a run that was broken off.
        cases: rows of the input, and of the output.
        statuses: cases by status.
        rejects: entries in the lists of what could not be read.
        documents: the record of each part, by its place in the dataset.
    """

    parts: int = 0
    kept: int = 0
    cases: int = 0
    rejects: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def add(self, place: str, document: Mapping[str, Any]) -> None:
        """Count a part that is whole."""
        self.parts += 1
        self.documents[place] = document
        self.cases += document["cases"]
        self.rejects += document["rejects"]
        self.statuses.update(document["statuses"])


def group_parts(
    source: str | PathLike[str],
    out: str | PathLike[str],
    *,
    scheme: Named = DEFAULT,
    mapping: str | PathLike[str] | None = None,
    codes: str = INSURANCE,
    names: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> Parts:
    """Group a folder of Parquet files into another, file by file.

    Each file comes back at its place with its columns kept and ``mdc, adrg, drg, severity, status,
    reason`` appended; what stands beside it is in ``OUT/_drg``. ``OUT.run.json`` is written last.

    Args:
        source: folder of Parquet files.
        out: folder to make; one of an earlier run is replaced as a whole.
        scheme: id of a shipped scheme or folder of a pack.
        mapping: mapping file for headers that are not known.
        codes: edition of the input's codes, ``insurance`` or ``clinical``.
        names: whether ``drg_name``, the name of the group, is appended too.
        progress: called with the parts done and their number.

    Raises:
        DrgError: as :func:`~grouper.engine.files.group_file`; or the folder of the output holds
            something else; or the name of a folder says what the scheme asks for.
    """
    source, out = Path(source), Path(out)
    files = {one.relative_to(source).as_posix(): one for one in parts_of(source)}
    grouper = Grouper(scheme, codes)
    with open_cases(source, mapping=mapping, needed=("diagnoses",)) as table:
        folders = set().union(*(keys_of(Path(place)) for place in files))
        asked = {name for part in grouper.parts_used() for name in table.columns.columns(part)}
        if hit := sorted(asked & folders):
            raise problem(say("分组要用的列在文件夹名中，请输出为一个文件（--out 文件名.parquet）",
                              "a column that grouping needs is the name of folders; write one "
                              "file (--out FILE.parquet)"), file=source,
                          found=", ".join(hit))  # fmt: skip
    check_place(out)
    wanted = {
        "version": __version__, "scheme": grouper.compiled.content_hash, "codes": codes,
        "mapping": "" if mapping is None else hash_file(mapping), "names": names,
    }  # fmt: skip
    work, done = out.parent / f"{out.name}.unfinished", Parts()
    try:
        for place, file in files.items():
            target = work / place
            held = _whole(work, place, file, wanted)
            if held is None:
                with writing(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    for listed in beside(work / LISTS / place):
                        listed.unlink(missing_ok=True)
                group_file(file, target, scheme=scheme, mapping=mapping, codes=codes, names=names)
                held = document_at(record_of(target))
            else:
                done.kept += 1
            done.add(place, held)
            if progress is not None:
                progress(1, len(files))
    except DrgError:  # what was killed goes on later, what is refused leaves nothing
        shutil.rmtree(work, ignore_errors=True)
        raise
    with writing(out):
        _tidy(work, files)
        record_of(out).unlink(missing_ok=True)
        _replace(work, out)
    write_record(record_of(out), _document(done, grouper))
    return done


def check_place(out: Path) -> None:
    """Refuse a folder that holds something else than a dataset of an earlier run.

    Raises:
        DrgError: it does.
    """
    if out.exists() and not (out.is_dir() and ((out / LISTS).is_dir() or not any(out.iterdir()))):
        raise problem(say("已存在，且不是先前分组写出的数据集", "is there, and no dataset that "
                          "grouping wrote"), file=out)  # fmt: skip


def _whole(
    work: Path, place: str, file: Path, wanted: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The record of a part that stands from before, where it is of the same input and scheme."""
    target, lists = work / place, work / LISTS
    held = document_at(listed) if (listed := record_of(lists / place)).is_file() else (
        document_at(record_of(target)))  # fmt: skip
    try:
        there = {
            "version": held["version"], "scheme": held["scheme"]["sha256"],
            "codes": held["codes"]["edition"], "mapping": held["input"].get("mapping_sha256", ""),
            "names": NAME_COLUMN in pq.read_schema(target).names,
        }  # fmt: skip
        same = there == wanted and held["input"]["sha256"] == hash_file(file)
    except (KeyError, TypeError, OSError, pa.ArrowException, DrgError):
        return None
    return held if same else None


def _tidy(work: Path, files: Mapping[str, Path]) -> None:
    """Remove parts of another input, and put what stands beside parts where no reader looks."""
    (work / LISTS).mkdir(exist_ok=True)
    lists = {one: work / LISTS / one.relative_to(work) for name in files
             for one in beside(work / name)}  # fmt: skip
    kept = {*(work / name for name in files), *lists.values()}
    for path in [one for one in work.rglob("*") if one.is_file() and one not in kept]:
        if path in lists:
            lists[path].parent.mkdir(parents=True, exist_ok=True)
            path.replace(lists[path])
        else:
            path.unlink()
    for folder in sorted((one for one in work.rglob("*") if one.is_dir()), reverse=True):
        if not any(folder.iterdir()) and folder != work / LISTS:
            folder.rmdir()


def _replace(work: Path, out: Path) -> None:
    """Put the new dataset in the place of an older one."""
    if not out.exists():
        work.rename(out)
    elif not exchanged(work, out):
        shutil.rmtree(out)
        work.rename(out)
    shutil.rmtree(work, ignore_errors=True)  # what is there now is the old one


def _document(done: Parts, grouper: Grouper) -> dict[str, Any]:
    header = grouper.compiled.header
    return record(
        scheme={"id": header.id, "version": header.version,
                "sha256": grouper.compiled.content_hash},
        cases=done.cases, statuses=dict(done.statuses), rejects=done.rejects,
        parts={place: {"sha256": held["input"]["sha256"], "cases": held["cases"]}
               for place, held in done.documents.items()},
    )  # fmt: skip
