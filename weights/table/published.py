"""Weight tables that regions published (各地公布的权重表), restated as data with their sources.

A table is named by the id of a published one, or by its file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

from drg.documents import read_document
from drg.errors import one_of, problem
from drg.language import say
from drg.tables import READABLE
from weights.table.model import WeightTable

_FOLDER = Path(__file__).parents[1] / "published"


@dataclass(frozen=True)
class PublishedTable:
    """A published weight table.

    Attributes:
        id: by which :func:`load` finds it.
        title: in Chinese.
        title_en: in English.
        groups: how many groups it lists.
        weights: how many of them have a weight.
        source: who published it, and when as far as that is known.
    """

    id: str
    title: str
    title_en: str
    groups: int
    weights: int
    source: str


@lru_cache(maxsize=1)
def _sources() -> dict[str, dict[str, Any]]:
    return read_document(_FOLDER / "sources.toml")


def known_ids() -> list[str]:
    """Ids of the published tables, in order."""
    return sorted(_sources())


def published() -> tuple[PublishedTable, ...]:
    """The published tables, in the order of their ids."""
    said = ("title", "title_en", "groups", "weights", "source")
    return tuple(PublishedTable(name, *(about[key] for key in said))
                 for name, about in sorted(_sources().items()))  # fmt: skip


def resolve(name: str) -> str | None:
    """The id that a name means: itself, or the only one that is the name and a year."""
    wanted = name.strip().lower()
    known = known_ids()
    if wanted in known:
        return wanted
    of_region = [found for found in known if wanted and found.rpartition("-")[0] == wanted]
    return of_region[0] if len(of_region) == 1 else None


def load(name: str) -> WeightTable:
    """A published weight table.

    Args:
        name: its id; the year may be left out where a region has one table: ``qingdao``.

    Raises:
        DrgError: there is no such table.
    """
    found = resolve(name)
    if found is None:
        raise problem(say("没有此公布的权重表", "no such published weight table"), found=name,
                      expected=one_of(known_ids()))  # fmt: skip
    about = _sources()[found]
    step = {"step": "公布 published", "method": found, "note": about["source"]}
    table = WeightTable.read(_FOLDER / f"{found}.csv")
    return WeightTable(found, table.frame, {"id": found, **about, "steps": [step]})


def open_weights(name: str | PathLike[str], sheet: str | None = None) -> WeightTable:
    """A weight table by the id of a published one or by its file; a file goes before an id.

    Raises:
        DrgError: there is neither, or the file is no weight table.
    """
    path = Path(name)
    if path.is_file() or path.suffix:
        return WeightTable.read(path, sheet)
    if resolve(str(name)) is None:
        raise problem(
            say("没有此权重表", "no such weight table"), key="weights", found=name,
            expected=say(f"以下之一：{', '.join(known_ids())}，或文件（{READABLE}）",
                         f"one of {', '.join(known_ids())}, or a file ({READABLE})"),
        )  # fmt: skip
    return load(str(name))
