"""Optional ambiguous groups (歧义组): switched on by the scheme's name, an option or a word."""

from __future__ import annotations

import io
import json
import pickle
import sys
from contextlib import redirect_stderr, redirect_stdout

import pandas as pd
import pytest

from drg.cli import main
from drg.errors import DrgError
from grouper import Grouper, find_scheme, group, load_scheme
from grouper.explain.case import explain_case
from grouper.scheme.changes import Change, difference, write_changes
from grouper.scheme.name import plain, with_ambiguous
from grouper.scheme.pack import pack_hash
from tests.grouper.test_packs import write_pack

HYPERTENSION_WITH_APPENDECTOMY = {"diagnoses": "I10.x00x002", "procedures": "47.0100", "sex": "1",
                                  "age": "50"}  # fmt: skip
ROWS = pd.DataFrame([HYPERTENSION_WITH_APPENDECTOMY])
LETTERS = "PZMNBCDEFGHIJKLOQRUVW"


def drg(*words):
    """Exit status, stdout and stderr of a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["drg", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
    return ended.value.code or 0, out.getvalue(), err.getvalue()


def test_what_the_switch_adds():
    without, scheme = load_scheme("chs-drg-2.0"), load_scheme("chs-drg-2.0+qy")
    added = [drg.code for drg in scheme.drgs if drg not in without.drgs]
    assert added == [f"{letter}QY" for letter in LETTERS]
    assert (len(without.drgs), len(scheme.drgs), len(scheme.counted_drgs)) == (634, 655, 634)
    assert [drg for drg in scheme.drgs if drg.code not in added] == list(without.drgs)
    assert (without.id, scheme.id) == ("chs-drg-2.0", "chs-drg-2.0+qy")
    assert scheme.content_hash != without.content_hash
    assert pack_hash("chs-drg-2.0+qy") == scheme.content_hash
    changes = difference(without, scheme)
    assert {(change.action, change.table) for change in changes} == {("add", "adrg")}


@pytest.mark.parametrize("letter", LETTERS)
def test_each_stands_before_the_medical_groups_of_its_category(letter):
    scheme = load_scheme("chs-drg-2.0+qy")
    order = [adrg.code for adrg in scheme.adrgs if adrg.mdc == f"MDC{letter}"]
    behind = order[order.index(f"{letter}QY") + 1 :]
    assert behind
    assert all(code[1] in "RSTUVWXYZ" for code in behind)


def test_three_ways_in_python():
    wanted = ("ambiguous", "ambiguous_procedure", "FQY")
    for found in (group(ROWS, ambiguous=True), group(ROWS, "chs-drg-2.0+qy"),
                  Grouper(ambiguous=True).group(ROWS), Grouper("chs-drg-2.0+qy").group(ROWS),
                  pickle.loads(pickle.dumps(Grouper(ambiguous=True))).group(ROWS)):  # fmt: skip
        assert tuple(found[["status", "reason", "drg"]].iloc[0]) == wanted
    off = group(ROWS)
    assert tuple(off[["status", "reason", "drg"]].iloc[0]) == ("grouped", "", "FV25")
    found = explain_case(HYPERTENSION_WITH_APPENDECTOMY, scheme="chs-drg-2.0+qy")
    assert (found.drg, found.status) == ("FQY", "ambiguous")


def test_three_ways_on_the_command_line(tmp_path):
    ROWS.to_csv(tmp_path / "in.csv", index=False)
    for words in (("--ambiguous",), ("--scheme", "chs-drg-2.0+qy"),
                  ("--scheme", "chs-drg-2.0+qy", "--ambiguous")):  # fmt: skip
        status, _, said = drg("group", tmp_path / "in.csv", "--out", tmp_path / "out.csv", *words)
        assert status == 0, said
        assert list(pd.read_csv(tmp_path / "out.csv")["drg"]) == ["FQY"]
        record = json.loads((tmp_path / "out.csv.run.json").read_text(encoding="utf-8"))
        assert record["scheme"]["id"] == "chs-drg-2.0+qy"
    status, shown, _ = drg("scheme", "show", "chs-drg-2.0+qy", "FQY")
    assert status == 0
    assert "principal_procedure_valid" in shown
    assert drg("scheme", "show", "chs-drg-2.0", "FQY")[0] == 1
    status, _, said = drg("scheme", "validate", "chs-drg-2.0+qy")
    assert (status, "0 errors" in said) == (0, True)


def test_a_scheme_without_them_says_so(tmp_path):
    message = r"has no ambiguous groups: found 'chs-drg-1\.1'"
    for made in (lambda: Grouper("chs-drg-1.1", ambiguous=True), lambda: Grouper("chs-drg-1.1+qy"),
                 lambda: load_scheme("chs-drg-1.1+qy")):  # fmt: skip
        with pytest.raises(DrgError, match=message):
            made()
    ROWS.to_csv(tmp_path / "in.csv", index=False)
    status, _, said = drg("group", tmp_path / "in.csv", "--out", tmp_path / "out.csv", "--scheme",
                          "chs-drg-1.1", "--ambiguous")  # fmt: skip
    assert status == 1
    assert "has no ambiguous groups" in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "out.csv").exists()
    with pytest.raises(DrgError, match="no such grouping scheme"):
        load_scheme("nowhere+qy")


def test_a_scheme_that_always_has_them_takes_the_switch():
    assert Grouper("linfen-2022", ambiguous=True).group(ROWS)["drg"][0] == "FQY"


def local(folder, extends, *changes):
    folder.mkdir()
    (folder / "scheme.toml").write_text(
        f'id = "city"\ntitle = "t"\nversion = "1"\nsource = "s"\nextends = "{extends}"\n'
    )
    write_changes(folder / "changes.csv", changes)
    return folder


def test_an_overlay_on_the_scheme_with_them(tmp_path):
    pack = local(tmp_path / "city", "chs-drg-2.0+qy",
                 Change("remove", "adrg", "WQY"),
                 Change("change", "adrg", "FQY", "循环歧义"))  # fmt: skip
    scheme = load_scheme(pack)
    names = {drg.code: drg.name for drg in scheme.drgs}
    assert (len(names), names["FQY"], "WQY" in names) == (654, "循环歧义", False)
    assert Grouper(pack).group(ROWS)["drg"][0] == "FQY"


def test_the_switch_reaches_what_an_overlay_extends(tmp_path):
    pack = local(tmp_path / "city", "chs-drg-2.0", Change("change", "drg", "FV25", "新名"))
    assert len(load_scheme(pack).drgs) == 634
    assert len(load_scheme(with_ambiguous(pack)).drgs) == 655
    assert Grouper(pack).group(ROWS)["drg"][0] == "FV25"
    assert Grouper(pack, ambiguous=True).group(ROWS)["drg"][0] == "FQY"
    beside = local(tmp_path / "town", "../city+qy", Change("change", "drg", "FV25", "又名"))
    assert Grouper(beside).group(ROWS)["drg"][0] == "FQY"


def test_a_pack_with_its_own(tmp_path):
    pack = write_pack(tmp_path / "tiny")
    with pytest.raises(DrgError, match="has no ambiguous groups: found 'tiny'"):
        load_scheme(f"{pack}+qy")
    before = pack_hash(pack)
    added = Change("add", "adrg", "BQY", "歧义", "MDCB", "principal_procedure_valid", "BB1")
    write_changes(pack / "ambiguous.csv", [added])
    assert pack_hash(pack) != before  # the file belongs to the pack
    assert [drg.code for drg in load_scheme(pack).drgs if drg.code.endswith("QY")] == []
    assert [drg.code for drg in load_scheme(f"{pack}+qy").drgs if drg.code.endswith("QY")] == [
        "BQY"
    ]
    (pack / "ambiguous.csv").write_text("change,table\n")
    load_scheme(pack)
    with pytest.raises(DrgError, match=r"ambiguous\.csv"):
        load_scheme(f"{pack}+qy")


def test_a_folder_whose_name_ends_so_is_taken_as_it_stands(tmp_path):
    pack = write_pack(tmp_path / "tiny+qy")
    assert plain(pack) == (str(pack), False)
    assert find_scheme(pack) == pack
    assert plain("chs-drg-2.0+qy") == ("chs-drg-2.0", True)
