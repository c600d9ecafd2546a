"""A synthetic region as tables in memory, and the stream of blocks behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from drg.sample.block import World, make_block, make_world
from drg.sample.options import Options
from drg.sample.tables import Tables, finish, hidden_hospitals, weight_table

BLOCK_CASES = 200_000


@dataclass(frozen=True)
class Region:
    """A region in memory.

    Attributes:
        cases: discharges in the canonical columns, lists joined by ``|``.
        hospitals: what is known of the hospitals.
        truth: one row a case: its group, expected cost, outlier, defect, irregularity.
        irregularities: one row for each case with a planted irregularity.
        weights: true weight and expected mean cost of every group.
        hospital_truth: hidden cost level and role of the hospitals.
        options: what was asked for.
    """

    cases: pd.DataFrame
    hospitals: pd.DataFrame
    truth: pd.DataFrame
    irregularities: pd.DataFrame
    weights: pd.DataFrame
    hospital_truth: pd.DataFrame
    options: Options


def make_region(options: Options | None = None, **chosen: int | float) -> Region:
    """Make a region in memory, for sizes up to a few million cases.

    Args:
        options: size, year and shares.
        **chosen: fields of :class:`Options`, instead of ``options``.

    Raises:
        DrgError: an argument is out of its range.
    """
    options = options or Options(**chosen)  # type: ignore[arg-type]
    world = make_world(options)
    blocks = list(stream_blocks(world))
    return Region(
        cases=_frame([b.cases for b in blocks]),
        hospitals=world.hospitals.table(),
        truth=_frame([b.truth for b in blocks]),
        irregularities=_frame([b.irregularities for b in blocks]),
        weights=weight_table(world).to_pandas(),
        hospital_truth=hidden_hospitals(world).to_pandas(),
        options=options,
    )


def stream_blocks(world: World) -> Iterator[Tables]:
    """The region's tables block by block; memory holds one block at a time.

    A patient's stays lie within one block, so blocks do not depend on each other.
    """
    cases = world.options.cases
    for number, first in enumerate(range(0, cases, BLOCK_CASES)):
        batch = make_block(world, number, min(BLOCK_CASES, cases - first))
        yield finish(world, batch, number, first)


def _frame(tables: list[pa.Table]) -> pd.DataFrame:
    frame: pd.DataFrame = pa.concat_tables(tables).to_pandas(date_as_object=False)
    return frame
