"""What is kept of a pack on disk: only one's own, and only of the pack that is meant."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from grouper.scheme import cache, pack
from grouper.scheme.compile import compiled_scheme, kept_groups
from grouper.scheme.pack import load_groups, load_scheme, shipped_schemes

PACK = Path(__file__).parents[2] / "docs" / "examples" / "tiny-pack"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes of files")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRG_CACHE_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_what_is_kept_is_private_and_used(kept: Path) -> None:
    found = compiled_scheme(PACK)
    [file] = kept.glob("*.bin")
    assert file.stat().st_mode & 0o777 == 0o600
    assert kept.stat().st_mode & 0o777 == 0o700
    again = kept_groups(found.content_hash)
    assert again is not None
    assert again.drgs == found.drgs


def test_one_that_others_could_write_is_not_used(kept: Path) -> None:
    found = compiled_scheme(PACK)
    [file] = kept.glob("*.bin")
    file.chmod(0o666)
    assert kept_groups(found.content_hash) is None
    file.chmod(0o600)
    kept.chmod(0o777)
    assert kept_groups(found.content_hash) is None
    for one in kept.iterdir():
        one.unlink()
    assert compiled_scheme(PACK).drgs == found.drgs
    assert not list(kept.iterdir())


def test_one_of_another_user_is_not_used(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = compiled_scheme(PACK)
    if os.geteuid() == 0:
        [file] = kept.glob("*.bin")
        os.chown(file, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert kept_groups(found.content_hash) is None


def test_one_of_another_pack_is_not_taken_for_it(kept: Path, tmp_path: Path) -> None:
    found = compiled_scheme(PACK)
    own = Path(shutil.copytree(PACK, tmp_path / "own"))
    with (own / "scheme.toml").open("a", encoding="utf-8") as header:
        header.write("# another\n")
    other = compiled_scheme(own)
    assert other.content_hash != found.content_hash
    names = {one.name[:64]: one for one in kept.glob("*.bin")}
    shutil.copyfile(names[other.content_hash], names[found.content_hash])
    assert kept_groups(found.content_hash) is None
    assert compiled_scheme(PACK).content_hash == found.content_hash


def test_one_of_another_program_is_not_used(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = compiled_scheme(PACK)
    monkeypatch.setattr("grouper.scheme.cache._program", lambda: "0" * 64)
    assert kept_groups(found.content_hash) is None
    assert compiled_scheme(PACK).drgs == found.drgs
    assert len(list(kept.glob("*.bin"))) == 2


@pytest.mark.parametrize("name", [*shipped_schemes(), "chs-drg-2.0+qy"])
def test_a_scheme_that_was_kept_is_the_one_of_its_tables(kept: Path, name: str) -> None:
    pack._kept.cache_clear()
    from_tables = load_groups(name)
    assert [*kept.glob(f"{from_tables.content_hash}*.tables")]
    pack._kept.cache_clear()
    again = load_groups(name)
    assert again is not from_tables
    assert again == from_tables
    assert list(again.diagnosis_names) == list(from_tables.diagnosis_names)
    assert list(again.lists) == list(from_tables.lists)


def test_a_scheme_that_is_not_one_is_read_from_its_tables(kept: Path) -> None:
    pack._kept.cache_clear()
    found = load_scheme(PACK)
    for content in (b"", b"[]", b"{}", b'{"header": 1}'):
        cache.keep(found.content_hash, "tables", content)
        pack._kept.cache_clear()
        assert load_scheme(PACK) == found


def test_no_home_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DRG_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)

    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    assert compiled_scheme(PACK).drgs
