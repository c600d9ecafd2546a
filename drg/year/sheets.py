"""Sheets of a cleared year (清算表单)."""

from __future__ import annotations

SHEETS: tuple[str, ...] = ()


def write_sheets_of(*_: object) -> None:
    """To be written."""
