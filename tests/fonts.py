"""Reports without the characters that they carry: most of the time of a report goes into them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def without_font() -> Iterator[None]:
    """As on a machine without an open Chinese font; for what is not about fonts."""
    from drg.page import write

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "open_font", lambda: None)
        yield
