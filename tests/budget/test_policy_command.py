"""``drg policy``: what it prints, and its exit status."""

from __future__ import annotations

import csv
import io
import re

import pytest
from typer.testing import CliRunner

from budget import load_policy, policies
from drg.cli.policy.show import app
from drg.errors import DrgError
from drg.language import half


def run(*words: str):
    return CliRunner().invoke(app, list(words))


def test_list():
    told = run("list").output
    for name in policies():
        assert name in told
    assert "own_mean" in told
    assert "2023-01-01" in told


@pytest.mark.parametrize("name", policies())
@pytest.mark.parametrize("lang", ["zh", "en", "both"])
def test_show(name, lang):
    done = run("show", name, "--lang", lang)
    assert done.exit_code == 0
    policy = load_policy(name)
    for leaf in policy.leaves():
        assert leaf.key in done.output
        assert half(leaf.source, lang) in done.output
    for words in policy.header.unknown.values():
        assert half(words, lang) in done.output
    assert bool(re.search(r"\](?: default)? 默认$", done.output, re.MULTILINE)) is (lang != "en")
    assert policy.digest in done.output


def test_figures():
    done = run("show", "luan-2025", "--figures")
    rows = {row["key"]: row for row in csv.DictReader(io.StringIO(done.output))}
    wanted = [leaf for leaf in load_policy("luan-2025").leaves() if leaf.about.is_figure]
    assert list(rows) == [leaf.key for leaf in wanted]
    row = rows["standard.rates.resident.yuan"]
    assert (row["value"], row["unit"], row["document"], row["default"]) == (
        "5136.7",
        "yuan",
        "luan-2025",
        "",
    )
    assert rows["cash.advance"]["default"] == "默认"


def test_show_with_an_overlay(tmp_path):
    path = tmp_path / "reform.toml"
    path.write_text(
        'id="reform"\ntitle="改"\nsource="s"\ncash={advance=0.8,source="s"}\n', encoding="utf-8"
    )
    done = run("show", "changzhi", "--overlay", str(path))
    assert "changzhi+reform" in done.output
    assert run("show", "changzhi", "--lang", "fr").exit_code == 2


def test_validate(tmp_path):
    done = run("validate", "changzhi")
    assert done.exit_code == 0
    assert done.output.startswith("changzhi: ok: changzhi, rate, ")
    path = tmp_path / "wrong.toml"
    path.write_text(
        'id="w"\ntitle="t"\nsource="s"\nvalid_from=2025-01-01\n'
        'extends="changzhi"\ncash={advance=1.8,source="s"}\n',
        encoding="utf-8",
    )
    done = run("validate", str(path))
    assert done.exit_code == 1
    assert isinstance(done.exception, DrgError)
    assert str(done.exception) == (
        f"{path}: cash.advance: not allowed: found '1.8', expected a number 0 to 1"
    )
