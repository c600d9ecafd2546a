"""Scenarios (情景): what is assumed of the next years, as a document laid over a policy."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr, ValidationError, model_validator

from budget.behaviour.responses import Responses
from budget.policy.faults import one_line
from budget.policy.fields import Part, PolicyError, Rows, figure, rows, section
from budget.policy.groups import GroupSet
from budget.policy.select import Tier
from budget.projection.cells import Cells
from drg.documents import named_file, read_document
from drg.errors import DrgError
from drg.language import say

Floats = npt.NDArray[np.float64]
_RATE = {"low": -0.5, "high": 1.0}


class GroupDriver(GroupSet):
    """A driver of some groups, hospitals or insurances, a year, on top of the general ones."""

    volume: float = figure("病例数增长", "growth of cases a year", "share", **_RATE, optional=True)
    input_cost: float = figure("投入价格增长", "growth of the cost of a case a year", "share",
                               **_RATE, optional=True)  # fmt: skip

    @model_validator(mode="after")
    def _known(self) -> GroupDriver:
        if self.population:
            raise PolicyError(say("按医疗机构、病组、险种的汇总数据不区分人群",
                                  "sums by hospital, group and insurance know no categories of "
                                  "people"), "population")  # fmt: skip
        return self


class Flow(Part):
    """Patients who move between tiers (患者流向)."""

    from_tier: Tier = figure("流出级别", "tier that loses cases")
    to_tier: Tier | None = figure("流入级别", "tier that gets them; out of the area when left out",
                                  optional=True)  # fmt: skip
    share: float = figure("流动比例", "share of the tier's cases that move a year", "share",
                          low=0, high=0.5)  # fmt: skip

    @model_validator(mode="after")
    def _elsewhere(self) -> Flow:
        if self.from_tier == self.to_tier:
            raise PolicyError(say("病例没有流动", "cases stay where they are"), "to_tier",
                              found=self.to_tier,
                              expected=say("不同于 from_tier 的级别",
                                           "another tier than from_tier"))  # fmt: skip
        return self


class Drivers(Part):
    """Drivers (驱动因素), as growth a year; all 0 when left out."""

    volume: float = figure("病例数增长", "growth of cases", "share", **_RATE, optional=True)
    population: float = figure("参保人数增长", "growth of the insured, which cases follow", "share",
                               **_RATE, optional=True)  # fmt: skip
    input_cost: float = figure("投入价格增长", "growth of the price of what a case uses", "share",
                               **_RATE, optional=True)  # fmt: skip
    case_mix: float = figure("病例组合变动", "share of cases that move one severity up", "share",
                             low=-0.2, high=0.2, optional=True)  # fmt: skip
    groups: Rows[GroupDriver] = rows("分组驱动", "drivers of some groups, hospitals or insurances")
    flows: tuple[Flow, ...] = rows("患者流向", "cases that move between tiers")


class Change(Part):
    """What changes in a year."""

    policy: dict[str, Any] = Field(
        default_factory=dict, title="政策调整", description="keys of the policy that change"
    )
    weights: str | None = figure("权重表", "weight table from this year on", optional=True)
    hospitals: str | None = figure(
        "新纳入医疗机构", "table of hospitals that join from this year on", optional=True
    )


class Scenario(Part):
    """A scenario.

    Years are counted from the settled one: 1 is the next. What changes in a year stays changed.
    """

    id: str = figure("编号", "short name")
    title: str = figure("标题", "title in Chinese")
    title_en: str | None = figure("英文标题", "title in English", optional=True)
    source: str = figure("来源", "who assumes it, on what ground")
    years: int = figure("年数", "years to look ahead", "years", low=1, high=20)
    drivers: Drivers | None = section("驱动因素", "volume, prices, case mix, flows")
    behaviour: dict[str, Any] | None = Field(
        default=None,
        title="行为反应",
        description="responses, off when left out; see budget.behaviour.moves",
    )
    change: dict[str, Change] = Field(
        default_factory=dict, title="年度调整", description="what changes, by year from 1"
    )

    _file: str = PrivateAttr("")

    @property
    def place(self) -> str:
        """Where it stands, for messages: its file, or its id."""
        return self._file or f"scenario {self.id}"

    @model_validator(mode="after")
    def _years(self) -> Scenario:
        for key in self.change:
            if key not in map(str, range(1, self.years + 1)):
                raise PolicyError(say("不是情景中的年度", "no year of the scenario"), "change", key,
                                  expected=say(f"1 至 {self.years}",
                                               f"1 to {self.years}"))  # fmt: skip
        return self

    @property
    def file(self) -> str | None:
        """The file it was read from; None for a table."""
        return self._file or None

    def weights_in(self, year: int) -> str | None:
        """The weight table that holds in a year, counted from 1; None for that of the start."""
        held = [
            self.change[key].weights for key in sorted(self.change, key=int) if int(key) <= year
        ]
        return next((one for one in reversed(held) if one is not None), None)

    def joining(self, year: int | None = None) -> tuple[str, ...]:
        """Tables of the hospitals that have joined by a year, counted from 1; all for None."""
        last = self.years if year is None else year
        held = [self.change[key].hospitals for key in sorted(self.change, key=int)
                if int(key) <= last]  # fmt: skip
        return tuple(one for one in held if one is not None)


BASELINE = Scenario(
    id="baseline", title="维持现行政策", title_en="As it is", years=3,
    source="不作任何调整 | no change assumed",
)  # fmt: skip


def load_scenario(source: str | PathLike[str] | Mapping[str, Any]) -> Scenario:
    """Read a scenario from a TOML file, or from a table.

    Raises:
        DrgError: the file cannot be read, a key is not known, or a value is out of range.
    """
    place = "scenario"
    if isinstance(source, Mapping):
        document: dict[str, Any] = dict(source)
    else:
        path = Path(source)
        place = str(source)
        document = read_document(path)
        changes = document.get("change")
        for year, change in changes.items() if isinstance(changes, dict) else ():
            for name in ("weights", "hospitals") if isinstance(change, dict) else ():
                if isinstance(table := change.get(name), str):
                    change[name] = named_file(table, path, f"change.{year}.{name}")
    held = _frozen(document)
    try:
        scenario = Scenario.model_validate(held)
    except ValidationError as error:
        raise one_line(error, Scenario, held, lambda _: place) from None
    try:
        Responses.of(scenario.behaviour or {})
    except DrgError as error:
        raise DrgError(f"{place}: {error}") from None
    scenario._file = "" if isinstance(source, Mapping) else place
    return scenario


def _frozen(value: Any) -> Any:
    """Arrays as tuples, as the typed documents want them."""
    if isinstance(value, dict):
        return {key: _frozen(held) for key, held in value.items()}
    if isinstance(value, list):
        return tuple(_frozen(held) for held in value)
    return value


def members(cells: Cells, row: GroupDriver) -> npt.NDArray[np.bool_]:
    """Hospitals, groups and insurances that a driver chooses. Shape (H, G, 2)."""
    attributes = {name: held[:, None] for name, held in cells.hospitals.attributes.items()}
    attributes["insurance"] = np.array(["employee", "resident"], object)[None, :]
    here = np.broadcast_to(row.applies(**attributes), (len(cells.hospitals), 2))[:, None, :]
    table, columns = cells.settlement.weights.frame, {}
    if row.column is not None and row.column in table.columns:
        held = table.set_index("drg")[row.column].reindex(cells.groups).fillna("")
        columns[row.column] = held.to_numpy()
    return np.asarray(here & row.members(cells.groups, columns)[None, :, None])


def growth(cells: Cells, drivers: Drivers | None) -> tuple[Floats, Floats]:
    """Yearly factors of cases and of the cost of a case. Shapes (H, G, 2)."""
    shape = cells.cases.shape
    volume, cost = np.ones(shape), np.ones(shape)
    if drivers is None:
        return volume, cost
    volume *= (1.0 + (drivers.volume or 0.0)) * (1.0 + (drivers.population or 0.0))
    cost *= 1.0 + (drivers.input_cost or 0.0)
    for row in drivers.groups:
        which = members(cells, row)
        volume = np.where(which, volume * (1.0 + (row.volume or 0.0)), volume)
        cost = np.where(which, cost * (1.0 + (row.input_cost or 0.0)), cost)
    return volume, cost
