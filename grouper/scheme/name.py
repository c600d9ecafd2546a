"""How a scheme is named: a shipped id or a folder, with ``+qy`` where ambiguous groups are on."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TypeAlias

DEFAULT = "chs-drg-2.0"
WITH_AMBIGUOUS = "+qy"
Named: TypeAlias = str | PathLike[str]


def with_ambiguous(scheme: Named) -> str:
    """The scheme with its optional ambiguous groups (歧义组) switched on."""
    name, _ = plain(scheme)
    return f"{name}{WITH_AMBIGUOUS}"


def plain(scheme: Named) -> tuple[str, bool]:
    """The id or folder without the switch, and whether the switch is on.

    A folder whose own name ends in ``+qy`` is taken as it stands.
    """
    text = str(scheme)
    on = text.endswith(WITH_AMBIGUOUS) and not (Path(text) / "scheme.toml").is_file()
    return (text.removesuffix(WITH_AMBIGUOUS) if on else text), on
