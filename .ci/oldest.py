"""Print the oldest allowed version of every direct dependency, as constraints for pip."""

import re
import sys
import tomllib
from pathlib import Path

text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
project = tomllib.loads(text)["project"]
for line in [*project["dependencies"], *project["optional-dependencies"]["tests"]]:
    name, bound = re.fullmatch(r"([\w.-]+)(?:\[\w+\])?>=([\d.]+)(?:,<\d+)?", line).groups()
    sys.stdout.write(f"{name}=={bound}\n")
