"""What is promised to stay while the first number of the version does: docs/versions.md.

``python -m tests.test_promised`` adds what is new to the list; only a new first number takes away.
"""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

from tests.fuzz.line import commands
from tests.test_docs import _BY_HAND, generated, methods

LIST = Path(__file__).parent / "data" / "promised.txt"


def lines() -> set[str]:
    """The command line, names and parameters of Python, columns that come back, policy keys."""
    found = set()
    for words, options in commands().items():
        found |= {" ".join(("drg", *words, *option)) for option in ((), *((o,) for o in options))}
    for package in ("grouper", "weights", "budget"):
        home = importlib.import_module(package)
        for name in home.__all__:
            held = getattr(home, name)
            found |= called(f"{package}.{name}", held)
            for part, method in methods(held) if inspect.isclass(held) else ():
                found |= called(f"{package}.{name}.{part}", getattr(method, "__func__", method))
    for what, names in re.findall(r"^\| (.*?) \| (.*?) \|$", generated("reference.md", "columns"),
                                  re.MULTILINE)[2:]:  # fmt: skip
        found |= {f"{what}: {name}".replace("`", "") for name in re.findall("`[^`]+`", names)}
    found |= {
        f"policy {key}"
        for key in re.findall(
            r"^\| `([^`]+)`", generated("policies.md", "policy-keys"), re.MULTILINE
        )
    }
    return found


def called(name: str, held: object) -> set[str]:
    """A name, and its parameters where people call it by hand."""
    if not callable(held):
        return {name}
    parts = [one for one in inspect.signature(held).parameters if one not in ("self", "cls")]
    if inspect.isclass(held) and len(parts) > _BY_HAND:
        return {name}
    return {name, *(f"{name}({one})" for one in parts)}


def test_what_is_promised_is_there():
    promised = set(LIST.read_text(encoding="utf-8").splitlines())
    assert promised - lines() == set(), "promised and gone: docs/versions.md"
    assert lines() - promised == set(), "new: run python -m tests.test_promised"


if __name__ == "__main__":
    held = set(LIST.read_text(encoding="utf-8").splitlines()) if LIST.exists() else set()
    LIST.write_text("".join(f"{line}\n" for line in sorted(held | lines())), encoding="utf-8")
