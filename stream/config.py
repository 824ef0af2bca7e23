"""What the nearline service can be told. Read and checked once, at start."""

from dataclasses import dataclass, fields
from pathlib import Path

from schemas.errors import ConfigurationError
from stream.drift.config import DriftConfig
from stream.slots import Priority

__all__ = ["DELETED_TTL_S", "LaneSpec", "NearlineConfig", "TopicNames", "lane_specs"]

DELETED_TTL_S = 30 * 86_400.0
"""How long a deleted document is kept where nothing else is said, in seconds."""


@dataclass(frozen=True, slots=True)
class TopicNames:
    """The topics of the service; they must exist before it starts."""

    updates: str = "job-updates"
    """Consumed: upserts, deletes and tombstones of jobs."""
    summaries: str = "job-summaries"
    """Produced: the changelog of summary documents."""
    dead_letters: str = "job-updates.dlq"
    """Produced: records that cannot be processed."""
    backfill: str = "job-updates.backfill"
    """Consumed in what live updates leave: the same kind of records, in bulk."""
    resummarise: str = "job-updates.resummarise"
    """Consumed last, and produced: requests to make stored summaries anew."""
    rollouts: str = "job-rollouts"
    """Followed: the state of the latest roll-out."""

    @property
    def all(self) -> tuple[str, ...]:
        """Every topic."""
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """One lane of a worker process: a topic with a consumer of its own.

    Attributes:
        name: Label of its metrics.
        topic: What it consumes.
        group_id: Its consumer group: progress of lanes is apart.
        priority: Who comes first at the engine.
    """

    name: str
    topic: str
    group_id: str
    priority: Priority


def lane_specs(topics: TopicNames, group_id: str) -> tuple[LaneSpec, ...]:
    """The lanes of a worker, first priority first.

    Args:
        topics: What they consume.
        group_id: Of the live lane; the others' are named after it.
    """
    return (
        LaneSpec("live", topics.updates, group_id, Priority.LIVE),
        LaneSpec("backfill", topics.backfill, f"{group_id}.backfill", Priority.BACKFILL),
        LaneSpec("resummarise", topics.resummarise, f"{group_id}.resummarise", Priority.RESUMMARISE),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NearlineConfig:
    """Settings of one worker process."""

    bootstrap_servers: str
    """``host:port`` of Kafka brokers, separated by commas."""
    log_id: str
    """Identity of the log that this broker holds: offsets are compared only within one log."""
    summarizer_bundle: Path
    """Bundle whose prompt and canaries the summarizer engine is asked with."""
    ranker_bundle: Path
    """Bundle whose tokenizer measures headers and items."""
    group_id: str = "precis-nearline"
    """Consumer group of the live lane; those of the others are this with their name. Workers share the partitions."""
    topics: TopicNames = TopicNames()
    """Names of the topics."""
    max_in_flight: int = 16
    """Keys at work at the same time, of all lanes. A little above the engine's batch keeps the engine full."""
    reserved_slots: int | None = None
    """How many of these backfill and re-summarising never hold; None: a quarter of them, at least 1."""
    window: int = 256
    """Records of one lane delivered but not yet committable: bounds memory, and what is repeated after a kill."""
    max_tries: int = 3
    """Attempts at a record that fails in an unplanned way, before it is dead-lettered."""
    summary_budget_s: float = 60.0
    """Time for one summary, retries included, in seconds; then the extractive fallback is stored."""
    retry_budget_s: float = 20.0
    """Time in which a record is tried again while a store or the broker fails, in seconds; then the worker pauses."""
    pause_s: float = 5.0
    """How long the worker pauses after that, in seconds, before the same record is tried again."""
    stop_timeout_s: float = 30.0
    """SIGTERM: time of all lanes to finish what runs, in seconds. A service manager should wait 20 s longer."""
    revoke_timeout_s: float = 5.0
    """Rebalance: the same, in seconds; the whole group waits for it."""
    rebalance_timeout_s: float = 60.0
    """How long the group waits for a member in a rebalance, in seconds."""
    session_timeout_s: float = 10.0
    """Silence after which the group gives a member's partitions to others, in seconds."""
    fetch_wait_s: float = 0.1
    """How long a fetch of the live lane may wait for records, in seconds: adds to freshness on the embedded broker
    only. The other lanes wait five times as long."""
    commit_interval_s: float = 0.5
    """Time between commits of offsets, in seconds."""
    lag_interval_s: float = 2.0
    """Time between looks at the end offsets of the assigned partitions, in seconds."""
    stall_timeout_s: float = 180.0
    """A lane with lag that finished and committed nothing for this long, in seconds, is not alive (unready where it is
    refused work): above what one record may take."""
    canary_interval_s: float = 60.0
    """Time between runs of the summarizer's canaries, in seconds, give or take a quarter."""
    canary_tokens: int | None = None
    """Tokens of a canary's text that are compared, see ``models.clients.canaries.TEXT_TOKENS``; None: all of them."""
    deleted_ttl_s: float = DELETED_TTL_S
    """How long a deleted document is kept, in seconds: longer than the topic's retention and the oldest export."""
    drift: DriftConfig | None = None
    """Of the drift monitor; None: there is none."""
    http_host: str = "127.0.0.1"
    """Address that /metrics, /livez and /readyz listen on."""
    http_port: int = 0
    """Their port; 0 takes a free one (it is logged)."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            ConfigurationError: Names the settings and their values.
        """
        for name in (
            "max_in_flight",
            "window",
            "max_tries",
            "summary_budget_s",
            "retry_budget_s",
            "pause_s",
            "stop_timeout_s",
            "revoke_timeout_s",
            "rebalance_timeout_s",
            "session_timeout_s",
            "fetch_wait_s",
            "commit_interval_s",
            "lag_interval_s",
            "stall_timeout_s",
            "canary_interval_s",
            "deleted_ttl_s",
        ):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} is {getattr(self, name)!r}: it must be above 0")
        if self.canary_tokens is not None and self.canary_tokens < 1:
            raise ConfigurationError(f"canary_tokens is {self.canary_tokens}: it must be at least 1, or none")
        for name in ("bootstrap_servers", "log_id", "group_id"):
            if not getattr(self, name):
                raise ConfigurationError(f"{name} is empty: name it")
        if self.window < self.max_in_flight:
            raise ConfigurationError(
                f"window is {self.window} and max_in_flight is {self.max_in_flight}: "
                "the window must hold at least what is in flight"
            )
        if not 0 <= self.num_reserved < self.max_in_flight:
            raise ConfigurationError(
                f"reserved_slots is {self.num_reserved} and max_in_flight is {self.max_in_flight}: the first must be "
                "below the second, or nothing but live updates is ever processed"
            )
        # One record may take a summary, the canaries after an odd answer, and the retries of all else.
        if self.stall_timeout_s <= 2 * self.summary_budget_s + self.retry_budget_s:
            raise ConfigurationError(
                f"stall_timeout_s is {self.stall_timeout_s}, summary_budget_s is {self.summary_budget_s} and "
                f"retry_budget_s is {self.retry_budget_s}: the first must be above twice the second and the third, "
                "which one record may take"
            )
        # A longer wait gets the member thrown out of the group, again and again (measured: 9 assignments in 120 s).
        if self.revoke_timeout_s >= self.rebalance_timeout_s / 2:
            raise ConfigurationError(
                f"revoke_timeout_s is {self.revoke_timeout_s} and rebalance_timeout_s is {self.rebalance_timeout_s}: "
                "the first must be below half of the second"
            )

    @property
    def num_reserved(self) -> int:
        """Slots that only live updates hold."""
        if self.reserved_slots is not None:
            return self.reserved_slots
        return min(max(1, self.max_in_flight // 4), self.max_in_flight - 1)

    @property
    def lanes(self) -> tuple[LaneSpec, ...]:
        """The lanes of a worker, first priority first."""
        return lane_specs(self.topics, self.group_id)
