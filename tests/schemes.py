"""The shipped schemes that group, and the project's own labelled cases of them.

Lists of groups whose codes must be imported are left out.
"""

from __future__ import annotations

from pathlib import Path

from grouper.scheme.name import DEFAULT, with_ambiguous
from grouper.scheme.pack import find_scheme, read_header, shipped_schemes

WITH_QY = with_ambiguous(DEFAULT)
LABELLED = Path(__file__).parent / "data"


def grouping_schemes() -> list[str]:
    return [name for name in shipped_schemes() if not read_header(find_scheme(name)).lists]


def labelled_schemes() -> list[str]:
    """Schemes with a labelled set: those that group, and the default with its QY groups."""
    return [*grouping_schemes(), WITH_QY]


def labelled_of(name: str) -> Path:
    """The file of a scheme's labelled cases; that of the default has the plain name."""
    return LABELLED / ("labelled.csv" if name == DEFAULT else f"labelled-{name}.csv")
