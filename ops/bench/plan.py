"""What a run of `precis bench nearline` does, and what it found."""

from dataclasses import asdict, dataclass, field
from typing import Any

from ops.bench.brokers import BrokerKind
from ops.bench.engine import ServiceTime
from ops.bench.rates import median
from schemas.errors import ConfigurationError

__all__ = ["Plan", "Round", "result_of"]

_MIN_RECORDS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sizes of a run."""

    broker: BrokerKind = BrokerKind.KAFKA
    """Which broker."""
    num_rounds: int = 5
    """Short runs of every measurement, one after the other in turn; medians are reported."""
    num_jobs: int = 2_000
    """Postings of each round: summarised, then published again, then published late."""
    num_arrivals: int = 2_000
    """Postings of each round that arrive one by one, for freshness."""
    load: float = 0.7
    """Rate of these arrivals, as a share of what the engine does when it is driven directly."""
    service_time: ServiceTime = field(default_factory=lambda: ServiceTime(mean_s=0.1, sigma=0.8))
    """Of the engine."""
    num_slots: int = 32
    """Requests that the engine works on at the same time."""
    max_in_flight: int = 64
    """Records at work at the same time, and requests in flight where the engine is driven directly: so many more than
    slots that records which are read, stored and published leave none of them free."""
    num_workers: int = 1
    """Nearline processes."""
    stall_s: float = 60.0
    """Give up where nothing was answered for this long, seconds."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run.

        Raises:
            ConfigurationError: Names the setting and its value.
        """
        for name in ("num_rounds", "num_slots", "max_in_flight", "num_workers"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} is {getattr(self, name)!r}: at least 1")
        for name in ("num_jobs", "num_arrivals"):
            if getattr(self, name) < _MIN_RECORDS:
                raise ConfigurationError(f"{name} is {getattr(self, name)!r}: fewer than {_MIN_RECORDS} make no rate")
        if self.num_workers > 1 and self.broker is BrokerKind.EMBEDDED:
            raise ConfigurationError(f"num_workers is {self.num_workers}: the embedded broker takes one consumer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round found. Rates are records a second, times are seconds."""

    direct_per_s: float
    """The engine alone, driven by the same client."""
    nearline_per_s: float
    """New postings, from Kafka to Kafka."""
    unchanged_per_s: float
    """Postings published again with the body they had."""
    stale_per_s: float
    """Versions that are older than the stored ones."""
    freshness_p50_s: float
    """From event to servable, at part load."""
    freshness_p99_s: float
    freshness_overhead_p99_s: float
    """The same less the engine's own time for the record."""

    @property
    def throughput_ratio(self) -> float:
        """What is left of the engine's throughput."""
        return self.nearline_per_s / self.direct_per_s


def result_of(rounds: list[Round], context: dict[str, Any]) -> dict[str, Any]:
    """The object that `--json` prints: medians over the rounds, then each round, then where it ran.

    Args:
        rounds: At least one.
        context: About the machine and the versions.
    """
    names = tuple(asdict(rounds[0]))
    medians = {name: median([getattr(each, name) for each in rounds], 3) for name in names}
    ratio = median([each.throughput_ratio for each in rounds], 4)
    runs = [
        {"throughput_ratio": round(each.throughput_ratio, 4)}
        | {name: round(value, 3) for name, value in asdict(each).items()}
        for each in rounds
    ]
    return {"throughput_ratio": ratio, **medians, "runs": runs, **context}
