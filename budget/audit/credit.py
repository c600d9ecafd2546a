"""Credit score of hospitals (医保信用评分): from findings, by a document of weights.

An audit's score is provisional, of alerts; that of findings that were confirmed counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from os import PathLike

import numpy as np
import numpy.typing as npt
import pandas as pd

from budget.audit.document import STANDING
from drg.documents import Model, fit, parse, read_document
from drg.errors import problem
from drg.language import say
from drg.persons import refuse_persons

_MODEL: Mapping[str, Model] = {
    "id": str, "source": str, "start": float, "most_off": float,
    "families": {"*": float},
    "grades": [{"grade": str, "from": float, "inspections": int, "assessment": float}],
}  # fmt: skip


Floats = npt.NDArray[np.float64]
OTHER = "other"
_MOST = 1_000  # points, and inspections a year
_FEWEST = 100  # cases; of fewer a finding takes off its points and no more


@dataclass(frozen=True)
class Credit:
    """How findings come to a score, a grade and a number of inspections.

    Attributes:
        id: of the document.
        start: score of a hospital without findings.
        most_off: most that one family takes off.
        families: points off for each finding in a hundred cases; :data:`OTHER` is any family
            that is not named, and nothing where it is not there.
        grades: grade, least score, inspections a year, share of the assessment's deposit that is
            paid back, best first.
    """

    id: str
    start: float
    most_off: float
    families: Mapping[str, float]
    grades: tuple[tuple[str, float, int, float], ...]

    def provisional(self, standing: pd.DataFrame) -> Floats:
        """Scores by alerts, which are no verdict: only the share beyond the peers counts."""
        shrunk = standing["ratio_shrunk"].to_numpy()
        found = {one: standing[one] for one in standing.columns if one not in STANDING}
        return self.scores(standing["cases"], found, np.clip(1 - 1 / np.maximum(shrunk, 1.0), 0, 1))

    def scores(
        self, screened: npt.ArrayLike, found: Mapping[str, npt.ArrayLike],
        share: npt.ArrayLike = 1.0,
    ) -> Floats:  # fmt: skip
        """The score of each hospital, from 0.

        Args:
            screened: cases of each hospital. Shape (H,).
            found: family -> findings of each hospital.
            share: of its findings that counts; all of those that were confirmed.
        """
        cases = np.maximum(np.asarray(screened, np.float64), _FEWEST)
        score = np.full(len(cases), self.start)
        for family, points in self.families.items():
            if family in found:
                rate = 100 * np.asarray(found[family], np.float64) / cases
                score -= np.minimum(points * rate * np.asarray(share), self.most_off)
        return np.asarray(np.round(np.maximum(score, 0), 2))

    def graded(self, score: Floats) -> tuple[list[str], list[int], list[float]]:
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
        document = parse(files("budget.audit").joinpath("credit.toml").read_bytes(), file)
    else:
        document = read_document(path)
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
    said = {key: (document[key], _MOST) for key in ("start", "most_off")}
    said |= {f"families.{key}": (points, _MOST) for key, points in document["families"].items()}
    for i, one in enumerate(document["grades"], 1):
        refuse_persons([one["grade"]], file=file, key=f"grades[{i}].grade")
        said |= {f"grades[{i}].{key}": (one.get(key, 0), most) for key, most in (
            ("from", _MOST), ("inspections", _MOST), ("assessment", 1))}  # fmt: skip
    for key, (number, most) in said.items():
        if not 0 <= number <= most:
            raise problem(say("超出范围", "out of range"), file=file, key=key, found=number,
                          expected=f"0 - {most}")  # fmt: skip
    return Credit(document["id"], float(document["start"]), float(document["most_off"]),
                  {k: float(v) for k, v in document["families"].items()}, grades)  # fmt: skip
