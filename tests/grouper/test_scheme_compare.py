"""Two schemes compared: groups by name and content, complications and exclusion tables."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from grouper.compare import names
from grouper.compare.codes import moved_codes
from grouper.compare.complications import compare_complications, compare_exclusions
from grouper.compare.groups import GroupComparison, Match, compare_groups, counts
from grouper.compare.summary import compare
from grouper.scheme.changes import difference
from grouper.scheme.exclusions import old_numbers, renumbered
from grouper.scheme.model import Adrg, Drg, Header, Mdc, Scheme
from grouper.scheme.overlay import apply_changes
from grouper.scheme.pack import load_groups, load_scheme

ALL = tuple(f"{number:02}.0" for number in range(60))
SCHEMES = ["chs-drg-1.1", "chs-drg-2.0", "chs-drg-2.0+qy", "lanzhou-2023", "linfen-2022"]


def scheme(
    groups: Mapping[str, tuple[str, range]], ends: str = "9", rules: Mapping[str, str] | None = None
) -> Scheme:
    """A scheme of one MDC: ADRG -> name and the operations that lead to it."""
    meant = {"1": "mcc", "3": "mcc or cc", "5": "true", "9": "true", **(rules or {})}
    codes = {code: tuple(ALL[i] for i in held) for code, (_, held) in groups.items()}
    return Scheme(
        Header("x", "x", "1", "x"), (Mdc("MDCA", "心", "true"),),
        tuple(Adrg(code, "MDCA", name, "principal_procedure in P1")
              for code, (name, _) in groups.items()),
        tuple(Drg(code + end, code, name, meant[end])
              for code, (name, _) in groups.items() for end in ends),
        {(code, "P1"): held for code, held in codes.items()},
        {}, {}, {}, {}, frozenset(ALL), {}, dict.fromkeys(ALL, ""),
    )  # fmt: skip


def without_lists(held: Scheme) -> Scheme:
    return replace(held, lists={}, header=replace(held.header, lists="none"))


def of(found: GroupComparison, *codes: str) -> Match:
    """The match that has all of some ADRGs."""
    return next(m for m in found.adrgs if set(codes) <= {*m.old, *m.new})


OLD = scheme({
    "AA1": ("心脏移植", range(4)), "AA2": ("肺移植", range(4, 8)), "AB1": ("肝移植", range(8, 20)),
    "AC1": ("肾切除术", range(20, 24)), "AC2": ("肾部分切除术", range(24, 28)),
    "AD1": ("胰腺手术", range(28, 32)), "AE1": ("脾切除术", range(32, 36)),
})  # fmt: skip
NEW = scheme({
    "AA1": ("心肺联合移植", range(40, 44)), "AA2": ("心脏移植", range(4)),
    "AA3": ("肺移植", range(4, 9)), "AB1": ("成人肝移植", range(9, 15)),
    "AB2": ("儿童肝移植", range(15, 20)), "AC1": ("肾切除及部分切除", range(20, 28)),
    "AD1": ("胰腺的手术", range(28, 33)),
})  # fmt: skip


def test_groups_are_matched_by_what_they_hold():
    found = compare_groups(OLD, NEW)
    kinds = {(m.kind, m.old, m.new) for m in found.adrgs}
    assert kinds == {
        ("renumbered", ("AA1",), ("AA2",)), ("renumbered", ("AA2",), ("AA3",)),
        ("split", ("AB1",), ("AB1", "AB2")), ("merged", ("AC1", "AC2"), ("AC1",)),
        ("kept", ("AD1",), ("AD1",)), ("gone", ("AE1",), ()), ("new", (), ("AA1",)),
    }  # fmt: skip
    assert found.reused_adrgs == {
        "AA1": ("心脏移植", "心肺联合移植"),
        "AA2": ("肺移植", "心脏移植"),
    }
    assert set(found.reused_drgs) == {"AA19", "AA29"}
    assert found.new_of("AB19") == ("AB19", "AB29")
    assert found.old_of("AC19") == ("AC19", "AC29")
    assert found.old_of("AA19") == ()
    kept = of(found, "AD1")
    assert (kept.came, kept.went, kept.likeness, kept.renamed) == (("32.0",), (), 0.8, False)
    assert of(found, "AA3").likeness == 0.8
    assert of(found, "AA3").came == ("08.0",)
    assert found.by_content
    assert counts(found.adrgs)["renumbered"] == 2


def test_names_have_to_do_where_a_scheme_lists_no_codes():
    for old, new in ((without_lists(OLD), NEW), (OLD, without_lists(NEW))):
        found = compare_groups(old, new)
        assert not found.by_content
        assert of(found, "AD1").kind == "kept"
        assert of(found, "AD1").likeness is None
        assert found.new_of("AA1") == ("AA2",)
        assert found.new_of("AB1") == ("AB1", "AB2")
        assert set(found.reused_adrgs) == {"AA1", "AA2"}
        together = compare(old, new)
        assert together.codes == () == together.exclusions.new
        assert together.complications.moves == {}
        assert None in {together.numbers[0].mcc, together.numbers[1].mcc}


def test_a_group_of_pieces_leaves_those_that_stayed_as_they_are():
    old = scheme({"AA1": ("甲", range(20)), "AB1": ("乙", range(20, 40))})
    new = scheme({
        "AA1": ("甲", range(12)), "AB1": ("乙", range(28, 40)), "AC1": ("丙", range(16, 24)),
    })  # fmt: skip
    found = compare_groups(old, replace(new, lists={**new.lists, ("AC1", "P1"): (
        *ALL[17:20], *ALL[20:23], *ALL[50:52])}))  # fmt: skip
    assert {(m.kind, m.old, m.new) for m in found.adrgs} == {
        ("kept", ("AA1",), ("AA1",)), ("kept", ("AB1",), ("AB1",)),
        ("merged", ("AA1", "AB1"), ("AC1",)),
    }  # fmt: skip
    assert [m.new for m in found.adrgs if m.partial] == [("AC1",)]
    assert found.old_of("AC1") == ("AA1", "AB1")
    assert {(m.kind, m.old, m.new) for m in found.drgs} == {
        ("kept", ("AA19",), ("AA19",)), ("kept", ("AB19",), ("AB19",)),
        ("merged", ("AA19", "AB19"), ("AC19",)),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ("135", "135", [("kept", "1", "1"), ("kept", "3", "3"), ("kept", "5", "5")]),
        ("135", "35", [("merged", "13", "3"), ("kept", "5", "5")]),
        ("9", "13", [("split", "9", "13")]),
        ("15", "35", [("regrouped", "15", "35")]),
        ("3C5", "35", [("merged", "3C", "3"), ("kept", "5", "5")]),
        ("H9", "9", [("merged", "H9", "9")]),
        ("H9", "D9", [("regrouped", "H9", "D9")]),
    ],
)
def test_drgs_are_matched_by_what_they_mean(before, after, kinds):
    rules = {"C": "cc and age <= 6", "D": "age <= 12", "H": "age >= 70"}
    if before == "3C5":
        rules |= {"3": "mcc or cc and age > 6", "C": "cc"}
    if after == "13":
        rules |= {"3": "true"}
    old, new = (scheme({"AA1": ("甲", range(4))}, ends, rules) for ends in (before, after))
    if before == "3C5":
        new = replace(new, drgs=tuple(replace(d, rule="mcc or cc") if d.code == "AA13" else d
                                      for d in new.drgs))  # fmt: skip
    found = [(m.kind, "".join(c[3] for c in m.old), "".join(c[3] for c in m.new))
             for m in compare_groups(old, new).drgs]  # fmt: skip
    assert found == kinds


def test_rules_of_too_many_kinds_go_by_code():
    many = " or ".join(f"any_procedure in P{i}" for i in range(1, 20))
    held = scheme({"AA1": ("甲", range(4))}, "15", {"1": many})
    assert [m.kind for m in compare_groups(held, held).drgs] == ["kept", "kept"]


def test_names_are_compared_without_width_links_and_turns_of_phrase():
    assert names.same("其他外周血管检查和／或治疗", "其他外周血管检查或治疗")
    assert names.same("肾炎及肾病，伴合并症或并发症", "肾炎及肾病, 伴一般并发症或合并症")
    assert not names.same("伴穿孔的阑尾切除术", "阑尾切除术")
    assert names.qualifies("阴道分娩，椎管内镇痛", "阴道分娩")
    assert not names.qualifies("剖宫产术和子宫手术", "剖宫产术")
    weights = (
        "早产儿（出生体重＞2499g）",
        "早产儿（入院体重≥2500g）",
        "早产儿（入院体重2000-2499g）",
    )
    assert names.likeness(*weights[:2]) > 0.4


@pytest.mark.parametrize("one", SCHEMES)
def test_a_scheme_beside_itself(one):
    held = load_scheme(one)
    found = compare_groups(held, held)
    assert {m.kind for m in found.adrgs + found.drgs} == {"kept"}
    assert not found.reused_adrgs
    assert not found.reused_drgs
    assert not any(m.came or m.went or m.renamed for m in found.adrgs)
    assert moved_codes(held, held, found) == ()


@pytest.mark.parametrize("old", [*SCHEMES, "chs-drg-3.0"])
@pytest.mark.parametrize("new", [*SCHEMES, "chs-drg-3.0"])
def test_every_group_is_told(old, new):
    schemes = load_groups(old), load_groups(new)
    found = compare_groups(*schemes)
    for level in ("adrgs", "drgs"):
        for side, held in zip(("old", "new"), schemes, strict=True):
            told = {code for match in getattr(found, level) for code in getattr(match, side)}
            assert told == {group.code for group in getattr(held, level)}, (level, side)
    for drg in schemes[0].drgs:
        assert all(drg.code in found.old_of(other) for other in found.new_of(drg.code))
    common = {d.code for d in schemes[0].drgs} & {d.code for d in schemes[1].drgs}
    assert set(found.reused_drgs) == {c for c in common if c not in found.new_of(c)}


def test_local_groups_are_kept():
    found = compare_groups(load_scheme("chs-drg-1.1"), load_scheme("lanzhou-2023"))
    assert {m.kind for m in found.adrgs} == {"kept"}
    assert not found.reused_drgs
    found = compare_groups(load_scheme("chs-drg-2.0"), load_scheme("chs-drg-2.0+qy"))
    assert {m.kind for m in found.adrgs if not m.aside} == {"kept"}
    assert sum(m.kind == "new" for m in found.adrgs if m.aside) == 21


def test_from_1_1_to_2_0():
    old, new = load_scheme("chs-drg-1.1"), load_scheme("chs-drg-2.0")
    before, after = ({a.code: a.name for a in one.adrgs} for one in (old, new))
    both = before.keys() & after.keys()
    assert (len(after.keys() - both), len(before.keys() - both), len(both)) == (53, 20, 356)
    assert sum(before[code] == after[code] for code in both) == 207
    found = compare_groups(old, new)
    for was, now in (("BC2", "BC1"), ("GD2", "GE2"), ("RB1", "RK1")):
        match = of(found, was, now)
        assert (match.kind, match.old, match.new) == ("renumbered", (was,), (now,))
    assert {"FM1", "FM2", "FM3", "FM4"} < set(found.reused_adrgs)
    assert found.new_of("FM1") == ("FM3",)
    # A code that keeps its name, but for turns of phrase, is not said to mean something else.
    assert not {code for code in both if names.same(before[code], after[code])} & set(
        found.reused_adrgs
    )
    assert len(found.reused_adrgs) == 53


def test_from_2_0_to_3_0_as_is_known(shared):
    with (shared / "facts/chs-drg-3.0/adrg-2.0-3.0.tsv").open(encoding="utf-8") as stream:
        known = {row["adrg"]: row for row in csv.DictReader(stream, delimiter="\t")}
    by_state: dict[str, set[str]] = {}
    for code, row in known.items():
        by_state.setdefault(row["state"], set()).add(code)
    found = compare_groups(load_groups("chs-drg-2.0"), load_groups("chs-drg-3.0"))
    reused = set(found.reused_adrgs)
    assert by_state["same code, other meaning"] < reused
    # Of groups that became narrower, names alone do not show that their code means part of them.
    assert len(reused & by_state["same code, narrower or renamed"]) == len(reused) - 41 == 10
    agreed = 0
    for code in (*by_state["same"], *by_state["same, other endings"]):
        assert found.new_of(code) == (code,)
    rows = [row for row in known.values() if row["successor_of_2.0_by_name"] not in ("", "?")]
    for row in rows:
        meant = set(row["successor_of_2.0_by_name"].split(","))
        agreed += bool(meant & set(found.new_of(row["adrg"])))
    assert (agreed, len(rows)) == (77, 80)


# Complications and exclusion tables


def with_tables(complications: Mapping[str, str], principals: Mapping[str, str]) -> Scheme:
    held = scheme({"AA1": ("甲", range(4))})
    names_of = dict.fromkeys((*complications, *principals), "")
    return replace(held, mcc=complications, exclusion=principals, diagnosis_names=names_of)


TABLES = with_tables(
    {"J1": "1", "J2": "1", "K1": "2", "K2": "2"}, {"J9": "1", "J8": "1", "K9": "2", "K8": "2"}
)


def test_a_table_that_only_bears_another_number_is_no_change(tmp_path):
    swap = {"1": "2", "2": "7"}
    other = replace(TABLES, **{
        part: {code: swap[table] for code, table in getattr(TABLES, part).items()}
        for part in ("mcc", "exclusion")
    })  # fmt: skip
    assert renumbered(TABLES, other) == {"2": "1", "7": "2"}
    assert difference(TABLES, other) == []
    found = compare_exclusions(TABLES, other)
    assert (found.same, found.renumbered) == (2, {"1": "2", "2": "7"})
    assert found.gone == found.new == ()
    assert found.principals == found.complications == {}
    moved = replace(other, mcc={**other.mcc, "K2": "2"})
    assert [(c.action, c.code, c.place) for c in difference(TABLES, moved)] == [
        ("remove", "K2", "MCC:2"), ("add", "K2", "MCC:1"),
    ]  # fmt: skip
    assert compare_exclusions(TABLES, moved).complications == {"K2": ("2", "2")}


def test_a_new_table_gets_a_free_number():
    new = replace(
        TABLES,
        mcc={"J1": "2", "J2": "2", "K1": "3", "K2": "1"},
        exclusion={"J9": "2", "J8": "2", "K9": "3", "K8": "3"},
    )
    assert old_numbers(TABLES, new) == {"2": "1", "3": "2", "1": "3"}
    changes = difference(TABLES, new)
    assert [(c.action, c.place) for c in changes] == [("remove", "MCC:2"), ("add", "MCC:3")]
    made = apply_changes(TABLES, changes, Path("x"))
    assert difference(made, new) == []


def test_tables_and_levels_from_1_1_to_2_0():
    old, new = load_scheme("chs-drg-1.1"), load_scheme("chs-drg-2.0")
    tables, common = old_numbers(old, new), old.exclusion.keys() & new.exclusion.keys()
    assert len(common) == 27_029
    assert all(tables[new.exclusion[code]] == old.exclusion[code] for code in common)
    found = compare_exclusions(old, new)
    assert (found.same, len(found.gone), found.new) == (211, 12, ())
    assert not any(all(pair) for pair in found.principals.values())
    levels = compare_complications(old, new)
    assert len(levels.moves["MCC", "CC"]) == len(old.mcc.keys() & new.cc.keys())
    assert levels.kept["MCC"] + levels.became("MCC") == len(new.mcc)
    assert levels.kept["CC"] + levels.became("CC") == len(new.cc)


def test_the_difference_from_1_1_to_2_0_applied_is_2_0_up_to_numbers(tmp_path):
    old, new = load_scheme("chs-drg-1.1"), load_scheme("chs-drg-2.0")
    made = apply_changes(old, difference(old, new), tmp_path / "changes.csv")
    assert difference(made, new) == []
    for part in ("mdcs", "adrgs", "drgs", "trauma_sites", "grouping_procedures"):
        assert getattr(made, part) == getattr(new, part), part
    assert {k: sorted(v) for k, v in made.lists.items()} == {
        k: sorted(v) for k, v in new.lists.items()
    }
    for part in ("mcc", "cc", "exclusion"):
        mine, theirs = getattr(made, part), getattr(new, part)
        assert mine.keys() == theirs.keys()
        assert len({(mine[c], theirs[c]) for c in mine}) == len(set(theirs.values()))


def test_codes_that_lead_elsewhere():
    found = {one.code: one for one in moved_codes(OLD, NEW, compare_groups(OLD, NEW))}
    assert found["08.0"].old == ("AB1",)
    assert found["08.0"].new == ("AA3",)
    assert found["40.0"].old == ()
    assert set(found) == {"08.0", *ALL[32:36], *ALL[40:44]}
