"""What the near-cache must be told."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["NearCacheConfig"]

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NearCacheConfig:
    """Where the near-cache of one machine lies and what feeds it.

    Attributes:
        path: The SQLite file, on a local file system; its lock stands beside it.
        bootstrap_servers: Of the broker.
        log_id: Identity of the log that offsets belong to.
        topic: The changelog of summary documents.
        max_lag_s: Bound of ``bounded`` calls that name none, in seconds.
        max_age_s: A file that was last caught up before is built anew, in seconds: half of the topic's
            ``delete.retention.ms``.
        poll_s: How often the broker is asked for its end while nothing comes, in seconds: what lag is made of.
        request_timeout_s: Limit of one request to the broker, in seconds.
        retry_s: Pause after a failure, and between two tries to become the feeder, in seconds.
        watch_s: How often the metrics look at the file, in seconds.
    """

    path: Path
    bootstrap_servers: str
    log_id: str
    topic: str
    max_lag_s: float = 2.0
    max_age_s: float = 3.5 * _DAY_S
    poll_s: float = 0.1
    request_timeout_s: float = 5.0
    retry_s: float = 0.5
    watch_s: float = 1.0
