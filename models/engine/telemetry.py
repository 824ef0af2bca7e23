"""Metrics of one engine process, declared once. Nothing here is global: each engine has its own registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_TOKENS = (16, 64, 256, 512, 1024, 2048, 4096, 8192)


class Telemetry:
    """Counters, gauges and histograms. Safe to use from the HTTP loop and the engine's thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Declare the metrics; ``clock`` gives monotonic seconds."""
        self._clock = clock
        self._registry = CollectorRegistry()
        registry = self._registry
        self.requests = Counter(
            "precis_engine_requests", "Requests by route and HTTP status.", ("route", "status"), registry=registry
        )
        self.items = Counter(
            "precis_engine_items", "Scored items and completed prompts, by route.", ("route",), registry=registry
        )
        self.tokens = Counter(
            "precis_engine_tokens",
            "Tokens by kind: prompt as the caller counts them, computed in a pass, generated.",
            ("kind",),
            registry=registry,
        )
        self.clients_gone = Counter(
            "precis_engine_clients_gone", "Requests dropped because the client had left.", registry=registry
        )
        self.stage_seconds = Histogram(
            "precis_engine_stage_seconds",
            "Seconds of a request by stage: queue, then compute.",
            ("route", "stage"),
            buckets=_SECONDS,
            registry=registry,
        )
        self.pass_seconds = Histogram(
            "precis_engine_pass_seconds",
            "Seconds of one pass through the model, by kind.",
            ("kind",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.pass_sequences = Histogram(
            "precis_engine_pass_sequences", "Sequences in one pass.", ("kind",), buckets=_BATCH, registry=registry
        )
        self.pass_tokens = Histogram(
            "precis_engine_pass_tokens", "Token rows in one pass.", ("kind",), buckets=_TOKENS, registry=registry
        )
        self.queue_tokens = Gauge(
            "precis_engine_queue_tokens", "Tokens admitted and not answered yet.", registry=registry
        )
        self.is_ready = Gauge("precis_engine_ready", "1 while the engine takes work.", registry=registry)

    def observe_pass(self, kind: str, *, num_sequences: int, num_tokens: int, started: float) -> None:
        """Count one pass that began at ``started`` and has just ended."""
        self.pass_seconds.labels(kind).observe(self._clock() - started)
        self.pass_sequences.labels(kind).observe(num_sequences)
        self.pass_tokens.labels(kind).observe(num_tokens)
        self.tokens.labels("computed").inc(num_tokens)

    def render(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)
