"""What is installed is whole: every table and document beside the code is in the package."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import re
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("drg", "grouper", "weights", "budget")
_found = importlib.util.spec_from_file_location("licences", ROOT / ".ci" / "licences.py")
licences = importlib.util.module_from_spec(_found)
_found.loader.exec_module(licences)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    wanted = [*PACKAGES, "pyproject.toml", "README.md", "LICENSE"]
    tracked = subprocess.run(["git", "ls-files", *wanted],
                             cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    if tracked.returncode:
        pytest.skip("not a git checkout")
    for name in tracked.stdout.splitlines():
        copy = folder / "source" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", folder, folder / "source"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode and "No matching distribution" in done.stderr:
        pytest.skip("the build tools cannot be fetched here")
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_every_file_is_in_the_wheel(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    there = {
        str(path.relative_to(wheel.parent / "source"))
        for package in PACKAGES
        for path in (wheel.parent / "source" / package).rglob("*")
        if path.is_file()
    }
    assert there - packed == set()


def test_the_wheel_groups_from_anywhere(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "import drg, grouper\n"
        "assert drg.__file__.startswith(sys.path[0])\n"
        "from drg.cli import main\n"
        "sys.argv = ['drg', 'demo', '--cases', '500', '--hospitals', '5', '--out', 'demo']\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "demo" / "grouped.csv").exists()


FREE = ("MIT", "BSD", "Apache", "ISC", "Python Software Foundation", "PSF", "Mozilla", "MPL",
        "0BSD", "Zlib", "CC0")  # fmt: skip


def test_every_locked_package_has_a_licence_that_lets_us_use_it():
    listed = dict(csv.reader((ROOT / "licences.csv").read_text("utf-8").splitlines()[1:]))
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    locked = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert list(listed) == list(locked)
    for name, licence in listed.items():
        assert all(any(one in part for one in FREE) for part in re.split(r" AND | OR |; ", licence))
        with contextlib.suppress(PackageNotFoundError):
            if version(name) == locked[name]:
                assert licences.licence_of(name) == licence
