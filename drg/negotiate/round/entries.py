"""What an entry of a round's record says (谈判记录条目), by its kind: a model and what it needs.

A record comes from others as a file does. What is in it beyond this, nothing relies on.
"""

from __future__ import annotations

from drg.documents import NULL, Model, fit
from drg.record.entry import Entry

_ANY: dict[str, Model] = {"*": object}
_TEXTS: dict[str, Model] = {"*": str}
_NUMBERS: dict[str, Model] = {"*": float}
_NAMED: dict[str, Model] = {"id": str, "sha256": str, "title": str, "file": str, **_ANY}
_SEEN: dict[str, Model] = {"weights_sha256": str, **_ANY}
_MODELS: dict[str, tuple[dict[str, Model], str]] = {
    "init": ({
        "round": str, "title": str, "year": int, "weights": _NAMED, "policy": _NAMED,
        "cases": {"rows": int, "sha256": str, **_ANY}, "hospitals_sha256": str,
        "roster_sha256": (str, NULL), "rules": dict, "files": _TEXTS,
        "last_year": {"*": (float, _NUMBERS)}, "procedure": int, **_ANY,
    }, "round title year weights policy cases files last_year"),
    "proposal": ({
        "id": str, "least": (float, NULL), "most": (float, NULL), "asked": float,
        "basis": {"draft": float, "factor": float, "mean_before": float, "mean_after": float,
                  "outside_corridor": bool, "read_as": str, **_ANY}, **_ANY,
    }, "id"),
    "withdraw": ({"proposal": str, "reason": str, **_ANY}, "proposal reason"),
    "lot": ({
        "panels": {"*": [str]}, "seals": _TEXTS, "time": str, "reason": str, "declared": _TEXTS,
        "size": (int, NULL), **_ANY,
    }, "panels"),
    "reveal": ({"party": str, "number": str, **_ANY}, "party number"),
    "panel": ({
        "id": str, "proposals": [str], "mdcs": [str], "seed": int, "size": int,
        "roster_sha256": str, "members": [str], "substitutes": [str], "recused": _TEXTS,
        "vote_weights": _NUMBERS,
        "strata": {
            "eligible": int, "covering": int, "counties": _NUMBERS, "mdcs": _NUMBERS,
            "tiers": {"*": {"eligible": int, "fair": float, "members": int, **_ANY}},
            "fallback": str, **_ANY,
        },
    }, "id proposals mdcs seed size roster_sha256 members"),
    "vote": ({
        "panel": str, "proposal": str, "expert": str, "choice": str, "weight": (float, NULL),
        "note": str,
    }, "panel proposal expert choice"),
    "decision": ({
        "panel": str, "proposal": str, "drg": str, "accepted": bool, "weight": float,
        "asked": float, "for": float, "against": float, "abstain": float, "present": int,
        "members": int, "rule": str, "decided": bool, "reason": str, "named": (float, NULL),
        "cut": str, "rejected": [str],
    }, "panel proposal drg accepted weight asked for against abstain present members rule"),
    "objection": ({"proposal": str, "party": str, "reason": str, **_ANY}, "proposal party reason"),
    "impact": ({"proposals": [str], "summary": _ANY, **_SEEN}, "proposals summary"),
    "offer": ({
        "id": str, "objective": str, "status": str, "changes": _NUMBERS, "exact": _ANY,
        "constraints": [dict], "satisfaction": {"*": (float, NULL)}, "turns": int, **_SEEN,
    }, "id changes weights_sha256"),
    "accept": ({"offer": str, "reason": str, **_ANY}, "offer reason"),
    "close": ({
        "offer": (str, NULL), "changes": _NUMBERS, "file": str, "scale": float,
        "decimals": (int, NULL), "despite": str, "breaches": [_TEXTS],
        "before_digest": str, **_SEEN,
    }, "offer weights_sha256 scale decimals"),
    "receipt": ({"entries": int, "digest": str, **_ANY}, "entries digest"),
    "minutes": ({"files": _TEXTS, **_ANY}, "files"),
}  # fmt: skip


def check(entry: Entry) -> None:
    """Check what an entry says; kinds that are not known pass.

    Raises:
        DrgError: a part is missing or of another type.
    """
    if entry.kind in _MODELS:
        model, needed = _MODELS[entry.kind]
        fit(entry.body, model, None, (), *needed.split())
