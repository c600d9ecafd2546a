"""A long record against reading it, and a move on the workbench against the impact behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from drg.negotiate.round.act import Round
from drg.negotiate.workbench.bench import Workbench
from drg.record.entry import canonical, seal
from drg.record.ledger import Ledger
from grouper.engine.files import group_file
from weights.fit.calibrator import calibrator
from weights.fit.files import fit_file

SAMPLES = Path(__file__).parents[1] / "data_samples"
ENTRIES = 10_000
AT = "2026-03-01T09:00:00+08:00"


def measure(folder: Path, turns: int, line: Callable[[str, float, str], None]) -> None:
    """Print both."""
    record(folder / "ledger.jsonl", turns, line)
    bench(folder, turns, line)


def record(path: Path, turns: int, line: Callable[[str, float, str], None]) -> None:
    """An entry added to a ledger of 10,000, over reading all of it."""
    body = {"panel": "Z01", "proposal": "P001", "expert": "E001", "choice": "for", "weight": 1.25,
            "note": "同意"}  # fmt: skip
    ledger = Ledger.create(path, "医保局", {"round": "2026"}, AT)
    previous, lines = ledger.digest, []
    for seq in range(1, ENTRIES):
        entry = seal(seq, AT, "E001", "vote", body, previous)
        lines.append(entry.line)
        previous = entry.digest
    path.write_bytes(path.read_bytes() + b"".join(lines))
    path.with_suffix(".head").write_bytes(
        canonical({"digest": previous, "seq": ENTRIES - 1}) + b"\n"
    )
    reading = min(_time(ledger.entries) for _ in range(turns))
    adding = median(
        _time(lambda: ledger.append("vote", body, actor="x")) for _ in range(10 * turns)
    )
    print(f"ledger, {ENTRIES:,} entries: reading {reading:.2f} s, adding one "
          f"{adding * 1000:.1f} ms")  # fmt: skip
    line("  adding an entry / reading all of them", adding / reading, "<= 0.33")


def bench(folder: Path, turns: int, line: Callable[[str, float, str], None]) -> None:
    """A slider moved with all that is shown anew, over the impact alone."""
    region, rehearsal = SAMPLES / "region-small", SAMPLES / "negotiation"
    grouped, weights = folder / "grouped.csv", folder / "weights.csv"
    group_file(region / "cases.csv", grouped)
    fit_file(grouped, weights, calibrator({"trim": "ratio", "shrink": True, "order": True}))
    held = Round.create(
        folder / "round", weights=weights, cases=grouped, policy="national-default",
        hospitals=region / "hospitals.csv", roster=rehearsal / "roster.csv", year=2025,
        actor="医保局", at=AT,
    )  # fmt: skip
    desk = Workbench(held)
    group = desk.search()[0]
    desk.pick(group)
    slider, draft = desk.view.rows.rows[group].slider, desk.drafts[group]
    impact, moved = [], []
    for turn in range(10 * turns):
        percent = 1 + turn % 5
        impact.append(_time(lambda share=percent: held.impact({group: draft * (1 + share / 100)})))
        moved.append(_time(lambda share=percent: setattr(slider, "value", share)))
    print(f"workbench: a move {median(moved) * 1000:.0f} ms, its impact "
          f"{median(impact) * 1000:.0f} ms")  # fmt: skip
    line("  a move of a slider / the impact alone", median(moved) / median(impact), "<= 5")
    line("  a move less its impact, ms", (median(moved) - median(impact)) * 1000, "< 100")


def _time(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
