"""Names that a package imports on use are there for who looks for them, and for Tab."""

from __future__ import annotations

import ast
import importlib
import rlcompleter
from pathlib import Path

import pytest

PACKAGES = (
    "grouper", "weights", "budget", "grouper.importer", "grouper.quality", "budget.policy",
    "drg.sample",
)  # fmt: skip


def typed(package) -> list[str]:
    """Names that the package imports for mypy."""
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    return sorted(alias.name for node in block.body for alias in node.names)


@pytest.mark.parametrize("name", PACKAGES)
def test_every_name_is_listed_and_found(name):
    package = importlib.import_module(name)
    assert package.__all__ == typed(package)
    assert set(package.__all__) <= set(dir(package))
    assert {"__name__", "__getattr__"} <= set(dir(package))
    for one in package.__all__:
        assert getattr(package, one) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


@pytest.mark.parametrize("name", ["grouper", "weights", "budget"])
def test_tab_completes(name):
    package = importlib.import_module(name)
    completer = rlcompleter.Completer({"package": package})
    offered = {text.rstrip("()") for text in completer.attr_matches("package.")}
    assert {f"package.{one}" for one in package.__all__} <= offered
    (first, *_) = completer.attr_matches(f"package.{package.__all__[0][:4]}")
    assert first.startswith(f"package.{package.__all__[0]}")
