"""Texts of documents that say both languages: taken apart, put together, and marked as defaults."""

from __future__ import annotations

import pytest

from drg.language import both, half, in_row, is_default


def test_the_half_of_a_text():
    text = both("默认：费率法", "default: rate method")
    assert (half(text, "zh"), half(text, "en")) == ("默认：费率法", "default: rate method")
    assert half("notice 12", "zh") == half("notice 12", "en") == "notice 12"
    assert both("DRG", "DRG") == "DRG"


def test_texts_in_a_row_keep_their_languages_apart():
    assert in_row("notice 12", "draft") == "notice 12; draft"
    held = in_row(both("通知", "notice"), "draft")
    assert (half(held, "zh"), half(held, "en")) == ("通知；draft", "notice; draft")


@pytest.mark.parametrize(("text", "default"), [
    ("默认：费率法 | default: rate method", True), ("default: rate method", True),
    ("默认：费率法", True), ("notice 12 | default", False), ("", False),
])  # fmt: skip
def test_a_default_says_so_at_its_beginning(text, default):
    assert is_default(text) == default
