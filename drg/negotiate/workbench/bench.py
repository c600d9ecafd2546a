"""The notebook workbench (权重谈判工作台): pick groups, move weights, see hospitals move.

Shown in a notebook; what its widgets do can be done from Python too, and shows in them::

    bench = Workbench(Round("round-2026"))
    bench
    bench.set("ES13", 1.2)
    bench.propose("新技术使耗材费用上升", party="hospital", hospital_id="H0001")
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from markupsafe import Markup

from drg.negotiate.round.act import Round
from drg.negotiate.workbench.blocks import figures
from drg.negotiate.workbench.chart import chart
from drg.negotiate.workbench.desk import Desk, Seen
from drg.negotiate.workbench.view import View
from drg.page.html import rendered


class Workbench(Desk):
    """The workbench of a round; display it in a notebook.

    Args:
        round_: the round.
        actor: under whose name proposals, offers and acceptances go on record.
        lang: ``zh`` or ``en``.
        groups: groups that are picked at the start.
    """

    def __init__(
        self, round_: Round, *, actor: str = "医保局", lang: str = "zh", groups: Iterable[str] = ()
    ) -> None:
        super().__init__(round_, actor=actor, lang=lang)
        self.pick(*groups)

    @cached_property
    def view(self) -> View:
        """The widgets; an error says what to install when they are missing."""
        return View(self)

    def _changed(self) -> None:
        """Show in the widgets, if there are any, what changed."""
        if "view" in self.__dict__:
            self.view.show()

    def _repr_mimebundle_(self, **more: Any) -> Any:
        """Widgets where there is a kernel, else a picture of how it stands."""
        return {**self.view.box._repr_mimebundle_(**more), "text/plain": repr(self),
                "text/html": self.picture()}  # fmt: skip

    def __repr__(self) -> str:
        return f"<Workbench: {len(self.changes)} groups moved>"

    def picture(self, seen: Seen | None = None) -> str:
        """Figures and chart as HTML that needs no kernel."""
        held, limit = seen or self.seen, self.round.rules.largest_loss
        drawn = Markup(chart(held.hospitals, self.words, limit=limit))  # our own SVG # nosec B704
        return rendered("bench.html.j2", self.words, part="picture", svg=drawn,
                        figures=figures(held, self.words, limit,
                                        unbalanced=seen is None and self.unbalanced))  # fmt: skip
