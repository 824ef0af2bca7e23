"""How engines are reached."""

from dataclasses import dataclass

from schemas.circuit import BreakerConfig
from schemas.errors import ConfigurationError

__all__ = ["TransportConfig"]

# An engine takes a minute to start, so it is looked for often: a probe that is refused costs next to nothing.
_BREAKER = BreakerConfig(num_failures=5, first_pause_s=0.25, max_pause_s=2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportConfig:
    """How the servers of one engine are reached, and how hard to try."""

    base_url: str
    """Scheme, host and port, such as ``http://127.0.0.1:8101``; of several replicas, separated by commas."""
    connect_timeout_s: float = 1.0
    """Longest wait for one connection, in seconds; the deadline holds besides."""
    max_connections: int = 64
    """Connections to one replica kept at most; further calls wait for one until their deadline."""
    keepalive_s: float = 30.0
    """Seconds after which an idle connection is closed."""
    max_tries: int = 3
    """Tries of one call, the first included."""
    first_backoff_s: float = 0.05
    """Wait before the second try, in seconds; doubles each time. Half of it is jitter."""
    max_backoff_s: float = 1.0
    """Longest wait between two tries, in seconds."""
    retry_share: float = 0.1
    """Retries that each call adds to the budget: an engine in trouble gets a tenth more than what is asked of it."""
    retry_burst: float = 10.0
    """Most retries that the budget holds: what a restart of an engine may cost at once."""
    hedge_after_s: float | None = None
    """A call without an answer for so long, in seconds, is sent to a second replica as well; None: never. Sensible is
    the 95th percentile of answer times: what is slower is rare, and a hedge then costs one call in twenty at most."""
    hedge_share: float = 0.05
    """Hedges that each call adds to their budget; twenty times as many may come at once."""
    affinity_slack_tokens: int = 4_096
    """How much more may be outstanding at the replica that has a call's prefix than at another: about one pack."""
    breaker: BreakerConfig = _BREAKER
    """When a replica that does not answer is left alone, and for how long."""

    def __post_init__(self) -> None:
        for url in self.addresses or ("",):
            if not url.startswith(("http://", "https://")):
                raise ConfigurationError(f"engine address {url!r} must begin with http:// or https://")
        if len(set(self.addresses)) < len(self.addresses):
            raise ConfigurationError(f"engine address {self.base_url!r} names a replica twice: name each once")
        if self.connect_timeout_s <= 0 or self.max_connections < 1 or self.max_tries < 1:
            raise ConfigurationError(
                f"engine {self.base_url!r}: connect_timeout_s {self.connect_timeout_s!r} must be above 0, "
                f"max_connections {self.max_connections!r} and max_tries {self.max_tries!r} at least 1"
            )
        if self.hedge_after_s is not None and self.hedge_after_s <= 0:
            raise ConfigurationError(
                f"engine {self.base_url!r}: hedge_after_s {self.hedge_after_s!r} must be above 0, or none"
            )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Of each replica."""
        return tuple(url.strip().rstrip("/") for url in self.base_url.split(",") if url.strip())
