"""Grouper (分组器): assigns discharge cases to diagnosis related groups."""

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
        "Explainer": "grouper.explain.case",
        "Explanation": "grouper.explain.case",
        "Grouper": "grouper.engine.grouper",
        "Scheme": "grouper.scheme.model",
        "case_of": "grouper.explain.case",
        "dependence_file": "grouper.explain.dependence_files",
        "difference": "grouper.scheme.changes",
        "explain_case": "grouper.explain.case",
        "find_scheme": "grouper.scheme.pack",
        "group": "grouper.engine.grouper",
        "group_file": "grouper.engine.files",
        "load_scheme": "grouper.scheme.pack",
        "migrate_file": "grouper.engine.migration",
        "shipped_schemes": "grouper.scheme.pack",
        "single_code_dependence": "grouper.explain.dependence_files",
    },
)
