"""Credit score of hospitals (医保信用评分): from findings, by a document of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from drg.documents import Model, fit, parse
from drg.errors import problem
from drg.language import say

_MODEL: Mapping[str, Model] = {
    "id": str, "source": str, "start": float, "most_off": float,
    "families": {"*": float},
    "grades": [{"grade": str, "from": float, "inspections": int, "assessment": float}],
}  # fmt: skip


@dataclass(frozen=True)
class Credit:
    """How findings come to a score, a grade and a number of inspections.

    Attributes:
        id: of the document.
        start: score of a hospital without findings.
        most_off: most that one family takes off.
        families: points off for each finding in a hundred cases beyond the peers' rate.
        grades: grade, least score, inspections a year, share of the assessment's deposit that is
            paid back, best first.
    """

    id: str
    start: float
    most_off: float
    families: Mapping[str, float]
    grades: tuple[tuple[str, float, int, float], ...]

    def scores(self, standing: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The score of each hospital, from 0.

        Only what its shrunk ratio says beyond its peers counts, so that a small hospital does not
        lose its credit by one case.
        """
        cases = np.maximum(standing["cases"].to_numpy(np.float64), 1)
        shrunk = standing["ratio_shrunk"].to_numpy()
        beyond = np.clip(1 - 1 / np.maximum(shrunk, 1.0), 0, 1)
        score = np.full(len(standing), self.start)
        for family, points in self.families.items():
            if family in standing:
                rate = 100 * standing[family].to_numpy(np.float64) / cases
                score -= np.minimum(points * rate * beyond, self.most_off)
        return np.asarray(np.round(np.maximum(score, 0), 2))

    def graded(self, score: npt.NDArray[np.float64]) -> tuple[list[str], list[int], list[float]]:
        """Grade, inspections a year and share of the assessment's deposit of each score."""
        places = [next(i for i, one in enumerate(self.grades) if value >= one[1])
                  for value in score.tolist()]  # fmt: skip
        chosen = [self.grades[i] for i in places]
        return [one[0] for one in chosen], [one[2] for one in chosen], [one[3] for one in chosen]


def read_credit(path: str | PathLike[str] | None = None) -> Credit:
    """The document of weights; the shipped one by default.

    Raises:
        DrgError: the document has an error.
    """
    file = "credit.toml" if path is None else str(path)
    if path is None:
        content = files("budget.audit").joinpath("credit.toml").read_bytes()
    else:
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise problem(say("无法读取", "cannot be read"), file=file,
                          found=error.strerror) from None  # fmt: skip
    document = parse(content, file)
    fit(document, _MODEL, file, (), "id", "start", "most_off", "families", "grades")
    for place, one in enumerate(document["grades"]):
        fit(one, _MODEL["grades"][0], file, ("grades", place), "grade", "from", "inspections")  # type: ignore[index]
    grades = tuple(sorted(
        ((g["grade"], float(g["from"]), g["inspections"], float(g.get("assessment", 1.0)))
         for g in document["grades"]), key=lambda g: -g[1],
    ))  # fmt: skip
    if not grades or grades[-1][1] > 0:
        raise problem(say("最低一级应从 0 分起", "the lowest grade begins at 0"), file=file,
                      key="grades", found=grades[-1][1] if grades else None)  # fmt: skip
    for key, points in document["families"].items():
        if points < 0:
            raise problem(say("应不小于 0", "expected 0 or more"), file=file,
                          key=f"families.{key}", found=points)  # fmt: skip
    return Credit(document["id"], float(document["start"]), float(document["most_off"]),
                  {k: float(v) for k, v in document["families"].items()}, grades)  # fmt: skip
