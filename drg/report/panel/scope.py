"""What a figure applies to (适用范围): tier, insurance, groups and band, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from budget.policy.names import ROWS
from drg.page.words import INSURANCES, Words, clean, fixed
from drg.report.panel.data import PanelData

if TYPE_CHECKING:
    from budget.policy import Policy

_BAND = ("above", "upto", "at_least", "below")
_BARE = ("base", "all", "")  # names of rows that apply to everything
_LEVELS = {"town": ("乡镇", "town"), "county": ("县级", "county"), "city": ("市级", "city"),
           "province": ("省级", "province")}  # fmt: skip


class Figure(NamedTuple):
    """A figure of a policy in words.

    Attributes:
        title: what it is.
        applies: tier, insurance, people and band of its row; empty for all.
        is_end: whether it is the end of a band, which the band's own figure names.
    """

    title: str
    applies: str
    is_end: bool


def figure(data: PanelData, key: str, words: Words, term: str = "") -> Figure:
    """Name a figure of the policy by its key.

    Args:
        data: the tables; row selectors come from its policy.
        key: of the figure, such as ``benefit.ratios.tier1_resident.ratio``.
        words: the language.
        term: of the figure, when the policy does not have it.
    """
    from budget.policy.describe import field_at
    from budget.policy.rules import Rules
    from budget.policy.tree import parse

    path = parse(key)
    terms = [field_at(Rules, path[:n]) for n in range(1, len(path) + 1)]
    held = _held(data.policy)
    applies, band = [], ""
    for n in range(1, len(path)):
        if terms[n - 1] is None:  # a row of a table
            row = {k[-1]: v for k, v in held.items() if k[:-1] == path[:n]}
            band = _band(row, words) or band
            chosen = selection(row, data, words)
            bare = isinstance(path[n - 1], int) or str(path[n - 1]) in _BARE
            applies.append(chosen or ("" if bare else _row_name(str(path[n - 1]), words)))
            alone = (*path[: n - 1], 1) not in {k[:n] for k in held}
            if isinstance(path[n - 1], int) and not (_band(row, words) or chosen or alone):
                place = int(path[n - 1]) + 1
                band = words(f"第 {place} 段", f"band {place}")
    return Figure(_title(path, terms, words, term or key),
                  words("，", ", ").join(part for part in (*applies, band) if part),
                  path[-1] in _BAND and bool(band))  # fmt: skip


def _title(path: Any, terms: Sequence[Any], words: Words, term: str) -> str:
    """The term of a figure under that of its section, without saying one thing twice."""
    own = terms[-1]
    said = clean((own.zh if words.zh else own.en) if own is not None else term, 80)
    over = [(str(p), t) for p, t in zip(path[:-1], terms[:-1], strict=True) if t is not None]
    if not words.zh:
        said = said.partition(" (")[0]
    if not over:
        return said
    about = over[-1][1]
    if own is not None and own.zh == "比例":  # of a band
        return clean(about.zh if words.zh else f"{over[-1][0].replace('_', ' ')}: {about.en}", 90)
    if words.zh:
        if said in about.zh:
            return str(about.zh)
        return said if about.zh in said else f"{about.zh}·{said}"
    names = [name for name, _ in over]
    names = names[1:] if len(names) > 1 and names[0] != "coefficients" else names
    return f"{' '.join(names).replace('_', ' ')}: {said}"


@cache
def _held(policy: Policy | None) -> dict[tuple[Any, ...], Any]:
    from budget.policy.tree import parse

    if policy is None:
        return {}
    return {tuple(parse(leaf.key)): leaf.value for leaf in policy.leaves()}


def _row_name(name: str, words: Words) -> str:
    if words.zh and name in ROWS:
        return ROWS[name]
    return words.insurance(name) if name in INSURANCES else clean(name.replace("_", " "), 40)


def _band(row: Mapping[str, Any], words: Words) -> str:
    """The band of a row, such as 0 to 10%."""
    low = next((row[k] for k in ("above", "at_least") if k in row), None)
    high = next((row[k] for k in ("upto", "below") if k in row), None)
    if not any(name in row for name in _BAND):
        return ""
    ends = [v for v in (low, high) if isinstance(v, int | float)]
    share = bool(ends) and all(0 < abs(v) < 1 for v in ends)

    def said(value: Any) -> str:
        text = fixed(100 * float(value), 4) if share else fixed(float(value), 4)
        return (text.rstrip("0").rstrip(".") if "." in text else text) + ("%" if share else "")

    if low is None and high is not None:
        return words(f"至 {said(high)}", f"up to {said(high)}")
    if "at_least" in row:
        return words(f"{said(low)} 起", f"from {said(low)}")
    if high is None:
        return words(f"{said(low)} 以上", f"above {said(low)}")
    return words(f"{said(low)} 至 {said(high)}", f"{said(low)} to {said(high)}")


def selection(row: Mapping[str, Any], data: PanelData, words: Words) -> str:
    """What a row with selectors and groups chooses, in words; empty for everything."""
    many = {name: _several(row.get(name)) for name in (
        "adrgs", "groups", "values", "hospital", "tier", "hospital_class", "level", "county",
        "insurance", "population",
    )}  # fmt: skip
    comma = words("、", ", ")
    parts = [
        comma.join(_adrg(data, str(code)) for code in many["adrgs"]),
        comma.join(_adrg(data, str(code)) for code in many["groups"]),
    ]
    if many["values"]:
        told = comma.join(clean(v, 30) for v in many["values"])
        parts.append(f"{clean(row.get('column'), 30)} = {told}")
    if row.get("all_groups"):
        parts.append(words("全部病组", "all groups"))
    names = dict(zip(data.by_hospital["hospital_id"], data.by_hospital["hospital_name"],
                     strict=True))  # fmt: skip
    parts += [
        comma.join(clean(names.get(str(v)) or v, 40) for v in many["hospital"]),
        comma.join(words.tier(v) for v in many["tier"]),
        comma.join(clean(v, 30) for v in many["hospital_class"]),
        comma.join(words.of(_LEVELS[v]) if v in _LEVELS else clean(v, 30) for v in many["level"]),
        comma.join(clean(v, 30) for v in many["county"]),
        comma.join(words.insurance(str(v)) for v in many["insurance"]),
        comma.join(_row_name(str(v), words) for v in many["population"]),
    ]  # fmt: skip
    return words("，", ", ").join(part for part in parts if part)


def _several(value: Any) -> Sequence[Any]:
    if value is None or value == "":
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _adrg(data: PanelData, code: str) -> str:
    """A group or the beginning of its code, with the name that its groups share."""
    frame = data.projected.get("projection_groups")
    code = clean(code, 24)
    if frame is None or not code:
        return code
    own = frame[frame["drg"].str.startswith(code) & (frame["name"] != "")]
    stems = list(dict.fromkeys(clean(name, 60).partition("，")[0] for name in own["name"]))
    return f"{stems[0]} {code}" if len(stems) == 1 else code


def driver_scope(data: PanelData, scenario: str, key: str, words: Words) -> str:
    """What a row of ``drivers.groups`` chooses; empty for other keys."""
    begin = "drivers.groups."
    if not key.startswith(begin):
        return ""
    name = key.removeprefix(begin).rpartition(".")[0]
    for one in data.scenarios:
        rows = (one.get("drivers") or {}).get("groups") if str(one.get("id")) == scenario else None
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and str(row.get("name")) == name:
                return selection(row, data, words) or clean(name, 40)
    return clean(name, 40)
