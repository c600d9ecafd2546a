"""What explaining a case comes to (入组解释结果), before it is said in words or drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from grouper.engine.grouper import Grouper
from grouper.engine.reasons import INVALID
from grouper.explain.codes import OneCase
from grouper.explain.trace import Trace, Tracer, Tried
from grouper.scheme.model import Scheme


class Machinery(NamedTuple):
    """What explains cases by one scheme: its rules traced one by one, and the engine."""

    scheme: Scheme
    tracer: Tracer
    grouper: Grouper


@dataclass(frozen=True)
class Answer:
    """The group of a case, and everything that was tried on the way to it.

    Attributes:
        case: the case.
        trace: everything that was tried.
        mdc: major diagnostic category, ``""`` without a group.
        adrg: adjacent DRG, ``""`` without a group.
        drg: group, ``0000`` without one.
        severity: ``mcc``, ``cc`` or ``none``; ``""`` for invalid cases.
        status: one of :data:`grouper.engine.reasons.STATUSES`.
        reason: reason codes joined by ``|``.
        bad: column, value and what is wrong (zh, en), of cells that could not be read.
        lang: language in which it shows itself, ``zh`` or ``en``.
        machinery: what explained it.
    """

    case: OneCase
    trace: Trace
    mdc: str
    adrg: str
    drg: str
    severity: str
    status: str
    reason: str
    bad: tuple[tuple[str, str, tuple[str, str]], ...]
    lang: str
    machinery: Machinery = field(repr=False, compare=False)

    def __repr__(self) -> str:
        """The group alone: a notebook keeps what this says, and the record may name a person."""
        return f"{type(self).__name__}({self.drg or self.status}, {self.status})"

    @property
    def path(self) -> tuple[Tried, ...]:
        """MDC, ADRG and DRG with the rules that were met; empty without a group."""
        return () if self.status == INVALID else self.trace.path

    @property
    def tried(self) -> tuple[Tried, ...]:
        """The MDCs tried, in order; none for an invalid case."""
        return () if self.status == INVALID else self.trace.tried

    @property
    def name(self) -> str:
        """Chinese name of the DRG, ``""`` without one."""
        return self.path[-1].name if self.path else ""

    def names(self) -> dict[str, str]:
        """Chinese names of the case's codes."""
        return {c.code: c.name for c in (*self.trace.diagnoses, *self.trace.procedures) if c.code}
