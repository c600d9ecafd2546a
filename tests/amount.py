"""How much is tried: a share by default, all of it with ``DRG_FULL=1``.

Nothing is random either way: a run tries what the last one tried.
"""

from __future__ import annotations

import os

FULL = os.environ.get("DRG_FULL") == "1"


def tries(number: int, least: int = 20) -> int:
    """So many examples, seeds or runs in full; a third of them, but not below the least."""
    return number if FULL else min(number, max(least, number // 3))
