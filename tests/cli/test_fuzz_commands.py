"""Every command on spoilt files: one line or a whole result, whatever they hold."""

from __future__ import annotations

import pytest
import typer

from drg.cli import app
from tests.amount import FULL
from tests.fuzz.commands import COMMANDS, NOT_FUZZED
from tests.fuzz.run import many
from tests.fuzz.world import make
from tests.once import once

SEED = 16
PARTS = 4
RUNS = 10_000 // PARTS if FULL else 15


@pytest.fixture(scope="module")
def world():
    return once("fuzz-world", make)


def commands(held, words=()):
    """The commands of the line, each as its words."""
    inside = getattr(held, "commands", None)
    if inside is None:
        return [" ".join(words)]
    return [one for name, sub in inside.items() for one in commands(sub, (*words, name))]


def test_every_command_is_among_them():
    tried = {
        " ".join(word for word in text.split()[:2] if word.replace("-", "").isalpha())
        for _, text in COMMANDS
    }
    missing = [name for name in commands(typer.main.get_command(app))
               if name not in NOT_FUZZED and not any(
                   f"{one} ".startswith(f"{name} ") for one in tried)]  # fmt: skip
    assert not missing


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_spoilt_files_are_told_or_used_whole(world, part):
    found = many(world, SEED, range(part * RUNS, (part + 1) * RUNS))
    assert not found.faults, [(number, one.words, one.faults) for number, one in found.faults[:3]]
    assert sum(found.statuses.values()) == RUNS
