"""``python -m tests.fuzz --runs 10000 [--seed 1] [--from 0] [--world DIR]``."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

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
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as own:
        os.environ.setdefault("DRG_CACHE_DIR", f"{own}/cache")
        world = given.world or Path(own, "world")
        if not world.is_dir():
            world.mkdir(parents=True)
            make(world)
        began, statuses, bad = time.monotonic(), {}, 0
        for start in range(given.first, given.first + given.runs, 100):
            stop = min(start + 100, given.first + given.runs)
            found = many(world, given.seed, range(start, stop))
            for (_, status), count in found.statuses.items():
                statuses[status] = statuses.get(status, 0) + count
            for number, done in found.faults:
                bad += 1
                print(f"--- seed {given.seed} run {number}: drg {' '.join(done.words)[:400]}")
                print("\n".join(fault[-2500:] for fault in done.faults), flush=True)
            print(f"{stop - given.first} runs, {bad} with faults, "
                  f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)  # fmt: skip
    told = ", ".join(f"status {s}: {n}" for s, n in sorted(statuses.items(), key=str))
    print(f"{given.runs} runs of seed {given.seed}: {told}; {bad} with faults")
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(_main())
