"""``drg explain FILE --dependence``: all cases of a file whose group hangs on one code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from drg.cli.common.outputs import TABLES, look_first
from drg.language import Words
from drg.terminal import table

if TYPE_CHECKING:
    from grouper.explain.dependence_files import DependenceAccount

_MOST_HOSPITALS, _MOST_CODES = 10, 5
_KINDS = {
    "diagnosis": ("一个其他诊断", "one secondary diagnosis"),
    "procedure": ("一个其他手术操作", "one secondary procedure"),
    "principal_procedure": ("主要手术操作", "the principal procedure"),
}


def run(
    file: Path,
    out: Path,
    *,
    scheme: str,
    codes: str,
    mapping: Path | None,
    sheet: str | None,
    weights: str | None,
    principal_procedure: bool,
    lang: str,
) -> None:
    """Find the dependences of a file and print what they come to."""
    from drg.progress import Progress
    from grouper.explain.dependence_files import dependence_file

    beside = [out.parent / f"{out.name}{one}" for one in (".hospitals.csv", ".run.json")]
    look_first((file, mapping, weights, scheme), (out, TABLES), beside=beside)
    held = weights_of(weights)
    with Progress(Words(lang)(f"查找依赖 {file.name}", f"dependence in {file.name}")) as shown:
        account = dependence_file(
            file, out, scheme=scheme, codes=codes, mapping=mapping, sheet=sheet, weights=held,
            principal_procedure=principal_procedure, progress=shown.advance,
        )  # fmt: skip
    typer.echo(summary(account, out, lang), err=True)


def weights_of(name: str | None) -> dict[str, float] | None:
    """The weight of each group, from a file or a published table; None for no name."""
    if name is None:
        return None
    from weights.table import open_weights

    return open_weights(name).by_group()


def summary(account: DependenceAccount, out: Path, lang: str) -> str:
    """What the search came to: counts, the codes on which most hangs, hospitals by share."""
    from grouper.explain.dependence_files import by_share, share

    say = Words(lang)
    part = account.dependent / account.grouped if account.grouped else 0.0
    lines = [
        f"{out}  {account.scheme}",
        say(
            f"  {account.cases:,} 例，入组 {account.grouped:,} 例，"
            f"其中 {account.dependent:,} 例（{part:.2%}）的分组取决于单一编码",
            f"  {account.cases:,} cases, {account.grouped:,} grouped; the group of "
            f"{account.dependent:,} ({part:.2%}) hangs on one code",
        ),
    ]
    for kind, count in account.kinds.most_common():
        lines.append(f"    {say(*_KINDS[kind])}: {count:,}")
    if account.codes:
        most = account.codes.most_common(_MOST_CODES)
        listed = ", ".join(f"{code} {count:,}" for code, count in most)
        lines.append(f"  {say('最多的编码', 'most frequent codes')}: {listed}")
    rows = [
        (name or "-", f"{h.cases:,}", f"{h.grouped:,}", f"{h.dependent:,}", f"{share(h):.2%}",
         *([f"{h.weight:,.2f}"] if account.weighted else ()))
        for name, h in by_share(account)[:_MOST_HOSPITALS]
    ]  # fmt: skip
    header = [say("医疗机构", "hospital"), say("病例", "cases"), say("入组", "grouped"),
              say("取决于单一编码", "on one code"), say("占比", "share"),
              *([say("涉及权重", "weight at stake")] if account.weighted else ())]  # fmt: skip
    lines.append(table(header, rows, right=range(1, len(header))))
    lines.append(f"{say('全部医疗机构', 'all hospitals')}: {account.hospital_path}")
    lines.append(
        say(
            "用于审核：取决于一个编码不等于编码有误，应查病历。",
            "For audit: to hang on one code is no error; look it up in the record.",
        )
    )
    return "\n".join(lines)
