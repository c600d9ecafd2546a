"""The command line ``drg``: one module a command; what is heavy is imported when it runs."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

import drg
from drg.cli.check import check
from drg.cli.demo import demo
from drg.cli.explain.case import explain
from drg.cli.group import group
from drg.cli.negotiate import act as negotiate
from drg.cli.policy import show as policy
from drg.cli.project import project
from drg.cli.report import report
from drg.cli.sample import sample
from drg.cli.scheme import show as scheme
from drg.cli.settle import settle
from drg.cli.weights import fit as weights
from drg.errors import DrgError

app = typer.Typer(
    name="drg",
    help="DRG payment for Chinese regions: group cases, fit weights, settle and project budgets.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"drg-toolkit {drg.__version__}")
        raise typer.Exit


@app.callback()
def root(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """DRG payment for Chinese regions: group cases, fit weights, settle and project budgets."""


app.command("demo")(demo)
app.command("sample")(sample)
app.command("check")(check)
app.command("group")(group)
app.command("explain")(explain)
app.command("settle")(settle)
app.command("project")(project)
app.command("report")(report)
app.add_typer(scheme.app, name="scheme")
app.add_typer(weights.app, name="weights")
app.add_typer(negotiate.app, name="negotiate")
app.add_typer(policy.app, name="policy")


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(143)


def main() -> None:
    """Run the command line; exit with 1 and one line when the data or a document is wrong."""
    signal.signal(signal.SIGTERM, _terminated)  # so that unfinished files are removed
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except DrgError as error:
        _fail(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except MemoryError:
        _fail("not enough memory for this input")
    except Exception as error:
        if os.environ.get("DRG_DEBUG"):
            raise
        _fail(f"internal error ({type(error).__name__}: {' '.join(str(error).split())}); "
              "set DRG_DEBUG=1 to see where, and please report it")  # fmt: skip


def _fail(line: str) -> NoReturn:
    typer.echo(f"drg: {line}", err=True)
    raise SystemExit(1)
