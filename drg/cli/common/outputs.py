"""Outputs (输出) of every command, looked at before it reads or changes anything."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from drg.language import say

Given: TypeAlias = Path | str | None
TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".xlsx", ".parquet", ".pq")
PAGES, WORD, BOOK = (".html", ".htm"), (".docx",), (".xlsx",)
REPORTS = (*PAGES, *WORD)
CSV = (".csv", ".csv.gz")
PICTURES = (".svg", ".png", ".pdf")
_ROOMS = ("drg", "grouper", "weights", "budget")
_RECORDS = ("settlement.json", "projection.json", "policy_search.json", "backtest.json",
            "switch.json", "monitor.json", "audit.json", "prepayment.json",
            "retention.json")  # fmt: skip
_QUOTED = re.compile(r'"([^"\n]{1,300})"|\'([^\'\n]{1,300})\'')
_LARGEST = 1 << 20  # bytes of a document that may name other files


def look_first(
    reads: Iterable[Given],
    *files: tuple[Path | None, Sequence[str]],
    beside: Iterable[Path] = (),
    folder: Path | None = None,
    results: Iterable[str] = (),
) -> None:
    """Refuse what cannot be written, or would replace what is read, before anything is done.

    What a round or a book has on record counts as read, wherever an output lies in its folder.
    Read is all that the arguments lead to: files and their records, documents and the files that
    they name (a policy's chain, a recipe's tables), packs, rounds, folders of tables. What killed
    runs left in the folders concerned is removed.

    Args:
        reads: arguments that may name a file or a folder; ids of what is shipped, too.
        files: outputs, each with the endings that it may have; none for any.
        beside: further outputs, which follow from these.
        folder: a folder to be filled.
        results: what comes to stand in it.

    Raises:
        DrgError: an output has another ending, cannot be written, is an input, a part of one, or
            a part of this program; or an input is not the table that its record tells of.
    """
    from drg.errors import problem
    from drg.tables.atomic import check_outputs, refuse_inputs
    from drg.tables.held import sweep
    from drg.tables.together import check_folder

    wanted = [(path, endings) for path, endings in files if path is not None]
    for path, endings in wanted:
        if endings and not path.name.lower().endswith(tuple(endings)):
            raise problem(say("不能写成这种文件", "unknown kind of file"), file=path,
                          expected=", ".join(endings))  # fmt: skip
    outputs = [*(path for path, _ in wanted), *beside]
    given = tuple(reads)
    found = list(_reached(given))
    for one in dict.fromkeys(path if path.is_dir() else path.parent for path in found):
        sweep(one)
    inputs = [path for path in found if path.is_file()]
    plain = [os.path.realpath(path) for path in found if path.is_dir() and _is_plain(path)]
    plain += [os.path.realpath(room) for path in found for room in _rooms_of(path)]
    placed = [] if folder is None else [folder / name for name in results if name[-1] != "/"]
    homes = {home for path in (*outputs, *placed)
             for home in Path(os.path.realpath(path)).parents[:2]
             if (home / "ledger.jsonl").is_file()}  # fmt: skip
    inputs += [path for home in homes for path in _parts(home) if path.is_file()]
    plain += [str(room) for home in homes for room in _rooms_of(home)]
    for path in [*outputs, *([] if folder is None else [folder])]:
        _outside(path, plain)
    if folder is not None:
        check_folder(folder)
    refuse_inputs(placed, inputs)
    check_outputs(outputs, inputs)
    named = {str(one) for one in given if one}
    for path in inputs:
        if str(path) in named:
            _of_its_record(path)


def book_of(page: Path) -> list[Path]:
    """The workbook beside a page; none beside what has no name, which is refused for that."""
    return [page.with_suffix(".xlsx")] if page.name else []


def _outside(path: Path, sources: Iterable[str]) -> None:
    """Refuse an output that lies in a folder of sources or in this program."""
    import drg
    from drg.errors import problem

    real = Path(os.path.realpath(path))
    if any(real.is_relative_to(source) for source in sources):
        raise problem(say("在输入文件夹内，请另指定位置",
                          "is in the folder that is read; name another place"),
                      file=path)  # fmt: skip
    home = Path(os.path.realpath(drg.__file__)).parents[1]
    if any(real.is_relative_to(home / room) for room in _ROOMS):
        raise problem(say("在本程序的文件夹内，请另指定位置",
                          "is in the folder of this program; name another place"),
                      file=path)  # fmt: skip


def _reached(given: Iterable[Given]) -> Iterator[Path]:
    """Files and folders that arguments lead to, each once."""
    from drg.provenance import record_of

    texts = [str(one) for one in given if one]
    waiting = [Path(one) for text in texts for one in (text, text.rpartition("+")[0]) if one]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop()
        try:
            real = os.path.realpath(path)
            there = path.is_file() or path.is_dir()
        except (OSError, ValueError):
            continue
        if real in seen or not there:
            continue
        seen.add(real)
        yield path
        if path.is_dir():
            with contextlib.suppress(OSError):  # whoever reads it says that it cannot be read
                waiting += _parts(path)
            continue
        waiting.append(record_of(path))
        if path.suffix.lower() == ".toml":
            waiting += _named(path)


def _named(document: Path) -> Iterator[Path]:
    """Files that a document may name: from its folder or from here, with or without an ending."""
    try:
        if document.stat().st_size > _LARGEST:
            return
        text = document.read_text("utf-8-sig", errors="replace")
    except OSError:
        return
    here = os.path.realpath(document.parent)
    for match in _QUOTED.finditer(text):
        name = match[1] or match[2]
        for path in (document.parent / name, document.parent / f"{name}.toml", Path(name)):
            try:
                if path.is_file() or (path / "scheme.toml").is_file():
                    yield path
            except (OSError, ValueError):
                continue
    if document.name == "scheme.toml":
        yield Path(here)


def _parts(folder: Path) -> list[Path]:
    """What is read of a folder."""
    from drg.provenance import document_of

    if (folder / "scheme.toml").is_file():
        return [*folder.glob("*.csv"), *folder.glob("*.toml")]
    if (folder / "ledger.jsonl").is_file():
        from drg.negotiate.round.folder import own_files

        return [*own_files(folder), *(one for room in _rooms_of(folder) for one in room.glob("*"))]
    records = [path for name in _RECORDS if (path := folder / name).is_file()]
    if not records:
        return [path for path in folder.iterdir() if path.is_file()]
    held = [document_of(path.read_bytes()) for path in records]
    named = [one.get(key) for one in held for key in ("hashes", "tables")]
    names = {str(name) for one in named if isinstance(one, dict | list) for name in one}
    return [*records, *(folder / name for name in names)]


def _rooms_of(folder: Path) -> list[Path]:
    """Rooms of a year's book, to which nothing comes but what its record holds to."""
    if not (folder / "ledger.jsonl").is_file():
        return []
    from drg.year.folder import ROOMS

    return [folder / name for name in ROOMS if (folder / name).is_dir()]


def _is_plain(folder: Path) -> bool:
    """Whether a folder is one of sources, no pack, round or results."""
    return not any((folder / name).is_file()
                   for name in ("scheme.toml", "ledger.jsonl", *_RECORDS))  # fmt: skip


def _of_its_record(path: Path) -> None:
    """Refuse a table beside whose record stands another digest: results of two runs."""
    from drg.errors import problem
    from drg.provenance import document_of, hash_file

    for name in _RECORDS:
        record = path.with_name(name)
        if not record.is_file() or record == path:
            continue
        hashes = document_of(record.read_bytes()).get("hashes")
        told = hashes.get(path.name) if isinstance(hashes, dict) else None
        if told is not None and told != hash_file(path):
            raise problem(say(f"不是 {name} 记录的那张表：被改动过，或结果不是同一次运行的",
                              f"is not the table on record in {name}: it was changed, or is of "
                              "another run"), file=path)  # fmt: skip
