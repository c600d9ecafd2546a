"""``drg demo``: the whole flow on a synthetic region."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import CasesMade, HospitalsMade, Lang
from drg.cli.common.outputs import look_first
from drg.language import say, spoken
from drg.terminal import fit, table

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 20
GROUPED, WEIGHTS = "grouped.csv", "weights.csv"
_STEPS, _DRAWS, _CHECK_LINES = 6, 500, 14
SCENARIO = {
    "id": "tighter-cap",
    "title": "总额收紧、费用上涨",
    "title_en": "A tighter cap while costs rise",
    "source": "示例：取整数值，不是预测 | an example: round figures, not a forecast",
    "years": 3,
    "drivers": {"volume": 0.02, "input_cost": 0.03, "case_mix": 0.005},
    "change": {"1": {"policy": {"pools": {"employee": {"growth": 0.02},
                                          "resident": {"growth": 0.02}}}}},
    "behaviour": {"intensity": {"loss": 0.1, "follow": 0.5}},
}  # fmt: skip


def demo(
    out: Annotated[
        Path,
        typer.Option("--out", help=say("存放全部结果的文件夹。",
                                       "Folder for everything the demo makes.")),
    ] = Path("drg-demo"),
    cases: CasesMade = 20_000,
    hospitals: HospitalsMade = 24,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, help=say("模拟统筹区的随机种子。",
                                               "Seed of the synthetic region.")),
    ] = 2025,
    lang: Lang = None,
    negotiate: Annotated[
        bool,
        typer.Option("--negotiate", help=say(
            "不做清算，改为演练一轮权重谈判：450 名专家，诉求互相冲突，最后形成会议纪要。",
            "Play a round of weight negotiation instead of settling: 450 experts, proposals in "
            "conflict, ending in the minutes.")),
    ] = False,
) -> None:  # fmt: skip
    """The whole flow on a synthetic region, from discharges to a report that a panel can read."""
    from drg.tables import whole_folder

    lang = lang or "zh"
    results = _results()
    look_first((), folder=out, results=results)
    with whole_folder(out, results) as new:
        written = _play(new, out, cases, hospitals, seed, lang, negotiate=negotiate)
    typer.echo("\n" + "\n".join(str((out / name).resolve()) for name in written))


def _results() -> list[str]:
    """What a demo leaves in its folder."""
    from budget.forecast.files import RESULTS as PROJECTED
    from drg.sample.write import FILES
    from grouper.engine.files import BESIDE

    beside = [f"{name}{one}" for name in (GROUPED, WEIGHTS) for one in ("", *BESIDE)]
    return [
        *(f"region/{name}" for name in FILES), *beside, *(f"results/{name}" for name in PROJECTED),
        "negotiation/", "report.html", "report.xlsx", "report-annex.html",
    ]  # fmt: skip


def _play(
    new: Path, out: Path, cases: int, hospitals: int, seed: int, lang: str, *, negotiate: bool
) -> tuple[str, ...]:
    """All steps, in a folder that is to become ``out``; the main files written."""
    from drg.sample import write_region

    _step(1, say(f"模拟样本：{cases:,} 例，{hospitals} 家医疗机构，种子 {seed}",
                 f"sample: {cases:,} cases, {hospitals} hospitals, seed {seed}"))  # fmt: skip
    region = write_region(new / "region", cases=cases, hospitals=hospitals, seed=seed)
    _check(region)
    grouped, table = new / GROUPED, new / WEIGHTS
    names = _group(region, grouped, out / GROUPED)
    _fit(grouped, table, names, seed)
    if negotiate:
        _negotiate(new, grouped, table, region / "hospitals.csv", lang)
        return "negotiation/round", "negotiation/minutes.xlsx", "negotiation/minutes.html"
    _project(grouped, table, region / "hospitals.csv", new / "results", seed, names)
    _report(new, lang)
    return GROUPED, WEIGHTS, "results", "report.html"


def _negotiate(out: Path, grouped: Path, table: Path, hospitals: Path, lang: str) -> None:
    """A round over the draft, and its minutes."""
    from drg.negotiate.rehearsal.proposals import TIMES, play
    from drg.negotiate.round.verify import verify
    from drg.record import clock
    from drg.report.minutes.write import write_minutes

    _step(5, say("权重论证谈判", "negotiate"))
    folder = out / "negotiation"
    folder.mkdir()
    held = play(folder, cases=grouped, weights=table, hospitals=hospitals, year=2025,
                policy="national-default",
                tell=lambda text: typer.echo(f"    {text}", err=True))  # fmt: skip
    with clock.given(TIMES["close"]):  # the rehearsal's, so that the record is the same each time
        typer.echo(verify(folder / "round").text())
        _step(6, say("会议纪要", "minutes"))
        write_minutes(held, folder / "minutes.html", lang)


def _step(number: int, text: str) -> None:
    typer.echo(f"{number}/{_STEPS} {text}", err=True)


def _check(region: Path) -> None:
    from drg.cli.check import summary
    from drg.report.quality.words import QualityWords
    from grouper.quality.run import check_file

    _step(2, say("数据质量检查", "check"))
    found = check_file(region / "cases.csv", hospitals=region / "hospitals.csv")
    lines = summary(found, QualityWords(spoken())).splitlines()
    typer.echo("\n".join(lines[:_CHECK_LINES]), err=True)


def _group(region: Path, grouped: Path, shown: Path) -> dict[str, str]:
    """Group the cases; names of the groups."""
    from drg.cli.group import summary
    from drg.switch.origin import Origin, names_of
    from grouper.engine.files import group_file

    _step(3, say("分组", "group"))
    account = group_file(region / "cases.csv", grouped)
    typer.echo(summary(account, grouped).replace(str(grouped), str(shown)), err=True)
    return names_of(Origin(account.scheme.id))


def _fit(grouped: Path, table: Path, names: dict[str, str], seed: int) -> None:
    from drg.tables import read_table
    from weights.fit.calibrator import calibrator
    from weights.fit.files import fit_file
    from weights.fit.recipe import RECOMMENDED

    _step(4, say("权重测算", "weights"))
    recipe = {**RECOMMENDED, "bootstrap": {"seed": seed}}
    fitted, _ = fit_file(grouped, table, calibrator(recipe), names=names)
    typer.echo(fitted.table_.audit(), err=True)
    rows, _ = read_table(grouped)
    typer.echo(largest_groups(rows.to_pandas(), names, fitted.table_.by_group()))


def _project(
    grouped: Path, table: Path, hospitals: Path, results: Path, seed: int, names: dict[str, str]
) -> None:
    """Settle the year and look ahead under two scenarios."""
    from budget.forecast.files import project_file
    from budget.policy import load_policy
    from budget.projection.scenario import BASELINE, load_scenario
    from drg.cli.project import summary, warnings
    from weights.table import open_weights

    _step(5, say("年度清算与支付预测", "settle, project"))
    found = project_file(
        grouped, results, open_weights(table), load_policy(), hospitals, 2025,
        [BASELINE, load_scenario(SCENARIO)], names=names, draws=_DRAWS, seed=seed,
        say=lambda text: typer.echo(f"    {text}", err=True),
    )  # fmt: skip
    for one in found:
        typer.echo(summary(one))
    for text in warnings(found):
        typer.echo(text, err=True)


def _report(out: Path, lang: str) -> None:
    from drg.report.panel.write import write_report

    _step(6, say("论证报告", "report"))
    write_report(out / "results", out / "report.html", lang, annex=out / "report-annex.html")


def largest_groups(grouped: pd.DataFrame, names: dict[str, str], weights: dict[str, float]) -> str:
    """The largest groups with their cases, weight, mean cost (yuan) and mean stay (days)."""
    numbers = grouped[["total_cost", "length_of_stay"]].astype(float)
    means = numbers.groupby(grouped["drg"]).mean()
    cases = grouped["drg"][grouped["status"] == "grouped"].value_counts(sort=False)
    order = sorted(cases.index, key=lambda drg: (-cases[drg], drg))[:LARGEST]
    rows = [
        (
            drg,
            fit(names[drg], 50),
            f"{cases[drg]:,}",
            f"{cases[drg] / len(grouped):.2%}",
            f"{weights[drg]:.4f}",
            f"{means['total_cost'][drg]:,.0f}",
            f"{means['length_of_stay'][drg]:.1f}",
        )
        for drg in order
    ]
    header = ("DRG", say("名称", "name"), say("例数", "cases"), say("占比", "share"),
              say("权重", "weight"), say("次均费用（元）", "mean cost (yuan)"),
              say("住院日", "stay"))  # fmt: skip
    return table(header, rows, right=(2, 3, 4, 5, 6))
