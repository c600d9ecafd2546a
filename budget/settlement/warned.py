"""Warnings by hospital (分机构提示): a line a hospital, with its pools and their amounts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drg.money import Fen, yuan


def warned(
    name: str,
    what: str,
    amounts: Fen,
    where: npt.NDArray[np.bool_],
    hospitals: tuple[str, ...],
    pools: tuple[str, ...],
) -> dict[str, str]:
    """Warnings ``name.hospital``, one line a hospital with its pools and their amounts.

    Args:
        name: of the warning.
        what: what a reader must know.
        amounts: in fen. Shape (H, P).
        where: the amounts meant. Shape (H, P).
        hospitals: ids.
        pools: names.
    """
    found: dict[str, str] = {}
    for h in np.flatnonzero(where.any(axis=1)):
        sums = ", ".join(
            f"{pools[p]} {yuan(amounts[h, p])}".strip() for p in np.flatnonzero(where[h])
        )
        found[f"{name}.{hospitals[h]}"] = f"hospital {hospitals[h]}: {what}: {sums} yuan"
    return found
