"""``python -m tests.fuzz --runs 10000 [--seed 1] [--from 0] [--world DIR]``."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ["LC_ALL"] = "C.UTF-8"
os.environ.pop("DRG_LANG", None)

from tests.fuzz.run import many
from tests.fuzz.world import make


def _main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first run")
    parser.add_argument("--world", type=Path, help="folder of good files, made when it is empty")
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="begin none after so long"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as own:
        os.environ.setdefault("DRG_CACHE_DIR", f"{own}/cache")
        os.environ["MPLCONFIGDIR"] = f"{own}/fonts"
        world = given.world or Path(own, "world")
        if not world.is_dir():
            world.mkdir(parents=True)
            make(world)
        began, bad, done_runs = time.monotonic(), 0, 0
        statuses: Counter[tuple[str, Any]] = Counter()
        most: dict[str, tuple[Any, int]] = {"memory": (0, 0), "seconds": (0.0, 0)}
        for start in range(given.first, given.first + given.runs, 10):
            if time.monotonic() - began > given.seconds:
                break
            stop = min(start + 10, given.first + given.runs)
            done_runs += stop - start
            found = many(world, given.seed, range(start, stop))
            statuses += found.statuses
            most = {name: max(held, getattr(found, name)) for name, held in most.items()}
            for number, done in found.faults:
                bad += 1
                print(f"--- seed {given.seed} run {number}: drg {' '.join(done.words)[:400]}")
                print("\n".join(fault[-2500:] for fault in done.faults), flush=True)
            print(f"{done_runs} runs, {bad} with faults, "
                  f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)  # fmt: skip
    table(statuses)
    print(f"most memory {most['memory'][0] >> 20} MB in run {most['memory'][1]}, "
          f"most time {most['seconds'][0]:.1f} s in run {most['seconds'][1]}")  # fmt: skip
    print(f"{done_runs} runs of seed {given.seed}: {bad} with faults")
    return min(bad, 1)


def table(statuses: Counter[tuple[str, Any]]) -> None:
    """Print how often each command ended with each status."""
    ends = sorted({end for _, end in statuses}, key=str)
    print("| command | " + " | ".join(f"{end}" for end in ends) + " |")
    print("|---" * (len(ends) + 1) + "|")
    for command in [*sorted({name for name, _ in statuses}), "all"]:
        counts = [sum(n for (name, e), n in statuses.items() if e == end and
                      command in (name, "all")) for end in ends]  # fmt: skip
        print(f"| {command} | " + " | ".join(map(str, counts)) + " |")


if __name__ == "__main__":
    sys.exit(_main())
