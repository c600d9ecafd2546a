"""Receipts (回执): what is given out of a record, so that a rebuilt one is found by anybody.

A receipt is a small text with the digest of the last entry: for the newspaper, the mail to all
hospitals, or a timestamp authority whose token (RFC 3161) is put into it. Nothing is sent by this
program, and a token's signature is for the office's own tools to check.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from os import PathLike
from pathlib import Path

from drg.documents import fit, read_document
from drg.errors import problem
from drg.language import say
from drg.record.entry import Entry
from drg.record.verdict import Check
from drg.tables.atomic import write_text

_NEEDED = ("entries", "at", "digest")
_RECEIPT = {"round": str, "book": str, "entries": int, "at": str, "digest": str, "token": str}
# what the record is of -> key of its name, what it is called, the command that verifies it
_KINDS = {
    "round": ("权重论证谈判记录回执 (receipt of a record of weight negotiation)", "negotiate"),
    "book": ("年度拨付记录回执 (receipt of the record of a settlement year)", "year"),
}
_DIGEST = re.compile(r"[0-9a-f]{64}")
# SHA-256 as a token may name it, with and without the empty parameters; the digest follows.
_IMPRINTS = tuple(bytes.fromhex(one) for one in (
    "3031300d060960864801650304020105000420", "302f300b06096086480165030402010420",
))  # fmt: skip
_REQUEST = bytes.fromhex("3039020101") + _IMPRINTS[0], bytes.fromhex("0101ff")
_TIME = re.compile(rb"\x18[\x0f-\x1f](\d{14})(?:\.\d+)?Z")  # GeneralizedTime


@dataclass(frozen=True)
class Receipt:
    """A receipt.

    Attributes:
        round: name of the round, or of the book.
        entries: number of entries that it stands for.
        at: time of the last of them.
        digest: digest of the last of them.
        token: timestamp token over the digest, DER; empty when there is none.
        kind: what the record is of: a ``round`` of negotiation or the ``book`` of a year.
    """

    round: str
    entries: int
    at: str
    digest: str
    token: bytes = b""
    kind: str = "round"

    @property
    def stamped(self) -> str:
        """When the token says that it was made, in UTC; "" without a token."""
        found = _TIME.search(self.token, max(_imprint(self.token, self.digest), 0))
        return "" if found is None else datetime.strptime(
            found[1].decode(), "%Y%m%d%H%M%S").isoformat() + "Z"  # fmt: skip

    def text(self) -> str:
        """The receipt as it is printed and mailed; :func:`read` takes it back."""
        title, command = _KINDS[self.kind]
        lines = [
            f"# {title}",
            f'# 核验: drg {command} verify "{_plain(self.round)}" --receipt FILE',
            f'{self.kind} = "{_plain(self.round)}"', f"entries = {self.entries}",
            f'at = "{self.at}"', f'digest = "{self.digest}"',
        ]  # fmt: skip
        if self.token:
            lines.append(f'token = "{base64.b64encode(self.token).decode()}"')
        return "\n".join(lines) + "\n"

    def request(self) -> bytes:
        """A request for a timestamp (RFC 3161 TimeStampReq, DER), for the office to send."""
        return _REQUEST[0] + bytes.fromhex(self.digest) + _REQUEST[1]

    def attach(self, token: bytes, file: str | PathLike[str]) -> Receipt:
        """The same with a token.

        Raises:
            DrgError: the token is not over this digest.
        """
        if _imprint(token, self.digest) < 0:
            raise problem(say("时间戳不是对本回执摘要值的", "not a timestamp over this digest"),
                          file=file, expected=self.digest)  # fmt: skip
        return replace(self, token=token)

    def write(self, path: str | PathLike[str]) -> None:
        """Write the receipt.

        Raises:
            DrgError: it cannot be written.
        """
        write_text(path, self.text())


def of(entries: Sequence[Entry], name: str, kind: str = "round") -> Receipt:
    """A receipt of a record as it stands."""
    last = entries[-1]
    return Receipt(name, len(entries), last.at, last.digest, kind=kind)


def read(path: str | PathLike[str]) -> Receipt:
    """Read a receipt.

    Raises:
        DrgError: it cannot be read, or is none.
    """
    held = read_document(path)
    fit(held, _RECEIPT, path, (), *_NEEDED)
    none = say("不是办理记录的回执", "is not a receipt of a record")
    kind = next((one for one in _KINDS if one in held), "")
    if not kind:
        raise problem(none, file=path, key="round")
    try:
        token = base64.b64decode(held.get("token", ""), validate=True)
    except ValueError:
        raise problem(none, file=path, key="token") from None
    found = Receipt(held[kind], held["entries"], held["at"], held["digest"], kind=kind)
    if found.entries < 1 or not _DIGEST.fullmatch(found.digest):
        raise problem(none, file=path)
    return found.attach(token, path) if token else found


def held_against(entries: Sequence[Entry], name: str, given: str | PathLike[str]) -> Check:
    """A record held against a receipt.

    Args:
        entries: the record.
        name: name of the round or book.
        given: a receipt's file, or a digest as it was printed.

    Raises:
        DrgError: the file is no receipt.
    """
    faults, said = _against(entries, name, given)
    return Check(f"回执 {Path(given).name}", f"receipt {Path(given).name}", tuple(faults),
                 (said,) if said else ())  # fmt: skip


def _against(
    entries: Sequence[Entry], name: str, given: str | PathLike[str]
) -> tuple[list[str], str]:
    digest = re.sub(r"[\s-]", "", str(given)).lower()
    if _DIGEST.fullmatch(digest):
        found = [one.seq + 1 for one in entries if one.digest == digest]
        if not found:
            return [say(f"记录中没有摘要值 {digest}：记录被重写",
                        f"the record has no digest {digest}: it was rebuilt")], ""  # fmt: skip
        return [], say(f"摘要值为第 {found[0]} 条", f"the digest of entry {found[0]}")
    one = read(given)
    faults = []
    if one.round != name:
        faults.append(say(f"回执属于另一轮：{one.round}",
                          f"a receipt of another round: {one.round}"))  # fmt: skip
    if one.entries > len(entries):
        faults.append(say(f"回执有 {one.entries} 条，记录只有 {len(entries)} 条：记录被重写或截断",
                          f"the receipt has {one.entries} entries, the record {len(entries)}: it "
                          "was rebuilt or cut"))  # fmt: skip
    elif entries[one.entries - 1].digest != one.digest:
        faults.append(say(f"第 {one.entries} 条的摘要值与回执不同：此前的记录被重写",
                          f"entry {one.entries} has another digest than the receipt: the record "
                          "up to there was rebuilt"))  # fmt: skip
    elif (at := entries[one.entries - 1].at) != one.at:
        faults.append(say(f"回执的时间为 {one.at}，记录为 {at}：回执被改动",
                          f"the receipt says {one.at}, the record {at}: the receipt was "
                          "changed"))  # fmt: skip
    elif not any((of.kind, of.body.get("digest")) == ("receipt", one.digest) for of in entries):
        faults.append(say(f"第 {one.entries} 条之后没有开出回执的记录：此后的记录被截断或重写",
                          f"that it was given out is not on record after entry {one.entries}: what "
                          "followed was cut or rebuilt"))  # fmt: skip
    stamp = say(f"，时间戳 {one.stamped}（签名请另行核验）",
                f", timestamp {one.stamped}, its signature is not checked here")  # fmt: skip
    return faults, say(f"{one.entries} 条，{one.at}", f"{one.entries} entries, {one.at}") + (
        stamp if one.token else ""
    )


def _imprint(token: bytes, digest: str) -> int:
    """Where a token has its imprint of a digest; -1 when it has none."""
    wanted = [form + bytes.fromhex(digest) for form in _IMPRINTS]
    return max(token.find(one) for one in wanted)


def _plain(text: str) -> str:
    return "".join(c for c in text if c.isprintable() and c not in '"\\')
