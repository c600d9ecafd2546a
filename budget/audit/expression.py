"""The language of audit rules (审核规则语言): small, checked before it runs, over whole columns.

An expression says which rows a rule finds, or what a finding is worth::

    same_hospital and gap_days <= days and principal3 == other.principal3
    los <= 2 and procedures == 0 and not starts(principal, ["Z51"])
    share(mcc, hospital) > peer_quantile(share(mcc, hospital), 0.95)

Names are facts of a row, those behind a dot facts of what it stands beside (``other`` stay of the
person, ``item``, ``before``, ``peers``), or parameters of the rule. There are no loops and no
names beside these; every node is one operation over a column, so that the longest expression takes
a known number of passes over the cases. A value that is not known satisfies no comparison; a
quotient by zero, and a number too large to be held, are not known.
"""

from __future__ import annotations

import ast
import operator
import warnings
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from drg.language import say
from drg.tables.arrays import blocks

NUMBER, FLAG, TEXT = "number", "flag", "text"
_LIST = "list"
_LARGEST = 1e15
MOST_CHARACTERS, MOST_NODES, DEEPEST, MOST_SUMS = 2_000, 300, 40, 12
Array: TypeAlias = npt.NDArray[Any]
Rows: TypeAlias = slice | Array
Parameter: TypeAlias = float | str | list[str] | list[float]


class RuleError(ValueError):
    """An expression that cannot be used: what is wrong, and at which character (from 1)."""

    def __init__(self, zh: str, en: str, position: int) -> None:
        self.what = say(zh, en)
        self.position = position
        super().__init__(self.what + say(f"，第 {position} 个字符", f", at character {position}"))


@dataclass(frozen=True)
class Coded:
    """A column of texts as places in a list of them.

    Attributes:
        codes: place of each row's text. Shape (N,).
        texts: the texts.
    """

    codes: npt.NDArray[np.int32]
    texts: tuple[str, ...]

    def take(self, rows: Array) -> Coded:
        """Some rows."""
        return Coded(self.codes[rows], self.texts)

    def told(self, holds: Callable[[str], bool]) -> Array:
        """Of which rows something holds that is said of a text. Shape (N,)."""
        return np.array([holds(text) for text in self.texts], np.bool_)[self.codes]


class Scope(Protocol):
    """What an expression is asked of."""

    @property
    def rows(self) -> int:
        """How many rows there are."""

    def fact(self, name: str, rows: Rows) -> Array | Coded:
        """A fact of some rows, by its name."""

    def group(self, name: str, rows: Rows) -> Array:
        """The group of some rows."""

    def groups(self, name: str) -> int:
        """How many groups there are."""

    def peer_quantile(self, means: Array, q: float) -> Array:
        """Of a number of each hospital its quantile over the hospital's peers. Shapes (H,)."""


_NUMERIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
            ast.Div: operator.truediv}  # fmt: skip
_COMPARED = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
             ast.Eq: operator.eq, ast.NotEq: operator.ne}  # fmt: skip
# function -> kinds of its arguments; "by" is the name of a group
_FUNCTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "min": ((NUMBER, NUMBER), NUMBER), "max": ((NUMBER, NUMBER), NUMBER),
    "abs": ((NUMBER,), NUMBER), "known": ((NUMBER,), FLAG), "starts": ((TEXT, _LIST), FLAG),
    "count": ((FLAG, "by"), NUMBER), "share": ((FLAG, "by"), NUMBER),
    "mean": ((NUMBER, "by"), NUMBER), "sum": ((NUMBER, "by"), NUMBER),
    "sum_if": ((NUMBER, FLAG, "by"), NUMBER), "peer_quantile": ((NUMBER, NUMBER), NUMBER),
}  # fmt: skip
GROUPS = ("case", "hospital", "drg", "adrg", "mdc", "person", "month", "tier")


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    Attributes:
        text: as it is written.
        kind: ``flag``, ``number`` or ``text``.
        uses: facts that it asks for.
    """

    text: str
    kind: str
    uses: frozenset[str]
    _tree: ast.expr
    _parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def __call__(self, scope: Scope, rows: Array | None = None) -> Array:
        """Its value for all or some rows: booleans, or numbers with NaN where they are not known.

        Rows are looked at block by block, sums over groups first.
        """
        size = scope.rows if rows is None else len(rows)
        found: Array = np.empty(size, np.bool_ if self.kind == FLAG else np.float64)
        with np.errstate(all="ignore"):
            run = _Run(scope, self._parameters)
            run.prepare(self._tree)
            for part in blocks(size):
                found[part] = run.of(self._tree, part if rows is None else rows[part])
        return found


def read_expression(
    text: str, facts: Mapping[str, str], parameters: Mapping[str, Parameter], wanted: str
) -> Expression:
    """Read and check an expression.

    Args:
        text: the expression.
        facts: name -> kind, of all that may be asked.
        parameters: of the rule.
        wanted: kind that it must have.

    Raises:
        RuleError: it cannot be read, asks what is not there, or is too large.
    """
    if len(text) > MOST_CHARACTERS:
        raise RuleError(f"超过 {MOST_CHARACTERS} 个字符", f"more than {MOST_CHARACTERS} characters",
                        MOST_CHARACTERS)  # fmt: skip
    plain = " ".join(text.splitlines()) if "\n" in text else text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(plain.strip() or "?", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError, Warning) as error:
        at = getattr(error, "offset", None) or 1
        raise RuleError("无法识别", "cannot be read", at) from None
    checked = _Check(facts, parameters)
    kind = checked.kind(tree, 0)
    if kind != wanted:
        raise RuleError(f"结果是{_zh(kind)}，应为{_zh(wanted)}",
                        f"is a {kind}, expected a {wanted}", 1)  # fmt: skip
    used = {name: parameters[name] for name in checked.parameters}
    return Expression(text, kind, frozenset(checked.uses), tree, used)


def _zh(kind: str) -> str:
    return {NUMBER: "数", FLAG: "条件", TEXT: "文本", _LIST: "数组", "by": "分组"}[kind]


def name_of(node: ast.expr) -> str | None:
    """The name that a node stands for: ``cost``, ``other.cost``; None for another node."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return None


class _Check:
    """Kinds of all nodes; refuses what the language does not have."""

    def __init__(self, facts: Mapping[str, str], parameters: Mapping[str, Parameter]) -> None:
        self._facts, self._given = facts, parameters
        self.uses: set[str] = set()
        self.parameters: set[str] = set()
        self._nodes = self._sums = 0

    def kind(self, node: ast.expr, depth: int) -> str:
        self._nodes += 1
        if depth > DEEPEST or self._nodes > MOST_NODES:
            raise RuleError("过长或嵌套过深", "is too long or nested too deep", _at(node))
        if isinstance(node, ast.BoolOp):
            for one in node.values:
                self._want(one, depth, FLAG)
            return FLAG
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self._want(node.operand, depth, FLAG)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self._want(node.operand, depth, NUMBER)
        if isinstance(node, ast.BinOp) and type(node.op) in _NUMERIC:
            self._want(node.left, depth, NUMBER)
            return self._want(node.right, depth, NUMBER)
        if isinstance(node, ast.Compare):
            return self._compare(node, depth)
        if isinstance(node, ast.Call):
            return self._call(node, depth)
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.List):
            return self._list(node)
        name = name_of(node)
        if name is None:
            raise RuleError("语言中没有这种写法", "is not in the language", _at(node))
        if name in self._given:
            self.parameters.add(name)
            value = self._given[name]
            return _LIST if isinstance(value, list) else TEXT if isinstance(value, str) else NUMBER
        if name not in self._facts:
            raise RuleError(f"没有名为 {name} 的事实或参数", f"no fact or parameter '{name}'",
                            _at(node))  # fmt: skip
        self.uses.add(name)
        return self._facts[name]

    def _want(self, node: ast.expr, depth: int, *wanted: str) -> str:
        found = self.kind(node, depth + 1)
        if found not in wanted:
            raise RuleError(f"此处是{_zh(found)}，应为{'或'.join(map(_zh, wanted))}",
                            f"a {found} where a {' or a '.join(wanted)} is expected",
                            _at(node))  # fmt: skip
        return found

    @staticmethod
    def _constant(node: ast.Constant) -> str:
        if isinstance(node.value, bool):
            return FLAG
        if isinstance(node.value, int | float):
            if abs(node.value) < _LARGEST:
                return NUMBER
            raise RuleError(f"数过大，应小于 {_LARGEST:g}",
                            f"too large a number, expected less than {_LARGEST:g}",
                            _at(node))  # fmt: skip
        if isinstance(node.value, str):
            return TEXT
        raise RuleError("语言中没有这种写法", "is not in the language", _at(node))

    def _list(self, node: ast.List) -> str:
        self._nodes += len(node.elts)
        kinds = {self._constant(one) if isinstance(one, ast.Constant) else "" for one in node.elts}
        if len(kinds) != 1 or not kinds <= {TEXT, NUMBER}:
            raise RuleError("数组应全为文本或全为数", "a list holds texts or numbers", _at(node))
        return _LIST

    def _listed(self, node: ast.expr) -> list[Any]:
        """The values of a list, which has some."""
        values = _values(node, self._given)
        if not values:
            raise RuleError("数组为空", "an empty list", _at(node))
        return values

    def _column(self, node: ast.expr) -> None:
        """A text that is asked for what it holds is a fact, no fixed one."""
        if name_of(node) not in self._facts:
            raise RuleError("应为事实，不是固定的文本", "a fixed text where a fact is expected",
                            _at(node))  # fmt: skip

    def _compare(self, node: ast.Compare, depth: int) -> str:
        sides = [node.left, *node.comparators]
        for op, one, other in zip(node.ops, sides, sides[1:], strict=False):
            if isinstance(op, ast.In | ast.NotIn):
                kind = self._want(one, depth, TEXT, NUMBER)
                if kind == TEXT:
                    self._column(one)
                self._want(other, depth, _LIST)
                values = self._listed(other)
                if any(isinstance(value, str) != (kind == TEXT) for value in values):
                    raise RuleError("数组中的值类型不符", "a list of values of another kind",
                                    _at(other))  # fmt: skip
                continue
            if type(op) not in _COMPARED:
                raise RuleError("语言中没有这种写法", "is not in the language", _at(node))
            equal = isinstance(op, ast.Eq | ast.NotEq)
            kind = self._want(one, depth, *((NUMBER, TEXT) if equal else (NUMBER,)))
            self._want(other, depth, kind)
            if kind == TEXT:
                names = [name_of(side) for side in (one, other)]
                facts = [str(name) for name in names if name in self._facts]
                if not facts or len({name.split(".")[-1] for name in facts}) > 1:
                    raise RuleError("只能与文本，或与另一方的同名事实比较",
                                    "goes with a text, or the same fact of the other",
                                    _at(node))  # fmt: skip
        return FLAG

    def _call(self, node: ast.Call, depth: int) -> str:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS or node.keywords:
            raise RuleError(f"没有此函数，可用：{'、'.join(_FUNCTIONS)}",
                            f"no such function; there are {', '.join(_FUNCTIONS)}",
                            _at(node))  # fmt: skip
        wanted, gives = _FUNCTIONS[name]
        if len(node.args) != len(wanted):
            raise RuleError(f"{name} 应有 {len(wanted)} 个参数",
                            f"{name} takes {len(wanted)} arguments", _at(node))  # fmt: skip
        for kind, one in zip(wanted, node.args, strict=True):
            if kind != "by":
                self._want(one, depth, kind)
            elif name_of(one) not in GROUPS:
                raise RuleError(f"应为分组：{'、'.join(GROUPS)}",
                                f"expected a group: {', '.join(GROUPS)}", _at(one))  # fmt: skip
        if name == "starts":
            self._column(node.args[0])
            values = self._listed(node.args[1])
            if not all(isinstance(value, str) for value in values):
                raise RuleError("应为文本数组", "expected a list of texts", _at(node.args[1]))
            if not all(value.strip() for value in values):
                raise RuleError("数组中有空文本，任何文本都以它开头",
                                "an empty text in the list, with which every text starts",
                                _at(node.args[1]))  # fmt: skip
        if name == "peer_quantile":
            if not (isinstance(node.args[1], ast.Constant) or name_of(node.args[1]) in self._given):
                raise RuleError("应为固定的数", "expected a fixed number", _at(node.args[1]))
            (q,) = _values(node.args[1], self._given)
            if not 0 <= q <= 1:
                raise RuleError(f"分位数 {q:g} 应在 0 至 1 之间",
                                f"a quantile of {q:g}, expected 0 to 1",
                                _at(node.args[1]))  # fmt: skip
        self._sums += "by" in wanted or name == "peer_quantile"
        if self._sums > MOST_SUMS:
            raise RuleError(f"汇总函数超过 {MOST_SUMS} 个", f"more than {MOST_SUMS} sums",
                            _at(node))  # fmt: skip
        return gives


def _at(node: ast.expr) -> int:
    return node.col_offset + 1


def known(values: Any) -> Any:
    """Numbers as they are, NaN where they are not finite: by zero, or too large to be held."""
    return np.where(np.isfinite(values), values, np.nan)


def _values(node: ast.expr, parameters: Mapping[str, Parameter]) -> list[Any]:
    if isinstance(node, ast.Constant):
        return [node.value]
    if isinstance(node, ast.List):
        return [one.value for one in node.elts if isinstance(one, ast.Constant)]
    value = parameters[str(name_of(node))]
    return list(value) if isinstance(value, list) else [value]


class _Run:
    """Values of nodes over a scope."""

    def __init__(self, scope: Scope, parameters: Mapping[str, Parameter]) -> None:
        self._scope, self._given = scope, parameters
        self._sums: dict[ast.expr, Array] = {}  # of each group
        self._told: dict[ast.expr, tuple[tuple[str, ...], Array]] = {}  # of each text

    def prepare(self, node: ast.expr) -> None:
        """Add up what a node and those below it ask of groups."""
        for below in ast.iter_child_nodes(node):
            if isinstance(below, ast.expr):
                self.prepare(below)
        if isinstance(node, ast.Call) and (by := _group_of(node)):
            self._sums[node] = self._summed(node, by)

    def _summed(self, node: ast.Call, by: str) -> Array:
        name, size = str(name_of(node.func)), self._scope.groups(by)
        sums, means = np.zeros(size), name in ("share", "mean", "peer_quantile")
        count = np.zeros(size if means else 0)
        for rows in blocks(self._scope.rows):
            group = self._scope.group(by, rows)
            values = np.asarray(self._full(node.args[0], rows), np.float64)
            there = ~np.isnan(values)
            if name == "sum_if":
                there &= np.asarray(self._full(node.args[1], rows), np.bool_)
            np.add.at(sums, group, np.where(there, values, 0.0))
            if means:
                count += np.bincount(group, there, size)
        if name == "peer_quantile":
            return self._scope.peer_quantile(sums / count, float(self.of(node.args[1], slice(0))))
        return known(sums) / count if means else np.asarray(known(sums))

    def of(self, node: ast.expr, rows: Rows) -> Any:
        if isinstance(node, ast.BoolOp):
            found = self.of(node.values[0], rows)
            for one in node.values[1:]:
                other = self.of(one, rows)
                found = found & other if isinstance(node.op, ast.And) else found | other
            return found
        if isinstance(node, ast.UnaryOp):
            held = self.of(node.operand, rows)
            return ~np.asarray(held, np.bool_) if isinstance(node.op, ast.Not) else -held
        if isinstance(node, ast.BinOp):
            return known(
                _NUMERIC[type(node.op)](self.of(node.left, rows), self.of(node.right, rows))
            )
        if isinstance(node, ast.Compare):
            return self._compare(node, rows)
        if isinstance(node, ast.Call):
            return self._call(node, rows)
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, bool | str) else np.float64(node.value)  # type: ignore[arg-type]
        name = str(name_of(node))
        if name in self._given:
            value = self._given[name]
            return value if isinstance(value, str) else np.float64(value)  # type: ignore[arg-type]
        return self._scope.fact(name, rows)

    def _compare(self, node: ast.Compare, rows: Rows) -> Any:
        sides = [node.left, *node.comparators]
        held: Any = True
        for op, one, other in zip(node.ops, sides, sides[1:], strict=False):
            if isinstance(op, ast.In | ast.NotIn):
                column = self.of(one, rows)
                found = self._inside(other, column)
                if isinstance(op, ast.NotIn):
                    found = ~found if isinstance(column, Coded) else ~found & ~np.isnan(column)
                held = held & found
                continue
            left, right = self.of(one, rows), self.of(other, rows)
            if isinstance(left, Coded) or isinstance(right, Coded):
                found = self._same(left, right)
                held = held & (~found if isinstance(op, ast.NotEq) else found)
                continue
            found = _COMPARED[type(op)](left, right)
            if isinstance(op, ast.NotEq):
                found = found & ~np.isnan(left) & ~np.isnan(right)
            held = held & found
        return held

    def _inside(self, node: ast.expr, column: Any, *, starts: bool = False) -> Array:
        """Which rows have, or start with, one of the values of a list."""
        values = _values(node, self._given)
        if not isinstance(column, Coded):
            return np.isin(column, np.array(values, np.float64))
        texts, holds = self._told.get(node, ((), np.zeros(0)))
        if texts is not column.texts:
            wanted, lengths = set(values), sorted({len(one) for one in values})
            holds = np.array([
                any(text[:n] in wanted for n in lengths[: bisect_right(lengths, len(text))])
                if starts else text in wanted for text in column.texts
            ], np.bool_)  # fmt: skip
            self._told[node] = column.texts, holds
        return np.asarray(holds[column.codes])

    @staticmethod
    def _same(left: Any, right: Any) -> Array:
        if isinstance(left, Coded) and isinstance(right, Coded):
            known = left.told(lambda text: text != "")
            return np.asarray((left.codes == right.codes) & known)
        column, text = (left, right) if isinstance(left, Coded) else (right, left)
        return np.asarray(column.told(lambda one: one == text))

    def _call(self, node: ast.Call, rows: Rows) -> Any:
        name, args = str(name_of(node.func)), node.args
        if by := _group_of(node):
            return self._sums[node][self._scope.group(by, rows)]
        if name == "starts":
            return self._inside(args[1], self.of(args[0], rows), starts=True)
        if name == "abs":
            return np.abs(self.of(args[0], rows))
        if name == "known":
            return ~np.isnan(self._full(args[0], rows))
        pick = np.minimum if name == "min" else np.maximum
        return pick(self.of(args[0], rows), self.of(args[1], rows))

    def _full(self, node: ast.expr, rows: Rows) -> Array:
        size = len(rows) if isinstance(rows, np.ndarray) else rows.stop - rows.start
        return np.broadcast_to(np.asarray(self.of(node, rows)), (size,))


def _group_of(node: ast.Call) -> str:
    """The group over which a function adds up; "" where it adds up nothing."""
    name = str(name_of(node.func))
    if name == "peer_quantile":
        return "hospital"
    return str(name_of(node.args[-1])) if "by" in _FUNCTIONS[name][0] else ""
