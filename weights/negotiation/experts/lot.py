"""The lot (抽签): a seed that nobody chooses, from numbers committed to before they are told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256

from drg.errors import problem
from drg.language import say
from drg.record.entry import canonical
from weights.negotiation.proposals.context import hospital_of
from weights.negotiation.proposals.words import plain

LEAST_PARTIES = 2
_SHORTEST, _LONGEST = 12, 200  # characters of a number, so that nobody finds it by trying
_SEAL = re.compile(r"[0-9a-f]{64}")
_SEED = 12  # hexadecimal digits of a digest: a whole number that a workbook holds exactly


def sealed(party: str, number: str) -> str:
    """What a party says before the lot (承诺值): SHA-256 of its name, a line's end, its number.

    Raises:
        DrgError: the number is too short to be a secret.
    """
    if not _SHORTEST <= len(number) <= _LONGEST:
        raise problem(
            say("数字过短或过长", "a number too short to be a secret, or too long"), key=party,
            found=say(f"{len(number)} 个字符", f"{len(number)} characters"),
            expected=say(f"{_SHORTEST} 至 {_LONGEST} 个字符",
                         f"{_SHORTEST} to {_LONGEST} characters"),
        )  # fmt: skip
    return sha256(f"{party}\n{number}".encode()).hexdigest()


def party_of(name: str, hospitals: Mapping[str, str]) -> str:
    """Who a party is, however it is spelled; a hospital by its id (``hospitals``: id -> name)."""
    return hospital_of(name, hospitals) or plain(name).casefold().replace(" ", "")


def check_seals(seals: Mapping[str, str], hospitals: Mapping[str, str]) -> None:
    """Make sure that sealed numbers are of several parties and look as :func:`sealed` writes them.

    Args:
        seals: party -> sealed number.
        hospitals: hospitals of the round, id -> name.

    Raises:
        DrgError: there are too few parties, two have the same seal, or one is no SHA-256.
    """
    if len({party_of(party, hospitals) for party in seals}) < max(LEAST_PARTIES, len(seals)):
        raise problem(
            say("抽签的种子须由几方共同产生", "a lot needs numbers of several parties"), key="lot",
            found=", ".join(seals), expected=say(f"至少 {LEAST_PARTIES} 方",
                                           f"at least {LEAST_PARTIES} parties"),
        )  # fmt: skip
    for party, seal in seals.items():
        if not party.strip() or "\n" in party or not _SEAL.fullmatch(seal):
            raise problem(say("不是承诺值", "not a sealed number"), key=party, found=seal,
                          expected=say("SHA-256，64 位十六进制小写",
                                       "SHA-256, 64 lower-case hexadecimal digits"))  # fmt: skip
    if len(set(seals.values())) < len(seals):
        raise problem(say("两方的承诺值相同", "two parties have the same sealed number"), key="lot")


def seed_of(numbers: Mapping[str, str]) -> int:
    """The seed that the numbers of all parties come to, whatever their order."""
    return seed_of_digest(sha256(canonical(dict(numbers))).hexdigest())


def seed_of_digest(digest: str) -> int:
    """The seed that a digest of the record comes to: its first 12 hexadecimal digits."""
    return int(digest[:_SEED], 16)
