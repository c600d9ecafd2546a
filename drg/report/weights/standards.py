"""Payment standards (支付标准) as a workbook: groups by class of hospital, a sheet an insurance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from budget.policy.document import Policy
from budget.price.standards import hospital_classes
from drg.page.words import Words
from drg.tables.excel.sheets import MONEY, TEXT, Part, Sheet, write_book
from grouper.scheme.pack import load_groups, shipped_schemes
from weights.table import WeightTable

MEASURES = {
    "standard": ("支付标准（元/例）", "payment standard (yuan a case)", MONEY),
    "points": ("点数", "points", "#,##0.####"),
    "coefficient": ("机构系数", "coefficient", "0.0000"),
}
CLASSES = {
    "a_plus": ("上档", "upper class"), "province": ("省级", "province"), "city": ("市级", "city"),
    "county": ("县级", "county"), "town": ("乡镇", "town"),
}  # fmt: skip


def write_standards(
    path: Path, frame: pd.DataFrame, policy: Policy, weights: WeightTable, year: int | None,
    words: Words,
) -> None:  # fmt: skip
    """Write standards as :func:`budget.price.standards.standards` gives them.

    Raises:
        DrgError: the file cannot be written.
    """
    held, classes = policy.header, hospital_classes(policy)
    insurances = list(dict.fromkeys(frame["insurance"]))
    size = (-1, len(classes.names), len(insurances))  # group, class, insurance
    first = frame.iloc[:: size[1] * size[2]]
    names = first["name"].tolist()
    if not any(names) and held.scheme in shipped_schemes():
        known = {drg.code: drg.name for drg in load_groups(held.scheme).drgs}
        names = [known.get(drg, "") for drg in first["drg"]]
    heads = [words("病组编码", "Group"), words("病组名称", "Name"), words("权重", "Weight")]
    for tier, *others in zip(classes.tier, classes.hospital_class, classes.level, classes.county,
                             strict=True):  # fmt: skip
        parts = [words.tier(tier)] if tier > 0 else []
        parts += [words.of(CLASSES.get(one, (one, one))) for one in others if one]
        heads.append(words("", " ").join(parts) or words("全部医疗机构", "all hospitals"))
    about = f"{words(held.title, held.title_en)} ({policy.id})　{words('权重表', 'weights')} "
    about += weights.id + (words(f"　{year} 年", f"　year {year}") if year else "")
    note = words("点值由基金池决定的，标准按参考点值折算。",
                 "Where the pool decides the value of a point, standards are at the reference.",
                 ) if "points" in frame else ""  # fmt: skip
    sheets = []
    for measure, (zh, en, shape) in MEASURES.items():
        if measure not in frame or (measure == "coefficient" and frame[measure].nunique() < 2):
            continue
        values = frame[measure].to_numpy(np.float64).reshape(size)
        for place, insurance in enumerate(insurances):
            title = f"{words.insurance(insurance)}{words('', ' ')}{words(zh, en)}"
            rows = [
                [drg, name, weight, *line]
                for drg, name, weight, line in zip(
                    first["drg"], names, first["weight"], values[:, :, place].tolist(), strict=True
                )
            ]
            formats = [TEXT, "", "0.0000", *[shape] * size[1]]
            sheets.append(Sheet(title.partition(words("（", " ("))[0],
                                [Part(heads, rows, formats, f"{title}　{about}", note=note)],
                                frozen=2))  # fmt: skip
    write_book(path, sheets, title=words("支付标准", "Payment standards"))
