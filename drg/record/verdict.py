"""What a verification found (核验结果): one thing looked at after another, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from drg.language import say
from drg.record.check import Verdict

REPLAYED = "文件与记录回放", "files, and replay of the record"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        zh: what, in Chinese.
        en: what, in English.
        faults: what is wrong; none when it holds.
        remarks: what a reader may want to know.
    """

    zh: str
    en: str
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verification:
    """What a verification found.

    Attributes:
        checks: in order; after a broken record the rest is not looked at.
        digest: digest of the record, "" when it is broken.
    """

    checks: tuple[Check, ...]
    digest: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not any(check.faults for check in self.checks)

    def text(self) -> str:
        """One line a check, its faults below it."""
        lines = []
        for check in self.checks:
            word = say("有误", "FAULT") if check.faults else say("无误", "ok")
            lines.append(f"{word}  {say(check.zh, check.en)}")
            lines += [f"    {text}" for text in (*check.faults, *check.remarks)]
        return "\n".join(lines)


def of_chain(chain: Verdict) -> Check:
    """What was found of a record by itself; where it is broken, the rest is not looked at."""
    return Check(f"记录链，{chain.entries} 条记录以哈希相连",
                 f"record, {chain.entries} entries chained by hash",
                 (*map(str, chain.faults), *chain.back), chain.remarks)  # fmt: skip
