"""Why a case has its group (入组解释): the path, each rule tried, each code that mattered.

The path comes from :mod:`grouper.explain.trace`, status and reason from the engine. The two
evaluate the rules independently; where they should ever differ, no explanation is given at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from drg.cases.cells import expected
from drg.cases.outcomes import UNGROUPED_DRG
from drg.provenance import to_json
from grouper.codes.editions import INSURANCE, aliases_to
from grouper.engine.grouper import Grouper, faulty
from grouper.engine.reasons import INVALID, reason_text
from grouper.explain.answer import Answer, Machinery
from grouper.explain.codes import PARTS, OneCase, case_of
from grouper.explain.picture import picture
from grouper.explain.text import Writer, render
from grouper.explain.trace import Code, Complication, Tested, Tracer, Tried
from grouper.explain.what_if import WhatIf, what_if
from grouper.scheme import rules
from grouper.scheme.name import DEFAULT, Named
from grouper.scheme.pack import load_scheme, pack_hash


class Explanation(Answer):
    """Why a case has its group; in a notebook a picture, elsewhere a text."""

    def text(self, lang: str | None = None, *, everything: bool = False) -> str:
        """The explanation for a reader.

        Args:
            lang: ``zh`` or ``en``; by default the explanation's own.
            everything: name every group that was tried, not only those the case came near.
        """
        return render(self, lang or self.lang, everything=everything)

    def document(self, lang: str | None = None) -> dict[str, Any]:
        """The explanation as plain data; all that was tried is in it."""
        writer = Writer(lang or self.lang, self.names(), self.trace)
        return {
            "scheme": self.machinery.scheme.id,
            "case_id": self.case.case_id,
            "mdc": self.mdc,
            "adrg": self.adrg,
            "drg": self.drg,
            "name": self.name,
            "severity": self.severity,
            "status": self.status,
            "reason": self.reason,
            "reason_text": reason_text(self.reason, writer.lang),
            "bad_values": [[column, value, writer.word(why)] for column, value, why in self.bad],
            "diagnoses": [_code(c) for c in self.trace.diagnoses],
            "procedures": [_code(c) for c in self.trace.procedures],
            "exclusion_table": self.trace.exclusion_table,
            "complications": [_complication(c) for c in self.trace.complications],
            "path": [_tried(step, writer.fact, nested=False) for step in self.path],
            "tried": [_tried(step, writer.fact) for step in self.tried],
        }

    def json(self, lang: str | None = None) -> str:
        """:meth:`document` as JSON."""
        return to_json(self.document(lang))

    def svg(self, lang: str | None = None) -> str:
        """The explanation as a small picture of the tree, in SVG."""
        return picture(self, lang or self.lang)

    def what_if(
        self, weights: Mapping[str, float] | None = None, rate: float | None = None
    ) -> WhatIf:
        """The groups this case would reach if one code were dropped, repeated or made principal.

        Args:
            weights: relative weight of each DRG.
            rate: yuan for one unit of weight.
        """
        return what_if(self, weights, rate)

    def __str__(self) -> str:
        return self.text()

    def _repr_svg_(self) -> str:
        return self.svg()


class Explainer:
    """Explains cases by one scheme.

    Args:
        scheme: id of a shipped scheme or folder of a pack.
        codes: edition of the codes in the cases, as ``Grouper`` takes it.
        lang: language in which explanations show themselves, ``zh`` or ``en``.

    Raises:
        DrgError: there is no such scheme or it has errors.
    """

    def __init__(
        self,
        scheme: Named = DEFAULT,
        codes: str = INSURANCE,
        lang: str = "zh",
    ) -> None:
        self.machinery = _machinery(str(scheme), pack_hash(scheme), codes)
        self.scheme, self.tracer, self.grouper = self.machinery
        self.lang = lang

    def explain(self, case: OneCase) -> Explanation:
        """Explain one case.

        Raises:
            RuntimeError: the trace and the engine disagree; please report it.
        """
        trace = self.tracer.trace(case)
        lost = faulty(case.spoilt, self.grouper, case.columns)
        result = self.grouper.group_batch(case.table, case.columns, *lost)
        mdc, adrg, drg, severity, status, reason = (str(c[0].as_py()) for c in result.columns)
        if status != INVALID:
            path = tuple(step.code for step in trace.path)
            told = (*(path or ("", "", UNGROUPED_DRG)), trace.severity)
            if told != (mdc, adrg, drg, severity):
                raise RuntimeError(f"explained as {told}, grouped as {(mdc, adrg, drg, severity)}")
        bad = [
            (c.column, c.value, (f"应为 {zh}", f"expected {en}"))
            for c in result.bad_cells
            for en, zh in (expected(c.part),)
        ]
        bad += [(m.column, m.value, (m.zh or m.reason, m.reason)) for m in case.spoilt]
        return Explanation(case, trace, mdc, adrg, drg, severity, status, reason, tuple(bad),
                           self.lang, self.machinery)  # fmt: skip


@lru_cache(maxsize=8)
def _machinery(named: str, _hash: str, codes: str) -> Machinery:
    """What is worth keeping between explanations; a changed pack is loaded anew."""
    scheme = load_scheme(named)
    tracer = Tracer(scheme, aliases_to(codes, scheme.header.codes))
    return Machinery(scheme, tracer, Grouper(named, codes))


def explain_case(
    record: Mapping[str, Any] | None = None,
    *,
    scheme: Named = DEFAULT,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    codes: str = INSURANCE,
    lang: str = "zh",
    **parts: Any,
) -> Explanation:
    """Explain one case.

    Args:
        record: header -> cell in any known dialect: a dict, or a row of a pandas table.
        scheme: id of a shipped scheme or folder of a pack.
        columns: canonical name -> headers, for headers that are not known.
        codes: edition of the codes.
        lang: ``zh`` or ``en``.
        **parts: instead of a record: ``diagnoses``, ``procedures``, ``sex``, ``age`` (years),
            ``age_days``, ``birth_weight`` (grams) ...

    Raises:
        DrgError: the scheme cannot be used, or there are no diagnoses.
    """
    return Explainer(scheme, codes, lang).explain(case_of(record, columns, **parts))


def _code(code: Code) -> dict[str, str]:
    return {"given": code.given, "code": code.code, "name": code.name}


def _complication(found: Complication) -> dict[str, Any]:
    return {
        "code": found.code,
        "name": found.name,
        "level": found.level,
        "table": found.table,
        "counts": found.counts,
    }


def _fact(leaf: Tested, said: str) -> dict[str, Any]:
    return {
        "condition": rules.to_text(leaf.rule),
        "holds": leaf.holds,
        "codes": list(leaf.codes),
        "list": leaf.place,
        "value": leaf.value,
        "text": said,
    }


def _tried(step: Tried, say: Any, *, nested: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = {
        "level": step.level,
        "code": step.code,
        "name": step.name,
        "rule": step.rule,
        "holds": step.test.holds,
        "because": [_fact(leaf, say(leaf)) for leaf in step.test.leaves()],
    }
    if nested and step.level != "drg":
        found["groups"] = step.size
        found["tried"] = [_tried(below, say) for below in step.inside]
    return found


__all__ = ["PARTS", "Explainer", "Explanation", "OneCase", "case_of", "explain_case"]
