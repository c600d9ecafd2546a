"""Every command on spoilt files: one line or a whole result, whatever they hold."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext, suppress
from importlib import import_module
from types import ModuleType

import pytest

from drg.errors import DrgError
from tests.amount import FULL
from tests.fuzz.commands import COMMANDS, OPTIONS
from tests.fuzz.line import commands, name_of
from tests.fuzz.run import many, one
from tests.fuzz.world import make
from tests.once import once

SEED = 16
PARTS = 4
RUNS = 10_000 // PARTS if FULL else 15


@pytest.fixture(scope="module")
def world():
    return once("fuzz-world", make)


def test_every_command_and_option_is_among_them():
    tried = {name_of(text.split()) for _, text in COMMANDS}
    assert tried == set(commands())
    options = {name for held in commands().values() for name in held} - {"--help"}
    assert options - OPTIONS.keys() == set()
    assert OPTIONS.keys() - options == set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_a_run_hangs_on_its_seed_and_number_alone(world):
    first, again = (one(world, SEED, 3) for _ in range(2))
    assert (first.status, len(first.words)) == (again.status, len(again.words))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_spoilt_files_are_told_or_used_whole(world, part):
    found = many(world, SEED, range(part * RUNS, (part + 1) * RUNS))
    assert not found.faults, [(number, one.words, one.faults) for number, one in found.faults[:3]]
    assert sum(found.statuses.values()) == RUNS


def test_every_target_takes_any_bytes(monkeypatch):
    stub = ModuleType("atheris")
    stub.instrument_imports = lambda **_: nullcontext()
    monkeypatch.setitem(sys.modules, "atheris", stub)
    guided = import_module("tests.fuzz.guided")
    for target in guided.TARGETS.values():
        for data in (b"", b"\xff\x00", b"id = 1", b'{"a": 1}', b"drg,weight\nA,1\n"):
            with suppress(DrgError):
                target(data)
