"""A policy copied (支付政策副本): with those that it extends, so that nobody changes it later."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from budget.policy.load import find_policy, policies
from drg.documents import read_document
from drg.errors import problem
from drg.language import say


def copy_policy(path: Path, folder: Path) -> list[Path]:
    """Copy a policy and those that it extends, shipped ones too, into one folder; topmost first.

    A later version of this program may ship others, and what was paid goes by these.
    """
    folder.mkdir(exist_ok=True)
    copied: list[Path] = []
    here = find_policy(path)
    while True:
        target = folder / here.name
        if target in copied:
            raise problem(say("支付政策的两个文件同名",
                              "two documents of the policy have one file name"),
                          file=here)  # fmt: skip
        shutil.copyfile(here, target)
        copied.append(target)
        above = read_document(here).get("extends", "")
        if not above:
            return copied
        if above in policies():
            here = find_policy(above)
            continue
        beside = here.parent / above
        here = beside if beside.is_file() else here.parent / f"{above}.toml"
        if Path(above).name != os.fspath(above):
            raise problem(say("支付政策继承了另一文件夹中的文件，请放在同一文件夹中",
                              "the policy extends a document in another folder; put both into one"),
                          file=path, key="extends", found=above)  # fmt: skip
