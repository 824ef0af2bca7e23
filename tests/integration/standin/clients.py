"""Clients of a stand-in: the official SDK, with one collection to work in."""

from collections.abc import Callable
from datetime import timedelta

from couchbase.auth import PasswordAuthenticator
from couchbase.cluster import Cluster
from couchbase.collection import Collection
from couchbase.management.buckets import CreateBucketSettings
from couchbase.options import ClusterOptions, ClusterTimeoutOptions

from ops.standin import KvStandIn

Connect = Callable[..., Collection]
"""Opens one more connection (``timeout_s``: how long its operations wait, in seconds), and gives its collection."""

SCOPE, COLLECTION = "things", "kept"


def cluster_of(standin: KvStandIn, *, timeout_s: float = 5.0) -> Cluster:
    """A connection whose operations wait so long, in seconds."""
    limit = timedelta(seconds=timeout_s)
    timeouts = ClusterTimeoutOptions(kv_timeout=limit, kv_durable_timeout=limit)
    account = PasswordAuthenticator(standin.username, standin.password)
    return Cluster.connect(standin.connection_string, ClusterOptions(account, timeout_options=timeouts))


def make_collection(cluster: Cluster, standin: KvStandIn, *, scope: str = SCOPE) -> None:
    """Make the bucket where it is missing, the scope and the collection."""
    if standin.bucket not in {bucket.name for bucket in cluster.buckets().get_all_buckets()}:
        cluster.buckets().create_bucket(CreateBucketSettings(name=standin.bucket, ram_quota_mb=100))
    manager = cluster.bucket(standin.bucket).collections()
    manager.create_scope(scope)
    manager.create_collection(scope, COLLECTION)


def collection_of(cluster: Cluster, standin: KvStandIn, *, scope: str = SCOPE) -> Collection:
    """The collection made."""
    return cluster.bucket(standin.bucket).scope(scope).collection(COLLECTION)
