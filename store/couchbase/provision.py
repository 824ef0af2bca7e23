"""Make the bucket, the scope and the collections. Idempotent; the services themselves never need these rights."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from couchbase.cluster import Cluster
from couchbase.exceptions import (
    BucketAlreadyExistsException,
    CollectionAlreadyExistsException,
    CouchbaseException,
    ScopeAlreadyExistsException,
)
from couchbase.management.buckets import CreateBucketSettings

from store.couchbase.collections import COLLECTIONS, connect, open_bucket, probe
from store.couchbase.config import CouchbaseConfig
from store.couchbase.failures import translated

__all__ = ["provision"]

_POLL_S = 0.2


async def provision(config: CouchbaseConfig, *, ram_quota_mb: int = 256, num_replicas: int = 0) -> None:
    """Make what is not there, and wait until it can be used.

    Args:
        config: Of a user who may manage buckets; where the bucket exists, scopes are enough.
        ram_quota_mb: Memory of a new bucket on each node, in MiB.
        num_replicas: Copies of a new bucket's data besides the first; 0 for a single node.

    Raises:
        ConfigurationError: The cluster refuses the user or password.
        BackendError: It cannot be reached, refuses to make something, or does not finish in time.
    """
    await asyncio.to_thread(_provision, config, ram_quota_mb, num_replicas)


def _provision(config: CouchbaseConfig, ram_quota_mb: int, num_replicas: int) -> None:
    with translated("provision"):
        cluster = connect(config)
        try:
            _make_bucket(cluster, config, ram_quota_mb, num_replicas)
            bucket = open_bucket(cluster, config)
            manager = bucket.collections()
            _ignoring(ScopeAlreadyExistsException, lambda: manager.create_scope(config.scope))
            for name in COLLECTIONS:
                _ignoring(CollectionAlreadyExistsException, partial(manager.create_collection, config.scope, name))
            scope = bucket.scope(config.scope)
            for name in COLLECTIONS:
                _wait_until_answering(partial(probe, scope.collection(name), config), config.connect_timeout_s)
        finally:
            cluster.close()


def _make_bucket(cluster: Cluster, config: CouchbaseConfig, ram_quota_mb: int, num_replicas: int) -> None:
    buckets = cluster.buckets()
    if any(bucket.name == config.bucket for bucket in buckets.get_all_buckets()):
        return
    settings = CreateBucketSettings(name=config.bucket, ram_quota_mb=ram_quota_mb, num_replicas=num_replicas)
    _ignoring(BucketAlreadyExistsException, lambda: buckets.create_bucket(settings))


def _ignoring(already_there: type[CouchbaseException], make: Callable[[], None]) -> None:
    try:
        make()
    except already_there:
        return


def _wait_until_answering(attempt: Callable[[], None], timeout_s: float) -> None:
    # A new collection reaches the data nodes a moment after the manager has answered.
    give_up_at_s = time.monotonic() + timeout_s
    while True:
        try:
            return attempt()
        except CouchbaseException:
            if time.monotonic() >= give_up_at_s:
                raise
            time.sleep(_POLL_S)
