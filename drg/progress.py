"""Progress of long work, on stderr and only where a person watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self


class Progress:
    """A line on stderr that says how far the work is; silent when stderr is not a terminal.

    Args:
        title: what is being done.
        total: how many units there are, when it is known.
    """

    def __init__(self, title: str, total: int | None = None) -> None:
        self._title = title
        self.total = total
        self._done = 0
        self._shown = 0.0
        self._live = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def advance(self, units: int, total: int | None = None) -> None:
        """Count units of work as done; ``total`` is how many there are, once that is known."""
        self.total = total or self.total
        self._done += units
        now = time.monotonic()
        if self._live and now - self._shown > 0.1:
            self._shown = now
            share = f"{min(1.0, self._done / self.total):4.0%}" if self.total else ""
            _show(f"\r{self._title} {share or f'{self._done:,}'}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live and self._shown:
            _show("\r\x1b[K")


def _show(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
