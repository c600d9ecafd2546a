"""What is installed is whole: every table and document beside the code is in the package."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import os
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

BUILD = "from setuptools.build_meta import {0}; print({0}({1!r}))"


def run(*words, **more) -> str:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False,
                          **more)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tools(tmp_path_factory) -> dict[str, str]:
    """Surroundings in which setuptools can be imported, here or fetched."""
    with contextlib.suppress(PackageNotFoundError):
        if int(version("setuptools").partition(".")[0]) >= 77:
            return dict(os.environ)
    place = tmp_path_factory.mktemp("tools")
    done = subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", place,
                           "setuptools>=77"], capture_output=True, check=False)  # fmt: skip
    if done.returncode:
        pytest.skip("the build tools cannot be fetched here")
    return os.environ | {"PYTHONPATH": str(place)}


@pytest.fixture(scope="module")
def packed(tools, tmp_path_factory) -> tuple[Path, Path]:
    """The wheel, and a folder where the source distribution was installed."""
    folder = tmp_path_factory.mktemp("packed")
    wanted = [*PACKAGES, "pyproject.toml", "README.md", "LICENSE"]
    tracked = subprocess.run(["git", "ls-files", *wanted],
                             cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    if tracked.returncode:
        pytest.skip("not a git checkout")
    for name in tracked.stdout.splitlines():
        copy = folder / "source" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    for kind in ("build_sdist", "build_wheel"):
        run(sys.executable, "-c", BUILD.format(kind, str(folder)), cwd=folder / "source", env=tools)
    run(sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-compile",
        "--no-build-isolation", "--target", folder / "site", *folder.glob("*.tar.gz"),
        env=tools)  # fmt: skip
    return next(folder.glob("*.whl")), folder / "site"


def test_every_file_is_in_the_wheel_and_in_the_source_distribution(packed):
    wheel, site = packed
    source = wheel.parent / "source"
    there = {
        str(path.relative_to(source))
        for package in PACKAGES
        for path in (source / package).rglob("*")
        if path.is_file()
    }
    with zipfile.ZipFile(wheel) as archive:
        assert there - set(archive.namelist()) == set()
        record = next(name for name in archive.namelist() if name.endswith("/RECORD"))
        wanted = set(archive.read(record).decode().splitlines())
    found = set((site / record).read_text("utf-8").splitlines())
    assert {line for line in wanted - found if not line.startswith(record)} == set()
    more = {line.partition(",")[0].rpartition("/")[2] for line in found - wanted}
    assert more <= {"drg", "INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}


def test_what_is_installed_groups_from_anywhere(packed, tmp_path):
    site = packed[1]
    here = os.environ | {"PYTHONPATH": str(site), "LC_ALL": "C.UTF-8"}
    assert "settle" in run(site / "bin" / "drg", "--help", cwd=tmp_path, env=here)
    code = f"import drg; assert drg.__file__.startswith({str(site)!r}); drg.__version__"
    run(sys.executable, "-c", code, cwd=tmp_path, env=here)
    run(site / "bin" / "drg", "demo", "--cases", "500", "--hospitals", "5", "--out", "demo",
        cwd=tmp_path, env=here)  # fmt: skip
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
