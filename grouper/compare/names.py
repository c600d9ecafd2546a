"""Names of groups compared (名称比对): without width, spaces, punctuation and turns of phrase."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Words that editions of the schemes use for one another.
_SAME_WORDS = (
    ("合并症或并发症", "并发症或合并症"),
    ("合并症和并发症", "并发症或合并症"),
    ("一般并发症", "并发症"),
    ("伴有", "伴"),
    ("疾患", "疾病"),
    ("有关", "相关"),
    ("成型", "成形"),
    ("梗塞", "梗死"),
    ("植入", "置入"),
    ("移植入", "置入"),
    ("手术室手术", "手术"),
    ("手术室操作", "手术操作"),
    ("小于", "<"),
    ("大于", ">"),
)
_SIGNS = re.compile(r"[^\w<>≥≤=%]+|_")
_LINKS = re.compile(r"[的和与及或]")
_COMMON = re.compile(r"手术|疾病|治疗|操作|其他|相关|系统|术")
_AMOUNT = re.compile(r"[<≥≤]?\d+(?:-\d+)?")
_CLAUSE = re.compile(r"[,，(（]")


@lru_cache(maxsize=8192)
def normal(name: str) -> str:
    """A name without what may differ between two prints of it."""
    text = unicodedata.normalize("NFKC", name).lower()
    for word, instead in _SAME_WORDS:
        text = text.replace(word, instead)
    return _LINKS.sub("", _SIGNS.sub("", text))


def same(one: str, other: str) -> bool:
    """Whether two names are one name."""
    return normal(one) == normal(other)


def qualifies(longer: str, shorter: str) -> bool:
    """Whether a name is another with a clause behind it: 阴道分娩，椎管内镇痛 of 阴道分娩."""
    head, *rest = _CLAUSE.split(unicodedata.normalize("NFKC", longer), maxsplit=1)
    return bool(rest) and normal(head) == normal(shorter)


@lru_cache(maxsize=65536)
def likeness(one: str, other: str) -> float:
    """How alike two names are, 0 to 1: the characters and pairs of characters they share.

    Words that most names have (手术, 疾病) count nothing; a name that stands whole in the other
    counts at least :data:`WITHIN`; names of other weights or ages (1500-1999g, ≥2500g) are less
    alike.
    """
    if normal(one) == normal(other):
        return 1.0
    a, b = _core(one), _core(other)
    if not a or not b:
        return 0.0
    pieces, others = _pieces(a), _pieces(b)
    alike = 2 * len(pieces & others) / (len(pieces) + len(others))
    short, long = sorted((a, b), key=len)
    if len(short) > 1 and short in long:
        alike = max(alike, WITHIN)
    amounts, others = _amounts(one), _amounts(other)
    return alike * OTHER_AMOUNT if amounts and others and not amounts & others else alike


WITHIN = 0.6
OTHER_AMOUNT = 0.7


def _amounts(name: str) -> frozenset[str]:
    text = unicodedata.normalize("NFKC", name)
    text = re.sub(r">\s*(\d+)", lambda found: f"≥{int(found[1]) + 1}", text)
    return frozenset(_AMOUNT.findall(text))


def _core(name: str) -> str:
    text = normal(name)
    return _COMMON.sub("", text) or text


@lru_cache(maxsize=8192)
def _pieces(text: str) -> frozenset[str]:
    return frozenset(text) | frozenset(text[i : i + 2] for i in range(len(text) - 1))
