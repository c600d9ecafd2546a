"""The procedure of findings (疑点处理程序): steps, who may take which, in how many working days.

It is a document: a step follows others, has a role, decisions and days, and names the steps whose
people may not take it. So whoever found or reviewed a finding does not decide its appeal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from os import PathLike
from typing import Any

from drg.documents import Model, fit, parse, read_document
from drg.errors import one_of, problem
from drg.language import say
from drg.year.lists import FALLEN

ALERT = "alert"
Words = tuple[str, str, tuple[str, ...]]
DECISIONS: Mapping[str, Words] = {
    "upheld": ("成立", "upheld", ("属实", "认定", "维持")),
    "dismissed": ("不成立", "dismissed", ("不属实", "撤销", "不认定")),
    "appealed": ("申诉", "appealed", ("提出申诉", "不认可")),
    "accepted": ("不申诉", "accepted", ("认可", "放弃申诉")),
    "referred": ("提交合议", "referred", ("合议",)),
}
_STEP: Mapping[str, Model] = {
    **dict.fromkeys(("name", "zh", "en", "role"), str),
    **{key: [str] for key in ("after", "lapsed", "apart", "decisions", "ends")},
    "days": int, "members": int, "strict": bool, "confirms": bool,
}  # fmt: skip
_MODEL: Mapping[str, Model] = {
    "id": str, "source": str, "steps": [_STEP],
    "roles": {"*": {"zh": str, "en": str, "people": [str], "apart": [str], "hospitals": bool}},
}  # fmt: skip
_MOST_DAYS, _MOST_MEMBERS = 250, 99


@dataclass(frozen=True)
class Role:
    """Who may take a step.

    Attributes:
        zh: what it is called.
        en: the same in English.
        people: who has it; anybody when nobody is named.
        hospitals: whether a hospital has it, under its own id and for its own findings.
    """

    zh: str
    en: str
    people: frozenset[str]
    hospitals: bool


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        name: its name.
        zh: what it is called.
        en: the same in English.
        role: who takes it.
        after: standings that it follows: ``alert``, or a step and its decision.
        lapsed: steps in whose place it may come once their days are over.
        apart: steps whose people may not take it; ``alert`` stands for who took the audit in.
        decisions: of :data:`DECISIONS`.
        ends: those after which nothing follows.
        days: working days that it has.
        members: fewest people who decide together, an odd number; 0 where one does.
        strict: whether it cannot come late.
        confirms: whether what it upholds is confirmed, and deducted.
    """

    name: str
    zh: str
    en: str
    role: str
    after: tuple[str, ...]
    lapsed: tuple[str, ...]
    apart: tuple[str, ...]
    decisions: tuple[str, ...]
    ends: tuple[str, ...]
    days: int
    members: int
    strict: bool
    confirms: bool

    @property
    def title(self) -> str:
        """What it is called in the reader's language."""
        return say(self.zh, self.en)


@dataclass(frozen=True)
class Procedure:
    """A procedure.

    Attributes:
        id: of its document.
        roles: by name.
        steps: by name, in order.
    """

    id: str
    roles: Mapping[str, Role]
    steps: Mapping[str, Step]

    def step(self, name: str) -> Step:
        """A step by its name.

        Raises:
            DrgError: there is none of this name.
        """
        if name not in self.steps:
            raise problem(say("没有这个步骤", "no such step"), key="STEP", found=name,
                          expected=one_of(tuple(self.steps)))  # fmt: skip
        return self.steps[name]

    def following(self, status: str) -> list[Step]:
        """Steps that may come next; those that wait for the days of others are not among them."""
        return [one for one in self.steps.values() if status in one.after]

    def title(self, status: str, words: Callable[[str, str], str] = say) -> str:
        """What a standing is called, on the terminal or in the words of a page."""
        if status == ALERT:
            return words("疑点", "alert")
        if status == FALLEN:
            return words("病例已撤销", "case withdrawn")
        name, _, decision = status.partition(":")
        zh, en, _ = DECISIONS[decision]
        step = self.steps[name]
        if step.zh in zh:  # 已申诉, 不申诉
            return words(zh if zh != step.zh else f"已{zh}", f"{step.en} {en}")
        return words(f"{step.zh}{zh}", f"{step.en} {en}")


def same(name: str) -> str:
    """A name in the one way in which names are compared."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def shipped() -> bytes:
    """The procedure that is shipped."""
    return files("drg.year").joinpath("procedure.toml").read_bytes()


def read_procedure(path: str | PathLike[str], file: str | None = None) -> Procedure:
    """A procedure from its document.

    Args:
        path: the document.
        file: what errors call it.

    Raises:
        DrgError: it has an error; file and key are told.
    """
    return procedure_of(read_document(path, file=file), str(file or path))


def shipped_procedure() -> Procedure:
    """The procedure that is shipped."""
    return procedure_of(parse(shipped(), "procedure.toml"), "procedure.toml")


def procedure_of(document: Mapping[str, Any], file: str) -> Procedure:
    """A procedure from what its document says.

    Raises:
        DrgError: it has an error; file and key are told.
    """
    fit(document, _MODEL, file, (), "id", "source", "roles", "steps")
    roles = _roles(document["roles"], file)
    steps: dict[str, Step] = {}
    for place, said in enumerate(document["steps"]):
        fit(said, _STEP, file, ("steps", place), "name", "zh", "en", "role", "after", "decisions",
            "days")  # fmt: skip
        one = _step(said, steps, roles, file, f"steps[{place}]")
        steps[one.name] = one
    for one in steps.values():
        for decision in one.decisions:
            status = f"{one.name}:{decision}"
            followed = any(status in other.after for other in steps.values())
            if followed == (decision in one.ends):
                raise problem(
                    say("此决定须有后续步骤，或列入 ends，二者居其一",
                        "a decision is followed by a step, or is one of ends"),
                    file=file, key=f"steps.{one.name}", found=decision,
                )  # fmt: skip
    if not any(one.confirms for one in steps.values()):
        raise problem(say("没有认定的步骤", "no step confirms anything"), file=file,
                      key="steps.confirms")  # fmt: skip
    return Procedure(document["id"], roles, steps)


def _roles(said: Mapping[str, Any], file: str) -> dict[str, Role]:
    found = {}
    for name, one in said.items():
        people = frozenset(map(same, one.get("people", ())))
        found[name] = Role(one.get("zh", name), one.get("en", name), people,
                           one.get("hospitals", False))  # fmt: skip
    for name, one in said.items():
        for place, other in enumerate(one.get("apart", ())):
            _one_of(other, found, file, f"roles.{name}.apart[{place}]")
            if both := found[name].people & found[other].people:
                raise problem(say(f"不得同时属于 {other}", f"may not have the role {other} too"),
                              file=file, key=f"roles.{name}.people",
                              found=min(both))  # fmt: skip
    return found


def _step(
    said: Mapping[str, Any], before: Mapping[str, Step], roles: Mapping[str, Role], file: str,
    key: str,
) -> Step:  # fmt: skip
    name = said["name"]
    if name in before or name == ALERT or not name.replace("_", "").isascii() or ":" in name:
        raise problem(say("步骤名应为不重复的英文字母和 _", "a name of ASCII letters, once"),
                      file=file, key=f"{key}.name", found=name)  # fmt: skip
    _one_of(said["role"], roles, file, f"{key}.role")
    standings = [ALERT, *(f"{one.name}:{decision}" for one in before.values()
                          for decision in one.decisions if decision not in one.ends)]  # fmt: skip
    wanted: tuple[tuple[str, Sequence[str]], ...] = (
        ("after", standings), ("lapsed", tuple(before)), ("apart", (ALERT, *before)),
        ("decisions", tuple(DECISIONS)), ("ends", said["decisions"]),
    )  # fmt: skip
    for part, known in wanted:
        for place, one in enumerate(said.get(part, ())):
            _one_of(one, known, file, f"{key}.{part}[{place}]")
    if not said["after"] or not said["decisions"]:
        raise problem(say("不能为空", "must say something"), file=file, key=key)
    members, days = said.get("members", 0), said["days"]
    if not 1 <= days <= _MOST_DAYS:
        raise problem(say("超出范围", "out of range"), file=file, key=f"{key}.days", found=days,
                      expected=f"1 - {_MOST_DAYS}")  # fmt: skip
    if not 0 <= members <= _MOST_MEMBERS or (members and members % 2 == 0):
        raise problem(say("应为奇数", "expected an odd number"), file=file, key=f"{key}.members",
                      found=members)  # fmt: skip
    parts = {part: tuple(said.get(part, ())) for part, _ in wanted}
    return Step(name, said["zh"], said["en"], said["role"], **parts, days=days, members=members,
                strict=said.get("strict", False), confirms=said.get("confirms", False))  # fmt: skip


def _one_of(found: str, known: Any, file: str, key: str) -> None:
    if found not in known:
        raise problem(say("没有此项", "there is none of this name"), file=file, key=key,
                      found=found, expected=one_of(tuple(known)) if known else None)  # fmt: skip
