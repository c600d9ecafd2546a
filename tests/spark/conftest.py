from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from drg.errors import DrgError
from drg.spark.session import check_installed, started

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def installed() -> None:
    try:
        check_installed()
    except DrgError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def session(installed: None) -> Iterator[SparkSession]:
    """Two workers of this machine; a task is tried four times."""
    found, ours = started("local[2,4]")
    yield found
    if ours:
        found.stop()
