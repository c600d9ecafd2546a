"""The same sums by pandas and DuckDB, and the MS-DRG groupers of the package index.

Each of the others has an environment of its own, made on the spot (this asks the package index):
one of them bears the name of our package.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import data
from benchmarks import settle as year
from budget import load_policy, settle_file
from grouper import Grouper
from weights import Calibrator, open_weights

_TIMED = """
import json, sys, time
claims = json.load(open(sys.argv[1]))
{start}
group(claims[0])
began = time.process_time()
for claim in claims:
    group(claim)
print(time.process_time() - began)
"""
GROUPERS = {  # what stands for a claim is made before the clock starts, where the package allows
    "msdrg": """
import msdrg
held = msdrg.MsdrgGrouper()
claims = [{"version": 431, "age": c["age"], "sex": c["sex"], "discharge_status": 1,
           "pdx": {"code": c["dx"][0]}, "sdx": [{"code": d} for d in c["dx"][1:]],
           "procedures": [{"code": p} for p in c["px"]]} for c in claims]
group = held.group""",
    "drgpy": """
from drgpy.msdrg import DRGEngine
held = DRGEngine()
group = lambda c: held.get_drg(c["dx"], c["px"])""",
    "drg": """
from drg import MSDRGEngine
held = MSDRGEngine()
group = lambda c: held.group(principal_dx=c["dx"][0], secondary_dxs=c["dx"][1:],
                             procedures=c["px"], age=c["age"], sex="MF"[c["sex"]])""",
}
_DUCK = """
import sys, time, duckdb
began = time.perf_counter()
duckdb.sql(sys.argv[1]).fetchall()
print(time.perf_counter() - began)
"""
_DX = ["I2109", "I5020", "J189", "N179", "A419", "K8000", "E1165", "E119", "I10", "I2510", "J449",
       "N390", "D649", "E785", "F329", "I4891", "J9601", "K219", "L03115", "M1711", "N183", "R0602",
       "S72001A", "Z370", "O80", "C3490", "C50911", "C189"]  # fmt: skip
_PX = ["02703DZ", "0FT44ZZ", "0SRC0J9", "0SRD0J9", "0DTJ4ZZ", "10E0XZZ", "5A1955Z", "02100Z9"]


def groupers(folder: Path, rows: int) -> None:
    """Cases per second of one processor: three MS-DRG groupers and ours."""
    rng = random.Random(3)
    claims = folder / "claims.json"
    claims.write_text(json.dumps([
        {"age": rng.randint(1, 95), "sex": rng.randint(0, 1),
         "dx": rng.sample(_DX, rng.randint(3, 10)),
         "px": rng.sample(_PX, rng.choice((0, 0, 1, 2)))}
        for _ in range(min(rows, 20_000))
    ]))  # fmt: skip
    table: pa.Table = data.cases(rows, seed=3, joined=False)
    grouper = Grouper()
    batches = table.to_batches(max_chunksize=131_072)
    grouper.group(pa.Table.from_batches(batches[:1]))
    began = time.process_time()
    for batch in batches:
        grouper.group(pa.Table.from_batches([batch]))
    ours = rows / (time.process_time() - began)
    print(f"cases per second of a processor, in memory\n  ours, CHS-DRG 2.0 {ours:>20,.0f}")
    for name, start in GROUPERS.items():
        python = _environment(folder, name)
        if python is None:
            print(f"  {name}: the package index cannot be reached")
            continue
        code = _TIMED.format(start=start)
        done = subprocess.run([python, "-I", "-c", code, claims], check=True, cwd=folder,
                              capture_output=True, text=True)  # fmt: skip
        rate = min(rows, 20_000) / float(done.stdout.split()[-1])
        print(f"  {name:<12} {rate:>25,.0f}   ours / it {ours / rate:,.0f}")


def sums(folder: Path, rows: int, turns: int, line: Callable[[str, float, str], None]) -> None:
    """Mean cost by group, and weight x rate by hospital, as pandas and DuckDB add them up."""
    path, hospitals = year.make(folder, rows)
    table = pq.read_table(path, columns=["hospital_id", "drg", "total_cost"])
    frame = table.to_pandas()
    weights, policy = open_weights("changzhi"), load_policy("national-default")
    held = weights.weights.rename("w").rename_axis("drg").reset_index()
    pq.write_table(pa.Table.from_pandas(held), folder / "w.parquet")
    chain = Calibrator(trim="none")
    ours = _best(turns, lambda: chain.fit(frame))
    plain = _best(turns, lambda: frame.groupby("drg")["total_cost"].agg(["mean", "std", "size"]))
    line("weights, no trim / pandas groupby mean, std, size in memory", ours / plain, "<= 6")
    whole = _best(turns, lambda: settle_file(path, folder / "settled", weights, policy, hospitals,
                                             2025))  # fmt: skip

    def joined() -> None:
        read = pd.read_parquet(path, columns=["hospital_id", "drg", "total_cost"])
        both = read.merge(held, on="drg")
        both.assign(pay=both["w"] * 8000.0).groupby("hospital_id")[["pay", "total_cost"]].sum()

    line("drg settle, all tables / pandas: read, join, sum by hospital",
         whole / _best(turns, joined), "told")  # fmt: skip
    python = _environment(folder, "duckdb")
    if python is None:
        print("duckdb: the package index cannot be reached")
        return
    means = f"SELECT drg, avg(total_cost), stddev(total_cost), count(*) FROM '{path}' GROUP BY drg"
    paid = (f"SELECT hospital_id, sum(w * 8000), sum(total_cost) FROM '{path}' "
            f"JOIN '{folder / 'w.parquet'}' USING (drg) GROUP BY hospital_id")  # fmt: skip
    for title, query, mine in (("mean cost by group", means, ours),
                               ("join, sum by hospital", paid, whole)):  # fmt: skip
        took = min(float(subprocess.run([python, "-c", _DUCK, query], check=True,
                                        capture_output=True, text=True).stdout)
                   for _ in range(turns))  # fmt: skip
        line(f"ours / DuckDB from Parquet: {title}", mine / took, "told")


def _best(turns: int, action: Callable[[], object]) -> float:
    taken = []
    for _ in range(turns):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return min(taken)


def _environment(folder: Path, package: str) -> Path | None:
    """Python of an environment with a package in it; None where it cannot be fetched."""
    place = folder / f"env-{package}"
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    done = subprocess.run([python, "-m", "pip", "install", "-q", package], check=False,
                          capture_output=True)  # fmt: skip
    return None if done.returncode else python
