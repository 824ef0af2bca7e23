"""The production store: Couchbase, through its official SDK."""

from store.couchbase.config import CouchbaseConfig
from store.couchbase.provision import provision
from store.couchbase.store import CouchbaseStore

__all__ = ["CouchbaseConfig", "CouchbaseStore", "provision"]
