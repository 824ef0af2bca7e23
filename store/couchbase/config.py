"""Where the cluster is, and how long and how hard a call tries."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from schemas.circuit import BreakerConfig
from schemas.errors import ConfigurationError

__all__ = ["CouchbaseConfig", "Durability"]

Durability = Literal["NONE", "MAJORITY", "MAJORITY_AND_PERSIST_TO_ACTIVE", "PERSIST_TO_MAJORITY"]
"""What must have happened before a write of a summary or a posting is acknowledged."""

_SCHEMES = ("couchbase", "couchbases")


@dataclass(frozen=True, slots=True, kw_only=True)
class CouchbaseConfig:
    """One bucket and scope of one cluster."""

    connection_string: str
    """``couchbase://host[:port][,host...][?options]``, ``couchbases://`` for TLS; without user and password."""
    username: str
    """A user who may read and write the three collections."""
    password: str = field(repr=False)
    """Of that user."""
    bucket: str = "precis"
    """The bucket; :func:`store.couchbase.provision` can make it."""
    scope: str = "precis"
    """The scope that holds ``postings``, ``summaries`` and ``scores``."""
    durability: Durability = "MAJORITY"
    """Of summaries and postings; cached scores are never written durably. One node without replicas has a majority."""
    connect_timeout_s: float = 10.0
    """Longest wait for the cluster when the store is opened, and for each step of its provisioning, in seconds."""
    kv_timeout_s: float = 1.0
    """Longest wait for one read, or one write that is not durable, in seconds."""
    durable_timeout_s: float = 5.0
    """Longest wait for one durable write, in seconds."""
    scores_timeout_s: float = 0.5
    """Longest wait for one call of the score cache, in seconds: a miss costs a model call, a held thread costs more."""
    breaker: BreakerConfig = field(default_factory=BreakerConfig)
    """When calls are refused without being tried, for each of three kinds: see ``store.couchbase.store``."""
    num_threads: int = 32
    """Calls at work at once; measured best from 16 to 64. Further calls wait."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.connection_string)
        if parts.scheme not in _SCHEMES or not parts.netloc or "@" in parts.netloc:
            raise ConfigurationError(
                "the Couchbase connection string must look like couchbase://host or couchbases://host, with user and "
                f"password in their own settings; its scheme is {parts.scheme!r}"
            )
        timeouts = (self.connect_timeout_s, self.kv_timeout_s, self.durable_timeout_s, self.scores_timeout_s)
        if min(timeouts) <= 0 or self.num_threads < 1:
            raise ConfigurationError(
                f"Couchbase: the timeouts {timeouts!r} (connect, kv, durable, scores) must be above 0 and num_threads "
                f"{self.num_threads!r} at least 1"
            )

    @classmethod
    def from_url(cls, url: str, *, scope: str = "precis", durability: Durability = "MAJORITY") -> "CouchbaseConfig":
        """Read ``couchbase://user:password@host[:port]/bucket[?options]``.

        Raises:
            ConfigurationError: A part is missing.
        """
        parts = urlsplit(url)
        account, _, hosts = parts.netloc.rpartition("@")
        username, _, password = account.partition(":")
        bucket = parts.path.strip("/")
        if not (username and password and hosts and bucket):
            raise ConfigurationError(
                "the Couchbase address must be couchbase://user:password@host/bucket, all parts given"
            )
        return cls(
            connection_string=urlunsplit((parts.scheme, hosts, "", parts.query, "")),
            username=unquote(username),
            password=unquote(password),
            bucket=bucket,
            scope=scope,
            durability=durability,
        )
