"""The closed list of what an import can find, read from ``kinds.csv``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")
LEVEL_ZH = {"error": "错误", "warning": "警告", "note": "提示"}


@dataclass(frozen=True)
class Kind:
    """A sort of finding: how bad it is, what it says, what an official should do about it."""

    level: Level
    name: str
    zh: str
    en: str
    mend_zh: str
    mend_en: str


def _read() -> dict[str, Kind]:
    with (Path(__file__).parent / "kinds.csv").open(encoding="utf-8", newline="") as stream:
        levels = {str(level): level for level in LEVELS}
        return {
            row["name"]: Kind(
                levels[row["level"]], row["name"], row["zh"], row["en"],
                row["mend_zh"], row["mend_en"],
            )
            for row in csv.DictReader(stream)
        }  # fmt: skip


KINDS = _read()
