"""What a fit says and does not say, in plain Chinese and English."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drg.errors import problem

if TYPE_CHECKING:
    from budget.fit.response import Fit, Parameter

_KINDS = {
    "rule": ("支付规则本身", "the payment rule alone"),
    "response": ("行为反应", "response"),
    "coding": ("编码", "coding"),
    "case_mix": ("病例组合", "case mix"),
    "price": ("投入价格", "prices"),
}
_BASES = {
    "published": ("已发表范围", "the published range"),
    "direction": ("逻辑范围（研究只知方向）", "what it can be (studies tell its sign only)"),
    "logical": ("逻辑范围（无研究）", "what it can be (no study at hand)"),
    "assumed": ("假设范围", "the assumed range"),
}


def sentences(fit: Fit, lang: str) -> list[str]:
    """Sentences about a fit.

    Raises:
        DrgError: there is no such language.
    """
    if lang not in ("zh", "en"):
        raise problem("no such language", key="lang", found=lang, expected="zh or en")
    chinese = lang == "zh"
    lines = [_outcome(fit, name, chinese) for name in fit.after]
    lines += [_parameter(fit, one, chinese) for one in fit.parameters]
    lines.append(
        "以上是使模型得到公布数字所需的最小反应，不是对改革效果的估计。"
        if chinese
        else "This is the smallest response at which the model gives the published means, "
        "not an estimate of what the reform did."
    )
    return lines


def _outcome(fit: Fit, name: str, chinese: bool) -> str:
    before, after = fit.before[name], fit.after[name]
    change = f" ({after / before - 1:+.1%})" if before else ""
    shares = fit.shares(name)
    parts = [
        f"{_KINDS.get(kind, (kind, kind))[0 if chinese else 1]} {share:.1%}".replace(
            "-0.0%", "0.0%"
        )
        for kind, share in shares.items()
        if np.isfinite(share)
    ]
    if chinese:
        return f"{name}：{before:,.0f} → {after:,.0f}{change}；" + "，".join(parts) + "。"
    return f"{name}: {before:,.0f} -> {after:,.0f}{change}; " + ", ".join(parts) + "."


def _parameter(fit: Fit, one: Parameter, chinese: bool) -> str:
    value, (low, high) = fit.values[one.key], fit.interval[one.key]
    spread = f" ({low:.4g}, {high:.4g})" if low < high else ""
    basis = _BASES.get(one.basis, (one.basis, one.basis))[0 if chinese else 1]
    inside = one.holds(value)
    if chinese:
        where = "在" if inside else "超出"
        end = " 之内" if inside else ""
        return f"{one.key} = {value:.4g}{spread}，{where}{basis} {one.low:g} 至 {one.high:g}{end}。"
    where = "within" if inside else "OUTSIDE"
    return f"{one.key} = {value:.4g}{spread}, {where} {basis}, {one.low:g} to {one.high:g}."
