from __future__ import annotations

import pytest

HEAD = """
id = "mine"
title = "测试"
source = "notice 1"
valid_from = 2025-01-01
extends = "national-default"
"""


@pytest.fixture
def write(tmp_path):
    def put(text: str, name: str = "mine.toml", head: str = HEAD):
        path = tmp_path / name
        path.write_text(head + text, encoding="utf-8")
        return path

    return put
