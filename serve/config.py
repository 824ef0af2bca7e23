"""What the scorer must be told. ``ops.settings`` reads it from the environment; nothing here does."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from models.clients.canaries import DEFAULT_TOLERANCE
from schemas.api import TrafficClass
from schemas.errors import ConfigurationError
from serve.depth_control import DEFAULT_FLOORS
from serve.near_cache.config import NearCacheConfig

__all__ = ["ScorerConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerConfig:
    """Limits and addresses of one scorer process.

    Attributes:
        ranker_bundle: Directory of the ranker's checkpoint bundle: tokenizer, prompt limits, canaries. No weights.
        arms_file: Declares several rankers, see ``serve.arms.declaration``; None: the one of the settings serves alone.
        arms_interval_s: After how long a change of that file, or of an arm's verification, is acted on, in seconds.
        drain_limit_s: How long calls under way may hold up the close of a ranker that was replaced, in seconds.
        max_shadow_calls: Copies of calls that may be at work for shadow scoring; more are dropped and counted.
        shadow_timeout_s: Time budget of such a copy, in seconds.
        build: Version of this build, shown in answers and at ``/info``.
        profile: Name of the profile, shown at ``/info``.
        deadline_margin_s: Kept back from every deadline for building and sending the answer, in seconds.
        search_deadline_s: Time budget of one ``/v1/search`` call, in seconds.
        max_body_bytes: Largest request body.
        body_timeout_s: Longest time that a sender may take for its body, in seconds.
        max_calls_in_flight: Calls that may be worked on at once; more are refused.
        max_tokens_in_flight: Most tokens that the adaptive limit may let be at the ranker or wait for it.
        initial_tokens_per_s: Speed of the ranker that is assumed until it is measured.
        depth_floor: Candidates below which an answer is of no use: where the queue leaves no time for so many, the call
            is refused; an idle ranker tries them however near the deadline.
        depth_floors: Least share of its candidates that a call of a class may send under load, in [0, 1].
        pack_tokens: Most tokens of one engine request, the query counted once; a slow engine gets smaller ones.
        pack_items: Most items of one engine request.
        packs_in_flight: Engine requests at once; what waits behind them is bounded by the adaptive limit.
        cache_ttl_s: Age from which a cached score is not used any more, in seconds.
        cache_budget_s: How much longer than the summaries a cache look-up may take, in seconds.
        cache_soft_share: Share of its life from which a cached score is served and scored anew, in (0, 1]; 1: never.
        shared_flight: Whether to wait for what other scorers compute: where several share the store.
        refresh_deadline_s: How long a refresh may wait for an idle window of the ranker, in seconds.
        max_refreshes: Candidates that may wait for a refresh; more are left as they are, and counted.
        max_cache_writes: Cache writes that may be pending; more are dropped and counted.
        canary_tolerance: Largest accepted difference between a canary's score and its reference.
        canary_timeout_s: Time budget of one run of the canaries, in seconds.
        canary_retry_s: Pause between two runs while the engine does not pass, in seconds.
        canary_interval_s: Between two runs while it does, in seconds, give or take a quarter.
        num_workers: Processes that share the port: each enforces its part of the rate limits of API keys.
        probe_timeout_s: Time budget of the store's probe in ``/readyz``, in seconds.
        near_cache: Summaries beside the store, for ``bounded`` calls; None: those are answered strictly.
    """

    ranker_bundle: Path
    arms_file: Path | None = None
    arms_interval_s: float = 1.0
    drain_limit_s: float = 60.0
    max_shadow_calls: int = 16
    shadow_timeout_s: float = 10.0
    build: str = "0"
    profile: str = "embedded"
    deadline_margin_s: float = 0.02
    search_deadline_s: float = 5.0
    max_body_bytes: int = 4 * 1024 * 1024
    body_timeout_s: float = 10.0
    max_calls_in_flight: int = 256
    max_tokens_in_flight: int = 1_048_576
    initial_tokens_per_s: float = 20_000.0
    depth_floor: int = 10
    depth_floors: Mapping[TrafficClass, float] = field(default_factory=lambda: DEFAULT_FLOORS)
    pack_tokens: int = 4_096
    pack_items: int = 64
    packs_in_flight: int = 2
    cache_ttl_s: float = 900.0
    cache_budget_s: float = 0.005
    cache_soft_share: float = 0.6
    shared_flight: bool = False
    refresh_deadline_s: float = 30.0
    max_refreshes: int = 2_000
    max_cache_writes: int = 256
    canary_tolerance: float = DEFAULT_TOLERANCE
    canary_timeout_s: float = 30.0
    canary_retry_s: float = 1.0
    canary_interval_s: float = 60.0
    probe_timeout_s: float = 1.0
    near_cache: NearCacheConfig | None = None
    num_workers: int = 1

    def __post_init__(self) -> None:
        """Refuse values that no scorer can work with."""
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0:
                message = f"{each.name} is {value}; it must be above 0"
                raise ConfigurationError(message)
        floors = self.depth_floors
        if set(floors) != set(TrafficClass) or not all(0 <= share <= 1 for share in floors.values()):
            classes = ", ".join(TrafficClass)
            message = f"depth_floors is {dict(floors)!r}; give each class ({classes}) a share in [0, 1]"
            raise ConfigurationError(message)
        if self.cache_soft_share > 1:
            message = f"cache_soft_share is {self.cache_soft_share}; give a share in (0, 1]"
            raise ConfigurationError(message)
        if self.pack_tokens > self.max_tokens_in_flight:
            message = (
                f"pack_tokens ({self.pack_tokens}) is above max_tokens_in_flight ({self.max_tokens_in_flight}): "
                "no full pack could ever be sent; lower the first or raise the second"
            )
            raise ConfigurationError(message)
