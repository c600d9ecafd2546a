"""Random discharge records of a scheme, as files write them, for tests that compare two ways."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from grouper import load_scheme

BLANKS = ["", "-", "无"]


@cache
def pools(scheme_id):
    """Codes by ADRG, complications and grouping procedures of a scheme."""
    scheme = load_scheme(scheme_id)
    held = {adrg.code: ([], []) for adrg in scheme.adrgs}
    of_mdc = {mdc.code: [] for mdc in scheme.mdcs}
    for (owner, name), codes in scheme.lists.items():
        if name == "MDC":
            of_mdc[owner] += codes[:200]
        elif owner in held:
            held[owner][name.startswith("P")].extend(codes)
    for adrg in scheme.adrgs:
        held[adrg.code][0].extend(of_mdc[adrg.mdc])
    return held, sorted({*scheme.mcc, *scheme.cc}), sorted(scheme.grouping_procedures)


def spelled(code):
    return st.sampled_from([code, code, code, code.lower(), f" {code}", code.replace(".", "．")])


@st.composite
def records(draw, scheme_id):
    """A record whose codes matter together, with spellings, blanks and unknown codes."""
    held, complications, procedures = pools(scheme_id)
    dx, px = held[draw(st.sampled_from(sorted(held)))]
    some_dx = st.sampled_from(dx or complications) | st.sampled_from(complications)
    some_px = st.sampled_from(px or procedures) | st.sampled_from(procedures)
    odd = st.sampled_from([*BLANKS, "zzz"])
    likely = draw(st.booleans())
    codes = [
        draw(st.lists(some.flatmap(spelled) if likely else some.flatmap(spelled) | odd,
                      min_size=least, max_size=6))
        for some, least in ((some_dx, 1), (some_px, 0))
    ]  # fmt: skip
    return {
        "diagnoses": "|".join(codes[0]),
        "procedures": "|".join(codes[1]),
        "sex": draw(st.sampled_from(["1", "2", "男", "女", ""])),
        "age": draw(st.sampled_from(["0", "1", "17岁", "70", "", "70", "x"])),
        "age_days": draw(st.sampled_from(["", "0", "28", "29", "300"])),
        "birth_weight": draw(st.sampled_from(["", "900", "1500", "1999.5", "2500"])),
        "length_of_stay": draw(st.sampled_from(["", "1", "5", "61"])),
        "discharge_mode": draw(st.sampled_from(["", "1", "2", "5"])),
        "icu_hours": draw(st.sampled_from(["", "0", "24", "100"])),
        "department": draw(st.sampled_from(["", "内科", "儿科"])),
    }
