"""Print what of requirements.lock is installed here in another version; exit status 1 if any is."""

import re
import sys
from importlib.metadata import distributions
from pathlib import Path


def plain(name: str) -> str:
    """The name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


lines = (Path(__file__).parents[1] / "requirements.lock").read_text(encoding="utf-8").splitlines()
locked = dict(line.split("==") for line in lines if not line.startswith("#"))
locked = {plain(name): version for name, version in locked.items()}
here = {plain(found.name): found.version for found in distributions()}
for own in ("drg-toolkit", "pip", "setuptools"):
    here.pop(own, None)
rows = [
    (name, locked.get(name, "-"), here.get(name, "-"))
    for name in sorted(locked.keys() | here.keys())
    if locked.get(name) != here.get(name)
]
for row in [("package", "locked", "installed"), *rows] if rows else []:
    sys.stdout.write("{:30} {:20} {}\n".format(*row))
sys.stdout.write(f"{len(rows)} of {len(locked)} packages differ from requirements.lock\n")
sys.exit(bool(rows))
