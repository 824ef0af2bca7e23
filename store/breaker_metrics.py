"""The circuit breakers of a backend as a metric of the service that uses it, read when it is scraped.

A store has one for each kind of call, an engine's client one for each replica.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, Protocol, runtime_checkable

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

__all__ = ["HasBreakers", "export_breakers"]


@runtime_checkable
class HasBreakers(Protocol):
    """A backend behind circuit breakers; the embedded store has none."""

    @property
    def breaker_states(self) -> Mapping[str, str]:
        """Breaker -> its state now: ``closed``, ``open`` or ``half-open``."""
        ...


def export_breakers(backend: object, registry: CollectorRegistry, *, of: Literal["store", "engine"] = "store") -> None:
    """Export ``precis_store_breaker_open`` or ``precis_engine_breaker_open`` where the backend has breakers.

    Args:
        backend: The opened store, or the client of an engine.
        registry: Of the service's metrics; each kind of backend once.
        of: Which kind it is.
    """
    if isinstance(backend, HasBreakers):
        registry.register(_Breakers(backend, of))


class _Breakers(Collector):
    def __init__(self, backend: HasBreakers, of: str) -> None:
        self._backend, self._of = backend, of

    def collect(self) -> Iterable[GaugeMetricFamily]:
        help_text = f"1 while calls of the {self._of} are refused at once."
        family = GaugeMetricFamily(f"precis_{self._of}_breaker_open", help_text, labels=["breaker"])
        for name, state in self._backend.breaker_states.items():
            family.add_metric([name], float(state != "closed"))
        return [family]
