"""`precis stack up`, `down`, `status`: Apache Kafka and a stand-in for Couchbase's key-value service, without Docker.

They are daemons: they outlive the command that starts them, keep data and ports from one start to the next, and are
found again by the records in ``stack/`` of the data directory. With the profile `local-real` services and `precis up`
use them.
The store is TEST EQUIPMENT (:mod:`ops.standin`), not Couchbase.
"""

from ops.local_real.stack import Stack, require_running

__all__ = ["Stack", "require_running"]
