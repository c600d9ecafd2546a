from __future__ import annotations

import pytest

from drg.sample import Region, make_region


@pytest.fixture(scope="session")
def region() -> Region:
    """A region large enough for shares to be seen, small enough to be quick."""
    return make_region(cases=60_000, hospitals=40, seed=7)
