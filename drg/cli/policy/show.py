"""``drg policy``: the payment policies, listed, shown with every figure's source, and checked."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drg.cli.policy.search import search
from drg.cli.policy.test import test
from drg.terminal import fit, table

if TYPE_CHECKING:
    from budget.policy.document import Leaf, Policy

app = typer.Typer(help="Payment policies (支付政策): show, check, test.", no_args_is_help=True)

app.command("test")(test)
app.command("search")(search)

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


@app.command("list")
def list_policies() -> None:
    """List the shipped policies."""
    from budget import load_policy, policies

    rows = []
    for name in policies():
        policy = load_policy(name)
        header = policy.header
        first = str(header.valid_from or "-")
        rows.append((name, header.title, policy.standard.kind, first, fit(header.source, 60)))
    typer.echo(table(("policy", "title", "method", "valid from", "source"), rows))


@app.command("show")
def show(
    policy: Annotated[str, typer.Argument(help="Id of a shipped policy, or a TOML file.")],
    overlay: Annotated[
        list[str] | None, typer.Option("--overlay", help="A document to lay over it; repeatable.")
    ] = None,
    figures: Annotated[
        bool, typer.Option("--figures", help="Only the figures, as CSV with sources.")
    ] = False,
    lang: Annotated[str, typer.Option("--lang", help="zh, en or both.")] = "both",
) -> None:
    """Show a policy: every figure with its unit, its source and the document that says it."""
    from budget import load_policy

    if lang not in _LANGUAGES:
        raise typer.BadParameter(f"one of {', '.join(_LANGUAGES)}", param_hint="--lang")
    loaded = load_policy(policy, *(overlay or ()))
    typer.echo(_as_csv(loaded, lang) if figures else _whole(loaded, lang))


@app.command("validate")
def validate(
    file: Annotated[str, typer.Argument(help="A TOML file, or the id of a shipped policy.")],
) -> None:
    """Check a policy; the first fault is named with file and key, and gives exit status 1."""
    from budget import load_policy

    policy = load_policy(file)
    held = list(policy.leaves())
    defaults = sum(leaf.is_default for leaf in held)
    typer.echo(
        f"{Path(file).name}: ok: {policy.id}, {policy.standard.kind}, {len(held)} values, "
        f"{defaults} of them defaults 默认, over {' < '.join(policy.header.chain)}"
    )


def _say(key: str, lang: str, words: dict[str, tuple[str, str]] = _WORDS) -> str:
    zh, en = words[key]
    return {"zh": zh, "en": en}.get(lang, f"{en} {zh}")


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
    lines += [f"  [{i}] {source}" for source, i in number.items()]
    defaults = sum(leaf.is_default for leaf in held)
    lines += ["", f"{_say('default', lang)}: {defaults} / {len(held)}"]
    if policy.header.unknown:
        lines += ["", f"{_say('unknown', lang)}:"]
        lines += [f"  {key}: {words}" for key, words in policy.header.unknown.items()]
    return "\n".join(lines)


def _header(policy: Policy, lang: str) -> list[str]:
    h = policy.header
    titles = {"zh": h.title, "en": h.title_en}.get(lang, f"{h.title}\n{h.title_en}")
    missing = _say("none", lang)
    about = {
        "region": h.region or "-",
        "method": _say(policy.standard.kind, lang, _METHODS),
        "valid": f"{h.valid_from or missing} - {h.valid_to or ''}".rstrip(),
        "source": h.source,
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
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("key", "term", "value", "unit", "document", "default", "source"))
    for leaf in policy.leaves():
        if not leaf.about.is_figure:
            continue
        value = str(leaf.value).lower() if isinstance(leaf.value, bool) else leaf.value
        zh, en = leaf.about.zh, leaf.about.en
        term = {"zh": zh, "en": en}.get(lang, f"{zh} {en}")
        writer.writerow((leaf.key, term, value, leaf.about.unit, leaf.origin,
                         "默认" if leaf.is_default else "", leaf.source))  # fmt: skip
    return stream.getvalue().rstrip("\n")


@app.command("standards")
def standards(
    policy: Annotated[
        str, typer.Option("--policy", help="Policy: an id (drg policy list) or a file.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Table to write: .csv, .xlsx or .parquet.")],
    weights: Annotated[
        str | None,
        typer.Option("--weights", help="Weight table: a file or a published id; the policy's own."),
    ] = None,
    year: Annotated[
        int | None, typer.Option("--year", help="Year of convergence; the policy's first.")
    ] = None,
    lang: Annotated[str, typer.Option("--lang", help="Language of a workbook: zh or en.")] = "zh",
) -> None:
    """Write the payment standard of every group by hospital class and insurance.

    A workbook has a sheet an insurance, one row a group and one column a class of hospitals; other
    files have a row for each.
    """
    import pyarrow as pa

    from budget.policy import load_policy
    from budget.price.standards import standards as work_out
    from drg.errors import problem
    from drg.tables import check_outputs, write_table
    from weights.table import open_weights

    if lang not in _LANGUAGES[:2]:
        raise typer.BadParameter("expected zh or en", param_hint="--lang")
    rules = load_policy(policy)
    name = weights or rules.header.weights
    if not name:
        raise problem("the policy names no weight table", file=policy, key="--weights")
    check_outputs((out,), [Path(given) for given in (policy, name) if Path(given).is_file()])
    first, held = rules.header.valid_from, open_weights(name)
    year = year or (first.year if first else None)
    frame = work_out(rules, held, year or 2000)
    if out.suffix.lower() == ".xlsx":
        from drg.page.words import Words
        from drg.report.weights.standards import write_standards

        write_standards(out, frame, rules, held, year, Words(lang))
    else:
        write_table(out, pa.Table.from_pandas(frame, preserve_index=False))
    if rules.standard.kind == "points" and not any(
        row.given is not None for row in rules.standard.point_values
    ):
        typer.echo("note 提示: the pool decides the value of a point; yuan are at the reference "
                   "value M / points of weight 1", err=True)  # fmt: skip
    typer.echo(f"{out}: {len(frame):,} standards, {rules.id}, weights {name}", err=True)
