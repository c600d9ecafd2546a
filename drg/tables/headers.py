"""Which of a table's first rows is its header: titles stand above it, and it may be of two rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias

MOST_ROWS = 20  # that are looked at
_LEAST = 2  # known headers in a row that is not the first
Known: TypeAlias = Callable[[Sequence[str]], int]


def choose_header(rows: Sequence[Sequence[str]], known: Known) -> tuple[int, list[str] | None]:
    """Find the header among the first rows.

    Args:
        rows: the first rows that are not empty.
        known: how many of some headers are known.

    Returns:
        The place of its last row, and its names where two rows make it up; 0 and None where
        nothing is better than the first row.
    """
    scores = [known(row) for row in rows]
    best: tuple[int, int, list[str] | None] = (scores[0] if scores else 0, 0, None)
    for place, score in enumerate(scores):
        if score >= _LEAST and score > best[0]:
            best = score, place, None
    for place, (top, below) in enumerate(pairwise(rows)):
        words = [cell.strip() for cell in below if cell.strip()]
        for names in merged(top, below):
            score = known(names)
            alone = max(best[0], scores[place], scores[place + 1])
            # 编码, 名称, 编码, 名称 below known words are a header even where they add none
            if score > _LEAST and (score > alone or (
                score == alone and best[2] is None and len(set(words)) < len(words)
            )):  # fmt: skip
                best = score, place + 1, names
    return best[1], best[2]


def merged(top: Sequence[str], below: Sequence[str]) -> list[list[str]]:
    """Names of a header of two rows: the lower ones alone, or with what stands above them.

    What stands above holds for the blank cells beside it, as in a merged cell.
    """
    lower: list[str] = []
    both: list[str] = []
    over = ""
    for place in range(max(len(top), len(below))):
        mine = top[place].strip() if place < len(top) else ""
        under = below[place].strip() if place < len(below) else ""
        over = mine or (over if under else "")
        lower.append(under or over)
        both.append(f"{over}{under}")
    return [names for names in (lower, both) if len(set(names)) == len(names)]
