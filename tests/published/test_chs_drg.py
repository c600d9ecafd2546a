"""What the National Healthcare Security Administration published of CHS-DRG 1.1 and 2.0."""

from __future__ import annotations

from collections import Counter

import pytest

from grouper import load_scheme

BOTH = ["chs-drg-1.1", "chs-drg-2.0"]


def test_numbers_of_groups():
    """《CHS-DRG 细分组方案（1.1版）》, title page and MDC table: 26 MDC, 376 ADRG, 628 DRG."""
    scheme = load_scheme("chs-drg-1.1")
    assert (len(scheme.mdcs), len(scheme.adrgs), len(scheme.drgs)) == (26, 376, 628)


def test_numbers_of_2_0():
    """《按病组（DRG）付费分组方案（2.0版）》, 国家医疗保障局, July 2024.

    26 MDC, 409 ADRG, 634 DRG of which 251 surgical; 4,477 MCC, 8,009 CC, 211 exclusion tables.
    """
    scheme = load_scheme("chs-drg-2.0")
    assert (len(scheme.mdcs), len(scheme.adrgs), len(scheme.drgs)) == (26, 409, 634)
    # The second letter of a code: A to J surgical, K to Q procedures, R to Z medical.
    assert sum(drg.code[1] in "ABCDEFGHJ" for drg in scheme.drgs) == 251
    assert (len(scheme.mcc), len(scheme.cc)) == (4477, 8009)
    assert not set(scheme.mcc) & set(scheme.cc)
    tables = {*scheme.mcc.values(), *scheme.cc.values()}
    assert len(tables) == 211
    assert set(scheme.exclusion.values()) <= tables


@pytest.mark.parametrize("name", BOTH)
def test_letters_of_severity(name):
    """Naming rule of the scheme: the last digit is 1 MCC, 3 CC, 5 neither, 9 undivided."""
    scheme = load_scheme(name)
    of_adrg = Counter(drg.adrg for drg in scheme.drgs)
    for drg in scheme.drgs:
        if drg.code[-1] == "9":
            assert drg.rule == "true", drg
            assert of_adrg[drg.adrg] == 1, drg
        else:
            assert drg.rule == {"1": "mcc", "3": "mcc or cc", "5": "true"}[drg.code[-1]], drg


@pytest.mark.parametrize("name", BOTH)
def test_order_of_the_special_categories(name):
    """MDCA, P, Y and Z come before the others (先期分组、新生儿、HIV、多发严重创伤)."""
    assert [mdc.code for mdc in load_scheme(name).mdcs[:4]] == ["MDCA", "MDCP", "MDCY", "MDCZ"]
