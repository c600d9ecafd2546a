"""The session (会话): one for a command, or the one that is there; told in one line when none."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from drg.errors import DrgError, problem
from drg.language import say

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# What the same rows and the same cells hang on, whatever else a cluster is set to.
_SAME = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "131072",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
}
_QUIET = {
    "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR", "spark.driver.maxResultSize": "0",
}  # fmt: skip
_OF_WORKER = "Traceback (most recent call last):"
_active: list[SparkSession] = []


def check_installed() -> None:
    """Say what to install where PySpark or Java is missing.

    Raises:
        DrgError: one of them is.
    """
    if find_spec("pyspark") is None:
        raise DrgError(say(
            "--engine spark 需要 PySpark，请安装：pip install 'drg-toolkit[spark]'",
            "--engine spark needs PySpark: pip install 'drg-toolkit[spark]'"))  # fmt: skip
    home = os.environ.get("JAVA_HOME", "")
    java = shutil.which("java", path=os.path.join(home, "bin") if home else None)
    if java is None:
        raise DrgError(say(
            "--engine spark 需要 Java 17，请安装系统软件包 openjdk-17-jre-headless，或设 JAVA_HOME",
            "--engine spark needs Java 17: install the system's package openjdk-17-jre-headless, "
            "or set JAVA_HOME"))  # fmt: skip


def started(master: str | None = None) -> tuple[SparkSession, bool]:
    """A session, and whether it was started here; one that is there is taken as it is.

    Args:
        master: ``local[4]``, ``yarn``, ``spark://host:7077``, ``k8s://...``; by default what Spark
            itself is set to, or all cores of this machine.

    Raises:
        DrgError: PySpark or Java is missing, or the session cannot be had.
    """
    check_installed()
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    there = SparkSession.getActiveSession()
    builder = SparkSession.builder.appName("drg")
    for key, value in (_SAME if there is not None else _QUIET | _SAME).items():
        builder = builder.config(key, value)
    if there is None and master is not None:
        builder = builder.master(master)
    try:
        return builder.getOrCreate(), there is None
    except (PySparkException, RuntimeError, Py4JError) as error:
        raise failed(error, master or "") from None


@contextmanager
def on_spark(master: str | None = None) -> Iterator[SparkSession]:
    """Have cases opened on Spark for a while; a session that was started for it is then ended.

    Args:
        master: as of :func:`started`.

    Raises:
        DrgError: likewise.
    """
    session, ours = started(master)
    _active.append(session)
    try:
        yield session
    finally:
        _active.pop()
        if ours:
            session.stop()


def active() -> SparkSession | None:
    """The session on which cases are opened; None where they are read here."""
    return _active[-1] if _active else None


def failed(error: Exception, what: str | os.PathLike[str]) -> DrgError:
    """One line for what Spark raised; an error of a batch function is told as it was said."""
    text = str(error)
    mark = "drg.errors.DrgError: "
    if mark in text:
        return DrgError(text.split(mark, 1)[1].splitlines()[0])
    lines = [line.strip() for line in text.splitlines()]
    if _OF_WORKER in text:  # what a worker raised stands last
        after = text[text.index(_OF_WORKER) :].splitlines()[1:]
        lines = [line for line in after if line and not line.startswith((" ", "\t"))][:1]
    told = [line for line in lines if line and not line.startswith(("at ", "An error occurred"))]
    causes = [line for line in told if line.startswith("Caused by: ")]
    line = (causes or told or [type(error).__name__])[-1 if causes else 0]
    return problem(say(f"Spark 未能完成：{line[:500]}", f"Spark could not do it: {line[:500]}"),
                   file=what)  # fmt: skip
