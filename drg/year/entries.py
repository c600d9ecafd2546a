"""What an entry of a year's record says (年度记录条目), by its kind: a model and what it needs.

Kinds that are not known here pass, and stay on record.
"""

from __future__ import annotations

from drg.documents import NULL, Model, fit
from drg.record.entry import Entry

_ANY: dict[str, Model] = {"*": object}
_TEXTS: dict[str, Model] = {"*": str}
_NUMBERS: dict[str, Model] = {"*": float}
_FILE: dict[str, Model] = {"file": str, "sha256": str, "month": int, "rows": int, **_ANY}
_FILE_NEEDS = "file sha256 month rows"
_MODELS: dict[str, tuple[dict[str, Model], str]] = {
    "init": ({
        "book": str, "title": str, "year": int, "weights": {"id": str, "sha256": str, **_ANY},
        "policy": {"id": str, "sha256": str, "file": str, **_ANY}, "files": _TEXTS,
        "last_year": {"*": (float, _NUMBERS)}, "last_values": _NUMBERS, "fund": {"*": _NUMBERS},
        **_ANY,
    }, "book year weights policy files last_year last_values fund"),
    "cases": ({**_FILE, "source": str}, _FILE_NEEDS),
    "correct": ({**_FILE, "source": str}, _FILE_NEEDS),
    "withdraw": ({**_FILE, "source": str}, _FILE_NEEDS),
    "list": ({**_FILE, "list": str, "source": str, "corrections": {
        "file": str, "sha256": str, "rows": int}}, f"list {_FILE_NEEDS}"),
    "advance": (_FILE, _FILE_NEEDS),
    "finding": ({**_FILE, "step": str, "day": str, "source": str, "audit": str,
                 "screened": {"*": int}, "titles": {"*": {"zh": str, "en": str}},
                 "procedure": {"file": str, "sha256": str},
                 "members": [str], "evidence": _TEXTS,
                 "deductions": {"file": str, "sha256": str, "rows": int}},
                f"step day {_FILE_NEEDS}"),
    "close": ({**_FILE, "values": {"*": (float, NULL)}, "paid_fen": {"*": int}},
              f"values {_FILE_NEEDS}"),
    "clear": ({"settlement": str, "final_fen": {"*": int}, "hashes": _TEXTS, **_ANY},
              "settlement final_fen"),
    "receipt": ({"entries": int, "digest": str, **_ANY}, "entries digest"),
}  # fmt: skip


def check(entry: Entry) -> None:
    """Check what an entry says; kinds that are not known pass.

    Raises:
        DrgError: a part is missing or of another type.
    """
    if entry.kind in _MODELS:
        model, needed = _MODELS[entry.kind]
        fit(entry.body, model, None, (), *needed.split())
