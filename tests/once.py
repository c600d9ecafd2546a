"""What is dear and only read is made once in a run, for all modules and workers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

_place: list[Path] = []


def begin(folder: Path) -> None:
    """Say where it is kept: a folder that all workers of this run share."""
    _place[:] = [folder]


def once(name: str, make: Callable[[Path], object]) -> Path:
    """A folder of this name, filled by whoever comes first; nobody writes to it afterwards."""
    place = _place[0] / name
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.with_name(f"{name}.lock")):
        if not place.exists():
            part = place.with_name(f"{name}.part")
            shutil.rmtree(part, ignore_errors=True)  # of one who came first and failed
            part.mkdir()
            make(part)
            part.rename(place)
    return place
