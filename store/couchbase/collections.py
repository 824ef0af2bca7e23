"""One connection to the cluster, its three collections, and the options that every call carries."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from couchbase.auth import PasswordAuthenticator
from couchbase.bucket import Bucket
from couchbase.cluster import Cluster
from couchbase.collection import Collection
from couchbase.durability import DurabilityLevel, ServerDurability
from couchbase.exceptions import (
    AuthenticationException,
    BucketNotFoundException,
    CollectionNotFoundException,
    CouchbaseException,
    DocumentNotFoundException,
    ScopeNotFoundException,
    UnAmbiguousTimeoutException,
)
from couchbase.options import ClusterOptions, ClusterTimeoutOptions
from couchbase.transcoder import RawJSONTranscoder

from schemas.errors import BackendTimeout, ConfigurationError
from store.couchbase.config import CouchbaseConfig

__all__ = ["COLLECTIONS", "Collections", "connect", "expiry", "open_bucket", "open_collections", "probe"]

COLLECTIONS = ("postings", "summaries", "scores")
_PROBE_KEY = "precis:probe"


def expiry(seconds: float) -> timedelta:
    """A time to live as the server takes it: whole seconds, at least one, since zero means for ever."""
    return timedelta(seconds=max(1, math.ceil(seconds)))


@dataclass(frozen=True, slots=True)
class Collections:
    """The opened collections, with what reads and writes of them are called with.

    Attributes:
        cluster: To be closed at the end.
        postings: Collection ``postings``.
        summaries: Collection ``summaries``.
        scores: Collection ``scores``; ``by_job`` lists too.
        plain: Options of reads of summaries and postings.
        cached: Options of the score cache, reads and writes.
        durable: Options of writes of summaries and postings.
    """

    cluster: Cluster
    postings: Collection
    summaries: Collection
    scores: Collection
    plain: dict[str, Any]
    cached: dict[str, Any]
    durable: dict[str, Any]


def connect(config: CouchbaseConfig) -> Cluster:
    """Connect. Blocks, so it runs on a thread.

    Raises:
        ConfigurationError: The cluster refuses the user or password.
        CouchbaseException: It could not be reached.
    """
    timeouts = ClusterTimeoutOptions(
        bootstrap_timeout=timedelta(seconds=config.connect_timeout_s),
        kv_timeout=timedelta(seconds=config.kv_timeout_s),
        kv_durable_timeout=timedelta(seconds=config.durable_timeout_s),
        management_timeout=timedelta(seconds=config.connect_timeout_s),
    )
    account = PasswordAuthenticator(config.username, config.password)
    try:
        return Cluster.connect(config.connection_string, ClusterOptions(account, timeout_options=timeouts))
    except AuthenticationException as error:
        raise ConfigurationError(f"Couchbase refuses user {config.username!r} or the password") from error


def open_collections(config: CouchbaseConfig) -> Collections:
    """Connect, and see that each collection answers. Blocks, so it runs on a thread.

    Raises:
        ConfigurationError: The user, the bucket, the scope or a collection is not there.
        CouchbaseException: The cluster could not be reached.
    """
    cluster = connect(config)
    try:
        scope = open_bucket(cluster, config).scope(config.scope)
        postings, summaries, scores = (scope.collection(name) for name in COLLECTIONS)
        for collection in (postings, summaries, scores):
            _probe_on_opening(cluster, collection, config)
    except BaseException:
        cluster.close()
        raise
    transcoder = {"transcoder": RawJSONTranscoder()}
    plain = transcoder | {"timeout": timedelta(seconds=config.kv_timeout_s)}
    cached = transcoder | {"timeout": timedelta(seconds=config.scores_timeout_s)}
    durable = transcoder | {"timeout": timedelta(seconds=config.durable_timeout_s)}
    if config.durability != "NONE":
        durable["durability"] = ServerDurability(DurabilityLevel[config.durability])
    return Collections(cluster, postings, summaries, scores, plain, cached, durable)


def open_bucket(cluster: Cluster, config: CouchbaseConfig) -> Bucket:
    """Open the bucket.

    Raises:
        ConfigurationError: The cluster has none of this name.
        BackendTimeout: It did not open in time.
        CouchbaseException: Any other failure.
    """
    absent = f"Couchbase has no bucket {config.bucket!r}: make it with `precis store init`, or name another"
    try:
        return cluster.bucket(config.bucket)
    except BucketNotFoundException as error:
        raise ConfigurationError(absent) from error
    except UnAmbiguousTimeoutException as error:
        # The SDK goes on asking for a bucket that is not there; who manages the cluster knows.
        if _is_known_absent(lambda: any(each.name == config.bucket for each in cluster.buckets().get_all_buckets())):
            raise ConfigurationError(absent) from error
        message = f"bucket {config.bucket!r} did not open: it is not there, or its node is away"
        raise BackendTimeout(message, backend="store", operation="open") from error


def probe(collection: Collection, config: CouchbaseConfig) -> None:
    """Read a key that is not there: the server answers, and knows the collection.

    Raises:
        CouchbaseException: It does not; for an unknown collection that is a timeout.
    """
    try:
        collection.get(_PROBE_KEY, timeout=timedelta(seconds=config.connect_timeout_s))
    except DocumentNotFoundException:
        return


def _probe_on_opening(cluster: Cluster, collection: Collection, config: CouchbaseConfig) -> None:
    where = f"collection {collection.name!r} of scope {config.scope!r} in bucket {config.bucket!r}"

    def is_there() -> bool:
        scopes = cluster.bucket(config.bucket).collections().get_all_scopes()
        names = {(scope.name, each.name) for scope in scopes for each in scope.collections}
        return (config.scope, collection.name) in names

    absent = f"Couchbase has no {where}: make it with `precis store init`"
    try:
        probe(collection, config)
    except (CollectionNotFoundException, ScopeNotFoundException) as error:
        raise ConfigurationError(absent) from error
    except UnAmbiguousTimeoutException as error:
        # To the SDK a collection that is not there and a node that is away mostly look the same.
        if _is_known_absent(is_there):
            raise ConfigurationError(absent) from error
        message = f"{where} did not answer: it is not there, or its node is away"
        raise BackendTimeout(message, backend="store", operation="open") from error


def _is_known_absent(is_there: Callable[[], bool]) -> bool:
    """Whether the management service says so; where it does not answer, or not to this user, nothing is known."""
    try:
        return not is_there()
    except CouchbaseException:
        return False
