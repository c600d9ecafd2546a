"""From a source through a function to a sink, on several threads, in order, with flat memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import chain, islice
from typing import Any, TypeVar

import pyarrow as pa

from drg.tables.batches import Batch, Block, TableSink, TableSource

Extra = TypeVar("Extra")
Item = TypeVar("Item")
Result = TypeVar("Result")
_LOOKAHEAD = 1


def default_workers() -> int:
    """How many worker threads suit this machine: its cores, at least 2 and at most 8."""
    return max(2, min(8, os.cpu_count() or 2))


def run(
    source: TableSource,
    work: Callable[[Batch], tuple[pa.RecordBatch, Extra]],
    sink: TableSink | None,
    *,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
    on_result: Callable[[Extra, int], None] | None = None,
) -> int:
    """Pass every batch of ``source`` through ``work`` and on to ``sink``, in order.

    Blocks are read in one thread, decoded, worked on and rendered in worker threads, and appended
    in one more thread. Only a few blocks are in memory at a time. An exception anywhere ends
    the run and is raised here; the sink's own ``with`` then leaves no file.

    Args:
        source: An open table, not yet read from.
        work: Called in worker threads with each batch; gives the output rows and anything else
            the caller wants back. It must not depend on the order of calls.
        sink: Where the rows go; None to read only.
        workers: Worker threads; by default as many as the machine has cores.
        progress: Called in the calling thread with the units done since the last call.
        on_result: Called in the calling thread, in order, with what else ``work`` gave and the
            number of input rows in earlier batches.

    Returns:
        The number of input rows.

    Raises:
        DrgError: The source cannot be read or the sink cannot be written.
    """

    def one(block: Block) -> tuple[int, int, Any, Extra]:
        batch = block.load()
        rows = batch.table.num_rows
        table, extra = work(batch)
        return rows, block.progress, None if sink is None else sink.encode(table), extra

    first_row = 0
    appending: deque[Future[None]] = deque()
    # An exception would keep a generator alive with its traceback; close it before the sink.
    with (
        ThreadPoolExecutor(1, "drg-write") as writer,
        closing(in_order(source.blocks(), one, workers=workers)) as results,
    ):
        for rows, units, encoded, extra in results:
            if sink is not None:
                if len(appending) > _LOOKAHEAD:
                    appending.popleft().result()
                appending.append(writer.submit(sink.append, encoded))
            if on_result is not None:
                on_result(extra, first_row)
            first_row += rows
            if progress is not None:
                progress(units)
        for future in appending:
            future.result()
    return first_row


def batches(source: TableSource, *, workers: int | None = None) -> Generator[Batch, None, None]:
    """The source's batches in order, decoded ahead in worker threads.

    Raises:
        DrgError: The source cannot be read.
    """
    return in_order(source.blocks(), lambda block: block.load(), workers=workers)


def in_order(
    blocks: Iterator[Item], task: Callable[[Item], Result], *, workers: int | None = None
) -> Generator[Result, None, None]:
    """Results of ``task`` for every block, in order, at most a few blocks ahead of the caller.

    The blocks are those of a source, or whatever else is read piece by piece. A single one is
    worked on in the calling thread.
    """
    ahead = list(islice(blocks, 2))
    if len(ahead) < 2:
        yield from map(task, ahead)
        return
    blocks = chain(ahead, blocks)
    count = max(1, workers if workers is not None else default_workers())
    reader = ThreadPoolExecutor(1, "drg-read")
    pool = ThreadPoolExecutor(count, "drg-work")
    try:
        running: deque[Future[Result]] = deque()
        coming: Future[Item | None] | None = reader.submit(next, blocks, None)
        while coming is not None or running:
            while coming is not None and len(running) < count + _LOOKAHEAD:
                # Waiting for the disk would be idle time if a finished block could be written.
                if running and running[0].done() and not coming.done():
                    break
                block = coming.result()
                coming = None
                if block is not None:
                    running.append(pool.submit(task, block))
                    coming = reader.submit(next, blocks, None)
            if running:
                yield running.popleft().result()
    finally:
        # Waiting for the few tasks under way keeps them from using what the caller then closes.
        pool.shutdown(wait=True, cancel_futures=True)
        reader.shutdown(wait=True, cancel_futures=True)
