"""Reports without the characters that they carry: most of the time of a report goes into them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def without_font() -> Iterator[None]:
    """As on a machine without an open Chinese font; for what is not about fonts."""
    from drg.report.minutes import write as minutes
    from drg.report.panel import write as panel_report

    with pytest.MonkeyPatch.context() as patch:
        for module in (minutes, panel_report):
            patch.setattr(module, "open_font", lambda: None)
        yield
