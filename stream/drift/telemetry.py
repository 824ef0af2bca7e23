"""Metrics of the drift monitor. They are exported only where it runs.

The label ``industry`` has the ten values of a closed list (``stream.drift.industry``): which postings diverge is the
first question after an alarm.
"""

from collections.abc import Mapping
from dataclasses import asdict

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from stream.drift.detector import Signal
from stream.drift.divergence import PairScores
from stream.drift.windows import Kind, Reference, Report

__all__ = ["DriftTelemetry"]

# Nats: 0.001 is a score of 0.52 for 0.5, 0.1 one of 0.72, 1 one of 0.96; a pair is bounded by 13.8.
_BUCKETS_NATS = (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


class DriftTelemetry:
    """The metrics, in the service's registry."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry if registry is not None else CollectorRegistry()

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"precis_nearline_drift_{name}", text, labels, registry=registry)

        self.samples = Counter(
            "precis_nearline_drift_samples", "Postings sampled, by result.", ("result",), registry=registry
        )
        self.divergence = Histogram(
            "precis_nearline_drift_divergence",
            "KL(p_sum || p_raw) of a query with a posting, nats.",
            ("industry",),
            buckets=_BUCKETS_NATS,
            registry=registry,
        )
        self.window_divergence = gauge(
            "window_divergence", "Divergence of the pairs of the last whole window, nats, by statistic.", "statistic"
        )
        self.window_shift = gauge(
            "window_shift", "Mean score of the summary less that of the text, of the last whole window."
        )
        self.psi = gauge("psi", "Population stability index of the last window to the reference, by signal.", "signal")
        self.threshold = gauge("psi_threshold", "What that index must not exceed, by signal.", "signal")
        self.detected = gauge(
            "detected", "1 while windows are not distributed as the reference is, by signal.", "signal"
        )
        self.reference_postings = gauge("reference_postings", "Postings of the reference; 0 while it is collected.")

    def observe_pair(self, industry: str, pair: PairScores) -> None:
        """Count one pair."""
        self.divergence.labels(industry).observe(pair.divergence)

    def export(self, report: Report | None, signals: Mapping[Kind, Signal], *, reference: Reference | None) -> None:
        """Show how things stand.

        Args:
            report: Of a window that has just become whole; None: what is shown of the last one stays.
            signals: Of each kind.
            reference: What windows are compared with; None while it is collected.
        """
        self.reference_postings.set(len(reference.divergences) if reference else 0)
        for kind, signal in signals.items():
            self.detected.labels(kind).set(signal.is_raised)
        if report is None:
            return
        statistics = asdict(report.divergences)
        self.window_shift.set(statistics.pop("shift"))
        for name, value in statistics.items():
            self.window_divergence.labels(name).set(value)
        for kind, finding in report.findings.items():
            self.psi.labels(kind).set(finding.statistic)
            self.threshold.labels(kind).set(finding.threshold)
