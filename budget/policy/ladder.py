"""Ladders (分段): figures by bands of a number, without gap or overlap, for whole arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, RootModel, model_validator

from budget.policy.fields import PolicyError, figure, share
from budget.policy.select import Selector, compatible
from drg.language import say

Floats = npt.NDArray[np.float64]


class Band(Selector):
    """One band: more than ``above`` or ``at_least`` so much, at most ``upto`` or ``below`` it.

    Only the outer ends are left out.
    """

    above: float | None = figure("下限", "lower end, itself outside the band", low=0, optional=True)
    at_least: float | None = figure(
        "下限（含）", "lower end, itself inside the band", low=0, optional=True
    )
    upto: float | None = figure("上限", "upper end, itself inside the band", low=0, optional=True)
    below: float | None = figure(
        "上限（不含）", "upper end, itself outside the band", low=0, optional=True
    )

    @model_validator(mode="after")
    def _one_end(self) -> Band:
        for key, other in (("at_least", "above"), ("below", "upto")):
            if getattr(self, key) is not None and getattr(self, other) is not None:
                raise PolicyError(say(f"与 {other} 不能同时给出", f"does not go with {other}"), key,
                                  found=getattr(self, key))  # fmt: skip
        return self

    @property
    def start(self) -> float:
        """Lower end; 0 for the first band."""
        return next((end for end in (self.above, self.at_least) if end is not None), 0.0)

    @property
    def end(self) -> float | None:
        """Upper end, None for the last band."""
        return self.upto if self.below is None else self.below

    def inside(self, numbers: npt.ArrayLike) -> Floats:
        """The part of each number that is inside the band."""
        reached = np.minimum(np.asarray(numbers, np.float64), self.end or math.inf)
        return np.asarray(np.maximum(reached - self.start, 0))


class Share(Band):
    """A band with a share."""

    value: float = share("比例", "share in this band")


B = TypeVar("B", bound=Band)


class Ladder(RootModel[tuple[B, ...]], Generic[B]):
    """Bands in order; those with the same selectors reach from 0 to infinity together."""

    model_config = ConfigDict(frozen=True, strict=True)

    def __iter__(self) -> Iterator[B]:  # type: ignore[override]
        return iter(self.root)

    def __getitem__(self, index: int) -> B:
        return self.root[index]

    def __len__(self) -> int:
        return len(self.root)

    @property
    def ladders(self) -> list[list[int]]:
        """The bands' indices by their selectors, the least particular first."""
        found: dict[tuple[tuple[str, tuple[str | int, ...]], ...], list[int]] = {}
        for i, band in enumerate(self.root):
            found.setdefault(tuple(band.selectors.items()), []).append(i)
        return sorted(found.values(), key=lambda held: self.root[held[0]].rank)

    @model_validator(mode="after")
    def _whole(self) -> Ladder[B]:
        if not self.root:
            raise PolicyError(say("没有任何档", "has no band"),
                              expected=say("至少一个", "at least one"))  # fmt: skip
        ladders = self.ladders
        for held in ladders:
            _without_gap(self.root, held)
        firsts = [self.root[held[0]] for held in ladders]
        for i, one in enumerate(firsts):
            for j, other in enumerate(firsts[:i]):
                if one.rank == other.rank and compatible(one, other):
                    raise PolicyError(
                        say(f"与 [{ladders[j][0]}] 适用于相同病例",
                            f"applies to the same cases as [{ladders[j][0]}]"), ladders[i][0],
                        expected=say("各档的选择条件互不相同",
                                     "bands that differ in a selector's values"),
                    )  # fmt: skip
        return self

    def at(self, number: npt.ArrayLike, of: str = "value", **attributes: npt.ArrayLike) -> Floats:
        """The figures at some numbers, such as weights.

        Args:
            number: what the bands divide.
            of: the key of the figure.
            **attributes: arrays or single values by the names of
                :data:`~budget.policy.select.SELECTORS`, for ladders with selectors.

        Returns:
            The figures; NaN where the number is NaN or no ladder applies.
        """
        values = np.array([*(getattr(band, of) for band in self.root), np.nan], np.float64)
        return np.asarray(values[self.place(number, **attributes)])

    def place(self, number: npt.ArrayLike, **attributes: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """The band of each number: its index, -1 where there is none."""
        which, bands = self.which(**attributes), self.each(number)
        found = np.full(np.broadcast_shapes(which.shape, bands.shape[1:]), -1, np.intp)
        for i, new in enumerate(bands[:-1]):
            found = np.where(which == i, new, found)
        return found

    def which(self, **attributes: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """Which of :attr:`ladders` applies, -1 for none."""
        shape = np.broadcast_shapes(*(np.shape(values) for values in attributes.values()))
        found = np.full(shape, -1, np.intp)
        for i, held in enumerate(self.ladders):
            found = np.where(self.root[held[0]].applies(**attributes), i, found)
        return found

    def each(self, number: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """The band of each number by each of the L :attr:`ladders`. Shape (L + 1, *numbers).

        -1 where the number is NaN, and in the last row, which stands for no ladder.
        """
        numbers, ladders = np.asarray(number, np.float64), self.ladders
        found = np.full((len(ladders) + 1, *numbers.shape), -1, np.intp)
        for i, held in enumerate(ladders):
            bands = [self.root[j] for j in held[:-1]]
            ends = np.array([band.end for band in bands], np.float64)
            short = np.array([band.below is not None for band in bands], np.bool_)
            ends = np.where(short, np.nextafter(ends, -np.inf), ends)
            found[i] = np.array(held)[np.searchsorted(ends, numbers, side="left")]
        found[:, np.isnan(numbers)] = -1
        return found

    def slices(
        self, number: npt.ArrayLike, of: str = "value", **attributes: npt.ArrayLike
    ) -> Floats:
        """Numbers cut into bands, each part times its band's figure, and summed.

        For shares that hold for the part of a sum inside a band, such as major illness or
        overrun sharing: ``sum over bands of value * (part of number inside the band)``.
        """
        shape = np.broadcast_shapes(np.shape(number), *(np.shape(v) for v in attributes.values()))
        numbers = np.broadcast_to(np.asarray(number, np.float64), shape)
        found = np.full(shape, np.nan)
        for held in self.ladders:
            total = np.zeros(shape)
            for band in (self.root[i] for i in held):
                total += getattr(band, of) * band.inside(numbers)
            found = np.where(self.root[held[0]].applies(**attributes), total, found)
        return np.asarray(np.where(np.isnan(numbers), np.nan, found))


def _without_gap(bands: Sequence[Band], held: list[int]) -> None:
    reached: float | None = 0.0
    ends_in = False  # whether the end so far is inside the band before
    for i in held:
        band = bands[i]
        key = "above" if band.at_least is None else "at_least"
        start = band.start
        if reached is None or start < reached or (
            start == reached and ends_in and key == "at_least"
        ):  # fmt: skip
            end = say("无穷大", "infinity") if reached is None else f"{reached:g}"
            raise PolicyError(say("与前一档重叠", "band overlaps the one before"), i, key,
                              found=start,
                              expected=end if key == "above" else f"above = {end}")  # fmt: skip
        if start > reached or (start and not ends_in and key == "above"):
            raise PolicyError(say("与前一档之间有空档", "gap before the band"), i, key,
                              found=start, expected=f"{reached:g}" if ends_in or not reached
                              else f"at_least = {reached:g}")  # fmt: skip
        if band.end is not None and band.end <= start:
            raise PolicyError(say("该档截止早于开始", "band ends before it begins"), i,
                              "upto" if band.below is None else "below", found=band.end,
                              expected=say(f"大于 {start:g}", f"above {start:g}"))  # fmt: skip
        reached, ends_in = band.end, band.below is None
    if reached is not None:
        key = "upto" if bands[held[-1]].below is None else "below"
        raise PolicyError(say("最后一档有上限", "the last band ends"), held[-1], key,
                          found=reached,
                          expected=say("不设上限，使每个值都有对应的档",
                                       "no upper end, so that every value has a band"))  # fmt: skip
