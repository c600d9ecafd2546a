"""Print the licence that each package of requirements.lock states, as CSV; all are installed."""

import csv
import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements.lock"


def licence_of(name: str) -> str:
    """What a package says: its expression, else its classifiers, else the first line of its text.

    Raises:
        PackageNotFoundError: it is not installed.
    """
    told = metadata(name)
    if stated := told.get("License-Expression"):
        return " ".join(stated.split())
    classes = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or ()
               if one.startswith("License :: ") and not one.endswith("OSI Approved")]  # fmt: skip
    first = (told.get("License") or "").strip().partition("\n")[0]
    return "; ".join(sorted({*classes})) or first


def locked() -> list[str]:
    """Names of the packages of requirements.lock."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    return [re.split("==", line)[0] for line in lines if line and not line.startswith("#")]


if __name__ == "__main__":
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["package", "licence"])
    for package in locked():
        try:
            out.writerow([package, licence_of(package)])
        except PackageNotFoundError:
            sys.exit(f"{package} is not installed")
