"""Metrics of the nearline service, declared once. Labels come from closed sets; none is an id."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.errors import PrecisError

__all__ = ["Telemetry"]

# From an edit in the demo (tens of milliseconds) to a lane that waits out an outage.
_AGE_BUCKETS_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
# From a read of the embedded store to the whole summary budget.
_STAGE_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class Telemetry:
    """The metrics of one service instance, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry if registry is not None else CollectorRegistry()
        self.outcomes = self._counter("records", "Records finished, by outcome.", "outcome")
        self.event_age = self._histogram(
            "event_age_seconds", "From the event at its source to the document being servable.", _AGE_BUCKETS_S
        )
        self.stage_seconds = self._histogram("stage_seconds", "Time of one stage.", _STAGE_BUCKETS_S, "stage")
        self.model_calls = self._counter("model_calls", "Requests to the summarizer engine, retries included.")
        self.calls_saved = self._counter("model_calls_saved", "Upserts that needed no model, by reason.", "reason")
        self.fallbacks = self._counter("fallbacks", "Extractive summaries made in place of the model's.", "reason")
        self.dead_letters = self._counter("dead_letters", "Records dead-lettered, by error class.", "error")
        self.retries = self._counter("retries", "Records tried again, by error class.", "error")
        self.pauses = self._counter("pauses", "Times the worker stopped pulling because it was refused work.")
        self.cas_lost = self._counter("cas_lost", "Writes decided again because another writer came first.")
        self.republished = self._counter("changelog_republished", "Documents published again: a newer one was stored.")
        self.scores_removed = self._counter("scores_removed", "Cached scores removed on invalidation.")
        self.forget_failures = self._counter("forget_failures", "Invalidations that the score cache did not answer.")
        self.in_flight = self._gauge("in_flight", "Keys at work.")
        self.uncommitted = self._gauge("uncommitted_records", "Records delivered and not yet committable.")
        self.window = self._gauge("window_records", "Most records that may be so.")
        self.lag = self._gauge("lag_records", "Records of the assigned partitions that are not committable yet.")
        self.commit_age = self._gauge("commit_age_seconds", "Since offsets last moved or there was nothing to do.")
        self.ready = self._gauge("ready", "1 where canaries passed and partitions are assigned.")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block as one stage, whether it succeeds or not."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stage_seconds.labels(name).observe(time.perf_counter() - start)

    @staticmethod
    def error_label(error: BaseException) -> str:
        """The class name of an error of ours; ``Unexpected`` for all others, so that the set stays closed."""
        return type(error).__name__ if isinstance(error, PrecisError) else "Unexpected"

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"precis_nearline_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"precis_nearline_{name}", text, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"precis_nearline_{name}", text, labels, buckets=buckets, registry=self.registry)
