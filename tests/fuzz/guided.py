"""Bytes led by coverage: ``python -m tests.fuzz.guided TARGET [FOLDER] [-max_total_time=600]``.

It takes atheris (``pip install atheris``), which no other test does. What it finds is made a small
test; the corpus in FOLDER is not kept.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["drg", "grouper", "weights", "budget"]):
    import pyarrow as pa

    from budget.policy.load import load_policy
    from budget.projection.scenario import load_scenario
    from drg.cases.ages import age_of, days_of
    from drg.cases.columns import read_mapping
    from drg.cases.dates import read_dates
    from drg.cases.opening import open_cases
    from drg.cases.values import NUMBERS, number_of, read_number
    from drg.documents import parse
    from drg.errors import DrgError
    from drg.record.check import check
    from drg.tables import batches, read_table
    from grouper.scheme.pack import load_scheme
    from grouper.scheme.rules import RuleError, to_text
    from grouper.scheme.rules import parse as parse_rule
    from weights.fit.calibrator import calibrator
    from weights.fit.recipe import read_recipe
    from weights.negotiation.rules import read_rules
    from weights.table.read import read_frame

_PLACE = Path(tempfile.mkdtemp(prefix="guided-"))


def _file(read: Callable[[Path], object], name: str, lead: bytes = b"") -> Callable[[bytes], None]:
    def target(data: bytes) -> None:
        path = _PLACE / name
        path.write_bytes(lead + data)
        read(path)

    return target


def _cases(path: Path) -> None:
    with open_cases(path) as table:
        for _ in batches(table):
            pass


def _cells(data: bytes) -> None:
    text = data.decode("utf-8", errors="replace")
    column = pa.array([text])
    age_of(text), days_of(text), days_of(text, "months"), number_of(text, ("元", "天"))
    read_dates(column)
    for rule in NUMBERS.values():
        read_number(column, rule)


def _rule(data: bytes) -> None:
    try:
        rule = parse_rule(data.decode("utf-8", errors="replace"))
    except RuleError:  # who reads a pack says where
        return
    assert parse_rule(to_text(rule)) == rule


def _pack(data: bytes) -> None:
    pack = _PLACE / "pack"
    pack.mkdir(exist_ok=True)
    for name, part in zip(("scheme.toml", "mdc.csv", "adrg.csv", "drg.csv"), data.split(b"\xff"),
                          strict=False):  # fmt: skip
        (pack / name).write_bytes(part)
    load_scheme(str(pack))


TARGETS: dict[str, Callable[[bytes], object]] = {
    "csv": _file(read_table, "t.csv"), "cases": _file(_cases, "t.csv", b"diagnoses,age,sex\n"),
    "parquet": _file(read_table, "t.parquet"), "xlsx": _file(read_table, "t.xlsx"),
    "lists": _file(_cases, "t.json"),
    "toml": lambda data: parse(data, "t.toml"), "json": lambda data: parse(data, "t", "JSON"),
    "mapping": _file(lambda path: read_mapping(path, ["a", "b1", "b2"]), "m.toml"),
    "policy": _file(load_policy, "p.toml"), "scenario": _file(load_scenario, "s.toml"),
    "recipe": _file(lambda path: calibrator(read_recipe(path), path), "r.toml"),
    "rules": _file(read_rules, "r.toml"), "pack": _pack,
    "weights": _file(lambda path: read_frame(path, None), "w.csv"),
    "ledger": lambda data: check(data, None), "cells": _cells, "rule": _rule,
}  # fmt: skip


def main() -> None:
    """Run one target; what is no DrgError ends it."""
    target = TARGETS[sys.argv.pop(1)]

    def one(data: bytes) -> None:
        try:
            target(data)
        except DrgError as error:
            assert len(str(error).splitlines()) == 1, str(error)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
