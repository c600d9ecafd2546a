"""Editions of diagnosis and procedure codes, and the conversion from the clinical to the insurance.

The tables in ``grouper/editions/`` name the codes that the two editions write differently. One
spelling may stand in both and mean another disease in each, so a clinical file is converted by
the table first, and only codes that the table does not name are taken as they stand.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from drg.errors import problem
from drg.language import say

INSURANCE, CLINICAL = "insurance", "clinical"
EDITIONS = {
    INSURANCE: ("医保版", "insurance edition"),
    CLINICAL: ("国临版", "clinical edition"),
}
KINDS = ("diagnosis", "procedure")
_FOLDER = Path(__file__).parents[1] / "editions"
_FILES = {"diagnosis": "clinical-diagnoses.csv", "procedure": "clinical-procedures.csv"}
_NONE: Mapping[str, str] = {}


@cache
def conversions(kind: str) -> Mapping[str, str]:
    """Clinical code -> insurance code, of the codes that differ.

    Args:
        kind: ``diagnosis`` or ``procedure``.
    """
    with (_FOLDER / _FILES[kind]).open(encoding="utf-8", newline="") as stream:
        return {row["clinical"]: row["insurance"] for row in csv.DictReader(stream)}


def aliases_to(codes: str, edition: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """How the codes of a file are to be read in a scheme's edition.

    Args:
        codes: edition of the file: ``insurance`` or ``clinical``.
        edition: edition of the scheme, as its header says.

    Returns:
        Conversions of diagnoses and of procedures; empty where codes are taken as they stand.

    Raises:
        DrgError: there is no such edition, or no table leads to the scheme's.
    """
    if codes not in EDITIONS:
        raise problem(say("没有这个编码版本", "no such edition of codes"), key="codes", found=codes,
                      expected=say(" 或 ", " or ").join(EDITIONS))  # fmt: skip
    if codes in (edition, INSURANCE):
        return _NONE, _NONE
    if edition != INSURANCE:
        raise problem(
            say(f"没有从{EDITIONS[codes][0]}编码到方案所用版本的对照表",
                f"no conversion from the {codes} edition to that of the scheme"),
            key="codes", found=edition, expected=INSURANCE,
        )  # fmt: skip
    return conversions("diagnosis"), conversions("procedure")
