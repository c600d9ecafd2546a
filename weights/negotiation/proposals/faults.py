"""What makes a proposal unfit (申请问题): a line for its writer, and personal data nowhere."""

from __future__ import annotations

import re

from drg.errors import DrgError, problem
from drg.language import say
from weights.negotiation.proposals.words import heading, plain

# Digits may stand in the usual blocks; a date of birth tells an identity number from other codes.
_IDENTITY = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}[ -]?(?:18|19|20)\d{2}[ -]?(?:0[1-9]|1[0-2])[ -]?"
    r"(?:0[1-9]|[12]\d|3[01])[ -]?\d{3}[0-9Xx](?![0-9A-Za-z])"
)
_MOBILE = re.compile(r"(?<![0-9A-Za-z.])(?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"
                     r"(?![0-9A-Za-z]|\.\d)")  # fmt: skip


class UnfitError(DrgError):
    """A part of a proposal that cannot be accepted.

    Attributes:
        column: the part, a name of ``proposals_words.COLUMNS``.
        found: what was found, without personal data.
        reason: what is wrong and what was expected, in the reader's language.
    """

    def __init__(
        self, column: str, what: str, found: object = None, expected: str | None = None
    ) -> None:
        """Note what is wrong.

        Args:
            column: the part of the proposal.
            what: what is wrong, in the reader's language.
            found: what was found.
            expected: what was expected.
        """
        shown = None if found is None else masked(str(found))
        self.column = column
        self.found = shown or ""
        self.reason = what + (
            say(f"，应为 {expected}", f": expected {expected}") if expected else ""
        )
        key = f"{heading(column)} {column}"
        super().__init__(str(problem(what, key=key, found=shown, expected=expected)))


def masked(text: str) -> str:
    """A text with its identity and mobile numbers as asterisks."""
    if not (_IDENTITY.search(plain(text)) or _MOBILE.search(plain(text))):
        return text
    return _MOBILE.sub(_stars, _IDENTITY.sub(_stars, plain(text)))


def refuse_personal(column: str, text: str, *, mobiles: bool = True) -> None:
    """Refuse what would bring a patient's identity on record.

    Args:
        column: the part of the proposal.
        text: what it says.
        mobiles: whether a mobile number counts; among case numbers it may be one of them.

    Raises:
        UnfitError: the text has an identity number (身份证号) or a mobile number (手机号).
    """
    if _IDENTITY.search(plain(text)):
        raise UnfitError(column,
                         say("含身份证号，请删除，不得出现个人信息",
                             "holds an identity number; take it out, no person may be named"),
                         text)  # fmt: skip
    if mobiles and _MOBILE.search(plain(text)):
        raise UnfitError(column,
                         say("含手机号，请删除，不得出现个人信息",
                             "holds a mobile number; take it out, no person may be named"),
                         text)  # fmt: skip


def _stars(match: re.Match[str]) -> str:
    return "*" * len(match[0])
