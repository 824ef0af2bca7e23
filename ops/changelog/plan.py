"""Which keys of the changelog are to be ended by a null. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import ValidationError

from schemas.documents import SummaryDocument
from stream.source import Record

__all__ = ["Tails"]


@dataclass(slots=True)
class Tails:
    """The last record of each key, of those keys that do not end on a live document.

    Attributes:
        deleted: Job id -> when its deleted document was written.
        nulled: Job ids that end on a null already.
        num_records: Records read.
        num_unreadable: Records that are no summary documents.
    """

    deleted: dict[str, datetime] = field(default_factory=dict)
    nulled: set[str] = field(default_factory=set)
    num_records: int = 0
    num_unreadable: int = 0

    def add(self, record: Record) -> None:
        """Take in the next record; those of one key come in order, since they stand in one partition."""
        self.num_records += 1
        try:
            job_id = (record.key or b"").decode()
            document = None if record.value is None else SummaryDocument.model_validate_json(record.value)
        except (UnicodeDecodeError, ValidationError):
            self.num_unreadable += 1  # not ours: left alone
            return
        self.deleted.pop(job_id, None)
        self.nulled.discard(job_id)
        if document is None:
            self.nulled.add(job_id)
        elif document.is_deleted:
            self.deleted[job_id] = document.summarized_at

    def expired(self, now: datetime, ttl_s: float) -> list[str]:
        """Jobs whose deleted document is older than it is kept, oldest first.

        Args:
            now: Present time, UTC.
            ttl_s: How long a deleted document is kept, in seconds.
        """
        before = now - timedelta(seconds=ttl_s)
        return sorted((job for job, at in self.deleted.items() if at <= before), key=lambda job: self.deleted[job])

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Tails":
        """Of these records."""
        tails = cls()
        for record in records:
            tails.add(record)
        return tails
