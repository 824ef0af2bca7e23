"""The state of the one node: buckets in memory, and what of them is not yet in the journal.

Every change is made in memory and noted; ``commit`` writes all that was noted in one transaction. The server sends no
answer before it: what a client has seen, be it by a write or by a read of somebody else's, is in the file.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import replace

from ops.standin.documents import Bucket, Document
from ops.standin.journal import Address, Journal

__all__ = ["Cluster"]


class Cluster:
    """All buckets. For one thread.

    Attributes:
        buckets: By name.
        num_starts: How often a process has opened this journal; tells clients that a configuration is newer.
    """

    def __init__(self, journal: Journal, *, clock: Callable[[], float] = time.time) -> None:
        """Load what the journal holds.

        Args:
            journal: Where it is kept.
            clock: Seconds since the epoch: documents expire by it.
        """
        self._journal = journal
        self._clock = clock
        self.buckets = journal.load()
        self.num_starts = journal.fact("starts") + 1
        journal.set_fact("starts", self.num_starts)
        self._last_cas = journal.fact("last_cas")
        self._changes: dict[Address, Document | None] = {}
        self._is_sync_asked = False
        self._advanced_s = 0.0

    @property
    def is_dirty(self) -> bool:
        """Whether there are changes that are not in the journal."""
        return bool(self._changes)

    def now_s(self) -> float:
        """Seconds since the epoch."""
        return self._clock() + self._advanced_s

    def advance_clock(self, seconds: float) -> None:
        """Let the clock jump ahead."""
        self._advanced_s += seconds

    def next_cas(self) -> int:
        """A token above every one given out before, whatever the clock does."""
        self._last_cas = max(self._last_cas + 1, int(self.now_s() * 1e9))
        return self._last_cas

    def find(self, bucket: Bucket, collection_id: int, key: bytes) -> Document | None:
        """The document; None where there is none or it has expired."""
        document = bucket.documents[collection_id].get(key)
        if document and document.is_expired(self.now_s()):
            self.remove(bucket, collection_id, key)
            return None
        return document

    def store(self, bucket: Bucket, collection_id: int, key: bytes, document: Document) -> Document:
        """Put a document in its place, with a new token; the document as it now stands."""
        stored = replace(document, cas=self.next_cas())
        bucket.documents[collection_id][key] = stored
        self._changes[Address(bucket.name, collection_id, key)] = stored
        bucket.sequence += 1
        return stored

    def remove(self, bucket: Bucket, collection_id: int, key: bytes) -> int:
        """Remove a document that is there; the token of the removal."""
        del bucket.documents[collection_id][key]
        self._changes[Address(bucket.name, collection_id, key)] = None
        bucket.sequence += 1
        return self.next_cas()

    def ask_for_sync(self) -> None:
        """The next commit waits for the disk."""
        self._is_sync_asked = True

    def remove_expired(self) -> None:
        """Remove every document whose time has come."""
        now_s = self.now_s()
        for bucket in self.buckets.values():
            for collection_id, key in list(bucket.expired(now_s)):
                self.remove(bucket, collection_id, key)

    def commit(self) -> None:
        """Bring all changes into the journal.

        Raises:
            sqlite3.Error: They cannot be written. Memory is ahead of the file then: end the process.
        """
        if self._changes:
            self._journal.commit(self._changes, last_cas=self._last_cas, is_synced=self._is_sync_asked)
            self._changes = {}
        self._is_sync_asked = False

    def add_bucket(self, name: str) -> None:
        """Make a bucket of this name, which must be new."""
        self.buckets[name] = Bucket(name, uuid.uuid4().hex)
        self.save_layout(self.buckets[name])

    def drop_bucket(self, name: str) -> None:
        """Remove a bucket with everything in it."""
        self.commit()
        del self.buckets[name]
        self._journal.drop_bucket(name)

    def save_layout(self, bucket: Bucket) -> None:
        """Keep a change of scopes or collections."""
        self._changes = {
            address: document
            for address, document in self._changes.items()
            if address.bucket != bucket.name or address.collection_id in bucket.documents
        }
        self.commit()
        self._journal.save_layout(bucket)
