"""The explanation of a case's money in words (病例支付解释), in Chinese and English."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drg.terminal import aligned

Say = Callable[[str, str], str]
DIGEST = 12  # characters of a digest that are shown
_METHODS = {"rate": ("费率法", "rate method"), "points": ("点数法", "point method"),
            "own_mean": ("本院均值", "own mean")}  # fmt: skip
_DECIDED = {
    "given": ("政策给定", "given by the policy"),
    "pool": ("基金池决定", "decided by the pool"),
    "floor": ("点值下限", "the floor"),
    "ceiling": ("点值上限", "the ceiling"),
    "settlement": ("清算结果", "of the settlement"),
    "reference": ("参考点值 M/100", "reference M/100"),
}


def render(found: Mapping[str, Any], lang: str) -> str:
    """An explanation as text: weight, standard, ratio, branch, payers, figures."""

    def say(chinese: str, english: str) -> str:
        return chinese if lang == "zh" else english

    numbers = _source_numbers(found["figures"])
    parts = [
        _head(found, say), _standard(found, say, numbers), _ratio(found, say, numbers),
        _branch(found, say, numbers), _payers(found, say, numbers), _figures(found, say, numbers),
    ]  # fmt: skip
    if found["unknown"]:
        lines = [f"  {key}: {text}" for key, text in found["unknown"].items()]
        parts.append([say("政策未知事项", "Not known to the policy"), *lines])
    return "\n\n".join("\n".join(part) for part in parts if part)


def without_standard(
    policy: tuple[str, str], weight: Mapping[str, Any], why: tuple[str, str], lang: str
) -> str:
    """A case whose standard needs other cases: its weight, and one line that says so."""

    def say(chinese: str, english: str) -> str:
        return chinese if lang == "zh" else english

    return "\n".join([
        f"{say('支付', 'Payment')}  {policy[0]} {policy[1]}", _weight(weight, say),
        "  " + say(f"支付标准未知：{why[0]}；请给出已分组的 FILE",
                   f"the standard is not known: {why[1]}; give a grouped FILE"),
    ])  # fmt: skip


def _source_numbers(figures: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    sources = dict.fromkeys(figure["source"] for figure in figures)
    return {source: i + 1 for i, source in enumerate(sources)}


def _head(found: Mapping[str, Any], say: Say) -> list[str]:
    policy = found["policy"]
    lines = [f"{say('支付', 'Payment')}  {policy['id']} {policy['title']}",
             f"  {say(*_METHODS[policy['method']])}, {found['year']}, "
             f"sha256 {policy['sha256'][:DIGEST]}"]  # fmt: skip
    lines += [f"  {note}" for note in found["notes"]]
    lines.append(_weight(found["weight"], say))
    for one in found["sets"]:
        effect = ", ".join(f"{name} {one[name]}" for name in ("k", "rate_of", "factor", "pay")
                           if name in one)  # fmt: skip
        here = "" if one["applies"] else say("（对本病例不适用）", " (not for this case)")
        kind = say(one["term"], f"{one['kind']} groups")
        lines.append(f"  {kind}  {one['key']}: {effect}{here}")
    return lines


def _weight(weight: Mapping[str, Any], say: Say) -> str:
    held = weight["weight"]
    shown = say("没有权重", "no weight") if held is None else f"RW {held:.10g}"
    group = weight["drg"] or say("不在表中", "not in the table")
    table = say("权重表", "weight table")
    return f"  {group}  {shown}  {table} {weight['table']}, sha256 {weight['sha256'][:DIGEST]}"


def _keyed(key: str, found: Mapping[str, Any], numbers: Mapping[str, int]) -> str:
    """A key with the number of its source and the mark of a default."""
    for figure in found["figures"]:
        if figure["key"] == key:
            mark = f" {figure['mark']}" if figure["default"] else ""
            return f" ({key} [{numbers[figure['source']]}]{mark})"
    return f" ({key})" if key else ""


def _standard(found: Mapping[str, Any], say: Say, numbers: Mapping[str, int]) -> list[str]:
    held = found["standard"]
    title = say("支付标准", "Standard")
    if not held["terms"]:
        return [f"{title}{say('：没有', ': none')}"]
    factors = []
    for term in held["terms"]:
        name = "RW" if term["symbol"] == "RW" else term["name"]
        amount = term["symbol"] in ("rate", "mean", "unit")
        value = f"{term['value']:,.2f}" if amount else f"{term['value']:.10g}"
        factors.append(f"{name} {value}{_keyed(term['key'], found, numbers)}")
    symbol = {"rate": "S", "own_mean": "S0"}.get(held["kind"], say("点数", "points"))
    result = held["points"] if held["kind"] == "points" else held["reference"]
    exact = f"{result:,.4f}" if held["kind"] == "points" else f"{result:,.2f}"
    lines = [title, f"  {symbol} = {factors[0]}",
             *(f"      x {factor}" for factor in factors[1:]), f"      = {exact}"]  # fmt: skip
    if held["kind"] == "points":
        lines.append(
            f"  {say('参考标准', 'reference standard')} S0 = {exact} x M {held['mean_cost']:,.2f}"
            f"{_keyed('standard.mean_cost', found, numbers)} / {held['terms'][0]['value']:g} = "
            f"{held['reference']:,.2f}"
        )
    if held["kind"] != "rate" and held["point_value"] is not None:
        decided = say(*_DECIDED[held["decided_by"]])
        decided += _keyed(held["value_key"], found, numbers)
        lines.append(
            f"  S = {exact} x {say('点值', 'point value')} {held['point_value']:,.6g} ({decided}) "
            f"= {held['value']:,.2f}"
        )
    return lines


def _ratio(found: Mapping[str, Any], say: Say, numbers: Mapping[str, int]) -> list[str]:
    held = found["ratio"]
    if held["value"] is None:
        return []
    name = "S0" if found["standard"]["kind"] != "rate" and held["base_name"] == "S" else (
        held["base_name"])  # fmt: skip
    lines = [say("倍率", "Ratio"), f"  r = c {found['money']['cost']:,.2f} / {name} "
             f"{held['base']:,.2f} = {held['value']:.6g}"]  # fmt: skip
    for side, letter in (("low", "L"), ("high", "T")):
        one = held[side]
        if one is None:
            continue
        where = [one["band"], *(f"{key} {', '.join(map(str, values))}"
                                for key, values in one["selectors"].items())]  # fmt: skip
        reach = ", ".join(part for part in where if part)
        shown = f"  {reach}" if reach else ""
        lines.append(f"  {letter} {one['value']:g}{_keyed(one['key'], found, numbers)}{shown}")
    return lines


def _branch(found: Mapping[str, Any], say: Say, sources: Mapping[str, int]) -> list[str]:
    held = found["branch"]
    lines = [f"{say('结算类型', 'Branch')}  {held['zh']} {held['code']}"]
    rows = [(say("是", "yes") if one["applies"] else say("否", "no"), one["zh"], one["branch"],
             one["why"]) for one in held["looked_at"]]  # fmt: skip
    lines += _columns(rows)
    if not held["settled"]:
        return [
            *lines,
            "  " + say("不予清算：费用单独列示", "not settled: its cost is reported apart"),
        ]
    kind = found["standard"]["kind"]
    amount, cell = f"{held['whole_amount']:,.2f}", held["formula"]
    if kind != "rate":
        cell = cell.replace("S", "S0")
    numbers = "" if held["numbers"] == amount else f" = {held['numbers']}"
    lines.append(f"  {say('计价', 'price')} = {cell}{numbers} = {amount}")
    for cut in found["standard"]["cuts"]:
        name = f"{cut['name']} {cut['value']:.10g}{_keyed(cut['key'], found, sources)}"
        lines.append(f"      x {name} = {held['amount']:,.2f}")
    amount = f"{held['amount']:,.2f}"
    if kind == "rate":
        return lines
    if not held["inside_pool"]:
        out = say("基金池外支付，不乘点值", "paid outside the pool, without the value of a point")
        return [*lines, f"  {out} (pools.{held['pool']}.outside)"]
    value = found["standard"]["point_value"]
    convert = f" = {amount} x {found['standard']['per_yuan']:.6g}" if kind == "points" else ""
    points, price = say("结算点数", "points"), say("点值", "point value")
    paid = f"x {price} {value:,.6g} = {held['points'] * value:,.2f}"
    lines.append(f"  {points}{convert} = {held['points']:,.4f}; {paid}")
    return lines


def _payers(found: Mapping[str, Any], say: Say, numbers: Mapping[str, int]) -> list[str]:
    held, money = found["payers"], found["money"]
    if not found["branch"]["settled"]:
        return []
    basis = say("按文件所列项目", "by item, from the file") if held["basis"] == "by_item" else say(
        "按政策待遇计算", "by the policy's benefits")  # fmt: skip
    lines = [f"{say('谁支付', 'Who pays')}  {basis}"]
    rows = []
    for one in held["steps"]:
        keys = "".join(_keyed(key, found, numbers) for key in one["keys"]).strip()
        rows.append((one["name"], f"{one['amount']:,.2f}", keys))
    lines += _columns(rows)
    rest = money["payment"] - money["patient"] - money["other"]
    worth = found["branch"]["amount"]
    if found["branch"]["inside_pool"] and found["standard"]["kind"] != "rate":
        worth = found["branch"]["points"] * (found["standard"]["point_value"] or 0.0)
    by_ratio = held.get("by_ratio")
    lines.append(f"  {say('个人', 'patient')} {money['patient']:,.2f}, "
                 f"{say('其他支付', 'other payers')} {money['other']:,.2f}")  # fmt: skip
    if by_ratio is not None:
        key = _keyed("benefit.fund_formula", found, numbers)
        lines += [
            f"  {say('基金', 'fund')} = ({say('计价', 'price')} {worth:,.2f} - "
            f"{say('范围外和起付线', 'out of scope and deductible')} {by_ratio['aside']:,.2f}) x "
            f"{by_ratio['ratio']:.6g} = {money['fund']:,.2f}{key}",
            f"  {say('病例支付 = 个人 + 其他 + 基金', 'payment = patient + other + fund')} = "
            f"{money['payment']:,.2f}",
        ]  # fmt: skip
    else:
        lines.append(
            f"  {say('基金', 'fund')} = {say('病例支付', 'payment')} {money['payment']:,.2f} - "
            f"{say('个人', 'patient')} {money['patient']:,.2f} - {say('其他', 'other')} "
            f"{money['other']:,.2f} = {rest:,.2f}"
        )
    if by_ratio is None and money["payment"] - worth > 0.02:
        floor = _keyed("benefit.fund_floor", found, numbers)
        lines.append("  " + say(
            f"计价 {worth:,.2f} 扣除个人和其他支付后低于基金支付下限{floor}：基金按下限支付",
            f"less patient and others, the price {worth:,.2f} is below the fund's floor{floor}",
        ))  # fmt: skip
    gain = money["gain"]
    word = say("盈余", "gains") if gain >= 0 else say("亏损", "loses")
    lines += [
        f"  {say('医院', 'hospital')} {word} {abs(gain):,.2f}",
        f"  {say('个人 + 基金 + 其他 - 盈亏 = 费用', 'patient + fund + other - gain = cost')}: "
        f"{money['patient']:,.2f} + {money['fund']:,.2f} + {money['other']:,.2f} - "
        f"({gain:,.2f}) = {money['cost']:,.2f}",
    ]  # fmt: skip
    return lines


def _figures(found: Mapping[str, Any], say: Say, numbers: Mapping[str, int]) -> list[str]:
    rows = []
    for one in found["figures"]:
        values = one["value"] if isinstance(one["value"], list) else [one["value"]]
        value = ", ".join(f"{v:,.10g}" if isinstance(v, int | float) and not isinstance(v, bool)
                          and one["unit"] != "year" else str(v) for v in values)  # fmt: skip
        mark = f" {one['mark']}" if one["default"] else ""
        rows.append((one["key"], f"{value or '-'} {one['unit']}".rstrip(),
                     f"[{numbers[one['source']]}]{mark}", one["term"]))  # fmt: skip
    return [say("所用数字", "Figures used"), *_columns(rows),
            *(f"  [{i}] {source}" for source, i in numbers.items())]  # fmt: skip


def variants_text(rows: Sequence[tuple[str, str, Mapping[str, Any]]], now: float, lang: str) -> str:
    """What one code does to the payment.

    Args:
        rows: the change in words, the group reached, and its money.
        now: payment of the case as it is, in yuan.
        lang: ``zh`` or ``en``.
    """

    def say(chinese: str, english: str) -> str:
        return chinese if lang == "zh" else english

    def cell(value: float | None, sign: str = "") -> str:
        return "?" if value is None else f"{value:{sign},.2f}"

    lines = [say("如果一个编码不同：支付", "If one code were different: the payment"),
             f"  {say('现在', 'now')} {now:,.2f}"]  # fmt: skip
    lines += _columns([
        (change, f"-> {drg}", f"S {cell(held['standard'])}", cell(held["payment"]),
         cell(held["payment_change"], "+")) for change, drg, held in rows
    ])  # fmt: skip
    return "\n".join([*lines, "  " + say("点值和个人负担不变", "with the same value of a point and "
                                         "the same patient's share")])  # fmt: skip


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"  {line}" for line in aligned(rows)]
