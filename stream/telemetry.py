"""Metrics of the nearline service, declared once. Labels come from closed sets; none is an id."""

from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.errors import PrecisError

__all__ = ["Telemetry", "exemplar"]

# From an edit in the demo (tens of milliseconds) to a lane that waits out an outage.
_AGE_BUCKETS_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
# From a read of the embedded store to the whole summary budget.
_STAGE_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_MAX_EXEMPLAR_CHARS = 128
"""Of all names and values together: OpenMetrics."""


class Telemetry:
    """The metrics of one service instance, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry if registry is not None else CollectorRegistry()
        self.outcomes = self._counter("records", "Records finished, by outcome.", "outcome")
        self.event_age = self._histogram(
            "event_age_seconds",
            "Freshness of each record: from its event at the source to it, or a newer one, being servable.",
            _AGE_BUCKETS_S,
            "lane",
        )
        self.stage_seconds = self._histogram("stage_seconds", "Time of one stage.", _STAGE_BUCKETS_S, "stage")
        self.model_calls = self._counter("model_calls", "Requests to the summarizer engine, retries included.")
        self.calls_saved = self._counter("model_calls_saved", "Upserts that needed no model, by reason.", "reason")
        self.fallbacks = self._counter("fallbacks", "Extractive summaries made in place of the model's.", "reason")
        self.gate_rejections = self._counter(
            "gate_rejections", "First answers of the model that the faithfulness gate refused, by reason.", "reason"
        )
        self.dead_letters = self._counter("dead_letters", "Records dead-lettered, by error class.", "error")
        self.retries = self._counter("retries", "Records tried again, by error class.", "error")
        self.pauses = self._counter("pauses", "Refusals that the lane paused for, or was put off by.", "lane")
        self.cas_lost = self._counter("cas_lost", "Writes decided again because another writer came first.")
        self.republished = self._counter("changelog_republished", "Documents published again: a newer one was stored.")
        self.resummarised = self._counter("resummarised", "Re-summarise requests finished, by outcome.", "outcome")
        self.resummarise_waits = self._counter(
            "resummarise_waits", "Times a re-summarise request was put off, by reason.", "reason"
        )
        self.resummarise_requests = self._counter(
            "resummarise_requests", "Re-summarise requests published by this worker, by reason.", "reason"
        )
        self.rollout_generation = self._gauge("rollout_generation", "Generation of the latest roll-out seen.")
        self.rollout_paused = self._gauge("rollout_paused", "1 while the roll-out is paused.")
        self.scores_removed = self._counter("scores_removed", "Cached scores removed on invalidation.")
        self.forget_failures = self._counter("forget_failures", "Invalidations that the score cache did not answer.")
        self.in_flight = self._gauge("in_flight", "Slots of the engine that the lane holds.", "lane")
        self.keys_at_work = self._gauge("keys_at_work", "Keys with records that are not finished.", "lane")
        self.uncommitted = self._gauge("uncommitted_records", "Records delivered and not yet committable.", "lane")
        self.buffered = self._gauge("buffered_records", "Records fetched and not yet delivered.", "lane")
        self.window = self._gauge("window_records", "Most records that may be so.", "lane")
        self.lag = self._gauge(
            "lag_records",
            "Records of the assigned partitions that are not committable yet; NaN before it is known.",
            "lane",
        )
        self.commit_age = self._gauge(
            "commit_age_seconds", "Since offsets last moved or there was nothing to do.", "lane"
        )
        self.paused = self._gauge("paused", "1 while the lane starts nothing because work was refused.", "lane")
        self.canary_drift = self._gauge(
            "canary_drift", "Share of the summarizer's canaries that the last run got another text, or beginning, for."
        )
        self.canary_failures = self._counter("canary_failures", "Runs of the canaries that the summarizer failed.")
        self.ready = self._gauge("ready", "1 where canaries passed and partitions are assigned.")

    def stage(self, name: str) -> AbstractContextManager[object]:
        """Time the block as one stage, whether it succeeds or not."""
        return self.stage_seconds.labels(name).time()

    @staticmethod
    def error_label(error: BaseException) -> str:
        """The class name of an error of ours; ``Unexpected`` for all others, so that the set stays closed."""
        return type(error).__name__ if isinstance(error, PrecisError) else "Unexpected"

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"precis_nearline_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"precis_nearline_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"precis_nearline_{name}", text, labels, buckets=buckets, registry=self.registry)


def exemplar(*, job_id: str, at: str) -> dict[str, str] | None:
    """Labels that lead from a bucket to a log line: the job and the record's place, as far as the format has room."""
    for labels in ({"job_id": job_id, "at": at}, {"at": at}):
        if sum(len(name) + len(value) for name, value in labels.items()) <= _MAX_EXEMPLAR_CHARS:
            return labels
    return None
