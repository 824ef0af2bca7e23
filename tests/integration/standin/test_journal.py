"""The journal keeps whole commits: what a torn tail cuts off was never acknowledged."""

import shutil
from pathlib import Path

import pytest

from ops.standin.cluster import Cluster
from ops.standin.codes import Frame, Opcode
from ops.standin.configuration import Node
from ops.standin.documents import Bucket, Document
from ops.standin.faults import Faults
from ops.standin.journal import Address, Journal, JournalInUse
from ops.standin.protocol import Answer, Request
from ops.standin.sasl import Account
from ops.standin.session import Session


def document(number: int) -> Document:
    return Document(
        b'{"n":%d}' % number, flags=2, datatype=1, cas=number, expires_at_s=9 * number, xattrs={"x": [number]}
    )


def address(number: int) -> Address:
    return Address("jobs", 0, b"key-%d" % number)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A file with ten commits of one document each, as a process that was killed leaves it."""
    journal = Journal(tmp_path / "journal.sqlite3")
    journal.save_layout(Bucket("jobs", "0" * 32))
    for number in range(1, 11):
        journal.commit({address(number): document(number)}, last_cas=number, is_synced=False)
    left = tmp_path / "left"
    left.mkdir()
    for name in ("journal.sqlite3", "journal.sqlite3-wal"):
        shutil.copy(tmp_path / name, left)
    journal.close()
    return left / "journal.sqlite3"


def numbers_in(file: Path) -> set[int]:
    """Which documents are there; each must be whole."""
    journal = Journal(file)
    documents = journal.load()["jobs"].documents[0]
    journal.close()
    numbers = {int(key.removeprefix(b"key-")) for key in documents}
    assert {number: documents[b"key-%d" % number] for number in numbers} == {each: document(each) for each in numbers}
    return numbers


def test_what_was_committed_is_read_back(written: Path) -> None:
    """With flags, tokens, expiry and attributes."""
    assert numbers_in(written) == set(range(1, 11))


@pytest.mark.parametrize("num_lost_bytes", [1, 3_000, 4_120, 9_000])
def test_a_torn_tail_costs_only_what_was_in_it(written: Path, num_lost_bytes: int) -> None:
    """The log cut anywhere: the file opens, and holds all commits up to some point."""
    log = written.with_name("journal.sqlite3-wal")
    log.write_bytes(log.read_bytes()[:-num_lost_bytes])
    numbers = numbers_in(written)
    assert numbers == set(range(1, len(numbers) + 1))
    assert 10 > len(numbers) >= 5


def test_a_garbled_tail_costs_only_what_was_in_it(written: Path) -> None:
    """A page that was only half written is told from a whole one by its checksum."""
    log = written.with_name("journal.sqlite3-wal")
    content = bytearray(log.read_bytes())
    content[-100:] = b"\xff" * 100
    log.write_bytes(bytes(content))
    numbers = numbers_in(written)
    assert numbers == set(range(1, len(numbers) + 1))
    assert 10 > len(numbers) >= 5


def test_two_processes_on_one_file_are_refused(tmp_path: Path) -> None:
    """The second would undo what the first has acknowledged."""
    journal = Journal(tmp_path / "journal.sqlite3")
    with pytest.raises(JournalInUse, match="another process"):
        Journal(tmp_path / "journal.sqlite3")
    journal.close()


class RecordingJournal(Journal):
    """Remembers how each commit was asked for."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.synced: list[bool] = []

    def commit(self, changes, *, last_cas, is_synced):
        self.synced.append(is_synced)
        super().commit(changes, last_cas=last_cas, is_synced=is_synced)


@pytest.mark.parametrize(("level", "is_synced"), [(None, False), (1, False), (2, True), (3, True)])
def test_only_the_persist_levels_wait_for_the_disk(tmp_path: Path, level: int | None, is_synced: bool) -> None:
    """And the write after them does not."""
    journal = RecordingJournal(tmp_path / "journal.sqlite3")
    cluster = Cluster(journal)
    cluster.add_bucket("jobs")
    session = Session(cluster, Account("me", "secret"), Node("127.0.0.1", 1, 2, revision=1), Faults())

    def ask(opcode: Opcode, key: bytes, value: bytes = b"", **fields) -> Answer:
        request = {"opaque": 0, "cas": 0, "datatype": 0, "extras": b"", "frames": {}} | fields
        answer, _ = session.answer(Request(opcode=opcode, key=key, value=value, **request))
        assert answer.status == 0
        cluster.commit()
        return answer

    ask(Opcode.SASL_AUTH, b"PLAIN", b"\0me\0secret")
    ask(Opcode.SELECT_BUCKET, b"jobs")
    frames = {Frame.DURABILITY: bytes([level])} if level else {}
    ask(Opcode.SET, b"key", b"1", extras=bytes(8), frames=frames)
    ask(Opcode.SET, b"key", b"2", extras=bytes(8))
    assert journal.synced == [is_synced, False]
    journal.close()
