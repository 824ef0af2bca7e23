"""Which queued records of one job may be settled by one of them. Pure: no I/O, no time.

Ten edits of a posting that wait behind one summary need one summary more, not ten: only the last one is ever looked at.

Protocol
    1. A group is taken from the front of what is queued of one key; it ends before the first record that must stand
       alone, and nothing waits for it to grow.
    2. Alone stand: what is not an upsert that can be served (deletes and tombstones are barriers; what cannot be read
       has a dead letter of its own), and a replayed dead letter, whose place in the log is not where it stands.
    3. Alone stands, too, an upsert whose version is taken by another posting, of the group or stored: in sequence it
       would be dead-lettered, so it must come to that decision.
    4. A group is of one partition, and its event times do not contradict its versions: then whatever rule the highest
       version falls under (late, before a tombstone, older than a deletion), the others fall under it too.
    5. The highest version stands for the group; of equal ones the first (the others are its duplicates).

The end state is that of processing each in sequence: in sequence a lower version is either overwritten by the highest,
or late behind it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.documents import SummaryDocument
from schemas.errors import InvalidInput
from schemas.events import Upsert, decode_update
from stream.content import read_content
from stream.deadletter import is_replayed
from stream.source import Record

__all__ = ["Candidate", "candidates_of", "group_of", "representative"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that may join a group.

    Attributes:
        record: As consumed.
        update: What it says.
        posting_hash: Identity of its posting.
    """

    record: Record
    update: Upsert
    posting_hash: str


def candidates_of(records: Iterable[Record]) -> list[Candidate]:
    """The records from the front up to the first that must stand alone whatever else is queued (2).

    Args:
        records: What is queued of one key, in order of delivery.
    """
    candidates = []
    for record in records:
        if (candidate := _read(record)) is None:
            break
        candidates.append(candidate)
    return candidates


def group_of(candidates: Sequence[Candidate], stored: SummaryDocument | None) -> list[Candidate]:
    """The group at the front of the candidates (3, 4).

    Args:
        candidates: In order of delivery.
        stored: The job's document as read just now, None where there is none.

    Returns:
        Its members in order; empty where the first must stand alone.
    """
    group: list[Candidate] = []
    taken = {stored.source_version: stored.posting_hash} if stored is not None and not stored.is_deleted else {}
    for candidate in candidates:
        is_conflict = taken.setdefault(candidate.update.version, candidate.posting_hash) != candidate.posting_hash
        if is_conflict or any(not _agree(member, candidate) for member in group):
            break
        group.append(candidate)
    return group


def representative(group: Sequence[Candidate]) -> Candidate:
    """Who is processed for all: the highest version, of equal ones the first."""
    return max(group, key=lambda candidate: candidate.update.version)  # max keeps the first of equals


def _read(record: Record) -> Candidate | None:
    if is_replayed(record):
        return None
    try:
        update = decode_update(record.key, record.value)
        if not isinstance(update, Upsert):
            return None
        return Candidate(record, update, read_content(update.posting).posting_hash)
    except InvalidInput:
        return None


def _agree(one: Candidate, other: Candidate) -> bool:
    if (one.record.topic, one.record.partition) != (other.record.topic, other.record.partition):
        return False
    by_version = one.update.version - other.update.version
    by_time = (one.update.event_time - other.update.event_time).total_seconds()
    return by_version * by_time >= 0
