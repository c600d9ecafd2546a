"""The command line ``drg``: one module a command; what is heavy is imported when it runs."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from drg.errors import DrgError
from drg.language import say

if TYPE_CHECKING:
    from drg.cli.commands import app as app

INTERRUPTED = 130
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_REFUSED = (errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP)


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from drg.cli.commands import app

    return app


def main() -> None:
    """Run the command line; exit with 1 and one line when the data or a document is wrong.

    An interruption (Ctrl-C) ends with 130 and one line, wherever it comes, and leaves outputs as
    they were.
    """
    _open_streams()
    signal.signal(signal.SIGTERM, _terminated)  # so that unfinished files are removed
    interrupts = _Interrupts()
    try:
        _run()
    except BaseException:
        if not interrupts.came:
            raise
    finally:
        interrupts.end()
    if interrupts.came:
        print(f"drg: {say('已中断', 'interrupted')}", file=sys.stderr)  # noqa: T201
        raise SystemExit(INTERRUPTED)


def _run() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        from drg.cli.commands import app

        app()
    except DrgError as error:
        _fail(str(error))
    except BrokenPipeError:
        _say_no_more()
        raise SystemExit(1) from None
    except MemoryError:
        _fail(say("内存不足，无法处理该输入", "not enough memory for this input"))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            _fail(say(f"无法写出（{error.strerror}）：磁盘或输出设备已满或不可写",
                      f"cannot be written ({error.strerror}): the disk or the output's device is "
                      "full"))  # fmt: skip
        if isinstance(error, OSError) and error.errno in _REFUSED and error.filename:
            _fail(f"{os.fsdecode(error.filename)}: {error.strerror}")
        if os.environ.get("DRG_DEBUG"):
            raise
        what = f"({type(error).__name__}: {' '.join(str(error).split())})"
        _fail(say(f"内部错误 {what}；设 DRG_DEBUG=1 可查看出错位置，请反馈",
                  f"internal error {what}; set DRG_DEBUG=1 to see where, and please "
                  "report it"))  # fmt: skip


def _open_streams() -> None:
    """Have all standard streams: else a file is opened in the place of one that is closed."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _say_no_more() -> None:
    """What is still to be said goes nowhere; else Python would try again as it ends."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Interrupts:
    """Notes interruptions, as libraries may swallow one or turn it into another error."""

    def __init__(self) -> None:
        self.came = False
        self._before = signal.getsignal(signal.SIGINT)
        self._hook = sys.unraisablehook
        if self._before is signal.default_int_handler:  # not where it is ignored
            signal.signal(signal.SIGINT, self._note)
            sys.unraisablehook = self._swallowed

    def end(self) -> None:
        """As it was before; after an interruption the next one ends the process at once."""
        if self._before is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL if self.came else self._before)
        sys.unraisablehook = self._hook

    def _note(self, _number: int, _frame: FrameType | None) -> NoReturn:
        self.came = True
        raise KeyboardInterrupt

    def _swallowed(self, error: Any) -> None:
        if not issubclass(error.exc_type, KeyboardInterrupt):
            self._hook(error)


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(143)


def _fail(line: str) -> NoReturn:
    try:
        sys.stdout.flush()
    except OSError:
        _say_no_more()
    with contextlib.suppress(OSError):
        print(f"drg: {line}", file=sys.stderr, flush=True)  # noqa: T201
    raise SystemExit(1)
