"""One connection to the cluster, its three collections, and the options that every call carries."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from couchbase.auth import PasswordAuthenticator
from couchbase.cluster import Cluster
from couchbase.collection import Collection
from couchbase.durability import DurabilityLevel, ServerDurability
from couchbase.exceptions import (
    AuthenticationException,
    BucketNotFoundException,
    DocumentNotFoundException,
    UnAmbiguousTimeoutException,
)
from couchbase.options import ClusterOptions, ClusterTimeoutOptions
from couchbase.transcoder import RawJSONTranscoder

from schemas.errors import BackendTimeout, ConfigurationError
from store.couchbase.config import CouchbaseConfig

__all__ = ["COLLECTIONS", "Collections", "connect", "expiry", "open_collections"]

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
        plain: Options of reads, and of writes that need not be durable.
        durable: Options of writes of summaries and postings.
    """

    cluster: Cluster
    postings: Collection
    summaries: Collection
    scores: Collection
    plain: dict[str, Any]
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
        scope = cluster.bucket(config.bucket).scope(config.scope)
        postings, summaries, scores = (scope.collection(name) for name in COLLECTIONS)
        plain = {"timeout": timedelta(seconds=config.kv_timeout_s), "transcoder": RawJSONTranscoder()}
        for collection in (postings, summaries, scores):
            probe(collection, config)
    except BucketNotFoundException as error:
        cluster.close()
        raise ConfigurationError(f"Couchbase has no bucket {config.bucket!r}: provision it, or name another") from error
    except UnAmbiguousTimeoutException as error:
        cluster.close()
        # A collection that is not there and a node that is away look the same to the SDK.
        where = f"a collection of scope {config.scope!r} in bucket {config.bucket!r}"
        message = f"{where} did not answer: it is not provisioned, or its node is away"
        raise BackendTimeout(message, backend="store", operation="open") from error
    except BaseException:
        cluster.close()
        raise
    durable = plain | {"timeout": timedelta(seconds=config.durable_timeout_s)}
    if config.durability != "NONE":
        durable["durability"] = ServerDurability(DurabilityLevel[config.durability])
    return Collections(cluster, postings, summaries, scores, plain, durable)


def probe(collection: Collection, config: CouchbaseConfig) -> None:
    """Read a key that is not there: the server answers, and knows the collection.

    Raises:
        CouchbaseException: It does not; for an unknown collection that is a timeout.
    """
    try:
        collection.get(_PROBE_KEY, timeout=timedelta(seconds=config.connect_timeout_s))
    except DocumentNotFoundException:
        return
