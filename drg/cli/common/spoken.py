"""Typer's own words in the reader's language: titles and marks of help, and usage errors.

Typer marks some of them for gettext, in some versions, and others not; so they are put into
Chinese where they are written. What is not known here stays English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import typer
from typer.core import TyperGroup

from drg.language import spoken
from drg.terminal import wrapped

_CHINESE = {
    r"^Options$": "选项",
    r"^Arguments$": "参数",
    r"^Commands$": "命令",
    r"^Show this message and exit\.$": "显示本说明。",
    r"\[default: ": "[默认：",
    r"required\]$": "必填]",
    r"^Missing command\.": "缺少命令。",
    r"^Missing option (.+?)\.(?=\s|$)": r"缺少选项 \1。",
    r"^Missing argument (.+?)\.(?=\s|$)": r"缺少参数 \1。",
    r"Choose from:": "可选：",
    r"^No such option: (\S+?)\.?(?=\s|$)": r"没有选项 \1。",
    r"^No such command (.+?)\.(?=\s|$)": r"没有命令 \1。",
    r" ?\(Possible options: (.+)\)$": r"相近的选项：\1。",
    r" ?Did you mean (.+)\?$": r"是否为 \1？",
    r"^Got unexpected extra argument\S* \((.+)\)$": r"多余的参数：\1。",
    r"^Option (.+) requires an argument\.$": r"选项 \1 需要一个值。",
    r"^Option (.+) does not take a value\.$": r"选项 \1 不带值。",
    r"^Invalid value: ": "值无效：",
    r"^Invalid value for (.+?): ": r"\1 的值无效：",
    r"(?:Value error, )?('[^']*') is not one of (.+)\.$": r"\1 不是以下之一：\2。",
    r"('[^']*') is not a valid int(?:eger)?\.$": r"\1 不是整数。",
    r"('[^']*') is not a valid float\.$": r"\1 不是数值。",
    r"(\S+) is not in the range (.+)\.$": r"\1 不在范围 \2 内。",
    r"Input should be a valid integer.*$": "应为整数。",
    r"Input should be a valid number.*$": "应为数值。",
    r"Input should be greater than or equal to (\S+)$": r"应不小于 \1。",
    r"Input should be less than or equal to (\S+)$": r"应不大于 \1。",
}
_UsageError: Any = typer.BadParameter.__mro__[1]


def in_chinese(text: str) -> str:
    """A text of typer in Chinese, as far as it is known."""
    for english, chinese in _CHINESE.items():
        text = re.sub(english, chinese, text)
    return text


class _Formatter(typer.Context.formatter_class):  # type: ignore[misc, valid-type]
    """Writes a help page with Chinese titles, in lines that fit the terminal."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:  # noqa: ARG002
        super().write_usage(prog, args, "用法：")

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{in_chinese(heading)}：\n")

    def write_text(self, text: str) -> None:
        super().write_text(_fixed(text, self.width - self.current_indent))

    def write_dl(
        self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        first = min(max(len(name) for name, _ in rows), col_max) + col_spacing
        room = self.width - self.current_indent - first
        told = [(name, _fixed(in_chinese(text), room) if text else "") for name, text in rows]
        super().write_dl(told, col_max, col_spacing)


def _fixed(text: str, columns: int) -> str:
    """Paragraphs in lines that are not broken again; typer counts characters, not columns."""
    return "\n\n".join(
        "\b\n" + "\n".join(wrapped(" ".join(part.split("\n")), columns))
        for part in text.split("\n\n")
    )


class _Context(typer.Context):
    formatter_class = _Formatter


class _Told(typer.BadParameter):
    """A usage error in Chinese."""

    def __init__(self, error: Any) -> None:
        super().__init__(in_chinese(error.format_message()), ctx=error.ctx)

    def show(self, file: IO[Any] | None = None) -> None:
        if self.ctx is not None:
            typer.echo(f"{self.ctx.get_usage()}\n用“{self.ctx.command_path} --help”查看说明。\n",
                       file, err=True)  # fmt: skip
        typer.echo(f"错误：{self.message}", file, err=True)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except _UsageError as error:
        page_of_help = type(error).__name__ == "NoArgsIsHelpError"
        if spoken() == "en" or page_of_help or isinstance(error, _Told):
            raise
        raise _Told(error) from None


class Group(TyperGroup):
    """The root of the commands."""

    if spoken() == "zh":
        context_class = _Context

    def make_context(self, *given: Any, **more: Any) -> Any:
        """As typer's, but usage errors in the reader's language."""
        with _told():
            return super().make_context(*given, **more)

    def invoke(self, ctx: Any) -> Any:
        """As typer's, but usage errors in the reader's language."""
        with _told():
            return super().invoke(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, and those below it, whose help is then written as that of the root."""
        found = super().get_command(ctx, cmd_name)
        for one in _all_of(found):
            one.context_class = self.context_class
        return found


def _all_of(command: Any) -> Iterator[Any]:
    """A command and those below it, however deep."""
    if command is not None:
        yield command
        for one in getattr(command, "commands", {}).values():
            yield from _all_of(one)
