"""What the scorer measures of itself: Prometheus metrics, and the same stage times as a ``Server-Timing`` header."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["Stages", "Telemetry"]

# Geometric, from a cache hit on one machine to the longest deadline.
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
_COUNTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


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

    def server_timing(self) -> str:
        """Value of the ``Server-Timing`` header, durations in milliseconds."""
        return ", ".join(f"{name};dur={seconds * 1e3:.2f}" for name, seconds in self.seconds.items())


class Telemetry:
    """The metrics of one scorer, in a registry of their own.

    Attributes:
        requests: By route template and status.
        request_seconds: By route template.
        stage_seconds: By stage of a scoring call.
        results: Candidates by source and reason.
        depth: Candidates with a score, a call.
        depth_share: Share of its candidates that an interactive call with the usual deadline could send now.
        cache_look_ups: Candidates by result: hit, miss, superseded (another version, or too old); calls by slow, error.
        cache_writes: By result: written, empty (nothing worth it), lost (another write won twice), dropped (too many
            pending), error.
        admission: Decisions: granted, reduced (fewer candidates than wished), refused.
        shared: Candidates that waited for a computation that another call had begun.
        tokens: Tokens sent to the ranker.
        packs: Engine requests by result: ok, or the class of the error.
        in_flight_tokens: Admitted tokens that are not done.
        speed: Measured speed of the ranker.
        bounded_calls: Calls that asked for bounded summaries, by what answered: near_cache, or why it was the store.
        near_cache_lag: Seconds since the near-cache's rows were known to be complete; infinite before the first time.
        near_cache_entries: Its rows.
        near_cache_feeding: Whether this process feeds it.
        near_cache_records: Records of the changelog that this process applied, by result: applied (rows written),
            removed (rows), refused (records that this build cannot read).
        near_cache_misses_unread: Jobs that the near-cache did not have, and the store did not answer for in time.
        canary_drift: Of the last run that compared scores: the largest difference from a reference.
        canary_failures: Runs of the canaries that the ranker did not pass.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(_name("requests"), "HTTP requests.", ["route", "status"], registry=registry)
        self.request_seconds = Histogram(
            _name("request_seconds"), "HTTP time.", ["route"], buckets=_SECONDS, registry=registry
        )
        self.stage_seconds = Histogram(
            _name("stage_seconds"), "Time by stage.", ["stage"], buckets=_SECONDS, registry=registry
        )
        self.results = Counter(_name("results"), "Candidates.", ["source", "reason"], registry=registry)
        self.depth = Histogram(_name("depth"), "Candidates with a score, a call.", buckets=_COUNTS, registry=registry)
        self.depth_share = Gauge(_name("depth_share"), "Share of N that the load allows.", registry=registry)
        self.cache_look_ups = Counter(_name("cache_lookups"), "Cache look-ups.", ["result"], registry=registry)
        self.cache_writes = Counter(_name("cache_writes"), "Cache writes.", ["result"], registry=registry)
        self.admission = Counter(_name("admission"), "Admission decisions.", ["decision"], registry=registry)
        self.shared = Counter(_name("shared"), "Candidates that another call computed.", registry=registry)
        self.tokens = Counter(_name("ranker_tokens"), "Tokens scored by the ranker.", registry=registry)
        self.packs = Counter(_name("ranker_requests"), "Engine requests.", ["result"], registry=registry)
        self.in_flight_tokens = Gauge(_name("in_flight_tokens"), "Admitted tokens not done.", registry=registry)
        self.speed = Gauge(_name("ranker_tokens_per_second"), "Measured speed of the ranker.", registry=registry)
        self.bounded_calls = Counter(_name("bounded_calls"), "Bounded calls.", ["answered_by"], registry=registry)
        self.near_cache_lag = Gauge(_name("near_cache_lag_seconds"), "Lag of the near-cache.", registry=registry)
        self.near_cache_entries = Gauge(_name("near_cache_entries"), "Rows of the near-cache.", registry=registry)
        self.near_cache_feeding = Gauge(_name("near_cache_feeding"), "Whether it is fed here.", registry=registry)
        self.near_cache_records = Counter(_name("near_cache_records"), "Changelog.", ["result"], registry=registry)
        self.near_cache_misses_unread = Counter(
            _name("near_cache_misses_unread"), "Misses that the store did not answer for.", registry=registry
        )
        self.canary_drift = Gauge(_name("canary_drift"), "Largest drift of a canary's score.", registry=registry)
        self.canary_failures = Counter(_name("canary_failures"), "Runs that the ranker failed.", registry=registry)

    def record_stages(self, stages: Stages) -> None:
        """Count the stage times of one finished call."""
        for name, seconds in stages.seconds.items():
            self.stage_seconds.labels(name).observe(seconds)

    def render(self) -> bytes:
        """The Prometheus text exposition."""
        return generate_latest(self.registry)
