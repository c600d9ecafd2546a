"""The pictures of a calibration in a folder: against last year, costs of groups, ladders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from drg.cases.privacy import FEWEST
from drg.errors import DrgError, problem
from drg.language import say
from drg.plots import Picture, save
from drg.plots.weights.cost import cost_distribution
from drg.plots.weights.ladder import ladder
from drg.plots.weights.previous import against_previous
from drg.tables import whole_folder
from weights.cases.observations import Observations
from weights.fit.calibrator import Calibrator
from weights.table.model import names_of

_LARGEST = 6


def write_album(
    folder: Path, fitted: Calibrator, observed: Observations, groups: Sequence[str] = (),
    lang: str = "zh",
) -> list[Path]:  # fmt: skip
    """Write pictures of a calibration as SVG.

    Args:
        folder: made when it is not there.
        fitted: a fitted calibrator.
        observed: the cases it was fitted from.
        groups: groups whose costs are drawn and whose ADRG's ladder is; by default the six with
            most cost, and the six ladders with most cases.
        lang: ``zh`` or ``en``.

    Raises:
        DrgError: the folder or a file cannot be written, or a group is not there.
    """
    written: list[Path] = []
    with whole_folder(folder) as new:
        if fitted.previous_ is not None:
            corridor = fitted.corridor
            limits = None
            if corridor is not None and corridor.fall is not None and corridor.rise is not None:
                limits = 1.0 - corridor.fall, 1.0 + corridor.rise
            written.append(new / "against-previous.svg")
            save(against_previous(fitted.table_, fitted.previous_, limits, lang=lang), written[-1])
        if not observed.aggregated:
            for drg in groups or _dearest(fitted):
                written.append(new / f"cost-{_plain(drg)}.svg")
                save(_costs(fitted, observed, drg, lang), written[-1])
        asked = dict.fromkeys(_adrg(fitted, drg) for drg in groups or ())
        for adrg in asked or _ladders(fitted):
            members = _members(fitted, adrg)
            if len(members) > 1:
                written.append(new / f"ladder-{_plain(adrg)}.svg")
                save(ladder(fitted.table_, adrg, members, lang=lang), written[-1])
    return [folder / one.name for one in written]


def _dearest(fitted: Calibrator) -> list[str]:
    sums = fitted.statistics_
    cost = np.where(sums.group_cases >= FEWEST, sums.cost.sum(axis=0), 0.0)
    order = np.argsort(-cost, kind="stable")[:_LARGEST]
    return [sums.groups[i] for i in order if cost[i] > 0]


def _ladders(fitted: Calibrator) -> list[str]:
    found = fitted.families_
    cases = fitted.statistics_.group_cases
    size = {found.names[found.family[ladder[0]]]: float(cases[ladder].sum())
            for ladder in found.ladders if (cases[ladder] > 0).sum() > 1}  # fmt: skip
    return sorted(size, key=lambda name: (-size[name], name))[:_LARGEST]


def _adrg(fitted: Calibrator, drg: str) -> str:
    found = fitted.families_
    if drg not in found.groups:
        raise problem(
            say("病例中没有这个病组", "no such group among the cases"), key="group", found=drg
        )
    return str(found.names[int(found.family[found.groups.index(drg)])])


def _members(fitted: Calibrator, adrg: str) -> list[str]:
    found = fitted.families_
    if not found.known:
        return []
    return [g for g, f in zip(found.groups, found.family, strict=True) if found.names[f] == adrg]


def _costs(fitted: Calibrator, observed: Observations, drg: str, lang: str) -> Picture:
    if drg not in observed.groups:
        raise DrgError(say(f"病组 {drg} 没有病例", f"no case of group {drg}"))
    place = observed.groups.index(drg)
    cost = observed.cost[observed.drg == place]
    trimmed = fitted.trimmed_
    low = high = None
    if trimmed is not None and trimmed.quantity.startswith("cost"):
        low, high = float(trimmed.lower[place]), float(trimmed.upper[place])
    name = names_of(fitted.table_).get(drg, "")
    mean = float(fitted.statistics_.mean_cost[place])
    return cost_distribution(cost, low, high, drg, name, mean, lang=lang)


def _plain(code: str) -> str:
    """A code as a part of a file's name."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in code)[:60] or "_"
