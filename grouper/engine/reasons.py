"""The closed list of what a grouping can say of a case (入组状态与原因), in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

GROUPED, AMBIGUOUS, UNGROUPED, INVALID = "grouped", "ambiguous", "ungrouped", "invalid"
STATUSES = (GROUPED, AMBIGUOUS, UNGROUPED, INVALID)
STATUS_TEXT = {
    GROUPED: ("入组", "assigned to a group"),
    AMBIGUOUS: ("歧义", "procedure unrelated to the principal diagnosis (QY group)"),
    UNGROUPED: ("未入组", "the rules lead to no group (0000)"),
    INVALID: ("无效", "the record lacks or garbles what grouping needs (0000)"),
}


@dataclass(frozen=True)
class Reason:
    """One thing to say of a case.

    Attributes:
        code: stable identifier, as written to the ``reason`` column.
        zh: Chinese text.
        en: English text.
        invalid: the case cannot be grouped at all because of it.
    """

    code: str
    zh: str
    en: str
    invalid: bool = False


# In order of importance: a case's reasons are written in this order, and the first one is the
# reason under which an ungrouped case is counted. The position is the bit.
REASONS = (
    Reason("malformed_row", "行格式错误，无法读取", "the row could not be read", invalid=True),
    Reason("bad_value", "分组所需字段的值无法识别", "a value that grouping needs cannot be read",
           invalid=True),
    Reason("missing_principal_diagnosis", "缺少主要诊断", "there is no principal diagnosis",
           invalid=True),
    Reason("unknown_principal_diagnosis", "主要诊断编码不在编码库中",
           "the principal diagnosis is not a code of the edition"),
    Reason("sex_conflict", "主要诊断与性别不符", "the principal diagnosis does not fit the sex"),
    Reason("sex_missing", "缺少性别，无法入组", "the sex is missing and decides the group"),
    Reason("age_conflict", "主要诊断为新生儿疾病，与年龄不符",
           "the principal diagnosis belongs to the first year of life, not to this age"),
    Reason("age_missing", "缺少年龄，无法入组", "the age is missing and decides the group"),
    Reason("principal_diagnosis_in_no_mdc", "主要诊断不属于任何主要诊断大类（MDC）",
           "the principal diagnosis is in no MDC"),
    Reason("no_group_in_mdc", "已进入MDC，但不符合任何ADRG的入组条件",
           "the case enters an MDC but no group of it"),
    Reason("ambiguous_procedure", "主要手术与主要诊断不相关（歧义病例）",
           "the procedure is unrelated to the principal diagnosis"),
    Reason("age_days_missing", "年龄为0岁但缺少天数", "age 0 without the age in days"),
    Reason("birth_weight_missing", "新生儿缺少出生体重", "a newborn without birth weight"),
    Reason("admission_weight_missing", "新生儿缺少入院体重", "a newborn without admission weight"),
    Reason("unknown_secondary_diagnosis", "其他诊断中有编码不在编码库中",
           "a secondary diagnosis is not a code of the edition; it was passed over"),
    Reason("unknown_procedure", "手术操作中有编码不在编码库中",
           "a procedure is not a code of the edition; it was passed over"),
)  # fmt: skip

BIT = {reason.code: 1 << i for i, reason in enumerate(REASONS)}
INVALID_BITS = sum(BIT[reason.code] for reason in REASONS if reason.invalid)
_BY_CODE = {reason.code: reason for reason in REASONS}


def reason_text(code: str, lang: str = "zh") -> str:
    """The text of a reason code (or several joined by ``|``) in ``zh`` or ``en``."""
    texts = (getattr(_BY_CODE[part], lang) for part in code.split("|") if part)
    return ("；" if lang == "zh" else "; ").join(texts)


def joined_codes(bits: int) -> str:
    """The reason codes of a bit set, most important first, joined by ``|``."""
    return "|".join(reason.code for i, reason in enumerate(REASONS) if bits >> i & 1)


def encode(bits: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], list[str]]:
    """Positions of the reason texts of many bit sets, and the texts. Shape (N,)."""
    seen = np.zeros(1 << len(REASONS), np.bool_)
    seen[bits] = True
    distinct = np.flatnonzero(seen)
    place = np.zeros(1 << len(REASONS), np.int32)
    place[distinct] = np.arange(len(distinct))
    return place[bits], [joined_codes(int(b)) for b in distinct]
