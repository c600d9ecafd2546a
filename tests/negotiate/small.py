"""A small round for tests: the sample region, a draft fitted from it, and the rehearsal's forms."""

from __future__ import annotations

from pathlib import Path

from drg.negotiate.rehearsal.proposals import drawn
from drg.negotiate.round.act import Round
from grouper.engine.files import group_file
from tests.once import once
from weights.fit.calibrator import calibrator
from weights.fit.files import fit_file

ROOT = Path(__file__).parents[2]
REGION = ROOT / "data_samples" / "region-small"
REHEARSAL = ROOT / "data_samples" / "negotiation"
AT = "2026-03-02T09:00:00+08:00"
WHO = "医保局"
AGAINST_ORDER = "P014"  # makes the graver group lighter than a panel's decision on the other


def _make(folder: Path) -> None:
    group_file(REGION / "cases.csv", folder / "grouped.csv")
    recipe = {"trim": "ratio", "shrink": True, "order": True, "bootstrap": 200}
    fit_file(folder / "grouped.csv", folder / "weights.csv", calibrator(recipe))


def files() -> tuple[Path, Path]:
    """The region grouped, and the draft that the rehearsal goes with, made once."""
    folder = once("small-round", _make)
    return folder / "grouped.csv", folder / "weights.csv"


def begin(folder: Path, **parts) -> Round:
    """A new round over the small region."""
    grouped, weights = files()
    given = {
        "weights": weights, "cases": grouped, "policy": "national-default",
        "hospitals": REGION / "hospitals.csv", "roster": REHEARSAL / "roster.csv",
        "rules": REHEARSAL / "rules.toml", "year": 2025, "actor": WHO, "at": AT,
    }  # fmt: skip
    return Round.create(folder, **(given | parts))


def played(folder: Path, **parts) -> Round:
    """A round with the rehearsal's proposals, panels and votes, its conflict resolved."""
    held = begin(folder, **parts)
    held.propose_file(REHEARSAL / "proposals.csv", WHO, AT)
    drawn(held)
    held.vote_file(REHEARSAL / "votes.csv", WHO, AT)
    held.tally(WHO, AT)
    held.withdraw(AGAINST_ORDER, "轻重倒挂", WHO, AT)
    return held
