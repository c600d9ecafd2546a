"""A changed byte anywhere, and lines deleted, swapped, inserted, repeated or cut off: located."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from drg.errors import DrgError
from drg.record.check import Place, check, head_line
from drg.record.entry import canonical, parse, seal
from drg.record.ledger import Fault, Ledger, Verdict

AT = "2026-03-01T09:00:00+08:00"


def made(folder: Path, entries: int = 5) -> Path:
    """A small ledger; ``*`` and ``J`` become line ends when a bit flips."""
    ledger = Ledger.create(folder / "ledger.jsonl", "医保局", {"title": "2026 *J*"}, AT)
    for n in range(1, entries):
        ledger.append("vote", {"n": n, "w": 1.25 / n, "note": "同意*J"}, actor="专家", at=AT)
    return folder / "ledger.jsonl"


@pytest.fixture
def path(tmp_path) -> Path:
    return made(tmp_path)


def refused(path: Path) -> Verdict:
    """Nothing reads or writes a damaged ledger; its files stay as they are."""
    before = {p.name: p.read_bytes() for p in path.parent.iterdir()}
    verdict = Ledger(path).verify()
    assert not verdict.ok
    with pytest.raises(DrgError, match="damaged"):
        Ledger(path).append("vote", {}, actor="x")
    with pytest.raises(DrgError, match="damaged"):
        Ledger(path).entries()
    with pytest.raises(DrgError, match="damaged"):
        _ = Ledger(path).digest
    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == before
    return verdict


def first(path: Path, lines: list[bytes]) -> Fault:
    path.write_bytes(b"".join(lines))
    return refused(path).faults[0]


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_every_bit_of_the_ledger(path):
    data, head = path.read_bytes(), path.with_suffix(".head").read_bytes()
    for at in range(len(data)):
        line = data.count(b"\n", 0, at) + 1
        begins = data.rfind(b"\n", 0, at) + 1
        for bit in range(8):
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            faults = check(bytes(flipped), head).faults
            assert faults, (at, bit)
            found = (faults[0].file, faults[0].line, faults[0].byte, faults[0].seq)
            assert found == ("ledger", line, begins, line - 1), (at, bit, faults)


def test_every_bit_of_the_head(path):
    data, head = path.read_bytes(), path.with_suffix(".head").read_bytes()
    for at in range(len(head)):
        for bit in range(8):
            flipped = bytearray(head)
            flipped[at] ^= 1 << bit
            (fault,) = check(data, bytes(flipped)).faults
            assert (fault.file, fault.line, fault.byte) == ("head", 1, 0), (at, bit)


@pytest.mark.parametrize("name", ["ledger.jsonl", "ledger.head"])
def test_a_flipped_byte_on_disk(path, name):
    file, rng = path.with_name(name), random.Random(7)
    data = file.read_bytes()
    for at in rng.sample(range(len(data)), 30):
        flipped = bytearray(data)
        flipped[at] ^= 1 << rng.randrange(8)
        file.write_bytes(flipped)
        refused(path)
    file.write_bytes(data)
    assert Ledger(path).verify().ok


def test_one_change_is_one_fault(path):
    lines = lines_of(path)
    lines[2] = lines[2].replace(b"0.625", b"0.626")
    path.write_bytes(b"".join(lines))
    (fault,) = refused(path).faults
    assert str(fault) == (
        f"line 3 (seq 2, byte {len(lines[0] + lines[1])}): "
        "does not fit its digest: the line was changed"
    )
    with pytest.raises(DrgError, match=r"ledger.jsonl: damaged: line 3 \(seq 2, byte \d+\): "):
        Ledger(path).entries()
    assert Ledger(path).verify().entries == 4


@pytest.mark.parametrize("number", range(5))
def test_a_line_deleted(path, number):
    lines = lines_of(path)
    fault = first(path, lines[:number] + lines[number + 1 :])
    assert (fault.line, fault.seq) == (number + 1, number)
    assert "missing" in fault.what


@pytest.mark.parametrize("number", range(4))
def test_two_lines_swapped(path, number):
    lines = lines_of(path)
    lines[number], lines[number + 1] = lines[number + 1], lines[number]
    assert first(path, lines).line == number + 1


@pytest.mark.parametrize("number", range(5))
def test_a_line_repeated(path, number):
    lines = lines_of(path)
    fault = first(path, lines[: number + 1] + lines[number:])
    assert fault.line == number + 2
    assert "repeated" in fault.what


@pytest.mark.parametrize("what", [b"\n", b"{}\n", b"[]\n", b"null\n", b"\xff\n", b'{"seq":NaN}\n',
                                  b"[" * 10**5 + b"\n", b"9" * 5000 + b"\n", b'"\\ud800"\n',
                                  b"\x00\n", b"\r\n"])  # fmt: skip
@pytest.mark.parametrize("number", range(6))
def test_a_line_inserted(path, number, what):
    lines = lines_of(path)
    assert first(path, [*lines[:number], what, *lines[number:]]).line == number + 1


@pytest.mark.parametrize("number", range(1, 5))
def test_a_forged_entry_inserted(path, number):
    """It fits what is before it; what follows gives it away."""
    lines = lines_of(path)
    before = parse(lines[number - 1][:-1])
    forged = seal(before.seq + 1, AT, "x", "vote", {"n": 99}, before.digest)
    assert first(path, [*lines[:number], forged.line, *lines[number:]]).line == number + 2


def test_a_forged_entry_at_the_end(path):
    """One is what anybody may add, and a killed writer leaves; two are not."""
    before = parse(lines_of(path)[-1][:-1])
    one = seal(5, AT, "x", "vote", {"n": 99}, before.digest)
    two = seal(6, AT, "x", "vote", {"n": 99}, one.digest)
    path.write_bytes(path.read_bytes() + one.line)
    assert "head is one entry behind" in Ledger(path).verify().remarks[0]
    path.write_bytes(path.read_bytes() + two.line)
    assert refused(path).faults[0].file == "head"


def test_an_entry_rewritten_with_its_digest(path):
    lines = lines_of(path)
    entry = parse(lines[2][:-1])
    lines[2] = seal(2, AT, entry.actor, "vote", {"n": 3}, entry.previous).line
    fault = first(path, lines)
    assert fault.line == 4
    assert "one of the two was replaced" in fault.what
    lines = lines[:3]
    path.with_suffix(".head").write_bytes(head_line(4, "0" * 64))
    assert "missing" in first(path, lines).what


def test_the_last_entry_rewritten_with_its_digest(path):
    lines = lines_of(path)
    entry = parse(lines[4][:-1])
    lines[4] = seal(4, AT, entry.actor, "vote", {"n": 3}, entry.previous).line
    fault = first(path, lines)
    assert fault.file == "head"


def test_cut_off_at_every_byte(path):
    """At the line of the cut, whatever remains of it."""
    data, head = path.read_bytes(), path.with_suffix(".head").read_bytes()
    for size in range(len(data)):
        fault = check(data[:size], head).faults[0]
        line = data.count(b"\n", 0, size) + 1
        assert (fault.file, fault.line, fault.seq) == ("ledger", line, line - 1), size
    path.write_bytes(data[: len(data) // 2])
    refused(path)
    path.write_bytes(b"")
    refused(path)


def test_the_head_from_before(path, tmp_path):
    """An older head: one entry back is a killed writer, more is a change."""
    lines = lines_of(path)
    for seq in range(4):
        path.with_suffix(".head").write_bytes(head_line(seq, parse(lines[seq][:-1]).digest))
        verdict = Ledger(path).verify()
        assert verdict.ok == (seq == 3)
        if seq < 3:
            assert refused(path).faults[0].file == "head"
    assert "head is one entry behind" in verdict.remarks[0]


def test_a_missing_head(path):
    path.with_suffix(".head").unlink()
    (fault,) = refused(path).faults
    assert (fault.file, fault.what) == ("head", "is missing")


def test_other_forms_of_the_same_json(path):
    lines = lines_of(path)
    for other in (
        json.dumps(json.loads(lines[2]), ensure_ascii=False).encode(),
        json.dumps(json.loads(lines[2]), separators=(",", ":"), sort_keys=True).encode(),
        lines[2][:-2] + b" }",
        lines[2][:-1] + b"\r",
        lines[2].replace(b'"n":2', b'"n":2,"n":2')[:-1],
        lines[2].replace(b'"n":2', b'"n":2.0')[:-1],
        lines[2].replace(b'"seq":2', b'"seq":true')[:-1],
        b"\xef\xbb\xbf" + lines[2][:-1],
    ):
        assert first(path, [*lines[:2], other + b"\n", *lines[3:]]).line == 3


def test_several_faults_are_all_told(tmp_path):
    path = made(tmp_path, 12)
    lines = lines_of(path)
    for number in (2, 5, 9):
        lines[number] = lines[number].replace("同意".encode(), "反对".encode())
    del lines[7]
    path.write_bytes(b"".join(lines))
    assert [fault.line for fault in Ledger(path).verify().faults] == [3, 6, 8, 9]


def test_a_writer_at_work_sees_a_change_of_what_it_read(path):
    ledger = Ledger(path)
    ledger.append("vote", {"n": 5}, actor="x", at=AT)
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"n":1', b'"n":7'))
    with pytest.raises(DrgError, match="damaged: line 2"):
        ledger.append("vote", {"n": 6}, actor="x", at=AT)
    path.write_bytes(data)
    ledger.append("vote", {"n": 6}, actor="x", at=AT)


def test_a_ledger_wholly_rewritten(path, tmp_path):
    """It is sound in itself: only who knows a digest of before finds it."""
    ledger = Ledger(path)
    known = ledger.digest
    (tmp_path / "other").mkdir()
    other = Ledger.create(tmp_path / "other/ledger.jsonl", "医保局", {"title": "other"}, AT)
    for n in range(6):
        other.append("vote", {"n": n}, actor="x", at=AT)
    for name in ("ledger.jsonl", "ledger.head"):
        shutil.copy(tmp_path / "other" / name, path.with_name(name))
    assert Ledger(path).verify().ok
    assert known not in {entry.digest for entry in Ledger(path).entries()}
    for use in (ledger.entries, lambda: ledger.digest, lambda: ledger.append("v", {}, actor="x")):
        with pytest.raises(DrgError, match="was rewritten: seq 4 is no longer what was read"):
            use()


def test_the_digest_by_hand(path):
    line = lines_of(path)[3]
    shell = (
        r"""sed -n 4p ledger.jsonl | sed -E 's/^(.*),"digest":"[0-9a-f]{64}"(,"kind":)/\1\2/' """
        "| tr -d '\\n' | sha256sum"
    )
    done = subprocess.run(
        ["sh", "-c", shell], cwd=path.parent, capture_output=True, text=True, check=True
    )
    fields = json.loads(line)
    assert done.stdout.split()[0] == fields["digest"]
    digest = fields.pop("digest")
    assert hashlib.sha256(canonical(fields)).hexdigest() == digest


def test_damage_after_a_place_is_found_from_there(path):
    data, head = path.read_bytes(), path.with_suffix(".head").read_bytes()
    lines = lines_of(path)
    entry = parse(lines[1][:-1])
    place = Place(3, len(lines[0] + lines[1]), 1, entry.digest, entry.previous)
    assert [e.seq for e in check(data, head, place).entries] == [2, 3, 4]
    changed = data.replace(b'"n":3', b'"n":8')
    assert check(changed, head, place).faults == check(changed, head).faults
