"""What the National Healthcare Security Administration published of CHS-DRG 1.1."""

from __future__ import annotations

from collections import Counter

from grouper import load_scheme


def test_numbers_of_groups():
    """《CHS-DRG 细分组方案（1.1版）》, title page and MDC table: 26 MDC, 376 ADRG, 628 DRG."""
    scheme = load_scheme("chs-drg-1.1")
    assert (len(scheme.mdcs), len(scheme.adrgs), len(scheme.drgs)) == (26, 376, 628)


def test_letters_of_severity():
    """Naming rule of the scheme: the last digit is 1 MCC, 3 CC, 5 neither, 9 undivided."""
    scheme = load_scheme("chs-drg-1.1")
    of_adrg = Counter(drg.adrg for drg in scheme.drgs)
    for drg in scheme.drgs:
        if drg.code[-1] == "9":
            assert drg.rule == "true", drg
            assert of_adrg[drg.adrg] == 1, drg
        else:
            assert drg.rule == {"1": "mcc", "3": "mcc or cc", "5": "true"}[drg.code[-1]], drg


def test_order_of_the_special_categories():
    """MDCA, P, Y and Z come before the others (先期分组、新生儿、HIV、多发严重创伤)."""
    assert [mdc.code for mdc in load_scheme("chs-drg-1.1").mdcs[:4]] == [
        "MDCA", "MDCP", "MDCY", "MDCZ",
    ]  # fmt: skip
