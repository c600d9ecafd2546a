"""How few cases could point to a person (最少病例数): no number of fewer is told or drawn."""

from __future__ import annotations

FEWEST = 5
