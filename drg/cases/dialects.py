"""Layouts of the wild (数据来源格式) whose headers mean something only together, and as what.

A header such as ``A14`` or ``weight`` says nothing by itself, so a layout is recognised by the
headers that all its files have, and only then are the others read by its list. Sources: the HQMS
interface of the inpatient front page (国家医院质量监测系统住院病案首页接口标准: P fields of 2012,
fields ``A01`` to ``D35`` since 2019); the front page export of the health statistics (卫统,
``N041``); the input of CHS-DRG groupers, a record a case.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

_PAYMENT = {  # 医疗付费方式 of the front page; others are no basic insurance
    **dict.fromkeys(("1", "01"), "employee"),
    **dict.fromkeys(("2", "02", "3", "03"), "resident"),
    **dict.fromkeys(("4", "04", "5", "05", "6", "06", "7", "07", "8", "08", "9", "09", "99"),
                    "other"),
}  # fmt: skip


_LISTS = ("diagnoses", "procedures")  # of other parts, several headers are alternatives


@dataclass(frozen=True)
class Dialect:
    """A layout.

    Attributes:
        name: what it is called in records.
        signature: headers in plain form that each of its files has.
        parts: canonical name -> header in plain form, or a pattern whose one group is a running
            number, or several of either, principal first.
        values: canonical name -> word of a cell -> meaning, where the layout defines codes.
    """

    name: str
    signature: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def columns(self, by_header: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """Canonical name -> columns of a table, of what is there.

        Args:
            by_header: header in plain form -> column.
        """
        found: dict[str, tuple[str, ...]] = {}
        for part, wanted in self.parts.items():
            held = [name for one in wanted for name in _matching(one, by_header)]
            if held:
                found[part] = tuple(dict.fromkeys(held if part in _LISTS else held[:1]))
        return found


def _matching(wanted: str, by_header: Mapping[str, str]) -> list[str]:
    if "(" not in wanted:
        return [by_header[wanted]] if wanted in by_header else []
    hits = [(int(m[1]), name) for plain, name in by_header.items()
            if (m := re.fullmatch(wanted, plain))]  # fmt: skip
    return [name for _, name in sorted(hits)]


DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        "HQMS", ("a48", "c03c"),
        {
            "case_id": ("a48",), "hospital_id": ("a01",), "insurance": ("a46c",),
            "patient_id": ("a20n", "a20"), "birth_date": ("a13",), "sex": ("a12c",),
            "age": ("a14",),
            "age_days": ("a16",), "admission_weight": ("a17",), "birth_weight": ("a18x01", "a18"),
            "admission_date": ("b12",), "discharge_date": ("b15",), "department": ("b16c",),
            "length_of_stay": ("b20",), "discharge_mode": ("b34c",), "total_cost": ("d01",),
            "diagnoses": ("c03c", r"c06x(\d+)c"), "procedures": ("c14x01c", r"c35x(\d+)c"),
        },
        {"insurance": _PAYMENT},
    ),
    Dialect(
        "HQMS-P", ("p3", "p321"),
        {
            "case_id": ("p3",), "hospital_id": ("p900",), "insurance": ("p1",),
            "patient_id": ("p13",), "birth_date": ("p6",), "sex": ("p5",), "age": ("p7",),
            "admission_date": ("p22",), "discharge_date": ("p25",), "department": ("p26",),
            "length_of_stay": ("p27",), "discharge_mode": ("p741",), "total_cost": ("p782",),
            "age_days": ("p66",), "birth_weight": ("p681",), "admission_weight": ("p67",),
            # the numbers do not run on: each block was appended to an older layout
            "diagnoses": ("p321", "p324", "p327", "p3291", "p3294", "p3297", "p3281", "p3284",
                          "p3287", "p3271", "p3274"),
            "procedures": ("p490", "p4911", "p4922", "p4533", "p4544", "p45002", "p45014"),
        },
        {"insurance": _PAYMENT},
    ),
    Dialect(
        "N041", ("bah", "jbdm"),
        {
            "case_id": ("bah",), "hospital_id": ("zzjgdm", "yljgdm", "username"),
            "insurance": ("ylfkfs",), "patient_id": ("sfzh",), "birth_date": ("csrq",),
            "sex": ("xb",), "age": ("nl",), "age_months": ("bzyzsnl",),
            "birth_weight": ("xsecstz",), "admission_weight": ("xserytz",),
            "admission_date": ("rysj",), "discharge_date": ("cysj",), "department": ("cykb",),
            "length_of_stay": ("sjzyts",), "discharge_mode": ("lyfs",), "total_cost": ("zfy",),
            "diagnoses": ("jbdm", r"jbdm(\d+)"), "procedures": (r"ssjczbm(\d+)",),
        },
        {"insurance": _PAYMENT},
    ),
    Dialect(
        "grouper", ("zdlist",),
        {
            "case_id": ("index", "id"), "sex": ("gender",), "age": ("age",),
            "age_days": ("ageday",), "birth_weight": ("weight",), "department": ("dept",),
            "length_of_stay": ("inhospitaltime",), "discharge_mode": ("leavingtype",),
            "diagnoses": ("zdlist",), "procedures": ("sslist",),
        },
    ),
)  # fmt: skip


def dialect_of(by_header: Mapping[str, str]) -> Dialect | None:
    """The layout of a table, None when its headers speak for themselves.

    Args:
        by_header: header in plain form -> column.
    """
    return next((one for one in DIALECTS if all(h in by_header for h in one.signature)), None)


_CHINESE = {c: n for n, c in enumerate("一二三四五六七八九十", 1)}
_IN_BRACKETS = re.compile(r"[(\[【]\s*([0-9]{1,6}|[一二三四五六七八九十])\s*[)\]】]")
_DIGITS = re.compile(r"第?[_\-]?([0-9]{1,6})")
_WORD = re.compile(
    r"(?<=[断术作码])第?([一二三四五六七八九]?十[一二三四五六七八九]?|[一二三四五六七八九])"
    r"(?=编码|代码|名称|$)"
)


def numbered(header: str) -> tuple[str, int | None]:
    """A header without its one running number, wherever that stands, and the number.

    ``其他诊断1编码``, ``其他诊断编码(1)`` and ``其他诊断编码一`` all are the first
    ``其他诊断编码``. A header with no number or with two comes back as it is, with None.
    """
    text = unicodedata.normalize("NFKC", header[:100]).strip()
    if found := _IN_BRACKETS.search(text):
        number = found[1]
        return text.replace(found[0], "", 1), int(number) if number.isdigit() else _CHINESE[number]
    digits = _DIGITS.findall(text)
    if len(digits) == 1:
        return _DIGITS.sub("", text), int(digits[0])
    if not digits and (word := _WORD.search(text)):
        return _WORD.sub("", text, count=1), _of_words(word[1])
    return header, None


def _of_words(text: str) -> int:
    tens, mark, ones = text.partition("十")
    if not mark:
        return _CHINESE[text]
    return (_CHINESE[tens] if tens else 1) * 10 + (_CHINESE[ones] if ones else 0)
