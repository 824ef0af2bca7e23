"""The production store: Couchbase, through its official SDK."""

from schemas.circuit import BreakerConfig, BreakerState
from store.couchbase.breaker import OnBreakerChange
from store.couchbase.config import CouchbaseConfig
from store.couchbase.provision import provision
from store.couchbase.store import CouchbaseStore

__all__ = ["BreakerConfig", "BreakerState", "CouchbaseConfig", "CouchbaseStore", "OnBreakerChange", "provision"]
