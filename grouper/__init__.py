"""Grouper (分组器): assigns discharge cases to diagnosis related groups."""

# mypy: implicit-reexport
from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from grouper.engine.files import group_file
    from grouper.engine.grouper import Grouper, group
    from grouper.engine.migration import migrate_file
    from grouper.explain.case import Explainer, Explanation, case_of, explain_case
    from grouper.explain.dependence_files import dependence_file, single_code_dependence
    from grouper.scheme.changes import difference
    from grouper.scheme.model import Scheme
    from grouper.scheme.pack import find_scheme, load_scheme, shipped_schemes
else:
    __getattr__, __dir__, __all__ = imported_on_use(
        __name__,
        {
            "grouper.engine.files": "group_file",
            "grouper.engine.grouper": "Grouper group",
            "grouper.engine.migration": "migrate_file",
            "grouper.explain.case": "Explainer Explanation case_of explain_case",
            "grouper.explain.dependence_files": "dependence_file single_code_dependence",
            "grouper.scheme.changes": "difference",
            "grouper.scheme.model": "Scheme",
            "grouper.scheme.pack": "find_scheme load_scheme shipped_schemes",
        },
    )
