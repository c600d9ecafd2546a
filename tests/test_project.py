"""The project keeps its own promises: style, types, README commands, what is in the package."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import drg

ROOT = Path(__file__).parents[1]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "command", [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)]
)
def test_style_and_types(command):
    if command == ("mypy",) and Version(version("numpy")) < Version("2.4"):
        pytest.skip("the types of an older numpy say less")
    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ci_runs_the_readme_s_test_command():
    commands = {}
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        commands[name] = re.findall(r"```bash\n(python3 -m venv .*)\n```", text)
        assert len(commands[name]) == 2
    assert commands["README.md"] == commands["README.zh-CN.md"]
    demo, tests = commands["README.md"]
    assert demo.endswith("drg demo")
    assert tests in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_lock_holds_every_direct_dependency_at_an_allowed_version():
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    locked = {}
    for line in lines:
        if not line.startswith("#"):
            name, pinned = line.split("==")
            locked[canonicalize_name(name)] = pinned
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for line in [*project["dependencies"], *extras["tests"], *extras["notebooks"], *extras["docs"]]:
        wanted = Requirement(line)
        assert {part.operator for part in wanted.specifier} in ({">="}, {">=", "<"}), line
        assert locked[canonicalize_name(wanted.name)] in wanted.specifier, line


def test_links_of_the_readmes_lead_somewhere():
    for name in ("README.md", "README.zh-CN.md", "data_samples/README.md"):
        path = ROOT / name
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), (name, link)


def test_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == drg.__version__
    assert f"## {drg.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_nothing_opens_the_network():
    for package in ("drg", "grouper", "weights", "budget"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(
                r"\b(socket|urllib|requests|httpx|aiohttp|http\.client)\b", text
            ), path
