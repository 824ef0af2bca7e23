"""TEST EQUIPMENT: a stand-in for Couchbase's key-value service that the official SDK connects to unchanged.

It exists because no package registry has a Couchbase server, and because killing the store proves something only where
the store keeps its promises. One node: documents with CAS, expiry and extended attributes, scopes and collections,
durable writes, kept in a SQLite file. No replicas, no queries, no TLS, no compression, no locks. What holds here is
not thereby proven of Couchbase Server: the contract suite runs against a real one where ``PRECIS_TEST_COUCHBASE_URL``
names it. Nothing in the product imports this package.
"""

from ops.standin.faults import Fault
from ops.standin.process import KvStandIn

__all__ = ["Fault", "KvStandIn"]
