from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.reference import Reference

SHARED = Path(__file__).parents[2] / "shared"
DATA = Path(__file__).parent / "data"

settings.register_profile(
    "project", deadline=None, derandomize=True, max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
settings.load_profile("project")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep compiled schemes of the tests out of the user's cache."""
    os.environ["DRG_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared material, beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("the shared material is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def reference() -> Reference:
    from grouper.scheme.pack import find_scheme

    return Reference(find_scheme("chs-drg-1.1"))


@pytest.fixture(scope="session")
def grouper():
    from grouper import Grouper

    return Grouper("chs-drg-1.1")


@pytest.fixture(scope="session")
def references() -> dict[str, Reference]:
    """The reference evaluator of every shipped scheme."""
    from grouper.scheme.pack import load_scheme, shipped_schemes

    return {name: Reference.of_scheme(load_scheme(name)) for name in shipped_schemes()}
