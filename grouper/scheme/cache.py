"""What is worked out from a pack, kept on disk for the next command.

It is kept under the hash of the pack's content and of the code that worked it out, privately: what
another user made, or could have changed, is not used. A cache that cannot be written is only
slower.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
from functools import cache
from pathlib import Path

from drg import __version__
from drg.errors import DrgError
from drg.provenance import hash_text
from drg.tables import atomic_path


def kept(content_hash: str, kind: str) -> bytes | None:
    """What was kept of a pack, None when nothing whole and private was.

    Args:
        content_hash: of the pack, as :func:`grouper.scheme.pack.pack_hash` says.
        kind: what it is, an ending such as ``tables``.
    """
    folder = _folder()
    if folder is None or not re.fullmatch("[0-9a-f]{64}", content_hash):
        return None
    try:
        with _file(folder, content_hash, kind).open("rb") as stream:
            if not _is_ours(os.fstat(stream.fileno())):
                return None
            found = stream.read()
    except OSError:
        return None
    digest, content = found[:32], found[32:]
    return content if hashlib.sha256(content).digest() == digest else None  # else damaged


def keep(content_hash: str, kind: str, content: bytes) -> None:
    """Keep what was worked out from a pack."""
    folder = _folder()
    if folder is None or not content_hash:
        return
    with contextlib.suppress(OSError, DrgError):
        folder.mkdir(0o700, parents=True, exist_ok=True)
        with atomic_path(_file(folder, content_hash, kind)) as part:
            part.chmod(0o600)
            part.write_bytes(hashlib.sha256(content).digest() + content)


def _folder() -> Path | None:
    """Where things are kept; None where there is no home, or others could write there."""
    try:
        if given := os.environ.get("DRG_CACHE_DIR"):
            folder = Path(given)
        elif sys.platform == "win32":
            base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
            folder = Path(base) / "drg-toolkit"
        else:
            base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
            folder = Path(base) / "drg-toolkit"
        if not folder.exists():
            return folder
        if not given and not _is_ours(folder.stat()):
            folder.chmod(0o700)  # one made under a generous umask; refused when it is another's
        return folder if _is_ours(folder.stat()) else None
    except (OSError, RuntimeError):  # no home, or a user without a name
        return None


def _is_ours(found: os.stat_result) -> bool:
    """Whether only this user, or the system's own, can write a file or folder."""
    if os.name != "posix":
        return True
    return found.st_uid in (os.geteuid(), 0) and not found.st_mode & 0o022


def _file(folder: Path, content_hash: str, kind: str) -> Path:
    return folder / f"{content_hash}-{_program()[:16]}.{kind}"


@cache
def _program() -> str:
    """Hash of the code that reads and compiles packs; what another made may mean other things."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hash_text(__version__, *(path.read_text("utf-8") for path in sources))
