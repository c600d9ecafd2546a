"""Starting is cheap: grouping a file never imports pandas."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest

from tests.conftest import DATA


@pytest.mark.skipif(int(pa.__version__.split(".")[0]) < 26, reason="older pyarrow imports pandas")
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_grouping_a_file_needs_no_pandas(tmp_path, ending):
    code = (
        "import sys\n"
        "from grouper.engine.files import group_file\n"
        "group_file(sys.argv[1], sys.argv[2])\n"
        "group_file(sys.argv[2], sys.argv[3])\n"
        "sys.exit('pandas was imported' if 'pandas' in sys.modules else 0)"
    )
    paths = [DATA / "labelled.csv", tmp_path / f"a{ending}", tmp_path / f"b{ending}"]
    done = subprocess.run([sys.executable, "-c", code, *map(str, paths)], capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
