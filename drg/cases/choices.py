"""Words that stand for one of a few values (取值): insurance, discharge mode, tier, marks.

National names and codes are known here; what the local words of a bureau mean, its mapping file
says (``[values.insurance]``). A word that neither knows cannot be read: it is never taken for none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from drg.cases.values import folded, number_of
from drg.errors import one_of, problem
from drg.language import say

EMPLOYEE, RESIDENT, OTHER = 0, 1, 2
INSURANCES = ("employee", "resident")
INSURANCES_ZH = {"employee": "职工医保", "resident": "居民医保"}
# codes of 险种类型 (insutype) of the national platform
_INSURANCE_CODES = {
    "310": EMPLOYEE, "380": RESIDENT, "390": RESIDENT, "391": RESIDENT,
    **dict.fromkeys(("320", "330", "340", "350", "360", "370", "392", "399", "410", "510"), OTHER),
}  # fmt: skip
_INSURANCE_NAMES = (
    (r"employee|(城镇)?职工(基本)?(医疗保险|医保|医疗)?", EMPLOYEE),
    (r"resident|(城镇|城乡)?居民(基本)?(医疗保险|医保|医疗)?|新农合|(新型)?农村合作医疗(保险)?",
     RESIDENT),
    (r"other|其他|其它|(全)?自费|(全)?公费(医疗)?|商业((医疗|健康)?保险)?|贫困救助|其他社会保险|"
     r"工伤保险|生育保险|离休人员(医疗保障)?", OTHER),
)  # fmt: skip
_MODES = (
    (r"医嘱(离院|出院)", 1.0), (r"医嘱转院", 2.0),
    (r"医嘱转社区(卫生服务(机构|中心))?(/乡镇卫生院)?|转社区(卫生服务机构)?(/乡镇卫生院)?", 3.0),
    (r"非医嘱(离院|出院)", 4.0), (r"死亡", 5.0), (r"其他|其它", 9.0),
)  # fmt: skip
MODES = (1, 2, 3, 4, 5, 9)
_TIERS = (
    (r"[三3]级?([甲乙丙特]等?|未定等)?(医院)?", 3), (r"[二2]级?([甲乙丙]等?|未定等)?(医院)?", 2),
    (r"[一1]级?([甲乙丙]等?|未定等)?(医院)?", 1),
    (r"未定(级|等)?|未评(级|等|定)?|无|无等级|无级别", 0),
)  # fmt: skip
_YES = frozenset(["1", "是", "true", "yes", "y", "t", "√", "✓", "✔", "☑", "v", "通过", "已通过",
                  "同意", "有"])  # fmt: skip
_NO = frozenset(["0", "否", "false", "no", "n", "f", "×", "✗", "✘", "x", "未通过", "不通过",
                 "不同意", "没有", "非"])  # fmt: skip
_OWN = {  # words that name the mark itself
    "special_review": ("特病单议", "特例单议", "单议"), "day_surgery": ("日间手术",),
    "day_bed": ("日间病床",), "new_technology": ("新技术", "新技术除外支付"),
}  # fmt: skip
_SIGNED = re.compile(r"([0-9]{1,3})(?:\.0+)?(?:[\s\-_.、:：|)\]]*(\D.*))?")
_BRACKETED = re.compile(r"(\D.*?)[\s(\[（【]+([0-9]{1,3})[)\]）】]?")

FLAGS = tuple(_OWN)
VALUED = ("insurance", "discharge_mode", "sex", *FLAGS, "tier", "status", "department",
          "population", "hospital_id", "drg", "tcm_share")  # fmt: skip
EXPECTED = {
    "insurance": ("employee or resident, by national name or code", "职工或居民（国家名称或代码）"),
    "discharge_mode": ("1 to 5 or 9, or its national name", "1 至 5、9 或其国家名称"),
    "tcm_share": ("a share such as 0.81 or 81%", "比例，如 0.81 或 81%"),
    **dict.fromkeys(FLAGS, ("a mark: 1 or 0, 是 or 否, √", "标记：1 或 0、是或否、√")),
}


def insurance_of(text: str) -> float | None:
    """Place in :data:`INSURANCES`, :data:`OTHER` for a payer that is neither; None unknown."""
    return _signed(text, _INSURANCE_CODES.get, _named(_INSURANCE_NAMES))


def pool_of(text: str, pools: Collection[str]) -> str | None:
    """The pool (基金池) of a policy that a text names, by its own name or by that of its insurance.

    Args:
        text: the cell.
        pools: names of the pools.
    """
    plain = folded(text)
    if plain in pools:
        return plain
    found = insurance_of(plain.removesuffix("基金池").removesuffix("基金"))
    if found is None or found == OTHER:
        return None
    name = INSURANCES[int(found)]
    return name if name in pools else None


def pools_said(pools: Iterable[str]) -> str:
    """Names of pools, for what a message expects."""
    return ", ".join(say(INSURANCES_ZH.get(one, one), one) for one in pools)


def mode_of(text: str) -> float | None:
    """Discharge mode (离院方式), 1 to 5 or 9; None unknown."""
    return _signed(text, {str(n): float(n) for n in MODES}.get, _named(_MODES), short=True)


def tier_of(text: str) -> int | None:
    """Tier of a hospital (医院级别): 3, 2, 1, 0 for none; None unknown."""
    found = _signed(text, {str(n): n for n in range(4)}.get, _named(_TIERS))
    return None if found is None else int(found)


def mark_of(part: str) -> Callable[[str], float | None]:
    """How a mark (标记) of a part is read: 1, 0, None unknown."""
    own = _OWN[part]

    def read(text: str) -> float | None:
        plain = text.removesuffix(".0")
        if plain in _YES or plain in own:
            return 1.0
        return 0.0 if plain in _NO or plain in [f"非{word}" for word in own] else None

    return read


def share_of(text: str) -> float | None:
    """A share (占比): ``0.81``, ``81%`` and ``81.0`` are one; above 1 it is a percentage."""
    percent = text.endswith("%")
    value = number_of(text.removesuffix("%"))
    if value is None or value < 0 or value > 100:
        return None
    return value / 100 if percent or value > 1 else value


def check_meanings(part: str, words: Mapping[str, str], key: str) -> None:
    """Refuse meanings that are none of a part's values.

    Raises:
        DrgError: there is one.
    """
    readers: dict[str, tuple[Callable[[str], float | None], tuple[str, ...]]] = {
        "insurance": (insurance_of, (*INSURANCES, "other")),
        "discharge_mode": (mode_of, tuple(map(str, MODES))),
        "tier": (tier_of, ("3", "2", "1", "0")),
        "sex": ({"1": 1.0, "2": 2.0, "9": 9.0, "0": 0.0}.get, ("1", "2", "9")),
        **{flag: (mark_of(flag), ("1", "0")) for flag in FLAGS},
    }
    if part not in readers:
        return
    read, expected = readers[part]
    for word, meaning in words.items():
        if meaning and read(meaning.strip().lower()) is None:
            raise problem(say("不是该列的取值", "not a value of that column"), key=f"{key}.{word}",
                          found=meaning, expected=one_of(expected))  # fmt: skip


def _named(table: tuple[tuple[str, float], ...]) -> Callable[[str], float | None]:
    patterns = [(re.compile(pattern), value) for pattern, value in table]

    def read(text: str) -> float | None:
        plain = re.sub(r"[\s,.。]+", "", text)
        return next((value for pattern, value in patterns if pattern.fullmatch(plain)), None)

    return read


def _signed(
    text: str, of_code: Callable[[str], float | None], of_name: Callable[[str], float | None],
    *, short: bool = False,
) -> float | None:  # fmt: skip
    """The value of a code, a name, or both together when they agree."""
    if (named := of_name(text)) is not None:
        return named
    code = name = ""
    if found := _SIGNED.fullmatch(text):
        code, name = found[1], (found[2] or "").strip()
    elif found := _BRACKETED.fullmatch(text):
        name, code = found[1].strip(), found[2]
    if not code:
        return None
    value = of_code(code.lstrip("0") if short and len(code) == 2 else code)
    if not name:
        return value
    return value if value is not None and value == of_name(name) else None
