"""What a command finds when it begins: home, places for files, language, terminal, user."""

from __future__ import annotations

import random
from pathlib import Path

from tests.fuzz.process import Surroundings

NOBODY = 54_321  # a number that has no name
_PLACES = ("HOME", "DRG_CACHE_DIR", "TMPDIR", "MPLCONFIGDIR", "XDG_CACHE_HOME")
_SPOKEN: tuple[dict[str, str | None], ...] = (
    {"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "zh_CN.GB18030", "PYTHONIOENCODING": "gb18030"}, {"LC_ALL": None, "LANG": None},
    {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "xx_YY.zz"}, {"DRG_LANG": "zh"}, {"DRG_LANG": "xx"},
    {"TZ": "Asia/Shanghai"}, {"TZ": "no/zone"}, {"COLUMNS": "1"}, {"COLUMNS": "x"},
    {"COLUMNS": "0"}, {"NO_COLOR": "1", "TERM": "dumb"}, {"OMP_NUM_THREADS": "x"},
)  # fmt: skip


def plain(folder: Path) -> Surroundings:
    """Nothing out of the way."""
    (folder / "tmp").mkdir(exist_ok=True)
    return Surroundings(folder, {"TMPDIR": str(folder / "tmp"), "DRG_LANG": "en"})


def drawn(folder: Path, rng: random.Random) -> Surroundings:
    """Surroundings of which one or two are odd; the folder is made fit for them."""
    env = dict(plain(folder).env)
    encoding, umask, user, output = "utf-8", 0o022, None, ""
    for _ in range(rng.choice([1, 1, 2])):
        match rng.randrange(7):
            case 0 | 1:
                env[rng.choice(_PLACES)] = rng.choice(
                    [None, "", "/none", "/dev/null", "/proc", str(folder), "relative"]
                )
            case 2 | 3:
                env |= rng.choice(_SPOKEN)
            case 4:
                encoding = rng.choice(["ascii", "gb18030", "latin-1"])
                output = rng.choice(["", "full", "closed"])
            case 5:
                umask = rng.choice([0o077, 0, 0o777])
            case _:
                user = NOBODY
    if user is not None:
        for path in (folder / "tmp", *([folder] if rng.random() < 0.6 else [])):
            path.chmod(0o777)
    return Surroundings(folder, env, encoding, umask, user, output, fresh=rng.random() < 0.15)
