"""The shipped schemes that group: all but the lists of groups whose codes must be imported."""

from __future__ import annotations

from grouper.scheme.pack import find_scheme, read_header, shipped_schemes


def grouping_schemes() -> list[str]:
    return [name for name in shipped_schemes() if not read_header(find_scheme(name)).lists]
