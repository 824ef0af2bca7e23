"""What the scorer measures of itself: Prometheus metrics, and the same stage times as a ``Server-Timing`` header."""

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from serve.arms.declaration import DEFAULT_ARM

__all__ = ["ByArm", "Stages", "Telemetry"]

# Geometric, from a cache hit on one machine to the longest deadline.
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
_SHARES = tuple(tenths / 10 for tenths in range(11))
_CORRELATIONS = (-0.5, 0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99, 1.0)
# The finest are the canaries' tolerance in float32 and in bfloat16.
_DIFFERENCES = (-0.5, -0.2, -0.1, -0.05, -0.02, -0.01, -0.001, -1e-4, 1e-4, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
# From a pause that nobody notices to one that costs a deadline.
_PAUSES = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_COUNTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

_Metric = TypeVar("_Metric", bound=MetricWrapperBase)


def _name(of: str) -> str:
    return f"precis_scorer_{of}"


class Stages:
    """Stage times of one call, in seconds, in the order in which the stages first began."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to the stage."""
        start_s = time.perf_counter()
        self.seconds.setdefault(name, 0.0)
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start_s

    def server_timing(self, total_s: float) -> str:
        """Value of the ``Server-Timing`` header, durations in milliseconds: the stages and ``total``."""
        stages = {**self.seconds, "total": total_s}
        return ", ".join(f"{name};dur={seconds * 1e3:.2f}" for name, seconds in stages.items())


class ByArm(Generic[_Metric]):
    """A metric whose first label is the arm, for one arm."""

    def __init__(self, family: _Metric, arm: str) -> None:
        self._family = family
        self._arm = arm

    def labels(self, *values: str) -> _Metric:
        """The metric of this arm for the values of the other labels, in their order."""
        return self._family.labels(self._arm, *values)


class Telemetry:
    """The metrics of one scorer, in a registry of their own. Those of the ranker are kept by arm: see :meth:`of_arm`.

    Attributes:
        arm: Whose ranker metrics this object counts.
        requests: By route template and status.
        request_seconds: By route template.
        stage_seconds: By stage of a scoring call.
        depth: Candidates with a score, a call.
        cache_look_ups: Candidates by result: hit, miss, superseded (another version, or too old); calls by slow, error,
            open (the cache is being left alone).
        cache_writes: By result: written, empty (nothing worth it), lost (another write won twice), dropped (too many
            pending), error.
        refreshes: Old hits by what became of their refresh: refreshed, unserved (no idle window, or the ranker failed),
            dropped (too many pending), error.
        shared_flights: Candidates that other processes computed when a call missed them: followed, of which found, or
            taken over (not there in time); failed: the store did not say who computes them.
        shared: Candidates that waited for a computation that another call had begun.
        limit_tokens: By arm: the adaptive limit.
        in_flight_tokens: By arm: admitted tokens that are not done.
        speed: By arm: measured speed of the ranker.
        depth_share: By arm: share of its candidates that an interactive call with the usual deadline could send now.
        arm_verified: By arm: 1 while its canaries have passed.
        arm_share: By arm: share of the queries that it serves now.
        arm_opens: By arm and result: opened, failed.
        arm_shifts: By arm: how often it took charge.
        arms_file_ok: 1 while the arms file was read as it stands; 0 while an older declaration is followed.
        shadow_calls: By arm and result: compared, full (too many pending), busy (the scorer was under load), refused
            (the arm was), late, failed.
        shadow_rank_correlation: By arm: Kendall's tau with the champion's order, a call.
        shadow_overlap: By arm: share of the champion's best ten among the arm's, a call.
        shadow_difference: By arm: its score minus the champion's, an item.
        key_calls: Calls that may cost tokens, by the name of the API key: admitted, or limited by its rate.
        key_tokens: Tokens sent to the ranker by the name of the API key.
        keys_stale: 1 while the changed file of API keys cannot be read and the old keys count.
        gc_pause_seconds: Runs of the garbage collector, by generation; nothing else runs meanwhile.
        loop_lag_seconds: How late the event loop came to a timer.
    """

    def __init__(self) -> None:
        self.arm = DEFAULT_ARM
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(_name("requests"), "HTTP requests.", ["route", "status"], registry=registry)
        self.request_seconds = Histogram(
            _name("request_seconds"), "HTTP time.", ["route"], buckets=_SECONDS, registry=registry
        )
        self.stage_seconds = Histogram(
            _name("stage_seconds"), "Time by stage.", ["stage"], buckets=_SECONDS, registry=registry
        )
        self.depth = Histogram(_name("depth"), "Candidates with a score, a call.", buckets=_COUNTS, registry=registry)
        self.cache_look_ups = Counter(_name("cache_lookups"), "Cache look-ups.", ["result"], registry=registry)
        self.cache_writes = Counter(_name("cache_writes"), "Cache writes.", ["result"], registry=registry)
        self.refreshes = Counter(_name("refreshes"), "Refreshes of cached scores.", ["result"], registry=registry)
        self.shared_flights = Counter(
            _name("shared_flights"), "Candidates that another process computed.", ["result"], registry=registry
        )
        self.shared = Counter(_name("shared"), "Candidates that another call computed.", registry=registry)
        self.limit_tokens = Gauge(
            _name("limit_tokens"), "Adaptive limit of tokens in flight.", ["arm"], registry=registry
        )
        self.in_flight_tokens = Gauge(
            _name("in_flight_tokens"), "Admitted tokens not done.", ["arm"], registry=registry
        )
        self.speed = Gauge(
            _name("ranker_tokens_per_second"), "Measured speed of the ranker.", ["arm"], registry=registry
        )
        self.depth_share = Gauge(_name("depth_share"), "Share of N that the load allows.", ["arm"], registry=registry)
        self.arm_verified = Gauge(_name("arm_verified"), "1 while the canaries pass.", ["arm"], registry=registry)
        self.arm_share = Gauge(_name("arm_share"), "Share of queries served now.", ["arm"], registry=registry)
        self.arm_opens = Counter(_name("arm_opens"), "Arms opened.", ["arm", "result"], registry=registry)
        self.arm_shifts = Counter(_name("arm_shifts"), "Changes of the champion.", ["arm"], registry=registry)
        self.arms_file_ok = Gauge(_name("arms_file_ok"), "1 while the arms file is followed.", registry=registry)
        self.shadow_calls = Counter(_name("shadow_calls"), "Calls for a shadow.", ["arm", "result"], registry=registry)
        self.shadow_rank_correlation = Histogram(
            _name("shadow_rank_correlation"), "Kendall's tau.", ["arm"], buckets=_CORRELATIONS, registry=registry
        )
        self.shadow_overlap = Histogram(
            _name("shadow_overlap_at_10"), "Common best ten.", ["arm"], buckets=_SHARES, registry=registry
        )
        self.shadow_difference = Histogram(
            _name("shadow_score_difference"), "Score differences.", ["arm"], buckets=_DIFFERENCES, registry=registry
        )
        self.key_calls = Counter(_name("key_calls"), "Calls by API key.", ["key", "decision"], registry=registry)
        self.key_tokens = Counter(_name("key_tokens"), "Tokens sent by API key.", ["key"], registry=registry)
        self.keys_stale = Gauge(_name("keys_stale"), "1: the file of API keys is broken.", registry=registry)
        self.gc_pause_seconds = Histogram(
            _name("gc_pause_seconds"), "Garbage collection.", ["generation"], buckets=_PAUSES, registry=registry
        )
        self.loop_lag_seconds = Histogram(
            _name("event_loop_lag_seconds"), "Lateness of the event loop.", buckets=_PAUSES, registry=registry
        )
        self._results = Counter(_name("results"), "Candidates.", ["arm", "source", "reason"], registry=registry)
        self._ranker_seconds = Histogram(
            _name("ranker_seconds"), "Time that calls spent on misses.", ["arm"], buckets=_SECONDS, registry=registry
        )
        self._admission = Counter(
            _name("admission"), "Admission decisions.", ["arm", "decision", "class"], registry=registry
        )
        self._queue_seconds = Histogram(
            _name("queue_seconds"), "Wait for the ranker.", ["arm", "class"], buckets=_SECONDS, registry=registry
        )
        self._tokens = Counter(_name("ranker_tokens"), "Tokens scored by the ranker.", ["arm"], registry=registry)
        self._packs = Counter(_name("ranker_requests"), "Engine requests.", ["arm", "result"], registry=registry)
        self.bounded_calls = Counter(_name("bounded_calls"), "Bounded calls.", ["answered_by"], registry=registry)
        self.near_cache_lag = Gauge(_name("near_cache_lag_seconds"), "Lag of the near-cache.", registry=registry)
        self.near_cache_entries = Gauge(_name("near_cache_entries"), "Rows of the near-cache.", registry=registry)
        self.near_cache_feeding = Gauge(_name("near_cache_feeding"), "Whether it is fed here.", registry=registry)
        self.near_cache_records = Counter(_name("near_cache_records"), "Changelog.", ["result"], registry=registry)
        self.near_cache_misses_unread = Counter(
            _name("near_cache_misses_unread"), "Misses that the store did not answer for.", registry=registry
        )
        self._canary_drift = Gauge(
            _name("canary_drift"), "Largest drift of a canary's score.", ["arm"], registry=registry
        )
        self._canary_failures = Counter(
            _name("canary_failures"), "Runs that the ranker failed.", ["arm"], registry=registry
        )

    def of_arm(self, arm: str) -> "Telemetry":
        """The same metrics, those of the ranker under this arm's name."""
        bound = copy.copy(self)
        bound.arm = arm
        return bound

    @property
    def results(self) -> ByArm[Counter]:
        """Candidates by source and reason."""
        return ByArm(self._results, self.arm)

    @property
    def ranker_seconds(self) -> Histogram:
        """How long calls waited for what the cache did not have, a call."""
        return self._ranker_seconds.labels(self.arm)

    @property
    def admission(self) -> ByArm[Counter]:
        """Decisions by class: granted, reduced (fewer candidates than wished), refused."""
        return ByArm(self._admission, self.arm)

    @property
    def queue_seconds(self) -> ByArm[Histogram]:
        """How long packs waited for the ranker, by the class with which they went."""
        return ByArm(self._queue_seconds, self.arm)

    @property
    def tokens(self) -> Counter:
        """Tokens sent to the ranker."""
        return self._tokens.labels(self.arm)

    @property
    def packs(self) -> ByArm[Counter]:
        """Engine requests by result: ok, or the class of the error."""
        return ByArm(self._packs, self.arm)

    @property
    def canary_drift(self) -> Gauge:
        """Of the last run that compared scores: the largest difference from a reference."""
        return self._canary_drift.labels(self.arm)

    @property
    def canary_failures(self) -> Counter:
        """Runs of the canaries that the ranker did not pass."""
        return self._canary_failures.labels(self.arm)

    def record_stages(self, stages: Stages) -> None:
        """Count the stage times of one finished call."""
        for name, seconds in stages.seconds.items():
            self.stage_seconds.labels(name).observe(seconds)

    def render(self) -> bytes:
        """The Prometheus text exposition."""
        return generate_latest(self.registry)
