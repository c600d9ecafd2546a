"""JupyterLab on a free port in a folder of its own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chromium import PATIENCE

ROOT = Path(__file__).parents[2]
TRIES = 3  # of a port, which another process may take between the asking and the using


@contextmanager
def lab(folder: Path, start: Path) -> Iterator[str]:
    """A server whose files are in ``start``; gives the address of its pages with the token."""
    token = secrets.token_hex(16)
    own = {name: str(folder / name.lower()) for name in (
        "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "TMPDIR",
        "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR",
    )}  # fmt: skip
    for path in own.values():
        Path(path).mkdir(parents=True, exist_ok=True)
    settings = Path(own["JUPYTERLAB_SETTINGS_DIR"]) / "@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False}), encoding="utf-8"
    )
    log = folder / "lab.log"
    for left in reversed(range(TRIES)):
        server, port = _serve(start, token, own, log)
        try:
            if _answers(f"http://127.0.0.1:{port}/api?token={token}", server):
                yield f"http://127.0.0.1:{port}/lab/tree/{{path}}?token={token}"
                return
        finally:
            _end(server)
        if not left:
            pytest.fail("JupyterLab does not start: " + log.read_text(encoding="utf-8")[-1500:])


def _serve(
    start: Path, token: str, own: dict[str, str], log: Path
) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as said:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
             "--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0",
             f"--IdentityProvider.token={token}",
             f"--ServerApp.root_dir={start}", "--LabApp.news_url=None",
             "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
            env=os.environ | own | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=start, stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    return server, port


def _answers(address: str, server: subprocess.Popen[bytes]) -> bool:
    """Whether it answers to its token: another server at that port would not."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=20).close()
        except OSError:
            time.sleep(0.2)
        else:
            return True
    return False


def _end(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(10)
