"""Metrics of the probe, in a registry of its own."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ops.probe.run import Result, Run

__all__ = ["ProbeTelemetry"]

# From an update on an idle system to one that waits for an engine.
_BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)


class ProbeTelemetry:
    """What alerts go by."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.seconds = Histogram(
            "precis_probe_seconds",
            "From just before an update was published to each stage of its way.",
            ["stage"],
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self.runs = Counter("precis_probe_runs", "Updates followed, by result.", ["result"], registry=registry)
        self.last_success = Gauge(
            "precis_probe_last_success_timestamp_seconds",
            "When an update last came through; the start of the probe before the first.",
            registry=registry,
        )
        self.last_success.set(time.time())
        for result in Result:  # there from the start, so that a first increase is seen
            self.runs.labels(str(result))

    def observe(self, run: Run) -> None:
        """Count one run."""
        self.runs.labels(str(run.result)).inc()
        for stage, seconds in run.seconds.items():
            self.seconds.labels(str(stage)).observe(seconds)
        if run.result is Result.OK:
            self.last_success.set(time.time())
