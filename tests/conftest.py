from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from drg.language import speak
from tests.amount import tries
from tests.fonts import without_font
from tests.once import begin
from tests.reference import Reference
from tests.schemes import labelled_schemes

SHARED = Path(__file__).parents[2] / "shared"
DATA = Path(__file__).parent / "data"
os.environ.pop("DRG_LANG", None)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each command of the tests compiles anew
os.environ["LC_ALL"] = "C.UTF-8"  # errors in English, which most tests expect
MOST_WORKERS = 8

settings.register_profile(
    "project", deadline=None, derandomize=True, max_examples=tries(60),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
settings.load_profile("project")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """A worker for every core that this process may use; each needs about 1 GB."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, MOST_WORKERS)


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep compiled schemes of the tests out of the user's cache; all workers share them."""
    own = tmp_path_factory.getbasetemp()
    for_all = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    os.environ["DRG_CACHE_DIR"] = str(for_all / "cache")
    begin(for_all / "once")


@pytest.fixture(autouse=True)
def _reader() -> Iterator[None]:
    """A command's ``--lang`` speaks for that test alone."""
    speak("")
    yield
    speak("")


@pytest.fixture
def plain() -> Iterator[None]:
    """Reports and minutes carry no font."""
    with without_font():
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared material, beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("the shared material is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def reference() -> Reference:
    """The reference evaluator of the default scheme, from its own files."""
    from grouper.scheme.name import DEFAULT
    from grouper.scheme.pack import find_scheme

    return Reference(find_scheme(DEFAULT))


@pytest.fixture(scope="session")
def grouper():
    from grouper import Grouper

    return Grouper()


@pytest.fixture(scope="session")
def references() -> dict[str, Reference]:
    """The reference evaluator of every shipped scheme, and of the default with QY groups."""
    from grouper.scheme.pack import load_scheme

    return {name: Reference.of_scheme(load_scheme(name)) for name in labelled_schemes()}
