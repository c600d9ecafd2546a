"""``drg policy``: the payment policies, listed, shown with every figure's source, and checked."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drg.cli.common.options import Lang, PolicyName, wrong
from drg.cli.common.outputs import TABLES, look_first
from drg.cli.policy.search import search
from drg.cli.policy.test import test
from drg.language import half, say, speak, spoken, wished
from drg.terminal import fit, table

if TYPE_CHECKING:
    from budget.policy.document import Leaf, Policy

app = typer.Typer(no_args_is_help=True)

app.command(
    "test",
    help=say(
        "清算测试病例；有一例与预期不符时退出状态为 1。",
        "Settle worked cases (病例测试); exit 1 when one comes out otherwise than expected.",
    ),
)(test)
app.command(
    "search",
    help=say(
        "政策寻优：求政策数值的最小调整，使各项目标达到。\n\n"
        "目标就清算年度成立；基金池按自身规则变动，次年的目标值一并显示。在 OUT 中写出 "
        "policy_search.csv 和 .json，以及供 drg settle 和 drg project 使用的 policy-found.toml 和 "
        "scenario-found.toml。目标不能达到时退出状态为 1。",
        "Search (政策寻优) for the least change of a policy's figures that meets targets.\n\n"
        "Targets hold for the settled year; pools move on by their own rule, and what that makes "
        "of the targets a year later is printed too. Writes policy_search.csv and .json into OUT, "
        "and policy-found.toml and scenario-found.toml for drg settle and drg project. Exit status "
        "1 when the targets cannot be met.",
    ),
)(search)

_LANGUAGES = ("zh", "en", "both")
_WORDS = {
    "region": ("地区", "region"),
    "method": ("支付方法", "method"),
    "valid": ("有效期", "valid"),
    "source": ("来源", "source"),
    "weights": ("权重表", "weights"),
    "scheme": ("分组方案", "scheme"),
    "chain": ("文件层次", "documents"),
    "unknown": ("未知事项", "not known"),
    "sources": ("数据来源", "sources"),
    "default": ("默认", "default"),
    "key": ("键", "key"),
    "term": ("名称", "term"),
    "value": ("值", "value"),
    "document": ("文件", "document"),
    "none": ("不详", "not known"),
}
_METHODS = {"rate": ("费率法", "rate"), "points": ("点数法", "points"),
            "own_mean": ("本院均值", "own mean")}  # fmt: skip


@app.command("list", help=say("列出内置的支付政策。", "List the shipped policies."))
def list_policies() -> None:
    """List the shipped policies."""
    from budget import load_policy, policies

    rows = []
    for name in policies():
        policy = load_policy(name)
        header = policy.header
        first = str(header.valid_from or "-")
        title = say(header.title, header.title_en or header.title)
        method = say(_METHODS[policy.standard.kind][0], policy.standard.kind)
        rows.append((name, title, method, first, fit(half(header.source, spoken()), 60)))
    head = (say("政策", "policy"), say("名称", "title"), say("支付方法", "method"),
            say("生效日期", "valid from"), say("来源", "source"))  # fmt: skip
    typer.echo(table(head, rows))


@app.command(
    "show",
    help=say(
        "查看政策：每个数值及其单位、来源和所在文件。",
        "Show a policy: every figure with its unit, its source and the document that says it.",
    ),
)
def show(
    policy: Annotated[
        str,
        typer.Argument(help=say("内置政策的编号，或 TOML 文件。",
                                "Id of a shipped policy, or a TOML file.")),
    ],
    overlay: Annotated[
        list[str] | None,
        typer.Option("--overlay", help=say("叠加其上的文件，可给出多个。",
                                           "A document to lay over it; repeatable.")),
    ] = None,
    figures: Annotated[
        bool,
        typer.Option("--figures", help=say("只列数值，写成 CSV 并注明来源。",
                                           "Only the figures, as CSV with sources.")),
    ] = False,
    lang: Annotated[
        str | None,
        typer.Option("--lang", help=say("语言：zh、en 或 both；默认按 DRG_LANG，未设时为 both。",
                                        "zh, en or both; by default DRG_LANG, or both.")),
    ] = None,
) -> None:  # fmt: skip
    """Show a policy: every figure with its unit, its source and the document that says it."""
    from budget import load_policy

    lang = lang or wished() or "both"
    if lang not in _LANGUAGES:
        raise wrong("应为 zh、en 或 both", f"one of {', '.join(_LANGUAGES)}", "--lang")
    if lang != "both":
        speak(lang)
    loaded = load_policy(policy, *(overlay or ()))
    typer.echo(_as_csv(loaded, lang) if figures else _whole(loaded, lang))


@app.command(
    "validate",
    help=say(
        "检查政策；指出第一处问题所在的文件和键，退出状态为 1。",
        "Check a policy; the first fault is named with file and key, and gives exit status 1.",
    ),
)
def validate(
    file: Annotated[
        str,
        typer.Argument(help=say("TOML 文件，或内置政策的编号。",
                                "A TOML file, or the id of a shipped policy.")),
    ],
) -> None:  # fmt: skip
    """Check a policy; the first fault is named with file and key, and gives exit status 1."""
    from budget import load_policy

    policy = load_policy(file)
    held = list(policy.leaves())
    defaults = sum(leaf.is_default for leaf in held)
    chain = " < ".join(policy.header.chain)
    typer.echo(
        say(f"{Path(file).name}：无误：{policy.id}，{_METHODS[policy.standard.kind][0]}，"
            f"{len(held)} 个值，其中默认 {defaults} 个，文件层次 {chain}",
            f"{Path(file).name}: ok: {policy.id}, {policy.standard.kind}, {len(held)} values, "
            f"{defaults} of them defaults, over {chain}")
    )  # fmt: skip


def _say(key: str, lang: str, words: dict[str, tuple[str, str]] = _WORDS) -> str:
    zh, en = words[key]
    return {"zh": zh, "en": en}.get(lang, f"{en} {zh}")


def _said(text: str, lang: str) -> str:
    """A document's text in the language asked for; whole in both."""
    return text if lang == "both" else half(text, lang)


def _whole(policy: Policy, lang: str) -> str:
    held = list(policy.leaves())
    sources = list(dict.fromkeys(leaf.source for leaf in held))
    number = {source: i + 1 for i, source in enumerate(sources)}
    header = tuple(_say(k, lang) for k in ("key", "term", "value", "document", "source"))
    rows = [
        (leaf.key, _term(leaf, lang), _value(leaf), leaf.origin,
         f"[{number[leaf.source]}]" + (f" {_say('default', lang)}" if leaf.is_default else ""))
        for leaf in held
    ]  # fmt: skip
    lines = [*_header(policy, lang), "", table(header, rows), "", f"{_say('sources', lang)}:"]
    lines += [f"  [{i}] {_said(source, lang)}" for source, i in number.items()]
    defaults = sum(leaf.is_default for leaf in held)
    lines += ["", f"{_say('default', lang)}: {defaults} / {len(held)}"]
    if policy.header.unknown:
        lines += ["", f"{_say('unknown', lang)}:"]
        lines += [f"  {key}: {_said(words, lang)}" for key, words in policy.header.unknown.items()]
    return "\n".join(lines)


def _header(policy: Policy, lang: str) -> list[str]:
    h = policy.header
    titles = {"zh": h.title, "en": h.title_en}.get(lang, f"{h.title}\n{h.title_en}")
    missing = _say("none", lang)
    about = {
        "region": h.region or "-",
        "method": _say(policy.standard.kind, lang, _METHODS),
        "valid": f"{h.valid_from or missing} - {h.valid_to or ''}".rstrip(),
        "source": _said(h.source, lang),
        "weights": h.weights or "-",
        "scheme": h.scheme or "-",
        "chain": " < ".join(h.chain),
    }
    lines = [policy.id, titles, *(f"{_say(key, lang)}: {text}" for key, text in about.items())]
    return [*lines, f"sha256 {policy.digest}"]


def _term(leaf: Leaf, lang: str) -> str:
    zh, en = leaf.about.zh, leaf.about.en
    return {"zh": zh, "en": fit(en, 60)}.get(lang, fit(f"{zh} {en}", 60))


def _value(leaf: Leaf) -> str:
    def text(value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int | float):
            return f"{value:,.10g}" if leaf.about.unit != "year" else str(value)
        return str(value)

    values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    return f"{', '.join(map(text, values)) or '-'} {leaf.about.unit}".rstrip()


def _as_csv(policy: Policy, lang: str) -> str:
    from drg.tables import neutralise

    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("key", "term", "value", "unit", "document", "default", "source"))
    for leaf in policy.leaves():
        if not leaf.about.is_figure:
            continue
        value = str(leaf.value).lower() if isinstance(leaf.value, bool) else leaf.value
        zh, en = leaf.about.zh, leaf.about.en
        term = {"zh": zh, "en": en}.get(lang, f"{zh} {en}")
        cells = (leaf.key, term, value, leaf.about.unit, leaf.origin,
                 "默认" if leaf.is_default else "", _said(leaf.source, lang))  # fmt: skip
        writer.writerow([neutralise(c) if isinstance(c, str) else c for c in cells])
    return stream.getvalue().rstrip("\n")


@app.command(
    "standards",
    help=say(
        "按医疗机构等级和险种写出各病组的支付标准。",
        "Write the payment standard of every group by hospital class and insurance.",
    ),
)
def standards(
    policy: PolicyName,
    out: Annotated[
        Path,
        typer.Option("--out", help=say("要写出的表：.csv、.xlsx 或 .parquet。",
                                       "Table to write: .csv, .xlsx or .parquet.")),
    ],
    weights: Annotated[
        str | None,
        typer.Option("--weights", help=say("权重表：文件，或已公布权重表的编号；默认按政策。",
                                           "Weight table: a file or a published id; the policy's "
                                           "own.")),
    ] = None,
    year: Annotated[
        int | None,
        typer.Option("--year", help=say("系数趋同的年度，默认为政策首年。",
                                        "Year of convergence; the policy's first.")),
    ] = None,
    lang: Lang = None,
) -> None:  # fmt: skip
    """Write the payment standard of every group by hospital class and insurance."""
    import pyarrow as pa

    from budget.policy import load_policy
    from budget.price.standards import standards as work_out
    from drg.errors import problem
    from drg.tables import write_table
    from drg.tables.derived import without_formulas
    from weights.table import open_weights

    look_first((policy, weights), (out, TABLES))
    rules = load_policy(policy)
    name = weights or rules.header.weights
    if not name:
        raise problem(say("政策未指定权重表", "the policy names no weight table"), file=policy,
                      key="--weights")  # fmt: skip
    first, held = rules.header.valid_from, open_weights(name)
    year = year or (first.year if first else None)
    frame = work_out(rules, held, year or 2000)
    if out.suffix.lower() == ".xlsx":
        from drg.page.words import Words
        from drg.report.weights.standards import write_standards

        write_standards(out, frame, rules, held, year, Words(lang or "zh"))
    else:
        write_table(out, without_formulas(pa.Table.from_pandas(frame, preserve_index=False)))
    if rules.standard.kind == "points" and not any(
        row.given is not None for row in rules.standard.point_values
    ):
        typer.echo(say("提示：点值由基金池决定；金额按参考值 M / 权重为 1 的点数计算",
                       "note: the pool decides the value of a point; yuan are at the reference "
                       "value M / points of weight 1"), err=True)  # fmt: skip
    priced = ("standard.", "groups.", "coefficients.")
    for key, text in rules.header.unknown.items():
        if key.startswith(priced):
            typer.echo(f"{say('提示', 'note')} {key}: {half(text, spoken())}", err=True)
    typer.echo(say(f"{out}：{len(frame):,} 条支付标准，{rules.id}，权重表 {name}",
                   f"{out}: {len(frame):,} standards, {rules.id}, weights {name}"),
               err=True)  # fmt: skip
