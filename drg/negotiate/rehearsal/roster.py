"""A roster of experts for the rehearsal (演练专家库): 450 invented people over MDCs and tiers."""

from __future__ import annotations

import numpy as np
import pandas as pd

EXPERTS = 450
SEED = 2025
# MDC -> specialty in words, and the MDC that some of its experts judge besides.
_SPECIALTIES = {
    "A": ("重症医学", "R"), "B": ("神经内科与神经外科", "T"), "C": ("眼科", "D"),
    "D": ("耳鼻咽喉头颈外科", "C"), "E": ("呼吸内科与胸外科", "F"),
    "F": ("心血管内科与心脏外科", "E"),
    "G": ("消化内科与胃肠外科", "H"), "H": ("肝胆胰外科", "G"), "I": ("骨科", "Z"),
    "J": ("皮肤与乳腺外科", "K"), "K": ("内分泌科", "L"), "L": ("肾内科与泌尿外科", "M"),
    "M": ("男科与泌尿外科", "L"), "N": ("妇科", "O"), "O": ("产科", "P"), "P": ("新生儿科", "O"),
    "Q": ("血液科", "R"), "R": ("肿瘤科", "Q"), "S": ("感染科", "Y"), "T": ("精神科", "U"),
    "U": ("成瘾医学科", "T"), "V": ("急诊医学", "W"), "W": ("烧伤科", "J"), "X": ("康复医学", "I"),
    "Y": ("传染病科", "S"), "Z": ("创伤外科", "V"),
}  # fmt: skip
# What specialty hospitals have experts for; others have them for everything.
_ONLY = {"maternity_child": "NOP", "orthopaedic": "IXZ", "psychiatric": "BTU"}
# Of 10 experts of an MDC, the tiers that they come from.
_TIERS = (3, 2, 3, 3, 2, 1, 3, 2, 3, 2)
_SECOND, _SENIOR, _GONE = 0.35, 0.2, 0.03
_FAMILY = tuple("云江沈陆程许顾安贺岳温柏简游封颜骆纪尹卓")
_GIVEN = ("一", "文", "思", "景", "若", "清", "远", "明", "书", "子", "承", "雨", "静", "和",
          "舟", "岚", "宁", "川", "禾", "朗")  # fmt: skip


def roster(hospitals: pd.DataFrame, seed: int = SEED) -> pd.DataFrame:
    """Make a roster; the same hospitals and seed give the same one.

    Every MDC gets as many experts as the others, most of them of tiers 3 and 2, in hospitals that
    have its specialty, the larger ones more often.

    Args:
        hospitals: ``hospital_id, tier, county, beds, specialty``, as in a synthetic region.
        seed: of the draw.

    Returns:
        ``expert_id, name, hospital_id, tier, county, specialty, mdcs, vote_weight, active``, 450
        rows.
    """
    rng = np.random.default_rng(seed)
    letters = list(_SPECIALTIES)
    names = _names(rng)
    rows = []
    for place in range(EXPERTS):
        mdc = letters[place % len(letters)]
        specialty, second = _SPECIALTIES[mdc]
        own = _fitting(hospitals, mdc, _TIERS[(place // len(letters) + place) % len(_TIERS)])
        beds = own["beds"].to_numpy(np.float64)
        home = own.iloc[int(rng.choice(len(own), p=beds / beds.sum()))]
        both = rng.random() < _SECOND
        rows.append((
            f"E{place + 1:04d}", names[place], home["hospital_id"], int(home["tier"]),
            home["county"], specialty, "|".join(sorted({mdc, second})) if both else mdc,
            1.5 if rng.random() < _SENIOR else 1.0, "no" if rng.random() < _GONE else "yes",
        ))  # fmt: skip
    columns = ["expert_id", "name", "hospital_id", "tier", "county", "specialty", "mdcs",
               "vote_weight", "active"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def roster_csv(hospitals: pd.DataFrame, seed: int = SEED) -> str:
    """The roster as the text of a CSV file."""
    return str(roster(hospitals, seed).to_csv(index=False, lineterminator="\n"))


def _fitting(hospitals: pd.DataFrame, mdc: str, tier: int) -> pd.DataFrame:
    """Hospitals that have an MDC's specialty, of the tier where there are such."""
    has = hospitals["specialty"].map(lambda kind: mdc in _ONLY.get(str(kind), mdc)).astype(bool)
    here = hospitals["tier"].astype(int) == tier
    for wanted in (has & here, has, here):
        if wanted.any():
            return hospitals[wanted]
    return hospitals


def _names(rng: np.random.Generator) -> list[str]:
    """Invented names of two or three characters, each once."""
    two = [family + given for family in _FAMILY for given in _GIVEN]
    three = [family + a + b for family in _FAMILY for a in _GIVEN for b in _GIVEN if a != b]
    all_names = two[::4] + three
    return [all_names[int(i)] for i in rng.permutation(len(all_names))[:EXPERTS]]
