"""What makes a proposal unfit (申请问题): a line for its writer, and personal data nowhere."""

from __future__ import annotations

from drg.errors import DrgError, problem
from drg.language import say
from drg.persons import masked, person_in
from weights.negotiation.proposals.words import heading


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


def refuse_personal(column: str, text: str, *, mobiles: bool = True) -> None:
    """Refuse what would bring a patient's identity on record.

    Args:
        column: the part of the proposal.
        text: what it says.
        mobiles: whether a mobile number counts; among case numbers it may be one of them.

    Raises:
        UnfitError: the text has an identity number (身份证号) or a mobile number (手机号).
    """
    if found := person_in(text, mobiles=mobiles):
        raise UnfitError(column, say(f"含{found}，请删除，不得出现个人信息",
                                     f"holds {found}; take it out, no person may be named"),
                         text)  # fmt: skip
