"""The ledger: what goes in comes out, what cannot is refused in one line, all is parsed once."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.errors import DrgError
from drg.record import check as ledger_check
from drg.record import clock
from drg.record import disk as ledger_disk
from drg.record.entry import canonical, checked_body, parse, seal
from drg.record.ledger import Ledger

AT = "2026-03-01T09:00:00+08:00"
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.jsonl"


@pytest.fixture
def ledger(path) -> Ledger:
    return Ledger.create(path, "医保局", {"round": "2026"}, AT)


# What is written


def test_a_ledger_from_the_start(path):
    with clock.given(AT):
        ledger = Ledger.create(path, "医保局", {"round": "2026"})
        vote = ledger.append("vote", {"weight": 1.25, "note": "同意"}, actor="专家 E01")
    init, read = ledger.entries()
    assert (init.seq, init.kind, init.actor, init.previous) == (0, "init", "医保局", "")
    assert read == vote
    assert vote.previous == init.digest
    assert ledger.digest == vote.digest
    line = path.read_bytes().splitlines(keepends=True)[1]
    assert line == vote.line
    assert line.startswith('{"actor":"专家 E01","at":"2026-03-01T09:00:00+08:00","body":'.encode())
    verdict = Ledger(path).verify()
    assert (verdict.ok, verdict.entries, verdict.digest) == (True, 2, vote.digest)
    assert (verdict.torn, verdict.remarks) == (None, ())
    head = {"digest": vote.digest, "seq": 1}
    assert path.with_suffix(".head").read_bytes() == canonical(head) + b"\n"
    assert {p.name for p in path.parent.iterdir()} == {"ledger.jsonl", "ledger.head", "ledger.lock"}


def test_the_same_entries_are_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        with clock.given(AT):
            ledger = Ledger.create(tmp_path / f"{name}.jsonl", "x", {"b": 1, "a": [1.5]}, AT)
            ledger.append("vote", {"z": None, "a": True}, actor="y", at=AT)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


@given(st.dictionaries(TEXT, JSON, max_size=5), TEXT.filter(str.strip), TEXT.filter(str.strip))
def test_bodies_come_back(body, actor, kind):
    entry = seal(3, AT, actor, kind, checked_body(body), "")
    assert entry.line.count(b"\n") == 1
    back = parse(entry.line[:-1])
    assert back == entry
    assert back.body == body
    assert canonical(back.body) == canonical(body)


def test_texts_that_break_lines_elsewhere(path, ledger):
    body = {"note": "一行\n二行\r\n\u2028\u2029\x85\x0b\x0c\x1c", "quote": '"\\', "emoji": "🏥",
            "small": 5e-324, "third": 1 / 3, "minus": -0.0}  # fmt: skip
    ledger.append("note", body, actor="x")
    assert path.read_bytes().count(b"\n") == 2
    read = Ledger(path).entries()[1].body
    assert repr(read) == repr(dict(sorted(body.items())))


def test_what_a_body_turns_into(ledger):
    entry = ledger.append("v", {"t": (1, 2), "w": np.float64(1.25)}, actor="x")
    assert entry.body == {"t": [1, 2], "w": 1.25}
    assert ledger.entries()[1] == entry


def test_a_body_changed_afterwards_changes_nothing(ledger):
    inner = {"a": [1]}
    entry = ledger.append("v", inner, actor="x")
    inner["a"].append(2)
    entry.body["a"].append(3)
    assert ledger.entries()[1].body == {"a": [1]}


CIRCLE: dict[str, object] = {}
CIRCLE["self"] = CIRCLE


@pytest.mark.parametrize(("body", "message"), [
    ({"a": {"b": [1, float("nan")]}}, "body.a.b[1]: not a finite number: found 'nan'"),
    ({"a": float("inf")}, "body.a: not a finite number: found 'inf'"),
    ({"a": np.float64("nan")}, "body.a: not a finite number: found 'nan'"),
    ({"a": "x\ud800"}, "body.a: half a character at position 1, which is not Unicode text"),
    ({"\udfff": 1}, "half a character at position 0"),
    ({"a": {1: 2}}, "body.a: a key that is not text: found '1'"),
    ({"a": np.int64(1)}, "body.a: a value of type int64 cannot be recorded: found '1', expected"),
    ({"a": {1, 2}}, "body.a: a value of type set cannot be recorded"),
    ({"a": b"x"}, "body.a: a value of type bytes cannot be recorded"),
    ({"a": datetime(2026, 3, 1)}, "body.a: a value of type datetime cannot be recorded"),
    (CIRCLE, "body: is nested too deeply"),
    ({"a": 10**5000}, "body: is nested too deeply or has a number too long"),
    ([1], "body: must be an object: found '[1]'"),
])  # fmt: skip
def test_what_cannot_be_recorded(path, ledger, body, message):
    before = path.read_bytes()
    with pytest.raises(DrgError, match=re.escape(message)) as error:
        ledger.append("vote", body, actor="x")
    assert "\n" not in str(error.value)
    str(error.value).encode()
    assert path.read_bytes() == before


@pytest.mark.parametrize(("kind", "actor", "key"), [
    ("", "x", "kind"), (" ", "x", "kind"), ("v", "", "actor"), ("v", None, "actor"),
    ("v", "\ud800", "actor"),
])  # fmt: skip
def test_kind_and_actor_say_something(ledger, kind, actor, key):
    with pytest.raises(DrgError, match=key):
        ledger.append(kind, {}, actor=actor)


# Time


def test_now_has_the_local_offset(ledger):
    before = datetime.now().astimezone().replace(microsecond=0)
    at = datetime.fromisoformat(ledger.append("v", {}, actor="x").at)
    assert before <= at <= datetime.now().astimezone()
    assert at.utcoffset() == before.utcoffset()
    assert at.microsecond == 0


@pytest.mark.parametrize("at", [AT, "2026-03-01T01:00:00Z", "2026-02-28T20:00:00.250-05:00"])
def test_a_stated_time_stands_beside_the_machines_and_replaces_none(ledger, at):
    before = datetime.now().astimezone().replace(microsecond=0)
    entry = ledger.append("v", {}, actor="x", at=at)
    assert entry.stated == at
    assert before <= datetime.fromisoformat(entry.at) <= datetime.now().astimezone()
    assert ledger.entries()[-1] == entry
    assert "stated" not in json.loads(ledger.append("v", {}, actor="x").line)


@pytest.mark.parametrize("at", [
    "2026-03-01", "2026-03-01T09:00:00", "2026-03-01 09:00:00+08:00", "2026-02-30T09:00:00+08:00",
    "2026-03-01T25:00:00+08:00", "20260301T090000+0800", "now", "", "2026-W09-7T09:00:00+08:00",
    "２026-03-01T09:00:00+08:00", "2026-03-01T09:00:00+99:00", 5,
])  # fmt: skip
def test_other_times_are_refused(ledger, at):
    with pytest.raises(DrgError, match=r"at: not a time: found .*, expected ISO 8601 with offset"):
        ledger.append("v", {}, actor="x", at=at)


def test_a_clock_that_is_behind_writes_nothing_and_clocks_that_differ_a_little_no_less(path):
    with clock.given(AT) as now:
        ledger = Ledger.create(path, "x", {})
        now[0] = "2026-03-01T08:30:00+07:00"  # half an hour later
        later = ledger.append("v", {}, actor="x").at
        now[0] = "2026-03-01T09:29:00+08:00"  # a minute earlier: another machine's clock
        assert ledger.append("v", {}, actor="x").at == later
        now[0] = "2026-03-01T09:20:00+08:00"
        with pytest.raises(DrgError, match="clock is before the last entry") as error:
            ledger.append("v", {}, actor="x")
        assert "\n" not in str(error.value)
    assert len(ledger.entries()) == 3
    assert ledger.verify().ok


def test_a_time_that_goes_back_was_written_by_no_clock(path):
    first = seal(0, "2026-03-01T09:30:00+08:00", "x", "init", {}, "")
    second = seal(1, "2026-03-01T09:29:59+08:00", "x", "v", {}, first.digest)
    path.write_bytes(first.line + second.line)
    path.with_suffix(".head").write_bytes(ledger_check.head_line(1, second.digest))
    verdict = Ledger(path).verify()
    assert not verdict.ok
    assert verdict.back == (
        "seq 1 says 2026-03-01T09:29:59+08:00, before 2026-03-01T09:30:00+08:00 of seq 0",
    )


# Opening and expecting


def test_create_refuses_what_is_there(path, ledger):
    for left in (["ledger.jsonl", "ledger.head"], ["ledger.head"], ["ledger.torn-3"]):
        for file in path.parent.iterdir():
            file.unlink()
        for name in left:
            path.with_name(name).write_bytes(b"x")
        with pytest.raises(DrgError, match="there is a ledger already: " + ", ".join(left)):
            Ledger.create(path, "x", {})
        assert path.with_name(left[0]).read_bytes() == b"x"


def test_names_and_folders(tmp_path):
    with pytest.raises(DrgError, match="there is no ledger of this name"):
        Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(DrgError, match=r"a ledger's name ends in \.jsonl"):
        Ledger.create(tmp_path / "ledger.head", "x", {})
    with pytest.raises(DrgError, match=r"the folder .* does not exist"):
        Ledger.create(tmp_path / "no" / "ledger.jsonl", "x", {})
    assert list(tmp_path.iterdir()) == []


def test_expect(path, ledger):
    seen = ledger.digest
    first = ledger.append("vote", {"n": 1}, actor="甲", expect=seen)
    with pytest.raises(DrgError, match="another entry was written since: seq 1, 'vote' by '甲'"):
        Ledger(path).append("decision", {}, actor="乙", expect=seen)
    assert len(ledger.entries()) == 2
    assert Ledger(path).append("decision", {}, actor="乙", expect=first.digest).seq == 2
    assert ledger.append("v", {}, actor="x").seq == 3


# What a killed writer leaves


def test_a_torn_end_is_set_aside(path, ledger):
    for number, torn in enumerate((b'{"actor":"x', "半".encode()[:2]), 1):
        path.write_bytes(path.read_bytes() + torn)
        verdict = Ledger(path).verify()
        assert verdict.ok
        assert verdict.torn == torn
        assert f"a torn end of {len(torn)} bytes" in " ".join(verdict.remarks)
        assert len(Ledger(path).entries()) == number
        ledger.append("v", {}, actor="x", at=AT)
        assert path.with_name(f"ledger.torn-{number}").read_bytes() == torn
    verdict = ledger.verify()
    assert (verdict.ok, verdict.entries, verdict.torn) == (True, 3, None)
    assert verdict.remarks == tuple(f"a torn end was set aside: ledger.torn-{n}" for n in (1, 2))


def test_a_head_behind_is_mended(path, ledger):
    for head in (None, path.with_suffix(".head").read_bytes()):
        if head is None:
            path.with_suffix(".head").unlink()
        else:
            path.with_suffix(".head").write_bytes(head)
        verdict = Ledger(path).verify()
        assert verdict.ok
        assert verdict.remarks == ("the head is one entry behind; the next entry mends it",)
        ledger.append("v", {}, actor="x", at=AT)
        assert Ledger(path).verify().remarks == ()


def test_a_disk_that_is_full(path, ledger, monkeypatch):
    def full(fd, data):
        os.write(fd, bytes(data)[:5])
        raise OSError(28, "No space left on device")

    class Full:
        def __getattr__(self, name):
            return full if name == "write" else getattr(os, name)

    first = ledger.append("v", {}, actor="x", at=AT)
    with monkeypatch.context() as patch:
        patch.setattr(ledger_disk, "os", Full())
        with pytest.raises(DrgError, match=r"ledger\.jsonl: cannot be written: the disk is full"):
            ledger.append("v", {"n": 2}, actor="x", at=AT)
    assert ledger.entries()[-1] == first
    with monkeypatch.context() as patch:
        put = ledger_disk.Disk.put

        def no_head(self, file, data):
            if file == self.head:
                raise DrgError("ledger.head: cannot be written: the disk is full")
            put(self, file, data)

        patch.setattr(ledger_disk.Disk, "put", no_head)
        with pytest.raises(DrgError, match="the disk is full; seq 2 is on record all the same"):
            ledger.append("v", {"n": 3}, actor="x", at=AT)
    assert [entry.body for entry in ledger.entries()[2:]] == [{"n": 3}]
    ledger.append("v", {"n": 4}, actor="x", at=AT)
    assert ledger.verify().ok


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_an_archive_that_cannot_be_written(path, ledger):
    path.with_suffix(".lock").unlink()
    path.parent.chmod(0o555)
    try:
        assert Ledger(path).verify().ok
        assert len(Ledger(path).entries()) == 1
        with pytest.raises(DrgError, match="cannot be locked"):
            ledger.append("v", {}, actor="x")
    finally:
        path.parent.chmod(0o755)


def test_readers_of_an_archive_do_without_a_lock(path, ledger, monkeypatch):
    class NoLock:
        def __init__(self, path) -> None: ...

        def acquire(self, **_):
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ledger_disk, "FileLock", NoLock)
    assert Ledger(path).verify().ok
    assert len(Ledger(path).entries()) == 1
    with pytest.raises(DrgError, match="cannot be locked: Permission denied"):
        ledger.append("v", {}, actor="x")


def test_what_a_killed_writer_had_begun_goes_with_the_next_reader(path, ledger):
    begun = [path.with_name(f".ledger.{kind}.partial") for kind in ("head", "jsonl", "torn-1")]
    other = path.with_name(".other.head.partial")
    for one in (*begun, other):
        one.write_text("{")
    assert len(ledger.entries()) == 1
    assert [one.exists() for one in (*begun, other)] == [False, False, False, True]


def test_a_lock_that_is_never_free(path, ledger, monkeypatch):
    monkeypatch.setattr(ledger_disk, "WAIT", 0.05)
    with ledger_disk.Disk(path).locked(), pytest.raises(DrgError, match="locked by another"):
        ledger.append("v", {}, actor="x")
    ledger.append("v", {}, actor="x")


# Many at once, for real

WRITER = """
import sys
from drg.record.ledger import Ledger
path, name, start = sys.argv[1], sys.argv[2], int(sys.argv[3])
ledger = Ledger(path)
for n in range(start, start + 100_000):
    entry = ledger.append("vote", {"key": [name, n], "note": "同意" * (n % 50)}, actor=name)
    print(n, entry.seq, entry.digest, flush=True)
"""


class Process:
    """A writer in a process of its own that tells what was confirmed."""

    def __init__(self, path, name: str, start: int) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), name, str(start)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        until = time.monotonic() + 60
        while not self.lines and self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line)

    def kill(self) -> list[tuple[int, int, str]]:
        self.process.send_signal(signal.SIGKILL)
        assert not (errors := self.process.stderr.read()), errors
        self.process.wait()
        self.reader.join()
        whole = [line.split() for line in self.lines if line.endswith("\n")]
        return [(int(n), int(seq), digest) for n, seq, digest in whole]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_two_processes_killed_at_random(path, ledger):
    rng = random.Random(11)
    running = {name: Process(path, name, 0) for name in "ab"}
    confirmed: dict[tuple[str, int], tuple[int, str]] = {}
    for life in range(1, 9):
        time.sleep(rng.uniform(0.0, 0.4))
        name = rng.choice("ab")
        for n, seq, digest in running[name].kill():
            confirmed[name, n] = (seq, digest)
        running[name] = Process(path, name, life * 100_000)
    for name, process in running.items():
        for n, seq, digest in process.kill():
            confirmed[name, n] = (seq, digest)
    ledger.append("close", {"key": ["", 0]}, actor="x")
    verdict = Ledger(path).verify()
    assert verdict.ok, verdict.faults
    entries = Ledger(path).entries()
    keys = [tuple(entry.body["key"]) for entry in entries[1:]]
    assert len(keys) == len(set(keys))
    assert len({name for name, _ in confirmed}) == 2
    assert len(keys) - 1 - len(confirmed) <= 10  # at most one without an answer for every kill
    for key, (seq, digest) in confirmed.items():
        assert (tuple(entries[seq].body["key"]), entries[seq].digest) == (key, digest)


def test_threads_with_one_ledger(path, ledger):
    def add(name: int) -> None:
        for n in range(20):
            ledger.append("v", {"key": [name, n]}, actor="x")

    threads = [threading.Thread(target=add, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [tuple(entry.body["key"]) for entry in Ledger(path).entries()[1:]]
    assert sorted(keys) == [(name, n) for name in range(4) for n in range(20)]


# Large and long


def test_a_huge_body(path, ledger):
    body = {"changes": {f"ES{n}": 1 / (n + 1) for n in range(20_000)}, "text": "谈" * 10**6}
    entry = ledger.append("offer", body, actor="x")
    ledger.append("accept", {"offer": "O01"}, actor="x")
    assert path.stat().st_size > 3 * 10**6
    assert Ledger(path).entries()[1] == entry


def test_a_long_ledger_is_not_parsed_again_for_an_entry(path, ledger, monkeypatch):
    """How long it takes is measured by ``python -m benchmarks``."""
    body = {"panel": "Z01", "proposal": "P001", "expert": "E001", "choice": "for", "weight": 1.25,
            "note": "同意"}  # fmt: skip
    previous, lines = ledger.digest, []
    for seq in range(1, 10_000):
        entry = seal(seq, AT, "E001", "vote", body, previous)
        lines.append(entry.line)
        previous = entry.digest
    path.write_bytes(path.read_bytes() + b"".join(lines))
    path.with_suffix(".head").write_bytes(canonical({"digest": previous, "seq": 9_999}) + b"\n")
    parsed = []
    monkeypatch.setattr(ledger_check, "parse", lambda text: parsed.append(1) or parse(text))
    assert len(ledger.entries()) == 10_000
    assert len(parsed) == 10_000
    for _ in range(20):
        ledger.append("vote", body, actor="x")
    assert len(parsed) <= 10_000 + 20  # at most the entry before, that this object wrote
    assert json.loads(path.read_bytes().splitlines()[-1])["seq"] == 10_019


@pytest.mark.parametrize(
    "text",
    ["11010519491231002X", "1101 0519 4912 3100 2x", "１１０１０５—１９４９１２３１—００２Ｘ",
     "13812345678", "患者电话 138-1234-5678。", "１３８　１２３４　５６７８"],
)  # fmt: skip
def test_no_person_comes_on_record(path, text):
    ledger = Ledger.create(path, "秘书处", {"title": "论证"})
    before = path.read_bytes()
    bodies = [{"note": text}, {"votes": [{"reason": text}]}, {text: 1}, {"title": f"论证 {text}"}]
    for body in bodies:
        with pytest.raises(DrgError, match="no person may be named") as error:
            ledger.append("vote", body, actor="秘书处")
        assert "5678" not in str(error.value)
        assert "002" not in str(error.value)
    with pytest.raises(DrgError, match="actor: holds"):
        ledger.append("vote", {}, actor=f"张三 {text}")
    with pytest.raises(DrgError, match="actor: holds"):
        Ledger.create(path.with_name("other.jsonl"), f"张三 {text}", {})
    assert path.read_bytes() == before
    # Among the cases that a value names, a number may only look like a mobile number.
    ledger.append("proposal", {"value": "病例 13812345678", "cost": 13812345678}, actor="秘书处")
