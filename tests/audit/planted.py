"""What an audit finds of what was planted: the table of ``docs/audit/README.md``.

``python -m tests.audit.planted`` makes regions of seeds that no rule was tuned on, audits each by
the default rules, and prints recall and precision by family.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from budget.audit.document import read_rules
from budget.audit.files import Audit, audit_file
from drg.sample.options import Options
from drg.sample.write import write_region
from grouper.explain.hanging import HangingFinder

PLANTED = ("split_admission", "overlapping_stay", "upcoding", "low_standard", "bunching")
NOTHING = dict.fromkeys(
    ("split_share", "overlap_share", "upcoding_share", "low_standard_share", "bunching_share"), 0.0
)
SEEDS, NULL_SEEDS = (201, 202, 203), (211, 212)
_FINDER = HangingFinder()


def audited(folder: Path, **options: float) -> tuple[Audit, pd.Series]:
    """Audit a region made for it: the audit, and what was planted in each case, "" for nothing."""
    write_region(folder, Options(**options), format="parquet")  # type: ignore[arg-type]
    found = audit_file(folder / "cases.parquet", read_rules(["national"]), _FINDER,
                       hospitals=folder / "hospitals.csv")  # fmt: skip
    truth = pd.read_parquet(folder / "truth" / "cases.parquet").set_index("case_id")
    return found, truth["irregularity"].astype(object).fillna("")


def counted(found: Audit, truth: pd.Series) -> pd.DataFrame:
    """Cases planted, found and rightly found by family; any family beside what is planted too."""
    table = found.findings.table
    table = table[table["case_id"] != ""]
    right = table["case_id"].map(truth) == table["family"]
    families = [*PLANTED, *sorted(set(table["family"]) - set(PLANTED))]
    rows = []
    for family in families:
        mine = table["family"] == family
        rows.append(
            (family, int((truth == family).sum()), int(mine.sum()), int((mine & right).sum()))
        )
    rows.append(("all", int((truth != "").sum()), len(table), int(right.sum())))
    return pd.DataFrame(rows, columns=["family", "planted", "found", "right"]).set_index("family")


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description="Recall and precision of the shipped rules.")
    asked.add_argument("--cases", type=int, default=60_000)
    asked.add_argument("--hospitals", type=int, default=40)
    size = vars(asked.parse_args())
    total = None
    with TemporaryDirectory() as folder:
        for seed in SEEDS:
            one = counted(*audited(Path(folder) / f"s{seed}", seed=seed, **size))
            print(
                seed,
                f"recall {one.right['all'] / one.planted['all']:.3f}",
                f"precision {one.right['all'] / one.found['all']:.3f}",
            )
            total = one if total is None else total.add(one, fill_value=0)
        for seed in NULL_SEEDS:
            found, _ = audited(Path(folder) / f"n{seed}", seed=seed, **size, **NOTHING)
            share = len(found.findings.table) / found.cases
            print(seed, f"nothing planted: alerts in {share:.2%} of cases")
    assert total is not None
    total = total.astype(int)
    total["recall"] = (total.right / total.planted).round(3)
    total["precision"] = (total.right / total.found).round(3)
    print(total.to_string())


if __name__ == "__main__":
    main()
