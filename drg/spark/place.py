"""Places where Spark keeps files (存放位置): a cluster's file system, or this machine's disk."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drg.errors import DrgError, problem
from drg.language import say
from drg.spark.session import active
from drg.tables.held import scratch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Place:
    """A file or folder by its name on Spark's default file system."""

    def __init__(self, session: SparkSession, path: str | os.PathLike[str]) -> None:
        jvm: Any = session._jvm
        self._session = session
        conf = session.sparkContext._jsc.hadoopConfiguration()
        self._held = jvm.org.apache.hadoop.fs.Path(str(path))
        self._files = self._held.getFileSystem(conf)
        if self._files.getUri().getScheme() == "file":
            here = jvm.java.io.File(os.path.abspath(path)).toURI().getPath()
            self._held = jvm.org.apache.hadoop.fs.Path("file", None, here)
            self._files.setWriteChecksum(False)
        self.shown = str(path)

    @property
    def uri(self) -> str:
        """The name in full."""
        return str(self._files.makeQualified(self._held).toString())

    def at(self, *names: str) -> Place:
        """Something below."""
        return Place(self._session, os.path.join(self.shown, *names))

    @property
    def above(self) -> Place:
        """The folder in which it is."""
        return Place(self._session, os.path.dirname(self.shown) or ".")

    def exists(self) -> bool:
        """Whether it is there."""
        return bool(self._files.exists(self._held))

    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.exists() and bool(self._files.getFileStatus(self._held).isDirectory())

    def names(self) -> list[str]:
        """What is in it."""
        return sorted(str(one.getPath().getName()) for one in self._files.listStatus(self._held))

    def files(self) -> list[tuple[str, int]]:
        """Names and bytes of the files of data below it, in order; of a file, its own."""
        found, walk = [], self._files.listFiles(self._held, True)
        root = self.uri.rstrip("/")
        while walk.hasNext():
            one = walk.next()
            name = str(one.getPath().toString()).removeprefix(root).lstrip("/")
            if not any(part.startswith(("_", ".")) for part in name.split("/")):
                found.append((name, int(one.getLen())))
        return sorted(found)

    def make(self) -> None:
        """Make the folder, those above it too."""
        self._files.mkdirs(self._held)

    def remove(self) -> None:
        """Take it away, if it is there."""
        self._files.delete(self._held, True)

    def rename(self, to: Place) -> None:
        """Give it another name."""
        if not self._files.rename(self._held, to._held):
            raise problem(say("无法写入", "cannot be written"), file=to.shown)

    def put(self, file: Path) -> None:
        """Copy a file of this machine to it."""
        jvm: Any = self._session._jvm
        own = jvm.org.apache.hadoop.fs.Path(jvm.java.io.File(str(file.absolute())).toURI())
        self._files.copyFromLocalFile(own, self._held)

    def get(self, file: Path) -> bool:
        """Copy it to a file of this machine; False where it is not there."""
        if not self.exists():
            return False
        jvm: Any = self._session._jvm
        own = jvm.org.apache.hadoop.fs.Path(jvm.java.io.File(str(file.absolute())).toURI())
        self._files.copyToLocalFile(False, self._held, own, True)
        return True


class Results:
    """Results that are being made: small files here, datasets where Spark writes them.

    Attributes:
        here: folder of this machine for the small files.
    """

    def __init__(self, here: Path, there: Place) -> None:
        self.here, self._there = here, there
        self.names: list[str] = []

    def dataset(self, name: str) -> str:
        """Where Spark writes a dataset that is to bear a name."""
        self.names.append(name)
        return self._there.at(name).uri


@contextmanager
def placed(
    folder: str | os.PathLike[str],
    ours: Collection[str],
    inputs: Collection[str | os.PathLike[str]] = (),
) -> Iterator[Results]:
    """Give places to write to on the session at hand; all appears at the end, records last.

    Args:
        folder: where the results come to stand, made when it is not there.
        ours: names of results; those of an earlier run that are not written again are removed.
        inputs: datasets that are read, which no result may replace.

    Raises:
        DrgError: the folder is a file, or a result would replace an input or what is no result; or
            there is no session.
    """
    session = active()
    if session is None:
        raise DrgError(say("没有 Spark 会话", "there is no session of Spark"))
    final = Place(session, folder)
    if final.exists() and not final.is_folder():
        raise problem(say("不是文件夹", "is not a folder"), file=folder,
                      expected=say("存放结果的文件夹", "a folder for the results"))  # fmt: skip
    targets = [final.at(name) for name in ours]
    for one in targets:
        for given in inputs:
            read = Place(session, given).uri
            if one.uri == read or one.uri.startswith(f"{read}/") or read.startswith(f"{one.uri}/"):
                raise problem(say("会覆盖输入文件，请另指定输出文件",
                                  "would replace an input; name another output"),
                              file=one.shown)  # fmt: skip
        if one.is_folder() and (strange := _strange(one)):
            raise problem(say("文件夹中有其他文件，不能覆盖",
                              "is a folder that holds other files, it cannot be replaced"),
                          file=one.shown, found=strange)  # fmt: skip
    hidden = final.at(f".drg.{secrets.token_hex(4)}.partial")
    with scratch() as here:
        try:
            made = Results(here, hidden)
            yield made
            small = sorted((path for path in here.iterdir() if path.is_file()),
                           key=lambda path: (path.suffix == ".json", path.name))  # fmt: skip
            hidden.make()
            for path in small:
                hidden.at(path.name).put(path)
            for one in targets:
                one.remove()
            for name in [*made.names, *(path.name for path in small)]:
                hidden.at(name).rename(final.at(name))
        finally:
            hidden.remove()


def _strange(folder: Place) -> str:
    """A file that is not of a dataset."""
    for name, _ in folder.files():
        if not name.rpartition("/")[2].endswith((".parquet", ".pq")):
            return name
    return ""
