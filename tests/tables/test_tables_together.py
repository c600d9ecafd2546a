"""Files appear together: a folder of results, or a table with what stands beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from drg.errors import DrgError
from drg.tables import atomic, family, held, together, whole_folder
from drg.tables.atomic import atomic_path, check_target
from drg.tables.together import at_once

RESULTS = ("a.csv", "b.csv", "run.json", "below/c.csv")


def written(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text)


def seen(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*")
            if path.is_file()}  # fmt: skip


@pytest.mark.parametrize("exchanging", [True, False])
def test_a_folder_is_replaced_and_what_is_not_written_again_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchanging: bool
) -> None:
    if not exchanging:
        monkeypatch.setattr(together, "exchanged", lambda *_: False)
    out = tmp_path / "above" / "out"
    with whole_folder(out, RESULTS) as new:
        written(new, a_csv="1", b_csv="1", run_json="1")
    with whole_folder(out, RESULTS) as new:
        assert seen(out) == {"a.csv": "1", "b.csv": "1", "run.json": "1"}
        written(new, a_csv="2", run_json="2")
    assert seen(out) == {"a.csv": "2", "run.json": "2"}
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_other_files_of_a_folder_stay(tmp_path: Path) -> None:
    written(tmp_path, a_csv="1", b_csv="1", run_json="1", mine_txt="mine")
    with whole_folder(tmp_path, RESULTS) as new:
        written(new, a_csv="2", run_json="2")
        (new / "below").mkdir()
        (new / "below" / "c.csv").write_text("2")
    assert seen(tmp_path) == {
        "a.csv": "2", "run.json": "2", "below/c.csv": "2", "mine.txt": "mine"
    }  # fmt: skip


@pytest.mark.parametrize("error", [DrgError("no"), KeyboardInterrupt(), OSError(28, "full")])
def test_after_an_error_nothing_is_changed(tmp_path: Path, error: BaseException) -> None:
    written(tmp_path, a_csv="1", run_json="1")

    def begun() -> None:
        with whole_folder(tmp_path, RESULTS) as new:
            written(new, a_csv="2")
            raise error

    with pytest.raises(type(error)):
        begun()
    assert seen(tmp_path) == {"a.csv": "1", "run.json": "1"}


def test_an_error_names_the_folder_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DrgError, match=rf"^{tmp_path}/out/a.csv: is bad$"), whole_folder(
        tmp_path / "out"
    ) as new:  # fmt: skip
        raise DrgError(f"{new / 'a.csv'}: is bad")


def test_no_result_replaces_an_input(tmp_path: Path) -> None:
    written(tmp_path, a_csv="1")
    with pytest.raises(DrgError, match=r"a\.csv: would replace an input"), whole_folder(
        tmp_path, RESULTS, (None, tmp_path / "a.csv")
    ):  # fmt: skip
        pass


def test_a_table_appears_with_what_stands_beside_it(tmp_path: Path) -> None:
    out, rejects, record = (tmp_path / f"o.csv{end}" for end in ("", ".rejects.csv", ".run.json"))
    written(tmp_path, other_csv="mine")
    for path in (out, rejects, record):
        path.write_text("1")
    with family(out, rejects, record) as new:
        new.write_text("2")
        new.with_name(record.name).write_text("2")
        assert out.read_text() == "1"
    assert seen(tmp_path) == {"o.csv": "2", "o.csv.run.json": "2", "other.csv": "mine"}


def test_a_ready_folder_is_put_in_place_by_the_next_run(tmp_path: Path) -> None:
    """A run killed while it replaced one file after another."""
    written(tmp_path, a_csv="2", b_csv="1", run_json="1")
    ready = tmp_path / ".out.0123abcd.ready"
    ready.mkdir()
    written(ready, run_json="2")
    (ready / held.GONE).write_text("b.csv")
    held.sweep(tmp_path)
    assert seen(tmp_path) == {"a.csv": "2", "run.json": "2"}


def test_left_overs_go_and_what_is_held_stays(tmp_path: Path) -> None:
    for name in (".a.csv.0123abcd.partial", ".mine.partial", "a.0123abcd.partial"):
        (tmp_path / name).write_text("patients")
    (tmp_path / ".out.89abcdef.partial" / "below").mkdir(parents=True)
    with atomic_path(tmp_path / "b.csv") as partial:
        check_target(tmp_path / "c.csv")
        assert partial.exists()
        partial.write_text("b")
    assert {path.name for path in tmp_path.iterdir()} == {
        ".mine.partial", "a.0123abcd.partial", "b.csv"
    }  # fmt: skip


def test_scratch_of_a_killed_run_goes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = ("import os, signal\nfrom drg.tables.held import scratch\nwith scratch() as one:\n"
            "    (one / 'rows').write_text('patients')\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n")  # fmt: skip
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"TMPDIR": str(tmp_path)},
                   check=False)  # fmt: skip
    assert len(list(tmp_path.rglob("rows"))) == 1
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with held.scratch() as one:
        assert list(tmp_path.iterdir()) == [one]
        assert one.stat().st_mode & 0o777 == 0o700
    assert not list(tmp_path.iterdir())


def test_a_file_that_excel_has_open_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows a file that is open cannot be replaced."""

    def refused(*_: object) -> None:
        raise PermissionError(13, "Access is denied")

    written(tmp_path, a_csv="1")
    monkeypatch.setattr(atomic, "WINDOWS", True)
    monkeypatch.setattr(os, "replace", refused)
    told = r"a\.csv: cannot be written: it may be open in Excel"
    with pytest.raises(DrgError, match=told), atomic_path(tmp_path / "a.csv"):
        pass
    assert seen(tmp_path) == {"a.csv": "1"}


def test_a_folder_within_one_that_is_being_made_is_written_in_its_place(tmp_path):
    """Exchanged for another it would lose its lock, and another run take it for a left-over."""
    out = tmp_path / "out"
    with whole_folder(out, ("a.csv", "a.json")) as folder:
        for place in (folder, folder / "part"):
            with whole_folder(place, ("a.csv",)) as inner:
                assert inner == place
                (inner / "a.csv").write_text("1")
        subprocess.run(
            [sys.executable, "-c", f"from drg.tables.held import sweep; sweep({str(tmp_path)!r})"],
            check=True,
        )
        assert (folder / "a.csv").read_text() == "1"
        with pytest.raises(ZeroDivisionError), whole_folder(folder / "part", ("a.csv",)):
            raise ZeroDivisionError
    assert {str(p.relative_to(out)) for p in out.rglob("*.csv")} == {"a.csv", "part/a.csv"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_files_of_one_folder_appear_at_once_those_of_two_each_by_itself(tmp_path: Path) -> None:
    written(tmp_path, a_csv="1", b_svg="1")
    paths = tmp_path / "a.csv", None, tmp_path / "b.svg"

    def broken_off() -> None:
        with together.at_once(*paths) as (first, none, _):
            assert first is not None
            assert none is None
            first.write_text("2")
            raise DrgError("no")

    with pytest.raises(DrgError, match="no"):
        broken_off()
    assert seen(tmp_path) == {"a.csv": "1", "b.svg": "1"}
    with together.at_once(*paths) as new:
        for path in filter(None, new):
            path.write_text("2")
        assert seen(tmp_path) | {"a.csv": "1", "b.svg": "1"} == seen(tmp_path)
    assert seen(tmp_path) == {"a.csv": "2", "b.svg": "2"}
    with together.at_once(tmp_path / "a.csv", tmp_path / "x" / "b.svg") as apart:
        assert apart == [tmp_path / "a.csv", tmp_path / "x" / "b.svg"]


@pytest.mark.parametrize("where", ["out/p", "out/q/p", "elsewhere"])
def test_a_folder_of_pictures_appears_with_the_page_that_it_is_of(tmp_path, where: str) -> None:
    page, pictures = tmp_path / "out/r.html", tmp_path / where
    pictures.mkdir(parents=True)
    page.parent.mkdir(exist_ok=True)
    (pictures / "mine.svg").write_text("mine")

    def broken_off() -> None:
        with at_once(page, folder=pictures) as (_, filled):
            (filled / "a.svg").write_text("1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert seen(tmp_path) == {f"{where}/mine.svg": "mine"}
    with at_once(page, None, folder=pictures) as (new, none, filled):
        assert none is None
        new.write_text("1")
        (filled / "a.svg").write_text("1")
        assert where == "elsewhere" or not page.exists()
    assert seen(tmp_path) == {"out/r.html": "1", f"{where}/a.svg": "1", f"{where}/mine.svg": "mine"}
