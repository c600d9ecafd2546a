"""Audit rules as documents (审核规则文档): read, checked, and put together from several places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from budget.audit.expression import FLAG, NUMBER, Expression, Parameter, RuleError, read_expression
from budget.audit.vocabulary import FACTS
from drg.documents import Model, fit, parse
from drg.errors import one_of, problem
from drg.language import say
from drg.persons import refuse_persons

SEVERITIES = ("high", "medium", "low")
OVER = ("cases", "pairs", "items", "hospitals")
WITHIN = ("hangs_on", "drg", "adrg", "mdc", "contradiction")  # codes, which tell no person
TESTS = ("excess", "bunching", "change")
MOST_LAGS = 5
MOST_THRESHOLDS = 10
MOST_OF_ID, MOST_OF_TEXT = 60, 2_000  # characters; an id stands on every row of a table
SHIPPED = ("national", "huoqiu")
# columns of hospitals.csv, where each family has one too
STANDING = (
    "hospital_id",
    "hospital_name",
    "tier",
    "peers",
    "cases",
    "findings",
    "amount",
    "expected",
    "ratio",
    "ratio_low",
    "ratio_high",
    "ratio_shrunk",
    "funnel_low",
    "funnel_high",
    "p",
    "q",
    "outside",
    "provisional_score",
    "provisional_grade",
    "inspections",
)
_TEXTS = ("title", "title_en", "text", "text_en", "unknown", "unknown_en", "source")
_MODEL: Mapping[str, Model] = {
    **dict.fromkeys(("id", "extends", "family", "severity", "over", "where", "marks", "amount",
                     "strength", *_TEXTS), str),
    "lags": int,
    "parameters": {"*": (float, str, [str], [float])},
    "test": {"kind": str, "of": str, "within": str, "fdr": float, "least": int, "ratio": float,
             "thresholds": [float], "width": float, "likely": float},
}  # fmt: skip
_NEEDED = ("id", "family", "severity", "over", "where", *_TEXTS)


@dataclass(frozen=True)
class Test:
    """What decides, over hospitals or groups, whether a rule's cases are found (检验).

    Attributes:
        kind: ``excess`` over peers, ``bunching`` past a threshold, or ``change`` against the year
            before.
        of: ``excess``: the cases among which they are counted; ``bunching``: the number that
            bunches; ``change``: the share that fell.
        within: ``excess``: each of these apart, one of :data:`WITHIN`; "" for hospitals as such.
        fdr: share of false discoveries that is accepted.
        least: fewest cases.
        ratio: how many times its peers' share a hospital must surely exceed.
        thresholds: where bunching is looked for.
        width: how far past a threshold cases are moved, as a part of the threshold.
        likely: least probability that a found case was moved.
    """

    kind: str
    of: Expression
    within: str = ""
    fdr: float = 0.05
    least: int = 3
    ratio: float = 2.0
    thresholds: tuple[float, ...] = ()
    width: float = 0.1
    likely: float = 0.4


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        id: stable identifier.
        family: family of irregularity, as in a synthetic region's truth.
        severity: one of :data:`SEVERITIES`.
        over: what its rows are, one of :data:`OVER`.
        where: which rows it finds.
        marks: of pairs, whether ``both`` stays are found or the ``later``.
        lags: of pairs, how many stays further one is looked for.
        amount: yuan at stake in a found row.
        strength: from 0 to 1; None for what the test says, or 1.
        test: None where ``where`` decides alone.
        texts: title, text, what the rule cannot know (each also ``_en``), source.
    """

    id: str
    family: str
    severity: str
    over: str
    where: Expression
    amount: Expression
    texts: Mapping[str, str]
    marks: str = "both"
    lags: int = 2
    strength: Expression | None = None
    test: Test | None = None

    def said(self, key: str, *, zh: bool) -> str:
        """``title``, ``text`` or ``unknown`` in the reader's language."""
        return self.texts[key if zh else f"{key}_en"]

    @property
    def uses(self) -> frozenset[str]:
        """Facts without which it cannot run."""
        found = self.where.uses
        if self.test is not None:
            found |= self.test.of.uses
            found |= {self.test.within} if self.test.within else set()
        return found


def shipped() -> dict[str, list[str]]:
    """The shipped sets of rules, and the names of their documents."""
    root = files("budget.audit").joinpath("rules")
    return {name: sorted(one.name for one in root.joinpath(name).iterdir()
                         if one.name.endswith(".toml")) for name in SHIPPED}  # fmt: skip


def read_rules(names: Iterable[str]) -> list[Rule]:
    """Rules of several sets, files and folders; a later one takes the place of one of its id.

    A document with ``extends`` says only what is other than in the rule of that id before it.

    Args:
        names: ids of shipped sets, files, or folders of files.

    Raises:
        DrgError: there is none of the name, or a document has an error; key and place are told.
    """
    documents: dict[str, tuple[dict[str, Any], str]] = {}
    for name in names:
        for file, content in _contents(name):
            document = parse(content, file)
            fit(document, _MODEL, file)
            document = _extended(document, documents, file)
            fit(document, _MODEL, file, (), *_NEEDED)
            documents[document["id"]] = document, file
    return [_rule(document, file) for document, file in documents.values()]


def _contents(name: str) -> list[tuple[str, bytes]]:
    path = Path(name)
    if path.is_dir():
        found = sorted(path.glob("*.toml"))
        if not found:
            raise problem(say("没有规则文档", "has no document of a rule"), file=path,
                          expected="*.toml")  # fmt: skip
        return [(str(one), _read(one)) for one in found]
    if path.is_file():
        return [(str(path), _read(path))]
    if name in SHIPPED:
        root = files("budget.audit").joinpath("rules", name)
        return [(f"{name}/{one}", root.joinpath(one).read_bytes()) for one in shipped()[name]]
    raise problem(say("没有此规则集、文件或文件夹", "no such set, file or folder of rules"),
                  key="rules", found=name, expected=one_of(SHIPPED))  # fmt: skip


def _read(path: Path) -> bytes:
    from drg.documents import read_document

    read_document(path)  # refuses what is no document, is too large, or cannot be read
    return path.read_bytes()


def _extended(
    document: dict[str, Any], known: Mapping[str, tuple[dict[str, Any], str]], file: str
) -> dict[str, Any]:
    base = document.pop("extends", None)
    if base is None:
        return document
    if base not in known:
        raise problem(say("没有此规则", "no such rule"), file=file, key="extends", found=base,
                      expected=one_of(known) if known else None)  # fmt: skip
    held = known[base][0]
    merged = held | document
    for key in ("parameters", "test"):
        if key in held or key in document:
            merged[key] = held.get(key, {}) | document.get(key, {})
    return merged


def _rule(document: dict[str, Any], file: str) -> Rule:
    for key, choices in (("severity", SEVERITIES), ("over", OVER), ("marks", ("both", "later"))):
        if document.get(key, choices[0]) not in choices:
            raise problem(say("没有这个选项", "unknown choice"), file=file, key=key,
                          found=document[key], expected=one_of(choices))  # fmt: skip
    for key in ("id", "family", *_TEXTS):
        refuse_persons([document[key]], file=file, key=key)
        most = MOST_OF_TEXT if key in _TEXTS else MOST_OF_ID
        if len(document[key]) > most:
            raise problem(say(f"超过 {most} 个字符", f"more than {most} characters"), file=file,
                          key=key, found=len(document[key]))  # fmt: skip
    for key in ("id", "family"):
        if not document[key].replace("_", "").replace("-", "").isalnum():
            raise problem(say("应由字母、数字、_、- 组成", "takes letters, digits, _ and -"),
                          file=file, key=key, found=document[key])  # fmt: skip
    if document["family"] in STANDING:
        raise problem(say("与 hospitals.csv 的列同名", "is the name of a column of hospitals.csv"),
                      file=file, key="family", found=document["family"])  # fmt: skip
    lags = document.get("lags", 2)
    if not 1 <= lags <= MOST_LAGS:
        raise problem(say("超出范围", "out of range"), file=file, key="lags", found=lags,
                      expected=f"1 - {MOST_LAGS}")  # fmt: skip
    over = document["over"]
    facts = FACTS[over]
    parameters: dict[str, Parameter] = document.get("parameters", {})
    for name in parameters:
        if name in facts:
            raise problem(say("与事实同名", "is the name of a fact"), file=file,
                          key=f"parameters.{name}")  # fmt: skip

    def read(key: str, text: str, wanted: str) -> Expression:
        try:
            return read_expression(text, facts, parameters, wanted)
        except RuleError as error:
            raise problem(str(error), file=file, key=key, found=text) from None

    where = read("where", document["where"], FLAG)
    strength = document.get("strength")
    return Rule(
        document["id"], document["family"], document["severity"], over, where,
        read("amount", document.get("amount", "0"), NUMBER),
        {key: document[key] for key in _TEXTS}, document.get("marks", "both"), lags,
        None if strength is None else read("strength", strength, NUMBER),
        _test(document.get("test"), over, facts, file, read),
    )  # fmt: skip


def _test(
    said: dict[str, Any] | None, over: str, facts: Mapping[str, str], file: str, read: Any
) -> Test | None:
    if said is None:
        return None
    fit(said, _MODEL["test"], file, ("test",), "kind")
    kind = said["kind"]
    if kind not in TESTS or (kind == "change") != (over == "hospitals") or over == "items":
        raise problem(say("没有这种检验", "no such test"), file=file, key="test.kind", found=kind,
                      expected=one_of(TESTS[2:] if over == "hospitals" else TESTS[:2]))  # fmt: skip
    ranges = {"fdr": (0.0, 0.5), "least": (1, 1_000), "ratio": (1.0, 100.0), "width": (0.001, 1.0),
              "likely": (0.01, 0.99)}  # fmt: skip
    for key, (low, high) in ranges.items():
        if key in said and not low <= said[key] <= high:
            raise problem(say("超出范围", "out of range"), file=file, key=f"test.{key}",
                          found=said[key], expected=f"{low} - {high}")  # fmt: skip
    thresholds = said.get("thresholds", ())
    if kind == "bunching" and not (0 < len(thresholds) <= MOST_THRESHOLDS and min(thresholds) > 0):
        raise problem(say(f"应为大于 0 的数，1 至 {MOST_THRESHOLDS} 个",
                          f"expected numbers above 0, 1 to {MOST_THRESHOLDS} of them"), file=file,
                      key="test.thresholds", found=str(thresholds)[:80])  # fmt: skip
    within = said.get("within", "")
    if within and (within not in WITHIN or within not in facts):
        raise problem(say("没有这个选项", "unknown choice"), file=file, key="test.within",
                      found=within, expected=one_of(WITHIN))  # fmt: skip
    if kind != "excess" and "of" not in said:
        raise problem(say("缺失", "is missing"), file=file, key="test.of")
    of = read("test.of", said.get("of", "True"), FLAG if kind == "excess" else NUMBER)
    more = {key: said[key] for key in ("fdr", "least", "ratio", "width", "likely") if key in said}
    return Test(kind, of, within, thresholds=tuple(thresholds), **more)
