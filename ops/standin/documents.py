"""What a bucket holds: scopes, collections, documents. In memory; ``journal`` keeps the same on disk."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["DEFAULT", "Bucket", "Document", "expiry_time"]

DEFAULT = "_default"
"""The scope, and its collection, that every bucket has; both have id 0."""

_FIRST_ID = 8
"""Ids below are the real server's own."""

_RELATIVE_EXPIRY_S = 30 * 86_400
"""An expiry up to this is a duration, above it a time since the epoch: the protocol's rule."""


@dataclass(frozen=True, slots=True)
class Document:
    """One stored document.

    Attributes:
        value: Content.
        flags: The client's own note on its format, given back as it came.
        datatype: ``JSON`` or 0.
        cas: Token of the write that made it.
        expires_at_s: Seconds since the epoch; 0 for never.
        xattrs: Extended attributes; not to be changed in place.
    """

    value: bytes
    flags: int
    datatype: int
    cas: int
    expires_at_s: int = 0
    xattrs: dict[str, Any] = field(default_factory=dict)

    def is_expired(self, now_s: float) -> bool:
        """Whether its time has come."""
        return 0 < self.expires_at_s <= now_s


def expiry_time(expiry: int, now_s: float) -> int:
    """The protocol's expiry field as seconds since the epoch; 0 stays 0. A document lives its seconds out."""
    return expiry if not 0 < expiry <= _RELATIVE_EXPIRY_S else math.ceil(now_s) + expiry


@dataclass(slots=True)
class Bucket:
    """A bucket with everything in it.

    Attributes:
        name: Its name.
        uuid: 32 hexadecimal digits.
        scopes: Scope -> collection -> collection id.
        scope_ids: Scope -> its id.
        revision: Of the scopes and collections; grows with each change.
        documents: Collection id -> key -> document.
        sequence: Number of the last mutation since the start.
    """

    name: str
    uuid: str
    scopes: dict[str, dict[str, int]] = field(default_factory=lambda: {DEFAULT: {DEFAULT: 0}})
    scope_ids: dict[str, int] = field(default_factory=lambda: {DEFAULT: 0})
    revision: int = 1
    next_id: int = _FIRST_ID
    documents: dict[int, dict[bytes, Document]] = field(default_factory=lambda: {0: {}})
    sequence: int = 0

    def add_scope(self, name: str) -> None:
        """Make an empty scope of this name, which must be new."""
        self.scope_ids[name] = self._take_id()
        self.scopes[name] = {}

    def add_collection(self, scope: str, name: str) -> None:
        """Make an empty collection of this name, which must be new in its scope."""
        collection_id = self._take_id()
        self.scopes[scope][name] = collection_id
        self.documents[collection_id] = {}

    def drop_scope(self, name: str) -> list[int]:
        """Remove a scope with all in it; the ids of its collections."""
        dropped = [self.drop_collection(name, collection) for collection in list(self.scopes[name])]
        self.revision += 1
        del self.scopes[name], self.scope_ids[name]
        return dropped

    def drop_collection(self, scope: str, name: str) -> int:
        """Remove a collection with its documents; its id."""
        self.revision += 1
        collection_id = self.scopes[scope].pop(name)
        del self.documents[collection_id]
        return collection_id

    def manifest(self) -> dict[str, Any]:
        """Scopes and collections as clients are told of them."""
        return {
            "uid": f"{self.revision:x}",
            "scopes": [
                {
                    "name": scope,
                    "uid": f"{self.scope_ids[scope]:x}",
                    "collections": [{"name": name, "uid": f"{number:x}"} for name, number in collections.items()],
                }
                for scope, collections in self.scopes.items()
            ],
        }

    def expired(self, now_s: float) -> Iterator[tuple[int, bytes]]:
        """Collection id and key of each document whose time has come."""
        for collection_id, documents in self.documents.items():
            for key, document in documents.items():
                if document.is_expired(now_s):
                    yield collection_id, key

    def _take_id(self) -> int:
        self.revision += 1
        self.next_id += 1
        return self.next_id - 1
