"""Codes that belong to one sex: ICD-10 categories and chapters of the procedure classification.

Diagnoses: the categories that ICD-10, volume 2, limits to one sex, without those that Chinese
records also use otherwise (postmenopausal osteoporosis, acne). Procedures: chapters 60 to 64
(male genital organs) and 65 to 75 (female genital organs, obstetrics) of ICD-9-CM-3, without
operations that change the sex.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np

from drg.cases.values import Mask

MALE, FEMALE = 1, 2
_DIAGNOSES = {
    MALE: (
        "B26.0 C60-C63 D07.4-D07.6 D17.6 D29 D40 E29 E89.5 F52.4 I86.1 L29.1 N40-N51 Q53-Q55 "
        "R86 S31.2-S31.3 Z12.5"
    ),
    FEMALE: (
        "A34 B37.3 C51-C58 C79.6 D06 D07.0-D07.3 D25-D28 D39 E28 E89.4 F52.5 F53 I86.3 L29.2 "
        "M83.0 N70-N77 N80-N98 N99.2-N99.3 O00-O99 Q50-Q52 R87 S31.4 S37.4-S37.6 T19.2-T19.3 "
        "T83.3 Z01.4 Z12.4 Z30.1 Z30.3 Z30.5 Z31.1-Z31.2 Z32-Z37 Z39 Z43.7 Z87.5 Z97.5"
    ),
}
_PROCEDURES = {MALE: "60-64", FEMALE: "65-75"}
_EITHER = "64.5 70.6"  # 性转换手术, 阴道建造术


def of_one_sex(codes: Sequence[str], sex: int, *, procedures: bool) -> Mask:
    """Which codes belong to a sex, by code integer.

    Args:
        codes: all codes of a kind in order; code i has the integer i + 1.
        sex: 1 male, 2 female.
        procedures: the codes are procedures.

    Returns:
        Shape (codes + 2,): blank, the codes, unknown.
    """
    held = within(codes, (_PROCEDURES if procedures else _DIAGNOSES)[sex])
    return held & ~within(codes, _EITHER) if procedures else held


def within(codes: Sequence[str], spans: str) -> Mask:
    """Which codes stand in some of the spans, ``O80-O84 Z37.1``, by code integer.

    Args:
        codes: all codes of a kind in order; code i has the integer i + 1.
        spans: beginnings of codes, or the first and the last of a row of them.

    Returns:
        Shape (codes + 2,): blank, the codes, unknown.
    """
    held = np.zeros(len(codes) + 2, np.bool_)
    for span in spans.split():
        low, _, high = span.partition("-")
        end = bisect_right(codes, (high or low) + chr(sys.maxunicode))
        held[bisect_left(codes, low) + 1 : end + 1] = True
    return held
