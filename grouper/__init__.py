"""Grouper (分组器): assigns discharge cases to diagnosis related groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from grouper.changes import difference
    from grouper.dependence_files import dependence_file, single_code_dependence
    from grouper.engine import Grouper, group
    from grouper.explain import Explainer, Explanation, case_of, explain_case
    from grouper.files import group_file
    from grouper.migration import migrate_file
    from grouper.pack import find_scheme, load_scheme, shipped_schemes
    from grouper.scheme import Scheme

__all__ = [
    "Explainer",
    "Explanation",
    "Grouper",
    "Scheme",
    "case_of",
    "dependence_file",
    "difference",
    "explain_case",
    "find_scheme",
    "group",
    "group_file",
    "load_scheme",
    "migrate_file",
    "shipped_schemes",
    "single_code_dependence",
]

__getattr__ = imported_on_use(
    __name__,
    {
        "Explainer": "grouper.explain",
        "Explanation": "grouper.explain",
        "Grouper": "grouper.engine",
        "Scheme": "grouper.scheme",
        "case_of": "grouper.explain",
        "dependence_file": "grouper.dependence_files",
        "difference": "grouper.changes",
        "explain_case": "grouper.explain",
        "find_scheme": "grouper.pack",
        "group": "grouper.engine",
        "group_file": "grouper.files",
        "load_scheme": "grouper.pack",
        "migrate_file": "grouper.migration",
        "shipped_schemes": "grouper.pack",
        "single_code_dependence": "grouper.dependence_files",
    },
)
